//! The linker script.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::{self, Write as _};
use std::path::Path;

use crate::link_map::Function;
use crate::patterns::{Section, prefixes};

/// The shortest prefix of a section's name where the file names the crate: `.text._ZN` and a digit or two.
const MIN_IN_CRATE: usize = 12;
/// The same where sections of all files are picked.
const MIN_ANYWHERE: usize = 22;

const HEAD: &str = "\
/* Places the functions that run while the adapter serves side by side: the kernel maps 64 KiB around each page
   that is used. Written by `cargo xtask layout`; a function that is not picked runs as well, from another
   page. Names end with a hash that changes with the compiler, hence the patterns. */
SECTIONS
{
  .text.serving :
  {
";
const TAIL: &str = "  }\n}\nINSERT BEFORE .text;\n";

/// The processes that were recorded.
#[derive(Debug, Default)]
pub(crate) struct Records {
    processes: usize,
    /// How many of them ran the function at an address.
    ran: HashMap<u64, usize>,
}

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

impl Records {
    /// Those in a folder, a file of addresses for each process.
    pub(crate) fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut records = Self::default();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let text = std::fs::read_to_string(&path)?;
            let addresses: Result<Vec<_>, _> =
                text.lines().map(|line| u64::from_str_radix(line, 16)).collect();
            records.add(addresses.map_err(|error| format!("{}: {error}", path.display()))?);
        }
        if records.ran.is_empty() {
            return Err(format!("{}: nothing was recorded", folder.display()).into());
        }
        Ok(records)
    }

    /// Adds a process that ran these functions.
    fn add(&mut self, addresses: Vec<u64>) {
        self.processes += 1;
        for address in addresses {
            *self.ran.entry(address).or_default() += 1;
        }
    }

    /// Whether so many processes ran a function.
    fn ran(&self, function: &Function, min_processes: usize) -> bool {
        self.ran.get(&function.address).is_some_and(|&count| count >= min_processes)
    }
}

/// How many percent of the processes must run a function. First comes what half of them run: what serves a metric of
/// any kind is not scattered among what, say, one kind of source needs. What only a few run is for what rarely
/// happens.
const MIN_PERCENT: [usize; 2] = [50, 5];

/// The script that picks the functions that ran.
pub(crate) fn script(functions: &[Function], records: &Records) -> (String, Summary) {
    let mut picked = vec![false; functions.len()];
    let mut text = HEAD.to_owned();
    let mut count = 0;
    for percent in MIN_PERCENT {
        let min_processes = (records.processes * percent).div_ceil(100);
        let left = functions.iter().zip(&picked).filter(|(_, picked)| !**picked);
        let patterns = patterns(left.map(|(function, _)| function), records, min_processes);
        for pattern in &patterns {
            let _ = writeln!(text, "    {pattern}");
        }
        for (function, picked) in functions.iter().zip(&mut picked) {
            *picked = *picked || patterns.iter().any(|pattern| pattern.picks(function));
        }
        count += patterns.len();
    }
    text.push_str(TAIL);
    let picked = functions.iter().zip(&picked).filter(|(_, picked)| **picked);
    let summary = Summary {
        patterns: count,
        ran: size(functions.iter().filter(|function| records.ran(function, 1))),
        picked: size(picked.map(|(function, _)| function)),
        all: size(functions.iter()),
    };
    (text, summary)
}

/// Patterns for what so many processes ran. Sections go where they match first, so those of a crate come
/// before those of any file.
fn patterns<'a>(
    functions: impl Iterator<Item = &'a Function>,
    records: &Records,
    min_processes: usize,
) -> Vec<Pattern<'a>> {
    let mut units: BTreeMap<Option<&str>, Vec<Section<'_>>> = BTreeMap::new();
    for function in functions {
        units.entry(function.unit.as_deref()).or_default().push(Section {
            name: &function.section,
            size: function.size,
            ran: records.ran(function, min_processes),
        });
    }
    let (anywhere, crates): (Vec<_>, Vec<_>) =
        units.into_iter().partition(|(unit, _)| unit.is_none());
    let mut patterns = Vec::new();
    for (unit, sections) in crates.into_iter().chain(anywhere) {
        let min_length = if unit.is_some() { MIN_IN_CRATE } else { MIN_ANYWHERE };
        let prefixes = prefixes(sections, min_length).into_iter();
        patterns.extend(prefixes.map(|prefix| Pattern { unit, prefix }));
    }
    patterns
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

fn size<'a>(functions: impl Iterator<Item = &'a Function>) -> Size {
    functions.fold(Size::default(), |sum, function| Size {
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

    fn function(address: u64, unit: Option<&str>, section: &str) -> Function {
        let unit = unit.map(str::to_owned);
        Function { address, size: 1024, unit, section: section.to_owned() }
    }

    fn records(processes: &[&[u64]]) -> Records {
        let mut records = Records::default();
        processes.iter().for_each(|addresses| records.add(addresses.to_vec()));
        records
    }

    #[test]
    fn functions_that_ran_are_picked_by_crate_and_name() {
        let functions = [
            function(1, Some("tokio"), ".text._ZN5tokio4park"),
            function(2, Some("hyper"), ".text._ZN5tokio4park"),
            function(3, None, ".text._ZN8leadsman5serve5start"),
            function(4, None, ".text._ZN8leadsman8commands5doctor"),
        ];
        let (text, summary) = script(&functions, &records(&[&[1, 3]]));
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
    fn what_half_of_the_processes_ran_comes_first() {
        let functions = [
            function(1, Some("alb"), ".text._ZN3alb5login"),
            function(2, Some("tokio"), ".text._ZN5tokio4park"),
        ];
        let (text, _) = script(&functions, &records(&[&[1, 2], &[2], &[2]]));
        let place = |name: &str| text.find(name).expect("a pattern");
        assert!(place("*.tokio-*") < place("*.alb-*"), "{text}");
    }
}
