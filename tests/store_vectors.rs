//! Vector indexes: their entries, labels and counts, what the check of a store finds, and the
//! feature flag.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::sync::Arc;

use lodestore::catalog::VectorDef;
use lodestore::storage::WriteTxn;
use lodestore::store::entry;
use lodestore::store::vectors::{
    COUNT_DOCUMENTS, COUNT_LABELS, COUNT_VECTORS, LABEL, Labels, counter, document_key, label_key,
};
use lodestore::store::{check_stores, pending_sweeps};
use serde_json::json;
use store_support::{Db, Ops, key};

/// A store with an index of vectors of two dimensions in `v`.
fn made() -> (Db, u32) {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "keyPath": "id"}));
    db.schema(json!({
        "op": "createVectorIndex", "store": store, "name": "near", "path": "v",
        "dimensions": 2, "metric": "l2",
    }));
    (db, store)
}

fn index(db: &Db, store: u32) -> Arc<VectorDef> {
    Arc::clone(&db.store(store).vectors[0])
}

/// The labels of a document's vectors.
fn labels(db: &Db, store: u32, id: i32) -> Option<Vec<u64>> {
    let index = index(db, store);
    let tree = entry::entries(index.tree);
    db.scratch.read(|txn| {
        let value = tree.get(txn, &document_key(&key(json!(id)))).unwrap()?;
        Some(Labels::read(&index, value).unwrap().each().collect())
    })
}

/// Documents with vectors, vectors, and labels that were given.
fn counts(db: &Db, store: u32) -> [u64; 3] {
    let tree = index(db, store).tree;
    let count = |class| db.scratch.read(|txn| txn.stored_count(counter(tree, class)).unwrap());
    [COUNT_DOCUMENTS, COUNT_VECTORS, COUNT_LABELS].map(count)
}

#[test]
fn labels_are_never_given_again() {
    let (db, store) = made();
    let put = |document| {
        db.batch(&Ops::new().inline(store, document));
        db.check();
    };
    put(json!({"id": 1, "v": [1, 2]}));
    put(json!({"id": 2, "v": [[1, 2], [3, 4], [5, 6]]}));
    put(json!({"id": 3, "v": null}));
    assert_eq!(labels(&db, store, 1), Some(vec![0]));
    assert_eq!(labels(&db, store, 2), Some(vec![1, 2, 3]));
    assert_eq!(labels(&db, store, 3), None);
    assert_eq!(counts(&db, store), [2, 4, 4]);
    // The same vectors keep their labels, whatever else changes.
    put(json!({"id": 2, "more": true, "v": [[1, 2], [3, 4], [5, 6]]}));
    assert_eq!(labels(&db, store, 2), Some(vec![1, 2, 3]));
    put(json!({"id": 2, "v": [[1, 2], [5, 6]]}));
    assert_eq!(labels(&db, store, 2), Some(vec![4, 5]));
    put(json!({"id": 2}));
    put(json!({"id": 1, "v": [1, 3]}));
    assert_eq!([labels(&db, store, 1), labels(&db, store, 2)], [Some(vec![6]), None]);
    assert_eq!(counts(&db, store), [1, 1, 7]);
    db.batch(&Ops::new().delete(store, json!(1)));
    put(json!({"id": 1, "v": [1, 3]}));
    assert_eq!(labels(&db, store, 1), Some(vec![7]));
    assert_eq!(counts(&db, store), [1, 1, 8]);
}

#[test]
fn what_is_rolled_back_leaves_no_labels() {
    let (db, store) = made();
    db.batch(&Ops::new().inline(store, json!({"id": 1, "v": [1, 2]})));
    let group = Ops::new()
        .group(3)
        .inline(store, json!({"id": 2, "v": [1, 2]}))
        .inline(store, json!({"id": 1, "v": [9, 9]}))
        .inline(store, json!({"id": 3, "v": [1]}));
    let answers = db.batch(&group);
    assert!(format!("{answers:?}").contains("DIMENSION_MISMATCH"), "{answers:?}");
    assert_eq!([1, 2, 3].map(|id| labels(&db, store, id)), [Some(vec![0]), None, None]);
    assert_eq!(counts(&db, store), [1, 1, 1]);
    db.check();
}

#[test]
fn clearing_and_dropping_leave_the_tree_to_the_sweeper() {
    let (db, store) = made();
    db.batch(&Ops::new().inline(store, json!({"id": 1, "v": [1, 2]})));
    let before = index(&db, store).tree;
    db.batch(&Ops::new().clear(store));
    let after = index(&db, store).tree;
    assert_ne!(before, after);
    assert_eq!(counts(&db, store), [0, 0, 0]);
    let swept = || db.scratch.read(|txn| pending_sweeps(txn).unwrap());
    assert!(swept().iter().any(|tree| tree.id == before));
    db.check();
    db.schema(json!({"op": "deleteIndex", "store": store, "index": "near"}));
    assert!(swept().iter().any(|tree| tree.id == after));
    assert!(db.store(store).vectors.is_empty());
    db.check();
}

/// The messages of what the check finds after `damage`.
fn found(damage: impl FnOnce(&VectorDef, &mut WriteTxn<'_>)) -> Vec<String> {
    let (db, store) = made();
    db.batch(
        &Ops::new()
            .inline(store, json!({"id": 1, "v": [[1, 2], [3, 4]]}))
            .inline(store, json!({"id": 2, "v": [1, 1]}))
            .inline(store, json!({"id": 3})),
    );
    db.check();
    let index = index(&db, store);
    db.scratch.write(|txn| damage(&index, txn));
    let report = db.scratch.read(|txn| check_stores(txn, &db.shared));
    let about = |problem: lodestore::store::Problem| {
        assert_eq!(problem.index.as_deref(), Some("near"));
        problem.message
    };
    report.problems.into_iter().map(about).collect()
}

fn assert_finds(messages: &[String], wanted: &[&str]) {
    for wanted in wanted {
        assert!(messages.iter().any(|message| message.contains(wanted)), "{messages:#?}");
    }
    assert_eq!(messages.len(), wanted.len(), "{messages:#?}");
}

#[test]
fn the_check_finds_what_the_documents_do_not_call_for() {
    let first = || document_key(&key(json!(1)));
    let messages = found(|index, txn| {
        entry::entries(index.tree).delete(txn, &first()).unwrap();
    });
    assert_finds(
        &messages,
        &[
            "the index lacks the document's vectors",
            "a label belongs to no vector of the document",
            "a label belongs to no vector of the document",
            "3 vectors of 1 documents, not 3 of 2",
            "the count of class 0 is 2, not 1",
        ],
    );
    let messages = found(|index, txn| {
        entry::entries(index.tree).delete(txn, &label_key(1)).unwrap();
    });
    assert_finds(
        &messages,
        &[
            "the index lacks a label of the document's vectors",
            "2 vectors of 2 documents, not 3 of 2",
            "the count of class 1 is 3, not 2",
        ],
    );
    let messages = found(|index, txn| {
        let labels = Labels { first: 2, count: 2 };
        let tree = entry::entries(index.tree);
        tree.put(txn, &document_key(&key(json!(2))), &labels.to_bytes()).unwrap();
    });
    assert_finds(&messages, &["another number of vectors", "a label would be given again"]);
    let messages = found(|index, txn| {
        let tree = entry::entries(index.tree);
        let labels = Labels { first: 0, count: 1 };
        tree.put(txn, &document_key(&key(json!(9))), &labels.to_bytes()).unwrap();
        tree.put(txn, &[LABEL, 7], &key(json!(1))).unwrap();
    });
    assert_finds(
        &messages,
        &[
            "vectors of a document that is not there",
            "an index entry is malformed",
            "4 vectors of 3 documents, not 3 of 2",
            "the count of class 0 is 2, not 3",
            "the count of class 1 is 3, not 4",
        ],
    );
    let messages = found(|index, txn| {
        txn.add_count(counter(index.tree, COUNT_LABELS), -1);
    });
    assert_finds(&messages, &["a label would be given again"]);
}
