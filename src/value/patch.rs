//! Filling in generated keys.

use super::bytes::damaged;
use super::tags::F64;
use crate::error::Result;

/// Writes a number over the placeholder whose eight bytes begin at `at`, counted from the
/// document's start; the encoder left it there for a generated key.
///
/// # Errors
/// `CORRUPT` if there is no such placeholder.
pub fn patch_number(doc: &mut [u8], at: usize, number: f64) -> Result<()> {
    let place = at.checked_sub(1).and_then(|tag| doc.get_mut(tag..)?.first_chunk_mut::<9>());
    match place {
        Some([F64, bytes @ ..]) => {
            *bytes = number.to_le_bytes();
            Ok(())
        }
        _ => Err(damaged("the place for its generated key is not there")),
    }
}
