//! Few patterns for many names of sections.

/// How many percent of the bytes that a pattern picks must run. With less, the script is shorter and holds for more
/// of what will be changed; with more, less is picked that does not run.
const MIN_PERCENT: u64 = 60;

/// A function's section: its name, its size, and whether it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) size: u64,
    pub(crate) ran: bool,
}

/// The shortest prefixes, of at least `min_length`, that pick each section that ran, and little else. Sections of
/// the same name cannot be told apart.
pub(crate) fn prefixes<'a>(mut sections: Vec<Section<'a>>, min_length: usize) -> Vec<&'a str> {
    sections.sort_unstable();
    let mut found = Vec::new();
    collect(&sections, 0, min_length, &mut found);
    found
}

/// Of sorted sections, which are all that have the first `enough` bytes of their names.
fn collect<'a>(
    sections: &[Section<'a>],
    enough: usize,
    min_length: usize,
    found: &mut Vec<&'a str>,
) {
    let (Some(first), Some(last)) = (sections.first(), sections.last()) else { return };
    if !sections.iter().any(|section| section.ran) {
        return;
    }
    let pairs = first.name.bytes().zip(last.name.bytes());
    let common = pairs.take_while(|(a, b)| a == b).count();
    let is_one_name = first.name == last.name;
    if is_one_name || common >= min_length && most_run(sections) {
        found.push(&first.name[..enough.max(min_length).min(common)]);
        return;
    }
    // A name that others begin with comes first. Its pattern would pick those as well.
    let next = |section: &Section<'_>| section.name.as_bytes().get(common).copied();
    for group in sections.chunk_by(|a, b| next(a) == next(b)) {
        collect(group, common + 1, min_length, found);
    }
}

/// Whether enough of the bytes run.
fn most_run(sections: &[Section<'_>]) -> bool {
    let all: u64 = sections.iter().map(|section| section.size).sum();
    let ran: u64 = sections.iter().filter(|section| section.ran).map(|section| section.size).sum();
    100 * ran >= MIN_PERCENT * all
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAN: bool = true;
    const NOT: bool = false;

    fn of(sections: &[(&'static str, u64, bool)], min_length: usize) -> Vec<&'static str> {
        let sections = sections.iter().map(|&(name, size, ran)| Section { name, size, ran });
        prefixes(sections.collect(), min_length)
    }

    #[test]
    fn names_that_run_for_the_most_part_share_a_prefix() {
        let sections = [("abc1", 10, RAN), ("abc2", 10, RAN), ("abc3", 10, NOT), ("x", 5, NOT)];
        assert_eq!(of(&sections, 2), ["ab"]);
    }

    #[test]
    fn what_does_not_run_splits_a_prefix() {
        let sections = [("abc1", 10, RAN), ("abd1", 90, NOT), ("abe1", 10, RAN)];
        assert_eq!(of(&sections, 2), ["abc", "abe"]);
    }

    #[test]
    fn no_prefix_is_shorter_than_asked() {
        assert_eq!(of(&[("abc", 10, RAN), ("abd", 10, RAN)], 3), ["abc", "abd"]);
    }

    #[test]
    fn one_name_is_one_pattern_however_little_of_it_runs() {
        assert_eq!(of(&[("same", 10, RAN), ("same", 990, NOT), ("other", 10, NOT)], 2), ["sa"]);
    }

    #[test]
    fn a_name_that_others_begin_with_has_its_own_pattern() {
        assert_eq!(of(&[("ab", 10, RAN), ("abc", 900, NOT)], 2), ["ab"]);
    }

    #[test]
    fn nothing_that_ran_is_no_pattern() {
        assert_eq!(of(&[("ab", 10, NOT)], 2), [] as [&str; 0]);
    }
}
