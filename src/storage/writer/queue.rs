//! What waits for the writer thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Job;
use super::session::{SessionOptions, Started};
use crate::error::{Error, Result};
use crate::storage::environment::{Environment, closed};
use crate::storage::options::Durability;

/// The writer's queue and state.
#[derive(Default)]
pub(super) struct Queue {
    pub foreground: VecDeque<Entry>,
    pub background: VecDeque<Box<dyn Job>>,
    /// Bytes of the jobs that are queued or running.
    pub pending_bytes: usize,
    pub phase: Phase,
    pub has_thread: bool,
    pub closing: bool,
    /// The close did not wait for the thread, which then gives up the locks when it ends.
    pub abandoned: bool,
    /// How long the last commit took.
    pub commit_time: Duration,
    /// How many of the next jobs get a commit of their own.
    singly: usize,
}

/// What the thread does.
#[derive(Default, Clone, Copy)]
pub(super) enum Phase {
    #[default]
    Idle,
    /// It waits for LMDB's write lock since then.
    Waiting(Instant),
    Working,
}

/// A piece of foreground work.
pub(super) struct Entry {
    pub work: Work,
    since: Instant,
}

pub(super) enum Work {
    Job(Box<dyn Job>),
    Session(SessionOptions, Started),
    Exclusive(Exclusive),
}

/// Work between transactions. It is called exactly once: with the environment, or with the reason
/// why it cannot run.
pub type Exclusive = Box<dyn FnOnce(Result<&Arc<Environment>>) + Send>;

impl Entry {
    pub fn new(work: Work) -> Self {
        Self { work, since: Instant::now() }
    }

    pub fn bytes(&self) -> usize {
        match &self.work {
            Work::Job(job) => job.bytes(),
            Work::Session(..) | Work::Exclusive(_) => 0,
        }
    }

    pub fn fail(self, error: &Error) {
        match self.work {
            Work::Job(job) => job.finish(Err(error.clone())),
            Work::Session(_, started) => started(Err(error.clone())),
            Work::Exclusive(work) => work(Err(error.clone())),
        }
    }
}

impl Queue {
    pub fn check_open(&self) -> Result<()> {
        if self.closing { Err(closed()) } else { Ok(()) }
    }

    pub fn is_empty(&self) -> bool {
        // What runs in the background is taken up again at the next open.
        self.foreground.is_empty() && (self.closing || self.background.is_empty())
    }

    pub fn release(&mut self, bytes: usize) {
        self.pending_bytes = self.pending_bytes.saturating_sub(bytes);
    }

    /// How many jobs the next group may have.
    pub fn group_limit(&self) -> usize {
        if self.singly > 0 { 1 } else { usize::MAX }
    }

    /// Gives each of the next `count` jobs a commit of its own.
    pub fn run_singly(&mut self, count: usize) {
        self.singly = count;
    }

    /// Whether what comes next is brief work that needs to be durable; `None` if there is nothing.
    pub fn is_next_brief(&self) -> Option<bool> {
        self.foreground.front().map(|entry| match &entry.work {
            Work::Job(job) => {
                self.singly == 0 && job.is_brief() && job.durability() != Durability::None
            }
            Work::Session(..) | Work::Exclusive(_) => false,
        })
    }

    /// The next job, unless a session is due.
    pub fn pop_job(&mut self) -> Option<Box<dyn Job>> {
        match self.foreground.pop_front() {
            Some(Entry { work: Work::Job(job), .. }) => {
                self.singly = self.singly.saturating_sub(1);
                Some(job)
            }
            Some(session) => {
                self.foreground.push_front(session);
                None
            }
            None => None,
        }
    }

    /// The next session, if it is due.
    pub fn pop_session(&mut self) -> Option<(SessionOptions, Started)> {
        match self.foreground.pop_front() {
            Some(Entry { work: Work::Session(options, started), .. }) => Some((options, started)),
            Some(job) => {
                self.foreground.push_front(job);
                None
            }
            None => None,
        }
    }

    /// The next work that wants no transaction, if it is due.
    pub fn pop_exclusive(&mut self) -> Option<Exclusive> {
        match self.foreground.pop_front() {
            Some(Entry { work: Work::Exclusive(work), .. }) => Some(work),
            Some(other) => {
                self.foreground.push_front(other);
                None
            }
            None => None,
        }
    }

    /// Puts jobs back at the front, in their order.
    pub fn put_back(&mut self, jobs: Vec<Box<dyn Job>>) {
        for job in jobs.into_iter().rev() {
            if job.background() {
                self.background.push_front(job);
            } else {
                self.foreground.push_front(Entry::new(Work::Job(job)));
            }
        }
    }

    /// Removes what has waited for `limit` or longer.
    pub fn take_overdue(&mut self, limit: Duration) -> Vec<Entry> {
        let (overdue, rest): (VecDeque<_>, VecDeque<_>) =
            self.foreground.drain(..).partition(|entry| entry.since.elapsed() >= limit);
        self.foreground = rest;
        self.release(overdue.iter().map(Entry::bytes).sum());
        overdue.into()
    }

    /// Removes everything.
    pub fn take_all(&mut self) -> Vec<Entry> {
        self.pending_bytes = 0;
        let background = self.background.drain(..).map(|job| Entry::new(Work::Job(job)));
        self.foreground.drain(..).chain(background).collect()
    }
}
