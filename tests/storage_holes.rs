//! Room of free pages that a close gives back. `LODESTORE_SEED` replays a run.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use common::*;
use lodestore::storage::{Connection, Unattended};
use support::Random;

type Model = BTreeMap<[u8; 8], Vec<u8>>;

/// Room that the data file takes, and its length.
fn sizes(path: &Path) -> (u64, u64) {
    let data = path.join("data.mdb").metadata().unwrap();
    (data.blocks() * 512, data.len())
}

/// Batches of random keys: each changes nearly every page, and gives up as many.
fn churn(random: &mut Random, db: &Connection, model: &mut Model, batches: usize) {
    for _ in 0..batches {
        let entries: Vec<_> = (0..1_000)
            .map(|_| ((random.below(20_000) as u64).to_be_bytes(), vec![random.u64() as u8; 300]))
            .collect();
        model.extend(entries.iter().cloned());
        let put = move |txn: &mut lodestore::storage::WriteTxn<'_>| {
            entries.iter().try_for_each(|(key, value)| TREE.put(txn, key, value))
        };
        write(db, put).unwrap();
    }
}

/// Every page is whole, and every entry is there.
fn check(db: &Arc<Connection>, model: &Model) {
    let mut problems = Vec::new();
    let snapshot = db.snapshot(false).unwrap();
    let figures = db
        .check_pages(&snapshot, &Unattended::default(), &mut |found| problems.push(found))
        .unwrap();
    assert!(figures.is_some() && problems.is_empty(), "{problems:?}");
    let same = snapshot.with(|txn| {
        let mut cursor = TREE.cursor(txn)?;
        for (key, value) in model {
            let entry = cursor.next()?.unwrap();
            assert!(entry.key == key && entry.value == value);
        }
        Ok(cursor.next()?.is_none())
    });
    assert!(same.unwrap());
}

#[test]
fn a_close_gives_the_room_of_free_pages_back() {
    let mut random = Random::from_env();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut model = Model::new();
    for _ in 0..3 {
        let db = open(path);
        check(&db, &model);
        churn(&mut random, &db, &mut model, 12);
        check(&db, &model);
        let stats = db.stats().unwrap();
        let free = stats.free_pages * u64::from(stats.page_size);
        assert!(free > stats.file_size / 6, "a batch gives many pages up");
        let before = sizes(path);
        db.close().unwrap();
        let after = sizes(path);
        assert_eq!(after.1, before.1, "the file keeps its length");
        // How much depends on how busy the disk is.
        assert!(after.0 < before.0, "{after:?} of which {free} were free");
    }
    let db = open(path);
    check(&db, &model);
    let before = sizes(path);
    db.close().unwrap();
    assert!(sizes(path).0 <= before.0);
}

#[test]
fn what_others_have_open_is_left_alone() {
    let mut random = Random::from_env();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut model = Model::new();
    let db = open(path);
    churn(&mut random, &db, &mut model, 12);
    // As another process holds it that has the database open.
    let other = File::open(path.join("lodestore.lock")).unwrap();
    other.lock_shared().unwrap();
    db.close().unwrap();
    let (room, length) = sizes(path);
    assert!(room >= length, "{room} of {length}");
    other.unlock().unwrap();
    // Who writes nothing leaves everything as it is.
    let db = open(path);
    check(&db, &model);
    db.close().unwrap();
    assert_eq!(sizes(path), (room, length));
    let db = open(path);
    put(&db, &[0xFF], b"");
    db.close().unwrap();
    let (room, length) = sizes(path);
    assert!(room < length, "{room} of {length}");
}
