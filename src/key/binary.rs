//! Binary keys: the bytes, with 00 written as `01 01` and 01 as `01 02`, then [`END`].

use super::{END, TAG_BINARY};

/// Stands before the two byte values that cannot be written as themselves.
pub(super) const ESCAPE: u8 = 0x01;

/// Appends a binary key.
pub fn push_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    out.push(TAG_BINARY);
    for run in bytes.split_inclusive(|byte| *byte <= ESCAPE) {
        match run.split_last() {
            Some((&last, plain)) if last <= ESCAPE => {
                out.extend_from_slice(plain);
                out.extend_from_slice(&[ESCAPE, last + 1]);
            }
            _ => out.extend_from_slice(run),
        }
    }
    out.push(END);
}

/// The bytes of a binary key's payload without its [`END`]; `None` if an escape is malformed.
pub(super) fn unescape(payload: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(payload.len());
    let mut bytes = payload.iter();
    while let Some(&byte) = bytes.next() {
        out.push(if byte == ESCAPE { unescape_byte(bytes.next())? } else { byte });
    }
    Some(out)
}

/// Whether every escape of a payload is well-formed.
pub(super) fn is_escaped(payload: &[u8]) -> bool {
    let mut bytes = payload.iter();
    while let Some(&byte) = bytes.next() {
        if byte == ESCAPE && unescape_byte(bytes.next()).is_none() {
            return false;
        }
    }
    true
}

/// The byte that [`ESCAPE`] and `escaped` stand for.
pub(super) fn unescape_byte(escaped: Option<&u8>) -> Option<u8> {
    match escaped {
        Some(0x01) => Some(0x00),
        Some(0x02) => Some(0x01),
        _ => None,
    }
}
