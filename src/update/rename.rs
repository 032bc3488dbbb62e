//! `$rename`.

use super::apply::{Applier, Effect};
use super::operand::kind;
use super::path::Name;
use super::place::Target;
use crate::error::Result;
use crate::value::Value;

/// A field that gets another name or place.
#[derive(Debug)]
pub(super) struct Rename {
    pub(super) target: Target,
    pub(super) from: Vec<Name>,
    pub(super) to: Vec<Name>,
}

impl Rename {
    /// Moves the value, if it is there.
    ///
    /// # Errors
    /// `INVALID_UPDATE` if a path leads through an array, or the new one through another value that
    /// has no fields.
    pub(super) fn apply(&self, document: &mut Value, applier: &mut Applier<'_>) -> Result<Effect> {
        let Some(moved) = self.take(document, applier)? else { return Ok(Effect::Kept) };
        self.put(document, moved, applier)?;
        Ok(Effect::Changed)
    }

    fn take(&self, document: &mut Value, applier: &mut Applier<'_>) -> Result<Option<Value>> {
        let Some((last, path)) = self.from.split_last() else { return Ok(None) };
        let mut value = document;
        for name in path {
            value = match self.field(value, name, applier)? {
                Some(field) => field,
                None => return Ok(None),
            };
        }
        if self.field(value, last, applier)?.is_none() {
            return Ok(None);
        }
        match value {
            Value::Object(fields) => Ok(fields.remove(&last.text)),
            _ => Ok(None),
        }
    }

    fn field<'v>(
        &self,
        value: &'v mut Value,
        name: &Name,
        applier: &mut Applier<'_>,
    ) -> Result<Option<&'v mut Value>> {
        applier.own(value)?;
        match value {
            Value::Object(fields) => Ok(fields.get_mut(&name.text)),
            Value::Array(_) => Err(self.target.invalid("it cannot move elements of arrays")),
            _ => Ok(None),
        }
    }

    fn put(&self, document: &mut Value, moved: Value, applier: &mut Applier<'_>) -> Result<()> {
        let Some((last, path)) = self.to.split_last() else { return Ok(()) };
        let mut value = document;
        for name in path {
            applier.own(value)?;
            let fields = match value {
                Value::Object(fields) => fields,
                other => return Err(self.no_place(other)),
            };
            if matches!(fields.get(&name.text), None | Some(Value::Undefined)) {
                super::apply::insert(
                    fields,
                    vec![(name.clone(), Value::Object(Default::default()))],
                );
            }
            let Some(field) = fields.get_mut(&name.text) else { return Ok(()) };
            value = field;
        }
        applier.own(value)?;
        match value {
            Value::Object(fields) => {
                super::apply::insert(fields, vec![(last.clone(), moved)]);
                Ok(())
            }
            other => Err(self.no_place(other)),
        }
    }

    fn no_place(&self, found: &Value) -> crate::error::Error {
        self.target.invalid(format!("the new name leads into {}, which has no fields", kind(found)))
    }
}
