//! Checks the NSX ALB controllers: connection, login, version, objects, and the cost of calls.

use super::{Finding, Verdict};
use leadsman_model::text::counted;
use leadsman_source::{AlbError, ControllerReport};

/// What was found of a controller that was asked.
pub(super) fn findings(name: &str, asked: Result<ControllerReport, AlbError>) -> Vec<Finding> {
    match asked {
        Ok(report) => {
            let mut findings = vec![reached(name, &report)];
            findings.extend(other_nodes(name, &report));
            findings.extend([pools(name, &report), samples(name, &report), costs(name, &report)]);
            findings
        }
        Err(error) => vec![Finding::bad(format!("the source \"{name}\" {error}"), advice(&error))],
    }
}

fn reached(name: &str, ControllerReport { address, version, .. }: &ControllerReport) -> Finding {
    let version = match version {
        Some(version) => format!("version {version}"),
        None => "which does not say its version".to_owned(),
    };
    Finding::good(format!(
        "the source \"{name}\" is reached at {address} and logged in to: NSX ALB, {version}"
    ))
}

fn other_nodes(name: &str, report: &ControllerReport) -> impl Iterator<Item = Finding> {
    report.other_nodes.iter().map(move |(address, error)| match error {
        None => Finding::good(format!("the source \"{name}\": its node {address} answers, too")),
        Some(error) => advised(
            format!("the source \"{name}\": its node {address} {error}"),
            "values come from the others meanwhile",
        ),
    })
}

fn pools(name: &str, report: &ControllerReport) -> Finding {
    let ControllerReport { pools, of_clusters, of_older_ako, .. } = report;
    let has = format!("the source \"{name}\" has {}", counted(*pools, "pool"));
    let of_clusters = of_clusters.iter().map(|(cluster, count)| format!("{count} of {cluster}"));
    let older = (*of_older_ako > 0).then(|| format!("{of_older_ako} of an AKO before 1.5.1"));
    let of_ako: Vec<_> = of_clusters.chain(older).collect();
    match of_ako.as_slice() {
        _ if *pools == 0 => advised(
            has,
            "check `tenant`, which is admin if left out and * for all, and that the role of the user may \
             read pools in it",
        ),
        [] => advised(
            format!("{has}, none with markers of AKO"),
            "queries by `ako` find nothing: ask by `name` or `uuid`, or check `tenant`, and that AKO is \
             1.5.1 or later and the controller 20.1.5 or later",
        ),
        clusters => Finding::good(format!("{has}; with markers of AKO: {}", clusters.join(", "))),
    }
}

fn samples(name: &str, report: &ControllerReport) -> Finding {
    let ControllerReport { newest, step, max_sample_age, .. } = report;
    let of = format!("the source \"{name}\" has");
    match newest {
        None => advised(
            format!("{of} no sample of open connections of any pool, in steps of {step:?}"),
            match step.as_secs() {
                5 => "are real time metrics switched on, and has their duration not ended?",
                _ => "is there traffic, and may the role of the user read analytics?",
            },
        ),
        Some(_) if !report.has_times => {
            Finding::good(format!("{of} samples, which have no times in the Prometheus format"))
        }
        Some(age) => {
            let newest = format!("{of} samples; the newest is {}s old", age.as_secs());
            match age > max_sample_age {
                true => advised(
                    format!("{newest}, and those older than {max_sample_age:?} are refused"),
                    "real time metrics may have ended: say `step: 5m`, or switch them on; and compare the \
                     clocks",
                ),
                false => Finding::good(newest),
            }
        }
    }
}

fn costs(name: &str, report: &ControllerReport) -> Finding {
    let ControllerReport { login, listing, metrics, .. } = report;
    Finding::good(format!(
        "what the source \"{name}\" is asked costs: logging in {login}; a list of all pools {listing}; a \
         metric of all pools {metrics}"
    ))
}

/// What to do.
fn advice(error: &AlbError) -> &'static str {
    match error {
        AlbError::Untrusted(_) => {
            "give the authority of its certificate in `tls.caFile`; the certificate has to name the host of \
             `url`"
        }
        AlbError::Unreachable(_) | AlbError::Timeout(_) => super::sources::FROM_A_POD,
        AlbError::LoginRefused { .. } | AlbError::UnusableCredential(_) => {
            "correct the files in `credentials.secretDir`; `login: basic` has to be allowed in the \
             controller's access settings"
        }
        AlbError::SessionRefused { .. } => "give the address of the controller itself in `url`",
        AlbError::Forbidden { .. } => {
            "the role needs read access to pools, virtual services and analytics in the tenant"
        }
        AlbError::Unavailable { .. } => {
            "see /api/cluster/status of the controller; with several nodes give all in `urls`"
        }
        AlbError::NotItsOwn { .. } => {
            "give the address of the controller in `url`, not that of a proxy or of a virtual service"
        }
        AlbError::TooLarge { .. } | AlbError::TooManyObjects { .. } => {
            "raise `maxBodyBytes`, or use a tenant with fewer pools"
        }
        _ => "see the table of messages in docs/nsx-alb.md",
    }
}

fn advised(what: String, advice: &str) -> Finding {
    Finding { verdict: Verdict::Unsure, what, advice: Some(advice.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use leadsman_source::CallCost;

    use super::*;

    fn report() -> ControllerReport {
        let cost =
            |calls, time, bytes| CallCost { calls, time: Duration::from_millis(time), bytes };
        ControllerReport {
            address: "https://lb".to_owned(),
            other_nodes: Vec::new(),
            version: Some("22.1.3".to_owned()),
            pools: 7,
            of_clusters: BTreeMap::from([("a".to_owned(), 4), ("b".to_owned(), 2)]),
            of_older_ako: 0,
            newest: Some(Duration::from_secs(61)),
            has_times: true,
            step: Duration::from_secs(300),
            max_sample_age: Duration::from_secs(900),
            login: cost(1, 12, 812),
            listing: cost(2, 120, 52_100),
            metrics: cost(1, 80, 1_240_000),
        }
    }

    fn reported(report: ControllerReport) -> Vec<String> {
        let reported = |finding: Finding| {
            let advice = finding.advice.map(|advice| format!(" -> {advice}"));
            format!("{:?}: {}{}", finding.verdict, finding.what, advice.unwrap_or_default())
        };
        findings("lb", Ok(report)).into_iter().map(reported).collect()
    }

    #[test]
    fn a_controller_is_described() {
        assert_eq!(
            reported(report()),
            [
                "Good: the source \"lb\" is reached at https://lb and logged in to: NSX ALB, version \
                 22.1.3",
                "Good: the source \"lb\" has 7 pools; with markers of AKO: 4 of a, 2 of b",
                "Good: the source \"lb\" has samples; the newest is 61s old",
                "Good: what the source \"lb\" is asked costs: logging in 1 call, 12.0ms and 812 B; a list \
                 of all pools 2 calls, 120.0ms and 52.1 kB; a metric of all pools 1 call, 80.0ms and 1.2 MB",
            ]
        );
    }

    #[test]
    fn what_is_worth_a_look_has_advice() {
        let nothing = ControllerReport {
            version: None,
            pools: 0,
            of_clusters: BTreeMap::new(),
            newest: None,
            step: Duration::from_secs(5),
            ..report()
        };
        let all = reported(nothing.clone());
        assert!(all[0].ends_with("NSX ALB, which does not say its version"), "{all:?}");
        assert!(
            all[1].starts_with("Unsure: the source \"lb\" has 0 pools -> check `tenant`"),
            "{all:?}"
        );
        assert!(
            all[2].contains("no sample of open connections of any pool, in steps of 5s"),
            "{all:?}"
        );
        let unmarked = reported(ControllerReport { pools: 1, ..nothing.clone() });
        assert!(unmarked[1].contains("has 1 pool, none with markers of AKO -> queries by `ako`"));
        let older = reported(ControllerReport { pools: 2, of_older_ako: 2, ..nothing });
        assert!(older[1].starts_with("Good: ") && older[1].contains("2 of an AKO before 1.5.1"));
        let untimed = reported(ControllerReport { has_times: false, ..report() });
        assert!(untimed[2].ends_with("samples, which have no times in the Prometheus format"));
        let old = reported(ControllerReport { newest: Some(Duration::from_secs(901)), ..report() });
        assert!(
            old[2].starts_with(
                "Unsure: the source \"lb\" has samples; the newest is 901s old, and those older than 900s \
                 are refused -> real time"
            ),
            "{old:?}"
        );
    }

    #[test]
    fn each_node_is_told_of() {
        let refused = AlbError::Unreachable("Connection refused".to_owned());
        let other_nodes =
            vec![("https://lb2".to_owned(), None), ("https://lb3".to_owned(), Some(refused))];
        let all = reported(ControllerReport { other_nodes, ..report() });
        assert_eq!(all[1], "Good: the source \"lb\": its node https://lb2 answers, too");
        assert_eq!(
            all[2],
            "Unsure: the source \"lb\": its node https://lb3 cannot be reached: Connection refused -> \
             values come from the others meanwhile"
        );
    }

    #[test]
    fn each_error_has_its_own_advice() {
        for (error, part) in [
            (AlbError::Untrusted("UnknownIssuer".to_owned()), "tls.caFile"),
            (AlbError::Unreachable("refused".to_owned()), "from a pod only"),
            (AlbError::UnusableCredential("/etc/alb".into()), "credentials.secretDir"),
            (AlbError::Forbidden { what: "metrics", message: None }, "the role needs read access"),
            (AlbError::Decode("x".to_owned()), "docs/nsx-alb.md"),
        ] {
            let finding = findings("lb", Err(error)).remove(0);
            assert_eq!(finding.verdict, Verdict::Bad);
            assert!(
                finding.advice.as_ref().is_some_and(|advice| advice.contains(part)),
                "{finding:?}"
            );
        }
    }
}
