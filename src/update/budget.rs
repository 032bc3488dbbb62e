//! What applying one update may add to a document: a few bytes of an update can ask for a lot
//! (`$[]` sets a value in each of a million elements).

use crate::error::{Error, ErrorCode, Result};
use crate::value::{Fields, Value};

/// Bytes of memory that one update may add to one document (256 MiB).
const MAX_BYTES: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: MAX_BYTES }
    }

    /// Spends bytes.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT` if there are not as many left.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Error::new(
                ErrorCode::ResourceLimit,
                "the update: it adds more than 256 MiB to one document; change less at a time",
            )),
        }
    }
}

/// Bytes of memory that a value takes, about.
pub(super) fn weigh(value: &Value) -> usize {
    let inside: usize = match value {
        Value::String(text) => text.as_bytes().len(),
        Value::BigInt(bigint) => bigint.magnitude.len(),
        Value::RegExp { source, flags } => source.as_bytes().len() + flags.as_bytes().len(),
        Value::Binary { bytes, .. } => bytes.len(),
        Value::Blob(blob) => blob.bytes.len() + blob.media_type.as_bytes().len() + 64,
        Value::Object(fields) | Value::Error { fields, .. } => weigh_fields(fields),
        Value::Array(array) => {
            let items: usize = array.items.iter().map(weigh).sum();
            items + array.fields.as_ref().map_or(0, weigh_fields)
        }
        Value::Map(entries) => entries.iter().map(|(key, value)| weigh(key) + weigh(value)).sum(),
        Value::Set(items) => items.iter().map(weigh).sum(),
        Value::Boxed(value) | Value::Shared { value, .. } => weigh(value),
        Value::Null
        | Value::Undefined
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Date(_)
        | Value::Holes(_)
        | Value::Reference(_) => 0,
    };
    inside + size_of::<Value>()
}

fn weigh_fields(fields: &Fields) -> usize {
    // Names are shared with what the value was copied from.
    fields.values().iter().map(weigh).sum()
}
