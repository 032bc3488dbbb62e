//! Lodestore's core: an embedded document store over LMDB.
//!
//! Layers, each using only those below it: `binding` (Node.js), `store`, `catalog`, `storage`, and
//! the I/O-free `key`, `value`, `wtf8`, `error`.

pub mod error;
pub mod key;
pub mod storage;
pub mod wtf8;
