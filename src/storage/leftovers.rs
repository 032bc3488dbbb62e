//! What processes that were killed have left behind in the directory of a database.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::lock_file::io_error;
use super::spaces::Space;
use super::{compact, restore};
use crate::error::Result;

/// Removes it: what was to replace the database, or its data file, and the directories of spaces
/// that a replacement has left without names, of which `list` gives the names. The caller holds the
/// shared lock, so that no replacement is under way.
pub(super) fn remove_leftovers(
    directory: &Path,
    list: impl FnOnce() -> Result<Vec<Space>>,
) -> Result<()> {
    let entries = fs::read_dir(directory)
        .map_err(|error| io_error("cannot read the directory", directory, &error))?;
    let mut left = Vec::new();
    let mut was_replaced = false;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_replacement = name.starts_with(restore::PREFIX);
        was_replaced |= is_replacement;
        if is_replacement || name.starts_with(compact::PREFIX) {
            left.push(entry.path());
        }
    }
    // The directory of the replacement tells that there may be more: it goes last.
    if was_replaced {
        remove_unnamed(&directory.join("spaces"), list)?;
    }
    left.iter().try_for_each(|path| {
        fs::remove_dir_all(path).or_else(|error| match error.kind() {
            // Another process that opens the database was faster.
            ErrorKind::NotFound => Ok(()),
            _ => Err(io_error("cannot remove", path, &error)),
        })
    })
}

/// Removes the directories of spaces to which no name leads. A name is committed before its
/// directory is made, so `list` reads the names after the directories were.
pub(super) fn remove_unnamed(
    parent: &Path,
    list: impl FnOnce() -> Result<Vec<Space>>,
) -> Result<()> {
    let entries: Vec<_> = match fs::read_dir(parent) {
        Ok(entries) => entries.flatten().collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error("cannot read the directory", parent, &error)),
    };
    let named = list()?;
    for entry in entries {
        let name = entry.file_name();
        if named.iter().any(|space| *space.directory == *name) {
            continue;
        }
        match fs::remove_dir_all(entry.path()) {
            // Somebody was about to open it, and will see that it has no name. The next deletion
            // removes what is left.
            Err(error)
                if !matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) =>
            {
                return Err(io_error("cannot remove", &entry.path(), &error));
            }
            _ => {}
        }
    }
    Ok(())
}
