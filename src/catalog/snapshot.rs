//! The catalog as one snapshot has it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::definition::{IndexState, StoreDef};
use super::{meta_key, record};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::meta::{self, tag};
use crate::storage::{FormatRecord, ReadTxn, WriteTxn};
use crate::wtf8::Wtf8String;

/// All stores and indexes. Every transaction uses the catalog of its own snapshot.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Grows with every schema change.
    pub version: u64,
    /// What the program calls the state of its schema, as IndexedDB has it; 0 if it never did.
    pub database_version: u64,
    stores: BTreeMap<u32, Arc<StoreDef>>,
    names: HashMap<Wtf8String, u32>,
    /// How many indexes are stale: looked at in each write transaction.
    stale: usize,
}

impl Catalog {
    /// The version alone.
    pub fn load_version(txn: &ReadTxn<'_>) -> Result<u64> {
        Ok(meta::get_u64(txn, &[tag::CATALOG_VERSION])?.unwrap_or(0))
    }

    /// Reads the catalog.
    ///
    /// # Errors
    /// `CORRUPT` if a record is damaged; `INCOMPATIBLE_VERSION` if the database has come to use
    /// features that this version does not know.
    pub fn load(txn: &ReadTxn<'_>) -> Result<Self> {
        // A newer version may have changed what the database needs since it was opened.
        FormatRecord::read(txn)?;
        let mut catalog = Self {
            version: Self::load_version(txn)?,
            database_version: meta::get_u64(txn, &[tag::DATABASE_VERSION])?.unwrap_or(0),
            ..Self::default()
        };
        for (key, payload) in meta::scan_records(txn, &[tag::STORE])? {
            let id = meta_key::store_id(&key)
                .ok_or_else(|| Error::corrupt("the key of a store's record is malformed"))?;
            catalog.insert(record::decode_store(id, &payload)?);
        }
        Ok(catalog)
    }

    /// The stores, by id.
    pub fn stores(&self) -> impl ExactSizeIterator<Item = &Arc<StoreDef>> {
        self.stores.values()
    }

    /// A store by id.
    pub fn store(&self, id: u32) -> Option<&Arc<StoreDef>> {
        self.stores.get(&id)
    }

    /// A store by name.
    pub fn store_by_name(&self, name: &Wtf8String) -> Option<&Arc<StoreDef>> {
        self.names.get(name).and_then(|id| self.stores.get(id))
    }

    /// A store by id.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub fn require_store(&self, id: u32) -> Result<&Arc<StoreDef>> {
        self.store(id).ok_or_else(|| {
            Error::new(
                ErrorCode::StoreNotFound,
                format!("there is no store of id {id}; it may have been deleted"),
            )
        })
    }

    /// Writes a new or changed store and counts the version up.
    pub fn put_store(&mut self, txn: &mut WriteTxn<'_>, store: StoreDef) -> Result<()> {
        meta::put_record(txn, &meta_key::store(store.id), &record::encode_store(&store)?)?;
        self.remove(store.id);
        self.insert(store);
        self.advance(txn)
    }

    /// Removes a store's record and counts the version up.
    pub fn delete_store(&mut self, txn: &mut WriteTxn<'_>, id: u32) -> Result<()> {
        meta::delete_record(txn, &meta_key::store(id))?;
        self.remove(id);
        self.advance(txn)
    }

    /// Writes the database's version and counts the catalog's up.
    pub fn put_database_version(&mut self, txn: &mut WriteTxn<'_>, version: u64) -> Result<()> {
        meta::put_u64(txn, &[tag::DATABASE_VERSION], version)?;
        self.database_version = version;
        self.advance(txn)
    }

    fn advance(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.version += 1;
        meta::put_u64(txn, &[tag::CATALOG_VERSION], self.version)
    }

    fn insert(&mut self, store: StoreDef) {
        self.names.insert(store.name.clone(), store.id);
        self.stale += stale_indexes(&store);
        self.stores.insert(store.id, Arc::new(store));
    }

    fn remove(&mut self, id: u32) {
        if let Some(old) = self.stores.remove(&id) {
            self.names.remove(&old.name);
            self.stale -= stale_indexes(&old);
        }
    }

    /// Whether an index has to be emptied, and built again.
    pub fn has_stale_indexes(&self) -> bool {
        self.stale > 0
    }
}

fn stale_indexes(store: &StoreDef) -> usize {
    store.indexes.iter().filter(|index| index.state == IndexState::Stale).count()
}

/// A store id that no store has ever had.
pub fn allocate_store_id(txn: &mut WriteTxn<'_>) -> Result<u32> {
    let key = [tag::NEXT_STORE_ID];
    let id = meta::get_u64(txn, &key)?.unwrap_or(1);
    let store = u32::try_from(id).map_err(|_| {
        Error::new(ErrorCode::ResourceLimit, "the database has used up its store ids")
    })?;
    meta::put_u64(txn, &key, id + 1)?;
    Ok(store)
}
