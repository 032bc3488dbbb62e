//! Many changes of one tree in ascending order of their keys.

use super::Tree;
use super::raw_key::{PartKey, with_joined};
use crate::error::Result;
use crate::storage::lmdb::{Code, PutMode};
use crate::storage::txn::WriteTxn;

/// A change of a tree.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Inserts or replaces.
    Put {
        /// The key.
        key: &'a [u8],
        /// The value.
        value: &'a [u8],
        /// Whether the key is believed to be above every key of the tree (see [`Tree::append`]).
        above: bool,
    },
    /// Removes.
    Delete(&'a [u8]),
}

impl<'a> Change<'a> {
    fn key(&self) -> &'a [u8] {
        match self {
            Change::Put { key, .. } | Change::Delete(key) => key,
        }
    }
}

/// How far changes got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// All were made.
    All,
    /// A key that was to be removed is not there; the changes after it were not made.
    Missing,
}

impl Tree {
    /// Makes changes, best in ascending order of their keys: a key on the same page as the one
    /// before is found without a search from the root.
    pub fn apply<'a>(
        &self,
        txn: &mut WriteTxn<'_>,
        changes: impl Iterator<Item = Change<'a>>,
    ) -> Result<Applied> {
        if txn.sealed().is_some() || txn.has_redo() {
            return self.apply_one_by_one(txn, changes);
        }
        let (dbi, prefix) = (txn.dbi(self.table), self.id.prefix());
        let mut changes = changes.peekable();
        while changes.peek().is_some() {
            let mut cursor = txn.raw_mut().write_cursor(dbi)?;
            while let Some(change) =
                changes.next_if(|change| PartKey::split(&prefix, change.key()).is_none())
            {
                let done = with_joined(&prefix, change.key(), |raw| match change {
                    Change::Put { value, above, .. } => {
                        if above {
                            match cursor.put(raw, value, PutMode::Append) {
                                Err(Code::KEY_EXISTS) => {}
                                done => return done.map(|()| true),
                            }
                        }
                        cursor.put(raw, value, PutMode::Upsert).map(|()| true)
                    }
                    Change::Delete(_) => cursor.delete(raw),
                })?;
                if !done {
                    return Ok(Applied::Missing);
                }
            }
            drop(cursor);
            // A long key takes its own way.
            match changes.next() {
                Some(Change::Put { key, value, .. }) => self.put(txn, key, value)?,
                Some(Change::Delete(key)) if !self.delete(txn, key)? => {
                    return Ok(Applied::Missing);
                }
                _ => {}
            }
        }
        Ok(Applied::All)
    }

    fn apply_one_by_one<'a>(
        &self,
        txn: &mut WriteTxn<'_>,
        changes: impl Iterator<Item = Change<'a>>,
    ) -> Result<Applied> {
        for change in changes {
            match change {
                Change::Put { key, value, .. } => self.put(txn, key, value)?,
                Change::Delete(key) if !self.delete(txn, key)? => return Ok(Applied::Missing),
                Change::Delete(_) => {}
            }
        }
        Ok(Applied::All)
    }
}
