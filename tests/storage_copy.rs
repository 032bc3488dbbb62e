//! Copies of a snapshot: equal, dense, cancellable.
//!
//! `LODESTORE_SEED` replays a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use lodestore::error::ErrorCode;
use lodestore::storage::copy::copy_snapshot;
use lodestore::storage::tree::Tree;
use lodestore::storage::{ReadTxn, Table, TreeId};
use support::Random;
use support::scratch::{MAP_SIZE, Scratch};

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn entries(txn: &ReadTxn<'_>, table: Table) -> Entries {
    let mut cursor = txn.raw().cursor(txn.dbi(table)).unwrap();
    let mut entries = Vec::new();
    while let Some((key, value)) = cursor.next().unwrap() {
        entries.push((key.to_vec(), value.to_vec()));
    }
    entries
}

/// A source whose keys arrived in random order and of which much was deleted again.
fn source(random: &mut Random) -> Scratch {
    let scratch = Scratch::new();
    for round in 0..4 {
        scratch.write(|txn| {
            for _ in 0..2_000 {
                let table = [Table::Docs, Table::Index, Table::Log][random.below(3)];
                let tree = Tree { table, id: TreeId(random.u64() % 400 + 1) };
                let mut key = random.u64().to_be_bytes().to_vec();
                if random.below(50) == 0 {
                    key.splice(0..0, [7; 2_500]);
                }
                let len = if random.below(200) == 0 { 100_000 } else { random.below(600) };
                tree.put(txn, &key, &vec![random.below(256) as u8; len]).unwrap();
            }
            let meta = Tree { table: Table::Meta, id: TreeId(0) };
            meta.put(txn, &[b'S', round], b"record").unwrap();
            for id in 0..150 {
                let tree = Tree { table: Table::Docs, id: TreeId(id) };
                assert!(tree.delete_some(txn, 10_000).unwrap());
            }
        });
    }
    scratch
}

#[test]
fn a_copy_is_equal_and_dense() {
    let mut random = Random::from_env();
    let source = source(&mut random);
    let target = tempfile::tempdir().unwrap();
    let mut calls = Vec::new();
    source.read(|txn| {
        let mut progress = |done, total| calls.push((done, total));
        let cancel = AtomicBool::new(false);
        copy_snapshot(txn, target.path(), MAP_SIZE, &cancel, &mut progress).unwrap();
    });
    let size = |path: &std::path::Path| path.join("data.mdb").metadata().unwrap().len();
    assert!(size(target.path()) < size(source.path()));
    let copy = Scratch::open(target);
    let mut total = 0;
    source.read(|source| {
        copy.read(|copy| {
            for table in Table::ALL {
                let expected = entries(source, table);
                assert!(expected == entries(copy, table), "{table:?}");
                total += expected.len() as u64;
            }
        });
    });
    assert!(calls.is_sorted() && calls.iter().all(|call| call.1 == total));
    assert_eq!(calls.last(), Some(&(total, total)));
    assert!(calls.len() as u64 > total / 1_000);
}

#[test]
fn a_copy_of_nothing_is_a_database() {
    let source = Scratch::new();
    let target = tempfile::tempdir().unwrap();
    source.read(|txn| {
        let cancel = AtomicBool::new(false);
        copy_snapshot(txn, target.path(), MAP_SIZE, &cancel, &mut |_, _| {}).unwrap();
    });
    Scratch::open(target).read(|copy| {
        assert!(Table::ALL.iter().all(|table| entries(copy, *table).is_empty()));
    });
}

#[test]
fn a_copy_stops_when_cancelled() {
    let mut random = Random::from_env();
    let source = source(&mut random);
    let target = tempfile::tempdir().unwrap();
    let cancel = AtomicBool::new(false);
    let mut copied = 0;
    let result = source.read(|txn| {
        copy_snapshot(txn, target.path(), MAP_SIZE, &cancel, &mut |done, _| {
            copied = done;
            cancel.store(true, Ordering::Relaxed);
        })
    });
    assert_eq!(result.unwrap_err().code(), ErrorCode::Aborted);
    assert_eq!(copied, 1_000);
}

#[test]
fn a_copy_to_nowhere_fails() {
    let source = Scratch::new();
    let target = tempfile::tempdir().unwrap();
    let result = source.read(|txn| {
        let cancel = AtomicBool::new(false);
        copy_snapshot(txn, &target.path().join("absent"), MAP_SIZE, &cancel, &mut |_, _| {})
    });
    assert!(result.is_err());
}
