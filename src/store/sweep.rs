//! The sweeper: empties the trees of dropped and cleared stores and indexes, bit by bit.

use super::entry::{COUNT_ALL, COUNT_WHOLE};
use super::failure::{Failure, Outcome};
use crate::catalog::meta_key;
use crate::error::{Error, Result};
use crate::fault;
use crate::storage::meta::tag;
use crate::storage::tree::Tree;
use crate::storage::{
    Commit, Counter, Durability, Job, ReadTxn, Table, TreeId, WriteTxn, graph_file_key, meta,
};

/// How many LMDB entries one step removes, at most.
const STEP: usize = 1_000;

const DOCS: u8 = 0;
const INDEX: u8 = 1;

/// Leaves a tree that nothing refers to any more to the sweeper.
pub fn schedule(txn: &mut WriteTxn<'_>, table: Table, tree: TreeId) -> Result<()> {
    let table = if table == Table::Docs { DOCS } else { INDEX };
    meta::put_record(txn, &meta_key::sweep(tree), &[table])
}

/// Trees that wait to be swept.
///
/// # Errors
/// `CORRUPT`.
pub fn pending_sweeps(txn: &ReadTxn<'_>) -> Result<Vec<Tree>> {
    let malformed = || Error::corrupt("a sweep record is malformed");
    let mut trees = Vec::new();
    for (key, payload) in meta::scan_records(txn, &[tag::SWEEP])? {
        let table = match *payload {
            [DOCS] => Table::Docs,
            [INDEX] => Table::Index,
            _ => return Err(malformed()),
        };
        trees.push(Tree { table, id: meta_key::sweep_tree(&key).ok_or_else(malformed)? });
    }
    Ok(trees)
}

/// Removes a bounded number of entries; true if more are left.
pub fn sweep_step(txn: &mut WriteTxn<'_>) -> Outcome<bool> {
    let trees = pending_sweeps(txn)?;
    let Some(&tree) = trees.first() else { return Ok(false) };
    let emptied = tree.delete_some(txn, STEP).map_err(Failure::midway)?;
    fault::point("sweep-step");
    if emptied {
        meta::delete_record(txn, &meta_key::sweep(tree.id)).map_err(Failure::midway)?;
        forget_counts(txn, tree.id).map_err(Failure::midway)?;
        meta::delete_record(txn, &graph_file_key(tree.id)).map_err(Failure::midway)?;
        fault::point("sweep-end");
        return Ok(trees.len() > 1);
    }
    Ok(true)
}

/// Removes a tree's counters, with what this transaction has counted but not written yet.
fn forget_counts(txn: &mut WriteTxn<'_>, tree: TreeId) -> Result<()> {
    for class in COUNT_ALL..=COUNT_WHOLE {
        let counter = Counter { tree, class };
        let unwritten =
            txn.count(counter)?.cast_signed() - txn.stored_count(counter)?.cast_signed();
        txn.add_count(counter, -unwritten);
    }
    meta::delete_counts(txn, tree)
}

/// Called after a step: whether more is left to sweep.
type Swept = Box<dyn FnOnce(Result<bool>) + Send>;

/// One step of the sweeper, as a background job.
pub struct SweepJob {
    durability: Durability,
    more: bool,
    done: Swept,
}

impl SweepJob {
    /// A step; `done` learns, on the writer thread, whether more is left. It must not block.
    pub fn new(durability: Durability, done: impl FnOnce(Result<bool>) + Send + 'static) -> Self {
        Self { durability, more: false, done: Box::new(done) }
    }
}

impl Job for SweepJob {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.more = sweep_step(txn).map_err(|failure| failure.into_error())?;
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        (self.done)(outcome.map(|_| self.more));
    }

    fn background(&self) -> bool {
        true
    }
}
