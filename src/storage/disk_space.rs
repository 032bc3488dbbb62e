//! Telling a full disk from a broken one.
//!
//! When a disk runs full in the middle of a write, the system writes a part and reports no error;
//! LMDB makes "input/output error" of that (`mdb_page_flush`). After a real error the state of the
//! page cache is unknown and the database must not go on; after a full disk nothing has happened.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::lmdb::Env;
use super::lmdb::code::errno_code;
use crate::error::{Error, ErrorCode};

/// More than what a file system may have kept back for a file that is open.
static PROBE: [u8; 64 << 10] = [0; 64 << 10];

/// What a failed commit means: `DISK_FULL` if it failed with an input/output error and nothing more
/// can be added to the data file.
pub(super) fn explain(error: Error, raw: &Env, data_file: &Path) -> Error {
    if error.code() != ErrorCode::Io {
        return error;
    }
    // Another process must not commit to the end of the file meanwhile. Without the lock nothing is
    // tried; then the error stays what it is.
    let Ok(_lock) = raw.write_txn() else { return error };
    if !is_full(data_file) {
        return error;
    }
    Error::new(
        ErrorCode::DiskFull,
        "the disk is full, or a size limit was reached; make room and try again",
    )
    .with_path(data_file.display().to_string())
}

/// Whether the database may go on after a commit that failed for want of space. `relaxed` says
/// whether meta pages may not be on disk that earlier commits have written.
///
/// What failed may have been the sync. That leaves pages that look written and are not; those of
/// the failed commit are never used, but a meta page of a relaxed commit before it would be one of
/// them. A later sync would not write it, and pages of the state that is on disk would be used
/// again. So the meta pages are written and synced once more.
pub(super) fn may_go_on(raw: &Env, data_file: &Path, relaxed: bool) -> bool {
    // LMDB refuses further transactions if it was the meta page that could not be written. The lock
    // keeps other processes from writing theirs.
    let Ok(_lock) = raw.write_txn() else { return false };
    !relaxed || renew_meta_pages(data_file, raw.page_size()).is_ok()
}

fn renew_meta_pages(data_file: &Path, page_size: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(data_file)?;
    let mut bytes = vec![0; 2 * page_size as usize];
    file.read_exact(&mut bytes)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    file.sync_data()
}

/// Tries to make the file longer, and shortens it again. What lies behind the pages that LMDB knows
/// of is free for that, while the caller holds LMDB's write lock.
fn is_full(data_file: &Path) -> bool {
    let probe = || {
        let mut file = OpenOptions::new().write(true).open(data_file)?;
        let length = file.seek(SeekFrom::End(0))?;
        let written = file.write_all(&PROBE).and_then(|()| file.sync_data());
        file.set_len(length)?;
        written
    };
    let failure: Option<std::io::Error> = probe().err();
    failure
        .and_then(|error| error.raw_os_error())
        .is_some_and(|errno| errno_code(errno) == ErrorCode::DiskFull)
}
