//! One generated rule.

use serde_json::{Map, Value, json};

use crate::model::{self, Kind, Shape};
use crate::naming;
use crate::query;
use crate::random::Random;

/// A rule, and what is known of its answers beforehand.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) number: usize,
    pub(crate) shape: &'static Shape,
    pub(crate) external: bool,
    /// The series that no other variant has.
    pub(crate) own: Option<String>,
    pub(crate) rule: Value,
    pub(crate) traits: Traits,
}

/// Why answers may differ.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    /// Several series of the result may be of one object.
    pub(crate) several: bool,
    /// The result has no label for the object.
    pub(crate) unlabelled: bool,
    /// The result is NaN.
    pub(crate) nan: bool,
    /// The result is a number without labels.
    pub(crate) scalar: bool,
    /// A matcher stands beside those of the adapter, of which there may be none.
    pub(crate) beside_none: bool,
    /// The template has groups.
    pub(crate) groups: bool,
    /// No label names the namespace.
    pub(crate) no_namespace: bool,
    /// The query is the same for all namespaces.
    pub(crate) everywhere: bool,
}

/// How many of a hundred rules are external.
const EXTERNAL: usize = 25;
/// How many have series of their own, and so need no new name.
const OWN: usize = 15;

impl Variant {
    pub(crate) fn generate(seed: u64, number: usize) -> Self {
        let random = &mut Random::new(seed, number);
        let external = random.chance(EXTERNAL);
        let own = (!external && random.chance(OWN)).then(|| own_name(number, random));
        let shape = match (&own, external) {
            (Some(_), _) => model::of_pods(),
            (None, true) => &model::EXTERNAL[random.below(model::EXTERNAL.len())],
            (None, false) if random.chance(4) => &model::GROUPED,
            (None, false) => &model::CUSTOM[random.below(model::CUSTOM.len())],
        };
        let mut traits = Traits { groups: is_grouped(shape), ..Traits::default() };
        let mut rule = Map::new();
        let names = own.as_deref().map_or_else(|| shape.names.to_vec(), |own| vec![own]);
        rule.insert("seriesQuery".into(), series_query(random, shape, own.as_deref()).into());
        if let Some(filters) = series_filters(random, &names) {
            rule.insert("seriesFilters".into(), filters);
        }
        let resources = match external {
            true => external_resources(random, shape, &mut traits),
            false => Some(custom_resources(random, shape)),
        };
        if let Some(resources) = resources {
            rule.insert("resources".into(), resources);
        }
        if let Some(name) = naming::name(random, number, own.is_some()) {
            rule.insert("name".into(), name);
        }
        let query = query::metrics_query(random, shape, external, own.is_some(), &mut traits);
        rule.insert("metricsQuery".into(), query.into());
        Self { number, shape, external, own, rule: rule.into(), traits }
    }

    /// The variant of a metric, by its name.
    pub(crate) fn number_of(metric: &str) -> Option<usize> {
        let name = metric.rsplit('/').next()?;
        let digits = name.strip_prefix(naming::PREFIX)?.get(..naming::DIGITS)?;
        digits.parse().ok()
    }
}

fn own_name(number: usize, random: &mut Random) -> String {
    let end = random.pick(&["busy", "requests_total", "requests_seconds_total", "a_b"]);
    format!("{}_{end}", naming::token(number))
}

fn is_grouped(shape: &Shape) -> bool {
    shape.template.contains(".Group")
}

/// The selector of the series.
fn series_query(random: &mut Random, shape: &Shape, own: Option<&str>) -> String {
    let name = own.unwrap_or_else(|| random.pick(shape.names));
    let mut matchers = Vec::new();
    if let Some(namespace) = shape.namespace.filter(|_| random.chance(70)) {
        matchers.push(format!(r#"{namespace}!="""#));
    }
    if let Some(kind) = shape.kinds.first().filter(|_| random.chance(40)) {
        matchers.push(format!(r#"{}!="""#, kind.label));
    }
    if let Some((label, values)) = shape.beside.filter(|_| random.chance(10)) {
        matchers.push(format!(r#"{label}="{}""#, values[0]));
    }
    let written = match random.below(4) {
        0 => {
            matchers.insert(0, format!(r#"__name__="{name}""#));
            String::new()
        }
        1 if own.is_none() => {
            matchers.push(format!(r#"__name__=~"{}""#, shape.pattern));
            String::new()
        }
        _ => name.to_owned(),
    };
    match matchers.is_empty() {
        true => written,
        false => format!("{written}{{{}}}", matchers.join(",")),
    }
}

fn series_filters(random: &mut Random, names: &[&str]) -> Option<Value> {
    let start = &names[0][..4];
    match random.below(10) {
        0 | 1 => Some(json!([])),
        2 => Some(json!([{"is": format!("^{start}")}])),
        3 => Some(json!([{"isNot": "_(errors|idle|limit)"}])),
        4 => Some(json!([{"isNot": "^nobody_.*$"}, {"is": "_"}])),
        _ => None,
    }
}

fn custom_resources(random: &mut Random, shape: &Shape) -> Value {
    if is_grouped(shape) {
        let namespace = json!({"namespace": {"resource": "namespace"}});
        return json!({"template": shape.template, "overrides": namespace});
    }
    let mut overrides = Map::new();
    if let Some(namespace) = shape.namespace {
        let resource = random.pick(&["namespace", "namespaces"]);
        overrides.insert(namespace.into(), json!({"resource": resource}));
    }
    // At least one of the kinds.
    let first = random.below(shape.kinds.len());
    for (at, kind) in shape.kinds.iter().enumerate() {
        if at == first || random.chance(60) {
            overrides.insert(kind.label.into(), written(random, kind));
        }
    }
    match random.below(10) {
        0..4 => json!({"template": shape.template}),
        4..6 => json!({"template": shape.template, "overrides": overrides}),
        _ => json!({"overrides": overrides}),
    }
}

/// A kind as files have it: singular or plural, and not always with its group.
fn written(random: &mut Random, kind: &Kind) -> Value {
    let resource = random.pick(&[kind.singular, kind.plural]);
    match kind.group.is_empty() || random.chance(25) {
        true => json!({"resource": resource}),
        false => json!({"group": kind.group, "resource": resource}),
    }
}

fn external_resources(random: &mut Random, shape: &Shape, traits: &mut Traits) -> Option<Value> {
    let Some(namespace) = shape.namespace.filter(|_| random.chance(85)) else {
        traits.everywhere = true;
        return Some(json!({"namespaced": false}));
    };
    if random.chance(4) {
        traits.no_namespace = true;
        return None;
    }
    let overrides = json!({"overrides": {namespace: {"resource": "namespace"}}});
    Some(match shape.template {
        "" => overrides,
        template if random.chance(40) => json!({"template": template}),
        _ => overrides,
    })
}

/// The variants are the same on each run, and have what real files have.
#[test]
fn variants_are_repeatable_and_have_all_features() {
    let generate = |number| Variant::generate(crate::SEED, number);
    let rules: Vec<_> =
        (0..crate::VARIANTS).map(|number| generate(number).rule.to_string()).collect();
    assert_eq!(generate(7).rule.to_string(), rules[7]);
    for feature in [
        r#""as":"#,
        r#""matches":"#,
        r#""is":"#,
        r#""isNot":"#,
        r#""template":"#,
        r#""overrides":"#,
        r#""group":"apps""#,
        r#""namespaced":false"#,
        "<<.Group>>",
        "<<.LabelMatchers>>",
        "<<.GroupBy>>",
        ".GroupBySlice",
        "index .LabelValuesByName",
        "range $name, $value := .LabelValuesByName",
        "histogram_quantile(",
        "rate(",
        "offset 1m",
        "without (",
        "label_replace(",
        "/ on (",
        "(\\n  ",
        "or vector(0)",
        "scalar(",
        "__name__=~",
    ] {
        let count = rules.iter().filter(|rule| rule.contains(feature)).count();
        assert!(count >= 5, "{feature} is in {count} of {} rules", rules.len());
    }
    let several = |is: fn(&Traits) -> bool| {
        let all = (0..crate::VARIANTS).map(generate);
        let count = all.filter(|variant| is(&variant.traits)).count();
        assert!(count >= 5, "only {count}");
    };
    several(|traits| traits.several);
    several(|traits| traits.unlabelled);
    several(|traits| traits.nan);
    several(|traits| traits.scalar);
    several(|traits| traits.beside_none);
    several(|traits| traits.groups);
    several(|traits| traits.no_namespace);
    several(|traits| traits.everywhere);
}
