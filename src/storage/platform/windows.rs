//! Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What makes two paths the same directory.
pub type Identity = PathBuf;

/// The identity of a directory: its canonical path.
pub fn identity(directory: &Path) -> io::Result<Identity> {
    std::fs::canonicalize(directory)
}

/// Creates a directory and its parents; access is inherited.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Opens a file for reading and writing, creating it; access is inherited.
pub fn open_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Directories cannot be synced; NTFS journals their entries.
pub fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Files are allocated when they are mapped.
pub fn allocate(_path: &Path, _length: u64) -> io::Result<()> {
    Ok(())
}

/// Copies of the library in one process are not told apart here.
pub fn lock_process_byte(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// A path on another host, if it is written as one.
pub fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    use std::path::{Component, Prefix};
    let path = std::fs::canonicalize(path)?;
    Ok(match path.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::UNC(..) | Prefix::VerbatimUNC(..) => Some("SMB"),
            _ => None,
        },
        _ => None,
    })
}

/// Not known on Windows.
pub fn boot_id() -> Option<String> {
    None
}

/// Assumed: stale temporary directories are only removed where this is known.
pub fn process_is_alive(_pid: u32) -> bool {
    true
}

/// There is no `fork` on Windows.
pub fn is_forked() -> bool {
    false
}

/// There is no `fork` on Windows.
pub fn watch_forks() {}
