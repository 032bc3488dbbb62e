//! Updates as packed operations.

use std::sync::Arc;

use super::ops::{self, Op};
use super::pipeline_op::changed;
use crate::catalog::document::{boolean, get};
use crate::catalog::{KeyPath, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::query::aggregate::Pipeline;
use crate::query::filter::current_time;
use crate::query::{Place, collation};
use crate::store::{Edit, EditResult, EditScope, Edited, KeySource, Made, Put};
use crate::update::{Context, InPlace, Update};
use crate::value::{self, FieldPath, Fields, NoShapes, ShapeTable, Value};

/// A request to update the document under a key.
#[derive(Debug)]
pub(super) struct UpdateRequest {
    change: Change,
    upsert: bool,
}

/// What is to become of a document.
#[derive(Debug)]
enum Change {
    Operators(Update),
    Pipeline(Pipeline),
}

pub(super) fn malformed() -> Error {
    Error::new(ErrorCode::InvalidArgument, "an update is malformed")
}

/// The fields of a request. Objects that occur more than once become copies: a document is to hold
/// what was meant, not who shared it.
///
/// # Errors
/// `INVALID_ARGUMENT` if it is malformed; `RESOURCE_LIMIT` if it contains itself.
pub(super) fn decode(bytes: &[u8]) -> Result<Fields> {
    value::validate(bytes, &NoShapes).map_err(|error| malformed().with_cause(error))?;
    match value::root(bytes)?.to_value(&NoShapes)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(malformed()),
    }
}

/// Parses what is to be changed; `filter` is what finds the documents.
fn parse_change(fields: &Fields, filter: Option<&Value>) -> Result<Change> {
    let update = get(fields, "update").ok_or_else(malformed)?;
    let array_filters = get(fields, "arrayFilters");
    if !matches!(update, Value::Array(_)) {
        return Update::parse_found(update, array_filters, filter).map(Change::Operators);
    }
    let place = Place::root("the update");
    if !matches!(array_filters, None | Some(Value::Undefined)) {
        let why = "a pipeline has no arrayFilters; use $map in it";
        return Err(place.error(ErrorCode::InvalidUpdate, why));
    }
    let pipeline = Pipeline::parse_update(update, &[], &place).map_err(|error| {
        let renamed = Error::new(ErrorCode::InvalidUpdate, error.message());
        renamed.with_path(error.context().path.clone().unwrap_or_default())
    })?;
    if pipeline.is_empty() {
        return Err(place.error(ErrorCode::InvalidUpdate, "the pipeline has no stages"));
    }
    Ok(Change::Pipeline(pipeline))
}

impl Change {
    fn apply(&self, old: &[u8], scope: &EditScope<'_>, now: f64) -> Result<Edited> {
        match self {
            Self::Operators(update) => apply(update, old, scope, now),
            Self::Pipeline(pipeline) => changed(pipeline, old, Vec::new(), now, scope.shapes),
        }
    }

    /// The document that is inserted, made of what is known of it.
    fn insert(&self, mut base: Value, shapes: &Arc<ShapeTable>, now: f64) -> Result<Edited> {
        match self {
            Self::Operators(update) => {
                update.apply(&mut base, &Context { now, stored: None })?;
            }
            Self::Pipeline(pipeline) => {
                let stored = value::encode(&base, &**shapes)?;
                match changed(pipeline, &stored, Vec::new(), now, shapes)? {
                    Edited::Unchanged => {}
                    edited => return Ok(edited),
                }
            }
        }
        Ok(Edited::Value(base))
    }
}

impl UpdateRequest {
    /// The update in the fields of a request to change what a query finds.
    ///
    /// # Errors
    /// `INVALID_UPDATE`, `INVALID_QUERY`.
    pub(super) fn of_found(fields: &Fields) -> Result<Self> {
        let nothing = Value::Object(Fields::new());
        let (filter, collation) = match get(fields, "query") {
            Some(Value::Object(query)) => (get(query, "filter"), get(query, "collation")),
            _ => (None, None),
        };
        let mut change = parse_change(fields, Some(filter.unwrap_or(&nothing)))?;
        let place = Place::root("the collation");
        let collation = collation.unwrap_or(&Value::Undefined);
        let collation = collation::parse(collation, ErrorCode::InvalidQuery, &place)?;
        if let (Change::Operators(update), Some(collation)) = (&mut change, collation) {
            update.find_elements_under(&collation);
        }
        Ok(Self { change, upsert: false })
    }

    /// Reads the value of an operation.
    ///
    /// # Errors
    /// As [`decode`]; `INVALID_UPDATE`, `INVALID_QUERY`.
    fn decode(bytes: &[u8]) -> Result<Self> {
        let fields = decode(bytes)?;
        let upsert = match get(&fields, "upsert") {
            None | Some(Value::Undefined) => false,
            Some(value) => boolean(value).ok_or_else(malformed)?,
        };
        Ok(Self { change: parse_change(&fields, None)?, upsert })
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
        Self { request, now: current_time() }
    }
}

impl Edit for Updating {
    fn edit(&mut self, old: Option<&[u8]>, scope: &EditScope<'_>) -> Result<Edited> {
        let UpdateRequest { change, upsert } = &*self.request;
        match old {
            Some(old) => change.apply(old, scope, self.now),
            None if !upsert => Ok(Edited::Unchanged),
            None => change.insert(document_of_key(scope.store, scope.key)?, scope.shapes, self.now),
        }
    }
}

impl Updating {
    /// The document that is inserted where none was found, made of what is known of it.
    pub(super) fn insertion(&self, base: Value, shapes: &Arc<ShapeTable>) -> Result<Made> {
        let document = match self.request.change.insert(base.clone(), shapes, self.now)? {
            Edited::Value(document) => document,
            Edited::Document(document) => value::decode(&document, &**shapes)?,
            Edited::Unchanged => base.clone(),
        };
        Ok(Made { base, document })
    }
}

/// Applies an update to a stored document.
///
/// # Errors
/// As [`Update::apply`].
pub(super) fn apply(
    update: &Update,
    old: &[u8],
    scope: &EditScope<'_>,
    now: f64,
) -> Result<Edited> {
    match update.apply_in_place(old, &**scope.shapes)? {
        InPlace::Unchanged => return Ok(Edited::Unchanged),
        InPlace::Document(document) => return Ok(Edited::Document(document)),
        InPlace::Unknown => {}
    }
    let mut document = value::decode(old, &**scope.shapes)?;
    let context = Context { now, stored: Some((value::root(old)?, &**scope.shapes)) };
    let changed = update.apply(&mut document, &context)?;
    Ok(if changed { Edited::Value(document) } else { Edited::Unchanged })
}

/// The parts of an upsert: the index, and what is inserted.
///
/// # Errors
/// `INVALID_ARGUMENT` if it is malformed.
pub(super) fn upsert<'a>(op: &Op<'a>, put: Put<'a>) -> Result<(Option<u32>, Put<'a>)> {
    let (index, document) = op.value.split_first_chunk().ok_or_else(malformed)?;
    let index = Some(u32::from_le_bytes(*index)).filter(|index| *index != u32::MAX);
    Ok((index, Put { document, ..put }))
}

/// Sets all fields of a document in another one.
pub(super) struct Merging<'a> {
    document: &'a [u8],
    /// Whether its primary key is its own, not one that was made for it.
    has_key: bool,
}

impl<'a> Merging<'a> {
    pub(super) fn new(put: &Put<'a>, is_fresh: bool) -> Self {
        let has_key = !is_fresh && !matches!(put.key, KeySource::Patched(_));
        Self { document: put.document, has_key }
    }
}

impl Edit for Merging<'_> {
    fn edit(&mut self, old: Option<&[u8]>, scope: &EditScope<'_>) -> Result<Edited> {
        let Some(old) = old else { return Ok(Edited::Unchanged) };
        let mut new = value::root(self.document)?.to_value(&**scope.shapes)?;
        if !self.has_key
            && let KeyPath::Single(path) = &scope.store.key_path
        {
            set(&mut new, path, Value::from(key::decode(scope.key)?.0))?;
        }
        let Value::Object(fields) = new else {
            // A value without fields replaces the other one.
            return Ok(match self.document == old {
                true => Edited::Unchanged,
                false => Edited::Document(self.document.to_vec()),
            });
        };
        apply(&Update::setting(fields), old, scope, current_time())
    }
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
    if value::set_field(document, path, part) { Ok(()) } else { Err(no_place()) }
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
