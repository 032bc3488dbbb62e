//! A generation of the journal, as far as a process knows it.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use super::file::{Header, JournalFile, LARGEST, RECORDS, behind};
use super::record::{Content, Head};
use crate::storage::lmdb::RoTxn;
use crate::storage::platform;

/// The file grows by this at the least: a sync of what grows takes longer, …
pub(super) const STEP: u64 = 256 << 10;
/// … by as much as it has, and by this at the most: who waits for the sync waits for all of it.
const LARGEST_STEP: u64 = 2 << 20;
/// Relaxed commits are synced when so many have not been, …
const MOST_UNSYNCED: u32 = 64;
/// … or so many bytes of them, …
const UNSYNCED_BYTES: u64 = 1 << 20;
/// … or after this time.
const UNSYNCED_TIME: Duration = Duration::from_millis(100);

/// The generation that counts.
pub(super) struct Generation {
    pub(super) id: u64,
    pub(super) number: u64,
    /// Where the next record begins, and how long the file is.
    pub(super) end: u64,
    pub(super) length: u64,
    /// The last transaction in the journal, and the last one that is on disk.
    pub(super) last: u64,
    pub(super) synced: u64,
    /// Where the part ends that is on disk.
    pub(super) durable: u64,
    /// How many records have changes of the transaction behind the last one.
    pub(super) changes: u64,
    /// Pages that are in records of this generation.
    pub(super) known: HashSet<u64>,
    pub(super) unsynced: Option<Unsynced>,
}

/// What relaxed writes have left in the page cache.
pub(super) struct Unsynced {
    since: Instant,
    commits: u32,
    bytes: u64,
    /// Keeps the pages of the last state that is on disk, if there was a commit behind it.
    reader: Option<RoTxn>,
}

impl Generation {
    pub(super) fn at(header: &Header) -> Self {
        Self {
            id: header.id,
            number: header.generation,
            end: RECORDS,
            length: 0,
            last: header.base,
            synced: header.base,
            durable: RECORDS,
            changes: 0,
            known: HashSet::new(),
            unsynced: None,
        }
    }

    /// What a record says of itself that is written now.
    pub(super) fn head(&self, txn_id: u64) -> Head {
        Head {
            id: self.id,
            generation: self.number,
            txn_id,
            synced: self.synced,
            durable: self.durable,
        }
    }

    /// Reads what others have written, up to transaction `before`.
    pub(super) fn read_on(
        &mut self,
        journal: &JournalFile,
        buffer: &mut Vec<u8>,
        before: u64,
    ) -> io::Result<()> {
        while self.last < before {
            let place = (self.id, self.number);
            let Some(record) = journal.record(self.end, place, buffer)? else { break };
            if record.head.txn_id.checked_sub(1) != Some(self.last) {
                break;
            }
            self.end = behind(self.end, record.length);
            // Changes come before the pages of the commit that has them.
            if let Content::Pages(_) = record.content {
                self.last = record.head.txn_id;
            }
        }
        self.length = journal.length()?;
        Ok(())
    }

    /// Makes the file long enough, in steps.
    pub(super) fn make_room(&mut self, journal: &JournalFile, end: u64) -> io::Result<()> {
        if self.length >= end {
            return Ok(());
        }
        let step = (self.length / STEP * STEP).clamp(STEP, LARGEST_STEP);
        let length = self.length.saturating_add(step).min(LARGEST).max(end);
        let zeros = vec![0; STEP as usize];
        while self.length < length {
            match platform::write_all_at(&journal.file, &zeros, self.length) {
                Ok(()) => self.length += STEP,
                // There is room for what is written now, and the next one tries again.
                Err(_) if self.length >= end => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn have_synced(&mut self) {
        self.synced = self.last;
        self.durable = self.end;
        self.unsynced = None;
    }

    /// Whether all that was written is on disk.
    pub(super) fn is_durable(&self) -> bool {
        self.durable == self.end
    }

    /// Whether relaxed writes have left as much as they may.
    pub(super) fn is_sync_due(&self) -> bool {
        self.unsynced.as_ref().is_some_and(|unsynced| {
            unsynced.commits >= MOST_UNSYNCED
                || unsynced.bytes >= UNSYNCED_BYTES
                || unsynced.since.elapsed() >= UNSYNCED_TIME
        })
    }

    /// Takes note of a commit's record that is not on disk. The pages of the state before the first
    /// one are kept by its reader: LMDB writes to none that is of that state or of the one before.
    pub(super) fn leave_unsynced(&mut self, reader: RoTxn, bytes: u64) {
        let unsynced = self.unsynced.get_or_insert_with(Unsynced::default);
        unsynced.reader.get_or_insert(reader);
        unsynced.commits += 1;
        unsynced.bytes += bytes;
    }

    /// Takes note of changes that are not on disk. No page of the data file depends on them.
    pub(super) fn leave_changes_unsynced(&mut self) {
        self.unsynced.get_or_insert_with(Unsynced::default);
    }
}

impl Default for Unsynced {
    fn default() -> Self {
        Self { since: Instant::now(), commits: 0, bytes: 0, reader: None }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::lmdb::META_LENGTH;

    #[test]
    fn what_has_no_room_ahead_still_fits() {
        let journal = JournalFile { file: platform::file_of_length(3 * STEP) };
        let meta = [0; META_LENGTH];
        let header = Header { id: 1, generation: 1, page_size: 4_096, base: 1, meta };
        let mut generation = Generation { length: 2 * STEP, ..Generation::at(&header) };
        // It would be twice as long.
        generation.make_room(&journal, 2 * STEP + 1).unwrap();
        assert_eq!(generation.length, 3 * STEP);
        generation.make_room(&journal, 3 * STEP).unwrap();
        generation.make_room(&journal, 3 * STEP + 1).unwrap_err();
        assert_eq!(generation.length, 3 * STEP);
    }
}
