//! Checks the scraped targets: which exist, which fail, and what their pages contain.

use super::Finding;
use leadsman_source::{ExpositionError, ExpositionReport, PageReport, TargetReport};

/// How many targets of a source are listed, those that fail first.
const MAX_TARGETS: usize = 20;

/// What is found of a source whose targets were scraped.
pub(super) fn findings(
    name: &str,
    report: Result<ExpositionReport, ExpositionError>,
) -> Vec<Finding> {
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            let advice = "give the adapter's role the right that is named";
            return vec![Finding::bad(format!("the source \"{name}\" {error}"), advice)];
        }
    };
    let ExpositionReport { mut targets, left_out, interrupted } = report;
    let (all, failing) = (targets.len(), targets.iter().filter(|one| one.outcome.is_err()).count());
    let mut findings = Vec::new();
    let summary = format!("the source \"{name}\" has {all} targets, {failing} of them failing");
    findings.push(match (all, failing) {
        (0, _) => Finding::unsure(summary),
        (_, 0) => Finding::good(summary),
        _ => Finding::bad(
            summary,
            "an address inside the cluster can be reached from a pod only, and a NetworkPolicy may \
             close it",
        ),
    });
    if let Some(reason) = interrupted {
        findings.push(Finding::unsure(format!("its list may be out of date: {reason}")));
    }
    targets.sort_by_key(|target| target.outcome.is_ok());
    for TargetReport { target, outcome } in targets.iter().take(MAX_TARGETS) {
        findings.push(match outcome {
            Ok(PageReport { bytes, series, took, .. }) => {
                Finding::good(format!("{target}: {bytes} bytes, {series} series in {took:.1?}"))
            }
            Err(error) => Finding::unsure(format!("{target} {error}")),
        });
    }
    for reason in left_out.iter().take(MAX_TARGETS) {
        findings.push(Finding::unsure(format!("not scraped: {reason}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn targets_that_fail_are_told_first() {
        let target = |target: &str, outcome| TargetReport { target: target.to_owned(), outcome };
        let page = PageReport {
            age: Duration::ZERO,
            bytes: 1200,
            series: 30,
            took: Duration::from_millis(12),
        };
        let report = ExpositionReport {
            targets: vec![
                target("shop/web-0 (10.0.0.1:9100)", Ok(page)),
                target("shop/web-1 (10.0.0.2:9100)", Err("answered 500".to_owned())),
            ],
            left_out: vec!["shop/web-2: it is younger than minAge (30s)".to_owned()],
            interrupted: None,
        };
        let reported: Vec<_> =
            findings("app", Ok(report)).into_iter().map(|one| one.what).collect();
        assert_eq!(
            reported,
            [
                "the source \"app\" has 2 targets, 1 of them failing",
                "shop/web-1 (10.0.0.2:9100) answered 500",
                "shop/web-0 (10.0.0.1:9100): 1200 bytes, 30 series in 12.0ms",
                "not scraped: shop/web-2: it is younger than minAge (30s)",
            ]
        );
    }
}
