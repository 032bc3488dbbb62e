//! Values that an update calculates.

use super::Context;
use super::budget::{Budget, weigh};
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Expression, Place, Scope};
use crate::value::{Fields, Value};

/// The field of an object that is an expression as a whole: `{ $expr: … }`.
const EXPRESSION: &[u8] = b"$expr";

/// The expression that an operand is, rather than a value: an object whose only field is an
/// operator, or `$expr`.
///
/// # Errors
/// `INVALID_UPDATE` if it is malformed, or there is no such operator.
pub(super) fn parse(operand: &Value, place: &Place<'_>) -> Result<Option<Expression>> {
    let Value::Object(fields) = operand else { return Ok(None) };
    let Some(operator) = only_name(fields).filter(|name| name.starts_with(b"$")) else {
        return Ok(None);
    };
    let parsed = match fields.values().first() {
        Some(inner) if operator == EXPRESSION => Expression::parse(inner, &place.word("$expr")),
        _ => Expression::parse(operand, place),
    };
    parsed.map(Some).map_err(|error| {
        let renamed = Error::new(ErrorCode::InvalidUpdate, error.message());
        match &error.context().path {
            Some(path) => renamed.with_path(path.clone()),
            None => renamed,
        }
    })
}

fn only_name(fields: &Fields) -> Option<&[u8]> {
    match &**fields.names() {
        [name] => Some(name.as_bytes()),
        _ => None,
    }
}

/// The expressions of one update, each evaluated once, when it is first asked for. All see the
/// document as it was before the update.
pub(super) struct Calculations<'u> {
    expressions: &'u [Expression],
    values: Vec<Option<Value>>,
    scope: Option<Scope<'u>>,
}

impl<'u> Calculations<'u> {
    /// For a document that is stored, or for the `base` of one that is inserted.
    pub(super) fn new(
        expressions: &'u [Expression],
        context: &Context<'u>,
        base: &'u Value,
    ) -> Self {
        let scope = (!expressions.is_empty()).then(|| match context.stored {
            Some((document, shapes)) => {
                Scope::encoded(document, shapes, context.now).with_insert(false)
            }
            None => Scope::decoded(base, context.now).with_insert(true),
        });
        Self { expressions, values: vec![None; expressions.len()], scope }
    }

    /// The value of an expression; undefined if it has none.
    ///
    /// # Errors
    /// `EXPRESSION`, `RESOURCE_LIMIT`, `CORRUPT`.
    pub(super) fn get(&mut self, number: usize, budget: &mut Budget) -> Result<Value> {
        let (Some(expression), Some(scope), Some(value)) =
            (self.expressions.get(number), &self.scope, self.values.get_mut(number))
        else {
            return Ok(Value::Undefined);
        };
        let value = match value {
            Some(value) => value,
            none => none.insert(expression.evaluate(scope)?),
        };
        budget.spend(weigh(value))?;
        Ok(value.clone())
    }
}
