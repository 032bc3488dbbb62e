//! What a write transaction knows beyond its pages: its catalog, shapes that it registered, and
//! where its trees end.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::bounds::Bounds;
use super::shared::StoreShared;
use super::stale;
use crate::catalog::Catalog;
use crate::error::Result;
use crate::storage::{ReadTxn, WriteTxn};
use crate::value::ShapeTable;

/// Kept in the transaction's extension slot. A nested transaction that fails takes its changes of
/// catalog and shapes with it.
#[derive(Debug, Clone)]
pub struct TxnState {
    /// The catalog with the transaction's own changes.
    pub catalog: Arc<Catalog>,
    /// Tables of stores for which the transaction registered shapes: not committed, not shared.
    registered: Arc<BTreeMap<u32, Arc<ShapeTable>>>,
    /// Stays right when a nested transaction fails, so all levels share it.
    bounds: Arc<Mutex<Bounds>>,
}

impl TxnState {
    /// The state of a transaction.
    pub fn of(txn: &mut WriteTxn<'_>, shared: &StoreShared) -> Result<Arc<Self>> {
        if let Some(state) = txn.extension::<Self>() {
            return Ok(state);
        }
        let catalog = shared.catalog(txn)?;
        let is_stale = catalog.has_stale_indexes();
        let state = Arc::new(Self {
            catalog: if is_stale { stale::empty(txn, &catalog)? } else { Arc::clone(&catalog) },
            registered: Arc::default(),
            bounds: Arc::default(),
        });
        txn.set_extension(Arc::clone(&state) as _);
        if !is_stale {
            return Ok(state);
        }
        stale::build_unique(txn, shared, &catalog)?;
        Ok(txn.extension().unwrap_or(state))
    }

    /// Makes a changed catalog the transaction's own.
    pub fn set_catalog(&self, txn: &mut WriteTxn<'_>, catalog: Catalog) {
        txn.set_extension(Arc::new(Self { catalog: Arc::new(catalog), ..self.clone() }));
    }

    /// Makes a store's extended shape table the transaction's own.
    pub fn set_shapes(&self, txn: &mut WriteTxn<'_>, store: u32, shapes: ShapeTable) {
        let mut registered = BTreeMap::clone(&self.registered);
        registered.insert(store, Arc::new(shapes));
        txn.set_extension(Arc::new(Self { registered: Arc::new(registered), ..self.clone() }));
    }

    /// A store's shapes.
    pub fn shapes(
        &self,
        txn: &ReadTxn<'_>,
        shared: &StoreShared,
        store: u32,
    ) -> Result<Arc<ShapeTable>> {
        match self.registered.get(&store) {
            Some(shapes) => Ok(Arc::clone(shapes)),
            None => shared.shapes(txn, store),
        }
    }

    /// A store's shapes, read again because an id was unknown.
    pub fn reload_shapes(
        &self,
        txn: &ReadTxn<'_>,
        shared: &StoreShared,
        store: u32,
    ) -> Result<Arc<ShapeTable>> {
        match self.registered.get(&store) {
            Some(shapes) => Ok(Arc::clone(shapes)),
            None => shared.reload_shapes(txn, store),
        }
    }

    /// Where the transaction's trees end.
    pub fn bounds(&self) -> MutexGuard<'_, Bounds> {
        self.bounds.lock()
    }
}
