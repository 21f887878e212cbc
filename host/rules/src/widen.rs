//! Whether a query may be asked for all objects at once.
//!
//! It may if what it gives for one object depends on no series of another: then taking the
//! object's matcher away adds values for others and changes none. That holds for as long as each
//! step from the series to the result keeps the object's label apart.

use promql_parser::label::Matchers;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

use crate::promql;

/// The label whose matcher stands for the matchers of a read.
pub(super) const MARK: &str = "__leadsman_matchers__";

/// Whether a query with [`MARK`] among its matchers keeps the objects of a label apart; otherwise
/// why it may not.
pub(super) fn keeps(query: &str, label: &str) -> Result<(), String> {
    let look = Look { label };
    match promql::look(query, |query| look.at(query))?? {
        Gives::EachObject => Ok(()),
        Gives::Same => Err("it does not use .LabelMatchers".to_owned()),
    }
}

/// What an expression gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// For each object what its own series say.
    EachObject,
    /// The same whatever objects are asked for.
    Same,
}

struct Look<'a> {
    label: &'a str,
}

type Found = Result<Gives, String>;

impl Look<'_> {
    fn at(&self, expression: &Expr) -> Found {
        match expression {
            Expr::VectorSelector(selector) => Ok(selected(&selector.matchers)),
            Expr::MatrixSelector(selector) => Ok(selected(&selector.vs.matchers)),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(Gives::Same),
            Expr::Paren(inner) => self.at(&inner.expr),
            Expr::Unary(inner) => self.at(&inner.expr),
            Expr::Subquery(inner) => self.at(&inner.expr),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Extension(_) => Err("it has an extension of PromQL".to_owned()),
        }
    }

    fn aggregate(&self, aggregate: &AggregateExpr) -> Found {
        if let Some(parameter) = &aggregate.param
            && self.at(parameter)? == Gives::EachObject
        {
            return Err(format!("a parameter of {} depends on the objects", aggregate.op));
        }
        let gives = self.at(&aggregate.expr)?;
        let apart = match &aggregate.modifier {
            Some(LabelModifier::Include(labels)) => labels.labels.iter().any(|l| l == self.label),
            Some(LabelModifier::Exclude(labels)) => labels.labels.iter().all(|l| l != self.label),
            None => false,
        };
        if gives == Gives::EachObject && !apart {
            return Err(format!("{} brings objects together", aggregate.op));
        }
        Ok(gives)
    }

    fn call(&self, call: &Call) -> Found {
        let name = call.func.name;
        let mut gives = Gives::Same;
        for argument in &call.args.args {
            if self.at(argument)? == Gives::EachObject {
                gives = Gives::EachObject;
            }
        }
        let one_for_all =
            ["absent", "absent_over_time", "info", "scalar", "label_replace", "label_join"];
        if gives == Gives::EachObject && one_for_all.contains(&name) {
            return Err(format!("{name} does not keep objects apart"));
        }
        Ok(gives)
    }

    fn binary(&self, binary: &BinaryExpr) -> Found {
        let (left, right) = (self.at(&binary.lhs)?, self.at(&binary.rhs)?);
        let scalar = |expression: &Expr| expression.value_type() == ValueType::Scalar;
        match (left, right) {
            (Gives::Same, Gives::Same) => return Ok(Gives::Same),
            (Gives::EachObject, Gives::Same) if scalar(&binary.rhs) => return Ok(left),
            (Gives::Same, Gives::EachObject) if scalar(&binary.lhs) => return Ok(right),
            (Gives::EachObject, Gives::EachObject) => {}
            _ => {
                return Err(format!(
                    "one side of {} is the same for all objects and the other is not",
                    binary.op
                ));
            }
        }
        let Some(modifier) = &binary.modifier else { return Ok(Gives::EachObject) };
        let apart = match &modifier.matching {
            None => true,
            Some(LabelModifier::Include(labels)) => labels.labels.iter().any(|l| l == self.label),
            Some(LabelModifier::Exclude(labels)) => labels.labels.iter().all(|l| l != self.label),
        };
        let copied = match &modifier.card {
            VectorMatchCardinality::ManyToOne(labels)
            | VectorMatchCardinality::OneToMany(labels) => {
                labels.labels.iter().any(|l| l == self.label)
            }
            _ => false,
        };
        if apart && !copied {
            Ok(Gives::EachObject)
        } else {
            Err(format!("{} matches objects with each other", binary.op))
        }
    }
}

fn selected(matchers: &Matchers) -> Gives {
    let marked = |matchers: &[promql_parser::label::Matcher]| {
        matchers.iter().any(|matcher| matcher.name == MARK)
    };
    // With `or` between matchers a part of the series does not have it.
    let in_all = matchers.or_matchers.is_empty() || matchers.or_matchers.iter().all(|m| marked(m));
    if marked(&matchers.matchers) || (!matchers.or_matchers.is_empty() && in_all) {
        Gives::EachObject
    } else {
        Gives::Same
    }
}
