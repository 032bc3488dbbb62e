//! Small documents: building and reading records, requests and answers.

use crate::value::{Array, Fields, Value};
use crate::wtf8::Wtf8String;

/// An object of these fields.
pub fn object(fields: Vec<(&str, Value)>) -> Value {
    let (names, values): (Vec<_>, Vec<_>) =
        fields.into_iter().map(|(name, value)| (Wtf8String::from(name), value)).unzip();
    // There are as many names as values.
    Value::Object(Fields::from_parts(names.into(), values).unwrap_or_default())
}

/// An array of these items.
pub fn array(items: Vec<Value>) -> Value {
    Value::Array(Array { items, fields: None })
}

/// A string.
pub fn text(text: &str) -> Value {
    Value::String(Wtf8String::from(text))
}

/// The fields of an object.
pub fn fields(value: &Value) -> Option<&Fields> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// A field.
pub fn get<'v>(fields: &'v Fields, name: &str) -> Option<&'v Value> {
    fields.iter().find(|(known, _)| known.as_bytes() == name.as_bytes()).map(|(_, value)| value)
}

/// The items of an array.
pub fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(array) => Some(&array.items),
        _ => None,
    }
}

/// A string.
pub fn string(value: &Value) -> Option<&Wtf8String> {
    match value {
        Value::String(string) => Some(string),
        _ => None,
    }
}

/// A boolean.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        _ => None,
    }
}

/// A whole number from 0 to 2⁵³.
pub fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number)
            if (0.0..=9_007_199_254_740_992.0).contains(number) && number.trunc() == *number =>
        {
            Some(*number as u64)
        }
        _ => None,
    }
}
