//! Connections: what an open gives, and a close takes away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use parking_lot::Mutex;

use super::care::Care;
use super::data_file::{self, PageFigures, PageProblem};
use super::environment::{Environment, closed};
use super::format::FormatRecord;
use super::journal::Journal;
use super::lmdb::Env;
use super::observer::Observer;
use super::options::{Durability, OpenMode, OpenOptions};
use super::platform;
use super::registry;
use super::snapshot::{Snapshot, TurnReader};
use super::txn::WriteTxn;
use super::writer::{Commit, Exclusive, Job, SessionHandle, SessionOptions, is_writer_thread};
use crate::error::{Error, ErrorCode, Result};

/// One user's way to a database. All connections of a process to one database share its
/// environment; the last close closes it.
pub struct Connection {
    environment: Arc<Environment>,
    durability: Durability,
    read_only: bool,
    closed: AtomicBool,
    snapshots: Mutex<Vec<Weak<Snapshot>>>,
    turns: Mutex<Vec<Weak<TurnReader>>>,
    /// The connection to the database that this one is a space of.
    parent: Mutex<Option<Arc<Connection>>>,
}

impl Connection {
    pub(super) fn new(
        environment: Arc<Environment>,
        durability: Durability,
        read_only: bool,
    ) -> Arc<Self> {
        let connection = Arc::new(Self {
            environment,
            durability,
            read_only,
            closed: AtomicBool::new(false),
            snapshots: Mutex::default(),
            turns: Mutex::default(),
            parent: Mutex::default(),
        });
        connection.environment.register_connection(Arc::downgrade(&connection));
        connection
    }

    /// Keeps `parent`, the database that this one is a space of, open for as long as this
    /// connection is, and closes it then.
    pub fn set_parent(&self, parent: Arc<Connection>) {
        *self.parent.lock() = Some(parent);
    }

    /// Whether it is to a space whose database is known.
    pub(super) fn is_space(&self) -> bool {
        self.parent.lock().is_some()
    }

    /// The shared environment.
    pub fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    /// The durability of writes that ask for none themselves.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The format record.
    pub fn format(&self) -> &FormatRecord {
        &self.environment.format
    }

    /// Whether it may write.
    pub fn is_writable(&self) -> bool {
        !self.read_only
    }

    /// Whether the machine went down over writes of durability `none`, and nothing has been checked
    /// since: what is there may be damaged.
    pub fn was_left_unsynced(&self) -> bool {
        self.environment.left_unsynced.load(Ordering::Acquire)
    }

    /// The content was checked after [`was_left_unsynced`](Self::was_left_unsynced), and is whole.
    pub fn declare_whole(&self) -> Result<()> {
        self.environment.left_unsynced.store(false, Ordering::Release);
        if self.read_only {
            return Ok(());
        }
        self.environment.sync()?;
        let environment = &self.environment;
        // Unsynced writes since then have a marker of their own.
        environment.lock_file.clear_unsynced(|| environment.unsynced.load(Ordering::Acquire))
    }

    /// Tells `observer` what the environment has to say, for as long as it lives.
    pub fn observe(&self, observer: Weak<dyn Observer>) {
        self.environment.observe(observer);
    }

    /// Refuses work on a closed, forked or poisoned database.
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        self.environment.check_process()
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.read_only {
            return Err(Error::new(ErrorCode::TxReadOnly, "the database is open for reading only"));
        }
        Ok(())
    }

    /// Queues a job for the writer.
    ///
    /// Errors: `CLOSED`, `POISONED`, `TX_READ_ONLY`, `RESOURCE_LIMIT`.
    pub fn submit(&self, job: Box<dyn Job>) -> Result<()> {
        self.check_writable()?;
        self.environment.writer.submit(&self.environment, job)
    }

    /// Queues an interactive transaction.
    pub fn begin(
        &self,
        options: SessionOptions,
        started: Box<dyn FnOnce(Result<SessionHandle>) + Send>,
    ) -> Result<()> {
        self.check_writable()?;
        self.environment.writer.begin(&self.environment, options, started)
    }

    /// Queues work that runs on the writer thread between transactions.
    pub(super) fn run_exclusively(&self, work: Exclusive) -> Result<()> {
        self.check_writable()?;
        self.environment.writer.run_exclusively(&self.environment, work)
    }

    /// Options for opening what is open already, or a space of it.
    pub(super) fn join_options(&self) -> OpenOptions {
        let mode = if self.read_only { OpenMode::ReadOnly } else { OpenMode::Open };
        OpenOptions { mode, ..self.environment.options.clone() }
    }

    /// A reader of the newest state for one thread.
    pub fn turn_reader(&self) -> Arc<TurnReader> {
        let reader = TurnReader::new(&self.environment);
        let mut turns = self.turns.lock();
        turns.retain(|turn| turn.strong_count() > 0);
        turns.push(Arc::downgrade(&reader));
        reader
    }

    /// A snapshot of the newest state. `exempt` ones may be held without being used.
    pub fn snapshot(&self, exempt: bool) -> Result<Arc<Snapshot>> {
        self.check_open()?;
        self.keep(Snapshot::begin(&self.environment, exempt)?)
    }

    /// A snapshot of the state that `reader` would read now.
    pub fn pin(&self, reader: &TurnReader) -> Result<Arc<Snapshot>> {
        self.check_open()?;
        self.keep(reader.pin()?)
    }

    fn keep(&self, snapshot: Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let mut snapshots = self.snapshots.lock();
        if snapshots.len() == snapshots.capacity() {
            snapshots.retain(|snapshot| snapshot.strong_count() > 0);
        }
        snapshots.push(Arc::downgrade(&snapshot));
        drop(snapshots);
        // A close that has just ended all others does not know this one.
        if self.closed.load(Ordering::Acquire) {
            snapshot.end(ErrorCode::Closed);
            return Err(closed());
        }
        super::housekeeper::wake();
        Ok(snapshot)
    }

    /// Checks every page of the state that a snapshot shows, with ordinary reads of the data file.
    /// `None` if the meta page that names them has been replaced since the snapshot was taken: then
    /// a newer one is needed.
    ///
    /// # Errors
    /// `ABORTED`, `IO`; `CORRUPT` if the meta pages cannot be read.
    pub fn check_pages(
        &self,
        snapshot: &Snapshot,
        care: &dyn Care,
        found: &mut dyn FnMut(PageProblem),
    ) -> Result<Option<PageFigures>> {
        let path = self.environment.layout.data();
        data_file::check_every_page(&path, Some(snapshot.txn_id()), care, found)
    }

    /// Waits until everything accepted so far is committed, then writes all of it to disk.
    ///
    /// # Errors
    /// `CLOSED`, `POISONED`, `RESOURCE_LIMIT`; what the last commit or the sync has failed with.
    pub fn flush(&self) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        self.begin_flush(move |flush| drop(sender.send(flush)))?;
        receiver.recv().map_err(|_| closed())??.finish()
    }

    /// As [`Connection::flush`], for a caller that does not wait: `then` is called when everything
    /// accepted so far is committed or has failed, on the writer thread unless there is nothing to
    /// wait for, so that it must not block. The connection may be closed by then.
    ///
    /// # Errors
    /// `CLOSED`, `POISONED`, `RESOURCE_LIMIT`; then `then` is not called.
    pub fn begin_flush(&self, then: impl FnOnce(Result<Flush>) + Send + 'static) -> Result<()> {
        self.check_open()?;
        if self.read_only {
            then(Ok(Flush(None)));
            return Ok(());
        }
        let flush = Flush(Some(self.environment.clone()));
        self.after_writes(move |outcome| then(outcome.map(|()| flush)))
    }

    /// Waits until the writes accepted so far have ended, one way or the other.
    fn barrier(&self) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        // The receiver is there until it hears; if not, there is nobody to tell.
        self.after_writes(move |outcome| drop(sender.send(outcome)))?;
        receiver.recv().map_err(|_| closed())?
    }

    /// Calls `then` on the writer thread when the writes accepted so far have ended.
    fn after_writes(&self, then: impl FnOnce(Result<()>) + Send + 'static) -> Result<()> {
        let job = Box::new(Barrier { then: Box::new(then) });
        self.environment.writer.submit(&self.environment, job)
    }

    /// Ends the connection: waits for accepted writes, ends its snapshots, and closes the
    /// environment if this was the last connection. Calling it again does nothing.
    ///
    /// Blocks for up to `busyTimeout` while another process holds the write lock.
    pub fn close(&self) -> Result<()> {
        // In a forked child all of it belongs to the parent.
        if platform::is_forked() || self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let pending = self.environment.writer.is_active();
        // A job may hold the last reference to a connection; it has ended by then.
        let can_wait = !is_writer_thread() && self.environment.check_process().is_ok();
        let flushed = if pending && can_wait { self.barrier() } else { Ok(()) };
        for snapshot in self.snapshots.lock().drain(..).filter_map(|weak| weak.upgrade()) {
            snapshot.end(ErrorCode::Closed);
        }
        for turn in self.turns.lock().drain(..).filter_map(|weak| weak.upgrade()) {
            turn.evict();
        }
        let timeout = if can_wait { self.environment.options.busy_timeout } else { Duration::ZERO };
        let released = registry::release(&self.environment, timeout);
        let parent = self.parent.lock().take();
        let released = released.and(parent.map_or(Ok(()), |parent| parent.close()));
        match flushed {
            // The writes themselves have told their callers.
            Err(error) if error.code() == ErrorCode::Busy => released,
            Err(error) if error.code() == ErrorCode::Closed => released,
            other => other.and(released),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.closed.load(Ordering::Acquire) {
            // Nobody is left to be told; what was accepted is still committed first.
            drop(self.close());
        }
    }
}

/// The last step of a [flush](Connection::begin_flush): what has to be written to disk.
#[must_use]
pub struct Flush(Option<Arc<Environment>>);

impl Flush {
    /// Writes it.
    ///
    /// # Errors
    /// What the sync has failed with.
    pub fn finish(self) -> Result<()> {
        let Some(environment) = self.0 else { return Ok(()) };
        match environment.sync() {
            // The close that came before has written everything to disk, has poisoned, or could not
            // wait for the writer.
            Err(error)
                if error.code() == ErrorCode::Closed && !environment.writer.is_abandoned() =>
            {
                environment.check_process()
            }
            synced => synced,
        }
    }
}

/// An empty job: when it has run, so has everything before it.
struct Barrier {
    then: Box<dyn FnOnce(Result<()>) + Send>,
}

impl Job for Barrier {
    fn bytes(&self) -> usize {
        0
    }

    fn durability(&self) -> Durability {
        // A commit of nothing costs nothing; and it must not count as an unsynced write.
        Durability::Strict
    }

    fn run(&mut self, _txn: &mut WriteTxn<'_>) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        (self.then)(outcome.map(|_| ()));
    }
}

impl Environment {
    /// Writes everything to disk; a failure poisons. `CLOSED` is none: closing has done it.
    pub(super) fn sync(&self) -> Result<()> {
        let in_journal = self.journal.as_ref().map_or(Ok(false), Journal::sync);
        let synced = in_journal.and_then(|is_synced| match is_synced {
            true => Ok(()),
            false => Ok(self.with_raw(Env::sync)??),
        });
        synced.inspect_err(|error| {
            if error.code() != ErrorCode::Closed {
                self.poison(error);
            }
        })
    }

    /// How long to wait for a writer thread that is not held up by another process.
    pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(2);
}
