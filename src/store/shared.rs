//! What all transactions and snapshots of a handle share: caches of committed state.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::candidates::Candidates;
use super::graph::Graphs;
use super::read::View;
use super::shapes::load_shapes;
use super::state::TxnState;
use crate::catalog::{Catalog, CatalogCache};
use crate::error::Result;
use crate::storage::{Environment, ReadTxn};
use crate::value::ShapeTable;

/// Caches of catalogs and shape tables. One per handle, shared by the threads that work for it.
#[derive(Debug, Default)]
pub struct StoreShared {
    catalogs: CatalogCache,
    /// By store id. A table only grows, so one serves snapshots of every age; ids of stores and
    /// shapes are never reused once committed, and nothing else gets here.
    shapes: Mutex<HashMap<u32, Arc<ShapeTable>>>,
    /// What higher layers keep, by its type.
    extensions: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    /// The graphs of vector indexes.
    graphs: OnceLock<Arc<Graphs>>,
    /// Lists of names that may become shapes.
    pub(super) candidates: Candidates,
}

impl StoreShared {
    /// Those of a connection to an environment, whose searches use its graphs.
    pub fn of(environment: &Arc<Environment>) -> Self {
        let graphs = Graphs::of(environment).map_or_else(OnceLock::new, OnceLock::from);
        Self { graphs, ..Self::default() }
    }

    /// The graphs of vector indexes; without them all searches look at all vectors.
    pub fn graphs(&self) -> Option<&Arc<Graphs>> {
        self.graphs.get()
    }

    /// The catalog of a snapshot, or of a write transaction that has not changed it.
    pub fn catalog(&self, txn: &ReadTxn<'_>) -> Result<Arc<Catalog>> {
        self.catalogs.for_snapshot(txn)
    }

    /// A store's shapes: at least those known when they were last read.
    ///
    /// `txn` is a snapshot, or a write transaction that has registered no shapes for the store.
    pub fn shapes(&self, txn: &ReadTxn<'_>, store: u32) -> Result<Arc<ShapeTable>> {
        if let Some(shapes) = self.shapes.lock().get(&store) {
            return Ok(Arc::clone(shapes));
        }
        self.reload_shapes(txn, store)
    }

    /// A store's shapes: at least those of `txn`. For use when an id is unknown.
    pub fn reload_shapes(&self, txn: &ReadTxn<'_>, store: u32) -> Result<Arc<ShapeTable>> {
        let loaded = Arc::new(load_shapes(txn, store)?);
        let mut shapes = self.shapes.lock();
        if shapes.len() == shapes.capacity() {
            // Those of stores that were deleted go before there is room for more.
            shapes.retain(|store, _| self.catalogs.has_store(*store));
        }
        let known = shapes.entry(store).or_insert_with(|| Arc::clone(&loaded));
        if loaded.len() > known.len() {
            *known = loaded;
        }
        Ok(Arc::clone(known))
    }

    /// A store's shapes as `view` has them: at least those known when they were last read, or, if
    /// `again`, those of the view.
    pub fn shapes_of(
        &self,
        view: View<'_, '_>,
        store: u32,
        again: bool,
    ) -> Result<Arc<ShapeTable>> {
        if let View::Write(txn) = view
            && let Some(state) = txn.extension::<TxnState>()
        {
            return if again {
                state.reload_shapes(txn, self, store)
            } else {
                state.shapes(txn, self, store)
            };
        }
        if again { self.reload_shapes(view.txn(), store) } else { self.shapes(view.txn(), store) }
    }

    /// What a higher layer keeps with the handle; made when it is first asked for.
    pub fn extension<T: Default + Any + Send + Sync>(&self) -> Arc<T> {
        let mut extensions = self.extensions.lock();
        let made = extensions.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(made).downcast().unwrap_or_default()
    }

    /// Forgets everything. For use when the database's files were replaced.
    pub fn reset(&self) {
        self.catalogs.clear();
        self.shapes.lock().clear();
        self.candidates.clear();
    }
}
