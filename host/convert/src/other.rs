//! Triggers without a counterpart, each with an alternative.

use leadsman_document::{excerpt, nearest};

use crate::note::Notes;
use crate::scaled_object::Trigger;
use crate::trigger::place;

/// The types of KEDA 2.21 that are not converted.
const KNOWN: [&str; 70] = [
    "activemq",
    "apache-kafka",
    "arangodb",
    "artemis-queue",
    "aws-cloudwatch",
    "aws-dynamodb",
    "aws-dynamodb-streams",
    "aws-kinesis-stream",
    "aws-sqs-queue",
    "azure-app-insights",
    "azure-blob",
    "azure-data-explorer",
    "azure-eventhub",
    "azure-log-analytics",
    "azure-monitor",
    "azure-pipelines",
    "azure-queue",
    "azure-servicebus",
    "beanstalkd",
    "cassandra",
    "couchdb",
    "datadog",
    "dynatrace",
    "elastic-forecast",
    "elasticsearch",
    "etcd",
    "external",
    "external-push",
    "forgejo-runner",
    "gcp-cloudtasks",
    "gcp-pubsub",
    "gcp-stackdriver",
    "gcp-storage",
    "github-runner",
    "gitlab-runner",
    "graphite",
    "huawei-cloudeye",
    "ibmmq",
    "influxdb",
    "kafka",
    "kubernetes-resource",
    "kubernetes-workload",
    "liiklus",
    "loki",
    "metrics-api",
    "mongodb",
    "mssql",
    "mysql",
    "nats-jetstream",
    "new-relic",
    "nsq",
    "openstack-metric",
    "openstack-swift",
    "postgresql",
    "predictkube",
    "pulsar",
    "rabbitmq",
    "redis",
    "redis-cluster",
    "redis-cluster-streams",
    "redis-sentinel",
    "redis-sentinel-streams",
    "redis-streams",
    "selenium-grid",
    "solace-direct-messaging",
    "solace-event-queue",
    "solarwinds",
    "solr",
    "splunk",
    "stan",
];

/// The types that are converted.
const CONVERTED: [&str; 4] = ["cpu", "cron", "memory", "prometheus"];

/// Says why a trigger cannot be kept, and what to do.
pub(crate) fn refuse(index: usize, trigger: &Trigger, notes: &mut Notes) {
    let place = place(index, trigger);
    let kind = trigger.kind.as_str();
    if !KNOWN.contains(&kind) {
        let known = CONVERTED.into_iter().chain(KNOWN);
        let hint = nearest(kind, known).map(|name| format!("; did you mean \"{name}\"?"));
        let (kind, hint) = (excerpt(kind), hint.unwrap_or_default());
        notes.refuse(match kind.is_empty() {
            true => format!("trigger {index}: it has no type; KEDA refuses it, too"),
            false => format!("{place}: KEDA has no trigger of the type \"{kind}\"{hint}"),
        });
        return;
    }
    let instead = match kind {
        "kubernetes-workload" | "kubernetes-resource" => {
            "with kube-state-metrics the same is a query of Prometheus (count of kube_pod_info, say)"
        }
        "external" | "external-push" => "what its server counts can be a metric of Prometheus",
        "metrics-api" => "a page of metrics can be scraped, see docs/scraping.md",
        "predictkube" | "elastic-forecast" => {
            "the plugin `forecast` predicts a query of Prometheus, see docs/forecast.md"
        }
        _ => "where an exporter has the same number, it is a query of Prometheus",
    };
    notes.refuse(format!(
        "{place}: Leadsman has no source for it. Leave this ScaledObject with KEDA, whose metrics Leadsman can \
         pass on; {instead}"
    ));
}
