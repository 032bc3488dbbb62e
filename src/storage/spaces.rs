//! Spaces: databases of their own in a directory of the database that names them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::connection::Connection;
use super::leftovers::{self, remove_unnamed};
use super::lock_file::{EXCLUSIVE_PATIENCE, io_error};
use super::meta::{self, tag};
use super::options::{Encryption, Layout, OpenMode, OpenOptions};
use super::platform;
use super::registry;
use super::sealed::SealedStore;
use super::snapshot::Snapshot;
use super::txn::{ReadTxn, WriteTxn};
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{KEY, Key, Random, Secret, derive_key};
use crate::wtf8::Wtf8String;

/// A space's name and the name of its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// As its user calls it.
    pub name: Wtf8String,
    /// Random; never reused.
    pub directory: String,
}

fn record_key(name: &Wtf8String) -> Vec<u8> {
    [&[tag::SPACE], name.as_bytes()].concat()
}

fn parse_directory(payload: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(payload).ok();
    let id = text.filter(|text| uuid::Uuid::try_parse(text).is_ok());
    id.map(str::to_owned).ok_or_else(|| Error::corrupt("the record of a space is damaged"))
}

fn find(txn: &ReadTxn<'_>, name: &Wtf8String) -> Result<Option<String>> {
    meta::get_record(txn, &record_key(name))?.map(|payload| parse_directory(&payload)).transpose()
}

/// The spaces as a snapshot shows them, by name.
pub(super) fn list(txn: &ReadTxn<'_>) -> Result<Vec<Space>> {
    let mut spaces = Vec::new();
    for (key, payload) in meta::scan_records(txn, &[tag::SPACE])? {
        let name = key.get(1..).and_then(Wtf8String::from_bytes);
        let name = name.ok_or_else(|| Error::corrupt("the name of a space is damaged"))?;
        spaces.push(Space { name, directory: parse_directory(&payload)? });
    }
    Ok(spaces)
}

/// The key of the slots of the spaces of a sealed database, and the one before if that is not
/// replaced everywhere yet.
pub(super) fn keys(txn: &ReadTxn<'_>) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    for tag in [tag::SPACE_KEY, tag::LAST_SPACE_KEY] {
        let Some(key) = meta::get_record(txn, &[tag])?.map(Zeroizing::new) else { break };
        keys.push(key_of_spaces(&key)?);
    }
    if keys.is_empty() {
        return Err(Error::corrupt("the key of the spaces is missing"));
    }
    Ok(keys)
}

fn key_of_spaces(record: &[u8]) -> Result<Key> {
    derive_key(record, &[], &[b"lodestore space"])
}

/// How the spaces of a database are sealed, if it is: with one of these.
pub(super) fn encryptions(
    txn: &ReadTxn<'_>,
    sealed: Option<&SealedStore>,
) -> Result<Vec<Option<Encryption>>> {
    let Some(store) = sealed else { return Ok(vec![None]) };
    let with =
        |key| Some(Encryption { cipher: store.cipher(), ..Encryption::with(Secret::Key(key)) });
    Ok(keys(txn)?.into_iter().map(with).collect())
}

/// Opens a space with the first key that is right.
pub(super) fn try_each<T>(
    encryptions: Vec<Option<Encryption>>,
    mut open: impl FnMut(Option<Encryption>) -> Result<T>,
) -> Result<T> {
    let mut refused = Error::corrupt("the key of the spaces is missing");
    // A slot goes from the last key to the newest, perhaps between two tries.
    let again = encryptions.first().filter(|_| encryptions.len() > 1).cloned();
    for encryption in encryptions.into_iter().chain(again) {
        match open(encryption) {
            Err(error) if error.code() == ErrorCode::WrongKey => refused = error,
            opened => return opened,
        }
    }
    Err(refused)
}

/// What unlocks the spaces of a sealed database that has this record of their key.
///
/// # Errors
/// None that can happen: see [`derive_key`].
pub(crate) fn encryption_of_spaces(record: &[u8]) -> Result<Encryption> {
    key_of_spaces(record).map(Secret::Key).map(Encryption::with)
}

impl Connection {
    /// The spaces, by name.
    pub fn spaces(&self) -> Result<Vec<Space>> {
        self.snapshot(false)?.with(list)
    }

    /// Opens a space, creating it if the mode allows.
    ///
    /// Errors: `DATABASE_NOT_FOUND`, `DATABASE_EXISTS`, and those of an open.
    pub fn open_space(&self, name: &Wtf8String, options: &OpenOptions) -> Result<Arc<Connection>> {
        loop {
            let (directory, opened) = self.try_open_space(name, options)?;
            // It may have been deleted before its lock was ours, or under our hands.
            let found = self.snapshot(false)?.with(|txn| find(txn, name))?;
            if found.as_deref() == Some(&*directory) {
                return opened;
            }
            if let Ok(connection) = opened {
                connection.close()?;
                // Who has deleted it could not remove it. The next deletion tries as well.
                drop(self.remove_orphans());
            }
        }
    }

    fn try_open_space(
        &self,
        name: &Wtf8String,
        options: &OpenOptions,
    ) -> Result<(String, Result<Arc<Connection>>)> {
        let found = self.snapshot(false)?.with(|txn| find(txn, name))?;
        let directory = match (found, options.mode) {
            (Some(_), OpenMode::Create) => {
                return Err(Error::new(
                    ErrorCode::DatabaseExists,
                    format!("there is a space {name:?} already"),
                ));
            }
            (None, OpenMode::Open | OpenMode::ReadOnly) => return Err(no_space(name)),
            (Some(directory), _) => directory,
            (None, _) => return self.create_space(name, options),
        };
        // It has a name, so it exists even if its directory is gone.
        let mode = match options.mode {
            OpenMode::ReadOnly => OpenMode::ReadOnly,
            _ => OpenMode::OpenOrCreate,
        };
        let path = self.space_path(&directory);
        let options = OpenOptions { mode, ..options.clone() };
        Ok((directory, self.connect_space(&path, &options)))
    }

    /// Opens the space in a directory.
    fn connect_space(&self, path: &Path, options: &OpenOptions) -> Result<Arc<Connection>> {
        let Some(store) = self.environment().sealed() else {
            return registry::connect(path, options);
        };
        let read = || self.snapshot(false)?.with(keys);
        let mut current = read()?;
        loop {
            let with = |key: &Key| {
                let secret = Secret::Key(key.clone());
                Some(Encryption { cipher: store.cipher(), ..Encryption::with(secret) })
            };
            let opened = try_each(current.iter().map(with).collect(), |encryption| {
                registry::connect(path, &OpenOptions { encryption, ..options.clone() })
            });
            match opened {
                // They may have been replaced between the look at them and the open.
                Err(error) if error.code() == ErrorCode::WrongKey => {
                    let newer = read()?;
                    let is_newest = |key: &&Key| newer.first().map(Key::bytes) == Some(key.bytes());
                    if current.first().is_none_or(|key| is_newest(&key)) {
                        return Err(error);
                    }
                    current = newer;
                }
                opened => return opened.inspect(|space| self.lend_keys(space)),
            }
        }
    }

    /// Lets a space that is open look for the keys of its slots when they are replaced.
    fn lend_keys(&self, space: &Connection) {
        let Some(store) = space.environment().sealed() else { return };
        let database = Arc::downgrade(self.environment());
        store.set_source(Arc::new(move || {
            let Some(database) = database.upgrade() else { return Ok(Vec::new()) };
            let found = Snapshot::begin(&database, true)?.with(keys)?;
            Ok(found.into_iter().map(Secret::Key).collect())
        }));
    }

    /// How new spaces of a sealed database are sealed: each with data keys of its own, which a key
    /// opens that the database holds.
    pub(super) fn space_encryption(&self) -> Result<Option<Encryption>> {
        let Some(store) = self.environment().sealed() else { return Ok(None) };
        let mut found = self.snapshot(false)?.with(|txn| encryptions(txn, Some(store)))?;
        Ok(found.swap_remove(0))
    }

    /// Opens a space that is there, for reading if that is what this connection is for.
    ///
    /// # Errors
    /// `DATABASE_NOT_FOUND` if it was deleted meanwhile, or never completed; those of an open.
    pub fn open_existing_space(&self, space: &Space) -> Result<Arc<Connection>> {
        self.connect_space(&self.space_path(&space.directory), &self.join_options())
    }

    /// Where the directories of spaces are.
    pub fn space_directory(&self) -> PathBuf {
        self.environment().layout.directory.join("spaces")
    }

    /// Gives a sealed database the key that its spaces need, unless it has it.
    pub(super) fn create_space_key(&self) -> Result<()> {
        match self.environment().sealed() {
            Some(_) => self.commit_now(put_space_key),
            None => Ok(()),
        }
    }

    /// Deletes a space with everything in it.
    ///
    /// Errors: `DATABASE_NOT_FOUND`; `BUSY` while it is open anywhere.
    pub fn delete_space(&self, name: &Wtf8String) -> Result<()> {
        let found = self.snapshot(false)?.with(|txn| find(txn, name))?;
        let directory = found.ok_or_else(|| no_space(name))?;
        let path = self.space_path(&directory);
        // It has a name, and may have lost its directory.
        platform::create_private_directory(&path)
            .map_err(|error| io_error("cannot create the directory", &path, &error))?;
        leftovers::exclusively(&path, EXCLUSIVE_PATIENCE, || {
            // The name goes first: a directory without a name is garbage, a name without its
            // directory would be a space that lost its data.
            match self.forget_space(name, &directory) {
                // On a full disk, what is to be deleted makes room for that.
                Err(error) if error.code() == ErrorCode::DiskFull => {
                    let data = Layout { directory: path.clone() }.data();
                    match fs::remove_file(&data) {
                        Err(cause) if cause.kind() == ErrorKind::NotFound => Err(error),
                        Err(error) => Err(io_error("cannot remove", &data, &error)),
                        Ok(()) => self.forget_space(name, &directory),
                    }
                }
                forgotten => forgotten,
            }
        })?;
        // Who has waited to open it finds no name and removes it himself, if he was faster.
        self.remove_orphans()
    }

    fn space_path(&self, directory: &str) -> PathBuf {
        self.space_directory().join(directory)
    }

    /// Makes a space and opens it, and gives it its name then: whoever finds the name to delete the
    /// space finds it open. Another one of this name may be made meanwhile, and counts.
    fn create_space(
        &self,
        name: &Wtf8String,
        options: &OpenOptions,
    ) -> Result<(String, Result<Arc<Connection>>)> {
        self.create_space_key()?;
        let directory = uuid::Uuid::new_v4().simple().to_string();
        let options = OpenOptions { mode: OpenMode::OpenOrCreate, ..options.clone() };
        let (key, id) = (record_key(name), directory.clone());
        let connected = self.connect_space(&self.space_path(&directory), &options);
        let created = connected.and_then(|connection| {
            let named = self.commit_now(move |txn| match meta::get_record(txn, &key)? {
                Some(_) => Ok(()),
                None => meta::put_record(txn, &key, id.as_bytes()),
            });
            // It has nothing in it yet.
            named.inspect_err(|_| drop(connection.close())).map(|()| connection)
        });
        match created {
            // Who removes what has no name was faster than the lock.
            Err(error) if error.code() == ErrorCode::DatabaseNotFound => {
                Ok((directory, Err(error)))
            }
            Err(error) => {
                // The next deletion removes what is left if this cannot.
                drop(self.remove_orphans());
                Err(error)
            }
            created => Ok((directory, created)),
        }
    }

    fn forget_space(&self, name: &Wtf8String, directory: &str) -> Result<()> {
        let (key, directory) = (record_key(name), directory.to_owned());
        self.commit_now(move |txn| {
            let found = meta::get_record(txn, &key)?;
            if found.is_some_and(|found| found == directory.as_bytes()) {
                meta::delete_record(txn, &key)?;
            }
            Ok(())
        })
    }

    /// Removes directories that no name leads to.
    fn remove_orphans(&self) -> Result<()> {
        remove_unnamed(&self.space_directory(), || self.spaces())?.map_or(Ok(()), Err)
    }
}

fn put_space_key(txn: &mut WriteTxn<'_>) -> Result<()> {
    if meta::get_record(txn, &[tag::SPACE_KEY])?.is_some() {
        return Ok(());
    }
    let key = Zeroizing::new(Random::new().bytes::<KEY>()?);
    meta::put_record(txn, &[tag::SPACE_KEY], &*key)
}

fn no_space(name: &Wtf8String) -> Error {
    Error::new(ErrorCode::DatabaseNotFound, format!("there is no space {name:?}"))
}
