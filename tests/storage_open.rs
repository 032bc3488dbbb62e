//! Opening: modes, joins, and files that are not what they should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::*;
use lodestore::error::{ErrorCode, Result};
use lodestore::storage::{Connection, OpenMode, OpenOptions, connect};

fn open_as(path: &Path, mode: OpenMode) -> Result<Arc<Connection>> {
    connect(path, &OpenOptions { mode, ..options() })
}

#[test]
fn modes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b");
    for mode in [OpenMode::Open, OpenMode::ReadOnly] {
        assert_eq!(code(open_as(&path, mode)), ErrorCode::DatabaseNotFound);
    }
    assert!(!path.exists(), "a refused open creates nothing");
    let db = open_as(&path, OpenMode::Create).unwrap();
    assert_eq!(code(open_as(&path, OpenMode::Create)), ErrorCode::DatabaseExists);
    put(&db, b"a", b"");
    db.close().unwrap();
    assert_eq!(code(open_as(&path, OpenMode::Create)), ErrorCode::DatabaseExists);
    let db = open_as(&path, OpenMode::ReadOnly).unwrap();
    assert!(get(&db, b"a").is_some());
    let job = common::TestJob {
        work: Box::new(|_| Ok(())),
        bytes: 0,
        done: std::sync::mpsc::channel().0,
    };
    assert_eq!(code(db.submit(Box::new(job))), ErrorCode::TxReadOnly);
}

#[test]
fn connections_share_the_environment_and_the_last_close_closes() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let second = open(&dir.path().join("../").join(dir.path().file_name().unwrap()));
    put(&first, b"a", b"");
    assert!(get(&second, b"a").is_some());
    first.close().unwrap();
    first.close().unwrap();
    assert_eq!(code(first.snapshot(false)), ErrorCode::Closed);
    put(&second, b"b", b"");
    second.close().unwrap();
    let third = open(dir.path());
    assert!(get(&third, b"b").is_some());
}

#[test]
fn files_that_are_not_ours_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8]); 3] =
        [("text", b"hello"), ("zeros", &[0; 4096]), ("noise", &[0xA7; 20_000])];
    for (name, content) in cases {
        let path = dir.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("data.mdb"), content).unwrap();
        let refused = code(open_as(&path, OpenMode::OpenOrCreate));
        assert!(
            matches!(refused, ErrorCode::NotADatabase | ErrorCode::Corrupt),
            "{name}: {refused}"
        );
        assert_eq!(fs::read(path.join("data.mdb")).unwrap(), content, "{name} was changed");
    }
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(code(open_as(&file, OpenMode::OpenOrCreate)), ErrorCode::NotADatabase);
}

#[test]
fn an_empty_data_file_is_a_database_to_be() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data.mdb"), "").unwrap();
    assert_eq!(code(open_as(dir.path(), OpenMode::Open)), ErrorCode::DatabaseNotFound);
    put(&open(dir.path()), b"a", b"");
}

#[test]
fn a_creation_that_was_not_finished_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    open(&source).close().unwrap();
    let whole = fs::read(source.join("data.mdb")).unwrap();
    let page_size = u32::from_ne_bytes(whole[40..44].try_into().unwrap()) as usize;
    // Pages are there, but no meta page names a transaction.
    let mut uncommitted = whole.clone();
    for meta in [0, page_size] {
        uncommitted[meta + 144..meta + 152].fill(0);
    }
    let path = dir.path().join("unfinished");
    fs::create_dir(&path).unwrap();
    let data = path.join("data.mdb");
    for content in [&uncommitted[..], &uncommitted[..page_size], &vec![0; 2 * page_size]] {
        fs::write(&data, content).unwrap();
        for mode in [OpenMode::Open, OpenMode::ReadOnly] {
            assert_eq!(code(open_as(&path, mode)), ErrorCode::DatabaseNotFound);
        }
        assert_eq!(fs::read(&data).unwrap(), content, "a refused open changes nothing");
        let db = open_as(&path, OpenMode::Create).unwrap();
        put(&db, b"a", b"");
        db.close().unwrap();
    }
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let db = open(&source);
    // In one commit: how much of the end many commits leave free depends on when they were synced.
    write(&db, |txn| (0..200u8).try_for_each(|i| TREE.put(txn, &[i], &[i; 5000]))).unwrap();
    db.close().unwrap();
    let whole = fs::read(source.join("data.mdb")).unwrap();
    let path = dir.path().join("cut");
    fs::create_dir(&path).unwrap();
    let mut refused = 0;
    for length in (0..whole.len()).step_by(whole.len() / 97).skip(1) {
        fs::write(path.join("data.mdb"), &whole[..length]).unwrap();
        match open_as(&path, OpenMode::Open) {
            // What lay beyond the end was free: then everything must be there.
            Ok(db) => {
                for i in 0..200u8 {
                    assert_eq!(get(&db, &[i]), Some(vec![i; 5000]));
                }
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Corrupt, "{length}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 80, "{refused}");
}

#[test]
fn a_database_in_memory_vanishes_on_close() {
    let db = connect(Path::new(":memory:"), &options()).unwrap();
    let other = connect(Path::new(":memory:"), &options()).unwrap();
    put(&db, b"a", b"");
    assert_eq!(get(&other, b"a"), None, "each one is private");
    let stats = db.stats().unwrap();
    assert!(stats.file_size > 0 && stats.readers == 0);
    db.close().unwrap();
}
