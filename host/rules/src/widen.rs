//! Whether a rule's query can be widened: sent once for all objects of a namespace.
//!
//! It can if it is separable: the value of one object does not depend on series of another, so
//! removing the matcher for objects adds values for others and changes none. This holds if every
//! operator between the series and the result preserves the label that names the object.

use std::cell::Cell;

use promql_parser::label::Matchers;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

use crate::promql;

/// The label whose matcher is the placeholder for the matchers of a read.
pub(super) const MATCHERS_MARKER: &str = "__leadsman_matchers__";

/// Checks that the result of a query with [`MATCHERS_MARKER`] is, for each object, determined by the
/// series of that object. The error says why it may not be.
pub(super) fn check_separable(query: &str, label: &str) -> Result<Joins, String> {
    let inspected = promql::inspect(query, |query| {
        let checker = Checker { label, joins: Cell::new(Joins::Nothing) };
        checker.check(query).map(|separability| (separability, checker.joins.get()))
    });
    match inspected.map_err(|error| error.to_string())?? {
        (Separability::PerObject, joins) => Ok(joins),
        (Separability::Shared, _) => Err("it does not use .LabelMatchers".to_owned()),
    }
}

/// Whether a query joins vectors. Series without the object's label, which the exact query does not
/// select, could then match each other and make the widened query fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joins {
    Nothing,
    Series,
}

/// How the result of an expression depends on objects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separability {
    /// The values of each object depend on its own series only.
    PerObject,
    /// It is the same for all objects.
    Shared,
}

struct Checker<'a> {
    label: &'a str,
    joins: Cell<Joins>,
}

impl Checker<'_> {
    fn check(&self, expression: &Expr) -> Result<Separability, String> {
        match expression {
            Expr::VectorSelector(selector) => Ok(self::selector(&selector.matchers)),
            Expr::MatrixSelector(selector) => Ok(self::selector(&selector.vs.matchers)),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(Separability::Shared),
            Expr::Paren(inner) => self.check(&inner.expr),
            Expr::Unary(inner) => self.check(&inner.expr),
            Expr::Subquery(inner) => self.check(&inner.expr),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Extension(_) => Err("it has an extension of PromQL".to_owned()),
        }
    }

    fn aggregate(&self, aggregate: &AggregateExpr) -> Result<Separability, String> {
        if let Some(parameter) = &aggregate.param
            && self.check(parameter)? == Separability::PerObject
        {
            return Err(format!("a parameter of {} depends on the objects", aggregate.op));
        }
        let inner = self.check(&aggregate.expr)?;
        let apart = match &aggregate.modifier {
            Some(LabelModifier::Include(labels)) => labels.labels.iter().any(|l| l == self.label),
            Some(LabelModifier::Exclude(labels)) => labels.labels.iter().all(|l| l != self.label),
            None => false,
        };
        if inner == Separability::PerObject && !apart {
            return Err(format!("{} brings objects together", aggregate.op));
        }
        Ok(inner)
    }

    fn call(&self, call: &Call) -> Result<Separability, String> {
        let name = call.func.name;
        let mut result = Separability::Shared;
        for argument in &call.args.args {
            if self.check(argument)? == Separability::PerObject {
                result = Separability::PerObject;
            }
        }
        let not_separable =
            ["absent", "absent_over_time", "info", "scalar", "label_replace", "label_join"];
        if result == Separability::PerObject && not_separable.contains(&name) {
            return Err(format!("{name} does not keep objects apart"));
        }
        Ok(result)
    }

    fn binary(&self, binary: &BinaryExpr) -> Result<Separability, String> {
        let (left, right) = (self.check(&binary.lhs)?, self.check(&binary.rhs)?);
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

fn selector(matchers: &Matchers) -> Separability {
    let marked = |matchers: &[promql_parser::label::Matcher]| {
        matchers.iter().any(|matcher| matcher.name == MATCHERS_MARKER)
    };
    // With `or` between matchers, every alternative must contain the marker.
    let in_all = matchers.or_matchers.is_empty() || matchers.or_matchers.iter().all(|m| marked(m));
    if marked(&matchers.matchers) || (!matchers.or_matchers.is_empty() && in_all) {
        Separability::PerObject
    } else {
        Separability::Shared
    }
}
