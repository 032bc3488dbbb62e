//! What the functions behind operators share.

use std::borrow::Cow;

use super::work::{Elements, Work, check_size};
use crate::error::{Error, ErrorCode, Result};
use crate::value::Value;
use crate::wtf8::Wtf8String;

/// The arguments of an operator, evaluated.
pub(super) type Arguments<'a, 'v> = &'a mut [Cow<'v, Value>];

/// One use of an operator.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// The operator's name, `$` included.
    pub(super) operator: &'a str,
    pub(super) work: &'a Work<'a>,
    /// Which of the arguments were given: bit `i` for the `i`th.
    pub(super) given: u32,
}

impl Call<'_> {
    /// `EXPRESSION`: the operator cannot do that.
    #[cold]
    pub(super) fn error(&self, why: impl std::fmt::Display) -> Error {
        Error::new(ErrorCode::Expression, format!("{}: {why}", self.operator))
    }

    /// `EXPRESSION`: an argument is of a wrong type.
    #[cold]
    pub(super) fn wrong(&self, needed: &str, value: &Value) -> Error {
        self.error(format_args!("it needs {needed}, not {}", described(value)))
    }

    /// The parser sees to it that operators get the arguments they need.
    #[cold]
    pub(super) fn wrong_count(&self) -> Error {
        self.error("it has another number of arguments than it needs")
    }

    /// Whether the argument at `index` was given at all.
    pub(super) fn is_given(&self, index: u32) -> bool {
        self.given >> index & 1 == 1
    }

    /// The string that an argument must be.
    pub(super) fn text<'v>(&self, value: &'v Value) -> Result<&'v Wtf8String> {
        match value {
            Value::String(text) => Ok(text),
            other => Err(self.wrong("a string", other)),
        }
    }

    /// The whole number that an argument must be.
    pub(super) fn integer(&self, value: &Value) -> Result<i64> {
        integer(value).ok_or_else(|| match value {
            Value::Number(_) | Value::BigInt(_) => self.error("it needs a whole number"),
            other => self.wrong("a whole number", other),
        })
    }

    /// The elements of the array that an argument must be; `None` for null and missing.
    pub(super) fn elements<'v>(
        &self,
        value: &mut Cow<'v, Value>,
    ) -> Result<Option<Cow<'v, [Value]>>> {
        if is_nullish(value) {
            return Ok(None);
        }
        self.array(value).map(Some)
    }

    /// The elements of the array that an argument must be. Holes become null.
    pub(super) fn array<'v>(&self, value: &mut Cow<'v, Value>) -> Result<Cow<'v, [Value]>> {
        let value = std::mem::replace(value, Cow::Owned(Value::Undefined));
        match elements_of(value)? {
            Ok(elements) => Ok(elements),
            Err(other) => Err(self.wrong("an array", &other)),
        }
    }
}

/// The elements of an array, holes being null; the value itself if it is none.
pub(super) fn elements_of(
    value: Cow<'_, Value>,
) -> Result<Result<Cow<'_, [Value]>, Cow<'_, Value>>> {
    let has_holes = match &*value {
        Value::Array(array) => array.items.iter().any(|item| matches!(item, Value::Holes(_))),
        _ => return Ok(Err(value)),
    };
    if has_holes && let Value::Array(array) = &*value {
        let mut elements = Elements::default();
        for item in &array.items {
            match item {
                Value::Holes(count) => {
                    let bytes = (*count as usize).saturating_mul(size_of::<Value>());
                    check_size(bytes)?;
                    for _ in 0..*count {
                        elements.push(Value::Null)?;
                    }
                }
                other => elements.extend(std::slice::from_ref(other))?,
            }
        }
        return Ok(Ok(Cow::Owned(elements.into_items())));
    }
    Ok(match value {
        Cow::Borrowed(Value::Array(array)) => Ok(Cow::Borrowed(&array.items[..])),
        Cow::Owned(Value::Array(array)) => Ok(Cow::Owned(array.items)),
        other => Err(other),
    })
}

/// Whether a value is null or missing.
pub(super) fn is_nullish(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Undefined | Value::Holes(_))
}

/// A whole number within the safe range of doubles, or within 64 bits for BigInts.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number)
            if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 =>
        {
            Some(*number as i64)
        }
        Value::BigInt(bigint) => super::number::to_big(bigint).try_into().ok(),
        _ => None,
    }
}

/// How JavaScript sees a value: everything is true but false, null, missing and zero.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Undefined | Value::Holes(_) => false,
        Value::Bool(bool) => *bool,
        Value::Number(number) => *number != 0.0,
        Value::BigInt(bigint) => !bigint.magnitude.is_empty(),
        _ => true,
    }
}

/// The type of a value, as messages name it.
fn described(value: &Value) -> &'static str {
    match value {
        Value::Undefined => "a missing value",
        Value::Null | Value::Holes(_) => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::BigInt(_) => "a BigInt",
        Value::String(_) => "a string",
        Value::Date(_) => "a Date",
        Value::RegExp { .. } => "a RegExp",
        Value::Object(_) | Value::Reference(_) | Value::Shared { .. } => "an object",
        Value::Array(_) => "an array",
        Value::Map(_) => "a Map",
        Value::Set(_) => "a Set",
        Value::Error { .. } => "an Error",
        Value::Binary { .. } => "binary data",
        Value::Boxed(_) => "a boxed value",
        Value::Blob(_) => "a Blob",
    }
}

/// The name that `$type` gives a value.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Undefined => "missing",
        Value::Null | Value::Holes(_) => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) => number_type(*number),
        Value::BigInt(_) => "long",
        Value::String(_) => "string",
        Value::Date(_) => "date",
        Value::RegExp { .. } => "regex",
        Value::Object(_) | Value::Reference(_) => "object",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
        Value::Set(_) => "set",
        Value::Error { .. } => "error",
        Value::Binary { .. } => "binData",
        Value::Boxed(_) => "boxed",
        Value::Blob(_) => "blob",
        Value::Shared { value, .. } => type_name(value),
    }
}

/// Numbers that MongoDB's driver for Node.js stores as 32-bit integers are such.
fn number_type(number: f64) -> &'static str {
    if f64::from(number as i32) == number { "int" } else { "double" }
}
