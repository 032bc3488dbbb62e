//! Updates as packed operations.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::ops;
use crate::catalog::document::{boolean, get};
use crate::catalog::{KeyPath, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::store::{Edit, EditResult, EditScope, Edited};
use crate::update::{Context, Update};
use crate::value::{self, FieldPath, Fields, NoShapes, Value};

/// A request to update the document under a key.
#[derive(Debug)]
pub(super) struct UpdateRequest {
    update: Update,
    upsert: bool,
}

impl UpdateRequest {
    /// Reads the value of an operation.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if it is malformed; `INVALID_UPDATE`, `INVALID_QUERY`; `RESOURCE_LIMIT`
    /// if it contains itself.
    fn decode(bytes: &[u8]) -> Result<Self> {
        let malformed = || Error::new(ErrorCode::InvalidArgument, "an update is malformed");
        value::validate(bytes, &NoShapes).map_err(|error| malformed().with_cause(error))?;
        // Objects that occur more than once become copies: a document is to hold what was meant,
        // not who shared it.
        let request = value::root(bytes)?.to_value(&NoShapes)?;
        let Value::Object(fields) = request else { return Err(malformed()) };
        let update = get(&fields, "update").ok_or_else(malformed)?;
        let upsert = match get(&fields, "upsert") {
            None | Some(Value::Undefined) => false,
            Some(value) => boolean(value).ok_or_else(malformed)?,
        };
        Ok(Self { update: Update::parse(update, get(&fields, "arrayFilters"))?, upsert })
    }
}

/// The last request: programs send the same one again and again.
#[derive(Debug, Default)]
pub(super) struct LastRequest(Option<(Vec<u8>, Arc<UpdateRequest>)>);

/// Requests that are longer are not kept.
const MAX_KEPT: usize = 64 << 10;

impl LastRequest {
    /// The request in the value of an operation.
    ///
    /// # Errors
    /// As [`UpdateRequest::decode`].
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Arc<UpdateRequest>> {
        if let Some((known, request)) = &self.0
            && known == bytes
        {
            return Ok(Arc::clone(request));
        }
        let request = Arc::new(UpdateRequest::decode(bytes)?);
        if bytes.len() <= MAX_KEPT {
            self.0 = Some((bytes.to_vec(), Arc::clone(&request)));
        }
        Ok(request)
    }
}

/// Applies a request to one document after the other.
pub(super) struct Updating {
    request: Arc<UpdateRequest>,
    now: f64,
}

impl Updating {
    pub(super) fn new(request: Arc<UpdateRequest>) -> Self {
        Self { request, now: now() }
    }
}

impl Edit for Updating {
    fn edit(&mut self, old: Option<&[u8]>, scope: &EditScope<'_>) -> Result<Edited> {
        let UpdateRequest { update, upsert } = &*self.request;
        let context = |is_insert| Context { now: self.now, is_insert };
        let Some(old) = old else {
            if !upsert {
                return Ok(Edited::Unchanged);
            }
            let mut document = document_of_key(scope.store, scope.key)?;
            update.apply(&mut document, &context(true))?;
            return Ok(Edited::Value(document));
        };
        let mut document = value::decode(old, scope.shapes)?;
        let changed = update.apply(&mut document, &context(false))?;
        Ok(if changed { Edited::Value(document) } else { Edited::Unchanged })
    }
}

/// Milliseconds since 1970.
fn now() -> f64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0.0, |elapsed| elapsed.as_millis() as f64)
}

/// A document that has nothing but its primary key.
fn document_of_key(store: &StoreDef, key: &[u8]) -> Result<Value> {
    let key = || Ok::<_, Error>(Value::from(key::decode(key)?.0));
    let mut document = Value::Object(Fields::new());
    match &store.key_path {
        KeyPath::None => {}
        KeyPath::Single(path) => set(&mut document, path, key()?)?,
        KeyPath::Compound(paths) => {
            let Value::Array(parts) = key()? else { return Err(no_place()) };
            if parts.items.len() != paths.len() {
                return Err(no_place());
            }
            for (path, part) in paths.iter().zip(parts.items) {
                set(&mut document, path, part)?;
            }
        }
    }
    Ok(document)
}

fn set(document: &mut Value, path: &FieldPath, part: Value) -> Result<()> {
    let mut place = document;
    for segment in path.segments() {
        let Value::Object(fields) = place else { return Err(no_place()) };
        let name = segment.name();
        if fields.get(name).is_none() {
            fields.insert(name.clone(), Value::Object(Fields::new()));
        }
        place = fields.get_mut(name).ok_or_else(no_place)?;
    }
    *place = part;
    Ok(())
}

fn no_place() -> Error {
    Error::new(ErrorCode::InvalidKey, "no document can have this key at the store's key path")
}

/// The result of an update, in `UPDATED_…` bits.
pub(super) const fn result_bits(result: EditResult) -> u8 {
    match result {
        EditResult::Missing => 0,
        EditResult::Unchanged => ops::UPDATED_MATCHED,
        EditResult::Replaced => ops::UPDATED_MATCHED | ops::UPDATED_MODIFIED,
        EditResult::Inserted => ops::UPDATED_INSERTED,
    }
}
