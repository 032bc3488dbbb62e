//! The writer: one thread per environment that runs all writes, many to a commit.

mod deferral;
mod group;
mod patience;
mod queue;
mod session;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

pub(super) use deferral::Deferral;
pub(super) use queue::Exclusive;
pub use session::{Level, SessionHandle, SessionOptions};

use self::patience::Patience;
use self::queue::{Entry, Phase, Queue, Work};
use super::environment::Environment;
use super::housekeeper;
use super::options::{Durability, OpenOptions};
use super::platform::{prefer_short_slices, survive_file_size_limit};
use super::txn::WriteTxn;
use crate::error::{Error, ErrorCode, Result};

/// How long an idle writer thread stays.
const IDLE: Duration = Duration::from_secs(5);

/// What a commit was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// The transaction's id: readers whose snapshot has this id or a later one see it.
    pub txn_id: u64,
}

/// A piece of work for the writer thread that needs nothing from its caller while it runs.
pub trait Job: Send {
    /// What it holds in memory, in bytes.
    fn bytes(&self) -> usize;

    /// The durability it asks for.
    fn durability(&self) -> Durability;

    /// Does the work. It may be called again from the start, after the transaction in which it ran
    /// was given up, and must then forget what the first run found out. Failures of single
    /// operations that leave no trace are part of the job's results; an `Err` gives the whole
    /// transaction up, and the other jobs in it run again without this one.
    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()>;

    /// Called once, on the writer thread, after the commit or the failure. Must not block.
    fn finish(self: Box<Self>, outcome: Result<Commit>);

    /// Whether another job is about to come from the same caller, which may share the commit.
    fn is_followed(&self) -> bool {
        false
    }

    /// Whether it changes a few entries whose keys it knows, so that nobody minds to wait for its
    /// end, and may be acknowledged before its commit.
    fn is_brief(&self) -> bool {
        false
    }

    /// Work that gives way to everything else.
    fn background(&self) -> bool {
        false
    }
}

thread_local! {
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is a writer thread, which must not wait for itself.
pub(super) fn is_writer_thread() -> bool {
    IS_WRITER.get()
}

/// Takes work in, runs the thread.
pub struct Writer {
    queue: Mutex<Queue>,
    wake: Condvar,
    /// How often the thread was told to look at the queue: what it watches before it sleeps.
    arrivals: AtomicU64,
    /// Writes that are acknowledged before their commit.
    pub(super) deferral: Deferral,
    max_pending_bytes: usize,
    busy_timeout: Duration,
}

impl Writer {
    pub(super) fn new(options: &OpenOptions) -> Self {
        Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            arrivals: AtomicU64::new(0),
            deferral: Deferral::default(),
            max_pending_bytes: options.max_pending_bytes,
            busy_timeout: options.busy_timeout,
        }
    }

    /// Queues a job.
    ///
    /// Errors: `RESOURCE_LIMIT` when too much is queued, `CLOSED`.
    pub(super) fn submit(&self, env: &Arc<Environment>, job: Box<dyn Job>) -> Result<()> {
        let bytes = job.bytes();
        let mut queue = self.queue.lock();
        queue.check_open()?;
        let background = job.background();
        // What holds nothing is let in: a flush or a close waits in this way.
        if !background && bytes > 0 && queue.pending_bytes > 0 {
            let total = queue.pending_bytes.saturating_add(bytes);
            if total > self.max_pending_bytes {
                return Err(Error::new(
                    ErrorCode::ResourceLimit,
                    format!(
                        "{} bytes of writes are queued, more than maxPendingBytes ({}) allows; \
                         await some of them first",
                        total, self.max_pending_bytes
                    ),
                ));
            }
        }
        self.ensure_thread(env, &mut queue)?;
        if background {
            queue.background.push_back(job);
        } else {
            queue.pending_bytes += bytes;
            queue.foreground.push_back(Entry::new(Work::Job(job)));
        }
        drop(queue);
        self.notify();
        Ok(())
    }

    /// Queues an interactive transaction.
    pub(super) fn begin(
        &self,
        env: &Arc<Environment>,
        options: SessionOptions,
        started: session::Started,
    ) -> Result<()> {
        let mut queue = self.queue.lock();
        queue.check_open()?;
        self.ensure_thread(env, &mut queue)?;
        queue.foreground.push_back(Entry::new(Work::Session(options, started)));
        drop(queue);
        self.notify();
        Ok(())
    }

    /// Queues work that runs between transactions.
    pub(super) fn run_exclusively(
        &self,
        env: &Arc<Environment>,
        work: queue::Exclusive,
    ) -> Result<()> {
        let mut queue = self.queue.lock();
        queue.check_open()?;
        self.ensure_thread(env, &mut queue)?;
        queue.foreground.push_back(Entry::new(Work::Exclusive(work)));
        drop(queue);
        self.notify();
        Ok(())
    }

    /// Starts the thread if there is none. It waits for the lock that the caller holds, and so for
    /// the work that the caller is about to queue.
    fn ensure_thread(&self, env: &Arc<Environment>, queue: &mut Queue) -> Result<()> {
        if queue.has_thread {
            return Ok(());
        }
        let environment = env.clone();
        std::thread::Builder::new()
            .name("lodestore-writer".to_owned())
            .spawn(move || {
                survive_file_size_limit();
                prefer_short_slices();
                environment.writer.run(&environment);
            })
            .map_err(|error| {
                Error::new(ErrorCode::ResourceLimit, "cannot start the writer thread")
                    .with_cause(error)
            })?;
        queue.has_thread = true;
        Ok(())
    }

    /// Makes the thread look at the queue, and those who wait for it.
    fn notify(&self) {
        self.arrivals.fetch_add(1, Ordering::Release);
        self.wake.notify_all();
    }

    /// Fails the writes that have waited for another process for too long. True while something
    /// waits.
    pub(super) fn withdraw_overdue(&self) -> bool {
        let mut queue = self.queue.lock();
        let Phase::Waiting(since) = queue.phase else { return false };
        if since.elapsed() < self.busy_timeout {
            return true;
        }
        let overdue = queue.take_overdue(self.busy_timeout);
        drop(queue);
        for entry in overdue {
            entry.fail(&Error::new(
                ErrorCode::Busy,
                format!(
                    "another process has held the write lock for more than {} ms (busyTimeout)",
                    self.busy_timeout.as_millis()
                ),
            ));
        }
        true
    }

    /// Lets no more work in, and waits until the thread has ended; false if it is stuck behind
    /// another process's write transaction. What is queued by then fails with `CLOSED`.
    pub(super) fn stop(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut queue = self.queue.lock();
        queue.closing = true;
        self.notify();
        while queue.has_thread {
            if self.wake.wait_until(&mut queue, deadline).timed_out() {
                break;
            }
        }
        let stopped = !queue.has_thread;
        queue.abandoned = !stopped;
        let rest = queue.take_all();
        drop(queue);
        for entry in rest {
            entry.fail(&super::environment::closed());
        }
        stopped
    }

    /// Whether the close has not waited for the thread.
    pub(super) fn is_abandoned(&self) -> bool {
        self.queue.lock().abandoned
    }

    /// Whether anything is queued or running, other than background work.
    pub(super) fn is_active(&self) -> bool {
        let queue = self.queue.lock();
        !queue.foreground.is_empty() || !matches!(queue.phase, Phase::Idle)
    }

    /// How many bytes of writes are queued or running.
    pub(super) fn pending_bytes(&self) -> usize {
        self.queue.lock().pending_bytes
    }

    /// The thread.
    fn run(&self, env: &Arc<Environment>) {
        IS_WRITER.set(true);
        let mut patience = Patience::new(false);
        loop {
            let mut queue = self.queue.lock();
            if queue.is_empty() && !queue.closing && patience.is_worthwhile() {
                let seen = self.arrivals.load(Ordering::Acquire);
                drop(queue);
                patience.watch(|| self.arrivals.load(Ordering::Acquire) != seen);
                queue = self.queue.lock();
            }
            if queue.is_empty() {
                self.deferral.let_others_in();
            }
            while queue.is_empty() && !queue.closing {
                if self.wake.wait_for(&mut queue, IDLE).timed_out() {
                    break;
                }
            }
            if queue.is_empty() {
                if queue.abandoned {
                    env.lock_file.release();
                }
                queue.has_thread = false;
                if let Some(journal) = &env.journal {
                    journal.thread_ended();
                }
                drop(queue);
                self.wake.notify_all();
                return;
            }
            queue.phase = Phase::Waiting(Instant::now());
            drop(queue);
            patience.arrived();
            housekeeper::wake();
            // A panic means a defect: nothing of the transaction is committed, and the database
            // must be opened again.
            let round = std::panic::AssertUnwindSafe(|| group::run_round(env));
            if let Err(panic) = std::panic::catch_unwind(round) {
                let cause = Error::new(ErrorCode::Poisoned, panic_text(&*panic));
                env.poison(&cause);
            }
            let mut queue = self.queue.lock();
            queue.phase = Phase::Idle;
            patience.idle();
            if env.is_poisoned() {
                let rest = queue.take_all();
                drop(queue);
                for entry in rest {
                    entry.fail(
                        &env.check_process().err().unwrap_or_else(super::environment::closed),
                    );
                }
            }
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a defect in the writer: {}", text.unwrap_or("panic"))
}
