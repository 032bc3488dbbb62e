//! The unique rule: two documents may not share a visible key of a unique index.

use super::entry::{self, EntryKind, is_visible};
use crate::catalog::{IndexDef, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::storage::ReadTxn;

/// The primary key of another document than `own` that has `index_key` in a unique index.
pub fn find_conflict(
    txn: &ReadTxn<'_>,
    index: &IndexDef,
    index_key: &[u8],
    own: &[u8],
) -> Result<Option<Vec<u8>>> {
    let mut cursor = entry::entries(index.tree).cursor(txn)?;
    let mut found = cursor.seek(index_key)?;
    while let Some(entry) = found {
        // No component is a prefix of another one, so what follows is the primary key.
        let Some(primary_key) = entry.key.strip_prefix(index_key) else { break };
        if primary_key != own && is_visible(index, EntryKind::of(entry.value)?) {
            return Ok(Some(primary_key.to_vec()));
        }
        found = cursor.next()?;
    }
    Ok(None)
}

/// `UNIQUE_VIOLATION`, naming both documents' keys.
pub fn violation(store: &StoreDef, index: &IndexDef, key: &[u8], other: &[u8]) -> Error {
    Error::new(
        ErrorCode::UniqueViolation,
        format!(
            "documents {} and {} of store {:?} would share a key of the unique index {:?}",
            shown(key),
            shown(other),
            store.name,
            index.name
        ),
    )
    .with_store(store.name.to_string())
    .with_index(index.name.to_string())
    .with_key(key)
}

/// A primary key for a message.
pub fn shown(key: &[u8]) -> String {
    match key::decode(key) {
        Ok((key, _)) => key.to_string(),
        Err(_) => format!("with the malformed key {key:02x?}"),
    }
}
