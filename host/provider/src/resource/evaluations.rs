//! Nodes, or the pods of one namespace: their two evaluations.

use super::super::part::{Part, StandIns, not_numbers, stale_warning};
use super::super::{Origin, ReadError};
use super::{CpuAndMemory, Measured};
use leadsman_evaluation::{Reader, Reading};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::objects::Object;
use leadsman_model::query_params::QueryParams;

/// The evaluations of cpu and memory for one namespace, or for the nodes.
pub(super) struct ResourceEvaluations {
    /// `None` for nodes.
    pub(super) namespace: Option<Namespace>,
    cpu: Part,
    memory: Part,
}

/// What was read of them.
pub(super) struct Readings {
    pub(super) cpu: Reading,
    pub(super) memory: Reading,
}

impl ResourceEvaluations {
    pub(super) fn new(both: &CpuAndMemory, namespace: Option<Namespace>) -> Self {
        let part = |measured: &Measured| {
            let evaluations = measured.evaluations.clone();
            let scope = match &namespace {
                Some(namespace) => evaluations.mapping().scope(namespace),
                None => Scope::Cluster,
            };
            Part { evaluations, scope, key: QueryParams::default() }
        };
        let (cpu, memory) = (part(&both.cpu), part(&both.memory));
        Self { namespace, cpu, memory }
    }

    /// The namespace as objects have it: empty for those that live in none.
    pub(super) fn key(&self) -> &str {
        self.namespace.as_ref().map_or("", Namespace::as_str)
    }

    /// For messages.
    pub(super) fn described(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!(" in namespace {namespace}"),
            None => String::new(),
        }
    }

    /// The origin of an answer from the values that are known now, for objects of this version.
    pub(super) fn peek(&self, objects: u64) -> Option<Origin> {
        let (cpu, memory) = (self.cpu.peek()?, self.memory.peek()?);
        Some(Origin::new(&cpu, Some(&memory), objects))
    }

    /// Reads both evaluations.
    pub(super) async fn read(
        &self,
        reader: Reader<'_>,
        objects: &[Object],
    ) -> Result<Readings, ReadError> {
        let names = || objects.iter().map(|object| &object.name);
        let (cpu, memory) =
            tokio::join!(self.cpu.read(reader, names()), self.memory.read(reader, names()));
        Ok(Readings { cpu: cpu?, memory: memory? })
    }
}

impl Readings {
    /// The origin of an answer, for objects of this version.
    pub(super) fn origin(&self, objects: u64) -> Origin {
        Origin::new(&self.cpu.evaluated, Some(&self.memory.evaluated), objects)
    }

    /// Whether values are served although there are no newer ones.
    pub(super) fn is_stale(&self) -> bool {
        self.cpu.stale.is_some() || self.memory.stale.is_some()
    }

    /// Warnings about old values, and about those that are no numbers.
    pub(super) fn warning(&self, both: &CpuAndMemory) -> Option<String> {
        let stale = |measured: &Measured, reading| {
            stale_warning(reading, &StandIns::default(), measured.evaluations.mapping())
        };
        let stale = stale(&both.cpu, &self.cpu).or_else(|| stale(&both.memory, &self.memory));
        let nan =
            |measured: &Measured, reading| not_numbers(reading, measured.evaluations.mapping());
        stale.or_else(|| nan(&both.cpu, &self.cpu)).or_else(|| nan(&both.memory, &self.memory))
    }
}
