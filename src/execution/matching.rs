//! The keys of the documents that a query finds: of all, or of a batch.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::page::{Boundary, PageRequest};
use super::request::{Query, Returns};
use super::running::{Chunk, Execution};
use crate::catalog::StoreDef;
use crate::error::Result;
use crate::key;
use crate::store::read::{Response, View};
use crate::store::{StoreShared, too_large};

/// The primary keys of all documents that a query finds, in its order.
///
/// # Errors
/// As [`Execution::next`]; `TX_TOO_LARGE` if they take more than `max_bytes`.
pub fn matching_keys(
    view: View<'_, '_>,
    shared: &StoreShared,
    store: &Arc<StoreDef>,
    query: Query,
    max_bytes: usize,
) -> Result<Vec<Box<[u8]>>> {
    let query = Query { returns: Returns::Keys, ..query };
    let mut execution = Execution::new(view, shared, store, query)?;
    let cancelled = AtomicBool::new(false);
    let chunk = Chunk { rows: 0, max_bytes: 1 << 20, budget: 0, cancelled: &cancelled };
    let (mut keys, mut bytes) = (Vec::new(), 0);
    let mut out = Vec::new();
    loop {
        out.clear();
        let (count, done) =
            execution.next(view, shared, &chunk, &mut Response::growing(&mut out))?;
        let mut rest = out.as_slice();
        for _ in 0..count {
            let (len, tail) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
            let (key, tail) =
                tail.split_at_checked(u32::from_le_bytes(*len) as usize).unwrap_or_default();
            bytes += key.len() + 16;
            keys.push(key.into());
            rest = tail;
        }
        if bytes > max_bytes {
            return Err(too_large().with_store(store.name.to_string()));
        }
        if done {
            return Ok(keys);
        }
    }
}

/// Documents to be changed at a time.
#[derive(Debug, Clone)]
pub struct Batch {
    /// How many at most.
    pub size: usize,
    /// Fewer if their keys take more bytes; but one at least.
    pub max_bytes: usize,
    /// The primary key that theirs are greater than; `None`: those from the first one on.
    pub after: Option<Vec<u8>>,
}

/// The primary keys of a batch of what a query finds, ascending, and whether there are more. The
/// query has neither a sort nor limits.
///
/// # Errors
/// As [`Execution::next`]; `INVALID_KEY` for a position that is no key.
pub fn matching_batch(
    view: View<'_, '_>,
    shared: &StoreShared,
    store: &Arc<StoreDef>,
    query: Query,
    batch: &Batch,
) -> Result<(Vec<Box<[u8]>>, bool)> {
    if let Some(key) = &batch.after {
        key::validate_key(key)?;
    }
    let boundary = batch.after.clone().map(|key| Boundary { components: Vec::new(), key });
    let Batch { size, max_bytes, .. } = *batch;
    let page =
        PageRequest { size, max_bytes, boundary, before: false, fingerprint: 0, explain: false };
    let query = Query { returns: Returns::Page(page), ..query };
    Execution::new(view, shared, store, query)?.page_keys(view, shared)
}
