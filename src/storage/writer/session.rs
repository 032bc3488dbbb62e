//! Interactive transactions: the writer thread works for one caller, command by command, until the
//! caller commits, rolls back, goes away, or runs out of time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Commit;
use super::group::{self, poison_after_commit};
use super::patience::Patience;
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::storage::environment::Environment;
use crate::storage::lmdb::{Env, RwTxn};
use crate::storage::options::Durability;
use crate::storage::txn::WriteTxn;

/// Limits and durability of an interactive transaction.
#[derive(Debug, Clone, Copy)]
pub struct SessionOptions {
    /// How long it may wait for its next command; `None` for ever.
    pub idle_timeout: Option<Duration>,
    /// How long it may take in all; `None` for ever.
    pub total_timeout: Option<Duration>,
    /// Of its commit.
    pub durability: Durability,
}

/// Called when the transaction has begun, or could not.
pub type Started = Box<dyn FnOnce(Result<SessionHandle>) + Send>;

/// Work inside the transaction. It is called exactly once: with the transaction, or with the reason
/// why there is none any more. An `Err` it returns ends the transaction, rolled back.
pub type Command = Box<dyn FnOnce(Result<&mut WriteTxn<'_>>) -> Result<()> + Send>;

/// Called when a savepoint was set, released or rolled back to.
pub type LevelDone = Box<dyn FnOnce(Result<()>) + Send>;

/// Called when the transaction has ended as asked.
pub type Ended = Box<dyn FnOnce(Result<Commit>) + Send>;

/// Called when what was queued before it has run: the transaction is committed, and what this
/// returns called, or it stays open.
pub type CommitIf = Box<dyn FnOnce() -> Option<Ended> + Send>;

/// What to do with savepoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Set one.
    Begin,
    /// Keep what was done since the latest one, and forget it.
    Release,
    /// Undo what was done since the latest one, and forget it.
    Rollback,
}

enum Message {
    Run(Command),
    Level(Level, LevelDone),
    Commit(Ended),
    CommitIf(CommitIf),
    Rollback(Ended),
}

impl Message {
    fn refuse(self, error: &Error) {
        match self {
            // The transaction has ended already, so what the command answers changes nothing.
            Message::Run(command) => drop(command(Err(error.clone()))),
            Message::Level(_, done) => done(Err(error.clone())),
            Message::Commit(ended) | Message::Rollback(ended) => ended(Err(error.clone())),
            Message::CommitIf(decide) => {
                if let Some(ended) = decide() {
                    ended(Err(error.clone()));
                }
            }
        }
    }
}

/// The way to the transaction. Dropped, it rolls the transaction back.
pub struct SessionHandle {
    channel: Arc<Channel>,
}

impl SessionHandle {
    /// Queues a command.
    pub fn run(&self, command: Command) {
        self.channel.send(Message::Run(command));
    }

    /// Queues a change of the savepoints.
    pub fn level(&self, level: Level, done: LevelDone) {
        self.channel.send(Message::Level(level, done));
    }

    /// Queues the commit.
    pub fn commit(&self, ended: Ended) {
        self.channel.send(Message::Commit(ended));
    }

    /// Queues a commit that depends on what was queued before.
    pub fn commit_if(&self, decide: CommitIf) {
        self.channel.send(Message::CommitIf(decide));
    }

    /// Queues the rollback.
    pub fn rollback(&self, ended: Ended) {
        self.channel.send(Message::Rollback(ended));
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        // Nobody is left to hear of it.
        self.channel.send(Message::Rollback(Box::new(|_| {})));
    }
}

#[derive(Default)]
struct Channel {
    state: Mutex<ChannelState>,
    wake: Condvar,
    /// How many messages have come.
    arrivals: AtomicU64,
}

#[derive(Default)]
struct ChannelState {
    messages: VecDeque<Message>,
    ended: Option<Error>,
}

impl Channel {
    fn send(&self, message: Message) {
        let mut state = self.state.lock();
        match state.ended.clone() {
            None => {
                state.messages.push_back(message);
                self.arrivals.fetch_add(1, Ordering::Release);
                drop(state);
                self.wake.notify_one();
            }
            Some(error) => {
                drop(state);
                message.refuse(&error);
            }
        }
    }

    fn receive(&self, limits: &Limits) -> Result<Message> {
        let idle = limits.options.idle_timeout.map(|limit| Instant::now() + limit);
        let total = limits.options.total_timeout.map(|limit| limits.started + limit);
        let deadline = [idle, total].into_iter().flatten().min();
        let mut patience = limits.patience.borrow_mut();
        patience.idle();
        let mut state = self.state.lock();
        if state.messages.is_empty() && patience.is_worthwhile() {
            let seen = self.arrivals.load(Ordering::Acquire);
            drop(state);
            patience.watch(|| self.arrivals.load(Ordering::Acquire) != seen);
            state = self.state.lock();
        }
        loop {
            if total.is_some_and(|total| Instant::now() >= total) {
                return Err(limits.timed_out());
            }
            if let Some(message) = state.messages.pop_front() {
                patience.arrived();
                return Ok(message);
            }
            match deadline {
                Some(deadline) => {
                    if self.wake.wait_until(&mut state, deadline).timed_out()
                        && state.messages.is_empty()
                    {
                        return Err(limits.timed_out());
                    }
                }
                None => self.wake.wait(&mut state),
            }
        }
    }

    /// Refuses what is still queued, and everything from now on.
    fn end(&self, error: &Error) {
        let mut state = self.state.lock();
        state.ended = Some(error.clone());
        let rest = std::mem::take(&mut state.messages);
        drop(state);
        for message in rest {
            message.refuse(error);
        }
    }
}

struct Limits {
    options: SessionOptions,
    started: Instant,
    patience: RefCell<Patience>,
}

impl Limits {
    fn timed_out(&self) -> Error {
        let total = self.options.total_timeout.filter(|limit| self.started.elapsed() >= *limit);
        let (kind, limit) = match (total, self.options.idle_timeout) {
            (Some(limit), _) => ("took longer than its time limit of", limit),
            (None, Some(limit)) => ("was idle for longer than its time limit of", limit),
            (None, None) => ("exceeded", Duration::ZERO),
        };
        Error::new(
            ErrorCode::TxTimeout,
            format!("the transaction {kind} {} ms and was rolled back", limit.as_millis()),
        )
    }
}

/// How the commands of a level came to an end.
enum End {
    Released(LevelDone),
    RolledBack(LevelDone),
    Commit(Ended),
    Rollback(Ended),
    Failed(Error),
}

/// Runs one transaction to its end.
pub(super) fn run(
    env: &Arc<Environment>,
    raw: &Env,
    txn: RwTxn<'_>,
    options: SessionOptions,
    started: Started,
) {
    let txn_id = txn.id();
    let mut txn = env.write_txn(txn);
    let channel = Arc::new(Channel::default());
    started(Ok(SessionHandle { channel: channel.clone() }));
    // The caller waits for the beginning, and mostly comes back soon.
    let patience = RefCell::new(Patience::new(true));
    let limits = Limits { options, started: Instant::now(), patience };
    // Also when a command panics, nobody may wait for ever.
    let on_unwind = EndOnDrop(&channel);
    let end = serve(&mut txn, &channel, &limits, 0);
    std::mem::forget(on_unwind);
    match end {
        End::Commit(ended) => {
            let outcome = group::commit(env, raw, txn, options.durability);
            channel.end(&inactive("committed"));
            if let Err(error) = &outcome {
                poison_after_commit(env, error);
            }
            let failure = outcome.as_ref().err().map(Error::code);
            ended(outcome.map(|()| Commit { txn_id }).map_err(describe_map_full));
            match failure {
                // It is only care: the next commit tries again.
                None => drop(env.check_readers()),
                Some(ErrorCode::MapFull) => grow_for_retry(env),
                Some(_) => {}
            }
        }
        End::Rollback(ended) => {
            drop(txn);
            channel.end(&inactive("rolled back"));
            ended(Ok(Commit { txn_id }));
        }
        End::Failed(error) => {
            drop(txn);
            let full = error.code() == ErrorCode::MapFull;
            let reason = match error.code() {
                ErrorCode::TxTimeout => error,
                _ => inactive("rolled back after a failure").with_cause(&error),
            };
            channel.end(&reason);
            if full {
                grow_for_retry(env);
            }
        }
        End::Released(done) | End::RolledBack(done) => {
            drop(txn);
            channel.end(&inactive("rolled back"));
            done(Err(no_savepoint()));
        }
    }
}

struct EndOnDrop<'c>(&'c Channel);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end(&inactive("rolled back after a defect"));
    }
}

/// Serves the commands of one level: the transaction itself, or a savepoint.
fn serve(txn: &mut WriteTxn<'_>, channel: &Channel, limits: &Limits, depth: usize) -> End {
    loop {
        let message = match channel.receive(limits) {
            Ok(message) => message,
            Err(error) => return End::Failed(error),
        };
        match message {
            Message::Run(command) => {
                txn.release();
                if let Err(error) = command(Ok(txn)) {
                    return End::Failed(error);
                }
            }
            Message::Level(Level::Begin, done) => {
                if let Some(end) = savepoint(txn, channel, limits, depth + 1, done) {
                    return end;
                }
            }
            Message::Level(_, done) if depth == 0 => done(Err(no_savepoint())),
            Message::Level(Level::Release, done) => return End::Released(done),
            Message::Level(Level::Rollback, done) => return End::RolledBack(done),
            Message::Commit(ended) => return End::Commit(ended),
            Message::CommitIf(decide) => {
                if let Some(ended) = decide() {
                    return End::Commit(ended);
                }
            }
            Message::Rollback(ended) => return End::Rollback(ended),
        }
    }
}

/// How deep savepoints may be nested: each is a level of the writer thread's stack.
const MAX_DEPTH: usize = 100;

/// Serves a savepoint; `Some` if the whole transaction ends with it.
fn savepoint(
    txn: &mut WriteTxn<'_>,
    channel: &Channel,
    limits: &Limits,
    depth: usize,
    begun: LevelDone,
) -> Option<End> {
    if depth > MAX_DEPTH {
        begun(Err(Error::new(
            ErrorCode::ResourceLimit,
            format!("savepoints are nested more than {MAX_DEPTH} deep"),
        )));
        return None;
    }
    let mut begun = Some(begun);
    let mut end = None;
    let kept = txn.nested(|child| {
        if let Some(begun) = begun.take() {
            begun(Ok(()));
        }
        fault::point("savepoint-begin");
        match serve(child, channel, limits, depth) {
            End::RolledBack(done) => {
                fault::point("savepoint-rollback");
                end = Some(End::RolledBack(done));
                Err(Error::new(ErrorCode::Aborted, "rolled back to the savepoint"))
            }
            other => {
                fault::point("savepoint-release");
                end = Some(other);
                Ok(())
            }
        }
    });
    if let (Some(begun), Err(error)) = (begun, &kept) {
        begun(Err(error.clone()));
        return None;
    }
    match (end, kept) {
        (Some(End::RolledBack(done)), _) => {
            done(Ok(()));
            None
        }
        (Some(End::Released(done)), Ok(())) => {
            fault::point("savepoint-released");
            done(Ok(()));
            None
        }
        // The savepoint could not be merged; its changes are gone, so the transaction must go too.
        (Some(End::Released(done)), Err(error)) => {
            done(Err(error.clone()));
            Some(End::Failed(error))
        }
        (Some(End::Commit(ended)), Err(error)) => {
            ended(Err(error.clone()));
            Some(End::Failed(error))
        }
        (end, _) => end,
    }
}

fn grow_for_retry(env: &Environment) {
    if let Err(error) = group::grow(env) {
        env.poison(&error);
    }
}

fn describe_map_full(error: Error) -> Error {
    if error.code() != ErrorCode::MapFull {
        return error;
    }
    Error::new(
        ErrorCode::MapFull,
        "the memory map was full and is being grown; the transaction was rolled back: run it again",
    )
}

fn inactive(how: &str) -> Error {
    Error::new(ErrorCode::TxInactive, format!("the transaction has ended: it was {how}"))
}

fn no_savepoint() -> Error {
    Error::new(ErrorCode::InvalidArgument, "there is no savepoint to release or roll back to")
}
