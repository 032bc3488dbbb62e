//! Expressions and their values, most of them examples of MongoDB's documentation.
#![allow(clippy::unwrap_used, clippy::panic)]

mod arrays;
mod dates;
mod language;
mod limits;
mod numbers;
mod text;

use super::*;
use crate::error::ErrorCode;
use crate::query::notation::{same, value};
use crate::value::{self as values, NoShapes};

const NOW: f64 = 1_700_000_000_000.0;

fn parse(expression: &str) -> Result<Expression> {
    Expression::parse(&value(expression), &Place::root("the expression"))
}

fn evaluate_in(document: &str, expression: &str) -> Result<Value> {
    let document = value(document);
    let expression = parse(expression)?;
    let result = expression.evaluate(&Scope::decoded(&document, NOW));
    let encoded = values::encode(&document, &NoShapes)?;
    let scope = Scope::encoded(values::root(&encoded)?, &NoShapes, NOW);
    let from_encoded = expression.evaluate(&scope);
    match (&result, &from_encoded) {
        (Ok(left), Ok(right)) => assert!(same(left, right), "{left:?} and {right:?}"),
        (Err(left), Err(right)) => assert_eq!(left.message(), right.message()),
        _ => panic!("{result:?} and {from_encoded:?}"),
    }
    result
}

#[track_caller]
fn check_in(document: &str, cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        let found = evaluate_in(document, expression);
        let found = found.unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert!(same(&found, &value(expected)), "{expression}: {found:?} instead of {expected}");
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    check_in("{}", cases);
}

#[track_caller]
fn fails(code: ErrorCode, expressions: &[&str]) {
    for expression in expressions {
        match evaluate_in("{ s: 'secret', n: 1 }", expression) {
            Err(error) => {
                assert_eq!(error.code(), code, "{expression}: {error}");
                assert!(!error.to_string().contains("secret"), "{error}");
            }
            Ok(value) => panic!("{expression}: {value:?}"),
        }
    }
}

#[test]
fn operators_are_in_the_contract() {
    let contract = include_str!("../../../../docs/query-contract.md");
    for name in operators::names() {
        assert!(contract.contains(&format!("`{name}`")), "{name} is not in docs/query-contract.md");
    }
}
