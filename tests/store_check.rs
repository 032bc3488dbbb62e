//! Damage: what the check finds, and how writes that meet it fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use lodestore::error::ErrorCode;
use lodestore::protocol::ops;
use lodestore::storage::envelope::{Compression, put_enveloped};
use lodestore::storage::{Counter, Table, WriteTxn, meta};
use lodestore::store::{ProblemKind, Report, StoreShared, check_stores, entry, load_shapes};
use lodestore::value;
use serde_json::json;
use store_support::{Db, Ops, doc, from_json, key};

/// Two documents, a unique index on `a` (index 1) and one on `b` (index 2).
fn sound() -> (Db, u32) {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "keyPath": "id", "autoIncrement": true}));
    db.create_index(store, json!({"name": "a", "keyPath": "a", "unique": true}));
    db.create_index(store, json!({"name": "b", "keyPath": ["b", "c"]}));
    db.batch(
        &Ops::new()
            .inline(store, json!({"id": 1, "a": "x", "b": [1, 2]}))
            .inline(store, json!({"id": 2, "a": "y", "c": 5})),
    );
    db.check();
    (db, store)
}

fn report(db: &Db) -> Report {
    db.scratch.read(|txn| check_stores(txn, &db.shared))
}

/// The messages of what the check finds after `damage`, with the index's name before them.
fn found(damage: impl FnOnce(&Db, u32, &mut WriteTxn<'_>)) -> Vec<String> {
    let (db, store) = sound();
    db.scratch.write(|txn| damage(&db, store, txn));
    let report = report(&db);
    assert_eq!(report.problem_count as usize, report.problems.len());
    let describe = |problem: lodestore::store::Problem| {
        assert_eq!(problem.store.as_deref(), Some("s"));
        format!("{}: {}", problem.index.unwrap_or_default(), problem.message)
    };
    report.problems.into_iter().map(describe).collect()
}

fn assert_finds(messages: &[String], wanted: &[&str]) {
    for (message, wanted) in messages.iter().zip(wanted) {
        assert!(message.contains(wanted), "{messages:#?}");
    }
    assert_eq!(messages.len(), wanted.len(), "{messages:#?}");
}

fn index_key(parts: &[serde_json::Value]) -> Vec<u8> {
    parts.iter().cloned().flat_map(key).collect()
}

#[test]
fn missing_and_stray_entries() {
    let messages = found(|db, store, txn| {
        let tree = entry::entries(db.index(store, 1).tree);
        assert!(tree.delete(txn, &index_key(&[json!("x"), json!(1)])).unwrap());
    });
    assert_finds(
        &messages,
        &["a: the index lacks an entry", "a: the index has [1,", "a: the count of class 0 is 2"],
    );
    let messages = found(|db, store, txn| {
        let tree = entry::entries(db.index(store, 1).tree);
        tree.put(txn, &index_key(&[json!("x"), json!(9)]), &[0]).unwrap();
    });
    assert_finds(
        &messages,
        &[
            "a: the key is not unique",
            "a: the index has [3,",
            "a: no document calls for the entry",
            "a: the count of class 0 is 2",
        ],
    );
    let messages = found(|db, store, txn| {
        let tree = entry::entries(db.index(store, 1).tree);
        tree.put(txn, &index_key(&[json!("x"), json!(1)]), &[2]).unwrap();
    });
    assert_finds(&messages[..1], &["a: an index entry of the document is of the wrong kind"]);
    let messages = found(|db, store, txn| {
        let tree = entry::entries(db.index(store, 2).tree);
        tree.put(txn, &[0x99], &[0]).unwrap();
    });
    assert_finds(&messages, &["b: CORRUPT: "]);
}

#[test]
fn damaged_documents_counts_and_generators() {
    let messages = found(|db, store, txn| {
        let tree = entry::documents(db.store(store).tree);
        let mut stored = tree.get(txn, &key(json!(2))).unwrap().unwrap().to_vec();
        stored[3] ^= 1;
        tree.put(txn, &key(json!(2)), &stored).unwrap();
    });
    assert_finds(&messages[..1], &[": CORRUPT: a stored value does not match its checksum"]);
    let messages = found(|db, store, txn| {
        let tree = entry::documents(db.store(store).tree);
        let other = doc(json!({"id": 3, "a": "y", "c": 5}));
        put_enveloped(tree, txn, &key(json!(2)), &other, Compression::None, false).unwrap();
    });
    assert_finds(&messages, &[": the document has another key inside"]);
    let messages = found(|db, store, txn| {
        let tree = entry::documents(db.store(store).tree);
        put_enveloped(tree, txn, &key(json!(2)), &[0xFF], Compression::None, false).unwrap();
    });
    assert_finds(&messages[..1], &[": CORRUPT: A document is damaged"]);
    let messages = found(|db, store, txn| {
        txn.add_count(Counter::entries(db.store(store).tree), 5);
        txn.add_count(Counter { tree: db.index(store, 2).tree, class: 1 }, 1);
    });
    assert_finds(
        &messages,
        &[": the count of class 0 is 7, not 2", "b: the count of class 1 is 4"],
    );
    let messages = found(|_, store, txn| {
        let mut record = vec![b'G'];
        record.extend(store.to_be_bytes());
        meta::put_u64(txn, &record, 2).unwrap();
    });
    assert_finds(&messages, &[": the key generator is behind the keys"]);
}

#[test]
fn trees_with_two_owners_and_damaged_records() {
    let (db, store) = sound();
    let tree = db.index(store, 1).tree;
    db.scratch.write(|txn| {
        let mut record = vec![b'W'];
        record.extend_from_slice(&tree.prefix());
        meta::put_record(txn, &record, &[1]).unwrap();
    });
    let problems = report(&db).problems;
    assert!(problems[0].message.contains("the sweeper"), "{problems:?}");
    db.scratch.write(|txn| {
        let mut record = vec![b'S'];
        record.extend(store.to_be_bytes());
        meta::put_record(txn, &record, &[0xD0]).unwrap();
    });
    db.shared.reset();
    let report = report(&db);
    assert_eq!(report.problem_count, 1);
    assert!(report.problems[0].message.contains("catalog"), "{:?}", report.problems);
}

/// The kinds of what a check that knows nothing of the database finds after `damage`.
fn kinds(damage: impl FnOnce(&Db, u32, &mut WriteTxn<'_>)) -> Vec<ProblemKind> {
    let (db, store) = sound();
    db.scratch.write(|txn| damage(&db, store, txn));
    let report = db.scratch.read(|txn| check_stores(txn, &StoreShared::default()));
    let mut kinds = Vec::new();
    for problem in report.problems {
        if !kinds.contains(&problem.kind) {
            kinds.push(problem.kind);
        }
    }
    kinds
}

fn record(tag: u8, store: u32) -> Vec<u8> {
    [&[tag], &store.to_be_bytes()[..]].concat()
}

#[test]
fn each_kind_of_damage_has_its_kind() {
    assert_eq!(kinds(|_, _, _| ()), []);
    let missing = kinds(|db, store, txn| {
        let tree = entry::entries(db.index(store, 1).tree);
        tree.delete(txn, &index_key(&[json!("x"), json!(1)])).unwrap();
    });
    assert_eq!(missing, [ProblemKind::MissingEntry, ProblemKind::Count]);
    let stray = kinds(|db, store, txn| {
        let tree = entry::entries(db.index(store, 2).tree);
        tree.put(txn, &index_key(&[json!("q"), json!("r"), json!(9)]), &[0]).unwrap();
    });
    assert_eq!(stray, [ProblemKind::Count, ProblemKind::StrayEntry]);
    // One is missing and one too many: the counts are right.
    let moved = kinds(|db, store, txn| {
        let tree = entry::entries(db.index(store, 1).tree);
        tree.delete(txn, &index_key(&[json!("x"), json!(1)])).unwrap();
        tree.put(txn, &index_key(&[json!("z"), json!(1)]), &[0]).unwrap();
    });
    assert_eq!(moved, [ProblemKind::MissingEntry, ProblemKind::StrayEntry]);
    let twice = kinds(|db, store, txn| {
        let tree = entry::entries(db.index(store, 1).tree);
        tree.put(txn, &index_key(&[json!("x"), json!(2)]), &[0]).unwrap();
    });
    assert!(twice.contains(&ProblemKind::Unique), "{twice:?}");
    let checksum = kinds(|db, store, txn| {
        let tree = entry::documents(db.store(store).tree);
        let mut stored = tree.get(txn, &key(json!(2))).unwrap().unwrap().to_vec();
        stored[3] ^= 1;
        tree.put(txn, &key(json!(2)), &stored).unwrap();
    });
    // What the damaged document calls for is not known, so its entries are not held against it.
    assert_eq!(checksum, [ProblemKind::Checksum]);
    let generator = kinds(|_, store, txn| {
        meta::put_u64(txn, &record(b'G', store), 2).unwrap();
    });
    assert_eq!(generator, [ProblemKind::KeyGenerator]);
}

#[test]
fn shapes_that_are_unknown_or_damaged() {
    let (db, store) = sound();
    db.batch(&Ops::new().shapes(store, json!([["a", "id"]])));
    let shapes = db.scratch.read(|txn| load_shapes(txn, store)).unwrap();
    let document = value::encode(&from_json(&json!({"id": 7, "a": "s"})), &shapes).unwrap();
    assert_eq!(document[0] & 0xC0, 0x80, "it names its shape");
    db.batch(&Ops::new().op(ops::PUT, ops::FLAG_INLINE, store, &[], &document));
    db.check();
    let shape = [record(b'H', store), vec![0, 0]].concat();
    db.scratch.write(|txn| assert!(meta::delete_record(txn, &shape).unwrap()));
    let report = db.scratch.read(|txn| check_stores(txn, &StoreShared::default()));
    assert_eq!(report.problems[0].kind, ProblemKind::Document, "{:?}", report.problems);
    assert_eq!(report.problems[0].key.as_deref(), Some(&*key(json!(7))));
    db.scratch.write(|txn| meta::put_record(txn, &shape, &[0xD0]).unwrap());
    let report = db.scratch.read(|txn| check_stores(txn, &StoreShared::default()));
    assert_eq!(report.problems[0].kind, ProblemKind::Catalog, "{:?}", report.problems);
}

#[test]
fn records_and_trees_that_belong_to_nothing() {
    for tag in [b'G', b'H'] {
        let orphan = kinds(|_, _, txn| {
            let mut name = record(tag, 77);
            name.extend_from_slice(if tag == b'H' { &[0, 0] } else { &[] });
            meta::put_u64(txn, &name, 5).unwrap();
        });
        assert_eq!(orphan, [ProblemKind::Catalog]);
    }
    let build = kinds(|_, store, txn| {
        let name = [record(b'B', store), 1_u32.to_be_bytes().to_vec()].concat();
        meta::put_record(txn, &name, &[0; 9]).unwrap();
    });
    assert_eq!(build, [ProblemKind::Catalog]);
    let tree = kinds(|_, _, txn| {
        entry::documents(lodestore::storage::TreeId(300)).put(txn, b"k", b"v").unwrap();
    });
    assert_eq!(tree, [ProblemKind::TreeOwner]);
    // The entries of an index where documents belong.
    let place = kinds(|db, store, txn| {
        entry::documents(db.index(store, 1).tree).put(txn, b"k", b"v").unwrap();
    });
    assert_eq!(place, [ProblemKind::TreeOwner]);
    let counter = kinds(|_, _, txn| {
        txn.add_count(Counter::entries(lodestore::storage::TreeId(300)), 5);
    });
    assert_eq!(counter, [ProblemKind::TreeOwner]);
    let next = kinds(|_, _, txn| meta::put_u64(txn, b"N", 2).unwrap());
    assert_eq!(next, [ProblemKind::Catalog]);
}

#[test]
fn a_damaged_document_is_refused_alone() {
    let (db, store) = sound();
    db.scratch.write(|txn| {
        let tree = entry::documents(db.store(store).tree);
        let mut stored = tree.get(txn, &key(json!(2))).unwrap().unwrap().to_vec();
        stored[3] ^= 1;
        tree.put(txn, &key(json!(2)), &stored).unwrap();
    });
    let answers = db.batch(
        &Ops::new()
            .inline(store, json!({"id": 3, "a": "z"}))
            .inline(store, json!({"id": 2, "a": "w"}))
            .delete(store, json!(2))
            .delete_range(store, Some(json!(1)), Some(json!(9)))
            .inline(store, json!({"id": 4, "a": "v"})),
    );
    for answer in &answers[1..4] {
        assert_eq!(answer.refused(ErrorCode::Corrupt)["store"], "s");
    }
    assert_eq!(db.count(store), 4, "the range was not deleted in part");
}

#[test]
fn a_write_that_fails_midway_gives_the_transaction_up() {
    let (db, store) = sound();
    let index = db.index(store, 1);
    db.scratch.write(|txn| {
        let key = index_key(&[json!("y"), json!(2)]);
        assert!(entry::entries(index.tree).delete(txn, &key).unwrap());
    });
    let before = db.scratch.read(|txn| txn.raw().entries(txn.dbi(Table::Docs)).unwrap());
    let delete = |ops: Ops| ops.delete(store, json!(2));
    let first = Ops::new().inline(store, json!({"id": 3, "a": "z"}));
    let grouped = Ops::new().group(2).delete(store, json!(1));
    for ops in
        [delete(first), delete(grouped), Ops::new().delete_range(store, Some(json!(2)), None)]
    {
        db.scratch.aborted(|txn| {
            let error = db.try_run(txn, &ops).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Corrupt);
            assert_eq!(error.context().index.as_deref(), Some("a"));
        });
    }
    assert_eq!(db.scratch.read(|txn| txn.raw().entries(txn.dbi(Table::Docs)).unwrap()), before);
    // Without the damaged index all is well.
    db.schema(json!({"op": "deleteIndex", "store": store, "index": "a"}));
    db.batch(&Ops::new().delete(store, json!(2)));
    db.check();
}
