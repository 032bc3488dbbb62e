//! Which plan is chosen, and that `explain` tells the truth about it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod query_support;

use lodestore::error::{ErrorCode, Result};
use query_support::{Db as Stores, Index};
use serde_json::{Value as Json, json};

/// A store.
struct Db(Stores);

impl Db {
    fn new(indexes: &[Index], documents: impl Iterator<Item = Json>) -> Self {
        let stores = Stores::new();
        stores.create("things", indexes, documents);
        Self(stores)
    }

    fn rows(&self, request: &Json) -> Result<Vec<Vec<u8>>> {
        self.0.rows("things", request, 0)
    }

    fn explain(&self, mut request: Json) -> Json {
        request["returns"] = "explain".into();
        let rows = self.rows(&request).unwrap();
        serde_json::from_slice(&rows[0]).unwrap()
    }

    /// Explains a query, whose plan has to be this, and whose result that of a full scan.
    #[track_caller]
    fn plan(&self, request: Json, plan: &str) -> Json {
        let explained = self.explain(request.clone());
        assert_eq!(explained["plan"], plan, "{explained:#}");
        assert_eq!(explained["candidates"][0]["plan"], plan);
        let mut keys = request;
        keys["returns"] = "keys".into();
        let found = self.rows(&keys).unwrap().len() as u64;
        assert_eq!(explained["returned"], found, "{explained:#}");
        explained
    }
}

fn people() -> Db {
    let indexes = [
        Index("byCity", &["city"], json!({})),
        Index("byAge", &["age"], json!({})),
        Index("byCityAge", &["city", "-age"], json!({})),
        Index("byNick", &["nick"], json!({ "sparse": true })),
        Index("active", &["login"], json!({ "where": { "active": true } })),
    ];
    let documents = (0..10_000).map(|id| {
        let mut person = json!({
            "id": id, "city": format!("city {}", id % 100), "age": id % 80,
            "login": id * 7 % 10_000, "active": id % 50 == 0, "note": "x".repeat(id % 20),
        });
        if id % 10 == 0 {
            person["nick"] = format!("nick {id}").into();
        }
        person
    });
    Db::new(&indexes, documents)
}

fn number(explained: &Json, field: &str) -> u64 {
    explained[field].as_u64().unwrap_or_else(|| panic!("{field}: {explained:#}"))
}

#[test]
fn keys_and_ranges_of_keys() {
    let db = people();
    let one = db.plan(json!({"filter": {"id": 5}}), "primary key");
    assert_eq!((number(&one, "examinedDocs"), number(&one, "returned")), (1, 1));
    let some = db.plan(json!({"filter": {"id": {"$gte": 10, "$lt": 20}}}), "primary key");
    assert_eq!(number(&some, "examinedDocs"), 10);
    let list = db.plan(json!({"filter": {"id": {"$in": [1, 5, 99_999]}}}), "primary key");
    assert_eq!((number(&list, "examinedDocs"), number(&list, "returned")), (2, 2));
    db.plan(json!({"filter": {"note": "xx"}}), "full scan");
    db.plan(json!({}), "full scan");
}

#[test]
fn equality_prefixes_and_ranges() {
    let db = people();
    let city = db.plan(json!({"filter": {"city": "city 7"}}), "index byCity");
    assert_eq!((number(&city, "examinedKeys"), number(&city, "examinedDocs")), (100, 100));
    assert_eq!(city["residual"], false);
    let both =
        db.plan(json!({"filter": {"city": "city 7", "age": {"$gte": 70}}}), "index byCityAge");
    assert_eq!(number(&both, "examinedDocs"), number(&both, "returned"));
    let prefix = db.plan(json!({"filter": {"city": {"$regex": "^city 99"}}}), "index byCity");
    assert_eq!(number(&prefix, "examinedKeys"), 100);
    // Most documents have it: reading them in their order is cheaper.
    db.plan(json!({"filter": {"age": {"$gte": 5}}}), "full scan");
    db.plan(json!({"filter": {"age": {"$gte": 5}}, "limit": 10}), "full scan");
}

#[test]
fn lists_of_ten_thousand_values() {
    let db = people();
    let list: Vec<_> = (0..10_000).map(|i| format!("city {}", i * 13)).collect();
    let found = db.explain(json!({"filter": {"city": {"$in": list}}}));
    assert_eq!(number(&found, "returned"), 800);
    let ids: Vec<_> = (0..20_000).step_by(2).collect();
    let found = db.plan(json!({"filter": {"id": {"$in": ids}, "age": 4}}), "index byAge");
    assert_eq!(number(&found, "returned"), 125);
}

#[test]
fn unions() {
    let db = people();
    let filter = json!({"$or": [{"city": "city 3"}, {"id": {"$lt": 5}}, {"age": 79}]});
    let union =
        db.plan(json!({"filter": filter}), "union of index byCity, primary key, index byAge");
    // What more than one part finds is looked at once.
    assert_eq!(number(&union, "examinedDocs"), number(&union, "returned"));
    // Alternatives of one field are one walk, in its order.
    let ends = json!({"$or": [{"age": {"$lt": 2}}, {"age": {"$gte": 78}}, {"age": 5}, {"age": 7}]});
    let ends = db.plan(json!({"filter": ends, "sort": {"age": -1}, "limit": 9}), "index byAge");
    assert_eq!(number(&ends, "examinedDocs"), 9);
    let many: Vec<_> = (0..5_000).map(|id| json!({"id": id * 3})).collect();
    let many = db.plan(json!({"filter": {"$or": many}}), "primary key");
    assert_eq!(number(&many, "examinedDocs"), 3_334);
    let with_scan = json!({"$or": [{"city": "city 3"}, {"note": "x"}]});
    db.plan(json!({"filter": with_scan}), "full scan");
}

#[test]
fn intersections() {
    // Each condition lets a tenth through, both together a thousandth.
    let documents = (0..20_000).map(|id| json!({"id": id, "a": id % 10, "b": id / 10 % 10}));
    let indexes = [Index("byA", &["a"], json!({})), Index("byB", &["b"], json!({}))];
    let db = Db::new(&indexes, documents);
    let both = db.plan(json!({"filter": {"a": 3, "b": 4}}), "intersection of index byA, index byB");
    assert_eq!((number(&both, "returned"), number(&both, "examinedDocs")), (200, 200));
    // One that is narrow needs no help.
    db.plan(json!({"filter": {"a": 3, "id": {"$lt": 50}}}), "primary key");
    let sorted = json!({"filter": {"a": 3, "b": 4}, "sort": "-id", "limit": 5});
    assert_eq!(number(&db.explain(sorted), "returned"), 5);
}

#[test]
fn the_order_of_an_index() {
    let db = people();
    let sorted = db.plan(json!({"filter": {}, "sort": {"age": 1}, "limit": 20}), "index byAge");
    assert!(number(&sorted, "examinedDocs") <= 20, "{sorted:#}");
    let backwards = db.plan(json!({"sort": {"age": -1}, "limit": 20}), "index byAge");
    assert_eq!(backwards["direction"], "backward");
    assert!(number(&backwards, "examinedDocs") <= 20, "{backwards:#}");
    let in_city = json!({"filter": {"city": "city 5"}, "sort": {"age": -1}, "limit": 3});
    let in_city = db.plan(in_city, "index byCityAge");
    assert!(number(&in_city, "examinedDocs") <= 3, "{in_city:#}");
    assert_eq!(in_city["direction"], "forward");
    // The index says nothing about this order.
    let other = db.plan(json!({"filter": {"city": "city 5"}, "sort": "login"}), "index byCity");
    assert_eq!(other["sort"]["from"], "a sort");
    // The key is the order of the store.
    db.plan(json!({"sort": {"id": -1}, "limit": 2}), "full scan");
    assert!(number(&db.explain(json!({"sort": {"id": -1}, "limit": 2})), "examinedDocs") <= 2);
}

#[test]
fn counts_from_the_index_alone() {
    let db = people();
    for filter in [json!({"city": "city 7"}), json!({"age": {"$gte": 5}})] {
        let keys = db.rows(&json!({"filter": filter, "returns": "keys"})).unwrap().len() as u64;
        let count = db.rows(&json!({"filter": filter, "returns": "count"})).unwrap();
        assert_eq!(count, [keys.to_le_bytes().to_vec()]);
    }
    let partly = json!({"filter": {"city": "city 7", "login": {"$lt": 5_000}}, "returns": "count"});
    let count = u64::from_le_bytes(db.rows(&partly).unwrap()[0].as_slice().try_into().unwrap());
    assert!(count > 0 && count < 100);
}

#[test]
fn sparse_and_partial_indexes_only_where_they_have_everything() {
    let db = people();
    db.plan(json!({"filter": {"nick": "nick 50"}}), "index byNick");
    db.plan(json!({"filter": {"nick": null}, "limit": 3}), "full scan");
    let missing = db.explain(json!({"filter": {"nick": {"$exists": false}}}));
    assert_eq!(
        (missing["plan"].as_str(), number(&missing, "returned")),
        (Some("full scan"), 9_000)
    );
    let recent = json!({"active": true, "login": {"$gt": 9_000}});
    let found = db.plan(json!({"filter": recent}), "index active");
    assert_eq!(found["residual"], false);
    assert_eq!(number(&found, "examinedDocs"), number(&found, "returned"));
    let all = db.explain(json!({"filter": {"login": {"$gt": 9_900}}}));
    assert_eq!(all["plan"], "full scan");
    let why =
        all["candidates"].as_array().unwrap().iter().find(|one| one["plan"] == "index active");
    assert!(why.unwrap()["rejectedBecause"].as_str().unwrap().contains("partial"));
}

#[test]
fn skewed_values() {
    // One status has nearly all documents, and nearly all of one kind are of the rare status.
    let documents = (0..20_000).map(|id| {
        let rare = id % 1_000 == 0;
        json!({"id": id, "status": if rare { "open" } else { "done" }, "kind": id % 10})
    });
    let indexes =
        [Index("byStatus", &["status"], json!({})), Index("byKind", &["kind"], json!({}))];
    let db = Db::new(&indexes, documents);
    db.plan(json!({"filter": {"status": "open", "kind": 0}}), "index byStatus");
    let common = db.plan(json!({"filter": {"status": "done", "kind": 3}}), "index byKind");
    assert_eq!(number(&common, "examinedDocs"), 2_000);
    // An average of values per key would call this selective.
    db.plan(json!({"filter": {"status": "done"}}), "full scan");
}

#[test]
fn hints() {
    let db = people();
    db.plan(json!({"filter": {"city": "city 7"}, "hint": "byCityAge"}), "index byCityAge");
    db.plan(json!({"filter": {"age": {"$gte": 5}}, "hint": "byAge"}), "index byAge");
    let refused = |request: Json| db.rows(&request).unwrap_err().code();
    let request = json!({"filter": {"age": 5}, "hint": "byNick", "returns": "keys"});
    assert_eq!(refused(request), ErrorCode::InvalidQuery);
    let request = json!({"filter": {"login": 5}, "hint": "active", "returns": "keys"});
    assert_eq!(refused(request), ErrorCode::InvalidQuery);
    let request = json!({"filter": {}, "hint": "nothing", "returns": "keys"});
    assert_eq!(refused(request), ErrorCode::IndexNotFound);
}
