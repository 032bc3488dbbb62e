//! The journal: what makes a commit durable with one write and one sync to one place.
//!
//! LMDB makes a commit durable by two syncs, of pages that lie all over the data file, and of the
//! meta page behind them. With the journal it commits without a sync; then the pages that the
//! commit has written ([`changed_pages`]) are appended to `data.journal`, and only that is synced.
//! A data file that was not closed is brought up to its journal when it is opened ([`recover`]).
//!
//! What is relied upon:
//! - A *generation* of the journal begins when the data file is synced as a whole (a *checkpoint*),
//!   with a header that names the state which it has then. The records that follow have all pages
//!   that were written since, of one commit each, without a gap.
//! - LMDB writes to no page of the last two states. A commit begins only when the one before it is
//!   in the journal on disk, or while a reader keeps the pages of the last one that is. So the
//!   pages of every state that a recovery may go back to are in the records, or have not changed.
//! - Whether a journal counts is said in the data file, by an id in its first meta page, in a place
//!   that LMDB leaves alone. So a data file and a journal that do not belong together never meet.
//! - Changes of a transaction may be in the journal before it is committed ([`redo`](super::redo)),
//!   if no other process has the database open. They are made again on the state before it, unless
//!   the pages of its commit follow.
//! - Other processes commit by the same rules. The journal counts, or counts no more, from a moment
//!   at which LMDB's write lock is held on; records are written under the lock of the file.
//!
//! The first commit after an open, commits that are larger than what it pays for, and commits of
//! durability `none` do without.

mod changes;
mod file;
mod generation;
mod record;
mod recovery;

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

pub(super) use self::file::journal_id;
pub(super) use self::record::CHANGES;
pub(super) use self::recovery::{forget, recover, unfinished};

use self::file::{Header, JournalFile, LARGEST, RECORDS, behind, set_journal_id};
use self::generation::Generation;
use super::environment::closed;
use super::format::{FormatRecord, flag};
use super::lmdb::{Env, META_LENGTH, RoTxn, changed_pages};
use super::lock_file::io_error;
use super::options::{Durability, Layout};
use super::platform;
use super::txn::WriteTxn;
use crate::error::{Error, Result};
use crate::fault::{self, Defect};

/// Commits that have written more pages are durable by a checkpoint.
const MOST_PAGES: usize = 128;
/// Relaxed commits may have written more.
const MOST_RELAXED_PAGES: usize = 512;

/// The journal of an environment.
pub(super) struct Journal {
    layout: Layout,
    /// Whether the format record does not tell of it yet, or not of all that may be in it.
    is_new: bool,
    state: Mutex<State>,
    /// The thread that commits, whose readers are the journal's; 0 if there is none.
    thread: AtomicUsize,
    has_unsynced: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The files, until they are closed.
    data: Option<Arc<File>>,
    journal: Option<Arc<JournalFile>>,
    /// What counts, as far as this process knows.
    current: Option<Generation>,
    /// The last transaction, if it is known to be where it should be.
    seen: Option<u64>,
    /// Whether this process has committed before.
    has_committed: bool,
    /// Whether this process has seen to it that the format record tells of all that may be in it.
    is_told: bool,
    buffer: Vec<u8>,
}

/// Why a commit failed, or what has to come before it.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing has happened: it may be tried again.
    Refused(Error),
    /// A sync has failed, or what has to be on disk before or behind a commit. Whatever it was
    /// for may be there or not when the database is opened again, and no later sync tells.
    InDoubt(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Commits without a journal.
///
/// # Errors
/// Those of LMDB's commit.
pub(super) fn commit_alone(raw: &Env, txn: WriteTxn<'_>, durability: Durability) -> Result<()> {
    let no_sync = durability == Durability::None || fault::occurs(Defect::SyncSkipped);
    raw.set_sync_flags(no_sync, durability != Durability::Strict)?;
    txn.commit()
}

impl Journal {
    /// `is_new` says that the database has not had one so far, and versions that know of none.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`, `IO`.
    pub(super) fn new(layout: Layout, raw: &Env, is_new: bool) -> Result<Self> {
        let journal = Self {
            layout,
            is_new,
            state: Mutex::default(),
            thread: AtomicUsize::new(0),
            has_unsynced: AtomicBool::new(false),
        };
        journal.open(raw)?;
        Ok(journal)
    }

    /// Begins with a data file that is new, or has taken the place of another one.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`, `IO`.
    pub(super) fn open(&self, raw: &Env) -> Result<()> {
        let path = self.layout.data();
        let data = match raw.data_file() {
            Some(data) => Ok(data),
            None => OpenOptions::new().read(true).write(true).open(&path),
        };
        let data = data.map_err(|error| io_error("cannot open the data file", &path, &error))?;
        *self.state.lock() = State { data: Some(Arc::new(data)), ..State::default() };
        Ok(())
    }

    /// Whether there is something for [`Self::tick`] to come.
    pub(super) fn has_unsynced(&self) -> bool {
        self.has_unsynced.load(Ordering::Acquire)
    }

    /// The thread that commits, whose readers are the journal's, as the table of readers names it.
    pub(super) fn thread(&self) -> Option<usize> {
        Some(self.thread.load(Ordering::Acquire)).filter(|thread| *thread != 0)
    }

    /// The thread that commits has ended.
    pub(super) fn thread_ended(&self) {
        self.thread.store(0, Ordering::Release);
    }

    /// Called when a write transaction has begun, before it writes anything: makes sure that what
    /// other processes have committed is on disk.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL`, `PERMISSION`, `RESOURCE_LIMIT`.
    pub(super) fn before_write(&self, raw: &Env, txn_id: u64) -> Result<(), Failure> {
        let before = txn_id - 1;
        let mut state = self.state.lock();
        if state.seen == Some(before) {
            return Ok(());
        }
        let caught_up = state.catch_up(&self.layout, raw, before);
        self.note(&state);
        caught_up
    }

    /// Commits, with the durability `strict` or `relaxed`. The caller has passed the gate.
    ///
    /// # Errors
    /// Those of LMDB's commit; `IO`, `DISK_FULL`, `PERMISSION`, `RESOURCE_LIMIT`.
    pub(super) fn commit(
        &self,
        raw: &Env,
        txn: WriteTxn<'_>,
        durability: Durability,
    ) -> Result<(), Failure> {
        self.thread.store(platform::current_thread(), Ordering::Release);
        let mut state = self.state.lock();
        let committed = state.commit(&self.layout, raw, txn, durability, self.is_new);
        self.note(&state);
        committed
    }

    /// Called before a commit of durability `none`: from now on the data file counts as it is.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(super) fn end(&self, raw: &Env, txn_id: u64) -> Result<(), Failure> {
        let mut state = self.state.lock();
        if state.current.is_some() || state.seen != Some(txn_id - 1) {
            let caught_up = state.catch_up(&self.layout, raw, txn_id - 1);
            let ended = caught_up
                .and_then(|()| state.end(&self.layout, raw).map(drop).map_err(Failure::InDoubt));
            self.note(&state);
            ended?;
        }
        state.seen = Some(txn_id);
        // A journal for one commit between such ones would cost more than it saves.
        state.has_committed = false;
        Ok(())
    }

    /// Writes what is in the journal to disk. False if none counts.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(super) fn sync(&self) -> Result<bool> {
        let mut state = self.state.lock();
        let synced = state.sync(&self.layout);
        self.note(&state);
        synced.map(|()| state.current.is_some())
    }

    /// As [`Self::sync`], and ends the journal's reader also if that has failed.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(super) fn let_go(&self) -> Result<()> {
        let mut state = self.state.lock();
        let synced = state.sync(&self.layout);
        if let Some(current) = &mut state.current {
            current.unsynced = None;
        }
        self.note(&state);
        synced
    }

    /// Whether a journal counts.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(super) fn counts(&self) -> Result<bool> {
        let state = self.state.lock();
        Ok(state.current.is_some() || state.journal_id(&self.layout)? != 0)
    }

    /// Makes the data file count as it is, on disk, and lets go of the files. The caller is alone
    /// with the database, and nothing is being written.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(super) fn finish(&self, raw: &Env) -> Result<()> {
        let mut state = self.state.lock();
        let ended = state.end(&self.layout, raw).and_then(|has_ended| match has_ended {
            true => {
                state.journal(&self.layout)?.shorten().map_err(|error| failed(&self.layout, &error))
            }
            false => Ok(()),
        });
        *state = State::default();
        self.note(&state);
        ended
    }

    /// Writes what is in the journal to disk and lets go of the files, unless a commit is stuck in
    /// them, behind another process that has been stopped.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(super) fn close(&self) -> Result<()> {
        let Some(mut state) = self.state.try_lock() else { return Ok(()) };
        let synced = state.sync(&self.layout);
        *state = State::default();
        self.note(&state);
        synced
    }

    /// Writes what is in the journal to disk if that is due. Never waits for a commit.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(super) fn tick(&self) -> Result<()> {
        let Some(mut state) = self.state.try_lock() else { return Ok(()) };
        if state.current.as_ref().is_some_and(Generation::is_sync_due) {
            let synced = state.sync(&self.layout);
            self.note(&state);
            return synced;
        }
        Ok(())
    }

    fn note(&self, state: &State) {
        let has_unsynced = state.current.as_ref().is_some_and(|current| current.unsynced.is_some());
        self.has_unsynced.store(has_unsynced, Ordering::Release);
    }
}

impl State {
    fn data(&self) -> Result<&File> {
        self.data.as_deref().ok_or_else(closed)
    }

    fn journal(&mut self, layout: &Layout) -> Result<Arc<JournalFile>> {
        if let Some(journal) = &self.journal {
            return Ok(journal.clone());
        }
        let journal = JournalFile::create(layout).map_err(|error| failed(layout, &error))?;
        Ok(self.journal.insert(Arc::new(journal)).clone())
    }

    fn journal_id(&self, layout: &Layout) -> Result<u64> {
        journal_id(self.data()?).map_err(|error| failed(layout, &error))
    }

    /// Looks at what other processes have done up to transaction `before`, the last one, and makes
    /// sure that it is on disk.
    fn catch_up(&mut self, layout: &Layout, raw: &Env, before: u64) -> Result<(), Failure> {
        let id = self.journal_id(layout)?;
        if id == 0 {
            self.current = None;
            self.seen = Some(before);
            return Ok(());
        }
        let is_own = |current: &Generation| current.id == id && current.last == before;
        if self.seen == Some(before) && self.current.as_ref().is_some_and(is_own) {
            return Ok(());
        }
        let journal = self.journal(layout)?;
        let failed = |error: io::Error| failed(layout, &error);
        let lock = journal.lock().map_err(failed)?;
        let known = self.current.take().filter(|current| current.id == id);
        if known.is_none() {
            // Who has begun the journal may not have come to this.
            self.data()?.sync_data().map_err(|error| Failure::InDoubt(failed(error)))?;
        }
        let found = match journal.header(id).map_err(failed)? {
            Some(header) => {
                let known = known.filter(|known| known.number == header.generation);
                let mut current = known.unwrap_or_else(|| Generation::at(&header));
                current.read_on(&journal, &mut self.buffer, before).map_err(failed)?;
                let synced = journal.file.sync_data();
                synced.map_err(|error| Failure::InDoubt(failed(error)))?;
                current.have_synced();
                current
            }
            // Somebody has damaged it: what the data file has is whole.
            None => {
                drop(lock);
                self.end(layout, raw).map_err(Failure::InDoubt)?;
                self.seen = Some(before);
                return Ok(());
            }
        };
        let is_complete = found.last == before;
        self.current = Some(found);
        if !is_complete {
            // Who has committed the last transaction has not come to write it down.
            self.checkpoint(layout, raw, before).map_err(Failure::InDoubt)?;
        }
        self.seen = Some(before);
        Ok(())
    }

    fn commit(
        &mut self,
        layout: &Layout,
        raw: &Env,
        mut txn: WriteTxn<'_>,
        durability: Durability,
        is_new: bool,
    ) -> Result<(), Failure> {
        // LMDB commits nothing, then.
        if !txn.complete()? {
            return Ok(txn.commit()?);
        }
        let txn_id = txn.raw().id();
        self.catch_up(layout, raw, txn_id - 1)?;
        let tells = is_new && !self.is_told;
        if tells {
            FormatRecord::require(&mut txn, flag::JOURNAL | flag::JOURNALED_CHANGES)?;
        }
        let is_first = !std::mem::replace(&mut self.has_committed, true);
        if self.current.is_none() && (is_first || !self.begin(layout, raw, txn_id - 1)?) {
            commit_alone(raw, txn, durability)?;
            self.is_told |= tells;
            self.seen = Some(txn_id).filter(|txn_id| raw.last_txn_id() >= *txn_id);
            return Ok(());
        }
        let journal = self.journal(layout)?;
        let _lock = journal.lock().map_err(|error| failed(layout, &error))?;
        raw.set_sync_flags(true, true).map_err(Error::from)?;
        txn.commit()?;
        fault::point("journal-committed");
        // Changes that change nothing, such as deletions of what is not there, are no transaction.
        if raw.last_txn_id() < txn_id {
            return Ok(());
        }
        self.is_told |= tells;
        self.seen = Some(txn_id);
        self.write(layout, raw, txn_id, durability).map_err(Failure::InDoubt)
    }

    /// Makes the last commit as durable as was asked for. The caller has the journal's lock.
    fn write(
        &mut self,
        layout: &Layout,
        raw: &Env,
        txn_id: u64,
        durability: Durability,
    ) -> Result<()> {
        // Without a place in the table of readers nothing keeps the pages.
        let reader = RoTxn::begin(raw).ok();
        let is_written = match &reader {
            Some(reader) => self.append(reader, txn_id, durability)?,
            None => false,
        };
        if !is_written {
            return self.checkpoint(layout, raw, txn_id);
        }
        let Some(current) = &mut self.current else { return Ok(()) };
        match reader.filter(|_| durability != Durability::Strict && !current.is_sync_due()) {
            Some(reader) => current.leave_unsynced(reader, self.buffer.len() as u64),
            None => self.sync(layout)?,
        }
        Ok(())
    }

    /// Writes the last commit's record; false if it is too large, or cannot be written.
    fn append(&mut self, reader: &RoTxn, txn_id: u64, durability: Durability) -> Result<bool> {
        let (Some(current), Some(journal)) = (&mut self.current, &self.journal) else {
            return Ok(false);
        };
        if reader.get().is_none_or(|txn| txn.id() != txn_id) {
            return Ok(false);
        }
        let most = if durability == Durability::Strict { MOST_PAGES } else { MOST_RELAXED_PAGES };
        // SAFETY: the caller has the journal's lock, without which nobody commits.
        let changed = unsafe { changed_pages(reader, most) }?;
        let Some(changed) = changed else { return Ok(false) };
        let head = current.head(txn_id);
        record::encode(&mut self.buffer, &head, &changed, &current.known);
        let end = behind(current.end, self.buffer.len());
        if end > LARGEST {
            return Ok(false);
        }
        // What the disk has no room for is on it without the journal.
        if current.make_room(journal, end).is_err()
            || platform::write_all_at(&journal.file, &self.buffer, current.end).is_err()
        {
            return Ok(false);
        }
        fault::point("journal-appended");
        current.end = end;
        current.last = txn_id;
        current.changes = 0;
        current.known.extend(changed.pages.iter().map(|page| page.number));
        Ok(true)
    }

    /// Writes what is in the journal to disk.
    fn sync(&mut self, layout: &Layout) -> Result<()> {
        let (Some(current), Some(journal)) = (&mut self.current, &self.journal) else {
            return Ok(());
        };
        if !current.is_durable() {
            if !fault::occurs(Defect::SyncSkipped) {
                journal.file.sync_data().map_err(|error| failed(layout, &error))?;
            }
            current.have_synced();
        }
        Ok(())
    }

    /// Begins a journal at the last transaction. False if its file cannot be written: for want of
    /// room, or of descriptors, or because the directory has been moved. Commits do without, then.
    fn begin(&mut self, layout: &Layout, raw: &Env, base: u64) -> Result<bool, Failure> {
        raw.sync().map_err(|code| Failure::InDoubt(code.into()))?;
        let id = uuid::Uuid::new_v4().as_u64_pair().0 | 1;
        let begun = self.journal(layout).and_then(|journal| {
            // What a later header needs room for, it has now.
            let room = vec![0; RECORDS as usize];
            platform::write_all_at(&journal.file, &room, 0)
                .map_err(|error| failed(layout, &error))?;
            let current = self.put_header(layout, raw, &journal, (id, 0), base)?;
            platform::sync_directory(&layout.directory).map_err(|error| failed(layout, &error))?;
            Ok(current)
        });
        let Ok(current) = begun else { return Ok(false) };
        fault::point("journal-begun");
        set_journal_id(self.data()?, id)
            .map_err(|error| Failure::InDoubt(failed(layout, &error)))?;
        self.current = Some(current);
        Ok(true)
    }

    /// Begins a generation at the last transaction: what came before is in the data file, on disk.
    fn checkpoint(&mut self, layout: &Layout, raw: &Env, base: u64) -> Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        let (id, generation) = (current.id, current.number + 1);
        let journal = self.journal(layout)?;
        raw.sync()?;
        fault::point("journal-data-synced");
        self.current = Some(self.put_header(layout, raw, &journal, (id, generation), base)?);
        fault::point("journal-checkpoint");
        Ok(())
    }

    fn put_header(
        &self,
        layout: &Layout,
        raw: &Env,
        journal: &JournalFile,
        (id, generation): (u64, u64),
        base: u64,
    ) -> Result<Generation> {
        let page_size = raw.page_size() as usize;
        let mut meta = [0; META_LENGTH];
        let failed = |error: io::Error| failed(layout, &error);
        platform::read_up_to(self.data()?, &mut meta, base % 2 * page_size as u64)
            .map_err(failed)?;
        let header = Header { id, generation, page_size, base, meta };
        if header.txn_id() != base {
            return Err(Error::corrupt("the meta page of the last transaction is not there"));
        }
        journal.put_header(&header).map_err(failed)?;
        let mut current = Generation::at(&header);
        current.length = journal.length().map_err(failed)?;
        Ok(current)
    }

    /// From now on the data file counts as it is; false if it has done so already.
    fn end(&mut self, layout: &Layout, raw: &Env) -> Result<bool> {
        self.current = None;
        if self.journal_id(layout)? == 0 {
            return Ok(false);
        }
        raw.sync()?;
        set_journal_id(self.data()?, 0).map_err(|error| failed(layout, &error))?;
        Ok(true)
    }
}

fn failed(layout: &Layout, error: &io::Error) -> Error {
    io_error("cannot write the journal", &layout.journal(), error)
}

#[cfg(test)]
mod tests;
