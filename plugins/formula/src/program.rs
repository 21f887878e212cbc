//! A formula that was understood, and its value.
//!
//! Nodes stand after the nodes that they are made of, so that one pass in order gives the value of
//! each: no recursion, whatever a formula is like.

/// The position of a node.
pub(crate) type Id = usize;

/// What a value is, known before anything is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    /// A condition. At run time 1 is true, 0 is false, and NaN is unknown, as of a comparison with
    /// NaN.
    Truth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Ceil,
    Floor,
    Round,
    Truncate,
    Sqrt,
    Ln,
    Exp,
    Negate,
    /// The number, or absent if it is NaN or infinite.
    Finite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Min,
    Max,
    Sum,
    Average,
}

/// Several values that are taken together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List {
    pub(crate) elements: Vec<Id>,
    /// Whether absent elements are left out. Otherwise one makes the whole absent.
    pub(crate) present: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Constant(f64),
    Absent,
    /// An operand, by its position.
    Operand(usize),
    /// The element that the condition of `count` is about.
    Element,
    Arithmetic(Arithmetic, Id, Id),
    Comparison(Comparison, Id, Id),
    And(Id, Id),
    Or(Id, Id),
    Not(Id),
    Coalesce(Id, Id),
    IsAbsent(Id),
    If(Id, Id, Id),
    Function(Function, Id),
    Clamp(Id, Id, Id),
    Aggregate(Aggregate, List),
    /// How many elements are there, or fulfil a condition on each.
    Count(List, Option<Vec<Node>>),
}

/// A query that a formula names, and where it does so first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) query: String,
    pub(crate) at: usize,
}

/// A formula that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    /// Each query once, in the order in which the formula names them.
    pub(crate) operands: Vec<Operand>,
}

impl Program {
    /// The value for these values of the operands; `None` is absent. NaN stays NaN.
    pub(crate) fn value(&self, operands: &[Option<f64>]) -> Option<f64> {
        run(&self.nodes, operands, None)
    }
}

fn run(nodes: &[Node], operands: &[Option<f64>], element: Option<f64>) -> Option<f64> {
    let mut values: Vec<Option<f64>> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let of = |id: Id| values.get(id).copied().flatten();
        let value = match node {
            Node::Constant(number) => Some(*number),
            Node::Absent => None,
            Node::Operand(at) => operands.get(*at).copied().flatten(),
            Node::Element => element,
            Node::Arithmetic(operator, a, b) => both(of(*a), of(*b)).map(|of| operator.of(of)),
            Node::Comparison(operator, a, b) => both(of(*a), of(*b)).map(|of| operator.of(of)),
            Node::And(a, b) => and(of(*a), of(*b)),
            Node::Or(a, b) => and(not(of(*a)), not(of(*b))).map(|neither| 1.0 - neither),
            Node::Not(a) => not(of(*a)),
            Node::Coalesce(a, b) => of(*a).or(of(*b)),
            Node::IsAbsent(a) => Some(truth(of(*a).is_none())),
            Node::If(condition, then, otherwise) => match of(*condition) {
                None => None,
                Some(unknown) if unknown.is_nan() => Some(f64::NAN),
                Some(0.0) => of(*otherwise),
                Some(_) => of(*then),
            },
            Node::Function(function, a) => of(*a).and_then(|value| function.of(value)),
            Node::Clamp(a, least, most) => clamp(of(*a), of(*least), of(*most)),
            Node::Aggregate(aggregate, list) => {
                list.values(of).and_then(|values| aggregate.of(&values))
            }
            Node::Count(list, None) => {
                Some(count(list.elements.iter().filter(|id| of(**id).is_some()).count()))
            }
            Node::Count(list, Some(condition)) => {
                list.values(of).and_then(|values| fulfilling(&values, condition, operands))
            }
        };
        values.push(value);
    }
    values.last().copied().flatten()
}

impl List {
    /// The values of the elements, or nothing if one is absent and counts.
    fn values(&self, of: impl Fn(Id) -> Option<f64>) -> Option<Vec<f64>> {
        let values = self.elements.iter().map(|id| of(*id));
        if self.present { Some(values.flatten().collect()) } else { values.collect() }
    }
}

fn both(a: Option<f64>, b: Option<f64>) -> Option<(f64, f64)> {
    a.zip(b)
}

fn truth(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn not(condition: Option<f64>) -> Option<f64> {
    // NaN stays unknown.
    condition.map(|condition| 1.0 - condition)
}

/// False with anything is false; with that said, what is absent or unknown makes the whole so.
fn and(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    if a == Some(0.0) || b == Some(0.0) {
        return Some(0.0);
    }
    both(a, b).map(|(a, b)| a * b)
}

/// The upper bound wins if the two are the wrong way round.
fn clamp(value: Option<f64>, least: Option<f64>, most: Option<f64>) -> Option<f64> {
    let (value, least, most) = (value?, least?, most?);
    if value.is_nan() || least.is_nan() || most.is_nan() {
        return Some(f64::NAN);
    }
    Some(value.max(least).min(most))
}

#[allow(clippy::cast_precision_loss)] // a formula has far fewer elements
fn count(elements: usize) -> f64 {
    elements as f64
}

/// How many values fulfil a condition; NaN if it is unknown of one.
fn fulfilling(values: &[f64], condition: &[Node], operands: &[Option<f64>]) -> Option<f64> {
    values.iter().try_fold(0.0, |sum, value| Some(sum + run(condition, operands, Some(*value))?))
}

impl Arithmetic {
    fn of(self, (a, b): (f64, f64)) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Remainder => a % b,
            Self::Power => a.powf(b),
        }
    }
}

impl Comparison {
    fn of(self, (a, b): (f64, f64)) -> f64 {
        if a.is_nan() || b.is_nan() {
            return f64::NAN;
        }
        truth(match self {
            Self::Equal => a == b,
            Self::Different => a != b,
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
        })
    }
}

impl Function {
    fn of(self, value: f64) -> Option<f64> {
        Some(match self {
            Self::Abs => value.abs(),
            Self::Ceil => value.ceil(),
            Self::Floor => value.floor(),
            Self::Round => value.round(),
            Self::Truncate => value.trunc(),
            Self::Sqrt => value.sqrt(),
            Self::Ln => value.ln(),
            Self::Exp => value.exp(),
            Self::Negate => -value,
            Self::Finite => return Some(value).filter(|value| value.is_finite()),
        })
    }
}

impl Aggregate {
    /// Nothing of nothing.
    fn of(self, values: &[f64]) -> Option<f64> {
        let pick = |pick: fn(f64, f64) -> f64| {
            let either =
                |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { pick(a, b) };
            values.iter().copied().reduce(either)
        };
        let sum = values.iter().copied().reduce(|a, b| a + b);
        match self {
            Self::Min => pick(f64::min),
            Self::Max => pick(f64::max),
            Self::Sum => sum,
            Self::Average => sum.map(|sum| sum / count(values.len())),
        }
    }
}
