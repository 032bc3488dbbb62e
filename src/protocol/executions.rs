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
    running: Mutex<HashMap<u32, Arc<Running>>>,
    next: AtomicU32,
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

impl Executions {
    /// Keeps a query; returns its number, which is not 0.
    pub(super) fn keep(&self, work: Work, store: u32) -> u32 {
        let running =
            Arc::new(Running { work: Mutex::new(work), store, cancelled: AtomicBool::new(false) });
        let mut all = self.running.lock();
        loop {
            let id = self.next.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            if id != 0 && !all.contains_key(&id) {
                all.insert(id, running);
                return id;
            }
        }
    }

    /// A query by its number.
    ///
    /// # Errors
    /// `CLOSED` if it has come to its end.
    pub(super) fn get(&self, id: u32) -> Result<Arc<Running>> {
        self.running.lock().get(&id).cloned().ok_or_else(|| {
            Error::new(ErrorCode::Closed, "the query has come to its end, or was ended")
        })
    }

    /// Ends a query, also one that another thread carries out.
    pub(super) fn end(&self, id: u32) {
        if let Some(running) = self.running.lock().remove(&id) {
            running.cancelled.store(true, Ordering::Relaxed);
        }
    }
}
