//! What one evaluation may take: an expression of a few bytes can ask for values without end.

use std::cell::Cell;

use crate::error::{Error, ErrorCode, Result};
use crate::query::meter::Meter;
use crate::value::{Fields, Value};

/// The largest value that an expression may make, in bytes of memory (64 MiB).
pub const MAX_VALUE_BYTES: usize = 64 << 20;

/// Bytes that one evaluation may make in all, intermediate values included (512 MiB).
const MAX_WORK: usize = 512 << 20;

/// How deep values may nest that an expression makes step by step.
pub(super) const MAX_VALUE_DEPTH: usize = 1_000;

/// Counts what an evaluation has made.
#[derive(Debug, Default)]
pub(super) struct Work<'m> {
    done: Cell<usize>,
    /// Counts the work of many evaluations.
    pub(super) meter: Option<&'m Meter>,
}

impl Work<'_> {
    /// Counts the evaluation of a node.
    #[inline]
    pub(super) fn visit(&self) {
        if let Some(meter) = self.meter {
            meter.count_part();
        }
    }

    /// Counts `bytes` of work.
    pub(super) fn charge(&self, bytes: usize) -> Result<()> {
        if let Some(meter) = self.meter {
            meter.count_bytes(bytes);
        }
        let done = self.done.get().saturating_add(bytes);
        self.done.set(done);
        if done > MAX_WORK {
            return Err(Error::new(
                ErrorCode::ResourceLimit,
                "An expression may make 512 MiB of intermediate values; use smaller arrays in it",
            ));
        }
        Ok(())
    }

    /// Counts a value that is now made, and checks its size.
    pub(super) fn admit(&self, value: &Value) -> Result<()> {
        // Most results are small and of fixed size.
        if is_fixed(value) {
            return Ok(());
        }
        let bytes = weigh(value);
        check_size(bytes)?;
        self.charge(bytes)
    }
}

fn is_fixed(value: &Value) -> bool {
    matches!(
        value,
        Value::Null | Value::Undefined | Value::Bool(_) | Value::Number(_) | Value::Date(_)
    )
}

/// Refuses values of more than [`MAX_VALUE_BYTES`].
pub(super) fn check_size(bytes: usize) -> Result<()> {
    if bytes > MAX_VALUE_BYTES {
        return Err(Error::new(
            ErrorCode::ResourceLimit,
            "An expression may make values of up to 64 MiB; use smaller strings and arrays in it",
        ));
    }
    Ok(())
}

/// Collects the elements of an array that an expression makes.
#[derive(Debug, Default)]
pub(super) struct Elements {
    items: Vec<Value>,
    bytes: usize,
}

impl Elements {
    /// Adds an element.
    pub(super) fn push(&mut self, value: Value) -> Result<()> {
        self.bytes += if is_fixed(&value) { size_of::<Value>() } else { weigh(&value) };
        check_size(self.bytes)?;
        self.items.push(value);
        Ok(())
    }

    /// Adds a copy of each element.
    pub(super) fn extend(&mut self, values: &[Value]) -> Result<()> {
        for value in values {
            // Weighed before it is copied.
            let bytes = weigh(value);
            check_size(self.bytes + bytes)?;
            self.bytes += bytes;
            self.items.push(value.clone());
        }
        Ok(())
    }

    /// The number of elements so far.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The elements.
    pub(super) fn into_items(self) -> Vec<Value> {
        self.items
    }

    /// The array.
    pub(super) fn finish(self) -> Value {
        array(self.items)
    }
}

/// An array of these elements.
pub(super) fn array(items: Vec<Value>) -> Value {
    Value::Array(crate::value::Array { items, fields: None })
}

/// About how many bytes of memory a value takes.
///
/// Recurses by the depth of the value, which the document format bounds at 1,000.
pub fn weigh(value: &Value) -> usize {
    let inside = match value {
        Value::String(string) => string.as_bytes().len(),
        Value::BigInt(bigint) => bigint.magnitude.len(),
        Value::Binary { bytes, .. } => bytes.len(),
        Value::RegExp { source, flags } => source.as_bytes().len() + flags.as_bytes().len(),
        Value::Blob(blob) => blob.bytes.len() + blob.media_type.as_bytes().len(),
        Value::Object(fields) | Value::Error { fields, .. } => weigh_fields(fields),
        Value::Array(array) => {
            array.items.iter().map(weigh).sum::<usize>()
                + array.fields.as_ref().map_or(0, weigh_fields)
        }
        Value::Set(items) => items.iter().map(weigh).sum(),
        Value::Map(entries) => entries.iter().map(|(key, value)| weigh(key) + weigh(value)).sum(),
        Value::Boxed(value) | Value::Shared { value, .. } => weigh(value),
        _ => 0,
    };
    size_of::<Value>() + inside
}

fn weigh_fields(fields: &Fields) -> usize {
    let names: usize = fields.names().iter().map(|name| name.as_bytes().len() + 16).sum();
    names + fields.values().iter().map(weigh).sum::<usize>()
}

/// How many levels of containers a value has, counted no further than `limit`.
pub(super) fn depth(value: &Value, limit: usize) -> usize {
    let Some(limit) = limit.checked_sub(1) else { return 0 };
    let below = |value: &Value| depth(value, limit);
    let deepest = match value {
        Value::Object(fields) | Value::Error { fields, .. } => {
            fields.values().iter().map(below).max()
        }
        Value::Array(array) => array.items.iter().map(below).max(),
        Value::Set(items) => items.iter().map(below).max(),
        Value::Map(entries) => entries.iter().flat_map(|(k, v)| [below(k), below(v)]).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

/// Whether a value is nested deeper than documents may be.
pub fn is_too_deep(value: &Value) -> bool {
    depth(value, MAX_VALUE_DEPTH + 1) > MAX_VALUE_DEPTH
}
