//! Counting.

use super::interval::{index_intervals, store_interval};
use super::locate_error;
use super::range::KeyRange;
use super::view::View;
use super::walk::Walk;
use crate::catalog::{IndexDef, StoreDef};
use crate::error::Result;
use crate::storage::Counter;
use crate::store::entry::{self, EntryKind};

/// How many documents of a store, or entries that reads of an index see, are in a range; at most
/// `limit`, if that is not 0.
///
/// Everything is counted at once from the counters; the entries of a range are counted one by one.
///
/// # Errors
/// `INVALID_KEY` if a bound is malformed; `CORRUPT`.
pub fn count(
    view: View<'_, '_>,
    store: &StoreDef,
    index: Option<&IndexDef>,
    range: &KeyRange<'_>,
    limit: u32,
) -> Result<u64> {
    let limit = if limit == 0 { u64::MAX } else { u64::from(limit) };
    let counted = match index {
        None if range.is_all() => view.count(Counter::entries(store.tree)),
        Some(index) if range.is_all() => entry::visible_count(index, |counter| view.count(counter)),
        None => count_documents(view, store, range, limit),
        Some(index) => count_entries(view, index, range, limit),
    };
    Ok(counted.map_err(|error| locate_error(error, store, index))?.min(limit))
}

fn count_documents(
    view: View<'_, '_>,
    store: &StoreDef,
    range: &KeyRange<'_>,
    limit: u64,
) -> Result<u64> {
    let tree = entry::documents(store.tree);
    let mut walk = Walk::new(view.txn(), tree, vec![store_interval(range)], false)?;
    let mut count = 0;
    while count < limit && walk.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn count_entries(
    view: View<'_, '_>,
    index: &IndexDef,
    range: &KeyRange<'_>,
    limit: u64,
) -> Result<u64> {
    let tree = entry::entries(index.tree);
    let mut walk = Walk::new(view.txn(), tree, index_intervals(index, range)?, false)?;
    let mut count = 0;
    while count < limit
        && let Some(found) = walk.next()?
    {
        count += u64::from(entry::is_visible(index, EntryKind::of(found.value)?));
    }
    Ok(count)
}
