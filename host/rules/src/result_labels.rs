//! Static analysis of the labels that the result of a query can have.

use std::collections::BTreeSet;

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

/// The labels of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResultLabels {
    /// All labels of its series: nothing is aggregated.
    All,
    /// At most these.
    Only(BTreeSet<String>),
    /// They cannot be determined.
    Unknown,
}

/// Aggregations that select some of the series and keep all of their labels.
const SELECTING: [&str; 4] = ["topk", "bottomk", "limitk", "limit_ratio"];

impl ResultLabels {
    fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// The labels of an expression's result.
    pub(super) fn of(expression: &Expr) -> Self {
        match expression {
            Expr::VectorSelector(_) | Expr::MatrixSelector(_) => Self::All,
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Self::none(),
            Expr::Paren(inner) => Self::of(&inner.expr),
            Expr::Unary(inner) => Self::of(&inner.expr),
            Expr::Subquery(inner) => Self::of(&inner.expr),
            Expr::Aggregate(aggregate) => Self::of_aggregate(aggregate),
            Expr::Call(call) => Self::of_call(call),
            Expr::Binary(binary) => Self::of_binary(binary),
            Expr::Extension(_) => Self::Unknown,
        }
    }

    fn of_aggregate(aggregate: &AggregateExpr) -> Self {
        let inner = Self::of(&aggregate.expr);
        let operator = aggregate.op.to_string();
        if SELECTING.contains(&operator.as_str()) {
            return inner;
        }
        if operator == "count_values" {
            return Self::Unknown;
        }
        match (&aggregate.modifier, inner) {
            (None, _) => Self::none(),
            (Some(LabelModifier::Include(kept)), Self::Only(inner)) => {
                let kept = kept.labels.iter().filter(|label| inner.contains(*label));
                Self::Only(kept.cloned().collect())
            }
            (Some(LabelModifier::Include(kept)), _) => {
                Self::Only(kept.labels.iter().cloned().collect())
            }
            (Some(LabelModifier::Exclude(_)), inner @ (Self::All | Self::Unknown)) => inner,
            (Some(LabelModifier::Exclude(left_out)), Self::Only(mut inner)) => {
                inner.retain(|label| !left_out.labels.contains(label));
                Self::Only(inner)
            }
        }
    }

    fn of_call(call: &Call) -> Self {
        let vector = call.args.args.iter().find(|argument| {
            matches!(argument.value_type(), ValueType::Vector | ValueType::Matrix)
        });
        let inner = vector.map_or_else(Self::none, |argument| Self::of(argument));
        match (call.func.name, inner) {
            ("scalar" | "vector", _) => Self::none(),
            // Their labels are taken from the matchers of their selector.
            ("absent" | "absent_over_time", _) => Self::Unknown,
            (_, Self::All) => Self::All,
            ("label_replace" | "label_join" | "info" | "histogram_quantiles", _) => Self::Unknown,
            ("histogram_quantile", Self::Only(mut inner)) => {
                inner.remove("le");
                Self::Only(inner)
            }
            (_, inner) => inner,
        }
    }

    fn of_binary(binary: &BinaryExpr) -> Self {
        let scalar = |expression: &Expr| expression.value_type() == ValueType::Scalar;
        let (left, right) = (Self::of(&binary.lhs), Self::of(&binary.rhs));
        if scalar(&binary.rhs) {
            return left;
        }
        if scalar(&binary.lhs) {
            return right;
        }
        let modifier = binary.modifier.as_ref();
        match (binary.op.to_string().as_str(), modifier.map(|modifier| &modifier.card)) {
            ("and" | "unless", _) => left,
            ("or", _) => match (left, right) {
                (Self::Only(left), Self::Only(right)) => Self::Only(&left | &right),
                (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
                _ => Self::All,
            },
            (_, Some(VectorMatchCardinality::ManyToOne(copied))) => left.with(&copied.labels),
            (_, Some(VectorMatchCardinality::OneToMany(copied))) => right.with(&copied.labels),
            _ => match (modifier.and_then(|modifier| modifier.matching.as_ref()), left, right) {
                (Some(LabelModifier::Include(on)), ..) => {
                    Self::Only(on.labels.iter().cloned().collect())
                }
                (_, Self::Only(labels), _) | (_, _, Self::Only(labels)) => Self::Only(labels),
                (_, Self::Unknown, _) | (_, _, Self::Unknown) => Self::Unknown,
                _ => Self::All,
            },
        }
    }

    fn with(self, copied: &[String]) -> Self {
        match self {
            Self::Only(mut labels) => {
                labels.extend(copied.iter().cloned());
                Self::Only(labels)
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_results() {
        let only = |labels: &[&str]| {
            ResultLabels::Only(labels.iter().map(|&label| label.to_owned()).collect())
        };
        for (query, expected) in [
            ("x", ResultLabels::All),
            ("rate(x[5m]) / 1000", ResultLabels::All),
            ("sum(x)", only(&[])),
            ("sum(x) by (pod)", only(&["pod"])),
            ("1000 * sum by (pod, node) (x)", only(&["node", "pod"])),
            ("sum(sum(x) by (pod)) by (node)", only(&[])),
            ("sum without (pod) (x)", ResultLabels::All),
            ("sum without (pod) (sum by (pod, node) (x))", only(&["node"])),
            ("topk(1, x) by (pod)", ResultLabels::All),
            ("topk(1, sum by (pod) (x))", only(&["pod"])),
            ("histogram_quantile(0.9, sum by (le, pod) (x))", only(&["pod"])),
            ("sum(a) by (pod) / sum(b) by (pod)", only(&["pod"])),
            ("a / on (pod) b", only(&["pod"])),
            ("a / on (pod) group_left (x) b", ResultLabels::All),
            ("sum by (pod) (a) * on (pod) group_left (node) b", only(&["node", "pod"])),
            ("sum by (pod) (a) or vector(0)", only(&["pod"])),
            ("sum by (pod) (a) and on (pod) b", only(&["pod"])),
            (
                "label_replace(sum by (a) (x), \"pod\", \"$1\", \"a\", \"(.*)\")",
                ResultLabels::Unknown,
            ),
            ("absent(x)", ResultLabels::Unknown),
            ("time() - max(x) by (pod)", only(&["pod"])),
            ("max_over_time(sum(x) by (pod)[10m:1m])", only(&["pod"])),
        ] {
            let labels = crate::promql::inspect(query, ResultLabels::of);
            assert_eq!(labels, Ok(expected), "{query}");
        }
    }
}
