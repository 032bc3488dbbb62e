//! Reading little-endian numbers and slices within bounds.

use crate::error::{Error, Result};

/// A document is damaged: `what` says how.
#[cold]
pub(super) fn damaged(what: &str) -> Error {
    Error::corrupt(format!("A document is damaged: {what}"))
}

#[cold]
pub(super) fn cut_off() -> Error {
    damaged("it is cut off")
}

#[inline]
pub(super) fn byte(doc: &[u8], at: usize) -> Result<u8> {
    doc.get(at).copied().ok_or_else(cut_off)
}

#[inline]
pub(super) fn array<const N: usize>(doc: &[u8], at: usize) -> Result<[u8; N]> {
    doc.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or_else(cut_off)
}

#[inline]
pub(super) fn read_u32(doc: &[u8], at: usize) -> Result<u32> {
    array(doc, at).map(u32::from_le_bytes)
}

/// A `u32` that is a length or an offset.
#[inline]
pub(super) fn read_size(doc: &[u8], at: usize) -> Result<usize> {
    Ok(read_u32(doc, at)? as usize)
}

#[inline]
pub(super) fn read_f64(doc: &[u8], at: usize) -> Result<f64> {
    array(doc, at).map(f64::from_le_bytes)
}

#[inline]
pub(super) fn slice(doc: &[u8], at: usize, length: usize) -> Result<&[u8]> {
    doc.get(at..).and_then(|rest| rest.get(..length)).ok_or_else(cut_off)
}
