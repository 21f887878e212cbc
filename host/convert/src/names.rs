//! Names of what is written. They follow from the objects alone, so that a second conversion gives the same
//! ones.

use leadsman_model::names::is_dns_label;

/// The longest name of a metric, and of a source, in bytes.
const MAX_METRIC_BYTES: usize = 253;
const MAX_SOURCE_BYTES: usize = 63;

/// The name of a metric: `NAMESPACE.OBJECT.TRIGGER`. Namespaces have no dots, and this part of a trigger has
/// none either, so two triggers never have one name.
pub(crate) fn metric(namespace: &str, object: &str, trigger: &str) -> String {
    shortened(format!("{namespace}.{object}.{}", word(trigger)), MAX_METRIC_BYTES)
}

/// The name of a source for an address and what distinguishes it from others of the same address.
pub(crate) fn source(host: &str, rest: &[&str]) -> String {
    let host = ["cluster.local", "svc"].iter().fold(host, |host, suffix| {
        host.strip_suffix(*suffix).and_then(|host| host.strip_suffix('.')).unwrap_or(host)
    });
    let parts = std::iter::once(host).chain(rest.iter().copied()).map(word);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    let name = if parts.is_empty() { "prometheus".to_owned() } else { parts.join("-") };
    shortened(name, MAX_SOURCE_BYTES)
}

/// A number that stands for a text, the same in every run.
pub(crate) fn digest(text: &str) -> String {
    // FNV-1a of 64 bits, folded.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

/// Lower-case letters, digits and single dashes.
pub(crate) fn word(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c.to_ascii_lowercase());
        } else if !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
    }
    word.trim_end_matches('-').to_owned()
}

fn shortened(name: String, max: usize) -> String {
    if name.len() <= max {
        return name;
    }
    let digest = digest(&name);
    let end = name.floor_char_boundary(max - digest.len() - 1);
    format!("{}-{digest}", &name[..end])
}

/// Whether a text is the name of an object of Kubernetes, or a key of a Secret: it becomes a part of a path.
pub(crate) fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=253).contains(&text.len()) && text.chars().all(known) && !text.starts_with('.')
}

/// Whether a text is the name of an object that Kubernetes takes.
pub(crate) fn is_object_name(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    is_name(text)
        && text.chars().all(|c| ends(c) || matches!(c, '-' | '.'))
        && text.starts_with(ends)
        && text.ends_with(ends)
}

/// Whether something can be named as what is scaled: by the version of its API, its kind and its name.
pub(crate) fn is_target(api_version: &str, kind: &str, name: &str) -> bool {
    let is_word = |text: &str| {
        (1..=63).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    let is_dns_name = |text: &str| text.len() <= 253 && text.split('.').all(is_dns_label);
    let is_version = match api_version.split_once('/') {
        Some((group, version)) => is_dns_name(group) && is_word(version),
        None => is_word(api_version),
    };
    is_version && is_word(kind) && is_dns_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_they_are_for() {
        assert_eq!(metric("shop", "web", "s0-prometheus"), "shop.web.s0-prometheus");
        assert_eq!(
            metric("shop", "web.eu", "Requests per Second!"),
            "shop.web.eu.requests-per-second"
        );
        for (host, rest, expected) in [
            ("prometheus.monitoring.svc.cluster.local", &[][..], "prometheus-monitoring"),
            ("prometheus.monitoring.svc", &[][..], "prometheus-monitoring"),
            ("prometheus.monitoring", &[][..], "prometheus-monitoring"),
            (
                "thanos-querier.openshift-monitoring.svc",
                &["9092", "shop"][..],
                "thanos-querier-openshift-monitoring-9092-shop",
            ),
            ("[::1]", &["9090"][..], "1-9090"),
            ("", &[][..], "prometheus"),
        ] {
            assert_eq!(source(host, rest), expected);
        }
    }

    #[test]
    fn long_names_stay_different() {
        let (a, b) = (metric("shop", &"a".repeat(253), "b"), metric("shop", &"a".repeat(253), "c"));
        assert!(a.len() <= MAX_METRIC_BYTES && b.len() <= MAX_METRIC_BYTES);
        assert_ne!(a, b);
        assert_eq!(digest("a"), digest("a"));
    }

    #[test]
    fn targets_are_named_as_the_configuration_names_them() {
        assert!(is_target("apps/v1", "Deployment", "web-1.eu"));
        assert!(is_target("argoproj.io/v1alpha1", "Rollout", "web"));
        assert!(is_target("v1", "ReplicationController", "web"));
        for (api_version, kind, name) in [
            ("apps/v1", "Deployment", "Web"),
            ("apps/v1", "Deploy ment", "web"),
            ("apps/v1/x", "Deployment", "web"),
            ("", "Deployment", "web"),
            ("apps/v1", "", "web"),
            ("apps/v1", "Deployment", ""),
        ] {
            assert!(!is_target(api_version, kind, name), "{api_version} {kind} {name}");
        }
    }

    #[test]
    fn what_becomes_a_path_stays_inside() {
        for text in ["token", "tls.crt", "a-b_c"] {
            assert!(is_name(text), "{text}");
        }
        for text in ["", ".", "..", "../a", "a/b", ".hidden", "a b", "a\n"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
