//! Stores and indexes: creating, deleting, renaming, clearing; the sweeper.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::sync::{Arc, Weak};

use lodestore::error::{Error, ErrorCode};
use lodestore::protocol::catalog_json;
use lodestore::storage::{Table, WriteTxn};
use lodestore::store::{pending_sweeps, sweep_step};
use serde_json::{Value as Json, json};
use store_support::{Answer, Db, Ops};

fn refused(db: &Db, request: Json, code: ErrorCode) -> Json {
    db.one(&Ops::new().schema(request)).refused(code).clone()
}

#[test]
fn definitions_survive_in_the_catalog() {
    let db = Db::new();
    let people = db.create_store(json!({
        "name": "people", "keyPath": "a.id", "autoIncrement": true, "compression": "zstd",
    }));
    let pairs = db.create_store(json!({
        "name": "pairs", "keyPath": ["x", "y"], "origin": "indexeddb",
    }));
    let parts = json!([{"path": "city"}, {"path": "age", "descending": true}]);
    db.create_index(people, json!({"name": "byCityAge", "parts": parts, "sparse": true}));
    let one = json!({
        "name": "one", "keyPath": ["a"], "unique": true,
        "collation": {"locale": "DE_de@collation=phonebook", "strength": 1, "caseFirst": "upper"},
    });
    db.create_index(people, one);
    let multi = json!({"name": "m", "keyPath": "t", "multiEntry": true, "origin": "indexeddb"});
    db.create_index(pairs, multi);
    let vectors = json!({
        "op": "createVectorIndex", "store": "people", "name": "near", "path": "a.v",
        "dimensions": 65_536, "metric": "hamming",
    });
    db.schema(vectors);
    db.schema(json!({"op": "setVersion", "version": 9_007_199_254_740_991_u64}));
    for version in [json!(-1), json!(0.5), json!(9_007_199_254_740_992_u64), json!("1")] {
        let request = json!({"op": "setVersion", "version": version});
        refused(&db, request, ErrorCode::InvalidArgument);
    }
    db.batch(&Ops::new().inline(people, json!({"a": {"id": 1}, "city": "Bonn"})));
    let document =
        db.scratch.read(|txn| catalog_json(txn, &db.shared.catalog(txn).unwrap())).unwrap();
    let catalog = serde_json::from_str::<Json>(&document).unwrap();
    let index =
        |id: u32, name: &str, key_path: Json, parts: Json, flags: [bool; 4], origin: &str| {
            let [compound, unique, multi, sparse] = flags;
            json!({
                "id": id, "name": name, "keyPath": key_path, "parts": parts, "compound": compound,
                "unique": unique, "multiEntry": multi, "sparse": sparse, "where": null,
                "collation": null, "state": "ready",
                "origin": origin, "count": u32::from(id == 1 && origin == "native"),
            })
        };
    let mut one = index(
        2,
        "one",
        json!(["a"]),
        json!([{"path": "a", "descending": false}]),
        [true, true, false, false],
        "native",
    );
    // Objects have no key: the document is in the residual class, which reads do not see.
    one["count"] = json!(0);
    one["collation"] = json!({
        "locale": "de-DE-u-co-phonebk", "strength": "primary", "caseLevel": false,
        "caseFirst": "upper", "numericOrdering": false, "alternate": "non-ignorable",
        "maxVariable": "punct",
    });
    let expected = json!({
        "version": 7,
        "databaseVersion": 9_007_199_254_740_991_u64,
        "stores": [
            {
                "id": 1, "name": "people", "keyPath": "a.id", "autoIncrement": true,
                "key": null, "compression": "zstd", "origin": "native", "count": 1,
                "indexes": [
                    index(
                        1,
                        "byCityAge",
                        json!(["city", "age"]),
                        json!([
                            {"path": "city", "descending": false},
                            {"path": "age", "descending": true},
                        ]),
                        [true, false, false, true],
                        "native",
                    ),
                    one,
                ],
                "vectors": [{
                    "id": 3, "name": "near", "on": "a.v", "dimensions": 65_536,
                    "metric": "hamming", "precision": "b1", "m": 16, "efConstruction": 128,
                    "efSearch": null, "memoryLimit": 2_147_483_648_u64, "state": "ready",
                    "count": 0,
                }],
            },
            {
                "id": 2, "name": "pairs", "keyPath": ["x", "y"], "autoIncrement": false,
                "key": null, "compression": "none", "origin": "indexeddb", "count": 0,
                "indexes": [index(
                    1,
                    "m",
                    json!("t"),
                    json!([{"path": "t", "descending": false}]),
                    [false, false, true, false],
                    "indexeddb",
                )],
                "vectors": [],
            },
        ],
    });
    assert_eq!(catalog, expected);
    db.check();
}

#[test]
fn errors_name_what_is_wrong() {
    use ErrorCode::{IndexExists, IndexNotFound, InvalidArgument, StoreExists, StoreNotFound};
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    db.create_store(json!({"name": "t"}));
    db.create_index(store, json!({"name": "i", "keyPath": "a"}));
    let version = db.catalog().version;
    let vectors = |name: &str, dimensions: u32, metric: &str| {
        json!({
            "op": "createVectorIndex", "store": "s", "name": name, "path": "v",
            "dimensions": dimensions, "metric": metric,
        })
    };
    let cases = [
        (json!({"op": "createStore", "name": "s"}), StoreExists),
        (json!({"op": "createStore"}), InvalidArgument),
        (json!({"op": "createStore", "name": "x", "keyPath": []}), InvalidArgument),
        (json!({"op": "createStore", "name": "x", "keyPath": 7}), InvalidArgument),
        (
            json!({"op": "createStore", "name": "x", "keyPath": ["a"], "autoIncrement": true}),
            InvalidArgument,
        ),
        (
            json!({"op": "createStore", "name": "x", "keyPath": "", "autoIncrement": true}),
            InvalidArgument,
        ),
        (json!({"op": "createStore", "name": "x", "compression": "rar"}), InvalidArgument),
        (json!({"op": "createStore", "name": "x", "autoIncrement": 1}), InvalidArgument),
        (json!({"op": "deleteStore", "store": "x"}), StoreNotFound),
        (json!({"op": "deleteStore", "store": 99}), StoreNotFound),
        (json!({"op": "deleteStore", "store": -1}), InvalidArgument),
        (json!({"op": "renameStore", "store": "s", "name": "t"}), StoreExists),
        (json!({"op": "createIndex", "store": "s", "name": "i", "keyPath": "b"}), IndexExists),
        (json!({"op": "createIndex", "store": "x", "name": "j", "keyPath": "b"}), StoreNotFound),
        (json!({"op": "createIndex", "store": "s", "name": "j"}), InvalidArgument),
        (json!({"op": "createIndex", "store": "s", "name": "j", "keyPath": []}), InvalidArgument),
        (
            json!({
                "op": "createIndex", "store": "s", "name": "j", "keyPath": ["a"],
                "multiEntry": true
            }),
            InvalidArgument,
        ),
        (
            json!({
                "op": "createIndex", "store": "s", "name": "j",
                "parts": [{"path": "a"}, {"path": "b"}], "compound": false
            }),
            InvalidArgument,
        ),
        (vectors("i", 3, "l2"), IndexExists),
        (vectors("j", 0, "l2"), InvalidArgument),
        (vectors("j", 65_537, "l2"), InvalidArgument),
        (vectors("j", 12, "hamming"), InvalidArgument),
        (vectors("j", 8, "angle"), InvalidArgument),
        (json!({"op": "deleteIndex", "store": "s", "index": "j"}), IndexNotFound),
        (json!({"op": "deleteIndex", "store": "t", "index": 1}), IndexNotFound),
        (json!({"op": "renameIndex", "store": "s", "index": "j", "name": "k"}), IndexNotFound),
        (json!({"op": "frobnicate"}), InvalidArgument),
        (json!([1]), InvalidArgument),
    ];
    for (request, code) in cases {
        let error = refused(&db, request.clone(), code);
        assert!(error["message"].as_str().unwrap().len() > 10, "{request}: {error}");
    }
    let garbage = db.one(&Ops::new().op(lodestore::protocol::ops::SCHEMA, 0, 0, &[], &[0xFF, 1]));
    garbage.refused(InvalidArgument);
    assert_eq!(db.catalog().version, version, "nothing changed");
    db.check();
}

#[test]
fn names_move_freely() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "a"}));
    let index = db.create_index(store, json!({"name": "i", "keyPath": "x"}));
    db.batch(&Ops::new().put(store, json!(1), json!({"x": 1})));
    db.schema(json!({"op": "renameStore", "store": "a", "name": "b"}));
    db.schema(json!({"op": "renameIndex", "store": "b", "index": "i", "name": "j"}));
    db.schema(json!({"op": "renameStore", "store": store, "name": "b"}));
    let other = db.create_store(json!({"name": "a"}));
    assert_ne!(other, store);
    db.create_index(store, json!({"name": "i", "keyPath": "y"}));
    assert_eq!(db.index(store, index).name.to_string(), "j");
    assert_eq!(db.count(store), 1);
    db.check();
    db.schema(json!({"op": "deleteStore", "store": "b"}));
    let again = db.create_store(json!({"name": "b"}));
    assert!(again > other, "ids are never reused");
    assert_eq!(db.count(again), 0);
    db.check();
}

fn sweep(db: &Db) -> usize {
    let mut steps = 1;
    while db.scratch.write(sweep_step).unwrap() {
        steps += 1;
        db.check();
    }
    steps
}

fn entries_left(db: &Db) -> (u64, u64) {
    db.scratch.read(|txn| {
        let entries = |table| txn.raw().entries(txn.dbi(table)).unwrap();
        (entries(Table::Docs), entries(Table::Index))
    })
}

#[test]
fn what_is_dropped_or_cleared_is_swept() {
    let db = Db::new();
    let stays = db.create_store(json!({"name": "stays", "autoIncrement": true}));
    let goes = db.create_store(json!({"name": "goes", "autoIncrement": true}));
    for store in [stays, goes] {
        db.create_index(store, json!({"name": "i", "keyPath": "a"}));
        db.create_index(store, json!({"name": "j", "keyPath": "b", "unique": true}));
    }
    let fill = |store, count| {
        let mut ops = Ops::new();
        for i in 0..count {
            ops = ops.generate(store, json!({"a": 1, "b": format!("{i}"), "c": "x".repeat(50)}));
        }
        db.batch(&ops);
    };
    fill(stays, 1_500);
    fill(goes, 1_200);
    db.batch(&Ops::new().shapes(goes, json!([["a", "b"]])));
    db.check();
    assert_eq!(db.one(&Ops::new().clear(stays)), Answer::Ok);
    fill(stays, 3);
    db.schema(json!({"op": "deleteStore", "store": "goes"}));
    db.schema(json!({"op": "deleteIndex", "store": "stays", "index": "i"}));
    assert_eq!(db.scratch.read(pending_sweeps).unwrap().len(), 7);
    assert!(sweep(&db) > 7);
    assert_eq!(db.scratch.read(pending_sweeps).unwrap(), []);
    assert_eq!(entries_left(&db), (3, 3));
    assert_eq!(db.get(stays, json!(1_503)).unwrap()["b"], "2");
    // Only records of what is left are left: format-free here, so count them by tag.
    let counters =
        db.scratch.read(|txn| lodestore::storage::meta::scan_records(txn, b"C")).unwrap();
    assert_eq!(counters.len(), 2, "{counters:?}");
    let shapes = db.scratch.read(|txn| lodestore::storage::meta::scan_records(txn, b"H")).unwrap();
    assert_eq!(shapes, []);
    db.check();
}

#[test]
fn sweeping_in_the_transaction_that_drops() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    db.create_index(store, json!({"name": "i", "keyPath": "a"}));
    let put = |ops: Ops, at: u32| ops.put(store, json!(at), json!({"a": [at]}));
    db.batch(&(0..5).fold(Ops::new(), put));
    db.scratch.write(|txn| {
        let ops = Ops::new().delete(store, json!(1)).delete(store, json!(2)).clear(store);
        db.run(txn, &put(put(ops, 7), 8));
        while sweep_step(txn).unwrap() {}
    });
    assert_eq!(db.count(store), 2);
    assert_eq!(entries_left(&db), (2, 4));
    db.check();
}

#[test]
fn older_snapshots_keep_what_is_cleared() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    db.batch(&Ops::new().put(store, json!(1), json!("old")));
    let before = db.catalog();
    db.batch(&Ops::new().clear(store).put(store, json!(2), json!("new")));
    let after = db.catalog();
    assert_ne!(before.store(store).unwrap().tree, after.store(store).unwrap().tree);
    assert!(before.version < after.version);
    // An empty store has nothing to clear.
    db.batch(&Ops::new().delete(store, json!(2)).clear(store));
    assert_eq!(db.catalog().version, after.version);
}

#[test]
fn schema_changes_roll_back_with_their_transaction() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "autoIncrement": true}));
    let create = |name: &str| Ops::new().schema(json!({"op": "createStore", "name": name}));
    let payload = |answers: &[Answer]| assert!(matches!(answers, [Answer::Payload(_)]));
    db.scratch.write(|txn| {
        payload(&db.run(txn, &create("kept")));
        let undone = txn.nested(|child| {
            payload(&db.run(child, &create("undone")));
            let id = db.state(child).catalog.store_by_name(&"undone".into()).unwrap().id;
            db.run(child, &Ops::new().put(id, json!(5), json!("x")).clear(store));
            db.run(child, &Ops::new().generate(store, json!("y")).delete(id, json!(5)));
            Err::<(), _>(Error::new(ErrorCode::Aborted, "on purpose"))
        });
        assert!(undone.is_err());
        let state = db.state(txn);
        assert!(state.catalog.store_by_name(&"undone".into()).is_none());
        let id = state.catalog.store_by_name(&"kept".into()).unwrap().id;
        db.run(txn, &Ops::new().put(id, json!(1), json!("kept")));
        // Takes the id and the tree that were given back.
        payload(&db.run(txn, &create("next")));
        let next = db.state(txn).catalog.store_by_name(&"next".into()).unwrap().id;
        db.run(txn, &Ops::new().put(next, json!(3), json!(1)).put(next, json!(2), json!(1)));
    });
    db.check();
    let names: Vec<_> = db.catalog().stores().map(|store| store.name.to_string()).collect();
    assert_eq!(names, ["s", "kept", "next"]);
    db.scratch.aborted(|txn| {
        payload(&db.run(txn, &create("never")));
    });
    assert!(db.catalog().store_by_name(&"never".into()).is_none());
    let first = db.one(&Ops::new().generate(store, json!(1)));
    assert_eq!(first, Answer::Key(store_support::key(json!(1))));
    db.check();
}

#[test]
fn a_bound_found_before_a_rollback_stays_an_upper_bound() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    db.create_index(store, json!({"name": "i", "keyPath": "a", "unique": true}));
    db.batch(&Ops::new().put(store, json!(10), json!({"a": 10})));
    let undone = |txn: &mut WriteTxn<'_>, ops: Ops| {
        let undone = txn.nested(|child| {
            db.run(child, &ops);
            Err::<(), _>(Error::new(ErrorCode::Aborted, "on purpose"))
        });
        assert!(undone.is_err());
    };
    let put = |ops: Ops, at: u32| ops.put(store, json!(at), json!({"a": at}));
    // The ends of both trees move down, are looked up, and move up again; the second time only
    // after the trees were written to.
    let first = put(put(Ops::new().delete(store, json!(10)), 1), 2);
    let second = put(put(put(Ops::new(), 3).delete(store, json!(10)), 1), 2);
    for ops in [first, second] {
        db.scratch.write(|txn| {
            // What the transaction knows outlives the nested one.
            db.state(txn);
            undone(txn, ops);
            let answers = db.run(
                txn,
                &Ops::new().add(store, json!(10), json!({"a": 11})).put(
                    store,
                    json!(11),
                    json!({"a": 10}),
                ),
            );
            answers[0].refused(ErrorCode::KeyExists);
            answers[1].refused(ErrorCode::UniqueViolation);
        });
    }
    assert_eq!(db.count(store), 1);
    db.check();
}

#[test]
fn a_tree_id_that_is_given_back_brings_no_bounds_along() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let put = |ops: Ops, at: u32| ops.put(store, json!(at), json!({"a": at}));
    db.batch(&put(put(Ops::new(), 1), 10));
    let create = json!({
        "op": "createIndex", "store": store, "name": "i", "keyPath": "a", "unique": true,
    });
    db.scratch.write(|txn| {
        db.state(txn);
        let undone = txn.nested(|child| {
            db.run(child, &Ops::new().delete(store, json!(10)).schema(create.clone()));
            Err::<(), _>(Error::new(ErrorCode::Aborted, "on purpose"))
        });
        assert!(undone.is_err());
        db.run(txn, &Ops::new().schema(create.clone()));
        let answers = db.run(txn, &Ops::new().put(store, json!(11), json!({"a": 10})));
        answers[0].refused(ErrorCode::UniqueViolation);
    });
    db.check();
}

#[test]
fn caches_forget_the_shapes_of_deleted_stores() {
    let db = Db::new();
    let shapes = |store| db.scratch.read(|txn| db.shared.shapes(txn, store)).unwrap();
    let create = |name: &str| {
        let store = db.create_store(json!({"name": name}));
        db.batch(&Ops::new().shapes(store, json!([["a", "b"]])));
        store
    };
    let stays = create("stays");
    let known = shapes(stays);
    let deleted = (0..100).map(|i| {
        let name = format!("goes {i}");
        let table = Arc::downgrade(&shapes(create(&name)));
        db.schema(json!({"op": "deleteStore", "store": name}));
        table
    });
    let deleted = deleted.collect::<Vec<_>>();
    let kept = deleted.iter().filter(|table| Weak::strong_count(table) > 0).count();
    assert!(kept < 10, "{kept} of 100 tables are kept");
    assert!(Arc::ptr_eq(&known, &shapes(stays)));
}
