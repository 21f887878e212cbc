//! Compares two versions of a plugin on the same inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;

use super::origin::{self, Tools};
use super::registry::RegistryOptions;
use super::{PluginError, table};
use leadsman_control::{self as control, FixtureRun};
use leadsman_model::text::counted;
use leadsman_sandbox::{Description, Limits, Plugin};

/// How many values of an input are shown.
const MAX_SHOWN: usize = 50;

/// What two versions of a plugin make of the same inputs.
#[derive(Debug, Clone)]
pub struct Differences {
    /// Name and version of both.
    pub versions: [String; 2],
    /// What changed in what they say of themselves.
    pub description: Vec<String>,
    /// Each input.
    pub inputs: Vec<Difference>,
}

/// What two versions make of one input.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The name of the fixture.
    pub name: String,
    /// What the old one made of it, and the new one.
    pub outcomes: [FixtureRun; 2],
}

/// Runs two plugins on the fixtures of both, and on these files.
pub async fn diff(
    old: &str,
    new: &str,
    files: &[PathBuf],
    access: &RegistryOptions,
) -> anyhow::Result<Differences> {
    let tools = Tools::new(None)?;
    let plugins = [tools.fetch(old, access).await?.plugin, tools.fetch(new, access).await?.plugin];
    let mut inputs = Vec::new();
    for (name, fixture) in inputs_of(&plugins, files)? {
        let text = fixture.to_string().into_bytes();
        let [old, new] = [0, 1].map(|of| (&plugins[of], text.clone()));
        let outcomes = [run(&name, old).await?, run(&name, new).await?];
        inputs.push(Difference { name, outcomes });
    }
    let [old, new] = [plugins[0].description(), plugins[1].description()];
    let versions = [old, new].map(|of| format!("{} {}", of.name, of.version));
    Ok(Differences { versions, description: described(old, new), inputs })
}

async fn run(name: &str, (plugin, text): (&Plugin, Vec<u8>)) -> anyhow::Result<FixtureRun> {
    let ran = control::run_on_fixture(plugin, text, Limits::default(), 1).await;
    let outcomes = ran.map_err(|reason| PluginError(format!("{name}: {reason}")))?;
    outcomes.into_iter().next().context("nothing was run")
}

/// The fixtures of both, once each, and those of files. Two of the same name that differ are two.
fn inputs_of(plugins: &[Plugin; 2], files: &[PathBuf]) -> anyhow::Result<Vec<(String, Value)>> {
    let [old, new] = [origin::fixtures(&plugins[0])?, origin::fixtures(&plugins[1])?];
    let newer: BTreeMap<_, _> = new.iter().map(|(name, fixture)| (name, fixture)).collect();
    let mut inputs = Vec::new();
    for (name, fixture) in &old {
        let changed = newer
            .get(name)
            .is_some_and(|newer| without_expectation(newer) != without_expectation(fixture));
        let name = if changed { format!("{name} (old)") } else { name.clone() };
        inputs.push((name, fixture.clone()));
    }
    for (name, fixture) in new {
        let known = old.iter().find(|(known, _)| *known == name);
        match known {
            Some((_, older)) if without_expectation(older) == without_expectation(&fixture) => {}
            Some(_) => inputs.push((format!("{name} (new)"), fixture)),
            None => inputs.push((name, fixture)),
        }
    }
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
        let fixture = serde_json::from_slice(&text)
            .map_err(|error| PluginError(format!("{name}: {error}")))?;
        inputs.push((name, fixture));
    }
    if inputs.is_empty() {
        let reason = "neither of them brings fixtures: name a recorded input with --fixture";
        return Err(PluginError(reason.to_owned()).into());
    }
    Ok(inputs)
}

/// What a fixture gives to a plugin.
fn without_expectation(fixture: &Value) -> Value {
    let mut input = fixture.clone();
    if let Some(keys) = input.as_object_mut() {
        keys.remove("expect");
    }
    input
}

fn described(old: &Description, new: &Description) -> Vec<String> {
    let mut changes = Vec::new();
    let texts = [
        ("name", &old.name, &new.name),
        ("version", &old.version, &new.version),
        ("about", &old.about, &new.about),
    ];
    for (what, old, new) in texts {
        if old != new {
            changes.push(format!("{what}: {old} → {new}"));
        }
    }
    let keys = |of: &Description| -> BTreeMap<String, Value> {
        let properties = of.config_schema["properties"].as_object();
        properties.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let (before, after) = (keys(old), keys(new));
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in all {
        match (before.get(key), after.get(key)) {
            (Some(_), None) => changes.push(format!("config: the key {key} is gone")),
            (None, Some(_)) => changes.push(format!("config: the key {key} is new")),
            (one, other) if one != other => changes.push(format!("config: the key {key} changed")),
            _ => {}
        }
    }
    let required = |of: &Description| of.config_schema["required"].clone();
    if required(old) != required(new) {
        changes.push("config: other keys are required".to_owned());
    }
    changes
}

impl Difference {
    /// Whether both give the same values, or fail in the same way.
    pub fn is_same(&self) -> bool {
        self.outcomes[0].result == self.outcomes[1].result
    }

    /// The values that differ: of what, the old one, and the new one.
    fn values(&self) -> Vec<[String; 3]> {
        let [old, new] = &self.outcomes;
        let (Ok(old), Ok(new)) = (&old.result, &new.result) else {
            let shown = |outcome: &FixtureRun| match &outcome.result {
                Ok(values) => counted(values.len(), "value"),
                Err(reason) => reason.clone(),
            };
            return vec![["result".to_owned(), shown(old), shown(new)]];
        };
        let [before, after] = [old, new].map(|of| of.iter().cloned().collect::<BTreeMap<_, _>>());
        let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let none = || "no value".to_owned();
        all.into_iter()
            .filter(|of| before.get(*of) != after.get(*of))
            .map(|of| {
                let value = |side: &BTreeMap<String, String>| side.get(of).cloned();
                let [old, new] = [&before, &after].map(|side| value(side).unwrap_or_else(none));
                [of.clone(), old, new]
            })
            .collect()
    }
}

impl Differences {
    /// Whether both give the same for each input.
    pub fn is_same(&self) -> bool {
        self.inputs.iter().all(Difference::is_same)
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [old, new] = &self.versions;
        writeln!(f, "old  {old}\nnew  {new}\n")?;
        for change in &self.description {
            writeln!(f, "{change}")?;
        }
        for input in &self.inputs {
            let costs = input.outcomes.each_ref().map(|outcome| {
                format!("{}, {}", table::time(outcome.took), table::bytes(outcome.memory))
            });
            let [old, new] = &costs;
            let verdict = if input.is_same() { "same" } else { "different" };
            writeln!(f, "{}: {verdict} ({old} → {new})", input.name)?;
            if input.is_same() {
                continue;
            }
            let values = input.values();
            let mut rows = vec![["", "", "old", "new"].map(str::to_owned).to_vec()];
            for [of, old, new] in values.iter().take(MAX_SHOWN) {
                rows.push(vec![String::new(), of.clone(), old.clone(), new.clone()]);
            }
            f.write_str(&table::columns(&rows))?;
            if values.len() > MAX_SHOWN {
                writeln!(f, "  and {} more", values.len() - MAX_SHOWN)?;
            }
        }
        Ok(())
    }
}
