//! `lodestore.lock`: who has the database open, and whether its last writes were synced.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::lmdb::code::errno_code;
use super::platform;
use crate::error::{Error, ErrorCode, Result};

/// How long an open waits for a process that has the database to itself: one that closes it does so
/// for a moment.
const SHARED_PATIENCE: Duration = Duration::from_secs(2);
/// How long work that needs the database for itself waits for processes that are about to close it.
pub(super) const EXCLUSIVE_PATIENCE: Duration = Duration::from_secs(1);

/// The lock file, held shared while the database is open.
///
/// Its content is empty, or the boot id under which unsynced writes (durability `none`) began.
pub struct LockFile {
    /// `None` on a read-only file system, and after [`release`](Self::release).
    file: Mutex<Option<File>>,
}

impl LockFile {
    /// Opens the file and takes the shared lock. On a read-only file system there is no lock, and
    /// none is needed.
    pub fn open(path: &Path, read_only: bool) -> Result<Self> {
        let file = match platform::open_private_file(path) {
            Ok(file) => file,
            Err(error) if read_only && is_refusal(&error) => match File::open(path) {
                Ok(file) => file,
                Err(_) => return Ok(Self { file: Mutex::new(None) }),
            },
            Err(error) if is_refusal(&error) => {
                let what = "no permission to write here; open the database with mode 'readOnly' \
                            if reading is enough";
                return Err(io_error(what, path, &error));
            }
            Err(error) => return Err(io_error("cannot open the lock file", path, &error)),
        };
        match retry(SHARED_PATIENCE, || file.try_lock_shared()) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    ErrorCode::Busy,
                    "another process is replacing the files of this database (compact or restore); \
                     try again when it has finished",
                )
                .with_path(path.display().to_string()));
            }
            Err(TryLockError::Error(error)) => {
                return Err(io_error("cannot lock the lock file", path, &error));
            }
        }
        let is_first_copy = platform::lock_process_byte(&file)
            .map_err(|error| io_error("cannot lock the lock file", path, &error))?;
        if !is_first_copy {
            return Err(Error::new(
                ErrorCode::Unsupported,
                "another copy of Lodestore in this process has the database open; LMDB allows one \
                 per process: make sure that one version of the package is installed",
            )
            .with_path(path.display().to_string()));
        }
        Ok(Self { file: Mutex::new(Some(file)) })
    }

    /// Takes the lock exclusively, for as long as `work` runs; `BUSY` if another process has the
    /// database open, and still has after `patience`.
    pub fn exclusively<T>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut File) -> Result<T>,
    ) -> Result<T> {
        let mut file = self.file.lock();
        let Some(file) = file.as_mut() else {
            return Err(Error::new(ErrorCode::TxReadOnly, "the file system is read-only"));
        };
        match retry(patience, || file.try_lock()) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // A failed conversion may have dropped the shared lock.
                share(file)?;
                return Err(Error::new(
                    ErrorCode::Busy,
                    "another process has the database open; close it there first",
                ));
            }
            Err(TryLockError::Error(error)) => {
                return Err(
                    Error::new(ErrorCode::Io, "cannot lock the lock file").with_cause(error)
                );
            }
        }
        let result = work(file);
        share(file)?;
        result
    }

    /// Gives the locks up: the database is closed in this process.
    pub fn release(&self) {
        *self.file.lock() = None;
    }

    /// Whether there are locks to give up.
    pub fn is_held(&self) -> bool {
        self.file.lock().is_some()
    }

    /// Whether writes were left unsynced before the machine last started.
    pub fn was_left_unsynced(&self) -> Result<bool> {
        let mut file = self.file.lock();
        let Some(file) = file.as_mut() else { return Ok(false) };
        let mut content = String::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut content)).map_err(
            |error| Error::new(ErrorCode::Io, "cannot read the lock file").with_cause(error),
        )?;
        Ok(!content.is_empty() && Some(content.trim()) != platform::boot_id().as_deref())
    }

    /// Records, on disk, that unsynced writes follow.
    pub fn mark_unsynced(&self) -> Result<()> {
        let mut file = self.file.lock();
        let Some(file) = file.as_mut() else { return Ok(()) };
        replace(file, &platform::boot_id().unwrap_or_else(|| "unknown".to_owned()))
    }

    /// Records that everything is on disk, unless another process may still have unsynced writes.
    pub fn clear_unsynced(&self) -> Result<()> {
        match self.exclusively(Duration::ZERO, |file| replace(file, "")) {
            Err(error) if error.code() == ErrorCode::Busy => Ok(()),
            result => result,
        }
    }
}

fn share(file: &File) -> Result<()> {
    file.lock_shared()
        .map_err(|error| Error::new(ErrorCode::Io, "cannot lock the lock file").with_cause(error))
}

fn replace(file: &mut File, content: &str) -> Result<()> {
    file.set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| file.write_all(content.as_bytes()))
        .and_then(|()| file.sync_all())
        .map_err(|error| {
            let code = error.raw_os_error().map_or(ErrorCode::Io, errno_code);
            Error::new(code, "cannot write the lock file").with_cause(error)
        })
}

/// Tries to take a lock until it is free or `patience` has run out.
fn retry(
    patience: Duration,
    try_lock: impl Fn() -> Result<(), TryLockError>,
) -> Result<(), TryLockError> {
    let deadline = Instant::now() + patience;
    loop {
        match try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

fn is_refusal(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ReadOnlyFilesystem
            | std::io::ErrorKind::PermissionDenied
            | std::io::ErrorKind::NotFound
    )
}

/// An [`Error`] for a failed file operation.
pub(super) fn io_error(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let code = error.raw_os_error().map_or(ErrorCode::Io, super::lmdb::code::errno_code);
    Error::new(code, format!("{what}: {}", path.display()))
        .with_path(path.display().to_string())
        .with_cause(error)
}
