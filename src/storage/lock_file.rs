//! `lodestore.lock`: who has the database open, and whether its last writes were synced.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::lmdb::code::{NO_RESOURCES, errno_code};
use super::platform;
use crate::error::{Error, ErrorCode, Result};

/// How long an open waits for a process that has the database to itself: one that closes it does so
/// for a moment.
const SHARED_PATIENCE: Duration = Duration::from_secs(2);
/// How long work that needs the database for itself waits for processes that are about to close it.
pub(super) const EXCLUSIVE_PATIENCE: Duration = Duration::from_secs(1);

/// Why a database that was not closed cannot be opened by who may not write.
pub(super) const UNFINISHED: &str = "the database was not closed, and is recovered when it is \
                                     opened: that needs permission to write";

/// A boot id is shorter, in bytes.
const MAX_MARKER: u64 = 256;

/// The lock file, held shared while the database is open.
///
/// Its content is empty, or the boot id under which unsynced writes (durability `none`) began.
pub struct LockFile {
    path: PathBuf,
    /// `None` on a read-only file system, and after [`release`](Self::release).
    file: Mutex<Option<File>>,
    /// The turn, for as long as nobody else may open the database since it is not prepared yet.
    turn: Mutex<Option<Turn>>,
}

/// Who holds it is the only one to open the database, or to try to have it for itself.
pub struct Turn(File);

impl Turn {
    fn take(path: &Path) -> std::io::Result<Self> {
        platform::open_turn(path).map(Self)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        self.0.try_lock()
    }

    /// Waits for it, and says so meanwhile by the lock file.
    fn lock(&self, file: &File, patience: Duration) -> Result<(), TryLockError> {
        match self.try_lock() {
            Err(TryLockError::WouldBlock) if !patience.is_zero() => {}
            result => return result,
        }
        // Who has the turn cannot ask where this cannot be said, and gives it up now and then.
        let is_said = platform::want(file, true).is_ok();
        let locked = retry(patience, || self.try_lock());
        if is_said {
            platform::want(file, false).map_err(TryLockError::Error)?;
        }
        locked
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // In a forked child it is the parent's. A child that is about to start a program has a copy
        // of the descriptor, so closing it is not enough; it does the same if this fails.
        if !platform::is_forked() {
            drop(self.0.unlock());
        }
    }
}

impl LockFile {
    /// Opens the file and takes the shared lock, after `prepare` if nobody else has it: then the
    /// database is opened by nobody else meanwhile, and until [`set_prepared`](Self::set_prepared)
    /// is called if it says that there is more to do. On a read-only file system there is no lock,
    /// and none is needed.
    ///
    /// # Errors
    /// `BUSY`; `DATABASE_NOT_FOUND` if the file was removed meanwhile; `UNSUPPORTED` if another
    /// copy of the library has the database open; `PERMISSION`, `IO`; those of `prepare`.
    pub fn open(
        path: &Path,
        read_only: bool,
        prepare: impl FnOnce() -> Result<bool>,
    ) -> Result<Self> {
        let file = match platform::open_private_file(path) {
            Ok(file) => file,
            Err(error) if read_only && is_refusal(&error) => match File::open(path) {
                Ok(file) => file,
                Err(_) => {
                    if prepare()? {
                        return Err(io_error(UNFINISHED, path, &error));
                    }
                    return Ok(Self {
                        path: path.to_owned(),
                        file: Mutex::new(None),
                        turn: Mutex::new(None),
                    });
                }
            },
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(removed(path)),
            Err(error) if is_refusal(&error) => {
                let what = "no permission to write here; open the database with mode 'readOnly' \
                            if reading is enough";
                return Err(io_error(what, path, &error));
            }
            Err(error) => return Err(io_error("cannot open the lock file", path, &error)),
        };
        let lock = |error| match error {
            TryLockError::WouldBlock => Error::new(
                ErrorCode::Busy,
                "another process is opening this database, or replacing its files (compact or \
                 restore), or was stopped while it wrote; try again when it has finished",
            )
            .with_path(path.display().to_string()),
            TryLockError::Error(error) => io_error("cannot lock the lock file", path, &error),
        };
        // Whoever has the shared lock has prepared the database, or has found it in use.
        let turn = match Turn::take(path) {
            Ok(turn) => Some(turn),
            // Who may not write to the directory recovers nothing.
            Err(error) if read_only && is_refusal(&error) => None,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(removed(path)),
            Err(error) => return Err(io_error("cannot lock the directory of", path, &error)),
        };
        if let Some(turn) = &turn {
            turn.lock(&file, SHARED_PATIENCE).map_err(lock)?;
            // Who removes a database has the turn. From now on nobody has.
            let is_removed = platform::is_removed(&file, path)
                .map_err(|error| io_error("cannot look at the lock file", path, &error))?;
            if is_removed {
                return Err(removed(path));
            }
        }
        let mut is_unfinished = false;
        match file.try_lock() {
            Ok(()) => {
                is_unfinished = prepare()?;
                if is_unfinished && turn.is_none() {
                    let error = ErrorKind::PermissionDenied.into();
                    return Err(io_error(UNFINISHED, path, &error));
                }
                file.unlock().map_err(not_lockable)?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(error) => return Err(lock(error)),
        }
        retry(SHARED_PATIENCE, || file.try_lock_shared()).map_err(lock)?;
        let turn = turn.filter(|_| is_unfinished);
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
        Ok(Self { path: path.to_owned(), file: Mutex::new(Some(file)), turn: Mutex::new(turn) })
    }

    /// Whether `prepare` has left more to be done, and nobody else may open the database meanwhile.
    pub fn is_unprepared(&self) -> bool {
        self.turn.lock().is_some()
    }

    /// What `prepare` has left to be done is done: others may open the database.
    pub fn set_prepared(&self) {
        self.turn.lock().take();
    }

    /// The turn, if no other process has the database open; then none can open it while it is held.
    /// Never waits.
    ///
    /// # Errors
    /// `IO` if the shared lock is lost.
    pub fn alone(&self) -> Result<Option<Turn>> {
        let file = self.file.lock();
        let Some(file) = file.as_ref() else { return Ok(None) };
        let Ok(turn) = Turn::take(&self.path) else { return Ok(None) };
        if turn.try_lock().is_err() || file.unlock().is_err() {
            return Ok(None);
        }
        let is_alone = file.try_lock().is_ok();
        if is_alone {
            file.unlock().map_err(not_lockable)?;
        }
        file.lock_shared().map_err(not_lockable)?;
        Ok(is_alone.then_some(turn))
    }

    /// Whether another process waits for the turn, or may do so unnoticed.
    pub fn is_turn_wanted(&self) -> bool {
        self.file.lock().as_ref().is_none_or(platform::is_wanted)
    }

    /// Takes the lock exclusively, for as long as `work` runs; `BUSY` if another process has the
    /// database open, and still has after `patience`.
    ///
    /// A shared lock cannot be made exclusive in one step: it is given up first. Only one process
    /// at a time may try, lest one that has the database open is taken for one that has not.
    pub fn exclusively<T>(
        &self,
        patience: Duration,
        work: impl FnOnce(&File) -> Result<T>,
    ) -> Result<T> {
        let file = self.file.lock();
        let Some(file) = file.as_ref() else {
            return Err(Error::new(ErrorCode::TxReadOnly, "the file system is read-only"));
        };
        let deadline = Instant::now() + patience;
        let turn = match self.is_unprepared() {
            true => None,
            false => {
                let turn = Turn::take(&self.path).map_err(|error| {
                    io_error("cannot lock the directory of", &self.path, &error)
                })?;
                turn.lock(file, patience).map_err(in_use)?;
                Some(turn)
            }
        };
        file.unlock().map_err(not_lockable)?;
        let rest = deadline.saturating_duration_since(Instant::now());
        let result = retry(rest, || file.try_lock()).map_err(in_use).and_then(|()| {
            let result = work(file);
            file.unlock().map_err(not_lockable)?;
            result
        });
        file.lock_shared().map_err(not_lockable)?;
        drop(turn);
        result
    }

    /// Gives the locks up: the database is closed in this process.
    pub fn release(&self) {
        if let Some(file) = self.file.lock().take() {
            // Explicitly: a child that is about to start a program has a copy of the descriptor,
            // and would keep the locks for a moment. Closing it does the same if this fails.
            drop((platform::unlock_process_byte(&file), file.unlock()));
        }
    }

    /// Whether there are locks to give up.
    pub fn is_held(&self) -> bool {
        self.file.lock().is_some()
    }

    /// Whether writes were left unsynced before the machine last started.
    pub fn was_left_unsynced(&self) -> Result<bool> {
        let file = self.file.lock();
        let Some(file) = file.as_ref() else { return Ok(false) };
        let mut content = Vec::new();
        let read = platform::open_marker(file, &self.path).and_then(|mut marker| {
            marker.seek(SeekFrom::Start(0))?;
            marker.take(MAX_MARKER).read_to_end(&mut content)
        });
        match read {
            Err(error) if !is_refusal(&error) => {
                Err(io_error("cannot read the lock file", &self.path, &error))
            }
            _ => Ok(tells_of_unsynced_writes(&content, platform::boot_id().as_deref())),
        }
    }

    /// Records, on disk, that unsynced writes follow.
    pub fn mark_unsynced(&self) -> Result<()> {
        let file = self.file.lock();
        let Some(file) = file.as_ref() else { return Ok(()) };
        let boot_id = platform::boot_id().unwrap_or_else(|| "unknown".to_owned());
        self.replace_marker(file, &boot_id)?;
        // The file may be new, beside a data file that was restored.
        match self.path.parent() {
            Some(directory) => platform::sync_directory(directory)
                .map_err(|error| io_error("cannot sync the directory", directory, &error)),
            None => Ok(()),
        }
    }

    /// Records that everything is on disk, unless another process may still have unsynced writes,
    /// or `is_unsynced` says that this one has.
    pub fn clear_unsynced(&self, is_unsynced: impl Fn() -> bool) -> Result<()> {
        let cleared = self.exclusively(Duration::ZERO, |file| {
            if is_unsynced() { Ok(()) } else { self.replace_marker(file, "") }
        });
        match cleared {
            Err(error) if error.code() == ErrorCode::Busy => Ok(()),
            result => result,
        }
    }

    pub(super) fn replace_marker(&self, file: &File, content: &str) -> Result<()> {
        platform::open_marker(file, &self.path)
            .and_then(|mut marker| {
                marker.set_len(0)?;
                marker.seek(SeekFrom::Start(0))?;
                marker.write_all(content.as_bytes())?;
                marker.sync_all()
            })
            .map_err(|error| io_error("cannot write the lock file", &self.path, &error))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // In a forked child the locks are the parent's.
        if !platform::is_forked() {
            self.release();
        }
    }
}

/// Whether the content of a lock file says that writes were left unsynced before the machine last
/// started, as `boot_id`. What nobody wrote says so too: a check too many does no harm.
pub fn tells_of_unsynced_writes(content: &[u8], boot_id: Option<&str>) -> bool {
    let marker = content.trim_ascii();
    !content.is_empty() && boot_id.is_none_or(|boot_id| boot_id.as_bytes() != marker)
}

fn removed(path: &Path) -> Error {
    Error::new(
        ErrorCode::DatabaseNotFound,
        "the database was removed while it was being opened, or deleted",
    )
    .with_path(path.display().to_string())
}

fn not_lockable(error: std::io::Error) -> Error {
    Error::new(ErrorCode::Io, "cannot lock the lock file").with_cause(error)
}

fn in_use(error: TryLockError) -> Error {
    match error {
        TryLockError::WouldBlock => Error::new(
            ErrorCode::Busy,
            "another process has the database open; close it there first",
        ),
        TryLockError::Error(error) => not_lockable(error),
    }
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
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied | ErrorKind::NotFound
    )
}

/// An [`Error`] for a failed file operation.
pub(super) fn io_error(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let code = error.raw_os_error().map_or(ErrorCode::Io, errno_code);
    let message = match code {
        ErrorCode::ResourceLimit => format!("{what}; {NO_RESOURCES}: {}", path.display()),
        _ => format!("{what}: {}", path.display()),
    };
    Error::new(code, message).with_path(path.display().to_string()).with_cause(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_not_prepared_is_not_read_without_a_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("none").join("lodestore.lock");
        assert!(!LockFile::open(&path, true, || Ok(false)).unwrap().is_held());
        let error = LockFile::open(&path, true, || Ok(true)).err().unwrap();
        assert!(error.message().contains("recovered"), "{error:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_waits_for_the_turn_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lodestore.lock");
        let lock = LockFile::open(&path, false, || Ok(false)).unwrap();
        let turn = lock.alone().unwrap().unwrap();
        assert!(!lock.is_turn_wanted());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| LockFile::open(&path, false, || Ok(false)));
            let deadline = Instant::now() + SHARED_PATIENCE;
            while !lock.is_turn_wanted() {
                assert!(Instant::now() < deadline && !waiting.is_finished());
                std::thread::yield_now();
            }
            drop(turn);
            // It has got as far as to see that it is in the same process.
            let error = waiting.join().unwrap().err().unwrap();
            assert_eq!(error.code(), ErrorCode::Unsupported);
        });
        assert!(!lock.is_turn_wanted());
    }

    #[test]
    fn what_is_removed_while_it_is_waited_for_is_not_opened() {
        for is_made_again in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let database = directory.path().join("database");
            std::fs::create_dir(&database).unwrap();
            let path = database.join("lodestore.lock");
            let lock = LockFile::open(&path, false, || Ok(false)).unwrap();
            let waits = || {
                let mut is_prepared = false;
                let prepare = || {
                    is_prepared = true;
                    Ok(false)
                };
                let error = LockFile::open(&path, false, prepare).err().unwrap();
                assert_eq!((error.code(), is_prepared), (ErrorCode::DatabaseNotFound, false));
            };
            std::thread::scope(|scope| {
                let removed = lock.exclusively(Duration::ZERO, |_| {
                    let waiting = scope.spawn(waits);
                    // It has opened the file, and waits for the turn.
                    std::thread::sleep(Duration::from_millis(200));
                    std::fs::remove_dir_all(&database).unwrap();
                    if is_made_again {
                        std::fs::create_dir(&database).unwrap();
                        std::fs::write(&path, "").unwrap();
                    }
                    Ok(waiting)
                });
                removed.unwrap().join().unwrap();
            });
        }
    }

    #[test]
    fn what_is_not_prepared_keeps_others_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lodestore.lock");
        let lock = LockFile::open(&path, false, || Ok(true)).unwrap();
        assert!(lock.is_unprepared());
        let turn = Turn::take(&path).unwrap();
        assert!(turn.try_lock().is_err());
        lock.exclusively(Duration::ZERO, |_| Ok(())).unwrap();
        assert!(turn.try_lock().is_err());
        lock.set_prepared();
        assert!(turn.try_lock().is_ok());
        drop(turn);
        let turn = lock.alone().unwrap();
        assert!(turn.is_some());
        assert!(lock.alone().unwrap().is_none());
        drop(turn);
        assert!(lock.alone().unwrap().is_some());
    }
}
