//! Vector indexes: which documents have vectors, and the labels of the vectors.
//!
//! The vectors themselves stand in the documents. The tree of an index has, in one transaction with
//! them, an entry for each document with vectors and one for each vector:
//!
//! - `00 ++ primary key` → u64 label of its first vector, u32 number of its vectors
//!   (little-endian); the labels of the others follow;
//! - `01 ++ label` (u64, big-endian) → primary key.
//!
//! Labels are given in ascending order and never again, also where a document's vectors change:
//! what is known of a label is so for good, or the label is not in the tree any more.

mod batch;
mod plan;
mod read;

pub use batch::VectorBatch;
pub use plan::{VectorChange, apply, count_vectors, plan_vectors};
pub use read::each_vector_of;

use crate::catalog::VectorDef;
use crate::error::{Error, Result};
use crate::storage::{Counter, TreeId};

/// What entries of documents begin with.
pub const DOCUMENT: u8 = 0;
/// What entries of vectors begin with.
pub const LABEL: u8 = 1;

/// Counter class: documents with vectors.
pub const COUNT_DOCUMENTS: u8 = 0;
/// Counter class: vectors.
pub const COUNT_VECTORS: u8 = 1;
/// Counter class: labels that were given so far.
pub const COUNT_LABELS: u8 = 2;

/// The counter of a class.
pub const fn counter(tree: TreeId, class: u8) -> Counter {
    Counter { tree, class }
}

/// The key of a document's entry.
pub fn document_key(primary_key: &[u8]) -> Vec<u8> {
    [&[DOCUMENT], primary_key].concat()
}

/// The key of a vector's entry.
pub fn label_key(label: u64) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = label.to_be_bytes();
    [LABEL, a, b, c, d, e, f, g, h]
}

/// The labels of a document's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels {
    /// The label of the first one.
    pub first: u64,
    /// How many there are, at least one.
    pub count: u32,
}

impl Labels {
    /// Reads the value of a document's entry.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn read(index: &VectorDef, value: &[u8]) -> Result<Self> {
        let read = || {
            let (first, rest) = value.split_first_chunk()?;
            let count = u32::from_le_bytes(rest.try_into().ok()?);
            let first = u64::from_le_bytes(*first);
            first.checked_add(u64::from(count)).filter(|_| count > 0)?;
            Some(Self { first, count })
        };
        read().ok_or_else(|| damaged(index, "an entry of a document is malformed"))
    }

    /// The value of a document's entry.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (first, count) = (self.first.to_le_bytes(), self.count.to_le_bytes());
        bytes.iter_mut().zip(first.into_iter().chain(count)).for_each(|(to, from)| *to = from);
        bytes
    }

    /// One after the other.
    pub fn each(self) -> std::ops::Range<u64> {
        self.first..self.first + u64::from(self.count)
    }
}

/// What is said of an index that contradicts itself.
pub fn damaged(index: &VectorDef, what: &str) -> Error {
    Error::corrupt(format!(
        "vector index {:?}: {what}; delete the index and create it again",
        index.name
    ))
    .with_index(index.name.to_string())
}
