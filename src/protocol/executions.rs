//! Queries that are being carried out, by the numbers that JavaScript knows them by.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, ErrorCode, Result};
use crate::execution::{Aggregation, Chunk, Execution, From};
use crate::store::read::Response;

/// The queries of a handle that are not at their end.
#[derive(Default)]
pub struct Executions {
    running: Mutex<Table>,
    next: AtomicU32,
}

#[derive(Default)]
struct Table {
    by_id: HashMap<u32, Arc<Running>>,
    /// Whether the handle is closed: nothing is kept any more.
    closed: bool,
}

/// What is carried out.
pub(super) enum Work {
    Query(Box<Execution>),
    Pipeline(Box<Aggregation>),
}

impl Work {
    /// Writes the next rows: how many, and whether none is left.
    pub(super) fn next(
        &mut self,
        from: From<'_, '_, '_>,
        chunk: &Chunk<'_>,
        response: &mut Response<'_>,
    ) -> Result<(u32, bool)> {
        match self {
            Self::Query(query) => query.next(from.view, from.shared, chunk, response),
            Self::Pipeline(pipeline) => pipeline.next(from, chunk, response),
        }
    }
}

/// A query, which one thread at a time carries out.
pub struct Running {
    pub(super) work: Mutex<Work>,
    /// The catalog's version that it was planned for: a store that is gone is not read.
    pub(super) store: u32,
    /// Set when nobody waits for it any more.
    pub(super) cancelled: AtomicBool,
}

/// The error of what a closed handle is asked for.
pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the database is closed")
}

impl Executions {
    /// Keeps a query; returns its number, which is not 0.
    ///
    /// # Errors
    /// `CLOSED`.
    pub(super) fn keep(&self, work: Work, store: u32) -> Result<u32> {
        let running =
            Arc::new(Running { work: Mutex::new(work), store, cancelled: AtomicBool::new(false) });
        let mut all = self.running.lock();
        if all.closed {
            return Err(closed());
        }
        loop {
            let id = self.next.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            if id != 0 && !all.by_id.contains_key(&id) {
                all.by_id.insert(id, running);
                return Ok(id);
            }
        }
    }

    /// A query by its number.
    ///
    /// # Errors
    /// `CLOSED` if it has come to its end.
    pub(super) fn get(&self, id: u32) -> Result<Arc<Running>> {
        self.running.lock().by_id.get(&id).cloned().ok_or_else(|| {
            Error::new(ErrorCode::Closed, "the query has come to its end, or was ended")
        })
    }

    /// Ends a query, also one that another thread carries out.
    pub(super) fn end(&self, id: u32) {
        let running = self.running.lock().by_id.remove(&id);
        if let Some(running) = running {
            running.cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.running.lock().by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the handle is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.running.lock().closed
    }

    /// Ends all of them, also those that other threads carry out, and keeps no more.
    pub fn close(&self) {
        let mut all = self.running.lock();
        all.closed = true;
        let ended = std::mem::take(&mut all.by_id);
        drop(all);
        for running in ended.values() {
            running.cancelled.store(true, Ordering::Relaxed);
        }
    }
}
