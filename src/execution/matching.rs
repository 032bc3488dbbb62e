//! The keys of all documents that a query finds.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::request::{Query, Returns};
use super::running::{Chunk, Execution};
use crate::catalog::StoreDef;
use crate::error::{Error, ErrorCode, Result};
use crate::store::StoreShared;
use crate::store::read::{Response, View};

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
            return Err(Error::new(
                ErrorCode::TxTooLarge,
                "more documents match than one transaction can change; use `batch`",
            )
            .with_store(store.name.to_string()));
        }
        if done {
            return Ok(keys);
        }
    }
}
