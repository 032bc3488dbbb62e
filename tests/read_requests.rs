//! Read requests over what the write path has written, inside its transaction and after the commit,
//! against a naive model; and requests that are malformed.
//!
//! `LODESTORE_SEED` replays a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use lodestore::catalog::{Catalog, IndexPart, KeyPath, Origin};
use lodestore::error::ErrorCode;
use lodestore::key::Key;
use lodestore::protocol::{encode_range, read};
use lodestore::storage::envelope::Compression;
use lodestore::store::read::{Bound, KeyRange, View, Written};
use lodestore::store::{
    Build, IndexSpec, KeySource, Put, Reference, Schema, StoreShared, StoreSpec, TxnState, Writer,
};
use lodestore::value::{self, Array, Fields, NoShapes, Value};
use lodestore::wtf8::Wtf8String;
use support::Random;
use support::scratch::Scratch;

/// A field's value as the model has it.
#[derive(Debug, Clone, PartialEq)]
enum City {
    Missing,
    One(Key),
    Many(Vec<Key>),
    /// Not a key: indexes have it in their residual class only.
    Object,
}

#[derive(Debug, Clone, PartialEq)]
struct Document {
    city: City,
    age: f64,
}

fn to_value(key: &Key) -> Value {
    match key {
        Key::Null => Value::Null,
        Key::Number(number) => Value::Number(*number),
        Key::String(text) => Value::String(text.clone()),
        key => panic!("not made here: {key:?}"),
    }
}

impl Document {
    fn random(random: &mut Random) -> Self {
        let key = |random: &mut Random| match random.below(8) {
            0 => Key::Null,
            1 => Key::Number(random.below(3) as f64),
            _ => Key::String(Wtf8String::from(["a", "ab", "b", "c"][random.below(4)])),
        };
        let city = match random.below(8) {
            0 => City::Missing,
            1 => City::Object,
            2 => City::Many((0..=random.below(3)).map(|_| key(random)).collect()),
            _ => City::One(key(random)),
        };
        Self { city, age: random.below(5) as f64 }
    }

    fn encode(&self) -> Vec<u8> {
        let mut fields = Fields::new();
        let city = match &self.city {
            City::Missing => None,
            City::One(key) => Some(to_value(key)),
            City::Many(keys) => {
                let items = keys.iter().map(to_value).collect();
                Some(Value::Array(Array { items, fields: None }))
            }
            City::Object => Some(Value::Object(Fields::new())),
        };
        if let Some(city) = city {
            fields.insert(Wtf8String::from("city"), city);
        }
        fields.insert(Wtf8String::from("age"), Value::Number(self.age));
        value::encode(&Value::Object(fields), &NoShapes).unwrap()
    }

    /// What an index shows of the city: encoded keys.
    fn cities(&self, multi_entry: bool) -> BTreeSet<Vec<u8>> {
        let keys = match &self.city {
            City::Missing => vec![Key::Null],
            City::One(key) => vec![key.clone()],
            City::Many(keys) if multi_entry => keys.clone(),
            // An array that holds null is no key.
            City::Many(keys) if keys.contains(&Key::Null) => Vec::new(),
            City::Many(keys) => vec![Key::Array(keys.clone())],
            City::Object => Vec::new(),
        };
        keys.iter().map(encoded).collect()
    }
}

fn encoded(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode(&mut bytes).unwrap();
    bytes
}

const INDEXES: [(&str, &[&str], bool); 4] = [
    ("byCity", &["city"], false),
    ("byCityDescending", &["-city"], false),
    ("byElement", &["city"], true),
    ("byCityAge", &["city", "-age"], false),
];

fn create(scratch: &Scratch, shared: &StoreShared) -> u32 {
    scratch.write(|txn| {
        let mut schema = Schema::new(txn, shared).unwrap();
        let store = schema
            .create_store(StoreSpec {
                name: Wtf8String::from("people"),
                key_path: KeyPath::None,
                auto_increment: false,
                key_scheme: None,
                compression: Compression::None,
                origin: Origin::Native,
            })
            .unwrap();
        for (name, paths, multi_entry) in INDEXES {
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
                sparse: false,
                partial: None,
                collation: None,
                origin: Origin::Native,
            };
            schema.create_index(&Reference::Id(store), spec, Build::Now).unwrap();
        }
        store
    })
}

/// The packed head of a request.
fn head(kind: u8, flags: u8, store: u32, index: u32, limit: u32) -> Vec<u8> {
    let mut request = vec![kind, flags, 0, 0];
    for number in [store, index, limit, 0, 0] {
        request.extend(number.to_le_bytes());
    }
    request
}

fn range_request(kind: u8, flags: u8, (store, index): (u32, u32), range: &KeyRange<'_>) -> Vec<u8> {
    let mut request = head(kind, flags, store, index, 0);
    encode_range(range, &mut request);
    request.extend([0; 4]);
    request
}

fn keys_request(kind: u8, store: u32, keys: &[Vec<u8>]) -> Vec<u8> {
    let mut request = head(kind, 0, store, 0, 0);
    request.extend((keys.len() as u32).to_le_bytes());
    for key in keys {
        request.extend((key.len() as u32).to_le_bytes());
        request.extend_from_slice(key);
    }
    request
}

fn respond(view: View<'_, '_>, catalog: &Catalog, request: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let shared = StoreShared::default();
    read::respond(view, (catalog, &shared), request, &mut out).unwrap();
    // Rows leave room for a key to resume from.
    let mut memory = vec![0; out.len() + 64];
    let fixed = read::respond_into(view, (catalog, &shared), request, &mut memory).unwrap();
    assert_eq!(fixed, Written::Complete(out.len()));
    assert_eq!(memory[..out.len()], out);
    out
}

type Model = BTreeMap<Vec<u8>, Document>;

/// (index key, primary key) of everything an index shows, in its order.
fn shown(model: &Model, (_, paths, multi_entry): (&str, &[&str], bool)) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows: Vec<(Vec<u8>, f64, Vec<u8>)> = Vec::new();
    for (key, document) in model {
        for city in document.cities(multi_entry) {
            rows.push((city, document.age, key.clone()));
        }
    }
    let compound = paths.len() > 1;
    rows.sort_by(|left, right| {
        let cities = left.0.cmp(&right.0);
        let cities = if paths[0].starts_with('-') { cities.reverse() } else { cities };
        let ages = if compound { right.1.total_cmp(&left.1) } else { std::cmp::Ordering::Equal };
        cities.then(ages).then_with(|| left.2.cmp(&right.2))
    });
    let row = |(city, age, key): (Vec<u8>, f64, Vec<u8>)| {
        if !compound {
            return (city, key);
        }
        let age = encoded(&Key::Number(age));
        ([&[0x70][..], &city, &age, &[0]].concat(), key)
    };
    rows.into_iter().map(row).collect()
}

fn check(random: &mut Random, view: View<'_, '_>, catalog: &Catalog, store: u32, model: &Model) {
    let definition = catalog.require_store(store).unwrap();
    for index in INDEXES {
        let id = definition.index_by_name(&Wtf8String::from(index.0)).unwrap().id;
        let city = ["a", "ab", "b", "c"][random.below(4)];
        let bound = encoded(&Key::String(Wtf8String::from(city)));
        let compound_bound = [&[0x70][..], &bound, &[0]].concat();
        let key = if index.1.len() > 1 { &compound_bound } else { &bound };
        let below = |row: &(Vec<u8>, Vec<u8>)| {
            let skip = usize::from(index.1.len() > 1);
            row.0[skip..] < bound[..] && !row.0[skip..].starts_with(&bound)
        };
        let rows = shown(model, index);
        let ranges: [(KeyRange<'_>, Vec<_>); 2] = [
            (KeyRange::ALL, rows.clone()),
            (
                KeyRange { lower: Some(Bound { key, open: false }), upper: None },
                rows.into_iter().filter(|row| !below(row)).collect(),
            ),
        ];
        for (range, mut expected) in ranges {
            let count = respond(view, catalog, &range_request(read::COUNT, 0, (store, id), &range));
            assert_eq!(count, (expected.len() as u64).to_le_bytes(), "{index:?} {range:?}");
            let mut flags = read::KEYS | read::PRIMARY_KEYS | read::VALUES;
            if random.below(2) == 0 {
                flags |= read::REVERSE;
                expected.reverse();
            }
            let mut rows = (expected.len() as u32).to_le_bytes().to_vec();
            rows.push(1);
            for (index_key, key) in &expected {
                for part in [index_key, key, &model[key].encode()] {
                    rows.extend((part.len() as u32).to_le_bytes());
                    rows.extend_from_slice(part);
                }
            }
            rows.extend([0; 4]);
            let request = range_request(read::SCAN, flags, (store, id), &range);
            assert_eq!(respond(view, catalog, &request), rows, "{index:?} {range:?}");
            let reverse = flags & read::REVERSE;
            let request = range_request(read::FIRST_KEY, reverse, (store, id), &range);
            let first =
                expected.first().map_or(read::NOTHING.to_le_bytes().to_vec(), |(_, key)| {
                    [&(key.len() as u32).to_le_bytes()[..], key].concat()
                });
            assert_eq!(respond(view, catalog, &request), first);
        }
    }
    let count = range_request(read::COUNT, 0, (store, 0), &KeyRange::ALL);
    assert_eq!(respond(view, catalog, &count), (model.len() as u64).to_le_bytes());
    let keys: Vec<_> = (0..8).map(|_| random_key(random)).collect();
    let has: Vec<_> = keys.iter().map(|key| u8::from(model.contains_key(key))).collect();
    assert_eq!(respond(view, catalog, &keys_request(read::HAS, store, &keys)), has);
    let document = |key: &Vec<u8>| match model.get(key).map(Document::encode) {
        Some(bytes) => [&(bytes.len() as u32).to_le_bytes()[..], &bytes].concat(),
        None => read::NOTHING.to_le_bytes().to_vec(),
    };
    let documents: Vec<_> = keys.iter().flat_map(document).collect();
    assert_eq!(respond(view, catalog, &keys_request(read::GET_MANY, store, &keys)), documents);
    let one = respond(view, catalog, &keys_request(read::GET, store, &keys[..1]));
    assert_eq!(one, document(&keys[0]));
}

fn random_key(random: &mut Random) -> Vec<u8> {
    encoded(&Key::Number(random.below(120) as f64))
}

#[test]
fn reads_see_what_was_written() {
    let mut random = Random::from_env();
    let scratch = Scratch::new();
    let shared = StoreShared::default();
    let store = create(&scratch, &shared);
    let mut model = Model::new();
    for _ in 0..60 {
        scratch.write(|txn| {
            let mut writer = Writer::new(&shared);
            for _ in 0..random.below(40) {
                let key = random_key(&mut random);
                if random.below(3) == 0 {
                    let deleted = writer.delete(txn, store, &key).unwrap();
                    assert_eq!(deleted, model.remove(&key).is_some());
                    continue;
                }
                let document = Document::random(&mut random);
                let put = Put {
                    store,
                    key: KeySource::Given(&key),
                    document: &document.encode(),
                    insert_only: false,
                };
                writer.put(txn, &put).unwrap();
                model.insert(key, document);
            }
            writer.flush(txn).unwrap();
            let state = TxnState::of(txn, &shared).unwrap();
            check(&mut random, View::Write(txn), &state.catalog, store, &model);
        });
        scratch.read(|txn| {
            let catalog = shared.catalog(txn).unwrap();
            check(&mut random, View::Snapshot(txn), &catalog, store, &model);
        });
    }
}

#[test]
fn malformed_requests_are_refused() {
    let mut random = Random::from_env();
    let scratch = Scratch::new();
    let shared = StoreShared::default();
    let store = create(&scratch, &shared);
    let key = encoded(&Key::Number(1.0));
    let mut requests = vec![keys_request(read::GET_MANY, store, &[key.clone(), key.clone()])];
    for (kind, flags) in [(read::SCAN, 31), (read::COUNT, 0), (read::FIRST_KEY, read::REVERSE)] {
        requests.push(range_request(kind, flags, (store, 1), &KeyRange::only(&key)));
    }
    scratch.read(|txn| {
        let catalog = shared.catalog(txn).unwrap();
        let run = |request: &[u8]| {
            let mut out = vec![1, 2, 3];
            let result = read::respond(txn, (&catalog, &StoreShared::default()), request, &mut out);
            assert!(result.is_ok() || out == [1, 2, 3], "a failed read appends nothing");
            result
        };
        for request in &requests {
            run(request).unwrap();
            for len in 0..request.len() {
                let error = run(&request[..len]).unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidArgument, "{len} of {request:x?}");
            }
            let longer = [request.as_slice(), &[0]].concat();
            assert_eq!(run(&longer).unwrap_err().code(), ErrorCode::InvalidArgument);
            for _ in 0..2_000 {
                let mut damaged = request.clone();
                for _ in 0..=random.below(3) {
                    let at = random.below(damaged.len());
                    damaged[at] = random.below(256) as u8;
                }
                // Whatever it says now: an answer or an error, but no panic.
                let _ = run(&damaged);
            }
        }
        let code = |request: &[u8]| run(request).unwrap_err().code();
        let all = KeyRange::ALL;
        let missing = range_request(read::SCAN, 0, (store + 1, 0), &all);
        assert_eq!(code(&missing), ErrorCode::StoreNotFound);
        let missing = range_request(read::SCAN, 0, (store, 99), &all);
        assert_eq!(code(&missing), ErrorCode::IndexNotFound);
        let flag = range_request(read::COUNT, read::REVERSE, (store, 0), &all);
        assert_eq!(code(&flag), ErrorCode::InvalidArgument);
        let two = keys_request(read::GET, store, &[key.clone(), key]);
        assert_eq!(code(&two), ErrorCode::InvalidArgument);
    });
}
