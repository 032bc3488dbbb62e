//! The laws of queries, over random documents, filters, sorts and indexes: any indexes give the
//! same result as none; find, count and pages agree; the order is total.
//!
//! `LODESTORE_SEED` replays a run, `LODESTORE_ROUNDS` sets its length.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lodestore::catalog::{IndexPart, KeyPath, Origin, Partial, StoreDef};
use lodestore::execution::{Chunk, Execution, Query};
use lodestore::key::Key;
use lodestore::query::filter::Matcher;
use lodestore::query::{Filter, Place};
use lodestore::storage::envelope::Compression;
use lodestore::store::read::{Response, View};
use lodestore::store::{
    Build, IndexSpec, KeySource, Put, Reference, Schema, StoreShared, StoreSpec, TxnState, Writer,
};
use lodestore::value::{self, Array, BigInt, BinaryKind, Fields, NoShapes, Value};
use lodestore::wtf8::Wtf8String;
use support::Random;
use support::scratch::Scratch;

const DOCUMENTS: usize = 50;
const FILTERS: usize = 40;

fn text(text: &str) -> Value {
    Value::String(Wtf8String::from(text))
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    let mut object = Fields::new();
    for (name, value) in fields {
        object.insert(Wtf8String::from(name), value);
    }
    Value::Object(object)
}

fn array(items: Vec<Value>) -> Value {
    Value::Array(Array { items, fields: None })
}

fn scalar(random: &mut Random) -> Value {
    match random.below(24) {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 0),
        2 => Value::Number(f64::NAN),
        3 => Value::Number(-0.0),
        4 => Value::Number(f64::INFINITY),
        5 => Value::Number(random.below(8) as f64 / 2.0),
        6 => Value::BigInt(BigInt { negative: false, magnitude: vec![1 + random.below(3) as u8] }),
        7 => Value::BigInt(BigInt {
            negative: random.below(2) == 0,
            magnitude: vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 1 + random.below(2) as u8],
        }),
        8 => Value::Date([f64::NAN, 0.0, 5.0][random.below(3)]),
        9 => Value::Binary { kind: BinaryKind::Uint8Array, bytes: random.bytes(2, 3) },
        10 => Value::RegExp { source: "a".into(), flags: "".into() },
        11 => Value::Undefined,
        // Half a character is neither U+FFFD nor the beginning of a whole one.
        12 => Value::String(match random.below(3) {
            0 => Wtf8String::from_utf16(&[0xD83D, u16::from(b'x')]),
            1 => Wtf8String::from("\u{FFFD}x"),
            _ => Wtf8String::from("\u{1F600}"),
        }),
        13..=15 => text(["", "a", "ab", "abc", "b", "é", "日", "<b"][random.below(8)]),
        _ => Value::Number(random.below(5) as f64 - 1.0),
    }
}

fn any(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 6 } else { 10 }) {
        6 => array((0..random.below(4)).map(|_| any(random, depth - 1)).collect()),
        // Two of its elements may pass one condition each.
        7 => {
            let number = |random: &mut Random| Value::Number(random.below(6) as f64);
            array((0..random.below(4)).map(|_| number(random)).collect())
        }
        8 if random.below(3) == 0 => {
            // Whose elements are arrays, which have elements, too.
            let row = |random: &mut Random| vec![Value::Number(random.below(6) as f64); 1];
            array((0..1 + random.below(3)).map(|_| array(row(random))).collect())
        }
        8 => object(vec![("d", any(random, depth - 1)), ("e", any(random, depth - 1))]),
        9 => object(vec![("d", any(random, depth - 1))]),
        _ => scalar(random),
    }
}

fn document(random: &mut Random, id: usize, plain: bool) -> Value {
    let mut fields = vec![("id", Value::Number(id as f64))];
    for name in ["a", "b", "c"] {
        if random.below(6) > 0 {
            let value = match name {
                "c" if plain => object(vec![("d", Value::Number(random.below(4) as f64))]),
                _ if plain => Value::Number(random.below(6) as f64),
                _ => any(random, 3),
            };
            fields.push((name, value));
        }
    }
    object(fields)
}

const PATHS: [&str; 8] = ["a", "b", "c", "c.d", "a.d", "a.0", "id", "b.d.e"];

fn operators(random: &mut Random, depth: usize) -> Value {
    let list = |random: &mut Random| array((0..random.below(4)).map(|_| any(random, 1)).collect());
    let number = |random: &mut Random| Value::Number(random.below(4) as f64);
    let no_regexp = |value: Value| match value {
        Value::RegExp { .. } => Value::Null,
        value => value,
    };
    if random.below(10) == 0 {
        let (least, greatest) = (number(random), number(random));
        return object(vec![("$gte", least), ("$lte", greatest)]);
    }
    if depth > 0 && random.below(20) == 0 {
        // About the elements of elements.
        return object(vec![("$elemMatch", object(vec![("$elemMatch", operators(random, 0))]))]);
    }
    let (name, operand) = match random.below(26) {
        0 | 1 => ("$eq", any(random, 2)),
        2 => ("$ne", no_regexp(any(random, 2))),
        3 | 4 => ("$gt", no_regexp(any(random, 1))),
        5 | 6 => ("$gte", no_regexp(any(random, 1))),
        7 | 8 => ("$lt", no_regexp(any(random, 1))),
        9 | 10 => ("$lte", no_regexp(any(random, 1))),
        11 | 12 => ("$in", list(random)),
        13 => ("$nin", list(random)),
        14 => ("$exists", Value::Bool(random.below(2) == 0)),
        15 => ("$size", number(random)),
        16 => ("$mod", array(vec![Value::Number(2.0), number(random)])),
        17 => ("$bitsAnySet", number(random)),
        18 => {
            let types = ["number", "string", "array", "object", "null", "date", "binData", "int"];
            ("$type", text(types[random.below(types.len())]))
        }
        19 => {
            let sources = ["^a", "b", "^ab?c", "^$", r"^\<b", "^\u{FFFD}", "^\u{FFFD}x"];
            ("$regex", text(sources[random.below(sources.len())]))
        }
        20 => {
            let patterns = ["a%", "%b", "a_c", "ab", "%", "\u{FFFD}%", "\u{FFFD}_"];
            ("$like", text(patterns[random.below(patterns.len())]))
        }
        21 => ("$startsWith", text(["a", "ab", ""][random.below(3)])),
        22 => ("$all", list(random)),
        23 => {
            let numbers = vec![number(random), number(random)];
            ("$between", array(numbers))
        }
        24 if depth > 0 => ("$not", operators(random, depth - 1)),
        _ if depth > 0 => {
            let inner = match random.below(2) {
                0 => operators(random, depth - 1),
                _ => object(vec![("d", operators(random, depth - 1))]),
            };
            ("$elemMatch", inner)
        }
        _ => ("$eq", scalar(random)),
    };
    let mut fields = vec![(name, operand)];
    if random.below(4) == 0 {
        fields.push(("$lt", Value::Number(random.below(5) as f64)));
    }
    object(fields)
}

fn filter(random: &mut Random, depth: usize) -> Value {
    let mut fields = Vec::new();
    for _ in 0..=random.below(2) {
        let path = PATHS[random.below(PATHS.len())];
        let condition = match random.below(4) {
            0 => any(random, 2),
            _ => operators(random, 2),
        };
        fields.push((path, condition));
    }
    if depth > 0 && random.below(3) == 0 {
        let name = ["$or", "$and", "$nor"][random.below(3)];
        let parts = match random.below(3) {
            // Of one field.
            0 => {
                let path = PATHS[random.below(PATHS.len())];
                let condition = |random: &mut Random| match random.below(2) {
                    0 => any(random, 1),
                    _ => operators(random, 1),
                };
                let parts = 0..=random.below(4);
                parts.map(|_| object(vec![(path, condition(random))])).collect()
            }
            _ => (0..=random.below(2)).map(|_| filter(random, depth - 1)).collect(),
        };
        fields.push((name, array(parts)));
        if random.below(2) == 0 {
            fields.retain(|(name, _)| name.starts_with('$'));
        }
    }
    object(fields)
}

fn sort(random: &mut Random) -> Value {
    let directions = (0..random.below(3)).map(|_| {
        let path = PATHS[random.below(4)];
        (path, Value::Number(if random.below(2) == 0 { 1.0 } else { -1.0 }))
    });
    object(directions.collect())
}

/// Filters of partial indexes.
fn partial(random: &mut Random) -> Option<Value> {
    let number = |number: f64| Value::Number(number);
    match random.below(12) {
        0 => Some(object(vec![("b", object(vec![("$gt", number(1.0))]))])),
        1 => Some(object(vec![("a", object(vec![("$exists", Value::Bool(true))]))])),
        2 => Some(object(vec![("c.d", number(2.0))])),
        3 => Some(object(vec![("a", object(vec![("$lt", number(4.0)), ("$gte", number(0.0))]))])),
        4 => Some(object(vec![("b", object(vec![("$ne", Value::Null)]))])),
        _ => None,
    }
}

/// Parts, whether compound is implied by their number, multi-entry, sparse.
const INDEXES: [(&str, &[&str], bool, bool); 12] = [
    ("a", &["a"], false, false),
    ("aDescending", &["-a"], false, false),
    ("aElements", &["a"], true, false),
    ("aSparse", &["a"], false, true),
    ("b", &["b"], false, false),
    ("ab", &["a", "b"], false, false),
    ("aDescendingB", &["-a", "b"], false, false),
    ("ba", &["b", "-a"], false, true),
    ("cd", &["c.d"], false, false),
    ("cdA", &["c.d", "a"], false, false),
    ("c", &["c"], false, false),
    ("abcd", &["a", "b", "c.d"], false, false),
];

fn create(
    scratch: &Scratch,
    shared: &StoreShared,
    name: &str,
    indexes: &[usize],
    mut random: Option<&mut Random>,
) -> u32 {
    scratch.write(|txn| {
        let mut schema = Schema::new(txn, shared).unwrap();
        let store = schema
            .create_store(StoreSpec {
                name: Wtf8String::from(name),
                key_path: KeyPath::Single(support::path("id")),
                auto_increment: false,
                key_scheme: None,
                compression: Compression::None,
                origin: Origin::Native,
            })
            .unwrap();
        for at in indexes {
            let (name, paths, multi_entry, sparse) = INDEXES[*at];
            let part = |path: &&str| IndexPart {
                path: support::path(path.trim_start_matches('-')),
                descending: path.starts_with('-'),
            };
            let spec = IndexSpec {
                name: Wtf8String::from(name),
                parts: paths.iter().map(part).collect(),
                compound: paths.len() > 1,
                unique: false,
                multi_entry,
                sparse,
                partial: random
                    .as_deref_mut()
                    .and_then(partial)
                    .map(|filter| Partial::parse(&filter).unwrap()),
                origin: Origin::Native,
            };
            schema.create_index(&Reference::Id(store), spec, Build::Now).unwrap();
        }
        store
    })
}

fn fill(scratch: &Scratch, shared: &StoreShared, store: u32, documents: &[Value]) {
    scratch.write(|txn| {
        let mut writer = Writer::new(shared);
        for document in documents {
            let bytes = value::encode(document, &NoShapes).unwrap();
            let put = Put { store, key: KeySource::Inline, document: &bytes, insert_only: true };
            writer.put(txn, &put).map_err(|_| "refused").unwrap();
        }
        writer.flush(txn).map_err(|_| "refused").unwrap();
    });
}

/// Rows of a query, read in pieces of random size.
fn rows(
    view: View<'_, '_>,
    shared: &StoreShared,
    store: &Arc<StoreDef>,
    request: &Value,
    random: &mut Random,
) -> Vec<Vec<u8>> {
    let mut query = Query::parse(request).unwrap_or_else(|error| panic!("{request:?}: {error}"));
    query.choice = random.below(5);
    let mut execution = Execution::new(view, shared, store, query).unwrap();
    let cancelled = AtomicBool::new(false);
    let mut rows = Vec::new();
    loop {
        let budget = if random.below(2) == 0 { 0 } else { 1 + random.below(30) as u32 };
        let chunk =
            Chunk { rows: random.below(6) as u32, max_bytes: 0, budget, cancelled: &cancelled };
        let mut memory = [0; 2048];
        let mut grown = Vec::new();
        // Memory of fixed size always has room for one row of these.
        let is_fixed = random.below(2) == 0;
        let (count, done, bytes) = if is_fixed {
            let mut response = Response::fixed(&mut memory);
            let (count, done) = execution.next(view, shared, &chunk, &mut response).unwrap();
            let len = response.position();
            (count, done, memory[..len].to_vec())
        } else {
            let mut response = Response::growing(&mut grown);
            let (count, done) = execution.next(view, shared, &chunk, &mut response).unwrap();
            (count, done, grown)
        };
        let mut rest = bytes.as_slice();
        for _ in 0..count {
            let (len, tail) = rest.split_first_chunk::<4>().unwrap();
            let (row, tail) = tail.split_at(u32::from_le_bytes(*len) as usize);
            rows.push(row.to_vec());
            rest = tail;
        }
        assert!(rest.is_empty());
        if done {
            return rows;
        }
    }
}

fn request(filter: &Value, more: Vec<(&str, Value)>) -> Value {
    let mut fields = vec![("filter", filter.clone())];
    fields.extend(more);
    object(fields)
}

fn id_of(key: &[u8]) -> usize {
    match lodestore::key::decode(key).unwrap().0 {
        Key::Number(number) => number as usize,
        other => panic!("{other:?}"),
    }
}

struct Round<'r> {
    shared: &'r StoreShared,
    stores: &'r [Arc<StoreDef>; 2],
    documents: &'r [Value],
    encoded: &'r [Vec<u8>],
}

impl Round<'_> {
    fn keys(
        &self,
        view: View<'_, '_>,
        which: usize,
        request: &Value,
        random: &mut Random,
    ) -> Vec<usize> {
        let rows = rows(view, self.shared, &self.stores[which], request, random);
        rows.iter().map(|key| id_of(key)).collect()
    }

    fn check(&self, view: View<'_, '_>, filter: &Value, random: &mut Random) {
        let keys = |which, more, random: &mut Random| {
            let mut more: Vec<(&str, Value)> = more;
            more.push(("returns", text("keys")));
            self.keys(view, which, &request(filter, more), random)
        };
        let indexes: Vec<_> =
            self.stores[1].indexes.iter().map(|index| index.name.to_string()).collect();
        let context = || format!("{filter:?} with {indexes:?}");
        // What passes, one by one.
        let parsed = Filter::parse(filter, &Place::root("the filter")).unwrap();
        let expected: BTreeSet<usize> = (0..self.documents.len())
            .filter(|at| {
                let document = value::root(&self.encoded[*at]).unwrap();
                Matcher::new(&NoShapes).matches(&parsed, document).unwrap()
            })
            .collect();
        for which in 0..2 {
            let found = keys(which, vec![], random);
            assert_eq!(found.len(), expected.len(), "{} of store {which}", context());
            assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected, "{}", context());
            let count = request(filter, vec![("returns", text("count"))]);
            let count = rows(view, self.shared, &self.stores[which], &count, random);
            assert_eq!(count, [(expected.len() as u64).to_le_bytes().to_vec()], "{}", context());
        }
        for index in &self.stores[1].indexes {
            if random.below(3) == 0 && !index.sparse && index.partial.is_none() {
                let hint = vec![("hint", Value::String(index.name.clone()))];
                let found = keys(1, hint, random);
                assert_eq!(found.len(), expected.len(), "{} by {}", context(), index.name);
                assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{}", context());
            }
        }
        // The order is total, so that it is the same in every plan.
        let sort = sort(random);
        let sorted = keys(0, vec![("sort", sort.clone())], random);
        assert_eq!(sorted.len(), expected.len());
        if let Value::Object(fields) = &sort
            && !fields.names().is_empty()
        {
            assert_eq!(
                keys(1, vec![("sort", sort.clone())], random),
                sorted,
                "{sort:?} {}",
                context()
            );
            let (skip, limit) = (random.below(5), random.below(12));
            let part: Vec<_> = sorted.iter().copied().skip(skip).take(limit).collect();
            let more = vec![
                ("sort", sort.clone()),
                ("skip", Value::Number(skip as f64)),
                ("limit", Value::Number(limit as f64)),
            ];
            assert_eq!(keys(1, more, random), part, "{sort:?} {skip} {limit} {}", context());
        }
        if random.below(3) == 0 {
            for which in 0..2 {
                self.check_pages(view, which, filter, &sort, &expected, random);
            }
        }
    }

    fn check_pages(
        &self,
        view: View<'_, '_>,
        which: usize,
        filter: &Value,
        sort: &Value,
        expected: &BTreeSet<usize>,
        random: &mut Random,
    ) {
        let size = 1 + random.below(8);
        let mut page = |token: Option<(&str, String)>| {
            let mut options = vec![("size", Value::Number(size as f64))];
            if let Some((name, token)) = &token {
                options.push((*name, text(token)));
            }
            let request = request(
                filter,
                vec![
                    ("sort", sort.clone()),
                    ("returns", text("page")),
                    ("page", object(options)),
                    ("select", array(vec![text("id")])),
                ],
            );
            let mut rows = rows(view, self.shared, &self.stores[which], &request, random);
            let about: serde_json::Value = serde_json::from_slice(&rows.pop().unwrap()).unwrap();
            let ids: Vec<f64> = rows
                .iter()
                .map(|row| match value::decode(row, &NoShapes).unwrap() {
                    Value::Object(fields) => match fields.values() {
                        [Value::Number(id)] => *id,
                        other => panic!("{other:?}"),
                    },
                    other => panic!("{other:?}"),
                })
                .collect();
            (ids, about)
        };
        let (mut all, mut about) = page(None);
        let mut last = all.clone();
        assert!(about["prev"].is_null());
        let mut back = Vec::new();
        while let Some(token) = about["next"].as_str().map(str::to_owned) {
            assert_eq!(about["hasMore"], true);
            (last, about) = page(Some(("after", token)));
            all.extend(&last);
            back.push(last.clone());
        }
        assert_eq!(about["hasMore"], false);
        let ids: BTreeSet<usize> = all.iter().map(|id| *id as usize).collect();
        assert_eq!((all.len(), &ids), (expected.len(), expected), "{filter:?} {sort:?}");
        let _ = last;
        // Backwards, the same pages.
        let mut read = back.pop().unwrap_or_default();
        while let Some(token) = about["prev"].as_str().map(str::to_owned) {
            let (before, next) = page(Some(("before", token)));
            read = before.into_iter().chain(read).collect();
            about = next;
        }
        assert_eq!(read.len(), if back.is_empty() && read.is_empty() { 0 } else { all.len() });
        assert!(read.is_empty() || read == all, "{filter:?} {sort:?}: {read:?} {all:?}");
    }
}

#[test]
fn pieces_end_where_nothing_counts() {
    // Each document has fifty entries, of which the first one counts.
    let (scratch, shared) = (Scratch::new(), StoreShared::default());
    let store = create(&scratch, &shared, "some", &[0], None);
    let numbers: Vec<_> = (0..50).map(|number| Value::Number(f64::from(number))).collect();
    let document = |id| object(vec![("id", Value::Number(id)), ("a", array(numbers.clone()))]);
    let documents: Vec<_> = (0..20).map(|id| document(f64::from(id))).collect();
    fill(&scratch, &shared, store, &documents);
    let catalog = scratch.read(|txn| shared.catalog(txn)).unwrap();
    let store = Arc::clone(catalog.store(store).unwrap());
    let filter = object(vec![("a", object(vec![("$gte", Value::Number(0.0))]))]);
    let more = vec![("returns", text("keys")), ("hint", text("a"))];
    let query = Query::parse(&request(&filter, more)).unwrap();
    scratch.read(|txn| {
        let view = View::Snapshot(txn);
        let cancelled = AtomicBool::new(false);
        let chunk = Chunk { rows: 0, max_bytes: 0, budget: 30, cancelled: &cancelled };
        let mut execution = Execution::new(view, &shared, &store, query).unwrap();
        let mut next =
            || execution.next(view, &shared, &chunk, &mut Response::growing(&mut vec![]));
        let mut found = 0;
        for piece in 0.. {
            let (count, done) = next().unwrap();
            found += count;
            if done {
                assert_eq!(found, 20);
                assert!(piece > 2, "{piece} pieces before the last one");
                return;
            }
        }
    });
}

#[test]
fn hold_for_random_queries() {
    let rounds = std::env::var("LODESTORE_ROUNDS").map_or(60, |rounds| rounds.parse().unwrap());
    let mut random = Random::from_env();
    let mut evaluations = 0;
    for round in 0..rounds {
        let scratch = Scratch::new();
        let shared = StoreShared::default();
        // Documents without arrays and odd values have more plans.
        let plain = round % 2 == 0;
        let documents: Vec<_> = (0..DOCUMENTS).map(|id| document(&mut random, id, plain)).collect();
        let mut indexes: Vec<usize> = (0..INDEXES.len()).collect();
        indexes.retain(|_| random.below(3) == 0);
        let ids = [
            create(&scratch, &shared, "none", &[], None),
            create(&scratch, &shared, "some", &indexes, Some(&mut random)),
        ];
        for id in ids {
            fill(&scratch, &shared, id, &documents);
        }
        let catalog = scratch.read(|txn| shared.catalog(txn)).unwrap();
        let stores = ids.map(|id| Arc::clone(catalog.store(id).unwrap()));
        let encoded: Vec<_> =
            documents.iter().map(|document| value::encode(document, &NoShapes).unwrap()).collect();
        let all =
            Round { shared: &shared, stores: &stores, documents: &documents, encoded: &encoded };
        for _ in 0..FILTERS {
            let filter = filter(&mut random, 2);
            if random.below(10) == 0 {
                scratch.write(|txn| {
                    TxnState::of(txn, &shared).unwrap();
                    all.check(View::Write(txn), &filter, &mut random);
                });
            } else {
                scratch.read(|txn| all.check(View::Snapshot(txn), &filter, &mut random));
            }
            evaluations += DOCUMENTS;
        }
    }
    println!("{evaluations} documents were looked at one by one");
}
