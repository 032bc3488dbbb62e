//! Files with graphs of vector indexes, in the directory `vectors` of a database.
//!
//! What is in them can be made anew from the documents. A file has a random id for a name, and
//! counts while a record of the database has that id: it is complete and on disk before the record
//! is committed, and never written again. So a file of another database, or of another time of this
//! one, is never taken for one that belongs to what is read; and what no record names is garbage.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memmap2::Mmap;

use super::connection::Connection;
use super::environment::Environment;
use super::lock_file::io_error;
use super::meta::{self, tag};
use super::observer::Event;
use super::options::Layout;
use super::platform;
pub use super::platform::expect_random_reads;
use super::tree_id::TreeId;
use super::txn::{ReadTxn, WriteTxn};
use crate::error::{Error, ErrorCode, Result};

/// The directory, in that of the database.
const DIRECTORY: &str = "vectors";
const LOCK: &str = "lock";
const SUFFIX: &str = ".graph";
/// How long a change of the keys waits for a file that is being written.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphFileId([u8; 16]);

impl GraphFileId {
    /// One that nothing has yet.
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    /// Of these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn file_name(&self) -> String {
        format!("{}{SUFFIX}", uuid::Uuid::from_bytes(self.0).simple())
    }
}

/// The key of the record that names the file of an index, by the tree of the index.
pub fn graph_file_key(tree: TreeId) -> Vec<u8> {
    [&[tag::GRAPH_FILE], &*tree.prefix()].concat()
}

/// The files that the records of a state name. A record begins with a byte for its version, and the
/// id of the file.
pub(super) fn named(txn: &ReadTxn<'_>) -> Result<Vec<GraphFileId>> {
    let records = meta::scan_records(txn, &[tag::GRAPH_FILE])?;
    let id = |(_, payload): (Vec<u8>, Vec<u8>)| payload.get(1..17)?.try_into().ok();
    Ok(records.into_iter().filter_map(id).map(GraphFileId).collect())
}

/// Removes the records, so that no file counts any more.
fn forget(txn: &mut WriteTxn<'_>) -> Result<bool> {
    let records = meta::scan_records(txn, &[tag::GRAPH_FILE])?;
    for (key, _) in &records {
        meta::delete_record(txn, key)?;
    }
    Ok(!records.is_empty())
}

/// Where the files of a database are.
#[derive(Debug, Clone)]
pub struct GraphFiles {
    directory: PathBuf,
}

/// Held by who writes or removes files; given up when it is dropped, or its process ends.
#[derive(Debug)]
pub struct GraphFilesLock(File);

impl Drop for GraphFilesLock {
    fn drop(&mut self) {
        // A forked child may have the file open as well. Closing it gives the lock up, too.
        drop(self.0.unlock());
    }
}

impl GraphFiles {
    pub(super) fn of(database: &Path) -> Self {
        Self { directory: database.join(DIRECTORY) }
    }

    /// Whether there may be some.
    pub fn exist(&self) -> bool {
        self.directory.is_dir()
    }

    /// Where a file is.
    pub fn path(&self, id: GraphFileId) -> PathBuf {
        self.directory.join(id.file_name())
    }

    /// A file, to be read.
    ///
    /// # Errors
    /// `IO`, `PERMISSION`, `RESOURCE_LIMIT`.
    pub fn open(&self, id: GraphFileId) -> Result<File> {
        let path = self.path(id);
        File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::new(ErrorCode::Io, "the file is missing"),
            _ => io_error("cannot open the file of a graph", &path, &error),
        })
    }

    /// A file, mapped. It is to be read as a whole first; then [`expect_random_reads`].
    ///
    /// # Errors
    /// `IO`, `PERMISSION`, `RESOURCE_LIMIT`.
    pub fn map(&self, id: GraphFileId) -> Result<Mmap> {
        let file = self.open(id)?;
        platform::map_file(&file)
            .map_err(|error| io_error("cannot map the file of a graph", &self.path(id), &error))
    }

    /// Takes the lock; `None` if somebody has it.
    ///
    /// # Errors
    /// `IO`, `PERMISSION`, `DISK_FULL`, `RESOURCE_LIMIT`.
    pub fn lock(&self) -> Result<Option<GraphFilesLock>> {
        self.create_directory()
            .map_err(|error| io_error("cannot create the directory", &self.directory, &error))?;
        let path = self.directory.join(LOCK);
        let failed = |error| io_error("cannot lock the files of graphs", &path, &error);
        let file = platform::open_private_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(GraphFilesLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn create_directory(&self) -> std::io::Result<()> {
        if self.exist() {
            return Ok(());
        }
        platform::create_private_directory(&self.directory)?;
        // It is on disk before what is in it is named.
        self.directory.parent().map_or(Ok(()), platform::sync_directory)
    }

    /// A new file, which is empty.
    ///
    /// # Errors
    /// `IO`, `PERMISSION`, `DISK_FULL`, `RESOURCE_LIMIT`.
    pub fn create(&self, _lock: &GraphFilesLock, id: GraphFileId) -> Result<File> {
        let path = self.path(id);
        platform::open_private_file(&path)
            .map_err(|error| io_error("cannot create the file of a graph", &path, &error))
    }

    /// Puts a file on disk, with its name.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL`.
    pub fn sync(&self, file: &File, id: GraphFileId) -> Result<()> {
        let path = self.path(id);
        file.sync_all()
            .and_then(|()| platform::sync_directory(&self.directory))
            .map_err(|error| io_error("cannot sync the file of a graph", &path, &error))
    }

    /// Removes a file, as far as that can be done; else it is garbage.
    pub fn remove(&self, id: GraphFileId) {
        drop(fs::remove_file(self.path(id)));
    }

    /// Removes the files that are not among those that are named by the newest state, which was
    /// read after the lock was taken. What cannot be removed is tried again by the next one.
    ///
    /// # Errors
    /// `IO`, `PERMISSION` if the directory cannot be read.
    pub fn remove_others(&self, _lock: &GraphFilesLock, named: &[GraphFileId]) -> Result<()> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(io_error("cannot read the directory", &self.directory, &error));
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_own = |name: &str| name.ends_with(SUFFIX);
            let is_named = |name: &str| named.iter().any(|id| id.file_name() == name);
            if name.to_str().is_some_and(|name| is_own(name) && !is_named(name)) {
                drop(fs::remove_file(entry.path()));
            }
        }
        Ok(())
    }
}

/// Removes what no record names from the directory of a database that is being opened; `list` reads
/// the names. The database is whole without that: what cannot be removed is tried again at the
/// next open.
pub(super) fn remove_unnamed(database: &Path, list: impl FnOnce() -> Result<Vec<GraphFileId>>) {
    let files = GraphFiles::of(database);
    if !files.exist() {
        return;
    }
    // Who has the lock looks for garbage itself.
    let removed = files.lock().and_then(|lock| match lock {
        Some(lock) => files.remove_others(&lock, &list()?),
        None => Ok(()),
    });
    drop(removed);
}

/// Removes all files of a database that nobody has open, and that is about to be replaced.
///
/// # Errors
/// `IO`, `PERMISSION`.
pub(super) fn remove_all(database: &Path) -> Result<()> {
    let GraphFiles { directory } = GraphFiles::of(database);
    if !directory.is_dir() {
        return Ok(());
    }
    fs::remove_dir_all(&directory)
        .map_err(|error| io_error("cannot remove the directory", &directory, &error))
}

impl Environment {
    /// Where the files with graphs are; a temporary database has none.
    pub fn graph_files(&self) -> Option<GraphFiles> {
        let Layout { directory } = &self.layout;
        self.temporary.is_none().then(|| GraphFiles::of(directory))
    }

    /// Does something to the files with graphs, unless the database is closed, or is only read. A
    /// close waits for it.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn with_graph_files(
        &self,
        work: impl FnOnce(&GraphFiles, &Connection) -> Result<()>,
    ) -> Result<()> {
        let Some(files) = self.graph_files() else { return Ok(()) };
        // If it is the last reference, it closes the database, which nobody may be waited for.
        let Some(connection) = self.writable_connection() else { return Ok(()) };
        let _beside = self.beside.lock();
        if connection.check_open().is_err() {
            return Ok(());
        }
        work(&files, &connection)
    }

    /// Removes the files that no record of the newest state names.
    ///
    /// # Errors
    /// Those of a snapshot; `IO`, `PERMISSION`.
    pub fn remove_unnamed_graph_files(
        self: &Arc<Self>,
        files: &GraphFiles,
        lock: &GraphFilesLock,
    ) -> Result<()> {
        let named = self.snapshot()?.with(named)?;
        files.remove_others(lock, &named)
    }

    /// Whether the database is sealed.
    pub fn is_sealed(&self) -> bool {
        self.sealed().is_some()
    }

    /// Tells of something that has failed and that nobody waits for.
    pub fn warn(&self, warning: Error) {
        self.notify(&Event::Warning(warning));
    }
}

impl Connection {
    /// Removes the files with graphs: who knows the data key that is being replaced may know the
    /// keys that they are sealed with.
    ///
    /// # Errors
    /// Those of a write; `IO`, `PERMISSION`.
    pub(super) fn forget_graph_files(&self) -> Result<()> {
        type Names = fn(&ReadTxn<'_>) -> Result<Vec<GraphFileId>>;
        let named: Names = match self.commit_now(forget) {
            Ok(true) => named,
            Ok(false) => return Ok(()),
            // Whoever replaces the key says so. What they name is of no use then.
            Err(error) if error.code() == ErrorCode::Corrupt => |_| Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let files = GraphFiles::of(&self.environment().layout.directory);
        if !files.exist() {
            return Ok(());
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(lock) = files.lock()? {
                let named = self.snapshot(false)?.with(named)?;
                return files.remove_others(&lock, &named);
            }
            // Who is at work removes what is not named any more when it is done.
            if Instant::now() > deadline {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
