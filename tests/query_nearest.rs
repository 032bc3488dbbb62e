//! Searches for near vectors: every plan gives the same, in pieces of any size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use lodestore::execution::{Chunk, Execution, Query};
use lodestore::store::read::{Response, View};
use lodestore::value::{Array, Fields, Value};
use lodestore::wtf8::Wtf8String;
use serde_json::{Value as Json, json};
use store_support::{Db, Ops, from_json};

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

fn filled(numbers: &mut Numbers) -> (Db, u32) {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "keyPath": "id"}));
    db.create_index(store, json!({"name": "a", "keyPath": "a"}));
    db.create_index(store, json!({"name": "b", "keyPath": "b", "multiEntry": true}));
    db.schema(json!({
        "op": "createVectorIndex", "store": store, "name": "near", "path": "v",
        "dimensions": 3, "metric": "l2",
    }));
    let mut ops = Ops::new();
    for id in 0..600 {
        let mut component = || numbers.below(6) as i32 - 3;
        let one = json!([component(), component(), component()]);
        let two = json!([component(), component(), component()]);
        let v = match numbers.below(4) {
            0 => Json::Null,
            1 => json!([one, two]),
            _ => one,
        };
        let b = json!([numbers.below(5), numbers.below(5)]);
        ops = ops.inline(store, json!({"id": id, "a": numbers.below(9), "b": b, "v": v}));
    }
    db.batch(&ops);
    db.check();
    (db, store)
}

/// A request, in which names that begin with `$` are operators.
fn request_of(json: &Json) -> Value {
    match json {
        Json::Array(items) => {
            Value::Array(Array { items: items.iter().map(request_of).collect(), fields: None })
        }
        Json::Object(fields) => {
            let names = fields.keys().map(|name| Wtf8String::from(name.as_str())).collect();
            let values = fields.values().map(request_of).collect();
            Value::Object(Fields::from_parts(names, values).unwrap())
        }
        plain => from_json(plain),
    }
}

/// The answer's bytes with the `choice`-th best plan, and the plan's name.
fn answer(db: &Db, store: u32, request: &Json, choice: usize, budget: u32) -> (Vec<u8>, u32) {
    db.scratch.read(|txn| {
        let view = View::from(txn);
        let mut query = Query::parse(&request_of(request)).unwrap();
        query.choice = choice;
        let definition = db.store(store);
        let mut execution = Execution::new(view, &db.shared, &definition, query).unwrap();
        let (cancelled, mut bytes, mut rows) = (AtomicBool::new(false), Vec::new(), 0);
        loop {
            let chunk = Chunk { rows: 7, max_bytes: 0, budget, cancelled: &cancelled };
            let mut response = Response::growing(&mut bytes);
            let (count, done) = execution.next(view, &db.shared, &chunk, &mut response).unwrap();
            rows += count;
            if done {
                return (bytes, rows);
            }
        }
    })
}

#[test]
fn every_plan_finds_the_same_in_the_same_order() {
    let mut numbers = Numbers(11);
    let (db, store) = filled(&mut numbers);
    let filters = [
        json!({}),
        json!({"a": 3}),
        json!({"a": {"$gte": 2, "$lt": 5}, "b": 1}),
        json!({"b": {"$in": [1, 4]}}),
        json!({"$or": [{"a": 1}, {"b": 2}]}),
        json!({"id": {"$lt": 100}}),
        json!({"id": 5}),
        json!({"a": 77}),
    ];
    let mut found = BTreeSet::new();
    for filter in filters {
        for k in [1, 10, 600] {
            let mut component = || numbers.below(6) as i32 - 3;
            let vector = json!([component(), component(), component()]);
            let nearest = json!({"index": "near", "vector": vector, "k": k});
            let mut with_search = filter.clone();
            with_search["$vector"] = json!({"index": "near", "query": vector, "k": k});
            for request in [
                json!({"filter": filter, "returns": "nearest", "nearest": nearest}),
                json!({"filter": with_search, "returns": "entries", "sort": {"a": -1}}),
            ] {
                let expected = answer(&db, store, &request, 0, 0);
                found.insert(expected.1);
                for choice in 1..6 {
                    for budget in [0, 1, 40] {
                        let other = answer(&db, store, &request, choice, budget);
                        assert!(
                            other == expected,
                            "{request} by choice {choice} in pieces of {budget}"
                        );
                    }
                }
            }
        }
    }
    assert!(found.contains(&0) && found.contains(&10) && found.len() > 5, "{found:?}");
}

#[test]
fn what_does_not_go_with_a_search_is_refused() {
    let nearest = json!({"index": "near", "vector": [1, 2, 3]});
    for request in [
        json!({"returns": "nearest"}),
        json!({"returns": "page", "page": {"size": 3}, "nearest": nearest}),
        json!({"returns": "nearest", "nearest": nearest, "filter": {"$vector": nearest}}),
        json!({"returns": "documents", "select": {"a": {"$meta": "vectorSearchScore"}}}),
        json!({"returns": "nearest", "nearest": {"vector": [1]}}),
        json!({"returns": "nearest", "nearest": {"index": "near", "maxDistance": "far"}}),
        json!({"returns": "nearest", "nearest": 3}),
    ] {
        assert!(Query::parse(&request_of(&request)).is_err(), "{request}");
    }
}
