//! Windows.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::windows::fs::FileExt;
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

/// The path of a directory without links and relative parts, and without the `\\?\` before a drive
/// letter: LMDB appends file names with a slash, which is none behind that prefix.
pub fn canonicalize(path: &Path) -> io::Result<PathBuf> {
    let verbatim = std::fs::canonicalize(path)?;
    let plain = verbatim.to_str().and_then(|text| text.strip_prefix(r"\\?\"));
    let plain = plain.filter(|text| text.as_bytes().get(1) == Some(&b':')).map(PathBuf::from);
    Ok(plain.unwrap_or(verbatim))
}

/// Whether a file that is open, and was at a path, was removed from there. One that has taken its
/// place is taken for it.
pub fn is_removed(_file: &File, path: &Path) -> io::Result<bool> {
    path.try_exists().map(|exists| !exists)
}

/// What a process locks while it tries to have the database of a lock file for itself: a file of
/// its own, since directories cannot be locked.
pub fn open_turn(lock_file: &Path) -> io::Result<File> {
    open_private_file(&lock_file.with_extension("turn"))
}

/// Where the marker of unsynced writes stands: beside the lock file, which nobody can write to
/// while it is locked.
pub fn open_marker(_lock_file: &File, path: &Path) -> io::Result<File> {
    open_private_file(&path.with_extension("unsynced"))
}

/// Directories cannot be synced; NTFS journals their entries.
pub fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// How many bytes can still be written to the file system of a directory.
pub fn free_bytes(directory: &Path) -> io::Result<u64> {
    use std::os::windows::ffi::OsStrExt;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetDiskFreeSpaceExW(
            directory: *const u16,
            available: *mut u64,
            total: *mut u64,
            free: *mut u64,
        ) -> i32;
    }
    let path: Vec<u16> = directory.as_os_str().encode_wide().chain(Some(0)).collect();
    let mut available = 0;
    // SAFETY: a path that ends with a zero, and a place for one of the answers; the others are not
    // asked for.
    let found = unsafe {
        let none = std::ptr::null_mut();
        GetDiskFreeSpaceExW(path.as_ptr(), &mut available, none, none)
    };
    if found == 0 { Err(io::Error::last_os_error()) } else { Ok(available) }
}

/// There is no limit.
pub fn largest_file() -> u64 {
    u64::MAX
}

/// Found out by trying.
pub fn can_reserve(_size: usize) -> bool {
    true
}

/// Files are allocated when they are mapped.
pub fn allocate(_path: &Path, _length: u64) -> io::Result<()> {
    Ok(())
}

/// Copies of the library in one process are not told apart here.
pub fn lock_process_byte(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// There is none to give up.
pub fn unlock_process_byte(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Nobody can be told here.
pub fn want(_file: &File, _wants: bool) -> io::Result<()> {
    Ok(())
}

/// Not known here.
pub fn is_wanted(_file: &File) -> bool {
    true
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

/// Not asked for on Windows: no reader is told from others by its thread.
pub fn current_thread() -> usize {
    0
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

/// There is no such limit on Windows.
pub fn survive_file_size_limit() {}

/// As on Linux; Windows knows no such wish.
pub fn prefer_short_slices() {}

/// Reads from a place of a file, as much as the system gives at once.
pub(super) fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    file.seek_read(out, at)
}

/// Writes bytes at a place of a file.
pub fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.seek_write(rest, at + written as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Not done on this system.
pub fn punch_hole(_file: &File, _part: Range<u64>) -> io::Result<()> {
    Ok(())
}

/// Not asked for on this system.
pub fn room_of(_metadata: &Metadata) -> Option<u64> {
    None
}
