//! Lengths and checks of encoded keys, without decoding them.

use super::token::{Token, Tokens, find_end};
use super::{
    END, MAX_DEPTH, MAX_KEY_BYTES, TAG_ARRAY, TAG_BINARY, TAG_DATE, TAG_FALSE, TAG_NULL,
    TAG_NUMBER, TAG_STRING, TAG_TRUE, binary, invert, number, text,
};
use crate::error::{Error, ErrorCode, Result};

/// Length of the first component of `bytes`, which splits index key from primary key.
///
/// Finds the end only; [`validate_component`] checks the contents as well.
///
/// # Errors
/// `CORRUPT` if there is no whole component.
pub fn encoded_len(bytes: &[u8], descending: bool) -> Result<usize> {
    component_len(bytes, if descending { 0xFF } else { 0 })
        .ok_or_else(|| Error::corrupt("an encoded key has no end or an unknown tag"))
}

/// Checks that `bytes` is exactly one key that a store may use: a number, date, string, binary key
/// or array of those, in its only encoding.
///
/// # Errors
/// `INVALID_KEY`.
pub fn validate_key(bytes: &[u8]) -> Result<()> {
    let invalid = |why| Error::new(ErrorCode::InvalidKey, format!("an encoded key is bad: {why}"));
    if bytes.len() > MAX_KEY_BYTES {
        return Err(invalid("it is longer than 64 MiB"));
    }
    match check(bytes, false) {
        Ok(len) if len == bytes.len() => Ok(()),
        Ok(_) => Err(invalid("bytes follow it")),
        Err(why) => Err(invalid(why)),
    }
}

/// Length of the first component of `bytes`, checked to be well-formed and canonical. Null and
/// booleans are admitted.
///
/// # Errors
/// `CORRUPT`.
pub fn validate_component(bytes: &[u8], descending: bool) -> Result<usize> {
    let checked = if descending {
        let len = encoded_len(bytes, true)?;
        let mut ascending = bytes.get(..len).unwrap_or_default().to_vec();
        invert(&mut ascending);
        check(&ascending, true)
    } else {
        check(bytes, true)
    };
    checked.map_err(|why| Error::corrupt(format!("an encoded key is malformed: {why}")))
}

fn component_len(bytes: &[u8], mask: u8) -> Option<usize> {
    let mut rest = bytes;
    let mut depth = 0;
    loop {
        let (tag, payload) = rest.split_first()?;
        let len = match tag ^ mask {
            TAG_NUMBER | TAG_DATE => number::payload_len(payload, mask)?,
            TAG_STRING | TAG_BINARY => find_end(payload, mask)? + 1,
            TAG_NULL | TAG_FALSE | TAG_TRUE => 0,
            TAG_ARRAY if depth < MAX_DEPTH => {
                depth += 1;
                0
            }
            END if depth > 0 => {
                depth -= 1;
                0
            }
            _ => return None,
        };
        rest = payload.get(len..)?;
        if depth == 0 {
            return Some(bytes.len() - rest.len());
        }
    }
}

/// Length of the first component, or what is wrong with it.
fn check(bytes: &[u8], null_and_bool: bool) -> Result<usize, &'static str> {
    let mut tokens = Tokens::new(bytes);
    loop {
        match tokens.next()? {
            Token::Null | Token::Bool(_) if !null_and_bool => {
                return Err("null and booleans are not keys of a store");
            }
            Token::Text(payload) if !text::is_text(payload) => {
                return Err("a string is malformed");
            }
            Token::Binary(payload) if !binary::is_escaped(payload) => {
                return Err("a binary key is malformed");
            }
            _ => {}
        }
        if tokens.is_complete() {
            return Ok(tokens.consumed());
        }
    }
}
