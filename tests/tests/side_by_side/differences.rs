//! Differences on purpose, and why. Each entry is a request that is sent to both.
//!
//! Besides, for all requests:
//! - Where something cannot be found, or a selector cannot be read, ours may say more: theirs never
//!   says why.
//! - Times differ: theirs is when it was asked, ours when the value was true.
//! - An API without rules is not there with theirs, and there without metrics with ours: what is in
//!   it may change while it runs.

use leadsman_tests::paths::{self, CUSTOM_V2};
use serde_json::Value;

use crate::sides;

/// A request with different answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference {
    api: &'static str,
    rest: &'static str,
    pub(crate) theirs: Said,
    pub(crate) ours: Said,
    pub(crate) why: &'static str,
}

impl Difference {
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.api, self.rest)
    }
}

/// A status code, and what the body contains.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said(u16, &'static str);

impl Said {
    pub(crate) fn fits(self, answer: &Value) -> bool {
        answer["code"] == self.0 && answer.to_string().contains(self.1)
    }
}

const fn custom(rest: &'static str, theirs: Said, ours: Said, why: &'static str) -> Difference {
    Difference { api: CUSTOM_V2, rest, theirs, ours, why }
}

const fn external(rest: &'static str, theirs: Said, ours: Said, why: &'static str) -> Difference {
    Difference { api: paths::EXTERNAL, rest, theirs, ours, why }
}

const fn resource_metrics(
    rest: &'static str,
    theirs: Said,
    ours: Said,
    why: &'static str,
) -> Difference {
    Difference { api: sides::RESOURCES, rest, theirs, ours, why }
}

/// Metrics that only one of them lists, or lists differently. Reads of them are in the tables.
const LISTED_BY_ONE: [(&str, &str); 9] = [
    ("ingresses.networking.k8s.io/grouped_depth", GROUPS),
    ("of_no_label", NO_LABEL),
    ("pods/by_eq", TEMPLATE),
    ("namespaces/by_eq", TEMPLATE),
    ("pods/by_len", TEMPLATE),
    ("namespaces/by_len", TEMPLATE),
    ("pods/unknown_field", FIELD),
    ("namespaces/unknown_field", FIELD),
    ("storageclasses.storage.k8s.io/class_used", ROOT),
];

/// Whether only one of them lists a metric of this name.
pub(crate) fn is_listed_by_one(name: &str) -> bool {
    LISTED_BY_ONE.iter().any(|&(known, _)| known == name)
}

const SELECTOR: &str = "theirs fails to read a selector, or to write it into its answer, and says \
                        that it is its own fault, or that there is no such metric";
const NO_NUMBER: &str = "theirs makes a number of what is none, and autoscalers believe it";
const EXACT: &str = "theirs cuts off what a float lacks, too: 1.001 is 1001 thousandths";
const NOT_ZERO: &str = "only 0 is 0: it is what scales to zero";
const REASONS: &str = "theirs says that it is its own fault, and why only in its log";

const WHERE: &str = "ours says where such objects are asked for";
const NOTHING_ASKED: &str = "no object is selected, which says nothing of the metric";
const WHOLE_SENTENCE: &str = "theirs has nothing to put at the end of its sentence";
const NO_LABELS: &str = "no labels are no labels, of a scalar as of a vector";
const NO_NAMESPACE: &str = "theirs takes `*` for the name of a namespace, and finds nothing in it";
const COMMA: &str = "where there is no matcher, ours leaves out the comma behind it, too";
const NO_LABEL: &str = "theirs lists it, and fails at each read: no label is a namespace's";
const NOT_RUNNING: &str =
    "ours watches names and labels of objects alone, and not whether they run";
const NO_PATTERN: &str = "a value is a value, and no regular expression: `.` is `.`";
const MISSING: &str = "what is missing, or no number, is not 0: autoscalers would believe it";
const GROUPS: &str = "theirs cannot tell the group behind `networking_k8s_io`";
const WHOSE: &str = "theirs takes a value of no object for no value";
const WHICH: &str = "of several values for one object theirs takes the last, whichever that is";
const ROOT: &str =
    "theirs knows but three kinds that live in no namespace, and finds no other there";
const SANDBOX: &str = "what holds the network of a pod is none of its containers";
const TEMPLATE: &str = "theirs takes all of Go's templates, ours what rules have needed so far";
const FIELD: &str = "theirs finds out at each read what its text says when it is loaded";
const OUTSIDE: &str = "whoever reads would write a part of the query";
const EQUALITY: &str = "to be in a set of one is to be equal";

/// Of `catch-all.yaml`.
pub(crate) const CATCH_ALL: &[Difference] = &[
    custom(
        "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method!%3DGET",
        Said(500, "not a valid label selector operator"),
        Said(200, r#""value":"1111m""#),
        SELECTOR,
    ),
    custom(
        "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=%3D%3D",
        Said(500, "found '=='"),
        Said(400, "metricLabelSelector"),
        SELECTOR,
    ),
    custom(
        "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method%20in%20(GET)",
        Said(200, r#""matchExpressions""#),
        Said(200, r#""matchLabels""#),
        EQUALITY,
    ),
    custom(
        "namespaces/shop/pods/*/web_requests?labelSelector=app%3Dnobody",
        Said(404, "could not find the metric"),
        Said(200, r#""items":[]"#),
        NOTHING_ASKED,
    ),
    custom(
        "namespaces/nowhere/pods/*/web_requests",
        Said(404, "could not find the metric"),
        Said(200, r#""items":[]"#),
        NOTHING_ASKED,
    ),
    custom(
        "namespaces/shop/jobs.batch/*/queue_length",
        Said(404, "could not find the metric"),
        Said(200, r#""items":[]"#),
        NOTHING_ASKED,
    ),
    custom(
        "pods/web-0/web_requests",
        Said(404, "could not find the metric"),
        Said(404, "namespaces/NAMESPACE/pods/NAME/web_requests"),
        WHERE,
    ),
    custom(
        "namespaces/shop/nodes/node-a/node_load",
        Said(404, "could not find the metric"),
        Said(404, "nodes/NAME/node_load"),
        WHERE,
    ),
];

/// Of `custom.yaml`.
pub(crate) const CUSTOM: &[Difference] = &[
    custom(
        "namespaces/shop/pods/web-0/ungrouped?metricLabelSelector=version%3E4",
        Said(404, "could not find the metric"),
        Said(400, "version>4"),
        SELECTOR,
    ),
    custom(
        "namespaces/shop/pods/web-0/value_not_a_number",
        Said(200, r#""value":"0""#),
        Said(500, "NaN"),
        NO_NUMBER,
    ),
    custom(
        "namespaces/shop/pods/web-0/value_infinite",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "infinite"),
        NO_NUMBER,
    ),
    custom(
        "namespaces/shop/pods/web-0/value_minus_infinite",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "infinite"),
        NO_NUMBER,
    ),
    custom(
        "namespaces/shop/pods/*/value_infinite",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(200, r#""name":"web-1""#),
        NO_NUMBER,
    ),
    custom(
        "namespaces/shop/pods/*/value_not_a_number",
        Said(200, r#""value":"0""#),
        Said(200, r#""name":"web-1""#),
        NO_NUMBER,
    ),
    custom(
        "namespaces/shop/pods/web-0/value_tiny",
        Said(200, r#""value":"0""#),
        Said(200, r#""value":"1m""#),
        NOT_ZERO,
    ),
    custom(
        "namespaces/shop/pods/web-0/value_negative_fraction",
        Said(200, r#""value":"0""#),
        Said(200, r#""value":"-1m""#),
        NOT_ZERO,
    ),
    custom(
        "namespaces/shop/pods/web-0/value_inexact",
        Said(200, r#""value":"1""#),
        Said(200, r#""value":"1001m""#),
        EXACT,
    ),
    custom(
        "namespaces/shop/pods/*/one_number",
        Said(500, "unable to fetch metrics"),
        Said(500, "scalar"),
        REASONS,
    ),
    custom(
        "namespaces/shop/pods/web-0/broken",
        Said(500, "unable to fetch metrics"),
        Said(503, "parse error"),
        REASONS,
    ),
    custom(
        "namespaces/shop/pods/web-0/value_huge",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "beyond"),
        NO_NUMBER,
    ),
    custom(
        "namespaces/shop/ingresses.networking.k8s.io/edge/grouped_depth",
        Said(404, "could not find the metric"),
        Said(200, r#""value":"9""#),
        GROUPS,
    ),
    custom(
        "namespaces/shop/pods/*/of_nobody",
        Said(200, r#""items":[]"#),
        Said(500, "no series has the label"),
        WHOSE,
    ),
    custom(
        "namespaces/shop/pods/web-0/of_nobody",
        Said(404, "could not find the metric"),
        Said(500, "no series has the label"),
        WHOSE,
    ),
    custom(
        "namespaces/shop/pods/*/ungrouped",
        Said(200, r#""value":"11250m""#),
        Said(200, r#""name":"web-1""#),
        WHICH,
    ),
    custom(
        "namespaces/shop/pods/web-0/ungrouped",
        Said(200, r#""value":"11250m""#),
        Said(404, "ungrouped for pods web-0"),
        WHICH,
    ),
    custom(
        "namespaces/shop/pods/web-0/by_factor?metricLabelSelector=factor%3D2",
        Said(200, r#""value":"43500m""#),
        Said(400, "outside of quotes"),
        OUTSIDE,
    ),
    custom(
        "storageclasses.storage.k8s.io/fast/class_used",
        Said(404, "could not find the metric"),
        Said(200, r#""value":"4096""#),
        ROOT,
    ),
    custom(
        "namespaces/shop/storageclasses.storage.k8s.io/fast/class_used",
        Said(404, "could not find the metric"),
        Said(404, "storageclasses.storage.k8s.io/NAME/class_used"),
        ROOT,
    ),
];

/// Of `external.yaml`.
pub(crate) const EXTERNAL: &[Difference] = &[
    external(
        "namespaces/shop/queue_depth?labelSelector=queue%3E3",
        Said(500, "unable to fetch metrics"),
        Said(400, "queue>3"),
        SELECTOR,
    ),
    external(
        "namespaces/shop/broken",
        Said(500, "unable to fetch metrics"),
        Said(503, "parse error"),
        REASONS,
    ),
    external(
        "namespaces/shop/of_a_range",
        Said(500, "unexpected query result type"),
        Said(500, "matrix"),
        REASONS,
    ),
    external(
        "namespaces/nowhere/one_number",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "NaN"),
        NO_NUMBER,
    ),
    external(
        "namespaces/shop/value_not_a_number",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "NaN"),
        NO_NUMBER,
    ),
    external(
        "namespaces/shop/value_infinite",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "infinite"),
        NO_NUMBER,
    ),
    external(
        "namespaces/shop/value_tiny",
        Said(200, r#""value":"0""#),
        Said(200, r#""value":"1m""#),
        NOT_ZERO,
    ),
    external(
        "namespaces/shop/value_inexact",
        Said(200, r#""value":"1""#),
        Said(200, r#""value":"1001m""#),
        EXACT,
    ),
    external(
        "queue_depth",
        Said(404, "could not find the requested resource"),
        Said(404, "namespaces/NAMESPACE/METRIC"),
        WHERE,
    ),
    external(
        "namespaces/shop/one_number",
        Said(200, r#""metricLabels":null"#),
        Said(200, r#""metricLabels":{}"#),
        NO_LABELS,
    ),
    external(
        "namespaces/shop/value_minus_infinite",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "infinite"),
        NO_NUMBER,
    ),
    external(
        "namespaces/shop/nobody_knows",
        Said(404, "the metric nobody_knows for "),
        Said(404, "the external metric nobody_knows"),
        WHOLE_SENTENCE,
    ),
    external(
        "namespaces/default/nobody_knows",
        Said(404, "the metric nobody_knows for namespaces"),
        Said(404, "the external metric nobody_knows"),
        WHOLE_SENTENCE,
    ),
    external(
        "namespaces/*/queue_depth",
        Said(200, r#""items":[]"#),
        Said(400, "not the name of a namespace"),
        NO_NAMESPACE,
    ),
    external(
        "namespaces/shop/depth_elsewhere",
        Said(500, "unable to fetch metrics"),
        Said(200, r#""value":"12""#),
        COMMA,
    ),
    external(
        "namespaces/shop/value_huge",
        Said(200, r#""value":"-9223372036854775808m""#),
        Said(500, "beyond"),
        NO_NUMBER,
    ),
    external(
        "namespaces/shop/of_no_label",
        Said(500, "unable to fetch metrics"),
        Said(404, "of_no_label"),
        NO_LABEL,
    ),
    external(
        "namespaces/shop/queue_depth?labelSelector=queue%20in%20(h.gh,none)",
        Said(200, r#""value":"27""#),
        Said(200, r#""items":[]"#),
        NO_PATTERN,
    ),
    external(
        "namespaces/shop/queue_depth?labelSelector=queue%20notin%20(h.gh)",
        Said(200, r#""value":"41250m""#),
        Said(200, r#""value":"27""#),
        NO_PATTERN,
    ),
];

/// Of `faulty.yaml`.
pub(crate) const FAULTY: &[Difference] = &[
    custom(
        "namespaces/shop/pods/web-0/by_eq",
        Said(200, r#""value":"21750m""#),
        Said(404, "by_eq"),
        TEMPLATE,
    ),
    custom(
        "namespaces/shop/pods/web-0/by_len",
        Said(200, r#""value":"21750m""#),
        Said(404, "by_len"),
        TEMPLATE,
    ),
];

/// Of `resource-metrics-whole.yaml`.
pub(crate) const WHOLE: &[Difference] = &[resource_metrics(
    "namespaces/shop/pods/web-0",
    Said(200, r#""name":"""#),
    Said(200, r#""containers":[{"name":"app""#),
    SANDBOX,
)];

/// Of `resource-metrics-failing.yaml`.
pub(crate) const FAILING: &[Difference] = &[
    resource_metrics(
        "namespaces/shop/pods",
        Said(200, r#""items":[]"#),
        Said(503, "parse error"),
        REASONS,
    ),
    resource_metrics(
        "namespaces/shop/pods/web-0",
        Said(404, "not found"),
        Said(503, "parse error"),
        REASONS,
    ),
    resource_metrics("nodes", Said(200, r#""items":[]"#), Said(503, "parse error"), REASONS),
    resource_metrics("nodes/node-a", Said(404, "not found"), Said(503, "parse error"), REASONS),
];

/// Of `resource-metrics.yaml`.
pub(crate) const RESOURCES: &[Difference] = &[
    resource_metrics(
        "namespaces/shop/pods/web-0",
        Said(200, r#""name":"POD""#),
        Said(200, r#""containers":[{"name":"app""#),
        SANDBOX,
    ),
    resource_metrics(
        "namespaces/shop/pods/web-2",
        Said(200, r#""memory":"0""#),
        Said(500, "NaN"),
        NO_NUMBER,
    ),
    resource_metrics(
        "namespaces/shop/pods/api-0",
        Said(200, r#""memory":"0""#),
        Said(500, "negative"),
        NO_NUMBER,
    ),
    resource_metrics(
        "namespaces/shop/pods?labelSelector=app%20in%20(api,silent)",
        Said(200, r#""memory":"0""#),
        Said(500, "negative"),
        NO_NUMBER,
    ),
    resource_metrics(
        "namespaces/shop/pods/web-1",
        Said(200, r#"{"cpu":"12m","memory":"0"}"#),
        Said(200, r#"{"cpu":"12m"}"#),
        MISSING,
    ),
    resource_metrics(
        "namespaces/shop/pods",
        Said(200, r#""name":"web-2""#),
        Said(200, r#""name":"web-0""#),
        MISSING,
    ),
    resource_metrics(
        "namespaces/shop/pods/waiting-0",
        Said(404, "not found"),
        Said(200, r#""cpu":"31m""#),
        NOT_RUNNING,
    ),
];
