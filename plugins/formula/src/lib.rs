//! A formula over the answers of named queries: `max(requests / 100, queue ?? 0)`.
//!
//! A value that is missing makes the result missing, unless `??` says what stands for it: nothing
//! counts as 0 by itself. What a formula is like is known when it is configured, with the place of
//! each mistake.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Combine, Context, Failure, Fault, Input, Measures, NsxAlbQuery, ObjectSource, Plan,
    may_be_summed,
};

mod call;
mod functions;
mod operator;
mod parse;
mod program;
mod rows;
mod sums;
mod token;

#[cfg(test)]
mod tests;

/// The formula, and which object each series is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The formula. Queries are named as they are in the mapping, those with other characters than
    /// letters, digits and `_` between back quotes. At most 4096 bytes.
    formula: String,
    /// The label with the object's name, or a fixed object. Left out for an external metric, whose
    /// series meet on equal labels.
    object: Option<ObjectSource>,
    /// The label with the object's namespace, `namespace` by default; empty for objects that live
    /// in none. When an evaluation is for one namespace, series that name another one by a label
    /// that is set here are passed over.
    namespace: Option<String>,
    /// What to do when several series of one query meet one object.
    #[serde(default)]
    combine: Combine,
}

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let object = context.object_fits(config.object.is_some());
    let formula = &config.formula;
    match parse::parse(formula) {
        Err(mistake) => Plan::unless([object, Some(at_formula(mistake.describe(formula)))]),
        Ok(program) => {
            let summed = added_up(&program, formula, context);
            let operands = program.operands.iter().map(|operand| {
                let fault = context.instant(&operand.query)?;
                let place = token::place(formula, operand.at);
                Some(at_formula(format!("{place}: {}", fault.message)))
            });
            Plan::unless([object, summed].into_iter().chain(operands))
        }
    }
}

/// Why what a formula adds must not be added: an average of an NSX ALB controller, say.
fn added_up(program: &program::Program, formula: &str, context: &Context) -> Option<Fault> {
    let asked = |name: &str| context.queries().iter().find(|query| query.name() == name)?.nsx_alb();
    let wrong = sums::wrong(program, |name| {
        asked(name).is_none_or(|asked: NsxAlbQuery| may_be_summed(asked.metric()))
    });
    let operand = program.operands.get(wrong?)?;
    let (place, metric) = (token::place(formula, operand.at), asked(&operand.query)?);
    Some(at_formula(format!(
        "{place}: {} must not be summed, and the formula adds \"{}\" to another value: it is an average, \
         a latency, a percentage, a maximum or a score; use avg(…) or max(…), or weigh each of them by a \
         number that may be added",
        metric.metric(),
        operand.query
    )))
}

fn at_formula(message: String) -> Fault {
    Fault::at("/formula", message)
}

/// The formula's value for each object, or each set of labels, that the answers name.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let program = parse::parse(&config.formula)
        .map_err(|mistake| Failure::new(mistake.describe(&config.formula)))?;
    match &config.object {
        Some(source) => {
            let namespace = config.namespace.as_deref();
            let of = rows::Objects { source, namespace, combine: config.combine };
            rows::objects(&program, input, &of)
        }
        None => rows::items(&program, input),
    }
}

/// The queries that a formula uses, each once and in its order. The error says what is wrong with it, and
/// where.
pub fn queries(formula: &str) -> Result<Vec<String>, String> {
    let program = parse::parse(formula).map_err(|mistake| mistake.describe(formula))?;
    Ok(program.operands.into_iter().map(|operand| operand.query).collect())
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);
