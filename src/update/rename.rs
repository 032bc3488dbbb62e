//! `$rename`.

use std::sync::Arc;

use super::apply::{Applier, Effect, Positions, insert, remove};
use super::operand::kind;
use super::path::Name;
use super::place::Target;
use crate::error::{Error, Result};
use crate::value::Value;

/// A field that gets another name or place.
#[derive(Debug)]
pub(super) struct Rename {
    pub(super) target: Target,
    pub(super) from: Vec<Name>,
    pub(super) to: Vec<Name>,
}

/// Moves the values that are there. No path is a part of another one, so that all are taken before
/// any is put: of many in one object, in one pass over its fields.
///
/// # Errors
/// `INVALID_UPDATE` if a path leads through an array, or the new one through another value that
/// has no fields.
pub(super) fn apply(
    renames: &[Rename],
    document: &mut Value,
    applier: &mut Applier<'_>,
) -> Result<Effect> {
    let mut moved = Vec::new();
    for together in renames.chunk_by(|one, other| around(&one.from) == around(&other.from)) {
        take(together, document, applier, &mut moved)?;
    }
    let effect = if moved.is_empty() { Effect::Kept } else { Effect::Changed };
    let mut moved = moved.into_iter().peekable();
    while let Some((rename, name, value)) = moved.next() {
        let path = around(&rename.to);
        let mut together = vec![(name, value)];
        while let Some((_, name, value)) = moved.next_if(|(next, ..)| around(&next.to) == path) {
            together.push((name, value));
        }
        rename.put(document, together, applier)?;
    }
    Ok(effect)
}

/// The path of the object that a field is in.
fn around(path: &[Name]) -> &[Name] {
    path.split_last().map_or(&[], |(_, around)| around)
}

/// Takes fields of one object out of the document, each with its new name.
fn take<'r>(
    renames: &'r [Rename],
    document: &mut Value,
    applier: &mut Applier<'_>,
    moved: &mut Vec<(&'r Rename, Name, Value)>,
) -> Result<()> {
    let Some(first) = renames.first() else { return Ok(()) };
    let mut value = document;
    for name in around(&first.from) {
        value = match first.field(value, name, applier)? {
            Some(field) => field,
            None => return Ok(()),
        };
    }
    applier.own(value)?;
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(_) => return Err(first.through_array()),
        _ => return Ok(()),
    };
    let names = Arc::clone(fields.names());
    let positions = Positions::of(&names, renames.len());
    let mut taken = Vec::new();
    for rename in renames {
        if let (Some(from), Some(to)) = (rename.from.last(), rename.to.last())
            && let Some(position) = positions.get(&from.text)
            && let Some(value) = fields.values_mut().get_mut(position)
        {
            moved.push((rename, to.clone(), std::mem::replace(value, Value::Null)));
            taken.push(position);
        }
    }
    remove(fields, taken);
    Ok(())
}

impl Rename {
    fn field<'v>(
        &self,
        value: &'v mut Value,
        name: &Name,
        applier: &mut Applier<'_>,
    ) -> Result<Option<&'v mut Value>> {
        applier.own(value)?;
        match value {
            Value::Object(fields) => Ok(fields.get_mut(&name.text)),
            Value::Array(_) => Err(self.through_array()),
            _ => Ok(None),
        }
    }

    fn through_array(&self) -> Error {
        self.target.invalid("it cannot move elements of arrays")
    }

    /// Puts values into the object of the new path, by their new names.
    fn put(
        &self,
        document: &mut Value,
        moved: Vec<(Name, Value)>,
        applier: &mut Applier<'_>,
    ) -> Result<()> {
        let mut value = document;
        for name in around(&self.to) {
            applier.own(value)?;
            let fields = match value {
                Value::Object(fields) => fields,
                other => return Err(self.no_place(other)),
            };
            if matches!(fields.get(&name.text), None | Some(Value::Undefined)) {
                insert(fields, vec![(name.clone(), Value::Object(Default::default()))]);
            }
            let Some(field) = fields.get_mut(&name.text) else { return Ok(()) };
            value = field;
        }
        applier.own(value)?;
        match value {
            Value::Object(fields) => {
                insert(fields, moved);
                Ok(())
            }
            other => Err(self.no_place(other)),
        }
    }

    fn no_place(&self, found: &Value) -> Error {
        self.target.invalid(format!("the new name leads into {}, which has no fields", kind(found)))
    }
}
