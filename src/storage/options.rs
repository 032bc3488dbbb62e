//! How a database is opened.

use std::path::PathBuf;
use std::time::Duration;

use crate::seal::{Cipher, DataKeys, KdfParameters, Secret};

/// What may be there, and what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenMode {
    /// Open, or create if there is nothing.
    #[default]
    OpenOrCreate,
    /// Create; an error if there is a database.
    Create,
    /// Open; an error if there is none.
    Open,
    /// Open for reading only; works on read-only file systems.
    ReadOnly,
}

/// What has happened to a write when it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// It is in the operating system's page cache.
    None,
    /// It is in the operating system's page cache, and reaches the disk soon: what is on disk is
    /// some earlier state, whole.
    Relaxed,
    /// It is on disk.
    #[default]
    Strict,
}

/// Options of an open.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// What may be there.
    pub mode: OpenMode,
    /// The durability of writes that do not ask for one themselves.
    pub durability: Durability,
    /// Bytes of address space to reserve at first. Default: 64 GiB (1 GiB on Windows, where LMDB
    /// reserves disk space as well).
    pub map_size: usize,
    /// How many snapshots may exist at once, over all processes.
    pub max_readers: u32,
    /// How long a write may wait for another process's write transaction.
    pub busy_timeout: Duration,
    /// Bytes of queued writes beyond which more are refused.
    pub max_pending_bytes: usize,
    /// How long a snapshot may be held without being used.
    pub snapshot_timeout: Duration,
    /// What unlocks a sealed database, and how a new one is sealed. Default: it is not.
    pub encryption: Option<Encryption>,
}

/// How a database is encrypted, and what unlocks it.
#[derive(Debug, Clone)]
pub struct Encryption {
    /// What unlocks it.
    pub unlock: Unlock,
    /// The cipher of a database that is created.
    pub cipher: Cipher,
    /// How a passphrase becomes a key, in a database that is created.
    pub kdf: KdfParameters,
}

/// What unlocks a database.
#[derive(Debug, Clone)]
pub enum Unlock {
    /// A user's secret.
    Secret(Secret),
    /// The data keys themselves, of a copy of a database that is open.
    Keys(DataKeys),
}

impl Encryption {
    /// With the default cipher and derivation.
    pub fn with(secret: Secret) -> Self {
        Self {
            unlock: Unlock::Secret(secret),
            cipher: Cipher::default(),
            kdf: crate::seal::KDF_DEFAULT,
        }
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            mode: OpenMode::default(),
            durability: Durability::default(),
            map_size: if cfg!(windows) { 1 << 30 } else { 64 << 30 },
            max_readers: 1024,
            busy_timeout: Duration::from_secs(30),
            max_pending_bytes: 64 << 20,
            snapshot_timeout: Duration::from_secs(60),
            encryption: None,
        }
    }
}

/// A file or directory of a database, by its role.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) directory: PathBuf,
}

impl Layout {
    pub(super) fn data(&self) -> PathBuf {
        self.directory.join("data.mdb")
    }

    pub(super) fn reader_table(&self) -> PathBuf {
        self.directory.join("lock.mdb")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.directory.join("lodestore.lock")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.directory.join("data.journal")
    }

    pub(super) fn schema_lock(&self) -> PathBuf {
        self.directory.join("schema.lock")
    }
}
