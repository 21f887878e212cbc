//! Sums that mean nothing: of averages, latencies, percentages, maxima or scores.

use crate::program::{Aggregate, Arithmetic, Function, Id, Node, Program};

/// What is known of a part before anything is evaluated.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// The operand, by its position, that the part is in essence: an average with a constant added to it
    /// is one still, an average times a number of requests is not.
    operand: Option<usize>,
    /// Whether it is the same whatever the operands are.
    constant: bool,
}

/// The operand, by its position, that a formula adds to another value though `may_be_summed` says of its
/// query that it must not be. Products and quotients are left alone: they are how a mean by weight is
/// written.
pub(crate) fn wrong(program: &Program, may_be_summed: impl Fn(&str) -> bool) -> Option<usize> {
    let mut known: Vec<Known> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let of = |id: Id| known.get(id).copied().unwrap_or_default();
        let either = |one: Id, other: Id| Known {
            operand: of(one).operand.or(of(other).operand),
            constant: of(one).constant && of(other).constant,
        };
        let next = match node {
            Node::Constant(_) | Node::Absent => Known { operand: None, constant: true },
            Node::Operand(at) => {
                let query = program.operands.get(*at).map(|operand| operand.query.as_str());
                let is_wrong = query.is_some_and(|query| !may_be_summed(query));
                Known { operand: is_wrong.then_some(*at), constant: false }
            }
            Node::Arithmetic(Arithmetic::Add, a, b) => {
                if let Some(operand) = added([of(*a), of(*b)].into_iter()) {
                    return Some(operand);
                }
                either(*a, *b)
            }
            // A difference to a constant is what it was before; of two values it is something else.
            Node::Arithmetic(Arithmetic::Subtract, a, b) => {
                let is_shifted = of(*a).constant || of(*b).constant;
                Known { operand: either(*a, *b).operand.filter(|_| is_shifted), ..either(*a, *b) }
            }
            Node::Arithmetic(_, a, b) => Known { operand: None, ..either(*a, *b) },
            Node::Coalesce(a, b) | Node::If(_, a, b) => either(*a, *b),
            Node::Function(Function::Sqrt | Function::Ln | Function::Exp, a) => {
                Known { operand: None, ..of(*a) }
            }
            Node::Function(_, a) => of(*a),
            Node::Clamp(value, _, _) => of(*value),
            Node::Aggregate(aggregate, list) => {
                let elements = || list.elements.iter().map(move |id| of(*id));
                if *aggregate == Aggregate::Sum
                    && let Some(operand) = added(elements())
                {
                    return Some(operand);
                }
                Known {
                    operand: elements().find_map(|element| element.operand),
                    constant: elements().all(|element| element.constant),
                }
            }
            Node::Element
            | Node::Comparison(..)
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_)
            | Node::IsAbsent(_)
            | Node::Count(..) => Known::default(),
        };
        known.push(next);
    }
    None
}

/// The operand that must not be added, if several values are that are no constants.
fn added(parts: impl Iterator<Item = Known> + Clone) -> Option<usize> {
    let several = parts.clone().filter(|part| !part.constant).count() > 1;
    parts.filter(|_| several).find_map(|part| part.operand)
}

#[cfg(test)]
mod tests {
    use super::wrong;
    use crate::parse::parse;

    /// The query that a formula adds though it must not be: `latency` and `other_latency` must not.
    fn found(formula: &str) -> Option<String> {
        let program = parse(formula).unwrap_or_else(|mistake| panic!("{mistake:?}"));
        let at = wrong(&program, |query| !query.ends_with("latency"))?;
        Some(program.operands[at].query.clone())
    }

    #[test]
    fn averages_are_not_added_in_any_form() {
        for formula in [
            "latency + other_latency",
            "sum(latency, other_latency)",
            "sum([latency, other_latency])",
            "sum(present(latency, other_latency))",
            "(latency ?? 0) + (other_latency ?? 0)",
            "requests + latency",
            "latency + latency",
            "max(latency, 5) + requests",
            "clamp(latency, 0, 10) + requests",
            "if(requests > 5, latency, 0) + requests",
            "requests + avg(latency, other_latency)",
            "(latency + 10) + requests",
            "-latency + requests",
            "(latency + other_latency) / 2",
            "requests > 5 ? 1 : sum(latency, requests)",
            "latency + requests > 100 ? 5 : 1",
        ] {
            assert_eq!(found(formula).as_deref(), Some("latency"), "{formula}");
        }
    }

    #[test]
    fn what_is_no_sum_of_them_is_left_alone() {
        for formula in [
            "requests + connections",
            "sum(requests, connections)",
            "avg(latency, other_latency)",
            "max(latency, other_latency)",
            "latency + 10",
            "sum(latency, 10)",
            "sum(latency)",
            "latency - other_latency",
            "latency / 100 + requests / 500",
            "(latency * requests + other_latency * connections) / (requests + connections)",
            "latency ?? other_latency",
            "count([latency, other_latency], {# > 5})",
            "(latency > 100 ? 1 : 0) * 2 + requests",
        ] {
            assert_eq!(found(formula), None, "{formula}");
        }
    }
}
