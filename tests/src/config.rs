//! Builders of configurations, with defaults for everything that is irrelevant to a test.

use std::fmt;
use std::path::Path;

/// A configuration file.
#[derive(Debug, Clone, Default)]
pub struct Config {
    sources: Vec<String>,
    plugins: Vec<String>,
    mappings: Vec<Mapping>,
    objects: Vec<String>,
    teams: Vec<String>,
    settings: Vec<String>,
}

/// One entry of `mappings`.
#[derive(Debug, Clone)]
pub struct Mapping {
    metric: String,
    serve: String,
    queries: Vec<String>,
    plugin: String,
    config: String,
    settings: Vec<String>,
}

impl Config {
    /// An empty configuration.
    pub fn new() -> Self {
        Self::default()
    }

    /// The namespace `shop` with the pods `web-0` and `web-1`, and a source `prometheus`.
    pub fn shop(url: &str) -> Self {
        Self::new().prometheus("prometheus", url).pods("shop", &["web-0", "web-1"])
    }

    /// Adds a Prometheus.
    pub fn prometheus(self, name: &str, url: &str) -> Self {
        self.source(name, &format!("url: {url}"))
    }

    /// Adds a Prometheus with these settings, as the inside of a flow mapping.
    pub fn source(mut self, name: &str, settings: &str) -> Self {
        self.sources.push(format!("{name}: {{prometheus: {{{settings}}}}}"));
        self
    }

    /// Adds a source of another kind, given as the inside of a flow mapping.
    pub fn source_of(mut self, name: &str, kind: &str) -> Self {
        self.sources.push(format!("{name}: {{{kind}}}"));
        self
    }

    /// Adds a plugin from a file.
    pub fn plugin(self, name: &str, file: impl AsRef<Path>) -> Self {
        self.plugin_from(name, &format!("file: {:?}", file.as_ref()))
    }

    /// Adds a plugin with these settings, as the inside of a flow mapping.
    pub fn plugin_from(mut self, name: &str, settings: &str) -> Self {
        self.plugins.push(format!("{name}: {{{settings}}}"));
        self
    }

    /// Sets another key of the configuration, in flow style if it is a collection.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push(format!("{key}: {value}"));
        self
    }

    /// Adds an entry of `teams`, given as the inside of a flow mapping.
    pub fn team(mut self, settings: &str) -> Self {
        self.teams.push(format!("{{{settings}}}"));
        self
    }

    /// Adds a mapping.
    pub fn mapping(mut self, mapping: Mapping) -> Self {
        self.mappings.push(mapping);
        self
    }

    /// Adds pods. The label `app` of each is its name up to the last `-`.
    pub fn pods(self, namespace: &str, names: &[&str]) -> Self {
        names.iter().fold(self, |config, name| {
            let app = name.rsplit_once('-').map_or(*name, |(app, _)| app);
            config.object("pods", Some(namespace), name, &format!("app: {app}"))
        })
    }

    /// Adds a pod with an IP address.
    pub fn pod_at(mut self, namespace: &str, name: &str, address: &str) -> Self {
        self.objects.push(format!(
            "{{resource: pods, namespace: {namespace}, name: {name}, address: '{address}'}}"
        ));
        self
    }

    /// Adds an object. `labels` is the inside of a flow mapping.
    pub fn object(
        mut self,
        resource: &str,
        namespace: Option<&str>,
        name: &str,
        labels: &str,
    ) -> Self {
        let namespace = namespace.map_or(String::new(), |name| format!("namespace: {name}, "));
        self.objects.push(format!(
            "{{resource: {resource}, {namespace}name: {name}, labels: {{{labels}}}}}"
        ));
        self
    }
}

impl Mapping {
    /// A metric of pods. The label `pod` of its series is the pod's name.
    pub fn pods(metric: &str) -> Self {
        Self::custom(metric, "pods").plugin("per-object", "object: pod")
    }

    /// A metric of objects.
    pub fn custom(metric: &str, resource: &str) -> Self {
        Self::serving(metric, &format!("custom: {{resource: {resource}}}"))
    }

    /// An external metric.
    pub fn external(metric: &str) -> Self {
        Self::serving(metric, "external: {}").plugin("external", "")
    }

    fn serving(metric: &str, serve: &str) -> Self {
        Self {
            metric: metric.to_owned(),
            serve: serve.to_owned(),
            queries: Vec::new(),
            plugin: String::new(),
            config: String::new(),
            settings: Vec::new(),
        }
    }

    /// Adds a query of the source `prometheus`.
    pub fn query(self, name: &str, promql: &str) -> Self {
        self.query_from("prometheus", name, promql)
    }

    /// Adds a query.
    pub fn query_from(mut self, source: &str, name: &str, promql: &str) -> Self {
        self.queries.push(format!("{name}: {{source: {source}, promql: {promql:?}}}"));
        self
    }

    /// Adds a query with these keys beside its source, as the inside of a flow mapping.
    pub fn query_of(mut self, source: &str, name: &str, keys: &str) -> Self {
        self.queries.push(format!("{name}: {{source: {source}, {keys}}}"));
        self
    }

    /// Adds a query of a controller, given as the inside of a flow mapping.
    pub fn alb_query(mut self, source: &str, name: &str, asked: &str) -> Self {
        self.queries.push(format!("{name}: {{source: {source}, nsxAlb: {{{asked}}}}}"));
        self
    }

    /// Adds a query of what is scraped, given as the inside of a flow mapping.
    pub fn exposition_query(mut self, source: &str, name: &str, asked: &str) -> Self {
        self.queries.push(format!("{name}: {{source: {source}, exposition: {{{asked}}}}}"));
        self
    }

    /// Adds a range query of the source `prometheus`.
    pub fn range(mut self, name: &str, promql: &str, duration: &str, step: &str) -> Self {
        self.queries.push(format!(
            "{name}: {{source: prometheus, promql: {promql:?}, \
             range: {{duration: {duration}, step: {step}}}}}"
        ));
        self
    }

    /// Sets the plugin and its configuration, as the inside of a flow mapping.
    pub fn plugin(mut self, name: &str, config: &str) -> Self {
        self.plugin = name.to_owned();
        self.config = config.to_owned();
        self
    }

    /// Sets another key of the mapping.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push(format!("{key}: {value}"));
        self
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "apiVersion: leadsman.dev/v1alpha1\nkind: Config")?;
        entries(f, "sources", "  ", &self.sources)?;
        entries(f, "plugins", "  ", &self.plugins)?;
        if !self.mappings.is_empty() {
            writeln!(f, "mappings:")?;
        }
        for mapping in &self.mappings {
            write!(f, "{mapping}")?;
        }
        entries(f, "objects", "  - ", &self.objects)?;
        entries(f, "teams", "  - ", &self.teams)?;
        self.settings.iter().try_for_each(|setting| writeln!(f, "{setting}"))
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  - metric: {}", self.metric)?;
        writeln!(f, "    serve: {{{}}}", self.serve)?;
        if !self.queries.is_empty() {
            writeln!(f, "    queries:")?;
        }
        for query in &self.queries {
            writeln!(f, "      {query}")?;
        }
        writeln!(f, "    plugin: {}\n    config: {{{}}}", self.plugin, self.config)?;
        self.settings.iter().try_for_each(|setting| writeln!(f, "    {setting}"))
    }
}

fn entries(f: &mut fmt::Formatter<'_>, key: &str, prefix: &str, entries: &[String]) -> fmt::Result {
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(f, "{key}:")?;
    entries.iter().try_for_each(|entry| writeln!(f, "{prefix}{entry}"))
}
