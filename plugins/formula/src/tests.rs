use proptest::prelude::*;

use crate::parse::{MAX_BYTES, parse};

/// The value of a formula of `a`, `b` and `c`; the outer error is that of its text.
fn value(formula: &str, operands: [Option<f64>; 3]) -> Result<Option<f64>, String> {
    let program = parse(formula).map_err(|mistake| mistake.describe(formula))?;
    let of = |query: &str| match query {
        "a" => operands[0],
        "b" => operands[1],
        "c" => operands[2],
        other => panic!("{other}"),
    };
    let values: Vec<_> = program.operands.iter().map(|operand| of(&operand.query)).collect();
    Ok(program.value(&values))
}

#[test]
fn fixtures() {
    leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
}

#[test]
fn operators_group_as_in_keda() {
    for (formula, expected) in [
        ("a + b * c", 17.0),
        ("(a + b) * c", 25.0),
        ("a - b - c", -6.0),
        ("2 ^ b ^ a", 512.0),
        ("-a ^ 2", -4.0),
        ("2 ** -a", 0.25),
        ("c % b * a", 4.0),
        // `??` binds most: the sum is there although what stands first is not.
        ("nil ?? 1 + a", 3.0),
        ("a + nil ?? 1", 3.0),
        ("a > 1 && b > 1 || c > 100 ? 1 : 2", 1.0),
        ("a > 1 and (b > 100 or not (c > 100)) ? 1 : 2", 1.0),
        ("a > 5 ? 1 : b > 5 ? 2 : 3", 3.0),
        ("if(a == 2, b, c)", 3.0),
        ("a != 2 ? 1 : 0", 0.0),
        ("float(a < 2 ? (a + b >= 2 ? 5 : 10) : 0)", 0.0),
        ("count([a, b, c], {# > 2})", 2.0),
        ("count([a, b, c], # > 2 && # < c) > 0 ? 5 : 0", 5.0),
        ("count([a, b, c], {# > 1}) > 1 ? 5 : 0", 5.0),
        ("sum([a, b, c])", 10.0),
        ("avg(a, b, c, 2)", 3.0),
        ("max(a, min(b, c))", 3.0),
        ("clamp(a * 100, 1, 10) + clamp(-a, 1, 10) + clamp(a, 1, 10)", 13.0),
        ("abs(-a) + ceil(0.2) + floor(0.8) + round(0.5) + int(-1.9)", 3.0),
        ("sqrt(a * 8) + ln(exp(a))", 6.0),
        ("`a` * 1_000", 2000.0),
        ("true && a > 1 ? 1 : 0", 1.0),
    ] {
        let found = value(formula, [Some(2.0), Some(3.0), Some(5.0)]).unwrap().unwrap();
        assert!((found - expected).abs() < 1e-9, "{formula}: {found}, expected {expected}");
    }
}

#[test]
fn what_is_absent_is_not_zero() {
    for (formula, expected) in [
        ("a + b", None),
        ("a * 0 + b", None),
        ("b ?? a ?? 8", Some(8.0)),
        ("(a ?? 0) + (b ?? 0) + c", Some(5.0)),
        ("max(a, c)", None),
        ("max(present(a, c))", Some(5.0)),
        ("min(present([a, b]))", None),
        ("sum(present(a, b))", None),
        ("count(a, b, c)", Some(1.0)),
        ("count([a, c], {# > 1})", None),
        ("count(present(a, c), {# > 1})", Some(1.0)),
        ("a > 1 ? 1 : 2", None),
        // One side is enough where the other changes nothing.
        ("c > 1 || a > 1 ? 1 : 2", Some(1.0)),
        ("c > 100 && a > 1 ? 1 : 2", Some(2.0)),
        ("c > 1 && a > 1 ? 1 : 2", None),
        ("a == nil ? 7 : c", Some(7.0)),
        ("nil != c ? c : 7", Some(5.0)),
        ("absent(a) && !absent(c) ? 1 : 0", Some(1.0)),
        ("c > 1 ? c : a", Some(5.0)),
        ("c > 1 ? a : c", None),
        ("clamp(c, a, 10)", None),
        ("finite(c / 0) ?? 4", Some(4.0)),
        ("finite(c) ?? 4", Some(5.0)),
    ] {
        assert_eq!(value(formula, [None, None, Some(5.0)]), Ok(expected), "{formula}");
    }
}

/// NaN decides nothing, and is not hidden by what does not read it.
#[test]
fn what_is_not_a_number_stays_so() {
    for formula in [
        "a + 1",
        "max(a, b)",
        "max(b, a)",
        "min(a, b)",
        "clamp(a, 1, 2)",
        "clamp(b, 1, a)",
        "a > 1 ? 1 : 2",
        "!(a == 1) ? 1 : 2",
        "a ?? 1",
        "count([a, b], {# > 1})",
        "a > 1 && b > 1 ? 1 : 2",
        "avg(a, b)",
        "round(a)",
    ] {
        let found = value(formula, [Some(f64::NAN), Some(3.0), None]).unwrap();
        assert!(found.is_some_and(f64::is_nan), "{formula}: {found:?}");
    }
    let unread = value("b > 1 ? b : a", [Some(f64::NAN), Some(3.0), None]);
    assert_eq!(unread, Ok(Some(3.0)));
}

#[test]
fn mistakes_name_their_place_and_what_is_expected() {
    let nested = format!("{}a{}", "(".repeat(65), ")".repeat(65));
    let long = format!("a{}", " + 1".repeat(300));
    let longer = " ".repeat(MAX_BYTES) + "a";
    for (formula, says) in [
        ("", "column 1: the formula ends where a value is missing"),
        ("a +", "column 4: the formula ends where a value is missing"),
        ("a b", "column 3: expected an operator such as +, found \"b\""),
        ("(a) 2", "column 5: expected an operator such as +, found the number 2"),
        ("a + * b", "column 5: \"*\" has no place here"),
        ("(a + b", "column 7: \")\" is missing at the end"),
        ("a + b)", "column 6: \")\" has no place here"),
        ("mix(a, b)", "column 1: there is no function \"mix\"; there are abs,"),
        ("clamp(a, 1)", "column 11: \"clamp\" takes 3 values"),
        ("clamp(a, 1, 2, 3)", "column 14: \"clamp\" takes 3 values"),
        ("abs(a, b)", "column 6: \"abs\" takes 1 value"),
        ("max()", "column 5: \"max\" needs at least one value"),
        ("max(a, [b])", "column 8: a list belongs into"),
        ("present(a)", "column 1: present(…) belongs into"),
        ("a > 1", "column 1: the formula gives a condition"),
        ("1 + 2", "column 1: the formula names no query"),
        ("(a > 1) + 2", "column 1: \"+\" takes numbers here"),
        ("if(a, 1, 2)", "column 4: \"if\" takes a condition here"),
        ("a ? 1 : 2", "column 1: \"?\" takes a condition here"),
        ("a / 20 ?? 0", "column 5: 20 is never absent, and ?? binds more"),
        ("a < b < c ? 1 : 2", "column 1: \"<\" takes numbers here"),
        ("a > nil ? 1 : 2", "column 1: nil is no number"),
        ("# + a", "column 1: # stands for an element"),
        ("count([a], {count([b], {# > 1}) > 0})", "column 13: a condition of count"),
        ("count([a], {#})", "column 13: \"count\" takes a condition here"),
        ("a ? 1", "column 1: \"?\" takes a condition here"),
        ("a > 1 ? 1", "column 10: \":\" is missing at the end"),
        ("a\n+ (b", "line 2, column 5: \")\" is missing at the end"),
        (nested.as_str(), "nested more than 64 deep"),
        (long.as_str(), "more than 500 values"),
        (longer.as_str(), "4097 bytes"),
    ] {
        let mistake = parse(formula).unwrap_err().describe(formula);
        assert!(mistake.contains(says), "{formula}: {mistake}");
    }
}

/// A formula with its value by other means: a tree, evaluated by recursion.
#[derive(Debug, Clone)]
enum Tree {
    Number(f64),
    Operand(usize),
    Binary(&'static str, Box<(Tree, Tree)>),
    Choice(&'static str, Box<(Tree, Tree, Tree, Tree)>),
    Call(&'static str, Vec<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => format!("({number})"),
            Self::Operand(at) => ["a", "b", "c"][*at].to_owned(),
            Self::Binary(operator, of) => format!("({} {operator} {})", of.0.text(), of.1.text()),
            Self::Choice(operator, of) => {
                let (left, right, then, otherwise) = &**of;
                let condition = format!("{} {operator} {}", left.text(), right.text());
                format!("({condition} ? {} : {})", then.text(), otherwise.text())
            }
            Self::Call(function, of) => {
                let parts: Vec<_> = of.iter().map(Self::text).collect();
                format!("{function}({})", parts.join(", "))
            }
        }
    }

    fn value(&self, operands: &[Option<f64>; 3]) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Operand(at) => operands[*at],
            Self::Binary("??", of) => of.0.value(operands).or_else(|| of.1.value(operands)),
            Self::Binary(operator, of) => {
                let (a, b) = (of.0.value(operands)?, of.1.value(operands)?);
                Some(match *operator {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    _ => a / b,
                })
            }
            Self::Choice(operator, of) => {
                let (left, right, then, otherwise) = &**of;
                let (a, b) = (left.value(operands)?, right.value(operands)?);
                if a.is_nan() || b.is_nan() {
                    return Some(f64::NAN);
                }
                let is = match *operator {
                    "<" => a < b,
                    ">=" => a >= b,
                    _ => a == b,
                };
                if is { then.value(operands) } else { otherwise.value(operands) }
            }
            Self::Call(function, of) => {
                let values: Option<Vec<f64>> = of.iter().map(|part| part.value(operands)).collect();
                let values = values?;
                if values.iter().any(|value| value.is_nan()) {
                    return Some(f64::NAN);
                }
                let pick = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick);
                match *function {
                    "min" => pick(f64::min),
                    "max" => pick(f64::max),
                    _ => pick(|a, b| a + b),
                }
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (-1000i32..1000).prop_map(|number| Tree::Number(f64::from(number) / 8.0)),
        (0usize..3).prop_map(Tree::Operand),
    ];
    leaf.prop_recursive(3, 40, 4, |inner| {
        let binary = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("??")];
        let compared = prop_oneof![Just("<"), Just(">="), Just("==")];
        let function = prop_oneof![Just("min"), Just("max"), Just("sum")];
        let four = (inner.clone(), inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            (binary, inner.clone(), inner.clone()).prop_map(|(operator, a, b)| {
                // A number is never absent, which is told as a mistake.
                let is_idle = operator == "??" && matches!(a, Tree::Number(_));
                Tree::Binary(if is_idle { "+" } else { operator }, Box::new((a, b)))
            }),
            (compared, four).prop_map(|(operator, of)| Tree::Choice(operator, Box::new(of))),
            (function, prop::collection::vec(inner, 1..4))
                .prop_map(|(function, of)| Tree::Call(function, of)),
        ]
    })
}

fn operand() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        Just(None),
        Just(Some(f64::NAN)),
        (-50i32..50).prop_map(|number| Some(f64::from(number) / 4.0)),
    ]
}

/// Text that is close to a formula.
fn nearly() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "b", "1", "2.5", "(", ")", "[", "]", "{", "}", ",", "?", ":", "??", "+", "-", "*",
        "/", "^", "**", "<", "==", "&&", "||", "!", "#", "nil", "if(", "max(", "count([",
        "present(", "`x y`", " ", "\n", "and", "not", "é", "`", "=", "1e9",
    ]);
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn the_value_is_that_of_the_tree(
        tree in tree(), a in operand(), b in operand(), c in operand(),
    ) {
        // With a query for those that name none, which changes nothing.
        let formula = format!("0 * count(a) + {}", tree.text());
        let operands = [a, b, c];
        let (found, expected) = (value(&formula, operands).unwrap(), tree.value(&operands));
        let same = match (found, expected) {
            (Some(found), Some(expected)) => {
                found == expected || found.is_nan() && expected.is_nan()
            }
            (found, expected) => found.is_none() && expected.is_none(),
        };
        prop_assert!(same, "{formula}: {found:?}, expected {expected:?}");
    }

    #[test]
    fn any_text_is_understood_or_told(text in prop_oneof![nearly(), any::<String>()]) {
        match parse(&text) {
            Err(mistake) => prop_assert!(mistake.describe(&text).contains("column")),
            Ok(program) => {
                let absent = vec![None; program.operands.len()];
                let ones = vec![Some(1.0); program.operands.len()];
                let _ = (program.value(&absent), program.value(&ones));
                prop_assert!(!program.operands.is_empty());
            }
        }
    }
}
