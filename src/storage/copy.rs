//! A logical copy of a snapshot into a new environment: backup and compaction.
//!
//! Every entry is appended in order, so the copy's pages are full and hold no free space. The
//! entries are copied as they are: tree ids, counts and the database's identity stay the same.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::lmdb::{Env, EnvFlags, EnvOptions, PutMode, RwTxn};
use super::lock_file::io_error;
use super::platform;
use super::txn::{ReadTxn, Table, Tables};
use crate::error::{Error, ErrorCode, Result};

/// Bytes of keys and values in one transaction of the copy: what it holds in memory at once, unless
/// a single value is larger.
const BATCH: usize = 16 << 20;
/// Address space beyond that of the source, for the copy's own free pages.
const SPARE: usize = 64 << 20;
/// Entries between two calls of `progress`.
const PROGRESS_STEP: u64 = 1_000;

/// Copies everything that `source` sees to a new environment in directory `target`, and syncs it.
///
/// `target` exists and is empty. `map_size` is the source's. `progress` gets the number of entries
/// copied so far and of all. After an error, or when `cancel` was set (`ABORTED`), the caller
/// removes `target`.
///
/// # Errors
/// `ABORTED`, `DISK_FULL`, `IO`, `PERMISSION`; `CORRUPT` if the source is damaged.
pub fn copy_snapshot(
    source: &ReadTxn<'_>,
    target: &Path,
    map_size: usize,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let (env, tables) = create_environment(target, map_size.saturating_add(SPARE))?;
    let mut total = 0;
    for table in Table::ALL {
        total += source.raw().entries(source.dbi(table))?;
    }
    let mut copy = Copy { source, env: &env, tables, cancel, progress, done: 0, total };
    for table in Table::ALL {
        copy.table(table)?;
    }
    (copy.progress)(copy.done, total);
    env.sync()?;
    platform::sync_directory(target)
        .map_err(|error| io_error("cannot sync the directory", target, &error))
}

/// Creates an environment with the four trees in a directory that the caller has just made, and
/// that nobody else knows of. Nothing is synced until it is asked for.
///
/// # Errors
/// `DISK_FULL`, `RESOURCE_LIMIT`, `PERMISSION`, `IO`.
pub(super) fn create_environment(directory: &Path, map_size: usize) -> Result<(Env, Tables)> {
    let options = EnvOptions {
        flags: EnvFlags { no_sync: true, no_lock: true, ..EnvFlags::default() },
        map_size,
        max_readers: 1,
    };
    let env = open_alone(directory, options)?;
    let mut txn = env.write_txn()?;
    let tables = Tables::create(&mut txn)?;
    txn.commit()?;
    Ok((env, tables))
}

/// Opens an environment in a directory that the caller has just made and that nobody else knows of,
/// or that nobody else can open.
pub(super) fn open_alone(directory: &Path, options: EnvOptions) -> Result<Env> {
    // SAFETY: nothing in this process or another one has the directory open, or files in it; the
    // data file is new, or has been checked.
    unsafe { Env::open(directory, options) }.map_err(Error::from)
}

struct Copy<'c, 's> {
    source: &'c ReadTxn<'s>,
    env: &'c Env,
    tables: Tables,
    cancel: &'c AtomicBool,
    progress: &'c mut dyn FnMut(u64, u64),
    done: u64,
    total: u64,
}

impl Copy<'_, '_> {
    fn table(&mut self, table: Table) -> Result<()> {
        let dbi = self.tables.dbi(table);
        let mut cursor = self.source.raw().cursor(self.source.dbi(table))?;
        let mut txn: Option<RwTxn<'_>> = None;
        let mut bytes = 0;
        while let Some((key, value)) = cursor.next()? {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorCode::Aborted, "the copy was cancelled"));
            }
            let size = key.len() + value.len();
            if bytes + size > BATCH
                && let Some(full) = txn.take()
            {
                full.commit()?;
                bytes = 0;
            }
            let open = match &mut txn {
                Some(open) => open,
                None => txn.insert(self.env.write_txn()?),
            };
            open.put(dbi, key, value, PutMode::Append).map_err(|code| match Error::from(code) {
                // The source's order is not what LMDB promises.
                error if error.code() == ErrorCode::KeyExists => {
                    Error::corrupt("the data file is damaged: entries are out of order")
                }
                error => error,
            })?;
            bytes += size;
            self.done += 1;
            if self.done.is_multiple_of(PROGRESS_STEP) {
                (self.progress)(self.done, self.total);
            }
        }
        if let Some(txn) = txn {
            txn.commit()?;
        }
        Ok(())
    }
}
