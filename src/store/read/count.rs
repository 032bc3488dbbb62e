//! Counting.

use super::interval::{Interval, index_intervals, store_interval};
use super::locate_error;
use super::range::KeyRange;
use super::view::View;
use crate::catalog::{IndexDef, StoreDef};
use crate::error::Result;
use crate::storage::{Counter, Tree};
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
    let intervals = [store_interval(range)];
    count_where(view, entry::documents(store.tree), &intervals, limit, |_| Ok(true))
}

fn count_entries(
    view: View<'_, '_>,
    index: &IndexDef,
    range: &KeyRange<'_>,
    limit: u64,
) -> Result<u64> {
    let intervals = index_intervals(index, range)?;
    let mut visible = [false; EntryKind::COUNT];
    for (slot, kind) in visible.iter_mut().zip(EntryKind::ALL) {
        *slot = entry::is_visible(index, kind);
    }
    count_where(view, entry::entries(index.tree), &intervals, limit, |value| {
        let kind = EntryKind::of(value)?;
        Ok(visible.get(kind as usize).copied().unwrap_or(false))
    })
}

/// How many entries of the intervals have a value that is wanted.
fn count_where(
    view: View<'_, '_>,
    tree: Tree,
    intervals: &[Interval],
    limit: u64,
    wanted: impl Fn(&[u8]) -> Result<bool>,
) -> Result<u64> {
    let mut cursor = tree.cursor(view.txn())?;
    let mut count = 0;
    for interval in intervals.iter().filter(|interval| !interval.is_empty()) {
        cursor.seek(&interval.from)?;
        cursor.visit_below(interval.to.as_deref(), |entry| {
            count += u64::from(wanted(entry.value)?);
            Ok(count < limit)
        })?;
        if count >= limit {
            break;
        }
    }
    Ok(count)
}
