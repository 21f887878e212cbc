//! The stage of an attempt in progress, which is reported to readers whose deadline passes.

use std::fmt;

/// What an attempt under way is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its queries are not all answered.
    #[default]
    Querying,
    /// The plugin is to run, and waits.
    Waiting(WaitingFor),
    /// The plugin runs.
    Running,
}

/// What a run of a plugin waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitingFor {
    /// Plugin time of the team's budget.
    PluginTime,
    /// Memory of the team's budget.
    Memory,
    /// One of the runs that the mapping may have at once.
    OwnRuns,
    /// One of the runs that all plugins may have at once.
    Slot,
}

/// Why it waits.
impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PluginTime => {
                "waits for a slot: runs under way may use up the namespace's budget of plugin time"
            }
            Self::Memory => {
                "waits for a slot: runs under way take the namespace's budget of plugin memory"
            }
            Self::OwnRuns => {
                "waits for a slot: as many runs of this mapping are under way as may be at once"
            }
            Self::Slot => {
                "waits for a slot: as many plugins run as may at once, of all or of its namespace"
            }
        })
    }
}
