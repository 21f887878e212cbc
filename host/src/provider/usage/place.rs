//! Nodes, or the pods of one namespace: their two evaluations, and answers kept with them.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::{HASHER, ReadError, reader, stale_warning};
use crate::evaluation::{Evaluated, Reading};
use crate::model::asked::Asked;
use crate::model::names::{Namespace, Scope};
use crate::objects::Object;
use crate::snapshot::{UsageOf, UsagePart};

/// Where values are read.
pub(super) struct Place<'a> {
    of: &'a UsageOf,
    /// `None` for nodes.
    namespace: Option<Namespace>,
    window: Duration,
    /// The request.
    raw: &'a str,
}

/// What was read there.
pub(super) struct Readings<'a> {
    of: &'a UsageOf,
    pub(super) cpu: Reading,
    pub(super) memory: Reading,
}

impl<'a> Place<'a> {
    pub(super) fn new(
        of: &'a UsageOf,
        namespace: Option<Namespace>,
        window: Duration,
        raw: &'a str,
    ) -> Self {
        Self { of, namespace, window, raw }
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

    /// Reads both evaluations.
    pub(super) async fn read(&self, objects: &[Object]) -> Result<Readings<'a>, ReadError> {
        let UsageOf { cpu, memory, .. } = self.of;
        let (cpu, memory) =
            tokio::join!(self.read_part(cpu, objects), self.read_part(memory, objects));
        Ok(Readings { of: self.of, cpu: cpu?, memory: memory? })
    }

    async fn read_part(&self, part: &UsagePart, objects: &[Object]) -> Result<Reading, ReadError> {
        let scope = self.scope(part);
        let mut asked = Asked::default();
        let mapping = part.evaluations.mapping();
        if mapping.names_objects() {
            asked.names = objects.iter().map(|object| object.name.clone()).collect();
        }
        let reading = part.evaluations.read(&scope, &asked, reader(self.raw)).await;
        reading.map_err(|failure| {
            let place = self.described();
            let what = format!("{} for {}{place}", mapping.metric, self.of.kind.resource());
            ReadError::Failed { what, failure }
        })
    }

    fn scope(&self, part: &UsagePart) -> Scope {
        match &self.namespace {
            Some(namespace) => part.evaluations.mapping().scope(namespace),
            None => Scope::Cluster,
        }
    }

    /// A number that changes when the objects do.
    pub(super) fn version(&self) -> u64 {
        self.of.kind.version(self.key())
    }

    /// Whether this request was answered from these objects and the evaluations that there are. If
    /// the queries name objects, it is not known which evaluations those are.
    pub(super) fn answered_before(&self, objects: u64) -> bool {
        let peek = |part: &UsagePart| {
            let evaluations = &part.evaluations;
            if evaluations.mapping().names_objects() {
                return None;
            }
            evaluations.peek(&self.scope(part), &Asked::default())
        };
        let (Some(cpu), Some(memory)) = (peek(&self.of.cpu), peek(&self.of.memory)) else {
            return false;
        };
        cpu.answers.get(self.raw, self.made_from(&memory, objects)).is_some()
    }

    /// The answer that was given before from the same evaluations and the same objects.
    pub(super) fn remembered(&self, readings: &Readings<'_>, objects: u64) -> Option<Bytes> {
        let version = self.made_from(&readings.memory.evaluated, objects);
        readings.cpu.evaluated.answers.get(self.raw, version)
    }

    /// Keeps an answer, with the evaluation of cpu.
    pub(super) fn remember(&self, readings: &Readings<'_>, objects: u64, body: &Bytes) {
        let version = self.made_from(&readings.memory.evaluated, objects);
        readings.cpu.evaluated.answers.put(self.raw, version, body.clone());
    }

    /// What an answer depends on besides the evaluation that it is kept with: the other evaluation,
    /// the objects, and what the rules say without a new query. Both evaluations are refreshed at
    /// times of their own, and one outlives a change of the configuration that the other does not.
    fn made_from(&self, memory: &Arc<Evaluated>, objects: u64) -> u64 {
        let of = self.of;
        let labels = |part: &'a UsagePart| (&part.object_label, &part.container_label);
        // Evaluations of one scope follow each other, so none begins when another did.
        HASHER.hash_one((memory.at, objects, self.window, labels(&of.cpu), labels(&of.memory)))
    }
}

impl Readings<'_> {
    /// Whether newer values could not be had.
    pub(super) fn stale(&self) -> bool {
        self.cpu.stale.is_some() || self.memory.stale.is_some()
    }

    /// What is to be known of old values.
    pub(super) fn warning(&self) -> Option<String> {
        let of = |part: &UsagePart, reading| stale_warning(reading, part.evaluations.mapping());
        of(&self.of.cpu, &self.cpu).or_else(|| of(&self.of.memory, &self.memory))
    }
}
