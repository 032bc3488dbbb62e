//! A batch of packed operations as a job of the writer.

use std::sync::Arc;

use super::{ops, outcome, runner};
use crate::error::Result;
use crate::storage::{Commit, Durability, Job, WriteTxn};
use crate::store::StoreShared;

/// Called when a batch has been committed, with the results of its operations (empty if all are
/// done and there is nothing to say), or when it failed as a whole. Runs on the writer thread.
pub type Completion = Box<dyn FnOnce(Result<Vec<u8>>) + Send>;

/// Plain writes: each operation for itself, all in one commit.
pub struct WriteBatch {
    shared: Arc<StoreShared>,
    ops: Vec<u8>,
    durability: Durability,
    results: Vec<u8>,
    is_followed: bool,
    is_brief: bool,
    done: Completion,
}

/// Larger batches are not brief.
const BRIEF: usize = 16 << 10;

impl WriteBatch {
    /// A batch of packed operations (see [`ops`]).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the frames are malformed.
    pub fn new(
        shared: Arc<StoreShared>,
        ops: Vec<u8>,
        durability: Durability,
        done: Completion,
    ) -> Result<Self> {
        ops::check_frames(&ops)?;
        let is_brief = ops.len() <= BRIEF && ops::are_of_single_documents(&ops);
        let results = Vec::new();
        Ok(Self { shared, ops, durability, results, is_followed: false, is_brief, done })
    }

    /// Tells that the caller is about to hand over another batch.
    pub fn followed(self, is_followed: bool) -> Self {
        Self { is_followed, ..self }
    }
}

impl Job for WriteBatch {
    fn bytes(&self) -> usize {
        self.ops.len()
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn is_followed(&self) -> bool {
        self.is_followed
    }

    fn is_brief(&self) -> bool {
        self.is_brief
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.results.clear();
        runner::run_batch(txn, &self.shared, &self.ops, &mut self.results)
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        let results = if outcome::all_ok(&self.results) { Vec::new() } else { self.results };
        (self.done)(outcome.map(|_| results));
    }
}
