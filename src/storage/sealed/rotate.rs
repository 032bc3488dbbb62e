//! Sealing blocks anew, with the newest data key.

use std::collections::HashMap;

use super::block;
use super::clear;
use super::plaintext::Plaintext;
use super::store::{Places, SealedStore, damaged};
use super::txn::SealedTxn;
use crate::error::Result;
use crate::storage::lmdb::{PutMode, RwTxn, Txn};

/// Blocks that are sealed anew in one transaction.
const BATCH: usize = 512;
/// Blocks that are looked at in one read transaction.
const LOOK: u64 = 65_536;
/// Epochs that are removed in one transaction.
const EPOCHS: usize = 1_000;

/// Blocks of older data keys.
#[derive(Debug, Default)]
pub(crate) struct Outdated {
    /// Their ids.
    pub ids: Vec<u64>,
    /// How many blocks were looked at.
    pub seen: u64,
    /// Where to look further; `None` at the end.
    pub next: Option<u64>,
}

/// The data keys of epochs.
struct Epochs {
    places: Places,
    data_keys: HashMap<u32, u32>,
}

impl Epochs {
    fn new(places: Places) -> Self {
        Self { places, data_keys: HashMap::new() }
    }

    /// The data key that a stored block is sealed with.
    fn data_key(&mut self, txn: &Txn<'_>, stored: &[u8]) -> Result<u32> {
        let epoch = block::epoch_of(block::stamp_of(stored).ok_or_else(damaged)?);
        if let Some(data_key) = self.data_keys.get(&epoch) {
            return Ok(*data_key);
        }
        let (data_key, _) = clear::epoch(txn, self.places.clear, epoch)?.ok_or_else(damaged)?;
        self.data_keys.insert(epoch, data_key);
        Ok(data_key)
    }
}

/// Looks for blocks of data keys before `target`, from an id on.
pub(crate) fn outdated(txn: &Txn<'_>, places: Places, from: u64, target: u32) -> Result<Outdated> {
    let mut epochs = Epochs::new(places);
    let mut found = Outdated::default();
    let mut cursor = txn.cursor(places.blocks)?;
    let mut entry = cursor.seek(&from.to_be_bytes())?;
    while let Some((key, stored)) = entry {
        let id = u64::from_be_bytes(key.try_into().map_err(|_| damaged())?);
        if found.ids.len() >= BATCH || found.seen >= LOOK {
            found.next = Some(id);
            break;
        }
        found.seen += 1;
        if epochs.data_key(txn, stored)? < target {
            found.ids.push(id);
        }
        entry = cursor.next()?;
    }
    Ok(found)
}

/// How many blocks there are.
pub(crate) fn count(txn: &Txn<'_>, places: Places) -> Result<u64> {
    Ok(txn.entries(places.blocks)?)
}

/// Removes some records of epochs of data keys before `target`; true if more may be left.
pub(crate) fn remove_epochs(txn: &mut RwTxn<'_>, places: Places, target: u32) -> Result<bool> {
    clear::remove_epochs(txn, places.clear, target, EPOCHS).map(|removed| removed == EPOCHS)
}

impl SealedTxn<'_> {
    /// Seals blocks anew that are of data keys before `target`. Those that are gone, or have been
    /// sealed anew meanwhile, are left alone.
    pub(crate) fn reseal(&mut self, txn: &mut RwTxn<'_>, ids: &[u64], target: u32) -> Result<()> {
        let (store, places): (&SealedStore, Places) = (self.store, self.places);
        let mut epochs = Epochs::new(places);
        let mut payload = Plaintext::zeroed(store.payload());
        for id in ids {
            let Some(stored) = txn.get(places.blocks, &id.to_be_bytes())? else { continue };
            if epochs.data_key(txn, stored)? >= target {
                continue;
            }
            store.load_into(txn, places, *id, stored, payload.bytes_mut())?;
            self.store_block(txn, *id, payload.bytes(), PutMode::Upsert)?;
        }
        Ok(())
    }
}
