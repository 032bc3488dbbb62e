//! The value of a bucket's part: a sorted list of entries.
//!
//! `u32 count | count × u32 end | entries`, little-endian; `end` is where an entry ends, counted
//! from the first entry's start; an entry is `u32 rest length | rest of the key | value`.

use std::cmp::Ordering;

use crate::error::{Error, ErrorCode, Result};

const WORD: usize = size_of::<u32>();

/// A part as it is stored. Nothing in it is trusted.
#[derive(Clone, Copy)]
pub(super) struct Part<'t> {
    bytes: &'t [u8],
    ends: &'t [[u8; WORD]],
    entries: &'t [u8],
}

/// An entry of a part: the rest of the key, and the value.
pub(super) type PartEntry<'t> = (&'t [u8], &'t [u8]);

impl<'t> Part<'t> {
    pub(super) fn parse(bytes: &'t [u8]) -> Result<Self> {
        Self::try_parse(bytes).ok_or_else(damaged)
    }

    fn try_parse(bytes: &'t [u8]) -> Option<Self> {
        let (count, tail) = bytes.split_first_chunk()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (ends, entries) = tail.split_at_checked(count.checked_mul(WORD)?)?;
        let part = Self { bytes, ends: ends.as_chunks().0, entries };
        (count > 0 && part.end(count - 1)? == entries.len()).then_some(part)
    }

    /// How many entries there are; at least one.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The part as stored.
    pub(super) fn bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// The entry at `index`.
    pub(super) fn entry(&self, index: usize) -> Result<PartEntry<'t>> {
        let encoded = self.encoded(index)?;
        let split = |encoded: &'t [u8]| {
            let (len, tail) = encoded.split_first_chunk()?;
            let (rest, value) = tail.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            (!rest.is_empty()).then_some((rest, value))
        };
        split(encoded).ok_or_else(damaged)
    }

    /// The bytes of the entry at `index`.
    pub(super) fn encoded(&self, index: usize) -> Result<&'t [u8]> {
        let bytes = |index: usize| {
            let start = match index.checked_sub(1) {
                Some(before) => self.end(before)?,
                None => 0,
            };
            self.entries.get(start..self.end(index)?)
        };
        bytes(index).ok_or_else(damaged)
    }

    /// Where `rest` is, or where it would have to be inserted.
    pub(super) fn search(&self, rest: &[u8]) -> Result<Result<usize, usize>> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low.midpoint(high);
            match self.entry(middle)?.0.cmp(rest) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(Ok(middle)),
                Ordering::Greater => high = middle,
            }
        }
        Ok(Err(low))
    }

    fn end(&self, index: usize) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(*self.ends.get(index)?)).ok()
    }
}

/// An entry of a part that is about to be written.
#[derive(Clone, Copy)]
pub(super) enum Piece<'a> {
    /// An entry as it was stored.
    Stored(&'a [u8]),
    /// An entry whose value the writer's caller fills in.
    New { rest: &'a [u8], value_len: usize },
}

impl Piece<'_> {
    fn encoded_len(&self) -> usize {
        match self {
            Piece::Stored(bytes) => bytes.len(),
            Piece::New { rest, value_len } => WORD + rest.len() + value_len,
        }
    }

    /// What the entry takes within a part.
    pub(super) fn size(&self) -> usize {
        WORD + self.encoded_len()
    }
}

/// Bytes of a part of these entries.
///
/// # Errors
/// `RESOURCE_LIMIT` if that is 4 GiB or more.
pub(super) fn part_size(pieces: &[Piece<'_>]) -> Result<usize> {
    let size = WORD + pieces.iter().map(Piece::size).sum::<usize>();
    match u32::try_from(size) {
        Ok(_) => Ok(size),
        Err(_) => Err(Error::new(
            ErrorCode::ResourceLimit,
            "a key and its value are together larger than 4 GiB",
        )),
    }
}

/// Writes a part into `out`, which has [`part_size`] bytes.
pub(super) fn write_part(out: &mut [u8], pieces: &[Piece<'_>], fill: &mut dyn FnMut(&mut [u8])) {
    let mut out = Writer(out);
    // `part_size` made sure that every length fits.
    out.word(pieces.len());
    let mut end = 0;
    for piece in pieces {
        end += piece.encoded_len();
        out.word(end);
    }
    for piece in pieces {
        match *piece {
            Piece::Stored(bytes) => out.take(bytes.len()).copy_from_slice(bytes),
            Piece::New { rest, value_len } => {
                out.word(rest.len());
                out.take(rest.len()).copy_from_slice(rest);
                fill(out.take(value_len));
            }
        }
    }
}

struct Writer<'o>(&'o mut [u8]);

impl<'o> Writer<'o> {
    fn take(&mut self, len: usize) -> &'o mut [u8] {
        self.0.split_off_mut(..len).unwrap_or_default()
    }

    fn word(&mut self, value: usize) {
        self.take(WORD).copy_from_slice(&(value as u32).to_le_bytes());
    }
}

pub(super) fn damaged() -> Error {
    Error::corrupt("a bucket of long keys is malformed")
}
