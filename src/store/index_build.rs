//! Filling a new index from the documents that are there already.
//!
//! Inside a transaction the build is part of it ([`build_now`]). Outside, it proceeds in steps of
//! bounded work ([`step`]); how far it got is a record in `meta`, so that it can go on after the
//! database was opened again. Meanwhile writes keep the entries of the documents up to that point
//! right ([`follows`]); those behind it are left to the build.

use std::time::{Duration, Instant};

use super::batch::EntryBatch;
use super::bounds::Bounds;
use super::entry::documents;
use super::failure::{Failure, Outcome};
use super::shared::StoreShared;
use super::state::TxnState;
use super::vectors::VectorBatch;
use crate::catalog::{IndexDef, IndexState, StoreDef, VectorDef, meta_key};
use crate::error::{Error, Result};
use crate::fault;
use crate::storage::{Counter, ReadTxn, WriteTxn, envelope, meta};
use crate::value::ShapeTable;

/// How many documents a step of a background build takes in, at most.
pub const STEP_DOCUMENTS: usize = 1_000;
/// How long a step reads, about.
const STEP_TIME: Duration = Duration::from_millis(2);
/// How many bytes of entries are sorted at once.
const BATCH_BYTES: usize = 32 << 20;

/// How far a build is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The primary key of the last document whose entries are in the index.
    pub after: Option<Vec<u8>>,
    /// How many documents were taken in.
    pub done: u64,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Whether the index is complete.
    pub finished: bool,
    /// Documents taken in so far.
    pub done: u64,
    /// Documents in the store.
    pub total: u64,
}

/// Whether an index has to follow changes of the document under `key`.
#[inline]
pub fn follows(
    txn: &ReadTxn<'_>,
    store: u32,
    (index, state): (u32, IndexState),
    key: &[u8],
) -> Result<bool> {
    match state {
        IndexState::Ready => return Ok(true),
        IndexState::Stale => return Ok(false),
        IndexState::Building => {}
    }
    Ok(progress(txn, store, index)?.after.is_some_and(|after| key <= after.as_slice()))
}

/// The builds that are under way: store id and index id.
pub fn pending_builds(txn: &ReadTxn<'_>) -> Result<Vec<(u32, u32)>> {
    let records = meta::scan_records(txn, &[meta_key::INDEX_BUILD])?;
    records.iter().map(|(key, _)| meta_key::index_build_ids(key).ok_or_else(malformed)).collect()
}

/// Begins a build.
///
/// A store that is cleared meanwhile needs nothing: documents up to the point that the build has
/// reached are kept right by writes, whether there are any left or not.
pub(super) fn begin(txn: &mut WriteTxn<'_>, store: u32, index: u32) -> Result<()> {
    fault::point("index-build-begin");
    put_progress(txn, store, index, &Progress::default())
}

/// An index that is being filled, with what it is to get next.
pub(super) enum Filling<'i> {
    /// One of keys.
    Keys(&'i IndexDef, EntryBatch),
    /// One of vectors.
    Vectors(&'i VectorDef, VectorBatch),
}

impl<'i> Filling<'i> {
    /// An index of keys.
    pub(super) fn keys(index: &'i IndexDef) -> Self {
        Self::Keys(index, EntryBatch::default())
    }

    /// An index of vectors.
    pub(super) fn vectors(index: &'i VectorDef) -> Self {
        Self::Vectors(index, VectorBatch::default())
    }

    /// An index of a store.
    ///
    /// # Errors
    /// `INDEX_NOT_FOUND`.
    fn of(store: &'i StoreDef, index: u32) -> Result<(Self, IndexState)> {
        match store.vector(index) {
            Some(index) => Ok((Self::vectors(index), index.state)),
            None => store.require_index(index).map(|index| (Self::keys(index), index.state)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Keys(_, batch) => batch.bytes(),
            Self::Vectors(_, batch) => batch.bytes(),
        }
    }

    fn add(&mut self, document: &[u8], key: &[u8], shapes: &ShapeTable) -> Result<()> {
        match self {
            Self::Keys(index, batch) => batch.add(index, document, key, shapes),
            Self::Vectors(index, batch) => batch.add(index, document, key, shapes),
        }
    }

    fn write(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: &StoreDef,
        bounds: &mut Bounds,
    ) -> Result<()> {
        match self {
            Self::Keys(index, batch) => batch.write(txn, store, index, bounds),
            Self::Vectors(index, batch) => batch.write(txn, store, index),
        }
    }
}

/// Fills a new index completely. To be run in a nested transaction.
///
/// # Errors
/// `UNIQUE_VIOLATION`, naming both documents; `DIMENSION_MISMATCH`, `VALIDATION`, naming the
/// document; `CORRUPT`.
pub(super) fn build_now(
    txn: &mut WriteTxn<'_>,
    shared: &StoreShared,
    state: &TxnState,
    store: &StoreDef,
    mut index: Filling<'_>,
) -> Result<()> {
    let mut scan = Scan::new(txn, shared, state, store)?;
    loop {
        let more = scan.collect(txn, &mut index, |index, _| index.bytes() < BATCH_BYTES)?;
        index.write(txn, store, &mut state.bounds())?;
        if !more {
            return Ok(());
        }
    }
}

/// Takes some more documents, for about 2 ms, into an index that is being built. To be run in a
/// nested transaction.
///
/// # Errors
/// `STORE_NOT_FOUND` and `INDEX_NOT_FOUND` if it was deleted meanwhile; `UNIQUE_VIOLATION`, naming
/// both documents; `DIMENSION_MISMATCH`, `VALIDATION`, naming the document; `CORRUPT`.
pub fn step(
    txn: &mut WriteTxn<'_>,
    shared: &StoreShared,
    store: u32,
    index: u32,
    max_documents: usize,
) -> Outcome<Step> {
    let state = TxnState::of(txn, shared)?;
    let store = state.catalog.require_store(store)?;
    let (mut filling, index_state) = Filling::of(store, index)?;
    let total = txn.count(Counter::entries(store.tree))?;
    let mut progress = progress(txn, store.id, index)?;
    if index_state == IndexState::Ready {
        return Ok(Step { finished: true, done: total, total });
    }
    let started = Instant::now();
    let mut scan = Scan::new(txn, shared, &state, store)?;
    scan.after = progress.after.take();
    let more = scan.collect(txn, &mut filling, |filling, count| {
        count < max_documents && filling.bytes() < BATCH_BYTES && started.elapsed() < STEP_TIME
    })?;
    filling.write(txn, store, &mut state.bounds())?;
    fault::point("index-build-step");
    let done = progress.done + scan.count as u64;
    if more {
        let progress = Progress { after: scan.after, done };
        put_progress(txn, store.id, index, &progress).map_err(Failure::midway)?;
    } else {
        super::schema::Schema::new(txn, shared)?.finish_index(store.id, index)?;
        fault::point("index-build-end");
    }
    Ok(Step { finished: !more, done: done.min(total), total })
}

/// A pass over a store's documents.
struct Scan<'a> {
    shared: &'a StoreShared,
    state: &'a TxnState,
    store: &'a StoreDef,
    shapes: std::sync::Arc<ShapeTable>,
    after: Option<Vec<u8>>,
    count: usize,
}

impl<'a> Scan<'a> {
    fn new(
        txn: &ReadTxn<'_>,
        shared: &'a StoreShared,
        state: &'a TxnState,
        store: &'a StoreDef,
    ) -> Result<Self> {
        let shapes = state.shapes(txn, shared, store.id)?;
        Ok(Self { shared, state, store, shapes, after: None, count: 0 })
    }

    /// Adds the entries of the documents that follow to a batch, while `go_on`; false if there are
    /// no more documents.
    fn collect(
        &mut self,
        txn: &ReadTxn<'_>,
        index: &mut Filling<'_>,
        go_on: impl Fn(&Filling<'_>, usize) -> bool,
    ) -> Result<bool> {
        let tree = documents(self.store.tree);
        let mut cursor = tree.cursor(txn)?;
        let mut found = match &self.after {
            Some(after) => match cursor.seek(after)? {
                Some(entry) if entry.key == after => cursor.next()?,
                found => found,
            },
            None => cursor.first()?,
        };
        let mut scratch = Vec::new();
        let mut last: Option<Vec<u8>> = None;
        let more = loop {
            let Some(entry) = found else { break false };
            let located =
                |error: Error| error.with_store(self.store.name.to_string()).with_key(entry.key);
            let document =
                envelope::open(tree.id, entry.key, entry.value, &mut scratch).map_err(located)?;
            if let Err(error) = index.add(document, entry.key, &self.shapes) {
                // Perhaps only the shape table is behind.
                let fresh = self.state.reload_shapes(txn, self.shared, self.store.id)?;
                if fresh.len() == self.shapes.len() {
                    return Err(located(error));
                }
                self.shapes = fresh;
                index.add(document, entry.key, &self.shapes).map_err(located)?;
            }
            self.count += 1;
            let last = last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(entry.key);
            if !go_on(index, self.count) {
                break true;
            }
            found = cursor.next()?;
        };
        if last.is_some() {
            self.after = last;
        }
        Ok(more)
    }
}

/// How far a build is.
///
/// # Errors
/// `CORRUPT`.
pub fn progress(txn: &ReadTxn<'_>, store: u32, index: u32) -> Result<Progress> {
    let Some(payload) = meta::get_record(txn, &meta_key::index_build(store, index))? else {
        return Ok(Progress::default());
    };
    let (done, after) = payload.split_first_chunk().ok_or_else(malformed)?;
    let after = match after.split_first() {
        Some((0, [])) => None,
        Some((1, key)) => Some(key.to_vec()),
        _ => return Err(malformed()),
    };
    Ok(Progress { after, done: u64::from_le_bytes(*done) })
}

fn put_progress(txn: &mut WriteTxn<'_>, store: u32, index: u32, progress: &Progress) -> Result<()> {
    let mut payload = progress.done.to_le_bytes().to_vec();
    payload.push(u8::from(progress.after.is_some()));
    payload.extend_from_slice(progress.after.as_deref().unwrap_or_default());
    meta::put_record(txn, &meta_key::index_build(store, index), &payload)
}

fn malformed() -> Error {
    Error::corrupt("the record of an index build is malformed")
}
