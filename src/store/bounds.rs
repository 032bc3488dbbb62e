//! What a write transaction knows about the upper ends of trees.
//!
//! While keys ascend, as in bulk loads, a key above everything in its tree is new, cannot violate a
//! unique index, and can be appended.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::storage::tree::Tree;
use crate::storage::{ReadTxn, TreeId};

/// Upper bounds of trees. They outlive deletes and nested transactions that fail: a bound is only
/// looked up before anything was removed from its tree, and only ever raised.
#[derive(Debug, Default)]
pub struct Bounds(BTreeMap<TreeId, Bound>);

#[derive(Debug)]
enum Bound {
    /// Written to once: not yet worth a look.
    Seen,
    /// Something was removed before the bound was looked up; if that is undone, a bound found now
    /// would be too low.
    Unknowable,
    Known(Upper),
}

#[derive(Debug)]
struct Upper {
    /// Every key of the tree is at or below it; `None`: the tree is empty.
    key: Option<Vec<u8>>,
    /// Whether the tree was the last one in its LMDB tree, so that LMDB can append.
    last_tree: bool,
}

/// What is known of a key before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It may be anywhere.
    Anywhere,
    /// It is above every key of its tree.
    Above {
        /// Whether appending is worth a try.
        append: bool,
    },
}

impl Bounds {
    /// Where `key` stands; looks the bound up if need be.
    #[inline]
    pub fn place(&mut self, txn: &ReadTxn<'_>, tree: Tree, key: &[u8]) -> Result<Place> {
        if matches!(self.0.get(&tree.id), None | Some(Bound::Seen)) {
            self.0.insert(tree.id, Bound::Known(Upper::load(txn, tree)?));
        }
        Ok(self.known_place(tree.id, key))
    }

    /// Where `key` stands, if that is known or the tree has been written to before.
    #[inline]
    pub fn place_if_warm(&mut self, txn: &ReadTxn<'_>, tree: Tree, key: &[u8]) -> Result<Place> {
        if let std::collections::btree_map::Entry::Vacant(entry) = self.0.entry(tree.id) {
            entry.insert(Bound::Seen);
            return Ok(Place::Anywhere);
        }
        self.place(txn, tree, key)
    }

    /// Where `key` stands by what is known already.
    #[inline]
    pub fn known_place(&self, tree: TreeId, key: &[u8]) -> Place {
        match self.0.get(&tree) {
            Some(Bound::Known(upper)) if upper.is_below(key) => {
                Place::Above { append: upper.last_tree }
            }
            _ => Place::Anywhere,
        }
    }

    /// Notes that entries of a tree are about to be removed.
    #[inline]
    pub fn removing(&mut self, tree: TreeId) {
        let bound = self.0.entry(tree).or_insert(Bound::Unknowable);
        if matches!(bound, Bound::Seen) {
            *bound = Bound::Unknowable;
        }
    }

    /// Notes that `key` was written.
    #[inline]
    pub fn wrote(&mut self, tree: TreeId, key: &[u8]) {
        if let Some(Bound::Known(upper)) = self.0.get_mut(&tree)
            && upper.is_below(key)
        {
            let bound = upper.key.get_or_insert_default();
            bound.clear();
            bound.extend_from_slice(key);
        }
    }
}

impl Upper {
    fn load(txn: &ReadTxn<'_>, tree: Tree) -> Result<Self> {
        let key = tree.cursor(txn)?.last()?.map(|entry| entry.key.to_vec());
        Ok(Self { key, last_tree: tree.is_last(txn)? })
    }

    #[inline]
    fn is_below(&self, key: &[u8]) -> bool {
        self.key.as_deref().is_none_or(|bound| bound < key)
    }
}
