//! Writing a document over the one that has its key, or its key of a unique index.

use std::sync::Arc;

use super::edit::{Edit, EditResult};
use super::entry::is_visible;
use super::extract;
use super::failure::Outcome;
use super::plan::malformed;
use super::unique;
use super::writer::{KeySource, Put, Writer, may_lack_shapes};
use crate::catalog::{IndexDef, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{ReadTxn, WriteTxn};
use crate::value::ShapeTable;

impl Writer<'_> {
    /// Changes the document that has the key of `put`'s document in a unique index (`None`: its
    /// primary key), or inserts that document. Returns the primary key.
    ///
    /// # Errors
    /// As [`Writer::put`] and [`Writer::edit`]; `INDEX_NOT_FOUND`, `INDEX_NOT_READY`,
    /// `INVALID_ARGUMENT` for other indexes.
    pub fn upsert(
        &mut self,
        txn: &mut WriteTxn<'_>,
        put: &Put<'_>,
        index: Option<u32>,
        edit: &mut dyn Edit,
    ) -> Outcome<(EditResult, Vec<u8>)> {
        if let Some(key) = self.find_key(txn, put, index)? {
            let result = self.edit(txn, put.store, &key, edit)?;
            if result != EditResult::Missing {
                return Ok((result, key));
            }
        }
        let key = self.put(txn, &Put { insert_only: true, ..*put })?.to_vec();
        Ok((EditResult::Inserted, key))
    }

    /// The primary key under which a document of the same key in a unique index (`None`: the same
    /// primary key) is, or may be.
    ///
    /// # Errors
    /// As [`Writer::upsert`].
    pub fn find_key(
        &mut self,
        txn: &mut WriteTxn<'_>,
        put: &Put<'_>,
        index: Option<u32>,
    ) -> Outcome<Option<Vec<u8>>> {
        let state = self.current_state(txn)?;
        let store = Arc::clone(state.catalog.require_store(put.store)?);
        let shapes = self.shapes(txn, &state, store.id)?;
        let found = match find(txn, &store, put, index, &shapes) {
            Err(error) if may_lack_shapes(&error) => {
                let fresh = state.reload_shapes(txn, self.shared(), store.id)?;
                if fresh.len() == shapes.len() {
                    return Err(error.with_store(store.name.to_string()).into());
                }
                self.keep_shapes(store.id, &fresh);
                find(txn, &store, put, index, &fresh)
            }
            found => found,
        };
        Ok(found.map_err(|error| error.with_store(store.name.to_string()))?)
    }
}

/// The primary key under which the document may be.
fn find(
    txn: &ReadTxn<'_>,
    store: &StoreDef,
    put: &Put<'_>,
    index: Option<u32>,
    shapes: &ShapeTable,
) -> Result<Option<Vec<u8>>> {
    let Some(index) = index else {
        return match put.key {
            KeySource::Given(key) => Ok(Some(key.to_vec())),
            KeySource::Inline => {
                let mut key = Vec::new();
                extract::primary_key(store, put.document, shapes, &mut key).map_err(malformed)?;
                Ok(Some(key))
            }
            KeySource::Generated | KeySource::Patched(_) => Ok(None),
        };
    };
    let index = store.ready_index(index)?;
    if !index.unique || index.multi_entry {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            format!(
                "index {:?} does not tell which document is meant: it has to be unique, and not \
                 multi-entry",
                index.name
            ),
        )
        .with_index(index.name.to_string()));
    }
    match index_key(index, put.document, shapes)? {
        Some(key) => unique::find_conflict(txn, index, &key, &[]),
        None => Ok(None),
    }
}

/// The document's key in a unique index; `None` if it has none, or one that never conflicts.
fn index_key(index: &IndexDef, document: &[u8], shapes: &ShapeTable) -> Result<Option<Vec<u8>>> {
    let (mut bytes, mut entries) = (Vec::new(), Vec::new());
    extract::entries(index, document, &[], shapes, (&mut bytes, &mut entries))
        .map_err(malformed)?;
    let entry = entries.iter().find(|entry| is_visible(index, entry.kind) && !entry.has_null);
    Ok(entry.and_then(|entry| bytes.get(entry.index_key())).map(<[u8]>::to_vec))
}
