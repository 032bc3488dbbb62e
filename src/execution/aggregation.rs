//! Pipelines over stores: what a query answers of them, and the stages behind it.

use std::sync::Arc;
use std::time::Instant;

use super::explain;
use super::pipeline_sources::{Documents, GroupedRows, Others, Reader, Reading, query_of};
use super::request::{Query, whole_number};
use super::running::{Chunk, INLINE_SLICE, SLICE};
use super::scan::ended_if;
use crate::catalog::{Catalog, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::query::Place;
use crate::query::aggregate::{self, Limits, Output, Pipeline, Pulled};
use crate::store::StoreShared;
use crate::store::read::{Response, View, locate_error};
use crate::value::{Fields, ShapeTable, Value};
use crate::wtf8::Wtf8String;

/// A pipeline in the middle of being carried out. Like an [`Execution`], it holds nothing of a
/// transaction.
pub struct Aggregation {
    store: Arc<StoreDef>,
    pipeline: aggregate::Execution,
    shapes: Arc<ShapeTable>,
    documents: Documents,
    others: Others,
    reads_others: bool,
    /// A row for which there was no room.
    waiting: Option<Vec<u8>>,
    done: bool,
    /// The stages that the query in front answers.
    front: Vec<&'static str>,
    /// If rows are counted instead of written.
    explained: Option<Explained>,
}

/// What is told of a pipeline.
struct Explained {
    output: Option<Output>,
    returned: u64,
    started: Instant,
}

/// What a pipeline is read from: everything that changes between two pieces.
#[derive(Clone, Copy)]
pub struct From<'f, 't, 'e> {
    /// The state.
    pub view: View<'t, 'e>,
    /// Its stores.
    pub catalog: &'f Catalog,
    /// The handle's caches.
    pub shared: &'f StoreShared,
}

impl Aggregation {
    /// Plans a pipeline that reads: `{ pipeline, hint?, memoryLimit? }`.
    ///
    /// # Errors
    /// `INVALID_QUERY`; as [`Execution::new`]; `INVALID_ARGUMENT` for pipelines that write.
    pub fn new(from: From<'_, '_, '_>, store: &Arc<StoreDef>, request: &Fields) -> Result<Self> {
        let (aggregation, output) = Self::planned(from, store, request, false)?;
        match output {
            None => Ok(aggregation),
            Some(_) => Err(Error::new(
                ErrorCode::InvalidArgument,
                "a pipeline that ends with $out or $merge writes, and is run as a write",
            )),
        }
    }

    /// Plans a pipeline of which is told how it runs, in one row of JSON. It writes nothing.
    ///
    /// # Errors
    /// As [`Aggregation::new`], but for pipelines that write.
    pub fn explained(
        from: From<'_, '_, '_>,
        store: &Arc<StoreDef>,
        request: &Fields,
    ) -> Result<Self> {
        let started = Instant::now();
        let (mut aggregation, output) = Self::planned(from, store, request, true)?;
        aggregation.pipeline = aggregation.pipeline.counted();
        aggregation.explained = Some(Explained { output, returned: 0, started });
        Ok(aggregation)
    }

    /// Plans a pipeline, and tells where its documents are to be written.
    ///
    /// # Errors
    /// As [`Aggregation::new`].
    pub fn with_output(
        from: From<'_, '_, '_>,
        store: &Arc<StoreDef>,
        request: &Fields,
    ) -> Result<(Self, Option<Output>)> {
        Self::planned(from, store, request, false)
    }

    /// Plans a pipeline; all ways to carry it out are compared if it is to be explained.
    fn planned(
        from: From<'_, '_, '_>,
        store: &Arc<StoreDef>,
        request: &Fields,
        explained: bool,
    ) -> Result<(Self, Option<Output>)> {
        let get = |name: &str| request.get(&Wtf8String::from(name)).unwrap_or(&Value::Undefined);
        let mut pipeline = Pipeline::parse(get("pipeline"), &Place::root("the pipeline"))?;
        let output = pipeline.output().cloned();
        let place = Place::root("the options");
        let mut limits = Limits::default();
        if let Some(memory) = whole_number(get("memoryLimit"), &place.word("memoryLimit"))? {
            limits.memory = usize::try_from(memory).unwrap_or(usize::MAX);
        }
        let mut names: Vec<_> = pipeline.stages().collect();
        let front = pipeline.split_front();
        names.truncate(names.len() - pipeline.stages().count());
        let hint = match get("hint") {
            Value::String(name) => Some(name.clone()),
            _ => None,
        };
        let is_whole = front.sort.is_empty()
            && front.skip == 0
            && front.limit.is_none()
            && front.nearest.is_none();
        let grouping = pipeline.grouping(limits.memory).filter(|_| is_whole);
        let is_ordered = grouping.as_ref().is_some_and(|grouping| grouping.order.is_some());
        let query = Query { hint, grouping, explained, ..query_of(&front) };
        let now = query.now;
        let shapes = from.shared.shapes_of(from.view, store.id, true)?;
        let documents = Documents::new(from, store, query)?;
        match documents.grouped() {
            GroupedRows::No => {}
            GroupedRows::Together => pipeline.stream_group(is_ordered),
            GroupedRows::Groups => pipeline.without_group(is_ordered),
        }
        let aggregation = Self {
            shapes: Arc::clone(&shapes),
            documents,
            store: Arc::clone(store),
            reads_others: !pipeline.stores().is_empty(),
            pipeline: aggregate::Execution::new(&pipeline, shapes, limits, now),
            others: Others::default(),
            waiting: None,
            done: false,
            front: names,
            explained: None,
        };
        Ok((aggregation, output))
    }

    /// The shapes that the rows are encoded with.
    pub fn shapes(&self) -> &Arc<ShapeTable> {
        &self.shapes
    }

    /// Writes the next rows, each an encoded document: how many, and whether none is left.
    ///
    /// # Errors
    /// `EXPRESSION`, `RESOURCE_LIMIT`; as [`Execution::next`].
    pub fn next(
        &mut self,
        from: From<'_, '_, '_>,
        chunk: &Chunk<'_>,
        response: &mut Response<'_>,
    ) -> Result<(u32, bool)> {
        let store = Arc::clone(&self.store);
        self.next_rows(from, chunk, response).map_err(|error| locate_error(error, &store, None))
    }

    fn next_rows(
        &mut self,
        from: From<'_, '_, '_>,
        chunk: &Chunk<'_>,
        response: &mut Response<'_>,
    ) -> Result<(u32, bool)> {
        let mut out = super::rows::Out::new(chunk, response);
        if chunk.is_inline(from.view) && self.reads_others {
            // How long a join takes is not bounded, so that it does not even begin there.
            return Ok((0, false));
        }
        let deadline = Instant::now() + if chunk.budget == 0 { SLICE } else { INLINE_SLICE };
        let mut row = Vec::new();
        loop {
            if let Some(waiting) = self.waiting.take() {
                if !out.fits(waiting.len() + 4, response) {
                    self.waiting = Some(waiting);
                    return Ok((out.count, false));
                }
                response.push_sized(&waiting);
                out.count += 1;
                row = waiting;
                if Instant::now() >= deadline && !self.done {
                    return Ok((out.count, false));
                }
            }
            if self.done {
                return Ok((out.count, true));
            }
            ended_if(chunk.cancelled)?;
            row.clear();
            let mut source = Reading { documents: &mut self.documents, from, chunk, deadline };
            let mut others = Reader { others: &mut self.others, from, chunk };
            match (self.pipeline.next(&mut source, &mut others, &mut row)?, &mut self.explained) {
                (Pulled::Document, Some(explained)) => explained.returned += 1,
                (Pulled::Document, None) => self.waiting = Some(std::mem::take(&mut row)),
                (Pulled::End, Some(_)) => {
                    self.waiting = Some(self.explanation().into_bytes());
                    self.done = true;
                }
                (Pulled::End, None) => self.done = true,
                (Pulled::Pause, _) if self.documents.declines() => return Ok((out.count, false)),
                (Pulled::Pause, _) => {}
            }
            if self.waiting.is_none() && !self.done && Instant::now() >= deadline {
                return Ok((out.count, false));
            }
        }
    }
    /// How the pipeline ran, as JSON.
    fn explanation(&self) -> String {
        let Some(explained) = &self.explained else { return String::new() };
        let mut examined = self.documents.examined();
        examined += self.others.examined;
        let (mut stages, memory) = self.pipeline.report();
        if let Some(grouped) = self.documents.report() {
            stages.insert(0, grouped);
        }
        explain::pipeline(&explain::PipelineOutcome {
            front: (&self.front, self.documents.explanation()),
            stages: &stages,
            output: explained.output.as_ref(),
            returned: explained.returned,
            examined,
            memory,
            elapsed: explained.started.elapsed(),
        })
    }
}
