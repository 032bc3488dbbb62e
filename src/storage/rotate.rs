//! Replacing the data keys of a sealed database, and of its spaces, while it is in use.
//!
//! 1. The record of the keys gets a second data key. From that commit on everybody seals with it.
//! 2. Every block of the old one is sealed anew, some in a transaction.
//! 3. The key that the slots of the spaces are made from is replaced. Each space gets a slot for
//!    the new one, in the place of that for the old one, and a new data key: steps 1, 2 and 4.
//! 4. The old data key goes, and the epochs that were made of it.
//!
//! Two data keys in a record say that this was begun and did not end: the next call goes on.
//!
//! A block that is damaged stays as it is, and with it the old data key, without which nothing of
//! it could ever be read; everything else is sealed anew, and the damage is told of at the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::care::Care;
use super::connection::Connection;
use super::environment::closed;
use super::meta::{self, tag};
use super::sealed::{self, Outdated, Remaining};
use super::snapshot::Snapshot;
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
/// that this process has opened it with opens it any more; `CORRUPT`, when all else is done, if
/// blocks are damaged, which still need the old data key; `ABORTED`, `CLOSED`, and those of a
/// write. After each of them the database can be used, and the next call goes on.
pub fn rotate_keys(connection: &Arc<Connection>, care: &dyn Care) -> Result<()> {
    connection.sealed_store()?;
    if connection.is_space() {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "the keys of a space are replaced with those of its database: open that",
        ));
    }
    while rotate_once(connection, care)? {}
    Ok(())
}

/// True if that is not enough: since the data key was made that replaces the other one, something
/// was taken away that opened the database, and may have given it to somebody.
fn rotate_once(connection: &Arc<Connection>, care: &dyn Care) -> Result<bool> {
    let target = connection.begin_rotation()?;
    fault::point("rotate-begun");
    connection.forget_graph_files()?;
    let mut damage =
        Damage { blocks: connection.seal_anew(target, "rotate", care)?, ..Damage::default() };
    fault::point("rotate-sealed");
    connection.rotate_spaces(care, &mut damage)?;
    fault::point("rotate-spaces");
    let is_known = damage.blocks == 0 && connection.end_rotation(target, care)?;
    damage.report()?;
    Ok(is_known)
}

/// What could not be sealed anew, since it is damaged.
#[derive(Default)]
struct Damage {
    /// Blocks of the database itself.
    blocks: u64,
    /// What is wrong in spaces.
    spaces: Vec<String>,
}

impl Damage {
    fn report(&self) -> Result<()> {
        let own = (self.blocks > 0).then(|| format!("{} blocks are damaged", self.blocks));
        let found: Vec<_> = own.iter().chain(&self.spaces).map(String::as_str).collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "{}: they could not be encrypted anew, and keep the old data key; everything else has \
             the new one. See what verify finds, save what is whole with repair, and replace the \
             data key of what that has made",
            found.join("; ")
        )))
    }
}

/// A replacement of the data key that has begun and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRotation {
    /// The number of the data key that is replaced.
    pub from: u32,
    /// The number of the one that replaces it.
    pub to: u32,
    /// So many blocks there are.
    pub blocks: u64,
    /// So many still need the old data key.
    pub remaining: u64,
    /// Whether that was told from a sample.
    pub is_estimated: bool,
}

impl Connection {
    /// Records a new data key, unless there is one that was not seen through; gives its number.
    fn begin_rotation(&self) -> Result<u32> {
        self.change_key_record(|record, random| {
            let mut opened = self.opened(record)?;
            self.succeed(record, &mut opened, random)
        })
    }

    /// The replacement of the data key that a snapshot shows, if one has begun and not ended.
    pub(super) fn key_rotation(&self, snapshot: &Snapshot) -> Result<Option<KeyRotation>> {
        if self.environment().sealed().is_none() {
            return Ok(None);
        }
        let places = self.environment().tables().places();
        let record = snapshot.with(|txn| sealed::key_record(txn.raw(), places))?;
        let opened = self.opened(&record)?;
        let mut numbers = opened.keys.numbers();
        let (Some(from), Some(to)) = (numbers.next(), numbers.next()) else { return Ok(None) };
        let remaining = snapshot.with(|txn| sealed::remaining(txn.raw(), places, to))?;
        let Remaining { blocks, outdated, is_estimated } = remaining;
        Ok(Some(KeyRotation { from, to, blocks, remaining: outdated, is_estimated }))
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

    /// Seals every block anew that is of a data key before `target`; tells how many are damaged,
    /// and stay as they are.
    fn seal_anew(&self, target: u32, phase: &str, care: &dyn Care) -> Result<u64> {
        let places = self.environment().tables().places();
        let (mut done, mut from, mut broken) = (0, 0, 0);
        loop {
            care.check_cancelled()?;
            let (found, total) = self.snapshot(false)?.with(|txn| {
                let found = sealed::outdated(txn.raw(), places, from, target)?;
                Ok((found, sealed::count(txn.raw(), places)?))
            })?;
            let Outdated { ids, damaged, seen, next } = found;
            broken += damaged;
            if !ids.is_empty() {
                broken += self.commit_in_background(care, move |txn| {
                    let damaged = txn.reseal(&ids, target)?;
                    fault::point("rotate-step");
                    Ok(damaged)
                })?;
                fault::point("rotate-stepped");
            }
            done += seen;
            care.progress(phase, done.min(total), total);
            match next {
                Some(next) => from = next,
                None => return Ok(broken),
            }
        }
    }

    /// Forgets the data key before `target`, with which nothing is sealed any more. True if
    /// `target` may be known to who should not know it.
    fn end_rotation(&self, target: u32, care: &dyn Care) -> Result<bool> {
        while self.commit_in_background(care, move |txn| txn.remove_epochs(target))? {}
        fault::point("rotate-epochs");
        let is_known = self.change_key_record(|record, random| {
            let mut opened = self.opened(record)?;
            let is_own = opened.keys.newest()?.0 == target;
            let is_known = is_own && opened.outlives_slot(record);
            if is_own && opened.keys.numbers().count() > 1 {
                let keys = opened.keys.current()?;
                record.replace_keys(self.format().uuid.as_bytes(), &mut opened, keys, random)?;
            }
            Ok(is_known)
        })?;
        fault::point("rotate-end");
        Ok(is_known)
    }

    fn rotate_spaces(self: &Arc<Self>, care: &dyn Care, damage: &mut Damage) -> Result<()> {
        let Some(key) = self.commit_now(replace_space_key)? else { return Ok(()) };
        fault::point("rotate-space-key");
        let (mut tried, mut done) = (BTreeSet::new(), BTreeSet::new());
        loop {
            let before = tried.len();
            for space in self.spaces()? {
                if !tried.insert(space.directory.clone()) {
                    continue;
                }
                let damaged = match self.rotate_space(&space, care) {
                    Ok(0) => None,
                    Ok(blocks) => {
                        Some(format!("{blocks} blocks of space {} are damaged", space.name))
                    }
                    // Its slot may still be made from the last key.
                    Err(error) if is_damage(&error) => {
                        damage.spaces.push(format!("space {} is damaged ({error})", space.name));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                damage.spaces.extend(damaged);
                done.insert(space.directory);
            }
            // A space that is created from now on has a slot for the new key.
            if self.forget_last_space_key(&key, &done)? || tried.len() == before {
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

    /// Tells how many blocks are damaged, and stay as they are.
    fn rotate_space(self: &Arc<Self>, space: &Space, care: &dyn Care) -> Result<u64> {
        let phase = format!("space {}", space.name);
        // One that has only a name so far is made, so that nobody makes it with the old key.
        let opened = match self.open_space(&space.name, &self.join_options()) {
            Err(error) if error.code() == ErrorCode::DatabaseNotFound => return Ok(0),
            opened => opened?,
        };
        let rotated = self.replace_slot(&opened).and_then(|target| {
            let Some(mut target) = target else { return Ok(0) };
            fault::point("rotate-space-begun");
            opened.forget_graph_files()?;
            loop {
                let damaged = opened.seal_anew(target, &phase, care)?;
                if damaged > 0 || !opened.end_rotation(target, care)? {
                    return Ok(damaged);
                }
                target = opened.begin_rotation()?;
            }
        });
        let closed = opened.close();
        rotated.and_then(|damaged| closed.map(|()| damaged))
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

fn is_damage(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::Corrupt | ErrorCode::NotADatabase)
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
