//! The plugins that rules run. Those that a document's rules do not need are not loaded for them.

use std::collections::BTreeSet;

use leadsman_config::valid;
use leadsman_model::serve::Serve;
use leadsman_rules::RuleApi;

/// The plugin of rules for custom metrics.
const PER_OBJECT: &str = "per-object";

/// The plugin of rules for external and resource metrics.
const EXTERNAL: &str = "external";

/// The plugins that these rules run. One that has a fault counts: its last good version runs the same
/// plugin.
pub(in super::super) fn plugins_of(rules: &valid::Rules) -> BTreeSet<&'static str> {
    let apis = rules.rules.iter().map(|rule| rule.api);
    let apis = apis.chain(rules.faulty.iter().map(|rule| rule.api));
    let plugins = apis.map(|api| match api {
        RuleApi::Custom => PER_OBJECT,
        RuleApi::External => EXTERNAL,
    });
    plugins.chain(rules.resource_metrics.as_ref().map(|_| EXTERNAL)).collect()
}

/// The plugin that gives such a metric of a rule.
pub(super) fn plugin_for(serve: &Serve) -> &'static str {
    match serve {
        Serve::Custom(_) => PER_OBJECT,
        Serve::External | Serve::ResourceMetrics(_) => EXTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use leadsman_config::{DocumentOrigin, Flags, parse};

    use super::*;

    const CUSTOM: &str = "rules: [{seriesQuery: busy, resources: {template: <<.Resource>>}, \
                          metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]";
    const EXTERNAL_RULES: &str = "externalRules: [{seriesQuery: jobs, resources: {namespaced: false}, \
         metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>})'}]";
    /// It has no query.
    const FAULTY: &str = "externalRules: [{seriesQuery: jobs}]";
    const RESOURCE: &str = "resourceRules:
  cpu: &q
    containerQuery: sum by (<<.GroupBy>>) (cpu{<<.LabelMatchers>>})
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
    containerLabel: container
  memory: *q";

    fn plugins(rules: &[&str]) -> Vec<&'static str> {
        let text = format!(
            "apiVersion: leadsman.dev/v1alpha1\nkind: Config\n\
             sources: {{prometheus: {{prometheus: {{url: 'http://prometheus'}}}}}}\n{}\n",
            rules.join("\n")
        );
        let origin = DocumentOrigin::Folder(Path::new("."));
        let parsed = parse("config.yaml", &origin, &Flags::default(), &text);
        let rules = parsed.config.rules.unwrap_or_else(|| panic!("{:?}", parsed.faults));
        plugins_of(&rules).into_iter().collect()
    }

    #[test]
    fn rules_have_the_plugins_of_their_apis() {
        assert_eq!(plugins(&[CUSTOM]), [PER_OBJECT]);
        assert_eq!(plugins(&[EXTERNAL_RULES]), [EXTERNAL]);
        assert_eq!(plugins(&[RESOURCE]), [EXTERNAL]);
        assert_eq!(plugins(&[CUSTOM, EXTERNAL_RULES]), [EXTERNAL, PER_OBJECT]);
    }

    #[test]
    fn the_plugin_of_a_rule_with_a_fault_stays_for_its_last_good_version() {
        assert_eq!(plugins(&[CUSTOM, FAULTY]), [EXTERNAL, PER_OBJECT]);
    }
}
