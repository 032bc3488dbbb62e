//! Which data keys a process knows: others may replace them while it has the database open.
//!
//! The record of the keys says which data key is the newest, and every transaction that seals a
//! block looks at it first. What a process does not know yet it finds in the slot that it was let
//! in by, whose private key it keeps; a space, whose slot may be replaced as well, asks its
//! database.

use std::sync::Arc;

use super::clear;
use super::store::{Places, SealedStore};
use super::unlock::key_record;
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{DataKeys, Key, Opened, Random, Secret, SlotKey, derive_key};
use crate::storage::lmdb::{RwTxn, Txn};
use crate::storage::meta::tag;

/// The data keys that this process knows.
pub(super) struct KnownKeys {
    pub all: DataKeys,
    /// The number of the one that blocks are sealed with.
    pub newest: u32,
    /// The stored record that says so.
    record: Vec<u8>,
}

impl KnownKeys {
    pub(super) fn new(keys: DataKeys) -> Self {
        let newest = keys.newest().map_or(0, |(number, _)| number);
        Self { all: keys, newest, record: Vec::new() }
    }

    fn current(&self) -> Option<(u32, Key)> {
        self.all.get(self.newest).map(|key| (self.newest, key.clone()))
    }
}

/// What gives the secrets that open the slots of a space.
pub(crate) type Source = Arc<dyn Fn() -> Result<Vec<Secret>> + Send + Sync>;

/// What has unlocked the database in this process.
#[derive(Default)]
pub(super) struct Access {
    /// Of the digests below.
    salt: [u8; 16],
    /// By these a second open is told from a wrong one without deriving a key again.
    digests: Vec<Key>,
    slots: Vec<SlotKey>,
    source: Option<Source>,
}

impl Access {
    fn digest(&self, secret: &Secret) -> Result<Key> {
        match secret {
            Secret::Passphrase(text) => derive_key(text, &self.salt, &[b"passphrase"]),
            Secret::Key(key) => derive_key(key.bytes(), &self.salt, &[b"key"]),
        }
    }
}

impl SealedStore {
    /// Remembers a secret that has unlocked the database, and the slot that it opens.
    pub(crate) fn remember(&self, secret: &Secret, slot: SlotKey) -> Result<()> {
        let mut access = self.access.lock();
        if access.digests.is_empty() {
            access.salt = Random::new().bytes()?;
        }
        let digest = access.digest(secret)?;
        if access.digests.iter().all(|other| other.bytes() != digest.bytes()) {
            access.digests.push(digest);
        }
        if access.slots.iter().all(|other| other.id != slot.id) {
            access.slots.push(slot);
        }
        Ok(())
    }

    /// Forgets which secrets have, and a slot that is gone.
    pub(crate) fn forget_slot(&self, id: u32) {
        let mut access = self.access.lock();
        access.digests.clear();
        access.slots.retain(|slot| slot.id != id);
    }

    /// Whether this secret has unlocked the database in this process.
    pub(crate) fn is_known(&self, secret: &Secret) -> Result<bool> {
        let access = self.access.lock();
        let digest = access.digest(secret)?;
        Ok(access.digests.iter().any(|other| other.bytes() == digest.bytes()))
    }

    /// Says where the secrets of a space come from.
    pub(crate) fn set_source(&self, source: Source) {
        self.access.lock().source = Some(source);
    }

    /// Takes over data keys that are about to be recorded.
    pub(crate) fn learn_keys(&self, keys: &DataKeys) {
        self.keys.write().all.learn(keys);
    }

    /// What the record of the keys hides, as a transaction sees it. Data keys that this process did
    /// not know, it knows from then on.
    ///
    /// # Errors
    /// `WRONG_KEY` if what this process opened the database with is none of its slots any more, and
    /// the data keys have been replaced since; `CORRUPT` if the record is damaged.
    pub(crate) fn learn(&self, txn: &Txn<'_>, places: Places) -> Result<Opened> {
        let record = key_record(txn, places)?;
        let known = self.keys();
        if let Some(opened) = record.open(&self.database, &known)? {
            return Ok(opened);
        }
        let slots = self.access.lock().slots.clone();
        for slot in &slots {
            let Some(keys) = record.keys_of(&self.database, slot)? else { continue };
            self.learn_keys(&keys);
            return record.open(&self.database, &keys)?.ok_or_else(replaced);
        }
        for secret in self.secrets()? {
            match record.unlock(&self.database, &secret) {
                Ok(unlocked) => {
                    self.remember(&secret, unlocked.slot)?;
                    self.learn_keys(&unlocked.opened.keys);
                    return Ok(unlocked.opened);
                }
                Err(error) if error.code() == ErrorCode::WrongKey => {}
                Err(error) => return Err(error),
            }
        }
        Err(replaced())
    }

    fn secrets(&self) -> Result<Vec<Secret>> {
        // It reads the database around this one: not with a lock held.
        let source = self.access.lock().source.clone();
        source.map_or_else(|| Ok(Vec::new()), |source| source())
    }

    /// The number of the newest data key that is known.
    pub(super) fn newest_data_key(&self) -> u32 {
        self.keys.read().newest
    }

    /// Makes sure that a write transaction seals with the newest data key.
    pub(super) fn learn_newest(&self, txn: &RwTxn<'_>, places: Places) -> Result<()> {
        let stored = clear::stored(txn, places.clear, &[tag::KEYS])?.unwrap_or_default();
        if self.keys.read().record == stored {
            return Ok(());
        }
        let before = self.keys.read().current();
        let opened = self.learn(txn, places)?;
        let (newest, key) = opened.keys.newest()?;
        // Of a data key that was not recorded in the end, another one may have the number.
        let is_same =
            before.is_some_and(|(number, own)| number == newest && own.bytes() == key.bytes());
        let mut keys = self.keys.write();
        keys.newest = newest;
        keys.record = stored.to_vec();
        drop(keys);
        if !is_same {
            let mut sealing = self.sealing.lock();
            sealing.epoch = None;
            sealing.journal = None;
        }
        Ok(())
    }
}

fn replaced() -> Error {
    Error::new(
        ErrorCode::WrongKey,
        "what this process opened the database with opens it no more, and its data key has been \
         replaced since: close it, and open it again",
    )
}
