//! Index entries that wait to be written: sorted, neighbours share pages and the search for them.

use super::bounds::{Bounds, Place};
use super::entry::{self, EntryKind};
use super::failure::{Failure, Outcome};
use super::plan::add_counts;
use crate::catalog::{Catalog, IndexDef, StoreDef};
use crate::error::Error;
use crate::fault::{self, Defect};
use crate::storage::tree::{Applied, Change};
use crate::storage::{TreeId, WriteTxn};

/// Changes are written once they take this many bytes.
const MAX_BYTES: usize = 4 << 20;
/// In a run of fewer entries of one tree, it does not pay to look up where the tree ends.
const APPEND_RUN: usize = 8;

/// Changes of index entries in the order in which they were made.
#[derive(Debug, Default)]
pub struct Pending {
    /// The entries' keys, back to back.
    keys: Vec<u8>,
    changes: Vec<PendingChange>,
}

#[derive(Debug, Clone, Copy)]
struct PendingChange {
    tree: TreeId,
    /// The key's first bytes, as a number of the same order.
    head: u128,
    /// Where the key is. Starts ascend in the order of the changes.
    start: usize,
    end: usize,
    kind: EntryKind,
    insert: bool,
}

impl Pending {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether it is time to write.
    pub fn is_full(&self) -> bool {
        self.keys.len() + self.changes.len() * size_of::<PendingChange>() >= MAX_BYTES
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.changes.clear();
    }

    /// Adds a change: an entry that comes, or goes.
    #[inline]
    pub fn push(&mut self, tree: TreeId, key: &[u8], kind: EntryKind, insert: bool) {
        if insert && fault::occurs(Defect::IndexEntryDropped) {
            return;
        }
        let start = self.keys.len();
        self.keys.extend_from_slice(key);
        let end = self.keys.len();
        self.changes.push(PendingChange { tree, head: head(key), start, end, kind, insert });
    }

    /// Writes the changes and forgets them.
    ///
    /// # Errors
    /// Only fatal ones. `CORRUPT` if an entry that has to go is not there.
    pub fn flush(
        &mut self,
        txn: &mut WriteTxn<'_>,
        catalog: &Catalog,
        bounds: &mut Bounds,
    ) -> Outcome<()> {
        let Self { keys, changes } = self;
        let key = |change: &PendingChange| keys.get(change.start..change.end).unwrap_or_default();
        changes.sort_unstable_by(|left, right| {
            (left.tree, left.head)
                .cmp(&(right.tree, right.head))
                .then_with(|| key(left).cmp(key(right)))
                .then_with(|| left.start.cmp(&right.start))
        });
        for run in changes.chunk_by(|left, right| left.tree == right.tree) {
            let Some((first, last)) = run.first().zip(run.last()) else { continue };
            let (store, index) = find_index(catalog, first.tree).map_err(Failure::midway)?;
            let tree = entry::entries(first.tree);
            // What is in ascending order and above everything is appended.
            let mut append = run.len() >= APPEND_RUN
                && bounds.place(txn, tree, key(last)).map_err(Failure::midway)?
                    == Place::Above { append: true };
            let mut deltas = [0_i64; EntryKind::COUNT];
            let values = EntryKind::VALUES;
            let steps = run.iter().map(|change| {
                let delta = if change.insert { 1 } else { -1 };
                if let Some(sum) = deltas.get_mut(change.kind as usize) {
                    *sum += delta;
                }
                let key = key(change);
                append = append && change.insert;
                let above = append && bounds.known_place(tree.id, key) != Place::Anywhere;
                let value = values.get(change.kind as usize).map_or(&[][..], |value| value);
                if change.insert { Change::Put { key, value, above } } else { Change::Delete(key) }
            });
            match tree.apply(txn, steps).map_err(Failure::midway)? {
                Applied::All => {}
                Applied::Missing => return Err(Failure::midway(missing(store, index))),
            }
            bounds.wrote(tree.id, key(last));
            for (kind, delta) in EntryKind::ALL.into_iter().zip(deltas) {
                if delta != 0 {
                    add_counts(txn, index, kind, delta);
                }
            }
        }
        self.clear();
        Ok(())
    }
}

/// The first 16 bytes, the missing ones as 0.
#[inline]
fn head(key: &[u8]) -> u128 {
    match key.first_chunk() {
        Some(head) => u128::from_be_bytes(*head),
        None => {
            let mut head = [0; 16];
            for (to, from) in head.iter_mut().zip(key) {
                *to = *from;
            }
            u128::from_be_bytes(head)
        }
    }
}

fn find_index(catalog: &Catalog, tree: TreeId) -> Result<(&StoreDef, &IndexDef), Error> {
    let mut indexes = catalog
        .stores()
        .flat_map(|store| store.indexes.iter().map(move |index| (&**store, &**index)));
    indexes
        .find(|(_, index)| index.tree == tree)
        .ok_or_else(|| Error::corrupt("an index that was written to is not in the catalog"))
}

/// An entry that has to go is not there.
pub fn missing(store: &StoreDef, index: &IndexDef) -> Error {
    Error::corrupt(format!(
        "index {:?} of store {:?} lacks an entry of a document; delete the index and create it \
         again",
        index.name, store.name
    ))
    .with_store(store.name.to_string())
    .with_index(index.name.to_string())
}
