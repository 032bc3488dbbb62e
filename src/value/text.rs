//! Strings in documents: Latin-1, UTF-8 or UTF-16, whichever the string's content decides.

use std::borrow::Cow;

use super::bytes::{byte, damaged, read_size, slice};
use super::tags::{LATIN1_U8, LATIN1_U32, MAX_U8, SHAPED, SHORT_STRING, UTF8_U8, UTF8_U32, UTF16};
use crate::collation::Collation;
use crate::error::Result;
use crate::key;
use crate::wtf8::Wtf8String;

/// A string in a document.
///
/// Which form is used follows from the string alone: Latin-1 if every UTF-16 code unit is below
/// 256; else UTF-8 if it is well-formed and takes at most 255 bytes or no more than UTF-16; else
/// UTF-16. So equal strings have equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// One byte per code unit.
    Latin1(&'a [u8]),
    /// Well-formed text.
    Utf8(&'a str),
    /// Code units, little-endian; lone surrogates may be among them.
    Utf16(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The string at `at` and its end.
    pub(super) fn read(doc: &'a [u8], at: usize) -> Result<(Self, usize)> {
        let tag = byte(doc, at)?;
        let (from, length) = match tag {
            SHORT_STRING..SHAPED => (at + 1, usize::from(tag - SHORT_STRING)),
            LATIN1_U8 | UTF8_U8 => (at + 2, usize::from(byte(doc, at + 1)?)),
            LATIN1_U32 | UTF8_U32 | UTF16 => (at + 5, read_size(doc, at + 1)?),
            _ => return Err(damaged("a value needs a string that it does not have")),
        };
        let bytes = slice(doc, from, length)?;
        let text = match tag {
            UTF8_U8 | UTF8_U32 => Self::Utf8(
                std::str::from_utf8(bytes)
                    .map_err(|error| damaged("a string is not UTF-8").with_cause(error))?,
            ),
            UTF16 if length % 2 != 0 => return Err(damaged("a string has half a code unit")),
            UTF16 => Self::Utf16(bytes),
            _ => Self::Latin1(bytes),
        };
        Ok((text, from + length))
    }

    /// The number of UTF-16 code units, as JavaScript counts a string's length.
    pub fn utf16_len(self) -> usize {
        match self {
            Self::Latin1(bytes) => bytes.len(),
            Self::Utf8(text) => text.encode_utf16().count(),
            Self::Utf16(bytes) => bytes.len() / 2,
        }
    }

    /// The UTF-16 code units of the [`Text::Utf16`] form; empty for the others.
    pub fn units(self) -> impl Iterator<Item = u16> + 'a {
        let bytes = match self {
            Self::Utf16(bytes) => bytes,
            _ => &[],
        };
        bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit))
    }

    /// Appends the string's key, in the order of a collation if there is one.
    pub fn push_key(self, collation: Option<&Collation>, out: &mut Vec<u8>) {
        match (self, collation) {
            (Self::Latin1(bytes), None) => key::push_latin1(out, bytes),
            (Self::Utf8(text), None) => key::push_utf8(out, text),
            (Self::Utf16(_), None) => key::push_utf16(out, self.units()),
            (Self::Latin1(bytes), Some(collation)) => collation.push_latin1(out, bytes),
            (Self::Utf8(text), Some(collation)) => collation.push_utf8(out, text),
            (Self::Utf16(_), Some(collation)) => {
                collation.push_utf16(out, &self.units().collect::<Vec<_>>());
            }
        }
    }

    /// The string as UTF-8, borrowed where it is stored so; `None` if it has lone surrogates.
    pub fn to_str(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Latin1(bytes) => Some(latin1_to_str(bytes)),
            Self::Utf8(text) => Some(Cow::Borrowed(text)),
            Self::Utf16(_) => {
                char::decode_utf16(self.units()).collect::<Result<String, _>>().ok().map(Cow::Owned)
            }
        }
    }

    /// The string as WTF-8, which every string can be.
    pub fn to_wtf8(self) -> Wtf8String {
        match self {
            Self::Latin1(bytes) => Wtf8String::from_latin1(bytes),
            Self::Utf8(text) => Wtf8String::from(text),
            Self::Utf16(_) => Wtf8String::from_utf16(&self.units().collect::<Vec<_>>()),
        }
    }
}

fn latin1_to_str(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// Appends a string that was read again, in the form that its content decides.
pub(super) fn push_again(out: &mut Vec<u8>, text: Text<'_>) {
    match text {
        Text::Latin1(units) => push_latin1(out, units),
        _ => push_text(out, &text.to_wtf8()),
    }
}

/// Appends a string in the form that its content decides.
pub(crate) fn push_text(out: &mut Vec<u8>, string: &Wtf8String) {
    let bytes = string.as_bytes();
    if bytes.is_ascii() {
        push_latin1(out, bytes);
        return;
    }
    if let Some(text) = string.as_str() {
        if let Some(latin1) = to_latin1(text) {
            push_latin1(out, &latin1);
            return;
        }
        if bytes.len() <= MAX_U8 || bytes.len() <= 2 * text.encode_utf16().count() {
            push_sized(out, UTF8_U8, UTF8_U32, bytes);
            return;
        }
    }
    let units = string.to_utf16();
    out.push(UTF16);
    out.extend_from_slice(&(units.len() as u32 * 2).to_le_bytes());
    out.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
}

fn to_latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn push_latin1(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() < usize::from(SHAPED - SHORT_STRING) {
        out.push(SHORT_STRING + bytes.len() as u8);
        out.extend_from_slice(bytes);
    } else {
        push_sized(out, LATIN1_U8, LATIN1_U32, bytes);
    }
}

fn push_sized(out: &mut Vec<u8>, short: u8, long: u8, bytes: &[u8]) {
    if bytes.len() <= MAX_U8 {
        out.extend_from_slice(&[short, bytes.len() as u8]);
    } else {
        out.push(long);
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(bytes);
}
