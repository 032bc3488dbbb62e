//! Gives the room of free pages back to the file system when a database is closed.
//!
//! LMDB keeps the pages that commits give up for later ones. Those of the last two commits are
//! always among them, which after a load in batches is a quarter of the file. The file keeps its
//! length; what it has there are holes, which take no room on the disk and are filled when LMDB
//! uses the pages again.

use std::cmp::Reverse;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::lmdb::{Dbi, Env, RoTxn, first_key_of_leaf};
use super::{lock_file, meta, platform};
use crate::error::Result;

/// Less room than this is not worth giving back, in bytes …
const LEAST: u64 = 1 << 20;
/// … nor is a smaller part of what the file takes.
const PART: u64 = 8;
/// How long a close may take for it. Each hole costs some 70 µs, and more on a busy disk.
const LONGEST: Duration = Duration::from_millis(100);
/// Pages at the beginning of the file that are never free.
const META_PAGES: u64 = 2;
/// Pages that are looked at together.
const TOGETHER: usize = 64;

/// Makes holes of free pages, the longest runs first, if there are many and nobody else has the
/// database open. The caller is the last one in this process, and has ended its transactions.
///
/// Which pages are free is looked at while nobody else can use them, and on the disk it has to be
/// so, too: other processes may have committed without a sync. The list is trusted as far as LMDB
/// trusts it when something is written; what is opened only to be read and mended keeps all that it
/// has.
///
/// # Errors
/// `IO` and the like if the data file cannot be looked at or synced.
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
    if taken.saturating_sub(in_use(&free_pages(&raw)?)) < LEAST.max(taken / PART) {
        return Ok(());
    }
    let mut given_back = Ok(());
    let locked = environment.lock_file.exclusively(Duration::ZERO, |_| {
        given_back = environment.sync().and_then(|()| {
            let runs = longest_first(&free_pages(&raw)?);
            let begun = Instant::now();
            let mut runs = runs.into_iter().take_while(|_| begun.elapsed() < LONGEST);
            // The first that cannot be given back ends it, as on a full disk: nothing is lost.
            drop(runs.try_for_each(|run| punch(&file, page_size, run)));
            Ok(())
        });
        Ok(())
    });
    // Somebody else has the database open, or its directory is gone: then the room stays taken.
    drop(locked);
    given_back
}

/// The pages in LMDB's lists of free pages, ascending; none if they cannot all be free, which
/// `verify` tells. Each list begins with how many there are.
fn free_pages(raw: &Env) -> Result<Vec<u64>> {
    const WORD: usize = size_of::<usize>();
    let mut pages = Vec::new();
    let reader = RoTxn::begin(raw)?;
    let Some(txn) = reader.get() else { return Ok(pages) };
    let mut cursor = txn.cursor(Dbi::FREE_LIST)?;
    while let Some((_, list)) = cursor.next()? {
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

/// Makes a hole of pages, but for leaves of records: should those in use be damaged, `repair` finds
/// what has not changed since in these.
fn punch(file: &File, page_size: u64, run: Range<u64>) -> io::Result<()> {
    let mut bytes = vec![0; ((run.end - run.start) * page_size) as usize];
    let read = platform::read_up_to(file, &mut bytes, run.start * page_size)?;
    bytes.truncate(read);
    let records = meta::TREE.id.prefix();
    let mut first = run.start;
    for (number, page) in run.clone().zip(bytes.chunks(page_size as usize)) {
        if first_key_of_leaf(page).is_some_and(|key| key.starts_with(&records)) {
            platform::punch_hole(file, first * page_size..number * page_size)?;
            first = number + 1;
        }
    }
    platform::punch_hole(file, first * page_size..run.end * page_size)
}
