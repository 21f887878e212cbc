//! The series, by the shapes of their labels, and the objects that they name.

use leadsman_tests::History;

/// Names of series with the same labels.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The names. The second one is a partner for quotients.
    pub(crate) names: &'static [&'static str],
    /// A regular expression for these names and no others.
    pub(crate) pattern: &'static str,
    pub(crate) counter: bool,
    /// The label of the namespace, unless the objects are in none.
    pub(crate) namespace: Option<&'static str>,
    pub(crate) kinds: &'static [Kind],
    /// A template that finds the kinds by their labels.
    pub(crate) template: &'static str,
    /// The labels of each object.
    objects: &'static [&'static str],
    /// A label that distinguishes series of one object, and its values.
    pub(crate) beside: Option<(&'static str, &'static [&'static str])>,
}

/// A label that names objects of a kind.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) label: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) group: &'static str,
}

const fn kind(
    label: &'static str,
    singular: &'static str,
    plural: &'static str,
    group: &'static str,
) -> Kind {
    Kind { label, singular, plural, group }
}

const POD: Kind = kind("pod", "pod", "pods", "");
const SERVICE: Kind = kind("service", "service", "services", "");
const NODE: Kind = kind("node", "node", "nodes", "");

const PODS: &[&str] = &[
    r#"namespace="shop",pod="web-0""#,
    r#"namespace="shop",pod="web-1""#,
    r#"namespace="shop",pod="api-0""#,
    r#"namespace="annex",pod="web-0""#,
];

const PLAIN: &str = "<<.Resource>>";

/// The label that has the upper bound of a bucket.
pub(crate) const BOUND: &str = "le";

/// Series of custom metrics.
pub(crate) const CUSTOM: &[Shape] = &[
    Shape {
        names: &["http_requests_total", "http_errors_total"],
        pattern: "^http_.*_total$",
        counter: true,
        namespace: Some("namespace"),
        kinds: &[POD, SERVICE],
        template: PLAIN,
        objects: &[
            r#"namespace="shop",pod="web-0",service="front""#,
            r#"namespace="shop",pod="web-1",service="front""#,
            r#"namespace="shop",pod="api-0""#,
            r#"namespace="annex",pod="web-0",service="front""#,
        ],
        beside: Some(("method", &["GET", "POST"])),
    },
    Shape {
        names: &["worker_busy", "worker_idle"],
        pattern: "^worker_.*",
        counter: false,
        namespace: Some("namespace"),
        kinds: &[POD],
        template: PLAIN,
        objects: PODS,
        beside: None,
    },
    Shape {
        names: &["queue_length", "queue_age"],
        pattern: "^queue_(length|age)$",
        counter: false,
        namespace: Some("namespace"),
        kinds: &[SERVICE],
        template: PLAIN,
        objects: &[
            r#"namespace="shop",service="front""#,
            r#"namespace="shop",service="back""#,
            r#"namespace="annex",service="front""#,
        ],
        beside: None,
    },
    Shape {
        names: &["workload_wanted", "workload_ready"],
        pattern: "^workload_",
        counter: false,
        namespace: Some("kube_namespace"),
        kinds: &[
            kind("kube_deployment", "deployment", "deployments", "apps"),
            kind("kube_pod", "pod", "pods", ""),
        ],
        template: "kube_<<.Resource>>",
        objects: &[
            r#"kube_namespace="shop",kube_deployment="web""#,
            r#"kube_namespace="shop",kube_deployment="api""#,
            r#"kube_namespace="annex",kube_deployment="web""#,
            r#"kube_namespace="shop",kube_pod="web-0""#,
        ],
        beside: None,
    },
    Shape {
        names: &["door_connections", "door_limit"],
        pattern: "^door_(connections|limit)$",
        counter: false,
        namespace: Some("namespace"),
        kinds: &[kind("ingress", "ingress", "ingresses", "networking.k8s.io")],
        template: PLAIN,
        objects: &[r#"namespace="shop",ingress="edge""#],
        beside: Some(("tls", &["yes", "no"])),
    },
    Shape {
        names: &["heat_of_node", "limit_of_node"],
        pattern: "^[a-z]+_of_node$",
        counter: false,
        namespace: None,
        kinds: &[NODE],
        template: PLAIN,
        objects: &[r#"node="node-a""#, r#"node="node-b""#],
        beside: None,
    },
    Shape {
        names: &["disk_written_total", "disk_read_total"],
        pattern: "^disk_(written|read)_total$",
        counter: true,
        namespace: None,
        kinds: &[NODE],
        template: PLAIN,
        objects: &[r#"node="node-a""#, r#"node="node-b""#],
        beside: Some(("device", &["sda", "sdb"])),
    },
    Shape {
        names: &["backlog_size", "backlog_limit"],
        pattern: "^backlog_.+",
        counter: false,
        namespace: Some("exported_namespace"),
        kinds: &[kind("exported_pod", "pod", "pods", "")],
        template: "exported_<<.Resource>>",
        objects: &[
            r#"exported_namespace="shop",exported_pod="web-0""#,
            r#"exported_namespace="shop",exported_pod="web-1""#,
            r#"exported_namespace="annex",exported_pod="web-0""#,
        ],
        beside: Some(("lane", &["mail", "push"])),
    },
    Shape {
        names: &["latency_seconds_bucket"],
        pattern: "^latency_seconds_bucket$",
        counter: true,
        namespace: Some("namespace"),
        kinds: &[POD],
        template: PLAIN,
        objects: PODS,
        beside: Some((BOUND, &["0.1", "0.5", "+Inf"])),
    },
];

/// Kinds by their group, in labels of which one has dots.
pub(crate) const GROUPED: Shape = Shape {
    names: &["grouped_depth", "grouped_limit"],
    pattern: "^grouped_",
    counter: false,
    namespace: Some("namespace"),
    kinds: &[kind("apps_x_deployment", "deployment", "deployments", "apps")],
    template: "<<.Group>>_x_<<.Resource>>",
    objects: &[
        r#"namespace="shop",apps_x_deployment="web""#,
        r#"namespace="annex",apps_x_deployment="web""#,
        r#"namespace="shop",networking_k8s_io_x_ingress="edge",_x_service="front""#,
    ],
    beside: None,
};

/// Series of external metrics.
pub(crate) const EXTERNAL: &[Shape] = &[
    Shape {
        names: &["depth_of_queue", "age_of_queue"],
        pattern: "^[a-z]+_of_queue$",
        counter: false,
        namespace: Some("namespace"),
        kinds: &[],
        template: PLAIN,
        objects: &[r#"namespace="shop""#, r#"namespace="annex""#],
        beside: Some(("queue", &["high", "low"])),
    },
    Shape {
        names: &["sent_bytes_total", "received_bytes_total"],
        pattern: "^(sent|received)_bytes_total$",
        counter: true,
        namespace: Some("namespace"),
        kinds: &[],
        template: PLAIN,
        objects: &[r#"namespace="shop""#, r#"namespace="annex""#],
        beside: Some(("link", &["a", "b"])),
    },
    Shape {
        names: &["batch_lag", "batch_limit"],
        pattern: "^batch_",
        counter: false,
        namespace: Some("team"),
        kinds: &[],
        template: "",
        objects: &[r#"team="shop""#, r#"team="annex""#],
        beside: Some(("stage", &["load", "store"])),
    },
    Shape {
        names: &["global_backlog", "global_limit"],
        pattern: "^global_",
        counter: false,
        namespace: None,
        kinds: &[],
        template: "",
        objects: &[r#"world="one""#],
        beside: Some(("region", &["north", "south"])),
    },
];

/// A series of every kind, which tells that a server follows its objects.
pub(crate) const WARM: &str = "warm";

/// What each variant with series of its own has: the shape of pods without more labels.
pub(crate) fn of_pods() -> &'static Shape {
    &CUSTOM[1]
}

/// All series, and those of variants that have their own, by name.
pub(crate) fn history(own: impl Iterator<Item = String>) -> History {
    let mut history = History::new().gauge(
        r#"warm{namespace="shop",pod="web-0",service="front",deployment="web",ingress="edge",node="node-a"}"#,
        1.0,
    );
    let shapes = CUSTOM.iter().chain(EXTERNAL).chain([&GROUPED]);
    for shape in shapes {
        for (which, name) in shape.names.iter().enumerate() {
            history = shape.add(history, name, which);
        }
    }
    for name in own {
        history = of_pods().add(history, &name, 0);
    }
    uses(history)
}

impl Shape {
    fn add(&self, mut history: History, name: &str, which: usize) -> History {
        // Without a label beside them, there is one series for each object.
        let (label, values) = self.beside.unwrap_or(("", &[""]));
        for (at, object) in self.objects.iter().enumerate() {
            for (beside, value) in values.iter().enumerate() {
                let more =
                    if label.is_empty() { String::new() } else { format!(r#",{label}="{value}""#) };
                let series = format!("{name}{{{object}{more}}}");
                // Different for each series, higher for a higher bound, and far from what is rounded.
                let number = 1.237_1
                    + 3.513_1 * at as f64
                    + 7.761_3 * beside as f64
                    + 2.495_7 * which as f64;
                history = match self.counter {
                    true => history.counter(&series, number),
                    false => history.gauge(&series, number),
                };
            }
        }
        history
    }
}

/// cpu and memory of nodes and containers.
fn uses(mut history: History) -> History {
    for (at, pod) in PODS.iter().enumerate() {
        for (beside, container) in ["app", "side"].iter().enumerate() {
            let labels = format!(r#"{pod},container="{container}",node="node-a""#);
            let cores = 0.123_4 + 0.031_7 * at as f64 + 0.011_3 * beside as f64;
            let bytes = 1_048_576.0 * (20.0 + at as f64 + 3.0 * beside as f64);
            history = history
                .counter(&format!("container_cpu_usage_seconds_total{{{labels}}}"), cores)
                .gauge(&format!("container_memory_working_set_bytes{{{labels}}}"), bytes);
        }
    }
    for (at, node) in ["node-a", "node-b"].iter().enumerate() {
        let labels = format!(r#"node="{node}""#);
        history = history
            .counter(&format!("node_cpu_usage_seconds_total{{{labels}}}"), 1.234_6 + at as f64)
            .gauge(&format!("node_memory_working_set_bytes{{{labels}}}"), 4_294_967_296.0);
    }
    history
}
