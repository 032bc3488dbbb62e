//! What the catalog says about stores and indexes.

use std::sync::Arc;

use super::partial::Partial;
use super::vector::VectorDef;
use crate::collation::{Collation, DATA_VERSION};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::TreeId;
use crate::storage::envelope::Compression;
use crate::value::FieldPath;
use crate::wtf8::Wtf8String;

/// Whose rules a store or an index follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Lodestore's own.
    Native,
    /// IndexedDB's: an index holds exactly the keys that the specification extracts.
    IndexedDb,
}

/// Where a store's documents carry their primary key.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyPath {
    /// Nowhere: keys are out-of-line.
    None,
    /// In a field.
    Single(FieldPath),
    /// In several fields; the key is the array of their values.
    Compound(Vec<FieldPath>),
}

/// How keys are made that neither the caller nor the key generator gives. The JavaScript layer
/// makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyScheme {
    /// Strings of 36 characters that ascend with time (RFC 9562, UUID version 7).
    UuidV7,
}

/// A store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreDef {
    /// Never reused.
    pub id: u32,
    /// Unique in the database.
    pub name: Wtf8String,
    /// The documents.
    pub tree: TreeId,
    /// Where the primary key is.
    pub key_path: KeyPath,
    /// Whether a key generator makes keys that are not given.
    pub auto_increment: bool,
    /// How keys are made otherwise.
    pub key_scheme: Option<KeyScheme>,
    /// How documents are compressed.
    pub compression: Compression,
    /// Whose rules the store follows.
    pub origin: Origin,
    /// The id of the next index.
    pub next_index: u32,
    /// By id.
    pub indexes: Vec<Arc<IndexDef>>,
    /// By id. Ids and names are those of no other index.
    pub vectors: Vec<Arc<VectorDef>>,
}

/// An index of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexDef {
    /// Unique in the store, never reused.
    pub id: u32,
    /// Unique in the store.
    pub name: Wtf8String,
    /// The entries.
    pub tree: TreeId,
    /// What is indexed, in order; at least one part.
    pub parts: Vec<IndexPart>,
    /// Whether a key of the index is an array of the parts' values (`['a']` differs from `'a'`).
    pub compound: bool,
    /// Whether two documents may not share a key.
    pub unique: bool,
    /// Whether the index shows the elements of an array instead of the array.
    pub multi_entry: bool,
    /// Whether documents that lack every part are left out (native indexes).
    pub sparse: bool,
    /// Which documents the index has; `None`: all.
    pub partial: Option<Arc<Partial>>,
    /// What its strings are in the order of; `None`: of their code units.
    pub collation: Option<IndexCollation>,
    /// Whose rules the index follows.
    pub origin: Origin,
    /// Whether the index can be read.
    pub state: IndexState,
}

/// The order of an index's strings, whose sort keys stand in its entries.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexCollation {
    /// The order.
    pub order: Arc<Collation>,
    /// The [`DATA_VERSION`] that the sort keys are of.
    pub version: String,
}

impl IndexCollation {
    /// An order, with sort keys as they are made now.
    pub fn new(order: Arc<Collation>) -> Self {
        Self { order, version: DATA_VERSION.to_owned() }
    }

    /// Whether sort keys that are made now compare with those in the index.
    pub fn is_current(&self) -> bool {
        self.version == DATA_VERSION
    }
}

/// A field of an index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexPart {
    /// The field.
    pub path: FieldPath,
    /// Whether the order is reversed.
    pub descending: bool,
}

/// Whether an index can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// It holds what it should.
    Ready,
    /// A build is under way; how far it is stands in a record of its own (see
    /// `store::index_build`), so that progress does not change the catalog's version.
    Building,
    /// Its sort keys are of another version of the collation's data, so that nothing can be found
    /// in it. The next write transaction empties it, to be built again.
    Stale,
}

impl StoreDef {
    /// An index by id.
    pub fn index(&self, id: u32) -> Option<&Arc<IndexDef>> {
        self.indexes.iter().find(|index| index.id == id)
    }

    /// An index by name.
    pub fn index_by_name(&self, name: &Wtf8String) -> Option<&Arc<IndexDef>> {
        self.indexes.iter().find(|index| index.name == *name)
    }

    /// Whether writes have anything to do for indexes.
    #[inline]
    pub fn has_indexes(&self) -> bool {
        !self.indexes.is_empty() || !self.vectors.is_empty()
    }

    /// A vector index by id.
    pub fn vector(&self, id: u32) -> Option<&Arc<VectorDef>> {
        self.vectors.iter().find(|index| index.id == id)
    }

    /// A vector index by name.
    pub fn vector_by_name(&self, name: &Wtf8String) -> Option<&Arc<VectorDef>> {
        self.vectors.iter().find(|index| index.name == *name)
    }

    /// The logical trees of all indexes.
    pub fn index_trees(&self) -> impl Iterator<Item = TreeId> {
        let vectors = self.vectors.iter().map(|index| index.tree);
        self.indexes.iter().map(|index| index.tree).chain(vectors)
    }

    /// The ids and states of all indexes.
    pub fn index_states(&self) -> impl Iterator<Item = (u32, IndexState)> {
        let vectors = self.vectors.iter().map(|index| (index.id, index.state));
        self.indexes.iter().map(|index| (index.id, index.state)).chain(vectors)
    }

    /// An index by id.
    ///
    /// # Errors
    /// `INDEX_NOT_FOUND`.
    pub fn require_index(&self, id: u32) -> Result<&Arc<IndexDef>> {
        self.index(id).ok_or_else(|| {
            Error::new(
                ErrorCode::IndexNotFound,
                format!("store {:?} has no index of id {id}; it may have been deleted", self.name),
            )
            .with_store(self.name.to_string())
        })
    }

    /// An index that can be read, by id.
    ///
    /// # Errors
    /// `INDEX_NOT_FOUND`, `INDEX_NOT_READY`.
    pub fn ready_index(&self, id: u32) -> Result<&Arc<IndexDef>> {
        let index = self.require_index(id)?;
        let why = match index.state {
            IndexState::Ready => return Ok(index),
            IndexState::Building => "is still being built",
            IndexState::Stale => "has the order of another version and has to be built again",
        };
        Err(Error::new(
            ErrorCode::IndexNotReady,
            format!("index {:?} of store {:?} {why}", index.name, self.name),
        )
        .with_store(self.name.to_string())
        .with_index(index.name.to_string()))
    }
}

impl IndexDef {
    /// What its strings are in the order of.
    pub fn order(&self) -> Option<&Arc<Collation>> {
        self.collation.as_ref().map(|collation| &collation.order)
    }

    /// Whether any part is descending.
    pub fn has_descending(&self) -> bool {
        self.parts.iter().any(|part| part.descending)
    }
}
