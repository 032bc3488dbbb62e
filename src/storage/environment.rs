//! An open database file: one per process, shared by its connections.

use std::any::Any;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::connection::Connection;
use super::format::{FormatRecord, flag};
use super::gate::Gate;
use super::journal::Journal;
use super::lmdb::{Code, Env, RoTxn, RwTxn, Txn};
use super::lock_file::LockFile;
use super::observer::{Event, Observer, Observers};
use super::options::{Layout, OpenOptions};
use super::platform;
use super::sealed::{Memo, SealedStore};
use super::snapshot::{Snapshot, TurnReader};
use super::stats::{self, OldestReader};
use super::txn::{ReadTxn, Tables, WriteTxn};
use super::writer::{Writer, is_writer_thread};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;

/// How often the reader table is looked at, while there are writes.
const READERS_INTERVAL: Duration = Duration::from_secs(5);
/// The reader table is also looked at whenever the file has grown by so many pages, or by an eighth
/// if that is more.
const GROWN_PAGES: usize = 256;
/// A snapshot lags if so many transactions have been committed since it was taken.
const LAG: u64 = 1_000;
/// How long growing the map waits for the process's snapshots before it takes them away.
const SNAPSHOT_GRACE: Duration = Duration::from_secs(2);

/// An open LMDB environment with everything that belongs to it.
pub struct Environment {
    pub(super) layout: Layout,
    pub(super) identity: platform::Identity,
    pub(super) options: OpenOptions,
    /// `None` only while the files are being replaced, and after the last close.
    raw: RwLock<Option<Env>>,
    tables: RwLock<Tables>,
    /// Whether LMDB was opened for reading only.
    pub(super) read_only: bool,
    pub(super) lock_file: LockFile,
    pub(super) format: FormatRecord,
    /// The keys and the cache of a sealed database.
    sealed: Option<SealedStore>,
    pub(super) writer: Writer,
    gate: Gate,
    /// Held while the map's size is changed, and while a write transaction begins.
    pub(super) mapping: Mutex<()>,
    connections: Mutex<Vec<Weak<Connection>>>,
    snapshots: Mutex<HashMap<u64, Weak<Snapshot>>>,
    turns: Mutex<Vec<Weak<TurnReader>>>,
    next_id: AtomicU64,
    observers: Mutex<Observers>,
    readers_checked: Mutex<Instant>,
    /// The last page when places of dead readers were last given up because the file had grown.
    grown_to: AtomicUsize,
    /// The last transaction when the environment was opened.
    opened_at: u64,
    poison: RwLock<Option<Error>>,
    poisoned: AtomicBool,
    pub(super) unsynced: AtomicBool,
    /// Not of a temporary database, which need not survive anything, nor of one that is only read.
    pub(super) journal: Option<Journal>,
    /// Whether there were commits that left their meta page to be synced by the next one.
    pub(super) relaxed: AtomicBool,
    cared_for: AtomicBool,
    generation: AtomicU64,
    /// Whether the machine went down over unsynced writes, and nothing has been checked since.
    pub(super) left_unsynced: AtomicBool,
    /// A temporary directory to remove after the last close.
    pub(super) temporary: Option<PathBuf>,
    /// Held while something is done to files beside those of LMDB, which a close waits for.
    pub(super) beside: Mutex<()>,
    /// What a higher layer keeps with the open file.
    extension: OnceLock<Arc<dyn Any + Send + Sync>>,
}

/// Leaves the gate, also if what was entered for panics.
struct Entered<'g>(&'g Gate);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Opens the gate again, also if what it was closed for panics.
struct Closed<'g>(&'g Gate);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// Why a read transaction could not be started.
pub(super) enum ReadFailure {
    /// LMDB said so.
    Lmdb(Code),
    /// The environment is closed.
    Closed,
}

impl From<Code> for ReadFailure {
    fn from(code: Code) -> Self {
        Self::Lmdb(code)
    }
}

/// What [`Environment::new`] puts together.
pub(super) struct Parts {
    pub layout: Layout,
    pub identity: platform::Identity,
    pub options: OpenOptions,
    pub raw: Env,
    pub tables: Tables,
    pub read_only: bool,
    pub lock_file: LockFile,
    pub format: FormatRecord,
    pub sealed: Option<SealedStore>,
    pub left_unsynced: bool,
    pub temporary: Option<PathBuf>,
}

impl Environment {
    /// # Errors
    /// `RESOURCE_LIMIT`, `IO`.
    pub(super) fn new(parts: Parts) -> Result<Self> {
        let writer = Writer::new(&parts.options);
        let opened_at = parts.raw.last_txn_id();
        let has_journal = parts.temporary.is_none() && !parts.read_only;
        let journal = match has_journal {
            true => {
                let flags = flag::JOURNAL | flag::JOURNALED_CHANGES;
                let is_new = parts.format.flags & flags != flags;
                Some(Journal::new(parts.layout.clone(), &parts.raw, is_new)?)
            }
            false => None,
        };
        Ok(Self {
            layout: parts.layout,
            identity: parts.identity,
            left_unsynced: AtomicBool::new(parts.left_unsynced),
            // Secrets are not kept.
            options: OpenOptions { encryption: None, ..parts.options },
            raw: RwLock::new(Some(parts.raw)),
            tables: RwLock::new(parts.tables),
            read_only: parts.read_only,
            lock_file: parts.lock_file,
            format: parts.format,
            sealed: parts.sealed,
            writer,
            gate: Gate::default(),
            mapping: Mutex::default(),
            connections: Mutex::default(),
            snapshots: Mutex::default(),
            turns: Mutex::default(),
            next_id: AtomicU64::new(1),
            observers: Mutex::default(),
            readers_checked: Mutex::new(Instant::now()),
            grown_to: AtomicUsize::new(0),
            opened_at,
            poison: RwLock::new(None),
            poisoned: AtomicBool::new(false),
            unsynced: AtomicBool::new(false),
            journal,
            relaxed: AtomicBool::new(false),
            cared_for: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            temporary: parts.temporary,
            beside: Mutex::default(),
            extension: OnceLock::new(),
        })
    }

    /// What a higher layer keeps with the open file, for all its users; made when it is first asked
    /// for. There is one layer that keeps something.
    pub fn extension<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<Arc<T>> {
        Arc::clone(self.extension.get_or_init(|| Arc::new(make()))).downcast().ok()
    }

    /// A snapshot of the state that was committed last, for work in the background, which belongs
    /// to no connection.
    ///
    /// # Errors
    /// `CLOSED`, `POISONED`; those of storage.
    pub fn snapshot(self: &Arc<Self>) -> Result<Arc<Snapshot>> {
        Snapshot::begin_committed(self, false)
    }

    /// Waits until all that is acknowledged is committed.
    ///
    /// # Errors
    /// `CLOSED` in a forked child, `POISONED`.
    #[inline]
    pub(super) fn settle(&self) -> Result<()> {
        self.check_process()?;
        self.writer.deferral.settle(self);
        Ok(())
    }

    /// The LMDB environment.
    pub(super) fn raw(&self) -> Result<Env> {
        self.raw.read().clone().ok_or_else(closed)
    }

    pub(super) fn replace_raw(&self, raw: Option<(Env, Tables)>) -> Option<Env> {
        match raw {
            Some((env, tables)) => {
                self.generation.fetch_add(1, Ordering::AcqRel);
                *self.tables.write() = tables;
                self.raw.write().replace(env)
            }
            None => self.raw.write().take(),
        }
    }

    #[inline]
    pub(super) fn tables(&self) -> Tables {
        *self.tables.read()
    }

    /// The keys and the cache of a sealed database.
    pub(super) fn sealed(&self) -> Option<&SealedStore> {
        self.sealed.as_ref()
    }

    /// What a snapshot sees; `memo` is the snapshot's.
    #[inline]
    pub(super) fn read_txn<'t>(&'t self, raw: Txn<'t>, memo: &'t Memo) -> ReadTxn<'t> {
        match &self.sealed {
            None => ReadTxn::new(raw, self.tables()),
            Some(store) => ReadTxn::of_sealed(raw, self.tables(), store, memo),
        }
    }

    /// What a write transaction sees and changes.
    pub(super) fn write_txn<'t>(&'t self, raw: RwTxn<'t>) -> WriteTxn<'t> {
        match &self.sealed {
            None => WriteTxn::new(raw, self.tables()),
            Some(store) => WriteTxn::of_sealed(raw, self.tables(), store),
        }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Refuses to work in a forked child, whose LMDB state belongs to its parent, and after a
    /// failure that left the state in memory in doubt.
    #[inline]
    pub(super) fn check_process(&self) -> Result<()> {
        if platform::is_forked() {
            return Err(Error::new(
                ErrorCode::Closed,
                "the database was opened before fork(); open it again in the child",
            ));
        }
        if self.poisoned.load(Ordering::Acquire) {
            return Err(self.poison_error());
        }
        Ok(())
    }

    /// Makes every later call fail: the state in memory is in doubt. The first cause stays.
    pub(super) fn poison(&self, cause: &Error) {
        let error = Error::new(
            ErrorCode::Poisoned,
            "an earlier failure left the database's state in memory in doubt; close it and open \
             it again",
        )
        .with_cause(cause);
        self.poison.write().get_or_insert(error.clone());
        if !self.poisoned.swap(true, Ordering::AcqRel) {
            self.notify(&Event::Poisoned(error));
        }
    }

    pub(super) fn observe(&self, observer: Weak<dyn Observer>) {
        let mut observers = self.observers.lock();
        observers.retain(|observer| observer.strong_count() > 0);
        observers.push(observer);
    }

    pub(super) fn notify(&self, event: &Event) {
        let observers = self.observers.lock().clone();
        for observer in observers.iter().filter_map(Weak::upgrade) {
            observer.event(event);
        }
    }

    /// Looks after the reader table now and then: frees the places of dead processes when the file
    /// grows, or an old snapshot keeps pages from being used again, and speaks up if that does not
    /// help. Called after commits.
    pub(super) fn check_readers(&self) -> Result<()> {
        if self.has_grown()? {
            self.with_raw(Env::clear_stale_readers)??;
        }
        {
            let mut checked = self.readers_checked.lock();
            if checked.elapsed() < READERS_INTERVAL {
                return Ok(());
            }
            *checked = Instant::now();
        }
        if self.lagging_reader()?.is_some() {
            self.with_raw(Env::clear_stale_readers)??;
            if let Some(reader) = self.lagging_reader()? {
                self.notify(&Event::ReaderLag(reader));
            }
        }
        Ok(())
    }

    /// Whether the file has grown by much since this last said so.
    fn has_grown(&self) -> Result<bool> {
        let last_page = self.with_raw(|raw| raw.info().last_page)?;
        let before = self.grown_to.load(Ordering::Relaxed);
        // It shrinks when it is compacted.
        let has_grown = last_page > before + (before / 8).max(GROWN_PAGES);
        if has_grown || last_page < before {
            self.grown_to.store(last_page, Ordering::Relaxed);
        }
        Ok(has_grown)
    }

    fn lagging_reader(&self) -> Result<Option<OldestReader>> {
        let readers = stats::readers(self)?;
        let last = self.with_raw(Env::last_txn_id)?;
        let oldest = stats::oldest_reader(self, &readers, last);
        Ok(oldest.filter(|reader| reader.lag > LAG))
    }

    fn poison_error(&self) -> Error {
        self.poison.read().clone().unwrap_or_else(closed)
    }

    /// Whether a failure has made this environment unusable.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    /// Changes when the files were replaced, which starts transaction ids anew.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// True for the first caller: it takes up what earlier processes have left unfinished.
    pub fn claim_care(&self) -> bool {
        !self.cared_for.swap(true, Ordering::AcqRel)
    }

    /// Whether anything was committed since the environment was opened.
    pub(super) fn was_written(&self) -> Result<bool> {
        Ok(self.raw()?.last_txn_id() != self.opened_at)
    }

    /// The id of the last committed transaction, by any process.
    pub fn last_txn_id(&self) -> Result<u64> {
        self.check_process()?;
        self.with_raw(Env::last_txn_id)
    }

    /// Lends the LMDB environment while its map stays in place and its files stay open. With no
    /// locks held but LMDB's for writing, and not for what waits for another map: a read
    /// transaction that cannot begin is not helped here.
    pub(super) fn with_raw<T>(&self, work: impl FnOnce(&Env) -> T) -> Result<T> {
        while !self.gate.try_enter() {
            self.gate.wait_open();
        }
        let _entered = Entered(&self.gate);
        let raw = self.raw()?;
        Ok(work(&raw))
    }

    pub(super) fn begin_read(&self) -> Result<RoTxn, ReadFailure> {
        let raw = self.raw.read().clone().ok_or(ReadFailure::Closed)?;
        Ok(RoTxn::begin(&raw)?)
    }

    /// Passes the gate and starts a read transaction with `start`, which leaves again if it fails.
    pub(super) fn activate(
        &self,
        start: impl Fn(&Self) -> Result<RoTxn, ReadFailure>,
    ) -> Result<RoTxn> {
        self.check_process()?;
        loop {
            if !self.gate.try_enter() {
                self.gate.wait_open();
                continue;
            }
            match start(self) {
                Ok(txn) => return Ok(txn),
                Err(failure) => {
                    self.gate.leave();
                    self.recover_read(failure)?;
                }
            }
        }
    }

    /// After a failed start of a read transaction: mends what can be mended, so that it may be
    /// tried again, or says why not.
    pub(super) fn recover_read(&self, failure: ReadFailure) -> Result<()> {
        match failure {
            ReadFailure::Lmdb(Code::MAP_RESIZED) => self.resize(0),
            ReadFailure::Lmdb(Code::READERS_FULL) => {
                if self.with_raw(Env::clear_stale_readers)?? == 0 {
                    return Err(Code::READERS_FULL.into());
                }
                Ok(())
            }
            ReadFailure::Lmdb(code) => Err(code.into()),
            ReadFailure::Closed => Err(closed()),
        }
    }

    /// Changes the map's size, 0 for what another process has set. The caller has no transaction.
    ///
    /// Errors: `BUSY` if the writer has waited for another process all the time; `RESOURCE_LIMIT`.
    pub(super) fn resize(&self, map_size: usize) -> Result<()> {
        let Some(_mapping) = self.mapping.try_lock_for(self.options.busy_timeout) else {
            return Err(Error::new(
                ErrorCode::Busy,
                "another process has made the database larger and holds the write lock",
            ));
        };
        self.quiesce(|| {
            let raw = self.raw()?;
            if !platform::can_reserve(map_size) {
                return Err(Error::new(ErrorCode::ResourceLimit, "no address space is left"));
            }
            fault::point("map-growth-begin");
            // SAFETY: the gate is closed and empty, so that no read transaction is active, and no
            // write transaction begins; LMDB refuses (EINVAL) if there is one.
            match unsafe { raw.resize(map_size) } {
                // What there was to take over has been taken over: the writer is at work.
                Err(code) if map_size == 0 && code.errno() == Some(libc::EINVAL) => Ok(()),
                Err(code) => {
                    // LMDB has given the old map up: nothing may look at the data any more.
                    let error = Error::from(code);
                    self.poison(&error);
                    Err(error)
                }
                Ok(()) => {
                    fault::point("map-growth-end");
                    Ok(())
                }
            }
        })
    }

    /// Runs `work` while no read transaction of this process is active. Snapshots get a moment to
    /// finish first, in which everything goes on, and then they expire.
    pub(super) fn quiesce<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        // Any other thread may hold some of them itself, and would wait in vain.
        if is_writer_thread() {
            self.wait_for_snapshots();
        }
        self.gate.close();
        let _closed = Closed(&self.gate);
        loop {
            self.evict_turns();
            for snapshot in self.live_snapshots() {
                snapshot.end(ErrorCode::SnapshotExpired);
            }
            // What has passed the gate may not be known here yet.
            if self.gate.wait_idle(Duration::from_millis(5)) {
                self.let_go_of_readers();
                return work();
            }
        }
    }

    /// Ends the reader that keeps what is not on disk yet. No commit is under way, since one has to
    /// pass the gate.
    fn let_go_of_readers(&self) {
        if let Some(journal) = &self.journal
            && let Err(error) = journal.let_go()
        {
            self.poison(&error);
        }
    }

    /// Waits until the snapshots that there are now have ended, but not for long.
    fn wait_for_snapshots(&self) {
        let waited_for: Vec<_> = self.snapshots.lock().values().cloned().collect();
        let deadline = Instant::now() + SNAPSHOT_GRACE;
        let is_active = |snapshot: &Weak<Snapshot>| {
            snapshot.upgrade().is_some_and(|snapshot| snapshot.is_active())
        };
        while waited_for.iter().any(is_active) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn register_connection(&self, connection: Weak<Connection>) {
        let mut connections = self.connections.lock();
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(connection);
    }

    /// A connection of this process that may write and is open.
    pub fn writable_connection(&self) -> Option<Arc<Connection>> {
        let connections: Vec<_> =
            self.connections.lock().iter().filter_map(Weak::upgrade).collect();
        connections.into_iter().find(|connection| connection.check_writable().is_ok())
    }

    pub(super) fn evict_turns(&self) {
        let turns = std::mem::take(&mut *self.turns.lock());
        let live: Vec<_> = turns.iter().filter_map(Weak::upgrade).collect();
        self.turns.lock().extend(live.iter().map(Arc::downgrade));
        for turn in live {
            turn.evict();
        }
    }

    pub(super) fn register_turn(&self, turn: &Arc<TurnReader>) {
        let mut turns = self.turns.lock();
        turns.retain(|turn| turn.strong_count() > 0);
        turns.push(Arc::downgrade(turn));
    }

    pub(super) fn next_snapshot_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn register_snapshot(&self, id: u64, snapshot: Weak<Snapshot>) {
        self.snapshots.lock().insert(id, snapshot);
    }

    pub(super) fn forget_snapshot(&self, id: u64) {
        self.snapshots.lock().remove(&id);
    }

    pub(super) fn live_snapshots(&self) -> Vec<Arc<Snapshot>> {
        self.snapshots.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// Periodic care: expires idle snapshots, fails writes that waited too long for another
    /// process. True if there is something to come back for.
    pub(super) fn tick(&self) -> bool {
        let snapshots = self.live_snapshots();
        let limit = u64::try_from(self.options.snapshot_timeout.as_millis()).unwrap_or(u64::MAX);
        for snapshot in &snapshots {
            snapshot.expire_if_idle(limit);
        }
        let is_unsynced = self.journal.as_ref().is_some_and(|journal| {
            if let Err(error) = journal.tick() {
                self.poison(&error);
            }
            journal.has_unsynced()
        });
        self.writer.withdraw_overdue() || is_unsynced || !snapshots.is_empty()
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the database is closed")
}
