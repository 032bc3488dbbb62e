//! JavaScript strings in Rust: WTF-8.
//!
//! Names of stores, indexes and fields are JavaScript strings and may hold lone surrogates, which
//! UTF-8 cannot express. WTF-8 (<https://simonsapin.github.io/wtf-8/>) is UTF-8 that also encodes
//! lone surrogates, as three bytes each; a well-formed string has the same bytes in both, and equal
//! strings have equal bytes.

use std::fmt;

/// An owned JavaScript string as WTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Wtf8String(Box<[u8]>);

impl Wtf8String {
    /// From UTF-16 code units, lone surrogates included.
    pub fn from_utf16(units: &[u16]) -> Self {
        let mut bytes = Vec::with_capacity(units.len());
        for unit in char::decode_utf16(units.iter().copied()) {
            match unit {
                Ok(c) => {
                    let mut buffer = [0; 4];
                    bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
                Err(lone) => push_surrogate(&mut bytes, lone.unpaired_surrogate()),
            }
        }
        Self(bytes.into_boxed_slice())
    }

    /// From bytes that claim to be WTF-8; `None` if they are not.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if std::str::from_utf8(bytes).is_ok() {
            return Some(Self(bytes.into()));
        }
        let decoded = Self::from_utf16(&decode_units(bytes)?);
        // A surrogate pair written as two lone surrogates is not WTF-8: it would give one string
        // two spellings.
        (*decoded.0 == *bytes).then_some(decoded)
    }

    /// From pieces of WTF-8 strings, cut at code points and put one behind the other: surrogates
    /// that meet become a pair. Bytes that are no such pieces give the empty string.
    pub fn joined(bytes: &[u8]) -> Self {
        if std::str::from_utf8(bytes).is_ok() {
            return Self(bytes.into());
        }
        Self::from_utf16(&decode_units(bytes).unwrap_or_default())
    }

    /// From code units that are all below 256.
    pub fn from_latin1(units: &[u8]) -> Self {
        if units.is_ascii() {
            return Self(units.into());
        }
        let text: String = units.iter().copied().map(char::from).collect();
        Self(text.into_bytes().into())
    }

    /// The WTF-8 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The string, if it is well-formed.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The UTF-16 code units.
    pub fn to_utf16(&self) -> Vec<u16> {
        decode_units(&self.0).unwrap_or_default()
    }

    /// Whether the string is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Wtf8String {
    fn from(s: &str) -> Self {
        Self(s.as_bytes().into())
    }
}

impl fmt::Display for Wtf8String {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(s) => f.write_str(s),
            None => f.write_str(&String::from_utf16_lossy(&self.to_utf16())),
        }
    }
}

impl fmt::Debug for Wtf8String {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Appends a lone surrogate as three bytes.
fn push_surrogate(bytes: &mut Vec<u8>, unit: u16) {
    bytes.extend_from_slice(&[
        0xE0 | (unit >> 12) as u8,
        0x80 | (unit >> 6 & 0x3F) as u8,
        0x80 | (unit & 0x3F) as u8,
    ]);
}

/// Decodes WTF-8 into UTF-16 code units; `None` if the bytes are malformed.
fn decode_units(bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        if first == 0xED && rest.get(1).is_some_and(|b| (0xA0..=0xBF).contains(b)) {
            let (surrogate, tail) = rest.split_at_checked(3)?;
            let [_, second, third] = *surrogate else { return None };
            if third & 0xC0 != 0x80 {
                return None;
            }
            units.push(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F));
            rest = tail;
        } else {
            let length = match first {
                0x00..=0x7F => 1,
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => return None,
            };
            let (sequence, tail) = rest.split_at_checked(length)?;
            let text = std::str::from_utf8(sequence).ok()?;
            units.extend(text.encode_utf16());
            rest = tail;
        }
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_every_kind_of_code_unit() {
        let cases: [&[u16]; 6] = [
            &[],
            &[0x61, 0, 0x7F],
            &[0x80, 0x7FF, 0x800, 0xFFFF],
            &[0xD83D, 0xDE00],
            &[0xD800],
            &[0xDE00, 0xD83D, 0x61],
        ];
        for units in cases {
            let string = Wtf8String::from_utf16(units);
            assert_eq!(string.to_utf16(), units);
            assert_eq!(Wtf8String::from_bytes(string.as_bytes()), Some(string));
        }
    }

    #[test]
    fn joins_surrogates_that_meet() {
        let (high, low) = (Wtf8String::from_utf16(&[0xD83D]), Wtf8String::from_utf16(&[0xDE00]));
        let joined = Wtf8String::joined(&[high.as_bytes(), low.as_bytes()].concat());
        assert_eq!(joined, Wtf8String::from("\u{1F600}"));
        let apart = Wtf8String::joined(&[low.as_bytes(), high.as_bytes()].concat());
        assert_eq!(apart.to_utf16(), [0xDE00, 0xD83D]);
    }

    #[test]
    fn refuses_malformed_bytes() {
        for bytes in [&[0xFF][..], &[0xED, 0xA0], &[0xC2], &[0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]] {
            assert_eq!(Wtf8String::from_bytes(bytes), None, "{bytes:x?}");
        }
    }
}
