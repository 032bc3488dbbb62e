//! The catalog as JSON, for JavaScript.

use super::json::encode_json;
use crate::catalog::document::{array, object, text};
use crate::catalog::record::{
    compression_name, key_path_value, key_scheme_value, origin_name, path_text,
};
use crate::catalog::{Catalog, IndexDef, IndexState, KeyPath, StoreDef, VectorDef};
use crate::error::Result;
use crate::query::collation;
use crate::storage::Counter;
use crate::store::entry::visible_count;
use crate::store::read::View;
use crate::store::vectors::{self, COUNT_VECTORS};
use crate::value::Value;

/// Encodes `{version, databaseVersion, stores: [{id, name, keyPath, autoIncrement, compression,
/// origin, count, indexes: [{id, name, keyPath, parts, compound, unique, multiEntry, sparse, where,
/// collation, state, origin, count}], vectors: [{id, name, on, dimensions, metric, precision,
/// m, efConstruction, efSearch, memoryLimit, state, count}]}]}`; `where` is an encoded document in
/// hexadecimal digits, or null, and `collation` all its settings, or null. Stores and indexes are
/// in the order of their ids.
///
/// # Errors
/// `CORRUPT`.
pub fn catalog_json<'t, 'e: 't>(
    view: impl Into<View<'t, 'e>>,
    catalog: &Catalog,
) -> Result<String> {
    let view = view.into();
    let stores: Result<Vec<_>> = catalog.stores().map(|store| store_value(view, store)).collect();
    let document = object(vec![
        ("version", Value::Number(catalog.version as f64)),
        ("databaseVersion", Value::Number(catalog.database_version as f64)),
        ("stores", array(stores?)),
    ]);
    encode_json(&document)
}

fn store_value(view: View<'_, '_>, store: &StoreDef) -> Result<Value> {
    let indexes: Result<Vec<_>> =
        store.indexes.iter().map(|index| index_value(view, index)).collect();
    let count = view.count(Counter::entries(store.tree));
    Ok(object(vec![
        ("id", Value::Number(f64::from(store.id))),
        ("name", Value::String(store.name.clone())),
        ("keyPath", key_path_value(&store.key_path)),
        ("autoIncrement", Value::Bool(store.auto_increment)),
        ("key", key_scheme_value(store.key_scheme)),
        ("compression", text(compression_name(store.compression))),
        ("origin", text(origin_name(store.origin))),
        ("count", known(count)),
        ("indexes", array(indexes?)),
        ("vectors", array(store.vectors.iter().map(|index| vectors_value(view, index)).collect())),
    ]))
}

fn vectors_value(view: View<'_, '_>, index: &VectorDef) -> Value {
    let graph = index.graph;
    let number = |number: u32| Value::Number(f64::from(number));
    let state = if index.state == IndexState::Ready { "ready" } else { "building" };
    object(vec![
        ("id", Value::Number(f64::from(index.id))),
        ("name", Value::String(index.name.clone())),
        ("on", Value::String(path_text(&index.path))),
        ("dimensions", Value::Number(f64::from(index.form.dimensions))),
        ("metric", text(index.form.metric.as_str())),
        ("precision", text(graph.precision.as_str())),
        ("m", number(graph.m)),
        ("efConstruction", number(graph.ef_construction)),
        ("efSearch", graph.ef_search.map_or(Value::Null, number)),
        ("memoryLimit", Value::Number(graph.memory_limit as f64)),
        ("state", text(state)),
        ("count", known(view.count(vectors::counter(index.tree, COUNT_VECTORS)))),
    ])
}

/// Bytes in JSON.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn index_value(view: View<'_, '_>, index: &IndexDef) -> Result<Value> {
    let parts = index.parts.iter().map(|part| {
        object(vec![
            ("path", Value::String(path_text(&part.path))),
            ("descending", Value::Bool(part.descending)),
        ])
    });
    let paths: Vec<_> = index.parts.iter().map(|part| part.path.clone()).collect();
    let key_path = match paths.as_slice() {
        [path] if !index.compound => KeyPath::Single(path.clone()),
        _ => KeyPath::Compound(paths),
    };
    let state = if index.state == IndexState::Ready { "ready" } else { "building" };
    let count = visible_count(index, |counter| view.count(counter));
    Ok(object(vec![
        ("id", Value::Number(f64::from(index.id))),
        ("name", Value::String(index.name.clone())),
        ("keyPath", key_path_value(&key_path)),
        ("parts", array(parts.collect())),
        ("compound", Value::Bool(index.compound)),
        ("unique", Value::Bool(index.unique)),
        ("multiEntry", Value::Bool(index.multi_entry)),
        ("sparse", Value::Bool(index.sparse)),
        (
            "where",
            index.partial.as_ref().map_or(Value::Null, |partial| text(&hex(partial.written()))),
        ),
        ("collation", index.order().map_or(Value::Null, |order| collation::to_value(order))),
        ("state", text(state)),
        ("origin", text(origin_name(index.origin))),
        ("count", known(count)),
    ]))
}

/// A count, or null if its record is damaged: whoever asks for it alone is told, and everything
/// else stays usable.
fn known(count: Result<u64>) -> Value {
    count.map_or(Value::Null, |count| Value::Number(count as f64))
}
