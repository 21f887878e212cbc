//! What was compared, and what is not explained.

use std::collections::{BTreeMap, BTreeSet};

/// The result of all files.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How many reads were compared.
    reads: usize,
    /// How many of them had a value.
    values: usize,
    /// The variants that were read.
    variants: BTreeSet<usize>,
    /// The queries of prometheus-adapter that were found again.
    queries: usize,
    /// How often each row of the documentation explained a difference.
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

/// How many differences are shown.
const SHOWN: usize = 40;

impl Report {
    pub(crate) fn read(&mut self, variant: Option<usize>, has_value: bool) {
        self.reads += 1;
        self.values += usize::from(has_value);
        self.variants.extend(variant);
    }

    pub(crate) fn query(&mut self) {
        self.queries += 1;
    }

    pub(crate) fn explained(&mut self, row: &'static str) {
        *self.explained.entry(row).or_default() += 1;
    }

    pub(crate) fn unexplained(&mut self, difference: String) {
        self.unexplained.push(difference);
    }

    /// # Panics
    /// If a difference is not in the documentation, or too little was compared.
    pub(crate) fn assert_agreement(
        &self,
        count: usize,
        documented: &BTreeMap<&'static str, String>,
    ) {
        let Self { reads, values, variants, queries, .. } = self;
        let read = variants.len();
        println!("{read} of {count} variants read {reads} times, {values} with values");
        println!("{queries} queries of prometheus-adapter are Leadsman's, too");
        for (row, reason) in documented {
            let times = self.explained.get(row).copied().unwrap_or_default();
            println!("{times} times: {reason}");
        }
        let unexplained = &self.unexplained;
        assert!(
            unexplained.is_empty(),
            "{} differences that the documentation does not state, for instance:\n{}",
            unexplained.len(),
            unexplained[..unexplained.len().min(SHOWN)].join("\n"),
        );
        // A generator whose rules give nothing would compare nothing.
        assert!(read * 10 >= count * 7, "only {read} of {count} variants give metrics");
        assert!(reads >= &count, "only {reads} reads of {count} variants");
        assert!(values * 5 >= *reads * 2, "only {values} of {reads} reads have values");
        assert!(queries * 2 >= *reads, "only {queries} queries in {reads} reads");
    }
}
