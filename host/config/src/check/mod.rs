//! From what is written to what is valid, noting every fault on the way.

mod mapping;
mod nsx_alb;
mod plugin;
mod rules;
mod source;

pub(super) use mapping::check_promql;

use std::collections::HashMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use super::decode::Decoded;
use super::flags::Flags;
use super::origin::Origin;
use super::{valid, written};
use leadsman_document::{Fault, MAX_FAULTS, parse_duration, segment, suggestion};
use leadsman_model::objects::ListedObject;
use leadsman_model::pointer;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_rules::Api;
use leadsman_runtime::files::{self, FileFingerprint};

/// Checks everything that the shape alone does not say. Gives the files that are named, too.
pub(super) fn validate(
    decoded: Decoded,
    origin: &Origin<'_>,
    flags: &Flags,
    faults: &mut Vec<Fault>,
) -> (valid::Config, Vec<FileFingerprint>) {
    let mut check = Check { origin, faults, query_work: 0, files: Vec::new() };
    if check.of_a_team(&decoded) == Amount::TooMuch {
        return (valid::Config::default(), Vec::new());
    }
    // A source or plugin with a fault still is one that mappings may name.
    let source_names: Vec<_> = match origin.team() {
        Some((_, team)) => team.sources.clone(),
        None => decoded.sources.keys().cloned().collect(),
    };
    let plugin_names: Vec<_> = decoded.plugins.keys().cloned().collect();
    let names = mapping::Names { sources: &source_names, plugins: &plugin_names };
    let sources = decoded
        .sources
        .into_iter()
        .filter_map(|(name, source)| {
            let place = format!("/sources/{}", segment(&name));
            Some((name, check.source(source?, &place)?))
        })
        .collect();
    let plugins = decoded
        .plugins
        .into_iter()
        .filter_map(|(name, plugin)| {
            let plugin = check.plugins(&name, plugin?)?;
            Some((name, plugin))
        })
        .collect();
    let mut mappings = Vec::new();
    for (at, mapping) in decoded.mappings {
        if check.faults.len() >= MAX_FAULTS {
            break;
        }
        mappings.extend(check.mapping(mapping, &format!("/mappings/{at}"), &names));
    }
    check.twice(&mappings);
    let objects = decoded
        .objects
        .into_iter()
        .filter_map(|(at, object)| check.object(object, &format!("/objects/{at}"), &mappings))
        .collect();
    let registries = decoded
        .registries
        .into_iter()
        .filter_map(|(at, registry)| check.registry(registry, &format!("/registries/{at}")))
        .collect();
    let teams = decoded
        .teams
        .into_iter()
        .filter_map(|(at, team)| check.team(team, &format!("/teams/{at}"), &source_names))
        .collect();
    let verify = check.verify(decoded.verify.as_ref(), "/verify");
    let rules = check.rules(
        &[(Api::Custom, decoded.rules), (Api::External, decoded.external_rules)],
        decoded.resource_rules.as_ref(),
        decoded.discovery.as_ref(),
        &source_names,
        flags,
    );
    let files = check.files;
    let config =
        valid::Config { sources, plugins, mappings, objects, registries, verify, teams, rules };
    (config, files)
}

struct Check<'a> {
    origin: &'a Origin<'a>,
    faults: &'a mut Vec<Fault>,
    /// What checking the queries has taken so far.
    query_work: usize,
    /// The files that it names.
    files: Vec<FileFingerprint>,
}

/// How much a document has of what is counted.
#[derive(PartialEq, Eq)]
enum Amount {
    Allowed,
    /// Looking at it would be work that nobody is owed.
    TooMuch,
}

impl Check<'_> {
    fn fault(&mut self, place: impl Into<String>, message: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault::at(place, message));
        }
    }

    /// The value, or a fault at the place.
    fn take<T, E: Display>(&mut self, result: Result<T, E>, place: &str) -> Option<T> {
        result.map_err(|error| self.fault(place, error.to_string())).ok()
    }

    /// A duration above zero, or the default.
    fn duration(&mut self, text: Option<&str>, default: Duration, place: &str) -> Duration {
        let Some(text) = text else { return default };
        match self.take(parse_duration(text), place) {
            Some(Duration::ZERO) => {
                self.fault(place, "must be longer than 0s");
                default
            }
            Some(duration) => duration,
            None => default,
        }
    }

    /// A file that must be there now. It may change later.
    fn file(&mut self, file: &str, place: &str) -> PathBuf {
        let Some(path) = self.take(self.origin.file(file), place) else { return PathBuf::new() };
        self.files.push(FileFingerprint::of(path.clone()));
        if let Err(error) = files::open_regular(&path) {
            self.fault(place, format!("cannot read {}: {error}", path.display()));
        }
        path
    }

    fn known(&mut self, name: &str, known: &[String], place: &str) {
        if known.iter().any(|known| known == name) {
            return;
        }
        let hint = suggestion(name, known.iter().map(String::as_str));
        let message = match self.origin.team() {
            Some((namespace, _)) => {
                format!("there is no source \"{name}\" that is open to {namespace}{hint}")
            }
            None => format!("there is no source \"{name}\"{hint}"),
        };
        self.fault(place, message);
    }

    /// What a team's document may not have, and how much it may have of the rest.
    fn of_a_team(&mut self, decoded: &Decoded) -> Amount {
        let Some((namespace, team)) = self.origin.team() else { return Amount::Allowed };
        let sections = [
            ("sources", !decoded.sources.is_empty()),
            ("objects", !decoded.objects.is_empty()),
            ("registries", !decoded.registries.is_empty()),
            ("verify", decoded.verify.is_some()),
            ("teams", !decoded.teams.is_empty()),
            ("rules", !decoded.rules.is_empty()),
            ("externalRules", !decoded.external_rules.is_empty()),
            ("resourceRules", decoded.resource_rules.is_some()),
            ("discovery", decoded.discovery.is_some()),
        ];
        for (section, there) in sections {
            if there {
                let message = "is for the operator's configuration alone";
                self.fault(format!("/{section}"), message);
            }
        }
        let counts = [
            ("plugins", decoded.plugins.len(), team.limits.plugins),
            ("mappings", decoded.mappings.len(), team.limits.mappings),
        ];
        let mut amount = Amount::Allowed;
        for (section, count, limit) in counts {
            if count > limit {
                self.fault(
                    format!("/{section}"),
                    format!("{count} {section}; the operator gives {namespace} {limit}"),
                );
                amount = Amount::TooMuch;
            }
        }
        amount
    }

    fn twice(&mut self, mappings: &[valid::Mapping]) {
        let mut first: HashMap<_, &str> = HashMap::new();
        for mapping in mappings {
            let key = (mapping.metric.as_str(), &mapping.serve);
            match first.get(&key) {
                Some(first) => {
                    let message = format!(
                        "{} is served {} by two mappings; the first is {}",
                        mapping.metric,
                        mapping.serve.described(),
                        pointer::written(first)
                    );
                    self.fault(format!("{}/metric", mapping.place), message);
                }
                None => {
                    first.insert(key, &mapping.place);
                }
            }
        }
    }

    fn object(
        &mut self,
        object: written::Object,
        place: &str,
        mappings: &[valid::Mapping],
    ) -> Option<ListedObject> {
        // A custom resource is known by the mapping that serves it.
        let resource = Resource::known(&object.resource).or_else(|| {
            mappings.iter().find_map(|mapping| match &mapping.serve {
                Serve::Custom(resource) if resource.answers_to(&object.resource) => {
                    Some(resource.clone())
                }
                _ => None,
            })
        });
        let Some(resource) = resource else {
            self.fault(
                format!("{place}/resource"),
                format!(
                    "\"{}\" is neither a resource of every cluster nor served by a mapping",
                    object.resource
                ),
            );
            return None;
        };
        if resource.details().is_none() {
            let message = format!(
                "what kind of object {resource} are is not known where objects are listed and no \
                 cluster is asked; say it with `kind` under the mapping's `serve.custom`"
            );
            self.fault(format!("{place}/resource"), message);
            return None;
        }
        let namespace = match (object.namespace, resource.namespaced()) {
            (Some(name), true) => Some(self.take(name.parse(), &format!("{place}/namespace"))?),
            (None, false) => None,
            (Some(_), false) => {
                self.fault(
                    format!("{place}/namespace"),
                    format!("{resource} live in no namespace"),
                );
                return None;
            }
            (None, true) => {
                self.fault(
                    place,
                    format!("the key \"namespace\" is missing: {resource} live in one"),
                );
                return None;
            }
        };
        if object.name.is_empty() || object.name.contains('/') {
            self.fault(format!("{place}/name"), "is not the name of an object");
            return None;
        }
        Some(ListedObject { resource, namespace, name: object.name, labels: object.labels })
    }
}
