//! Strings: each UTF-16 code unit as UTF-8 would encode a code point of that value (CESU-8,
//! Unicode Technical Report 26, extended to lone surrogates), with the units 0 and 1 escaped as in
//! binary keys, then [`END`].
//!
//! So strings sort by code unit, as JavaScript compares them, and a string without surrogates,
//! U+0000 and U+0001 is its own UTF-8.

use super::binary::{ESCAPE, unescape_byte};
use super::{END, TAG_STRING};
use crate::wtf8::Wtf8String;

/// Appends a string of Latin-1 bytes (code units 0–255).
pub fn push_latin1(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    out.push(TAG_STRING);
    if is_plain_ascii(bytes) {
        out.extend_from_slice(bytes);
    } else {
        for &byte in bytes {
            push_unit(out, u16::from(byte));
        }
    }
    out.push(END);
}

/// Appends a well-formed string.
pub fn push_utf8(out: &mut Vec<u8>, text: &str) {
    if !push_verbatim(out, text.as_bytes()) {
        push_utf16(out, text.encode_utf16());
    }
}

/// Appends a JavaScript string.
pub fn push_wtf8(out: &mut Vec<u8>, text: &Wtf8String) {
    if !push_verbatim(out, text.as_bytes()) {
        push_utf16(out, text.to_utf16().into_iter());
    }
}

/// Appends a string of UTF-16 code units; lone surrogates survive.
pub fn push_utf16(out: &mut Vec<u8>, units: impl Iterator<Item = u16>) {
    out.reserve(units.size_hint().0 + 2);
    out.push(TAG_STRING);
    for unit in units {
        push_unit(out, unit);
    }
    out.push(END);
}

/// The string of a payload without its [`END`]; `None` if it is malformed.
pub(super) fn read(payload: &[u8]) -> Option<Wtf8String> {
    if is_plain_ascii(payload) {
        return Wtf8String::from_bytes(payload);
    }
    let units: Option<Vec<u16>> = Units(payload.iter()).collect();
    Some(Wtf8String::from_utf16(&units?))
}

/// Whether a payload without its [`END`] is a string.
pub(super) fn is_text(payload: &[u8]) -> bool {
    is_plain_ascii(payload) || Units(payload.iter()).all(|unit| unit.is_some())
}

/// Whether all bytes are ASCII that encodes as itself. Looks at all of them, to be vectorized.
fn is_plain_ascii(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, byte| plain & (byte.wrapping_sub(2) < 0x7E))
}

/// Appends WTF-8 that encodes as itself: no U+0000, no U+0001, nothing beyond U+FFFF.
fn push_verbatim(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let verbatim = bytes.iter().fold(true, |plain, byte| plain & (byte.wrapping_sub(2) < 0xEE));
    if verbatim {
        out.reserve(bytes.len() + 2);
        out.push(TAG_STRING);
        out.extend_from_slice(bytes);
        out.push(END);
    }
    verbatim
}

fn push_unit(out: &mut Vec<u8>, unit: u16) {
    let continuation = |shift: u16| 0x80 | (unit >> shift & 0x3F) as u8;
    match unit {
        0..=1 => out.extend_from_slice(&[ESCAPE, unit as u8 + 1]),
        2..=0x7F => out.push(unit as u8),
        0x80..=0x7FF => out.extend_from_slice(&[0xC0 | (unit >> 6) as u8, continuation(0)]),
        _ => out.extend_from_slice(&[0xE0 | (unit >> 12) as u8, continuation(6), continuation(0)]),
    }
}

/// Decodes a payload unit by unit; a malformed or overlong sequence is `Some(None)`.
struct Units<'a>(std::slice::Iter<'a, u8>);

impl Iterator for Units<'_> {
    type Item = Option<u16>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.0.next()?;
        Some(match first {
            ESCAPE => unescape_byte(self.0.next()).map(u16::from),
            0x02..=0x7F => Some(u16::from(first)),
            0xC2..=0xDF => self.continuation().map(|low| u16::from(first & 0x1F) << 6 | low),
            0xE0..=0xEF => self.three_bytes(first),
            _ => None,
        })
    }
}

impl Units<'_> {
    fn continuation(&mut self) -> Option<u16> {
        let byte = *self.0.next()?;
        (byte & 0xC0 == 0x80).then_some(u16::from(byte & 0x3F))
    }

    fn three_bytes(&mut self, first: u8) -> Option<u16> {
        let unit =
            u16::from(first & 0x0F) << 12 | self.continuation()? << 6 | self.continuation()?;
        (unit >= 0x800).then_some(unit)
    }
}
