//! Databases of formats that this version does not know are refused, and left as they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::*;
use lodestore::error::ErrorCode;
use lodestore::storage::{OpenMode, OpenOptions, connect, meta};

/// Where the format record stands in `meta`, and what is at which place in it.
const RECORD: &[u8] = b"F";
const VERSION: usize = 8;
const FLAGS: usize = 16;

/// Opens a database whose format record was changed.
fn open_changed(change: fn(&mut Vec<u8>)) -> (ErrorCode, String) {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    write(&db, move |txn| {
        let mut record = meta::get_record(txn, RECORD)?.unwrap();
        change(&mut record);
        meta::put_record(txn, RECORD, &record)
    })
    .unwrap();
    db.close().unwrap();
    drop(db);
    let files = || std::fs::read(dir.path().join("data.mdb")).unwrap();
    let before = files();
    let mut refused = None;
    for mode in [OpenMode::OpenOrCreate, OpenMode::Open, OpenMode::ReadOnly] {
        let options = OpenOptions { mode, ..OpenOptions::default() };
        let error = connect(dir.path(), &options).err().expect("it was opened");
        refused = Some((error.code(), error.message().to_owned()));
    }
    assert_eq!(files(), before);
    refused.unwrap()
}

#[test]
fn a_newer_format_is_refused() {
    let (code, message) = open_changed(|record| record[VERSION] = 2);
    assert_eq!(code, ErrorCode::IncompatibleVersion);
    assert!(message.contains("format 2") && message.contains("newer version"), "{message}");
}

#[test]
fn an_unknown_feature_is_refused() {
    let (code, message) = open_changed(|record| record[FLAGS + 7] = 0x80);
    assert_eq!(code, ErrorCode::IncompatibleVersion);
    assert!(message.contains("0x8000000000000000"), "{message}");
}

#[test]
fn a_record_that_later_versions_made_longer_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    write(&db, |txn| {
        let mut record = meta::get_record(txn, RECORD)?.unwrap();
        record.extend_from_slice(b"more");
        meta::put_record(txn, RECORD, &record)
    })
    .unwrap();
    let uuid = db.format().uuid;
    db.close().unwrap();
    drop(db);
    assert_eq!(open(dir.path()).format().uuid, uuid);
}

#[test]
fn a_damaged_record_is_corrupt() {
    for change in [
        (|record| record.truncate(47)) as fn(&mut Vec<u8>),
        |record| record[0] = b'X',
        |record| {
            record[VERSION] = 0;
        },
    ] {
        assert_eq!(open_changed(change).0, ErrorCode::Corrupt);
    }
}
