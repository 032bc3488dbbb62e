//! `$` in paths: the first element that meets what the filter of the update asks of the array.

use super::array_filter::ELEMENT;
use super::path::{Name, Segment};
use crate::query::array_index;
use crate::value::{Array, Fields, Value};
use crate::wtf8::Wtf8String;

/// Operators of which no element can be told that meets them: a negation holds of all elements,
/// the others are about the array itself.
const NOT_OF_ELEMENTS: [&[u8]; 6] = [b"$ne", b"$nin", b"$not", b"$notLike", b"$exists", b"$size"];

/// The path of the array whose element `$` is; `None` if something else than names leads there.
pub(super) fn array_path(before: &[Segment]) -> Option<Wtf8String> {
    let mut path = Vec::new();
    for segment in before {
        let Segment::Name(Name { text, .. }) = segment else { return None };
        if !path.is_empty() {
            path.push(b'.');
        }
        path.extend_from_slice(text.as_bytes());
    }
    Some(Wtf8String::joined(&path))
}

/// What a filter asks of the elements of an array, as a filter of an object that has the element
/// as its field [`ELEMENT`]; `None` if it asks nothing.
pub(super) fn conditions(filter: &Value, array: &Wtf8String) -> Option<Value> {
    let Value::Object(fields) = filter else { return None };
    let mut found = Vec::new();
    collect(fields, array.as_bytes(), &mut found);
    all_of(found)
}

fn collect(filter: &Fields, array: &[u8], found: &mut Vec<Value>) {
    for (name, value) in filter.iter() {
        match name.as_bytes() {
            b"$and" => {
                for part in objects(value) {
                    collect(part, array, found);
                }
            }
            b"$or" => {
                let branch = |part: &Fields| {
                    let mut found = Vec::new();
                    collect(part, array, &mut found);
                    all_of(found)
                };
                // A branch that asks nothing of the elements may be the one that holds.
                let branches: Option<Vec<_>> = objects(value).map(branch).collect();
                found.extend(branches.and_then(|branches| list_of("$or", branches)));
            }
            name if name == array => of_elements(value, found),
            name => {
                let inner = name.strip_prefix(array).and_then(|rest| rest.strip_prefix(b"."));
                if let Some(inner) = inner.filter(|inner| !begins_with_index(inner))
                    && let Some(value) = telling(value)
                {
                    found.push(object_of(inside(inner), value));
                }
            }
        }
    }
}

/// Conditions on the array itself, which hold of one of its elements.
fn of_elements(value: &Value, found: &mut Vec<Value>) {
    let Value::Object(fields) = value else {
        found.push(object_of(ELEMENT.into(), value.clone()));
        return;
    };
    let mut plain = Fields::new();
    for (name, operand) in fields.iter() {
        match name.as_bytes() {
            b"$elemMatch" => found.push(of_match(operand)),
            b"$all" => {
                let Value::Array(array) = operand else { continue };
                let each = array.items.iter().map(|item| {
                    let mut conditions = Vec::new();
                    of_elements(item, &mut conditions);
                    all_of(conditions)
                });
                found.extend(list_of("$or", each.flatten().collect()));
            }
            name if NOT_OF_ELEMENTS.contains(&name) => {}
            _ => {
                plain.insert(name.clone(), operand.clone());
            }
        }
    }
    // An object without operators is a value, and may be empty.
    if !plain.names().is_empty() || fields.names().is_empty() {
        found.push(object_of(ELEMENT.into(), Value::Object(plain)));
    }
}

/// What `$elemMatch` asks: operators, or a filter of the element's fields.
fn of_match(operand: &Value) -> Value {
    let Value::Object(fields) = operand else { return operand.clone() };
    let logical: [&[u8]; 3] = [b"$and", b"$or", b"$nor"];
    let is_logical = |name: &Wtf8String| logical.contains(&name.as_bytes());
    let of_itself = fields
        .names()
        .first()
        .is_some_and(|name| name.as_bytes().starts_with(b"$") && !is_logical(name));
    if of_itself {
        return object_of(ELEMENT.into(), operand.clone());
    }
    let mut filter = Fields::new();
    for (name, value) in fields.iter() {
        if is_logical(name) {
            let parts = objects(value).map(|part| of_match(&Value::Object(part.clone())));
            filter.insert(name.clone(), array(parts.collect()));
        } else {
            filter.insert(inside(name.as_bytes()), value.clone());
        }
    }
    Value::Object(filter)
}

/// A condition without the operators that no element can be told by; `None` if nothing is left.
fn telling(value: &Value) -> Option<Value> {
    let Value::Object(fields) = value else { return Some(value.clone()) };
    let mut left = Fields::new();
    for (name, operand) in fields.iter() {
        if !NOT_OF_ELEMENTS.contains(&name.as_bytes()) {
            left.insert(name.clone(), operand.clone());
        }
    }
    let any = !left.names().is_empty() || fields.names().is_empty();
    any.then_some(Value::Object(left))
}

fn begins_with_index(path: &[u8]) -> bool {
    let first = path.split(|byte| *byte == b'.').next().unwrap_or_default();
    array_index(&Wtf8String::joined(first)).is_some()
}

/// The path of a field of the element.
fn inside(path: &[u8]) -> Wtf8String {
    Wtf8String::joined(&[ELEMENT.as_bytes(), b".", path].concat())
}

fn objects(list: &Value) -> impl Iterator<Item = &Fields> {
    let items = match list {
        Value::Array(array) => array.items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(|item| match item {
        Value::Object(fields) => Some(fields),
        _ => None,
    })
}

fn all_of(conditions: Vec<Value>) -> Option<Value> {
    list_of("$and", conditions)
}

fn list_of(operator: &str, conditions: Vec<Value>) -> Option<Value> {
    (!conditions.is_empty()).then(|| object_of(operator.into(), array(conditions)))
}

fn array(items: Vec<Value>) -> Value {
    Value::Array(Array { items, fields: None })
}

fn object_of(name: Wtf8String, value: Value) -> Value {
    let mut fields = Fields::new();
    fields.insert(name, value);
    Value::Object(fields)
}
