//! The tokens of an encoded key. Malformed input gives a reason, never a panic or recursion.

use super::number::{self, Number};
use super::{
    END, MAX_DEPTH, TAG_ARRAY, TAG_BINARY, TAG_DATE, TAG_FALSE, TAG_NULL, TAG_NUMBER, TAG_STRING,
    TAG_TRUE,
};

/// A piece of a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Date(f64),
    /// The payload without its end, not yet checked.
    Text(&'a [u8]),
    /// The payload without its end, not yet checked.
    Binary(&'a [u8]),
    BeginArray,
    EndArray,
}

/// Reads one ascending component token by token.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
    consumed: usize,
    depth: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, consumed: 0, depth: 0 }
    }

    /// Bytes read so far.
    pub(super) fn consumed(&self) -> usize {
        self.consumed
    }

    /// Whether the tokens so far make a whole component (if there were any).
    pub(super) fn is_complete(&self) -> bool {
        self.depth == 0
    }

    /// The next token, or what is wrong with it.
    pub(super) fn next(&mut self) -> Result<Token<'a>, &'static str> {
        let (&tag, payload) = self.rest.split_first().ok_or("it ends too early")?;
        let (token, len) = match tag {
            TAG_NULL => (Token::Null, 0),
            TAG_FALSE => (Token::Bool(false), 0),
            TAG_TRUE => (Token::Bool(true), 0),
            TAG_NUMBER => {
                let (value, len) = number::read(payload).ok_or("a number is malformed")?;
                (Token::Number(value), len)
            }
            TAG_DATE => match number::read(payload) {
                Some((Number::Double(time), len)) if number::is_time(time) => {
                    (Token::Date(time), len)
                }
                _ => return Err("a date is malformed"),
            },
            TAG_STRING => {
                let (text, len) = split_end(payload).ok_or("a string has no end")?;
                (Token::Text(text), len)
            }
            TAG_BINARY => {
                let (bytes, len) = split_end(payload).ok_or("a binary key has no end")?;
                (Token::Binary(bytes), len)
            }
            TAG_ARRAY if self.depth == MAX_DEPTH => return Err("its arrays nest too deep"),
            TAG_ARRAY => {
                self.depth += 1;
                (Token::BeginArray, 0)
            }
            END if self.depth > 0 => {
                self.depth -= 1;
                (Token::EndArray, 0)
            }
            _ => return Err("a tag is unknown"),
        };
        self.rest = payload.get(len..).unwrap_or_default();
        self.consumed += 1 + len;
        Ok(token)
    }
}

/// Position of the end mark in `bytes`, each XORed with `mask`.
pub(super) fn find_end(bytes: &[u8], mask: u8) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let end = END ^ mask;
    let (words, tail) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word) ^ u64::from_ne_bytes([end; 8]);
        let zeros = word.wrapping_sub(LOW) & !word & HIGH;
        if zeros != 0 {
            return Some(i * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    tail.iter().position(|byte| *byte == end).map(|i| words.len() * 8 + i)
}

/// The payload before its end mark, and its length with it.
fn split_end(payload: &[u8]) -> Option<(&[u8], usize)> {
    let end = find_end(payload, 0)?;
    Some((payload.get(..end)?, end + 1))
}
