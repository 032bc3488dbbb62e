//! The two meta pages: what the last commits say about the file.

use std::path::Path;

use super::{damaged, not_a_database, u16_at, u32_at, u64_at};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::lmdb::{FREE, LAST_PAGE, MAIN, META_LENGTH, TXN_ID};

pub(super) const MAGIC: u32 = 0xBEEF_C0DE;
const DATA_VERSION: u32 = 1;
/// The flag of the free list's tree: keys are integers.
const INTEGER_KEY: u16 = 0x08;
/// The flags of a tree that change its order or how its values are kept.
const ORDER_FLAGS: u16 = 0x02 | 0x04 | INTEGER_KEY | 0x10 | 0x20 | 0x40;
/// LMDB's, since offsets within a page take 16 bits.
const MAX_PAGE_SIZE: u64 = 1 << 15;
/// No address space is larger.
const MAX_LENGTH: u64 = 1 << 47;

/// What a meta page says.
pub(super) struct Meta {
    pub(super) page_size: u64,
    pub(super) last_page: u64,
    pub(super) txn_id: u64,
    pub(super) free: TreeRecord,
    pub(super) main: TreeRecord,
}

/// What LMDB keeps of a tree (`MDB_db`).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TreeRecord {
    pub(super) depth: u16,
    pub(super) branch_pages: u64,
    pub(super) leaf_pages: u64,
    pub(super) overflow_pages: u64,
    pub(super) entries: u64,
    pub(super) root: u64,
}

impl TreeRecord {
    /// Reads the record at a place; `None` if it is not within `bytes`.
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            depth: u16_at(bytes, at + 6)?,
            branch_pages: u64_at(bytes, at + 8)?,
            leaf_pages: u64_at(bytes, at + 16)?,
            overflow_pages: u64_at(bytes, at + 24)?,
            entries: u64_at(bytes, at + 32)?,
            root: u64_at(bytes, at + 40)?,
        })
    }
}

impl Meta {
    /// Reads meta page `number`, and checks all that LMDB takes for granted.
    pub(super) fn read(bytes: &[u8; META_LENGTH], number: u64, path: &Path) -> Result<Self> {
        let field = |at| u32_at(bytes, at).unwrap_or_default();
        let long = |at| u64_at(bytes, at).unwrap_or_default();
        let flags = |at| u16_at(bytes, at).unwrap_or_default() & ORDER_FLAGS;
        let broken = |what: &str| damaged(path, &format!("its meta page {number} {what}"));
        if field(16) != MAGIC {
            return Err(not_a_database(path, "it is not an LMDB file"));
        }
        let version = field(20);
        if version != DATA_VERSION {
            return Err(Error::new(
                ErrorCode::IncompatibleVersion,
                format!("the data file has LMDB format {version}; this version reads 1"),
            )
            .with_path(path.display().to_string()));
        }
        let page_size = u64::from(field(40));
        if !page_size.is_power_of_two() || !(512..=MAX_PAGE_SIZE).contains(&page_size) {
            return Err(broken("has no page size"));
        }
        if flags(44) != INTEGER_KEY {
            return Err(broken("has another kind of free list"));
        }
        if flags(92) != 0 {
            return Err(not_a_database(path, "it is an LMDB file of another program"));
        }
        let meta = Self {
            page_size,
            free: TreeRecord::read(bytes, FREE).unwrap_or_default(),
            main: TreeRecord::read(bytes, MAIN).unwrap_or_default(),
            last_page: long(LAST_PAGE),
            txn_id: long(TXN_ID),
        };
        let pages = meta.last_page.checked_add(1).and_then(|pages| pages.checked_mul(page_size));
        if meta.last_page == 0 || pages.is_none_or(|length| length > MAX_LENGTH) {
            return Err(broken("names a last page that cannot be"));
        }
        // A commit writes the page of its transaction's parity; a new file has 0 in both. From the
        // highest id there would be no next one.
        if (meta.txn_id != 0 && meta.txn_id % 2 != number) || meta.txn_id >= u64::MAX - 1 {
            return Err(broken("names a transaction that cannot be"));
        }
        Ok(meta)
    }
}
