//! Helpers of the query tests: stores from JSON, and what queries give.
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

use std::sync::Arc;

use lodestore::catalog::{IndexPart, KeyPath, Origin, Partial, StoreDef};
use lodestore::error::{ErrorCode, Result};
use lodestore::protocol::{ops, read, run_tx_ops};
use lodestore::query::{Place, collation};
use lodestore::storage::envelope::Compression;
use lodestore::store::{
    Build, IndexSpec, KeySource, Put, Reference, Schema, StoreShared, StoreSpec, Writer,
};
use lodestore::value::{self, Array, Fields, NoShapes, Value};
use lodestore::wtf8::Wtf8String;
use serde_json::{Value as Json, json};
use support::scratch::Scratch;

pub fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::String(Wtf8String::from(text.as_str())),
        Json::Array(items) => {
            Value::Array(Array { items: items.iter().map(value).collect(), fields: None })
        }
        Json::Object(object) => {
            let mut fields = Fields::new();
            for (name, inner) in object {
                fields.insert(Wtf8String::from(name.as_str()), value(inner));
            }
            Value::Object(fields)
        }
    }
}

pub fn json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Undefined => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Number(number) if number.trunc() == *number => json!(*number as i64),
        Value::Number(number) => json!(number),
        Value::String(text) => json!(text.to_string()),
        Value::Array(array) => Json::Array(array.items.iter().map(json).collect()),
        Value::Object(fields) => Json::Object(
            fields.iter().map(|(name, value)| (name.to_string(), json(value))).collect(),
        ),
        other => panic!("not in these tests: {other:?}"),
    }
}

/// An index: its name, parts, and what it has besides.
pub struct Index(pub &'static str, pub &'static [&'static str], pub Json);

/// Stores that are queried.
pub struct Db {
    pub scratch: Scratch,
    pub shared: StoreShared,
}

impl Db {
    pub fn new() -> Self {
        Self { scratch: Scratch::new(), shared: StoreShared::default() }
    }

    /// Creates a store of documents whose key is their `id`.
    pub fn create(&self, name: &str, indexes: &[Index], documents: impl Iterator<Item = Json>) {
        let shared = &self.shared;
        self.scratch.write(|txn| {
            let mut schema = Schema::new(txn, shared).unwrap();
            let store = schema
                .create_store(StoreSpec {
                    name: name.into(),
                    key_path: KeyPath::Single(support::path("id")),
                    auto_increment: false,
                    key_scheme: None,
                    compression: Compression::None,
                    origin: Origin::Native,
                })
                .unwrap();
            for Index(name, paths, more) in indexes {
                let part = |path: &&str| IndexPart {
                    path: support::path(path.trim_start_matches('-')),
                    descending: path.starts_with('-'),
                };
                let filter = more.get("where").map(value);
                let order = more.get("collation").map_or(Value::Null, value);
                let place = Place::root("the collation");
                let code = ErrorCode::InvalidArgument;
                let order = collation::parse(&order, code, &place).unwrap();
                let spec = IndexSpec {
                    name: Wtf8String::from(*name),
                    parts: paths.iter().map(part).collect(),
                    compound: paths.len() > 1,
                    unique: more["unique"] == true,
                    multi_entry: more["multiEntry"] == true,
                    sparse: more["sparse"] == true,
                    partial: filter.map(|filter| {
                        let partial = Partial::parse(&filter).unwrap();
                        match &order {
                            Some(order) => partial.under(order),
                            None => partial,
                        }
                    }),
                    collation: order,
                    origin: Origin::Native,
                };
                schema.create_index(&Reference::Id(store), spec, Build::Now).unwrap();
            }
            let mut writer = Writer::new(shared);
            for document in documents {
                let document = value::encode(&value(&document), &NoShapes).unwrap();
                let (key, insert_only) = (KeySource::Inline, true);
                let put = Put { store, key, document: &document, insert_only };
                writer.put(txn, &put).map_err(|_| "refused").unwrap();
            }
            writer.flush(txn).map_err(|_| "refused").unwrap();
        });
    }

    pub fn store(&self, name: &str) -> Arc<StoreDef> {
        let catalog = self.scratch.read(|txn| self.shared.catalog(txn)).unwrap();
        Arc::clone(catalog.store_by_name(&name.into()).unwrap())
    }

    /// Begins a query: the first answer, of so many rows.
    pub fn begin(&self, store: &str, request: &Json, rows: u32) -> Result<Vec<u8>> {
        let packed = self.packed(store, request, rows);
        self.scratch.read(|txn| {
            let catalog = self.shared.catalog(txn).unwrap();
            let mut out = Vec::new();
            read::respond(txn, (&*catalog, &self.shared), &packed, &mut out).map(|()| out)
        })
    }

    fn packed(&self, store: &str, request: &Json, rows: u32) -> Vec<u8> {
        let body = value::encode(&value(request), &NoShapes).unwrap();
        let mut packed = head(read::QUERY, self.store(store).id, rows);
        packed.extend(0_u32.to_le_bytes());
        packed.extend((body.len() as u32).to_le_bytes());
        packed.extend(body);
        packed
    }

    /// All rows of a query, in answers of so many rows, as the protocol gives them.
    pub fn rows(&self, store: &str, request: &Json, rows: u32) -> Result<Vec<Vec<u8>>> {
        let id = self.store(store).id;
        let mut packed = self.packed(store, request, rows);
        self.scratch.read(|txn| {
            let catalog = self.shared.catalog(txn).unwrap();
            let mut found = Vec::new();
            loop {
                let mut out = Vec::new();
                read::respond(txn, (&*catalog, &self.shared), &packed, &mut out)?;
                let (count, done) = (u32::from_le_bytes(out[..4].try_into().unwrap()), out[4]);
                let mut rest = &out[5..];
                let mut sized = || {
                    let (len, tail) = rest.split_first_chunk::<4>().unwrap();
                    let (bytes, tail) = tail.split_at(u32::from_le_bytes(*len) as usize);
                    rest = tail;
                    bytes.to_vec()
                };
                found.extend((0..count).map(|_| sized()));
                let number = sized();
                assert_eq!(done == 1, number.is_empty());
                if done == 1 {
                    return Ok(found);
                }
                packed = head(read::QUERY_NEXT, id, rows);
                packed.extend(0_u32.to_le_bytes());
                packed.extend(number);
            }
        })
    }

    /// Runs a pipeline that writes; the number of documents, or the code of the error.
    pub fn write(&self, store: &str, pipeline: Json) -> std::result::Result<u64, String> {
        let body = value::encode(&value(&json!({"pipeline": pipeline})), &NoShapes).unwrap();
        let mut op = vec![ops::PIPELINE, 0, 0, 0];
        for number in [self.store(store).id, 0, body.len() as u32] {
            op.extend(number.to_le_bytes());
        }
        op.extend(body);
        let mut out = Vec::new();
        self.scratch.write(|txn| run_tx_ops(txn, &self.shared, &op, &mut out).unwrap());
        match out.split_first().unwrap() {
            (3, number) => Ok(u64::from_le_bytes(number.try_into().unwrap())),
            (1, error) => match value::decode(&error[4..], &NoShapes).unwrap() {
                Value::Object(fields) => {
                    Err(json(fields.get(&"code".into()).unwrap()).as_str().unwrap().to_owned())
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// All documents of a store.
    pub fn all(&self, store: &str) -> Vec<Json> {
        self.aggregate(store, json!([{"$sort": {"id": 1}}]), 0).unwrap()
    }

    /// The documents of a pipeline.
    pub fn aggregate(&self, store: &str, pipeline: Json, rows: u32) -> Result<Vec<Json>> {
        let request = json!({"returns": "aggregate", "pipeline": pipeline});
        let rows = self.rows(store, &request, rows)?;
        Ok(rows.iter().map(|row| json(&value::decode(row, &NoShapes).unwrap())).collect())
    }
}

impl Default for Db {
    fn default() -> Self {
        Self::new()
    }
}

/// The packed head of a request.
fn head(kind: u8, store: u32, rows: u32) -> Vec<u8> {
    let mut request = vec![kind, 0, 0, 0];
    for number in [store, 0, rows, 0, 0] {
        request.extend(number.to_le_bytes());
    }
    request
}
