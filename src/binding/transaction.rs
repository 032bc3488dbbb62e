//! Interactive transactions: from packed operations to the commands of a session.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Uint8Array};
use napi_derive::napi;
use parking_lot::Mutex;

use super::database::{NativeDatabase, Shared, durability};
use super::options::limit;
use super::pool;
use crate::catalog::Catalog;
use crate::error::{Error, ErrorCode, Result};
use crate::protocol::{self, Executions, Ops, ops, outcome};
use crate::storage::{Commit, Level, SessionHandle, SessionOptions};

/// Options of `begin`.
#[napi(object, object_to_js = false)]
pub struct NativeTransactionOptions {
    /// Milliseconds without a command; infinite for no limit.
    pub idle_timeout: Option<f64>,
    /// Milliseconds in all; infinite for no limit.
    pub total_timeout: Option<f64>,
    /// 0 the database's, 1 strict, 2 relaxed.
    pub durability: Option<u32>,
}

/// The transactions of a database that are open on this JavaScript thread.
pub(super) struct Transactions {
    shared: Arc<Shared>,
    /// `None` after the database was closed.
    open: Mutex<Option<HashMap<u32, Arc<SessionHandle>>>>,
    next: AtomicU32,
}

impl Transactions {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        let open = Mutex::new(Some(HashMap::new()));
        Arc::new(Self { shared, open, next: AtomicU32::new(1) })
    }

    /// Gives all of them up, and those that are still to begin.
    pub(super) fn close(&self) {
        // A handle that is dropped rolls back; not with the lock held.
        drop(self.open.lock().take());
    }

    /// Gives all of them up, and all queries, and closes the connection: nobody uses it any more.
    pub(super) fn abandon(&self) {
        // Closing may wait for the disk; not on the JavaScript thread. If there is no thread, the
        // connection closes with its last reference.
        let connection = Arc::clone(&self.shared.connection);
        self.close();
        self.shared.store.extension::<Executions>().close();
        drop(pool::spawn(move || drop(connection.close())));
    }

    fn begin(self: &Arc<Self>, ticket: u32, options: SessionOptions) -> Result<()> {
        let this = Arc::clone(self);
        let started = move |session: Result<SessionHandle>| match session {
            Ok(session) => this.announce(ticket, session),
            Err(error) => this.shared.outbox.fail(ticket, &error),
        };
        self.shared.connection.begin(options, Box::new(started))
    }

    /// Tells JavaScript the transaction's id, and the version of the catalog that it starts from.
    fn announce(self: &Arc<Self>, ticket: u32, session: SessionHandle) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let session = Arc::new(session);
        if let Some(open) = &mut *self.open.lock() {
            open.insert(id, Arc::clone(&session));
        } else {
            let error = Error::new(ErrorCode::Closed, "the database is closed");
            return self.shared.outbox.fail(ticket, &error);
        }
        let this = Arc::clone(self);
        session.run(Box::new(move |txn| {
            let version = txn.and_then(|txn| Catalog::load_version(txn));
            let payload = version
                .map(|version| [&id.to_le_bytes()[..], &(version as f64).to_le_bytes()].concat());
            let failed = payload.as_ref().err().cloned();
            this.shared.outbox.complete(ticket, payload);
            failed.map_or(Ok(()), Err)
        }));
    }

    fn send(self: &Arc<Self>, id: u32, ticket: u32, ops: &[u8]) -> Result<()> {
        let session = self.open.lock().as_ref().and_then(|open| open.get(&id).cloned());
        let session = session
            .ok_or_else(|| Error::new(ErrorCode::TxInactive, "the transaction has ended"))?;
        protocol::ops::check_frames(ops)?;
        let segments = split(ops)?;
        let reply = Arc::new(Reply {
            transactions: Arc::clone(self),
            ticket,
            id,
            drops_trees: protocol::may_drop_trees(ops),
            state: Mutex::new(ReplyState {
                results: Vec::new(),
                failed: None,
                pending: segments.len(),
            }),
        });
        if segments.is_empty() {
            reply.send();
        }
        let ops: Arc<[u8]> = ops.into();
        for segment in segments {
            run(&session, &reply, &ops, segment);
        }
        Ok(())
    }
}

/// A part of a buffer: operations that run in one command, or one that is the session's own.
enum Segment {
    Run(Range<usize>),
    Level(Level),
    Commit,
    CommitIfDone,
    Rollback,
}

fn split(bytes: &[u8]) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut start = 0;
    let mut tokens = Ops::new(bytes);
    let mut before = 0;
    while let Some(op) = tokens.next() {
        let segment = match op?.code {
            ops::SAVEPOINT => Some(Segment::Level(Level::Begin)),
            ops::RELEASE => Some(Segment::Level(Level::Release)),
            ops::ROLLBACK_TO => Some(Segment::Level(Level::Rollback)),
            ops::COMMIT => Some(Segment::Commit),
            ops::COMMIT_IF_DONE => Some(Segment::CommitIfDone),
            ops::ROLLBACK => Some(Segment::Rollback),
            _ => None,
        };
        if let Some(segment) = segment {
            if start < before {
                segments.push(Segment::Run(start..before));
            }
            segments.push(segment);
            start = tokens.position();
        }
        before = tokens.position();
    }
    if start < before {
        segments.push(Segment::Run(start..before));
    }
    Ok(segments)
}

fn run(session: &SessionHandle, reply: &Arc<Reply>, ops: &Arc<[u8]>, segment: Segment) {
    let reply = Arc::clone(reply);
    match segment {
        Segment::Run(range) => {
            let ops = Arc::clone(ops);
            session.run(Box::new(move |txn| {
                let mut results = Vec::new();
                let outcome = txn.and_then(|txn| {
                    let store = &reply.transactions.shared.store;
                    let ops = ops.get(range).unwrap_or_default();
                    protocol::run_tx_ops(txn, store, ops, &mut results)
                });
                reply.part(outcome.clone().map(|()| results));
                outcome
            }));
        }
        Segment::Level(level, ..) => {
            session.level(
                level,
                Box::new(move |outcome| {
                    let mut result = Vec::new();
                    match outcome {
                        Ok(()) => outcome::push_ok(&mut result),
                        Err(error) if error.code() == ErrorCode::InvalidArgument => {
                            outcome::push_error(&mut result, &error, None);
                        }
                        Err(error) => return reply.part(Err(error)),
                    }
                    reply.part(Ok(result));
                }),
            );
        }
        Segment::Commit => session.commit(Box::new(move |outcome| {
            reply.committed(&outcome);
            reply.ended(outcome.map(|_| OK.to_vec()));
        })),
        Segment::CommitIfDone => session.commit_if(Box::new(move || {
            let mut result = Vec::new();
            if reply.has_failures() {
                outcome::push_number(&mut result, 0);
                reply.part(Ok(result));
                return None;
            }
            Some(Box::new(move |outcome| {
                reply.committed(&outcome);
                match outcome {
                    Ok(_) => outcome::push_number(&mut result, 1),
                    // What came before it has succeeded.
                    Err(error) => outcome::push_error(&mut result, &error, None),
                }
                reply.ended(Ok(result));
            }))
        })),
        Segment::Rollback => {
            session.rollback(Box::new(move |outcome| reply.ended(outcome.map(|_| OK.to_vec()))));
        }
    }
}

/// The results of an operation that has nothing to say.
const OK: [u8; 1] = [outcome::OK];

/// The answer to one `txSend`, put together from the answers of its parts.
struct Reply {
    transactions: Arc<Transactions>,
    ticket: u32,
    id: u32,
    drops_trees: bool,
    state: Mutex<ReplyState>,
}

struct ReplyState {
    results: Vec<u8>,
    failed: Option<Error>,
    pending: usize,
}

impl Reply {
    fn part(&self, outcome: Result<Vec<u8>>) {
        let mut state = self.state.lock();
        match outcome {
            Ok(results) => state.results.extend_from_slice(&results),
            // The first failure is the cause of the others.
            Err(error) => drop(state.failed.get_or_insert(error)),
        }
        state.pending = state.pending.saturating_sub(1);
        let is_last = state.pending == 0;
        drop(state);
        if is_last {
            self.send();
        }
    }

    /// Whether an operation has failed, or all that were to run.
    fn has_failures(&self) -> bool {
        let state = self.state.lock();
        state.failed.is_some() || outcome::any_failed(&state.results)
    }

    fn committed(&self, outcome: &Result<Commit>) {
        if outcome.is_ok() && self.drops_trees {
            self.transactions.shared.sweeper.kick();
        }
    }

    fn ended(&self, outcome: Result<Vec<u8>>) {
        let session = self.transactions.open.lock().as_mut().and_then(|open| open.remove(&self.id));
        drop(session);
        self.part(outcome);
    }

    fn send(&self) {
        let mut state = self.state.lock();
        let outcome = match state.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut state.results)),
        };
        drop(state);
        self.transactions.shared.outbox.complete(self.ticket, outcome);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // A part that panicked has not answered.
        if self.state.get_mut().pending > 0 {
            let error = Error::new(ErrorCode::Poisoned, "a defect ended the transaction");
            self.transactions.shared.outbox.fail(self.ticket, &error);
        }
    }
}

#[napi]
impl NativeDatabase {
    /// Begins an interactive transaction; the message has its id (u32) and the version of the
    /// catalog (f64).
    ///
    /// If it may be waited for here, for less time than a message takes to arrive, the messages
    /// that are there are returned.
    #[napi(catch_unwind, ts_return_type = "Buffer | null")]
    pub fn begin<'e>(
        &self,
        env: &'e Env,
        ticket: u32,
        options: NativeTransactionOptions,
        may_wait: bool,
    ) -> napi::Result<Option<BufferSlice<'e>>> {
        let default = self.shared.connection.durability();
        let options = SessionOptions {
            idle_timeout: limit(options.idle_timeout),
            total_timeout: limit(options.total_timeout),
            durability: durability(options.durability.unwrap_or(0), default),
        };
        let begin = || self.transactions.begin(ticket, options);
        self.waits.begins.run(env, &self.shared.outbox, may_wait, begin)
    }

    /// Queues packed operations of a transaction; the results come as a message, which may be
    /// waited for as by `begin`.
    #[napi(catch_unwind, ts_return_type = "Buffer | null")]
    pub fn tx_send<'e>(
        &self,
        env: &'e Env,
        transaction: u32,
        ticket: u32,
        ops: Uint8Array,
        length: u32,
        may_wait: bool,
    ) -> napi::Result<Option<BufferSlice<'e>>> {
        let ops = ops.get(..length as usize).unwrap_or(&ops);
        let send = || {
            // An ended transaction is an answer like any other: it comes as a message.
            if let Err(error) = self.transactions.send(transaction, ticket, ops) {
                self.shared.outbox.fail(ticket, &error);
            }
            Ok(())
        };
        self.waits.steps.run(env, &self.shared.outbox, may_wait, send)
    }
}
