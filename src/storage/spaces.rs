//! Spaces: databases of their own in a directory of the database that names them.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use zeroize::Zeroizing;

use super::connection::Connection;
use super::environment::closed;
use super::leftovers::remove_unnamed;
use super::lock_file::{EXCLUSIVE_PATIENCE, LockFile, io_error};
use super::meta::{self, tag};
use super::options::{Durability, Encryption, Layout, OpenMode, OpenOptions};
use super::platform;
use super::registry;
use super::sealed::SealedStore;
use super::txn::{ReadTxn, WriteTxn};
use super::writer::{Commit, Job};
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{KEY, Random, Secret, derive_key};
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

/// How the spaces of a database are sealed, if it is.
pub(super) fn encryption(
    txn: &ReadTxn<'_>,
    sealed: Option<&SealedStore>,
) -> Result<Option<Encryption>> {
    let Some(store) = sealed else { return Ok(None) };
    let key = meta::get_record(txn, &[tag::SPACE_KEY])?.map(Zeroizing::new);
    let key = key.ok_or_else(|| Error::corrupt("the key of the spaces is missing"))?;
    Ok(Some(Encryption { cipher: store.cipher(), ..encryption_of_spaces(&key)? }))
}

/// What unlocks the spaces of a sealed database that has this record of their key.
///
/// # Errors
/// None that can happen: see [`derive_key`].
pub(crate) fn encryption_of_spaces(record: &[u8]) -> Result<Encryption> {
    derive_key(record, &[], &[b"lodestore space"]).map(Secret::Key).map(Encryption::with)
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
            (None, _) => self.create_space(name)?,
        };
        // Its name is committed, so it exists even if its directory was never completed.
        let mode = match options.mode {
            OpenMode::ReadOnly => OpenMode::ReadOnly,
            _ => OpenMode::OpenOrCreate,
        };
        let path = self.space_path(&directory);
        let encryption = self.space_encryption()?;
        let options = OpenOptions { mode, encryption, ..options.clone() };
        Ok((directory, registry::connect(&path, &options)))
    }

    /// How the spaces of a sealed database are sealed: each with data keys of its own, which a key
    /// opens that the database holds.
    pub(super) fn space_encryption(&self) -> Result<Option<Encryption>> {
        let Some(store) = self.environment().sealed() else { return Ok(None) };
        self.snapshot(false)?.with(|txn| encryption(txn, Some(store)))
    }

    /// Opens a space that is there, for reading if that is what this connection is for.
    ///
    /// # Errors
    /// `DATABASE_NOT_FOUND` if it was deleted meanwhile, or never completed; those of an open.
    pub fn open_existing_space(&self, space: &Space) -> Result<Arc<Connection>> {
        let encryption = self.space_encryption()?;
        let options = OpenOptions { encryption, ..self.join_options() };
        registry::connect(&self.space_path(&space.directory), &options)
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
        // Its name may have been committed a moment ago, and its directory not yet been made: then
        // the lock decides who was first.
        platform::create_private_directory(&path)
            .map_err(|error| io_error("cannot create the directory", &path, &error))?;
        let identity = platform::identity(&path)
            .map_err(|error| io_error("cannot look at the directory", &path, &error))?;
        registry::unopened(&identity, || {
            let layout = Layout { directory: path.clone() };
            let lock = LockFile::open(&layout.lock(), false)?;
            // The name goes first: a directory without a name is garbage, a name without its
            // directory would be a space that lost its data.
            lock.exclusively(EXCLUSIVE_PATIENCE, |_| {
                let forgotten = self.forget_space(name, &directory);
                if !forgotten.as_ref().is_err_and(|error| error.code() == ErrorCode::DiskFull) {
                    return forgotten;
                }
                // On a full disk, what is to be deleted makes room for that.
                let data = layout.data();
                fs::remove_file(&data).map_err(|error| io_error("cannot remove", &data, &error))?;
                self.forget_space(name, &directory)
            })
        })?;
        self.remove_orphans()
    }

    fn space_path(&self, directory: &str) -> PathBuf {
        self.space_directory().join(directory)
    }

    fn create_space(&self, name: &Wtf8String) -> Result<String> {
        let key = record_key(name);
        let sealed = self.environment().sealed().is_some();
        self.commit_now(move |txn| {
            if let Some(payload) = meta::get_record(txn, &key)? {
                return parse_directory(&payload);
            }
            if sealed {
                put_space_key(txn)?;
            }
            let id = uuid::Uuid::new_v4().simple().to_string();
            meta::put_record(txn, &key, id.as_bytes())?;
            Ok(id)
        })
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
        remove_unnamed(&self.space_directory(), || self.spaces())
    }

    /// Runs a change as a job and waits for its commit.
    pub(super) fn commit_now<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTxn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = mpsc::channel();
        self.submit(Box::new(Change { work: Box::new(work), value: None, sender }))?;
        receiver.recv().map_err(|_| closed())?
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

type Work<T> = Box<dyn FnMut(&mut WriteTxn<'_>) -> Result<T> + Send>;

/// A change of the records, waited for.
struct Change<T> {
    work: Work<T>,
    value: Option<T>,
    sender: mpsc::Sender<Result<T>>,
}

impl<T: Send> Job for Change<T> {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn durability(&self) -> Durability {
        Durability::Strict
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.value = Some((self.work)(txn)?);
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        let Self { value, sender, .. } = *self;
        // Whoever gave up waiting needs no answer.
        drop(sender.send(outcome.and_then(|_| value.ok_or_else(closed))));
    }
}
