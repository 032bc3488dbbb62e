//! The background thread that brings graphs up to date.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::calibration::{Asking, LEAST_QUESTIONS, QUESTIONS};
use super::keeper::Keeper;
use super::room::{Room, can_map};
use super::{Graph, Graphs, LEAST, Place};
use crate::catalog::{IndexState, StoreDef, VectorDef};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::tree::Lookups;
use crate::storage::{Environment, ReadTxn, TreeId};
use crate::store::entry::{self, documents};
use crate::store::read::find_each;
use crate::store::vectors::{
    COUNT_LABELS, COUNT_VECTORS, LABEL, Labels, counter, damaged, document_key, each_vector_of,
    label_key,
};

/// The most labels that are read from a snapshot at once, and the most bytes of their vectors.
const LABELS_AT_ONCE: usize = 1_024;
const BYTES_AT_ONCE: usize = 1 << 20;
/// How soon it is looked whether anything was committed: at first, and at last.
const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_secs(1);
/// How long who waits for a step of the thread waits at most until it looks for itself.
const STEP: Duration = Duration::from_millis(50);

/// The thread, if it runs.
#[derive(Default)]
pub(super) struct Thread {
    state: Mutex<State>,
    woken: Condvar,
    /// It has come a step further.
    passed: Condvar,
}

#[derive(Default)]
struct State {
    is_running: bool,
    is_woken: bool,
    /// Whether there may be files that are of no use any more.
    has_files: bool,
}

impl Thread {
    /// There may be something to do. False if there is no thread that could.
    pub(super) fn wake(self: &Arc<Self>, graphs: &Arc<Graphs>, has_files: bool) -> bool {
        let mut state = self.state.lock();
        state.is_woken = true;
        state.has_files |= has_files;
        if state.is_running {
            self.woken.notify_one();
            return true;
        }
        let (thread, graphs) = (Arc::clone(self), Arc::downgrade(graphs));
        let started = std::thread::Builder::new()
            .name("lodestore-graph".to_owned())
            .spawn(move || thread.run(&graphs));
        // Without the thread searches are exact; the next one tries again.
        state.is_running = started.is_ok();
        state.is_running
    }

    /// Waits until it has come a step further, but not for long.
    pub(super) fn wait(&self) {
        self.passed.wait_for(&mut self.state.lock(), STEP);
    }

    fn run(&self, graphs: &Weak<Graphs>) {
        let _running = Running(self);
        let (mut pause, mut seen, mut is_woken) = (SOON, None, true);
        let mut keeper = Keeper::default();
        while let Some(graphs) = graphs.upgrade() {
            let Some(environment) = graphs.environment.upgrade() else { break };
            let Ok(last) = environment.last_txn_id() else { break };
            let state = Some((environment.generation(), last));
            let is_new = is_woken || seen != state;
            seen = state;
            let pass = match if is_new { graphs.pass(&environment) } else { Ok(Pass::Done) } {
                Ok(pass) => pass,
                Err(error) if error.code() == ErrorCode::Closed => break,
                // Snapshots give way to the growth of the map, and there are other passing reasons.
                Err(_) => Pass::Later,
            };
            if pass != Pass::Done {
                seen = None;
            }
            let more = pass == Pass::More;
            let has_files = std::mem::take(&mut self.state.lock().has_files);
            keeper.step(&graphs, &environment, more, has_files);
            drop((graphs, environment));
            let is_soon = is_new || keeper.is_at_work();
            pause = if is_soon { SOON } else { (pause * 2).min(LATE) };
            let mut state = self.state.lock();
            self.passed.notify_all();
            if !more && !state.is_woken {
                self.woken.wait_for(&mut state, pause);
            }
            is_woken = std::mem::take(&mut state.is_woken);
        }
        // The database is closed: the memory is given back.
        if let Some(graphs) = graphs.upgrade() {
            let known = std::mem::take(&mut *graphs.known.lock());
            drop(known);
        }
    }
}

/// The thread runs; when it ends, also by a panic, the next search begins another one.
struct Running<'t>(&'t Thread);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state.lock().is_running = false;
    }
}

/// What there is to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pass {
    /// Nothing until something is committed.
    Done,
    /// More, after a pause.
    Later,
    /// More.
    More,
}

/// Vectors that are to be added.
struct Batch {
    labels: Vec<u64>,
    vectors: Vec<u8>,
    /// The label up to which they are all.
    below: u64,
    /// The transaction whose state they were read from.
    since: u64,
    /// Live vectors of the index.
    live: u64,
    /// Whether there are no more.
    is_last: bool,
}

impl Batch {
    /// Puts the vectors in the order of their labels: they were read document by document.
    fn sort(&mut self, length: usize) {
        let mut order: Vec<_> =
            self.labels.iter().copied().zip(self.vectors.chunks(length)).collect();
        order.sort_unstable_by_key(|(label, _)| *label);
        (self.labels, self.vectors) = order.into_iter().fold(
            (Vec::with_capacity(self.labels.len()), Vec::with_capacity(self.vectors.len())),
            |(mut labels, mut vectors), (label, vector)| {
                labels.push(label);
                vectors.extend_from_slice(vector);
                (labels, vectors)
            },
        );
    }
}

impl Graphs {
    /// Brings all graphs a step further.
    fn pass(&self, environment: &Arc<Environment>) -> Result<Pass> {
        let generation = environment.generation();
        let (graphs, asked_for, left): (Vec<_>, _, _) = {
            let mut known = self.known.lock();
            known.check(generation);
            let both = |place: &Place| [Some(Arc::clone(&place.graph)), place.next.clone()];
            let graphs = known.graphs.values().flat_map(both).flatten().collect();
            (graphs, std::mem::take(&mut known.asked_for), std::mem::take(&mut known.left))
        };
        drop(left);
        let mut pass = Pass::Done;
        for asked in asked_for {
            pass = pass.max(self.begin_asked(environment, generation, asked)?);
        }
        for graph in graphs {
            pass = pass.max(self.advance(environment, generation, &graph)?);
        }
        Ok(pass)
    }

    /// Begins a graph that was asked for in a transaction that writes, if its index is committed.
    fn begin_asked(
        &self,
        environment: &Arc<Environment>,
        generation: u64,
        (store, index, tree): (u32, u32, TreeId),
    ) -> Result<Pass> {
        let found = environment.snapshot()?.with(|txn| {
            if environment.generation() != generation {
                return Ok(None);
            }
            Ok(self.definition_of(txn, store, index, tree)?.map(|(_, index)| index))
        })?;
        let Some(index) = found else { return Ok(Pass::Done) };
        let graph = Arc::new(Graph::new(store, &index)?);
        let mut known = self.known.lock();
        known.check(generation);
        known.graphs.entry(tree).or_insert_with(|| Place::of(graph));
        Ok(Pass::More)
    }

    fn advance(
        &self,
        environment: &Arc<Environment>,
        generation: u64,
        graph: &Arc<Graph>,
    ) -> Result<Pass> {
        if graph.is_paused.load(Ordering::Relaxed) {
            return Ok(Pass::Done);
        }
        // It is being written to a file, which may take long: others go on meanwhile.
        if graph.batch.is_locked() {
            return Ok(Pass::Later);
        }
        self.load(environment, generation, graph)?;
        let snapshot = environment.snapshot()?;
        let read = snapshot.with(|txn| {
            if environment.generation() != generation {
                return Ok(None);
            }
            let Some((store, index)) = self.definition(txn, graph)? else {
                return Ok(None);
            };
            graph.note_file(txn);
            if graph.waits_for_room() {
                return Ok(Some(None));
            }
            self.read_batch(txn, (&store, &index), graph).map(Some)
        });
        drop(snapshot);
        let batch = match read {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                self.forget(graph);
                return Ok(Pass::More);
            }
            Err(error) if is_passing(&error) => return Err(error),
            // An exact search meets it, too, and names it.
            Err(error) => {
                let why = format!("it could not be built: {error}");
                return self.give_up(environment, graph, &Error::new(error.code(), why));
            }
        };
        // It may take seconds, for which no snapshot is held.
        if let Err(error) = graph.calibrate_far() {
            return self.give_up(environment, graph, &error);
        }
        let Some(batch) = batch else { return Ok(Pass::Done) };
        let batch = match graph.prepare(batch) {
            Ok(prepared) => prepared,
            Err(error) => return self.give_up(environment, graph, &error),
        };
        let Some(whole) = graph.batch.try_lock() else { return Ok(Pass::Later) };
        if graph.hnsw.has_copies() && !graph.has_room_for_copies(batch.live, batch.labels.len()) {
            graph.hnsw.drop_copies();
        }
        let room = graph.room(batch.live, batch.labels.len(), can_map(environment));
        match room {
            Room::Whole => {}
            Room::WithFile => graph.set_mapped(),
            Room::WhenWritten if environment.writable_connection().is_none() => {
                let why = "it would take more memory than memoryLimit, and nobody may write a file";
                return self.give_up(
                    environment,
                    graph,
                    &Error::new(ErrorCode::ResourceLimit, why),
                );
            }
            Room::WhenWritten => {
                graph.set_mapped();
                graph.set_waiting(true);
                return Ok(Pass::Done);
            }
            Room::None if graph.would_shrink(batch.live) => {
                return self.begin_next(graph);
            }
            Room::None => {
                let why = "it would take more memory than memoryLimit";
                return self.give_up(
                    environment,
                    graph,
                    &Error::new(ErrorCode::ResourceLimit, why),
                );
            }
        }
        if let Err(error) = graph.add(&batch) {
            return self.give_up(environment, graph, &error);
        }
        drop(whole);
        if !batch.is_last {
            return Ok(Pass::More);
        }
        let mut known = self.known.lock();
        let place = known.graphs.get_mut(&graph.tree).filter(|place| place.has(graph));
        let Some(place) = place else { return Ok(Pass::Done) };
        // It has all that the one before it has, which is let go when nobody waits for the lock.
        let replaced = (!Arc::ptr_eq(&place.graph, graph)).then(|| {
            place.next = None;
            std::mem::replace(&mut place.graph, Arc::clone(graph))
        });
        let more = Self::has_many_dead(graph, batch.live) && place.may_have_next();
        if more {
            place.next = Some(Arc::new(Graph::like(graph)?));
        }
        drop(known);
        drop(replaced);
        Ok(if more { Pass::More } else { Pass::Done })
    }

    /// Begins a graph without what is not there any more, which takes the place of one, or of one
    /// that was begun so, unless there is one already.
    fn begin_next(&self, graph: &Arc<Graph>) -> Result<Pass> {
        let mut known = self.known.lock();
        let Some(place) = known.graphs.get_mut(&graph.tree).filter(|place| place.has(graph)) else {
            return Ok(Pass::Done);
        };
        if Arc::ptr_eq(&place.graph, graph) && !place.may_have_next() {
            return Ok(Pass::Done);
        }
        place.next = Some(Arc::new(Graph::like(graph)?));
        Ok(Pass::More)
    }

    /// Whether a third of what it has is not there any more, when it has all that is there.
    fn has_many_dead(graph: &Graph, live: u64) -> bool {
        let dead = (graph.hnsw.len() as u64).saturating_sub(live);
        dead * 2 > live.max(LEAST)
    }

    /// The index of a graph, if it is still there.
    pub(super) fn definition(
        &self,
        txn: &ReadTxn<'_>,
        graph: &Graph,
    ) -> Result<Option<(Arc<StoreDef>, Arc<VectorDef>)>> {
        self.definition_of(txn, graph.store, graph.index, graph.tree)
    }

    pub(super) fn definition_of(
        &self,
        txn: &ReadTxn<'_>,
        store: u32,
        index: u32,
        tree: TreeId,
    ) -> Result<Option<(Arc<StoreDef>, Arc<VectorDef>)>> {
        let catalog = self.shared.catalog(txn)?;
        let Some(store) = catalog.store(store) else { return Ok(None) };
        let index = store.vector(index).filter(|index| index.tree == tree);
        Ok(index.map(|index| (Arc::clone(store), Arc::clone(index))))
    }

    fn forget(&self, graph: &Arc<Graph>) {
        let mut known = self.known.lock();
        if known.graphs.get(&graph.tree).is_some_and(|place| place.has(graph)) {
            let place = known.graphs.remove(&graph.tree);
            drop(known);
            // It takes time to give back what they have.
            drop(place);
        }
    }

    /// Puts one without vectors in the place of a graph with a problem, until the files are opened
    /// again or it is asked for anew. One that was to take the place of another one is given up
    /// alone.
    fn give_up(
        &self,
        environment: &Arc<Environment>,
        graph: &Arc<Graph>,
        error: &Error,
    ) -> Result<Pass> {
        let problem = error.message().to_owned();
        let empty = Graph::like(graph)?;
        *empty.problem.lock() = Some(problem.clone());
        let mut known = self.known.lock();
        let Some(place) = known.graphs.get_mut(&graph.tree).filter(|place| place.has(graph)) else {
            return Ok(Pass::Done);
        };
        if !Arc::ptr_eq(&place.graph, graph) {
            let next = place.next.take();
            place.failed_at = Some(place.graph.hnsw.len());
            place.problem = Some(problem);
            drop(known);
            drop(next);
            return Ok(Pass::Done);
        }
        let given_up = std::mem::replace(place, Place::of(Arc::new(empty)));
        drop(known);
        drop(given_up);
        let named = environment
            .snapshot()
            .and_then(|snapshot| snapshot.with(|txn| self.definition(txn, graph)));
        // Whoever deletes the index meanwhile need not know.
        if let Ok(Some((store, index))) = named {
            let message = format!(
                "vector index {:?} of store {:?} has no graph, and searches in it are exact: \
                 {problem}",
                index.name, store.name,
            );
            environment.warn(Error::new(error.code(), message));
        }
        Ok(Pass::Done)
    }

    /// The next vectors of an index; `None` if there is nothing to do.
    fn read_batch(
        &self,
        txn: &ReadTxn<'_>,
        (store, index): (&Arc<StoreDef>, &Arc<VectorDef>),
        graph: &Graph,
    ) -> Result<Option<Batch>> {
        let live = txn.stored_count(counter(index.tree, COUNT_VECTORS))?;
        let given = txn.stored_count(counter(index.tree, COUNT_LABELS))?;
        let from = graph.progress.lock().next();
        let is_of_use = index.state == IndexState::Ready && graph.problem.lock().is_none();
        if is_of_use && from == given {
            graph.find_dead(txn, index, live)?;
        }
        let is_behind = given > from && (from > 0 || live >= LEAST);
        if !is_of_use || !(is_behind || from == given && Self::has_many_dead(graph, live)) {
            return Ok(None);
        }
        let mut batch = Batch {
            labels: Vec::new(),
            vectors: Vec::new(),
            below: given,
            since: txn.id(),
            live,
            is_last: true,
        };
        let mut waiting: Vec<(u64, Box<[u8]>)> = Vec::new();
        let mut cursor = entry::entries(index.tree).cursor(txn)?;
        let mut read = 0;
        let mut found = cursor.seek(&label_key(from))?;
        while let Some(entry) = found {
            let label = label_of(index, entry.key)?;
            if read >= LABELS_AT_ONCE || batch.vectors.len() >= BYTES_AT_ONCE {
                batch.below = label;
                batch.is_last = false;
                break;
            }
            waiting.push((label, entry.value.into()));
            read += 1;
            if waiting.len() == Lookups::MAX {
                self.read_vectors(txn, (store, index), &mut waiting, &mut batch)?;
            }
            found = cursor.next()?;
        }
        self.read_vectors(txn, (store, index), &mut waiting, &mut batch)?;
        batch.sort(index.form.bytes());
        Ok(Some(batch))
    }

    /// Reads the vectors of labels that were read.
    fn read_vectors(
        &self,
        txn: &ReadTxn<'_>,
        (store, index): (&Arc<StoreDef>, &Arc<VectorDef>),
        waiting: &mut Vec<(u64, Box<[u8]>)>,
        batch: &mut Batch,
    ) -> Result<()> {
        let mut wanted: HashMap<Box<[u8]>, Vec<u64>> = HashMap::new();
        let mut lookups = Lookups::new(documents(store.tree));
        for (label, key) in waiting.drain(..) {
            wanted.entry(key).or_default().push(label);
        }
        for key in wanted.keys() {
            lookups.push(key);
        }
        let mut shapes = self.shared.shapes(txn, store.id)?;
        let (mut document, mut scratch) = (Vec::new(), Vec::new());
        find_each(txn, store, &lookups, |at, payload| {
            let key = lookups.key(at);
            let payload = payload.ok_or_else(|| {
                damaged(index, "it has an entry for a document that is not there")
            })?;
            document.clear();
            payload.append_to(&mut document)?;
            let first = entry::entries(index.tree).get(txn, &document_key(key))?;
            let first = first.map(|value| Labels::read(index, value)).transpose()?;
            let first = first.ok_or_else(|| damaged(index, "it lacks the entry of a document"))?;
            let labels = wanted.get(key).map(Vec::as_slice).unwrap_or_default();
            let (ends, end) = (batch.vectors.len(), batch.labels.len());
            let is_whole = |batch: &Batch| batch.labels.len() - end == labels.len();
            loop {
                let mut label = first.first;
                let read = each_vector_of(index, &document, &*shapes, &mut scratch, |vector| {
                    if labels.contains(&label) {
                        batch.labels.push(label);
                        batch.vectors.extend_from_slice(vector);
                    }
                    label += 1;
                    Ok(())
                });
                match read {
                    Ok(_) if is_whole(batch) => return Ok(true),
                    Ok(_) => {
                        return Err(damaged(index, "a document has fewer vectors than it says"));
                    }
                    Err(error) if error.code() == ErrorCode::Corrupt => {
                        // Of a shape that is newer than those that are known.
                        let fresh = self.shared.reload_shapes(txn, store.id)?;
                        if fresh.len() == shapes.len() {
                            return Err(error);
                        }
                        shapes = fresh;
                        batch.vectors.truncate(ends);
                        batch.labels.truncate(end);
                    }
                    Err(error) => return Err(error),
                }
            }
        })
    }
}

impl Graph {
    /// One without vectors.
    pub(super) fn like(other: &Self) -> Result<Self> {
        let graph = Self::with(other.store, other.index, (other.tree, other.form, other.options))?;
        graph.begin();
        Ok(graph)
    }

    /// Finds out how hard searches have to try, if the graph may be unlike the one that was asked
    /// last: with vectors that are to be added, or with its own if these are few.
    fn prepare(&self, batch: Batch) -> Result<Prepared> {
        let is_of_other = self.calibration.lock().is_of_other(self.hnsw.len());
        if !is_of_other && !self.may_need_copies() {
            return Ok(Prepared { batch, asked: Vec::new() });
        }
        let asked = if batch.labels.len() >= LEAST_QUESTIONS {
            let every = (batch.labels.len() / QUESTIONS).max(1);
            let some = batch.vectors.chunks_exact(self.form.bytes()).step_by(every);
            let packed = some.take(QUESTIONS).map(|vector| self.packing().pack_target(vector));
            packed.map(Asking::new).collect()
        } else {
            self.own_questions()
        };
        if is_of_other && !asked.is_empty() {
            self.calibrate(&asked)?;
        }
        Ok(Prepared { batch, asked })
    }

    /// Adds vectors. The caller has the lock for it.
    fn add(&self, Prepared { batch, asked }: &Prepared) -> Result<()> {
        let packing = self.packing();
        let vectors = || batch.vectors.chunks_exact(self.form.bytes());
        let longest = self
            .longest
            .get_or_init(|| vectors().map(|vector| packing.length(vector)).fold(0.0, f64::max));
        let length = packing.bytes();
        let mut packed = Vec::with_capacity(batch.labels.len() * length);
        vectors().for_each(|vector| packing.pack(vector, *longest, &mut packed));
        if self.may_need_copies() && !asked.is_empty() {
            self.copy_if_as_good(asked, batch.live, batch.labels.len())?;
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        self.hnsw.add(&batch.labels, &packed, threads)?;
        self.progress.lock().add(batch.below, batch.since);
        Ok(())
    }
}

/// Vectors that are to be added, and some of them as they are searched for.
struct Prepared {
    batch: Batch,
    asked: Vec<Asking>,
}

impl std::ops::Deref for Prepared {
    type Target = Batch;

    fn deref(&self) -> &Batch {
        &self.batch
    }
}

pub(super) fn label_of(index: &VectorDef, key: &[u8]) -> Result<u64> {
    let label = key.split_first().filter(|(kind, _)| **kind == LABEL);
    let label = label.and_then(|(_, label)| label.try_into().ok()).map(u64::from_be_bytes);
    label.ok_or_else(|| damaged(index, "an entry of a vector is malformed"))
}

/// Whether it may go away by itself.
pub(super) fn is_passing(error: &Error) -> bool {
    use ErrorCode::{Busy, Closed, Poisoned, SnapshotExpired};
    matches!(error.code(), Busy | Closed | Poisoned | SnapshotExpired)
}
