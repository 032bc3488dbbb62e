//! The laws of queries, over random documents, filters, sorts and indexes: any indexes give the
//! same result as none; find, count and pages agree; the order is total.
//!
//! `LODESTORE_SEED` replays a run, `LODESTORE_ROUNDS` sets its length.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lodestore::catalog::{IndexPart, KeyPath, Origin, Partial, StoreDef};
use lodestore::collation::Collation;
use lodestore::error::ErrorCode;
use lodestore::execution::{Chunk, Execution, Query};
use lodestore::key::Key;
use lodestore::query::filter::Matcher;
use lodestore::query::{Filter, Place, collation};
use lodestore::storage::WriteTxn;
use lodestore::storage::envelope::Compression;
use lodestore::store::read::{Response, View};
use lodestore::store::{
    Build, IndexSpec, KeySource, Put, Reference, Schema, StoreShared, StoreSpec, TxnState, Writer,
};
use lodestore::value::{self, NoShapes, Value};
use lodestore::wtf8::Wtf8String;
use support::Random;
use support::queries::{
    Keys, array, document, filter, object, partial, some_collation, sort, text,
};
use support::scratch::Scratch;

const DOCUMENTS: usize = 50;
const FILTERS: usize = 40;

/// Name, parts, and what it is.
const INDEXES: [(&str, &[&str], Kind); 18] = [
    ("a", &["a"], Kind::Plain),
    ("aDescending", &["-a"], Kind::Plain),
    ("aElements", &["a"], Kind::MultiEntry),
    ("aSparse", &["a"], Kind::Sparse),
    ("b", &["b"], Kind::Plain),
    ("ab", &["a", "b"], Kind::Plain),
    ("aDescendingB", &["-a", "b"], Kind::Plain),
    ("ba", &["b", "-a"], Kind::Sparse),
    ("cd", &["c.d"], Kind::Plain),
    ("cdA", &["c.d", "a"], Kind::Plain),
    ("c", &["c"], Kind::Plain),
    ("abcd", &["a", "b", "c.d"], Kind::Plain),
    ("u", &["u"], Kind::Unique),
    ("uB", &["u", "b"], Kind::Unique),
    ("aOfIndexedDb", &["a"], Kind::IndexedDb),
    ("aElementsOfIndexedDb", &["a"], Kind::IndexedDbMultiEntry),
    ("cdOfIndexedDb", &["c.d"], Kind::IndexedDb),
    ("abOfIndexedDb", &["a", "b"], Kind::IndexedDb),
];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    MultiEntry,
    Sparse,
    Unique,
    IndexedDb,
    IndexedDbMultiEntry,
}

fn parsed(under: &Option<Value>) -> Option<Arc<Collation>> {
    let place = Place::root("the collation");
    let value = under.as_ref().unwrap_or(&Value::Null);
    collation::parse(value, ErrorCode::InvalidQuery, &place).unwrap()
}

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
            let (name, paths, kind) = INDEXES[*at];
            let of_indexed_db = matches!(kind, Kind::IndexedDb | Kind::IndexedDbMultiEntry);
            let under = random.as_deref_mut().filter(|_| !of_indexed_db).and_then(some_collation);
            let under = parsed(&under);
            let part = |path: &&str| IndexPart {
                path: support::path(path.trim_start_matches('-')),
                descending: path.starts_with('-'),
            };
            let spec = IndexSpec {
                name: Wtf8String::from(name),
                parts: paths.iter().map(part).collect(),
                compound: paths.len() > 1,
                unique: kind == Kind::Unique,
                multi_entry: matches!(kind, Kind::MultiEntry | Kind::IndexedDbMultiEntry),
                sparse: kind == Kind::Sparse,
                partial: random.as_deref_mut().filter(|_| !of_indexed_db).and_then(partial).map(
                    |filter| {
                        let partial = Partial::parse(&filter).unwrap();
                        match &under {
                            Some(under) => partial.under(under),
                            None => partial,
                        }
                    },
                ),
                collation: under,
                origin: if of_indexed_db { Origin::IndexedDb } else { Origin::Native },
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
        rows.extend(split(&bytes, count).into_iter().map(<[u8]>::to_vec));
        if done {
            return rows;
        }
    }
}

/// A query of a filter and perhaps a collation.
fn request((filter, under): (&Value, &Option<Value>), more: Vec<(&str, Value)>) -> Value {
    let mut fields = vec![("filter", filter.clone())];
    fields.extend(under.iter().map(|under| ("collation", under.clone())));
    fields.extend(more);
    object(fields)
}

/// The numbers of documents, by their encoded keys.
fn numbers_of(keys: Keys) -> HashMap<Vec<u8>, usize> {
    let encoded = |number| {
        let mut key = Vec::new();
        keys.of(number).encode(&mut key).unwrap();
        key
    };
    (0..DOCUMENTS).map(|number| (encoded(number), number)).collect()
}

struct Round<'r> {
    shared: &'r StoreShared,
    stores: &'r [Arc<StoreDef>; 2],
    documents: &'r [Value],
    encoded: &'r [Vec<u8>],
    numbers: HashMap<Vec<u8>, usize>,
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
        rows.iter().map(|key| self.numbers[key]).collect()
    }

    fn check(&self, view: View<'_, '_>, filter: &Value, random: &mut Random) {
        let under = &some_collation(random);
        let asked = (filter, under);
        let keys = |which, more, random: &mut Random| {
            let mut more: Vec<(&str, Value)> = more;
            more.push(("returns", text("keys")));
            self.keys(view, which, &request(asked, more), random)
        };
        let indexes: Vec<_> =
            self.stores[1].indexes.iter().map(|index| index.name.to_string()).collect();
        let context = || format!("{filter:?} under {under:?} with {indexes:?}");
        // What passes, one by one.
        let order = parsed(under);
        let mut passes = Filter::parse(filter, &Place::root("the filter")).unwrap();
        if let Some(order) = &order {
            passes = passes.under(order);
        }
        let expected: BTreeSet<usize> = (0..self.documents.len())
            .filter(|at| {
                let document = value::root(&self.encoded[*at]).unwrap();
                Matcher::new(&NoShapes).matches(&passes, document).unwrap()
            })
            .collect();
        for which in 0..2 {
            let found = keys(which, vec![], random);
            assert_eq!(found.len(), expected.len(), "{} of store {which}", context());
            assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected, "{}", context());
            let count = request(asked, vec![("returns", text("count"))]);
            let count = rows(view, self.shared, &self.stores[which], &count, random);
            assert_eq!(count, [(expected.len() as u64).to_le_bytes().to_vec()], "{}", context());
            let (skip, limit) = (random.below(8), random.below(20));
            let more = vec![
                ("returns", text("count")),
                ("skip", Value::Number(skip as f64)),
                ("limit", Value::Number(limit as f64)),
            ];
            let request = request(asked, more);
            let count = rows(view, self.shared, &self.stores[which], &request, random);
            let left = expected.len().saturating_sub(skip).min(limit) as u64;
            assert_eq!(count, [left.to_le_bytes().to_vec()], "{skip} {limit} {}", context());
        }
        for index in &self.stores[1].indexes {
            let has_all = index.origin == Origin::Native && !index.sparse;
            let has_all = has_all && index.order() == order.as_ref();
            if random.below(3) == 0 && has_all && index.partial.is_none() {
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
                self.check_pages(view, which, asked, &sort, &expected, random);
            }
        }
    }

    fn check_pages(
        &self,
        view: View<'_, '_>,
        which: usize,
        asked: (&Value, &Option<Value>),
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
                asked,
                vec![
                    ("sort", sort.clone()),
                    ("returns", text("page")),
                    ("page", object(options)),
                    ("select", array(vec![text("n")])),
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
        assert_eq!((all.len(), &ids), (expected.len(), expected), "{asked:?} {sort:?}");
        let _ = last;
        // Backwards, the same pages.
        let mut read = back.pop().unwrap_or_default();
        while let Some(token) = about["prev"].as_str().map(str::to_owned) {
            let (before, next) = page(Some(("before", token)));
            read = before.into_iter().chain(read).collect();
            about = next;
        }
        assert_eq!(read.len(), if back.is_empty() && read.is_empty() { 0 } else { all.len() });
        assert!(read.is_empty() || read == all, "{asked:?} {sort:?}: {read:?} {all:?}");
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
    let query = Query::parse(&request((&filter, &None), more)).unwrap();
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

/// The rows of an answer.
fn split(mut bytes: &[u8], count: u32) -> Vec<&[u8]> {
    let rows = (0..count).map(|_| {
        let (len, tail) = bytes.split_first_chunk::<4>().unwrap();
        let (row, tail) = tail.split_at(u32::from_le_bytes(*len) as usize);
        bytes = tail;
        row
    });
    let rows = rows.collect();
    assert!(bytes.is_empty());
    rows
}

/// Puts a document in the place of what has its key, or nothing.
fn replace(
    txn: &mut WriteTxn<'_>,
    (shared, store): (&StoreShared, u32),
    key: Key,
    document: Option<&Value>,
) {
    let mut writer = Writer::new(shared);
    let done = match document {
        Some(document) => {
            let bytes = value::encode(document, &NoShapes).unwrap();
            let put = Put { store, key: KeySource::Inline, document: &bytes, insert_only: false };
            writer.put(txn, &put).map(drop)
        }
        None => {
            let mut encoded = Vec::new();
            key.encode(&mut encoded).unwrap();
            writer.delete(txn, store, &encoded).map(drop)
        }
    };
    done.and_then(|()| writer.flush(txn).map(drop)).map_err(|_| "refused").unwrap();
}

#[test]
fn hold_while_the_transaction_writes() {
    let mut random = Random::from_env();
    for round in 0..20 {
        let (scratch, shared) = (Scratch::new(), StoreShared::default());
        let form = (Keys::All, round % 2 == 0);
        let numbers = numbers_of(form.0);
        let mut now: Vec<_> =
            (0..DOCUMENTS).map(|number| Some(document(&mut random, number, form))).collect();
        let mut indexes: Vec<usize> = (0..INDEXES.len()).collect();
        indexes.retain(|_| random.below(4) == 0);
        let id = create(&scratch, &shared, "some", &indexes, None);
        let all: Vec<_> = now.iter().flatten().cloned().collect();
        fill(&scratch, &shared, id, &all);
        let catalog = scratch.read(|txn| shared.catalog(txn)).unwrap();
        let store = Arc::clone(catalog.store(id).unwrap());
        for _ in 0..15 {
            let filter = filter(&mut random, form.0, 2);
            let parsed = Filter::parse(&filter, &Place::root("the filter")).unwrap();
            let passes = |document: &Value| {
                let bytes = value::encode(document, &NoShapes).unwrap();
                Matcher::new(&NoShapes).matches(&parsed, value::root(&bytes).unwrap()).unwrap()
            };
            let passed =
                |now: &[Option<Value>], number: usize| now[number].as_ref().is_some_and(passes);
            let before: BTreeSet<_> = (0..DOCUMENTS).filter(|n| passed(&now, *n)).collect();
            let more = vec![("returns", text("keys")), ("sort", sort(&mut random))];
            let mut query = Query::parse(&request((&filter, &None), more)).unwrap();
            query.choice = random.below(4);
            let (mut found, mut touched) = (BTreeSet::new(), BTreeSet::new());
            scratch.write(|txn| {
                TxnState::of(txn, &shared).unwrap();
                let mut execution =
                    Execution::new(View::Write(txn), &shared, &store, query).unwrap();
                let cancelled = AtomicBool::new(false);
                loop {
                    let rows = 1 + random.below(4) as u32;
                    let chunk = Chunk { rows, max_bytes: 0, budget: 30, cancelled: &cancelled };
                    let mut bytes = Vec::new();
                    let mut response = Response::growing(&mut bytes);
                    let (count, done) =
                        execution.next(View::Write(txn), &shared, &chunk, &mut response).unwrap();
                    for key in split(&bytes, count) {
                        let number = numbers[key];
                        assert!(passed(&now, number), "{number} {filter:?}");
                        assert!(found.insert(number), "{number} twice by {filter:?}");
                    }
                    if done {
                        break;
                    }
                    for _ in 0..random.below(3) {
                        let number = random.below(DOCUMENTS);
                        let is_kept = random.below(3) > 0;
                        now[number] = is_kept.then(|| document(&mut random, number, form));
                        replace(txn, (&shared, id), form.0.of(number), now[number].as_ref());
                        touched.insert(number);
                    }
                }
            });
            for number in 0..DOCUMENTS {
                if !touched.contains(&number) {
                    let was = before.contains(&number);
                    assert_eq!(found.contains(&number), was, "{number} {filter:?}");
                }
            }
        }
    }
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
        let keys = [Keys::Numbers, Keys::Scalars, Keys::All][round % 3];
        let documents: Vec<_> =
            (0..DOCUMENTS).map(|number| document(&mut random, number, (keys, plain))).collect();
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
        let all = Round {
            shared: &shared,
            stores: &stores,
            documents: &documents,
            encoded: &encoded,
            numbers: numbers_of(keys),
        };
        for _ in 0..FILTERS {
            let filter = filter(&mut random, keys, 2);
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
