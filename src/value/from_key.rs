//! Keys as values.

use super::model::{Array, BigInt, Value};
use super::tags::BinaryKind;
use crate::key::Key;

impl From<Key> for Value {
    /// The value that JavaScript gets for a key: binary keys are ArrayBuffers.
    fn from(key: Key) -> Self {
        match key {
            Key::Null => Self::Null,
            Key::Bool(value) => Self::Bool(value),
            Key::Number(number) => Self::Number(number),
            Key::BigInt(integer) => Self::BigInt(integer.into()),
            Key::Date(time) => Self::Date(time),
            Key::String(text) => Self::String(text),
            Key::Binary(bytes) => Self::Binary { kind: BinaryKind::ArrayBuffer, bytes },
            Key::Array(keys) => Self::Array(Array {
                items: keys.into_iter().map(Self::from).collect(),
                fields: None,
            }),
        }
    }
}

impl From<i128> for BigInt {
    fn from(integer: i128) -> Self {
        let mut magnitude = integer.unsigned_abs().to_le_bytes().to_vec();
        while magnitude.last() == Some(&0) {
            magnitude.pop();
        }
        Self { negative: integer < 0, magnitude }
    }
}
