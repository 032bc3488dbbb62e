//! Documents by primary key.

use super::locate_error;
use super::response::Response;
use crate::catalog::StoreDef;
use crate::error::{Error, Result};
use crate::storage::ReadTxn;
use crate::storage::envelope::{self, Payload};
use crate::storage::tree::Lookups;
use crate::store::entry;

/// What became of a read into memory of fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GetOutcome {
    /// There is no such document.
    Missing,
    /// The document was written; its length.
    Written(usize),
    /// The document needs that many bytes; nothing was written.
    Needs(usize),
}

/// Stands for the length of a document that is not there.
const MISSING: u32 = u32::MAX;

/// The document under `key`, checked, not yet decompressed.
///
/// # Errors
/// `CORRUPT`, naming store and key.
#[inline]
pub(super) fn find<'t>(
    txn: &'t ReadTxn<'_>,
    store: &StoreDef,
    key: &[u8],
) -> Result<Option<Payload<'t>>> {
    envelope::get_enveloped(entry::documents(store.tree), txn, key)
        .map_err(|error| in_document(error, store, key))
}

/// Says in which document an error occurred.
#[cold]
pub(crate) fn in_document(error: Error, store: &StoreDef, key: &[u8]) -> Error {
    let message = format!("a document of store {:?} cannot be read", store.name);
    Error::new(error.code(), message)
        .with_store(store.name.to_string())
        .with_key(key)
        .with_cause(error.message())
}

/// Copies the document under `key` to the start of `out`.
///
/// # Errors
/// `CORRUPT`, naming store and key.
#[inline]
pub fn get_into(
    txn: &ReadTxn<'_>,
    store: &StoreDef,
    key: &[u8],
    out: &mut [u8],
) -> Result<GetOutcome> {
    let Some(payload) = find(txn, store, key)? else { return Ok(GetOutcome::Missing) };
    let Some(slot) = out.get_mut(..payload.len()) else {
        return Ok(GetOutcome::Needs(payload.len()));
    };
    payload.write_to(slot).map_err(|error| in_document(error, store, key))?;
    Ok(GetOutcome::Written(payload.len()))
}

/// The document under `key`; `scratch` holds it if it has to be decompressed.
///
/// # Errors
/// `CORRUPT`, naming store and key.
pub fn get<'v>(
    txn: &'v ReadTxn<'_>,
    store: &StoreDef,
    key: &[u8],
    scratch: &'v mut Vec<u8>,
) -> Result<Option<&'v [u8]>> {
    match find(txn, store, key)? {
        Some(payload) => {
            let bytes = payload.bytes(scratch).map_err(|error| in_document(error, store, key))?;
            Ok(Some(bytes))
        }
        None => Ok(None),
    }
}

/// Whether there is a document under `key`. Does not look at the document.
///
/// # Errors
/// `CORRUPT`, naming store and key.
pub fn has(txn: &ReadTxn<'_>, store: &StoreDef, key: &[u8]) -> Result<bool> {
    let found = entry::documents(store.tree).get(txn, key);
    Ok(found.map_err(|error| in_document(error, store, key))?.is_some())
}

/// Writes the documents under `keys`: for each its length and its bytes, or `u32::MAX` if there is
/// none.
///
/// # Errors
/// `CORRUPT`, naming store and key.
pub fn get_many<'k>(
    txn: &ReadTxn<'_>,
    store: &StoreDef,
    keys: impl Iterator<Item = &'k [u8]>,
    response: &mut Response<'_>,
) -> Result<()> {
    let mut lookups = Lookups::new(entry::documents(store.tree));
    let mut keys = keys.fuse();
    loop {
        lookups.clear();
        while let Some(key) = if lookups.is_full() { None } else { keys.next() } {
            lookups.push(key);
        }
        if lookups.len() == 0 {
            return Ok(());
        }
        find_each(txn, store, &lookups, |_, found| {
            match found {
                Some(payload) => response.push_payload(&payload)?,
                None => response.push_u32(MISSING),
            }
            Ok(true)
        })?;
    }
}

/// Calls `visit` with the number of each key and the document under it, checked, not yet
/// decompressed, while it returns true. All keys are looked for before the first document is looked
/// at, so that they come from memory together.
///
/// # Errors
/// `CORRUPT`, naming store and key; those of `visit`, as of the document.
pub(crate) fn find_each<'t>(
    txn: &'t ReadTxn<'_>,
    store: &StoreDef,
    lookups: &'t Lookups,
    mut visit: impl FnMut(usize, Option<Payload<'t>>) -> Result<bool>,
) -> Result<()> {
    let found = lookups.find(txn).map_err(|error| {
        // One by one they say which of them it is.
        let mut alone = (0..lookups.len()).map(|at| find(txn, store, lookups.key(at)));
        alone.find_map(Result::err).unwrap_or_else(|| locate_error(error, store, None))
    })?;
    for stored in found.iter().flatten() {
        envelope::prefetch(stored);
    }
    for (at, stored) in found.into_iter().take(lookups.len()).enumerate() {
        let visited = stored
            .map(|stored| Payload::read(txn, lookups.raw(at), stored))
            .transpose()
            .and_then(|payload| visit(at, payload))
            .map_err(|error| in_document(error, store, lookups.key(at)))?;
        if !visited {
            break;
        }
    }
    Ok(())
}
