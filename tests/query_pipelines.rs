//! Pipelines over stores: what the planner takes of them, joins, and answers in pieces.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod query_support;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use lodestore::error::ErrorCode;
use lodestore::execution::{Chunk, Execution, Query};
use lodestore::protocol::Executions;
use lodestore::query::{Filter, Place};
use lodestore::store::read::Response;
use query_support::{Db, Index, value};
use serde_json::{Value as Json, json};

const CITIES: u64 = 7;

fn db() -> Db {
    let db = Db::new();
    let orders = (0..500).map(|id| {
        json!({"id": id, "city": format!("city {}", id % CITIES), "amount": id % 10,
            "customer": id % 40})
    });
    db.create("orders", &[Index("byCity", &["city"], json!({}))], orders);
    let customers = (0..30).map(|id| json!({"id": id, "name": format!("customer {id}")}));
    db.create("customers", &[], customers);
    db
}

#[test]
fn groups() {
    let db = db();
    let mut expected: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for id in 0..500 {
        let group = expected.entry(format!("city {}", id % CITIES as i64)).or_default();
        *group = (group.0 + 1, group.1 + id % 10);
    }
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(city, (n, sum))| json!({"_id": city, "n": n, "sum": sum}))
        .collect();
    for rows in [0, 1, 3] {
        let pipeline = json!([
            {"$group": {"_id": "$city", "n": {"$count": {}}, "sum": {"$sum": "$amount"}}},
            {"$sort": {"_id": 1}},
        ]);
        assert_eq!(db.aggregate("orders", pipeline, rows).unwrap(), expected);
    }
}

#[test]
fn the_front_goes_to_the_planner() {
    let db = db();
    let pipeline = json!([
        {"$match": {"city": "city 3", "amount": {"$gte": 5}}},
        {"$sort": {"id": -1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"id": 1}},
    ]);
    let found = db.aggregate("orders", pipeline, 0).unwrap();
    let all: Vec<i64> = (0..500).rev().filter(|id| id % 7 == 3 && id % 10 >= 5).collect();
    let expected: Vec<_> = all[1..3].iter().map(|id| json!({"id": id})).collect();
    assert_eq!(found, expected);
    assert_eq!(db.aggregate("orders", json!([]), 7).unwrap().len(), 500);
}

#[test]
fn joins() {
    let db = db();
    for rows in [0, 2] {
        let pipeline = json!([
            {"$match": {"id": {"$lt": 45}}},
            {"$lookup": {"from": "customers", "localField": "customer", "foreignField": "id",
                "as": "who"}},
            {"$set": {"who": {"$arrayElemAt": ["$who.name", 0]}}},
            {"$sort": {"id": 1}},
        ]);
        let found = db.aggregate("orders", pipeline, rows).unwrap();
        assert_eq!(found.len(), 45);
        for (id, document) in found.iter().enumerate() {
            let customer = id % 40;
            let name = (customer < 30).then(|| format!("customer {customer}"));
            assert_eq!(document.get("who").and_then(Json::as_str), name.as_deref(), "{document}");
        }
    }
    // Without an index on the other side, by a table in memory.
    let pipeline = json!([
        {"$lookup": {"from": "orders", "localField": "id", "foreignField": "customer",
            "as": "orders"}},
        {"$project": {"n": {"$size": "$orders"}}},
        {"$group": {"_id": null, "n": {"$sum": "$n"}}},
    ]);
    let found = db.aggregate("customers", pipeline, 0).unwrap();
    let expected = (0..500).filter(|id| id % 40 < 30).count();
    assert_eq!(found, [json!({"_id": null, "n": expected})]);
    let union = json!([{"$unionWith": "customers"}, {"$count": "n"}]);
    assert_eq!(db.aggregate("orders", union, 0).unwrap(), [json!({"n": 530})]);
}

#[test]
fn refuses() {
    let db = db();
    let refused = |pipeline: Json| db.aggregate("orders", pipeline, 0).unwrap_err();
    assert_eq!(refused(json!([{"$foo": 1}])).code(), ErrorCode::InvalidQuery);
    let lookup = json!([{"$lookup": {"from": "nowhere", "localField": "a", "foreignField": "b",
        "as": "c"}}]);
    assert_eq!(refused(lookup).code(), ErrorCode::StoreNotFound);
    assert_eq!(refused(json!([{"$out": "orders"}])).code(), ErrorCode::InvalidArgument);
    let division = json!([{"$set": {"x": {"$divide": [1, "$zero"]}}},
        {"$set": {"y": {"$divide": [1, 0]}}}]);
    assert_eq!(refused(division).code(), ErrorCode::Expression);
    let request = json!({"returns": "aggregate", "memoryLimit": 1_000,
        "pipeline": [{"$group": {"_id": "$id"}}]});
    let limited = db.rows("orders", &request, 0).unwrap_err();
    assert_eq!(limited.code(), ErrorCode::ResourceLimit);
    assert!(limited.message().contains("$group"), "{limited}");
}

#[test]
fn writes_what_comes_out() {
    let db = db();
    let index = [Index("byName", &["name"], json!({"unique": true}))];
    db.create("totals", &index, (0..2).map(|id| json!({"id": id, "name": format!("old {id}")})));
    let totals = json!([
        {"$group": {"_id": "$amount", "n": {"$count": {}}}},
        {"$set": {"id": "$_id", "name": {"$concat": ["a", {"$toString": "$_id"}]}}},
        {"$unset": "_id"},
        {"$match": {"id": {"$lt": 3}}},
    ]);
    let and = |stage: Json| {
        let mut pipeline = totals.as_array().unwrap().clone();
        pipeline.push(stage);
        Json::Array(pipeline)
    };
    let shown = |db: &Db| -> Vec<String> {
        let show = |one: &Json| format!("{} {} {}", one["id"], one["name"], one["n"]);
        db.all("totals").iter().map(show).collect()
    };
    let kept = json!({"$merge": {"into": "totals", "whenMatched": "keepExisting",
        "whenNotMatched": "discard"}});
    assert_eq!(db.write("orders", and(kept)), Ok(3));
    assert_eq!(shown(&db), ["0 \"old 0\" null", "1 \"old 1\" null"]);
    let merged = json!({"$merge": {"into": "totals", "whenMatched": [
        {"$set": {"n": "$$new.n", "name": {"$concat": ["$name", "!"]}}}]}});
    assert_eq!(db.write("orders", and(merged)), Ok(3));
    assert_eq!(shown(&db), ["0 \"old 0!\" 50", "1 \"old 1!\" 50", "2 \"a2\" 50"]);
    let failing = json!({"$merge": {"into": "totals", "whenMatched": "fail"}});
    assert_eq!(db.write("orders", and(failing)), Err("KEY_EXISTS".to_owned()));
    let missing = json!({"$merge": {"into": "totals", "on": "n"}});
    assert_eq!(db.write("orders", and(missing)), Err("INDEX_NOT_FOUND".to_owned()));
    assert_eq!(db.write("orders", and(json!({"$out": "no"}))), Err("STORE_NOT_FOUND".to_owned()));
    assert_eq!(db.write("orders", and(json!({"$out": "totals"}))), Ok(3));
    assert_eq!(shown(&db), ["0 \"a0\" 50", "1 \"a1\" 50", "2 \"a2\" 50"]);
    // The same documents by their name: all or none.
    let by_name = json!([
        {"$match": {"id": {"$lt": 2}}},
        {"$set": {"name": {"$concat": ["a", {"$toString": "$id"}]}}},
        {"$project": {"id": {"$add": ["$id", 100]}, "name": 1}},
        {"$merge": {"into": "totals", "on": "name", "whenMatched": "replace"}},
    ]);
    assert_eq!(db.write("orders", by_name), Err("KEY_IMMUTABLE".to_owned()));
    assert_eq!(shown(&db), ["0 \"a0\" 50", "1 \"a1\" 50", "2 \"a2\" 50"]);
}

#[test]
fn a_handle_that_is_closed_keeps_no_query() {
    let db = db();
    let executions = db.shared.extension::<Executions>();
    let query = json!({"returns": "documents", "filter": {"amount": {"$gte": 5}}});
    let sorted = json!({"returns": "keys", "filter": {}, "sort": "-amount"});
    let grouped = json!({"returns": "aggregate", "pipeline": [{"$sortByCount": "$customer"}]});
    for request in [&query, &sorted, &grouped] {
        db.begin("orders", request, 3).unwrap();
    }
    assert_eq!(executions.len(), 3);
    executions.close();
    assert!(executions.is_empty());
    // One that another thread was about to begin.
    assert_eq!(db.begin("orders", &query, 3).unwrap_err().code(), ErrorCode::Closed);
    assert!(executions.is_empty());
}

/// How the front of a pipeline is planned.
fn front(db: &Db, pipeline: Json) -> Json {
    let request = json!({"returns": "explainAggregate", "pipeline": pipeline});
    let rows = db.rows("docs", &request, 0).unwrap();
    serde_json::from_slice::<Json>(&rows[0]).unwrap()["front"].take()
}

#[test]
fn an_index_is_not_looked_at_for_groups_where_that_would_not_pay() {
    const WHY: &str = "a look at its groups would not pay";
    let rejected = |front: &Json, plan: &str| {
        let candidates = front["candidates"].as_array().unwrap().iter();
        let mut why =
            candidates.filter(|one| one["plan"] == plan).map(|one| &one["rejectedBecause"]);
        why.any(|why| why == WHY)
    };
    let count = json!([{"$group": {"_id": "$a", "n": {"$count": {}}}}]);
    let sum = json!([{"$group": {"_id": "$a", "n": {"$sum": "$n"}}}]);
    let indexes = || [Index("byA", &["a"], json!({}))];
    let documents = |count: i64| (0..count).map(|id| json!({"id": id, "a": id % 2, "n": id}));
    let (few, many) = (Db::new(), Db::new());
    few.create("docs", &indexes(), documents(8));
    many.create("docs", &indexes(), documents(2_000));
    let told = front(&few, count.clone());
    assert_eq!(told["plan"], "full scan", "{told:#}");
    assert!(rejected(&told, "index byA, by its keys alone"), "{told:#}");
    let told = front(&many, count);
    assert_eq!(told["plan"], "index byA, by its keys alone", "{told:#}");
    // Each document has to be read, for which the order of the store is the cheapest.
    let told = front(&many, sum);
    assert_eq!(told["plan"], "full scan", "{told:#}");
    assert!(rejected(&told, "index byA, group by group"), "{told:#}");
}

#[test]
fn a_pipeline_is_planned_as_a_query_is() {
    let names: Vec<&'static str> = (0..40).map(|at| &*format!("by{at}").leak()).collect();
    let index = |name: &&'static str| Index(name, vec!["a", *name].leak(), json!({}));
    let indexes: Vec<Index> = names.iter().map(index).collect();
    let db = Db::new();
    db.create("docs", &indexes, (0..50).map(|id| json!({"id": id, "a": 1})));
    // Of a document that is found by its key no index is looked at.
    let filter = json!({"id": 5, "a": 1});
    let query = json!({"returns": "documents", "filter": filter});
    let pipeline = json!({"returns": "aggregate", "pipeline": [{"$match": filter}]});
    let fastest = |request: &Json| {
        let run = || {
            let start = Instant::now();
            for _ in 0..50 {
                assert_eq!(db.rows("docs", request, 0).unwrap().len(), 1);
            }
            start.elapsed()
        };
        (0..20).map(|_| run()).min().unwrap()
    };
    let (query, pipeline) = (fastest(&query), fastest(&pipeline));
    assert!(pipeline < 3 * query, "{pipeline:?}, where a query takes {query:?}");
}

#[test]
fn what_expressions_do_counts_into_a_budget() {
    let db = Db::new();
    let index = [Index("byA", &["a"], json!({}))];
    db.create("docs", &index, (0..300).map(|id| json!({"id": id, "a": id})));
    let store = db.store("docs");
    let dear = json!({"$size": {"$map": {"input": {"$range": [0, 5_000]},
        "in": {"$add": ["$$this", "$a"]}}}});
    let found = |expression: &Json, hint: Option<&str>| {
        let filter = json!({"a": {"$gte": 0}, "$expr": {"$gte": [expression, 0]}});
        let filter = Filter::parse(&value(&filter), &Place::root("the filter")).unwrap();
        let query = Query { hint: hint.map(Into::into), ..Query::new(filter) };
        db.scratch.read(|txn| {
            let view = txn.into();
            let mut execution = Execution::new(view, &db.shared, &store, query).unwrap();
            let never = AtomicBool::new(false);
            let chunk = Chunk { rows: 0, max_bytes: 0, budget: 1_000, cancelled: &never };
            let mut out = Vec::new();
            let mut response = Response::growing(&mut out);
            execution.next(view, &db.shared, &chunk, &mut response).unwrap().0
        })
    };
    for hint in [None, Some("byA")] {
        assert!(found(&dear, hint) <= 4, "{hint:?}");
    }
}
