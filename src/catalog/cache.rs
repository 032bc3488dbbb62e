//! Catalogs by version.

use std::sync::Arc;

use parking_lot::Mutex;

use super::snapshot::Catalog;
use crate::error::Result;
use crate::storage::ReadTxn;

/// How many versions are kept: the newest, and those of snapshots still in use.
const KEPT: usize = 4;

/// Committed catalogs, most recently used first. A catalog is used only for snapshots that have
/// its version, so other processes' changes and older snapshots are always right.
#[derive(Debug, Default)]
pub struct CatalogCache(Mutex<Vec<Arc<Catalog>>>);

impl CatalogCache {
    /// The catalog of a snapshot, or of a write transaction that has not changed it.
    pub fn for_snapshot(&self, txn: &ReadTxn<'_>) -> Result<Arc<Catalog>> {
        let version = Catalog::load_version(txn)?;
        if let Some(catalog) = self.find(version) {
            return Ok(catalog);
        }
        let catalog = Arc::new(Catalog::load(txn)?);
        let mut kept = self.0.lock();
        kept.retain(|other| other.version != version);
        kept.insert(0, Arc::clone(&catalog));
        kept.truncate(KEPT);
        Ok(catalog)
    }

    /// Whether one of the versions that are kept has a store of this id.
    pub fn has_store(&self, id: u32) -> bool {
        self.0.lock().iter().any(|catalog| catalog.store(id).is_some())
    }

    /// Forgets all versions.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    fn find(&self, version: u64) -> Option<Arc<Catalog>> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|catalog| catalog.version == version)?;
        kept.get_mut(..=at)?.rotate_right(1);
        kept.first().cloned()
    }
}
