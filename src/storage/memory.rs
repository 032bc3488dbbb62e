//! Databases that vanish on close: private temporary directories, in shared memory where there is
//! some.

use std::path::{Path, PathBuf};

use super::lock_file::io_error;
use super::options::OpenMode;
use super::platform;
use crate::error::{Error, ErrorCode, Result};

const NAME: &str = ":memory:";
const PREFIX: &str = "lodestore-memory-";

/// Whether a path asks for a database in memory.
pub(super) fn is_memory(path: &Path) -> bool {
    path.as_os_str() == NAME
}

/// Creates the directory, after removing those that killed processes have left behind.
pub(super) fn create(mode: OpenMode) -> Result<PathBuf> {
    if matches!(mode, OpenMode::Open | OpenMode::ReadOnly) {
        return Err(Error::new(
            ErrorCode::DatabaseNotFound,
            "a ':memory:' database starts out empty; open it with mode 'openOrCreate' or 'create'",
        ));
    }
    let parent = parent();
    sweep(&parent);
    let name = format!("{PREFIX}{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
    let directory = parent.join(name);
    platform::create_private_directory(&directory)
        .map_err(|error| io_error("cannot create a temporary directory", &directory, &error))?;
    Ok(directory)
}

fn parent() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if cfg!(target_os = "linux") && shared.is_dir() {
        return shared.to_owned();
    }
    std::env::temp_dir()
}

/// Best effort: what cannot be removed now is tried again at the next use.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next())
            .and_then(|pid| pid.parse().ok());
        if pid.is_some_and(|pid| !platform::process_is_alive(pid)) {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}
