//! Transactions over the four trees, with exact counts that commit with the data.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ops::Deref;
use std::sync::Arc;

use super::care::Care;
use super::data_file::PageProblem;
use super::lmdb::{Code, Dbi, PutMode, RwTxn, Txn};
use super::meta;
use super::redo::Redo;
use super::sealed::{self, Lent, Memo, Places, SealedStore, SealedTxn, check_blocks};
use super::tree_id::TreeId;
use crate::error::{Error, Result};

/// One of the four LMDB trees. Everything else is a key prefix within them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Format, catalog, counts, shapes: records about the data.
    Meta,
    /// Documents. In a sealed database, the blocks of all four trees.
    Docs,
    /// Index entries.
    Index,
    /// The change log. In a sealed database, the copies of what stands in clear.
    Log,
}

impl Table {
    /// All four, in the order in which they are created.
    pub const ALL: [Table; 4] = [Table::Meta, Table::Docs, Table::Index, Table::Log];

    /// The LMDB tree's name.
    pub const fn name(self) -> &'static CStr {
        match self {
            Table::Meta => c"meta",
            Table::Docs => c"docs",
            Table::Index => c"index",
            Table::Log => c"log",
        }
    }
}

/// Handles of the four trees.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    meta: Dbi,
    docs: Dbi,
    index: Dbi,
    log: Dbi,
}

impl Tables {
    /// Opens the four trees; `None` if one of them does not exist.
    pub fn open(txn: &Txn<'_>) -> Result<Option<Self>> {
        let mut found = [None; 4];
        for (slot, table) in found.iter_mut().zip(Table::ALL) {
            *slot = txn.open_tree(table.name())?;
        }
        Ok(match found {
            [Some(meta), Some(docs), Some(index), Some(log)] => {
                Some(Self { meta, docs, index, log })
            }
            _ => None,
        })
    }

    /// Creates the four trees.
    pub fn create(txn: &mut RwTxn<'_>) -> Result<Self> {
        Ok(Self {
            meta: txn.create_tree(Table::Meta.name())?,
            docs: txn.create_tree(Table::Docs.name())?,
            index: txn.create_tree(Table::Index.name())?,
            log: txn.create_tree(Table::Log.name())?,
        })
    }

    /// The handle of one tree.
    #[inline]
    pub const fn dbi(self, table: Table) -> Dbi {
        match table {
            Table::Meta => self.meta,
            Table::Docs => self.docs,
            Table::Index => self.index,
            Table::Log => self.log,
        }
    }

    /// Where a sealed database has its blocks, its records in clear, and their copies.
    /// All of them.
    pub(super) const fn all(self) -> [Dbi; 4] {
        [self.meta, self.docs, self.index, self.log]
    }

    pub(super) const fn places(self) -> Places {
        Places { blocks: self.docs, clear: self.meta, copies: self.log }
    }
}

/// A number that is kept exactly, in the transaction that changes what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// The logical tree that is counted.
    pub tree: TreeId,
    /// 0 counts the tree's entries; other classes belong to the layer that uses the tree.
    pub class: u8,
}

impl Counter {
    /// The counter of a tree's entries.
    pub const fn entries(tree: TreeId) -> Self {
        Self { tree, class: 0 }
    }
}

/// A transaction that reads: a snapshot, or the reading half of a [`WriteTxn`].
pub struct ReadTxn<'e> {
    raw: Txn<'e>,
    tables: Tables,
    /// The four trees, if the database is sealed.
    sealed: Option<Box<SealedTxn<'e>>>,
}

impl<'e> ReadTxn<'e> {
    /// Over a snapshot.
    pub fn new(raw: Txn<'e>, tables: Tables) -> Self {
        Self { raw, tables, sealed: None }
    }

    /// Over a snapshot of a sealed database; `memo` is the snapshot's.
    pub fn of_sealed(raw: Txn<'e>, tables: Tables, store: &'e SealedStore, memo: &'e Memo) -> Self {
        let sealed = SealedTxn::of_snapshot(store, tables.places(), memo);
        Self { raw, tables, sealed: Some(Box::new(sealed)) }
    }

    /// The LMDB transaction.
    #[inline]
    pub fn raw(&self) -> &Txn<'e> {
        &self.raw
    }

    /// The handle of one of the four trees.
    #[inline]
    pub fn dbi(&self, table: Table) -> Dbi {
        self.tables.dbi(table)
    }

    /// Whether what is read was authenticated, and needs no checksums.
    #[inline]
    pub(super) fn is_authentic(&self) -> bool {
        self.sealed.is_some()
    }

    /// Where the database has its records in clear, if it is sealed.
    pub(super) fn places(&self) -> Places {
        self.tables.places()
    }

    /// The trees of a sealed database.
    #[inline]
    pub(super) fn sealed(&self) -> Option<&SealedTxn<'e>> {
        self.sealed.as_deref()
    }

    /// Checks every block, if the database is sealed, and tells `found` what is wrong.
    ///
    /// # Errors
    /// `ABORTED`, and those of LMDB.
    pub fn check_blocks(&self, care: &dyn Care, found: &mut dyn FnMut(PageProblem)) -> Result<()> {
        match &self.sealed {
            None => Ok(()),
            Some(sealed) => check_blocks(sealed, &self.raw, care, found),
        }
    }

    /// The value under a key of at most [`MAX_KEY`](super::tree::MAX_DIRECT) bytes or of a bucket's
    /// part.
    #[inline]
    pub(super) fn value(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        match &self.sealed {
            None => Ok(self.raw.get(self.dbi(table), key)?),
            Some(sealed) => sealed.get(&self.raw, table as usize, key),
        }
    }

    /// Fills `values` with the values under `keys`, of which there are as many. In a sealed
    /// database `lent` keeps them.
    pub(super) fn values<'t>(
        &'t self,
        table: Table,
        keys: &[&[u8]],
        values: &mut [Option<&'t [u8]>],
        lent: &'t Lent,
    ) -> Result<()> {
        let Some(sealed) = &self.sealed else {
            return Ok(self.raw.get_each(self.dbi(table), keys, values)?);
        };
        for (value, key) in values.iter_mut().zip(keys) {
            *value = sealed.get_from(&self.raw, table as usize, key, lent)?;
        }
        Ok(())
    }

    /// About how many entries have keys from `from` on, below `to`; `None` if that is not known.
    pub(super) fn distance(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Result<Option<u64>> {
        match &self.sealed {
            None => Ok(self.raw.distance(self.dbi(table), from, to)?),
            Some(sealed) => sealed.distance(&self.raw, table as usize, from, to).map(Some),
        }
    }

    /// The transaction's id.
    pub fn id(&self) -> u64 {
        self.raw.id()
    }

    /// A counter as this snapshot has it.
    pub fn stored_count(&self, counter: Counter) -> Result<u64> {
        meta::read_count(self, counter)
    }
}

/// After so many changes, a nested transaction is given room. Each changes a path of pages, and
/// there is room for 16,383 changed pages in all.
const MANY_CHANGES: u64 = 2_000;

/// A transaction that writes, at the top or nested.
pub struct WriteTxn<'e> {
    read: ReadTxn<'e>,
    raw: RwTxn<'e>,
    changes: Changes,
    /// What was changed, if that is noted.
    redo: Option<Redo>,
}

/// What a transaction keeps in memory until it commits.
#[derive(Default, Clone)]
struct Changes {
    counts: BTreeMap<Counter, i64>,
    /// Whether the transaction has written [`meta::make_room`]'s record.
    made_room: bool,
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

impl<'e> Deref for WriteTxn<'e> {
    type Target = ReadTxn<'e>;

    fn deref(&self) -> &ReadTxn<'e> {
        &self.read
    }
}

impl<'e> WriteTxn<'e> {
    /// Over an LMDB write transaction.
    pub fn new(raw: RwTxn<'e>, tables: Tables) -> Self {
        Self::with_changes(raw, tables, Changes::default())
    }

    /// Over an LMDB write transaction of a sealed database.
    pub fn of_sealed(raw: RwTxn<'e>, tables: Tables, store: &'e SealedStore) -> Self {
        let mut txn = Self::new(raw, tables);
        txn.read.sealed = Some(Box::new(SealedTxn::of_writer(store, tables.places())));
        txn
    }

    fn with_changes(raw: RwTxn<'e>, tables: Tables, changes: Changes) -> Self {
        // SAFETY: the view is private to this value, is dropped with it, and lends nothing past a
        // change: reads borrow `self`, changes borrow it mutably.
        let read = ReadTxn { raw: unsafe { raw.view() }, tables, sealed: None };
        Self { read, raw, changes, redo: None }
    }

    /// The LMDB transaction, to change it.
    #[inline]
    pub fn raw_mut(&mut self) -> &mut RwTxn<'e> {
        self.lose_redo();
        &mut self.raw
    }

    /// Begins to note what is changed from now on.
    pub(super) fn begin_redo(&mut self) {
        self.redo = Some(Redo::default());
    }

    /// Whether it is noted what is changed.
    pub(super) fn has_redo(&self) -> bool {
        self.redo.is_some()
    }

    /// What was changed since this was called last; `None` if that is not noted, or not all of it.
    pub(super) fn take_redo(&mut self) -> Option<Vec<u8>> {
        self.redo.as_mut()?.take()
    }

    fn lose_redo(&mut self) {
        if let Some(redo) = &mut self.redo {
            redo.lose();
        }
    }

    /// Seals what a record of the journal says, if the database is sealed; it can be opened with
    /// the same `associated` bytes only.
    pub(super) fn seal_changes<'b>(
        &self,
        associated: &[u8],
        bytes: &'b [u8],
    ) -> Result<Cow<'b, [u8]>> {
        match &self.read.sealed {
            None => Ok(Cow::Borrowed(bytes)),
            Some(sealed) => sealed.seal_changes(&self.raw, associated, bytes).map(Cow::Owned),
        }
    }

    /// Runs `work` in a nested transaction: it becomes part of this one if `work` succeeds, and
    /// leaves no trace if it fails.
    pub fn nested<T>(&mut self, work: impl FnOnce(&mut WriteTxn<'_>) -> Result<T>) -> Result<T> {
        if self.read.sealed.is_some() {
            return self.nested_in_sealed(work);
        }
        if self.raw.changes() > MANY_CHANGES {
            meta::make_room(self)?;
            self.changes.made_room = true;
        }
        let tables = self.read.tables;
        let changes = self.changes.clone();
        let mut redo = self.redo.take();
        let end = redo.as_ref().map_or(0, Redo::end);
        let nested = self.raw.nested().map_err(Error::from).and_then(|raw| {
            let mut child = WriteTxn::with_changes(raw, tables, changes);
            child.redo = redo.take();
            let done = work(&mut child);
            let WriteTxn { raw, changes, redo: noted, .. } = child;
            redo = noted;
            let value = done?;
            let made = raw.changes();
            raw.commit()?;
            Ok((value, changes, made))
        });
        if let (Err(_), Some(redo)) = (&nested, &mut redo) {
            redo.undo(end);
        }
        self.redo = redo;
        let (value, changes, made) = nested?;
        self.raw.add_changes(made);
        self.changes = changes;
        Ok(value)
    }

    /// A nested transaction of a sealed database is a layer of changed nodes.
    fn nested_in_sealed<T>(
        &mut self,
        work: impl FnOnce(&mut WriteTxn<'_>) -> Result<T>,
    ) -> Result<T> {
        let changes = self.changes.clone();
        let end = self.redo.as_ref().map_or(0, Redo::end);
        if let Some(sealed) = &mut self.read.sealed {
            sealed.push_layer();
        }
        let result = work(self);
        let Some(sealed) = &mut self.read.sealed else { return result };
        match result {
            Ok(value) => sealed.merge_layer().map(|()| value),
            Err(error) => {
                sealed.discard_layer(&mut self.raw);
                self.changes = changes;
                if let Some(redo) = &mut self.redo {
                    redo.undo(end);
                }
                Err(error)
            }
        }
    }

    /// Inserts or replaces a value of `len` bytes, which `fill` writes, in the first mode that LMDB
    /// accepts.
    pub(super) fn write(
        &mut self,
        table: Table,
        key: &[u8],
        len: usize,
        modes: &[PutMode],
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<()> {
        let redo = &mut self.redo;
        let fill = |out: &mut [u8]| {
            fill(out);
            if let Some(redo) = redo {
                redo.put(table, key, out);
            }
        };
        if let Some(sealed) = &mut self.read.sealed {
            let written = sealed.put(&mut self.raw, table as usize, key, len, fill);
            if written.is_err() {
                self.lose_redo();
            }
            return written;
        }
        let dbi = self.read.dbi(table);
        for &mode in modes {
            match self.raw.reserve(dbi, key, len, mode) {
                Ok(out) => {
                    fill(out);
                    return Ok(());
                }
                Err(Code::KEY_EXISTS) => {}
                Err(code) => return Err(code.into()),
            }
        }
        Err(Code::KEY_EXISTS.into())
    }

    /// Removes an entry; false if it was not there.
    pub(super) fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        let was_there = match &mut self.read.sealed {
            None => self.raw.delete(self.read.tables.dbi(table), key)?,
            Some(sealed) => sealed.delete(&mut self.raw, table as usize, key)?,
        };
        if let Some(redo) = &mut self.redo {
            redo.remove(table, key);
        }
        Ok(was_there)
    }

    /// Seals blocks of a sealed database anew that are of data keys before `target`; tells how many
    /// are damaged, and stay as they are.
    pub(super) fn reseal(&mut self, ids: &[u64], target: u32) -> Result<u64> {
        self.lose_redo();
        match &mut self.read.sealed {
            Some(sealed) => sealed.reseal(&mut self.raw, ids, target),
            None => Ok(0),
        }
    }

    /// Removes some epochs of data keys before `target`; true if more may be left.
    pub(super) fn remove_epochs(&mut self, target: u32) -> Result<bool> {
        self.lose_redo();
        let places = self.read.tables.places();
        sealed::remove_epochs(&mut self.raw, places, target)
    }

    /// Does a part of the commit's work, while there is nothing else to do: of a sealed database;
    /// false if there is none.
    pub(super) fn work_ahead(&mut self) -> Result<bool> {
        match &mut self.read.sealed {
            None => Ok(false),
            Some(sealed) => sealed.flush_ahead(&mut self.raw),
        }
    }

    /// Lets go of what the values that were read are lent from; in a sealed database they take
    /// memory until then, or until the next change.
    pub fn release(&mut self) {
        if let Some(sealed) = &mut self.read.sealed {
            sealed.release();
        }
    }

    /// Changes a counter; written when the outermost transaction commits.
    pub fn add_count(&mut self, counter: Counter, delta: i64) {
        *self.changes.counts.entry(counter).or_default() += delta;
        if let Some(redo) = &mut self.redo {
            redo.count(counter, delta);
        }
    }

    /// A counter, with this transaction's changes.
    pub fn count(&self, counter: Counter) -> Result<u64> {
        let delta = self.changes.counts.get(&counter).copied().unwrap_or(0);
        add(self.stored_count(counter)?, delta, counter)
    }

    /// The value that a higher layer keeps with the transaction. A nested transaction inherits it,
    /// and hands it on when it commits.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.changes.extension.clone()?.downcast().ok()
    }

    /// Sets the value that a higher layer keeps with the transaction.
    pub fn set_extension(&mut self, extension: Arc<dyn Any + Send + Sync>) {
        self.changes.extension = Some(extension);
    }

    /// A tree id that no tree has ever had.
    pub fn allocate_tree_id(&mut self) -> Result<TreeId> {
        meta::allocate_tree_id(self)
    }

    /// Commits, counts included. After an error nothing of the transaction is left.
    pub fn commit(mut self) -> Result<()> {
        self.complete()?;
        Ok(self.raw.commit()?)
    }

    /// Writes what has been kept back until the commit; false if nothing at all has been changed.
    pub(super) fn complete(&mut self) -> Result<bool> {
        self.redo = None;
        if std::mem::take(&mut self.changes.made_room) {
            meta::remove_room(self)?;
        }
        for (counter, delta) in std::mem::take(&mut self.changes.counts) {
            if delta != 0 {
                let count = add(self.stored_count(counter)?, delta, counter)?;
                meta::write_count(self, counter, count)?;
            }
        }
        if let Some(sealed) = &mut self.read.sealed {
            sealed.flush(&mut self.raw)?;
        }
        Ok(self.raw.changes() > 0)
    }
}

fn add(count: u64, delta: i64, counter: Counter) -> Result<u64> {
    count.checked_add_signed(delta).ok_or_else(|| {
        Error::corrupt(format!(
            "the count of tree {} (class {}) would fall below zero; run verify",
            counter.tree.0, counter.class
        ))
    })
}
