//! Hot backup: a consistent copy of a database, and of each of its spaces, while they are in use.

use std::path::Path;
use std::sync::Arc;

use super::care::Care;
use super::connection::Connection;
use super::copy::copy_snapshot;
use super::copy_pages::copy_pages;
use super::environment::Environment;
use super::format::FormatRecord;
use super::meta::{self, tag};
use super::options::{Encryption, OpenMode, OpenOptions, Unlock};
use super::reseal::copy_resealed;
use super::snapshot::Snapshot;
use super::spaces::{self, Space};
use super::unfinished::{Unfinished, create, refuse_existing, sync};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::seal::{KDF_DEFAULT, Key};

/// How a database is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyMethod {
    /// Entry by entry, so that the copy has no free pages and full ones.
    Compact,
    /// Page by page, as they are.
    Plain,
}

/// Copies the database to `target`, which must not exist or be an empty directory. The copy is
/// complete or not there at all. With `with_spaces`, every space is copied along, each as it is at
/// one moment of its own; without, the copy has none.
///
/// # Errors
/// `DATABASE_EXISTS` if there is something at `target`; `INVALID_ARGUMENT` for a space of a sealed
/// database, whose key its database has; `ABORTED`, `DISK_FULL`, `PERMISSION`, `IO`, `CORRUPT`.
pub fn backup(
    connection: &Arc<Connection>,
    target: &Path,
    with_spaces: bool,
    method: CopyMethod,
    care: &dyn Care,
) -> Result<()> {
    if connection.is_space() && connection.environment().sealed().is_some() {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "a copy of an encrypted space alone needs a key of its own: give the option encryption",
        ));
    }
    refuse_existing(target)?;
    let unfinished = Unfinished::create(target)?;
    let copying = Copying { method, phase: "backup", care };
    copying.database(connection, &unfinished.path, with_spaces)?;
    unfinished.finish(target)
}

/// Copies the database as [`backup`] does, encrypted as `encryption` says, or not at all: a plain
/// database becomes an encrypted one, an encrypted one a plain one, or one with new data keys.
///
/// # Errors
/// As [`backup`]; `RESOURCE_LIMIT` if there is not enough memory to derive a key.
pub fn backup_resealed(
    connection: &Arc<Connection>,
    target: &Path,
    with_spaces: bool,
    encryption: Option<Encryption>,
    care: &dyn Care,
) -> Result<()> {
    refuse_existing(target)?;
    let unfinished = Unfinished::create(target)?;
    let path = &unfinished.path;
    let spaces = reseal(connection, path, "backup", encryption.as_ref(), care)?;
    if !spaces.is_empty() {
        let options = OpenOptions { mode: OpenMode::Open, encryption, ..OpenOptions::default() };
        let copy = super::registry::connect(path, &options)?;
        let missing = match with_spaces {
            true => reseal_spaces(connection, &copy, spaces, path, care),
            false => Ok(spaces),
        };
        let forgotten = missing.and_then(|missing| forget(&copy, missing));
        copy.close()?;
        forgotten?;
    }
    unfinished.finish(target)
}

/// Copies one environment; returns the spaces that the copied state names.
fn reseal(
    connection: &Connection,
    target: &Path,
    phase: &str,
    encryption: Option<&Encryption>,
    care: &dyn Care,
) -> Result<Vec<Space>> {
    let environment = connection.environment();
    let map_size = environment.raw()?.info().map_size;
    connection.snapshot(true)?.with(|txn| {
        let format = FormatRecord::read(txn)?.unwrap_or(environment.format);
        copy_resealed(txn, &format, target, map_size, encryption, (phase, care))?;
        spaces::list(txn)
    })
}

/// Copies spaces; returns those that were deleted in the meantime.
fn reseal_spaces(
    connection: &Arc<Connection>,
    copy: &Connection,
    spaces: Vec<Space>,
    target: &Path,
    care: &dyn Care,
) -> Result<Vec<Space>> {
    copy.create_space_key()?;
    let encryption = copy.space_encryption()?;
    each_space(connection, spaces, target, |from, to, phase| {
        reseal(from, to, phase, encryption.as_ref(), care).map(drop)
    })
}

/// Copies each space to its place below `target` by `copy`, which is told what progress calls it;
/// returns those that were deleted in the meantime.
fn each_space(
    connection: &Arc<Connection>,
    spaces: Vec<Space>,
    target: &Path,
    copy: impl Fn(&Connection, &Path, &str) -> Result<()>,
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
        let copied = copy(&from, &to, &format!("space {}", space.name));
        let closed = from.close();
        copied.and(closed)?;
        sync(&to)?;
    }
    sync(&target)?;
    Ok(missing)
}

/// How a copy is made.
#[derive(Clone, Copy)]
pub struct Copying<'c> {
    /// Entries or pages.
    pub method: CopyMethod,
    /// What progress calls it.
    pub phase: &'static str,
    /// Who hears of it.
    pub care: &'c dyn Care,
}

impl Copying<'_> {
    /// Copies a database, and with `with_spaces` its spaces, into an empty directory.
    ///
    /// # Errors
    /// `ABORTED`, `DISK_FULL`, `PERMISSION`, `IO`, `CORRUPT`.
    pub fn database(
        &self,
        connection: &Arc<Connection>,
        target: &Path,
        with_spaces: bool,
    ) -> Result<()> {
        let key = space_key(connection)?;
        let spaces = self.one(connection, target, self.phase)?;
        let missing = if with_spaces {
            let missing = each_space(connection, spaces, target, |from, to, phase| {
                self.one(from, to, phase).map(drop)
            })?;
            // The copy has to have the keys of the copied spaces.
            if space_key(connection)?.as_ref().map(Key::bytes) != key.as_ref().map(Key::bytes) {
                return Err(Error::new(
                    ErrorCode::Busy,
                    "the keys of the spaces were replaced while they were copied (rotateKey); \
                     try again",
                ));
            }
            missing
        } else {
            spaces
        };
        if !missing.is_empty() {
            forget_spaces(connection, target, missing)?;
        }
        Ok(())
    }

    /// Copies one environment; returns the spaces that the copied state names.
    fn one(&self, connection: &Connection, target: &Path, phase: &str) -> Result<Vec<Space>> {
        let environment = connection.environment();
        for _ in 0..ATTEMPTS {
            let snapshot = connection.snapshot(true)?;
            if self.method == CopyMethod::Compact {
                copy_environment(environment, &snapshot, target, phase, self.care)?;
            } else if !copy_pages(environment, &snapshot, target, phase, self.care)? {
                continue;
            }
            return snapshot.with(spaces::list);
        }
        Err(Error::new(ErrorCode::Busy, "others write faster than the database can be copied"))
    }
}

/// The key of the spaces of a sealed database, if it has had any.
fn space_key(connection: &Connection) -> Result<Option<Key>> {
    if connection.environment().sealed().is_none() {
        return Ok(None);
    }
    connection.snapshot(false)?.with(|txn| match meta::get_record(txn, &[tag::SPACE_KEY])? {
        Some(_) => Ok(spaces::keys(txn)?.into_iter().next()),
        None => Ok(None),
    })
}

/// How often a snapshot is taken again because its meta page is gone before it was read.
const ATTEMPTS: u32 = 1_000;

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

/// Takes the names of spaces that were not copied out of the copy at a path.
fn forget_spaces(connection: &Connection, copy: &Path, spaces: Vec<Space>) -> Result<()> {
    let encryption = connection.environment().sealed().map(|store| Encryption {
        unlock: Unlock::Keys(store.keys()),
        cipher: store.cipher(),
        kdf: KDF_DEFAULT,
    });
    let options = OpenOptions { mode: OpenMode::Open, encryption, ..OpenOptions::default() };
    let copy = super::registry::connect(copy, &options)?;
    let forgotten = forget(&copy, spaces);
    let closed = copy.close();
    forgotten.and(closed)
}

/// Takes the names of spaces out of a copy.
pub(super) fn forget(copy: &Connection, spaces: Vec<Space>) -> Result<()> {
    if spaces.is_empty() {
        return Ok(());
    }
    copy.commit_now(move |txn| {
        spaces.iter().try_for_each(|space| {
            let key = [&[tag::SPACE], space.name.as_bytes()].concat();
            meta::delete_record(txn, &key).map(drop)
        })
    })
}
