//! The catalog: which stores and indexes there are, by version and snapshot.

mod cache;
mod definition;
pub mod document;
pub mod meta_key;
mod partial;
pub mod record;
mod snapshot;
mod vector;

pub use cache::CatalogCache;
pub use definition::{
    IndexCollation, IndexDef, IndexPart, IndexState, KeyPath, KeyScheme, Origin, StoreDef,
};
pub use partial::Partial;
pub use snapshot::{Catalog, allocate_store_id};
pub use vector::VectorDef;
