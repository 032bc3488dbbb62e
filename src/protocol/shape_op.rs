//! Registering shapes, and the documents that list them.

use super::json::encode_json;
use crate::catalog::document::{array, items};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::WriteTxn;
use crate::store::{Outcome, StoreShared, read_names, register_shapes};
use crate::value::{self, NoShapes, ShapeTable, Value};
use crate::wtf8::Wtf8String;

/// Registers the lists of names in a document, an array of arrays; answers with the JSON
/// `[[id, name…]…]` of those that have an id now.
pub(super) fn register(
    txn: &mut WriteTxn<'_>,
    shared: &StoreShared,
    store: u32,
    document: &[u8],
) -> Outcome<String> {
    let lists = decode_lists(document)?;
    let ids = register_shapes(txn, shared, store, &lists)?;
    let known = ids.iter().zip(&lists).filter_map(|(id, names)| Some(((*id)?, names.as_slice())));
    Ok(encode_shapes(known)?)
}

/// A table of shapes, as the JSON `[[id, name…]…]`.
///
/// # Errors
/// `CORRUPT`.
pub fn shapes_json(shapes: &ShapeTable) -> Result<String> {
    encode_shapes(shapes.iter().map(|(id, shape)| (id, &**shape.names())))
}

fn encode_shapes<'n>(shapes: impl Iterator<Item = (u16, &'n [Wtf8String])>) -> Result<String> {
    let shape = |(id, names): (u16, &[Wtf8String])| {
        let id = Value::Number(f64::from(id));
        array([id].into_iter().chain(names.iter().cloned().map(Value::String)).collect())
    };
    encode_json(&array(shapes.map(shape).collect()))
}

/// Decodes a document natively and encodes it again. `lists` is a document, the array of the names
/// of shape 0, 1 and so on.
///
/// # Errors
/// `INVALID_ARGUMENT` if the shapes are malformed, `CORRUPT` if the document is.
pub fn transcode(document: &[u8], lists: &[u8]) -> Result<Vec<u8>> {
    let mut shapes = ShapeTable::new();
    for (id, names) in (0..).zip(decode_lists(lists)?) {
        shapes.add(id, names)?;
    }
    value::validate(document, &shapes)?;
    value::transcode(document, &shapes)
}

fn decode_lists(document: &[u8]) -> Result<Vec<Vec<Wtf8String>>> {
    let malformed = || Error::new(ErrorCode::InvalidArgument, "the shapes are malformed");
    let lists =
        value::decode(document, &NoShapes).map_err(|error| malformed().with_cause(error))?;
    let lists = items(&lists).ok_or_else(malformed)?;
    lists.iter().map(read_names).collect::<Option<_>>().ok_or_else(malformed)
}
