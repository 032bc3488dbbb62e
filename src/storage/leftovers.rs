//! What processes that were killed have left behind in the directory of a database.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::lock_file::{LockFile, io_error};
use super::options::Layout;
use super::spaces::Space;
use super::{compact, platform, registry, restore};
use crate::error::{Error, ErrorCode, Result};

/// Removes it: what was to replace the database, or its data file, and the directories of spaces
/// that a replacement has left without names, of which `list` gives the names. The caller holds the
/// shared lock, so that no replacement is under way.
///
/// The database is whole without that: what cannot be removed is tried again at the next open.
///
/// # Errors
/// `IO`, `PERMISSION` if the directory cannot be read; those of `list`.
pub(super) fn remove_leftovers(
    directory: &Path,
    list: impl Fn() -> Result<Vec<Space>>,
) -> Result<()> {
    let entries = fs::read_dir(directory)
        .map_err(|error| io_error("cannot read the directory", directory, &error))?;
    let mut left = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(restore::PREFIX) || name.starts_with(compact::PREFIX) {
            left.push(entry.path());
        }
    }
    let was_replaced = left.iter().any(|path| is_replacement(path));
    // The directory of the replacement tells that there may be more: it goes last.
    if was_replaced && remove_unnamed(&directory.join("spaces"), &list)?.is_some() {
        left.retain(|path| !is_replacement(path));
    }
    for path in left {
        drop(fs::remove_dir_all(path));
    }
    Ok(())
}

fn is_replacement(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(restore::PREFIX))
}

/// Removes the directories of spaces to which no name leads, unless somebody has them open, and
/// gives the first failure to remove one. Who makes a space has it open when he gives it its name,
/// so `list` reads the names while nobody has.
///
/// # Errors
/// `IO`, `PERMISSION` if the directory cannot be read; those of `list`.
pub(super) fn remove_unnamed(
    parent: &Path,
    list: impl Fn() -> Result<Vec<Space>>,
) -> Result<Option<Error>> {
    let entries: Vec<_> = match fs::read_dir(parent) {
        Ok(entries) => entries.flatten().collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("cannot read the directory", parent, &error)),
    };
    let named = list()?;
    let is_one = |named: &[Space], name: &OsStr| named.iter().any(|s| *s.directory == *name);
    let mut failure = None;
    for entry in entries {
        let name = entry.file_name();
        let is_space = name.to_str().is_some_and(|name| uuid::Uuid::try_parse(name).is_ok());
        if !is_space || is_one(&named, &name) {
            continue;
        }
        let removed =
            exclusively(&entry.path(), Duration::ZERO, || match is_one(&list()?, &name) {
                true => Ok(()),
                false => remove(&entry.path()),
            });
        match removed {
            // Somebody has opened it, and will see that it has no name, or has removed it.
            Err(error) if matches!(error.code(), ErrorCode::Busy | ErrorCode::DatabaseNotFound) => {
            }
            Err(error) => {
                failure.get_or_insert(error);
            }
            Ok(()) => {}
        }
    }
    Ok(failure)
}

/// Somebody who has looked up its name before may be about to make files there, and will remove
/// them.
fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error)
            if !matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) =>
        {
            Err(io_error("cannot remove", directory, &error))
        }
        _ => Ok(()),
    }
}

/// Does something to a space while nobody has it open.
///
/// # Errors
/// `BUSY` if somebody has, and still has after `patience`; `DATABASE_NOT_FOUND` if it was removed;
/// `PERMISSION`, `IO`; those of `work`.
pub(super) fn exclusively(
    directory: &Path,
    patience: Duration,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let identity = match platform::identity(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(
                Error::new(ErrorCode::DatabaseNotFound, "it was removed").with_cause(&error)
            );
        }
        identity => {
            identity.map_err(|error| io_error("cannot look at the directory", directory, &error))?
        }
    };
    registry::unopened(&identity, || {
        let layout = Layout { directory: directory.to_owned() };
        let lock = LockFile::open(&layout.lock(), false, || Ok(false))?;
        lock.exclusively(patience, |_| work())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::options::OpenOptions;
    use crate::storage::registry::connect;

    #[test]
    fn what_is_no_space_stays_and_hinders_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let open = || connect(directory.path(), &OpenOptions::default()).unwrap();
        open().close().unwrap();
        let unnamed = format!("spaces/{}", uuid::Uuid::new_v4().simple());
        fs::create_dir_all(path(&unnamed)).unwrap();
        fs::write(path("spaces/.DS_Store"), "a file of somebody else").unwrap();
        let replacement = format!("{}left", restore::PREFIX);
        fs::create_dir(path(&replacement)).unwrap();
        open().close().unwrap();
        assert!(!path(&unnamed).exists() && !path(&replacement).exists());
        assert!(path("spaces/.DS_Store").exists());
        // A file in the place of a space cannot be removed as one.
        fs::write(path(&unnamed), "").unwrap();
        fs::create_dir(path(&replacement)).unwrap();
        open().close().unwrap();
        assert!(path(&replacement).exists());
        fs::remove_file(path(&unnamed)).unwrap();
        open().close().unwrap();
        assert!(!path(&replacement).exists());
    }

    #[test]
    fn what_somebody_has_open_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        let unnamed = directory.path().join(uuid::Uuid::new_v4().simple().to_string());
        let space = connect(&unnamed, &OpenOptions::default()).unwrap();
        let remove = || remove_unnamed(directory.path(), || Ok(Vec::new())).unwrap();
        assert!(remove().is_none() && unnamed.join("data.mdb").exists());
        space.close().unwrap();
        assert!(remove().is_none() && !unnamed.exists());
    }
}
