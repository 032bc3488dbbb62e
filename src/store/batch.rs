//! Index entries of many documents, sorted before they are written: neighbours share pages.

use super::bounds::{Bounds, Place};
use super::entry::{self, is_visible};
use super::extract::{self, EntryList, EntryRef};
use super::plan::add_counts;
use super::unique;
use crate::catalog::{IndexDef, StoreDef};
use crate::error::Result;
use crate::storage::{ReadTxn, WriteTxn};
use crate::value::ShapeTable;

/// New entries of one index.
#[derive(Debug, Default)]
pub struct EntryBatch {
    bytes: Vec<u8>,
    entries: Vec<EntryRef>,
    one: EntryList,
}

impl EntryBatch {
    /// How many bytes the entries take.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<EntryRef>()
    }

    /// Adds the entries of a document; none of them if that fails.
    pub fn add(
        &mut self,
        index: &IndexDef,
        document: &[u8],
        primary_key: &[u8],
        shapes: &ShapeTable,
    ) -> Result<()> {
        let start = self.bytes.len();
        self.one.clear();
        let out = (&mut self.bytes, &mut self.one);
        match extract::entries(index, document, primary_key, shapes, out) {
            Ok(()) => {
                self.entries.extend_from_slice(&self.one);
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// Checks the unique rule, writes all entries and becomes empty.
    ///
    /// # Errors
    /// `UNIQUE_VIOLATION`.
    pub fn write(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: &StoreDef,
        index: &IndexDef,
        bounds: &mut Bounds,
    ) -> Result<()> {
        let bytes = &self.bytes;
        let key = |entry: &EntryRef| bytes.get(entry.key()).unwrap_or_default();
        self.entries.sort_unstable_by(|left, right| key(left).cmp(key(right)));
        if index.unique {
            self.check_unique(txn, store, index, bounds)?;
        }
        let tree = entry::entries(index.tree);
        for entry in &self.entries {
            let key = key(entry);
            match bounds.place(txn, tree, key)? {
                Place::Above { append: true } => tree.append(txn, key, &[entry.kind as u8])?,
                _ => tree.put(txn, key, &[entry.kind as u8])?,
            }
            bounds.wrote(tree.id, key);
            add_counts(txn, index, entry.kind, 1);
        }
        self.entries.clear();
        self.bytes.clear();
        Ok(())
    }

    /// Checks the sorted entries against each other and against the tree.
    fn check_unique(
        &self,
        txn: &ReadTxn<'_>,
        store: &StoreDef,
        index: &IndexDef,
        bounds: &mut Bounds,
    ) -> Result<()> {
        let tree = entry::entries(index.tree);
        let bytes = |range| self.bytes.get(range).unwrap_or_default();
        let mut before: Option<&EntryRef> = None;
        for entry in &self.entries {
            if entry.has_null || !is_visible(index, entry.kind) {
                continue;
            }
            let index_key = bytes(entry.index_key());
            let primary_key = bytes(entry.primary_key());
            if let Some(other) = before.filter(|before| bytes(before.index_key()) == index_key) {
                let other = bytes(other.primary_key());
                return Err(unique::violation(store, index, primary_key, other));
            }
            if bounds.place(txn, tree, index_key)? == Place::Anywhere
                && let Some(other) = unique::find_conflict(txn, index, index_key, primary_key)?
            {
                return Err(unique::violation(store, index, primary_key, &other));
            }
            before = Some(entry);
        }
        Ok(())
    }
}
