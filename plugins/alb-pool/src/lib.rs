//! Values of the pools of an NSX ALB controller: for an object, or of each server for the pod with
//! its address; weighed by health if asked for.

mod health;
mod servers;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Answer, Api, Combine, Context, Failure, Fault, Input, Measures, NsxAlbQuery, ObjectFinder,
    ObjectKey, ObjectSource, ObjectValue, Plan, Series, combined, may_be_summed,
};

use health::{Health, Scores};
use servers::{Pods, Servers};

/// For which objects values are, and what is made of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The object of all values, or the label that names it: `ingress`, `service` …
    object: Option<ObjectSource>,
    /// In place of `object`: whose the value of each server of a pool is.
    servers: Option<Servers>,
    /// The label with the object's namespace, `namespace` by default. Read only when one evaluation
    /// serves all namespaces.
    namespace: Option<String>,
    /// What to do when several values meet one object. Left out, they are added.
    combine: Option<Combine>,
    /// What the health of pools or servers makes of their values. Left out, nothing.
    health: Option<Health>,
    /// What the controller must count the values in, such as `bits_per_second`. An answer in
    /// anything else is an error.
    unit: Option<String>,
}

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let query = match context.queries() {
        [query] => query.nsx_alb().map(|asked| (query, asked)),
        _ => None,
    };
    let only = context.only_instant();
    let other_kind = (only.is_none() && query.is_none()).then(|| {
        Fault::at(
            "",
            "this plugin takes a query to an NSX ALB controller (`nsxAlb`); use per-object",
        )
    });
    let asked = query.as_ref().map(|(_, asked)| asked);
    let mut plan = Plan::unless([
        context.served_in(Api::Custom),
        only,
        other_kind,
        config.one_of_object_and_servers(),
        asked.and_then(|asked| config.added_up(asked)),
        asked.and_then(|asked| config.without_servers(asked, context)),
        asked.and_then(|asked| Health::fault(config.health.as_ref()?, asked)),
        config.health.as_ref().and_then(Health::out_of_range),
    ])?;
    if config.servers.is_some() {
        plan = plan.with_object_addresses();
    }
    if let (Some(health), Some((own, asked))) = (&config.health, query) {
        plan = plan.query(health.query(own, asked));
    }
    Ok(plan)
}

impl Config {
    fn one_of_object_and_servers(&self) -> Option<Fault> {
        match (&self.object, &self.servers) {
            (Some(_), None) | (None, Some(_)) => None,
            (None, None) => {
                Some(Fault::at("", "the key \"object\" is missing, or \"servers\" for pods"))
            }
            (Some(_), Some(_)) => {
                Some(Fault::at("/servers", "only one of object and servers may stand here"))
            }
        }
    }

    /// What stands here is looked at by the adapter, for all plugins.
    fn added_up(&self, asked: &NsxAlbQuery) -> Option<Fault> {
        let metric = asked.metric();
        (self.combine.is_none() && !may_be_summed(metric)).then(|| {
            let message = format!(
                "{metric} must not be added up, which is done where nothing else is said; set \
                 `combine` to average or max"
            );
            Fault::at("/combine", message)
        })
    }

    fn without_servers(&self, asked: &NsxAlbQuery, context: &Context) -> Option<Fault> {
        self.servers.as_ref()?;
        if context.served_for() != Some("pods") {
            return Some(Fault::at("/servers", "are pods, and the metric is served for none"));
        }
        (!asked.has_servers())
            .then(|| Fault::at("/servers", "needs `servers: true` in the mapping's query"))
    }

    fn combine(&self) -> Combine {
        self.combine.unwrap_or(Combine::Sum)
    }
}

/// One measure for each object that the series name, or for each pod that is a server.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let brought = |answer: &Answer<'_>| config.health.is_some() && answer.query() == health::QUERY;
    let answer = input
        .answers()
        .find(|answer| !brought(answer))
        .ok_or_else(|| Failure::new("the mapping has no query to an NSX ALB controller"))?;
    check_unit(config, &answer)?;
    let series = Reading::new(config, input, &answer)?;
    let values = series.values(&answer, config.combine())?;
    let mut measures = Measures::with_capacity(values.len());
    for value in values.iter().map(ObjectValue::measure) {
        measures.push(value);
    }
    Ok(measures)
}

/// How the series of an answer become values.
struct Reading<'a> {
    objects: Objects<'a>,
    scores: Option<Scores<'a>>,
}

/// Whose the value of a series is.
enum Objects<'a> {
    Labels(ObjectFinder<'a>),
    Pods(Pods<'a>),
}

impl<'a> Reading<'a> {
    fn new(config: &'a Config, input: &'a Input, answer: &Answer<'a>) -> Result<Self, Failure> {
        let scores = match &config.health {
            None => None,
            Some(health) => Some(Scores::new(health, &input.answer(health::QUERY)?, answer)?),
        };
        let objects = match &config.object {
            Some(source) => {
                let namespace = config.namespace.as_deref();
                Objects::Labels(ObjectFinder::new(answer, input.scope(), source, namespace)?)
            }
            None => Objects::Pods(Pods::new(answer, input)?),
        };
        Ok(Self { objects, scores })
    }

    fn values(
        &self,
        answer: &Answer<'a>,
        combine: Combine,
    ) -> Result<Vec<ObjectValue<'a>>, Failure> {
        let Some(scores) = &self.scores else {
            return combined(answer, combine, |series| {
                Some((self.object(series)?, series.sample()))
            });
        };
        let mut values = combined(answer, combine, |series| {
            Some((self.object(series)?, scores.weighed(series)?))
        })?;
        if combine == Combine::Average && scores.are_weights() {
            // The mean by weight is the mean of what is weighed over that of the weights. Both are
            // made of the same series, so the objects come in the same order.
            let weights = combined(answer, combine, |series| {
                Some((self.object(series)?, scores.weight(series)?))
            })?;
            for (value, weight) in values.iter_mut().zip(weights) {
                value.value /= weight.value;
            }
        }
        Ok(values)
    }

    fn object(&self, series: &Series<'a>) -> Option<ObjectKey<'a>> {
        match &self.objects {
            Objects::Labels(labels) => labels.object(series),
            Objects::Pods(pods) => pods.object(series),
        }
    }
}

fn check_unit(config: &Config, answer: &Answer<'_>) -> Result<(), Failure> {
    let Some(expected) = &config.unit else { return Ok(()) };
    if answer.unit() == Some(expected.as_str()) || answer.series()?.len() == 0 {
        return Ok(());
    }
    let found = answer.unit().unwrap_or("something that it does not say");
    Err(Failure::in_query(
        answer.query(),
        format!("the controller counts in {found}, and the configuration's `unit` is {expected}"),
    ))
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
