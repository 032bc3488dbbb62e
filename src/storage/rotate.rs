//! Replacing the data keys of a sealed database, and of its spaces, while it is in use.
//!
//! 1. The record of the keys gets a second data key. From that commit on everybody seals with it.
//! 2. Every block of the old one is sealed anew, some in a transaction.
//! 3. The key that the slots of the spaces are made from is replaced. Each space gets a slot for
//!    the new one, in the place of that for the old one, and a new data key: steps 1, 2 and 4.
//! 4. The old data key goes, and the epochs that were made of it.
//!
//! Two data keys in a record say that this was begun and did not end: the next call goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::care::Care;
use super::connection::Connection;
use super::environment::closed;
use super::meta::{self, tag};
use super::sealed::{self, Outdated};
use super::spaces::{self, Space};
use super::txn::WriteTxn;
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::seal::{KDF_DEFAULT, KEY, KeyRecord, Opened, Random, Secret};

/// Replaces the data keys.
///
/// # Errors
/// `NOT_ENCRYPTED`; `INVALID_ARGUMENT` for a space, whose keys are its database's; `TX_READ_ONLY`;
/// `UNSUPPORTED` if what opens the database was set by an earlier version; `WRONG_KEY` if nothing
/// that this process has opened it with opens it any more; `CORRUPT` if a block is damaged;
/// `ABORTED`, `CLOSED`, and those of a write. After each of them the database can be used, and the
/// next call goes on.
pub fn rotate_keys(connection: &Arc<Connection>, care: &dyn Care) -> Result<()> {
    connection.sealed_store()?;
    if connection.is_space() {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "the keys of a space are replaced with those of its database: open that",
        ));
    }
    let target = connection.begin_rotation()?;
    fault::point("rotate-begun");
    connection.seal_anew(target, "rotate", care)?;
    fault::point("rotate-sealed");
    connection.rotate_spaces(care)?;
    fault::point("rotate-spaces");
    connection.end_rotation(target, care)
}

impl Connection {
    /// Records a new data key, unless there is one that was not seen through; gives its number.
    fn begin_rotation(&self) -> Result<u32> {
        self.change_key_record(|record, random| {
            let mut opened = self.opened(record)?;
            self.succeed(record, &mut opened, random)
        })
    }

    /// What the record of the keys hides.
    fn opened(&self, record: &KeyRecord) -> Result<Opened> {
        let store = self.sealed_store()?;
        let database = self.format().uuid;
        if let Some(opened) = record.open(database.as_bytes(), &store.keys())? {
            return Ok(opened);
        }
        let places = self.environment().tables().places();
        self.snapshot(false)?.with(|txn| store.learn(txn.raw(), places))
    }

    fn succeed(
        &self,
        record: &mut KeyRecord,
        opened: &mut Opened,
        random: &mut Random,
    ) -> Result<u32> {
        if opened.keys.numbers().count() == 1 {
            let keys = opened.keys.succeeded(random)?;
            // It is known before anything is sealed with it.
            self.sealed_store()?.learn_keys(&keys);
            record.replace_keys(self.format().uuid.as_bytes(), opened, keys, random)?;
        }
        Ok(opened.keys.newest()?.0)
    }

    /// Seals every block anew that is of a data key before `target`.
    fn seal_anew(&self, target: u32, phase: &str, care: &dyn Care) -> Result<()> {
        let places = self.environment().tables().places();
        let (mut done, mut from) = (0, 0);
        loop {
            care.check_cancelled()?;
            let (found, total) = self.snapshot(false)?.with(|txn| {
                let found = sealed::outdated(txn.raw(), places, from, target)?;
                Ok((found, sealed::count(txn.raw(), places)?))
            })?;
            let Outdated { ids, seen, next } = found;
            if !ids.is_empty() {
                self.commit_in_background(care, move |txn| {
                    txn.reseal(&ids, target)?;
                    fault::point("rotate-step");
                    Ok(())
                })?;
            }
            done += seen;
            care.progress(phase, done.min(total), total);
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }

    /// Forgets the data key before `target`, with which nothing is sealed any more.
    fn end_rotation(&self, target: u32, care: &dyn Care) -> Result<()> {
        while self.commit_in_background(care, move |txn| txn.remove_epochs(target))? {}
        fault::point("rotate-epochs");
        self.change_key_record(|record, random| {
            let mut opened = self.opened(record)?;
            let is_own = opened.keys.newest()?.0 == target;
            if is_own && opened.keys.numbers().count() > 1 {
                let keys = opened.keys.current()?;
                record.replace_keys(self.format().uuid.as_bytes(), &mut opened, keys, random)?;
            }
            Ok(())
        })?;
        fault::point("rotate-end");
        Ok(())
    }

    fn rotate_spaces(self: &Arc<Self>, care: &dyn Care) -> Result<()> {
        let Some(key) = self.commit_now(replace_space_key)? else { return Ok(()) };
        fault::point("rotate-space-key");
        let mut done = BTreeSet::new();
        loop {
            for space in self.spaces()? {
                if done.insert(space.directory.clone()) {
                    self.rotate_space(&space, care)?;
                }
            }
            // A space that is created from now on has a slot for the new key.
            if self.forget_last_space_key(&key, &done)? {
                return Ok(());
            }
        }
    }

    /// Forgets the key before `key`, if no slot of a space is made from it any more: `known` are
    /// the directories of those that have one for `key`. False if there are others.
    fn forget_last_space_key(&self, key: &[u8], known: &BTreeSet<String>) -> Result<bool> {
        let (key, known) = (zeroize::Zeroizing::new(key.to_vec()), known.clone());
        self.commit_now(move |txn| {
            // Another rotation that began since needs what is the last key now.
            let current = meta::get_record(txn, &[tag::SPACE_KEY])?.map(zeroize::Zeroizing::new);
            if current.as_ref() != Some(&key) {
                return Ok(true);
            }
            let all = spaces::list(txn)?.iter().all(|space| known.contains(&space.directory));
            if all {
                meta::delete_record(txn, &[tag::LAST_SPACE_KEY])?;
            }
            Ok(all)
        })
    }

    fn rotate_space(self: &Arc<Self>, space: &Space, care: &dyn Care) -> Result<()> {
        let phase = format!("space {}", space.name);
        // One that has only a name so far is made, so that nobody makes it with the old key.
        let opened = match self.open_space(&space.name, &self.join_options()) {
            Err(error) if error.code() == ErrorCode::DatabaseNotFound => return Ok(()),
            opened => opened?,
        };
        let rotated = self.replace_slot(&opened).and_then(|target| match target {
            Some(target) => {
                fault::point("rotate-space-begun");
                opened.seal_anew(target, &phase, care)?;
                opened.end_rotation(target, care)
            }
            None => Ok(()),
        });
        let closed = opened.close();
        rotated.and(closed)
    }

    /// Gives a space the slot and the data key that it needs; `None` if it has both.
    fn replace_slot(&self, space: &Connection) -> Result<Option<u32>> {
        let keys = self.snapshot(false)?.with(spaces::keys)?;
        let mut secrets = keys.into_iter().map(Secret::Key);
        let next = secrets.next().ok_or_else(closed)?;
        let database = *space.format().uuid.as_bytes();
        let store = space.sealed_store()?;
        if let Some(last) = secrets.next() {
            let replaced = space.change_key_record(|record, random| {
                let mut unlocked = match record.unlock(&database, &last) {
                    Err(error) if error.code() == ErrorCode::WrongKey => return Ok(None),
                    unlocked => unlocked?,
                };
                let (old, opened) = (unlocked.slot.id, &mut unlocked.opened);
                record.remove_slot(&database, opened, old, random)?;
                let slot = record.add_slot(&database, opened, (&next, KDF_DEFAULT), random)?;
                let target = space.succeed(record, opened, random)?;
                Ok(Some((old, slot, target)))
            })?;
            if let Some((old, slot, target)) = replaced {
                store.forget_slot(old);
                store.remember(&next, slot)?;
                return Ok(Some(target));
            }
        }
        space.change_key_record(|record, _| {
            let opened = record.unlock(&database, &next)?.opened;
            let is_begun = opened.keys.numbers().count() > 1;
            Ok(if is_begun { Some(opened.keys.newest()?.0) } else { None })
        })
    }
}

/// Makes a new key for the slots of spaces, unless the last one is still needed; gives the one that
/// counts now, `None` if there are no spaces.
fn replace_space_key(txn: &mut WriteTxn<'_>) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    let Some(current) = meta::get_record(txn, &[tag::SPACE_KEY])? else { return Ok(None) };
    let current = zeroize::Zeroizing::new(current);
    if meta::get_record(txn, &[tag::LAST_SPACE_KEY])?.is_some() {
        return Ok(Some(current));
    }
    let next = zeroize::Zeroizing::new(Random::new().bytes::<KEY>()?.to_vec());
    meta::put_record(txn, &[tag::LAST_SPACE_KEY], &current)?;
    meta::put_record(txn, &[tag::SPACE_KEY], &next)?;
    Ok(Some(next))
}

#[cfg(test)]
#[path = "rotate_tests.rs"]
mod tests;
