//! The linker script.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::link_map::Function;
use crate::patterns::{Section, prefixes};
use crate::records::{Part, Records};

/// The shortest prefix of a section's name where the file names the crate: `.text._ZN` and a digit or two.
const MIN_IN_CRATE: usize = 12;
/// The same where sections of all files are picked.
const MIN_ANYWHERE: usize = 22;

const HEAD: &str = "\
/* Places the functions that run while the adapter serves side by side: the kernel maps 64 KiB around each page
   that is used. Written by `cargo xtask layout`; a function that is not picked runs as well, from another
   page. Names have hashes that change with the compiler, hence the patterns. */
SECTIONS
{
  .text.serving :
  {
";
const TAIL: &str = "  }\n}\nINSERT BEFORE .text;\n";

/// What a script picks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    patterns: usize,
    ran: Size,
    picked: Size,
    all: Size,
}

/// Functions and their bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Size {
    functions: usize,
    bytes: u64,
}

/// What a line of the script picks.
#[derive(Debug)]
struct Pattern<'a> {
    /// The crate, or sections of any file.
    unit: Option<&'a str>,
    prefix: &'a str,
}

/// The script that picks the functions that ran.
pub(crate) fn script(functions: &[Function], records: &Records) -> (String, Summary) {
    let mut left: Vec<&Function> = functions.iter().collect();
    let mut text = HEAD.to_owned();
    let mut patterns = 0;
    for part in [Part::Common, Part::Special] {
        // A section goes where it matches first: those of a crate before those of any file.
        for anywhere in [false, true] {
            let own = patterns_of(&left, records, part, anywhere);
            own.iter().for_each(|pattern| {
                let _ = writeln!(text, "    {pattern}");
            });
            left.retain(|function| !own.iter().any(|pattern| pattern.picks(function)));
            patterns += own.len();
        }
    }
    text.push_str(TAIL);
    let (all, left) = (size(functions), size(left));
    let picked = Size { functions: all.functions - left.functions, bytes: all.bytes - left.bytes };
    let ran = size(functions.iter().filter(|function| records.ran(function)));
    (text, Summary { patterns, ran, picked, all })
}

/// Patterns for the functions of a part, in the files of each crate or `anywhere`.
fn patterns_of<'a>(
    functions: &[&'a Function],
    records: &Records,
    part: Part,
    anywhere: bool,
) -> Vec<Pattern<'a>> {
    let mut units: BTreeMap<Option<&str>, Vec<Section<'_>>> = BTreeMap::new();
    for function in functions {
        let unit = function.unit.as_deref().filter(|_| !anywhere);
        if unit.is_some() || anywhere {
            units.entry(unit).or_default().push(Section {
                name: &function.section,
                size: function.size,
                ran: records.is_of(function, part),
            });
        }
    }
    let min_length = if anywhere { MIN_ANYWHERE } else { MIN_IN_CRATE };
    let patterns = units.into_iter().flat_map(|(unit, sections)| {
        let prefixes = prefixes(sections, min_length).into_iter();
        prefixes.map(move |prefix| Pattern { unit, prefix })
    });
    patterns.collect()
}

impl Pattern<'_> {
    fn picks(&self, function: &Function) -> bool {
        let is_of_unit = self.unit.is_none() || function.unit.as_deref() == self.unit;
        is_of_unit && function.section.starts_with(self.prefix)
    }
}

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Some(unit) => write!(f, "*.{unit}-*({}*)", self.prefix),
            None => write!(f, "*({}*)", self.prefix),
        }
    }
}

fn size<'a>(functions: impl IntoIterator<Item = &'a Function>) -> Size {
    functions.into_iter().fold(Size::default(), |sum, function| Size {
        functions: sum.functions + 1,
        bytes: sum.bytes + function.size,
    })
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { patterns, ran, picked, all } = self;
        write!(f, "{patterns} patterns pick {picked} for {ran} that ran, of {all}")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} functions ({} KiB)", self.functions, self.bytes / 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::records;

    fn function(address: u64, unit: Option<&str>, section: &str) -> Function {
        let unit = unit.map(str::to_owned);
        Function { address, size: 1024, unit, section: section.to_owned() }
    }

    #[test]
    fn functions_that_ran_are_picked_by_crate_and_name() {
        let functions = [
            function(1, Some("tokio"), ".text._ZN5tokio4park"),
            function(2, Some("hyper"), ".text._ZN5tokio4park"),
            function(3, None, ".text._ZN8leadsman5serve5start"),
            function(4, None, ".text._ZN8leadsman8commands5doctor"),
        ];
        let (text, summary) = script(&functions, &records(&[&[&[1, 3]]]));
        assert_eq!(
            text,
            format!(
                "{HEAD}    *.tokio-*(.text._ZN5to*)\n    \
                 *(.text._ZN8leadsman5ser*)\n{TAIL}"
            )
        );
        assert_eq!(
            summary.to_string(),
            "2 patterns pick 2 functions (2 KiB) for 2 functions (2 KiB) that ran, of 4 functions (4 KiB)"
        );
    }

    #[test]
    fn what_is_common_to_the_programs_comes_first() {
        let functions = [
            function(1, Some("alb"), ".text._ZN3alb5login"),
            function(2, Some("tokio"), ".text._ZN5tokio4park"),
        ];
        let (text, _) = script(&functions, &records(&[&[&[1, 2]], &[&[2]], &[&[2]]]));
        let place = |name: &str| text.find(name).expect("a pattern");
        assert!(place("*.tokio-*") < place("*.alb-*"), "{text}");
    }

    #[test]
    fn what_one_of_many_processes_ran_is_not_picked() {
        let functions = [function(1, Some("alb"), ".text._ZN3alb5login")];
        let (text, _) = script(&functions, &records(&[&[&[1], &[], &[], &[], &[], &[]]]));
        assert_eq!(text, format!("{HEAD}{TAIL}"));
    }

    #[test]
    fn patterns_for_any_file_pick_little_of_what_crates_do_not_run() {
        let functions = [
            function(1, None, ".text._ZN8leadsman5serve5start"),
            function(2, Some("api"), ".text._ZN8leadsman5serve5never"),
            function(3, Some("api"), ".text._ZN8leadsman5serve6neither"),
        ];
        let (text, _) = script(&functions, &records(&[&[&[1]]]));
        assert_eq!(text, format!("{HEAD}    *(.text._ZN8leadsman5serve5s*)\n{TAIL}"));
    }
}
