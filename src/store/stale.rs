//! Indexes whose sort keys are of another version of their collation's data.
//!
//! Nothing can be found in such an index, and nothing can be added to it. So the first write
//! transaction that meets one empties it, for a build from the start: no transaction of this
//! version ever leaves entries of another one behind. Whoever only reads does without the index.
//! A unique one is built within that transaction, which must not write what it would refuse.

use std::sync::Arc;

use super::build_job::BuiltIndex;
use super::failure::{Failure, nested};
use super::index_build::{self, Filling};
use super::schema::Schema;
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
pub(super) fn empty(txn: &mut WriteTxn<'_>, catalog: &Catalog) -> Result<Arc<Catalog>> {
    let mut changed = catalog.clone();
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

/// Builds those at once that were stale in `before` and are unique: the transaction may write what
/// only they can refuse.
///
/// Where that is refused, since documents meet that were apart before or one cannot be read, the
/// index stays one that is being built: its build will find the same, and reports it.
pub(super) fn build_unique(
    txn: &mut WriteTxn<'_>,
    shared: &StoreShared,
    before: &Catalog,
) -> Result<()> {
    for store in before.stores() {
        for index in store.indexes.iter().filter(|index| is_stale(index) && index.unique) {
            let built = nested(txn, |txn| {
                let state = TxnState::of(txn, shared)?;
                let store = state.catalog.require_store(store.id)?;
                let index = store.require_index(index.id)?;
                index_build::build_now(txn, shared, &state, store, Filling::keys(index))?;
                Ok(Schema::new(txn, shared)?.finish_index(store.id, index.id)?)
            });
            if let Err(Failure::Fatal(error)) = built {
                return Err(error);
            }
        }
    }
    Ok(())
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
