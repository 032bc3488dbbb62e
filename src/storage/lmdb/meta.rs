//! The meta pages of a data file, as far as they say what a state is.
//!
//! Source: the layout of `mdb.c`, LMDB 0.9.70 (data version 1).

/// How much of a meta page is in use, with the page header. LMDB leaves the rest alone.
pub const META_LENGTH: usize = 152;
/// Where a meta page has its own number.
const NUMBER: usize = 0;
/// Where it has the records of the list of free pages, and of the tree of trees.
pub(in crate::storage) const FREE: usize = 40;
pub(in crate::storage) const MAIN: usize = 88;
/// Where it has the last page in use, and the transaction.
pub(in crate::storage) const LAST_PAGE: usize = 136;
pub(in crate::storage) const TXN_ID: usize = 144;

/// A number of a meta page; 0 if it is not within `meta`.
pub(in crate::storage) fn meta_field(meta: &[u8], at: usize) -> u64 {
    meta.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
}

/// Makes meta page `number` of one that may be the other one, so that it names a transaction.
pub(in crate::storage) fn set_meta(meta: &mut [u8], number: u64, txn_id: u64) {
    for (at, field) in [(NUMBER, number), (TXN_ID, txn_id)] {
        if let Some(place) = meta.get_mut(at..at + size_of::<u64>()) {
            place.copy_from_slice(&field.to_ne_bytes());
        }
    }
}
