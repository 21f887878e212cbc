//! Sources: one for all triggers that ask the same server in the same way.

use std::collections::BTreeMap;

use crate::names;
use crate::node::{Entries, Node};

/// Everything that distinguishes one source from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) timeout: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) authentication: Authentication,
}

/// How requests are authenticated, and whom they trust.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Authentication {
    pub(crate) bearer: Option<Mounted>,
    /// The files of name and password.
    pub(crate) basic: Option<(Mounted, Mounted)>,
    /// A header by its name.
    pub(crate) header: Option<(String, Mounted)>,
    pub(crate) authority: Option<Mounted>,
    /// Certificate and key.
    pub(crate) identity: Option<(Mounted, Mounted)>,
    pub(crate) trusts_anyone: bool,
}

/// A value that is in a file of Leadsman's pod, and never here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mounted {
    pub(crate) kind: MountKind,
    /// The namespace in which KEDA finds it.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) key: String,
}

/// What a file is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MountKind {
    Secret,
    ConfigMap,
    /// A token of Leadsman's own service account.
    Token,
}

impl Mounted {
    /// The path below the folder of all of them.
    pub(crate) fn path(&self) -> String {
        let kind = match self.kind {
            MountKind::Secret => "secrets",
            MountKind::ConfigMap => "configmaps",
            MountKind::Token => return "tokens/own".to_owned(),
        };
        format!("{kind}/{}/{}/{}", self.namespace, self.name, self.key)
    }

    /// The name of the copy in Leadsman's namespace. Namespaces have no dots.
    pub(crate) fn copy(&self) -> String {
        format!("{}.{}", self.namespace, self.name)
    }
}

impl Source {
    /// All files that it reads.
    pub(crate) fn mounts(&self) -> impl Iterator<Item = &Mounted> {
        let Authentication { bearer, basic, header, authority, identity, .. } =
            &self.authentication;
        let pairs = [basic, identity].into_iter().flatten();
        bearer
            .iter()
            .chain(authority)
            .chain(header.iter().map(|(_, file)| file))
            .chain(pairs.flat_map(|(one, other)| [one, other]))
    }

    /// As the configuration has it, with its files below a folder.
    pub(crate) fn node(&self, folder: &str) -> Node {
        let folder = folder.trim_end_matches('/');
        let file = |mounted: &Mounted| format!("{folder}/{}", mounted.path());
        let auth = &self.authentication;
        let tls = Entries::default()
            .maybe("caFile", auth.authority.as_ref().map(file))
            .maybe("certFile", auth.identity.as_ref().map(|(certificate, _)| file(certificate)))
            .maybe("keyFile", auth.identity.as_ref().map(|(_, key)| file(key)))
            .maybe("insecureSkipVerify", auth.trusts_anyone.then_some(true));
        let basic = auth.basic.as_ref().map(|(username, password)| {
            Entries::default()
                .with("usernameFile", file(username))
                .with("passwordFile", file(password))
        });
        let header_files = auth.header.iter().map(|(name, value)| (name.clone(), file(value)));
        let settings = Entries::default()
            .with("url", &self.url)
            .maybe("timeout", self.timeout.clone().map(Node::duration))
            .unless_empty("headers", self.headers.iter().collect())
            .unless_empty("headerFiles", header_files.collect())
            .unless_empty("queryParameters", self.parameters.iter().collect())
            .maybe("bearerTokenFile", auth.bearer.as_ref().map(file))
            .maybe("basicAuth", basic)
            .unless_empty("tls", tls);
        Entries::default().with("prometheus", settings).into()
    }

    /// The name that follows from it alone; two may have the same one.
    fn first_name(&self) -> String {
        let Ok(url) = url::Url::parse(&self.url) else { return names::source("", &[]) };
        let port = url.port().filter(|port| *port != 9090).map(|port| port.to_string());
        let tenant = self.parameters.get("namespace").or_else(|| self.parameters.get("tenant"));
        let rest = [port.as_deref(), Some(url.path()), tenant.map(String::as_str)];
        let rest: Vec<_> = rest.into_iter().flatten().collect();
        names::source(url.host_str().unwrap_or_default(), &rest)
    }

    /// The whole source, as what distinguishes it from others of its name.
    fn digest(&self) -> String {
        names::digest(&format!("{self:?}"))
    }
}

/// The name of each source.
pub(crate) fn named<'s>(
    sources: impl IntoIterator<Item = &'s Source>,
) -> BTreeMap<&'s Source, String> {
    let mut names: BTreeMap<_, _> =
        sources.into_iter().map(|source| (source, source.first_name())).collect();
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for name in names.values() {
        *uses.entry(name.clone()).or_default() += 1;
    }
    for (source, name) in &mut names {
        if uses.get(&*name).is_some_and(|uses| *uses > 1) {
            *name = format!("{name}-{}", source.digest());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> Source {
        Source {
            url: url.to_owned(),
            timeout: None,
            headers: BTreeMap::new(),
            parameters: BTreeMap::new(),
            authentication: Authentication::default(),
        }
    }

    #[test]
    fn sources_of_one_server_have_different_names() {
        let plain = source("http://prometheus.monitoring.svc:9090");
        let mut other = plain.clone();
        other.headers.insert("X-Scope-OrgID".to_owned(), "a".to_owned());
        let mut tenant = plain.clone();
        tenant.parameters.insert("namespace".to_owned(), "shop".to_owned());
        let all = [plain.clone(), other, tenant, source("https://mimir/prometheus")];
        let names: Vec<_> = named(&all).into_values().collect();
        assert!(names.contains(&"prometheus-monitoring-shop".to_owned()), "{names:?}");
        assert!(names.contains(&"mimir-prometheus".to_owned()), "{names:?}");
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{names:?}");
        assert_eq!(named(&[plain]).into_values().collect::<Vec<_>>(), ["prometheus-monitoring"]);
    }
}
