//! The operators between two values, and how strongly they bind.

use crate::program::{Arithmetic, Comparison};
use crate::token::Token;

/// How strongly an operator binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Power(u8);

impl Power {
    pub(crate) const LOWEST: Self = Self(0);
    pub(crate) const CHOICE: Self = Self(1);
    /// Of `-x` and `!x`: between multiplication and powers.
    pub(crate) const PREFIX: Self = Self(8);

    /// What the right side of an operator that groups to the left must exceed.
    pub(crate) fn above(self) -> Self {
        Self(self.0 + 1)
    }
}

/// An operator between two parts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Between {
    Choice,
    Or,
    And,
    Comparison(Comparison),
    Arithmetic(Arithmetic),
    Coalesce,
}

impl Between {
    pub(crate) fn of(token: Token<'_>) -> Option<Self> {
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
    pub(crate) fn power(self) -> Power {
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
