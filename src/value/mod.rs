//! Documents: the bytes of stored values, read in place.
//!
//! A document is one JavaScript value in the format that `docs/format.md` defines and `lib/codec/`
//! writes. The engine reads single fields through [`ValueRef`] without decoding the rest, turns
//! values into keys ([`push_key`]), and checks whole documents ([`validate`]). [`Value`] is the
//! decoded form, for updates and dumps.
//!
//! Nothing here panics, recurses by the depth of its input, or takes more than linear time,
//! whatever the bytes; what no encoder writes is `CORRUPT`.

mod bigint;
mod builder;
mod bytes;
mod display;
mod encode;
mod encode_rows;
mod from_key;
mod lookup;
mod model;
mod patch;
mod path;
mod set_field;
mod shape;
mod skip;
mod tags;
mod text;
mod to_key;
mod to_value;
mod validate;
mod value_ref;
mod walk;

pub use bigint::BigIntRef;
pub use builder::decode;
pub use encode::{can_be_shape, encode, transcode};
pub use encode_rows::RowEncoder;
pub use lookup::{IdbLookup, Lookup, lookup, lookup_idb};
pub use model::{Array, BigInt, Blob, Fields, Value};
pub use patch::{PlainField, encode_number, patch_number};
pub use path::{FieldName, FieldPath};
pub use set_field::set_field;
pub use shape::{NoShapes, Shape, ShapeSource, ShapeTable};
pub use tags::{
    BinaryKind, ErrorKind, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_SHAPE_FIELDS, MAX_SHAPES,
};
pub use text::Text;
pub(crate) use text::push_text;
pub use to_key::{KeyForm, push_key, push_key_under};
pub use validate::validate;
pub use value_ref::{Elements, Kind, ValueRef, root};
