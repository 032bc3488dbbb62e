//! A small database with something of everything that the format has: the fixture of format 1.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

#[allow(dead_code, reason = "the engine tests use the rest")]
#[path = "../../../tests/support/scratch.rs"]
mod scratch;

pub use scratch::Scratch;

/// The data file.
pub const DATA: &[u8] = include_bytes!("../../../tests/fixtures/format-1/data.mdb");

/// Runs `f` on the database as it was made, in an environment of this thread: what is written there
/// must be aborted.
pub fn with<T>(f: impl FnOnce(&Scratch) -> T) -> T {
    thread_local!(static SCRATCH: OnceCell<Scratch> = const { OnceCell::new() });
    SCRATCH.with(|scratch| {
        f(scratch.get_or_init(|| {
            let directory = directory();
            fs::write(directory.path().join("data.mdb"), DATA).unwrap();
            let scratch = Scratch::open(directory);
            // The fuzzer ends its process without dropping anything. Open files need no names.
            #[cfg(unix)]
            fs::remove_dir_all(scratch.path()).unwrap();
            scratch
        }))
    })
}

/// A temporary directory, in memory where the system has a place for that.
pub fn directory() -> TempDir {
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir() {
        return tempfile::tempdir_in(shared_memory).unwrap();
    }
    tempfile::tempdir().unwrap()
}
