//! Data files whose creation was not finished.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::meta_page::MAGIC;
use super::{u32_at, u64_at};
use crate::storage::lmdb::{META_LENGTH, TXN_ID};

const MAGIC_AT: usize = 16;
/// A file in which nothing was ever committed is no longer than this, and is made of whole blocks.
const UNFINISHED_LENGTH: u64 = 128 << 10;
const BLOCK: u64 = 4_096;
/// The sizes of pages, of which the second one is a meta page, too.
const PAGE_SIZES: [usize; 5] = [4_096, 8_192, 16_384, 32_768, 65_536];

/// Whether the file at `path` is what the creation of a database leaves when the disk was full or
/// the power failed: nothing was ever committed to it, so it may be begun anew.
///
/// Its meta pages are missing, zeros, or name no transaction.
pub fn is_unfinished(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length == 0 || length > UNFINISHED_LENGTH || !length.is_multiple_of(BLOCK) {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let is_meta = |at: usize| u32_at(&bytes, at + MAGIC_AT) == Some(MAGIC);
    let names_commit =
        |at: usize| is_meta(at) && u64_at(&bytes, at + TXN_ID).is_some_and(|id| id > 0);
    // Both meta pages are written at once: a length without content is that of two pages or more.
    let is_zero = length > BLOCK && bytes.iter().take(META_LENGTH).all(|byte| *byte == 0);
    let is_committed = names_commit(0) || PAGE_SIZES.into_iter().any(names_commit);
    Ok((is_meta(0) || is_zero) && !is_committed)
}
