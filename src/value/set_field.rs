//! Setting a field of a decoded document.

use super::model::{Fields, Value};
use super::path::FieldPath;

/// Sets what stands at a path through objects, which are made where they are missing. False, with
/// nothing set, if something else is in the way.
pub fn set_field(document: &mut Value, path: &FieldPath, value: Value) -> bool {
    let mut place = document;
    for segment in path.segments() {
        let Value::Object(fields) = place else { return false };
        let name = segment.name();
        if fields.get(name).is_none() {
            fields.insert(name.clone(), Value::Object(Fields::new()));
        }
        let Some(inner) = fields.get_mut(name) else { return false };
        place = inner;
    }
    *place = value;
    true
}
