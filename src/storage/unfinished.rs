//! Directories beside a database to be, which take its name when they are complete: backups,
//! restored and repaired databases.
//!
//! `.<name>.<id>.unfinished` belongs to a process that holds the lock on the file of the same name
//! with `.lock` behind it. The file is there before the directory, and goes after it: a directory
//! without one, or with one that can be locked, was left behind by a process that was killed.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::lock_file::io_error;
use super::platform;
use crate::error::{Error, ErrorCode, Result};
use crate::fault;

const SUFFIX: &str = ".unfinished";
const LOCK_SUFFIX: &str = ".unfinished.lock";
/// Digits of the id.
const ID: usize = 32;

/// A directory beside the target, which becomes the target when it is complete, and is removed if
/// it never is.
pub(super) struct Unfinished {
    pub(super) path: PathBuf,
    parent: PathBuf,
    _lock: Lock,
}

impl Unfinished {
    /// Makes one, and removes those that processes have left behind which were killed.
    pub(super) fn create(target: &Path) -> Result<Self> {
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        create(&parent)?;
        remove_stale(&parent)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        loop {
            let unique = uuid::Uuid::new_v4().simple();
            let path = parent.join(format!(".{name}.{unique}{SUFFIX}"));
            // Another process that removes what is stale may have been faster.
            let Some(lock) = Lock::take(&path)? else { continue };
            let unfinished = Self { path, parent, _lock: lock };
            create(&unfinished.path)?;
            return Ok(unfinished);
        }
    }

    /// Gives it its name.
    pub(super) fn finish(self, target: &Path) -> Result<()> {
        sync(&self.path)?;
        fault::point("backup-copied");
        // Windows does not rename over an empty directory.
        match fs::remove_dir(target) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
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
        // After `finish` there is nothing here any more. A failure on the way has its own error,
        // and the next one that is made in this place tries again.
        drop(fs::remove_dir_all(&self.path));
    }
}

/// What says that a process is at work on a directory.
struct Lock {
    path: PathBuf,
    /// `None` on a file system without locks, where nobody can take one.
    _file: Option<File>,
}

impl Lock {
    /// Takes the lock of a directory that is about to be made; `None` if it was removed meanwhile.
    fn take(directory: &Path) -> Result<Option<Self>> {
        let path = lock_of(directory);
        let file = platform::open_private_file(&path)
            .map_err(|error| io_error("cannot create the lock file", &path, &error))?;
        let file = match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => None,
            Err(TryLockError::Error(error)) => {
                drop(fs::remove_file(&path));
                return Err(io_error("cannot lock the lock file", &path, &error));
            }
        };
        // Names are not used again: what is there is what was locked.
        Ok(path.exists().then_some(Self { path, _file: file }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Left behind, it is removed with what else is.
        drop(fs::remove_file(&self.path));
    }
}

fn lock_of(directory: &Path) -> PathBuf {
    let mut path = directory.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn has_no_locks(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported
        || cfg!(unix) && error.raw_os_error() == Some(libc::ENOLCK)
}

/// Removes what was left behind in a directory.
fn remove_stale(parent: &Path) -> Result<()> {
    let entries = fs::read_dir(parent)
        .map_err(|error| io_error("cannot read the directory", parent, &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(directory) = name.to_str().and_then(directory_of) else { continue };
        // What cannot be removed does not concern what is about to be made.
        drop(remove_if_stale(&parent.join(directory)));
    }
    Ok(())
}

/// The name of the directory that an entry is, or is the lock of.
fn directory_of(entry: &str) -> Option<&str> {
    let directory = match entry.ends_with(LOCK_SUFFIX) {
        true => entry.strip_suffix(".lock")?,
        false => entry,
    };
    let (_, id) = directory.strip_prefix('.')?.strip_suffix(SUFFIX)?.rsplit_once('.')?;
    let is_id = id.len() == ID && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then_some(directory)
}

fn remove_if_stale(directory: &Path) -> std::io::Result<()> {
    let path = lock_of(directory);
    let lock = match fs::OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Some(file),
            Err(_) => return Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match lock {
        Some(_) => fs::remove_file(&path),
        None => Ok(()),
    }
}

/// Refuses a target at which there is something.
pub(super) fn refuse_existing(target: &Path) -> Result<()> {
    let is_free = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(_) => false,
    };
    if is_free {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::DatabaseExists,
        format!(
            "this needs a new or empty directory, and there is something: {}",
            target.display()
        ),
    )
    .with_path(target.display().to_string()))
}

/// Makes a directory, and those above it.
pub(super) fn create(path: &Path) -> Result<()> {
    platform::create_private_directory(path)
        .map_err(|error| io_error("cannot create the directory", path, &error))
}

/// Writes a directory's entries to disk.
pub(super) fn sync(path: &Path) -> Result<()> {
    platform::sync_directory(path)
        .map_err(|error| io_error("cannot sync the directory", path, &error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_left_behind_goes_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let stale = format!(".copy.{ID}.unfinished");
        for name in [&stale, &format!(".no.lock.{ID}.unfinished")] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("data.mdb"), "plain").unwrap();
        }
        fs::write(path(&format!("{stale}.lock")), "").unwrap();
        fs::write(path(&format!(".gone.{ID}.unfinished.lock")), "").unwrap();
        let others = [
            format!("copy.{ID}.unfinished"),
            format!(".{ID}.unfinished.old"),
            ".copy.0123.unfinished".to_owned(),
            ".unfinished".to_owned(),
        ];
        others.iter().for_each(|name| fs::create_dir(path(name)).unwrap());
        // One that is at work, as another process would be.
        let working = Unfinished::create(&path("working")).unwrap();
        fs::write(working.path.join("data.mdb"), "half").unwrap();
        let mut expected: Vec<_> = others.to_vec();
        let own = working.path.file_name().unwrap().to_str().unwrap().to_owned();
        expected.extend([format!("{own}.lock"), own]);
        expected.sort();
        assert_eq!(names(directory.path()), expected);

        let second = Unfinished::create(&path("second")).unwrap();
        assert!(working.path.join("data.mdb").is_file());
        second.finish(&path("second")).unwrap();
        working.finish(&path("working")).unwrap();
        let mut expected: Vec<_> = others.to_vec();
        expected.extend(["second".to_owned(), "working".to_owned()]);
        expected.sort();
        assert_eq!(names(directory.path()), expected);
        assert!(path("working").join("data.mdb").is_file());
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        drop(Unfinished::create(&directory.path().join("copy")).unwrap());
        assert!(names(directory.path()).is_empty());
    }
}
