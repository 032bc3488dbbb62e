//! Buckets: where keys beyond [`MAX_DIRECT`](super::MAX_DIRECT) bytes live.
//!
//! A bucket is a run of parts, ordered by ordinal; a part is a sorted list of entries. Parts beyond
//! [`MAX_PART`] bytes split unless they hold a single entry; parts below [`MIN_PART`] merge with a
//! neighbour.

use super::ordinal::{MIDDLE, make_room};
use super::part::{self, Part, Piece};
use super::raw_cursor::RawCursor;
use super::raw_key::PartKey;
use crate::error::Result;
use crate::storage::lmdb::PutMode;
use crate::storage::txn::{ReadTxn, Table, WriteTxn};

/// A part that is larger splits, in bytes.
pub(super) const MAX_PART: usize = 64 << 10;
/// A part that becomes smaller merges with a neighbour if it can, in bytes.
const MIN_PART: usize = MAX_PART / 4;
/// What a merged part may have, in bytes.
const MAX_MERGED: usize = MAX_PART * 3 / 4;

/// A part on the way to another one.
#[derive(Clone, Copy)]
struct Probe {
    ordinal: u64,
    /// Whether its first entry is above what is looked for.
    is_above: bool,
}

/// The ordinal of the part that holds `rest`, or would: the last one whose first entry is not above
/// it, or the first one. `None` if there is no such bucket. Leaves the cursor anywhere.
pub(super) fn locate(
    cursor: &mut RawCursor<'_>,
    bucket: &mut PartKey,
    rest: &[u8],
) -> Result<Option<u64>> {
    at_or_after(cursor, bucket, 0)?;
    let Some(mut low) = probe(cursor, bucket, rest)? else { return Ok(None) };
    last(cursor, bucket)?;
    let mut high = probe(cursor, bucket, rest)?.unwrap_or(low);
    if high.ordinal == low.ordinal || !high.is_above {
        return Ok(Some(high.ordinal));
    }
    // `low` is the first part or begins at or before `rest`; `high` begins after it.
    loop {
        let middle = low.ordinal.midpoint(high.ordinal);
        at_or_after(cursor, bucket, middle)?;
        let mut found = match probe(cursor, bucket, rest)? {
            Some(found) if found.ordinal > low.ordinal => found,
            _ => return Ok(Some(low.ordinal)),
        };
        if found.ordinal >= high.ordinal {
            // No part is between the middle and `high`.
            before(cursor, bucket)?;
            match probe(cursor, bucket, rest)? {
                // Pages that are out of order would have the search go round in circles.
                Some(last_below) if last_below.ordinal >= high.ordinal => {
                    return Err(part::damaged());
                }
                Some(last_below) if last_below.ordinal > low.ordinal => found = last_below,
                _ => return Ok(Some(low.ordinal)),
            }
            if !found.is_above {
                return Ok(Some(found.ordinal));
            }
        }
        if found.is_above {
            high = found;
        } else {
            low = found;
        }
    }
}

/// The part at the cursor's position, if it is of the bucket.
fn probe(cursor: &RawCursor<'_>, bucket: &PartKey, rest: &[u8]) -> Result<Option<Probe>> {
    let Some((raw, value)) = cursor.entry() else { return Ok(None) };
    let Some(ordinal) = bucket.ordinal_of(raw) else { return Ok(None) };
    Ok(Some(Probe { ordinal, is_above: Part::parse(value)?.entry(0)?.0 > rest }))
}

/// The value of a long key.
pub(super) fn get<'t>(
    txn: &'t ReadTxn<'_>,
    table: Table,
    mut bucket: PartKey,
    rest: &[u8],
) -> Result<Option<&'t [u8]>> {
    let mut cursor = RawCursor::open(txn, table)?;
    let Some(ordinal) = locate(&mut cursor, &mut bucket, rest)? else { return Ok(None) };
    let stored = txn.value(table, bucket.at(ordinal))?.ok_or_else(part::damaged)?;
    let part = Part::parse(stored)?;
    match part.search(rest)? {
        Ok(index) => Ok(Some(part.entry(index)?.1)),
        Err(_) => Ok(None),
    }
}

/// Writes a long key with a value of `value_len` bytes, which `fill` writes.
pub(super) fn put(
    txn: &mut WriteTxn<'_>,
    table: Table,
    mut bucket: PartKey,
    rest: &[u8],
    value_len: usize,
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<()> {
    let new = Piece::New { rest, value_len };
    part::part_size(&[new])?;
    let Some(found) = copy_located(txn, table, &mut bucket, rest)? else {
        return write(txn, table, bucket.at(MIDDLE), &[new], fill);
    };
    let Found { ordinal, place, .. } = found;
    let Some(stored) = found.stored else {
        let ordinal = match place {
            Ok(_) => ordinal,
            Err(index) => {
                let old = 1 - index.min(1);
                let ordinals = make_room(txn, table, &mut bucket, ordinal, 1, Some(old))?;
                ordinals.into_iter().nth(1 - old).ok_or_else(part::damaged)?
            }
        };
        return write(txn, table, bucket.at(ordinal), &[new], fill);
    };
    let old = Part::parse(&stored)?;
    let mut pieces = pieces_of(&old)?;
    let index = match place {
        Ok(index) => {
            if let Some(piece) = pieces.get_mut(index) {
                *piece = new;
            }
            index
        }
        Err(index) => {
            pieces.insert(index, new);
            index
        }
    };
    let groups = split(&pieces, index);
    if groups.len() == 1 {
        return write(txn, table, bucket.at(ordinal), &pieces, fill);
    }
    let unchanged = match place {
        Err(0) if groups.len() == 2 => Some(1),
        Err(index) if groups.len() == 2 && index == old.count() => Some(0),
        _ => None,
    };
    let ordinals = make_room(txn, table, &mut bucket, ordinal, groups.len() - 1, unchanged)?;
    for (at, (group, ordinal)) in groups.into_iter().zip(ordinals).enumerate() {
        if unchanged != Some(at) {
            write(txn, table, bucket.at(ordinal), group, fill)?;
        }
    }
    Ok(())
}

/// Removes a long key; false if it was not there.
pub(super) fn delete(
    txn: &mut WriteTxn<'_>,
    table: Table,
    mut bucket: PartKey,
    rest: &[u8],
) -> Result<bool> {
    let found = copy_located(txn, table, &mut bucket, rest)?;
    let Some(Found { ordinal, place: Ok(index), stored }) = found else { return Ok(false) };
    let mut pieces = match &stored {
        Some(stored) => pieces_of(&Part::parse(stored)?)?,
        None => Vec::new(),
    };
    if pieces.len() <= 1 {
        txn.remove(table, bucket.at(ordinal))?;
        return Ok(true);
    }
    pieces.remove(index);
    if part::part_size(&pieces)? < MIN_PART
        && let Some((neighbour, bytes)) = mergeable(txn, table, &mut bucket, ordinal, &pieces)?
    {
        let theirs = pieces_of(&Part::parse(&bytes)?)?;
        let (low, high) = (ordinal.min(neighbour), ordinal.max(neighbour));
        let merged =
            if ordinal == low { [pieces, theirs].concat() } else { [theirs, pieces].concat() };
        write(txn, table, bucket.at(low), &merged, &mut |_| {})?;
        txn.remove(table, bucket.at(high))?;
        return Ok(true);
    }
    write(txn, table, bucket.at(ordinal), &pieces, &mut |_| {})?;
    Ok(true)
}

/// The part for a key that is about to change.
struct Found {
    ordinal: u64,
    /// Where the key is in the part, or where it would have to be inserted.
    place: Result<usize, usize>,
    /// A copy of the part, since a write moves what LMDB lends. `None` for a part of one entry that
    /// is larger than [`MAX_PART`]: it is never written together with others.
    stored: Option<Vec<u8>>,
}

fn copy_located(
    txn: &WriteTxn<'_>,
    table: Table,
    bucket: &mut PartKey,
    rest: &[u8],
) -> Result<Option<Found>> {
    let mut cursor = RawCursor::open(txn, table)?;
    let Some(ordinal) = locate(&mut cursor, bucket, rest)? else { return Ok(None) };
    cursor.seek(bucket.at(ordinal))?;
    let part = part_at(&cursor, bucket)?.ok_or_else(part::damaged)?;
    let place = part.search(rest)?;
    let alone = part.count() == 1 && part.bytes().len() > MAX_PART;
    let stored = (!alone).then(|| part.bytes().to_vec());
    Ok(Some(Found { ordinal, place, stored }))
}

fn pieces_of<'p>(part: &Part<'p>) -> Result<Vec<Piece<'p>>> {
    // Room for one more.
    let mut pieces = Vec::with_capacity(part.count() + 1);
    for index in 0..part.count() {
        pieces.push(Piece::Stored(part.encoded(index)?));
    }
    Ok(pieces)
}

fn write(
    txn: &mut WriteTxn<'_>,
    table: Table,
    raw: &[u8],
    pieces: &[Piece<'_>],
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<()> {
    let size = part::part_size(pieces)?;
    txn.write(table, raw, size, &[PutMode::Upsert], |out| part::write_part(out, pieces, fill))
}

/// Divides entries into parts: in one, if that is small enough; with the changed entry apart if it
/// is at an end, so that loading in order fills the parts; otherwise in halves.
fn split<'p, 'a>(pieces: &'p [Piece<'a>], changed: usize) -> Vec<&'p [Piece<'a>]> {
    let size: usize = pieces.iter().map(Piece::size).sum();
    let mut groups = Vec::new();
    if size + size_of::<u32>() <= MAX_PART {
        groups.push(pieces);
    } else if changed == 0 || changed + 1 == pieces.len() {
        let (head, tail) = pieces.split_at(changed.max(1).min(pieces.len()));
        for group in [head, tail] {
            halve(group, &mut groups);
        }
    } else {
        halve(pieces, &mut groups);
    }
    groups
}

fn halve<'p, 'a>(pieces: &'p [Piece<'a>], groups: &mut Vec<&'p [Piece<'a>]>) {
    let size: usize = pieces.iter().map(Piece::size).sum();
    if pieces.len() <= 1 || size + size_of::<u32>() <= MAX_PART {
        groups.extend((!pieces.is_empty()).then_some(pieces));
        return;
    }
    let mut below = 0;
    let half = pieces.iter().take_while(|piece| {
        below += piece.size();
        below <= size / 2
    });
    let at = half.count().clamp(1, pieces.len() - 1);
    let (head, tail) = pieces.split_at(at);
    halve(head, groups);
    halve(tail, groups);
}

/// A neighbour that a part of these entries can merge with: its ordinal and a copy.
fn mergeable(
    txn: &WriteTxn<'_>,
    table: Table,
    bucket: &mut PartKey,
    ordinal: u64,
    pieces: &[Piece<'_>],
) -> Result<Option<(u64, Vec<u8>)>> {
    let size = part::part_size(pieces)?;
    let mut cursor = RawCursor::open(txn, table)?;
    let fitting = |cursor: &RawCursor<'_>, bucket: &PartKey| -> Result<Option<Vec<u8>>> {
        let part = part_at(cursor, bucket)?.map(|part| part.bytes());
        Ok(part.filter(|bytes| bytes.len() + size <= MAX_MERGED).map(<[u8]>::to_vec))
    };
    if let Some(above) = ordinal.checked_add(1)
        && let Some(next) = at_or_after(&mut cursor, bucket, above)?
        && let Some(bytes) = fitting(&cursor, bucket)?
    {
        return Ok(Some((next, bytes)));
    }
    cursor.seek(bucket.at(ordinal))?;
    let Some(previous) = before(&mut cursor, bucket)? else { return Ok(None) };
    Ok(fitting(&cursor, bucket)?.map(|bytes| (previous, bytes)))
}

/// Moves to the first part with that ordinal or a higher one, and gives its ordinal.
pub(super) fn at_or_after(
    cursor: &mut RawCursor<'_>,
    bucket: &mut PartKey,
    ordinal: u64,
) -> Result<Option<u64>> {
    cursor.seek(bucket.at(ordinal))?;
    Ok(ordinal_at(cursor, bucket))
}

/// Moves to the part before the cursor's position, and gives its ordinal.
pub(super) fn before(cursor: &mut RawCursor<'_>, bucket: &PartKey) -> Result<Option<u64>> {
    cursor.prev()?;
    Ok(ordinal_at(cursor, bucket))
}

/// Moves to the bucket's last part.
fn last(cursor: &mut RawCursor<'_>, bucket: &mut PartKey) -> Result<()> {
    let found = cursor.seek(bucket.at(u64::MAX))?;
    if !found {
        cursor.last()?;
    } else if ordinal_at(cursor, bucket).is_none() {
        cursor.prev()?;
    }
    Ok(())
}

/// The ordinal of the part at the cursor's position, if it is of the bucket.
fn ordinal_at(cursor: &RawCursor<'_>, bucket: &PartKey) -> Option<u64> {
    cursor.entry().and_then(|(raw, _)| bucket.ordinal_of(raw))
}

/// The part at the cursor's position, if it is of the bucket.
fn part_at<'c>(cursor: &'c RawCursor<'_>, bucket: &PartKey) -> Result<Option<Part<'c>>> {
    let stored = cursor.entry().filter(|(raw, _)| bucket.ordinal_of(raw).is_some());
    stored.map(|(_, value)| Part::parse(value)).transpose()
}
