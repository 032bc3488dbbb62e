//! A bare LMDB environment with the four trees, in a temporary directory.

use lodestore::storage::lmdb::{Env, EnvFlags, EnvOptions, RoTxn};
use lodestore::storage::{ReadTxn, Tables, WriteTxn};

/// Bytes of address space of an environment.
pub const MAP_SIZE: usize = 4 << 30;

/// The environment; removed when dropped.
pub struct Scratch {
    env: Env,
    tables: Tables,
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
        txn.commit().unwrap();
        Self { env, tables, directory }
    }

    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Runs `f` in a write transaction and commits it.
    pub fn write<T>(&self, f: impl FnOnce(&mut WriteTxn<'_>) -> T) -> T {
        let mut txn = WriteTxn::new(self.env.write_txn().unwrap(), self.tables);
        let result = f(&mut txn);
        txn.commit().unwrap();
        result
    }

    /// Runs `f` in a write transaction and aborts it.
    pub fn aborted<T>(&self, f: impl FnOnce(&mut WriteTxn<'_>) -> T) -> T {
        f(&mut WriteTxn::new(self.env.write_txn().unwrap(), self.tables))
    }

    /// Runs `f` on a snapshot of the newest state.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTxn<'_>) -> T) -> T {
        let raw = RoTxn::begin(&self.env).unwrap();
        f(&ReadTxn::new(raw.get().unwrap(), self.tables))
    }
}
