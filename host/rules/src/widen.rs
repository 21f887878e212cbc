//! Whether a rule's query can be sent once for all objects of a namespace.
//!
//! It can if it is separable: the value of one object depends on no series of another, so that
//! removing the object's matcher adds values for others and changes none. This holds as long as each
//! step from the series to the result keeps the object's label apart.

use std::cell::Cell;

use promql_parser::label::Matchers;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

use crate::promql;

/// The label whose matcher stands for the matchers of a read.
pub(super) const MATCHERS_MARKER: &str = "__leadsman_matchers__";

/// Checks that a query with [`MATCHERS_MARKER`] among its matchers has a result for each object that
/// depends on the series of this object alone. An error says why it may have not.
pub(super) fn check_separable(query: &str, label: &str) -> Result<Joins, String> {
    let looked = promql::look(query, |query| {
        let checker = Checker { label, joins: Cell::new(Joins::Nothing) };
        checker.at(query).map(|gives| (gives, checker.joins.get()))
    });
    match looked.map_err(|error| error.to_string())?? {
        (Separability::PerObject, joins) => Ok(joins),
        (Separability::Shared, _) => Err("it does not use .LabelMatchers".to_owned()),
    }
}

/// Whether a query matches series with each other. Series that name no object, which the exact query
/// does not pick, could then meet and make it fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joins {
    Nothing,
    Series,
}

/// How the result of an expression depends on the objects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separability {
    /// Each object's part depends on its own series alone.
    PerObject,
    /// It is the same for all objects.
    Shared,
}

struct Checker<'a> {
    label: &'a str,
    joins: Cell<Joins>,
}

impl Checker<'_> {
    fn at(&self, expression: &Expr) -> Result<Separability, String> {
        match expression {
            Expr::VectorSelector(selector) => Ok(selected(&selector.matchers)),
            Expr::MatrixSelector(selector) => Ok(selected(&selector.vs.matchers)),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(Separability::Shared),
            Expr::Paren(inner) => self.at(&inner.expr),
            Expr::Unary(inner) => self.at(&inner.expr),
            Expr::Subquery(inner) => self.at(&inner.expr),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Extension(_) => Err("it has an extension of PromQL".to_owned()),
        }
    }

    fn aggregate(&self, aggregate: &AggregateExpr) -> Result<Separability, String> {
        if let Some(parameter) = &aggregate.param
            && self.at(parameter)? == Separability::PerObject
        {
            return Err(format!("a parameter of {} depends on the objects", aggregate.op));
        }
        let gives = self.at(&aggregate.expr)?;
        let apart = match &aggregate.modifier {
            Some(LabelModifier::Include(labels)) => labels.labels.iter().any(|l| l == self.label),
            Some(LabelModifier::Exclude(labels)) => labels.labels.iter().all(|l| l != self.label),
            None => false,
        };
        if gives == Separability::PerObject && !apart {
            return Err(format!("{} brings objects together", aggregate.op));
        }
        Ok(gives)
    }

    fn call(&self, call: &Call) -> Result<Separability, String> {
        let name = call.func.name;
        let mut gives = Separability::Shared;
        for argument in &call.args.args {
            if self.at(argument)? == Separability::PerObject {
                gives = Separability::PerObject;
            }
        }
        let one_for_all =
            ["absent", "absent_over_time", "info", "scalar", "label_replace", "label_join"];
        if gives == Separability::PerObject && one_for_all.contains(&name) {
            return Err(format!("{name} does not keep objects apart"));
        }
        Ok(gives)
    }

    fn binary(&self, binary: &BinaryExpr) -> Result<Separability, String> {
        let (left, right) = (self.at(&binary.lhs)?, self.at(&binary.rhs)?);
        let scalar = |expression: &Expr| expression.value_type() == ValueType::Scalar;
        match (left, right) {
            (Separability::Shared, Separability::Shared) => return Ok(Separability::Shared),
            (Separability::PerObject, Separability::Shared) if scalar(&binary.rhs) => {
                return Ok(left);
            }
            (Separability::Shared, Separability::PerObject) if scalar(&binary.lhs) => {
                return Ok(right);
            }
            (Separability::PerObject, Separability::PerObject) => self.joins.set(Joins::Series),
            _ => {
                return Err(format!(
                    "one side of {} is the same for all objects and the other is not",
                    binary.op
                ));
            }
        }
        let Some(modifier) = &binary.modifier else { return Ok(Separability::PerObject) };
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
            Ok(Separability::PerObject)
        } else {
            Err(format!("{} matches objects with each other", binary.op))
        }
    }
}

fn selected(matchers: &Matchers) -> Separability {
    let marked = |matchers: &[promql_parser::label::Matcher]| {
        matchers.iter().any(|matcher| matcher.name == MATCHERS_MARKER)
    };
    // With `or` between matchers a part of the series does not have it.
    let in_all = matchers.or_matchers.is_empty() || matchers.or_matchers.iter().all(|m| marked(m));
    if marked(&matchers.matchers) || (!matchers.or_matchers.is_empty() && in_all) {
        Separability::PerObject
    } else {
        Separability::Shared
    }
}
