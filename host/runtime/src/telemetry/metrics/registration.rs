//! The names and descriptions of the metrics.

use prometheus_client::registry::Registry;

use super::Metrics;

impl Metrics {
    /// Registers all metrics but those of the process.
    pub(super) fn register(&self, all: &mut Registry) {
        all.register("reads", "Reads of a metric by how they ended", self.reads.clone());
        all.register(
            "reads_incomplete",
            "Reads that lacked some or all of what was asked for by reason",
            self.incomplete.clone(),
        );
        all.register(
            "reads_empty",
            "Reads of objects or items that there are that got no value at all",
            self.empty.clone(),
        );
        all.register(
            "served_age_seconds",
            "Age of the values that a read got",
            self.served_age.clone(),
        );
        all.register(
            "reads_unserved",
            "Reads of metrics that are not served by reason",
            self.unserved.clone(),
        );
        all.register(
            "read_duration_seconds",
            "Time of a read, without the network",
            self.read_seconds.clone(),
        );
        all.register("evaluations", "Evaluations of a mapping", self.evaluations.clone());
        all.register(
            "evaluation_failures",
            "Failed evaluations by reason",
            self.evaluation_failures.clone(),
        );
        all.register(
            "evaluation_duration_seconds",
            "Time of an evaluation",
            self.evaluation_seconds.clone(),
        );
        all.register(
            "evaluations_in_use",
            "Evaluations that are being read",
            self.evaluations_in_use.clone(),
        );
        all.register(
            "values_age_seconds",
            "Age of the oldest good values of the evaluations in use",
            self.values_age.clone(),
        );
        all.register(
            "values_refused",
            "Values that were not served: NaN, infinite, of another namespace",
            self.values_refused.clone(),
        );
        all.register(
            "handovers",
            "Evaluations of changed mappings that took over, fell back, or ran out of time",
            self.handovers.clone(),
        );
        all.register(
            "activations",
            "Workloads that were taken to zero or from zero, and attempts that failed",
            self.activations.clone(),
        );
        all.register(
            "activator_leads",
            "1 while this replica takes workloads to zero and from zero",
            self.activator_leads.clone(),
        );
        all.register("queries", "Queries to sources", self.queries.clone());
        all.register("query_failures", "Queries without an answer", self.query_failures.clone());
        all.register("query_duration_seconds", "Time of a query", self.query_seconds.clone());
        all.register(
            "plugin_duration_seconds",
            "Time of a run of a plugin by its role and how it ended",
            self.plugin_seconds.clone(),
        );
        all.register(
            "plugin_series",
            "Series that the last run of a plugin received",
            self.plugin_series.clone(),
        );
        self.connections.register(all);
        self.scaler.register(all);
        all.register(
            "requests_denied",
            "Requests that were refused by reason",
            self.denied.clone(),
        );
        all.register("objects", "Objects that are known", self.objects.clone());
        all.register(
            "objects_followed",
            "1 while the objects of a kind are known and followed",
            self.objects_followed.clone(),
        );
        all.register(
            "task_panics",
            "Panics of tasks that follow the cluster, after which they were started again",
            self.task_panics.clone(),
        );
        all.register(
            "configuration_generation",
            "Generation of the configuration that is served",
            self.configuration.clone(),
        );
        all.register(
            "candidate_evaluations",
            "Evaluations in which a candidate was compared with the serving plugin by outcome",
            self.candidates.clone(),
        );
        all.register(
            "candidate_differences",
            "Values in which a candidate differed from what is served",
            self.differences.clone(),
        );
        all.register(
            "mapping_available",
            "0 while a mapping is unavailable after failures in a row",
            self.available.clone(),
        );
        all.register(
            "configuration_rejected",
            "1 for what is configured and not served, or served as it was before, by reason",
            self.rejected.clone(),
        );
        all.register(
            "configuration_loads",
            "Configurations that were loaded by owner and outcome",
            self.loads.clone(),
        );
        self.listing.register(all);
        self.sources.register(all);
        self.delegates.register(all);
        self.spans.register(all);
        self.autoscalers.register(all);
        self.expiry.register(all);
    }
}
