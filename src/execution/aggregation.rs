//! Pipelines over stores: what a query answers of them, and the stages behind it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::request::{Query, Returns};
use super::running::{Chunk, Execution, SLICE};
use crate::catalog::{Catalog, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::query::Place;
use crate::query::aggregate::{
    self, Front, Limits, Next, Output, Pipeline, Pulled, Source, Sources,
};
use crate::query::filter::current_time;
use crate::store::StoreShared;
use crate::store::read::{Response, View, locate_error};
use crate::value::{FieldPath, Fields, ShapeTable, Value};
use crate::wtf8::Wtf8String;

use super::request::whole_number;

/// What a query reads ahead for a pipeline.
const ROWS_AHEAD: u32 = 1_000;
const BYTES_AHEAD: u32 = 256 << 10;

/// A pipeline in the middle of being carried out. Like an [`Execution`], it holds nothing of a
/// transaction.
pub struct Aggregation {
    store: Arc<StoreDef>,
    pipeline: aggregate::Execution,
    shapes: Arc<ShapeTable>,
    documents: Documents,
    others: Others,
    /// A row for which there was no room.
    waiting: Option<Vec<u8>>,
    done: bool,
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
        match Self::with_output(from, store, request)? {
            (aggregation, None) => Ok(aggregation),
            _ => Err(Error::new(
                ErrorCode::InvalidArgument,
                "a pipeline that ends with $out or $merge writes, and is run as a write",
            )),
        }
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
        let get = |name: &str| request.get(&Wtf8String::from(name)).unwrap_or(&Value::Undefined);
        let mut pipeline = Pipeline::parse(get("pipeline"), &Place::root("the pipeline"))?;
        let output = pipeline.output().cloned();
        let place = Place::root("the options");
        let mut limits = Limits::default();
        if let Some(memory) = whole_number(get("memoryLimit"), &place.word("memoryLimit"))? {
            limits.memory = usize::try_from(memory).unwrap_or(usize::MAX);
        }
        let front = pipeline.split_front();
        let hint = match get("hint") {
            Value::String(name) => Some(name.clone()),
            _ => None,
        };
        let query = Query { hint, ..query_of(&front) };
        let now = query.now;
        let shapes = from.shared.shapes_of(from.view, store.id, true)?;
        let aggregation = Self {
            shapes: Arc::clone(&shapes),
            documents: Documents::new(from, store, query)?,
            store: Arc::clone(store),
            pipeline: aggregate::Execution::new(&pipeline, shapes, limits, now),
            others: Others::default(),
            waiting: None,
            done: false,
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
        // On the thread of JavaScript a pipeline only begins.
        let deadline = Instant::now() + if chunk.budget == 0 { SLICE } else { SLICE / 25 };
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
            }
            if self.done {
                return Ok((out.count, true));
            }
            row.clear();
            let mut source = Reading { documents: &mut self.documents, from, chunk, deadline };
            let mut others = Reader { others: &mut self.others, from, chunk, deadline };
            match self.pipeline.next(&mut source, &mut others, &mut row)? {
                Pulled::Document => self.waiting = Some(std::mem::take(&mut row)),
                Pulled::End => self.done = true,
                Pulled::Pause => {}
            }
            if Instant::now() >= deadline && self.waiting.is_none() && !self.done {
                return Ok((out.count, false));
            }
        }
    }
}

/// The query that answers the front of a pipeline.
fn query_of(front: &Front) -> Query {
    Query {
        sort: front.sort.clone(),
        skip: front.skip,
        limit: front.limit,
        returns: Returns::Documents,
        now: current_time(),
        ..Query::new(front.filter.clone())
    }
}

/// The documents of a query, read ahead.
struct Documents {
    execution: Execution,
    rows: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Documents {
    fn new(from: From<'_, '_, '_>, store: &Arc<StoreDef>, query: Query) -> Result<Self> {
        let execution = Execution::new(from.view, from.shared, store, query)?;
        Ok(Self { execution, rows: Vec::new(), at: 0, ended: false })
    }

    fn next(
        &mut self,
        from: From<'_, '_, '_>,
        chunk: &Chunk<'_>,
        deadline: Instant,
    ) -> Result<Next<'_>> {
        while self.at >= self.rows.len() {
            if self.ended {
                return Ok(Next::End);
            }
            if Instant::now() >= deadline {
                return Ok(Next::Pause);
            }
            self.rows.clear();
            self.at = 0;
            let ahead = Chunk {
                rows: ROWS_AHEAD,
                max_bytes: BYTES_AHEAD,
                budget: chunk.budget,
                cancelled: chunk.cancelled,
            };
            let mut response = Response::growing(&mut self.rows);
            let (count, done) =
                self.execution.next(from.view, from.shared, &ahead, &mut response)?;
            self.ended = done;
            if count == 0 && !done && chunk.budget != 0 {
                return Ok(Next::Pause);
            }
        }
        let rest = self.rows.get(self.at..).unwrap_or_default();
        let (len, rest) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let len = u32::from_le_bytes(*len) as usize;
        self.at += 4 + len;
        Ok(Next::Document(rest.get(..len).unwrap_or_default()))
    }
}

/// The main documents, for one piece of work.
struct Reading<'r, 't, 'e> {
    documents: &'r mut Documents,
    from: From<'r, 't, 'e>,
    chunk: &'r Chunk<'r>,
    deadline: Instant,
}

impl Source for Reading<'_, '_, '_> {
    fn next(&mut self) -> Result<Next<'_>> {
        self.documents.next(self.from, self.chunk, self.deadline)
    }
}

/// The documents of other stores that are being read.
#[derive(Default)]
struct Others {
    open: HashMap<u32, (u32, Documents)>,
    last: u32,
    /// The shapes of the stores that were read, as the state has them.
    shapes: HashMap<u32, Arc<ShapeTable>>,
}

/// The other stores, for one piece of work.
struct Reader<'r, 't, 'e> {
    others: &'r mut Others,
    from: From<'r, 't, 'e>,
    chunk: &'r Chunk<'r>,
    deadline: Instant,
}

impl Reader<'_, '_, '_> {
    fn store(&self, name: &Wtf8String) -> Result<&Arc<StoreDef>> {
        self.from.catalog.store_by_name(name).ok_or_else(|| {
            Error::new(
                ErrorCode::StoreNotFound,
                format!("there is no store {name:?}, which the pipeline reads"),
            )
            .with_store(name.to_string())
        })
    }

    fn documents(&mut self, cursor: u32) -> Result<&mut (u32, Documents)> {
        let closed = || Error::corrupt("a pipeline reads a store that it has not opened");
        self.others.open.get_mut(&cursor).ok_or_else(closed)
    }
}

impl Sources for Reader<'_, '_, '_> {
    fn open(&mut self, store: &Wtf8String, front: &Front) -> Result<u32> {
        let store = Arc::clone(self.store(store)?);
        let documents = Documents::new(self.from, &store, query_of(front))?;
        self.others.last = self.others.last.wrapping_add(1);
        let cursor = self.others.last;
        self.others.open.insert(cursor, (store.id, documents));
        Ok(cursor)
    }

    fn next(&mut self, cursor: u32) -> Result<Next<'_>> {
        let (from, chunk, deadline) = (self.from, self.chunk, self.deadline);
        self.documents(cursor)?.1.next(from, chunk, deadline)
    }

    fn shapes(&mut self, cursor: u32) -> Result<Arc<ShapeTable>> {
        let store = self.documents(cursor)?.0;
        if let Some(shapes) = self.others.shapes.get(&store) {
            return Ok(Arc::clone(shapes));
        }
        let shapes = self.from.shared.shapes_of(self.from.view, store, true)?;
        self.others.shapes.insert(store, Arc::clone(&shapes));
        Ok(shapes)
    }

    fn close(&mut self, cursor: u32) {
        self.others.open.remove(&cursor);
    }

    fn is_indexed(&mut self, store: &Wtf8String, path: &FieldPath) -> Result<bool> {
        use crate::catalog::{IndexState, KeyPath, Origin};
        let store = self.store(store)?;
        let by_key = matches!(&store.key_path, KeyPath::Single(key) if key == path);
        let by_index = store.indexes.iter().any(|index| {
            let leads = index.parts.first().is_some_and(|part| part.path == *path);
            leads
                && index.state == IndexState::Ready
                && index.origin == Origin::Native
                && !index.sparse
                && index.partial.is_none()
        });
        Ok(by_key || by_index)
    }
}
