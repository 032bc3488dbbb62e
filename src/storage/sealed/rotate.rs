//! Sealing blocks anew, with the newest data key.

use std::collections::HashMap;

use super::block;
use super::clear;
use super::plaintext::Plaintext;
use super::store::{Places, SealedStore, damaged, missing};
use super::txn::SealedTxn;
use crate::error::{ErrorCode, Result};
use crate::storage::lmdb::{PutMode, RwTxn, Txn};

/// Blocks that are sealed anew in one transaction.
const BATCH: usize = 512;
/// Blocks that are looked at in one read transaction.
const LOOK: u64 = 65_536;
/// Epochs that are removed in one transaction.
const EPOCHS: usize = 1_000;
/// So many blocks are all looked at to tell how many are left.
const COUNTED: u64 = 1_024;
/// Of more, so many.
const SAMPLE: u64 = 256;

/// Blocks of older data keys.
#[derive(Debug, Default)]
pub(crate) struct Outdated {
    /// Their ids.
    pub ids: Vec<u64>,
    /// How many others are so damaged that nothing tells which data key they are of.
    pub damaged: u64,
    /// How many blocks were looked at.
    pub seen: u64,
    /// Where to look further; `None` at the end.
    pub next: Option<u64>,
}

/// How many blocks are left of older data keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// So many blocks there are.
    pub blocks: u64,
    /// So many of them need an older data key.
    pub outdated: u64,
    /// Whether that was told from a sample.
    pub is_estimated: bool,
}

/// The data keys of epochs, `None` of those that are not recorded.
struct Epochs {
    places: Places,
    data_keys: HashMap<u32, Option<u32>>,
}

impl Epochs {
    fn new(places: Places) -> Self {
        Self { places, data_keys: HashMap::new() }
    }

    /// The data key that a stored block is sealed with; `None` if the block, or the record of its
    /// epoch, is damaged.
    fn data_key(&mut self, txn: &Txn<'_>, stored: &[u8]) -> Result<Option<u32>> {
        let Some(stamp) = block::stamp_of(stored) else { return Ok(None) };
        let epoch = block::epoch_of(stamp);
        if let Some(data_key) = self.data_keys.get(&epoch) {
            return Ok(*data_key);
        }
        let recorded = unless_damaged(clear::epoch(txn, self.places, epoch))?.flatten();
        let data_key = recorded.map(|(data_key, _)| data_key);
        self.data_keys.insert(epoch, data_key);
        Ok(data_key)
    }

    /// Whether a stored block needs a data key before `target`, or may need one.
    fn is_outdated(&mut self, txn: &Txn<'_>, stored: &[u8], target: u32) -> Result<bool> {
        Ok(self.data_key(txn, stored)?.is_none_or(|data_key| data_key < target))
    }
}

/// What was read; `None` if it is damaged.
fn unless_damaged<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(error) if error.code() == ErrorCode::Corrupt => Ok(None),
        read => read.map(Some),
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
        match epochs.data_key(txn, stored)? {
            Some(data_key) if data_key < target => found.ids.push(id),
            Some(_) => {}
            None => found.damaged += 1,
        }
        entry = cursor.next()?;
    }
    Ok(found)
}

/// How many blocks there are.
pub(crate) fn count(txn: &Txn<'_>, places: Places) -> Result<u64> {
    Ok(txn.entries(places.blocks)?)
}

/// How many blocks need a data key before `target`, or may need one: of many told from a sample,
/// since ids are random, and lie evenly.
pub(crate) fn remaining(txn: &Txn<'_>, places: Places, target: u32) -> Result<Remaining> {
    let blocks = count(txn, places)?;
    let mut epochs = Epochs::new(places);
    let mut cursor = txn.cursor(places.blocks)?;
    let mut outdated = 0;
    if blocks <= COUNTED {
        while let Some((_, stored)) = cursor.next()? {
            outdated += u64::from(epochs.is_outdated(txn, stored, target)?);
        }
        return Ok(Remaining { blocks, outdated, is_estimated: false });
    }
    for number in 0..SAMPLE {
        let id = number * (u64::MAX / SAMPLE);
        let (_, stored) = match cursor.seek(&id.to_be_bytes())? {
            Some(entry) => entry,
            None => cursor.first()?.ok_or_else(missing)?,
        };
        outdated += u64::from(epochs.is_outdated(txn, stored, target)?);
    }
    let outdated = u128::from(outdated) * u128::from(blocks) / u128::from(SAMPLE);
    Ok(Remaining { blocks, outdated: outdated as u64, is_estimated: true })
}

/// Removes some records of epochs of data keys before `target`; true if more may be left.
pub(crate) fn remove_epochs(txn: &mut RwTxn<'_>, places: Places, target: u32) -> Result<bool> {
    clear::remove_epochs(txn, places, target, EPOCHS).map(|removed| removed == EPOCHS)
}

impl SealedTxn<'_> {
    /// Seals blocks anew that are of data keys before `target`. Those that are gone, or have been
    /// sealed anew meanwhile, are left alone, and so are damaged ones; tells how many those are.
    pub(crate) fn reseal(&mut self, txn: &mut RwTxn<'_>, ids: &[u64], target: u32) -> Result<u64> {
        let mut damaged = 0;
        let (store, places): (&SealedStore, Places) = (self.store, self.places);
        let mut epochs = Epochs::new(places);
        let mut payload = Plaintext::zeroed(store.payload());
        for id in ids {
            let Some(stored) = txn.get(places.blocks, &id.to_be_bytes())? else { continue };
            if !epochs.is_outdated(txn, stored, target)? {
                continue;
            }
            let loaded = store.load_into(txn, places, *id, stored, payload.bytes_mut());
            match unless_damaged(loaded)? {
                Some(()) => drop(self.store_block(txn, *id, payload.bytes(), PutMode::Upsert)?),
                None => damaged += 1,
            }
        }
        Ok(damaged)
    }
}
