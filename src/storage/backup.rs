//! Hot backup: a consistent copy of a database, and of each of its spaces, while they are in use.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::care::Care;
use super::connection::Connection;
use super::copy::copy_snapshot;
use super::environment::Environment;
use super::lock_file::io_error;
use super::meta::{self, tag};
use super::options::{OpenMode, OpenOptions};
use super::platform;
use super::snapshot::Snapshot;
use super::spaces::{self, Space};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;

/// Copies the database to `target`, which must not exist or be an empty directory. The copy is
/// complete or not there at all. With `with_spaces`, every space is copied along, each as it is at
/// one moment of its own; without, the copy has none.
///
/// # Errors
/// `DATABASE_EXISTS` if there is something at `target`; `ABORTED`, `DISK_FULL`, `PERMISSION`, `IO`,
/// `CORRUPT`.
pub fn backup(
    connection: &Arc<Connection>,
    target: &Path,
    with_spaces: bool,
    care: &dyn Care,
) -> Result<()> {
    refuse_existing(target)?;
    let unfinished = Unfinished::create(target)?;
    let spaces = copy_to(connection, &unfinished.path, "backup", care)?;
    let missing =
        if with_spaces { copy_spaces(connection, spaces, &unfinished.path, care)? } else { spaces };
    if !missing.is_empty() {
        forget_spaces(&unfinished.path, missing)?;
    }
    unfinished.finish(target)
}

/// Copies spaces; returns those that were deleted in the meantime.
fn copy_spaces(
    connection: &Arc<Connection>,
    spaces: Vec<Space>,
    target: &Path,
    care: &dyn Care,
) -> Result<Vec<Space>> {
    if spaces.is_empty() {
        return Ok(spaces);
    }
    let target = target.join("spaces");
    create(&target)?;
    let mut missing = Vec::new();
    for space in spaces {
        let from = match connection.open_space(&space.name, &connection.join_options()) {
            Ok(from) => from,
            Err(error) if error.code() == ErrorCode::DatabaseNotFound => {
                missing.push(space);
                continue;
            }
            Err(error) => return Err(error),
        };
        let to = target.join(&space.directory);
        create(&to)?;
        copy_to(&from, &to, &format!("space {}", space.name), care)?;
        from.close()?;
        sync(&to)?;
    }
    sync(&target)?;
    Ok(missing)
}

/// Copies one environment; returns the spaces that the copied state names.
fn copy_to(
    connection: &Connection,
    target: &Path,
    phase: &str,
    care: &dyn Care,
) -> Result<Vec<Space>> {
    let snapshot = connection.snapshot(true)?;
    let spaces = snapshot.with(spaces::list)?;
    copy_environment(connection.environment(), &snapshot, target, phase, care)?;
    Ok(spaces)
}

/// Copies a snapshot to `target`: the data file, nothing else.
pub(super) fn copy_environment(
    environment: &Environment,
    snapshot: &Snapshot,
    target: &Path,
    phase: &str,
    care: &dyn Care,
) -> Result<()> {
    let map_size = environment.raw()?.info().map_size;
    let mut progress = |done, total| {
        fault::point(if phase == "compact" { "compact-copy" } else { "backup-copy" });
        care.progress(phase, done, total);
    };
    snapshot.with(|txn| copy_snapshot(txn, target, map_size, care.cancel(), &mut progress))
}

fn refuse_existing(target: &Path) -> Result<()> {
    let is_free = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(_) => false,
    };
    if is_free {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::DatabaseExists,
        format!("a backup needs a new or empty directory, and this is none: {}", target.display()),
    )
    .with_path(target.display().to_string()))
}

/// Takes the names of spaces that were not copied out of the copy.
fn forget_spaces(copy: &Path, spaces: Vec<Space>) -> Result<()> {
    let options = OpenOptions { mode: OpenMode::Open, ..OpenOptions::default() };
    let copy = super::registry::connect(copy, &options)?;
    let forgotten = copy.commit_now(move |txn| {
        spaces.iter().try_for_each(|space| {
            let key = [&[tag::SPACE], space.name.as_bytes()].concat();
            meta::delete_record(txn, &key).map(drop)
        })
    });
    copy.close()?;
    forgotten
}

/// A directory beside the target, which becomes the target when it is complete, and is removed if
/// it never is.
struct Unfinished {
    path: PathBuf,
    parent: PathBuf,
}

impl Unfinished {
    fn create(target: &Path) -> Result<Self> {
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let unique = uuid::Uuid::new_v4().simple();
        let path = parent.join(format!(".{name}.{unique}.unfinished"));
        create(&path)?;
        Ok(Self { path, parent })
    }

    fn finish(self, target: &Path) -> Result<()> {
        sync(&self.path)?;
        fault::point("backup-copied");
        // Windows does not rename over an empty directory.
        match fs::remove_dir(target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io_error("cannot replace the directory", target, &error));
            }
            _ => {}
        }
        fs::rename(&self.path, target)
            .map_err(|error| io_error("cannot complete the backup", target, &error))?;
        fault::point("backup-renamed");
        sync(&self.parent)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After `finish` there is nothing here any more. A failure on the way has its own error.
        drop(fs::remove_dir_all(&self.path));
    }
}

fn create(path: &Path) -> Result<()> {
    platform::create_private_directory(path)
        .map_err(|error| io_error("cannot create the directory", path, &error))
}

fn sync(path: &Path) -> Result<()> {
    platform::sync_directory(path)
        .map_err(|error| io_error("cannot sync the directory", path, &error))
}
