//! The shapes of a store: lists of field names that documents name by an id.

use super::failure::{Failure, Outcome};
use super::shared::StoreShared;
use super::state::TxnState;
use crate::catalog::meta_key;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{ReadTxn, WriteTxn, meta};
use crate::value::{self, NoShapes, Shape, ShapeSource, ShapeTable, Value};
use crate::wtf8::Wtf8String;

/// A store's shapes as a transaction has them.
///
/// # Errors
/// `CORRUPT`.
pub fn load_shapes(txn: &ReadTxn<'_>, store: u32) -> Result<ShapeTable> {
    let mut shapes = ShapeTable::new();
    for (key, payload) in meta::scan_records(txn, &meta_key::shapes(store))? {
        let id =
            meta_key::shape_id(&key).ok_or_else(|| Error::corrupt("a shape's key is malformed"))?;
        let names = value::decode(&payload, &NoShapes).ok().and_then(|names| read_names(&names));
        let names = names
            .ok_or_else(|| Error::corrupt(format!("shape {id} of store {store} is malformed")))?;
        shapes.add(id, names)?;
    }
    Ok(shapes)
}

/// How many shapes a store has.
///
/// # Errors
/// `CORRUPT`.
pub fn count_shapes(txn: &ReadTxn<'_>, store: u32) -> Result<usize> {
    meta::count_records(txn, &meta_key::shapes(store))
}

/// Registers lists of names; returns the id of each, old or new. Lists for which the table has no
/// room get none.
///
/// New ids are used only after the commit: until then only this transaction knows them.
///
/// # Errors
/// Refused: `STORE_NOT_FOUND`; `INVALID_ARGUMENT` for lists that are no shape.
pub fn register_shapes(
    txn: &mut WriteTxn<'_>,
    shared: &StoreShared,
    store: u32,
    lists: &[Vec<Wtf8String>],
) -> Outcome<Vec<Option<u16>>> {
    let state = TxnState::of(txn, shared)?;
    state.catalog.require_store(store)?;
    for names in lists {
        Shape::new(names.clone()).map_err(|error| {
            Error::new(ErrorCode::InvalidArgument, "a list of names is no shape").with_cause(error)
        })?;
    }
    let known = state.reload_shapes(txn, shared, store)?;
    if let Some(ids) = lists.iter().map(|names| known.id_of(names).map(Some)).collect() {
        return Ok(ids);
    }
    let mut shapes = load_shapes(txn, store)?;
    let mut ids = Vec::with_capacity(lists.len());
    for names in lists {
        let id = shapes.id_of(names).or_else(|| shapes.next_id());
        if let Some(id) = id
            && shapes.shape(id).is_none()
        {
            let record = value::encode(&write_names(names), &NoShapes).map_err(Failure::Fatal)?;
            meta::put_record(txn, &meta_key::shape(store, id), &record).map_err(Failure::Fatal)?;
            shapes.add(id, names.clone()).map_err(Failure::Fatal)?;
        }
        ids.push(id);
    }
    state.set_shapes(txn, store, shapes);
    Ok(ids)
}

/// An array of strings as names.
pub fn read_names(value: &Value) -> Option<Vec<Wtf8String>> {
    let Value::Array(array) = value else { return None };
    let name = |item: &Value| match item {
        Value::String(name) => Some(name.clone()),
        _ => None,
    };
    array.items.iter().map(name).collect()
}

/// Names as an array of strings.
fn write_names(names: &[Wtf8String]) -> Value {
    let items = names.iter().cloned().map(Value::String).collect();
    Value::Array(value::Array { items, fields: None })
}
