//! Updates from any value, applied to any document: refused, or the result is a document.

use lodestore::error::ErrorCode;
use lodestore::update::{Context, InPlace, Update};
use lodestore::value::{self, NoShapes, Value};
use lodestore::wtf8::Wtf8String;

use super::allow;

const REFUSED: [ErrorCode; 2] = [ErrorCode::InvalidUpdate, ErrorCode::InvalidQuery];
/// What applying may come to: operators do not fit, expressions fail, values grow or nest.
const FAILED: [ErrorCode; 5] = [
    ErrorCode::InvalidUpdate,
    ErrorCode::Expression,
    ErrorCode::ResourceLimit,
    ErrorCode::DataClone,
    ErrorCode::Corrupt,
];

/// The first two bytes are the length of a request, an object with `update` and perhaps
/// `arrayFilters`; the document follows it.
pub fn run(data: &[u8]) {
    let [low, high, rest @ ..] = data else { return };
    let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (request, stored) = rest.split_at(len);
    if value::validate(request, &NoShapes).is_err() {
        return;
    }
    let request = value::root(request).and_then(|request| request.to_value(&NoShapes));
    let Ok(Value::Object(fields)) = request else { return };
    let Some(update) = fields.get(&Wtf8String::from("update")) else { return };
    let filters = fields.get(&Wtf8String::from("arrayFilters"));
    let Some(update) = allow(Update::parse(update, filters), &REFUSED) else { return };
    let Ok(before) = value::decode(stored, &NoShapes) else { return };
    let root = value::root(stored).unwrap();
    for is_insert in [false, true] {
        let found = if is_insert { None } else { Some((root, &NoShapes as _)) };
        let context = Context { now: 0.0, stored: found };
        let mut document = before.clone();
        let changed = allow(update.apply(&mut document, &context), &FAILED);
        if let Some(changed) = changed {
            check(&before, &document, changed);
        }
        if is_insert {
            continue;
        }
        match update.apply_in_place(stored, &NoShapes) {
            Ok(InPlace::Unchanged) => assert_eq!(changed, Some(false)),
            Ok(InPlace::Document(bytes)) => {
                assert_eq!(changed, Some(true));
                value::validate(&bytes, &NoShapes).unwrap();
            }
            Ok(InPlace::Unknown) | Err(_) => {}
        }
    }
}

/// The result can be stored, and is what it was if nothing changed.
fn check(before: &Value, after: &Value, changed: bool) {
    let encoded = allow(value::encode(after, &NoShapes), &FAILED);
    let Some(encoded) = encoded else { return };
    value::validate(&encoded, &NoShapes).unwrap();
    // A place that shares an object has a copy of its own once a path has led into it.
    if !changed && value::root(&encoded).is_ok() && !has_references(before) {
        assert_eq!(value::encode(before, &NoShapes).unwrap(), encoded);
    }
}

fn has_references(value: &Value) -> bool {
    value::encode(value, &NoShapes).is_ok_and(|bytes| bytes.first() == Some(&0xE2))
}
