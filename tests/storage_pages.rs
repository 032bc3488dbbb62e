//! Databases that the machine went down on, over writes that were not synced: every page is looked
//! at before LMDB sees it, since LMDB trusts what it reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(unix)]

mod common;
mod support;

use std::fs;
use std::path::Path;

use common::*;
use lodestore::error::{Error, ErrorCode};
use lodestore::storage::{OpenOptions, connect};
use support::Random;

/// The page size that a data file tells.
fn page_size(bytes: &[u8]) -> usize {
    u32::from_ne_bytes(bytes[40..44].try_into().unwrap()) as usize
}

/// A data file with branches, long keys, large values, free pages, and pages of older commits.
fn data_file(path: &Path) -> Vec<u8> {
    let db = open(path);
    for round in 0..12u32 {
        write(&db, move |txn| {
            for i in 0..60u32 {
                let key = (i * 7 + round).to_be_bytes();
                TREE.put(txn, &key, &vec![round as u8; (i as usize % 5) * 90])?;
            }
            TREE.put(txn, &[round as u8 % 4; 900], &vec![1; 20_000])?;
            TREE.delete(txn, &(round * 3).to_be_bytes()).map(drop)
        })
        .unwrap();
    }
    db.close().unwrap();
    fs::read(path.join("data.mdb")).unwrap()
}

/// Opens a data file as the first thing after a restart over unsynced writes, and if that is done
/// reads everything and writes.
fn open_after_restart(bytes: &[u8]) -> Result<usize, Error> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data.mdb"), bytes).unwrap();
    fs::write(dir.path().join("lodestore.lock"), "another boot").unwrap();
    let db = connect(dir.path(), &OpenOptions::default())?;
    let count = db.snapshot(false)?.with(|txn| {
        let mut cursor = TREE.cursor(txn)?;
        let mut count = 0;
        let mut found = cursor.first()?;
        while found.is_some() {
            count += 1;
            found = cursor.next()?;
        }
        Ok(count)
    })?;
    for i in 0..20u8 {
        write(&db, move |txn| {
            TREE.put(txn, &[200, i], &[i; 3_000])?;
            TREE.delete(txn, &[200, i.wrapping_sub(3)]).map(drop)
        })?;
    }
    db.close()?;
    Ok(count)
}

#[test]
fn a_whole_file_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = data_file(dir.path());
    assert!(open_after_restart(&bytes).unwrap() > 60);
    let empty = tempfile::tempdir().unwrap();
    open(empty.path()).close().unwrap();
    let bytes = fs::read(empty.path().join("data.mdb")).unwrap();
    assert_eq!(open_after_restart(&bytes).unwrap(), 0);
}

#[test]
fn a_large_value_that_became_shorter_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    write(&db, |txn| {
        TREE.put(txn, b"a", &[1; 30_000])?;
        TREE.put(txn, b"a", &[2; 9_000])
    })
    .unwrap();
    db.close().unwrap();
    let bytes = fs::read(dir.path().join("data.mdb")).unwrap();
    assert_eq!(open_after_restart(&bytes).unwrap(), 1);
}

#[test]
fn pages_that_were_not_written_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = data_file(dir.path());
    let page_size = page_size(&bytes);
    let pages = bytes.len() / page_size;
    let mut found = 0;
    for page in 2..pages {
        let mut damaged = bytes.clone();
        damaged[page * page_size..(page + 1) * page_size].fill(0);
        match open_after_restart(&damaged) {
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Corrupt, "page {page}: {error}");
                assert!(error.to_string().contains("the machine went down"), "{error}");
                found += 1;
            }
            // A free page, or the end of a large value, of which its envelope tells.
            Ok(count) => assert!(count > 60, "page {page}"),
        }
    }
    assert!(found > 10, "{found} of {pages}");
}

#[test]
fn torn_and_older_pages_end_no_process() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = data_file(dir.path());
    let mut random = Random::from_env();
    let page_size = page_size(&bytes);
    let pages = bytes.len() / page_size;
    let mut corrupt = 0;
    for _ in 0..150 {
        let mut damaged = bytes.clone();
        for _ in 0..=random.below(2) {
            let target = (2 + random.below(pages - 2)) * page_size;
            let source = (2 + random.below(pages - 2)) * page_size;
            let sector = random.below(8) * 512;
            match random.below(4) {
                0 => damaged.copy_within(source..source + page_size, target),
                1 => damaged.copy_within(source + sector..source + sector + 512, target + sector),
                2 => damaged[target + sector..target + sector + 512].fill(0),
                _ => damaged[target + random.below(64)] = random.below(256) as u8,
            }
        }
        if let Err(error) = open_after_restart(&damaged) {
            assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
            corrupt += 1;
        }
    }
    // About 15 of them; most damage is to free pages and the insides of values.
    assert!(corrupt > 3, "{corrupt}");
}
