//! The class that JavaScript holds: an open database.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, BufferSlice, Object, Uint8Array};
use napi_derive::napi;
use parking_lot::Mutex;

use super::end_hook::EndHook;
use super::error::OrThrow;
use super::fast_calls;
use super::inline_wait::Waits;
use super::outbox::Outbox;
use super::read::ReadTask;
use super::reads::{Reads, out_of_bounds};
use super::sweeper::{self, Sweeper};
use super::transaction::Transactions;
use crate::error::Result;
use crate::protocol::{self, Executions, WriteBatch};
use crate::seal::Cipher;
use crate::storage::{Connection, Durability, Observer, SchemaLock};
use crate::store::StoreShared;

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
    pub(super) reads: Rc<Reads>,
    pub(super) waits: Waits,
    pub(super) schema_lock: Mutex<Option<SchemaLock>>,
    _end_hook: EndHook,
}

impl NativeDatabase {
    pub(super) fn new(
        env: &Env,
        connection: Arc<Connection>,
        outbox: Arc<Outbox>,
    ) -> napi::Result<Self> {
        let sweeper = Sweeper::new(&connection);
        let store = Arc::new(StoreShared::of(connection.environment()));
        if connection.is_writable() && connection.environment().claim_care() {
            sweeper::resume(&connection, &store, &sweeper, &outbox).or_throw()?;
        }
        let observer: Arc<dyn Observer> = outbox.clone();
        connection.observe(Arc::downgrade(&observer));
        let reads = Rc::new(Reads::new(&connection, &store));
        let shared =
            Arc::new(Shared { connection, store, outbox, sweeper, cancels: Mutex::default() });
        let transactions = Transactions::new(Arc::clone(&shared));
        let left = Arc::clone(&transactions);
        let end_hook = EndHook::new(env, move || left.abandon())?;
        Ok(Self {
            transactions,
            shared,
            reads,
            waits: Waits::default(),
            schema_lock: Mutex::default(),
            _end_hook: end_hook,
        })
    }
}

/// Hint of a write: the next one comes at once.
const IS_FOLLOWED: u32 = 1;
/// Hint of a write: it may be waited for.
const MAY_WAIT: u32 = 2;

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
        self.reads.set_buffers(key, out);
    }

    /// The calls whose own cost counts: `get(snapshot, storeId, keyLength)` writes the document
    /// under the key in the key buffer to the out buffer and returns its length, -1 if there is
    /// none; `read(snapshot, requestLength)` does the same for the request there; both return -2 if
    /// the out buffer is too small (see `neededLength`). `lastTransactionId()` is the id of the
    /// last transaction that any thread or process has committed, `transactionIdOf(snapshot)` that
    /// of the state that a snapshot shows. Snapshot 0 is the newest state; for `transactionIdOf`,
    /// the one that was read last in this turn.
    #[napi(
        catch_unwind,
        ts_return_type = "{ get(snapshot: number, storeId: number, keyLength: number): number; \
                          read(snapshot: number, requestLength: number): number; \
                          lastTransactionId(): number; \
                          transactionIdOf(snapshot: number): number }"
    )]
    pub fn fast_calls<'e>(&self, env: &'e Env) -> napi::Result<Object<'e>> {
        fast_calls::create(env, &self.reads)
    }

    /// How large the out buffer must be for the last call that answered -2.
    #[napi(catch_unwind)]
    pub fn needed_length(&self) -> u32 {
        self.reads.needed()
    }

    /// Answers a request off the JavaScript thread. Snapshot 0 is the newest state at the time of
    /// the call.
    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn read_async(
        &self,
        snapshot: u32,
        request: Uint8Array,
    ) -> napi::Result<AsyncTask<ReadTask>> {
        let pinned = self.reads.snapshot(snapshot).or_throw()?;
        let store = Arc::clone(&self.shared.store);
        Ok(AsyncTask::new(ReadTask::new(pinned, store, request.to_vec())))
    }

    /// Lets go of the state that reads of this turn have shared.
    #[napi(catch_unwind)]
    pub fn end_turn(&self) {
        self.reads.end_turn();
    }

    /// A snapshot of the newest state, held until `closeSnapshot`.
    #[napi(catch_unwind)]
    pub fn snapshot(&self) -> napi::Result<u32> {
        self.reads.pin().or_throw()
    }

    /// Ends a snapshot; does nothing if it has ended.
    #[napi(catch_unwind)]
    pub fn close_snapshot(&self, id: u32) {
        self.reads.unpin(id);
    }

    /// Queues packed operations; the results come as a message. Durability: 0 the database's,
    /// 1 strict, 2 relaxed.
    ///
    /// Hint 1 tells that the next call comes at once, and may share the commit. With hint 2, a
    /// write that is not synced may be waited for here, for less time than a message takes to
    /// arrive: then the messages that are there are returned.
    #[napi(catch_unwind, ts_return_type = "Buffer | null")]
    pub fn write<'e>(
        &self,
        env: &'e Env,
        ticket: u32,
        ops: Uint8Array,
        length: u32,
        durability: u32,
        hint: u32,
    ) -> napi::Result<Option<BufferSlice<'e>>> {
        let ops = ops.get(..length as usize).ok_or_else(out_of_bounds).or_throw()?;
        let submit = || self.submit(ticket, ops, durability, hint == IS_FOLLOWED);
        self.waits.writes.run(env, &self.shared.outbox, hint == MAY_WAIT, submit)
    }

    /// Takes the messages that are there. If there are none, and this function `willLook` again,
    /// the next ones are not announced; and another thread gets the processor, if one waits for it.
    #[napi(catch_unwind, ts_return_type = "Buffer | null")]
    pub fn look<'e>(&self, env: &'e Env, will_look: bool) -> napi::Result<Option<BufferSlice<'e>>> {
        let messages = self.shared.outbox.look(will_look);
        if messages.is_empty() {
            // The writer thread may have been woken up on this one.
            std::thread::yield_now();
            return Ok(None);
        }
        BufferSlice::copy_from(env, messages).map(Some)
    }

    fn submit(&self, ticket: u32, ops: &[u8], number: u32, is_followed: bool) -> Result<()> {
        let ops = ops.to_vec();
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
        let batch = WriteBatch::new(store, ops, durability, done)?.followed(is_followed);
        self.shared.connection.submit(Box::new(batch))
    }

    /// The catalog of a snapshot, as JSON.
    #[napi(catch_unwind)]
    pub fn catalog(&self, snapshot: u32) -> napi::Result<String> {
        self.reads.with(snapshot, |txn, source| source.catalog_json(txn)).or_throw()
    }

    /// The version of the newest catalog.
    #[napi(catch_unwind)]
    pub fn catalog_version(&self) -> napi::Result<f64> {
        let version = self.reads.with_committed(|txn, source| source.catalog_version(txn));
        version.map(|version| version as f64).or_throw()
    }

    /// The shapes of a store, as JSON: all that documents may name which were read last, or from a
    /// pinned snapshot.
    #[napi(catch_unwind)]
    pub fn shapes(&self, store_id: u32) -> napi::Result<String> {
        self.reads.shapes(store_id).and_then(|shapes| protocol::shapes_json(&shapes)).or_throw()
    }

    /// How many shapes a store has in the state that was read last.
    #[napi(catch_unwind)]
    pub fn shape_count(&self, store_id: u32) -> napi::Result<u32> {
        let count = self.reads.shape_count(store_id).or_throw()?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
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
        let rotation = stats.key_rotation.map(|rotation| {
            serde_json::json!({
                "from": rotation.from,
                "to": rotation.to,
                "blocks": rotation.blocks,
                "remaining": rotation.remaining,
                "estimated": rotation.is_estimated,
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
            "queries": self.shared.store.extension::<Executions>().len(),
            "cipher": stats.cipher.map(Cipher::name),
            "keyRotation": rotation,
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
}

impl Drop for NativeDatabase {
    fn drop(&mut self) {
        self.transactions.abandon();
    }
}
