//! Indexes whose sort keys are of another version of their collation's data.
//!
//! Nothing can be found in such an index, and nothing can be added to it. So the first write
//! transaction that meets one empties it, for a build from the start: no transaction of this
//! version ever leaves entries of another one behind. Whoever only reads does without the index.

use std::sync::Arc;

use super::build_job::BuiltIndex;
use super::index_build;
use super::shared::StoreShared;
use super::state::TxnState;
use super::sweep;
use crate::catalog::{Catalog, IndexCollation, IndexDef, IndexState, StoreDef};
use crate::error::Result;
use crate::storage::{Commit, Durability, Job, Table, WriteTxn};

fn is_stale(index: &IndexDef) -> bool {
    index.state == IndexState::Stale
}

/// Gives such indexes new trees, to be filled by builds, and leaves the old ones to the sweeper.
pub(super) fn empty_stale(txn: &mut WriteTxn<'_>, catalog: Arc<Catalog>) -> Result<Arc<Catalog>> {
    if !catalog.has_stale_indexes() {
        return Ok(catalog);
    }
    let mut changed = Catalog::clone(&catalog);
    for store in catalog.stores() {
        if !store.indexes.iter().any(|index| is_stale(index)) {
            continue;
        }
        let mut store = StoreDef::clone(store);
        for index in &mut store.indexes {
            if !is_stale(index) {
                continue;
            }
            sweep::schedule(txn, Table::Index, index.tree)?;
            index_build::begin(txn, store.id, index.id)?;
            *index = Arc::new(IndexDef {
                tree: txn.allocate_tree_id()?,
                collation: index.order().cloned().map(IndexCollation::new),
                state: IndexState::Building,
                ..IndexDef::clone(index)
            });
        }
        changed.put_store(txn, store)?;
    }
    Ok(Arc::new(changed))
}

/// Called after the commit, on the writer thread, with the builds that are to go on.
type Emptied = Box<dyn FnOnce(Result<Vec<BuiltIndex>>) + Send>;

/// Empties all such indexes, as a job.
pub struct EmptyStale {
    shared: Arc<StoreShared>,
    builds: Vec<BuiltIndex>,
    done: Emptied,
}

impl EmptyStale {
    /// The job; `done` must not block.
    pub fn new(
        shared: Arc<StoreShared>,
        done: impl FnOnce(Result<Vec<BuiltIndex>>) + Send + 'static,
    ) -> Self {
        Self { shared, builds: Vec::new(), done: Box::new(done) }
    }
}

impl Job for EmptyStale {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn durability(&self) -> Durability {
        Durability::Relaxed
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        TxnState::of(txn, &self.shared)?;
        let builds = index_build::pending_builds(txn)?;
        let built = |(store, index)| BuiltIndex { store, index };
        self.builds = builds.into_iter().map(built).collect();
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        let Self { builds, done, .. } = *self;
        done(outcome.map(|_| builds));
    }
}
