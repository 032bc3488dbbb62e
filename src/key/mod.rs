//! Order-preserving keys: the order of the encoded bytes (`memcmp`) is the order of the values.
//!
//! null < false < true < numbers < dates < strings < binary < arrays. The last five are what a
//! store's key may be, ordered as IndexedDB compares keys; the others occur in native indexes only.
//!
//! A component is a tag byte and a payload that tells its own end, so no encoding is a prefix of
//! another one and components can be concatenated. Inverting every byte of a component ([`invert`])
//! reverses its order and keeps it self-delimiting: that is a descending component.
//!
//! `docs/format.md` defines the bytes; `tests/vectors/keys.json` holds this module and `lib/key/`
//! to them.

mod binary;
mod display;
mod number;
mod scan;
mod text;
mod token;
mod value;

pub use binary::push_binary;
pub use number::{as_exact_number, as_number, push_bigint, push_date, push_i128, push_number};
pub use scan::{encoded_len, validate_component, validate_key};
pub use text::{push_latin1, push_utf8, push_utf16, push_wtf8};
pub use value::{Key, decode, decode_component};

/// Tag of null.
pub const TAG_NULL: u8 = 0x10;
/// Tag of false.
pub const TAG_FALSE: u8 = 0x20;
/// Tag of true.
pub const TAG_TRUE: u8 = 0x28;
/// Tag of numbers: doubles and the BigInts from −2⁶³ to 2⁶⁴−1.
pub const TAG_NUMBER: u8 = 0x30;
/// Tag of dates.
pub const TAG_DATE: u8 = 0x40;
/// Tag of strings.
pub const TAG_STRING: u8 = 0x50;
/// Tag of binary keys.
pub const TAG_BINARY: u8 = 0x60;
/// Tag of arrays.
pub const TAG_ARRAY: u8 = 0x70;
/// Reserved for objects, which sort after arrays and are not encodable.
pub const TAG_OBJECT: u8 = 0x80;
/// First byte of an index's residual class, after every component in either direction.
///
/// It is not a component and is never inverted. Tags of components stay within `0x10..=0xEF`, and
/// so do inverted ones.
pub const TAG_RESIDUAL: u8 = 0xF0;
/// Ends strings, binary keys and arrays; below every tag and every payload byte of a string.
pub const END: u8 = 0x00;

/// How deep arrays may nest: `[[1]]` is two deep.
pub const MAX_DEPTH: usize = 1_000;
/// The longest encoded key, in bytes (64 MiB).
pub const MAX_KEY_BYTES: usize = 64 << 20;

/// Appends null (a component of an index key only).
pub fn push_null(out: &mut Vec<u8>) {
    out.push(TAG_NULL);
}

/// Appends a boolean (a component of an index key only).
pub fn push_bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { TAG_TRUE } else { TAG_FALSE });
}

/// Begins an array; its elements follow, then [`end_array`].
///
/// The caller keeps nesting within [`MAX_DEPTH`].
pub fn begin_array(out: &mut Vec<u8>) {
    out.push(TAG_ARRAY);
}

/// Ends the array that the matching [`begin_array`] began.
pub fn end_array(out: &mut Vec<u8>) {
    out.push(END);
}

/// Turns ascending components into descending ones, and back.
pub fn invert(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}

/// Inverts what was appended to `out` since it was `start` bytes long.
pub fn invert_from(out: &mut [u8], start: usize) {
    invert(out.get_mut(start..).unwrap_or_default());
}

/// The least byte string above all that begin with `prefix`; `None` if there is none.
///
/// Since no key is a prefix of another one, `successor_prefix(key)` is also the exclusive start of
/// everything after `key`. The bytes of a string without the final [`END`] are the prefix of all
/// strings that begin with it.
pub fn successor_prefix(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < 0xFF {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}
