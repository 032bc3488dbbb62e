//! The write path: one operation at a time, each checked completely before its first write.

use std::sync::Arc;

use super::bounds::{Bounds, Place};
use super::entry::documents;
use super::extract;
use super::failure::{Failure, Outcome};
use super::generator::Generators;
use super::index_build;
use super::pending::Pending;
use super::plan::{Plan, malformed};
use super::shared::StoreShared;
use super::state::TxnState;
use super::unique::shown;
use crate::catalog::{KeyPath, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::storage::envelope::{self, MAX_PAYLOAD};
use crate::storage::{Counter, ReadTxn, WriteTxn};
use crate::value::{self, ShapeTable};

/// Where the primary key of a document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource<'a> {
    /// The caller encoded it.
    Given(&'a [u8]),
    /// The store's key path, in the document.
    Inline,
    /// The key generator; keys are out-of-line.
    Generated,
    /// The key generator; the number goes into the document, over the one at this offset.
    Patched(u32),
}

/// A document to store.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// The store's id.
    pub store: u32,
    /// Where the primary key comes from.
    pub key: KeySource<'a>,
    /// The encoded document.
    pub document: &'a [u8],
    /// Whether the key must be free (`add`).
    pub insert_only: bool,
}

/// Carries out write operations. Buffers and what is known of the transaction are kept between
/// them; [`Writer::flush`] writes what is left over.
pub struct Writer<'s> {
    shared: &'s StoreShared,
    state: Option<Arc<TxnState>>,
    shapes: Option<(u32, Arc<ShapeTable>)>,
    generators: Generators,
    buffers: Buffers,
    /// Entries of indexes that are not unique, which nothing but reads looks at.
    pending: Pending,
    /// Whether lists of names that are met often become shapes, which documents then name at once.
    pub(super) registers_shapes: bool,
}

#[derive(Debug, Default)]
struct Buffers {
    /// The primary key.
    key: Vec<u8>,
    /// The primary key that the document has inside.
    inside: Vec<u8>,
    /// The document with its generated key.
    patched: Vec<u8>,
    /// The old document, decompressed.
    old: Vec<u8>,
    plan: Plan,
}

impl<'s> Writer<'s> {
    /// A writer for one transaction, or a part of one in which nobody else writes.
    pub fn new(shared: &'s StoreShared) -> Self {
        Self {
            shared,
            state: None,
            shapes: None,
            generators: Generators::default(),
            buffers: Buffers::default(),
            pending: Pending::default(),
            registers_shapes: false,
        }
    }

    /// Has lists of names that are met often become shapes. Not where the caller reads within the
    /// transaction: ids are unknown outside of it until the commit.
    #[must_use]
    pub fn registering_shapes(self) -> Self {
        Self { registers_shapes: true, ..self }
    }

    /// What all transactions of the database share.
    pub fn shared(&self) -> &'s StoreShared {
        self.shared
    }

    /// The catalog and bounds of the transaction. Reads that follow see everything that was
    /// written.
    ///
    /// # Errors
    /// As [`Writer::flush`]; `CORRUPT`.
    pub fn state(&mut self, txn: &mut WriteTxn<'_>) -> Outcome<Arc<TxnState>> {
        self.write_pending(txn)?;
        Ok(self.current_state(txn)?)
    }

    pub(super) fn current_state(&mut self, txn: &mut WriteTxn<'_>) -> Result<Arc<TxnState>> {
        if let Some(state) = &self.state {
            return Ok(Arc::clone(state));
        }
        let state = TxnState::of(txn, self.shared)?;
        self.state = Some(Arc::clone(&state));
        Ok(state)
    }

    /// Writes what is kept in memory. To be called before the transaction commits, before a nested
    /// one begins, and before one that was written to ends.
    pub fn flush(&mut self, txn: &mut WriteTxn<'_>) -> Outcome<()> {
        self.write_pending(txn)?;
        self.generators.flush(txn).map_err(Failure::midway)
    }

    fn write_pending(&mut self, txn: &mut WriteTxn<'_>) -> Outcome<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let state = self.current_state(txn).map_err(Failure::midway)?;
        self.pending.flush(txn, &state.catalog, &mut state.bounds())
    }

    /// Forgets what is kept in memory, since the transaction's state was changed by others or
    /// rolled back.
    pub fn forget(&mut self) {
        self.state = None;
        self.shapes = None;
        self.generators.forget();
        self.pending.clear();
    }

    /// Inserts or replaces a document; returns its primary key.
    ///
    /// # Errors
    /// Refused: `STORE_NOT_FOUND`, `INVALID_KEY`, `KEY_EXISTS`, `UNIQUE_VIOLATION`,
    /// `INVALID_ARGUMENT`, `RESOURCE_LIMIT`, `CORRUPT`.
    pub fn put(&mut self, txn: &mut WriteTxn<'_>, put: &Put<'_>) -> Outcome<&[u8]> {
        let state = self.current_state(txn)?;
        let store = Arc::clone(state.catalog.require_store(put.store)?);
        if put.document.len() > MAX_PAYLOAD {
            let error = Error::new(ErrorCode::ResourceLimit, "a document is larger than 1 GiB");
            return Err(error.with_store(store.name.to_string()).into());
        }
        let shapes = self.shapes(txn, &state, store.id)?;
        match self.store_document(txn, &state, &store, &shapes, put) {
            Err(Failure::Refused(error)) if may_lack_shapes(&error) => {
                // Perhaps only the shape table is behind: other processes register shapes, too.
                let fresh = state.reload_shapes(txn, self.shared, store.id)?;
                if fresh.len() == shapes.len() {
                    return Err(Failure::Refused(error.with_store(store.name.to_string())));
                }
                self.shapes = Some((store.id, Arc::clone(&fresh)));
                self.store_document(txn, &state, &store, &fresh, put)
            }
            result => result,
        }
        .map_err(|failure| failure.map(|error| error.with_store(store.name.to_string())))?;
        Ok(&self.buffers.key)
    }

    /// Deletes a document; false if there is none under the key.
    ///
    /// # Errors
    /// Refused: `STORE_NOT_FOUND`, `INVALID_KEY`, `CORRUPT`.
    pub fn delete(&mut self, txn: &mut WriteTxn<'_>, store: u32, key: &[u8]) -> Outcome<bool> {
        key::validate_key(key)?;
        let state = self.current_state(txn)?;
        let store = Arc::clone(state.catalog.require_store(store)?);
        self.delete_document(txn, &state, &store, key)
            .map_err(|failure| failure.map(|error| error.with_store(store.name.to_string())))
    }

    fn store_document(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &TxnState,
        store: &StoreDef,
        shapes: &ShapeTable,
        put: &Put<'_>,
    ) -> Outcome<()> {
        self.resolve_key(txn, store, shapes, put)?;
        let Buffers { key, patched, old, plan, .. } = &mut self.buffers;
        let document = match put.key {
            KeySource::Patched(_) => patched.as_slice(),
            _ => put.document,
        };
        let tree = documents(store.tree);
        let mut bounds = state.bounds();
        let place = bounds.place(txn, tree, key)?;
        plan.clear();
        let named = |error: Error| error.with_key(key);
        let stored = match place {
            Place::Anywhere => tree.get(txn, key).map_err(named)?,
            Place::Above { .. } => None,
        };
        let replaces = stored.is_some();
        if replaces && put.insert_only {
            return Err(key_exists(store, key).into());
        }
        if store.has_indexes() {
            let old = match stored {
                Some(stored) => Some(envelope::open(tree.id, key, stored, old).map_err(named)?),
                None => None,
            };
            plan_indexes(txn, store, key, (old, Some(document)), shapes, plan)?;
            plan.check_unique(txn, store, key, &bounds)?;
        }
        if store.auto_increment
            && let Some(number) = key::as_number(key)
        {
            self.generators.advance(txn, store.id, number)?;
        }
        let how = (replaces, place == Place::Above { append: true });
        write_document(txn, store, key, document, how, plan, &mut bounds, &mut self.pending)?;
        drop(bounds);
        self.write_if_full(txn)
    }

    /// Writes what is kept in memory once it is a lot.
    pub(super) fn write_if_full(&mut self, txn: &mut WriteTxn<'_>) -> Outcome<()> {
        if self.pending.is_full() { self.write_pending(txn) } else { Ok(()) }
    }

    pub(super) fn delete_document(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &TxnState,
        store: &StoreDef,
        key: &[u8],
    ) -> Outcome<bool> {
        let tree = documents(store.tree);
        self.buffers.plan.clear();
        if store.has_indexes() {
            let shapes = self.shapes(txn, state, store.id)?;
            let planned = self.plan_removal(txn, store, key, &shapes);
            let found = match planned {
                Err(error) if may_lack_shapes(&error) => {
                    let fresh = state.reload_shapes(txn, self.shared, store.id)?;
                    if fresh.len() == shapes.len() {
                        return Err(error.into());
                    }
                    self.shapes = Some((store.id, Arc::clone(&fresh)));
                    self.plan_removal(txn, store, key, &fresh)?
                }
                planned => planned?,
            };
            if !found {
                return Ok(false);
            }
        }
        let mut bounds = state.bounds();
        bounds.removing(tree.id);
        let deleted = tree.delete(txn, key);
        if !deleted.map_err(|error| Failure::midway(error.with_key(key)))? {
            return Ok(false);
        }
        txn.add_count(Counter::entries(tree.id), -1);
        self.buffers.plan.apply(txn, (store, key), &mut bounds, &mut self.pending)?;
        drop(bounds);
        self.write_if_full(txn)?;
        Ok(true)
    }

    /// Plans what the indexes lose with a document; false if there is none.
    fn plan_removal(
        &mut self,
        txn: &ReadTxn<'_>,
        store: &StoreDef,
        key: &[u8],
        shapes: &ShapeTable,
    ) -> Result<bool> {
        let Buffers { old, plan, .. } = &mut self.buffers;
        plan.clear();
        let tree = documents(store.tree);
        let named = |error: Error| error.with_key(key);
        let Some(stored) = tree.get(txn, key).map_err(named)? else { return Ok(false) };
        let old = envelope::open(tree.id, key, stored, old).map_err(named)?;
        plan_indexes(txn, store, key, (Some(old), None), shapes, plan)?;
        Ok(true)
    }

    /// Puts the document's primary key, and the document itself if the key goes into it, into the
    /// buffers.
    fn resolve_key(
        &mut self,
        txn: &ReadTxn<'_>,
        store: &StoreDef,
        shapes: &ShapeTable,
        put: &Put<'_>,
    ) -> Result<()> {
        let Buffers { key, patched, inside, .. } = &mut self.buffers;
        key.clear();
        match put.key {
            KeySource::Given(given) => {
                key::validate_key(given)?;
                key.extend_from_slice(given);
                check_inside(store, put.document, key, shapes, inside)?;
            }
            KeySource::Inline => {
                extract::primary_key(store, put.document, shapes, key).map_err(malformed)?;
            }
            KeySource::Generated => {
                let out_of_line = store.key_path == KeyPath::None;
                let number = next_number(&mut self.generators, txn, store, out_of_line)?;
                key::push_number(key, number);
            }
            KeySource::Patched(offset) => {
                let inline = matches!(store.key_path, KeyPath::Single(_));
                let number = next_number(&mut self.generators, txn, store, inline)?;
                key::push_number(key, number);
                patched.clear();
                patched.extend_from_slice(put.document);
                value::patch_number(patched, offset as usize, number).map_err(malformed)?;
                check_inside(store, patched, key, shapes, inside)?;
            }
        }
        Ok(())
    }

    pub(super) fn shapes(
        &mut self,
        txn: &WriteTxn<'_>,
        state: &TxnState,
        store: u32,
    ) -> Result<Arc<ShapeTable>> {
        match &self.shapes {
            Some((id, shapes)) if *id == store => Ok(Arc::clone(shapes)),
            _ => {
                let shapes = state.shapes(txn, self.shared, store)?;
                self.shapes = Some((store, Arc::clone(&shapes)));
                Ok(shapes)
            }
        }
    }
}

impl Writer<'_> {
    /// Keeps a store's shapes, read again.
    pub(super) fn keep_shapes(&mut self, store: u32, shapes: &Arc<ShapeTable>) {
        self.shapes = Some((store, Arc::clone(shapes)));
    }

    /// Forgets what is known of shapes, since the transaction registered some.
    pub(super) fn forget_shapes(&mut self) {
        self.state = None;
        self.shapes = None;
    }

    /// Moves a store's key generator beyond a key.
    pub(super) fn advance_generator(
        &mut self,
        txn: &ReadTxn<'_>,
        store: u32,
        key: f64,
    ) -> Result<()> {
        self.generators.advance(txn, store, key)
    }

    /// The number that a store's key generator makes next.
    pub(super) fn next_number(&mut self, txn: &ReadTxn<'_>, store: &StoreDef) -> Result<f64> {
        next_number(&mut self.generators, txn, store, true)
    }

    /// The buffers for the plan, the old document and the key inside the new one.
    pub(super) fn edit_buffers(&mut self) -> (&mut Plan, &mut Vec<u8>, &mut Vec<u8>) {
        let Buffers { plan, old, inside, .. } = &mut self.buffers;
        (plan, old, inside)
    }

    /// The planned index changes, and those that wait.
    pub(super) fn plan_and_pending(&mut self) -> (&Plan, &mut Pending) {
        (&self.buffers.plan, &mut self.pending)
    }
}

/// Writes a document and the planned index changes.
#[expect(clippy::too_many_arguments, reason = "parts of a writer that are borrowed apart")]
pub(super) fn write_document(
    txn: &mut WriteTxn<'_>,
    store: &StoreDef,
    key: &[u8],
    document: &[u8],
    (replaces, append): (bool, bool),
    plan: &Plan,
    bounds: &mut Bounds,
    pending: &mut Pending,
) -> Outcome<()> {
    let tree = documents(store.tree);
    envelope::put_enveloped(tree, txn, key, document, store.compression, append)
        .map_err(Failure::midway)?;
    bounds.wrote(tree.id, key);
    if !replaces {
        txn.add_count(Counter::entries(tree.id), 1);
    }
    plan.apply(txn, (store, key), bounds, pending)
}

/// Plans the changes of all indexes that have to follow the document.
pub(super) fn plan_indexes(
    txn: &ReadTxn<'_>,
    store: &StoreDef,
    key: &[u8],
    (old, new): (Option<&[u8]>, Option<&[u8]>),
    shapes: &ShapeTable,
    plan: &mut Plan,
) -> Result<()> {
    for (position, index) in store.indexes.iter().enumerate() {
        if index_build::follows(txn, store.id, (index.id, index.state), key)? {
            plan.add_index((position, index), key, old, new, shapes)?;
        }
    }
    for (position, index) in store.vectors.iter().enumerate() {
        let follows = index_build::follows(txn, store.id, (index.id, index.state), key)?;
        plan.add_vectors((position, index), follows, (old, new), shapes)?;
    }
    Ok(())
}

/// Whether an error can come from a shape table that is behind.
pub(super) fn may_lack_shapes(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::Corrupt | ErrorCode::InvalidArgument)
}

/// Makes sure that a document has its primary key inside, where the store's key path says.
fn check_inside(
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
    extract::primary_key(store, document, shapes, inside).map_err(malformed)?;
    if inside == key {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InvalidKey,
        format!("the key {} is not the one that the document has inside", shown(key)),
    )
    .with_key(key))
}

fn next_number(
    generators: &mut Generators,
    txn: &ReadTxn<'_>,
    store: &StoreDef,
    fits: bool,
) -> Result<f64> {
    if !store.auto_increment || !fits {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("store {:?} has no key generator for such keys", store.name),
        ));
    }
    // At most 2⁵³, so exact.
    Ok(generators.next(txn, store)? as f64)
}

fn key_exists(store: &StoreDef, key: &[u8]) -> Error {
    Error::new(
        ErrorCode::KeyExists,
        format!("store {:?} has a document under the key {} already", store.name, shown(key)),
    )
    .with_key(key)
}
