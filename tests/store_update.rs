//! Updates and deletions of what queries find, in batches and groups.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod store_support;

use lodestore::error::ErrorCode;
use lodestore::protocol::ops;
use lodestore::value::{self, Array, Fields, NoShapes, Value};
use lodestore::wtf8::Wtf8String;
use serde_json::{Value as Json, json};
use store_support::{Answer, Db, Ops, key};

/// JSON as it is: names with `$` are names.
fn plain(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::String(Wtf8String::from(text.as_str())),
        Json::Array(items) => {
            Value::Array(Array { items: items.iter().map(plain).collect(), fields: None })
        }
        Json::Object(fields) => {
            let names = fields.keys().map(|name| Wtf8String::from(name.as_str())).collect();
            Value::Object(Fields::from_parts(names, fields.values().map(plain).collect()).unwrap())
        }
    }
}

fn request(json: Json) -> Vec<u8> {
    value::encode(&plain(&json), &NoShapes).unwrap()
}

trait Updates {
    fn update(self, store: u32, primary_key: Json, update: Json) -> Self;
    fn update_where(self, store: u32, filter: Json, update: Json) -> Self;
    fn delete_where(self, store: u32, query: Json) -> Self;
}

impl Updates for Ops {
    fn update(self, store: u32, primary_key: Json, update: Json) -> Self {
        let value = request(json!({ "update": update }));
        self.op(ops::UPDATE, 0, store, &key(primary_key), &value)
    }

    fn update_where(self, store: u32, filter: Json, update: Json) -> Self {
        let query = json!({ "filter": filter, "returns": "keys" });
        let value = request(json!({ "query": query, "update": update }));
        self.op(ops::UPDATE_WHERE, 0, store, &[], &value)
    }

    fn delete_where(self, store: u32, query: Json) -> Self {
        let value = request(json!({ "query": query, "maxBytes": 1 << 20 }));
        self.op(ops::DELETE_WHERE, 0, store, &[], &value)
    }
}

fn tally(matched: u64, modified: u64) -> Answer {
    Answer::Payload([matched.to_le_bytes(), modified.to_le_bytes()].concat())
}

/// A store with the documents 0 to `count` − 1, whose `n` is their key.
fn filled(count: u32) -> (Db, u32) {
    let db = Db::new();
    let store = db.create_store(json!({ "name": "docs", "keyPath": "id" }));
    db.create_index(store, json!({ "name": "byN", "keyPath": "n" }));
    db.create_index(store, json!({ "name": "byU", "keyPath": "u", "unique": true }));
    let puts = (0..count).fold(Ops::new(), |ops, id| {
        ops.inline(store, json!({ "id": id, "n": id, "u": id, "odd": id % 2 }))
    });
    db.batch(&puts);
    (db, store)
}

#[test]
fn an_update_meets_each_document_once() {
    let (db, store) = filled(2_000);
    // Each update moves its document ahead in the index that finds it.
    let update = json!({ "$inc": { "n": 10_000 } });
    let ops = Ops::new().update_where(store, json!({ "n": { "$gte": 500 } }), update);
    assert_eq!(db.one(&ops), tally(1_500, 1_500));
    assert_eq!(db.get(store, json!(499)).unwrap()["n"], json!(499.0));
    assert_eq!(db.get(store, json!(500)).unwrap()["n"], json!(10_500.0));
    assert_eq!(db.get(store, json!(1_999)).unwrap()["n"], json!(11_999.0));
    db.check();
}

#[test]
fn a_query_finds_what_was_written_before_it() {
    let (db, store) = filled(10);
    let all = || json!({ "n": { "$gte": 100 } });
    let answers = db.batch(
        &Ops::new()
            .update(store, json!(3), json!({ "$set": { "n": 100 } }))
            .inline(store, json!({ "id": 10, "n": 101 }))
            .update_where(store, all(), json!({ "$set": { "seen": true } }))
            .update_where(store, all(), json!({ "$set": { "seen": true } }))
            .delete_where(store, json!({ "filter": all(), "returns": "keys" }))
            .update_where(store, all(), json!({ "$set": { "seen": true } })),
    );
    assert_eq!(answers[2..], [tally(2, 2), tally(2, 0), Answer::Number(2), tally(0, 0)]);
    assert_eq!(db.count(store), 9);
    db.check();
}

#[test]
fn all_are_changed_or_none() {
    let (db, store) = filled(100);
    let answers = db.batch(
        &Ops::new()
            .inline(store, json!({ "id": 100, "n": "text", "u": 100 }))
            .update_where(store, json!({}), json!({ "$inc": { "n": 1 } }))
            .update_where(store, json!({ "odd": 1 }), json!({ "$set": { "u": 7 } }))
            .update_where(store, json!({ "id": { "$lt": 2 } }), json!({ "$set": { "id": 5 } }))
            .update_where(store, json!({ "odd": 0 }), json!({ "$set": { "x": 1 } })),
    );
    let document = answers[1].refused(ErrorCode::InvalidUpdate);
    assert_eq!(document["path"], json!("$inc.n"));
    assert!(document["key"].is_array());
    assert_eq!(answers[2].refused(ErrorCode::UniqueViolation)["index"], json!("byU"));
    answers[3].refused(ErrorCode::KeyImmutable);
    assert_eq!(answers[4], tally(50, 50));
    assert_eq!(db.get(store, json!(1)).unwrap(), json!({"id":1.0,"n":1.0,"u":1.0,"odd":1.0}));
    assert_eq!(db.count(store), 101);
    db.check();
}

#[test]
fn a_sort_and_a_limit_choose() {
    let (db, store) = filled(20);
    let query = json!({
        "filter": { "odd": 1 }, "sort": { "n": -1 }, "limit": 3, "returns": "keys"
    });
    assert_eq!(db.one(&Ops::new().delete_where(store, query)), Answer::Number(3));
    assert_eq!(db.get(store, json!(19)), None);
    assert_eq!(db.get(store, json!(15)), None);
    assert!(db.get(store, json!(13)).is_some());
    db.check();
}

#[test]
fn more_keys_than_allowed_change_nothing() {
    let (db, store) = filled(1_000);
    let query = json!({ "filter": {}, "returns": "keys" });
    let value = request(json!({ "query": query, "maxBytes": 1_000 }));
    let answer = db.one(&Ops::new().op(ops::DELETE_WHERE, 0, store, &[], &value));
    answer.refused(ErrorCode::TxTooLarge);
    assert_eq!(db.count(store), 1_000);
}

#[test]
fn malformed_requests_are_refused() {
    let (db, store) = filled(1);
    let query = || json!({ "filter": {}, "returns": "keys" });
    for value in [
        json!({}),
        json!({ "query": query() }),
        json!({ "query": 5, "update": {} }),
        json!({ "query": { "filter": { "$foo": 1 }, "returns": "keys" }, "update": {} }),
        json!({ "query": query(), "update": { "$foo": 1 } }),
        json!({ "query": query(), "update": { "$set": { "a": 1 } }, "maxBytes": "x" }),
    ] {
        let answer = db.one(&Ops::new().op(ops::UPDATE_WHERE, 0, store, &[], &request(value)));
        assert!(matches!(answer, Answer::Error { .. }), "{answer:?}");
    }
    for code in [ops::UPDATE, ops::UPSERT, ops::UPDATE_WHERE, ops::DELETE_WHERE] {
        for value in [&[][..], &[1], &[0xFF; 4], &[0xE0, 1]] {
            let answer = db.one(&Ops::new().op(code, 0, store, &key(json!(0)), value));
            assert!(matches!(answer, Answer::Error { .. }), "{code} {value:?}: {answer:?}");
        }
    }
    assert_eq!(db.get(store, json!(0)).unwrap()["n"], json!(0.0));
}

#[test]
fn updates_can_be_in_a_group() {
    let (db, store) = filled(3);
    let group = |last: Json| {
        Ops::new()
            .group(3)
            .update(store, json!(0), json!({ "$inc": { "n": 1 } }))
            .update(store, json!(9), json!({ "$inc": { "n": 1 } }))
            .update(store, json!(1), last)
    };
    let done = db.one(&group(json!({ "$set": { "n": 1 } })));
    let bits = |bits: u8| [1, 0, 0, 0, bits];
    assert_eq!(done, Answer::Payload([bits(3), bits(0), bits(1)].concat()));
    let refused = db.one(&group(json!({ "$push": { "n": 1 } })));
    assert_eq!(refused.refused(ErrorCode::InvalidUpdate)["at"], json!(2.0));
    assert_eq!(db.get(store, json!(0)).unwrap()["n"], json!(1.0));
    db.check();
}

#[test]
fn frequent_names_become_shapes_in_the_transaction_of_their_document() {
    let db = Db::new();
    let store = db.create_store(json!({ "name": "docs" }));
    let puts = (0..10).fold(Ops::new(), |ops, id| ops.put(store, json!(id), json!({ "a": id })));
    db.batch(&puts);
    let size = |id: u32| {
        let tree = lodestore::store::entry::documents(db.store(store).tree);
        db.scratch.read(|txn| tree.get(txn, &key(json!(id))).unwrap().unwrap().len())
    };
    for id in 0..10 {
        let update = json!({ "$set": { "a rather long name": { "another long name": id } } });
        db.batch(&Ops::new().update(store, json!(id), update));
    }
    assert!(size(0) > 40);
    assert!(size(2) < 20, "{}", size(2));
    assert!(size(9) < 20, "{}", size(9));
    // A transaction that is given up takes its shapes along, and nothing names them.
    let failed = db.batch(
        &Ops::new()
            .group(5)
            .update(store, json!(0), json!({ "$set": { "other": 0 } }))
            .update(store, json!(1), json!({ "$set": { "other": 0 } }))
            .update(store, json!(2), json!({ "$set": { "other": 0 } }))
            .update(store, json!(3), json!({ "$set": { "other": 0 } }))
            .update(store, json!(4), json!({ "$inc": { "a rather long name": 0 } })),
    );
    failed[0].refused(ErrorCode::InvalidUpdate);
    for id in 5..9 {
        let update = json!({ "$set": { "other": id } });
        assert_eq!(db.one(&Ops::new().update(store, json!(id), update)), Answer::Number(3));
    }
    let inner = json!({ "another long name": 8.0 });
    let expected = json!({ "a": 8.0, "a rather long name": inner, "other": 8.0 });
    assert_eq!(db.get(store, json!(8)).unwrap(), expected);
    db.check();
}

#[test]
fn batches_go_on_behind_a_key() {
    let (db, store) = filled(10);
    let query = json!({ "filter": { "n": { "$gte": 2 } }, "returns": "keys" });
    let value = request(json!({ "query": query, "update": { "$inc": { "n": 100 } } }));
    let batch = |size: u32, after: &[u8]| [&size.to_le_bytes(), after].concat();
    let answer = |more: u8, last: Json| {
        let tally = [4_u64.to_le_bytes(), 4_u64.to_le_bytes()].concat();
        Answer::Payload([tally, vec![more], key(last)].concat())
    };
    let at = |place: &[u8]| db.one(&Ops::new().op(ops::UPDATE_WHERE, 0, store, place, &value));
    assert_eq!(at(&batch(4, &[])), answer(1, json!(5)));
    assert_eq!(at(&batch(4, &key(json!(5)))), answer(0, json!(9)));
    assert_eq!(at(&batch(4, &key(json!(9)))), Answer::Payload(vec![0; 17]));
    for id in 0..10 {
        let n = if id < 2 { id } else { id + 100 };
        assert_eq!(db.get(store, json!(id)).unwrap()["n"], json!(f64::from(n)));
    }
    for place in [&batch(0, &[])[..], &[1, 0, 0], &batch(1, &[0xFF])] {
        let answer = at(place);
        assert!(matches!(answer, Answer::Error { .. }), "{place:?}: {answer:?}");
    }
    let room = key(json!(2)).len() + key(json!(3)).len();
    let value =
        request(json!({ "query": query, "update": { "$inc": { "n": 0 } }, "maxBytes": room }));
    let update = Ops::new().op(ops::UPDATE_WHERE, 0, store, &batch(u32::MAX, &[]), &value);
    let found = [2_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat();
    assert_eq!(db.one(&update), Answer::Payload([found, vec![1], key(json!(3))].concat()));
    let value = request(json!({ "query": { "filter": {}, "returns": "keys" } }));
    let delete = Ops::new().op(ops::DELETE_WHERE, 0, store, &batch(4, &key(json!(5))), &value);
    assert_eq!(db.one(&delete), answer(0, json!(9)));
    assert_eq!(db.count(store), 6);
    db.check();
}
