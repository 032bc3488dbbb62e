//! What opens a sealed database: changing a passphrase, several keys.
//!
//! Each secret wraps the same data keys, so that none of this touches the content: a change is one
//! record in one commit.

use super::connection::Connection;
use super::sealed::{SealedStore, get_clear, key_record, put_clear};
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{KdfParameters, KeyRecord, Random, Secret, Unlocked};
use crate::storage::meta::tag;

impl Connection {
    /// Lets `next` open the database in the place of `current`. A passphrase gets `kdf`.
    ///
    /// # Errors
    /// `NOT_ENCRYPTED`; `WRONG_KEY` if `current` does not open the database; `TX_READ_ONLY`, and
    /// those of a commit.
    pub fn change_secret(&self, current: &Secret, next: &Secret, kdf: KdfParameters) -> Result<()> {
        let (old, slot) = self.update_keys(current, |record, database, unlocked, random| {
            // The old one first: so there is room.
            record.remove_slot(database, &mut unlocked.opened, unlocked.slot.id, random)?;
            let slot = record.add_slot(database, &mut unlocked.opened, (next, kdf), random)?;
            Ok((unlocked.slot.id, slot))
        })?;
        // What the old one has opened in this process stays open, but opens nothing more.
        let store = self.sealed_store()?;
        store.forget_slot(old);
        store.remember(next, slot)
    }

    /// Lets `additional` open the database as well as `current`, which does already.
    ///
    /// # Errors
    /// As [`Connection::change_secret`]; `RESOURCE_LIMIT` beyond 32 secrets.
    pub fn add_secret(
        &self,
        current: &Secret,
        additional: &Secret,
        kdf: KdfParameters,
    ) -> Result<()> {
        self.update_keys(current, |record, database, unlocked, random| {
            record.add_slot(database, &mut unlocked.opened, (additional, kdf), random).map(drop)
        })
    }

    /// Lets `secret` open the database no more.
    ///
    /// # Errors
    /// As [`Connection::change_secret`]; `INVALID_ARGUMENT` if nothing else opens it.
    pub fn remove_secret(&self, secret: &Secret) -> Result<()> {
        let removed = self.update_keys(secret, |record, database, unlocked, random| {
            if record.slots().len() <= 1 {
                return Err(Error::new(
                    ErrorCode::InvalidArgument,
                    "nothing else opens the database; add another key or passphrase first",
                ));
            }
            record.remove_slot(database, &mut unlocked.opened, unlocked.slot.id, random)?;
            Ok(unlocked.slot.id)
        })?;
        self.sealed_store()?.forget_slot(removed);
        Ok(())
    }

    pub(super) fn sealed_store(&self) -> Result<&SealedStore> {
        let store = self.environment().sealed();
        store.ok_or_else(|| Error::new(ErrorCode::NotEncrypted, "the database is not encrypted"))
    }

    /// Changes the record of the keys with a secret that opens the database.
    fn update_keys<T>(
        &self,
        secret: &Secret,
        change: impl Fn(&mut KeyRecord, &[u8; 16], &mut Unlocked, &mut Random) -> Result<T>,
    ) -> Result<T> {
        let database = *self.format().uuid.as_bytes();
        self.change_key_record(|record, random| {
            let mut unlocked = record.unlock(&database, secret)?;
            change(record, &database, &mut unlocked, random)
        })
    }

    /// Changes the record of the keys. Keys are derived while nobody waits; should the record have
    /// been changed by another in the meantime, all is done again.
    pub(super) fn change_key_record<T>(
        &self,
        change: impl Fn(&mut KeyRecord, &mut Random) -> Result<T>,
    ) -> Result<T> {
        self.check_writable()?;
        self.sealed_store()?;
        let places = self.environment().tables().places();
        let mut random = Random::new();
        loop {
            let mut record = self.snapshot(false)?.with(|txn| key_record(txn.raw(), places))?;
            let before = record.encode();
            let changed = change(&mut record, &mut random)?;
            let after = record.encode();
            if before == after {
                return Ok(changed);
            }
            let is_written = self.commit_now(move |txn| {
                if get_clear(txn.raw(), places, &[tag::KEYS])?.as_ref() != Some(&before) {
                    return Ok(false);
                }
                put_clear(txn.raw_mut(), places, &[tag::KEYS], &after)?;
                Ok(true)
            })?;
            if is_written {
                return Ok(changed);
            }
        }
    }
}
