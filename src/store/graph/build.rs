//! Building a graph while somebody waits for it.

use std::sync::Arc;

use super::{Graph, Graphs, LEAST, Place};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Care, Connection, TreeId};
use crate::store::read::View;
use crate::store::vectors::{COUNT_LABELS, COUNT_VECTORS, counter};
use crate::wtf8::Wtf8String;

/// What is waited for.
struct Target {
    tree: TreeId,
    /// The graph has to have all vectors with labels below this one,
    below: u64,
    /// and to be another one than this.
    other_than: Option<Arc<Graph>>,
}

/// Waits until the graph of a vector index has all that is committed; with `anew`, a graph that is
/// built from what there is now, whatever there was before. An index of few vectors has none, and
/// there is nothing to wait for. If it is cancelled, it is not built any further until it is
/// searched, and what was begun anew is given up.
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
    let Some(target) = graphs.target_of(connection, (store, index), anew)? else { return Ok(()) };
    let mut told = None;
    loop {
        match graphs.has_come_to(connection, &target) {
            Ok(Come { is_there: true, .. }) => break Ok(()),
            Ok(Come { done, total, .. }) => {
                if told != Some((done, total)) {
                    care.progress("graph", done, total);
                    told = Some((done, total));
                }
            }
            Err(error) => break Err(error),
        }
        if let Err(error) = care.check_cancelled() {
            graphs.pause(&target);
            break Err(error);
        }
        if !graphs.wake() {
            let message = "there is no thread to build the graph of a vector index";
            break Err(Error::new(ErrorCode::ResourceLimit, message));
        }
        graphs.thread.wait();
    }
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
            let other_than = if anew { self.begin_anew(&graph)? } else { None };
            Ok(Some(Target { tree: index.tree, below, other_than }))
        })
    }

    /// Begins a graph that takes the place of one, unless that has nothing yet.
    fn begin_anew(&self, graph: &Arc<Graph>) -> Result<Option<Arc<Graph>>> {
        let next = Arc::new(Graph::like(graph)?);
        let mut known = self.known.lock();
        let Some(place) = known.graphs.get_mut(&graph.tree).filter(|place| place.has(graph)) else {
            return Ok(None);
        };
        if graph.problem().is_some() {
            *place = Place::of(next);
            return Ok(None);
        }
        let given_up = place.next.replace(next);
        (place.failed_at, place.problem) = (None, None);
        drop(known);
        drop(given_up);
        Ok(Some(Arc::clone(graph)))
    }

    fn has_come_to(&self, connection: &Connection, target: &Target) -> Result<Come> {
        connection.check_open()?;
        connection.environment().snapshot()?.with(|txn| {
            let known = self.known.lock();
            let gone = || {
                let message = "the vector index was deleted while its graph was built";
                Error::new(ErrorCode::IndexNotFound, message)
            };
            let place = known.graphs.get(&target.tree).ok_or_else(gone)?;
            let is_other = |graph: &Arc<Graph>| {
                target.other_than.as_ref().is_none_or(|other| !Arc::ptr_eq(other, graph))
            };
            if is_other(&place.graph) {
                if let Some(problem) = place.graph.problem() {
                    let message = format!("there is no graph of the vector index: {problem}");
                    return Err(Error::new(ErrorCode::ResourceLimit, message));
                }
            } else if let (None, Some(problem)) = (&place.next, &place.problem) {
                let message = format!("the graph of the vector index stays as it was: {problem}");
                return Err(Error::new(ErrorCode::ResourceLimit, message));
            } else if place.next.is_none() {
                // Somebody else has cancelled it.
                return Err(Error::new(ErrorCode::Aborted, "the work was cancelled"));
            }
            let graph = match is_other(&place.graph) {
                true => &place.graph,
                false => place.next.as_ref().unwrap_or(&place.graph),
            };
            graph.go_on();
            let given = txn.stored_count(counter(target.tree, COUNT_LABELS))?;
            let live = txn.stored_count(counter(target.tree, COUNT_VECTORS))?;
            let come = graph.progress.lock().next();
            // What is committed afterwards need not be waited for. What has gone since may be all
            // that there was.
            let is_there = is_other(&place.graph) && come >= target.below.min(given)
                || live < LEAST && graph.vectors() == 0;
            // Of the labels that were given, many may not be there any more.
            let done = (graph.vectors() as u64).min(live);
            Ok(Come { is_there, done, total: live })
        })
    }

    /// Nobody waits any more for what was begun.
    fn pause(&self, target: &Target) {
        let mut known = self.known.lock();
        let Some(place) = known.graphs.get_mut(&target.tree) else { return };
        let given_up = match &target.other_than {
            Some(other) if Arc::ptr_eq(other, &place.graph) => place.next.take(),
            _ => {
                place.graph.is_paused.store(true, std::sync::atomic::Ordering::Relaxed);
                None
            }
        };
        drop(known);
        drop(given_up);
    }
}
