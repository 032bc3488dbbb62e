//! Creating and unlocking a sealed database.

use super::clear;
use super::commit;
use super::store::{Places, SealedStore, TREES};
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{DataKeys, KeyRecord, Opened, Random};
use crate::storage::lmdb::{RwTxn, Txn};
use crate::storage::meta::tag;
use crate::storage::options::{Encryption, Unlock};
use crate::storage::txn::Tables;

/// Bytes of a root's id.
const ID: usize = size_of::<u64>();

/// The keys of a database that is about to be created.
pub(crate) struct NewKeys {
    record: KeyRecord,
    store: SealedStore,
}

impl NewKeys {
    /// Makes keys for the database `uuid`. Takes as long as the derivation of a key.
    pub(crate) fn generate(
        encryption: &Encryption,
        uuid: uuid::Uuid,
        page_size: u32,
    ) -> Result<Self> {
        let Unlock::Secret(secret) = &encryption.unlock else {
            return Err(Error::new(ErrorCode::DatabaseNotFound, "there is no database to unlock"));
        };
        let database = *uuid.as_bytes();
        let mut random = Random::new();
        let keys = DataKeys::generate(&mut random)?;
        let mut roots = [0; TREES];
        for root in &mut roots {
            *root = random.u64()?;
        }
        let content: Vec<u8> = roots.iter().flat_map(|root| root.to_le_bytes()).collect();
        let block_size = SealedStore::block_size(page_size);
        let cipher = encryption.cipher;
        let (mut record, mut opened) =
            KeyRecord::new(cipher, block_size, &database, &keys, &content, &mut random)?;
        let secret = (secret, encryption.kdf);
        let slot = record.add_slot(&database, &mut opened, secret, &mut random)?;
        let store = SealedStore::new(cipher, database, keys, block_size, roots);
        store.remember(secret.0, slot)?;
        Ok(Self { record, store })
    }

    /// The keys that another database has, for one that takes its place: its blocks are sealed in
    /// epochs of its own.
    pub(super) fn of_another(record: KeyRecord, store: SealedStore) -> Self {
        Self { record, store }
    }

    /// Writes the record of the keys and empty trees.
    pub(crate) fn create(self, txn: &mut RwTxn<'_>, places: Places) -> Result<SealedStore> {
        clear::put(txn, places, &[tag::KEYS], &self.record.encode())?;
        commit::create(&self.store, txn, places)?;
        Ok(self.store)
    }
}

impl SealedStore {
    /// Makes an LMDB environment with the four trees, which are empty, a sealed one.
    ///
    /// # Errors
    /// Those of LMDB, and of the derivation of a key.
    pub fn create(
        txn: &mut RwTxn<'_>,
        tables: Tables,
        page_size: u32,
        encryption: &Encryption,
    ) -> Result<Self> {
        let keys = NewKeys::generate(encryption, uuid::Uuid::nil(), page_size)?;
        keys.create(txn, tables.places())
    }

    /// Unlocks what [`SealedStore::create`] has made.
    ///
    /// # Errors
    /// As [`unlock`].
    pub fn open(txn: &Txn<'_>, tables: Tables, encryption: &Encryption) -> Result<Self> {
        unlock(txn, tables.places(), uuid::Uuid::nil(), encryption)
    }
}

/// The record of a database's keys.
pub(crate) fn key_record(txn: &Txn<'_>, places: Places) -> Result<KeyRecord> {
    let record = clear::get(txn, places, &[tag::KEYS])?;
    KeyRecord::decode(&record.ok_or_else(|| Error::corrupt("the database's keys are missing"))?)
}

/// Unlocks a database.
///
/// # Errors
/// `WRONG_KEY`; `CORRUPT` if the record of its keys is.
pub(crate) fn unlock(
    txn: &Txn<'_>,
    places: Places,
    uuid: uuid::Uuid,
    encryption: &Encryption,
) -> Result<SealedStore> {
    let record = key_record(txn, places)?;
    let database = *uuid.as_bytes();
    open_record(&record, database, encryption)
}

/// Unlocks what a record of keys hides.
///
/// # Errors
/// As [`unlock`].
pub(super) fn open_record(
    record: &KeyRecord,
    database: [u8; 16],
    encryption: &Encryption,
) -> Result<SealedStore> {
    let (opened, slot) = match &encryption.unlock {
        Unlock::Secret(secret) => {
            let unlocked = record.unlock(&database, secret)?;
            (unlocked.opened, Some((secret, unlocked.slot)))
        }
        Unlock::Keys(keys) => (record.open(&database, keys)?.ok_or_else(wrong_key)?, None),
    };
    let store = store_of(record, database, opened)?;
    if let Some((secret, slot)) = slot {
        store.remember(secret, slot)?;
    }
    Ok(store)
}

/// The environment of what a record hides.
fn store_of(record: &KeyRecord, database: [u8; 16], opened: Opened) -> Result<SealedStore> {
    let (roots, rest) = opened.content.as_chunks::<ID>();
    let mut ids = roots.iter().map(|root| u64::from_le_bytes(*root));
    let mut roots = [0; TREES];
    for root in &mut roots {
        *root = ids.next().ok_or_else(damaged)?;
    }
    if ids.next().is_some() || !rest.is_empty() {
        return Err(damaged());
    }
    Ok(SealedStore::new(record.cipher, database, opened.keys, record.block_size, roots))
}

/// Whether a secret opens a database that is open already.
///
/// # Errors
/// `WRONG_KEY`.
pub(crate) fn check_secret(
    store: &SealedStore,
    txn: &Txn<'_>,
    places: Places,
    uuid: uuid::Uuid,
    encryption: &Encryption,
) -> Result<()> {
    let record = key_record(txn, places)?;
    match &encryption.unlock {
        Unlock::Secret(secret) if store.is_known(secret)? => Ok(()),
        Unlock::Secret(secret) => {
            let unlocked = record.unlock(uuid.as_bytes(), secret)?;
            store.remember(secret, unlocked.slot)
        }
        Unlock::Keys(keys) => match record.open(uuid.as_bytes(), keys)? {
            Some(_) => Ok(()),
            None => Err(wrong_key()),
        },
    }
}

fn wrong_key() -> Error {
    Error::new(ErrorCode::WrongKey, "the keys are not those of the database")
}

fn damaged() -> Error {
    Error::corrupt("the record of the database's keys is damaged")
}
