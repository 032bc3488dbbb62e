//! Lodestore's core: an embedded document store over LMDB.
//!
//! Layers, each using only those below it: `binding` (Node.js), `protocol`, `store`, `catalog`,
//! `storage`, and without the store's I/O `update`, `query`, `vector`, `sorter`, `seal`, `value`,
//! `collation`, `key`, `wtf8`, `error`, `fault`.

#[cfg(feature = "node")]
pub mod binding;
pub mod catalog;
pub mod collation;
pub mod error;
pub mod execution;
pub mod fault;
pub mod key;
pub mod protocol;
pub mod query;
pub mod seal;
pub mod sorter;
pub mod storage;
pub mod store;
#[cfg(test)]
mod test_random;
pub mod update;
pub mod value;
pub mod vector;
pub mod wtf8;
