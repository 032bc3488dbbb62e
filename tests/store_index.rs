//! What indexes hold, and the unique rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use lodestore::error::ErrorCode;
use serde_json::{Value as Json, json};
use store_support::{Answer, Db, Ops};

/// A store with documents under the keys 0, 1, 2, …, and one index.
fn indexed(documents: &[Json], definition: Json) -> (Db, u32, u32) {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let mut definition = definition;
    definition["name"] = "i".into();
    let index = db.create_index(store, definition.clone());
    let mut ops = Ops::new();
    for (i, document) in documents.iter().enumerate() {
        ops = ops.put(store, json!(i), document.clone());
    }
    for answer in db.batch(&ops) {
        assert_eq!(answer, Answer::Ok);
    }
    db.check();
    // An index that is built at once from the documents is the same.
    definition["name"] = "later".into();
    let later = db.create_index(store, definition);
    assert_eq!(db.entries(store, index), db.entries(store, later));
    assert_eq!(db.visible(store, index), db.visible(store, later));
    db.check();
    (db, store, index)
}

fn entries(documents: &[Json], definition: Json) -> Vec<String> {
    let (db, store, index) = indexed(documents, definition);
    db.entries(store, index)
}

#[test]
fn a_native_index_has_every_document() {
    let documents = [
        json!({"a": 5}),
        json!({"a": "x"}),
        json!({"a": null}),
        json!({}),
        json!({"a": {"$undefined": 0}}),
        json!({"a": true}),
        json!({"a": {"$date": 5.0}}),
        json!({"a": {"$binary": [1]}}),
        json!({"a": {"$bigint": "6"}}),
        json!({"a": {"$nan": 0}}),
        json!({"a": {"b": 1}}),
        json!({"a": {"$map": 0}}),
        json!(7),
    ];
    assert_eq!(
        entries(&documents, json!({"keyPath": "a"})),
        [
            "null -> 2 (Own)",
            "null -> 3 (Own)",
            "null -> 4 (Own)",
            "null -> 12 (Own)",
            "true -> 5 (Own)",
            "5 -> 0 (Own)",
            "6 -> 8 (Own)",
            "Date(5) -> 6 (Own)",
            "\"x\" -> 1 (Own)",
            "0x01 -> 7 (Own)",
            "residual -> 9 (Residual)",
            "residual -> 10 (Residual)",
            "residual -> 11 (Residual)",
        ]
    );
}

#[test]
fn a_sparse_index_leaves_out_what_is_missing() {
    let documents =
        [json!({"a": 5}), json!({"a": null}), json!({}), json!({"a": {"$undefined": 0}})];
    assert_eq!(
        entries(&documents, json!({"keyPath": "a", "sparse": true})),
        ["null -> 1 (Own)", "5 -> 0 (Own)"]
    );
    let documents = [json!({"a": 5}), json!({"b": {"$undefined": 0}}), json!({"a": [{}]})];
    assert_eq!(
        entries(&documents, json!({"keyPath": ["a", "b"], "sparse": true})),
        ["5, null -> 0 (Own)", "residual -> 2 (Residual)"]
    );
}

#[test]
fn arrays_have_entries_for_elements_and_the_whole() {
    let documents = [
        json!({"a": [2, 1, 2]}),
        json!({"a": []}),
        json!({"a": [[1], 3]}),
        json!({"a": [1, null]}),
        json!({"a": [4, {"x": 1}]}),
        json!({"a": [{"$hole": 1}, 9]}),
        json!({"a": 1}),
    ];
    let expected = [
        "null -> 3 (Element)",
        "1 -> 0 (Element)",
        "1 -> 3 (Element)",
        "1 -> 6 (Own)",
        "2 -> 0 (Element)",
        "3 -> 2 (Element)",
        "4 -> 4 (Element)",
        "9 -> 5 (Element)",
        "[] -> 1 (Whole)",
        "[1] -> 2 (Element)",
        "[2, 1, 2] -> 0 (Whole)",
        "[[1], 3] -> 2 (Whole)",
        "residual -> 3 (Residual)",
        "residual -> 4 (Residual)",
        "residual -> 5 (Residual)",
    ];
    let (db, store, index) = indexed(&documents, json!({"keyPath": "a"}));
    assert_eq!(db.entries(store, index), expected);
    assert_eq!(db.visible(store, index), 4);
    let (db, store, index) = indexed(&documents, json!({"keyPath": "a", "multiEntry": true}));
    assert_eq!(db.entries(store, index), expected);
    assert_eq!(db.visible(store, index), 9);
}

#[test]
fn paths_through_arrays_are_residual() {
    let documents = [
        json!({"a": {"b": 1}}),
        json!({"a": [{"b": 2}]}),
        json!({"a": 3}),
        json!({"a": {"b": [4]}}),
    ];
    assert_eq!(
        entries(&documents, json!({"keyPath": "a.b"})),
        [
            "null -> 2 (Own)",
            "1 -> 0 (Own)",
            "4 -> 3 (Element)",
            "[4] -> 3 (Whole)",
            "residual -> 1 (Residual)",
        ]
    );
}

#[test]
fn compound_and_descending_parts() {
    let parts = json!([{"path": "a"}, {"path": "b", "descending": true}]);
    let documents = [
        json!({"a": 1, "b": 1}),
        json!({"a": 1, "b": 2}),
        json!({"a": 0}),
        json!({"a": 2, "b": ["x", "y"]}),
        json!({"a": [7], "b": [8]}),
        json!({"a": [7, 6], "b": 8}),
        json!({"a": 1, "b": {"$nan": 0}}),
        json!({"a": [1, {}], "b": 0}),
    ];
    assert_eq!(
        entries(&documents, json!({"parts": parts})),
        [
            "0, null -> 2 (Own)",
            "1, 2 -> 1 (Own)",
            "1, 1 -> 0 (Own)",
            "1, 0 -> 7 (Element)",
            "2, [\"x\", \"y\"] -> 3 (Whole)",
            "2, \"y\" -> 3 (Element)",
            "2, \"x\" -> 3 (Element)",
            "6, 8 -> 5 (Element)",
            "7, 8 -> 5 (Element)",
            "[7, 6], 8 -> 5 (Whole)",
            "residual -> 4 (Residual)",
            "residual -> 6 (Residual)",
            "residual -> 7 (Residual)",
        ]
    );
    assert_eq!(
        entries(
            &[json!({"a": 1}), json!({"a": "x"}), json!({})],
            json!({"parts": [{"path": "a", "descending": true}]})
        ),
        ["\"x\" -> 1 (Own)", "1 -> 0 (Own)", "null -> 2 (Own)"]
    );
}

#[test]
fn an_indexeddb_index_has_what_the_specification_extracts() {
    let documents = [
        json!({"a": 5}),
        json!({"a": null}),
        json!({}),
        json!({"a": [1, 2, 1]}),
        json!({"a": [1, null]}),
        json!({"a": true}),
        json!({"a": {"$bigint": "5"}}),
        json!({"a": "text"}),
        json!({"a": []}),
        json!({"a": [true]}),
    ];
    let (db, store, index) = indexed(&documents, json!({"keyPath": "a", "origin": "indexeddb"}));
    assert_eq!(
        db.entries(store, index),
        [
            "5 -> 0 (Own)",
            "\"text\" -> 7 (Own)",
            "[] -> 8 (Whole)",
            "[1, 2, 1] -> 3 (Whole)",
            "residual -> 1 (Residual)",
            "residual -> 2 (Residual)",
            "residual -> 4 (Residual)",
            "residual -> 5 (Residual)",
            "residual -> 6 (Residual)",
            "residual -> 9 (Residual)",
        ]
    );
    assert_eq!(db.visible(store, index), 4);
    let definition = json!({"keyPath": "a", "origin": "indexeddb", "multiEntry": true});
    let (db, store, index) = indexed(&documents, definition);
    assert_eq!(
        db.entries(store, index),
        [
            "1 -> 3 (Element)",
            "1 -> 4 (Element)",
            "2 -> 3 (Element)",
            "5 -> 0 (Own)",
            "\"text\" -> 7 (Own)",
            "residual -> 1 (Residual)",
            "residual -> 2 (Residual)",
            "residual -> 4 (Residual)",
            "residual -> 5 (Residual)",
            "residual -> 6 (Residual)",
            "residual -> 8 (Residual)",
            "residual -> 9 (Residual)",
        ]
    );
    assert_eq!(db.visible(store, index), 5);
}

#[test]
fn indexeddb_paths_see_lengths() {
    let documents = [json!({"a": "four"}), json!({"a": [1, 2]}), json!({"a": 1})];
    assert_eq!(
        entries(&documents, json!({"keyPath": "a.length", "origin": "indexeddb"})),
        ["2 -> 1 (Own)", "4 -> 0 (Own)", "residual -> 2 (Residual)"]
    );
    assert_eq!(
        entries(&documents, json!({"keyPath": ["a", "a.length"], "origin": "indexeddb"})),
        ["\"four\", 4 -> 0 (Own)", "[1, 2], 2 -> 1 (Whole)", "residual -> 2 (Residual)"]
    );
}

#[test]
fn replacing_changes_only_what_differs() {
    let (db, store, index) = indexed(&[json!({"a": ["x", "y"]})], json!({"keyPath": "a"}));
    let becomes = |document: Json, expected: &[&str]| {
        assert_eq!(db.one(&Ops::new().put(store, json!(0), document)), Answer::Ok);
        assert_eq!(db.entries(store, index), expected);
        db.check();
    };
    becomes(
        json!({"a": ["y", "z"]}),
        &["\"y\" -> 0 (Element)", "\"z\" -> 0 (Element)", "[\"y\", \"z\"] -> 0 (Whole)"],
    );
    // The same key of another kind.
    becomes(json!({"a": "y"}), &["\"y\" -> 0 (Own)"]);
    becomes(json!({"a": ["y"]}), &["\"y\" -> 0 (Element)", "[\"y\"] -> 0 (Whole)"]);
    becomes(json!({"a": {}}), &["residual -> 0 (Residual)"]);
    becomes(json!({"a": {}, "b": 1}), &["residual -> 0 (Residual)"]);
    becomes(json!({}), &["null -> 0 (Own)"]);
}

#[test]
fn the_unique_rule() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let index = db.create_index(store, json!({"name": "i", "keyPath": "a", "unique": true}));
    let answers = db.batch(
        &Ops::new()
            .put(store, json!(1), json!({"a": "x"}))
            .put(store, json!(2), json!({"a": "x"}))
            .put(store, json!(1), json!({"a": "x", "b": 1}))
            .put(store, json!(3), json!({}))
            .put(store, json!(4), json!({"a": null}))
            .put(store, json!(5), json!({"a": ["x"]}))
            .put(store, json!(6), json!({"a": ["x"]}))
            .put(store, json!(7), json!({"a": {"$nan": 0}}))
            .put(store, json!(8), json!({"a": {"$nan": 0}})),
    );
    let refused: Vec<usize> = (0..9).filter(|at| answers[*at] != Answer::Ok).collect();
    assert_eq!(refused, [1, 6], "whole arrays conflict, elements, nulls and residuals do not");
    let error = answers[1].refused(ErrorCode::UniqueViolation);
    assert_eq!((&error["store"], &error["index"]), (&json!("s"), &json!("i")));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("documents 2 and 1"), "{message}");
    assert_eq!(db.count(store), 6);
    // An entry that is given up is free.
    let swap = Ops::new()
        .put(store, json!(1), json!({"a": "y"}))
        .put(store, json!(2), json!({"a": "x"}))
        .delete(store, json!(2))
        .put(store, json!(9), json!({"a": "x"}));
    assert_eq!(db.batch(&swap), vec![Answer::Ok; 4]);
    assert!(db.entries(store, index).contains(&"\"x\" -> 9 (Own)".to_owned()));
    db.check();
}

#[test]
fn the_unique_rule_of_multi_entry_indexes() {
    for origin in ["native", "indexeddb"] {
        let db = Db::new();
        let store = db.create_store(json!({"name": "s"}));
        let definition = json!({
            "name": "i", "keyPath": "a", "unique": true, "multiEntry": true, "origin": origin
        });
        db.create_index(store, definition);
        let answers = db.batch(
            &Ops::new()
                .put(store, json!(1), json!({"a": ["x", "y", "x"]}))
                .put(store, json!(2), json!({"a": ["z", "y"]}))
                .put(store, json!(3), json!({"a": "x"}))
                .put(store, json!(4), json!({"a": "z"}))
                .put(store, json!(1), json!({"a": ["x", "z"]}))
                .put(store, json!(1), json!({"a": ["x", "w"]}))
                .put(store, json!(2), json!({"a": ["y"]})),
        );
        let refused: Vec<usize> = (0..7).filter(|at| answers[*at] != Answer::Ok).collect();
        assert_eq!(refused, [1, 2, 4], "{origin}");
        db.check();
    }
}

#[test]
fn a_conflict_in_the_second_index_leaves_no_trace() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "autoIncrement": true}));
    let plain = db.create_index(store, json!({"name": "plain", "keyPath": "p"}));
    db.create_index(store, json!({"name": "first", "keyPath": "a", "unique": true}));
    db.create_index(store, json!({"name": "second", "keyPath": "b", "unique": true}));
    db.batch(&Ops::new().generate(store, json!({"a": 1, "b": 1, "p": 1})));
    let answer = db.one(&Ops::new().generate(store, json!({"a": 2, "b": 1, "p": 2})));
    assert_eq!(answer.refused(ErrorCode::UniqueViolation)["index"], "second");
    assert_eq!(db.entries(store, plain), ["1 -> 1 (Own)"]);
    let answer = db.one(&Ops::new().generate(store, json!({"a": 2, "b": 2, "p": 2})));
    assert_eq!(answer, Answer::Key(store_support::key(json!(2))));
    db.check();
}

#[test]
fn compound_unique_indexes_ignore_nulls_in_any_part() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    db.create_index(store, json!({"name": "i", "keyPath": ["a", "b"], "unique": true}));
    let answers = db.batch(
        &Ops::new()
            .put(store, json!(1), json!({"a": 1}))
            .put(store, json!(2), json!({"a": 1}))
            .put(store, json!(3), json!({"a": 1, "b": 2}))
            .put(store, json!(4), json!({"a": 1, "b": 3}))
            .put(store, json!(5), json!({"a": 1, "b": 2})),
    );
    answers[4].refused(ErrorCode::UniqueViolation);
    assert_eq!(answers[..4], vec![Answer::Ok; 4]);
    db.check();
}

#[test]
fn building_a_unique_index_over_conflicts_fails() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    db.batch(
        &Ops::new()
            .put(store, json!("k1"), json!({"a": 1}))
            .put(store, json!("k2"), json!({"a": 2}))
            .put(store, json!("k3"), json!({"a": 1})),
    );
    let request =
        json!({"op": "createIndex", "store": "s", "name": "i", "keyPath": "a", "unique": true});
    let answer = db.one(&Ops::new().schema(request));
    let message = answer.refused(ErrorCode::UniqueViolation)["message"].as_str().unwrap();
    assert!(message.contains("\"k3\"") && message.contains("\"k1\""), "{message}");
    assert!(db.store(store).indexes.is_empty());
    db.check();
}
