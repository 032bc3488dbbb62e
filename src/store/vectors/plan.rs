//! What vector indexes have to do for one document.

use super::super::entry;
use super::super::failure::{Failure, Outcome};
use super::{
    COUNT_DOCUMENTS, COUNT_LABELS, COUNT_VECTORS, Labels, counter, damaged, document_key,
    each_vector_of, label_key,
};
use crate::catalog::{StoreDef, VectorDef};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::WriteTxn;
use crate::value::ShapeTable;
use crate::vector::check_components;

/// A change of the vectors that a document has in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorChange {
    /// Position of the index in the store's list.
    pub index: usize,
    /// How many vectors the document has now.
    pub count: u32,
}

/// Reads and checks the vectors of a document that is to be stored under `key`, and finds out
/// whether they are others than those of the document that it replaces; `None` if they are not, so
/// that they keep their labels.
///
/// # Errors
/// `DIMENSION_MISMATCH`, `VALIDATION`, naming the index and the field.
pub fn plan_vectors(
    (position, index): (usize, &VectorDef),
    old: Option<&[u8]>,
    new: &[u8],
    shapes: &ShapeTable,
) -> Result<Option<VectorChange>> {
    let Some(old) = old else {
        let count = count_vectors(index, new, shapes)?;
        return Ok((count > 0).then_some(VectorChange { index: position, count }));
    };
    let (mut vectors, mut before) = (Vec::new(), Vec::new());
    let count = each(index, new, shapes, |vector| {
        check_components(index.form, vector)?;
        vectors.extend_from_slice(vector);
        Ok(())
    })?;
    let had = each(index, old, shapes, |vector| {
        before.extend_from_slice(vector);
        Ok(())
    });
    let is_same = match had {
        Ok(had) => had == count && before == vectors,
        // What cannot be read is other.
        Err(error) if is_about_vectors(&error) => false,
        Err(error) => return Err(error),
    };
    Ok((!is_same).then_some(VectorChange { index: position, count }))
}

/// How many vectors a document has in an index; they are checked.
///
/// # Errors
/// As [`plan_vectors`].
pub fn count_vectors(index: &VectorDef, document: &[u8], shapes: &ShapeTable) -> Result<u32> {
    each(index, document, shapes, |vector| check_components(index.form, vector))
}

/// Whether an error is that of a document that has something else where vectors should be.
fn is_about_vectors(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::DimensionMismatch | ErrorCode::Validation)
}

/// Visits the vectors of a document; gives how many there are.
fn each(
    index: &VectorDef,
    document: &[u8],
    shapes: &ShapeTable,
    visit: impl FnMut(&[u8]) -> Result<()>,
) -> Result<u32> {
    let mut scratch = Vec::new();
    each_vector_of(index, document, shapes, &mut scratch, visit)
        .map_err(|error| if is_about_vectors(&error) { named(index, error) } else { error })
}

/// Says what an error is about whose message goes on where the field was named.
fn named(index: &VectorDef, error: Error) -> Error {
    let (path, name) = (&index.path, &index.name);
    Error::new(
        error.code(),
        format!(
            "the field \"{path}\", which has the vectors of index {name:?}, {}",
            error.message()
        ),
    )
    .with_index(name.to_string())
    .with_path(path.to_string())
}

/// Gives the vectors of the document under `key` new labels, `count` of them, in the place of those
/// that it had.
///
/// # Errors
/// Only fatal ones. `CORRUPT` if a label that has to go is not there.
pub fn apply(
    txn: &mut WriteTxn<'_>,
    store: &StoreDef,
    index: &VectorDef,
    key: &[u8],
    count: u32,
) -> Outcome<()> {
    change(txn, index, key, count)
        .map_err(|error| Failure::midway(error.with_store(store.name.to_string())))
}

fn change(txn: &mut WriteTxn<'_>, index: &VectorDef, key: &[u8], count: u32) -> Result<()> {
    let tree = entry::entries(index.tree);
    let document = document_key(key);
    let old = tree.get(txn, &document)?.map(|value| Labels::read(index, value)).transpose()?;
    for label in old.into_iter().flat_map(Labels::each) {
        if !tree.delete(txn, &label_key(label))? {
            return Err(damaged(index, "the label of a vector is not there"));
        }
    }
    let had = old.map_or(0, |labels| labels.count);
    if count > 0 {
        let first = txn.count(counter(index.tree, COUNT_LABELS))?;
        let labels = Labels { first, count };
        tree.put(txn, &document, &labels.to_bytes())?;
        for label in labels.each() {
            tree.put(txn, &label_key(label), key)?;
        }
        txn.add_count(counter(index.tree, COUNT_LABELS), i64::from(count));
    } else if old.is_some() {
        tree.delete(txn, &document)?;
    }
    let documents = i64::from(count > 0) - i64::from(had > 0);
    txn.add_count(counter(index.tree, COUNT_DOCUMENTS), documents);
    txn.add_count(counter(index.tree, COUNT_VECTORS), i64::from(count) - i64::from(had));
    Ok(())
}
