//! Documents: inserting, replacing, deleting, generated keys.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use lodestore::error::ErrorCode;
use lodestore::protocol::ops;
use serde_json::json;
use store_support::{Answer, Db, Ops, doc, key};

#[test]
fn puts_adds_replaces_and_deletes() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "notes"}));
    let answers = db.batch(
        &Ops::new()
            .put(store, json!(1), json!("one"))
            .add(store, json!("b"), json!({"x": 1}))
            .add(store, json!(1), json!("again"))
            .put(store, json!(1), json!("uno"))
            .delete(store, json!(99))
            .op(ops::DELETE, ops::FLAG_RETURN_KEY, store, &key(json!(99)), &[])
            .op(ops::PUT, ops::FLAG_RETURN_KEY, store, &key(json!([1, "x"])), &doc(json!(null))),
    );
    answers[2].refused(ErrorCode::KeyExists);
    assert_eq!(answers[5], Answer::Number(0));
    assert_eq!(answers[6], Answer::Key(key(json!([1, "x"]))));
    assert!([0, 1, 3, 4].iter().all(|at| answers[*at] == Answer::Ok));
    assert_eq!(db.get(store, json!(1)), Some(json!("uno")));
    assert_eq!(db.get(store, json!("b")), Some(json!({"x": 1.0})));
    assert_eq!(db.count(store), 3);
    db.batch(&Ops::new().delete(store, json!(1)).delete(store, json!("b")));
    assert_eq!(db.get(store, json!(1)), None);
    assert_eq!(db.count(store), 1);
    db.check();
}

#[test]
fn errors_say_where() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "notes"}));
    db.batch(&Ops::new().put(store, json!(1), json!("one")));
    let taken = db.one(&Ops::new().add(store, json!(1), json!("two")));
    let error = taken.refused(ErrorCode::KeyExists);
    assert_eq!(error["store"], "notes");
    assert_eq!(error["key"], serde_json::Value::from(key(json!(1))));
    let gone = db.one(&Ops::new().put(77, json!(1), json!("two")));
    gone.refused(ErrorCode::StoreNotFound);
    let unkeyed = db.one(&Ops::new().op(ops::PUT, 0, store, &[0x10], &doc(json!(1))));
    unkeyed.refused(ErrorCode::InvalidKey);
    let inline = db.one(&Ops::new().inline(store, json!({"id": 1})));
    inline.refused(ErrorCode::InvalidArgument);
    let generated = db.one(&Ops::new().generate(store, json!(1)));
    generated.refused(ErrorCode::InvalidArgument);
    assert_eq!(db.count(store), 1);
    db.check();
}

#[test]
fn extracts_inline_keys() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "users", "keyPath": "name.first"}));
    let pairs = db.create_store(json!({"name": "pairs", "keyPath": ["a", "b"]}));
    assert_eq!(db.one(&Ops::new().inline(store, json!({"name": {"first": "Ann"}}))), Answer::Ok);
    assert!(db.get(store, json!("Ann")).is_some());
    for document in [json!({"name": "Ann"}), json!({}), json!(7)] {
        // A string has no own property `first`; a missing path is missing.
        let answer = db.one(&Ops::new().inline(store, document));
        let error = answer.refused(ErrorCode::InvalidKey);
        assert_eq!(error["path"], "name.first");
    }
    for value in [json!(null), json!(true), json!({"$nan": 0}), json!({"$map": 0}), json!([null])] {
        let answer = db.one(&Ops::new().inline(store, json!({"name": {"first": value}})));
        answer.refused(ErrorCode::InvalidKey);
    }
    db.batch(&Ops::new().inline(pairs, json!({"a": 1, "b": [2]})));
    assert!(db.get(pairs, json!([1, [2]])).is_some());
    let answer = db.one(&Ops::new().inline(pairs, json!({"a": 1})));
    assert_eq!(answer.refused(ErrorCode::InvalidKey)["path"], "b");
    let answer = db.one(&Ops::new().put(store, json!("Bob"), json!({"name": {"first": "Ann"}})));
    answer.refused(ErrorCode::InvalidKey);
    assert_eq!((db.count(store), db.count(pairs)), (1, 1));
    db.check();
}

#[test]
fn bigint_keys_are_native_only() {
    let db = Db::new();
    let native = db.create_store(json!({"name": "a", "keyPath": "id"}));
    let foreign = db.create_store(json!({"name": "b", "keyPath": "id", "origin": "indexeddb"}));
    let document = json!({"id": {"$bigint": "7"}});
    assert_eq!(db.one(&Ops::new().inline(native, document.clone())), Answer::Ok);
    assert!(db.get(native, json!(7)).is_some());
    db.one(&Ops::new().inline(foreign, document)).refused(ErrorCode::InvalidKey);
    db.check();
}

fn generated(answer: &Answer) -> f64 {
    match answer {
        Answer::Key(key) => lodestore::key::as_number(key).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn generates_keys_by_the_rules_of_indexeddb() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "log", "autoIncrement": true}));
    let next = || generated(&db.one(&Ops::new().generate(store, json!("x"))));
    assert_eq!((next(), next()), (1.0, 2.0));
    // Only numbers at or above the current one move it, to the next whole number.
    for (explicit, then) in [
        (json!("text"), 3.0),
        (json!({"$date": 1e15}), 4.0),
        (json!(-5), 5.0),
        (json!(3.9), 6.0),
        (json!(7), 8.0),
        (json!(9.5), 10.0),
        (json!(100.25), 101.0),
    ] {
        db.batch(&Ops::new().put(store, explicit.clone(), json!("explicit")));
        assert_eq!(next(), then, "after {explicit}");
    }
    // Clearing does not start again.
    db.batch(&Ops::new().clear(store));
    assert_eq!(next(), 102.0);
    // A failing operation does not move it.
    db.one(&Ops::new().put(store, json!(500), json!(1)));
    db.one(&Ops::new().add(store, json!(500), json!(1))).refused(ErrorCode::KeyExists);
    assert_eq!(next(), 501.0);
    // 2^53 is the last key.
    db.batch(&Ops::new().put(store, json!(9_007_199_254_740_991.0), json!(1)));
    assert_eq!(next(), 9_007_199_254_740_992.0);
    let full = db.one(&Ops::new().generate(store, json!(1)));
    full.refused(ErrorCode::ResourceLimit);
    db.check();
}

#[test]
fn an_infinite_key_ends_the_generator() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "log", "autoIncrement": true}));
    let mut infinity = Vec::new();
    assert!(lodestore::key::push_number(&mut infinity, f64::INFINITY));
    db.batch(&Ops::new().op(ops::PUT, 0, store, &infinity, &doc(json!(1))));
    db.one(&Ops::new().generate(store, json!(1))).refused(ErrorCode::ResourceLimit);
    db.check();
}

#[test]
fn patches_generated_keys_into_documents() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "a", "keyPath": "meta.id", "autoIncrement": true}));
    let document = json!({"meta": {"id": {"$patch": 0}}, "text": "x"});
    let answers =
        db.batch(&Ops::new().patch(store, document.clone()).patch(store, document.clone()));
    assert_eq!(answers.iter().map(generated).collect::<Vec<_>>(), [1.0, 2.0]);
    assert_eq!(db.get(store, json!(2)), Some(json!({"meta": {"id": 2.0}, "text": "x"})));
    // An explicit key inside moves the generator, too.
    db.batch(&Ops::new().inline(store, json!({"meta": {"id": 10}})));
    assert_eq!(generated(&db.one(&Ops::new().patch(store, document))), 11.0);
    // The number must go where the key path looks.
    let elsewhere = json!({"meta": {"id": 3}, "text": {"$patch": 0}});
    db.one(&Ops::new().patch(store, elsewhere)).refused(ErrorCode::InvalidKey);
    assert_eq!(db.count(store), 4);
    db.check();
}

#[test]
fn a_generator_survives_a_rolled_back_group() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "log", "autoIncrement": true}));
    let answers = db.batch(
        &Ops::new()
            .generate(store, json!(1))
            .group(3)
            .generate(store, json!(2))
            .put(store, json!(50), json!(3))
            .add(store, json!(50), json!(4))
            .generate(store, json!(5)),
    );
    assert_eq!(generated(&answers[0]), 1.0);
    assert_eq!(answers[1].refused(ErrorCode::KeyExists)["at"], 2.0);
    assert_eq!(generated(&answers[2]), 2.0);
    assert_eq!(db.count(store), 2);
    db.check();
}

#[test]
fn deletes_ranges() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "n"}));
    db.create_index(store, json!({"name": "even", "keyPath": "even"}));
    let mut ops = Ops::new();
    for i in 0..1_000 {
        ops = ops.put(store, json!(i), json!({"even": i % 2 == 0}));
    }
    db.batch(&ops);
    let delete = |lower, upper| db.one(&Ops::new().delete_range(store, lower, upper));
    assert_eq!(delete(Some(json!(100)), Some(json!(900))), Answer::Number(800));
    assert_eq!(delete(Some(json!(100)), Some(json!(900))), Answer::Number(0));
    assert_eq!(delete(None, Some(json!(10))), Answer::Number(10));
    assert_eq!(delete(Some(json!(990)), None), Answer::Number(10));
    assert_eq!(delete(Some(json!(5)), Some(json!(1))), Answer::Number(0));
    assert_eq!(db.count(store), 180);
    db.check();
    let answers = db.batch(
        &Ops::new()
            .delete_range(store, None, None)
            .put(store, json!(1), json!({}))
            .delete_range(store, None, None),
    );
    assert_eq!(answers, [Answer::Number(180), Answer::Ok, Answer::Number(1)]);
    assert_eq!(db.count(store), 0);
    db.check();
}

#[test]
fn long_keys_and_values_work() {
    let db = Db::new();
    let store = db.create_store(json!({"name": "n", "keyPath": "id", "compression": "lz4"}));
    db.create_index(store, json!({"name": "text", "keyPath": "text", "unique": true}));
    let long = |c: &str, len: usize| c.repeat(len);
    for (id, text) in [(long("k", 5_000), long("t", 9_000)), (long("k", 5_001), long("t", 9_001))] {
        assert_eq!(db.one(&Ops::new().inline(store, json!({"id": id, "text": text}))), Answer::Ok);
    }
    let taken = db.one(&Ops::new().inline(store, json!({"id": "x", "text": long("t", 9_000)})));
    taken.refused(ErrorCode::UniqueViolation);
    db.batch(&Ops::new().inline(store, json!({"id": long("k", 5_000), "text": "short"})));
    assert_eq!(
        db.one(&Ops::new().inline(store, json!({"id": "x", "text": long("t", 9_000)}))),
        Answer::Ok
    );
    db.check();
}
