//! One look into the table: the entry that a request wants, or why there is none.

use std::sync::Arc;

use super::{Entry, EntryState, MeasuredKind, NotLoaded, ReadKind, Rejection, Snapshot};
use leadsman_evaluation::Evaluations;

/// Why a request's metric is not served.
pub enum NotServed<'a> {
    /// It is configured and cannot be served.
    Rejected(&'a Rejection),
    /// The name is served in this namespace, but not as the request wants it. What it is served as.
    AsOthers(Vec<&'a Entry>),
    /// It is served as the request wants it, in namespaces of teams alone, and this is none of them.
    InOtherNamespaces,
    /// Nothing is served under the name.
    Unknown,
    /// No configuration is in force yet, so that it is not known. Why.
    NotLoaded(&'a NotLoaded),
}

/// The two resource metrics of nodes or of pods.
#[derive(Clone, Copy)]
pub struct ResourceMetrics<'a> {
    /// Processors, in cores.
    pub cpu: &'a Arc<Evaluations>,
    /// Memory, in bytes.
    pub memory: &'a Arc<Evaluations>,
}

impl Snapshot {
    /// The entry that a request for a namespace (`None` at the root) is answered from. It is not
    /// one that is rejected.
    pub fn find(
        &self,
        metric: &str,
        wanted: ReadKind<'_>,
        namespace: Option<&str>,
    ) -> Result<&Entry, NotServed<'_>> {
        let mut elsewhere = false;
        for entry in self.of_name(metric).filter(|entry| entry.is(wanted)) {
            match &entry.state {
                _ if !entry.owner.serves(namespace) => elsewhere |= entry.is_served(),
                EntryState::Rejected(rejection) => return Err(NotServed::Rejected(rejection)),
                EntryState::Ready(_) | EntryState::Lazy(_) => return Ok(entry),
            }
        }
        let others =
            self.of_name(metric).filter(|entry| entry.is_served() && entry.owner.serves(namespace));
        let others: Vec<_> = others.collect();
        Err(match others.is_empty() {
            false => NotServed::AsOthers(others),
            true if elsewhere => NotServed::InOtherNamespaces,
            true => match self.not_loaded() {
                Some(why) => NotServed::NotLoaded(why),
                None => NotServed::Unknown,
            },
        })
    }

    /// Both resource metrics of a kind, or why there are none.
    pub fn resource_metrics(
        &self,
        kind: MeasuredKind,
    ) -> Result<ResourceMetrics<'_>, NotServed<'_>> {
        let find = |metric| {
            let entry = self.find(metric, ReadKind::Resource(kind), None)?;
            entry.evaluations().ok_or(NotServed::Unknown)
        };
        match (find("cpu"), find("memory")) {
            (Ok(cpu), Ok(memory)) => Ok(ResourceMetrics { cpu, memory }),
            (Err(known @ (NotServed::Rejected(_) | NotServed::NotLoaded(_))), _) => Err(known),
            (_, Err(why)) | (Err(why), _) => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Contents, LazyMetric, RejectionReason};
    use super::*;
    use leadsman_model::owner::Owner;
    use leadsman_model::resource::Resource;
    use leadsman_model::serve::Serve;

    fn serve(of: &str) -> Serve {
        match of {
            "external" => Serve::External,
            "cpu" => Serve::ResourceMetrics(Resource::known("pods").unwrap()),
            resource => Serve::Custom(Resource::known(resource).unwrap()),
        }
    }

    fn rejection(owner: Owner, metric: &str, of: &str) -> Rejection {
        let metric = metric.parse().unwrap();
        let serve = serve(of);
        Rejection {
            owner,
            title: serve.title(&metric),
            mapping: Some((metric, serve)),
            reason: RejectionReason::ConfigInvalid,
            message: "wrong".to_owned(),
            serving: false,
            activates: None,
        }
    }

    fn rule(metric: &str, of: &str) -> Arc<LazyMetric> {
        let binder = Box::new(|| -> futures_util::future::BoxFuture<'static, _> {
            Box::pin(async { Err("no plugin".to_owned()) })
        });
        Arc::new(LazyMetric::new(metric.parse().unwrap(), serve(of), 0, binder, None))
    }

    fn team(namespace: &str) -> Owner {
        Owner::Team { namespace: namespace.parse().unwrap(), name: "c".into() }
    }

    fn snapshot() -> Snapshot {
        let rejections = vec![
            rejection(Owner::Operator, "both", "pods"),
            rejection(team("shop"), "of_team", "pods"),
            rejection(Owner::Operator, "cpu", "cpu"),
        ];
        let rules = ["both/pods", "both/services", "plain/pods", "plain/external", "of_team/pods"];
        let rules = rules.map(|rule| rule.split_once('/').unwrap());
        let rules = rules.map(|(metric, of)| self::rule(metric, of)).into();
        Snapshot::new(1, Contents { rejections, rules, ..Contents::default() })
    }

    /// What a request meets: `served`, or why not.
    fn met(metric: &str, wanted: ReadKind<'_>, namespace: Option<&str>) -> String {
        let snapshot = snapshot();
        match snapshot.find(metric, wanted, namespace) {
            Ok(entry) => format!("served {}", entry.serve.title(&entry.metric)),
            Err(NotServed::Rejected(rejection)) => format!("rejected {}", rejection.title),
            Err(NotServed::AsOthers(entries)) => {
                let of = |entry: &&Entry| entry.serve.described();
                format!("others {}", entries.iter().map(of).collect::<Vec<_>>().join(", "))
            }
            Err(NotServed::InOtherNamespaces) => "elsewhere".to_owned(),
            Err(NotServed::Unknown) => "unknown".to_owned(),
            Err(NotServed::NotLoaded(why)) => format!("not loaded: {why}"),
        }
    }

    #[test]
    fn a_rejected_mapping_is_told_of_although_a_rule_gives_the_metric() {
        let pods = ReadKind::Custom("pods");
        assert_eq!(met("both", pods, Some("shop")), "rejected pods/both");
        assert_eq!(met("both", ReadKind::Custom("service"), Some("shop")), "served services/both");
        assert_eq!(met("of_team", pods, Some("shop")), "rejected pods/of_team");
        assert_eq!(met("of_team", pods, Some("bank")), "served pods/of_team");
    }

    #[test]
    fn what_there_is_none_of_is_told_with_what_there_is() {
        let plain = |wanted| met("plain", wanted, Some("shop"));
        assert_eq!(plain(ReadKind::External), "served external/plain");
        assert_eq!(plain(ReadKind::Custom("nodes")), "others for pods, as an external metric");
        assert_eq!(met("both", ReadKind::External, None), "others for pods, for services");
        assert_eq!(met("nothing", ReadKind::External, None), "unknown");
    }

    #[test]
    fn before_a_configuration_is_in_force_it_is_not_known_what_there_is() {
        let not_loaded = Some(NotLoaded::Loading);
        let rejections = vec![rejection(team("shop"), "of_team", "pods")];
        let contents = Contents { not_loaded, rejections, ..Contents::default() };
        let snapshot = Snapshot::new(0, contents);
        let unknown = |found: Result<&Entry, NotServed<'_>>| match found {
            Err(NotServed::NotLoaded(why)) => *why == NotLoaded::Loading,
            _ => false,
        };
        assert!(unknown(snapshot.find("anything", ReadKind::External, Some("shop"))));
        assert!(unknown(snapshot.find("anything", ReadKind::Custom("pods"), None)));
        let nodes = snapshot.resource_metrics(MeasuredKind::Nodes);
        assert!(matches!(nodes, Err(NotServed::NotLoaded(_))));
        // What is known to be configured and wrong is reported all the same.
        let of_team = snapshot.find("of_team", ReadKind::Custom("pods"), Some("shop"));
        assert!(matches!(of_team, Err(NotServed::Rejected(_))));
    }

    #[test]
    fn resource_metrics_are_rejected_if_one_of_both_is() {
        let snapshot = snapshot();
        let of = |kind| match snapshot.resource_metrics(kind) {
            Err(NotServed::Rejected(rejection)) => rejection.title.clone(),
            Err(_) => "none".to_owned(),
            Ok(_) => "served".to_owned(),
        };
        assert_eq!(of(MeasuredKind::Pods), "usage/pods/cpu");
        assert_eq!(of(MeasuredKind::Nodes), "none");
    }
}
