//! A copy, encrypted otherwise, of a database that nobody has open.

use std::path::Path;
use std::sync::Arc;

use super::backup::forget;
use super::care::Care;
use super::closed::ClosedDatabase;
use super::connection::Connection;
use super::options::{Encryption, OpenMode, OpenOptions};
use super::rebuild::{Exclusive, exclusively};
use super::registry;
use super::reseal::copy_resealed;
use super::spaces::{self, Space};
use super::unfinished::{create, sync};
use crate::error::{ErrorCode, Result};

/// Copies the database in the directory `from`, which `before` unlocks, with its spaces to the
/// empty directory `to`, encrypted as `after` says, or not at all; gives a connection to the copy.
///
/// # Errors
/// Those of an open; `BUSY` if a space is open, `ABORTED`, `DISK_FULL`, `PERMISSION`, `IO`,
/// `CORRUPT`.
pub fn copy_reencrypted(
    from: &Path,
    to: &Path,
    before: Option<&Encryption>,
    after: Option<Encryption>,
    (exclusive, care): (&Exclusive<'_>, &dyn Care),
) -> Result<Arc<Connection>> {
    let source = ClosedDatabase::open(from, before, exclusive)?;
    let spaces = copy(&source, to, after.as_ref(), "copy", care)?;
    let options = OpenOptions { mode: OpenMode::Open, encryption: after, ..OpenOptions::default() };
    let copied = registry::connect(to, &options)?;
    let complete = copy_spaces(&source, &copied, (from, to), spaces, care)
        .and_then(|missing| forget(&copied, missing));
    match complete {
        Ok(()) => Ok(copied),
        Err(error) => {
            // What came first is said.
            drop(copied.close());
            Err(error)
        }
    }
}

/// Copies one database; gives the spaces that it names.
fn copy(
    source: &ClosedDatabase,
    to: &Path,
    encryption: Option<&Encryption>,
    phase: &str,
    care: &dyn Care,
) -> Result<Vec<Space>> {
    source.read(|txn| {
        copy_resealed(txn, &source.format, to, source.map_size(), encryption, (phase, care))?;
        spaces::list(txn)
    })
}

/// Copies spaces; gives those that have a name alone.
fn copy_spaces(
    source: &ClosedDatabase,
    copied: &Connection,
    (from, to): (&Path, &Path),
    spaces: Vec<Space>,
    care: &dyn Care,
) -> Result<Vec<Space>> {
    if spaces.is_empty() {
        return Ok(spaces);
    }
    copied.create_space_key()?;
    let after = copied.space_encryption()?;
    let before = source.read(|txn| spaces::encryptions(txn, source.sealed()))?;
    let target = to.join("spaces");
    create(&target)?;
    let mut missing = Vec::new();
    for space in spaces {
        let directory = from.join("spaces").join(&space.directory);
        if !directory.is_dir() {
            missing.push(space);
            continue;
        }
        let to = target.join(&space.directory);
        create(&to)?;
        let phase = format!("space {}", space.name);
        let copied = exclusively(&directory, |exclusive| {
            let source = spaces::try_each(before.clone(), |before| {
                ClosedDatabase::open(&directory, before.as_ref(), exclusive)
            })?;
            copy(&source, &to, after.as_ref(), &phase, care)
        });
        match copied {
            // Its name is committed before anything else is made.
            Err(error) if error.code() == ErrorCode::DatabaseNotFound => missing.push(space),
            copied => drop(copied?),
        }
    }
    sync(&target)?;
    Ok(missing)
}
