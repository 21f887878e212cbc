//! From the servers of pools to pods: by their address.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Answer, Column, Failure, Input, Label, NAMESPACE_LABEL, Object, ObjectKey, Series,
};

/// Whose the value of each server of a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub(crate) enum Servers {
    /// That of the pod with the address of the server.
    Pods,
}

/// The pods of an evaluation by address.
pub(crate) struct Pods<'a> {
    /// `None` for several pods of one address, as those in the network of their node are: there is
    /// no saying which of them is meant.
    known: HashMap<Label<'a>, Option<Object<'a>>>,
    address: Option<Column>,
    namespace: Option<Column>,
}

impl<'a> Pods<'a> {
    /// The pods that the series of an answer may be of. Fails if the addresses of pods are not
    /// known, or no server is a pod.
    pub(crate) fn new(answer: &Answer<'a>, input: &'a Input) -> Result<Self, Failure> {
        let mut known = HashMap::new();
        for object in input.objects() {
            if let Some(address) = object.address() {
                known.entry(address).and_modify(|known| *known = None).or_insert(Some(object));
            }
        }
        if known.is_empty() && input.objects().next().is_some() {
            return Err(Failure::new(
                "the adapter does not know the address of any pod, so that no server can be found \
                 among them",
            ));
        }
        let (address, namespace) = (answer.column("address"), answer.column(NAMESPACE_LABEL));
        let pods = Self { known, address, namespace };
        pods.add(answer)?;
        Ok(pods)
    }

    fn add(&self, answer: &Answer<'a>) -> Result<(), Failure> {
        let mut series = answer.series()?;
        if self.known.is_empty() || series.len() == 0 {
            return Ok(());
        }
        let first = series.next().and_then(|first| first.label("server"));
        if answer.series()?.any(|series| self.object(&series).is_some()) {
            return Ok(());
        }
        let first = first.map(|server| format!(" (the first is {server})")).unwrap_or_default();
        Err(Failure::in_query(
            answer.query(),
            format!(
                "no server of the pools has the address of a pod{first}; AKO makes pods the servers \
                 only with its service type ClusterIP, and nodes with the others"
            ),
        ))
    }

    /// The pod of a series.
    pub(crate) fn object(&self, series: &Series<'a>) -> Option<ObjectKey<'a>> {
        let pod = (*self.known.get(&series.at(self.address?)?)?)?;
        let namespace = self.namespace.and_then(|column| series.at(column));
        let elsewhere = namespace.is_some_and(|named| pod.namespace() != Some(named));
        (!elsewhere).then(|| pod.into())
    }
}
