//! Databases that nobody has open, and nobody can open, read without an environment of their own.

use std::fs;
use std::path::Path;

use super::copy::open_alone;
use super::data_file;
use super::format::FormatRecord;
use super::lmdb::{Env, EnvFlags, EnvOptions, RoTxn};
use super::lock_file::io_error;
use super::open::{find_tables, not_found, unlock};
use super::options::{Encryption, Layout};
use super::rebuild::Exclusive;
use super::sealed::{Memo, SealedStore};
use super::txn::{ReadTxn, Tables};
use crate::error::{Error, ErrorCode, Result};

/// Address space beyond what is read, or twice as much of a copy.
const SPARE: u64 = 1 << 30;

/// A database that nobody has open.
pub(super) struct ClosedDatabase {
    env: Env,
    tables: Tables,
    pub(super) format: FormatRecord,
    sealed: Option<SealedStore>,
    bytes: u64,
}

impl ClosedDatabase {
    /// Opens the one in a directory, which the caller has to itself.
    ///
    /// # Errors
    /// `DATABASE_NOT_FOUND`, `NOT_A_DATABASE`, `CORRUPT`, `INCOMPATIBLE_VERSION`, `ENCRYPTED`,
    /// `NOT_ENCRYPTED`, `WRONG_KEY`, `IO`.
    pub(super) fn open(
        directory: &Path,
        encryption: Option<&Encryption>,
        exclusive: &Exclusive<'_>,
    ) -> Result<Self> {
        exclusive.finish(directory, encryption.map_or(&[], std::slice::from_ref))?;
        let path = Layout { directory: directory.to_owned() }.data();
        let length = match fs::metadata(&path) {
            Ok(file) => file.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(io_error("cannot open the data file", &path, &error)),
        };
        if length == 0 || data_file::is_unfinished(&path).unwrap_or(false) {
            return Err(not_found(directory));
        }
        // The machine may have gone down over writes that were not synced.
        data_file::check(&path).and_then(|()| data_file::check_before_mapping(&path))?;
        let options = EnvOptions {
            flags: EnvFlags { read_only: true, no_lock: true, ..EnvFlags::default() },
            map_size: address_space(length),
            max_readers: 1,
        };
        let env = open_alone(directory, options)?;
        let (tables, format) = find_tables(&env, directory)?.ok_or_else(|| not_found(directory))?;
        let sealed = unlock(&env, tables, &format, encryption, directory)?;
        Ok(Self { env, tables, format, sealed, bytes: length })
    }

    /// Bytes of address space for a copy.
    pub(super) fn map_size(&self) -> usize {
        address_space(self.bytes.saturating_mul(2))
    }

    /// Reads from it.
    pub(super) fn read<T>(&self, work: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        let reader = RoTxn::begin(&self.env)?;
        let ended = || Error::new(ErrorCode::Closed, "the transaction has ended");
        let txn = reader.get().ok_or_else(ended)?;
        match &self.sealed {
            None => work(&ReadTxn::new(txn, self.tables)),
            Some(store) => work(&ReadTxn::of_sealed(txn, self.tables, store, &Memo::default())),
        }
    }

    /// The keys and the cache, if it is sealed.
    pub(super) fn sealed(&self) -> Option<&SealedStore> {
        self.sealed.as_ref()
    }
}

impl Drop for ClosedDatabase {
    fn drop(&mut self) {
        if let Some(store) = &self.sealed {
            store.forget_all();
        }
    }
}

fn address_space(bytes: u64) -> usize {
    let bytes = bytes.saturating_add(SPARE).next_multiple_of(65_536);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
