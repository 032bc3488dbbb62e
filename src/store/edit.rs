//! Changing documents by what they are: read, changed and written in one operation.

use std::sync::Arc;

use super::bounds::Place;
use super::candidates::Noting;
use super::entry::documents;
use super::extract;
use super::failure::Outcome;
use super::shapes::register_shapes;
use super::state::TxnState;
use super::unique::shown;
use super::writer::{Writer, may_lack_shapes, plan_indexes, write_document};
use crate::catalog::{KeyPath, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::storage::envelope::{self, MAX_PAYLOAD};
use crate::storage::{ReadTxn, WriteTxn};
use crate::value::{self, ShapeTable, Value};
use crate::wtf8::Wtf8String;

/// A change of a document that depends on what it was.
pub trait Edit {
    /// What becomes of the document under a key; `old` is `None` if there is none. May be asked
    /// again for the same document.
    ///
    /// # Errors
    /// Those that refuse the operation.
    fn edit(&mut self, old: Option<&[u8]>, scope: &EditScope<'_>) -> Result<Edited>;
}

/// Where a document stands.
#[derive(Debug, Clone, Copy)]
pub struct EditScope<'a> {
    /// Its store.
    pub store: &'a StoreDef,
    /// Its primary key, encoded.
    pub key: &'a [u8],
    /// The store's shapes.
    pub shapes: &'a Arc<ShapeTable>,
}

/// What an [`Edit`] wants.
#[derive(Debug)]
pub enum Edited {
    /// The document stays as it is, or stays away.
    Unchanged,
    /// It becomes this, encoded with the store's shapes.
    Document(Vec<u8>),
    /// It becomes this.
    Value(Value),
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditResult {
    /// There is none, and none was wanted.
    Missing,
    /// It stayed as it was.
    Unchanged,
    /// It was changed.
    Replaced,
    /// It is new.
    Inserted,
}

/// A change that was planned, or what has to be done first.
enum Planned {
    Kept(EditResult),
    Write { document: Vec<u8>, replaces: bool, append: bool },
    Register(Vec<Vec<Wtf8String>>),
}

impl Writer<'_> {
    /// Changes the document under a key.
    ///
    /// # Errors
    /// Refused: `STORE_NOT_FOUND`, `INVALID_KEY`, `KEY_IMMUTABLE`, `UNIQUE_VIOLATION`,
    /// `RESOURCE_LIMIT`, `DATA_CLONE`, `CORRUPT`, and what `edit` returns.
    pub fn edit(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: u32,
        key: &[u8],
        edit: &mut dyn Edit,
    ) -> Outcome<EditResult> {
        key::validate_key(key)?;
        let state = self.current_state(txn)?;
        let store = Arc::clone(state.catalog.require_store(store)?);
        self.edit_document(txn, state, &store, key, edit).map_err(|failure| {
            failure.map(|error| error.with_store(store.name.to_string()).with_key(key))
        })
    }

    pub(super) fn edit_document(
        &mut self,
        txn: &mut WriteTxn<'_>,
        mut state: Arc<TxnState>,
        store: &StoreDef,
        key: &[u8],
        edit: &mut dyn Edit,
    ) -> Outcome<EditResult> {
        let mut shapes = self.shapes(txn, &state, store.id)?;
        let mut may_register = self.registers_shapes;
        loop {
            let planned = self.plan_edit(txn, &state, (store, key, &shapes), edit, may_register);
            match planned {
                Err(error) if may_lack_shapes(&error) => {
                    let fresh = state.reload_shapes(txn, self.shared(), store.id)?;
                    if fresh.len() == shapes.len() {
                        return Err(error.into());
                    }
                    shapes = fresh;
                    self.keep_shapes(store.id, &shapes);
                }
                Err(error) => return Err(error.into()),
                Ok(Planned::Kept(result)) => return Ok(result),
                Ok(Planned::Register(lists)) => {
                    may_register = false;
                    register_shapes(txn, self.shared(), store.id, &lists)?;
                    self.forget_shapes();
                    state = self.current_state(txn)?;
                    shapes = self.shapes(txn, &state, store.id)?;
                }
                Ok(Planned::Write { document, replaces, append }) => {
                    if store.auto_increment
                        && !replaces
                        && let Some(number) = key::as_number(key)
                    {
                        self.advance_generator(txn, store.id, number)?;
                    }
                    let how = (replaces, append);
                    let (plan, pending) = self.plan_and_pending();
                    let mut bounds = state.bounds();
                    write_document(txn, store, key, &document, how, plan, &mut bounds, pending)?;
                    drop(bounds);
                    self.write_if_full(txn)?;
                    return Ok(if replaces { EditResult::Replaced } else { EditResult::Inserted });
                }
            }
        }
    }

    /// Finds out what the document becomes, and checks it completely.
    fn plan_edit(
        &mut self,
        txn: &ReadTxn<'_>,
        state: &TxnState,
        (store, key, shapes): (&StoreDef, &[u8], &Arc<ShapeTable>),
        edit: &mut dyn Edit,
        may_register: bool,
    ) -> Result<Planned> {
        let shared = self.shared();
        let tree = documents(store.tree);
        let (plan, old, inside) = self.edit_buffers();
        plan.clear();
        let old = match tree.get(txn, key)? {
            Some(stored) => Some(envelope::open(tree.id, key, stored, old)?),
            None => None,
        };
        let document = match edit.edit(old, &EditScope { store, key, shapes })? {
            Edited::Unchanged => {
                let result = old.map_or(EditResult::Missing, |_| EditResult::Unchanged);
                return Ok(Planned::Kept(result));
            }
            Edited::Document(document) => document,
            Edited::Value(value) if may_register => {
                let noting = Noting::new(shapes);
                let document = value::encode(&value, &noting)?;
                let due = match noting.into_sightings() {
                    none if none.is_empty() => Vec::new(),
                    sightings => shared.candidates.sight(store.id, sightings, shapes),
                };
                if !due.is_empty() {
                    return Ok(Planned::Register(due));
                }
                document
            }
            Edited::Value(value) => value::encode(&value, &**shapes)?,
        };
        if document.len() > MAX_PAYLOAD {
            return Err(Error::new(ErrorCode::ResourceLimit, "a document is larger than 1 GiB"));
        }
        check_key(store, &document, key, shapes, inside)?;
        let mut bounds = state.bounds();
        plan_indexes(txn, store, key, (old, Some(&document)), shapes, plan)?;
        plan.check_unique(txn, store, key, &bounds)?;
        let replaces = old.is_some();
        let append = !replaces && bounds.place(txn, tree, key)? == Place::Above { append: true };
        Ok(Planned::Write { document, replaces, append })
    }
}

/// Makes sure that a document still has its primary key inside.
fn check_key(
    store: &StoreDef,
    document: &[u8],
    key: &[u8],
    shapes: &ShapeTable,
    inside: &mut Vec<u8>,
) -> Result<()> {
    if store.key_path == KeyPath::None {
        return Ok(());
    }
    inside.clear();
    match extract::primary_key(store, document, shapes, inside) {
        Ok(()) if inside == key => Ok(()),
        Err(error) if error.code() != ErrorCode::InvalidKey => Err(error),
        _ => Err(immutable(key)),
    }
}

pub(super) fn immutable(key: &[u8]) -> Error {
    Error::new(
        ErrorCode::KeyImmutable,
        format!(
            "the update would change the primary key {}; delete the document and add it under \
             the new key",
            shown(key)
        ),
    )
}
