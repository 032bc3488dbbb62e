//! The copies of the records in clear. Without those records nothing can be decrypted, and they
//! stand on one page or two; so each stands once more, in a tree, and on pages, of its own.
//!
//! Who writes a record writes its copy in the same transaction. A record that is damaged is read
//! from its copy, and written anew by the next process that seals a block.

use super::clear::is_whole;
use super::store::Places;
use crate::error::Result;
use crate::storage::data_file::{PageProblem, PageProblemKind};
use crate::storage::lmdb::{Dbi, PutMode, RwTxn, Txn};

/// Visits every record that stands in one of the trees: its key, itself, and its copy.
fn visit_pairs(
    txn: &Txn<'_>,
    places: Places,
    mut visit: impl FnMut(&[u8], Option<&[u8]>, Option<&[u8]>),
) -> Result<()> {
    let (mut records, mut copies) = (txn.cursor(places.clear)?, txn.cursor(places.copies)?);
    let (mut record, mut copy) = (records.first()?, copies.first()?);
    loop {
        let first = match (record, copy) {
            (Some((one, _)), Some((other, _))) => one.min(other),
            (Some((key, _)), None) | (None, Some((key, _))) => key,
            (None, None) => return Ok(()),
        };
        let (own, other) =
            [record, copy].map(|entry| entry.filter(|(key, _)| *key == first)).into();
        visit(first, own.map(|(_, stored)| stored), other.map(|(_, stored)| stored));
        if own.is_some() {
            record = records.next()?;
        }
        if other.is_some() {
            copy = copies.next()?;
        }
    }
}

/// Makes records and copies the same: a record that is damaged or missing is written from its copy,
/// and every other copy from its record.
pub(super) fn settle(txn: &mut RwTxn<'_>, places: Places) -> Result<()> {
    let mut missing: Vec<(Dbi, Vec<u8>, Vec<u8>)> = Vec::new();
    visit_pairs(txn, places, |key, record, copy| {
        if record == copy {
            return;
        }
        let mut candidates = [record, copy].into_iter().flatten();
        let Some(whole) = candidates.find(|stored| is_whole(key, stored)) else { return };
        for (tree, stored) in [(places.clear, record), (places.copies, copy)] {
            if stored != Some(whole) {
                missing.push((tree, key.to_vec(), whole.to_vec()));
            }
        }
    })?;
    for (tree, key, stored) in missing {
        txn.put(tree, &key, &stored, PutMode::Upsert)?;
    }
    Ok(())
}

/// Tells `found` which records and copies are damaged.
///
/// A record that has no copy is none: versions that do not know of copies write it so.
pub(super) fn check(
    txn: &Txn<'_>,
    places: Places,
    found: &mut dyn FnMut(PageProblem),
) -> Result<()> {
    visit_pairs(txn, places, |key, record, copy| {
        let is_damaged =
            |stored: Option<&[u8]>| stored.is_some_and(|stored| !is_whole(key, stored));
        let message = match (is_damaged(record), is_damaged(copy)) {
            (false, false) => return,
            (true, false) if copy.is_some() => "is damaged, and read from its copy",
            (true, _) => "is damaged",
            (false, true) => "has a damaged copy",
        };
        let name = key.get(1..).unwrap_or_default().escape_ascii();
        let message = format!("the record {name} in clear {message}");
        found(PageProblem { kind: PageProblemKind::Malformed, page: None, message });
    })
}
