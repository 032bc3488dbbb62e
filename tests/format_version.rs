//! Databases of formats that this version does not know are refused, and left as they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;

use common::*;
use lodestore::catalog::{IndexPart, KeyPath, Origin, Partial};
use lodestore::collation::{Collation, Request};
use lodestore::error::{ErrorCode, Result};
use lodestore::storage::envelope::Compression;
use lodestore::storage::{
    Connection, FormatRecord, OpenMode, OpenOptions, WriteTxn, connect, format_flag, meta,
};
use lodestore::store::{Build, IndexSpec, Reference, Schema, StoreShared, StoreSpec, VectorSpec};
use lodestore::value::{FieldPath, Fields, Value};
use lodestore::vector::{Form, GraphOptions, Metric};

/// Where the format record stands in `meta`, and what is at which place in it.
const RECORD: &[u8] = b"F";
const VERSION: usize = 8;
const FLAGS: usize = 16;
/// What every new database needs.
const NEW: u64 = format_flag::JOURNAL | format_flag::JOURNALED_CHANGES;

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
    assert!(message.contains("0x8000000000000050"), "{message}");
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

#[test]
fn a_collated_index_keeps_older_versions_out() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    write(&db, |txn| {
        let request = Request { locale: "sv".to_owned(), ..Request::default() };
        let collation = Some(Arc::new(Collation::new(&request).unwrap()));
        create_index(txn, |spec| spec.collation = collation)
    })
    .unwrap();
    assert_eq!(flags(&db), NEW | format_flag::COLLATED_INDEXES);
}

#[test]
fn a_partial_index_keeps_older_versions_out() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    assert_eq!(flags(&db), NEW);
    write(&db, |txn| {
        let mut filter = Fields::new();
        filter.insert("active".into(), Value::Bool(true));
        let partial = Some(Partial::parse(&Value::Object(filter))?);
        create_index(txn, |spec| spec.partial = partial)
    })
    .unwrap();
    assert_eq!(flags(&db), NEW | format_flag::PARTIAL_INDEXES);
}

#[test]
fn a_vector_index_keeps_older_versions_out() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    write(&db, |txn| {
        create_index(txn, |_| {})?;
        let (name, path) = ("near".into(), FieldPath::parse("v"));
        let form = Form { dimensions: 3, metric: Metric::Cosine };
        let graph = GraphOptions::default_of(form.metric);
        let (store, spec) =
            (Reference::Name("users".into()), VectorSpec { name, path, form, graph });
        let shared = StoreShared::default();
        Schema::new(txn, &shared)?.create_vector_index(&store, spec, Build::Now)?;
        Ok(())
    })
    .unwrap();
    assert_eq!(flags(&db), NEW | format_flag::VECTOR_INDEXES);
}

/// Creates an index with something special.
fn create_index(txn: &mut WriteTxn<'_>, change: impl FnOnce(&mut IndexSpec)) -> Result<()> {
    let shared = StoreShared::default();
    let mut schema = Schema::new(txn, &shared)?;
    let store = schema.create_store(StoreSpec {
        name: "users".into(),
        key_path: KeyPath::None,
        auto_increment: false,
        key_scheme: None,
        compression: Compression::None,
        origin: Origin::Native,
    })?;
    let part = IndexPart { path: FieldPath::parse("login"), descending: false };
    let mut spec = IndexSpec {
        name: "byLogin".into(),
        parts: vec![part],
        compound: false,
        unique: false,
        multi_entry: false,
        sparse: false,
        partial: None,
        collation: None,
        origin: Origin::Native,
    };
    change(&mut spec);
    schema.create_index(&Reference::Id(store), spec, Build::Now)?;
    Ok(())
}

/// The feature flags of a database.
fn flags(db: &Arc<Connection>) -> u64 {
    let record = db.turn_reader().with(|txn| meta::get_record(txn, RECORD)).unwrap().unwrap();
    FormatRecord::decode(&record).unwrap().flags
}
