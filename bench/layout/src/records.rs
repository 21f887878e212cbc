//! What the processes of the test programs ran.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::link_map::Function;
use crate::named;

/// What ran, by test program.
#[derive(Debug)]
pub(crate) struct Records(Vec<Program>);

/// The processes that a test program started.
#[derive(Debug)]
struct Program {
    processes: usize,
    /// How many of them ran the function at an address.
    ran: HashMap<u64, usize>,
}

/// Parts of what runs, in the order in which they are placed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// What half of the processes run, on average of all programs: what serves a metric of any kind is not
    /// scattered among what, say, one kind of source needs.
    Common,
    /// What a fifth of the processes of one program run. The rest is for what rarely happens.
    Special,
}

impl Records {
    /// Those in a folder: one for each program, with a file of addresses for each process.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let programs = entries(folder)?;
        programs.iter().map(|program| Program::read(program)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a function is of this part.
    pub(crate) fn is_of(&self, function: &Function, part: Part) -> bool {
        let shares = self.0.iter().map(|program| program.percent(function));
        match part {
            Part::Common => shares.sum::<usize>() >= 50 * self.0.len(),
            Part::Special => shares.max().is_some_and(|percent| percent >= 20),
        }
    }

    /// Whether a process ran a function.
    pub(crate) fn ran(&self, function: &Function) -> bool {
        self.0.iter().any(|program| program.ran.contains_key(&function.address))
    }
}

impl Program {
    fn read(folder: &Path) -> Result<Self, String> {
        let processes = entries(folder)?;
        processes.iter().map(|process| addresses(process)).collect::<Result<_, _>>().map(Self::of)
    }

    fn of(processes: Vec<HashSet<u64>>) -> Self {
        let mut program = Self { processes: processes.len(), ran: HashMap::new() };
        for address in processes.into_iter().flatten() {
            *program.ran.entry(address).or_default() += 1;
        }
        program
    }

    /// How many percent of the processes ran a function.
    fn percent(&self, function: &Function) -> usize {
        100 * self.ran.get(&function.address).copied().unwrap_or_default() / self.processes
    }
}

/// What is in a folder. Nothing means that the recorder did not run.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    match entries {
        Err(error) => Err(named(folder, &error)),
        Ok(entries) if entries.is_empty() => {
            Err(format!("{}: nothing was recorded", folder.display()))
        }
        Ok(entries) => Ok(entries),
    }
}

/// The addresses in the record of a process.
fn addresses(record: &Path) -> Result<HashSet<u64>, String> {
    let text = std::fs::read_to_string(record).map_err(|error| named(record, &error))?;
    let addresses: Result<_, _> = text.lines().map(|line| u64::from_str_radix(line, 16)).collect();
    addresses.map_err(|error| format!("{}: {error}", record.display()))
}

/// Of programs, with what each of their processes ran.
#[cfg(test)]
pub(crate) fn records(programs: &[&[&[u64]]]) -> Records {
    let processes = |program: &&[&[u64]]| {
        let processes = program.iter().map(|process| process.iter().copied().collect());
        Program::of(processes.collect())
    };
    Records(programs.iter().map(processes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_program_needs_is_picked_however_many_processes_others_start() {
        let section = ".text._ZN3alb5login".to_owned();
        let function = Function { address: 1, size: 1024, unit: None, section };
        let many: [&[u64]; 50] = [&[]; 50];
        let records = records(&[&many, &[&[1], &[1], &[]]]);
        assert!(records.is_of(&function, Part::Special) && !records.is_of(&function, Part::Common));
    }
}
