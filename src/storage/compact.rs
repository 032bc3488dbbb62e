//! Compaction: the data file is rewritten without free space and put in the old one's place.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use super::backup::copy_environment;
use super::care::Care;
use super::connection::Connection;
use super::environment::{Environment, closed};
use super::lock_file::{EXCLUSIVE_PATIENCE, io_error};
use super::open;
use super::options::Layout;
use super::platform;
use super::registry;
use super::snapshot::Snapshot;
use crate::error::{Error, ErrorCode, Result};
use crate::fault;

/// What the directory of a data file that is to replace the one around it begins with.
pub(super) const PREFIX: &str = "compact-";

/// Rewrites the data file. Writes wait meanwhile; reads go on, but for the moment in which the
/// files change places, at which snapshots expire.
///
/// # Errors
/// `BUSY` if another process has the database open; `ABORTED`, `DISK_FULL`, `TX_READ_ONLY`, `IO`,
/// `CORRUPT`.
pub fn compact(connection: &Arc<Connection>, care: Arc<dyn Care + Send + Sync>) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    connection.run_exclusively(Box::new(move |environment| {
        let result = environment.and_then(|environment| {
            environment.lock_file.exclusively(EXCLUSIVE_PATIENCE, |_| replace(environment, &*care))
        });
        // The waiter is there until it hears from us.
        drop(sender.send(result));
    }))?;
    receiver.recv().map_err(|_| closed())?
}

/// On the writer thread, between transactions, with no other process.
fn replace(environment: &Arc<Environment>, care: &dyn Care) -> Result<()> {
    let directory = &environment.layout.directory;
    let unfinished = Unfinished::create(directory)?;
    let snapshot = Snapshot::begin(environment, true)?;
    copy_environment(environment, &snapshot, &unfinished.0, "compact", care)?;
    drop(snapshot);
    fault::point("compact-copied");
    let from = Layout { directory: unfinished.0.clone() }.data();
    let to = environment.layout.data();
    // What the journal has is of the old file.
    if let Some(journal) = &environment.journal {
        journal.finish(&environment.raw()?).inspect_err(|error| environment.poison(error))?;
    }
    environment.quiesce(|| {
        // Nothing is lost if this fails half-way: the old file is in place until the rename, and
        // the new one has the same content. But nobody may go on with an environment that is gone.
        let swapped = swap(environment, &from, &to);
        if let Err(error) = &swapped
            && environment.raw().is_err()
        {
            environment.poison(error);
        }
        swapped
    })
}

fn swap(environment: &Arc<Environment>, from: &Path, to: &Path) -> Result<()> {
    let old = environment.replace_raw(None).map(|env| env.downgrade());
    if old.is_some_and(|env| env.is_open()) {
        return Err(Error::new(ErrorCode::Busy, "a read is still under way"));
    }
    fault::point("compact-closed");
    let renamed = fs::rename(from, to)
        .map_err(|error| io_error("cannot replace the data file", to, &error))
        .and_then(|()| {
            fault::point("compact-renamed");
            let directory = &environment.layout.directory;
            platform::sync_directory(directory)
                .map_err(|error| io_error("cannot sync the directory", directory, &error))
        });
    let raw = open::reopen(environment)?;
    if let Some(journal) = &environment.journal {
        journal.open(&raw.0)?;
    }
    registry::reopened(environment, raw.0.downgrade());
    environment.replace_raw(Some(raw));
    fault::point("compact-end");
    renamed
}

/// The directory of the new file until it is in place.
struct Unfinished(PathBuf);

impl Unfinished {
    fn create(directory: &Path) -> Result<Self> {
        let path = directory.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
        platform::create_private_directory(&path)
            .map_err(|error| io_error("cannot create the directory", &path, &error))?;
        Ok(Self(path))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Left behind, it is removed at the next open.
        drop(fs::remove_dir_all(&self.0));
    }
}
