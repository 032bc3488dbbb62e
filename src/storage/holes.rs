//! Gives the room of free pages back to the file system when a database is closed.
//!
//! LMDB keeps the pages that commits give up for later ones. Those of the last two commits are
//! always among them, which after a load in batches is a quarter of the file. The file keeps its
//! length; what it has there are holes, which take no room on the disk and are filled when LMDB
//! uses the pages again. Before, what is at the end of the file is moved to the front, so that the
//! holes are few and long.

use std::cmp::Reverse;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::journal::journal_id;
use super::lmdb::{Dbi, Env, Keys, PutMode, RoTxn, Txn, first_key_of_leaf};
use super::sealed::RecordBlocks;
use super::{disk_space, lock_file, meta, platform};
use crate::error::{ErrorCode, Result};

/// Less room than this is not worth giving back, in bytes …
const LEAST: u64 = 1 << 20;
/// … nor is a smaller part of what the file takes.
const PART: u64 = 8;
/// How long a close may take for it. Each hole costs some 70 µs, and more on a busy disk; after a
/// load of 100,000 documents there are two thousand.
const LONGEST: Duration = Duration::from_millis(250);
/// How long what is at the end of the file is moved to the front before. LMDB takes free pages in
/// the order in which they were given up, so that some of what is moved comes to lie at the end
/// again, about as large a part as of the whole file: it is moved so many times, while there is
/// much.
const LONGEST_MOVE: Duration = Duration::from_millis(125);
const ROUNDS: usize = 4;
/// So many pages at the most, and not where a commit takes so long: how long one takes that has
/// many pages is known when it has ended.
const MOST_MOVED: usize = 4_096;
const LONGEST_COMMIT: Duration = Duration::from_millis(25);
const LEAST_MOVED: usize = 64;
/// One of so many pages more than are in use are left at the front: for branches that are written
/// with their leaves.
const SPARE: u64 = 64;
/// Pages at the beginning of the file that are never free.
const META_PAGES: u64 = 2;
/// Pages that are looked at together.
const TOGETHER: usize = 64;

/// Makes holes of free pages, the longest runs first, if there are many and nobody else has the
/// database open. The caller is the last one in this process, and has ended its transactions.
///
/// Which pages are free is looked at while nobody else can use them, and on the disk it has to be
/// so, too: other processes may have committed without a sync. It has to be so in the state before
/// the last one as well, which is what there is if the newest meta page is damaged. The list is
/// trusted as far as LMDB trusts it when something is written; what is opened only to be read and
/// mended keeps all that it has, and so does what a journal counts for.
///
/// # Errors
/// `IO` and the like if the data file cannot be looked at, committed to or synced.
pub(super) fn give_back(environment: &Environment) -> Result<()> {
    if environment.temporary.is_some() || !environment.was_written()? {
        return Ok(());
    }
    let raw = environment.raw()?;
    // LMDB's own file, whatever its path may name by now.
    let Some(file) = raw.data_file() else { return Ok(()) };
    let path = environment.layout.data();
    let failed = |error: io::Error| lock_file::io_error("cannot free room in", &path, &error);
    let Some(taken) = platform::room_of(&file.metadata().map_err(failed)?) else { return Ok(()) };
    let page_size = u64::from(raw.page_size());
    let in_use = |free: &[u64]| {
        let pages = raw.info().last_page as u64 + 1;
        pages.saturating_sub(free.len() as u64) * page_size
    };
    if taken.saturating_sub(in_use(&free_pages(&raw, u64::MAX)?)) < LEAST.max(taken / PART) {
        return Ok(());
    }
    let mut given_back = Ok(());
    let locked = environment.lock_file.exclusively(Duration::ZERO, |_| {
        given_back = environment.sync().and_then(|()| {
            // Others had the database open until a moment ago.
            if journal_id(&file).map_err(failed)? != 0 {
                return Ok(());
            }
            {
                let reader = RoTxn::begin(&raw)?;
                let Some(txn) = reader.get() else { return Ok(()) };
                // Records that are damaged: everything stays for who mends them.
                match Kept::of(environment, txn) {
                    Err(error) if error.code() == ErrorCode::Corrupt => return Ok(()),
                    kept => drop(kept?),
                }
            }
            let explained = |error| disk_space::explain(error, &raw, &path);
            let moved = move_to_front(environment, &raw).map_err(explained);
            if let Err(error) = moved {
                use ErrorCode::{Corrupt, DiskFull, MapFull, TxTooLarge};
                match error.code() {
                    Corrupt => return Ok(()),
                    // What cannot be moved now stays where it is.
                    DiskFull | MapFull | TxTooLarge => {}
                    _ => return Err(error),
                }
            }
            match commit_again(environment, &raw).map_err(explained) {
                // It is no time to write; the room stays taken.
                Err(error) if matches!(error.code(), ErrorCode::DiskFull | ErrorCode::MapFull) => {
                    return Ok(());
                }
                committed => committed?,
            }
            // Who has begun to read before the last commit reads pages that it does not use.
            let oldest = raw.readers()?.into_iter().filter_map(|reader| reader.txn_id).min();
            let before = oldest.map_or(u64::MAX, |oldest| oldest.saturating_add(1));
            let before = before.min(raw.info().last_txn_id);
            let runs = longest_first(&free_pages(&raw, before)?);
            let reader = RoTxn::begin(&raw)?;
            let Some(txn) = reader.get() else { return Ok(()) };
            let mut kept = Kept::of(environment, txn)?;
            let begun = Instant::now();
            let mut runs = runs.into_iter().take_while(|_| begun.elapsed() < LONGEST);
            // The first that cannot be given back ends it, as on a full disk: nothing is lost.
            drop(runs.try_for_each(|run| punch(&file, page_size, run, &mut kept)));
            Ok(())
        });
        Ok(())
    });
    // Somebody else has the database open, or its directory is gone: then the room stays taken.
    drop(locked);
    given_back
}

/// Moves what lies at the end of the file to free pages before it, so that most of what is free are
/// a few long runs, each of which takes no longer to give back than a single page. Whether it has
/// done so, or how far it has come, matters for nothing else.
fn move_to_front(environment: &Environment, raw: &Env) -> Result<()> {
    let begun = Instant::now();
    let goes_on = || begun.elapsed() < LONGEST_MOVE;
    // What the last commit has given up can be used by the one after the next one.
    commit_again(environment, raw)?;
    // Not what somebody still reads, nor what those who have died do not give back. And a disk that
    // takes long for little takes longer for much.
    raw.clear_stale_readers()?;
    let is_read = raw.readers()?.iter().any(|reader| reader.txn_id.is_some());
    if is_read || begun.elapsed() > LONGEST_COMMIT {
        return Ok(());
    }
    let end = raw.info().last_page;
    let mut left = MOST_MOVED;
    for _ in 0..ROUNDS {
        let in_use = raw.info().last_page as u64 + 1 - free_pages(raw, u64::MAX)?.len() as u64;
        let from = in_use + in_use / SPARE;
        let keys = keys_behind(environment, raw, from, &goes_on)?;
        let keys: Vec<_> = keys
            .iter()
            .flat_map(|(tree, keys)| keys.iter().map(|key| (*tree, key)))
            .take(left)
            .collect();
        if keys.is_empty() {
            break;
        }
        left -= keys.len();
        // The writer has ended: nobody else commits, or looks at the flags.
        raw.set_sync_flags(false, false)?;
        let mut txn = raw.write_txn()?;
        for (tree, key) in keys.iter().take_while(|_| goes_on()) {
            if let Some(value) = txn.get(*tree, key)?.map(<[u8]>::to_vec) {
                txn.put(*tree, key, &value, PutMode::Upsert)?;
            }
        }
        txn.commit()?;
        if keys.len() < LEAST_MOVED || !goes_on() || raw.info().last_page > end {
            break;
        }
    }
    Ok(())
}

/// The entries of each tree that are to be written again so that nothing is left from a page on;
/// none if it would take long to find them.
fn keys_behind(
    environment: &Environment,
    raw: &Env,
    from: u64,
    goes_on: &dyn Fn() -> bool,
) -> Result<Vec<(Dbi, Keys)>> {
    let reader = RoTxn::begin(raw)?;
    let Some(txn) = reader.get() else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for tree in environment.tables().all() {
        match txn.entries_behind(tree, from, goes_on)? {
            Some(keys) => all.push((tree, keys)),
            None => return Ok(Vec::new()),
        }
    }
    Ok(all)
}

/// Commits what there is once more: then the last two states are the same, and share all pages but
/// a few. The last commit may have given up as many pages as there are holes to make.
fn commit_again(environment: &Environment, raw: &Env) -> Result<()> {
    let records = environment.tables().places().clear;
    // The writer has ended: nobody else commits, or looks at the flags.
    raw.set_sync_flags(false, false)?;
    let mut txn = raw.write_txn()?;
    let first = txn.cursor(records)?.first()?.map(|(key, value)| (key.to_vec(), value.to_vec()));
    if let Some((key, value)) = first {
        txn.put(records, &key, &value, PutMode::Upsert)?;
    }
    Ok(txn.commit()?)
}

/// The pages in the lists of free pages of transactions before one, ascending; none if they cannot
/// all be free, which `verify` tells. Each list begins with how many there are.
fn free_pages(raw: &Env, before: u64) -> Result<Vec<u64>> {
    const WORD: usize = size_of::<usize>();
    let mut pages = Vec::new();
    let reader = RoTxn::begin(raw)?;
    let Some(txn) = reader.get() else { return Ok(pages) };
    let mut cursor = txn.cursor(Dbi::FREE_LIST)?;
    while let Some((given_up, list)) = cursor.next()? {
        let given_up = given_up.try_into().map_or(0, usize::from_ne_bytes);
        if given_up as u64 >= before {
            continue;
        }
        let (words, _) = list.as_chunks::<WORD>();
        let Some((count, words)) = words.split_first() else { continue };
        let count = usize::from_ne_bytes(*count);
        pages.extend(words.iter().take(count).map(|word| usize::from_ne_bytes(*word) as u64));
    }
    pages.sort_unstable();
    let within = META_PAGES..raw.info().last_page as u64 + 1;
    if !pages.iter().all(|page| within.contains(page)) || !pages.is_sorted_by(|a, b| a < b) {
        pages.clear();
    }
    Ok(pages)
}

/// Runs of pages that follow each other, up to [`TOGETHER`], the longest first.
fn longest_first(pages: &[u64]) -> Vec<Range<u64>> {
    let follows = |left: &u64, right: &u64| left + 1 == *right;
    let runs = pages.chunk_by(follows).flat_map(|run| run.chunks(TOGETHER));
    let ends = runs.filter_map(|run| Some(*run.first()?..*run.last()? + 1));
    let mut runs: Vec<_> = ends.collect();
    runs.sort_unstable_by_key(|run| Reverse(run.end - run.start));
    runs
}

/// The free pages that stay: should the records in use be damaged, `repair` finds in these what has
/// not changed since.
struct Kept<'e>(Option<RecordBlocks<'e>>);

impl<'e> Kept<'e> {
    fn of(environment: &'e Environment, txn: Txn<'e>) -> Result<Self> {
        let places = environment.tables().places();
        let blocks = environment.sealed().map(|store| RecordBlocks::of(store, txn, places));
        blocks.transpose().map(Self)
    }

    /// Whether a page is a leaf of records, or holds one that is encrypted.
    fn has(&mut self, page: &[u8]) -> bool {
        let records = meta::TREE.id.prefix();
        first_key_of_leaf(page).is_some_and(|key| key.starts_with(&records))
            || self.0.as_mut().is_some_and(|blocks| blocks.has_state_on(page))
    }
}

/// Makes a hole of pages, but for those that stay.
fn punch(file: &File, page_size: u64, run: Range<u64>, kept: &mut Kept<'_>) -> io::Result<()> {
    let mut bytes = vec![0; ((run.end - run.start) * page_size) as usize];
    let read = platform::read_up_to(file, &mut bytes, run.start * page_size)?;
    bytes.truncate(read);
    let mut first = run.start;
    for (number, page) in run.clone().zip(bytes.chunks(page_size as usize)) {
        if kept.has(page) {
            platform::punch_hole(file, first * page_size..number * page_size)?;
            first = number + 1;
        }
    }
    platform::punch_hole(file, first * page_size..run.end * page_size)
}
