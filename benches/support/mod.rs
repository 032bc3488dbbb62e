//! A store of documents as the benchmarks of the whole product use them: 12 fields, about 350 bytes
//! of JSON, indexes on `city` (1,000 values) and `score`.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Arc;

use lodestore::catalog::StoreDef;
use lodestore::key::Key;
use lodestore::protocol::{WriteBatch, ops};
use lodestore::storage::lmdb::{Env, EnvFlags, EnvOptions, RoTxn};
use lodestore::storage::{Commit, Durability, Job, ReadTxn, Tables, WriteTxn};
use lodestore::store::{StoreShared, load_shapes};
use lodestore::value::{self, Array, Fields, NoShapes, ShapeTable, Value};
use lodestore::wtf8::Wtf8String;

/// How many cities there are.
pub const CITIES: u64 = 1_000;
const SCORE_MODULUS: u64 = 1_000_003;

/// A database of one store, without a writer thread.
pub struct Db {
    env: Env,
    tables: Tables,
    pub shared: Arc<StoreShared>,
    pub store: u32,
    pub shapes: ShapeTable,
    directory: tempfile::TempDir,
}

impl Db {
    /// An empty store with the given indexes, whose commits are as durable as is asked for.
    pub fn new(indexes: &[&str], durability: Durability) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = EnvOptions {
            flags: EnvFlags {
                no_sync: durability == Durability::None,
                no_meta_sync: durability == Durability::Relaxed,
                ..EnvFlags::default()
            },
            map_size: 4 << 30,
            max_readers: 16,
        };
        // SAFETY: a directory of our own, which nothing else has open.
        let env = unsafe { Env::open(directory.path(), options) }.unwrap();
        let mut txn = env.write_txn().unwrap();
        let tables = Tables::create(&mut txn).unwrap();
        txn.commit().unwrap();
        let shared = Arc::<StoreShared>::default();
        let mut db =
            Self { env, tables, shared, store: 1, shapes: ShapeTable::default(), directory };
        let name = ("name", text("people"));
        db.schema(object(vec![("op", text("createStore")), name]));
        db.store = db.read(|txn| {
            let catalog = db.shared.catalog(txn).unwrap();
            catalog.stores().next().unwrap().id
        });
        let names = |names: &[&str]| list(names.iter().map(|name| text(name)).collect());
        let shapes = list(vec![names(&FIELDS), names(&ADDRESS)]);
        let shapes = value::encode(&shapes, &NoShapes).unwrap();
        let mut batch = Vec::new();
        push_op(&mut batch, ops::REGISTER_SHAPES, db.store, &[], &shapes);
        db.commit(batch);
        db.shapes = db.read(|txn| load_shapes(txn, db.store).unwrap());
        for field in indexes {
            let path = ("keyPath", text(field));
            let store = ("store", Value::Number(f64::from(db.store)));
            let op = ("op", text("createIndex"));
            db.schema(object(vec![op, store, ("name", text(field)), path]));
        }
        db
    }

    /// With the documents below `count`.
    pub fn filled(indexes: &[&str], count: u64) -> Self {
        let db = Self::new(indexes, Durability::None);
        let mut next = 0;
        while next < count {
            let end = count.min(next + 1_000);
            db.commit(db.puts(next..end));
            next = end;
        }
        db
    }

    fn schema(&self, request: Value) {
        let mut batch = Vec::new();
        push_op(&mut batch, ops::SCHEMA, 0, &[], &value::encode(&request, &NoShapes).unwrap());
        self.commit(batch);
    }

    /// Packed puts of documents.
    pub fn puts(&self, range: impl Iterator<Item = u64>) -> Vec<u8> {
        let mut batch = Vec::new();
        for i in range {
            push_op(&mut batch, ops::PUT, self.store, &key(i), &self.document(i));
        }
        batch
    }

    /// Packed puts of documents that are there, each with a change.
    pub fn changes(&self, range: impl Iterator<Item = u64>, change: Change) -> Vec<u8> {
        let mut batch = Vec::new();
        for i in range {
            let value = value::encode(&changed(i, change), &self.shapes).unwrap();
            push_op(&mut batch, ops::PUT, self.store, &key(i), &value);
        }
        batch
    }

    /// Packed deletes of documents.
    pub fn deletes(&self, range: impl Iterator<Item = u64>) -> Vec<u8> {
        let mut batch = Vec::new();
        for i in range {
            push_op(&mut batch, ops::DELETE, self.store, &key(i), &[]);
        }
        batch
    }

    /// Document `i`, encoded.
    pub fn document(&self, i: u64) -> Vec<u8> {
        value::encode(&document(i), &self.shapes).unwrap()
    }

    /// Runs a batch in a commit of its own; every operation has to succeed.
    pub fn commit(&self, batch: Vec<u8>) {
        let done = Box::new(|results: lodestore::error::Result<Vec<u8>>| {
            assert!(results.unwrap().iter().take(1).all(|status| *status != 1));
        });
        let mut job =
            WriteBatch::new(self.shared.clone(), batch, Durability::Strict, done).unwrap();
        let mut txn = WriteTxn::new(self.env.write_txn().unwrap(), self.tables);
        job.run(&mut txn).unwrap();
        txn.commit().unwrap();
        Box::new(job).finish(Ok(Commit { txn_id: 0 }));
    }

    /// Reads the newest state.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTxn<'_>) -> T) -> T {
        let raw = RoTxn::begin(&self.env).unwrap();
        f(&ReadTxn::new(raw.get().unwrap(), self.tables))
    }

    /// The store's definition.
    pub fn definition(&self) -> Arc<StoreDef> {
        let catalog = self.read(|txn| self.shared.catalog(txn).unwrap());
        catalog.store(self.store).unwrap().clone()
    }
}

/// Appends an operation without flags.
pub fn push_op(batch: &mut Vec<u8>, code: u8, store: u32, key: &[u8], value: &[u8]) {
    batch.extend([code, 0, 0, 0]);
    for number in [store, key.len() as u32, value.len() as u32] {
        batch.extend(number.to_le_bytes());
    }
    batch.extend_from_slice(key);
    batch.extend_from_slice(value);
}

/// The encoded primary key of document `i`.
pub fn key(i: u64) -> Vec<u8> {
    encoded(&Key::Number(i as f64))
}

/// The encoded index key of a city.
pub fn city_key(i: u64) -> Vec<u8> {
    encoded(&Key::String(Wtf8String::from(city(i).as_str())))
}

/// An encoded key.
pub fn encoded(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode(&mut bytes).unwrap();
    bytes
}

pub fn city(i: u64) -> String {
    format!("City {:03}", i % CITIES * 7_919 % CITIES)
}

const FIELDS: [&str; 12] = [
    "id", "name", "email", "city", "age", "score", "balance", "rating", "active", "address",
    "tags", "created",
];
const ADDRESS: [&str; 3] = ["street", "zip", "country"];

/// What is added to fields of a document.
#[derive(Clone, Copy, Default)]
pub struct Change {
    /// A field without an index.
    pub age: u64,
    /// A field with one.
    pub score: u64,
}

/// Document `i`.
pub fn document(i: u64) -> Value {
    changed(i, Change::default())
}

/// Document `i` with a change.
pub fn changed(i: u64, change: Change) -> Value {
    let h = mix(i);
    let number = |number: u64| Value::Number(number as f64);
    let address = object(vec![
        ("street", text(&format!("{} Harbour Walk, Apartment {}", 1 + h % 250, 1 + h % 40))),
        ("zip", text(&(10_000 + h % 90_000).to_string())),
        ("country", text("Portugal")),
    ]);
    object(vec![
        ("id", number(i)),
        ("name", text(&format!("Daniela {} Becker", h % 1_000))),
        ("email", text(&format!("user.{i}.{h:x}@mail.example.org"))),
        ("city", text(&city(i))),
        ("age", number(h % 100 + change.age)),
        ("score", number((i + change.score) % SCORE_MODULUS * 48_271 % SCORE_MODULUS)),
        ("balance", Value::Number((h % 1_000_000) as f64 / 100.0 + 0.25)),
        ("rating", Value::Number((h % 4_096) as f64 / 819.2)),
        ("active", Value::Bool(h & 4 != 0)),
        ("address", address),
        ("tags", list(vec![text("amber"), text("fjord"), text("heath")])),
        ("created", text("2021-03-04T05:06:07.890Z")),
    ])
}

/// A well-mixed function of a number (SplitMix64).
pub fn mix(i: u64) -> u64 {
    let mut bits = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}

fn text(text: &str) -> Value {
    Value::String(Wtf8String::from(text))
}

fn list(items: Vec<Value>) -> Value {
    Value::Array(Array { items, fields: None })
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    let names = fields.iter().map(|(name, _)| Wtf8String::from(*name)).collect();
    let values = fields.into_iter().map(|(_, value)| value).collect();
    Value::Object(Fields::from_parts(names, values).unwrap())
}
