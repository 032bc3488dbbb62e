//! Ordinals of a bucket's parts.
//!
//! They leave gaps for the parts of later splits; when a gap is used up, the bucket is numbered
//! anew.

use super::bucket::{at_or_after, before};
use super::part;
use super::raw_cursor::RawCursor;
use super::raw_key::PartKey;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::lmdb::PutMode;
use crate::storage::txn::{Table, WriteTxn};

/// The ordinal of a bucket's first part.
pub(super) const MIDDLE: u64 = 1 << 63;
/// The distance of ordinals at a bucket's ends and after numbering anew.
const STEP: u64 = 1 << 40;

/// Ordinals for the part `ordinal` and `extra` more beside it, in order. Of them, the one at
/// `unchanged`, if given, is the part's own (which may be another than before).
pub(super) fn make_room(
    txn: &mut WriteTxn<'_>,
    table: Table,
    bucket: &mut PartKey,
    ordinal: u64,
    extra: usize,
    unchanged: Option<usize>,
) -> Result<Vec<u64>> {
    if let Some(ordinals) = find_room(txn, table, bucket, ordinal, extra, unchanged)? {
        return Ok(ordinals);
    }
    let ordinal = number_anew(txn, table, bucket, ordinal)?;
    find_room(txn, table, bucket, ordinal, extra, unchanged)?.ok_or_else(too_many_parts)
}

fn find_room(
    txn: &WriteTxn<'_>,
    table: Table,
    bucket: &mut PartKey,
    ordinal: u64,
    extra: usize,
    unchanged: Option<usize>,
) -> Result<Option<Vec<u64>>> {
    let mut cursor = RawCursor::open(txn, table)?;
    cursor.seek(bucket.at(ordinal))?;
    let previous = before(&mut cursor, bucket)?;
    let next = match ordinal.checked_add(1) {
        Some(above) => at_or_after(&mut cursor, bucket, above)?,
        None => None,
    };
    let count = extra as u64;
    let gap = |low: u64, high: u64| high.abs_diff(low) / (count + 1);
    let left = previous.map_or(STEP.min(ordinal / (count + 1)), |previous| gap(previous, ordinal));
    let right =
        next.map_or(STEP.min((u64::MAX - ordinal) / (count + 1)), |next| gap(ordinal, next));
    let to_the_right = match unchanged {
        Some(0) => true,
        Some(_) => false,
        None => right >= left,
    };
    let (step, first) =
        if to_the_right { (right, ordinal) } else { (left, ordinal - left * count) };
    if step == 0 {
        return Ok(None);
    }
    Ok(Some((0..=count).map(|i| first + i * step).collect()))
}

/// Gives the bucket's parts evenly spaced ordinals; returns the new one of part `ordinal`.
fn number_anew(
    txn: &mut WriteTxn<'_>,
    table: Table,
    bucket: &mut PartKey,
    ordinal: u64,
) -> Result<u64> {
    let mut old = Vec::new();
    {
        let mut cursor = RawCursor::open(txn, table)?;
        cursor.seek(bucket.at(0))?;
        while let Some(ordinal) = cursor.entry().and_then(|(raw, _)| bucket.ordinal_of(raw)) {
            old.push(ordinal);
            cursor.next()?;
        }
    }
    let span = (old.len() as u64).checked_mul(STEP).filter(|span| *span < MIDDLE);
    let first = MIDDLE - span.ok_or_else(too_many_parts)? / 2;
    let moves: Vec<(u64, u64)> =
        old.iter().zip(0..).map(|(&old, i)| (old, first + i * STEP)).collect();
    // Those that move up go first from the top, then the others from the bottom: so none meets one
    // that has not moved yet.
    let up = moves.iter().rev().filter(|(from, to)| from < to);
    let down = moves.iter().filter(|(from, to)| from > to);
    for &(from, to) in up.chain(down) {
        let part = txn.value(table, bucket.at(from))?.ok_or_else(part::damaged)?.to_vec();
        let fill = |out: &mut [u8]| out.copy_from_slice(&part);
        txn.write(table, bucket.at(to), part.len(), &[PutMode::Insert], fill)?;
        txn.remove(table, bucket.at(from))?;
    }
    let moved = moves.iter().find(|(from, _)| *from == ordinal);
    moved.map(|(_, to)| *to).ok_or_else(part::damaged)
}

fn too_many_parts() -> Error {
    Error::new(
        ErrorCode::ResourceLimit,
        "too many keys begin with the same 1,900 bytes; make their beginnings differ",
    )
}
