//! Snapshots: read transactions that are kept, shared between threads, and taken away when they
//! must be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::environment::Environment;
use super::lmdb::RoTxn;
use super::platform::is_forked;
use super::sealed::Memo;
use super::txn::ReadTxn;
use crate::error::{Error, ErrorCode, Result};

/// A consistent state of the database, held until it is dropped or expires.
///
/// Several threads may share one; they take turns.
pub struct Snapshot {
    environment: Arc<Environment>,
    id: u64,
    txn_id: u64,
    created: Instant,
    /// Milliseconds after `created` at which it was last used.
    used: AtomicU64,
    /// Whether it may be held without being used (backup).
    exempt: bool,
    state: Mutex<State>,
}

enum State {
    Active(RoTxn, Memo),
    Ended(ErrorCode),
}

impl Snapshot {
    /// A snapshot of the newest state.
    pub(super) fn begin(environment: &Arc<Environment>, exempt: bool) -> Result<Arc<Self>> {
        environment.settle()?;
        Self::begin_committed(environment, exempt)
    }

    /// A snapshot of the state that was committed last; writes that are acknowledged may follow.
    pub(super) fn begin_committed(
        environment: &Arc<Environment>,
        exempt: bool,
    ) -> Result<Arc<Self>> {
        environment
            .activate(|env| env.begin_read())
            .map(|txn| Self::adopt(environment, txn, exempt))
    }

    /// Keeps a read transaction that has passed the gate.
    fn adopt(environment: &Arc<Environment>, txn: RoTxn, exempt: bool) -> Arc<Self> {
        let snapshot = Arc::new(Self {
            environment: environment.clone(),
            id: environment.next_snapshot_id(),
            txn_id: txn.get().map_or(0, |txn| txn.id()),
            created: Instant::now(),
            used: AtomicU64::new(0),
            exempt,
            state: Mutex::new(State::Active(txn, Memo::default())),
        });
        if exempt {
            environment.gate().hold();
        }
        environment.register_snapshot(snapshot.id, Arc::downgrade(&snapshot));
        snapshot
    }

    /// Reads from the snapshot.
    ///
    /// Errors: `SNAPSHOT_EXPIRED` after it was idle for too long or had to give way to the growth
    /// of the map, `CLOSED` after the database was closed.
    pub fn with<T>(&self, work: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        self.environment.check_process()?;
        let state = self.state.lock();
        self.touch();
        let result = match &*state {
            State::Active(txn, memo) => match txn.get() {
                Some(raw) => work(&self.environment.read_txn(raw, memo)),
                None => Err(ended(ErrorCode::Closed)),
            },
            State::Ended(code) => Err(ended(*code)),
        };
        self.touch();
        result
    }

    fn touch(&self) {
        let now = u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used.store(now, Ordering::Relaxed);
    }

    /// Whether it has not ended; one that is being read has not.
    pub(super) fn is_active(&self) -> bool {
        self.state.try_lock().is_none_or(|state| matches!(*state, State::Active(..)))
    }

    /// The id of the transaction whose state it shows.
    pub fn txn_id(&self) -> u64 {
        self.txn_id
    }

    /// When it was taken.
    pub fn created(&self) -> Instant {
        self.created
    }

    /// Ends the snapshot; later reads fail with `code`. Waits for a read that is under way.
    pub fn end(&self, code: ErrorCode) {
        if is_forked() {
            return;
        }
        let mut state = self.state.lock();
        if matches!(*state, State::Active(..)) {
            *state = State::Ended(code);
            drop(state);
            if self.exempt {
                self.environment.gate().release();
            }
            self.environment.gate().leave();
        }
    }

    /// Ends the snapshot if it has not been used for `limit` milliseconds.
    pub(super) fn expire_if_idle(&self, limit: u64) {
        let now = u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        let idle = now.saturating_sub(self.used.load(Ordering::Relaxed));
        // A snapshot that is being read has its state locked, and is not idle.
        if !self.exempt && idle > limit && self.state.try_lock().is_some() {
            self.end(ErrorCode::SnapshotExpired);
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if is_forked() {
            // Its place in the reader table is the parent's.
            let ended = State::Ended(ErrorCode::Closed);
            std::mem::forget(std::mem::replace(self.state.get_mut(), ended));
            return;
        }
        self.end(ErrorCode::Closed);
        self.environment.forget_snapshot(self.id);
    }
}

fn ended(code: ErrorCode) -> Error {
    let message = match code {
        ErrorCode::SnapshotExpired => {
            "the snapshot was held unused for too long, or had to give way; take a new one"
        }
        _ => "the snapshot is closed",
    };
    Error::new(code, message)
}

/// The snapshot that point reads of one JavaScript thread share: the newest state at each call,
/// renewed only when something was committed in between, and let go at the end of a turn.
pub struct TurnReader {
    environment: Arc<Environment>,
    state: Mutex<Turn>,
}

#[derive(Default)]
struct Turn {
    txn: Option<RoTxn>,
    memo: Memo,
}

impl Turn {
    fn active_id(&self) -> Option<u64> {
        self.txn.as_ref()?.get().map(|txn| txn.id())
    }
}

impl TurnReader {
    /// A reader with no snapshot yet.
    pub(super) fn new(environment: &Arc<Environment>) -> Arc<Self> {
        let reader = Arc::new(Self { environment: environment.clone(), state: Mutex::default() });
        environment.register_turn(&reader);
        reader
    }

    /// Reads the newest committed state, of any thread or process.
    pub fn with<T>(&self, work: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        self.environment.settle()?;
        self.read(work)
    }

    /// Reads the state that was committed last. Writes that are acknowledged may follow it; they
    /// are of documents, so the catalog is that of the newest state.
    pub fn with_committed<T>(&self, work: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        self.environment.check_process()?;
        self.read(work)
    }

    #[inline]
    fn read<T>(&self, work: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        let turn = self.current()?;
        let Some(txn) = turn.txn.as_ref().and_then(|txn| txn.get()) else {
            return Err(ended(ErrorCode::Closed));
        };
        work(&self.environment.read_txn(txn, &turn.memo))
    }

    /// Reads the state that was read last, if it is held still; the newest one otherwise.
    pub fn with_held<T>(&self, work: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        self.environment.check_process()?;
        let turn = self.state.lock();
        if let Some(txn) = turn.txn.as_ref().and_then(|txn| txn.get()) {
            return work(&self.environment.read_txn(txn, &turn.memo));
        }
        drop(turn);
        self.with(work)
    }

    /// The id of the last transaction of which anything is acknowledged, by any process.
    #[inline]
    pub fn last_txn_id(&self) -> Result<u64> {
        self.environment.check_process()?;
        let turn = self.state.lock();
        if let Some(txn) = &turn.txn
            && txn.get().is_some()
        {
            return Ok(self.environment.writer.deferral.newest(txn.env().last_txn_id()));
        }
        drop(turn);
        Ok(self.environment.writer.deferral.newest(self.environment.last_txn_id()?))
    }

    /// The id of the transaction whose state was read last, while it is held.
    #[inline]
    pub fn held_txn_id(&self) -> Option<u64> {
        self.state.lock().active_id()
    }

    /// The turn with an active, current transaction, locked.
    fn current(&self) -> Result<parking_lot::MutexGuard<'_, Turn>> {
        loop {
            let mut turn = self.state.lock();
            let active = turn.active_id();
            if let (Some(id), Some(txn)) = (active, &turn.txn) {
                if txn.env().last_txn_id() == id {
                    return Ok(turn);
                }
            } else if !self.environment.gate().try_enter() {
                drop(turn);
                self.environment.gate().wait_open();
                continue;
            }
            match self.refresh(&mut turn) {
                Ok(()) => return Ok(turn),
                Err(error) => {
                    turn.txn = None;
                    drop(turn);
                    self.environment.gate().leave();
                    self.environment.recover_read(error)?;
                }
            }
        }
    }

    fn refresh(&self, turn: &mut Turn) -> Result<(), super::environment::ReadFailure> {
        turn.memo.clear();
        match &mut turn.txn {
            Some(txn) => txn.renew()?,
            empty => *empty = Some(self.environment.begin_read()?),
        }
        Ok(())
    }

    /// A snapshot of the state that [`with`](Self::with) would read now. It takes this reader's
    /// own transaction over.
    pub fn pin(&self) -> Result<Arc<Snapshot>> {
        self.environment.settle()?;
        let txn = self.current()?.txn.take();
        match txn {
            Some(txn) => Ok(Snapshot::adopt(&self.environment, txn, false)),
            None => Err(ended(ErrorCode::Closed)),
        }
    }

    /// Lets go of the snapshot, keeping the place in the reader table.
    pub fn end_turn(&self) {
        if is_forked() {
            return;
        }
        let mut turn = self.state.lock();
        if let Some(txn) = turn.txn.as_mut()
            && txn.get().is_some()
        {
            txn.reset();
            drop(turn);
            self.environment.gate().leave();
        }
    }

    /// Lets go of everything, so that the environment can be resized or closed.
    pub(super) fn evict(&self) {
        if is_forked() {
            return;
        }
        let mut turn = self.state.lock();
        let was_active = turn.active_id().is_some();
        turn.txn = None;
        turn.memo.clear();
        drop(turn);
        if was_active {
            self.environment.gate().leave();
        }
    }
}

impl Drop for TurnReader {
    fn drop(&mut self) {
        if is_forked() {
            std::mem::forget(self.state.get_mut().txn.take());
        }
        self.evict();
    }
}
