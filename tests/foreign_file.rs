//! LMDB files of other programs are refused, and left as they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::path::Path;

use common::*;
use lodestore::error::ErrorCode;
use lodestore::storage::lmdb::{Dbi, Env, EnvFlags, EnvOptions, PutMode, RwTxn};
use lodestore::storage::{OpenMode, OpenOptions, connect};

/// Writes an LMDB file as another program would.
fn write_foreign(path: &Path, work: impl FnOnce(&mut RwTxn<'_>)) {
    let options = EnvOptions { flags: EnvFlags::default(), map_size: 1 << 20, max_readers: 8 };
    // SAFETY: nothing else knows of the directory.
    let env = unsafe { Env::open(path, options) }.unwrap();
    let mut txn = env.write_txn().unwrap();
    work(&mut txn);
    txn.commit().unwrap();
}

fn assert_refused(path: &Path) {
    let content = || std::fs::read(path.join("data.mdb")).unwrap();
    let before = content();
    for mode in [OpenMode::OpenOrCreate, OpenMode::Open, OpenMode::ReadOnly] {
        let refused = connect(path, &OpenOptions { mode, ..OpenOptions::default() });
        assert_eq!(code(refused), ErrorCode::NotADatabase);
    }
    assert_eq!(content(), before);
}

#[test]
fn a_file_without_named_trees() {
    let dir = tempfile::tempdir().unwrap();
    write_foreign(dir.path(), |txn| {
        txn.put(Dbi::MAIN, b"key", b"value", PutMode::Upsert).unwrap();
    });
    assert_refused(dir.path());
}

#[test]
fn a_file_with_named_trees() {
    let dir = tempfile::tempdir().unwrap();
    write_foreign(dir.path(), |txn| {
        let tree = txn.create_tree(c"theirs").unwrap();
        txn.put(tree, b"key", b"value", PutMode::Upsert).unwrap();
    });
    assert_refused(dir.path());
}

#[test]
fn a_file_whose_trees_have_our_names() {
    let dir = tempfile::tempdir().unwrap();
    write_foreign(dir.path(), |txn| {
        for name in [c"meta", c"docs", c"index", c"log"] {
            let tree = txn.create_tree(name).unwrap();
            txn.put(tree, b"key", b"value", PutMode::Upsert).unwrap();
        }
    });
    assert_refused(dir.path());
}

#[test]
fn an_empty_file_of_lmdb_is_a_database_to_be() {
    let dir = tempfile::tempdir().unwrap();
    write_foreign(dir.path(), |_| {});
    let db = open(dir.path());
    put(&db, b"a", b"1");
    assert_eq!(get(&db, b"a").unwrap(), b"1");
}
