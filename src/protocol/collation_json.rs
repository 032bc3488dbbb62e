//! Collations, checked and written out, for JavaScript.

use super::json::encode_json;
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Place, collation};
use crate::value::{self, NoShapes};

/// All settings of a collation that a document describes, as the catalog has them, in JSON.
///
/// # Errors
/// `INVALID_ARGUMENT`, with the path of what there is no such order for.
pub fn collation_json(document: &[u8]) -> Result<String> {
    let none = || Error::new(ErrorCode::InvalidArgument, "there is no collation");
    let value = value::decode(document, &NoShapes).map_err(|error| none().with_cause(error))?;
    let place = Place::root("the collation");
    let order = collation::parse(&value, ErrorCode::InvalidArgument, &place)?;
    encode_json(&collation::to_value(&*order.ok_or_else(none)?))
}
