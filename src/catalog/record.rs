//! Stores and indexes as records: documents, so that later versions can add fields.

use std::sync::Arc;

use super::definition::{
    IndexCollation, IndexDef, IndexPart, IndexState, KeyPath, KeyScheme, Origin, StoreDef,
};
use super::document::{array, boolean, fields, get, integer, items, object, string, text};
use super::partial::Partial;
use super::vector::{read_vector, vector_value};
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Place, collation};
use crate::storage::TreeId;
use crate::storage::envelope::Compression;
use crate::value::{self, BinaryKind, FieldPath, Fields, NoShapes, Value};
use crate::wtf8::Wtf8String;

/// Encodes a store's record.
pub fn encode_store(store: &StoreDef) -> Result<Vec<u8>> {
    let indexes = store.indexes.iter().map(|index| index_value(index)).collect();
    let mut record = vec![
        ("name", Value::String(store.name.clone())),
        ("tree", Value::Number(store.tree.0 as f64)),
        ("keyPath", key_path_value(&store.key_path)),
        ("autoIncrement", Value::Bool(store.auto_increment)),
        ("key", key_scheme_value(store.key_scheme)),
        ("compression", text(compression_name(store.compression))),
        ("origin", text(origin_name(store.origin))),
        ("nextIndex", Value::Number(f64::from(store.next_index))),
        ("indexes", array(indexes)),
    ];
    if !store.vectors.is_empty() {
        let vectors = store.vectors.iter().map(|index| vector_value(index)).collect();
        record.push(("vectors", array(vectors)));
    }
    value::encode(&object(record), &NoShapes)
}

/// Decodes a store's record.
///
/// # Errors
/// `CORRUPT`; `INCOMPATIBLE_VERSION` for what this version does not understand.
pub fn decode_store(id: u32, record: &[u8]) -> Result<StoreDef> {
    let record = value::decode(record, &NoShapes)?;
    let mut refused = None;
    read_store(id, &record, &mut refused).ok_or_else(|| {
        let malformed = || Error::corrupt(format!("the record of store {id} is malformed"));
        refused.unwrap_or_else(malformed)
    })
}

/// A store; `None` for a record that is malformed, or says what `refused` is then about.
fn read_store(id: u32, record: &Value, refused: &mut Option<Error>) -> Option<StoreDef> {
    let record = fields(record)?;
    let indexes = items(get(record, "indexes")?)?;
    let vectors = match get(record, "vectors") {
        None => &[],
        Some(vectors) => items(vectors)?,
    };
    Some(StoreDef {
        id,
        name: string(get(record, "name")?)?.clone(),
        tree: TreeId(integer(get(record, "tree")?)?),
        key_path: read_key_path(get(record, "keyPath")?)?,
        auto_increment: boolean(get(record, "autoIncrement")?)?,
        key_scheme: read_key_scheme(get(record, "key")?)?,
        compression: compression_from(string(get(record, "compression")?)?)?,
        origin: origin_from(string(get(record, "origin")?)?)?,
        next_index: u32::try_from(integer(get(record, "nextIndex")?)?).ok()?,
        indexes: indexes
            .iter()
            .map(|index| read_index(index, refused).map(Arc::new))
            .collect::<Option<_>>()?,
        vectors: vectors
            .iter()
            .map(|index| read_vector(index, refused).map(Arc::new))
            .collect::<Option<_>>()?,
    })
}

fn index_value(index: &IndexDef) -> Value {
    let state = match index.state {
        // What makes it stale stands beside it.
        IndexState::Ready | IndexState::Stale => "ready",
        IndexState::Building => "building",
    };
    let mut fields = vec![
        ("id", Value::Number(f64::from(index.id))),
        ("name", Value::String(index.name.clone())),
        ("tree", Value::Number(index.tree.0 as f64)),
        ("parts", array(index.parts.iter().map(part_value).collect())),
        ("compound", Value::Bool(index.compound)),
        ("unique", Value::Bool(index.unique)),
        ("multiEntry", Value::Bool(index.multi_entry)),
        ("sparse", Value::Bool(index.sparse)),
        ("origin", text(origin_name(index.origin))),
        ("state", text(state)),
    ];
    if let Some(partial) = &index.partial {
        let bytes = partial.written().to_vec();
        fields.push(("where", Value::Binary { kind: BinaryKind::Uint8Array, bytes }));
    }
    if let Some(IndexCollation { order, version }) = &index.collation {
        fields.push(("collation", collation::to_value(order)));
        fields.push(("collationVersion", text(version)));
    }
    object(fields)
}

fn read_index(record: &Value, refused: &mut Option<Error>) -> Option<IndexDef> {
    let record = fields(record)?;
    let parts: Vec<_> =
        items(get(record, "parts")?)?.iter().map(read_part).collect::<Option<_>>()?;
    if parts.is_empty() {
        return None;
    }
    let mut keep = |error: Error| *refused = Some(error);
    let collation = read_collation(record).map_err(&mut keep).ok()??;
    let partial = match get(record, "where") {
        None => None,
        Some(Value::Binary { bytes, .. }) => {
            let partial = Partial::decode(bytes).map_err(&mut keep).ok()?;
            Some(match &collation {
                Some(IndexCollation { order, .. }) => partial.under(order),
                None => partial,
            })
        }
        Some(_) => return None,
    };
    let is_current = collation.as_ref().is_none_or(IndexCollation::is_current);
    Some(IndexDef {
        id: u32::try_from(integer(get(record, "id")?)?).ok()?,
        name: string(get(record, "name")?)?.clone(),
        tree: TreeId(integer(get(record, "tree")?)?),
        parts,
        compound: boolean(get(record, "compound")?)?,
        unique: boolean(get(record, "unique")?)?,
        multi_entry: boolean(get(record, "multiEntry")?)?,
        sparse: boolean(get(record, "sparse")?)?,
        partial: partial.map(Arc::new),
        collation,
        origin: origin_from(string(get(record, "origin")?)?)?,
        state: match string(get(record, "state")?)?.as_str()? {
            "ready" | "building" if !is_current => IndexState::Stale,
            "ready" => IndexState::Ready,
            "building" => IndexState::Building,
            _ => return None,
        },
    })
}

/// The order of an index, if it has one of its own; `None` within if that is malformed.
fn read_collation(record: &Fields) -> Result<Option<Option<IndexCollation>>> {
    let (value, version) = match (get(record, "collation"), get(record, "collationVersion")) {
        (None, _) => return Ok(Some(None)),
        (Some(value), Some(version)) => (value, string(version).and_then(Wtf8String::as_str)),
        (Some(_), None) => (&Value::Null, None),
    };
    let place = Place::root("the collation of an index");
    let order = collation::parse(value, ErrorCode::IncompatibleVersion, &place)?;
    Ok(order
        .zip(version)
        .map(|(order, version)| Some(IndexCollation { order, version: version.to_owned() })))
}

fn part_value(part: &IndexPart) -> Value {
    object(vec![
        ("path", Value::String(path_text(&part.path))),
        ("descending", Value::Bool(part.descending)),
    ])
}

fn read_part(record: &Value) -> Option<IndexPart> {
    let record = fields(record)?;
    Some(IndexPart {
        path: FieldPath::parse_wtf8(string(get(record, "path")?)?),
        descending: boolean(get(record, "descending")?)?,
    })
}

/// A key scheme as null or a string.
pub fn key_scheme_value(scheme: Option<KeyScheme>) -> Value {
    match scheme {
        None => Value::Null,
        Some(KeyScheme::UuidV7) => text("uuidv7"),
    }
}

/// A key scheme from null or a string.
pub fn read_key_scheme(value: &Value) -> Option<Option<KeyScheme>> {
    match value {
        Value::Null | Value::Undefined => Some(None),
        _ => (string(value)?.as_str()? == "uuidv7").then_some(Some(KeyScheme::UuidV7)),
    }
}

/// A key path as null, a string, or an array of strings.
pub fn key_path_value(key_path: &KeyPath) -> Value {
    match key_path {
        KeyPath::None => Value::Null,
        KeyPath::Single(path) => Value::String(path_text(path)),
        KeyPath::Compound(paths) => {
            array(paths.iter().map(|path| Value::String(path_text(path))).collect())
        }
    }
}

/// A key path from null, a string, or an array of strings.
pub fn read_key_path(value: &Value) -> Option<KeyPath> {
    match value {
        Value::Null | Value::Undefined => Some(KeyPath::None),
        Value::String(path) => Some(KeyPath::Single(FieldPath::parse_wtf8(path))),
        _ => {
            let path = |item: &Value| string(item).map(FieldPath::parse_wtf8);
            items(value)?.iter().map(path).collect::<Option<_>>().map(KeyPath::Compound)
        }
    }
}

/// A path as it was written, dotted.
pub fn path_text(path: &FieldPath) -> Wtf8String {
    let names: Vec<&[u8]> =
        path.segments().iter().map(|segment| segment.name().as_bytes()).collect();
    // Names are whole WTF-8 strings and the dots between them keep surrogates apart.
    Wtf8String::from_bytes(&names.join(&b'.')).unwrap_or_default()
}

/// The name of a compression in records and requests.
pub fn compression_name(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "none",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
    }
}

/// The compression of a name.
pub fn compression_from(name: &Wtf8String) -> Option<Compression> {
    match name.as_str()? {
        "none" => Some(Compression::None),
        "lz4" => Some(Compression::Lz4),
        "zstd" => Some(Compression::Zstd),
        _ => None,
    }
}

/// The name of an origin in records and requests.
pub fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Native => "native",
        Origin::IndexedDb => "indexeddb",
    }
}

/// The origin of a name.
pub fn origin_from(name: &Wtf8String) -> Option<Origin> {
    match name.as_str()? {
        "native" => Some(Origin::Native),
        "indexeddb" => Some(Origin::IndexedDb),
        _ => None,
    }
}
