//! A bare LMDB environment with the four trees, in a temporary directory; sealed if the environment
//! says so ([`sealed`]).

use lodestore::storage::lmdb::{Env, EnvFlags, EnvOptions, RoTxn, RwTxn, Txn};
use lodestore::storage::sealed::{Memo, SealedStore};
use lodestore::storage::{ReadTxn, Tables, WriteTxn};

#[path = "sealed.rs"]
#[allow(clippy::duplicate_mod, reason = "other helpers of a test may have it, too")]
pub mod sealed;

/// Bytes of address space of an environment.
pub const MAP_SIZE: usize = 4 << 30;

/// The environment; removed when dropped.
pub struct Scratch {
    env: Env,
    tables: Tables,
    sealed: Option<SealedStore>,
    directory: tempfile::TempDir,
}

impl Scratch {
    /// An empty environment that does not sync.
    pub fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap())
    }

    /// The environment in a directory, where nothing has it open.
    pub fn open(directory: tempfile::TempDir) -> Self {
        let options = EnvOptions {
            flags: EnvFlags { no_sync: true, ..EnvFlags::default() },
            map_size: MAP_SIZE,
            max_readers: 16,
        };
        // SAFETY: a directory of our own, closed, which nothing but LMDB has written to.
        let env = unsafe { Env::open(directory.path(), options) }.unwrap();
        let mut txn = env.write_txn().unwrap();
        let tables = Tables::create(&mut txn).unwrap();
        let page_size = env.page_size();
        let sealed = sealed::encryption().map(|encryption| {
            if txn.entries(tables.dbi(lodestore::storage::Table::Meta)).unwrap() > 0 {
                return SealedStore::open(&txn, tables, &encryption).unwrap();
            }
            SealedStore::create(&mut txn, tables, page_size, &encryption).unwrap()
        });
        txn.commit().unwrap();
        Self { env, tables, sealed, directory }
    }

    fn write_txn<'t>(&'t self, raw: RwTxn<'t>) -> WriteTxn<'t> {
        match &self.sealed {
            None => WriteTxn::new(raw, self.tables),
            Some(store) => WriteTxn::of_sealed(raw, self.tables, store),
        }
    }

    fn read_txn<'t>(&'t self, raw: Txn<'t>, memo: &'t Memo) -> ReadTxn<'t> {
        match &self.sealed {
            None => ReadTxn::new(raw, self.tables),
            Some(store) => ReadTxn::of_sealed(raw, self.tables, store, memo),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Runs `f` in a write transaction and commits it.
    pub fn write<T>(&self, f: impl FnOnce(&mut WriteTxn<'_>) -> T) -> T {
        let mut txn = self.write_txn(self.env.write_txn().unwrap());
        let result = f(&mut txn);
        txn.commit().unwrap();
        result
    }

    /// Runs `f` in a write transaction and aborts it.
    pub fn aborted<T>(&self, f: impl FnOnce(&mut WriteTxn<'_>) -> T) -> T {
        f(&mut self.write_txn(self.env.write_txn().unwrap()))
    }

    /// Runs `f` on a snapshot of the newest state.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTxn<'_>) -> T) -> T {
        let raw = RoTxn::begin(&self.env).unwrap();
        let memo = Memo::default();
        f(&self.read_txn(raw.get().unwrap(), &memo))
    }
}
