//! The differences that the documentation states: the only ones that there may be.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::answers::{Agreement, agreement};
use crate::variant::Variant;

/// One read of both.
pub(crate) struct Seen<'a> {
    /// The variant, unless it is of the rules that every file has.
    pub(crate) variant: Option<&'a Variant>,
    pub(crate) path: &'a str,
    pub(crate) theirs: &'a Value,
    pub(crate) ours: &'a Value,
}

/// A row of the table in the documentation, by how its first column begins, and what it is about.
struct Difference {
    row: &'static str,
    is: fn(&Seen<'_>) -> bool,
}

const PRECISION: &str = "precision";
/// A metric of namespaces, read for all of them.
pub(crate) const QUERIES: &str = "queries";
const GROUPS: &str = "groups with dots in a label template";
const NO_NAMESPACE: &str = "an external rule that names no label for namespaces";

const SET_FOR_EQUALITY: &str = "a metric of namespaces, read for all of them, in a template";
const NOTHING_SELECTED: &str = "`*` that selects no object";
const EVERYWHERE: &str = "an external metric of `namespaces/*`";
const NO_MATCHERS: &str = "a selector without matchers";

/// Those of which one of both sends no query, or another one.
const OTHER_QUERIES: [&str; 4] = [NOTHING_SELECTED, EVERYWHERE, NO_MATCHERS, NO_NAMESPACE];

const DIFFERENCES: &[Difference] = &[
    Difference {
        row: NOTHING_SELECTED,
        is: |seen| seen.codes() == (404, 200) && seen.path.contains("/*/") && items(seen.ours) == 0,
    },
    Difference {
        row: SET_FOR_EQUALITY,
        is: |seen| {
            let compared = seen.has(|v| {
                let query = v.rule["metricsQuery"].as_str().unwrap_or_default();
                query.replace(' ', "").contains(r#"="<<index.LabelValuesByName"#)
            });
            let all = seen.path.contains("/namespaces/*/metrics/");
            compared && all && items(seen.theirs) == 0 && items(seen.ours) > 0
        },
    },
    Difference {
        row: "`!=` in a metric selector",
        is: |seen| {
            let not_equal = seen.path.contains("%21%3D");
            not_equal && seen.theirs["code"] == 500 && is_one_of(seen.ours, &[200, 404, 500])
        },
    },
    Difference {
        row: "NaN",
        // A scalar of nothing is NaN, too.
        is: |seen| {
            let may_be = seen.has(|v| v.traits.nan || v.traits.scalar);
            may_be && seen.theirs["code"] == 200 && seen.loses()
        },
    },
    Difference {
        row: "several series for one object",
        is: |seen| seen.has(|v| v.traits.several && !v.external) && seen.loses(),
    },
    Difference {
        row: "a result without the label of the object",
        is: |seen| {
            let unlabelled = seen.has(|v| v.traits.unlabelled && !v.external);
            unlabelled
                && is_one_of(seen.theirs, &[200, 404])
                && items(seen.theirs) == 0
                && seen.ours["code"].as_u64().is_some_and(|code| code >= 400)
        },
    },
    Difference {
        row: "the selector that an answer repeats",
        is: |seen| {
            let one = seen.path.contains("%20in%20(") && !seen.path.contains(',');
            one && agreement(&without(seen.theirs, "selector"), &without(seen.ours, "selector"))
                != Agreement::Different
        },
    },
    Difference {
        row: "labels of an external scalar",
        is: |seen| {
            let labels = "metricLabels";
            seen.has(|v| v.traits.scalar)
                && agreement(&without(seen.theirs, labels), &without(seen.ours, labels))
                    != Agreement::Different
        },
    },
    Difference {
        row: EVERYWHERE,
        is: |seen| {
            let all = seen.has(|v| v.external) && seen.path.contains("namespaces/*/");
            all && seen.codes() == (200, 400)
        },
    },
    Difference {
        row: NO_MATCHERS,
        is: |seen| seen.has(|v| v.traits.beside_none) && seen.codes() == (500, 200),
    },
    Difference {
        row: NO_NAMESPACE,
        is: |seen| seen.has(|v| v.traits.no_namespace) && seen.codes() == (500, 404),
    },
    Difference {
        row: "a query that fails",
        is: |seen| seen.theirs["code"] == 500 && is_one_of(seen.ours, &[500, 503]),
    },
    // Of answers that agree otherwise, and of lists.
    Difference { row: PRECISION, is: |_| false },
    Difference { row: QUERIES, is: |_| false },
    Difference { row: GROUPS, is: |_| false },
];

impl Seen<'_> {
    fn codes(&self) -> (u64, u64) {
        let code = |answer: &Value| answer["code"].as_u64().unwrap_or_default();
        (code(self.theirs), code(self.ours))
    }

    fn has(&self, what: impl Fn(&Variant) -> bool) -> bool {
        self.variant.is_some_and(what)
    }

    /// Whether ours serves less of the same, or says why it serves nothing.
    fn loses(&self) -> bool {
        let list = |answer: &Value| answer["items"].as_array().cloned().unwrap_or_default();
        let theirs = list(self.theirs);
        let known = |item: &Value| {
            theirs.iter().any(|other| agreement(other, item) != Agreement::Different)
        };
        match self.ours["code"].as_u64() {
            Some(200) => {
                let ours = list(self.ours);
                ours.len() < theirs.len() && ours.iter().all(known)
            }
            code => code.is_some_and(|code| code == 404 || code == 500),
        }
    }
}

/// Which row explains an answer, if one does; an empty one if there is nothing to explain.
pub(crate) fn explain(seen: &Seen<'_>) -> Option<&'static str> {
    match agreement(seen.theirs, seen.ours) {
        Agreement::Same => Some(""),
        Agreement::Precision => Some(PRECISION),
        Agreement::Different => {
            DIFFERENCES.iter().find(|known| (known.is)(seen)).map(|known| known.row)
        }
    }
}

/// Whether their queries are not the same in a row.
pub(crate) fn has_other_queries(row: &'static str) -> bool {
    OTHER_QUERIES.contains(&row)
}

/// Which row explains that only one of them lists a metric of a variant.
pub(crate) fn explain_list(
    variant: &Variant,
    metric: &str,
    only_ours: bool,
) -> Option<&'static str> {
    let dotted = metric.starts_with("ingresses.networking.k8s.io/");
    if variant.traits.groups && dotted && only_ours {
        return Some(GROUPS);
    }
    (variant.traits.no_namespace && !only_ours).then_some(NO_NAMESPACE)
}

/// Each row that is used here, and the reason as the documentation has it.
///
/// # Panics
/// If the documentation has no such row.
pub(crate) fn documented() -> BTreeMap<&'static str, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = root.join("docs/coming-from-prometheus-adapter.md");
    let page = std::fs::read_to_string(&page).expect("the page");
    let (_, table) = page.split_once("\n## What is answered otherwise\n").expect("the table");
    let table = table.split("\n## ").next().unwrap_or_default();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).collect();
    let reason = |difference: &Difference| {
        let lead = format!("| {}", difference.row);
        let found = rows.iter().find(|row| row.starts_with(&lead));
        let row = found.unwrap_or_else(|| panic!("the documentation has no row {lead:?}"));
        (difference.row, (*row).to_owned())
    };
    DIFFERENCES.iter().map(reason).collect()
}

fn items(answer: &Value) -> usize {
    answer["items"].as_array().map_or(0, Vec::len)
}

fn is_one_of(answer: &Value, codes: &[u64]) -> bool {
    answer["code"].as_u64().is_some_and(|code| codes.contains(&code))
}

/// The same answer without this key in its items.
fn without(answer: &Value, key: &str) -> Value {
    match answer {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != key);
            let kept = kept.map(|(name, value)| (name.clone(), without(value, key)));
            Value::Object(kept.collect())
        }
        Value::Array(list) => json!(list.iter().map(|item| without(item, key)).collect::<Vec<_>>()),
        other => other.clone(),
    }
}

#[test]
fn every_row_is_documented() {
    assert_eq!(documented().len(), DIFFERENCES.len());
}
