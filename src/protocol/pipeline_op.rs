//! Pipelines whose documents are written to a store, as packed operations.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::ops::Op;
use super::update_op::apply;
use crate::catalog::{IndexDef, KeyPath, StoreDef, document};
use crate::error::{Error, ErrorCode, Result};
use crate::execution::{Aggregation, Chunk, From};
use crate::query::aggregate::{
    self, Limits, Merge, Next, NoSources, Output, Pipeline, Pulled, Source, WhenMatched,
    WhenNotMatched,
};
use crate::query::expression::Scope;
use crate::query::filter::current_time;
use crate::storage::WriteTxn;
use crate::store::read::{Response, View};
use crate::store::{
    Edit, EditScope, Edited, KeySource, Outcome, Put, Reference, Schema, Writer, nested,
};
use crate::update::Update;
use crate::value::{self, FieldName, Kind, NoShapes, ShapeTable, Value};

/// What the documents of a pipeline may take before they are written: 256 MiB.
const MAX_BYTES: usize = 256 << 20;

/// Runs a pipeline that ends with `$out` or `$merge`; returns how many documents came out of it.
/// All are written, or none.
///
/// # Errors
/// Refused: `INVALID_ARGUMENT` for other pipelines; `TX_TOO_LARGE` for more than 256 MiB;
/// `STORE_NOT_FOUND`, `INDEX_NOT_FOUND`, `INVALID_KEY`, `KEY_EXISTS`, `NOT_FOUND`; as the pipeline.
pub(super) fn run(writer: &mut Writer<'_>, txn: &mut WriteTxn<'_>, op: &Op<'_>) -> Outcome<u64> {
    let state = writer.state(txn)?;
    let malformed = || Error::new(ErrorCode::InvalidArgument, "a pipeline is malformed");
    let request = value::decode(op.value, &NoShapes).map_err(|_| malformed())?;
    let request = document::fields(&request).ok_or_else(malformed)?;
    let store = state.catalog.require_store(op.store)?;
    let from = From { view: View::Write(txn), catalog: &state.catalog, shared: writer.shared() };
    let (aggregation, output) = Aggregation::with_output(from, store, request)?;
    let output = output.ok_or_else(malformed)?;
    let (rows, shapes) = collect(aggregation, from)?;
    let name = match &output {
        Output::Replace { store } => store,
        Output::Merge(merge) => &merge.store,
    };
    let target = state.catalog.store_by_name(name).map(Arc::clone).ok_or_else(|| {
        let message = format!("there is no store {name:?} for the pipeline to write to");
        Error::new(ErrorCode::StoreNotFound, message).with_store(name.to_string())
    })?;
    drop(state);
    writer.flush(txn)?;
    let done = nested(txn, |child| {
        let mut merge = Merge {
            store: target.name.clone(),
            on: Vec::new(),
            when_matched: WhenMatched::Fail,
            when_not_matched: WhenNotMatched::Insert,
        };
        match &output {
            Output::Replace { .. } => {
                let shared = writer.shared();
                Schema::new(child, shared)?.clear_store(&Reference::Id(target.id))?;
                writer.forget();
            }
            Output::Merge(wanted) => merge = Merge::clone(wanted),
        }
        let index = index_of(&target, &merge)?;
        for row in &rows {
            let new = value::decode(row, &*shapes)?;
            write(writer, child, (&target, index), &merge, new)?;
        }
        writer.flush(child)
    });
    if done.is_err() {
        writer.forget();
    }
    done.map_err(|failure| failure.map(|error| error.with_store(name.to_string())))?;
    Ok(rows.len() as u64)
}

/// All documents of a pipeline, and the shapes that they are encoded with.
fn collect(
    mut aggregation: Aggregation,
    from: From<'_, '_, '_>,
) -> Result<(Vec<Vec<u8>>, Arc<ShapeTable>)> {
    let never = AtomicBool::new(false);
    let chunk = Chunk { rows: 0, max_bytes: 1 << 20, budget: 0, cancelled: &never };
    let (mut rows, mut size, mut out) = (Vec::new(), 0, Vec::new());
    loop {
        out.clear();
        let (count, done) = aggregation.next(from, &chunk, &mut Response::growing(&mut out))?;
        let mut rest = out.as_slice();
        for _ in 0..count {
            let (len, tail) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
            let len = u32::from_le_bytes(*len) as usize;
            let (row, tail) = tail.split_at_checked(len).unwrap_or_default();
            rows.push(row.to_vec());
            size += row.len();
            rest = tail;
        }
        if size > MAX_BYTES {
            let message = "the documents of a pipeline take more than 256 MiB; write fewer at once";
            return Err(Error::new(ErrorCode::TxTooLarge, message));
        }
        if done {
            return Ok((rows, Arc::clone(aggregation.shapes())));
        }
    }
}

/// The unique index that tells which documents are the same; `None`: their primary key does.
fn index_of(store: &StoreDef, merge: &Merge) -> Result<Option<u32>> {
    let is_key = match &store.key_path {
        KeyPath::Single(path) => merge.on.as_slice() == std::slice::from_ref(path),
        KeyPath::Compound(paths) => merge.on == *paths,
        KeyPath::None => false,
    };
    if merge.on.is_empty() || is_key {
        return Ok(None);
    }
    let fits = |index: &&Arc<IndexDef>| {
        index.unique
            && index.collation.is_none()
            && index.parts.iter().map(|part| &part.path).eq(merge.on.iter())
    };
    match store.indexes.iter().find(fits) {
        Some(index) => Ok(Some(index.id)),
        None => Err(Error::new(
            ErrorCode::IndexNotFound,
            format!("$merge: store {:?} has no unique index on these fields", store.name),
        )),
    }
}

fn write(
    writer: &mut Writer<'_>,
    txn: &mut WriteTxn<'_>,
    (store, index): (&StoreDef, Option<u32>),
    merge: &Merge,
    new: Value,
) -> Outcome<()> {
    let bytes = value::encode(&new, &NoShapes)?;
    let given = outside_key(store, &bytes)?;
    let key = match (&store.key_path, &given) {
        (KeyPath::None, Some(key)) => KeySource::Given(key),
        (KeyPath::None, None) => KeySource::Generated,
        _ => KeySource::Inline,
    };
    let put = Put { store: store.id, key, document: &bytes, insert_only: true };
    let found = writer.find_key(txn, &put, index)?;
    let Some(found) = found else {
        return match merge.when_not_matched {
            WhenNotMatched::Insert => writer.put(txn, &put).map(|_| ()),
            WhenNotMatched::Discard => Ok(()),
            WhenNotMatched::Fail => Err(not_there().into()),
        };
    };
    let mut merging = Merging { merge, new, now: current_time() };
    writer.edit(txn, store.id, &found, &mut merging).map(|_| ())
}

/// The key of a document in a store whose keys are out-of-line: its `_id`.
fn outside_key(store: &StoreDef, document: &[u8]) -> Result<Option<Vec<u8>>> {
    if store.key_path != KeyPath::None {
        return Ok(None);
    }
    let id = value::root(document)?.field(&FieldName::new("_id"), &NoShapes)?;
    let mut key = Vec::new();
    match id {
        Some(id) if value::push_key(id, &NoShapes, &mut key)? == value::KeyForm::Key => {
            Ok(Some(key))
        }
        _ if store.auto_increment => Ok(None),
        _ => Err(Error::new(
            ErrorCode::InvalidKey,
            "a document of the pipeline has no _id that can be its key",
        )),
    }
}

fn not_there() -> Error {
    Error::new(ErrorCode::NotFound, "$merge: a document that is to be merged with is not there")
}

/// A document that meets the one that is there.
struct Merging<'m> {
    merge: &'m Merge,
    new: Value,
    now: f64,
}

impl Edit for Merging<'_> {
    fn edit(&mut self, old: Option<&[u8]>, scope: &EditScope<'_>) -> Result<Edited> {
        let Some(old) = old else {
            return match self.merge.when_not_matched {
                WhenNotMatched::Insert => Ok(Edited::Value(self.new.clone())),
                WhenNotMatched::Discard => Ok(Edited::Unchanged),
                WhenNotMatched::Fail => Err(not_there()),
            };
        };
        Ok(match &self.merge.when_matched {
            WhenMatched::Replace => Edited::Value(self.new.clone()),
            WhenMatched::Keep => Edited::Unchanged,
            WhenMatched::Merge => {
                // By itself: what it refers to is not to be mixed up with what the old one does.
                let new = value::encode(&self.new, &NoShapes)?;
                match (value::root(old)?.kind()?, value::root(&new)?.to_value(&NoShapes)?) {
                    (Kind::Object, Value::Object(fields)) => {
                        apply(&Update::setting(fields), old, scope, self.now)?
                    }
                    (_, new) => Edited::Value(new),
                }
            }
            WhenMatched::Fail => {
                let message = "the pipeline gives a document whose key is taken";
                return Err(Error::new(ErrorCode::KeyExists, message).with_key(scope.key));
            }
            WhenMatched::Pipeline(expressions, pipeline) => {
                let on_new = Scope::decoded(&self.new, self.now);
                let mut variables = Vec::with_capacity(expressions.len() + 1);
                for expression in expressions {
                    variables.push(expression.evaluate(&on_new)?);
                }
                variables.push(self.new.clone());
                changed(pipeline, old, variables, self.now, scope.shapes)?
            }
        })
    }
}

/// What a pipeline makes of one document.
///
/// # Errors
/// As [`aggregate::Execution::next`].
pub(super) fn changed(
    pipeline: &Pipeline,
    old: &[u8],
    variables: Vec<Value>,
    now: f64,
    shapes: &Arc<ShapeTable>,
) -> Result<Edited> {
    let limits = Limits::default();
    let mut execution = aggregate::Execution::new(pipeline, Arc::clone(shapes), limits, now)
        .with_variables(variables);
    let mut source = One(Some(old));
    let mut out = Vec::new();
    loop {
        match execution.next(&mut source, &mut NoSources, &mut out)? {
            Pulled::Document => break,
            Pulled::End => return Ok(Edited::Unchanged),
            Pulled::Pause => {}
        }
    }
    // The old one may have names inline that are a shape by now.
    if out == old || out == value::transcode(old, &**shapes)? {
        return Ok(Edited::Unchanged);
    }
    value::decode(&out, &**shapes).map(Edited::Value)
}

/// A single document.
struct One<'d>(Option<&'d [u8]>);

impl Source for One<'_> {
    fn next(&mut self) -> Result<Next<'_>> {
        Ok(self.0.take().map_or(Next::End, Next::Document))
    }
}
