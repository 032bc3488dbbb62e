//! Bringing a data file up to its journal, when it is opened by the first one.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::file::{Header, JournalFile, RECORDS, behind, journal_id, set_journal_id};
use super::record::{ALIGNMENT, Pages, Record};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::data_file;
use crate::storage::lmdb::{META_LENGTH, TXN_ID, meta_field, set_meta};
use crate::storage::lock_file::io_error;
use crate::storage::options::Layout;
use crate::storage::platform;

/// If the database was not closed, writes what the journal has to the data file, which then is as
/// the last commit left it that is in the journal, on disk. The caller is alone with the database.
///
/// A data file whose journal is not there was copied without it: it is taken as it is if each of
/// its pages is sound.
///
/// # Errors
/// `CORRUPT`; `PERMISSION` if the files cannot be written to; `DISK_FULL`, `IO`.
pub(in crate::storage) fn recover(layout: &Layout) -> Result<()> {
    let path = layout.data();
    let failed = |error: io::Error| io_error("cannot recover the data file", &path, &error);
    let id = match File::open(&path) {
        Ok(data) => journal_id(&data).map_err(failed)?,
        // What is wrong with it is told by those who need it.
        Err(_) => 0,
    };
    if id == 0 {
        return Ok(());
    }
    let data = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| {
        let what = "the database was not closed, and is recovered when it is opened: that needs \
                    permission to write";
        io_error(what, &path, &error)
    })?;
    let journal = JournalFile::create(layout).map_err(failed)?;
    match journal.header(id).map_err(failed)? {
        Some(header) => {
            let state = replay(&journal, &header, &path)?;
            let txn_id = meta_field(&state.meta, TXN_ID);
            let last_page = data_file::last_page_of(&state.meta, txn_id % 2, &path)
                .map_err(|cause| damaged(&path).with_cause(&cause))?;
            write(&data, header.page_size, &state, last_page).map_err(failed)?;
        }
        None => {
            data_file::check(&path)?;
            data_file::check_before_mapping(&path)?;
        }
    }
    data.sync_data().map_err(failed)?;
    set_journal_id(&data, 0).map_err(failed)?;
    journal.shorten().map_err(failed)
}

/// A state of the data file.
struct State {
    meta: [u8; META_LENGTH],
    /// The pages that it has and the data file perhaps not.
    pages: Pages,
}

/// Reads the records in the order in which they were written.
fn replay(journal: &JournalFile, header: &Header, path: &Path) -> Result<State> {
    let bytes =
        journal.read().map_err(|error| io_error("cannot read the journal of", path, &error))?;
    let record = |at: u64| {
        let bytes = bytes.get(usize::try_from(at).ok()?..)?;
        Record::find(bytes, header.id, header.generation)
    };
    let mut state = State { meta: header.meta, pages: Pages::new(header.page_size) };
    let (mut at, mut last) = (RECORDS, header.base);
    while let Some(record) =
        record(at).filter(|record| record.head.txn_id.checked_sub(1) == Some(last))
    {
        record.apply(&mut state.pages).ok_or_else(|| damaged(path))?;
        state.meta = *record.meta;
        last = record.head.txn_id;
        at = behind(at, record.length);
    }
    // Behind the last record there may be parts of later ones, which nobody was told of: they say
    // up to where everything was on disk.
    let mut rest = (at..bytes.len() as u64).step_by(ALIGNMENT as usize).filter_map(record);
    if rest.any(|record| record.head.synced > last) || meta_field(&state.meta, TXN_ID) != last {
        return Err(damaged(path));
    }
    Ok(state)
}

fn write(data: &File, page_size: usize, state: &State, last_page: u64) -> io::Result<()> {
    let page_size = page_size as u64;
    let mut pages: Vec<_> = state.pages.content.iter().collect();
    pages.sort_unstable_by_key(|(number, _)| **number);
    // Pages that were used and are beyond the end now are in no tree.
    for (number, page) in pages.into_iter().filter(|(number, _)| **number <= last_page) {
        platform::write_all_at(data, page, number * page_size)?;
    }
    // The other meta page may be that of a commit that is not in the journal.
    let txn_id = meta_field(&state.meta, TXN_ID);
    for number in 0..2 {
        let mut meta = state.meta;
        let is_own = number == txn_id % 2;
        set_meta(&mut meta, number, if is_own { txn_id } else { txn_id.saturating_sub(1) });
        platform::write_all_at(data, &meta, number * page_size)?;
    }
    Ok(())
}

fn damaged(path: &Path) -> Error {
    Error::new(
        ErrorCode::Corrupt,
        format!(
            "the journal of the data file is damaged, and commits are lost that were on disk; \
             restore a backup, or keep a copy and run repair: {}",
            path.display()
        ),
    )
    .with_path(path.display().to_string())
}
