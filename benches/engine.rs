//! What the engine costs without Node.js.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lodestore::key::Key;
use lodestore::query::Place;
use lodestore::query::aggregate::{Execution, Limits, Next, NoSources, Pipeline, Pulled, Source};
use lodestore::storage::{Durability, envelope};
use lodestore::store::entry;
use lodestore::store::read::{
    KeyRange, Response, RowParts, Scan, View, count, get_into, get_many, scan,
};
use lodestore::value::{self, FieldPath, Fields, Value};
use lodestore::wtf8::Wtf8String;
use support::{CITIES, Change, Db, city_key, encoded, key, mix};

/// Documents in the store that is read.
const DOCUMENTS: u64 = 100_000;
const INDEXES: [&str; 2] = ["city", "score"];
const VALUES: RowParts = RowParts { keys: false, primary_keys: false, values: true };

fn keys_and_fields(c: &mut Criterion) {
    let number = Key::Number(48_271.5);
    let text = Key::String(Wtf8String::from("user.48271@mail.example.org"));
    c.bench_function("key/number", |b| b.iter(|| encoded(black_box(&number))));
    c.bench_function("key/string of 27", |b| b.iter(|| encoded(black_box(&text))));
    let db = Db::new(&[], Durability::None);
    let document = db.document(7);
    for path in ["score", "address.country"] {
        let parsed = FieldPath::parse(path);
        c.bench_function(&format!("field/{path}"), |b| {
            b.iter(|| {
                let root = value::root(black_box(&document)).unwrap();
                black_box(value::lookup(root, &parsed, &db.shapes).is_ok())
            });
        });
    }
}

fn reads(c: &mut Criterion) {
    let db = Db::filled(&INDEXES, DOCUMENTS);
    let definition = db.definition();
    let store = &*definition;
    let city = store.indexes.iter().find(|index| index.name.to_string() == "city").unwrap();
    let score = store.indexes.iter().find(|index| index.name.to_string() == "score").unwrap();
    let tree = entry::documents(store.tree);
    let keys: Vec<_> = (0..10_000).map(|i| key(mix(i) % DOCUMENTS)).collect();
    let cities: Vec<_> = (0..CITIES).map(|i| city_key(mix(i) % CITIES)).collect();
    let scores: Vec<_> =
        (0..1_000).map(|i| encoded(&Key::Number((mix(i) % 900_000) as f64))).collect();
    let mut out = vec![0; 1 << 20];
    db.read(|txn| {
        let stored = tree.get(txn, &keys[0]).unwrap().unwrap().to_vec();
        c.bench_function("envelope/check", |b| {
            b.iter(|| black_box(envelope::check(tree.id, &keys[0], black_box(&stored)).is_ok()));
        });
        let mut next = keys.iter().cycle();
        c.bench_function("tree/get", |b| {
            b.iter(|| tree.get(txn, next.next().unwrap()).unwrap().unwrap().len());
        });
        c.bench_function("store/get", |b| {
            b.iter(|| get_into(txn, store, next.next().unwrap(), &mut out).unwrap());
        });
        // What this takes beyond the line before is what a checksum costs within a read.
        let values: Vec<_> = keys.iter().map(|key| tree.get(txn, key).unwrap().unwrap()).collect();
        let mut next = keys.iter().zip(&values).cycle();
        c.bench_function("store/get, checked once more", |b| {
            b.iter(|| {
                let (key, value) = next.next().unwrap();
                get_into(txn, store, key, &mut out).unwrap();
                black_box(envelope::check(tree.id, key, black_box(value)).is_ok())
            });
        });
        let mut group = c.benchmark_group("store");
        group.throughput(Throughput::Elements(100));
        let mut next = keys.chunks_exact(100).cycle();
        group.bench_function("getMany of 100", |b| {
            b.iter(|| {
                let some = next.next().unwrap().iter().map(Vec::as_slice);
                get_many(txn, store, some, &mut Response::fixed(&mut out)).unwrap();
            });
        });
        group.throughput(Throughput::Elements(1_000));
        group.bench_function("scan of 1,000", |b| {
            let request = Scan { parts: VALUES, limit: 1_000, ..Scan::default() };
            b.iter(|| {
                scan(View::from(txn), store, None, &request, &mut Response::fixed(&mut out))
                    .unwrap();
            });
        });
        group.finish();
        c.bench_function("tree/scan of all", |b| {
            b.iter(|| {
                let mut cursor = tree.cursor(txn).unwrap();
                let mut bytes = 0;
                while let Some(entry) = cursor.next().unwrap() {
                    bytes += entry.value.len();
                }
                bytes
            });
        });
        let mut next = cities.iter().cycle();
        c.bench_function("index/equality, 100 documents", |b| {
            b.iter(|| {
                let range = KeyRange::only(next.next().unwrap());
                let request = Scan { range, parts: VALUES, ..Scan::default() };
                let mut response = Response::fixed(&mut out);
                scan(View::from(txn), store, Some(city), &request, &mut response).unwrap();
            });
        });
        c.bench_function("index/count of 100", |b| {
            b.iter(|| {
                let range = KeyRange::only(next.next().unwrap());
                count(View::from(txn), store, Some(city), &range, 0).unwrap()
            });
        });
        c.bench_function("store/count of all", |b| {
            b.iter(|| count(View::from(txn), store, None, &KeyRange::default(), 0).unwrap());
        });
        let mut next = scores.iter().cycle();
        c.bench_function("index/range, limit 20", |b| {
            b.iter(|| {
                let lower = KeyRange::only(next.next().unwrap()).lower;
                let range = KeyRange { lower, upper: None };
                let request = Scan { range, parts: VALUES, limit: 20, ..Scan::default() };
                let mut response = Response::fixed(&mut out);
                scan(View::from(txn), store, Some(score), &request, &mut response).unwrap();
            });
        });
    });
}

/// Commits without a sync: what the engine does, not the disk.
fn commits(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    for size in [1, 100, 1_000] {
        let db = Db::filled(&INDEXES, 20_000);
        let mut next = 20_000;
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("{size} puts, two indexes"), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let batch = db.puts(next..next + size);
                    next += size;
                    let started = Instant::now();
                    db.commit(batch);
                    spent += started.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

/// What a put costs by durability: the engine's part and the disk's.
fn durabilities(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    for durability in [Durability::Strict, Durability::Relaxed, Durability::None] {
        let db = Db::new(&INDEXES, durability);
        let mut next = 0;
        group.bench_function(format!("1 put, {durability:?}"), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let batch = db.puts(next..=next);
                    next += 1;
                    let started = Instant::now();
                    db.commit(batch);
                    spent += started.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

/// Documents that are put again: with the same index entries, and with one that moves.
fn index_maintenance(c: &mut Criterion) {
    const SIZE: u64 = 1_000;
    let mut group = c.benchmark_group("index");
    group.throughput(Throughput::Elements(SIZE));
    for (what, unit) in [
        ("no entry moves", Change { age: 1, score: 0 }),
        ("one entry moves", Change { age: 0, score: 1 }),
    ] {
        let db = Db::filled(&INDEXES, 20_000);
        let mut version = 0;
        group.bench_function(format!("1,000 puts again, {what}"), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    version += 1;
                    let change = Change { age: unit.age * version, score: unit.score * version };
                    let from = mix(version) % (20_000 - SIZE);
                    let batch = db.changes(from..from + SIZE, change);
                    let started = Instant::now();
                    db.commit(batch);
                    spent += started.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

/// Documents in memory, one behind the other.
struct InMemory<'d> {
    bytes: &'d [u8],
    lengths: std::slice::Iter<'d, usize>,
}

impl Source for InMemory<'_> {
    fn next(&mut self) -> lodestore::error::Result<Next<'_>> {
        let Some(length) = self.lengths.next() else { return Ok(Next::End) };
        let (document, rest) = self.bytes.split_at(*length);
        self.bytes = rest;
        Ok(Next::Document(document))
    }
}

/// Pipelines over documents that are in memory.
fn aggregation(c: &mut Criterion) {
    let db = Db::new(&[], Durability::None);
    let documents: Vec<Vec<u8>> = (0..DOCUMENTS).map(|i| db.document(i)).collect();
    let lengths: Vec<usize> = documents.iter().map(Vec::len).collect();
    let bytes = documents.concat();
    let shapes = Arc::new(db.shapes.clone());
    let field = |name: &str| Value::String(format!("${name}").as_str().into());
    let object = |fields: &[(&str, Value)]| {
        let mut object = Fields::new();
        for (name, value) in fields {
            object.insert((*name).into(), value.clone());
        }
        Value::Object(object)
    };
    let sum = |value: Value| object(&[("$sum", value)]);
    let group = |id: Value| {
        let total = sum(field("score"));
        let average = object(&[("$avg", field("age"))]);
        let count = sum(Value::Number(1.0));
        let fields = [("_id", id), ("n", count), ("total", total), ("age", average)];
        object(&[("$group", object(&fields))])
    };
    let two = object(&[("city", field("city")), ("active", field("active"))]);
    let order = object(&[("score", Value::Number(-1.0))]);
    let limit = object(&[("$limit", Value::Number(10.0))]);
    let mut benches = c.benchmark_group("aggregate");
    benches.throughput(Throughput::Elements(DOCUMENTS));
    for (name, stages) in [
        ("$group into 1,000", vec![group(field("city"))]),
        ("$group into 2,000 by two fields", vec![group(two)]),
        ("$sort and $limit", vec![object(&[("$sort", order)]), limit]),
    ] {
        let stages = Value::Array(value::Array { items: stages, fields: None });
        let pipeline = Pipeline::parse(&stages, &Place::root("the pipeline")).unwrap();
        benches.bench_function(name, |b| {
            b.iter(|| {
                let mut source = InMemory { bytes: &bytes, lengths: lengths.iter() };
                let mut running =
                    Execution::new(&pipeline, Arc::clone(&shapes), Limits::default(), 0.0);
                let mut out = Vec::new();
                while running.next(&mut source, &mut NoSources, &mut out).unwrap() != Pulled::End {}
                out.len()
            });
        });
    }
    benches.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = keys_and_fields, reads, commits, durabilities, index_maintenance, aggregation
}
criterion_main!(benches);
