//! Changes of what a query finds, as packed operations.

use std::sync::Arc;

use super::ops::Op;
use super::update_op::{UpdateRequest, decode, malformed};
use crate::catalog::StoreDef;
use crate::catalog::document::{boolean, fields, get, integer};
use crate::error::{Error, ErrorCode, Result};
use crate::execution::{Batch, Query, matching_batch, matching_keys};
use crate::storage::WriteTxn;
use crate::store::{FindKeys, StoreShared, Tally};
use crate::update::document_of_filter;
use crate::value::{Fields, Value};

/// What the keys that one request finds may take: 256 MiB.
const MAX_KEYS_BYTES: usize = 256 << 20;

/// A request to change what a query finds.
pub(super) struct WhereRequest {
    fields: Fields,
    query: Query,
    batch: Option<Batch>,
    upsert: bool,
    max_bytes: usize,
}

/// Where the next batch begins.
#[derive(Default)]
pub(super) struct Progress {
    /// Whether documents are left.
    more: bool,
    /// The primary key of the last document of this one.
    last: Box<[u8]>,
}

impl WhereRequest {
    /// Reads an operation.
    ///
    /// # Errors
    /// As [`decode`]; `INVALID_QUERY`.
    pub(super) fn decode(op: &Op<'_>) -> Result<Self> {
        let fields = decode(op.value)?;
        let query = Query::parse(get(&fields, "query").ok_or_else(malformed)?)?;
        let upsert = match get(&fields, "upsert") {
            None | Some(Value::Undefined) => false,
            Some(value) => boolean(value).ok_or_else(malformed)?,
        };
        if upsert && (query.skip > 0 || query.limit == Some(0)) {
            let why = "nothing can be upserted with skip, nor with a limit of 0: documents that \
                       match would be passed over";
            return Err(Error::new(ErrorCode::InvalidQuery, why));
        }
        if query.nearest.is_some() && (upsert || !op.key.is_empty()) {
            let why = "a query with $vector changes the documents that it finds, all in one \
                       transaction: leave options.batch and options.upsert out";
            return Err(Error::new(ErrorCode::InvalidQuery, why));
        }
        let max_bytes = match get(&fields, "maxBytes") {
            None | Some(Value::Undefined) => MAX_KEYS_BYTES,
            Some(limit) => {
                integer(limit).ok_or_else(malformed)?.min(MAX_KEYS_BYTES as u64) as usize
            }
        };
        let batch = if op.key.is_empty() { None } else { Some(decode_batch(op.key, max_bytes)?) };
        if upsert && batch.is_some() {
            return Err(malformed());
        }
        Ok(Self { fields, query, batch, upsert, max_bytes })
    }

    /// Whether a part of the documents is asked for.
    pub(super) fn is_batch(&self) -> bool {
        self.batch.is_some()
    }

    /// Whether a document is inserted if none is found.
    pub(super) fn upserts(&self) -> bool {
        self.upsert
    }

    /// What the filter says of a document that is inserted.
    ///
    /// # Errors
    /// As [`document_of_filter`].
    pub(super) fn document(&self) -> Result<Value> {
        let query = get(&self.fields, "query").and_then(fields);
        let filter = query.and_then(|query| get(query, "filter"));
        filter.map_or(Ok(Value::Object(Fields::new())), document_of_filter)
    }

    /// A key for a document that has none, if the store does not count them.
    pub(super) fn fresh_key(&self) -> Option<&Value> {
        get(&self.fields, "freshKey").filter(|key| !matches!(key, Value::Undefined))
    }

    /// The update, if the request has one.
    ///
    /// # Errors
    /// As [`UpdateRequest::of_found`].
    pub(super) fn update(&self) -> Result<Arc<UpdateRequest>> {
        UpdateRequest::of_found(&self.fields).map(Arc::new)
    }

    /// Has `change` change what the query finds; tells where the next batch begins.
    ///
    /// # Errors
    /// Those of `change`; it is given `TX_TOO_LARGE`, and the errors of queries.
    pub(super) fn carry_out<E>(
        &self,
        shared: &StoreShared,
        change: impl FnOnce(&mut FindKeys<'_>) -> std::result::Result<Tally, E>,
    ) -> std::result::Result<(Tally, Progress), E> {
        let mut progress = Progress::default();
        let mut find = |txn: &WriteTxn<'_>, store: &Arc<StoreDef>| {
            let (view, query) = (txn.into(), self.query.clone());
            let Some(batch) = &self.batch else {
                return matching_keys(view, shared, store, query, self.max_bytes);
            };
            let (keys, more) = matching_batch(view, shared, store, query, batch)?;
            progress = Progress { more, last: keys.last().cloned().unwrap_or_default() };
            Ok(keys)
        };
        let tally = change(&mut find)?;
        Ok((tally, progress))
    }
}

/// How many documents, as a u32, and the primary key that they are behind.
fn decode_batch(bytes: &[u8], max_bytes: usize) -> Result<Batch> {
    let (size, after) = bytes.split_first_chunk().ok_or_else(malformed)?;
    let size = u32::from_le_bytes(*size) as usize;
    if size == 0 {
        return Err(malformed());
    }
    Ok(Batch { size, max_bytes, after: (!after.is_empty()).then(|| after.to_vec()) })
}

/// The answer: two u64, how many were found and how many changed; with a batch, then a byte that
/// tells whether documents are left, and the primary key of the last one.
pub(super) fn answer(request: &WhereRequest, (tally, progress): &(Tally, Progress)) -> Vec<u8> {
    let mut answer = tally.matched.to_le_bytes().to_vec();
    answer.extend_from_slice(&tally.modified.to_le_bytes());
    if request.is_batch() {
        answer.push(u8::from(progress.more));
        answer.extend_from_slice(&progress.last);
    }
    answer
}
