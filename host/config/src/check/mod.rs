//! Validates the written configuration, and reports every fault.

mod activation;
mod chain;
mod delegate;
mod exposition;
mod mapping;
mod nsx_alb;
mod planned;
mod plugin;
mod resource;
mod rules;
mod source;
mod stand_in;

pub(super) use mapping::check_promql;
pub use nsx_alb::unsummable;
pub use planned::PlannedQueries;

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use super::decode::Decoded;
use super::flags::Flags;
use super::origin::DocumentOrigin;
use super::{valid, written};
use leadsman_document::json_schema::Completed;
use leadsman_document::{
    Fault, MAX_FAULTS, Severity, excerpt, parse_duration, segment, suggestion,
};
use leadsman_model::objects::ListedObject;
use leadsman_model::pointer;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_rules::RuleApi;
use leadsman_runtime::files::{self, FileFingerprint};

/// Checks everything beyond the structure. Returns the valid configuration and the files that it
/// names.
pub(super) fn validate(
    decoded: Decoded,
    origin: &DocumentOrigin<'_>,
    flags: &Flags,
    lacks_prometheus: bool,
    faults: &mut Vec<Fault>,
) -> (valid::Config, Vec<FileFingerprint>) {
    let stand_ins = &decoded.stand_ins;
    // Items with stand-ins are checked, and are not part of the valid configuration: a team could get
    // access that nobody granted. Mappings remain, as their plugins check them as well.
    let partial = items_with(stand_ins);
    let is_whole = |place: &str| !partial.contains(place);
    let mut check =
        Check { origin, faults, stand_ins, lacks_prometheus, query_work: 0, files: Vec::new() };
    if check.team_sections(&decoded) == Quota::Exceeded {
        return (valid::Config::default(), Vec::new());
    }
    // Mappings may name a source or plugin that has faults.
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
            let source = check.source(source?, &place)?;
            is_whole(&place).then_some((name, source))
        })
        .collect();
    let plugins = decoded
        .plugins
        .into_iter()
        .filter_map(|(name, plugin)| {
            let plugin = check.plugins(&name, plugin?)?;
            is_whole(&plugin.place).then_some((name, plugin))
        })
        .collect();
    let mut mappings = Vec::new();
    for (at, mapping) in decoded.mappings {
        if check.faults.len() >= MAX_FAULTS {
            break;
        }
        mappings.extend(check.mapping(mapping, &format!("/mappings/{at}"), &names));
    }
    check.duplicates(&mappings);
    let objects = decoded
        .objects
        .into_iter()
        .filter_map(|(at, object)| {
            let place = format!("/objects/{at}");
            let object = check.object(object, &place, &mappings)?;
            is_whole(&place).then_some(object)
        })
        .collect();
    let registries = decoded
        .registries
        .into_iter()
        .filter_map(|(at, registry)| {
            let place = format!("/registries/{at}");
            let registry = check.registry(registry, &place)?;
            is_whole(&place).then_some(registry)
        })
        .collect();
    let teams = decoded
        .teams
        .into_iter()
        .filter_map(|(at, team)| {
            let place = format!("/teams/{at}");
            let team = check.team(team, &place, &source_names)?;
            is_whole(&place).then_some(team)
        })
        .collect();
    check.delegates(&decoded.delegates);
    let delegates = decoded
        .delegates
        .into_iter()
        .filter_map(|(at, delegate)| {
            let place = format!("/delegates/{at}");
            let delegate = check.delegate(delegate, &place)?;
            is_whole(&place).then_some(delegate)
        })
        .collect();
    let verify = check.verify(decoded.verify.as_ref(), "/verify");
    let rules = check.rules(
        &[(RuleApi::Custom, decoded.rules), (RuleApi::External, decoded.external_rules)],
        decoded.resource_rules.as_ref(),
        decoded.discovery.as_ref(),
        &source_names,
        flags,
    );
    // Removed only now: the objects above may be of a kind that such a mapping serves.
    mappings.retain(|mapping| !check.has_stand_ins(&mapping.place));
    let files = check.files;
    let config = valid::Config {
        sources,
        plugins,
        mappings,
        objects,
        registries,
        verify,
        teams,
        rules,
        delegates,
    };
    (config, files)
}

/// The places of items that have stand-ins: `/teams/0`.
fn items_with(stand_ins: &Completed) -> HashSet<&str> {
    let item = |place: &str| place.match_indices('/').nth(2).map_or(place.len(), |(at, _)| at);
    stand_ins.places.iter().map(|place| &place[..item(place)]).collect()
}

struct Check<'a> {
    origin: &'a DocumentOrigin<'a>,
    faults: &'a mut Vec<Fault>,
    /// Further faults at their places are not reported: the cause is reported already.
    stand_ins: &'a Completed,
    /// Whether it was reported that a file of prometheus-adapter does not say where Prometheus is.
    lacks_prometheus: bool,
    /// The cost of checking queries so far.
    query_work: usize,
    /// The files that the configuration names.
    files: Vec<FileFingerprint>,
}

/// Whether a team's document is within its quota.
#[derive(PartialEq, Eq)]
enum Quota {
    Within,
    /// The document is not checked any further, to bound the work.
    Exceeded,
}

impl Check<'_> {
    fn fault(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.report(Severity::Document, place, message);
    }

    fn report(&mut self, severity: Severity, place: impl Into<String>, message: impl Into<String>) {
        self.add(Fault::at(place, message).with(severity));
    }

    fn add(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS && !self.stand_ins.covers(&fault.path) {
            self.faults.push(fault);
        }
    }

    /// The value of a result. Reports an error as a fault at the place.
    fn take<T, E: Display>(&mut self, result: Result<T, E>, place: &str) -> Option<T> {
        result.map_err(|error| self.fault(place, error.to_string())).ok()
    }

    /// Parses a duration above zero. The default if it is not set or has a fault.
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

    /// Checks that a file exists. It may change later.
    fn file(&mut self, file: &str, place: &str) -> PathBuf {
        let Some(path) = self.take(self.origin.file(file), place) else { return PathBuf::new() };
        self.files.push(FileFingerprint::of(path.clone()));
        if let Err(error) = files::open_regular(&path) {
            self.add(Fault::unreadable_file(place, &path, &error));
        }
        path
    }

    /// Checks the name of a source.
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

    /// Refuses sections that teams may not have, and checks the quota for the others.
    fn team_sections(&mut self, decoded: &Decoded) -> Quota {
        let Some((namespace, team)) = self.origin.team() else { return Quota::Within };
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
            ("delegates", !decoded.delegates.is_empty()),
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
        let mut quota = Quota::Within;
        for (section, count, limit) in counts {
            if count > limit {
                self.fault(
                    format!("/{section}"),
                    format!("{count} {section}; the operator gives {namespace} {limit}"),
                );
                quota = Quota::Exceeded;
            }
        }
        quota
    }

    /// Reports mappings that serve the same metric.
    fn duplicates(&mut self, mappings: &[valid::Mapping]) {
        let mut first: HashMap<_, &str> = HashMap::new();
        for mapping in mappings {
            // A metric or kind with faults was replaced by a stand-in, which may be equal to another.
            let is_faulty = |fault: &Fault| {
                let within = fault.path.strip_prefix(&mapping.place);
                within.is_some_and(|rest| rest == "/metric" || rest.starts_with("/serve"))
            };
            if self.stand_ins.covers(&format!("{}/metric", mapping.place))
                || self.faults.iter().any(is_faulty)
            {
                continue;
            }
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
        // A custom resource is defined by the mapping that serves it.
        let resource = Resource::known(&object.resource).or_else(|| {
            mappings.iter().find_map(|mapping| match &mapping.serve {
                Serve::Custom(resource) if resource.answers_to(&object.resource) => {
                    Some(resource.clone())
                }
                _ => None,
            })
        });
        let Some(resource) = resource else {
            let hint = resource::did_you_mean(&object.resource);
            self.fault(
                format!("{place}/resource"),
                format!(
                    "\"{}\" is neither a resource of every cluster nor served by a mapping{hint}",
                    excerpt(&object.resource)
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
        if let Some(address) = &object.address {
            let place = format!("{place}/address");
            if !resource.has_addresses() {
                self.fault(place, "only pods have one");
            } else if address.parse::<std::net::IpAddr>().is_err() {
                self.fault(place, "is not an IP address, such as 10.0.0.1");
            }
        }
        Some(ListedObject {
            resource,
            namespace,
            name: object.name,
            labels: object.labels.into_iter().collect(),
            address: object.address,
        })
    }
}
