//! Keys as values: for key generators, error messages and dumps. Hot paths use the `push_`
//! functions.

use super::number::{self, Number};
use super::token::{Token, Tokens};
use super::{
    MAX_DEPTH, begin_array, binary, encoded_len, end_array, invert, push_binary, push_bool,
    push_null, push_wtf8, text,
};
use crate::error::{Error, ErrorCode, Result};
use crate::wtf8::Wtf8String;

/// A key or component of an index key.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// null (in indexes only).
    Null,
    /// A boolean (in indexes only).
    Bool(bool),
    /// A number, or a BigInt that equals a double.
    Number(f64),
    /// An integer within −2⁶³ and 2⁶⁴−1; decoding gives it only if no double equals it.
    BigInt(i128),
    /// A date, in milliseconds since 1970.
    Date(f64),
    /// A string.
    String(Wtf8String),
    /// Bytes of an ArrayBuffer or of a view.
    Binary(Vec<u8>),
    /// An array of keys.
    Array(Vec<Key>),
}

/// The first component of `bytes` and its length.
///
/// # Errors
/// `CORRUPT` if it is malformed or not canonical.
pub fn decode(bytes: &[u8]) -> Result<(Key, usize)> {
    read(bytes).map_err(|why| Error::corrupt(format!("an encoded key is malformed: {why}")))
}

/// The first component of `bytes`, ascending or descending, and its length.
///
/// # Errors
/// `CORRUPT` if it is malformed or not canonical.
pub fn decode_component(bytes: &[u8], descending: bool) -> Result<(Key, usize)> {
    if !descending {
        return decode(bytes);
    }
    let mut ascending = bytes.get(..encoded_len(bytes, true)?).unwrap_or_default().to_vec();
    invert(&mut ascending);
    decode(&ascending)
}

impl Key {
    /// Appends the encoded key.
    ///
    /// # Errors
    /// `INVALID_KEY`, with nothing appended, for NaN, invalid dates, integers out of range and
    /// arrays nested deeper than [`MAX_DEPTH`].
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let pushed = self.push(out, 0);
        if let Err(why) = pushed {
            out.truncate(start);
            return Err(Error::new(ErrorCode::InvalidKey, why));
        }
        Ok(())
    }

    fn push(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), &'static str> {
        let valid = match self {
            Key::Number(value) => number::push_number(out, *value),
            Key::BigInt(value) => number::push_i128(out, *value),
            Key::Date(milliseconds) => number::push_date(out, *milliseconds),
            Key::Null => {
                push_null(out);
                true
            }
            Key::Bool(value) => {
                push_bool(out, *value);
                true
            }
            Key::String(text) => {
                push_wtf8(out, text);
                true
            }
            Key::Binary(bytes) => {
                push_binary(out, bytes);
                true
            }
            Key::Array(_) if depth == MAX_DEPTH => {
                return Err("arrays in a key nest deeper than 1,000");
            }
            Key::Array(elements) => {
                begin_array(out);
                for element in elements {
                    element.push(out, depth + 1)?;
                }
                end_array(out);
                true
            }
        };
        if valid {
            Ok(())
        } else {
            Err("NaN, an invalid date or a BigInt out of range is not a key")
        }
    }
}

fn read(bytes: &[u8]) -> Result<(Key, usize), &'static str> {
    let mut tokens = Tokens::new(bytes);
    let mut open: Vec<Vec<Key>> = Vec::new();
    loop {
        let key = match tokens.next()? {
            Token::BeginArray => {
                open.push(Vec::new());
                continue;
            }
            Token::EndArray => Key::Array(open.pop().unwrap_or_default()),
            Token::Null => Key::Null,
            Token::Bool(value) => Key::Bool(value),
            Token::Number(Number::Double(value)) => Key::Number(value),
            Token::Number(Number::Big(value)) => Key::BigInt(value),
            Token::Date(milliseconds) => Key::Date(milliseconds),
            Token::Text(payload) => {
                Key::String(text::read(payload).ok_or("a string is malformed")?)
            }
            Token::Binary(payload) => {
                Key::Binary(binary::unescape(payload).ok_or("a binary key is malformed")?)
            }
        };
        match open.last_mut() {
            Some(array) => array.push(key),
            None => return Ok((key, tokens.consumed())),
        }
    }
}
