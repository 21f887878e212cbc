//! What the compiler works for: plugins that run for long, or one that is edited.

/// What the compiler works for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Optimization {
    /// Code that runs fast.
    #[default]
    Speed,
    /// A compilation that ends soon. The code gives the same values and takes longer for them.
    None,
}

impl Optimization {
    const ALL: [Self; 2] = [Self::Speed, Self::None];

    /// The one that an argument of the compiler process names.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The argument of the compiler process.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_process_knows_each_by_its_argument() {
        for one in Optimization::ALL {
            assert_eq!(Optimization::named(one.name()), Some(one));
        }
        assert_eq!(Optimization::named("most"), None);
    }
}
