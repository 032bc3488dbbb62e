//! Expressions: values that are calculated from a document.
//!
//! The language is MongoDB's (<https://www.mongodb.com/docs/manual/reference/operator/aggregation/>),
//! on JavaScript's values: numbers are doubles and BigInts (`number`), a field that holds undefined
//! counts as missing. An expression is parsed once and evaluated as often as there are documents.
//!
//! Hostile expressions are bounded: they nest 100 deep at most, one value takes 64 MiB at most, and
//! one evaluation makes 512 MiB of intermediate values at most.

mod arrays;
mod calendar;
mod call;
mod convert;
mod date_text;
mod dates;
mod evaluate;
mod field;
mod fold;
mod number;
mod objects;
mod operators;
mod parse;
mod pattern;
mod rounding;
mod scope;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod work;
mod zone;

pub use number::Number;
pub use scope::Scope;
pub use work::{MAX_VALUE_BYTES, is_too_deep, weigh};

pub(super) use fold::{Deviation, Sum, fractions, percentiles};
pub(super) use objects::FieldList;
pub(super) use parse::{check_variable, field_path, measure_variable};

use std::cell::Cell;
use std::sync::Arc;

use self::parse::Parser;
use self::tree::Node;
use super::place::Place;
use crate::error::Result;
use crate::value::{FieldPath, Value};
use crate::wtf8::Wtf8String;

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Expression {
    node: Node,
    uses_variables: bool,
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// `INVALID_QUERY` with the path of what cannot be understood.
    pub fn parse(value: &Value, place: &Place<'_>) -> Result<Self> {
        Self::parse_with(value, &[], place)
    }

    /// Parses an expression that knows these variables besides; their values are given in
    /// [`Scope::with_variables`].
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(value: &Value, variables: &[Wtf8String], place: &Place<'_>) -> Result<Self> {
        let uses_variables = Cell::new(false);
        let node = Parser::new(variables, &uses_variables).parse(value, place)?;
        Ok(Self { node, uses_variables: uses_variables.get() })
    }

    /// Whether it uses one of the variables that it was parsed with.
    pub fn uses_variables(&self) -> bool {
        self.uses_variables
    }

    /// The value; [`Value::Undefined`] if it is missing.
    ///
    /// # Errors
    /// `EXPRESSION` for operands that an operator is not defined for, `RESOURCE_LIMIT` beyond the
    /// limits above, `CORRUPT` for damaged documents.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value> {
        self.node.evaluate(scope, None).map(std::borrow::Cow::into_owned)
    }

    /// The value, if it does not depend on the document.
    pub(super) fn constant(&self) -> Option<&Value> {
        match &self.node {
            Node::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The path, if the expression is a field of the document.
    pub(super) fn field(&self) -> Option<&FieldPath> {
        match &self.node {
            Node::Field(path) => Some(path),
            _ => None,
        }
    }

    /// The parts, if the expression is an object.
    pub(super) fn into_object(self) -> Result<(Arc<[Wtf8String]>, Vec<Self>), Self> {
        let uses_variables = self.uses_variables;
        match self.node {
            Node::Object(names, nodes) => {
                let part = |node| Self { node, uses_variables };
                Ok((names, nodes.into_iter().map(part).collect()))
            }
            node => Err(Self { node, uses_variables }),
        }
    }

    /// Whether the value counts as true: it is not false, null, missing or zero.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn is_true(&self, scope: &Scope<'_>) -> Result<bool> {
        Ok(call::is_true(&*self.node.evaluate(scope, None)?))
    }
}

/// The time of a date as ISO 8601 has it, for tests.
#[cfg(test)]
pub(super) fn parse_date(text: &str) -> Option<f64> {
    date_text::parse_iso(text, &zone::Zone::UTC).map(|time| time as f64)
}
