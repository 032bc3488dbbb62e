//! Bringing a data file up to its journal, when it is opened by the first one.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::file::{Header, JournalFile, RECORDS, behind, journal_id, set_journal_id};
use super::record::{ALIGNMENT, Content, Pages, Record};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::data_file;
use crate::storage::lmdb::{META_LENGTH, TXN_ID, meta_field, set_meta};
use crate::storage::lock_file::{UNFINISHED, io_error};
use crate::storage::options::Layout;
use crate::storage::platform;

/// If the database was not closed, writes what the journal has to the data file, which then is as
/// the last commit left it that is in the journal, on disk. The caller is alone with the database.
///
/// A data file whose journal is not there was copied without it: it is taken as it is if each of
/// its pages is sound.
///
/// True if the journal still counts, since it has changes of a transaction that was not committed:
/// they are to be made in the data file before anybody else looks at it, see [`unfinished`].
///
/// # Errors
/// `CORRUPT`; `PERMISSION` if the files cannot be written to; `DISK_FULL`, `IO`.
pub(in crate::storage) fn recover(layout: &Layout) -> Result<bool> {
    let path = layout.data();
    let failed = |error: io::Error| io_error("cannot recover the data file", &path, &error);
    let id = id_of(&path).map_err(failed)?;
    if id == 0 {
        return Ok(false);
    }
    let data = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|error| io_error(UNFINISHED, &path, &error))?;
    let journal = JournalFile::create(layout).map_err(failed)?;
    let mut has_changes = false;
    match journal.header(id).map_err(failed)? {
        Some(header) => {
            let state = replay(&journal, &header, &path)?;
            let txn_id = meta_field(&state.meta, TXN_ID);
            let last_page = data_file::last_page_of(&state.meta, txn_id % 2, &path)
                .map_err(|cause| damaged(&path).with_cause(&cause))?;
            write(&data, header.page_size, &state, last_page).map_err(failed)?;
            has_changes = !state.changes.is_empty();
        }
        None => {
            data_file::check(&path)?;
            data_file::check_before_mapping(&path)?;
        }
    }
    data.sync_data().map_err(failed)?;
    if !has_changes {
        set_journal_id(&data, 0).map_err(failed)?;
        journal.shorten().map_err(failed)?;
    }
    Ok(has_changes)
}

fn id_of(path: &Path) -> io::Result<u64> {
    match File::open(path) {
        Ok(data) => journal_id(&data),
        // What is wrong with it is told by those who need it.
        Err(_) => Ok(0),
    }
}

/// A transaction that was acknowledged, or a part of it, and not committed.
pub(in crate::storage) struct Unfinished {
    /// The transaction.
    pub(in crate::storage) txn_id: u64,
    /// What it has changed, in order: what it is bound to if it is sealed, and the changes.
    pub(in crate::storage) changes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What has to be done behind [`recover`], if anything: the changes are made and committed, on
/// disk, and then the journal does not count any more ([`forget`]).
///
/// # Errors
/// `IO`.
pub(in crate::storage) fn unfinished(layout: &Layout) -> Result<Option<Unfinished>> {
    let path = layout.data();
    let failed = |error: io::Error| io_error("cannot read the journal of", &path, &error);
    let id = id_of(&path).map_err(failed)?;
    if id == 0 {
        return Ok(None);
    }
    let journal = JournalFile::create(layout).map_err(failed)?;
    let Some(header) = journal.header(id).map_err(failed)? else { return Ok(None) };
    let State { meta, changes, .. } = replay(&journal, &header, &path)?;
    let txn_id = meta_field(&meta, TXN_ID) + 1;
    Ok((!changes.is_empty()).then_some(Unfinished { txn_id, changes }))
}

/// From now on the journal does not count. What it had is in the data file, on disk.
///
/// # Errors
/// `IO`.
pub(in crate::storage) fn forget(layout: &Layout) -> Result<()> {
    let path = layout.data();
    let forget = || {
        let data = OpenOptions::new().read(true).write(true).open(&path)?;
        set_journal_id(&data, 0)?;
        JournalFile::create(layout)?.shorten()
    };
    forget().map_err(|error| io_error("cannot end the journal of", &path, &error))
}

/// A state of the data file.
struct State {
    meta: [u8; META_LENGTH],
    /// The pages that it has and the data file perhaps not.
    pages: Pages,
    /// What the next transaction has changed.
    changes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Reads the records in the order in which they were written.
fn replay(journal: &JournalFile, header: &Header, path: &Path) -> Result<State> {
    let bytes =
        journal.read().map_err(|error| io_error("cannot read the journal of", path, &error))?;
    let record = |at: u64| {
        let bytes = bytes.get(usize::try_from(at).ok()?..)?;
        Record::find(bytes, header.id, header.generation)
    };
    let pages = Pages::new(header.page_size);
    let mut state = State { meta: header.meta, pages, changes: Vec::new() };
    let (mut at, mut last) = (RECORDS, header.base);
    while let Some(record) =
        record(at).filter(|record| record.head.txn_id.checked_sub(1) == Some(last))
    {
        match record.content {
            Content::Pages(pages) => {
                pages.apply(&mut state.pages).ok_or_else(|| damaged(path))?;
                state.meta = *pages.meta;
                state.changes.clear();
                last = record.head.txn_id;
            }
            Content::Changes(number, changes) if number == state.changes.len() as u64 => {
                state.changes.push((record.head.associated(number), changes.to_vec()));
            }
            Content::Changes(..) => break,
        }
        at = behind(at, record.length);
    }
    // Behind the last record there may be parts of later ones, which nobody was told of: they say
    // up to where everything was on disk.
    let mut rest = (at..bytes.len() as u64).step_by(ALIGNMENT as usize).filter_map(record);
    if rest.any(|record| record.head.synced > last || record.head.durable > at)
        || meta_field(&state.meta, TXN_ID) != last
    {
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
