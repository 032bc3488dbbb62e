//! Packed operations: atomic groups, shapes, hostile bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::sync::Arc;

use lodestore::error::ErrorCode;
use lodestore::protocol::{WriteBatch, ops, run_tx_ops, shapes_json};
use lodestore::storage::{Durability, Job};
use lodestore::store::load_shapes;
use lodestore::value::{self, ShapeSource};
use lodestore::wtf8::Wtf8String;
use serde_json::{Value as Json, json};
use store_support::support::Random;
use store_support::{Answer, Db, Ops, answers, doc, key};

#[test]
fn a_group_is_all_or_nothing() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let index = db.create_index(store, json!({"name": "i", "keyPath": "a", "unique": true}));
    db.batch(&Ops::new().put(store, json!(0), json!({"a": 0})));
    let answers = db.batch(
        &Ops::new()
            .put(store, json!(1), json!({"a": 1}))
            .group(4)
            .put(store, json!(2), json!({"a": 2}))
            .clear(store)
            .put(store, json!(3), json!({"a": 3}))
            .put(store, json!(4), json!({"a": 3}))
            .group(2)
            .delete(store, json!(0))
            .put(store, json!(5), json!({"a": 0}))
            .put(store, json!(6), json!({"a": 6})),
    );
    assert_eq!(answers.len(), 4);
    let error = answers[1].refused(ErrorCode::UniqueViolation);
    assert_eq!(error["at"], 3.0);
    assert!([0, 2, 3].iter().all(|at| answers[*at] == Answer::Ok));
    assert_eq!(db.entries(store, index), ["0 -> 5 (Own)", "1 -> 1 (Own)", "6 -> 6 (Own)"]);
    db.check();
}

#[test]
fn a_group_returns_its_keys_in_one_answer() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "autoIncrement": true}));
    let returning =
        |ops: Ops, n: Json| ops.op(ops::PUT, ops::FLAG_RETURN_KEY, store, &key(n), &doc(json!(1)));
    let ops = Ops::new().group(3).generate(store, json!(1)).put(store, json!("x"), json!(1));
    let ops = returning(ops, json!("y"));
    let ops =
        returning(ops.group(1), json!("z")).group(1).put(store, json!("w"), json!(1)).group(0);
    let answers = db.batch(&ops);
    let sized = |keys: &[Option<Vec<u8>>]| {
        let mut payload = Vec::new();
        for key in keys {
            let len = key.as_ref().map_or(u32::MAX, |key| key.len() as u32);
            payload.extend(len.to_le_bytes());
            payload.extend(key.iter().flatten());
        }
        Answer::Payload(payload)
    };
    assert_eq!(
        answers,
        [
            sized(&[Some(key(json!(1))), None, Some(key(json!("y")))]),
            sized(&[Some(key(json!("z")))]),
            Answer::Ok,
            Answer::Ok,
        ]
    );
    db.check();
}

#[test]
fn registers_shapes_once_and_for_all() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let other = db.create_store(json!({"name": "t"}));
    let register = |store, lists: Json| match db.one(&Ops::new().shapes(store, lists)) {
        Answer::Payload(bytes) => serde_json::from_slice::<Json>(&bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(register(store, json!([["a"], ["a", "b"]])), json!([[0, "a"], [1, "a", "b"]]));
    assert_eq!(register(store, json!([["a", "b"], ["é"]])), json!([[1, "a", "b"], [2, "é"]]));
    assert_eq!(register(other, json!([["é"], ["é"]])), json!([[0, "é"], [0, "é"]]));
    for lists in [json!([[]]), json!([["a", "a"]]), json!([[1]]), json!(["a"]), json!(3)] {
        let refused = db.one(&Ops::new().shapes(store, lists));
        refused.refused(ErrorCode::InvalidArgument);
    }
    db.one(&Ops::new().shapes(99, json!([["a"]]))).refused(ErrorCode::StoreNotFound);
    let document = db.scratch.read(|txn| shapes_json(&load_shapes(txn, store)?)).unwrap();
    assert_eq!(
        serde_json::from_str::<Json>(&document).unwrap(),
        json!([[0, "a"], [1, "a", "b"], [2, "é"]])
    );
    // What a transaction that is given up registered, another one may register otherwise.
    db.scratch.aborted(|txn| db.run(txn, &Ops::new().shapes(store, json!([["never"]]))));
    assert_eq!(register(store, json!([["late"]])), json!([[3, "late"]]));
    db.check();
}

#[test]
fn the_shape_table_has_a_limit() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let lists: Json = (0..8_005).map(|i| json!([format!("f{i}")])).collect();
    let Answer::Payload(bytes) = db.one(&Ops::new().shapes(store, lists)) else { panic!() };
    let registered = serde_json::from_slice::<Json>(&bytes).unwrap();
    assert_eq!(registered.as_array().unwrap().len(), 8_000);
    let again = db.one(&Ops::new().shapes(store, json!([["f8001"], ["f7999"]])));
    let Answer::Payload(bytes) = again else { panic!() };
    let registered = serde_json::from_slice::<Json>(&bytes).unwrap();
    assert_eq!(registered, json!([[7999, "f7999"]]));
}

#[test]
fn indexes_follow_shaped_documents() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "keyPath": "id"}));
    let index = db.create_index(store, json!({"name": "i", "keyPath": "a"}));
    db.batch(&Ops::new().shapes(store, json!([["a", "id"]])));
    let shapes = db.scratch.read(|txn| load_shapes(txn, store)).unwrap();
    assert!(shapes.id_of(&[Wtf8String::from("a"), Wtf8String::from("id")]).is_some());
    let shaped = |document: Json| {
        let bytes = value::encode(&store_support::from_json(&document), &shapes).unwrap();
        assert_eq!(bytes[0], 0x80);
        bytes
    };
    // Another process has registered the shape: this one's cache does not know it yet.
    let stranger = Db { scratch: db.scratch, shared: Arc::default() };
    stranger.scratch.read(|txn| stranger.shared.shapes(txn, 77)).unwrap();
    let put = |document| Ops::new().op(ops::PUT, ops::FLAG_INLINE, store, &[], &shaped(document));
    assert_eq!(stranger.one(&put(json!({"id": 1, "a": "x"}))), Answer::Ok);
    assert_eq!(stranger.entries(store, index), ["\"x\" -> 1 (Own)"]);
    stranger.batch(&Ops::new().shapes(store, json!([["id", "a", "b"]])));
    let mut unknown = shaped(json!({"id": 2, "a": "y"}));
    unknown[1] = 9;
    let unknown = Ops::new().op(ops::PUT, ops::FLAG_INLINE, store, &[], &unknown);
    stranger.one(&unknown).refused(ErrorCode::InvalidArgument);
    assert_eq!(stranger.count(store), 1);
    stranger.batch(&Ops::new().delete(store, json!(1)));
    stranger.check();
}

#[test]
fn interactive_operations_read_their_own_writes() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let index = db.create_index(store, json!({"name": "i", "keyPath": "a"}));
    db.scratch.write(|txn| {
        let mut out = Vec::new();
        // A count of the index's entries.
        let mut request = vec![2, 0, 0, 0];
        for number in [store, index, 0, 0, 0] {
            request.extend(number.to_le_bytes());
        }
        request.extend([0; 9]);
        request.extend([0; 4]);
        let ops = Ops::new()
            .put(store, json!(1), json!({"a": 1}))
            .op(ops::READ_FIRST, 0, 0, &[], &request)
            .op(ops::READ_FIRST, 0, 0, &[], &request[1..])
            .shapes(store, json!([["a"]]))
            .op(ops::SAVEPOINT, 0, 0, &[], &[]);
        run_tx_ops(txn, &db.shared, &ops.bytes, &mut out).unwrap();
        let answers = answers(&out);
        assert_eq!(answers[..2], [Answer::Ok, Answer::Payload(1_u64.to_le_bytes().to_vec())]);
        for answer in &answers[2..] {
            answer.refused(ErrorCode::InvalidArgument);
        }
    });
    db.check();
}

#[test]
fn plain_batches_have_no_reads_and_no_savepoints() {
    let db = Db::new();
    for code in [ops::READ_FIRST, ops::SAVEPOINT, ops::COMMIT, ops::ROLLBACK, 0x00, 0x77, 0xFF] {
        db.one(&Ops::new().op(code, 0, 0, &[], &[])).refused(ErrorCode::InvalidArgument);
    }
}

#[test]
fn contradicting_flags_are_refused() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "keyPath": "id", "autoIncrement": true}));
    let document = doc(json!({"id": 1}));
    let refuse = |flags, key: &[u8], code| {
        db.one(&Ops::new().op(ops::PUT, flags, store, key, &document)).refused(code);
    };
    let number = key(json!(1));
    refuse(ops::FLAG_INLINE, &number, ErrorCode::InvalidArgument);
    refuse(ops::FLAG_INLINE | ops::FLAG_GENERATE, &[], ErrorCode::InvalidArgument);
    refuse(ops::FLAG_GENERATE, &[], ErrorCode::InvalidArgument);
    // The patch offset is not that of a number.
    refuse(ops::FLAG_PATCH, &[], ErrorCode::InvalidArgument);
    refuse(0, &[], ErrorCode::InvalidKey);
    assert_eq!(db.count(store), 0);
}

/// Whatever the bytes, the answer is an error or a result, and the database stays sound.
#[test]
fn hostile_bytes_do_no_harm() {
    let mut random = Random::from_env();
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "keyPath": "id", "autoIncrement": true}));
    db.create_index(store, json!({"name": "i", "keyPath": "a", "unique": true}));
    let template = Ops::new()
        .inline(store, json!({"id": "x", "a": [1, 2], "b": {"c": "text"}}))
        .patch(store, json!({"id": {"$patch": 0}, "a": "y"}))
        .delete_range(store, Some(json!(1)), Some(json!(5)))
        .group(2)
        .delete(store, json!(1))
        .clear(store)
        .shapes(store, json!([["a", "b"]]))
        .schema(json!({"op": "createIndex", "store": "s", "name": "j", "keyPath": "b"}))
        .schema(json!({"op": "deleteIndex", "store": "s", "index": "j"}))
        .bytes;
    for round in 0..3_000 {
        let mut bytes = template.clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] ^= 1 << random.below(8),
                2 => bytes[at] = random.u64() as u8,
                _ => bytes.insert(at, random.u64() as u8),
            }
        }
        db.scratch.write(|txn| {
            let done = Box::new(|_| {});
            match WriteBatch::new(db.shared.clone(), bytes.clone(), Durability::None, done) {
                Ok(mut job) => job.run(txn).unwrap(),
                Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument),
            }
            let mut out = Vec::new();
            if let Err(error) = run_tx_ops(txn, &db.shared, &bytes, &mut out) {
                assert_eq!(error.code(), ErrorCode::InvalidArgument);
                assert!(out.is_empty());
            }
        });
        if round % 500 == 0 {
            check_indexes(&db);
        }
    }
    check_indexes(&db);
}

/// Documents may be damaged here, since bytes in them were: everything else must be right.
fn check_indexes(db: &Db) {
    let report = db.scratch.read(|txn| lodestore::store::check_stores(txn, &db.shared));
    for problem in &report.problems {
        assert!(problem.index.is_none() && problem.message.starts_with("CORRUPT"), "{problem:?}");
    }
}
