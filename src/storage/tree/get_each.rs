//! Several lookups at once.

use super::Tree;
use crate::error::Result;
use crate::storage::lmdb::TOGETHER;
use crate::storage::sealed::Lent;
use crate::storage::txn::ReadTxn;

/// Keys that are looked up together, up to [`Lookups::MAX`], with the tree's prefix before each.
///
/// Its memory is kept from one group to the next.
pub(crate) struct Lookups {
    tree: Tree,
    prefix_len: usize,
    /// Prefix and key, one after the other.
    raw: Vec<u8>,
    ends: [usize; TOGETHER],
    count: usize,
    /// What the values that were found are lent from in a sealed database, however many groups one
    /// transaction looks up.
    lent: Lent,
}

impl Lookups {
    /// How many keys there can be.
    pub(crate) const MAX: usize = TOGETHER;

    /// None yet.
    pub(crate) fn new(tree: Tree) -> Self {
        let prefix_len = tree.id.prefix().len();
        Self {
            tree,
            prefix_len,
            raw: Vec::new(),
            ends: [0; TOGETHER],
            count: 0,
            lent: Lent::default(),
        }
    }

    /// Forgets all keys.
    pub(crate) fn clear(&mut self) {
        self.raw.clear();
        self.count = 0;
        self.lent.clear();
    }

    /// Whether there can be no more keys.
    pub(crate) fn is_full(&self) -> bool {
        self.count == Self::MAX
    }

    /// How many nodes of a sealed database are kept for what was found.
    #[cfg(test)]
    pub(crate) fn lent(&self) -> usize {
        self.lent.len()
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Adds a key; there must be room.
    pub(crate) fn push(&mut self, key: &[u8]) {
        if let Some(end) = self.ends.get_mut(self.count) {
            self.raw.extend_from_slice(&self.tree.id.prefix());
            self.raw.extend_from_slice(key);
            *end = self.raw.len();
            self.count += 1;
        }
    }

    /// Prefix and key, in one piece.
    #[inline]
    pub(crate) fn raw(&self, at: usize) -> &[u8] {
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.raw.get(start..end).unwrap_or_default()
    }

    /// A key.
    #[inline]
    pub(crate) fn key(&self, at: usize) -> &[u8] {
        self.raw(at).get(self.prefix_len..).unwrap_or_default()
    }

    /// The values under the keys, in their order.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub(crate) fn find<'t>(&'t self, txn: &'t ReadTxn<'_>) -> Result<[Option<&'t [u8]>; TOGETHER]> {
        let mut values = [None; TOGETHER];
        let mut keys = [&[][..]; TOGETHER];
        let mut any_long = false;
        for (at, key) in keys.iter_mut().enumerate().take(self.count) {
            *key = self.raw(at);
            any_long |= key.len() > super::MAX_DIRECT;
        }
        let (Some(keys), Some(found)) = (keys.get(..self.count), values.get_mut(..self.count))
        else {
            return Ok(values);
        };
        if any_long {
            for (at, value) in found.iter_mut().enumerate() {
                *value = self.tree.get(txn, self.key(at))?;
            }
        } else {
            txn.values(self.tree.table, keys, found, &self.lent)?;
        }
        Ok(values)
    }
}
