//! From text to a program: operators by their precedence, and the kinds of values checked.

use crate::functions;
use crate::program::{Aggregate, Function};
use crate::program::{Arithmetic, Comparison, Id, Kind, List, Node, Operand, Program};
use crate::token::{Mistake, Placed, Token, excerpt, tokens};

/// The longest formula, in bytes.
pub(crate) const MAX_BYTES: usize = 4096;
/// The deepest nesting of parentheses and operators that wait for each other.
const MAX_DEPTH: usize = 64;
/// The most values, operators and functions of a formula. Each costs time for each object.
const MAX_NODES: usize = 500;

/// Understands a formula.
pub(crate) fn parse(formula: &str) -> Result<Program, Mistake> {
    if formula.len() > MAX_BYTES {
        let message =
            format!("the formula has {} bytes; at most {MAX_BYTES} may be", formula.len());
        return Err(Mistake::new(MAX_BYTES, message));
    }
    let tokens = tokens(formula)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        end: formula.trim_end().len(),
        depth: 0,
        nodes: Vec::new(),
        count: 0,
        operands: Vec::new(),
        in_condition: false,
    };
    let whole = parser.expression(Power::LOWEST)?;
    if let Some(rest) = parser.peek() {
        return Err(parser.unexpected(rest));
    }
    if whole.kind == Kind::Truth {
        let message = "the formula gives a condition, and a metric needs a number; write \
                       if(condition, 1, 0)";
        return Err(Mistake::new(whole.at, message));
    }
    if parser.operands.is_empty() {
        let message = "the formula names no query, so its value would never change";
        return Err(Mistake::new(whole.at, message));
    }
    Ok(Program { nodes: parser.nodes, operands: parser.operands })
}

/// A part of a formula: its node, and where it begins.
#[derive(Debug, Clone, Copy)]
struct Part {
    id: Id,
    kind: Kind,
    at: usize,
}

/// How strongly an operator binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Power(u8);

impl Power {
    const LOWEST: Self = Self(0);
    const CHOICE: Self = Self(1);
    /// Of `-x` and `!x`: between multiplication and powers.
    const PREFIX: Self = Self(8);

    /// What the right side of an operator that groups to the left must exceed.
    fn above(self) -> Self {
        Self(self.0 + 1)
    }
}

/// An operator between two parts.
#[derive(Debug, Clone, Copy)]
enum Between {
    Choice,
    Or,
    And,
    Comparison(Comparison),
    Arithmetic(Arithmetic),
    Coalesce,
}

impl Between {
    fn of(token: Token<'_>) -> Option<Self> {
        let symbol = match token {
            Token::Symbol(symbol) => symbol,
            Token::Name(word) if matches!(word, "and" | "or") => word,
            _ => return None,
        };
        Some(match symbol {
            "?" => Self::Choice,
            "||" | "or" => Self::Or,
            "&&" | "and" => Self::And,
            "==" => Self::Comparison(Comparison::Equal),
            "!=" => Self::Comparison(Comparison::Different),
            "<" => Self::Comparison(Comparison::Less),
            "<=" => Self::Comparison(Comparison::LessOrEqual),
            ">" => Self::Comparison(Comparison::Greater),
            ">=" => Self::Comparison(Comparison::GreaterOrEqual),
            "+" => Self::Arithmetic(Arithmetic::Add),
            "-" => Self::Arithmetic(Arithmetic::Subtract),
            "*" => Self::Arithmetic(Arithmetic::Multiply),
            "/" => Self::Arithmetic(Arithmetic::Divide),
            "%" => Self::Arithmetic(Arithmetic::Remainder),
            "^" | "**" => Self::Arithmetic(Arithmetic::Power),
            "??" => Self::Coalesce,
            _ => return None,
        })
    }

    /// The order is that of the expressions in KEDA, where `??` binds most.
    fn power(self) -> Power {
        match self {
            Self::Choice => Power::CHOICE,
            Self::Or => Power(2),
            Self::And => Power(3),
            Self::Comparison(_) => Power(5),
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract) => Power(6),
            Self::Arithmetic(Arithmetic::Power) => Power(9),
            Self::Arithmetic(_) => Power(7),
            Self::Coalesce => Power(10),
        }
    }
}

struct Parser<'f, 't> {
    tokens: &'t [Placed<'f>],
    next: usize,
    /// Where the formula ends, in bytes.
    end: usize,
    depth: usize,
    nodes: Vec<Node>,
    /// All nodes so far, with those of conditions.
    count: usize,
    operands: Vec<Operand>,
    /// Whether `#` has a meaning.
    in_condition: bool,
}

impl<'f> Parser<'f, '_> {
    /// Parses as far as operators bind at least this strongly.
    fn expression(&mut self, least: Power) -> Result<Part, Mistake> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("the formula is nested more than {MAX_DEPTH} deep");
            return Err(Mistake::new(self.here(), message));
        }
        let mut left = self.prefix()?;
        while let Some(next) = self.peek()
            && let Some(between) = Between::of(next.token)
            && between.power() >= least
        {
            self.next += 1;
            left = self.between(left, between, next)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// What stands after an operator, and the whole of it.
    fn between(
        &mut self,
        left: Part,
        between: Between,
        operator: Placed<'f>,
    ) -> Result<Part, Mistake> {
        let power = between.power();
        match between {
            Between::Choice => {
                self.need(left, Kind::Truth, operator)?;
                let then = self.expression(Power::LOWEST)?;
                self.expect(":")?;
                let otherwise = self.expression(Power::CHOICE)?;
                self.choice(left, then, otherwise, operator)
            }
            Between::Or | Between::And => {
                self.need(left, Kind::Truth, operator)?;
                let right = self.expression(power.above())?;
                self.need(right, Kind::Truth, operator)?;
                let node = match between {
                    Between::Or => Node::Or(left.id, right.id),
                    _ => Node::And(left.id, right.id),
                };
                self.push(node, Kind::Truth, left.at)
            }
            Between::Comparison(comparison) => {
                self.need(left, Kind::Number, operator)?;
                let right = self.expression(power.above())?;
                self.need(right, Kind::Number, operator)?;
                self.comparison(left, comparison, right)
            }
            Between::Arithmetic(arithmetic) => {
                self.need(left, Kind::Number, operator)?;
                // Powers group to the right: 2^3^2 is 2^9.
                let groups_right = arithmetic == Arithmetic::Power;
                let right = self.expression(if groups_right { power } else { power.above() })?;
                self.need(right, Kind::Number, operator)?;
                self.push(Node::Arithmetic(arithmetic, left.id, right.id), Kind::Number, left.at)
            }
            Between::Coalesce => {
                self.need(left, Kind::Number, operator)?;
                if let Some(Node::Constant(number)) = self.nodes.get(left.id) {
                    let message = format!(
                        "{number} is never absent, and ?? binds more than any other operator; \
                         for what stands left of it as a whole, write (… {number}) ?? …"
                    );
                    return Err(Mistake::new(left.at, message));
                }
                let right = self.expression(power.above())?;
                self.need(right, Kind::Number, operator)?;
                self.push(Node::Coalesce(left.id, right.id), Kind::Number, left.at)
            }
        }
    }

    /// A comparison, which with `nil` asks whether a value is absent.
    fn comparison(
        &mut self,
        left: Part,
        comparison: Comparison,
        right: Part,
    ) -> Result<Part, Mistake> {
        let is_nil = |part: Part| self.nodes.get(part.id) == Some(&Node::Absent);
        let asked = match (is_nil(left), is_nil(right)) {
            (false, false) => {
                let node = Node::Comparison(comparison, left.id, right.id);
                return self.push(node, Kind::Truth, left.at);
            }
            (true, _) => right,
            _ => left,
        };
        let is_absent =
            |parser: &mut Self| parser.push(Node::IsAbsent(asked.id), Kind::Truth, left.at);
        match comparison {
            Comparison::Equal => is_absent(self),
            Comparison::Different => {
                let absent = is_absent(self)?;
                self.push(Node::Not(absent.id), Kind::Truth, left.at)
            }
            _ => {
                let message = "nil is no number: only == nil and != nil say something";
                Err(Mistake::new(left.at, message))
            }
        }
    }

    fn choice(
        &mut self,
        condition: Part,
        then: Part,
        otherwise: Part,
        operator: Placed<'f>,
    ) -> Result<Part, Mistake> {
        self.need(then, Kind::Number, operator)?;
        self.need(otherwise, Kind::Number, operator)?;
        let node = Node::If(condition.id, then.id, otherwise.id);
        self.push(node, Kind::Number, condition.at)
    }

    fn prefix(&mut self) -> Result<Part, Mistake> {
        let Some(first) = self.peek() else {
            return Err(Mistake::new(self.end, "the formula ends where a value is missing"));
        };
        self.next += 1;
        match first.token {
            Token::Symbol("-") => {
                let part = self.expression(Power::PREFIX)?;
                self.need(part, Kind::Number, first)?;
                self.push(Node::Function(Function::Negate, part.id), Kind::Number, first.at)
            }
            Token::Symbol("+") => {
                let part = self.expression(Power::PREFIX)?;
                self.need(part, Kind::Number, first)?;
                Ok(part)
            }
            Token::Symbol("!") | Token::Name("not") => {
                let part = self.expression(Power::PREFIX)?;
                self.need(part, Kind::Truth, first)?;
                self.push(Node::Not(part.id), Kind::Truth, first.at)
            }
            Token::Symbol("(") => {
                let part = self.expression(Power::LOWEST)?;
                self.expect(")")?;
                Ok(Part { at: first.at, ..part })
            }
            Token::Symbol("#") if self.in_condition => {
                self.push(Node::Element, Kind::Number, first.at)
            }
            Token::Symbol("#") => Err(Mistake::new(
                first.at,
                "# stands for an element of a list, and has a meaning in count([…], {# > 1}) only",
            )),
            Token::Symbol("[") => {
                Err(Mistake::new(first.at, "a list belongs into min, max, sum, avg or count"))
            }
            Token::Symbol(_) => Err(self.unexpected(first)),
            Token::Number(number) => self.push(Node::Constant(number), Kind::Number, first.at),
            Token::Quoted(query) => self.operand(query, first.at),
            Token::Name(name) if self.peek_symbol("(") => {
                self.next += 1;
                self.function(name, first)
            }
            Token::Name("true") => self.push(Node::Constant(1.0), Kind::Truth, first.at),
            Token::Name("false") => self.push(Node::Constant(0.0), Kind::Truth, first.at),
            Token::Name("nil" | "null") => self.push(Node::Absent, Kind::Number, first.at),
            Token::Name("and" | "or") => Err(self.unexpected(first)),
            Token::Name(query) => self.operand(query, first.at),
        }
    }

    fn operand(&mut self, query: &str, at: usize) -> Result<Part, Mistake> {
        let known = self.operands.iter().position(|operand| operand.query == query);
        let position = known.unwrap_or(self.operands.len());
        if known.is_none() {
            self.operands.push(Operand { query: query.to_owned(), at });
        }
        self.push(Node::Operand(position), Kind::Number, at)
    }

    /// A function, after its opening parenthesis.
    fn function(&mut self, name: &str, named: Placed<'f>) -> Result<Part, Mistake> {
        match name {
            "if" => {
                let [condition, then, otherwise] = self.arguments(named)?;
                self.need(condition, Kind::Truth, named)?;
                let part = self.choice(condition, then, otherwise, named)?;
                Ok(Part { at: named.at, ..part })
            }
            "clamp" => {
                let parts: [Part; 3] = self.arguments(named)?;
                for part in parts {
                    self.need(part, Kind::Number, named)?;
                }
                let [value, least, most] = parts;
                self.push(Node::Clamp(value.id, least.id, most.id), Kind::Number, named.at)
            }
            "absent" => {
                let [part] = self.arguments(named)?;
                self.need(part, Kind::Number, named)?;
                self.push(Node::IsAbsent(part.id), Kind::Truth, named.at)
            }
            "float" => {
                let [part] = self.arguments(named)?;
                self.need(part, Kind::Number, named)?;
                Ok(part)
            }
            "count" => self.counted(named),
            _ => {
                if let Some(aggregate) = functions::aggregate(name) {
                    return self.aggregate(aggregate, named);
                }
                let Some(function) = functions::of_one(name) else {
                    return Err(Mistake::new(named.at, functions::unknown(name)));
                };
                let [part] = self.arguments(named)?;
                self.need(part, Kind::Number, named)?;
                self.push(Node::Function(function, part.id), Kind::Number, named.at)
            }
        }
    }

    fn aggregate(&mut self, aggregate: Aggregate, named: Placed<'f>) -> Result<Part, Mistake> {
        let list = self.list(named)?;
        self.expect(")")?;
        self.push(Node::Aggregate(aggregate, list), Kind::Number, named.at)
    }

    /// `count(a, b)`, `count([a, b])`, `count([a, b], {# > 1})`.
    fn counted(&mut self, named: Placed<'f>) -> Result<Part, Mistake> {
        let list = self.list(named)?;
        let mut condition = None;
        if self.peek_symbol(",") {
            self.next += 1;
            let braces = self.peek_symbol("{");
            if braces {
                self.next += 1;
            }
            condition = Some(self.condition(named)?);
            if braces {
                self.expect("}")?;
            }
        }
        self.expect(")")?;
        self.push(Node::Count(list, condition), Kind::Number, named.at)
    }

    /// A condition on an element, as a program of its own.
    fn condition(&mut self, named: Placed<'f>) -> Result<Vec<Node>, Mistake> {
        // One within another would be evaluated for each pair of elements, and so on.
        if self.in_condition {
            let message = "a condition of count has no place within another one";
            return Err(Mistake::new(named.at, message));
        }
        let outer = std::mem::take(&mut self.nodes);
        self.in_condition = true;
        let part = self.expression(Power::LOWEST)?;
        self.need(part, Kind::Truth, named)?;
        self.in_condition = false;
        Ok(std::mem::replace(&mut self.nodes, outer))
    }

    /// The values that a function takes together: `a, b`, `[a, b]`, and either within `present(…)`.
    fn list(&mut self, named: Placed<'f>) -> Result<List, Mistake> {
        let only_present =
            matches!(self.peek(), Some(Placed { token: Token::Name("present"), .. }))
                && matches!(
                    self.tokens.get(self.next + 1),
                    Some(Placed { token: Token::Symbol("("), .. })
                );
        if only_present {
            self.next += 2;
        }
        let brackets = self.peek_symbol("[");
        if brackets {
            self.next += 1;
        }
        let mut elements = Vec::new();
        loop {
            if elements.is_empty() && (self.peek_symbol(")") || self.peek_symbol("]")) {
                let message = format!("{} needs at least one value", named.token.called());
                return Err(Mistake::new(self.here(), message));
            }
            let part = self.expression(Power::LOWEST)?;
            self.need(part, Kind::Number, named)?;
            elements.push(part.id);
            if !self.peek_symbol(",") {
                break;
            }
            self.next += 1;
        }
        if brackets {
            self.expect("]")?;
        }
        if only_present {
            self.expect(")")?;
        }
        Ok(List { elements, present: only_present })
    }

    /// Exactly so many arguments, and the closing parenthesis.
    fn arguments<const N: usize>(&mut self, named: Placed<'f>) -> Result<[Part; N], Mistake> {
        let mut parts = Vec::with_capacity(N);
        while parts.len() < N && !self.peek_symbol(")") {
            if !parts.is_empty() {
                self.expect(",")?;
            }
            parts.push(self.expression(Power::LOWEST)?);
        }
        let wrong = |at: usize| {
            let values =
                if N == 1 { "1 value" } else { "3 values: if(condition, a, b), clamp(x, a, b)" };
            Mistake::new(at, format!("{} takes {values}", named.token.called()))
        };
        if self.peek_symbol(",") {
            return Err(wrong(self.here()));
        }
        let closed_at = self.here();
        self.expect(")")?;
        parts.try_into().map_err(|_| wrong(closed_at))
    }

    fn push(&mut self, node: Node, kind: Kind, at: usize) -> Result<Part, Mistake> {
        self.count += 1;
        if self.count > MAX_NODES {
            let message =
                format!("the formula has more than {MAX_NODES} values, operators and functions");
            return Err(Mistake::new(at, message));
        }
        self.nodes.push(node);
        Ok(Part { id: self.nodes.len() - 1, kind, at })
    }

    fn need(&self, part: Part, kind: Kind, by: Placed<'f>) -> Result<(), Mistake> {
        if part.kind == kind {
            return Ok(());
        }
        let called = by.token.called();
        let message = match kind {
            Kind::Number => format!(
                "{called} takes numbers here, and this is a condition; if(condition, 1, 0) makes \
                 it a number"
            ),
            Kind::Truth => {
                format!("{called} takes a condition here, and this is a number; compare it: x > 0")
            }
        };
        Err(Mistake::new(part.at, message))
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), Mistake> {
        match self.peek() {
            Some(next) if next.token == Token::Symbol(symbol) => {
                self.next += 1;
                Ok(())
            }
            Some(next) => {
                let message = format!("expected \"{symbol}\", found {}", next.token.called());
                Err(Mistake::new(next.at, message))
            }
            None => Err(Mistake::new(self.end, format!("\"{symbol}\" is missing at the end"))),
        }
    }

    fn unexpected(&self, found: Placed<'f>) -> Mistake {
        let before = self.tokens.iter().take_while(|token| token.at < found.at).last();
        let after_value = match before.map(|before| before.token) {
            Some(Token::Name(word)) => !matches!(word, "and" | "or" | "not"),
            Some(Token::Quoted(_) | Token::Number(_) | Token::Symbol(")" | "]")) => true,
            _ => false,
        };
        let message = match found.token {
            Token::Symbol("(") | Token::Number(_) | Token::Name(_) | Token::Quoted(_)
                if after_value =>
            {
                format!("expected an operator such as +, found {}", found.token.called())
            }
            Token::Name(word) => format!("expected a value, found {}", excerpt(word)),
            token => format!("{} has no place here", token.called()),
        };
        Mistake::new(found.at, message)
    }

    fn peek(&self) -> Option<Placed<'f>> {
        self.tokens.get(self.next).copied()
    }

    fn peek_symbol(&self, symbol: &'static str) -> bool {
        self.peek().is_some_and(|next| next.token == Token::Symbol(symbol))
    }

    /// Where the next token is, or the end.
    fn here(&self) -> usize {
        self.peek().map_or(self.end, |next| next.at)
    }
}
