//! What queries cost without Node.js.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lodestore::execution::{Chunk, Execution, Query};
use lodestore::query::filter::Matcher;
use lodestore::query::{Filter, Place};
use lodestore::storage::Durability;
use lodestore::store::StoreShared;
use lodestore::store::read::{Response, View};
use lodestore::value::{self, Array, Fields, Value};
use lodestore::wtf8::Wtf8String;
use support::Db;

/// Documents in the store that is read.
const DOCUMENTS: u64 = 100_000;
const INDEXES: [&str; 2] = ["city", "score"];

fn object(fields: &[(&str, Value)]) -> Value {
    let mut object = Fields::new();
    for (name, value) in fields {
        object.insert(Wtf8String::from(*name), value.clone());
    }
    Value::Object(object)
}

fn text(text: &str) -> Value {
    Value::String(Wtf8String::from(text))
}

fn number(number: f64) -> Value {
    Value::Number(number)
}

/// Filters on fields without an index, and what they are.
fn filters() -> Vec<(&'static str, Value)> {
    let regexp = Value::RegExp { source: "Becker$".into(), flags: "".into() };
    let list = vec![number(3.0), number(5.0), number(7.0)];
    vec![
        ("age of", object(&[("age", number(42.0))])),
        ("rating above", object(&[("rating", object(&[("$gt", number(4.95))]))])),
        ("country of", object(&[("address.country", text("Norway"))])),
        ("in tags", object(&[("tags", text("moss"))])),
        ("email with", object(&[("email", object(&[("$contains", text("ff00"))]))])),
        ("name like", object(&[("name", regexp)])),
        (
            "age in",
            object(&[(
                "age",
                object(&[("$in", Value::Array(Array { items: list, fields: None }))]),
            )]),
        ),
        (
            "age and rating",
            object(&[("age", number(42.0)), ("rating", object(&[("$lt", number(1.0))]))]),
        ),
    ]
}

fn evaluation(c: &mut Criterion) {
    let db = Db::new(&[], Durability::None);
    let documents: Vec<_> = (0..1_000).map(|i| db.document(i)).collect();
    let mut group = c.benchmark_group("filter");
    group.throughput(Throughput::Elements(1_000));
    for (name, filter) in filters() {
        let filter = Filter::parse(&filter, &Place::root("the filter")).unwrap();
        group.bench_function(name, |b| {
            let matcher = Matcher::new(&db.shapes);
            b.iter(|| {
                let passes = |document: &&Vec<u8>| {
                    matcher.matches(&filter, value::root(document).unwrap()).unwrap()
                };
                black_box(documents.iter().filter(passes).count())
            });
        });
    }
    group.finish();
}

fn run(
    view: View<'_, '_>,
    shared: &StoreShared,
    db: &Db,
    request: &Value,
    out: &mut Vec<u8>,
) -> u32 {
    let store = db.definition();
    let query = Query::parse(request).unwrap();
    let mut execution = Execution::new(view, shared, &store, query).unwrap();
    let never = AtomicBool::new(false);
    let chunk = Chunk { rows: 0, max_bytes: 0, budget: u32::MAX, cancelled: &never };
    out.clear();
    let (count, done) = execution.next(view, shared, &chunk, &mut Response::growing(out)).unwrap();
    assert!(done);
    count
}

fn queries(c: &mut Criterion) {
    let db = Db::filled(&INDEXES, DOCUMENTS);
    let shared = StoreShared::default();
    let mut out = Vec::new();
    let cities: Vec<_> =
        (0..1_000).map(|i| text(&support::city(support::mix(i) % DOCUMENTS))).collect();
    db.read(|txn| {
        let view = View::from(txn);
        let mut group = c.benchmark_group("query");
        group.throughput(Throughput::Elements(DOCUMENTS));
        for (name, filter) in filters().into_iter().take(3) {
            let request = object(&[("filter", filter), ("returns", text("count"))]);
            group.bench_function(format!("scan, {name}"), |b| {
                b.iter(|| run(view, &shared, &db, &request, &mut out));
            });
        }
        let sort = [
            ("filter", object(&[])),
            ("sort", text("-rating")),
            ("limit", number(20.0)),
            ("returns", text("documents")),
        ];
        group.bench_function("sort without an index, limit 20", |b| {
            b.iter(|| run(view, &shared, &db, &object(&sort), &mut out));
        });
        group.finish();
        let mut next = cities.iter().cycle();
        c.bench_function("query/city, 100 documents", |b| {
            b.iter(|| {
                let filter = object(&[("city", next.next().unwrap().clone())]);
                let request = object(&[("filter", filter), ("returns", text("documents"))]);
                run(view, &shared, &db, &request, &mut out)
            });
        });
        c.bench_function("query/count of a city", |b| {
            b.iter(|| {
                let filter = object(&[("city", next.next().unwrap().clone())]);
                let request = object(&[("filter", filter), ("returns", text("count"))]);
                run(view, &shared, &db, &request, &mut out)
            });
        });
        let mut id = 0;
        c.bench_function("query/document of a key", |b| {
            b.iter(|| {
                id = (id + 1) % DOCUMENTS;
                let filter = object(&[("id", number(id as f64))]);
                let request = object(&[("filter", filter), ("returns", text("documents"))]);
                run(view, &shared, &db, &request, &mut out)
            });
        });
        for (name, sort) in [("score", "score"), ("score backwards", "-score")] {
            let mut at = 0;
            c.bench_function(&format!("query/range by {name}, limit 20"), |b| {
                b.iter(|| {
                    at += 1;
                    let bound = number((support::mix(at) % 900_000) as f64);
                    let filter = object(&[("score", object(&[("$gte", bound)]))]);
                    let request = object(&[
                        ("filter", filter),
                        ("sort", text(sort)),
                        ("limit", number(20.0)),
                        ("returns", text("documents")),
                    ]);
                    run(view, &shared, &db, &request, &mut out)
                });
            });
        }
    });
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = evaluation, queries
}
criterion_main!(all);
