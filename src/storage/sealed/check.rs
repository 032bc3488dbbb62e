//! A check of every block: that it can be decrypted, stands where the ones above say, and belongs
//! to one tree. The cache is passed by, since what is in it would not be looked at again.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use super::copies;
use super::node::{Node, Value};
use super::plaintext::Plaintext;
use super::store::{TREES, missing};
use super::txn::{IdHasher, SealedTxn};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::care::Care;
use crate::storage::data_file::{PageProblem, PageProblemKind};
use crate::storage::lmdb::Txn;

/// How often a check reports, in blocks.
const STEP: usize = 256;

/// Where a node stands in its tree.
struct Place {
    id: u64,
    /// `None` of a root.
    level: Option<u8>,
    low: Vec<u8>,
    high: Option<Vec<u8>>,
}

struct Check<'c, 'e> {
    sealed: &'c SealedTxn<'e>,
    txn: &'c Txn<'e>,
    care: &'c dyn Care,
    found: &'c mut dyn FnMut(PageProblem),
    problems: u64,
    owned: HashSet<u64, BuildHasherDefault<IdHasher>>,
    total: usize,
}

/// Checks the blocks and the records in clear that a transaction sees, and tells `found` what is
/// wrong.
///
/// # Errors
/// `ABORTED`, and those of LMDB.
pub(crate) fn check_blocks(
    sealed: &SealedTxn<'_>,
    txn: &Txn<'_>,
    care: &dyn Care,
    found: &mut dyn FnMut(PageProblem),
) -> Result<()> {
    let total = usize::try_from(txn.entries(sealed.places.blocks)?).unwrap_or(usize::MAX);
    let owned = HashSet::default();
    copies::check(txn, sealed.places, found)?;
    let mut check = Check { sealed, txn, care, found, problems: 0, owned, total };
    for tree in 0..TREES {
        check.tree(sealed.store.root(tree))?;
    }
    // Below a block that cannot be read others may lie.
    if check.problems == 0 && check.owned.len() != total {
        let count = total.abs_diff(check.owned.len());
        let message = format!("blocks belong to nothing, and are lost space: {count}");
        check.report(PageProblemKind::Leaked, message);
    }
    Ok(())
}

impl Check<'_, '_> {
    fn report(&mut self, kind: PageProblemKind, message: impl Into<String>) {
        self.problems += 1;
        (self.found)(PageProblem { kind, page: None, message: message.into() });
    }

    /// Takes note of damage, or passes a failure on.
    fn note<T>(&mut self, id: u64, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.code() == ErrorCode::Corrupt => {
                let message = format!("{} (block {id:016x})", error.message());
                self.report(PageProblemKind::Malformed, message);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A block belongs to whoever leads to it first: false if it belongs to somebody.
    fn own(&mut self, id: u64) -> Result<bool> {
        let done = self.owned.len();
        if done.is_multiple_of(STEP) {
            self.care.check_cancelled()?;
            self.care.progress("blocks", done.min(self.total) as u64, self.total as u64);
        }
        let is_new = self.owned.insert(id);
        if !is_new {
            let message = format!("a block has two owners (block {id:016x})");
            self.report(PageProblemKind::Shared, message);
        }
        Ok(is_new)
    }

    fn payload(&self, id: u64) -> Result<Plaintext> {
        let places = self.sealed.places;
        let stored = self.txn.get(places.blocks, &id.to_be_bytes())?.ok_or_else(missing)?;
        let mut payload = Plaintext::zeroed(self.sealed.store.payload());
        self.sealed.store.load_into(self.txn, places, id, stored, payload.bytes_mut())?;
        Ok(payload)
    }

    fn tree(&mut self, root: u64) -> Result<()> {
        let mut pending = vec![Place { id: root, level: None, low: Vec::new(), high: None }];
        while let Some(place) = pending.pop() {
            if !self.own(place.id)? {
                continue;
            }
            let node = self.payload(place.id).and_then(|payload| {
                Node::parse(payload).ok_or_else(|| Error::corrupt("a block is no node"))
            });
            let Some(node) = self.note(place.id, node)? else { continue };
            if place.level.is_some_and(|level| level != node.level())
                || !node.is_within(&place.low, place.high.as_deref())
            {
                let message = format!(
                    "keys are out of order, or not those that are led to (block {:016x})",
                    place.id
                );
                self.report(PageProblemKind::Order, message);
                continue;
            }
            if node.is_leaf() {
                self.blobs(&node)?;
            } else {
                push_children(&node, &place, &mut pending);
            }
        }
        Ok(())
    }

    fn blobs(&mut self, leaf: &Node) -> Result<()> {
        for at in 0..leaf.count() {
            let Value::Blob(blob) = leaf.value(at) else { continue };
            let count = blob.len.div_ceil(self.sealed.store.payload() as u64).max(1);
            // One that names more blocks than there are would be authentic all the same.
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            for id in (blob.id..).take(count.min(self.total)) {
                if self.own(id)? {
                    let part = self.payload(id);
                    self.note(id, part)?;
                }
            }
        }
        Ok(())
    }
}

fn key_of(node: &Node, at: usize) -> Vec<u8> {
    [node.prefix(), node.rest(at)].concat()
}

fn push_children(node: &Node, place: &Place, pending: &mut Vec<Place>) {
    for at in (0..=node.count()).rev() {
        let low = at.checked_sub(1).map_or_else(|| place.low.clone(), |at| key_of(node, at));
        let high = (at < node.count()).then(|| key_of(node, at)).or_else(|| place.high.clone());
        pending.push(Place { id: node.child(at), level: Some(node.level() - 1), low, high });
    }
}
