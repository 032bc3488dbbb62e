//! What pipelines read: the documents of queries over stores.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value as Json;

use super::access;
use super::aggregation::From;
use super::group_shape::Grouped;
use super::key_groups::KeyGroups;
use super::nearest::Measures;
use super::plan::Plan;
use super::request::{Query, Returns};
use super::running::{Chunk, Execution};
use super::scan::ended_if;
use crate::catalog::StoreDef;
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::query::aggregate::{ByKey, Examined, Front, Next, Source, Sources, StageReport};
use crate::query::filter::current_time;
use crate::store::entry;
use crate::store::read::{Response, View, get};
use crate::value::{FieldPath, ShapeTable};
use crate::wtf8::Wtf8String;

/// What a query reads ahead for a pipeline.
const ROWS_AHEAD: u32 = 1_000;
const BYTES_AHEAD: u32 = 256 << 10;

/// The query that answers the front of a pipeline.
pub(super) fn query_of(front: &Front) -> Query {
    Query {
        sort: front.sort.clone(),
        skip: front.skip,
        limit: front.limit,
        returns: if front.nearest.is_some() { Returns::Nearest } else { Returns::Documents },
        nearest: front.nearest.clone(),
        now: current_time(),
        ..Query::new(front.filter.clone())
    }
}

/// The documents of a query, read ahead.
pub(super) struct Documents {
    walk: Walk,
    rows: Vec<u8>,
    at: usize,
    ended: bool,
    /// Whether rows have what a search found.
    is_search: bool,
    /// Whether they do not begin on the thread of JavaScript.
    declines: bool,
}

/// What gives them.
enum Walk {
    /// A query; whether the documents of a group come together.
    Query(Box<Execution>, bool),
    /// Groups, made of the keys of an index.
    Groups(Box<KeyGroups>),
}

/// How documents are grouped as they come.
pub(super) enum GroupedRows {
    /// They are not.
    No,
    /// Those of a group come together.
    Together,
    /// They are groups.
    Groups,
}

impl Documents {
    pub(super) fn new(from: From<'_, '_, '_>, store: &Arc<StoreDef>, query: Query) -> Result<Self> {
        let plan = Plan::choose(from.view, store, &query)?;
        let is_search = query.nearest.is_some();
        let walk = match (plan.grouped.clone(), query.grouping.clone()) {
            (Some(Grouped::Keys(shape)), Some(grouping)) => {
                let shapes = from.shared.shapes_of(from.view, store.id, false)?;
                let groups = KeyGroups::new((store, shapes), (query, plan), (grouping, shape))?;
                Walk::Groups(Box::new(groups))
            }
            (grouped, _) => {
                let query = (query, plan);
                let execution = Execution::with_plan(from.view, from.shared, store, query)?;
                Walk::Query(Box::new(execution), grouped.is_some())
            }
        };
        Ok(Self { walk, rows: Vec::new(), at: 0, ended: false, is_search, declines: false })
    }

    /// Whether there is no use in asking again in the same piece.
    pub(super) fn declines(&self) -> bool {
        self.declines
    }

    /// How they are grouped.
    pub(super) fn grouped(&self) -> GroupedRows {
        match &self.walk {
            Walk::Query(_, false) => GroupedRows::No,
            Walk::Query(_, true) => GroupedRows::Together,
            Walk::Groups(_) => GroupedRows::Groups,
        }
    }

    /// What the stage did whose place groups take.
    pub(super) fn report(&self) -> Option<StageReport> {
        match &self.walk {
            Walk::Query(..) => None,
            Walk::Groups(groups) => Some(groups.report()),
        }
    }

    /// What the plan is called.
    fn plan_name(&self) -> String {
        match &self.walk {
            Walk::Query(execution, _) => execution.plan_name(),
            Walk::Groups(groups) => groups.plan_name(),
        }
    }

    /// What has been looked at.
    pub(super) fn examined(&self) -> Examined {
        match &self.walk {
            Walk::Query(execution, _) => execution.examined(),
            Walk::Groups(groups) => groups.examined(),
        }
    }

    /// The plan and what has come of it.
    pub(super) fn explanation(&self) -> Json {
        match &self.walk {
            Walk::Query(execution, _) => execution.explanation(),
            Walk::Groups(groups) => groups.explanation(),
        }
    }

    /// The next document; with a deadline it may pause.
    fn next(
        &mut self,
        from: From<'_, '_, '_>,
        chunk: &Chunk<'_>,
        deadline: Option<Instant>,
    ) -> Result<Next<'_>> {
        ended_if(chunk.cancelled)?;
        while self.at >= self.rows.len() {
            if self.ended {
                return Ok(Next::End);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Next::Pause);
            }
            self.rows.clear();
            self.at = 0;
            self.declines = false;
            let ahead = Chunk {
                rows: ROWS_AHEAD,
                max_bytes: BYTES_AHEAD,
                budget: chunk.budget,
                cancelled: chunk.cancelled,
            };
            let mut response = Response::growing(&mut self.rows);
            let (count, done) = match &mut self.walk {
                Walk::Query(execution, _) => {
                    execution.next(from.view, from.shared, &ahead, &mut response)?
                }
                Walk::Groups(groups) => {
                    groups.next(from.view, from.shared, &ahead, &mut response)?
                }
            };
            self.ended = done;
            if count == 0 && !done && chunk.budget != 0 && deadline.is_some() {
                self.declines = matches!(self.walk, Walk::Groups(_));
                return Ok(Next::Pause);
            }
        }
        if !self.is_search {
            return Ok(Next::Document(next_part(&self.rows, &mut self.at)));
        }
        let (rows, at) = (&self.rows, &mut self.at);
        next_part(rows, at);
        let measures = Measures::read(next_part(rows, at));
        let measures = measures.ok_or_else(|| Error::corrupt("a search tells no distance"))?;
        Ok(Next::Near(next_part(rows, at), measures))
    }
}

/// The next part of a row.
fn next_part<'r>(rows: &'r [u8], at: &mut usize) -> &'r [u8] {
    let rest = rows.get(*at..).unwrap_or_default();
    let (len, rest) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let len = u32::from_le_bytes(*len) as usize;
    *at += 4 + len;
    rest.get(..len).unwrap_or_default()
}

/// The main documents, for one piece of work.
pub(super) struct Reading<'r, 't, 'e> {
    pub(super) documents: &'r mut Documents,
    pub(super) from: From<'r, 't, 'e>,
    pub(super) chunk: &'r Chunk<'r>,
    pub(super) deadline: Instant,
}

impl Source for Reading<'_, '_, '_> {
    fn next(&mut self) -> Result<Next<'_>> {
        self.documents.next(self.from, self.chunk, Some(self.deadline))
    }
}

/// The documents of other stores that are being read.
#[derive(Default)]
pub(super) struct Others {
    open: HashMap<u32, (u32, Documents)>,
    last: u32,
    /// The shapes of the stores that were read, as the state has them.
    shapes: HashMap<u32, Arc<ShapeTable>>,
    /// Whether keys of the stores may be arrays, as a snapshot has them.
    arrays: HashMap<u32, bool>,
    /// Holds a document that had to be decompressed.
    scratch: Vec<u8>,
    /// What has been looked at in those that are closed.
    pub(super) examined: Examined,
}

/// The other stores, for one piece of work. A stage cannot stop in the middle of a join, so they do
/// not pause.
pub(super) struct Reader<'r, 't, 'e> {
    pub(super) others: &'r mut Others,
    pub(super) from: From<'r, 't, 'e>,
    pub(super) chunk: &'r Chunk<'r>,
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

impl Reader<'_, '_, '_> {
    fn shapes_of(&mut self, store: u32) -> Result<Arc<ShapeTable>> {
        if let Some(shapes) = self.others.shapes.get(&store) {
            return Ok(Arc::clone(shapes));
        }
        let shapes = self.from.shared.shapes_of(self.from.view, store, true)?;
        self.others.shapes.insert(store, Arc::clone(&shapes));
        Ok(shapes)
    }

    fn has_arrays(&mut self, store: &StoreDef) -> Result<bool> {
        if let Some(arrays) = self.others.arrays.get(&store.id).filter(|_| self.is_steady()) {
            return Ok(*arrays);
        }
        let arrays = access::has_arrays(self.from.view, entry::documents(store.tree))?;
        self.others.arrays.insert(store.id, arrays);
        Ok(arrays)
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
        let (from, chunk) = (self.from, self.chunk);
        self.documents(cursor)?.1.next(from, chunk, None)
    }

    fn shapes(&mut self, cursor: u32) -> Result<Arc<ShapeTable>> {
        let store = self.documents(cursor)?.0;
        self.shapes_of(store)
    }

    fn plan(&mut self, cursor: u32) -> String {
        self.documents(cursor).map_or_else(|_| String::new(), |open| open.1.plan_name())
    }

    fn close(&mut self, cursor: u32) -> Examined {
        let open = self.others.open.remove(&cursor);
        let examined = open.map_or_else(Examined::default, |open| open.1.examined());
        self.others.examined += examined;
        examined
    }

    fn by_key(
        &mut self,
        store: &Wtf8String,
        path: &FieldPath,
        value: &[u8],
    ) -> Result<Option<ByKey<'_>>> {
        let store = Arc::clone(self.store(store)?);
        let is_key = access::key_path(&store) == Some(path) && key::validate_key(value).is_ok();
        if !is_key || self.has_arrays(&store)? {
            return Ok(None);
        }
        let shapes = self.shapes_of(store.id)?;
        let Others { scratch, examined, .. } = &mut *self.others;
        let document = get(self.from.view.txn(), &store, value, scratch)?;
        examined.docs += u64::from(document.is_some());
        Ok(Some(ByKey { document, shapes }))
    }

    fn is_steady(&self) -> bool {
        matches!(self.from.view, View::Snapshot(_))
    }

    fn is_indexed(&mut self, store: &Wtf8String, path: &FieldPath) -> Result<bool> {
        use crate::catalog::{IndexState, Origin};
        let store = self.store(store)?;
        let by_key = access::key_path(store) == Some(path);
        let by_index = store.indexes.iter().any(|index| {
            let leads = index.parts.first().is_some_and(|part| part.path == *path);
            leads
                && index.state == IndexState::Ready
                && index.origin == Origin::Native
                && !index.sparse
                && index.partial.is_none()
                && index.collation.is_none()
        });
        Ok(by_key || by_index)
    }
}
