//! A new database that is filled before anybody can open it, and appears complete or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::copy::{create_environment, open_alone};
use super::data_file;
use super::journal;
use super::lmdb::{Env, EnvFlags, EnvOptions, RoTxn};
use super::lock_file::{EXCLUSIVE_PATIENCE, LockFile, io_error};
use super::open::{find_tables, finish, not_found, unlock};
use super::options::{Encryption, Layout};
use super::platform;
use super::registry;
use super::sealed::{Memo, NewKeys, SealedStore};
use super::txn::{ReadTxn, Tables, WriteTxn};
use super::unfinished::{Unfinished, create, refuse_existing, sync};
use crate::error::{Error, ErrorCode, Result};

/// Address space beyond what is to be written.
const SPARE: u64 = 1 << 30;

/// A directory in which databases are made, beside the one that it becomes.
pub struct NewDirectory {
    unfinished: Unfinished,
    target: PathBuf,
}

impl NewDirectory {
    /// Begins a directory that will be `target`, which must not exist, or be empty.
    ///
    /// # Errors
    /// `DATABASE_EXISTS`, `PERMISSION`, `DISK_FULL`, `IO`.
    pub fn create(target: &Path) -> Result<Self> {
        refuse_existing(target)?;
        Ok(Self { unfinished: Unfinished::create(target)?, target: target.to_owned() })
    }

    /// Where it is until it is complete.
    pub fn path(&self) -> &Path {
        &self.unfinished.path
    }

    /// Makes a directory in it, and those above that are missing.
    ///
    /// # Errors
    /// `PERMISSION`, `DISK_FULL`, `IO`.
    pub fn create_inside(&self, name: &Path) -> Result<PathBuf> {
        let path = self.unfinished.path.join(name);
        create(&path)?;
        for parent in path.ancestors().skip(1).take_while(|path| *path != self.path()) {
            sync(parent)?;
        }
        Ok(path)
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// `IO`, `PERMISSION`.
    pub fn finish(self) -> Result<()> {
        self.unfinished.finish(&self.target)
    }
}

/// An environment that nobody else knows of.
pub struct NewDatabase {
    env: Env,
    tables: Tables,
    sealed: Option<SealedStore>,
    directory: PathBuf,
}

impl NewDatabase {
    /// Creates one in a directory, with room for so many bytes, twice.
    ///
    /// # Errors
    /// `DISK_FULL`, `RESOURCE_LIMIT`, `PERMISSION`, `IO`.
    pub fn create(directory: &Path, bytes: u64) -> Result<Self> {
        let map_size = bytes.saturating_mul(2).saturating_add(SPARE).next_multiple_of(65_536);
        let map_size = usize::try_from(map_size).unwrap_or(usize::MAX);
        let (env, tables) = create_environment(directory, map_size)?;
        Ok(Self { env, tables, sealed: None, directory: directory.to_owned() })
    }

    /// Seals it with these keys, while it is empty.
    ///
    /// # Errors
    /// `DISK_FULL`, `IO`.
    pub(crate) fn seal(&mut self, keys: NewKeys) -> Result<()> {
        let mut txn = self.env.write_txn()?;
        self.sealed = Some(keys.create(&mut txn, self.tables.places())?);
        Ok(txn.commit()?)
    }

    /// LMDB's page size.
    pub fn page_size(&self) -> u32 {
        self.env.page_size()
    }

    /// Runs work in a transaction and commits it.
    ///
    /// # Errors
    /// Those of `work`; `DISK_FULL`, `MAP_FULL`, `IO`.
    pub fn write<T>(&self, work: impl FnOnce(&mut WriteTxn<'_>) -> Result<T>) -> Result<T> {
        let raw = self.env.write_txn()?;
        let mut txn = match &self.sealed {
            None => WriteTxn::new(raw, self.tables),
            Some(store) => WriteTxn::of_sealed(raw, self.tables, store),
        };
        let result = work(&mut txn)?;
        txn.commit()?;
        Ok(result)
    }

    /// Reads from the newest state.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn read<T>(&self, work: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        let reader = RoTxn::begin(&self.env)?;
        let txn = reader
            .get()
            .ok_or_else(|| Error::new(ErrorCode::Closed, "the transaction has ended"))?;
        let memo = Memo::default();
        work(&match &self.sealed {
            None => ReadTxn::new(txn, self.tables),
            Some(store) => ReadTxn::of_sealed(txn, self.tables, store, &memo),
        })
    }

    /// Writes everything to disk.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL`.
    pub fn sync(&self) -> Result<()> {
        self.env.sync()?;
        sync(&self.directory)
    }
}

/// A database that nobody has open, and nobody can open.
pub struct Exclusive<'l>(Option<(&'l LockFile, &'l File)>);

impl Exclusive<'_> {
    /// Makes what was acknowledged, and is in the journal alone, a part of the data file. The first
    /// of `encryptions` that unlocks it is used.
    ///
    /// # Errors
    /// Those of an open; `CORRUPT` if it is damaged.
    pub fn finish(&self, directory: &Path, encryptions: &[Encryption]) -> Result<()> {
        let layout = Layout { directory: directory.to_owned() };
        if self.0.is_none() || journal::unfinished(&layout)?.is_none() {
            return Ok(());
        }
        let path = layout.data();
        data_file::check(&path).and_then(|()| data_file::check_before_mapping(&path))?;
        let length = path.metadata().map_or(0, |file| file.len());
        let map_size = length.saturating_add(SPARE).next_multiple_of(65_536);
        let options = EnvOptions {
            flags: EnvFlags { no_lock: true, ..EnvFlags::default() },
            map_size: usize::try_from(map_size).unwrap_or(usize::MAX),
            max_readers: 1,
        };
        let raw = open_alone(directory, options)?;
        let (tables, format) = find_tables(&raw, directory)?.ok_or_else(|| not_found(directory))?;
        let unlock = |encryption| unlock(&raw, tables, &format, encryption, directory);
        let (first, others) = match encryptions.split_first() {
            Some((first, others)) => (unlock(Some(first)), others),
            None => (unlock(None), encryptions),
        };
        let others = || others.iter().find_map(|encryption| unlock(Some(encryption)).ok());
        let sealed = first.or_else(|error| others().ok_or(error))?;
        let finished = finish(&layout, &raw, tables, sealed.as_ref());
        if let Some(store) = &sealed {
            store.forget_all();
        }
        finished
    }

    /// Everything in it is on disk: what tells of unsynced writes goes.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL`.
    pub fn declare_synced(&self) -> Result<()> {
        self.0.map_or(Ok(()), |(lock_file, file)| lock_file.replace_marker(file, ""))
    }
}

/// Runs `work` while nothing has the database in a directory open, and keeps it so. On a file
/// system that cannot be written to, no locks are needed.
///
/// # Errors
/// `BUSY` if it is open, in this process or another one; those of `work`.
pub fn exclusively<T>(
    directory: &Path,
    work: impl FnOnce(&Exclusive<'_>) -> Result<T>,
) -> Result<T> {
    let identity = platform::identity(directory)
        .map_err(|error| io_error("cannot look at the directory", directory, &error))?;
    registry::unopened(&identity, || {
        let layout = Layout { directory: directory.to_owned() };
        let recover = || match journal::recover(&layout) {
            // What is damaged is about to be looked at, and mended.
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::Corrupt | ErrorCode::NotADatabase | ErrorCode::IncompatibleVersion
                ) =>
            {
                Ok(false)
            }
            recovered => recovered,
        };
        let lock_file = LockFile::open(&layout.lock(), true, recover)?;
        if !lock_file.is_held() {
            return work(&Exclusive(None));
        }
        lock_file.exclusively(EXCLUSIVE_PATIENCE, |file| work(&Exclusive(Some((&lock_file, file)))))
    })
}

/// Where the data file of the database in a directory is.
pub fn data_file_of(directory: &Path) -> PathBuf {
    Layout { directory: directory.to_owned() }.data()
}
