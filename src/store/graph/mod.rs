//! Graphs of vector indexes, in memory, by which searches find near vectors without looking at all.
//!
//! A graph is derived from what is committed: a background thread reads the vectors that have got
//! labels since, and adds them; writes know nothing of it. It is shared by all connections of the
//! process. What it says is checked against the state that a search reads, so that it may lag
//! behind, or be ahead, and still nothing is found that is not there.

mod build;
mod builder;
mod calibration;
mod dead;
mod file;
mod keeper;
mod progress;
mod record;
mod room;
mod subset;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::{Mutex, RwLock};

pub use self::build::build_graph;
use self::builder::Thread;
use self::calibration::Calibration;
pub use self::calibration::Effort;
use self::dead::Dead;
use self::keeper::Kept;
use self::progress::Progress;
use self::subset::Subsets;
pub use self::subset::{MOST_BYTES, SubsetKey};
use super::read::View;
use super::shared::StoreShared;
use crate::catalog::{StoreDef, VectorDef};
use crate::error::Result;
use crate::storage::{Environment, TreeId};
use crate::vector::{Eligible, Form, GraphOptions, Hit, Hnsw, Packing, Set, Wanted};

/// Indexes with fewer vectors have no graph: looking at all of them takes a millisecond or two.
pub const LEAST: u64 = 1_000;

/// The graphs of an open database.
pub struct Graphs {
    environment: Weak<Environment>,
    known: Mutex<Known>,
    /// Caches for the background thread.
    shared: StoreShared,
    thread: Arc<Thread>,
}

impl std::fmt::Debug for Graphs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graphs").finish_non_exhaustive()
    }
}

/// The graphs of the files that are open.
#[derive(Default)]
struct Known {
    generation: u64,
    graphs: HashMap<TreeId, Place>,
    /// Those that transactions which write have asked for, by store, index and tree: of indexes
    /// that may never be committed.
    asked_for: Vec<(u32, u32, TreeId)>,
    /// Those of files that were replaced, until the background thread gives their memory back.
    left: Vec<Place>,
}

/// The place of a graph.
struct Place {
    graph: Arc<Graph>,
    /// The graph that is being built to take its place.
    next: Option<Arc<Graph>>,
    /// How many vectors it had when the last such one was given up, and why that was.
    failed_at: Option<usize>,
    problem: Option<String>,
}

impl Place {
    fn of(graph: Arc<Graph>) -> Self {
        Self { graph, next: None, failed_at: None, problem: None }
    }

    /// Whether one may be begun that is to take its place: after one was given up not before it has
    /// grown.
    fn may_have_next(&self) -> bool {
        let vectors = self.graph.hnsw.len();
        self.next.is_none() && self.failed_at.is_none_or(|failed| vectors > failed + failed / 2)
    }

    /// Whether it is of the graph, not of one under the same name in files that came later.
    fn has(&self, graph: &Arc<Graph>) -> bool {
        [Some(&self.graph), self.next.as_ref()]
            .into_iter()
            .flatten()
            .any(|own| Arc::ptr_eq(own, graph))
    }
}

impl Graphs {
    /// Those of an environment; `None` only if that keeps something else.
    pub fn of(environment: &Arc<Environment>) -> Option<Arc<Self>> {
        environment.extension(|| Self {
            environment: Arc::downgrade(environment),
            known: Mutex::default(),
            shared: StoreShared::default(),
            thread: Arc::default(),
        })
    }

    /// The graph of an index, which may have few of its vectors as yet. The first search in a
    /// committed state asks for it to be built.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn graph(
        self: &Arc<Self>,
        view: View<'_, '_>,
        store: &StoreDef,
        index: &VectorDef,
    ) -> Result<Option<Arc<Graph>>> {
        // While a state is being read the files are not replaced.
        let Some(environment) = self.environment.upgrade() else { return Ok(None) };
        let mut known = self.known.lock();
        known.check(environment.generation());
        if let Some(place) = known.graphs.get(&index.tree) {
            return Ok(Some(Arc::clone(&place.graph)));
        }
        if matches!(view, View::Write(_)) {
            // The index may be one that is never committed.
            let asked = (store.id, index.id, index.tree);
            if !known.asked_for.contains(&asked) {
                known.asked_for.push(asked);
            }
            drop(known);
            self.wake();
            return Ok(None);
        }
        let graph = Arc::new(Graph::new(store.id, index)?);
        known.graphs.insert(index.tree, Place::of(Arc::clone(&graph)));
        Ok(Some(graph))
    }

    /// Graphs lag behind, as somebody has found. False if no thread can be had that builds them.
    pub fn wake(self: &Arc<Self>) -> bool {
        self.thread.wake(self, false)
    }

    /// Indexes were deleted, and files of their graphs may be left.
    pub fn remove_files(self: &Arc<Self>) {
        let environment = self.environment.upgrade();
        let files = environment.and_then(|environment| environment.graph_files());
        if files.is_some_and(|files| files.exist()) {
            self.thread.wake(self, true);
        }
    }
}

impl Known {
    /// Forgets what is about files that were replaced.
    fn check(&mut self, generation: u64) {
        if self.generation != generation {
            self.left.extend(self.graphs.drain().map(|(_, place)| place));
            self.asked_for.clear();
            self.generation = generation;
        }
    }
}

/// The graph of an index.
pub struct Graph {
    store: u32,
    index: u32,
    tree: TreeId,
    form: Form,
    options: GraphOptions,
    hnsw: Hnsw,
    progress: Mutex<Progress>,
    /// Held while a batch of vectors is added, and while what there is is saved.
    batch: Mutex<()>,
    /// Whether vectors are read from a file, as far as one has them.
    is_mapped: AtomicBool,
    /// Whether its vectors have to be written to a file before there is room for others.
    waits_for_room: AtomicBool,
    /// Vectors that are not there any more, as far as that is known.
    dead: RwLock<Arc<Dead>>,
    calibration: Mutex<Calibration>,
    /// Why it is of no use.
    problem: Mutex<Option<String>>,
    /// How long the longest of the first vectors was.
    longest: OnceLock<f64>,
    /// Whether it was looked for in a file; one that takes the place of another one is not.
    is_begun: AtomicBool,
    /// Whether it was asked that it is not built any further, until it is searched again.
    is_paused: AtomicBool,
    /// How many wait until it has come so far.
    waiting: AtomicUsize,
    /// How many vectors it had when it was decided whether to have copies.
    copied_for: AtomicUsize,
    /// Vectors that were read from a file.
    from_file: AtomicUsize,
    kept: Mutex<Kept>,
    subsets: Mutex<Subsets>,
}

/// What a graph has, for people.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Vectors, with those that are not there any more.
    pub vectors: usize,
    /// Of these, those that are known not to be there any more.
    pub gone: usize,
    /// Of these, those that were read from a file.
    pub from_file: usize,
    /// Vectors of the file that the newest state names, as far as that is known.
    pub in_file: u64,
    /// Bytes of memory.
    pub memory: usize,
    /// Bytes of vectors that are read from a file that is mapped.
    pub mapped: usize,
    /// Whether searches walk by copies of the vectors in bytes.
    pub has_copies: bool,
}

impl Graph {
    fn new(store: u32, index: &VectorDef) -> Result<Self> {
        Self::with(store, index.id, (index.tree, index.form, index.graph))
    }

    fn with(
        store: u32,
        index: u32,
        (tree, form, options): (TreeId, Form, GraphOptions),
    ) -> Result<Self> {
        let packing = Packing::new(form, options.precision);
        Ok(Self {
            store,
            index,
            tree,
            form,
            options,
            hnsw: Hnsw::new(packing, options),
            progress: Mutex::default(),
            batch: Mutex::default(),
            is_mapped: AtomicBool::new(false),
            waits_for_room: AtomicBool::new(false),
            dead: RwLock::default(),
            calibration: Mutex::default(),
            problem: Mutex::default(),
            longest: OnceLock::new(),
            is_begun: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            copied_for: AtomicUsize::new(0),
            from_file: AtomicUsize::new(0),
            kept: Mutex::default(),
            subsets: Mutex::default(),
        })
    }

    /// The label below which the graph has all vectors that are in the state of a transaction.
    pub fn below(&self, txn_id: u64) -> u64 {
        self.progress.lock().below(txn_id)
    }

    /// Which part of its vectors have labels below this one.
    pub fn part_below(&self, below: u64) -> f64 {
        (below as f64 / self.progress.lock().next().max(1) as f64).min(1.0)
    }

    /// It is built on, if it was asked not to be.
    pub fn go_on(&self) {
        if self.is_paused.load(Ordering::Relaxed) {
            self.is_paused.store(false, Ordering::Relaxed);
        }
    }

    /// How vectors are packed for it.
    pub fn packing(&self) -> Packing {
        self.hnsw.packing()
    }

    /// How many vectors it has, with those that are not there any more.
    pub fn vectors(&self) -> usize {
        self.hnsw.len()
    }

    /// What it has.
    pub fn figures(&self) -> Figures {
        Figures {
            vectors: self.hnsw.len(),
            gone: self.dead.read().len(),
            from_file: self.from_file.load(Ordering::Relaxed),
            in_file: self.kept.lock().vectors(),
            memory: self.hnsw.memory(),
            mapped: self.hnsw.mapped() * self.packing().bytes(),
            has_copies: self.hnsw.has_copies(),
        }
    }

    /// Whether searches walk by copies of the vectors in bytes.
    pub fn has_copies(&self) -> bool {
        self.hnsw.has_copies()
    }

    /// How many bytes of a vector a search reads that walks by it.
    pub fn bytes_walked_by(&self) -> usize {
        let copy = self.hnsw.bytes_of_copy().filter(|_| self.has_copies());
        copy.unwrap_or_else(|| self.packing().bytes())
    }

    /// Why it is of no use, if it is not.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().clone()
    }

    /// What a search that does not say how hard it tries has to do.
    pub fn effort(&self) -> Effort {
        match self.options.ef_search {
            Some(ef) => Effort::Graph(ef as usize),
            None => self.calibration.lock().effort,
        }
    }

    /// About as many vectors as are wanted, the nearest first, as of the state of a transaction,
    /// of those of a subset if there is one; of labels from `below` on nothing is said. With
    /// `at_once`, `None` if it would have to wait.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn near(
        &self,
        wanted: Wanted<'_>,
        (effort, among): (Effort, Option<&Set>),
        (below, txn_id): (u64, u64),
        at_once: bool,
    ) -> Result<Option<Vec<Hit>>> {
        let dead = self.dead.read().clone();
        // What was removed since is still there for an older state.
        let gone = dead.of(txn_id);
        let eligible = Eligible { among, below, gone };
        match effort {
            Effort::All => Ok(self.hnsw.search_all(wanted, at_once, eligible)),
            Effort::Graph(_) => self.hnsw.search(wanted, at_once, eligible),
        }
    }
}
