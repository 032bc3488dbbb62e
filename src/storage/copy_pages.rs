//! A copy of a snapshot page by page: the copy has the same pages in the same places, free ones,
//! too.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::care::Care;
use super::data_file::meta_page_of;
use super::environment::Environment;
use super::lmdb::{META_LENGTH, set_meta};
use super::lock_file::io_error;
use super::options::Layout;
use super::platform;
use super::snapshot::Snapshot;
use crate::error::Result;
use crate::fault;

/// Bytes that are read and written at once.
const CHUNK: usize = 1 << 20;

/// Copies the pages of a snapshot to a new data file in `target`, which is synced. False, with
/// nothing copied, if the meta page that names them has been replaced since the snapshot was taken.
///
/// Pages that are free in the snapshot may be written to meanwhile: nothing reads them.
///
/// # Errors
/// `ABORTED`, `DISK_FULL`, `PERMISSION`, `IO`; `CORRUPT` if the meta pages cannot be read.
pub(super) fn copy_pages(
    environment: &Environment,
    snapshot: &Snapshot,
    target: &Path,
    phase: &str,
    care: &dyn Care,
) -> Result<bool> {
    let path = environment.layout.data();
    let Some(meta) = meta_page_of(&path, snapshot.txn_id())? else { return Ok(false) };
    let reading = |error: std::io::Error| io_error("cannot read the data file", &path, &error);
    let mut source = File::open(&path).map_err(reading)?;
    let copy = Layout { directory: target.to_owned() }.data();
    let writing = |error: std::io::Error| io_error("cannot write the copy", &copy, &error);
    let mut out = platform::open_private_file(&copy).map_err(writing)?;
    let page_size = meta.bytes.len() as u64;
    let head = page_size * 2;
    let end = (meta.last_page + 1) * page_size;
    out.set_len(end).map_err(writing)?;
    source.seek(SeekFrom::Start(head)).map_err(reading)?;
    out.seek(SeekFrom::Start(head)).map_err(writing)?;
    let mut buffer = vec![0; CHUNK];
    let mut at = head;
    while at < end {
        care.check_cancelled()?;
        let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = source.read(part).map_err(reading)?;
        if read == 0 {
            // Pages at the end that are free need never have been written.
            break;
        }
        out.write_all(part.get(..read).unwrap_or_default()).map_err(writing)?;
        at += read as u64;
        fault::point("backup-copy");
        care.progress(phase, at / page_size, end / page_size);
    }
    // The other meta page names no transaction, as in a new file.
    let own = snapshot.txn_id() % 2;
    for number in 0..2_u64 {
        let mut page = meta.bytes.clone();
        set_meta(&mut page, number, if number == own { snapshot.txn_id() } else { 0 });
        // The copy has no journal.
        page.get_mut(META_LENGTH..).unwrap_or_default().fill(0);
        out.seek(SeekFrom::Start(number * page_size)).map_err(writing)?;
        out.write_all(&page).map_err(writing)?;
    }
    out.sync_all().map_err(writing)?;
    platform::sync_directory(target)
        .map_err(|error| io_error("cannot sync the directory", target, &error))?;
    care.progress(phase, end / page_size, end / page_size);
    Ok(true)
}
