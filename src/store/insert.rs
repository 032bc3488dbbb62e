//! Inserting a document that the transaction makes.

use std::sync::Arc;

use super::edit::immutable;
use super::extract;
use super::failure::Outcome;
use super::state::TxnState;
use super::writer::{KeySource, Put, Writer};
use crate::catalog::{KeyPath, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::WriteTxn;
use crate::value::{self, FieldPath, NoShapes, ShapeTable, Value};

/// A document that is about to be inserted.
#[derive(Debug)]
pub struct Made {
    /// What it was made of. A primary key that this has may not have changed.
    pub base: Value,
    /// The document.
    pub document: Value,
}

/// Makes a document of a store.
pub type Make<'m> = dyn FnMut(&Arc<ShapeTable>) -> Result<Made> + 'm;

impl Writer<'_> {
    /// Inserts a document that is made in the transaction; returns its primary key. One that has
    /// none is given that of the key generator, or `fresh`.
    ///
    /// # Errors
    /// As [`Writer::put`]; `KEY_IMMUTABLE`, and what `make` returns.
    pub fn insert(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: u32,
        make: &mut Make<'_>,
        fresh: Option<&Value>,
    ) -> Outcome<Vec<u8>> {
        let state = self.current_state(txn)?;
        let store = Arc::clone(state.catalog.require_store(store)?);
        let done = self.insert_into(txn, &state, &store, make, fresh);
        done.map_err(|failure| failure.map(|error| error.with_store(store.name.to_string())))
    }

    fn insert_into(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &TxnState,
        store: &StoreDef,
        make: &mut Make<'_>,
        fresh: Option<&Value>,
    ) -> Outcome<Vec<u8>> {
        let shapes = self.shapes(txn, state, store.id)?;
        let Made { base, mut document } = make(&shapes)?;
        let before = key_inside(store, &base, &shapes)?;
        if let (None, KeyPath::Single(path)) = (&before, &store.key_path)
            && is_missing(&document, path)
        {
            let key = match fresh {
                None if !store.auto_increment => None,
                None => Some(Value::Number(self.next_number(txn, store)?)),
                Some(fresh) => Some(fresh.clone()),
            };
            if let Some(key) = key
                && !value::set_field(&mut document, path, key)
            {
                let why = "the document has no place for a key at the store's key path";
                return Err(Error::new(ErrorCode::InvalidKey, why).into());
            }
        }
        if let Some(before) = before
            && key_inside(store, &document, &shapes)?.as_ref() != Some(&before)
        {
            return Err(immutable(&before).into());
        }
        let mut given = Vec::new();
        let key = match (&store.key_path, fresh) {
            (KeyPath::None, _) if store.auto_increment => KeySource::Generated,
            (KeyPath::None, Some(fresh)) => {
                let fresh = value::encode(fresh, &NoShapes)?;
                value::push_key(value::root(&fresh)?, &NoShapes, &mut given)?;
                KeySource::Given(&given)
            }
            (KeyPath::None, None) => {
                let why = "the store has no key path and no key generator, so nothing can be \
                           inserted by a filter; update by key instead, with `upsert`";
                return Err(Error::new(ErrorCode::InvalidKey, why).into());
            }
            _ => KeySource::Inline,
        };
        let document = value::encode(&document, &*shapes)?;
        let put = Put { store: store.id, key, document: &document, insert_only: true };
        Ok(self.put(txn, &put)?.to_vec())
    }
}

/// The primary key that a document has inside.
fn key_inside(store: &StoreDef, document: &Value, shapes: &ShapeTable) -> Result<Option<Vec<u8>>> {
    if store.key_path == KeyPath::None {
        return Ok(None);
    }
    let mut key = Vec::new();
    match extract::primary_key(store, &value::encode(document, shapes)?, shapes, &mut key) {
        Ok(()) => Ok(Some(key)),
        Err(error) if error.code() == ErrorCode::InvalidKey => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_missing(document: &Value, path: &FieldPath) -> bool {
    let mut place = document;
    for segment in path.segments() {
        let Value::Object(fields) = place else { return false };
        let Some(inner) = fields.get(segment.name()) else { return true };
        place = inner;
    }
    false
}
