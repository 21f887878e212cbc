//! The structure of a query, without its strings: for tests that request values never change it.

use promql_parser::label::{MatchOp, Matchers};
use promql_parser::parser::{self, Expr};

/// Parses a query and empties all of its strings. The error says why it is not PromQL.
#[allow(unreachable_pub, reason = "fuzz targets have this file, too")]
pub fn shape(query: &str) -> Result<Expr, String> {
    let mut expression = parser::parse(query)?;
    blank(&mut expression);
    Ok(expression)
}

fn blank(expression: &mut Expr) {
    match expression {
        Expr::VectorSelector(selector) => blank_matchers(&mut selector.matchers),
        Expr::MatrixSelector(selector) => blank_matchers(&mut selector.vs.matchers),
        Expr::StringLiteral(string) => string.val.clear(),
        Expr::NumberLiteral(_) | Expr::Extension(_) => {}
        Expr::Paren(inner) => blank(&mut inner.expr),
        Expr::Unary(inner) => blank(&mut inner.expr),
        Expr::Subquery(inner) => blank(&mut inner.expr),
        Expr::Aggregate(aggregate) => {
            blank(&mut aggregate.expr);
            aggregate.param.iter_mut().for_each(|parameter| blank(parameter));
        }
        Expr::Call(call) => call.args.args.iter_mut().for_each(|argument| blank(argument)),
        Expr::Binary(binary) => {
            blank(&mut binary.lhs);
            blank(&mut binary.rhs);
        }
    }
}

fn blank_matchers(matchers: &mut Matchers) {
    for matcher in matchers.matchers.iter_mut().chain(matchers.or_matchers.iter_mut().flatten()) {
        matcher.value = matcher.op.to_string();
        matcher.op = MatchOp::Equal;
    }
}
