//! Cursors.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use lmdb_master_sys as ffi;

use super::{Code, Dbi, LmdbResult, Txn, check, empty_val, from_val, to_val};

/// An entry: key and value.
pub type Entry<'t> = (&'t [u8], &'t [u8]);

/// A position in a tree. Entries live as long as the transaction's borrow.
pub struct Cursor<'t> {
    ptr: NonNull<ffi::MDB_cursor>,
    txn: PhantomData<&'t Txn<'t>>,
}

impl<'t> Cursor<'t> {
    pub(super) fn open(txn: &'t Txn<'_>, dbi: Dbi) -> LmdbResult<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the transaction is alive, and outlives the cursor ('t).
        check(unsafe { ffi::mdb_cursor_open(txn.ptr.as_ptr(), dbi.0, &mut raw) })?;
        let ptr = NonNull::new(raw).ok_or(Code::new(libc::ENOMEM))?;
        Ok(Self { ptr, txn: PhantomData })
    }

    /// The first entry.
    pub fn first(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.step(&[], ffi::MDB_FIRST)
    }

    /// The last entry.
    pub fn last(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.step(&[], ffi::MDB_LAST)
    }

    /// The entry after the position; the first one if there is no position yet.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "entries are lent, and may fail")]
    pub fn next(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.step(&[], ffi::MDB_NEXT)
    }

    /// The entry before the position; the last one if there is no position yet.
    #[inline]
    pub fn prev(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.step(&[], ffi::MDB_PREV)
    }

    /// The entry at the position.
    pub fn current(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.step(&[], ffi::MDB_GET_CURRENT)
    }

    /// The first entry whose key is `key` or above.
    pub fn seek(&mut self, key: &[u8]) -> LmdbResult<Option<Entry<'t>>> {
        self.step(key, ffi::MDB_SET_RANGE)
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
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        // SAFETY: the cursor is alive and not used again; its transaction is alive ('t).
        unsafe { ffi::mdb_cursor_close(self.ptr.as_ptr()) }
    }
}
