//! How a search for near vectors is carried out: by the graph of the index, among the vectors of
//! the documents that pass the filter if these are known, or by looking at all documents that pass.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::access::Access;
use super::near::Near;
use super::near_many::NearMany;
use super::nearest::Search;
use super::plan::Plan;
use crate::catalog::{StoreDef, VectorDef};
use crate::error::Result;
use crate::store::StoreShared;
use crate::store::entry::entries;
use crate::store::graph::{Effort, Graph, LEAST, MOST_BYTES, SubsetKey};
use crate::store::read::View;
use crate::store::vectors::{
    COUNT_DOCUMENTS, COUNT_LABELS, COUNT_VECTORS, Labels, counter, document_key,
};
use crate::vector::Set;

/// What it costs, in microseconds: to keep a candidate in the graph, and each byte of its vector;
/// to look a vector up by its label and compare it; to meet a document in the order of the store,
/// and by an index; to compare each component exactly.
const CANDIDATE: f64 = 0.4;
const CANDIDATE_BYTE: f64 = 0.0007;
const SCANNED_BYTE: f64 = 0.00006;
const LOOKUP: f64 = 4.0;
const DOCUMENT: f64 = 1.0;
const ENTRY: f64 = 3.0;
const COMPONENT: f64 = 0.0006;
/// The same, where a document that was read is compared with many vectors.
const COMPONENT_OF_MANY: f64 = 0.0005;
/// To look at a vector of the graph, besides its bytes; to find the labels of a document.
const SCANNED: f64 = 0.02;
const LABELS: f64 = 1.0;
/// The most parts of an index that a filter may be about whose documents are kept.
const MOST_INTERVALS: usize = 100;

/// How a search is carried out.
pub enum Way {
    /// All documents that pass the filter are looked at.
    Exact(Exact),
    /// By the graph.
    Graph(Box<Near>),
    /// By the graph, for several vectors.
    GraphForMany(Box<NearMany>),
}

/// A search that looks at all documents.
#[derive(Default)]
pub struct Exact {
    because: String,
    /// Whether it is kept which documents pass the filter.
    keeping: Option<Keeping>,
    /// The graph that is not asked.
    passed_over: Option<PassedOver>,
}

/// A graph that is not asked.
struct PassedOver {
    graph: Arc<Graph>,
    index: Arc<VectorDef>,
    /// The label below which it has all vectors of the state that is read, and how many there are.
    labels: (u64, u64),
}

impl Exact {
    /// Why it is so.
    pub fn because(why: &str) -> Self {
        Self { because: why.to_owned(), ..Self::default() }
    }
}

/// Which documents pass a filter, by the labels of their vectors, found out while all of them are
/// looked at.
pub struct Keeping {
    graph: Arc<Graph>,
    index: Arc<VectorDef>,
    key: SubsetKey,
    txn_id: u64,
    labels: Vec<u64>,
}

impl Keeping {
    /// A document passes. False if there are too many.
    ///
    /// # Errors
    /// `CORRUPT`; those of storage.
    pub fn add(&mut self, view: View<'_, '_>, key: &[u8]) -> Result<bool> {
        let tree = entries(self.index.tree);
        if let Some(value) = tree.get(view.txn(), &document_key(key))? {
            let labels = Labels::read(&self.index, value)?;
            self.labels.extend(labels.first..labels.first + u64::from(labels.count));
        }
        Ok(self.labels.len() * size_of::<u32>() <= MOST_BYTES)
    }

    /// All were looked at, or too many.
    pub fn end(self, view: View<'_, '_>) {
        if view.txn().id() == self.txn_id {
            self.graph.keep_subset(self.txn_id, &self.key, self.labels);
        }
    }
}

impl Way {
    /// Chooses how a search is carried out.
    ///
    /// # Errors
    /// `CORRUPT`; those of storage.
    pub fn choose(
        view: View<'_, '_>,
        shared: &StoreShared,
        store: &StoreDef,
        plan: &Plan,
        search: &Search,
    ) -> Result<Self> {
        let exact = |why: &str| Ok(Self::Exact(Exact::because(why)));
        if search.is_exact() {
            return exact("it was asked for");
        }
        let Some(target) = search.targets().first() else {
            return exact("nothing is searched for");
        };
        let several = search.targets().len();
        let Some(graphs) = shared.graphs() else { return exact("there are no graphs") };
        let index = &search.index;
        let vectors = view.count(counter(index.tree, COUNT_VECTORS))?;
        if vectors < LEAST {
            return exact("the index is small");
        }
        if plan.accesses.iter().any(|access| access.is_point) {
            return exact("the filter names a primary key");
        }
        let Some(graph) = graphs.graph(view, store, index)? else {
            return exact("the graph is not begun yet");
        };
        if let Some(problem) = graph.problem() {
            return exact(&format!("there is no graph: {problem}"));
        }
        let txn_id = view.txn().id();
        let given = view.count(counter(index.tree, COUNT_LABELS))?;
        let below = graph.below(txn_id).min(given);
        graph.go_on();
        if below < given {
            graphs.wake();
        }
        let exact = |why: &str, keeping: Option<Keeping>| {
            let (graph, index) = (Arc::clone(&graph), Arc::clone(index));
            let passed_over = Some(PassedOver { graph, index, labels: (below, given) });
            Ok(Self::Exact(Exact { because: why.to_owned(), keeping, passed_over }))
        };
        if below == 0 {
            return exact("the graph is being built, or the state is older than it is", None);
        }
        let mut near = Near::new(Arc::clone(&graph), (search, target), (below, given));
        near.is_one_each = vectors == view.count(counter(index.tree, COUNT_DOCUMENTS))?;
        // Of the labels that were given since, so many may be there.
        let fresh = (given - below).min(vectors);
        let fresh_cost = fresh as f64 * (LOOKUP + ENTRY);
        // What each vector costs that is searched for.
        let exact_cost = cost_of_exact(plan, index, several) / several as f64;
        let share = plan.share.max(1e-9);
        let candidates = near.candidates_for(share);
        let graph_cost = near.cost_of(candidates, share) + fresh_cost;
        let known = subset_key(view, plan).map(|key| (graph.subset(txn_id, key.clone()), key));
        let mut keeping = None;
        match known {
            Some(((Some(set), _), _)) => {
                let cost = near.cost_among_set(&set) + fresh_cost;
                if cost <= graph_cost.min(exact_cost) {
                    near.because = Some(Because::Known);
                    near.search_among(set);
                    return Ok(Self::by_graph(near, several, cost));
                }
            }
            Some(((None, times), key)) => {
                let entries: u64 = plan.accesses.iter().map(|access| access.entries).sum();
                let making = exact_cost * several as f64 + entries as f64 * LABELS;
                let saved = graph_cost.min(exact_cost)
                    - near.cost_among(usize::try_from(entries).unwrap_or(usize::MAX))
                    - fresh_cost;
                let fits = entries as usize * size_of::<u32>() <= MOST_BYTES;
                // The graph has all vectors of this state. What it has not got yet would be missed
                // when it has it, and the state is still the same.
                let is_whole = below >= given;
                // It is done when it would have paid already.
                if is_whole
                    && fits
                    && f64::from(times.saturating_sub(1)) * saved * several as f64 > making
                {
                    let index = Arc::clone(index);
                    let labels = Vec::new();
                    let graph = Arc::clone(&graph);
                    keeping = Some(Keeping { graph, index, key, txn_id, labels });
                }
            }
            None => {}
        }
        if keeping.is_some() {
            let why = "it is found out which vectors pass the filter, for searches like this one";
            return exact(why, keeping);
        }
        if graph_cost > exact_cost {
            let why = format!(
                "it takes about {:.1} ms, and by the graph {:.1} ms{}",
                exact_cost * several as f64 / 1000.0,
                graph_cost * several as f64 / 1000.0,
                if fresh * 4 > vectors { ", which lags behind" } else { "" },
            );
            return exact(&why, None);
        }
        let [graph, all] = [graph_cost, exact_cost].map(|cost| cost * several as f64);
        near.because = Some(Because::Faster { graph, all });
        near.asked = candidates;
        near.needed = candidates;
        if near.graph.has_copies() && near.is_one_each && plan.share >= 1.0 {
            let compared = near.compared.saturating_add(search.excluded() as u64);
            near.of_named = usize::try_from(compared).unwrap_or(usize::MAX);
        }
        let each = near.cost_of(candidates, share) / candidates.max(1) as f64;
        near.most = ((exact_cost / each.max(1e-9)) as usize).max(candidates);
        Ok(Self::by_graph(near, several, graph_cost))
    }

    /// As many searches, each of which takes so many microseconds.
    fn by_graph(near: Near, several: usize, cost: f64) -> Self {
        match several {
            1 => Self::Graph(Box::new(near)),
            _ => Self::GraphForMany(Box::new(NearMany::new(near, several, cost))),
        }
    }

    /// Finds out which documents pass, if that is to be kept.
    pub fn take_keeping(&mut self) -> Option<Keeping> {
        match self {
            Self::Exact(exact) => exact.keeping.take(),
            _ => None,
        }
    }

    /// All documents are looked at, since the graph was of no use for a reason.
    pub fn given_up(self, because: &str) -> Self {
        let near = match &self {
            Self::Graph(near) => near,
            Self::GraphForMany(many) => many.first(),
            Self::Exact(_) => return self,
        };
        let (graph, index) = (Arc::clone(&near.graph), Arc::clone(&near.index));
        let passed_over = Some(PassedOver { graph, index, labels: near.labels() });
        Self::Exact(Exact { because: because.to_owned(), keeping: None, passed_over })
    }

    /// Whether it is by the graph.
    pub fn is_graph(&self) -> bool {
        !matches!(self, Self::Exact(..))
    }

    /// How it is carried out, for people.
    pub fn explain(&self) -> Json {
        match self {
            Self::Exact(Exact { because, passed_over, .. }) => {
                let mut told = match passed_over {
                    Some(PassedOver { graph, index, labels }) => {
                        explain_graph(graph, index, *labels)
                    }
                    None => json!({}),
                };
                if let Json::Object(fields) = &mut told {
                    fields.insert("method".to_owned(), json!("exact"));
                    fields.insert("because".to_owned(), json!(because));
                }
                told
            }
            Self::Graph(near) => near.explain(),
            Self::GraphForMany(many) => many.explain(),
        }
    }
}

/// Why a search is by the graph.
#[derive(Debug, Clone, Copy)]
pub(super) enum Because {
    /// It is known which vectors pass the filter.
    Known,
    /// What it costs by the graph, and to look at all documents that may pass, in microseconds.
    Faster { graph: f64, all: f64 },
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("it is known which vectors pass the filter"),
            Self::Faster { graph, all } => {
                let [graph, all] = [graph, all].map(|cost| cost / 1000.0);
                write!(f, "it takes about {graph:.1} ms, and to look at all documents {all:.1} ms")
            }
        }
    }
}

/// What a graph has, for people: it counts for labels below one, of those that were given.
pub(super) fn explain_graph(graph: &Graph, index: &VectorDef, (below, given): (u64, u64)) -> Json {
    let figures = graph.figures();
    json!({
        "precision": index.graph.precision.as_str(),
        "inGraph": figures.vectors,
        "gone": figures.gone,
        "fromFile": figures.from_file,
        "inFile": figures.in_file,
        "memory": figures.memory,
        "mapped": figures.mapped,
        "copies": figures.has_copies,
        "notInGraph": given.saturating_sub(below),
    })
}

/// What it takes to compare all documents that a plan meets with so many vectors, in microseconds.
fn cost_of_exact(plan: &Plan, index: &VectorDef, several: usize) -> f64 {
    let component = match several {
        1 => COMPONENT,
        several => COMPONENT_OF_MANY * several as f64,
    };
    let compared = component * f64::from(index.form.dimensions);
    let met = |access: &Arc<Access>| {
        let each = if access.is_of_documents() { DOCUMENT } else { ENTRY };
        access.entries as f64 * (each + compared * plan.share.min(1.0))
    };
    plan.accesses.iter().map(met).sum()
}

/// What it is known by which documents a plan meets in a committed state; `None` if nothing is
/// known by it, or all of them are met.
fn subset_key(view: View<'_, '_>, plan: &Plan) -> Option<SubsetKey> {
    let [access] = plan.accesses.as_slice() else { return None };
    let is_decided = plan.decided && plan.also.is_none() && plan.share < 1.0;
    let is_of_part = is_decided && access.intervals.len() <= MOST_INTERVALS;
    (is_of_part && matches!(view, View::Snapshot(_)))
        .then(|| SubsetKey { tree: access.tree.id, intervals: access.intervals.clone() })
}

impl Near {
    /// How many candidates it takes, if such a share of the documents passes the filter. Where they
    /// are so many, it is to look at all vectors.
    fn candidates_for(&mut self, share: f64) -> usize {
        let margin = if share < 1.0 { 1.5 } else { 1.0 };
        let named = (self.compared as f64 / share * margin).min(1e15) as usize;
        if let Effort::Graph(ef) = self.effort {
            let candidates = self.found_by(ef, share).max(named);
            self.effort = self.effort_of(candidates);
            if self.effort != Effort::All {
                return candidates;
            }
        }
        named
    }

    /// How many candidates find what is wanted of such a share, if so many find the nearest few of
    /// all: as many as are wanted of those that pass are the nearest so many of all, and by chance
    /// the last one is further away, by a standard deviation or so.
    pub(super) fn found_by(&self, ef: usize, share: f64) -> usize {
        let wanted = self.wanted as f64;
        let chance = (wanted * (1.0 - share).max(0.0)).sqrt();
        self.graph.candidates_for((wanted + chance) / share, ef)
    }

    /// What so many candidates cost, in microseconds.
    fn cost_of(&self, candidates: usize, share: f64) -> f64 {
        let graph = match self.effort {
            Effort::Graph(_) => self.met_for(candidates) * self.cost_of_candidate(),
            Effort::All => self.cost_of_scan(self.graph.vectors()),
        };
        graph + (self.compared as f64 / share).min(candidates as f64) * LOOKUP
    }

    /// What a candidate costs, in microseconds.
    fn cost_of_candidate(&self) -> f64 {
        CANDIDATE + CANDIDATE_BYTE * self.graph.bytes_walked_by() as f64
    }

    /// What it costs, in microseconds, to search among so many vectors.
    fn cost_among(&self, count: usize) -> f64 {
        self.cost_of_lookups(count) + self.cost_of_scan(count).min(self.cost_of_graph_among(count))
    }

    /// The same, among those of a set.
    fn cost_among_set(&self, set: &Set) -> f64 {
        let count = set.len();
        self.cost_of_lookups(count) + self.cost_of_scan_of(set).min(self.cost_of_graph_among(count))
    }

    fn cost_of_lookups(&self, count: usize) -> f64 {
        self.compared.min(count as u64) as f64 * LOOKUP
    }

    fn cost_of_scan(&self, count: usize) -> f64 {
        count as f64 * (SCANNED + SCANNED_BYTE * self.packed.len() as f64)
    }

    fn cost_of_scan_of(&self, set: &Set) -> f64 {
        match set.is_copied() {
            true => {
                let each = SCANNED + SCANNED_BYTE * f64::from(self.index.form.dimensions);
                set.len() as f64 * each
            }
            false => self.cost_of_scan(set.len()),
        }
    }

    /// The graph is gone through until it has found enough of these.
    fn cost_of_graph_among(&self, count: usize) -> f64 {
        match self.candidates_among(count) {
            Some(candidates) => {
                self.met_for(candidates) / self.share_of(count) * self.cost_of_candidate()
            }
            None => f64::INFINITY,
        }
    }

    /// How many candidates of a set of so many vectors it takes; `None` if all of these have to be
    /// looked at.
    fn candidates_among(&self, count: usize) -> Option<usize> {
        let Effort::Graph(ef) = self.effort else { return None };
        let share = self.share_of(count);
        let candidates = (self.found_by(ef, share) as f64 * share) as usize;
        Some(candidates.max(ef).max(usize::try_from(self.compared).unwrap_or(usize::MAX)))
    }

    fn share_of(&self, count: usize) -> f64 {
        (count.max(1) as f64 / self.graph.vectors().max(1) as f64).min(1.0)
    }

    /// Lets it find these vectors only, which are those of all documents that pass the filter.
    fn search_among(&mut self, set: Arc<Set>) {
        let is_by_graph = self.cost_of_graph_among(set.len()) < self.cost_of_scan_of(&set);
        self.asked = match self.candidates_among(set.len()).filter(|_| is_by_graph) {
            Some(candidates) => candidates,
            None => {
                self.effort = Effort::All;
                usize::try_from(self.compared).unwrap_or(usize::MAX)
            }
        };
        self.needed = self.asked;
        self.most = set.len().max(self.asked);
        self.among = Some(set);
    }
}
