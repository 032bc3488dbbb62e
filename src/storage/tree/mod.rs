//! Logical trees: ordered maps from keys of any length to values, as key prefixes of the LMDB
//! trees.
//!
//! A key is stored under the tree's prefix and its own bytes. Where that exceeds
//! [`MAX_DIRECT`] bytes, it goes to a bucket of long keys with the same beginning (`bucket`), whose
//! LMDB key sorts right after a direct key of these bytes; so the order of all keys is exact.
//!
//! In a sealed database the same entries stand in trees of sealed blocks
//! ([`sealed`](super::sealed)) instead of LMDB's own.

mod apply;
mod bucket;
mod cursor;
mod get_each;
mod ordinal;
mod part;
mod raw_cursor;
mod raw_key;

pub use apply::{Applied, Change};
pub use cursor::{Entry, TreeCursor};
pub(crate) use get_each::Lookups;
pub(crate) use raw_cursor::RawCursor;
pub use raw_key::MAX_DIRECT;
pub(crate) use raw_key::with_joined;

use raw_key::PartKey;

use super::lmdb::PutMode;
use super::tree_id::TreeId;
use super::txn::{ReadTxn, Table, WriteTxn};
use crate::error::{Error, Result};

/// A logical tree. It exists as soon as its id does, and begins empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tree {
    /// The LMDB tree that holds it.
    pub table: Table,
    /// Its id.
    pub id: TreeId,
}

impl Tree {
    /// The value under `key`.
    ///
    /// # Errors
    /// `CORRUPT` if a bucket is malformed.
    #[inline]
    pub fn get<'t>(&self, txn: &'t ReadTxn<'_>, key: &[u8]) -> Result<Option<&'t [u8]>> {
        let prefix = self.id.prefix();
        if let Some((bucket, rest)) = PartKey::split(&prefix, key) {
            return bucket::get(txn, self.table, bucket, rest);
        }
        with_joined(&prefix, key, |raw| txn.value(self.table, raw))
    }

    /// What `f` makes of the value under `key`, and of prefix and key in one piece.
    ///
    /// # Errors
    /// `CORRUPT` if a bucket is malformed; those of `f`.
    #[inline]
    pub(crate) fn get_with<'t, T>(
        &self,
        txn: &'t ReadTxn<'_>,
        key: &[u8],
        f: impl FnOnce(&[u8], &'t [u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        let prefix = self.id.prefix();
        with_joined(&prefix, key, |raw| {
            let found = match PartKey::split(&prefix, key) {
                Some((bucket, rest)) => bucket::get(txn, self.table, bucket, rest)?,
                None => txn.value(self.table, raw)?,
            };
            found.map(|value| f(raw, value)).transpose()
        })
    }

    /// What `f` makes of the value under `key`, which is lent to it alone. Unlike [`Tree::get`]
    /// this keeps nothing in memory until the transaction ends, whatever the kind of the database:
    /// for those who look at very many values.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn look<T>(
        &self,
        txn: &ReadTxn<'_>,
        key: &[u8],
        f: impl FnOnce(Option<&[u8]>) -> T,
    ) -> Result<T> {
        if txn.sealed().is_none() {
            return Ok(f(self.get(txn, key)?));
        }
        let mut cursor = self.cursor(txn)?;
        let found = cursor.seek(key)?.filter(|entry| entry.key == key);
        Ok(f(found.map(|entry| entry.value)))
    }

    /// Inserts or replaces.
    pub fn put(&self, txn: &mut WriteTxn<'_>, key: &[u8], value: &[u8]) -> Result<()> {
        self.put_with(txn, key, value.len(), |out| out.copy_from_slice(value))
    }

    /// Inserts or replaces a value of `len` bytes, all of which `fill` writes where they are
    /// stored.
    pub fn put_with(
        &self,
        txn: &mut WriteTxn<'_>,
        key: &[u8],
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<()> {
        self.write(txn, key, len, &[PutMode::Upsert], fill)
    }

    /// Inserts or replaces, where the caller believes that `key` is above every key of the tree.
    ///
    /// If it is above every key of the whole LMDB tree, pages fill up and no search is needed;
    /// otherwise this is [`Tree::put`].
    pub fn append(&self, txn: &mut WriteTxn<'_>, key: &[u8], value: &[u8]) -> Result<()> {
        self.append_with(txn, key, value.len(), |out| out.copy_from_slice(value))
    }

    /// [`Tree::append`] with a value that is written where it is stored, as in
    /// [`Tree::put_with`].
    pub fn append_with(
        &self,
        txn: &mut WriteTxn<'_>,
        key: &[u8],
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<()> {
        self.write(txn, key, len, &[PutMode::Append, PutMode::Upsert], fill)
    }

    /// Writes in the first mode that LMDB accepts.
    fn write(
        &self,
        txn: &mut WriteTxn<'_>,
        key: &[u8],
        len: usize,
        modes: &[PutMode],
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<()> {
        let prefix = self.id.prefix();
        if let Some((bucket, rest)) = PartKey::split(&prefix, key) {
            let mut fill = Some(fill);
            return bucket::put(txn, self.table, bucket, rest, len, &mut |out| {
                if let Some(fill) = fill.take() {
                    fill(out);
                }
            });
        }
        with_joined(&prefix, key, |raw| txn.write(self.table, raw, len, modes, fill))
    }

    /// Removes an entry; false if it was not there.
    pub fn delete(&self, txn: &mut WriteTxn<'_>, key: &[u8]) -> Result<bool> {
        let prefix = self.id.prefix();
        if let Some((bucket, rest)) = PartKey::split(&prefix, key) {
            return bucket::delete(txn, self.table, bucket, rest);
        }
        with_joined(&prefix, key, |raw| txn.remove(self.table, raw))
    }

    /// About how many entries have keys from `from` on, below `to` (`None`: up to the end); at most
    /// `enough`, to which a write transaction counts one by one. A bucket's part counts as one.
    ///
    /// # Errors
    /// `CORRUPT` if a page is.
    pub fn estimate(
        &self,
        txn: &ReadTxn<'_>,
        from: &[u8],
        to: Option<&[u8]>,
        enough: u64,
    ) -> Result<u64> {
        let prefix = self.id.prefix();
        let raw = |key: &[u8]| {
            let mut raw = [&*prefix, key].concat();
            raw.truncate(MAX_DIRECT);
            raw
        };
        let low = raw(from);
        let high = match to {
            Some(to) => Some(raw(to)),
            None => crate::key::successor_prefix(prefix.to_vec()),
        };
        if let Some(distance) = txn.distance(self.table, &low, high.as_deref())? {
            return Ok(distance.min(enough));
        }
        let mut count = 0;
        let mut cursor = self.cursor(txn)?;
        cursor.seek(from)?;
        cursor.visit_below(to, |_| {
            count += 1;
            Ok(count < enough)
        })?;
        Ok(count)
    }

    /// A cursor, not yet at an entry.
    pub fn cursor<'t>(&self, txn: &'t ReadTxn<'_>) -> Result<TreeCursor<'t>> {
        TreeCursor::open(*self, txn)
    }

    /// Whether no tree behind this one, in the LMDB tree that both are in, has entries.
    pub(crate) fn is_last(&self, txn: &ReadTxn<'_>) -> Result<bool> {
        let prefix = self.id.prefix();
        let mut cursor = RawCursor::open(txn, self.table)?;
        cursor.last()?;
        let last = cursor.entry();
        Ok(last.is_none_or(|(raw, _)| raw < &*prefix || raw.starts_with(&prefix)))
    }

    /// Whether the tree has no entries.
    pub fn is_empty(&self, txn: &ReadTxn<'_>) -> Result<bool> {
        Ok(self.cursor(txn)?.first()?.is_none())
    }

    /// Removes up to `max_entries` LMDB entries, the lowest first; a bucket's part counts as one.
    /// True if none is left.
    ///
    /// For trees that nobody reads any more: what is left over while it is true is no longer whole.
    pub fn delete_some(&self, txn: &mut WriteTxn<'_>, max_entries: usize) -> Result<bool> {
        let prefix = self.id.prefix();
        let mut left = max_entries;
        loop {
            let keys = first_keys(txn, self.table, &prefix, left.min(SWEEP_CHUNK))?;
            if keys.is_empty() {
                return self.is_empty(txn);
            }
            for key in &keys {
                txn.remove(self.table, key)?;
            }
            left -= keys.len();
        }
    }
}

/// The ids of the trees that have entries in an LMDB tree, in order.
///
/// # Errors
/// `CORRUPT` if a key has none, or a page is damaged.
pub fn ids(txn: &ReadTxn<'_>, table: Table) -> Result<Vec<TreeId>> {
    let mut ids = Vec::new();
    let mut cursor = RawCursor::open(txn, table)?;
    cursor.seek(&[])?;
    while let Some((raw, _)) = cursor.entry() {
        let (id, _) =
            TreeId::read(raw)
                .filter(|(id, _)| ids.last().is_none_or(|last| last < id))
                .ok_or_else(|| Error::corrupt("a key belongs to no tree, or is out of order"))?;
        ids.push(id);
        match crate::key::successor_prefix(id.prefix().to_vec()) {
            Some(next) if cursor.seek(&next)? => {}
            _ => break,
        }
    }
    Ok(ids)
}

/// Takes an LMDB entry, which may be damaged, apart: visits tree, key and value, or those of each
/// entry of a bucket's part. `false` if it is of no tree, or a part that is malformed somewhere.
///
/// # Errors
/// Those of `visit`.
pub fn take_apart(
    raw: &[u8],
    value: &[u8],
    mut visit: impl FnMut(TreeId, &[u8], &[u8]) -> Result<()>,
) -> Result<bool> {
    let Some((tree, key)) = TreeId::read(raw) else { return Ok(false) };
    let Ok(bucket) = raw_key::bucket_name(raw) else { return Ok(false) };
    let Some(name) = bucket else {
        visit(tree, key, value)?;
        return Ok(true);
    };
    let Ok(part) = part::Part::parse(value) else { return Ok(false) };
    let mut is_whole = true;
    for at in 0..part.count() {
        let Ok((rest, value)) = part.entry(at) else {
            is_whole = false;
            continue;
        };
        let full = [name, rest].concat();
        match TreeId::read(&full) {
            Some((tree, key)) => visit(tree, key, value)?,
            None => is_whole = false,
        }
    }
    Ok(is_whole)
}

/// How many keys the sweep copies at a time.
const SWEEP_CHUNK: usize = 256;

/// The first `count` LMDB keys that begin with `prefix`.
fn first_keys(
    txn: &ReadTxn<'_>,
    table: Table,
    prefix: &[u8],
    count: usize,
) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    let mut cursor = RawCursor::open(txn, table)?;
    cursor.seek(prefix)?;
    while let Some((raw, _)) = cursor.entry().filter(|(raw, _)| raw.starts_with(prefix)) {
        if keys.len() == count {
            break;
        }
        keys.push(raw.to_vec());
        cursor.next()?;
    }
    Ok(keys)
}
