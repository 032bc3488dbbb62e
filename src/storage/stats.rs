//! What can be told about an open database.

use std::time::Duration;

use super::connection::Connection;
use super::environment::Environment;
use super::journal::Journal;
use super::lmdb::{Dbi, Env, Reader};
use super::rotate::KeyRotation;
use crate::error::Result;
use crate::seal::Cipher;

/// Figures of an open database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of `data.mdb`.
    pub file_size: u64,
    /// Bytes of a page.
    pub page_size: u32,
    /// Pages that have been used.
    pub pages: u64,
    /// Pages that are free, to be used again before the file grows.
    pub free_pages: u64,
    /// Bytes of address space reserved.
    pub map_size: u64,
    /// The last committed transaction.
    pub last_txn_id: u64,
    /// Snapshots that are open, in all processes.
    pub readers: u64,
    /// The oldest of them.
    pub oldest_reader: Option<OldestReader>,
    /// Bytes of writes that are queued.
    pub pending_bytes: u64,
    /// LMDB entries by tree: meta, docs, index, log.
    pub entries: [u64; 4],
    /// What the database is encrypted with, if it is.
    pub cipher: Option<Cipher>,
    /// A replacement of the data key that has begun and has not ended.
    pub key_rotation: Option<KeyRotation>,
}

/// The snapshot that keeps the most pages from being used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestReader {
    /// Its process.
    pub pid: u32,
    /// How many transactions have been committed since.
    pub lag: u64,
    /// How long it has been held; known for this process only.
    pub age: Option<Duration>,
}

impl Connection {
    /// Collects the figures.
    ///
    /// # Errors
    /// `CLOSED`, `READERS_FULL`; `WRONG_KEY`, `CORRUPT` if the record of the keys cannot be read.
    pub fn stats(&self) -> Result<Stats> {
        self.check_open()?;
        let environment = self.environment();
        let snapshot = self.snapshot(false)?;
        let (info, page_size) = environment.with_raw(|raw| (raw.info(), raw.page_size()))?;
        let readers = readers(environment)?;
        let oldest_reader = oldest_reader(environment, &readers, info.last_txn_id);
        let readers = readers.iter().filter(|reader| reader.txn_id.is_some()).count();
        let file_size = std::fs::metadata(environment.layout.data()).map_or(0, |file| file.len());
        let (entries, free_pages) = snapshot.with(|txn| {
            let mut entries = [0; 4];
            for (slot, table) in entries.iter_mut().zip(super::txn::Table::ALL) {
                *slot = txn.raw().entries(txn.dbi(table))?;
            }
            Ok((entries, count_free(txn.raw())?))
        })?;
        Ok(Stats {
            file_size,
            page_size,
            pages: info.last_page as u64 + 1,
            free_pages,
            map_size: info.map_size as u64,
            last_txn_id: info.last_txn_id,
            // This call's own snapshot is none of the caller's.
            readers: (readers as u64).saturating_sub(1),
            oldest_reader,
            pending_bytes: environment.writer.pending_bytes() as u64,
            entries,
            cipher: environment.sealed().map(|store| store.cipher()),
            key_rotation: self.key_rotation(&snapshot)?,
        })
    }
}

/// The readers of all processes, but for those that this process's journal has for a moment.
pub(super) fn readers(environment: &Environment) -> Result<Vec<Reader>> {
    let own = environment.journal.as_ref().and_then(Journal::thread);
    let mut readers = environment.with_raw(Env::readers)??;
    let is_own = |reader: &Reader| reader.pid == std::process::id() && Some(reader.thread) == own;
    readers.retain(|reader| !is_own(reader));
    Ok(readers)
}

/// The reader with the oldest snapshot, unless all have the newest.
pub(super) fn oldest_reader(
    environment: &Environment,
    readers: &[Reader],
    last_txn_id: u64,
) -> Option<OldestReader> {
    let (txn_id, pid) = readers
        .iter()
        .filter_map(|reader| Some((reader.txn_id?, reader.pid)))
        .filter(|(txn_id, _)| *txn_id < last_txn_id)
        .min()?;
    let age = (pid == std::process::id()).then(|| {
        environment
            .live_snapshots()
            .iter()
            .filter(|snapshot| snapshot.txn_id() == txn_id)
            .map(|snapshot| snapshot.created().elapsed())
            .max()
    });
    Some(OldestReader { pid, lag: last_txn_id - txn_id, age: age.flatten() })
}

/// Adds up the lists of free pages: each record starts with how many there are in it.
fn count_free(txn: &super::lmdb::Txn<'_>) -> Result<u64> {
    let mut free = 0;
    let mut cursor = txn.cursor(Dbi::FREE_LIST)?;
    while let Some((_, list)) = cursor.next()? {
        if let Some(count) = list.first_chunk::<{ size_of::<usize>() }>() {
            free += usize::from_ne_bytes(*count) as u64;
        }
    }
    Ok(free)
}
