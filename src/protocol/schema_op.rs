//! Schema operations as documents `{op, …}`, and their answers.

use crate::catalog::Partial;
use crate::catalog::document::{boolean, fields, get, integer, items, object, string};
use crate::catalog::record::{compression_from, origin_from, read_key_path, read_key_scheme};
use crate::catalog::{IndexPart, KeyPath, Origin};
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Place, collation};
use crate::storage::envelope::Compression;
use crate::store::{Build, IndexSpec, NewIndex, Reference, Schema, StoreSpec, VectorSpec};
use crate::value::{self, FieldPath, Fields, NoShapes, Value};
use crate::vector::{Form, GraphOptions, Metric, Precision};
use crate::wtf8::Wtf8String;

/// A schema operation.
///
/// Stores and indexes are named by their ids (numbers) or names (strings).
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaOp {
    /// `{op: 'createStore', name, keyPath?, autoIncrement?, compression?, origin?}` → `{storeId}`
    CreateStore(StoreSpec),
    /// `{op: 'deleteStore', store}` → `{}`
    DeleteStore(Reference),
    /// `{op: 'renameStore', store, name}` → `{}`
    RenameStore(Reference, Wtf8String),
    /// `{op: 'createIndex', store, name, parts: [{path, descending?}] | keyPath: string | string[],
    /// compound?, unique?, multiEntry?, sparse?, where?, collation?, origin?}` → `{storeId,
    /// indexId}`
    CreateIndex(Reference, IndexSpec),
    /// `{op: 'createVectorIndex', store, name, path, dimensions, metric, precision?, m?,
    /// efConstruction?, efSearch?, memoryLimit?}` → `{storeId, indexId}`
    CreateVectorIndex(Reference, VectorSpec),
    /// `{op: 'deleteIndex', store, index}` → `{}`
    DeleteIndex(Reference, Reference),
    /// `{op: 'renameIndex', store, index, name}` → `{}`
    RenameIndex(Reference, Reference, Wtf8String),
    /// `{op: 'setVersion', version}` → `{}`
    SetVersion(u64),
}

/// Reads a schema operation.
///
/// # Errors
/// `INVALID_ARGUMENT`, naming what is malformed.
pub fn decode(document: &[u8]) -> Result<SchemaOp> {
    let value = value::decode(document, &NoShapes)
        .map_err(|error| malformed("document").with_cause(error))?;
    let request = Request(fields(&value).ok_or_else(|| malformed("document"))?);
    let op = request.required("op", string)?;
    Ok(match op.as_str() {
        Some("createStore") => SchemaOp::CreateStore(StoreSpec {
            name: request.required("name", string)?.clone(),
            key_path: request.optional("keyPath", read_key_path)?.unwrap_or(KeyPath::None),
            auto_increment: request.flag("autoIncrement")?,
            key_scheme: request.optional("key", read_key_scheme)?.flatten(),
            compression: request
                .optional("compression", |value| compression_from(string(value)?))?
                .unwrap_or(Compression::None),
            origin: request.origin()?,
        }),
        Some("deleteStore") => SchemaOp::DeleteStore(request.reference("store")?),
        Some("renameStore") => SchemaOp::RenameStore(
            request.reference("store")?,
            request.required("name", string)?.clone(),
        ),
        Some("createIndex") => {
            SchemaOp::CreateIndex(request.reference("store")?, request.index_spec()?)
        }
        Some("createVectorIndex") => {
            SchemaOp::CreateVectorIndex(request.reference("store")?, request.vector_spec()?)
        }
        Some("deleteIndex") => {
            SchemaOp::DeleteIndex(request.reference("store")?, request.reference("index")?)
        }
        Some("renameIndex") => SchemaOp::RenameIndex(
            request.reference("store")?,
            request.reference("index")?,
            request.required("name", string)?.clone(),
        ),
        Some("setVersion") => SchemaOp::SetVersion(request.required("version", version)?),
        _ => return Err(malformed("op")),
    })
}

/// A version of a database: a whole number that JavaScript has exactly.
fn version(value: &Value) -> Option<u64> {
    const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
    match value {
        Value::Number(number) if number.fract() == 0.0 => {
            (0.0..=MAX_SAFE_INTEGER).contains(number).then_some(*number as u64)
        }
        _ => None,
    }
}

/// Reads the definition of an index that is to be built outside transactions.
///
/// # Errors
/// `INVALID_ARGUMENT`, naming what is malformed.
pub fn decode_create_index(document: &[u8]) -> Result<(Reference, NewIndex)> {
    match decode(document)? {
        SchemaOp::CreateIndex(store, spec) => Ok((store, NewIndex::Keys(spec))),
        SchemaOp::CreateVectorIndex(store, spec) => Ok((store, NewIndex::Vectors(spec))),
        _ => Err(malformed("op")),
    }
}

/// Carries out a schema operation; returns the answer, a document.
///
/// # Errors
/// As the methods of [`Schema`].
pub fn run(schema: &mut Schema<'_, '_, '_>, op: SchemaOp) -> Result<Vec<u8>> {
    let number = |id: u32| Value::Number(f64::from(id));
    let answer = match op {
        SchemaOp::CreateStore(spec) => vec![("storeId", number(schema.create_store(spec)?))],
        SchemaOp::DeleteStore(store) => {
            schema.delete_store(&store)?;
            Vec::new()
        }
        SchemaOp::RenameStore(store, name) => {
            schema.rename_store(&store, name)?;
            Vec::new()
        }
        SchemaOp::CreateIndex(store, spec) => {
            let (store, index) = schema.create_index(&store, spec, Build::Now)?;
            vec![("storeId", number(store)), ("indexId", number(index))]
        }
        SchemaOp::CreateVectorIndex(store, spec) => {
            let (store, index) = schema.create_vector_index(&store, spec, Build::Now)?;
            vec![("storeId", number(store)), ("indexId", number(index))]
        }
        SchemaOp::DeleteIndex(store, index) => {
            schema.delete_index(&store, &index)?;
            Vec::new()
        }
        SchemaOp::RenameIndex(store, index, name) => {
            schema.rename_index(&store, &index, name)?;
            Vec::new()
        }
        SchemaOp::SetVersion(version) => {
            schema.set_database_version(version)?;
            Vec::new()
        }
    };
    value::encode(&object(answer), &NoShapes)
}

/// The fields of a request.
struct Request<'v>(&'v Fields);

impl<'v> Request<'v> {
    fn required<T>(&self, name: &str, read: impl FnOnce(&'v Value) -> Option<T>) -> Result<T> {
        get(self.0, name).and_then(read).ok_or_else(|| malformed(name))
    }

    /// A field that may be missing or undefined.
    fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<Option<T>> {
        match get(self.0, name) {
            None | Some(Value::Undefined) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| malformed(name)),
        }
    }

    fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.optional(name, boolean)?.unwrap_or(false))
    }

    fn origin(&self) -> Result<Origin> {
        let origin = self.optional("origin", |value| origin_from(string(value)?))?;
        Ok(origin.unwrap_or(Origin::Native))
    }

    fn reference(&self, name: &str) -> Result<Reference> {
        self.required(name, |value| match value {
            Value::String(name) => Some(Reference::Name(name.clone())),
            _ => Some(Reference::Id(u32::try_from(integer(value)?).ok()?)),
        })
    }

    fn index_spec(&self) -> Result<IndexSpec> {
        let (parts, compound) = self.parts()?;
        let place = Place::root("the collation of the index");
        let order = get(self.0, "collation").unwrap_or(&Value::Undefined);
        let collation = collation::parse(order, ErrorCode::InvalidArgument, &place)?;
        Ok(IndexSpec {
            name: self.required("name", string)?.clone(),
            parts,
            compound: self.optional("compound", boolean)?.unwrap_or(compound),
            unique: self.flag("unique")?,
            multi_entry: self.flag("multiEntry")?,
            sparse: self.flag("sparse")?,
            partial: match get(self.0, "where") {
                None | Some(Value::Undefined | Value::Null) => None,
                Some(filter) => {
                    let partial = Partial::parse(filter)?;
                    Some(match &collation {
                        Some(collation) => partial.under(collation),
                        None => partial,
                    })
                }
            },
            collation,
            origin: self.origin()?,
        })
    }

    fn vector_spec(&self) -> Result<VectorSpec> {
        let dimensions = |value| u32::try_from(integer(value)?).ok();
        let form = Form {
            dimensions: self.required("dimensions", dimensions)?,
            metric: self.required("metric", |name| Metric::from_name(string(name)?.as_str()?))?,
        };
        let path = self.required("path", |path| string(path).map(FieldPath::parse_wtf8))?;
        let graph = self.graph_options(GraphOptions::default_of(form.metric))?;
        Ok(VectorSpec { name: self.required("name", string)?.clone(), path, form, graph })
    }

    /// What the graph of a vector index is like, where it is said.
    fn graph_options(&self, default: GraphOptions) -> Result<GraphOptions> {
        let count = |value| u32::try_from(integer(value)?).ok();
        let precision = |name| Precision::from_name(string(name)?.as_str()?);
        Ok(GraphOptions {
            precision: self.optional("precision", precision)?.unwrap_or(default.precision),
            m: self.optional("m", count)?.unwrap_or(default.m),
            ef_construction: {
                self.optional("efConstruction", count)?.unwrap_or(default.ef_construction)
            },
            ef_search: self.optional("efSearch", count)?,
            memory_limit: self.optional("memoryLimit", integer)?.unwrap_or(default.memory_limit),
        })
    }

    /// The parts of an index, and whether their form makes it compound.
    fn parts(&self) -> Result<(Vec<IndexPart>, bool)> {
        if let Some(parts) = self.optional("parts", items)? {
            let parts: Option<Vec<_>> = parts.iter().map(read_part).collect();
            let parts = parts.ok_or_else(|| malformed("parts"))?;
            let compound = parts.len() > 1;
            return Ok((parts, compound));
        }
        let ascending = |path| IndexPart { path, descending: false };
        match self.required("keyPath", read_key_path)? {
            KeyPath::None => Err(malformed("keyPath")),
            KeyPath::Single(path) => Ok((vec![ascending(path)], false)),
            KeyPath::Compound(paths) => Ok((paths.into_iter().map(ascending).collect(), true)),
        }
    }
}

fn read_part(value: &Value) -> Option<IndexPart> {
    let part = fields(value)?;
    Some(IndexPart {
        path: FieldPath::parse_wtf8(string(get(part, "path")?)?),
        descending: match get(part, "descending") {
            None | Some(Value::Undefined) => false,
            Some(value) => boolean(value)?,
        },
    })
}

fn malformed(what: &str) -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        format!("a schema operation's \"{what}\" is missing or malformed"),
    )
    .with_path(what)
}
