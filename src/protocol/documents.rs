//! Small documents that the engine writes for JavaScript: progress, names, events.

use crate::catalog::document::{array, object, text};
use crate::error::{Error, Result};
use crate::storage::OldestReader;
use crate::store::BuiltIndex;
use crate::value::{self, NoShapes, Value};
use crate::wtf8::Wtf8String;

fn number(number: u64) -> Value {
    Value::Number(number as f64)
}

/// Names: `[name, …]`.
///
/// # Errors
/// `RESOURCE_LIMIT` if there are too many for a document.
pub fn encode_names(names: impl Iterator<Item = Wtf8String>) -> Result<Vec<u8>> {
    value::encode(&array(names.map(Value::String).collect()), &NoShapes)
}

/// How far work is: `{phase, done, total}`.
///
/// # Errors
/// None for texts of sensible length.
pub fn encode_progress(phase: &str, done: u64, total: u64) -> Result<Vec<u8>> {
    let fields = vec![("phase", text(phase)), ("done", number(done)), ("total", number(total))];
    value::encode(&object(fields), &NoShapes)
}

/// An index that was built: `{storeId, indexId}`.
///
/// # Errors
/// None.
pub fn encode_built_index(index: BuiltIndex) -> Result<Vec<u8>> {
    let fields =
        vec![("storeId", number(index.store.into())), ("indexId", number(index.index.into()))];
    value::encode(&object(fields), &NoShapes)
}

/// The event that a build taken up at an open has ended: `{type: 'indexBuild', storeId, indexId,
/// code, message}`, the last two null if it succeeded.
///
/// # Errors
/// None for texts of sensible length.
pub fn encode_build_event(index: BuiltIndex, failure: Option<&Error>) -> Result<Vec<u8>> {
    let fields = vec![
        ("type", text("indexBuild")),
        ("storeId", number(index.store.into())),
        ("indexId", number(index.index.into())),
        ("code", failure.map_or(Value::Null, |error| text(error.code().as_str()))),
        ("message", failure.map_or(Value::Null, |error| text(error.message()))),
    ];
    value::encode(&object(fields), &NoShapes)
}

/// The event that an old snapshot makes the file grow: `{type: 'readerLag', pid, lag, age}`, the
/// age in milliseconds, null if it belongs to another process.
///
/// # Errors
/// None.
pub fn encode_reader_lag(reader: &OldestReader) -> Result<Vec<u8>> {
    let age = reader.age.map_or(Value::Null, |age| Value::Number(age.as_millis() as f64));
    let fields = vec![
        ("type", text("readerLag")),
        ("pid", number(reader.pid.into())),
        ("lag", number(reader.lag)),
        ("age", age),
    ];
    value::encode(&object(fields), &NoShapes)
}

/// The event that the database has failed: `{type: 'error', code, message, cause}`.
///
/// # Errors
/// None for texts of sensible length.
pub fn encode_failure(error: &Error) -> Result<Vec<u8>> {
    let fields = vec![
        ("type", text("error")),
        ("code", text(error.code().as_str())),
        ("message", text(error.message())),
        ("cause", error.cause().map_or(Value::Null, text)),
    ];
    value::encode(&object(fields), &NoShapes)
}

/// The event that something needs the user's attention: `{type: 'warning', code, message}`.
///
/// # Errors
/// None for texts of sensible length.
pub fn encode_warning(warning: &Error) -> Result<Vec<u8>> {
    let fields = vec![
        ("type", text("warning")),
        ("code", text(warning.code().as_str())),
        ("message", text(warning.message())),
    ];
    value::encode(&object(fields), &NoShapes)
}
