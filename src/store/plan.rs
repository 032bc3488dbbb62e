//! The index changes of one document: computed and checked before anything is written.

use super::bounds::{Bounds, Place};
use super::entry::{self, EntryKind, is_visible};
use super::extract::{self, EntryList, EntryRef};
use super::failure::{Failure, Outcome};
use super::pending::{self, Pending};
use super::unique;
use super::vectors::{self, VectorChange, plan_vectors};
use crate::catalog::{IndexDef, StoreDef, VectorDef};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Counter, ReadTxn, WriteTxn};
use crate::value::ShapeTable;

/// Index changes, in buffers that are used again for every document.
#[derive(Debug, Default)]
pub struct Plan {
    /// Entries of all indexes, back to back.
    bytes: Vec<u8>,
    changes: Vec<Change>,
    vectors: Vec<VectorChange>,
    old: EntryList,
    new: EntryList,
}

/// An entry that comes or goes.
#[derive(Debug, Clone, Copy)]
struct Change {
    /// Position of the index in the store's list.
    index: usize,
    action: Action,
    entry: EntryRef,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Insert,
    Remove,
}

impl Plan {
    /// Forgets the last document.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.changes.clear();
        self.vectors.clear();
    }

    /// Adds what has to change in one index when the document under `primary_key` becomes `new`
    /// (`None`: is deleted) where it was `old` (`None`: did not exist).
    pub fn add_index(
        &mut self,
        (position, index): (usize, &IndexDef),
        primary_key: &[u8],
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        shapes: &ShapeTable,
    ) -> Result<()> {
        self.old.clear();
        self.new.clear();
        if let Some(document) = old {
            let out = (&mut self.bytes, &mut self.old);
            extract::entries(index, document, primary_key, shapes, out)?;
        }
        if let Some(document) = new {
            let out = (&mut self.bytes, &mut self.new);
            extract::entries(index, document, primary_key, shapes, out).map_err(malformed)?;
        }
        self.compare(position);
        Ok(())
    }

    /// The same for a vector index. What the document becomes is checked in any case; nothing
    /// changes unless the index `follows`.
    ///
    /// # Errors
    /// `DIMENSION_MISMATCH`, `VALIDATION`, naming the index and the field.
    pub fn add_vectors(
        &mut self,
        (position, index): (usize, &VectorDef),
        follows: bool,
        (old, new): (Option<&[u8]>, Option<&[u8]>),
        shapes: &ShapeTable,
    ) -> Result<()> {
        let change = match new {
            Some(new) => {
                let old = old.filter(|_| follows);
                plan_vectors((position, index), old, new, shapes).map_err(malformed)?
            }
            None => Some(VectorChange { index: position, count: 0 }),
        };
        self.vectors.extend(change.filter(|_| follows));
        Ok(())
    }

    /// Turns the old and new entries of an index, both sorted by key, into changes.
    fn compare(&mut self, index: usize) {
        let (mut old, mut new) = (self.old.iter().peekable(), self.new.iter().peekable());
        let key = |entry: &EntryRef| self.bytes.get(entry.key()).unwrap_or_default();
        loop {
            let (action, entry) = match (old.peek(), new.peek()) {
                (Some(left), Some(right)) => match key(left).cmp(key(right)) {
                    std::cmp::Ordering::Equal if left.kind == right.kind => {
                        old.next();
                        new.next();
                        continue;
                    }
                    std::cmp::Ordering::Greater => (Action::Insert, new.next()),
                    _ => (Action::Remove, old.next()),
                },
                (Some(_), None) => (Action::Remove, old.next()),
                (None, Some(_)) => (Action::Insert, new.next()),
                (None, None) => break,
            };
            let Some(&entry) = entry else { break };
            self.changes.push(Change { index, action, entry });
        }
    }

    /// Checks the unique rule for everything that comes.
    ///
    /// # Errors
    /// `UNIQUE_VIOLATION`.
    pub fn check_unique(
        &self,
        txn: &ReadTxn<'_>,
        store: &StoreDef,
        primary_key: &[u8],
        bounds: &Bounds,
    ) -> Result<()> {
        for change in self.changes.iter().filter(|change| change.action == Action::Insert) {
            let Some(index) = store.indexes.get(change.index).filter(|index| index.unique) else {
                continue;
            };
            if change.entry.has_null || !is_visible(index, change.entry.kind) {
                continue;
            }
            let index_key = self.bytes.get(change.entry.index_key()).unwrap_or_default();
            if bounds.known_place(index.tree, index_key) != Place::Anywhere {
                continue;
            }
            if let Some(other) = unique::find_conflict(txn, index, index_key, primary_key)? {
                return Err(unique::violation(store, index, primary_key, &other));
            }
        }
        Ok(())
    }

    /// Writes the changes of unique indexes, which later operations are checked against, and of
    /// vector indexes; those of other indexes go to `pending`.
    ///
    /// # Errors
    /// Only fatal ones. `CORRUPT` if an entry that has to go is not there.
    pub fn apply(
        &self,
        txn: &mut WriteTxn<'_>,
        (store, primary_key): (&StoreDef, &[u8]),
        bounds: &mut Bounds,
        pending: &mut Pending,
    ) -> Outcome<()> {
        for change in &self.vectors {
            let Some(index) = store.vectors.get(change.index) else { continue };
            vectors::apply(txn, store, index, primary_key, change.count)?;
        }
        for change in &self.changes {
            let Some(index) = store.indexes.get(change.index) else { continue };
            let key = self.bytes.get(change.entry.key()).unwrap_or_default();
            if !index.unique {
                let insert = change.action == Action::Insert;
                if !insert {
                    bounds.removing(index.tree);
                }
                pending.push(index.tree, key, change.entry.kind, insert);
                continue;
            }
            match change.action {
                Action::Insert => insert(txn, index, key, change.entry.kind, bounds)?,
                Action::Remove => remove(txn, store, index, key, bounds)?,
            }
            let delta = if change.action == Action::Insert { 1 } else { -1 };
            add_counts(txn, index, change.entry.kind, delta);
        }
        Ok(())
    }
}

/// Damage in a document that is about to be stored is its caller's mistake.
pub fn malformed(error: Error) -> Error {
    if error.code() != ErrorCode::Corrupt {
        return error;
    }
    Error::new(ErrorCode::InvalidArgument, "the document is malformed").with_cause(error)
}

/// Counts `delta` more entries of a kind.
pub fn add_counts(txn: &mut WriteTxn<'_>, index: &IndexDef, kind: EntryKind, delta: i64) {
    for &class in kind.counted_in() {
        txn.add_count(Counter { tree: index.tree, class }, delta);
    }
}

fn insert(
    txn: &mut WriteTxn<'_>,
    index: &IndexDef,
    key: &[u8],
    kind: EntryKind,
    bounds: &mut Bounds,
) -> Outcome<()> {
    let tree = entry::entries(index.tree);
    let place = bounds.place_if_warm(txn, tree, key).map_err(Failure::midway)?;
    let written = match place {
        Place::Above { append: true } => tree.append(txn, key, &[kind as u8]),
        _ => tree.put(txn, key, &[kind as u8]),
    };
    written.map_err(Failure::midway)?;
    bounds.wrote(index.tree, key);
    Ok(())
}

fn remove(
    txn: &mut WriteTxn<'_>,
    store: &StoreDef,
    index: &IndexDef,
    key: &[u8],
    bounds: &mut Bounds,
) -> Outcome<()> {
    bounds.removing(index.tree);
    if entry::entries(index.tree).delete(txn, key).map_err(Failure::midway)? {
        return Ok(());
    }
    Err(Failure::midway(pending::missing(store, index)))
}
