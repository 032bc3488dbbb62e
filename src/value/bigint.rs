//! BigInts in documents: a sign, and a magnitude in as few bytes as it takes, the least first.

use super::bytes::{byte, damaged, read_size, slice};
use crate::error::Result;

/// A BigInt in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BigIntRef<'a> {
    /// Whether it is below zero.
    pub negative: bool,
    /// The magnitude's bytes, the least first, without zeros at the end.
    pub magnitude: &'a [u8],
}

impl<'a> BigIntRef<'a> {
    /// The BigInt whose tag stands at `at`, and its end.
    pub(super) fn read(doc: &'a [u8], at: usize) -> Result<(Self, usize)> {
        let sign = byte(doc, at + 1)?;
        let length = read_size(doc, at + 2)?;
        let magnitude = slice(doc, at + 6, length)?;
        let shortest = match magnitude.last() {
            Some(last) => *last != 0,
            None => sign == 0,
        };
        if sign > 1 || !shortest {
            return Err(damaged("a BigInt is not in its shortest form"));
        }
        Ok((Self { negative: sign == 1, magnitude }, at + 6 + length))
    }

    /// The value, if it fits.
    pub fn to_i128(self) -> Option<i128> {
        if self.magnitude.len() > 16 {
            return None;
        }
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(self.magnitude) {
            *to = *from;
        }
        let magnitude = i128::try_from(u128::from_le_bytes(bytes)).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}
