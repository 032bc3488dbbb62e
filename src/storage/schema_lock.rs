//! Who uses a database by a schema that is not to change meanwhile: IndexedDB's connections, in all
//! threads and processes.
//!
//! Each that has the database open holds a shared lock on a file beside it, and whoever wants to
//! change or delete it an exclusive one. The operating system lets go of them when a process ends.
//! A second file says what is wanted, so that the others can make way; it is advice, and nothing is
//! lost with it.

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::lock_file::io_error;
use super::platform;
use crate::error::{Error, ErrorCode, Result};

/// What the note says is shorter, in bytes.
const MAX_NOTE: usize = 4096;

/// The lock of one holder.
pub struct SchemaLock {
    path: PathBuf,
    file: File,
    /// Whether there is something to let go of.
    held: Cell<bool>,
}

impl SchemaLock {
    /// Opens the lock of a database, without taking it.
    ///
    /// # Errors
    /// `IO`, `PERMISSION` and the like if the file cannot be opened.
    pub fn open(environment: &Environment) -> Result<Self> {
        let path = environment.layout.schema_lock();
        let file = platform::open_private_file(&path)
            .map_err(|error| io_error("cannot open the schema's lock file", &path, &error))?;
        Ok(Self { path, file, held: Cell::new(false) })
    }

    /// Takes the lock, unless others hold it in a way that does not allow that; false then. What
    /// was held before is given up.
    ///
    /// # Errors
    /// `IO` if the file cannot be locked.
    pub fn try_lock(&self, exclusive: bool) -> Result<bool> {
        // Not every system turns one kind into the other.
        self.unlock()?;
        let taken = if exclusive { self.file.try_lock() } else { self.file.try_lock_shared() };
        match taken {
            Ok(()) => {
                self.held.set(true);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => {
                Err(io_error("cannot lock the schema's lock file", &self.path, &error))
            }
        }
    }

    /// Lets go of the lock, if it is held.
    ///
    /// # Errors
    /// `IO`.
    pub fn unlock(&self) -> Result<()> {
        if !self.held.replace(false) {
            return Ok(());
        }
        self.file
            .unlock()
            .map_err(|error| io_error("cannot unlock the schema's lock file", &self.path, &error))
    }

    /// Says what is wanted; nothing any more, if the note is empty.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if it is too long; `IO`.
    pub fn leave_note(&self, note: &[u8]) -> Result<()> {
        if note.len() > MAX_NOTE {
            return Err(Error::new(ErrorCode::InvalidArgument, "a note takes 4,096 bytes at most"));
        }
        let path = note_path(&self.path);
        let written = if note.is_empty() {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                result => result,
            }
        } else {
            replace(&path, note)
        };
        written.map_err(|error| io_error("cannot write the note", &path, &error))
    }

    /// What is wanted; empty if nothing is.
    ///
    /// # Errors
    /// `IO`.
    pub fn read_note(&self) -> Result<Vec<u8>> {
        let path = note_path(&self.path);
        let mut note = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_NOTE as u64).read_to_end(&mut note)) {
            Ok(_) => Ok(note),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(io_error("cannot read the note", &path, &error)),
        }
    }
}

fn note_path(lock: &Path) -> PathBuf {
    lock.with_extension("note")
}

/// Replaces a file, which is never seen half-written.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // Each thread has its own name, so that what a killed one leaves is written over.
    let thread = std::thread::current().id();
    let new = path.with_extension(format!("note-{}-{thread:?}", std::process::id()));
    let written = platform::open_private_file(&new).and_then(|mut file| {
        file.set_len(0)?;
        file.write_all(content)?;
        drop(file);
        fs::rename(&new, path)
    });
    if written.is_err() {
        drop(fs::remove_file(&new));
    }
    written
}
