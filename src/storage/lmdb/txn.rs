//! Transactions.

use std::cell::Cell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};

use lmdb_master_sys as ffi;

use super::snapshot_pages::{SnapshotPages, TOGETHER, TreePages};
use super::{Code, Cursor, Dbi, Env, LmdbResult, WriteCursor, check, empty_val, from_val, to_val};

/// A view of a transaction, with everything that reads.
///
/// Neither `Clone` nor `Send`: what it returns is borrowed from it, and the types that own the
/// transaction lend it only while the transaction is alive.
pub struct Txn<'e> {
    pub(super) ptr: NonNull<ffi::MDB_txn>,
    /// Of a read transaction: the environment, and what is known of the snapshot's pages.
    snapshot: Option<(&'e Env, &'e SnapshotPages)>,
}

impl Txn<'_> {
    /// The transaction's id: for a reader, of its snapshot; for a writer, the one it will commit.
    pub fn id(&self) -> u64 {
        // SAFETY: the transaction is alive.
        unsafe { ffi::mdb_txn_id(self.ptr.as_ptr()) as u64 }
    }

    /// Opens the tree `name`; `None` if it does not exist.
    pub fn open_tree(&self, name: &'static CStr) -> LmdbResult<Option<Dbi>> {
        match Env::dbi(self.ptr.as_ptr(), name, false) {
            Ok(dbi) => Ok(Some(dbi)),
            Err(Code::NOT_FOUND) => Ok(None),
            Err(code) => Err(code),
        }
    }

    /// The pages of a tree, if they can be read in place.
    #[inline]
    pub(super) fn pages(&self, dbi: Dbi) -> LmdbResult<Option<TreePages<'_>>> {
        match self.snapshot {
            Some((env, pages)) => pages.tree(self, env, dbi),
            None => Ok(None),
        }
    }

    /// The value under `key`.
    #[inline]
    pub fn get(&self, dbi: Dbi, key: &[u8]) -> LmdbResult<Option<&[u8]>> {
        match self.pages(dbi)? {
            Some(tree) => tree.get(key),
            None => self.call_get(dbi, key),
        }
    }

    /// Fills `values` with the values under `keys`, of which there are as many, at most
    /// [`TOGETHER`].
    pub fn get_each<'t>(
        &'t self,
        dbi: Dbi,
        keys: &[&[u8]],
        values: &mut [Option<&'t [u8]>],
    ) -> LmdbResult<()> {
        debug_assert!(keys.len() == values.len() && keys.len() <= TOGETHER);
        if let Some(tree) = self.pages(dbi)? {
            return tree.get_each(keys, values);
        }
        for (value, key) in values.iter_mut().zip(keys) {
            *value = self.call_get(dbi, key)?;
        }
        Ok(())
    }

    /// About how many entries have keys from `from` on, below `to` (`None`: up to the end); `None`
    /// in a write transaction, whose pages cannot be read in place.
    pub fn distance(&self, dbi: Dbi, from: &[u8], to: Option<&[u8]>) -> LmdbResult<Option<u64>> {
        self.pages(dbi)?.map(|tree| tree.distance(from, to)).transpose()
    }

    /// The value under `key`, by way of LMDB.
    #[inline]
    pub(super) fn call_get(&self, dbi: Dbi, key: &[u8]) -> LmdbResult<Option<&[u8]>> {
        let mut key = to_val(key);
        let mut value = empty_val();
        // SAFETY: the transaction is alive.
        match unsafe { ffi::mdb_get(self.ptr.as_ptr(), dbi.handle, &mut key, &mut value) } {
            // SAFETY: LMDB has filled it in; it stays valid while `self` is borrowed, since every
            // change needs `&mut RwTxn`.
            0 => Ok(Some(unsafe { from_val(value) })),
            ffi::MDB_NOTFOUND => Ok(None),
            code => Err(Code::new(code)),
        }
    }

    /// A cursor over a tree, not yet at an entry.
    pub fn cursor(&self, dbi: Dbi) -> LmdbResult<Cursor<'_>> {
        Cursor::open(self, dbi)
    }

    /// How many entries a tree has.
    pub fn entries(&self, dbi: Dbi) -> LmdbResult<u64> {
        let mut stat = std::mem::MaybeUninit::<ffi::MDB_stat>::zeroed();
        // SAFETY: the transaction is alive and the struct is LMDB's own.
        unsafe {
            check(ffi::mdb_stat(self.ptr.as_ptr(), dbi.handle, stat.as_mut_ptr()))?;
            Ok(stat.assume_init().ms_entries as u64)
        }
    }
}

/// How a write treats what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    /// Insert or replace.
    Upsert,
    /// Insert; [`Code::KEY_EXISTS`] if the key is there.
    Insert,
    /// Insert after the tree's last key; [`Code::KEY_EXISTS`] if the key is not above it.
    Append,
}

impl PutMode {
    pub(super) fn flags(self) -> libc::c_uint {
        match self {
            PutMode::Upsert => 0,
            PutMode::Insert => ffi::MDB_NOOVERWRITE,
            PutMode::Append => ffi::MDB_APPEND,
        }
    }
}

/// A write transaction, at the top or nested. Dropped without a commit, it aborts.
pub struct RwTxn<'e> {
    txn: Txn<'e>,
    env: PhantomData<&'e Env>,
    open: bool,
    /// How many entries were written and removed.
    changes: Cell<u64>,
}

impl<'e> Deref for RwTxn<'e> {
    type Target = Txn<'e>;

    fn deref(&self) -> &Txn<'e> {
        &self.txn
    }
}

impl<'e> RwTxn<'e> {
    pub(super) fn begin(env: &'e Env) -> LmdbResult<Self> {
        Self::start(env.0.ptr.as_ptr(), ptr::null_mut())
    }

    fn start(env: *mut ffi::MDB_env, parent: *mut ffi::MDB_txn) -> LmdbResult<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the environment is open for 'e; a parent is mutably borrowed for 'e, so it is not
        // used while its child lives.
        check(unsafe { ffi::mdb_txn_begin(env, parent, 0, &mut raw) })?;
        let ptr = NonNull::new(raw).ok_or(Code::new(libc::ENOMEM))?;
        let (txn, changes) = (Txn { ptr, snapshot: None }, Cell::new(0));
        Ok(Self { txn, env: PhantomData, open: true, changes })
    }

    /// A nested transaction, which commits into this one.
    pub fn nested(&mut self) -> LmdbResult<RwTxn<'_>> {
        // SAFETY: the transaction is alive.
        let env = unsafe { ffi::mdb_txn_env(self.txn.ptr.as_ptr()) };
        RwTxn::start(env, self.txn.ptr.as_ptr())
    }

    /// How many entries were written and removed, those of nested transactions included.
    pub fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Counts a change.
    #[inline]
    pub(super) fn changed(&self) {
        self.add_changes(1);
    }

    /// Where changes are counted.
    pub(super) fn counter(&self) -> &Cell<u64> {
        &self.changes
    }

    /// Counts the changes of a nested transaction that was committed.
    pub fn add_changes(&self, changes: u64) {
        self.changes.set(self.changes.get().saturating_add(changes));
    }

    /// A second view of the same transaction for the type that owns this one.
    ///
    /// # Safety
    /// The view must not be used after the transaction ended, and what it lends must not be held
    /// over a change; the owner ensures both by lending it through its own borrow only.
    pub(crate) unsafe fn view(&self) -> Txn<'e> {
        Txn { ptr: self.txn.ptr, snapshot: None }
    }

    /// Opens the tree `name`, creating it if need be.
    pub fn create_tree(&mut self, name: &'static CStr) -> LmdbResult<Dbi> {
        Env::dbi(self.txn.ptr.as_ptr(), name, true)
    }

    /// Writes an entry.
    pub fn put(&mut self, dbi: Dbi, key: &[u8], value: &[u8], mode: PutMode) -> LmdbResult<()> {
        self.changed();
        let (mut key, mut value) = (to_val(key), to_val(value));
        // SAFETY: the transaction is alive; LMDB copies both slices before it returns.
        check(unsafe {
            ffi::mdb_put(self.txn.ptr.as_ptr(), dbi.handle, &mut key, &mut value, mode.flags())
        })
    }

    /// Writes an entry of `len` bytes that the caller fills in. The bytes start out undefined.
    pub fn reserve(
        &mut self,
        dbi: Dbi,
        key: &[u8],
        len: usize,
        mode: PutMode,
    ) -> LmdbResult<&mut [u8]> {
        self.changed();
        let mut key = to_val(key);
        let mut value = ffi::MDB_val { mv_size: len, mv_data: ptr::null_mut() };
        let flags = mode.flags() | ffi::MDB_RESERVE;
        // SAFETY: the transaction is alive; on success LMDB points at `len` writable bytes of a
        // dirty page, which stay put until the next change, and that needs `&mut self`. Dirty pages
        // are initialised memory: LMDB zeroes fresh ones (MDB_NOMEMINIT is not set).
        unsafe {
            check(ffi::mdb_put(self.txn.ptr.as_ptr(), dbi.handle, &mut key, &mut value, flags))?;
            if len == 0 {
                return Ok(&mut []);
            }
            Ok(std::slice::from_raw_parts_mut(value.mv_data.cast::<u8>(), len))
        }
    }

    /// Removes an entry; false if it was not there.
    pub fn delete(&mut self, dbi: Dbi, key: &[u8]) -> LmdbResult<bool> {
        self.changed();
        let mut key = to_val(key);
        // SAFETY: the transaction is alive.
        let code =
            unsafe { ffi::mdb_del(self.txn.ptr.as_ptr(), dbi.handle, &mut key, ptr::null_mut()) };
        match code {
            0 => Ok(true),
            ffi::MDB_NOTFOUND => Ok(false),
            code => Err(Code::new(code)),
        }
    }

    /// A cursor that writes to a tree.
    pub fn write_cursor(&mut self, dbi: Dbi) -> LmdbResult<WriteCursor<'_>> {
        WriteCursor::open(self, dbi)
    }

    /// Commits. After an error nothing of the transaction is left.
    pub fn commit(mut self) -> LmdbResult<()> {
        self.open = false;
        // SAFETY: the transaction is alive and not used again; LMDB frees it in every case.
        check(unsafe { ffi::mdb_txn_commit(self.txn.ptr.as_ptr()) })
    }
}

impl Drop for RwTxn<'_> {
    fn drop(&mut self) {
        if self.open {
            // SAFETY: the transaction is alive and not used again.
            unsafe { ffi::mdb_txn_abort(self.txn.ptr.as_ptr()) }
        }
    }
}

/// A read transaction that owns its place in the reader table, and can be reset (it lets go of its
/// snapshot, keeps the place) and renewed (it takes the newest snapshot).
pub struct RoTxn {
    ptr: NonNull<ffi::MDB_txn>,
    active: bool,
    env: Env,
    pages: SnapshotPages,
}

// SAFETY: the environment is opened with MDB_NOTLS, so a read transaction may move between threads;
// `RoTxn` is not Sync, so one thread at a time uses it.
unsafe impl Send for RoTxn {}

impl RoTxn {
    /// A snapshot of the newest state.
    pub fn begin(env: &Env) -> LmdbResult<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the environment is open, and kept open by `env`.
        check(unsafe {
            ffi::mdb_txn_begin(env.0.ptr.as_ptr(), ptr::null_mut(), ffi::MDB_RDONLY, &mut raw)
        })?;
        let ptr = NonNull::new(raw).ok_or(Code::new(libc::ENOMEM))?;
        Ok(Self { ptr, active: true, env: env.clone(), pages: SnapshotPages::default() })
    }

    /// The transaction, unless it has been reset.
    #[inline]
    pub fn get(&self) -> Option<Txn<'_>> {
        self.active.then_some(Txn { ptr: self.ptr, snapshot: Some((&self.env, &self.pages)) })
    }

    /// The environment.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Lets go of the snapshot.
    pub fn reset(&mut self) {
        if self.active {
            // SAFETY: the transaction is alive and active; nothing borrows from it (`&mut self`).
            unsafe { ffi::mdb_txn_reset(self.ptr.as_ptr()) }
            self.active = false;
            self.pages.clear();
        }
    }

    /// Ends the transaction and keeps the tree handles it has opened.
    pub fn commit(self) -> LmdbResult<()> {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: the transaction is alive and, like its owner, not used again; the environment is
        // read out once, to be released after LMDB has let go of it.
        let (result, _env) = unsafe {
            let env = ptr::read(&this.env);
            (check(ffi::mdb_txn_commit(this.ptr.as_ptr())), env)
        };
        result
    }

    /// Takes the newest snapshot.
    pub fn renew(&mut self) -> LmdbResult<()> {
        self.reset();
        // SAFETY: the transaction is alive and reset.
        check(unsafe { ffi::mdb_txn_renew(self.ptr.as_ptr()) })?;
        self.active = true;
        Ok(())
    }
}

impl Drop for RoTxn {
    fn drop(&mut self) {
        // SAFETY: the transaction is alive, active or reset, and not used again.
        unsafe { ffi::mdb_txn_abort(self.ptr.as_ptr()) }
    }
}
