//! Opening: from a path to an environment, with everything that can be wrong on the way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::data_file;
use super::disk_space;
use super::environment::{Environment, Parts, closed};
use super::format::{FormatRecord, flag};
use super::graph_files;
use super::journal;
use super::leftovers::remove_leftovers;
use super::lmdb::code::NO_RESOURCES;
use super::lmdb::{Dbi, Env, EnvFlags, EnvOptions, RoTxn};
use super::lock_file::{LockFile, io_error};
use super::memory;
use super::options::{Encryption, Layout, OpenMode, OpenOptions};
use super::platform::{self, Identity};
use super::redo::redo;
use super::sealed::{self, Memo, NewKeys, SealedStore};
use super::snapshot::Snapshot;
use super::spaces;
use super::txn::{ReadTxn, Tables, WriteTxn};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;

/// The longest key that the format stores directly needs this much of LMDB.
const KEY_SIZE: usize = 1_920;

/// A directory that is there, and may hold a database.
pub(super) struct Prepared {
    directory: PathBuf,
    pub(super) identity: Identity,
    has_data: bool,
    temporary: Option<PathBuf>,
}

/// Looks at the path, creates the directory if the mode allows.
///
/// Errors: `DATABASE_NOT_FOUND`, `DATABASE_EXISTS`, `NOT_A_DATABASE`, `PERMISSION`, `UNSUPPORTED`
/// (network file system), `IO`.
pub(super) fn prepare(path: &Path, options: &OpenOptions) -> Result<Prepared> {
    if memory::is_memory(path) {
        let directory = memory::create(options.mode)?;
        let identity = identity(&directory)?;
        let temporary = Some(directory.clone());
        return Ok(Prepared { directory, identity, has_data: false, temporary });
    }
    let may_create = matches!(options.mode, OpenMode::OpenOrCreate | OpenMode::Create);
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            return Err(Error::new(
                ErrorCode::NotADatabase,
                format!("a database is a directory, and this is a file: {}", path.display()),
            )
            .with_path(path.display().to_string()));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_create => {
            create_directories(path)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(not_found(path)),
        Err(error) => return Err(io_error("cannot open the directory", path, &error)),
    }
    let directory = platform::canonicalize(path)
        .map_err(|error| io_error("cannot open the directory", path, &error))?;
    let data = directory.join("data.mdb");
    let has_content = std::fs::metadata(&data).is_ok_and(|file| file.len() > 0);
    // What cannot be read is not nothing: it is looked at again, and refused.
    let has_data = has_content && !data_file::is_unfinished(&data).unwrap_or(false);
    if !has_data && !may_create {
        return Err(not_found(path));
    }
    if has_data && options.mode == OpenMode::Create {
        return Err(exists(path));
    }
    refuse_network(&directory)?;
    let identity = identity(&directory)?;
    Ok(Prepared { directory, identity, has_data, temporary: None })
}

/// Creates the directory and those above it that are missing, and syncs each into the one above.
fn create_directories(path: &Path) -> Result<()> {
    let missing: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
    platform::create_private_directory(path)
        .map_err(|error| io_error("cannot create the directory", path, &error))?;
    for parent in missing.into_iter().filter_map(Path::parent) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        platform::sync_directory(parent)
            .map_err(|error| io_error("cannot sync the directory", parent, &error))?;
    }
    Ok(())
}

fn identity(directory: &Path) -> Result<Identity> {
    platform::identity(directory)
        .map_err(|error| io_error("cannot look at the directory", directory, &error))
}

fn refuse_network(directory: &Path) -> Result<()> {
    let kind = platform::network_file_system(directory)
        .map_err(|error| io_error("cannot look at the file system", directory, &error))?;
    match kind {
        None => Ok(()),
        Some(kind) => Err(Error::new(
            ErrorCode::Unsupported,
            format!(
                "the directory is on a network file system ({kind}), where memory maps and locks \
                 are not safe; use a local disk: {}",
                directory.display()
            ),
        )
        .with_path(directory.display().to_string())),
    }
}

/// Whether an open may share an environment that this process has open.
pub(super) fn check_join(
    environment: &Arc<Environment>,
    options: &OpenOptions,
    prepared: &Prepared,
) -> Result<()> {
    environment.check_process()?;
    if options.mode == OpenMode::Create {
        return Err(exists(&prepared.directory));
    }
    if environment.read_only && options.mode != OpenMode::ReadOnly {
        return Err(Error::new(
            ErrorCode::Busy,
            "this process has the database open for reading only; close that first",
        ));
    }
    match (environment.sealed(), &options.encryption) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(encrypted(&prepared.directory)),
        (None, Some(_)) => Err(not_encrypted(&prepared.directory)),
        (Some(store), Some(encryption)) => {
            let places = environment.tables().places();
            Snapshot::begin(environment, true)?.with(|txn| {
                let uuid = environment.format.uuid;
                sealed::check_secret(store, txn.raw(), places, uuid, encryption)
            })
        }
    }
}

/// Opens the environment.
///
/// Errors: those of [`data_file::check`], `NOT_A_DATABASE` (an LMDB file of another program),
/// `ENCRYPTED`, `NOT_ENCRYPTED`, `WRONG_KEY`, `INCOMPATIBLE_VERSION`, `BUSY`, `PERMISSION`,
/// `DISK_FULL`, `UNSUPPORTED`, `IO`.
pub(super) fn environment(prepared: Prepared, options: &OpenOptions) -> Result<Environment> {
    let layout = Layout { directory: prepared.directory };
    let wants_read_only = options.mode == OpenMode::ReadOnly;
    let recover = || match prepared.temporary {
        None => journal::recover(&layout),
        Some(_) => Ok(false),
    };
    let lock_file = LockFile::open(&layout.lock(), wants_read_only, recover)?;
    if !prepared.has_data {
        begin_anew(&layout, &lock_file)?;
    }
    let left_unsynced = prepared.temporary.is_none() && lock_file.was_left_unsynced()?;
    check_file(&layout, left_unsynced)?;
    if !wants_read_only {
        allocate_reader_table(&layout, options)?;
    }
    let (raw, read_only) = open_raw(&layout, options)?;
    if raw.max_key_size() < KEY_SIZE {
        return Err(Error::new(
            ErrorCode::Unsupported,
            format!("LMDB's keys are limited to {} bytes on this system", raw.max_key_size()),
        ));
    }
    let opened = match open_tables(&raw, options, &layout.directory) {
        Err(error) if left_unsynced && error.code() == ErrorCode::NotADatabase => {
            return Err(damaged(&layout, &error));
        }
        result => result?,
    };
    let Opened { tables, format, sealed } = opened;
    if lock_file.is_unprepared() {
        finish(&layout, &raw, tables, sealed.as_ref())?;
        lock_file.set_prepared();
    }
    if !prepared.has_data {
        platform::sync_directory(&layout.directory)
            .map_err(|error| io_error("cannot sync the directory", &layout.directory, &error))?;
    }
    if !read_only {
        let reading = Reading { raw: &raw, tables, sealed: sealed.as_ref() };
        remove_leftovers(&layout.directory, || reading.read(spaces::list))?;
        graph_files::remove_unnamed(&layout.directory, || reading.read(graph_files::named));
        raw.clear_stale_readers()?;
    }
    Environment::new(Parts {
        layout,
        identity: prepared.identity,
        options: options.clone(),
        raw,
        tables,
        read_only,
        lock_file,
        format,
        sealed,
        left_unsynced,
        temporary: prepared.temporary,
    })
}

/// Makes and commits what a recovery has left to be done: changes that were acknowledged and are in
/// the journal alone. Nobody else looks at the database meanwhile.
///
/// # Errors
/// `CORRUPT` if they are damaged; `DISK_FULL`, `RESOURCE_LIMIT`, `IO`, after which it may be tried
/// again.
pub(super) fn finish(
    layout: &Layout,
    raw: &Env,
    tables: Tables,
    sealed: Option<&SealedStore>,
) -> Result<()> {
    let Some(unfinished) = journal::unfinished(layout)? else { return Ok(()) };
    let attempt = || {
        let txn = raw.write_txn()?;
        if txn.id() != unfinished.txn_id {
            return Err(Error::corrupt("the journal is of another state of the data file"));
        }
        let mut txn = match sealed {
            None => WriteTxn::new(txn, tables),
            Some(store) => WriteTxn::of_sealed(txn, tables, store),
        };
        for (associated, changes) in &unfinished.changes {
            match sealed {
                None => redo(changes, &mut txn)?,
                Some(store) => redo(&store.open_changes(associated, changes)?, &mut txn)?,
            }
        }
        raw.set_sync_flags(false, false)?;
        txn.commit()
    };
    loop {
        match attempt() {
            Err(error) if error.code() == ErrorCode::MapFull => {
                let size = raw.info().map_size.saturating_mul(2);
                // SAFETY: nobody but this function uses the environment, and its transaction has
                // ended.
                unsafe { raw.resize(size) }?;
            }
            done => {
                break done.map_err(|error| {
                    describe_full(
                        disk_space::explain(error, raw, &layout.data()),
                        &layout.directory,
                    )
                })?;
            }
        }
    }
    fault::point("journal-redone");
    journal::forget(layout)
}

fn describe_full(error: Error, directory: &Path) -> Error {
    match error.code() {
        ErrorCode::DiskFull => describe(error, directory),
        _ => error,
    }
}

/// Reads the newest state of an environment that is being opened.
struct Reading<'o> {
    raw: &'o Env,
    tables: Tables,
    sealed: Option<&'o SealedStore>,
}

impl Reading<'_> {
    fn read<T>(&self, read: impl FnOnce(&ReadTxn<'_>) -> Result<T>) -> Result<T> {
        let reader = RoTxn::begin(self.raw)?;
        let txn = reader.get().ok_or_else(closed)?;
        match self.sealed {
            None => read(&ReadTxn::new(txn, self.tables)),
            Some(store) => read(&ReadTxn::of_sealed(txn, self.tables, store, &Memo::default())),
        }
    }
}

/// Empties a data file whose creation was not finished, unless another process is at it.
fn begin_anew(layout: &Layout, lock_file: &LockFile) -> Result<()> {
    let path = layout.data();
    if !std::fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let empty = || {
        if data_file::is_unfinished(&path)? {
            std::fs::OpenOptions::new().write(true).open(&path)?.set_len(0)?;
        }
        Ok(())
    };
    let emptied = lock_file.exclusively(Duration::ZERO, |_| {
        empty().map_err(|error| io_error("cannot write the data file", &path, &error))
    });
    match emptied {
        Err(error) if error.code() == ErrorCode::Busy => Ok(()),
        result => result,
    }
}

/// Looks at the data file before LMDB maps it: at every page, if the machine went down over writes
/// that were not synced.
fn check_file(layout: &Layout, left_unsynced: bool) -> Result<()> {
    let path = layout.data();
    if !left_unsynced {
        return data_file::check(&path);
    }
    match data_file::check(&path).and_then(|()| data_file::check_before_mapping(&path)) {
        Err(error) if matches!(error.code(), ErrorCode::Corrupt | ErrorCode::NotADatabase) => {
            Err(damaged(layout, &error))
        }
        result => result,
    }
}

/// The machine went down over writes that were not synced, and the file is not whole.
fn damaged(layout: &Layout, cause: &Error) -> Error {
    Error::corrupt(format!(
        "the machine went down while writes of durability 'none' were not on disk, and the \
         database is damaged; restore a backup, or save what can be read with repair: {}",
        layout.directory.display()
    ))
    .with_path(layout.directory.display().to_string())
    .with_cause(cause)
}

/// LMDB maps the reader table from a file with holes; a hole that cannot be filled because the disk
/// is full would kill the process when a reader takes its place.
///
/// Only before LMDB opens the file: closing it afterwards would drop LMDB's locks.
fn allocate_reader_table(layout: &Layout, options: &OpenOptions) -> Result<()> {
    const HEADER: u64 = 4_096;
    const READER: u64 = 64;
    let path = layout.reader_table();
    let length = HEADER + READER * u64::from(options.max_readers);
    platform::allocate(&path, length)
        .map_err(|error| io_error("cannot create the reader table", &path, &error))
}

/// Opens LMDB again after the files were replaced.
pub(super) fn reopen(environment: &Environment) -> Result<(Env, Tables)> {
    let (raw, _) = open_raw(&environment.layout, &environment.options)?;
    let directory = &environment.layout.directory;
    let (tables, _) = find_tables(&raw, directory)?.ok_or_else(|| not_found(directory))?;
    Ok((raw, tables))
}

fn open_raw(layout: &Layout, options: &OpenOptions) -> Result<(Env, bool)> {
    let page = 65_536;
    let map_size = options.map_size.max(1 << 20).next_multiple_of(page);
    let mut env_options =
        EnvOptions { flags: EnvFlags::default(), map_size, max_readers: options.max_readers };
    let open = |env_options| {
        // SAFETY: the registry holds the slot of this directory's identity and has made sure that
        // this process has no environment on it; the data file has been checked; nothing but LMDB
        // touches the files while the lock file is held.
        unsafe { Env::open(&layout.directory, env_options) }
    };
    match open(env_options) {
        Ok(raw) => Ok((raw, false)),
        Err(code) => {
            let error = describe(code.into(), &layout.directory);
            if options.mode != OpenMode::ReadOnly || error.code() != ErrorCode::Permission {
                return Err(error);
            }
            env_options.flags.read_only = true;
            let raw = open(env_options).map_err(|code| describe(code.into(), &layout.directory))?;
            Ok((raw, true))
        }
    }
}

fn describe(error: Error, directory: &Path) -> Error {
    let path = directory.display().to_string();
    let cause = error.cause().unwrap_or_default().to_owned();
    let message = match error.code() {
        ErrorCode::Permission => format!("no permission to open the database: {path}"),
        ErrorCode::NotADatabase => format!("this is not a Lodestore database: {path}"),
        ErrorCode::IncompatibleVersion => {
            format!("the database is in use by a program with another version of LMDB: {path}")
        }
        ErrorCode::DiskFull => format!("the disk is full: {path}"),
        ErrorCode::ResourceLimit => {
            format!("{NO_RESOURCES}; close other databases, or raise its limits: {path}")
        }
        _ => format!("cannot open the database: {path}"),
    };
    Error::new(error.code(), message).with_path(path).with_cause(cause)
}

/// What stands in an LMDB environment.
struct Opened {
    tables: Tables,
    format: FormatRecord,
    sealed: Option<SealedStore>,
}

/// Opens the four trees, reads the format record and unlocks what is sealed, or creates all of it.
fn open_tables(raw: &Env, options: &OpenOptions, directory: &Path) -> Result<Opened> {
    match (find_tables(raw, directory)?, options.mode) {
        (Some(_), OpenMode::Create) => Err(exists(directory)),
        (Some((tables, format)), _) => {
            let sealed = unlock(raw, tables, &format, options.encryption.as_ref(), directory)?;
            Ok(Opened { tables, format, sealed })
        }
        (None, OpenMode::Open | OpenMode::ReadOnly) => Err(not_found(directory)),
        (None, _) => create_tables(raw, options, directory),
    }
}

/// Opens the four trees and reads the format record; `None` if there is nothing.
pub(super) fn find_tables(raw: &Env, directory: &Path) -> Result<Option<(Tables, FormatRecord)>> {
    let reader = RoTxn::begin(raw)?;
    let found = match reader.get() {
        Some(txn) => match Tables::open(&txn)? {
            Some(tables) => {
                let format = FormatRecord::read(&ReadTxn::new(txn, tables))?;
                Some((tables, format.ok_or_else(|| foreign(directory))?))
            }
            None if txn.entries(Dbi::MAIN)? > 0 => return Err(foreign(directory)),
            None => None,
        },
        None => None,
    };
    // Handles become valid for others when the transaction that opened them commits.
    reader.commit()?;
    Ok(found)
}

/// Unlocks what is sealed.
pub(super) fn unlock(
    raw: &Env,
    tables: Tables,
    format: &FormatRecord,
    encryption: Option<&Encryption>,
    directory: &Path,
) -> Result<Option<SealedStore>> {
    let encryption = match (format.is_sealed(), encryption) {
        (false, None) => return Ok(None),
        (false, Some(_)) => return Err(not_encrypted(directory)),
        (true, None) => return Err(encrypted(directory)),
        (true, Some(encryption)) => encryption,
    };
    let reader = RoTxn::begin(raw)?;
    let txn = reader.get().ok_or_else(closed)?;
    sealed::unlock(&txn, tables.places(), format.uuid, encryption).map(Some)
}

fn create_tables(raw: &Env, options: &OpenOptions, directory: &Path) -> Result<Opened> {
    let mut format = FormatRecord::new(raw.page_size());
    format.flags |= flag::JOURNAL | flag::JOURNALED_CHANGES;
    // A passphrase takes a moment, in which nobody else should have to wait.
    let keys = match &options.encryption {
        Some(encryption) => {
            format.flags |= flag::SEALED;
            Some(NewKeys::generate(encryption, format.uuid, raw.page_size())?)
        }
        None => None,
    };
    let mut txn = raw.write_txn()?;
    let tables = Tables::create(&mut txn)?;
    let mut txn = WriteTxn::new(txn, tables);
    // Another process may have been faster.
    if let Some(format) = FormatRecord::read(&txn)? {
        if options.mode == OpenMode::Create {
            return Err(exists(directory));
        }
        txn.commit()?;
        let sealed = unlock(raw, tables, &format, options.encryption.as_ref(), directory)?;
        return Ok(Opened { tables, format, sealed });
    }
    format.write(&mut txn)?;
    let sealed = keys.map(|keys| keys.create(txn.raw_mut(), tables.places())).transpose()?;
    txn.commit().map_err(|error| {
        let data_file = Layout { directory: directory.to_owned() }.data();
        describe(disk_space::explain(error, raw, &data_file), directory)
    })?;
    Ok(Opened { tables, format, sealed })
}

fn encrypted(path: &Path) -> Error {
    Error::new(
        ErrorCode::Encrypted,
        format!("the database is encrypted; open it with a key or passphrase: {}", path.display()),
    )
    .with_path(path.display().to_string())
}

fn not_encrypted(path: &Path) -> Error {
    Error::new(
        ErrorCode::NotEncrypted,
        format!(
            "a key or passphrase was given, but the database is not encrypted: {}",
            path.display()
        ),
    )
    .with_path(path.display().to_string())
}

pub(super) fn not_found(path: &Path) -> Error {
    Error::new(ErrorCode::DatabaseNotFound, format!("there is no database at {}", path.display()))
        .with_path(path.display().to_string())
}

fn exists(path: &Path) -> Error {
    Error::new(
        ErrorCode::DatabaseExists,
        format!("there is a database already at {}", path.display()),
    )
    .with_path(path.display().to_string())
}

fn foreign(path: &Path) -> Error {
    Error::new(
        ErrorCode::NotADatabase,
        format!("this is an LMDB database of another program: {}", path.display()),
    )
    .with_path(path.display().to_string())
}
