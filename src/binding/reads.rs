//! Reads on the JavaScript thread: the snapshot of the turn, pinned snapshots, shared memory.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use napi::bindgen_prelude::Uint8Array;

use super::read::Source;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Connection, ReadTxn, Snapshot, TurnReader};
use crate::store::read::GetOutcome;
use crate::store::{StoreShared, count_shapes, load_shapes};
use crate::value::ShapeTable;

/// Memory that JavaScript and this library both use: keys and requests in, answers out.
struct Buffers {
    key: Uint8Array,
    out: Uint8Array,
}

/// What the JavaScript thread reads with.
pub(super) struct Reads {
    connection: Arc<Connection>,
    turn: Arc<TurnReader>,
    source: RefCell<Source>,
    buffers: RefCell<Option<Buffers>>,
    snapshots: RefCell<HashMap<u32, Arc<Snapshot>>>,
    next_snapshot: Cell<u32>,
    needed: Cell<u32>,
}

impl Reads {
    pub(super) fn new(connection: &Arc<Connection>, store: &Arc<StoreShared>) -> Self {
        let environment = Arc::clone(connection.environment());
        Self {
            connection: Arc::clone(connection),
            turn: connection.turn_reader(),
            source: RefCell::new(Source::new(environment, Arc::clone(store))),
            buffers: RefCell::default(),
            snapshots: RefCell::default(),
            next_snapshot: Cell::new(1),
            needed: Cell::new(0),
        }
    }

    pub(super) fn set_buffers(&self, key: Uint8Array, out: Uint8Array) {
        *self.buffers.borrow_mut() = Some(Buffers { key, out });
    }

    /// How large the memory for answers must be for the call that answered -2.
    pub(super) fn needed(&self) -> u32 {
        self.needed.get()
    }

    pub(super) fn end_turn(&self) {
        self.turn.end_turn();
    }

    /// Pins the newest state; returns the snapshot's id.
    pub(super) fn pin(&self) -> Result<u32> {
        let snapshot = self.connection.pin(&self.turn)?;
        let id = self.next_snapshot.get();
        self.next_snapshot.set(id.wrapping_add(1).max(1));
        self.snapshots.borrow_mut().insert(id, snapshot);
        Ok(id)
    }

    /// Lets go of a pinned snapshot; does nothing if that has happened.
    pub(super) fn unpin(&self, id: u32) {
        let snapshot = self.snapshots.borrow_mut().remove(&id);
        if let Some(snapshot) = snapshot {
            snapshot.end(ErrorCode::Closed);
        }
    }

    /// A pinned snapshot; for 0, one of the newest state.
    pub(super) fn snapshot(&self, id: u32) -> Result<Arc<Snapshot>> {
        if id == 0 {
            return self.connection.pin(&self.turn);
        }
        let snapshot = self.snapshots.borrow().get(&id).cloned();
        snapshot.ok_or_else(|| Error::new(ErrorCode::Closed, "the snapshot is closed"))
    }

    /// The id of the newest transaction.
    #[inline]
    pub(super) fn last_transaction_id(&self) -> Result<u64> {
        self.turn.last_txn_id()
    }

    /// The id of the transaction whose state a pinned snapshot shows; for 0, of the state that was
    /// read last in this turn, 0 if none is held. It may be older than the id of the newest
    /// transaction for a moment even if it was just read: LMDB writes what names a new state before
    /// it lets readers have it.
    #[inline]
    pub(super) fn transaction_id_of(&self, snapshot: u32) -> Result<u64> {
        if snapshot == 0 {
            return Ok(self.turn.held_txn_id().unwrap_or(0));
        }
        Ok(self.snapshot(snapshot)?.txn_id())
    }

    /// The shapes of a store that documents may name which were read and are not decoded yet: of
    /// the state that was read last, of the snapshots that are pinned, and of the newest state,
    /// which a transaction may have read while an older one is held. Tables only grow, so the
    /// longest one has them all; a state in which the store was deleted has none.
    pub(super) fn shapes(&self, store: u32) -> Result<ShapeTable> {
        let mut longest = self.turn.with_held(|txn| load_shapes(txn, store))?;
        let newest = self.connection.snapshot(false).ok();
        let pinned: Vec<_> = self.snapshots.borrow().values().cloned().collect();
        for snapshot in pinned.into_iter().chain(newest) {
            // One that has expired has nothing to be decoded; no new one can be had after a close.
            let known = longest.len();
            let longer = snapshot.with(|txn| match count_shapes(txn, store)? > known {
                true => load_shapes(txn, store).map(Some),
                false => Ok(None),
            });
            if let Ok(Some(shapes)) = longer {
                longest = shapes;
            }
        }
        Ok(longest)
    }

    /// How many shapes a store has in the state that was read last.
    pub(super) fn shape_count(&self, store: u32) -> Result<usize> {
        self.turn.with_held(|txn| count_shapes(txn, store))
    }

    /// Reads from a pinned snapshot, or for 0 from the newest state.
    #[inline]
    pub(super) fn with<T>(
        &self,
        snapshot: u32,
        work: impl FnOnce(&ReadTxn<'_>, &mut Source) -> Result<T>,
    ) -> Result<T> {
        let mut source = self.source.borrow_mut();
        if snapshot == 0 {
            return self.turn.with(|txn| work(txn, &mut source));
        }
        self.snapshot(snapshot)?.with(|txn| work(txn, &mut source))
    }

    /// Reads from the state that was committed last, whose catalog is that of the newest state.
    pub(super) fn with_committed<T>(
        &self,
        work: impl FnOnce(&ReadTxn<'_>, &mut Source) -> Result<T>,
    ) -> Result<T> {
        let mut source = self.source.borrow_mut();
        self.turn.with_committed(|txn| work(txn, &mut source))
    }

    /// Answers the request in the key memory into the answer memory: the answer's length, or -2.
    #[inline]
    pub(super) fn read(&self, snapshot: u32, request_length: u32) -> Result<i32> {
        self.with_buffers(request_length, |request, out| {
            let written =
                self.with(snapshot, |txn, source| source.respond_into(txn, request, out))?;
            Ok(self.report(written))
        })
    }

    /// Writes the document under the key in the key memory to the answer memory: its length, -1 if
    /// there is none, or -2.
    #[inline]
    pub(super) fn get(&self, snapshot: u32, store: u32, key_length: u32) -> Result<i32> {
        self.with_buffers(key_length, |key, out| {
            let outcome =
                self.with(snapshot, |txn, source| source.get_into(txn, store, key, out))?;
            Ok(match outcome {
                GetOutcome::Missing => -1,
                GetOutcome::Written(length) => self.report(Ok(length)),
                GetOutcome::Needs(length) => self.report(Err(length)),
            })
        })
    }

    /// Lends what JavaScript has written to the key memory, and the answer memory.
    #[inline]
    fn with_buffers<T>(
        &self,
        length: u32,
        work: impl FnOnce(&[u8], &mut [u8]) -> Result<T>,
    ) -> Result<T> {
        let mut buffers = self.buffers.borrow_mut();
        let Some(Buffers { key, out }) = buffers.as_mut() else {
            return Err(Error::new(ErrorCode::InvalidArgument, "setBuffers() was not called"));
        };
        let input = key.get(..length as usize).ok_or_else(out_of_bounds)?;
        // SAFETY: the memory belongs to typed arrays that this value keeps alive and that only the
        // JavaScript layer of this package can reach; it is used on the JavaScript thread alone,
        // and no JavaScript runs meanwhile.
        let out = unsafe { out.as_mut() };
        work(input, out)
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

pub(super) fn out_of_bounds() -> Error {
    Error::new(ErrorCode::InvalidArgument, "a length exceeds the buffer")
}
