//! Cursors.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use lmdb_master_sys as ffi;

use super::page_cursor::PageCursor;
use super::{Code, Dbi, LmdbResult, PutMode, RwTxn, Txn, check, empty_val, from_val, to_val};

/// An entry: key and value.
pub type Entry<'t> = (&'t [u8], &'t [u8]);

/// A position in a tree. Entries live as long as the transaction's borrow.
pub struct Cursor<'t>(Kind<'t>);

#[expect(clippy::large_enum_variant, reason = "cursors live on the stack for one scan")]
enum Kind<'t> {
    /// Over the pages of a snapshot.
    Pages(PageCursor<'t>),
    /// Of a write transaction, or over a tree of LMDB's own.
    Lmdb(LmdbCursor<'t>),
}

impl<'t> Cursor<'t> {
    pub(super) fn open(txn: &'t Txn<'_>, dbi: Dbi) -> LmdbResult<Self> {
        Ok(Self(match txn.pages(dbi)? {
            Some(tree) => Kind::Pages(PageCursor::new(tree)),
            None => Kind::Lmdb(LmdbCursor::open(txn, dbi)?),
        }))
    }

    /// The first entry.
    pub fn first(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        match &mut self.0 {
            Kind::Pages(cursor) => cursor.first(),
            Kind::Lmdb(cursor) => cursor.step(&[], ffi::MDB_FIRST),
        }
    }

    /// The last entry.
    pub fn last(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        match &mut self.0 {
            Kind::Pages(cursor) => cursor.last(),
            Kind::Lmdb(cursor) => cursor.step(&[], ffi::MDB_LAST),
        }
    }

    /// The entry after the position; the first one if there is no position yet.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "entries are lent, and may fail")]
    pub fn next(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        match &mut self.0 {
            Kind::Pages(cursor) => cursor.next(),
            Kind::Lmdb(cursor) => cursor.step(&[], ffi::MDB_NEXT),
        }
    }

    /// The entry before the position; the last one if there is no position yet.
    #[inline]
    pub fn prev(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        match &mut self.0 {
            Kind::Pages(cursor) => cursor.prev(),
            Kind::Lmdb(cursor) => cursor.step(&[], ffi::MDB_PREV),
        }
    }

    /// The entry at the position.
    pub fn current(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        match &mut self.0 {
            Kind::Pages(cursor) => cursor.current(),
            Kind::Lmdb(cursor) => cursor.step(&[], ffi::MDB_GET_CURRENT),
        }
    }

    /// The first entry whose key is `key` or above.
    pub fn seek(&mut self, key: &[u8]) -> LmdbResult<Option<Entry<'t>>> {
        match &mut self.0 {
            Kind::Pages(cursor) => cursor.seek(key),
            Kind::Lmdb(cursor) => cursor.step(key, ffi::MDB_SET_RANGE),
        }
    }

    /// Visits the entries from the position on whose keys are below `end` (`None`: all that are
    /// left), while `visit` returns true; gives the entry for which it did not, which the position
    /// is then at.
    ///
    /// # Errors
    /// Those of `visit`.
    #[inline]
    pub fn visit_below<E: From<Code>>(
        &mut self,
        end: Option<&[u8]>,
        visit: impl FnMut(Entry<'t>) -> Result<bool, E>,
    ) -> Result<Option<Entry<'t>>, E> {
        match &mut self.0 {
            Kind::Pages(cursor) => cursor.visit_below(end, visit),
            Kind::Lmdb(cursor) => cursor.visit_below(end, visit),
        }
    }
}

/// A cursor of LMDB's.
struct LmdbCursor<'t> {
    ptr: NonNull<ffi::MDB_cursor>,
    txn: PhantomData<&'t Txn<'t>>,
}

impl<'t> LmdbCursor<'t> {
    fn open(txn: &'t Txn<'_>, dbi: Dbi) -> LmdbResult<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the transaction is alive, and outlives the cursor ('t).
        check(unsafe { ffi::mdb_cursor_open(txn.ptr.as_ptr(), dbi.handle, &mut raw) })?;
        let ptr = NonNull::new(raw).ok_or(Code::new(libc::ENOMEM))?;
        Ok(Self { ptr, txn: PhantomData })
    }

    fn step(&mut self, key: &[u8], op: ffi::MDB_cursor_op) -> LmdbResult<Option<Entry<'t>>> {
        let mut key = to_val(key);
        let mut value = empty_val();
        // SAFETY: cursor and transaction are alive.
        match unsafe { ffi::mdb_cursor_get(self.ptr.as_ptr(), &mut key, &mut value, op) } {
            // SAFETY: LMDB has filled both in, and the transaction is borrowed for 't, so that
            // nothing changes under them.
            0 => Ok(Some(unsafe { (from_val(key), from_val(value)) })),
            ffi::MDB_NOTFOUND => Ok(None),
            code => Err(Code::new(code)),
        }
    }

    fn visit_below<E: From<Code>>(
        &mut self,
        end: Option<&[u8]>,
        mut visit: impl FnMut(Entry<'t>) -> Result<bool, E>,
    ) -> Result<Option<Entry<'t>>, E> {
        let mut found = self.step(&[], ffi::MDB_GET_CURRENT)?;
        while let Some(entry) = found.filter(|(key, _)| end.is_none_or(|end| *key < end)) {
            if !visit(entry)? {
                return Ok(Some(entry));
            }
            found = self.step(&[], ffi::MDB_NEXT)?;
        }
        Ok(None)
    }
}

impl Drop for LmdbCursor<'_> {
    fn drop(&mut self) {
        // SAFETY: the cursor is alive and not used again; its transaction is alive ('t).
        unsafe { ffi::mdb_cursor_close(self.ptr.as_ptr()) }
    }
}

/// A position in a tree that is written to.
///
/// A key on the page of the last one is found there, without a search from the root.
pub struct WriteCursor<'t> {
    cursor: LmdbCursor<'t>,
    /// Counts what is changed.
    changes: &'t std::cell::Cell<u64>,
    /// Nothing else changes the transaction meanwhile.
    txn: PhantomData<&'t mut RwTxn<'t>>,
}

impl<'t> WriteCursor<'t> {
    pub(super) fn open(txn: &'t mut RwTxn<'_>, dbi: Dbi) -> LmdbResult<Self> {
        let txn: &'t RwTxn<'_> = txn;
        let (cursor, changes) = (LmdbCursor::open(txn, dbi)?, txn.counter());
        Ok(Self { cursor, changes, txn: PhantomData })
    }

    /// Writes an entry.
    #[inline]
    pub fn put(&mut self, key: &[u8], value: &[u8], mode: PutMode) -> LmdbResult<()> {
        self.changes.set(self.changes.get() + 1);
        let (mut key, mut value) = (to_val(key), to_val(value));
        let ptr = self.cursor.ptr.as_ptr();
        // SAFETY: cursor and transaction are alive; LMDB copies both slices before it returns, and
        // nothing that it lent before is held (`&mut self`, and this type lends nothing).
        check(unsafe { ffi::mdb_cursor_put(ptr, &mut key, &mut value, mode.flags()) })
    }

    /// Removes an entry; false if it was not there.
    #[inline]
    pub fn delete(&mut self, key: &[u8]) -> LmdbResult<bool> {
        if self.cursor.step(key, ffi::MDB_SET)?.is_none() {
            return Ok(false);
        }
        self.changes.set(self.changes.get() + 1);
        // SAFETY: as in `put`; the cursor is at the entry.
        check(unsafe { ffi::mdb_cursor_del(self.cursor.ptr.as_ptr(), 0) })?;
        Ok(true)
    }
}
