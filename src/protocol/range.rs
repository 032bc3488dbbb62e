//! Key ranges: `u8 bits | u32 lower length | lower | u32 upper length | upper`, little-endian. A
//! bound that is absent has length 0.

use super::fields::Fields;
use crate::error::Result;
use crate::store::read::{Bound, KeyRange};

/// Bit: there is a lower bound.
pub const HAS_LOWER: u8 = 1;
/// Bit: the lower bound itself is outside the range.
pub const LOWER_OPEN: u8 = 2;
/// Bit: there is an upper bound.
pub const HAS_UPPER: u8 = 4;
/// Bit: the upper bound itself is outside the range.
pub const UPPER_OPEN: u8 = 8;

const ALL_BITS: u8 = HAS_LOWER | LOWER_OPEN | HAS_UPPER | UPPER_OPEN;

/// Reads a range that is all there is.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn decode_range(bytes: &[u8]) -> Result<KeyRange<'_>> {
    let mut fields = Fields::new(bytes, "a key range");
    let range = read_range(&mut fields)?;
    fields.end()?;
    Ok(range)
}

/// Reads a range that is followed by something else.
pub(super) fn read_range<'a>(fields: &mut Fields<'a>) -> Result<KeyRange<'a>> {
    let bits = fields.u8()?;
    let (lower, upper) = (fields.sized()?, fields.sized()?);
    let bound = |key: &'a [u8], present: u8, open: u8| match (bits & present, bits & open) {
        (0, 0) if key.is_empty() => Ok(None),
        (0, _) => Err(()),
        (_, open) if !key.is_empty() => Ok(Some(Bound { key, open: open != 0 })),
        _ => Err(()),
    };
    match (bound(lower, HAS_LOWER, LOWER_OPEN), bound(upper, HAS_UPPER, UPPER_OPEN)) {
        (Ok(lower), Ok(upper)) if bits & !ALL_BITS == 0 => Ok(KeyRange { lower, upper }),
        _ => Err(fields.malformed()),
    }
}

/// Appends a range.
pub fn encode_range(range: &KeyRange<'_>, out: &mut Vec<u8>) {
    let bits = |bound: Option<Bound<'_>>, present, open| match bound {
        Some(bound) if bound.open => present | open,
        Some(_) => present,
        None => 0,
    };
    out.push(bits(range.lower, HAS_LOWER, LOWER_OPEN) | bits(range.upper, HAS_UPPER, UPPER_OPEN));
    for bound in [range.lower, range.upper] {
        let key = bound.map_or(&[][..], |bound| bound.key);
        out.extend_from_slice(&(key.len() as u32).to_le_bytes());
        out.extend_from_slice(key);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn round_trips() {
        let bounds = [
            None,
            Some(Bound { key: &[0x30, 0x80], open: false }),
            Some(Bound { key: &[0x10], open: true }),
        ];
        for lower in bounds {
            for upper in bounds {
                let range = KeyRange { lower, upper };
                let mut bytes = Vec::new();
                encode_range(&range, &mut bytes);
                assert_eq!(decode_range(&bytes).unwrap(), range);
                for len in 0..bytes.len() {
                    let error = decode_range(&bytes[..len]).unwrap_err();
                    assert_eq!(error.code(), ErrorCode::InvalidArgument);
                }
            }
        }
    }

    #[test]
    fn refuses_what_contradicts_itself() {
        let cases: [&[u8]; 6] = [
            &[16, 0, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0, 1, 0, 0, 0, 9, 0, 0, 0, 0],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0xFF, 0xFF, 0xFF, 0xFF],
        ];
        for bytes in cases {
            assert!(decode_range(bytes).is_err(), "{bytes:x?}");
        }
    }
}
