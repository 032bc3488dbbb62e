//! Objects that a document refers to more than once.
//!
//! While an update is applied they stand in a table, and nothing but references in the document, so
//! that values can be moved and removed freely. Afterwards each goes back to the first place that
//! refers to it.
//!
//! A path leads into one place alone: what is shared there becomes a copy of its own, and the other
//! places stay what they were.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::budget::{Budget, weigh};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Array, MAX_DEPTH, Value};

/// The shared objects of one document, by their ids. No value in here or in the document is
/// `Shared`.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    objects: HashMap<u32, Value>,
}

impl Sharing {
    /// Takes the shared objects out of a document.
    pub(super) fn take_from(document: &mut Value) -> Result<Self> {
        let mut sharing = Self::default();
        sharing.take(document)?;
        Ok(sharing)
    }

    /// Puts the object that the document itself is, where that is shared, in the document's place;
    /// `put_back` has to be given its id.
    pub(super) fn take_root(&self, document: &mut Value) -> Option<u32> {
        let Value::Reference(id) = *document else { return None };
        *document = self.objects.get(&id)?.clone();
        Some(id)
    }

    fn take(&mut self, value: &mut Value) -> Result<()> {
        if let Value::Shared { id, value: inner } = value {
            let id = *id;
            let mut object = std::mem::replace(&mut **inner, Value::Null);
            *value = Value::Reference(id);
            self.take(&mut object)?;
            self.objects.insert(id, object);
            return Ok(());
        }
        for_each_inside(value, &mut |inside| self.take(inside))
    }

    /// Makes a value that is shared the place's own.
    pub(super) fn own(&self, value: &mut Value, budget: &mut Budget) -> Result<()> {
        if let Value::Reference(id) = value
            && let Some(object) = self.objects.get(id)
        {
            budget.spend(weigh(object))?;
            *value = object.clone();
        }
        Ok(())
    }

    /// The value without references, to be compared with others. One that contains itself, or
    /// repeats more than the budget has, stays as it is, and then equals no value of an update.
    pub(super) fn resolved<'v>(&self, value: &'v Value, budget: &mut Budget) -> Cow<'v, Value> {
        if self.objects.is_empty() {
            return Cow::Borrowed(value);
        }
        let mut copy = value.clone();
        match self.resolve(&mut copy, budget, 0) {
            Ok(()) => Cow::Owned(copy),
            Err(_) => Cow::Borrowed(value),
        }
    }

    fn resolve(&self, value: &mut Value, budget: &mut Budget, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        self.own(value, budget)?;
        for_each_inside(value, &mut |inside| self.resolve(inside, budget, depth + 1))
    }

    /// Puts the shared objects back where the document first refers to them.
    ///
    /// # Errors
    /// `DATA_CLONE` if that nests deeper than documents may.
    pub(super) fn put_back(mut self, document: &mut Value, root: Option<u32>) -> Result<()> {
        if self.objects.is_empty() {
            return Ok(());
        }
        if let Some(id) = root {
            self.objects.insert(id, std::mem::replace(document, Value::Reference(id)));
        }
        let mut placed = HashSet::new();
        self.place(document, &mut placed, 0)
    }

    fn place(&mut self, value: &mut Value, placed: &mut HashSet<u32>, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let Value::Reference(id) = value else {
            return for_each_inside(value, &mut |inside| self.place(inside, placed, depth + 1));
        };
        let id = *id;
        if placed.insert(id)
            && let Some(mut object) = self.objects.remove(&id)
        {
            self.place(&mut object, placed, depth)?;
            *value = Value::Shared { id, value: Box::new(object) };
        }
        Ok(())
    }
}

fn too_deep() -> Error {
    Error::new(
        ErrorCode::DataClone,
        format!("the update: values nested deeper than {MAX_DEPTH} levels cannot be stored"),
    )
}

/// Visits the values right inside a value, in the order of the document.
fn for_each_inside(
    value: &mut Value,
    visit: &mut dyn FnMut(&mut Value) -> Result<()>,
) -> Result<()> {
    match value {
        Value::Object(fields) | Value::Error { fields, .. } => {
            fields.values_mut().iter_mut().try_for_each(visit)
        }
        Value::Array(Array { items, fields }) => {
            items.iter_mut().try_for_each(&mut *visit)?;
            match fields {
                Some(fields) => fields.values_mut().iter_mut().try_for_each(visit),
                None => Ok(()),
            }
        }
        Value::Map(entries) => entries.iter_mut().try_for_each(|(key, value)| {
            visit(key)?;
            visit(value)
        }),
        Value::Set(items) => items.iter_mut().try_for_each(visit),
        Value::Boxed(inner) | Value::Shared { value: inner, .. } => visit(inner),
        Value::Null
        | Value::Undefined
        | Value::Bool(_)
        | Value::Number(_)
        | Value::BigInt(_)
        | Value::String(_)
        | Value::Date(_)
        | Value::RegExp { .. }
        | Value::Holes(_)
        | Value::Binary { .. }
        | Value::Blob(_)
        | Value::Reference(_) => Ok(()),
    }
}
