//! Keeps the last good version of a rule in force when an edit makes the rule invalid.

use std::sync::Arc;

use super::reason::{Cause, Reason};
use leadsman_config::valid::{FaultyRule, Rules};
use leadsman_rules::Rule;

/// The rules, with the last good version of each one that has a fault now, as far as it is known,
/// and which ones those are.
pub(super) fn with_last_good(
    rules: &Arc<Rules>,
    before: Option<&Rules>,
) -> (Arc<Rules>, Vec<Cause>) {
    let Some(before) = before.filter(|_| !rules.faulty.is_empty()) else {
        return (rules.clone(), Vec::new());
    };
    let (mut merged, mut causes) = ((**rules).clone(), Vec::new());
    for faulty in &rules.faulty {
        let Some(known) = last_good(faulty, rules, before) else { continue };
        let later =
            |rule: &Rule| (rule.api, number(&rule.place)) > (faulty.api, number(&faulty.place));
        // Of two rules for one metric the later one holds, so that its turn matters.
        let turn = merged.rules.iter().position(later).unwrap_or(merged.rules.len());
        merged.rules.insert(turn, known.at(&faulty.place));
        let message = "its last version without faults is still served";
        causes.push(Cause::new(Reason::ConfigWarning, &faulty.place, message).warning());
    }
    (Arc::new(merged), causes)
}

/// The version before of a rule for the same series: the one at its place, or else the only one that
/// no other rule is now.
fn last_good<'a>(faulty: &FaultyRule, now: &Rules, before: &'a Rules) -> Option<&'a Rule> {
    let is_still_there =
        |rule: &Rule| now.rules.iter().any(|other| rule.at(&other.place) == *other);
    let known = before.rules.iter().filter(|rule| {
        rule.api == faulty.api && rule.series_query == faulty.series_query && !is_still_there(rule)
    });
    let known: Vec<_> = known.collect();
    match known.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|rule| rule.place == faulty.place).copied(),
    }
}

/// The number of a rule in its list.
fn number(place: &str) -> usize {
    place.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_config::{DocumentOrigin, Flags, parse};
    use std::path::Path;

    fn rules(written: &[(&str, &str)]) -> Arc<Rules> {
        let mut text = String::from(
            "apiVersion: leadsman.dev/v1alpha1\nkind: Config\n\
             sources: {p: {prometheus: {url: 'http://p'}}}\nrules:\n",
        );
        for (series, query) in written {
            text.push_str(&format!(
                "  - {{seriesQuery: {series}, resources: {{template: <<.Resource>>}}, metricsQuery: '{query}'}}\n"
            ));
        }
        let origin = DocumentOrigin::Folder(Path::new("."));
        parse("config.yaml", &origin, &Flags::default(), &text).config.rules.expect("rules")
    }

    fn merged(before: &[(&str, &str)], now: &[(&str, &str)]) -> Vec<String> {
        let (rules, causes) = with_last_good(&rules(now), Some(&rules(before)));
        let of = |rule: &Rule| format!("{} {}", rule.place, rule.series_query);
        let mut all: Vec<_> = rules.rules.iter().map(of).collect();
        all.extend(causes.iter().map(|cause| format!("kept {}", cause.faults[0].path)));
        all
    }

    #[test]
    fn what_an_edit_broke_goes_on_as_it_was() {
        const SUM: &str = "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)";
        let before = [("a", SUM), ("b", SUM), ("c", SUM)];
        assert_eq!(merged(&before, &before), ["/rules/0 a", "/rules/1 b", "/rules/2 c"]);
        assert_eq!(
            merged(&before, &[("a", SUM), ("b", "<<.Serie>>"), ("c", SUM)]),
            ["/rules/0 a", "/rules/1 b", "/rules/2 c", "kept /rules/1"]
        );
        // It may have moved; what was never good is not there.
        assert_eq!(
            merged(&before, &[("new", "<<"), ("c", SUM), ("a", "<<"), ("b", SUM)]),
            ["/rules/1 c", "/rules/2 a", "/rules/3 b", "kept /rules/2"]
        );
        // Of two for the same series the one at the place is meant, and none that is still there.
        let twice = [("a", "sum(x) by (<<.GroupBy>>)"), ("a", SUM)];
        assert_eq!(
            merged(&twice, &[twice[0], ("a", "<<")]),
            ["/rules/0 a", "/rules/1 a", "kept /rules/1"]
        );
        assert_eq!(
            merged(&twice, &[("a", "<<"), ("a", "<<")]),
            ["/rules/0 a", "/rules/1 a", "kept /rules/0", "kept /rules/1"]
        );
    }
}
