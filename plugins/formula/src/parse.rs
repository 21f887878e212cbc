//! From text to a program: operators by their precedence, and the kinds of values checked.

use crate::operator::{Between, Power};
use crate::program::{Arithmetic, Comparison, Function, Id, Kind, Node, Operand, Program};
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
pub(crate) struct Part {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) at: usize,
}

pub(crate) struct Parser<'f, 't> {
    pub(crate) tokens: &'t [Placed<'f>],
    pub(crate) next: usize,
    /// Where the formula ends, in bytes.
    end: usize,
    depth: usize,
    pub(crate) nodes: Vec<Node>,
    /// All nodes so far, with those of conditions.
    count: usize,
    operands: Vec<Operand>,
    /// Whether `#` has a meaning.
    pub(crate) in_condition: bool,
}

impl<'f> Parser<'f, '_> {
    /// Parses as far as operators bind at least this strongly.
    pub(crate) fn expression(&mut self, least: Power) -> Result<Part, Mistake> {
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

    pub(crate) fn choice(
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

    pub(crate) fn push(&mut self, node: Node, kind: Kind, at: usize) -> Result<Part, Mistake> {
        self.count += 1;
        if self.count > MAX_NODES {
            let message =
                format!("the formula has more than {MAX_NODES} values, operators and functions");
            return Err(Mistake::new(at, message));
        }
        self.nodes.push(node);
        Ok(Part { id: self.nodes.len() - 1, kind, at })
    }

    pub(crate) fn need(&self, part: Part, kind: Kind, by: Placed<'f>) -> Result<(), Mistake> {
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

    pub(crate) fn expect(&mut self, symbol: &'static str) -> Result<(), Mistake> {
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

    pub(crate) fn peek(&self) -> Option<Placed<'f>> {
        self.tokens.get(self.next).copied()
    }

    pub(crate) fn peek_symbol(&self, symbol: &'static str) -> bool {
        self.peek().is_some_and(|next| next.token == Token::Symbol(symbol))
    }

    /// Where the next token is, or the end.
    pub(crate) fn here(&self) -> usize {
        self.peek().map_or(self.end, |next| next.at)
    }
}
