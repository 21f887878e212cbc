//! Whether a query gives one series, and whether that has labels. KEDA takes the one series of a result,
//! whatever its labels are.

use promql_parser::parser::Expr;

/// Whether a result is at most one series, without labels.
pub(crate) fn is_unlabelled(expression: &Expr) -> bool {
    let is_number = |side: &Expr| matches!(side, Expr::NumberLiteral(_));
    match expression {
        Expr::Paren(inner) => is_unlabelled(&inner.expr),
        Expr::Aggregate(aggregate) => {
            let bare = aggregate.modifier.as_ref().is_none_or(|modifier| {
                let is_by = matches!(modifier, promql_parser::parser::LabelModifier::Include(_));
                is_by && modifier.labels().labels.is_empty()
            });
            let one =
                ["sum", "min", "max", "avg", "count", "group", "stddev", "stdvar", "quantile"];
            bare && one.contains(&aggregate.op.to_string().as_str())
        }
        Expr::Binary(binary) => {
            let (left, right) = (&*binary.lhs, &*binary.rhs);
            let one = |side: &Expr| is_number(side) || is_unlabelled(side);
            // `or` gives both sides if their labels differ, and here they do not.
            one(left) && one(right) && !(is_number(left) && is_number(right))
        }
        _ => false,
    }
}

/// Whether a result is at most one series, whatever is written around it.
pub(crate) fn is_single(expression: &Expr) -> bool {
    const OF_ONE: [&str; 9] =
        ["abs", "ceil", "clamp", "clamp_max", "clamp_min", "floor", "round", "sgn", "sqrt"];
    match expression {
        Expr::NumberLiteral(_) => true,
        Expr::Paren(inner) => is_single(&inner.expr),
        Expr::Unary(inner) => is_single(&inner.expr),
        Expr::Binary(binary) => is_single(&binary.lhs) && is_single(&binary.rhs),
        Expr::Call(call) => match call.func.name {
            "absent" | "absent_over_time" | "scalar" | "time" | "vector" => true,
            name if OF_ONE.contains(&name) => {
                call.args.args.first().is_some_and(|argument| is_single(argument))
            }
            _ => false,
        },
        other => is_unlabelled(other),
    }
}

#[cfg(test)]
mod tests {
    use leadsman_rules::promql;

    use super::*;

    #[test]
    fn results_without_labels_are_known() {
        for (query, expected) in [
            ("sum(rate(x[2m]))", true),
            ("sum(x) * 10", true),
            ("(sum(x) + max(y)) / 2", true),
            ("sum by () (x)", true),
            ("sum(x) by (ingress)", false),
            ("sum without (pod) (x)", false),
            ("topk(1, x)", false),
            ("count_values(\"a\", x)", false),
            ("x", false),
            ("1 + 1", false),
        ] {
            assert_eq!(promql::inspect(query, is_unlabelled), Ok(expected), "{query}");
        }
    }

    #[test]
    fn several_series_are_seen_in_a_query() {
        for (query, expected) in [
            ("sum(x) or vector(0)", true),
            ("round(sum(x) / max(y)) * 10", true),
            ("-sum(x)", true),
            ("sum(x) by (ingress) * 10", false),
            ("max by (pod) (x) or vector(0)", false),
            ("ceil(x)", false),
            ("rate(x[2m])", false),
        ] {
            assert_eq!(promql::inspect(query, is_single), Ok(expected), "{query}");
        }
    }
}
