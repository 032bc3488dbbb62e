//! The blocks of the records, whose older states `repair` uses if the newest one is damaged.

use std::collections::HashMap;
use std::sync::Arc;

use super::block;
use super::clear;
use super::plaintext::Plaintext;
use super::store::{Places, SealedStore, damaged};
use crate::error::Result;
use crate::seal::SealingKey;
use crate::storage::lmdb::Txn;
use crate::storage::txn::Table;

/// Tells pages that hold a state of a block of the records.
pub(crate) struct RecordBlocks<'s> {
    store: &'s SealedStore,
    txn: Txn<'s>,
    places: Places,
    /// The nodes of the tree of the records.
    ids: Vec<u64>,
    /// The keys of epochs, `None` of those that are not recorded.
    epochs: HashMap<u32, Option<Arc<SealingKey>>>,
    payload: Plaintext,
}

impl<'s> RecordBlocks<'s> {
    /// Those of the state that a transaction sees.
    ///
    /// # Errors
    /// `CORRUPT` if the tree cannot be read, and those of LMDB.
    pub(crate) fn of(store: &'s SealedStore, txn: Txn<'s>, places: Places) -> Result<Self> {
        let blocks = txn.entries(places.blocks)?;
        let mut ids = vec![store.root(Table::Meta as usize)];
        let mut done = 0;
        while let Some(id) = ids.get(done) {
            let node = store.load(&txn, places, *id)?;
            if !node.is_leaf() {
                ids.extend((0..=node.count()).map(|at| node.child(at)));
            }
            done += 1;
            // Old states in the place of newer ones could lead in a circle.
            if done as u64 > blocks {
                return Err(damaged());
            }
        }
        let payload = Plaintext::zeroed(store.payload());
        Ok(Self { store, txn, places, ids, epochs: HashMap::new(), payload })
    }

    /// Whether a page holds a state of one of them.
    pub(crate) fn has_state_on(&mut self, page: &[u8]) -> bool {
        let Some(stored) = page.get(block::PAGE_HEADER as usize..) else { return false };
        let Some(stamp) = block::stamp_of(stored) else { return false };
        let Some(key) = self.key(block::epoch_of(stamp)) else { return false };
        let (database, out) = (self.store.database(), self.payload.bytes_mut());
        self.ids.iter().any(|id| block::open_into(&key, database, *id, stored, out))
    }

    /// The key of an epoch, if there is one of that number.
    fn key(&mut self, number: u32) -> Option<Arc<SealingKey>> {
        let Self { store, txn, places, epochs, .. } = self;
        let derived = || {
            let (data_key, value) = clear::epoch(txn, *places, number).ok()??;
            store.derive(data_key, &value).ok()
        };
        epochs.entry(number).or_insert_with(derived).clone()
    }
}
