//! What is read of a metric.

use crate::model::WARM;
use crate::random::Random;
use crate::variant::Variant;

/// How many kinds of objects of one variant are read.
const KINDS: usize = 3;
/// How many reads there are of one kind.
const READS: usize = 2;

/// One read of every kind that any rule serves, of the series that every file has.
pub(crate) const OF_ALL_KINDS: [&str; 6] = [
    "namespaces/shop/pods/*",
    "namespaces/shop/services/*",
    "namespaces/shop/deployments.apps/*",
    "namespaces/shop/ingresses.networking.k8s.io/*",
    "namespaces/shop/metrics",
    "nodes/*",
];

/// The paths of those reads.
pub(crate) fn warm() -> impl Iterator<Item = String> {
    OF_ALL_KINDS.iter().map(|of| format!("{of}/{WARM}"))
}

/// Paths below the custom metrics API for metrics `KIND/NAME` of a variant.
pub(crate) fn custom(random: &mut Random, variant: &Variant, metrics: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    for _ in 0..KINDS.min(metrics.len()) {
        let Some((kind, name)) = random.pick(metrics).split_once('/') else { continue };
        for _ in 0..READS {
            let path = custom_path(random, variant, kind, name);
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

/// Paths below the external metrics API.
pub(crate) fn external(random: &mut Random, variant: &Variant, metrics: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    for name in metrics.iter().take(KINDS) {
        for _ in 0..READS {
            let namespaces = ["shop", "shop", "shop", "annex", "annex", "default", "*"];
            let namespace = random.pick(&namespaces);
            let selector = selector(random, variant, 40).map(|of| format!("?labelSelector={of}"));
            let path = format!("namespaces/{namespace}/{name}{}", selector.unwrap_or_default());
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

fn custom_path(random: &mut Random, variant: &Variant, kind: &str, name: &str) -> String {
    let namespace = random.pick(&["shop", "shop", "shop", "annex"]);
    let (objects, applications): (&[&str], &[&str]) = match kind {
        "pods" => (&["web-0", "web-1", "api-0", "nobody"], &["web", "api", "nobody"]),
        "services" => (&["front", "back"], &["front", "nobody"]),
        "deployments.apps" => (&["web", "api"], &[]),
        "ingresses.networking.k8s.io" => (&["edge"], &[]),
        "nodes" => (&["node-a", "node-b", "node-z"], &[]),
        "namespaces" => {
            let namespace = random.pick(&["shop", "annex", "default", "*"]);
            return with_selectors(
                random,
                variant,
                format!("namespaces/{namespace}/metrics/{name}"),
                None,
            );
        }
        _ => (&["nobody"], &[]),
    };
    let place = match kind {
        "nodes" => String::new(),
        _ => format!("namespaces/{namespace}/"),
    };
    if random.chance(40) {
        let object = random.pick(objects);
        return with_selectors(random, variant, format!("{place}{kind}/{object}/{name}"), None);
    }
    let chosen = !applications.is_empty() && random.chance(40);
    let labels = chosen.then(|| format!("app%3D{}", random.pick(applications)));
    with_selectors(random, variant, format!("{place}{kind}/*/{name}"), labels)
}

fn with_selectors(
    random: &mut Random,
    variant: &Variant,
    path: String,
    labels: Option<String>,
) -> String {
    let labels = labels.map(|labels| format!("labelSelector={labels}"));
    let series = selector(random, variant, 25).map(|of| format!("metricLabelSelector={of}"));
    let parameters: Vec<_> = labels.into_iter().chain(series).collect();
    match parameters.is_empty() {
        true => path,
        false => format!("{path}?{}", parameters.join("&")),
    }
}

/// A selector of series, encoded.
fn selector(random: &mut Random, variant: &Variant, percent: usize) -> Option<String> {
    let (label, values) = variant.shape.beside.filter(|_| random.chance(percent))?;
    // Values as labels of objects may have them.
    let values: Vec<_> = values.iter().filter(|value| !value.contains(['.', '+'])).collect();
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return Some(label.to_owned());
    };
    Some(match random.below(9) {
        0 | 1 => format!("{label}%3D{first}"),
        2 => format!("{label}%20in%20({first},{last})"),
        3 => format!("{label}%20in%20({first})"),
        4 => format!("{label}%20notin%20({first},none)"),
        5 => format!("{label}%21%3D{first}"),
        6 => label.to_owned(),
        7 => format!("{label}%20notin%20({first})"),
        _ => format!("!nothing,{label}%3D{last}"),
    })
}
