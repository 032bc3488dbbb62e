//! Operators on objects.

use std::borrow::Cow;
use std::collections::HashMap;

use super::call::{Arguments, Call, is_nullish};
use super::work::{check_size, weigh};
use crate::error::Result;
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// Collects fields, of which a later one replaces an earlier one of the same name in its place.
#[derive(Debug, Clone, Default)]
pub(in crate::query) struct FieldList {
    names: Vec<Wtf8String>,
    values: Vec<Value>,
    /// Where each name is, once there are many.
    places: HashMap<Wtf8String, usize>,
}

/// Up to so many names are searched one by one.
const FEW: usize = 16;

impl FieldList {
    /// Sets a field; returns the value it had.
    pub(in crate::query) fn set(
        &mut self,
        name: &Wtf8String,
        value: Cow<'_, Value>,
    ) -> Option<Value> {
        let place = if self.places.is_empty() {
            self.names.iter().position(|known| known == name)
        } else {
            self.places.get(name).copied()
        };
        let value = value.into_owned();
        match place.and_then(|place| self.values.get_mut(place)) {
            Some(place) => Some(std::mem::replace(place, value)),
            None => {
                self.names.push(name.clone());
                self.values.push(value);
                if self.names.len() == FEW {
                    self.places = self.names.iter().cloned().zip(0..).collect();
                } else if self.names.len() > FEW {
                    self.places.insert(name.clone(), self.names.len() - 1);
                }
                None
            }
        }
    }

    /// The object.
    pub(in crate::query) fn finish(self) -> Value {
        Value::Object(Fields::from_parts(self.names.into(), self.values).unwrap_or_default())
    }
}

/// `$mergeObjects`: of the operands, or of a single array's elements; null ones do not count.
pub(super) fn merge(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let objects = super::arrays::operands(arguments)?;
    let mut merged = FieldList::default();
    let mut bytes = 0;
    for object in objects.iter() {
        match object {
            value if is_nullish(value) => {}
            Value::Object(fields) => {
                bytes += weigh(object);
                check_size(bytes)?;
                for (name, value) in fields.iter() {
                    merged.set(name, Cow::Borrowed(value));
                }
            }
            other => return Err(call.wrong("objects", other)),
        }
    }
    Ok(merged.finish())
}

/// `$getField`: of an object, by a name that is not a path.
pub(super) fn get_field(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [name, object] = arguments else { return Err(call.wrong_count()) };
    let name = call.text(name)?;
    Ok(match &**object {
        Value::Object(fields) => fields.get(name).cloned().unwrap_or(Value::Undefined),
        Value::Null => Value::Null,
        _ => Value::Undefined,
    })
}

/// `$setField` and `$unsetField`: the name, the object, and the value.
pub(super) fn set_field(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [name, object, value] = arguments else { return Err(call.wrong_count()) };
    let name = call.text(name)?;
    let mut fields = match &**object {
        object if is_nullish(object) => return Ok(Value::Null),
        Value::Object(fields) => fields.clone(),
        other => return Err(call.wrong("an object", other)),
    };
    match &**value {
        Value::Undefined => fields.remove(name),
        value => fields.insert(name.clone(), value.clone()),
    };
    Ok(Value::Object(fields))
}
