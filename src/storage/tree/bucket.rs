//! Buckets: where keys beyond [`MAX_DIRECT`](super::MAX_DIRECT) bytes live.
//!
//! A bucket is a run of parts, ordered by ordinal; a part is a sorted list of entries. Parts beyond
//! [`MAX_PART`] bytes split unless they hold a single entry; parts below [`MIN_PART`] merge with a
//! neighbour.

use super::ordinal::{MIDDLE, make_room};
use super::part::{self, Part, Piece};
use super::raw_key::PartKey;
use crate::error::Result;
use crate::storage::lmdb::{Cursor, Dbi, PutMode};
use crate::storage::txn::{ReadTxn, WriteTxn};

/// A part that is larger splits, in bytes.
pub(super) const MAX_PART: usize = 64 << 10;
/// A part that becomes smaller merges with a neighbour if it can, in bytes.
const MIN_PART: usize = MAX_PART / 4;
/// What a merged part may have, in bytes.
const MAX_MERGED: usize = MAX_PART * 3 / 4;

/// A part, found.
#[derive(Clone, Copy)]
pub(super) struct Located<'t> {
    pub(super) ordinal: u64,
    pub(super) part: Part<'t>,
}

/// The part that holds `rest`, or would: the last one whose first entry is not above it, or the
/// first one. `None` if there is no such bucket. Leaves the cursor anywhere.
pub(super) fn locate<'t>(
    cursor: &mut Cursor<'t>,
    bucket: &mut PartKey,
    rest: &[u8],
) -> Result<Option<Located<'t>>> {
    let Some(mut low) = at_or_after(cursor, bucket, 0)? else { return Ok(None) };
    let mut high = last(cursor, bucket)?.unwrap_or(low);
    if high.ordinal == low.ordinal || high.part.entry(0)?.0 <= rest {
        return Ok(Some(high));
    }
    // `low` is the first part or begins at or before `rest`; `high` begins after it.
    loop {
        let middle = low.ordinal.midpoint(high.ordinal);
        let mut probe = match at_or_after(cursor, bucket, middle)? {
            Some(probe) if probe.ordinal > low.ordinal => probe,
            _ => return Ok(Some(low)),
        };
        if probe.ordinal >= high.ordinal {
            // No part is between the middle and `high`.
            match before(cursor, bucket)? {
                Some(last_below) if last_below.ordinal > low.ordinal => probe = last_below,
                _ => return Ok(Some(low)),
            }
            if probe.part.entry(0)?.0 <= rest {
                return Ok(Some(probe));
            }
        }
        if probe.part.entry(0)?.0 <= rest {
            low = probe;
        } else {
            high = probe;
        }
    }
}

/// The value of a long key.
pub(super) fn get<'t>(
    txn: &'t ReadTxn<'_>,
    dbi: Dbi,
    mut bucket: PartKey,
    rest: &[u8],
) -> Result<Option<&'t [u8]>> {
    let mut cursor = txn.raw().cursor(dbi)?;
    let Some(found) = locate(&mut cursor, &mut bucket, rest)? else { return Ok(None) };
    match found.part.search(rest)? {
        Ok(index) => Ok(Some(found.part.entry(index)?.1)),
        Err(_) => Ok(None),
    }
}

/// Writes a long key with a value of `value_len` bytes, which `fill` writes.
pub(super) fn put(
    txn: &mut WriteTxn<'_>,
    dbi: Dbi,
    mut bucket: PartKey,
    rest: &[u8],
    value_len: usize,
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<()> {
    let new = Piece::New { rest, value_len };
    part::part_size(&[new])?;
    let Some(found) = copy_located(txn, dbi, &mut bucket, rest)? else {
        return write(txn, dbi, bucket.at(MIDDLE), &[new], fill);
    };
    let Found { ordinal, place, .. } = found;
    let Some(stored) = found.stored else {
        let ordinal = match place {
            Ok(_) => ordinal,
            Err(index) => {
                let old = 1 - index.min(1);
                let ordinals = make_room(txn, dbi, &mut bucket, ordinal, 1, Some(old))?;
                ordinals.into_iter().nth(1 - old).ok_or_else(part::damaged)?
            }
        };
        return write(txn, dbi, bucket.at(ordinal), &[new], fill);
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
        return write(txn, dbi, bucket.at(ordinal), &pieces, fill);
    }
    let unchanged = match place {
        Err(0) if groups.len() == 2 => Some(1),
        Err(index) if groups.len() == 2 && index == old.count() => Some(0),
        _ => None,
    };
    let ordinals = make_room(txn, dbi, &mut bucket, ordinal, groups.len() - 1, unchanged)?;
    for (at, (group, ordinal)) in groups.into_iter().zip(ordinals).enumerate() {
        if unchanged != Some(at) {
            write(txn, dbi, bucket.at(ordinal), group, fill)?;
        }
    }
    Ok(())
}

/// Removes a long key; false if it was not there.
pub(super) fn delete(
    txn: &mut WriteTxn<'_>,
    dbi: Dbi,
    mut bucket: PartKey,
    rest: &[u8],
) -> Result<bool> {
    let found = copy_located(txn, dbi, &mut bucket, rest)?;
    let Some(Found { ordinal, place: Ok(index), stored }) = found else { return Ok(false) };
    let mut pieces = match &stored {
        Some(stored) => pieces_of(&Part::parse(stored)?)?,
        None => Vec::new(),
    };
    if pieces.len() <= 1 {
        txn.raw_mut().delete(dbi, bucket.at(ordinal))?;
        return Ok(true);
    }
    pieces.remove(index);
    if part::part_size(&pieces)? < MIN_PART
        && let Some((neighbour, bytes)) = mergeable(txn, dbi, &mut bucket, ordinal, &pieces)?
    {
        let theirs = pieces_of(&Part::parse(&bytes)?)?;
        let (low, high) = (ordinal.min(neighbour), ordinal.max(neighbour));
        let merged =
            if ordinal == low { [pieces, theirs].concat() } else { [theirs, pieces].concat() };
        write(txn, dbi, bucket.at(low), &merged, &mut |_| {})?;
        txn.raw_mut().delete(dbi, bucket.at(high))?;
        return Ok(true);
    }
    write(txn, dbi, bucket.at(ordinal), &pieces, &mut |_| {})?;
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
    dbi: Dbi,
    bucket: &mut PartKey,
    rest: &[u8],
) -> Result<Option<Found>> {
    let mut cursor = txn.raw().cursor(dbi)?;
    let Some(Located { ordinal, part }) = locate(&mut cursor, bucket, rest)? else {
        return Ok(None);
    };
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
    dbi: Dbi,
    raw: &[u8],
    pieces: &[Piece<'_>],
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<()> {
    let out = txn.raw_mut().reserve(dbi, raw, part::part_size(pieces)?, PutMode::Upsert)?;
    part::write_part(out, pieces, fill);
    Ok(())
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
    dbi: Dbi,
    bucket: &mut PartKey,
    ordinal: u64,
    pieces: &[Piece<'_>],
) -> Result<Option<(u64, Vec<u8>)>> {
    let size = part::part_size(pieces)?;
    let mut cursor = txn.raw().cursor(dbi)?;
    cursor.seek(bucket.at(ordinal))?;
    let previous = before(&mut cursor, bucket)?;
    let next = match ordinal.checked_add(1) {
        Some(above) => at_or_after(&mut cursor, bucket, above)?,
        None => None,
    };
    let mut neighbours = [next, previous].into_iter().flatten();
    let fitting = neighbours.find(|neighbour| neighbour.part.bytes().len() + size <= MAX_MERGED);
    Ok(fitting.map(|neighbour| (neighbour.ordinal, neighbour.part.bytes().to_vec())))
}

/// The first part with that ordinal or a higher one.
pub(super) fn at_or_after<'t>(
    cursor: &mut Cursor<'t>,
    bucket: &mut PartKey,
    ordinal: u64,
) -> Result<Option<Located<'t>>> {
    let found = cursor.seek(bucket.at(ordinal))?;
    located(bucket, found)
}

/// The part before the cursor's position.
pub(super) fn before<'t>(cursor: &mut Cursor<'t>, bucket: &PartKey) -> Result<Option<Located<'t>>> {
    let found = cursor.prev()?;
    located(bucket, found)
}

/// The bucket's last part.
fn last<'t>(cursor: &mut Cursor<'t>, bucket: &mut PartKey) -> Result<Option<Located<'t>>> {
    let found = match cursor.seek(bucket.at(u64::MAX))? {
        Some((raw, value)) if bucket.ordinal_of(raw).is_some() => Some((raw, value)),
        Some(_) => cursor.prev()?,
        None => cursor.last()?,
    };
    located(bucket, found)
}

fn located<'t>(
    bucket: &PartKey,
    found: Option<(&'t [u8], &'t [u8])>,
) -> Result<Option<Located<'t>>> {
    match found {
        Some((raw, value)) => match bucket.ordinal_of(raw) {
            Some(ordinal) => Ok(Some(Located { ordinal, part: Part::parse(value)? })),
            None => Ok(None),
        },
        None => Ok(None),
    }
}
