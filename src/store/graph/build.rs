//! Building a graph while somebody waits for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Graph, Graphs, LEAST, Place};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Care, Connection, TreeId};
use crate::store::read::View;
use crate::store::vectors::{COUNT_LABELS, COUNT_VECTORS, counter};
use crate::wtf8::Wtf8String;

/// What is waited for.
struct Target {
    store: u32,
    index: u32,
    tree: TreeId,
    /// The graph has to have all vectors with labels below this one.
    below: u64,
    /// Whether it is one that was begun anew.
    anew: bool,
    graph: Arc<Graph>,
}

/// Waits until the graph of a vector index has all that is committed; with `anew`, a graph that is
/// built from what there is now, whatever there was before. An index of few vectors has none, and
/// there is nothing to wait for. If it is cancelled, and nobody else waits, it is not built any
/// further until it is searched, and what was begun anew is given up.
///
/// # Errors
/// `STORE_NOT_FOUND`, `INDEX_NOT_FOUND`, `INDEX_NOT_READY`; `RESOURCE_LIMIT` if there can be no
/// graph; `ABORTED`, `CLOSED`; those of storage.
pub fn build_graph(
    connection: &Connection,
    (store, index): (&Wtf8String, &Wtf8String),
    anew: bool,
    care: &dyn Care,
) -> Result<()> {
    let no_graphs = || Error::new(ErrorCode::ResourceLimit, "there are no graphs");
    let graphs = Graphs::of(connection.environment()).ok_or_else(no_graphs)?;
    let mut target = loop {
        connection.check_open()?;
        care.check_cancelled()?;
        match graphs.target_of(connection, (store, index), anew) {
            Err(error) if may_pass(&error) => graphs.thread.wait(),
            Err(error) => return Err(error),
            Ok(Some(target)) => break target,
            Ok(None) => return Ok(()),
        }
    };
    let built = graphs.wait_for(connection, &mut target, care);
    let is_last = target.graph.waiting.fetch_sub(1, Ordering::AcqRel) == 1;
    if is_last && built.as_ref().is_err_and(|error| error.code() == ErrorCode::Aborted) {
        graphs.pause(&target);
    }
    built
}

/// Whether a snapshot had to give way, such as to the growth of the map.
fn may_pass(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::SnapshotExpired | ErrorCode::Busy)
}

/// How far a graph has come.
struct Come {
    is_there: bool,
    done: u64,
    total: u64,
}

impl Graphs {
    /// What there is to wait for; `None` if there is nothing.
    fn target_of(
        self: &Arc<Self>,
        connection: &Connection,
        (store, index): (&Wtf8String, &Wtf8String),
        anew: bool,
    ) -> Result<Option<Target>> {
        connection.environment().snapshot()?.with(|txn| {
            let catalog = self.shared.catalog(txn)?;
            let found = catalog.store_by_name(store).ok_or_else(|| {
                let message = format!("there is no store {store:?}");
                Error::new(ErrorCode::StoreNotFound, message).with_store(store.to_string())
            })?;
            let index = found.vector_by_name(index).ok_or_else(|| {
                let message = format!("store {store:?} has no vector index {index:?}");
                Error::new(ErrorCode::IndexNotFound, message)
                    .with_store(store.to_string())
                    .with_index(index.to_string())
            })?;
            index.check_ready(store)?;
            let live = txn.stored_count(counter(index.tree, COUNT_VECTORS))?;
            let below = txn.stored_count(counter(index.tree, COUNT_LABELS))?;
            let Some(graph) = self.graph(View::Snapshot(txn), found, index)? else {
                return Ok(None);
            };
            let is_small = live < LEAST && (anew || graph.vectors() == 0);
            if is_small {
                return Ok(None);
            }
            let graph = if anew { self.begin_anew(&graph)? } else { graph };
            graph.waiting.fetch_add(1, Ordering::AcqRel);
            let (store, tree, index) = (found.id, index.tree, index.id);
            Ok(Some(Target { store, index, tree, below, anew, graph }))
        })
    }

    fn wait_for(
        self: &Arc<Self>,
        connection: &Connection,
        target: &mut Target,
        care: &dyn Care,
    ) -> Result<()> {
        let mut told = None;
        loop {
            match self.has_come_to(connection, target) {
                Ok(Come { is_there: true, .. }) => return Ok(()),
                Ok(Come { done, total, .. }) => {
                    if told != Some((done, total)) {
                        care.progress("graph", done, total);
                        told = Some((done, total));
                    }
                }
                Err(error) if may_pass(&error) => {}
                Err(error) => return Err(error),
            }
            care.check_cancelled()?;
            if !self.wake() {
                let message = "there is no thread to build the graph of a vector index";
                return Err(Error::new(ErrorCode::ResourceLimit, message));
            }
            self.thread.wait();
        }
    }

    /// Begins a graph that takes the place of one; or gives the one that was begun so already.
    fn begin_anew(&self, graph: &Arc<Graph>) -> Result<Arc<Graph>> {
        let next = Arc::new(Graph::like(graph)?);
        let mut known = self.known.lock();
        let Some(place) = known.graphs.get_mut(&graph.tree).filter(|place| place.has(graph)) else {
            // It is looked for again.
            return Ok(next);
        };
        if graph.problem().is_some() {
            *place = Place::of(Arc::clone(&next));
            return Ok(next);
        }
        (place.failed_at, place.problem) = (None, None);
        Ok(Arc::clone(place.next.get_or_insert(next)))
    }

    fn has_come_to(self: &Arc<Self>, connection: &Connection, target: &mut Target) -> Result<Come> {
        connection.check_open()?;
        connection.environment().snapshot()?.with(|txn| {
            let definition = self.definition_of(txn, target.store, target.index, target.tree)?;
            let (store, index) = definition.ok_or_else(|| {
                let message = "the vector index was deleted while its graph was built";
                Error::new(ErrorCode::IndexNotFound, message)
            })?;
            let given = txn.stored_count(counter(target.tree, COUNT_LABELS))?;
            let live = txn.stored_count(counter(target.tree, COUNT_VECTORS))?;
            let later = Come { is_there: false, done: 0, total: live };
            let Some(current) = self.graph(View::Snapshot(txn), &store, &index)? else {
                return Ok(later);
            };
            let is_current = Arc::ptr_eq(&current, &target.graph);
            if let Some(problem) = self.problem_of(target, &current) {
                return Err(Error::new(ErrorCode::ResourceLimit, problem));
            }
            if !is_current && !self.is_next(&target.graph) {
                // Another one has taken its place, or the files were replaced.
                let graph = if target.anew { self.begin_anew(&current)? } else { current };
                graph.waiting.fetch_add(1, Ordering::AcqRel);
                target.graph.waiting.fetch_sub(1, Ordering::AcqRel);
                target.graph = graph;
                return Ok(later);
            }
            target.graph.go_on();
            let come = target.graph.progress.lock().next();
            // What is committed afterwards need not be waited for. What has gone since may be all
            // that there was.
            let is_there = is_current && come >= target.below.min(given)
                || live < LEAST && target.graph.vectors() == 0;
            // Of the labels that were given, many may not be there any more.
            let done = (target.graph.vectors() as u64).min(live);
            Ok(Come { is_there, done, total: live })
        })
    }

    /// Why there will be no such graph.
    fn problem_of(&self, target: &Target, current: &Arc<Graph>) -> Option<String> {
        if let Some(problem) = current.problem() {
            return Some(format!("there is no graph of the vector index: {problem}"));
        }
        let known = self.known.lock();
        let place = known.graphs.get(&target.tree).filter(|_| target.anew)?;
        let problem = place.problem.as_ref().filter(|_| place.next.is_none())?;
        Some(format!("the graph of the vector index stays as it was: {problem}"))
    }

    fn is_next(&self, graph: &Arc<Graph>) -> bool {
        let known = self.known.lock();
        let next = known.graphs.get(&graph.tree).and_then(|place| place.next.as_ref());
        next.is_some_and(|next| Arc::ptr_eq(next, graph))
    }

    /// Nobody waits any more for what was begun.
    fn pause(&self, target: &Target) {
        let mut known = self.known.lock();
        let Some(place) = known.graphs.get_mut(&target.tree) else { return };
        let next = place.next.take_if(|next| Arc::ptr_eq(next, &target.graph));
        if Arc::ptr_eq(&place.graph, &target.graph) {
            target.graph.is_paused.store(true, Ordering::Relaxed);
        }
        drop(known);
        drop(next);
    }
}
