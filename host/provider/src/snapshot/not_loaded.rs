//! Why it is not known yet which metrics there are.

use std::fmt;

/// Why no configuration of the operator is in force yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotLoaded {
    /// It is being read, or its plugins are being loaded: nothing is known to be wrong.
    Loading,
    /// There is none that can be put in force. Why, for people.
    Refused(String),
}

impl fmt::Display for NotLoaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loading => "the configuration is being loaded",
            Self::Refused(why) => why,
        })
    }
}
