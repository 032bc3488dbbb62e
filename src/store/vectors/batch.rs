//! The vectors of many documents, for a build.

use super::super::failure::Failure;
use super::plan::{apply, count_vectors};
use crate::catalog::{StoreDef, VectorDef};
use crate::error::Result;
use crate::storage::WriteTxn;
use crate::value::ShapeTable;

/// Documents with vectors of one index.
#[derive(Debug, Default)]
pub struct VectorBatch {
    documents: Vec<(Box<[u8]>, u32)>,
    bytes: usize,
}

impl VectorBatch {
    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a document.
    ///
    /// # Errors
    /// `DIMENSION_MISMATCH`, `VALIDATION`, naming the document.
    pub fn add(
        &mut self,
        index: &VectorDef,
        document: &[u8],
        primary_key: &[u8],
        shapes: &ShapeTable,
    ) -> Result<()> {
        let count = count_vectors(index, document, shapes)?;
        if count > 0 {
            self.bytes += primary_key.len() + size_of::<(Box<[u8]>, u32)>();
            self.documents.push((primary_key.into(), count));
        }
        Ok(())
    }

    /// Writes all entries and becomes empty.
    pub fn write(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: &StoreDef,
        index: &VectorDef,
    ) -> Result<()> {
        self.bytes = 0;
        for (key, count) in self.documents.drain(..) {
            apply(txn, store, index, &key, count).map_err(Failure::into_error)?;
        }
        Ok(())
    }
}
