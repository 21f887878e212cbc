//! Calls of functions, with what each takes.

use crate::functions;
use crate::operator::Power;
use crate::parse::{Parser, Part};
use crate::program::{Aggregate, Kind, List, Node};
use crate::token::{Mistake, Placed, Token};

impl<'f> Parser<'f, '_> {
    /// A function, after its opening parenthesis.
    pub(crate) fn function(&mut self, name: &str, named: Placed<'f>) -> Result<Part, Mistake> {
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
}
