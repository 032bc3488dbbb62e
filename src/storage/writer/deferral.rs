//! Deferred commits: writes that are acknowledged before their transaction is committed.
//!
//! A commit of LMDB writes a path of pages for each tree that it changes, whatever is changed, and
//! takes longer than the change itself. So while one caller after another writes a little, and
//! nobody reads, the writer acknowledges a write as soon as its changes are in the journal, and
//! goes on in the same transaction. It commits when somebody wants to read, when no write follows,
//! and after so many.
//!
//! - Who reads what is newest waits for the commit ([`Deferral::settle`]). It is as if each write
//!   had been committed when it was acknowledged.
//! - Other processes cannot ask for that. Commits are deferred only while no other process has the
//!   database open, and none can open it meanwhile: the writer holds the [`Turn`].
//! - The work that is deferred is short, so that who reads does not wait for long: it is asked for
//!   by [`Job::is_brief`].
//! - If the commit fails, the changes are made again in another transaction. If that fails as well,
//!   the database is poisoned; the journal has the changes, and the next open makes them. Lest a
//!   full disk comes to that, commits are deferred only while there is far more room than they
//!   need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::patience::{self, WATCH};
use super::{Commit, Job, group};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::storage::environment::Environment;
use crate::storage::housekeeper;
use crate::storage::journal::{Failure, Journal};
use crate::storage::lmdb::Env;
use crate::storage::lock_file::Turn;
use crate::storage::options::Durability;
use crate::storage::platform;
use crate::storage::redo::redo;
use crate::storage::txn::WriteTxn;

/// So many writes are acknowledged in one transaction, …
const MOST_WRITES: usize = 64;
/// … with so many bytes of changes.
const MOST_BYTES: usize = 256 << 10;
/// More jobs than this at once share a commit as they are.
pub(super) const MOST_AT_ONCE: usize = 16;
/// How long other processes that want to open the database are kept from it at most, …
const LONGEST_TURN: Duration = Duration::from_millis(100);
/// … and how long they are let in then: who waits tries every 10 ms.
const PAUSE: Duration = Duration::from_millis(25);
/// Bytes that the disk must have room for: ten times what the pages of a transaction and its record
/// take.
const ROOM: u64 = 64 << 20;
/// How long it takes until another process that was found is looked for again.
const OTHERS: Duration = Duration::from_millis(500);
/// How long who waits for a commit watches for it, before it sleeps.
const SETTLING: Duration = Duration::from_micros(200);

/// What readers and the writer know of each other.
#[derive(Default)]
pub struct Deferral {
    /// The transaction that has acknowledged writes and is not committed; 0 if there is none.
    transaction: AtomicU64,
    /// Somebody waits for its commit.
    is_wanted: AtomicBool,
    /// Somebody has looked at what is newest since the last transaction began.
    was_read: AtomicBool,
    lock: Mutex<()>,
    committed: Condvar,
    alone: Mutex<Alone>,
}

/// Whether no other process has the database open.
#[derive(Default)]
struct Alone {
    turn: Option<(Turn, Instant)>,
    /// Not to be asked before.
    asked_again: Option<Instant>,
}

impl Deferral {
    /// Called before something is read that has to be newest: waits until what is acknowledged is
    /// committed.
    #[inline]
    pub(in crate::storage) fn settle(&self, env: &Environment) {
        if !self.was_read.load(Ordering::Relaxed) {
            self.was_read.store(true, Ordering::Relaxed);
        }
        if self.transaction.load(Ordering::Acquire) != 0 {
            self.wait(env);
        }
    }

    /// The transaction of the newest writes that are acknowledged; `committed` is the last one that
    /// is committed.
    #[inline]
    pub(in crate::storage) fn newest(&self, committed: u64) -> u64 {
        self.transaction.load(Ordering::Acquire).max(committed)
    }

    #[cold]
    fn wait(&self, env: &Environment) {
        // The writer does not read what it has written in this way.
        if super::is_writer_thread() {
            return;
        }
        self.is_wanted.store(true, Ordering::Release);
        env.writer.notify();
        let is_open = || self.transaction.load(Ordering::Acquire) != 0;
        patience::watch_for(SETTLING, || !is_open());
        let mut guard = self.lock.lock();
        while is_open() {
            self.committed.wait(&mut guard);
        }
    }

    /// Lets other processes open the database.
    pub(super) fn let_others_in(&self) {
        self.alone.lock().turn = None;
    }

    /// Makes sure that this process has the database to itself, until others are let in; gives the
    /// time at which they have to be.
    fn alone_until(&self, env: &Environment) -> Option<Instant> {
        let now = Instant::now();
        let mut alone = self.alone.lock();
        if let Some((_, since)) = &mut alone.turn {
            if now < *since + LONGEST_TURN {
                return Some(*since + LONGEST_TURN);
            }
            if !env.lock_file.is_turn_wanted() {
                *since = now;
                return Some(now + LONGEST_TURN);
            }
            alone.turn = None;
            alone.asked_again = Some(now + PAUSE);
        }
        if alone.asked_again.is_some_and(|then| now < then) {
            return None;
        }
        match env.lock_file.alone() {
            Ok(Some(turn)) => alone.turn = Some((turn, now)),
            Ok(None) => alone.asked_again = Some(now + OTHERS),
            Err(error) => env.poison(&error),
        }
        alone.turn.is_some().then_some(now + LONGEST_TURN)
    }

    /// The transaction has ended.
    fn end(&self) {
        let guard = self.lock.lock();
        self.is_wanted.store(false, Ordering::Release);
        self.transaction.store(0, Ordering::Release);
        drop(guard);
        self.committed.notify_all();
    }
}

/// The writes of a transaction that are acknowledged before it is committed.
pub(super) struct Deferred<'e> {
    env: &'e Arc<Environment>,
    journal: &'e Journal,
    txn_id: u64,
    writes: usize,
    changes: Vec<Vec<u8>>,
    bytes: usize,
    /// When other processes have to be let in.
    until: Instant,
}

impl<'e> Deferred<'e> {
    /// For a transaction that begins; `None` if it has to be committed before anything of it is
    /// acknowledged. From now on only brief work may run in it.
    pub fn begin(env: &'e Arc<Environment>, raw: &Env, txn: &mut WriteTxn<'_>) -> Option<Self> {
        let deferral = &env.writer.deferral;
        let was_read = deferral.was_read.swap(false, Ordering::Relaxed);
        let journal = env.journal.as_ref()?;
        let is_brief = {
            let queue = env.writer.queue.lock();
            queue.foreground.len() <= MOST_AT_ONCE && queue.is_next_brief() == Some(true)
        };
        let is_worthwhile =
            is_brief && !was_read && patience::has_several_processors() && journal.takes_changes();
        let until = match is_worthwhile && has_room(env, raw) {
            true => deferral.alone_until(env),
            false => None,
        };
        let Some(until) = until else {
            deferral.let_others_in();
            return None;
        };
        txn.begin_redo();
        Some(Self {
            env,
            journal,
            txn_id: txn.raw().id(),
            writes: 0,
            changes: Vec::new(),
            bytes: 0,
            until,
        })
    }

    /// Whether something is acknowledged.
    pub fn is_begun(&self) -> bool {
        self.writes > 0
    }

    /// The durability that the commit owes to what is acknowledged. Changes that have to be on disk
    /// are: in the journal.
    pub fn durability(&self) -> Durability {
        if self.is_begun() { Durability::Relaxed } else { Durability::None }
    }

    /// Writes the changes of jobs that have run to the journal, and tells their callers that they
    /// are done. If it cannot be, the jobs are still there: they wait for the commit.
    ///
    /// # Errors
    /// What leaves it in doubt whether they are done.
    pub fn acknowledge(
        &mut self,
        txn: &mut WriteTxn<'_>,
        jobs: &mut Vec<Box<dyn Job>>,
        durability: Durability,
    ) -> Result<bool> {
        let Some(changes) = txn.take_redo() else { return Ok(false) };
        if jobs.is_empty() {
            return Ok(false);
        }
        match self.journal.append_changes(txn, &changes, durability) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            // Nothing of it is in the journal.
            Err(Failure::Refused(_)) => return Ok(false),
            Err(Failure::InDoubt(error)) => return Err(error),
        }
        if self.journal.has_unsynced() {
            housekeeper::wake();
        }
        self.writes += jobs.len();
        self.bytes += changes.len();
        self.changes.push(changes);
        // Before anybody can know of it and look for it.
        self.env.writer.deferral.transaction.store(self.txn_id, Ordering::Release);
        fault::point("deferred");
        group::finish(self.env, std::mem::take(jobs), &Ok(Commit { txn_id: self.txn_id }));
        Ok(true)
    }

    /// Waits for more brief work, and does some of the commit's meanwhile; false if the commit is
    /// due.
    ///
    /// # Errors
    /// The transaction cannot be committed.
    pub fn awaits_more(&self, txn: &mut WriteTxn<'_>) -> Result<bool> {
        let writer = &self.env.writer;
        let is_wanted = || writer.deferral.is_wanted.load(Ordering::Acquire);
        let now = Instant::now();
        let is_full = self.writes >= MOST_WRITES || self.bytes >= MOST_BYTES;
        if is_full || now >= self.until || self.env.is_poisoned() {
            return Ok(false);
        }
        let deadline = now + WATCH;
        loop {
            let seen = writer.arrivals.load(Ordering::Acquire);
            {
                let queue = writer.queue.lock();
                if queue.closing || is_wanted() || !queue.background.is_empty() {
                    return Ok(false);
                }
                if let Some(is_brief) = queue.is_next_brief() {
                    return Ok(is_brief);
                }
            }
            if txn.work_ahead()? {
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            patience::watch_for(left, || writer.arrivals.load(Ordering::Acquire) != seen);
        }
    }

    /// The transaction is gone: makes what is acknowledged in another one, and commits that.
    pub fn restore(&self, raw: &Env) {
        while self.is_begun() && !self.env.is_poisoned() {
            let restored = self.try_again(raw).or_else(|error| match error.code() {
                ErrorCode::MapFull => group::grow(self.env).map(|()| false),
                _ => Err(error),
            });
            match restored {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => self.env.poison(&error),
            }
        }
    }

    fn try_again(&self, raw: &Env) -> Result<bool> {
        let mut txn = self.env.write_txn(group::begin(self.env, raw)?);
        if txn.raw().id() != self.txn_id {
            return Err(Error::new(
                ErrorCode::Poisoned,
                "somebody else has committed before writes that were acknowledged",
            ));
        }
        self.changes.iter().try_for_each(|changes| redo(changes, &mut txn))?;
        group::commit(self.env, raw, txn, self.durability())?;
        Ok(true)
    }
}

fn has_room(env: &Environment, raw: &Env) -> bool {
    let length = (raw.info().last_page as u64).saturating_mul(u64::from(raw.page_size()));
    platform::free_bytes(&env.layout.directory).is_ok_and(|bytes| bytes >= ROOM)
        && length.saturating_add(ROOM) <= platform::largest_file()
}

impl Drop for Deferred<'_> {
    fn drop(&mut self) {
        if self.is_begun() {
            if std::thread::panicking() {
                // Nobody may look for what is acknowledged before this is known.
                self.env.poison(&Error::new(ErrorCode::Poisoned, "a defect in the writer"));
            }
            self.env.writer.deferral.end();
        }
    }
}
