//! Helpers of the store tests: documents from JSON, packed operations, dumps of indexes.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../support/mod.rs"]
pub mod support;

use std::sync::{Arc, mpsc};

use lodestore::catalog::{Catalog, IndexDef, StoreDef};
use lodestore::error::{ErrorCode, Result};
use lodestore::key::{self, Key};
use lodestore::protocol::{WriteBatch, ops};
use lodestore::storage::envelope;
use lodestore::storage::{Commit, Counter, Durability, Job, WriteTxn};
use lodestore::store::entry::{self, EntryKind};
use lodestore::store::{StoreShared, TxnState, check_stores, load_shapes};
use lodestore::value::{self, Array, BigInt, BinaryKind, Fields, NoShapes, Value};
use lodestore::wtf8::Wtf8String;
use serde_json::Value as Json;
use support::scratch::Scratch;

/// A database without a writer thread.
pub struct Db {
    pub scratch: Scratch,
    pub shared: Arc<StoreShared>,
}

impl Db {
    pub fn new() -> Self {
        Self { scratch: Scratch::new(), shared: Arc::default() }
    }

    /// Runs a batch in a commit of its own.
    pub fn batch(&self, ops: &Ops) -> Vec<Answer> {
        self.scratch.write(|txn| self.run(txn, ops))
    }

    /// Runs a batch in a transaction.
    pub fn run(&self, txn: &mut WriteTxn<'_>, ops: &Ops) -> Vec<Answer> {
        self.try_run(txn, ops).unwrap()
    }

    pub fn try_run(&self, txn: &mut WriteTxn<'_>, ops: &Ops) -> Result<Vec<Answer>> {
        let (sender, receiver) = mpsc::channel();
        let done = Box::new(move |results| sender.send(results).unwrap());
        let bytes = ops.bytes.clone();
        let mut job = WriteBatch::new(self.shared.clone(), bytes, Durability::None, done)?;
        job.run(txn)?;
        Box::new(job).finish(Ok(Commit { txn_id: 0 }));
        let results = receiver.recv().unwrap()?;
        if results.is_empty() {
            return Ok(vec![Answer::Ok; ops.results]);
        }
        let answers = answers(&results);
        assert_eq!(answers.len(), ops.results);
        Ok(answers)
    }

    /// Runs a batch of one operation.
    pub fn one(&self, ops: &Ops) -> Answer {
        let mut answers = self.batch(ops);
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    /// Carries out a schema operation; returns its answer.
    pub fn schema(&self, request: Json) -> Json {
        match self.one(&Ops::new().schema(request)) {
            Answer::Payload(bytes) => json(&value::decode(&bytes, &NoShapes).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// Creates a store; returns its id.
    pub fn create_store(&self, mut request: Json) -> u32 {
        request["op"] = "createStore".into();
        self.schema(request)["storeId"].as_f64().unwrap() as u32
    }

    /// Creates an index; returns its id.
    pub fn create_index(&self, store: u32, mut request: Json) -> u32 {
        request["op"] = "createIndex".into();
        request["store"] = store.into();
        self.schema(request)["indexId"].as_f64().unwrap() as u32
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.scratch.read(|txn| self.shared.catalog(txn)).unwrap()
    }

    pub fn store(&self, id: u32) -> Arc<StoreDef> {
        self.catalog().store(id).expect("the store exists").clone()
    }

    pub fn index(&self, store: u32, id: u32) -> Arc<IndexDef> {
        self.store(store).index(id).expect("the index exists").clone()
    }

    /// The document under a key, as JSON.
    pub fn get(&self, store: u32, primary_key: Json) -> Option<Json> {
        let (tree, key) = (entry::documents(self.store(store).tree), key(primary_key));
        self.scratch.read(|txn| {
            let shapes = load_shapes(txn, store).unwrap();
            let mut scratch = Vec::new();
            let stored = tree.get(txn, &key).unwrap()?;
            let document = envelope::open(tree.id, &key, stored, &mut scratch).unwrap();
            Some(json(&value::decode(document, &shapes).unwrap()))
        })
    }

    pub fn count(&self, store: u32) -> u64 {
        let counter = Counter::entries(self.store(store).tree);
        self.scratch.read(|txn| txn.stored_count(counter)).unwrap()
    }

    /// How many entries reads of an index see.
    pub fn visible(&self, store: u32, index: u32) -> u64 {
        let index = self.index(store, index);
        self.scratch
            .read(|txn| entry::visible_count(&index, |counter| txn.stored_count(counter)))
            .unwrap()
    }

    /// The entries of an index: `key, key -> primary key (kind)`.
    pub fn entries(&self, store: u32, index: u32) -> Vec<String> {
        let index = self.index(store, index);
        self.scratch.read(|txn| {
            let mut rows = Vec::new();
            let mut cursor = entry::entries(index.tree).cursor(txn).unwrap();
            let mut found = cursor.first().unwrap();
            while let Some(entry) = found {
                rows.push(row(&index, entry.key, entry.value));
                found = cursor.next().unwrap();
            }
            rows
        })
    }

    /// Asserts that documents, indexes and counts agree.
    pub fn check(&self) {
        let report = self.scratch.read(|txn| check_stores(txn, &self.shared));
        assert!(report.is_clean(), "{:#?}", report.problems);
    }

    /// The catalog state of a transaction.
    pub fn state(&self, txn: &mut WriteTxn<'_>) -> Arc<TxnState> {
        TxnState::of(txn, &self.shared).unwrap()
    }
}

fn row(index: &IndexDef, entry_key: &[u8], value: &[u8]) -> String {
    let kind = EntryKind::of(value).unwrap();
    let (mut index_key, primary_key) = entry::split(index, entry_key).unwrap();
    let mut parts = Vec::new();
    if kind == EntryKind::Residual {
        assert_eq!(index_key, [key::TAG_RESIDUAL]);
        parts.push("residual".to_owned());
    } else {
        for part in &index.parts {
            let (component, len) = key::decode_component(index_key, part.descending).unwrap();
            parts.push(component.to_string());
            index_key = &index_key[len..];
        }
        assert!(index_key.is_empty());
    }
    let primary_key = key::decode(primary_key).unwrap().0;
    format!("{} -> {primary_key} ({kind:?})", parts.join(", "))
}

/// A result of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Ok,
    Error { code: String, document: Json },
    Key(Vec<u8>),
    Number(u64),
    Payload(Vec<u8>),
}

impl Answer {
    /// Asserts that the operation failed with a code; returns the error document.
    pub fn refused(&self, expected: ErrorCode) -> &Json {
        match self {
            Answer::Error { code, document } if code == expected.as_str() => document,
            other => panic!("not {expected}: {other:?}"),
        }
    }
}

/// Reads packed results.
pub fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let take = |bytes: &mut &[u8]| {
        let (len, rest) = bytes.split_first_chunk::<4>().unwrap();
        let (taken, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        *bytes = rest;
        taken.to_vec()
    };
    while let Some((&status, rest)) = bytes.split_first() {
        bytes = rest;
        answers.push(match status {
            0 => Answer::Ok,
            1 => {
                let document = json(&value::decode(&take(&mut bytes), &NoShapes).unwrap());
                Answer::Error { code: document["code"].as_str().unwrap().to_owned(), document }
            }
            2 => Answer::Key(take(&mut bytes)),
            3 => {
                let (number, rest) = bytes.split_first_chunk::<8>().unwrap();
                bytes = rest;
                Answer::Number(u64::from_le_bytes(*number))
            }
            4 => Answer::Payload(take(&mut bytes)),
            other => panic!("status {other}"),
        });
    }
    answers
}

/// Packed operations.
#[derive(Debug, Clone, Default)]
pub struct Ops {
    pub bytes: Vec<u8>,
    /// How many results they give.
    pub results: usize,
    /// How many of the next operations belong to a group.
    grouped: u32,
}

impl Ops {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn op(mut self, code: u8, flags: u8, store: u32, key: &[u8], value: &[u8]) -> Self {
        self.push(code, flags, store, 0, key, value);
        self
    }

    fn push(&mut self, code: u8, flags: u8, store: u32, patch: u32, key: &[u8], value: &[u8]) {
        if self.grouped > 0 {
            self.grouped -= 1;
        } else {
            self.results += 1;
        }
        self.bytes.extend([code, flags, 0, 0]);
        for number in [store, key.len() as u32, value.len() as u32] {
            self.bytes.extend(number.to_le_bytes());
        }
        if flags & ops::FLAG_PATCH != 0 {
            self.bytes.extend(patch.to_le_bytes());
        }
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
    }

    pub fn put(self, store: u32, primary_key: Json, document: Json) -> Self {
        self.op(ops::PUT, 0, store, &key(primary_key), &doc(document))
    }

    pub fn add(self, store: u32, primary_key: Json, document: Json) -> Self {
        self.op(ops::ADD, 0, store, &key(primary_key), &doc(document))
    }

    /// A put whose key is in the document.
    pub fn inline(self, store: u32, document: Json) -> Self {
        self.op(ops::PUT, ops::FLAG_INLINE, store, &[], &doc(document))
    }

    /// An add whose out-of-line key is generated and returned.
    pub fn generate(self, store: u32, document: Json) -> Self {
        let flags = ops::FLAG_GENERATE | ops::FLAG_RETURN_KEY;
        self.op(ops::ADD, flags, store, &[], &doc(document))
    }

    /// An add whose key is generated, returned and patched over the `{"$patch": 0}` in the
    /// document.
    pub fn patch(mut self, store: u32, document: Json) -> Self {
        let (bytes, at) = patchable(document);
        let flags = ops::FLAG_PATCH | ops::FLAG_RETURN_KEY;
        self.push(ops::ADD, flags, store, at, &[], &bytes);
        self
    }

    pub fn delete(self, store: u32, primary_key: Json) -> Self {
        self.op(ops::DELETE, 0, store, &key(primary_key), &[])
    }

    /// Deletes the keys from `lower` on, below `upper`.
    pub fn delete_range(self, store: u32, lower: Option<Json>, upper: Option<Json>) -> Self {
        let mut range = vec![u8::from(lower.is_some()) | if upper.is_some() { 4 | 8 } else { 0 }];
        for bound in [lower, upper] {
            let bound = bound.map(key).unwrap_or_default();
            range.extend((bound.len() as u32).to_le_bytes());
            range.extend(bound);
        }
        self.op(ops::DELETE_RANGE, 0, store, &range, &[])
    }

    pub fn clear(self, store: u32) -> Self {
        self.op(ops::CLEAR, 0, store, &[], &[])
    }

    pub fn schema(self, request: Json) -> Self {
        self.op(ops::SCHEMA, 0, 0, &[], &doc(request))
    }

    pub fn shapes(self, store: u32, lists: Json) -> Self {
        self.op(ops::REGISTER_SHAPES, 0, store, &[], &doc(lists))
    }

    /// Makes the next `count` operations all-or-nothing.
    pub fn group(mut self, count: u32) -> Self {
        self.push(ops::ATOMIC_GROUP, 0, count, 0, &[], &[]);
        self.grouped = count;
        self
    }
}

/// A number that is stored in full, so that it can be written over, and no other number.
const PLACEHOLDER: f64 = -1.234_567_890_123e300;

fn patchable(document: Json) -> (Vec<u8>, u32) {
    let bytes = doc(document);
    let placeholder = PLACEHOLDER.to_le_bytes();
    let at = bytes.windows(8).position(|window| window == placeholder).unwrap();
    (bytes, at as u32)
}

/// An encoded document. `{"$undefined": 0}`, `{"$nan": 0}`, `{"$date": ms}`, `{"$bigint": "…"}`,
/// `{"$binary": [bytes]}`, `{"$map": 0}`, `{"$hole": n}` and `{"$patch": 0}` stand for what JSON
/// lacks.
pub fn doc(document: Json) -> Vec<u8> {
    value::encode(&from_json(&document), &NoShapes).unwrap()
}

/// An encoded key, from JSON as [`doc`].
pub fn key(key: Json) -> Vec<u8> {
    let mut bytes = Vec::new();
    to_key(&from_json(&key)).encode(&mut bytes).unwrap();
    bytes
}

fn to_key(value: &Value) -> Key {
    match value {
        Value::Number(number) => Key::Number(*number),
        Value::String(text) => Key::String(text.clone()),
        Value::Date(time) => Key::Date(*time),
        Value::Binary { bytes, .. } => Key::Binary(bytes.clone()),
        Value::Array(array) => Key::Array(array.items.iter().map(to_key).collect()),
        other => panic!("{other:?} is not a key"),
    }
}

pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::String(Wtf8String::from(text.as_str())),
        Json::Array(items) => {
            Value::Array(Array { items: items.iter().map(from_json).collect(), fields: None })
        }
        Json::Object(fields) => {
            if let Some((name, argument)) = fields.iter().next()
                && name.starts_with('$')
            {
                return special(name, argument);
            }
            let names = fields.keys().map(|name| Wtf8String::from(name.as_str())).collect();
            let values = fields.values().map(from_json).collect();
            Value::Object(Fields::from_parts(names, values).unwrap())
        }
    }
}

fn special(name: &str, argument: &Json) -> Value {
    match name {
        "$undefined" => Value::Undefined,
        "$nan" => Value::Number(f64::NAN),
        "$date" => Value::Date(argument.as_f64().unwrap()),
        "$bigint" => {
            let number: i128 = argument.as_str().unwrap().parse().unwrap();
            let mut magnitude = number.unsigned_abs().to_le_bytes().to_vec();
            while magnitude.last() == Some(&0) {
                magnitude.pop();
            }
            Value::BigInt(BigInt { negative: number < 0, magnitude })
        }
        "$binary" => Value::Binary {
            kind: BinaryKind::Uint8Array,
            bytes: argument.as_array().unwrap().iter().map(|b| b.as_u64().unwrap() as u8).collect(),
        },
        "$map" => Value::Map(Vec::new()),
        "$hole" => Value::Holes(argument.as_u64().unwrap() as u32),
        "$patch" => Value::Number(PLACEHOLDER),
        other => panic!("{other}"),
    }
}

/// A decoded document as JSON, for comparisons.
pub fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) if number.is_finite() => (*number).into(),
        Value::String(text) => text.to_string().into(),
        Value::Array(array) => array.items.iter().map(json).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.to_string(), json(value))).collect()
        }
        Value::Binary { bytes, .. } => {
            bytes.iter().map(|byte| Json::from(*byte)).collect::<Vec<_>>().into()
        }
        other => format!("{other:?}").into(),
    }
}
