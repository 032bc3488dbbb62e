//! The class that JavaScript holds: an open database.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, BufferSlice, Uint8Array};
use napi_derive::napi;
use parking_lot::Mutex;

use super::error::{OrThrow, to_napi};
use super::outbox::Outbox;
use super::pool;
use super::read::{ReadTask, Source};
use super::sweeper::{self, Sweeper};
use super::transaction::Transactions;
use crate::error::{Error, ErrorCode, Result};
use crate::protocol::{self, WriteBatch};
use crate::storage::{Connection, Durability, Observer, Snapshot, TurnReader};
use crate::store::StoreShared;
use crate::store::read::GetOutcome;

/// What the parts of a database share, on all threads.
pub(super) struct Shared {
    pub connection: Arc<Connection>,
    pub store: Arc<StoreShared>,
    pub outbox: Arc<Outbox>,
    pub sweeper: Arc<Sweeper>,
    pub cancels: Mutex<HashMap<u32, Arc<AtomicBool>>>,
}

/// An open database, as one JavaScript thread uses it.
#[napi]
pub struct NativeDatabase {
    pub(super) shared: Arc<Shared>,
    pub(super) transactions: Arc<Transactions>,
    turn: Arc<TurnReader>,
    source: RefCell<Source>,
    buffers: RefCell<Option<Buffers>>,
    snapshots: RefCell<HashMap<u32, Arc<Snapshot>>>,
    next_snapshot: AtomicU32,
    needed: std::cell::Cell<u32>,
}

/// Memory that JavaScript and this library both use: keys and requests in, answers out.
struct Buffers {
    key: Uint8Array,
    out: Uint8Array,
}

impl NativeDatabase {
    pub(super) fn new(connection: Arc<Connection>, outbox: Arc<Outbox>) -> Result<Self> {
        let sweeper = Sweeper::new(&connection);
        let store = Arc::new(StoreShared::default());
        if connection.is_writable() && connection.environment().claim_care() {
            sweeper::resume(&connection, &store, &sweeper, &outbox)?;
        }
        let observer: Arc<dyn Observer> = outbox.clone();
        connection.observe(Arc::downgrade(&observer));
        let turn = connection.turn_reader();
        let environment = Arc::clone(connection.environment());
        let shared =
            Arc::new(Shared { connection, store, outbox, sweeper, cancels: Mutex::default() });
        Ok(Self {
            transactions: Transactions::new(Arc::clone(&shared)),
            source: RefCell::new(Source::new(environment, Arc::clone(&shared.store))),
            shared,
            turn,
            buffers: RefCell::default(),
            snapshots: RefCell::default(),
            next_snapshot: AtomicU32::new(1),
            needed: std::cell::Cell::new(0),
        })
    }

    fn pinned(&self, id: u32) -> Result<Arc<Snapshot>> {
        let snapshot = self.snapshots.borrow().get(&id).cloned();
        snapshot.ok_or_else(|| Error::new(ErrorCode::Closed, "the snapshot is closed"))
    }

    /// Lends the key and answer memory.
    fn with_buffers<T>(&self, work: impl FnOnce(&[u8], &mut [u8]) -> Result<T>) -> Result<T> {
        let mut buffers = self.buffers.borrow_mut();
        let Some(Buffers { key, out }) = buffers.as_mut() else {
            return Err(Error::new(ErrorCode::InvalidArgument, "setBuffers() was not called"));
        };
        // SAFETY: the memory belongs to typed arrays that this value keeps alive and that only the
        // JavaScript layer of this package can reach; it is used on the JavaScript thread alone,
        // and no JavaScript runs meanwhile.
        let out = unsafe { out.as_mut() };
        work(key, out)
    }

    fn read_into(&self, snapshot: u32, request_length: u32) -> Result<i32> {
        self.with_buffers(|key, out| {
            let request = key.get(..request_length as usize).ok_or_else(out_of_bounds)?;
            let mut source = self.source.borrow_mut();
            let written = if snapshot == 0 {
                self.turn.with(|txn| source.respond_into(txn, request, out))
            } else {
                self.pinned(snapshot)?.with(|txn| source.respond_into(txn, request, out))
            }?;
            Ok(self.report(written))
        })
    }

    fn get_into(&self, snapshot: u32, store: u32, key_length: u32) -> Result<i32> {
        self.with_buffers(|key, out| {
            let key = key.get(..key_length as usize).ok_or_else(out_of_bounds)?;
            let mut source = self.source.borrow_mut();
            let outcome = if snapshot == 0 {
                self.turn.with(|txn| source.get_into(txn, store, key, out))
            } else {
                self.pinned(snapshot)?.with(|txn| source.get_into(txn, store, key, out))
            }?;
            Ok(match outcome {
                GetOutcome::Missing => -1,
                GetOutcome::Written(length) => self.report(Ok(length)),
                GetOutcome::Needs(length) => self.report(Err(length)),
            })
        })
    }

    /// A length as JavaScript gets it: -2 if that much memory is needed.
    fn report(&self, written: std::result::Result<usize, usize>) -> i32 {
        match written {
            Ok(length) => i32::try_from(length).unwrap_or(-2),
            Err(needed) => {
                self.needed.set(u32::try_from(needed).unwrap_or(u32::MAX));
                -2
            }
        }
    }
}

fn out_of_bounds() -> Error {
    Error::new(ErrorCode::InvalidArgument, "a length exceeds the buffer")
}

/// How long a write has to be durable, as a number from JavaScript.
pub(super) fn durability(number: u32, default: Durability) -> Durability {
    match number {
        1 => Durability::Strict,
        2 => Durability::Relaxed,
        _ => default,
    }
}

#[napi]
impl NativeDatabase {
    /// Sets the memory that keys and requests are written to, and that answers are read from.
    #[napi(catch_unwind)]
    pub fn set_buffers(&self, key: Uint8Array, out: Uint8Array) {
        *self.buffers.borrow_mut() = Some(Buffers { key, out });
    }

    /// The document under the key in the key buffer, written to the out buffer: its length, -1 if
    /// there is none, -2 if the buffer is too small (see `neededLength`).
    #[napi(catch_unwind)]
    pub fn get(&self, snapshot: u32, store_id: u32, key_length: u32) -> napi::Result<i32> {
        self.get_into(snapshot, store_id, key_length).or_throw()
    }

    /// How large the out buffer must be for the last call that answered -2.
    #[napi(catch_unwind)]
    pub fn needed_length(&self) -> u32 {
        self.needed.get()
    }

    /// Answers the request in the key buffer into the out buffer: the answer's length, or -2.
    #[napi(catch_unwind)]
    pub fn read(&self, snapshot: u32, request_length: u32) -> napi::Result<i32> {
        self.read_into(snapshot, request_length).or_throw()
    }

    /// Answers a request off the JavaScript thread. Snapshot 0 is the newest state at the time of
    /// the call.
    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn read_async(
        &self,
        snapshot: u32,
        request: Uint8Array,
    ) -> napi::Result<AsyncTask<ReadTask>> {
        let pinned = if snapshot == 0 {
            self.shared.connection.pin(&self.turn)
        } else {
            self.pinned(snapshot)
        };
        let store = Arc::clone(&self.shared.store);
        Ok(AsyncTask::new(ReadTask::new(pinned.or_throw()?, store, request.to_vec())))
    }

    /// Lets go of the state that reads of this turn have shared.
    #[napi(catch_unwind)]
    pub fn end_turn(&self) {
        self.turn.end_turn();
    }

    /// A snapshot of the newest state, held until `closeSnapshot`.
    #[napi(catch_unwind)]
    pub fn snapshot(&self) -> napi::Result<u32> {
        let snapshot = self.shared.connection.pin(&self.turn).or_throw()?;
        let id = self.next_snapshot.fetch_add(1, Ordering::Relaxed);
        self.snapshots.borrow_mut().insert(id, snapshot);
        Ok(id)
    }

    /// Ends a snapshot; does nothing if it has ended.
    #[napi(catch_unwind)]
    pub fn close_snapshot(&self, id: u32) {
        let snapshot = self.snapshots.borrow_mut().remove(&id);
        if let Some(snapshot) = snapshot {
            snapshot.end(ErrorCode::Closed);
        }
    }

    /// Queues packed operations; the results come as a message. Durability: 0 the database's,
    /// 1 strict, 2 relaxed.
    #[napi(catch_unwind)]
    pub fn write(
        &self,
        ticket: u32,
        ops: Uint8Array,
        length: u32,
        durability: u32,
    ) -> napi::Result<()> {
        self.submit(ticket, &ops, length, durability).or_throw()
    }

    fn submit(&self, ticket: u32, ops: &[u8], length: u32, number: u32) -> Result<()> {
        let ops = ops.get(..length as usize).ok_or_else(out_of_bounds)?.to_vec();
        let shared = Arc::clone(&self.shared);
        let durability = durability(number, shared.connection.durability());
        let drops = protocol::may_drop_trees(&ops);
        let done = Box::new(move |results: Result<Vec<u8>>| {
            if drops && results.is_ok() {
                shared.sweeper.kick();
            }
            shared.outbox.complete(ticket, results);
        });
        let store = Arc::clone(&self.shared.store);
        let batch = WriteBatch::new(store, ops, durability, done)?;
        self.shared.connection.submit(Box::new(batch))
    }

    /// The catalog of a snapshot, as a document.
    #[napi(catch_unwind)]
    pub fn catalog<'e>(&self, env: &'e Env, snapshot: u32) -> napi::Result<BufferSlice<'e>> {
        let mut source = self.source.borrow_mut();
        let document = if snapshot == 0 {
            self.turn.with(|txn| source.catalog_document(txn))
        } else {
            self.pinned(snapshot)
                .and_then(|snapshot| snapshot.with(|txn| source.catalog_document(txn)))
        };
        BufferSlice::copy_from(env, document.or_throw()?)
    }

    /// The version of the newest catalog.
    #[napi(catch_unwind)]
    pub fn catalog_version(&self) -> napi::Result<f64> {
        let mut source = self.source.borrow_mut();
        self.turn.with(|txn| source.catalog_version(txn)).map(|version| version as f64).or_throw()
    }

    /// The newest shapes of a store, as a document.
    #[napi(catch_unwind)]
    pub fn shapes<'e>(&self, env: &'e Env, store_id: u32) -> napi::Result<BufferSlice<'e>> {
        let document = self.turn.with(|txn| protocol::shapes_document(txn, store_id));
        BufferSlice::copy_from(env, document.or_throw()?)
    }

    /// Figures, as JSON.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> napi::Result<String> {
        let stats = self.shared.connection.stats().or_throw()?;
        let oldest = stats.oldest_reader.map(|reader| {
            serde_json::json!({
                "pid": reader.pid,
                "lag": reader.lag,
                "age": reader.age.map(|age| age.as_millis() as u64),
            })
        });
        let [meta, docs, index, log] = stats.entries;
        let format = self.shared.connection.format();
        Ok(serde_json::json!({
            "uuid": format.uuid.to_string(),
            "formatVersion": format.version,
            "created": format.created,
            "fileSize": stats.file_size,
            "pageSize": stats.page_size,
            "pages": stats.pages,
            "freePages": stats.free_pages,
            "mapSize": stats.map_size,
            "lastTransactionId": stats.last_txn_id,
            "readers": stats.readers,
            "oldestReader": oldest,
            "pendingBytes": stats.pending_bytes,
            "entries": { "meta": meta, "docs": docs, "index": index, "log": log },
        })
        .to_string())
    }

    /// Cancels the request of a ticket, if it can be cancelled and is under way.
    #[napi(catch_unwind)]
    pub fn cancel(&self, ticket: u32) {
        if let Some(cancel) = self.shared.cancels.lock().get(&ticket) {
            cancel.store(true, Ordering::Release);
        }
    }

    /// The id of the last committed transaction, by any thread or process.
    #[napi(catch_unwind)]
    pub fn last_transaction_id(&self) -> napi::Result<f64> {
        self.shared
            .connection
            .environment()
            .last_txn_id()
            .map(|id| id as f64)
            .map_err(|error| to_napi(&error))
    }
}

impl Drop for NativeDatabase {
    fn drop(&mut self) {
        // Closing may wait for the disk; not on the JavaScript thread. If there is no thread, the
        // connection closes with its last reference, here.
        let connection = Arc::clone(&self.shared.connection);
        self.transactions.close();
        drop(pool::spawn(move || drop(connection.close())));
    }
}
