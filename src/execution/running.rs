//! A query that is being carried out.

mod choice;
mod search;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use self::choice::Choices;
use self::search::Finding;
use super::explain;
use super::nearest::Search;
use super::page::{self, PageRequest};
use super::plan::Plan;
use super::request::{Query, Returns};
use super::rows::{Out, Rows, emit_keys};
use super::scan::{Budget, Flow, Scan, ended_if};
use super::sort::{self, SORT_MEMORY, Sorted, Sorter};
use super::way::Way;
use crate::catalog::StoreDef;
use crate::error::{Error, Result};
use crate::key;
use crate::query::Meter;
use crate::query::aggregate::Examined;
use crate::storage::Counter;
use crate::storage::tree::Lookups;
use crate::store::StoreShared;
use crate::store::read::{Response, View, locate_error};
use crate::value::root;

/// As many entries are counted before it is asked whether anybody waits for the number.
const COUNTED_BETWEEN_LOOKS: u64 = 1 << 16;
/// How long a piece of work that has no budget goes on: others may wait for the snapshot.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// How long it goes on at most on the thread of JavaScript, where a query only begins.
pub(super) const INLINE_SLICE: Duration = Duration::from_millis(2);

/// A piece of a query's answer that is asked for.
pub struct Chunk<'c> {
    /// Rows at most.
    pub rows: u32,
    /// Rows stop before they exceed so many bytes, but there is one at least; 0: no limit.
    pub max_bytes: u32,
    /// Entries and documents that may be looked at; 0: as many as are needed, for a while.
    pub budget: u32,
    /// Set when nobody waits for the rest.
    pub cancelled: &'c AtomicBool,
}

impl Chunk<'_> {
    /// Whether it is asked for on the thread of JavaScript.
    pub(super) fn is_inline(&self, view: View<'_, '_>) -> bool {
        self.budget != 0 && matches!(view, View::Snapshot(_))
    }
}

/// A query in the middle of being carried out. It holds nothing of a transaction: each piece is
/// read from a view of the same state, or in a write transaction from that as it has become.
pub struct Execution {
    store: Arc<StoreDef>,
    query: Query,
    plan: Plan,
    scan: Scan,
    phase: Phase,
    rows: Rows,
    /// How near vectors are, or were, searched for.
    way: Option<Way>,
    /// How keys were sorted, if they were.
    sorted: Option<&'static str>,
    started: Instant,
}

enum Phase {
    /// The graph of a vector index is asked.
    Near,
    /// Rows are written as the walk finds them.
    Stream,
    /// The keys of the documents that are nearest to a vector are collected.
    Search(Box<Finding>),
    /// Documents are chosen among those.
    Choose(Box<Choices>),
    /// Keys are collected, to be sorted.
    Collect(Box<Sorter>),
    /// Documents are looked up in order.
    Emit {
        sorted: Box<Sorted>,
        pending: VecDeque<Box<[u8]>>,
    },
    /// The documents of a page, then what is to be said of it.
    Page(page::Found),
    /// All but the row that some answers end with.
    Last,
    Done,
}

impl Execution {
    /// Plans a query.
    ///
    /// # Errors
    /// `INVALID_QUERY`, `INDEX_NOT_FOUND` for an index that cannot be used as the hint says;
    /// `CORRUPT`.
    pub fn new(
        view: View<'_, '_>,
        shared: &StoreShared,
        store: &Arc<StoreDef>,
        query: Query,
    ) -> Result<Self> {
        let plan = Plan::choose(view, store, &query)?;
        Self::with_plan(view, shared, store, (query, plan))
    }

    /// Begins to carry out a plan of a query.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub(super) fn with_plan(
        view: View<'_, '_>,
        shared: &StoreShared,
        store: &Arc<StoreDef>,
        (query, mut plan): (Query, Plan),
    ) -> Result<Self> {
        let new_search = |nearest| Search::new(view, shared, store, nearest);
        let search = query.nearest.as_ref().map(new_search).transpose()?;
        let way = search.as_ref().map(|search| Way::choose(view, shared, store, &plan, search));
        let mut way = way.transpose()?;
        let keeping = way.as_mut().and_then(Way::take_keeping);
        let is_index = plan.accesses.first().is_some_and(|access| access.index.is_some());
        let opposite = plan.ordered
            && is_index
            && !query.sort.is_empty()
            && plan.backwards != query.ties_descending;
        let mut scan = Scan::new(plan.accesses.clone(), plan.backwards, opposite);
        if let Some(also) = &plan.also {
            scan.only_if_also(also.clone());
        }
        if !plan.decided {
            scan.weigh(&query.filter);
        }
        let mut wanted = query.limit.map(|limit| limit.saturating_add(query.skip));
        if let Returns::Page(PageRequest { size, boundary, .. }) = &query.returns {
            wanted = Some(*size as u64 + 1);
            if let ([access], true, Some(boundary)) =
                (plan.accesses.as_slice(), plan.ordered, boundary)
            {
                scan.resume_after(access.entry_at(&query.sort, boundary));
            }
        }
        // A write transaction may change what a walk is about to meet.
        let collects = match (&query.returns, view) {
            (Returns::Count, _) => false,
            (Returns::Page(_), _) | (_, View::Write(_)) => true,
            _ => !plan.ordered,
        };
        let phase = if way.as_ref().is_some_and(Way::is_graph) {
            Phase::Near
        } else if let (Some(search), Some(nearest)) = (&search, &query.nearest) {
            scan.compare(search.targets().len());
            match search.targets().is_empty() {
                true => Phase::Last,
                false => Phase::Search(Box::new(Finding::new(search, nearest, keeping))),
            }
        } else if collects {
            let wanted = wanted.map(|wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
            Phase::Collect(Box::new(Sorter::new(wanted, SORT_MEMORY)))
        } else {
            Phase::Stream
        };
        plan.candidates.truncate(explain::MAX_CANDIDATES);
        Ok(Self {
            rows: Rows {
                shapes: shared.shapes_of(view, store.id, false)?,
                skip: query.skip,
                left: query.limit.unwrap_or(u64::MAX),
                returned: 0,
                collected: 0,
                sort_key: Vec::new(),
                tests: query.filter.tests(),
                search,
                following: VecDeque::new(),
            },
            store: Arc::clone(store),
            query,
            plan,
            scan,
            phase,
            way,
            sorted: None,
            started: Instant::now(),
        })
    }

    /// Writes the next rows: how many, and whether none is left.
    ///
    /// # Errors
    /// `CORRUPT`, naming store, index and key; `ABORTED`; `RESOURCE_LIMIT`; `IO`, `DISK_FULL` for
    /// temporary files.
    pub fn next(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        chunk: &Chunk<'_>,
        response: &mut Response<'_>,
    ) -> Result<(u32, bool)> {
        let store = Arc::clone(&self.store);
        self.next_rows(view, shared, chunk, response)
            .map_err(|error| locate_error(error, &store, None))
    }

    fn next_rows(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        chunk: &Chunk<'_>,
        response: &mut Response<'_>,
    ) -> Result<(u32, bool)> {
        // Between pieces a write transaction changes, so keys are collected in one.
        let whole = matches!(view, View::Write(_))
            && matches!(
                self.phase,
                Phase::Near | Phase::Search(_) | Phase::Choose(_) | Phase::Collect(_)
            );
        let is_inline = chunk.is_inline(view);
        let slice = if is_inline { INLINE_SLICE } else { SLICE };
        let mut budget = Budget {
            steps: if chunk.budget == 0 || whole { u64::MAX } else { u64::from(chunk.budget) },
            deadline: (!whole).then(|| Instant::now() + slice),
            cancelled: chunk.cancelled,
            meter: Meter::default(),
        };
        let mut out = Out::new(chunk, response);
        loop {
            let go_on = match &self.phase {
                Phase::Stream if self.query.returns == Returns::Count && self.plan.decided => {
                    self.count_entries(view, chunk)?
                }
                Phase::Stream => self.stream(view, shared, &mut budget, &mut out, response)?,
                Phase::Near => self.ask_graph(view, shared, (&mut budget, is_inline))?,
                Phase::Search(_) => self.search(view, shared, &mut budget)?,
                Phase::Choose(_) => self.choose(view, shared, &mut budget, is_inline)?,
                Phase::Collect(_) => self.collect(view, shared, &mut budget)?,
                Phase::Emit { .. } => self.emit(view, shared, &mut budget, &mut out, response)?,
                Phase::Page(_) => self.emit_page(view, shared, &mut out, response)?,
                Phase::Last => self.write_last(&mut out, response),
                Phase::Done => return Ok((out.count, true)),
            };
            if !go_on {
                return Ok((out.count, false));
            }
        }
    }

    /// Writes the row that some answers end with; false if there is no room for it.
    fn write_last(&mut self, out: &mut Out, response: &mut Response<'_>) -> bool {
        let row = match self.query.returns {
            Returns::Count => Some(self.rows.returned.to_le_bytes().to_vec()),
            Returns::Explain => Some(self.explanation().to_string().into_bytes()),
            _ => None,
        };
        if let Some(row) = row {
            if !out.fits(row.len() + 4, response) {
                return false;
            }
            response.push_sized(&row);
            out.count += 1;
        }
        self.phase = Phase::Done;
        true
    }

    /// The plan and what has come of it.
    pub(super) fn explanation(&self) -> serde_json::Value {
        let outcome = explain::Outcome {
            returned: self.rows.returned,
            examined: self.examined(),
            sorted: self.sorted,
            elapsed: self.started.elapsed(),
        };
        let search = self.rows.search.as_ref().zip(self.way.as_ref());
        explain::query(&self.query, &self.plan, search, &outcome)
    }

    /// What the plan is called.
    pub(super) fn plan_name(&self) -> String {
        self.plan.name()
    }

    /// What has been looked at.
    pub(super) fn examined(&self) -> Examined {
        Examined { keys: self.scan.examined_keys, docs: self.scan.examined_docs }
    }

    /// Counts the entries of intervals in which everything passes.
    fn count_entries(&mut self, view: View<'_, '_>, chunk: &Chunk<'_>) -> Result<bool> {
        let [access] = self.plan.accesses.as_slice() else {
            return Err(Error::corrupt("a count has no single walk"));
        };
        let mut count = 0;
        let whole = access.index.is_none() && access.bounded.is_empty();
        if whole {
            count = view.count(Counter::entries(self.store.tree))?;
        } else {
            // What a write transaction counts has to be of one state.
            let most = match (chunk.budget, view) {
                (0, _) | (_, View::Write(_)) => u64::MAX,
                (budget, _) => u64::from(budget),
            };
            let mut cursor = access.tree.cursor(view.txn())?;
            for interval in &access.intervals {
                cursor.seek(&interval.from)?;
                cursor.visit_below(interval.to.as_deref(), |_| {
                    count += 1;
                    if count % COUNTED_BETWEEN_LOOKS == 0 {
                        ended_if(chunk.cancelled)?;
                    }
                    Ok(count <= most)
                })?;
                if count > most {
                    // Others count all of them, from the beginning.
                    return Ok(false);
                }
            }
            self.scan.examined_keys += count;
        }
        self.rows.returned = count.saturating_sub(self.rows.skip).min(self.rows.left);
        self.phase = Phase::Last;
        Ok(true)
    }

    /// The primary keys of the page that the query asks for, and whether there are more.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub(super) fn page_keys(
        mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
    ) -> Result<(Vec<Box<[u8]>>, bool)> {
        let never = AtomicBool::new(false);
        let meter = Meter::default();
        let mut budget = Budget { steps: u64::MAX, deadline: None, cancelled: &never, meter };
        let store = Arc::clone(&self.store);
        self.collect(view, shared, &mut budget)
            .map_err(|error| locate_error(error, &store, None))?;
        match self.phase {
            Phase::Page(page) => Ok((page.keys.into(), page.more)),
            _ => Err(Error::corrupt("a page did not come to its end")),
        }
    }

    /// Whether rows carry documents.
    fn wants_documents(&self) -> bool {
        !matches!(self.query.returns, Returns::Keys | Returns::Count)
    }

    fn stream(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        budget: &mut Budget<'_>,
        out: &mut Out,
        response: &mut Response<'_>,
    ) -> Result<bool> {
        let wants_documents = self.wants_documents();
        let Self { store, query, plan, scan, rows, .. } = self;
        if rows.left == 0 {
            self.phase = Phase::Last;
            return Ok(true);
        }
        let looks = !plan.decided || wants_documents;
        let enough = if plan.decided { rows.left.saturating_add(rows.skip) } else { u64::MAX };
        let ended = scan.run(view, store, (looks, enough), budget, |found| {
            if !plan.decided && !rows.passes(view, shared, store, query, found)?.passes() {
                return Ok(Flow::Next);
            }
            if rows.skip > 0 {
                rows.skip -= 1;
                return Ok(Flow::Next);
            }
            if !rows.write(query, (view, shared, store), found, out, response)? {
                return Ok(Flow::Full);
            }
            rows.returned += 1;
            rows.left -= 1;
            Ok(if rows.left == 0 { Flow::Stop } else { Flow::Next })
        })?;
        if ended {
            self.phase = Phase::Last;
        }
        Ok(ended)
    }

    fn collect(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        budget: &mut Budget<'_>,
    ) -> Result<bool> {
        let Self { store, query, plan, scan, rows, phase, sorted, .. } = self;
        let Phase::Collect(sorter) = phase else { return Ok(true) };
        let in_order = plan.ordered;
        let asked = match &query.returns {
            Returns::Page(page) => Some(page),
            _ => None,
        };
        let beyond = match asked.and_then(|page| page.boundary.as_ref()) {
            Some(boundary) if !in_order => Some(page::sort_bytes(query, boundary)),
            _ => None,
        };
        let wanted = match asked {
            Some(page) => page.size as u64 + 1,
            None => rows.skip.saturating_add(rows.left),
        };
        // Pages need the sort key of the documents at their edges.
        let needs_key = asked.is_some() || !in_order;
        let looks = !plan.decided || (needs_key && !query.sort.is_empty());
        let mut met = rows.collected;
        let enough = if in_order && plan.decided { wanted } else { u64::MAX };
        let ended = scan.run(view, store, (looks, enough), budget, |found| {
            if in_order && met >= wanted {
                return Ok(Flow::Stop);
            }
            if !plan.decided && !rows.passes(view, shared, store, query, found)?.passes() {
                return Ok(Flow::Next);
            }
            let mut sort_key = std::mem::take(&mut rows.sort_key);
            sort_key.clear();
            if needs_key {
                if let Some(document) = found.document.filter(|_| !query.sort.is_empty()) {
                    rows.with_shapes(view, shared, store, |shapes| {
                        sort_key.clear();
                        sort::push_key(&query.sort, root(document)?, shapes, &mut sort_key)
                    })?;
                }
            } else {
                sort_key.extend_from_slice(&met.to_be_bytes());
            }
            if !in_order && sorter.is_beyond(&sort_key) {
                rows.sort_key = sort_key;
                return Ok(Flow::Next);
            }
            let mut stored = found.key.to_vec();
            if query.ties_descending {
                key::invert(&mut stored);
            }
            let is_in = beyond
                .as_ref()
                .is_none_or(|boundary| [sort_key.as_slice(), &stored].concat() > *boundary);
            if is_in {
                sorter.push(&sort_key, &stored)?;
                met += 1;
            }
            rows.sort_key = sort_key;
            rows.collected = met;
            Ok(if in_order && met >= wanted { Flow::Stop } else { Flow::Next })
        })?;
        if !ended {
            return Ok(false);
        }
        *sorted = (!in_order).then(|| sorter.method());
        let finished = std::mem::replace(&mut **sorter, Sorter::new(Some(0), 0)).finish()?;
        self.phase = match asked {
            Some(page) => Phase::Page(page::finish(query, page, finished)?),
            None => Phase::Emit { sorted: Box::new(finished), pending: VecDeque::new() },
        };
        Ok(true)
    }

    fn emit(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        budget: &mut Budget<'_>,
        out: &mut Out,
        response: &mut Response<'_>,
    ) -> Result<bool> {
        let wants_documents = self.wants_documents();
        let Self { store, query, rows, phase, scan, .. } = self;
        let Phase::Emit { sorted, pending } = phase else { return Ok(true) };
        loop {
            while pending.len() < Lookups::MAX && rows.left > pending.len() as u64 {
                let Some(key) = sorted.peek() else { break };
                if rows.skip > 0 {
                    rows.skip -= 1;
                } else {
                    let mut key: Box<[u8]> = key.into();
                    if query.ties_descending {
                        key::invert(&mut key);
                    }
                    pending.push_back(key);
                }
                sorted.advance()?;
            }
            if pending.is_empty() {
                let Some(next) = rows.next_answer() else {
                    self.phase = Phase::Last;
                    return Ok(true);
                };
                **sorted = next;
                continue;
            }
            let again = matches!(view, View::Write(_));
            if !emit_keys(
                (view, shared, store, query),
                (rows, &mut scan.examined_docs, &budget.meter),
                (pending, wants_documents, again),
                (out, response),
            )? {
                return Ok(false);
            }
            if !budget.spend(Lookups::MAX as u64)? {
                return Ok(false);
            }
        }
    }

    fn emit_page(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        out: &mut Out,
        response: &mut Response<'_>,
    ) -> Result<bool> {
        let Self { store, query, rows, phase, scan, .. } = self;
        let Phase::Page(page::Found { keys, about, .. }) = phase else { return Ok(true) };
        let explain = matches!(&query.returns, Returns::Page(page) if page.explain);
        while !keys.is_empty() {
            let at_once = keys.len().min(Lookups::MAX);
            let mut pending: VecDeque<_> = keys.drain(..at_once).collect();
            let whole = emit_keys(
                (view, shared, store, query),
                (rows, &mut scan.examined_docs, &Meter::default()),
                (&mut pending, true, false),
                (out, response),
            )?;
            while let Some(key) = pending.pop_back() {
                keys.push_front(key);
            }
            if !whole {
                return Ok(false);
            }
        }
        if explain && let Some(about) = about.as_object_mut() {
            about.insert("examinedKeys".to_owned(), scan.examined_keys.into());
            about.insert("examinedDocs".to_owned(), scan.examined_docs.into());
        }
        let about = about.to_string();
        if !out.fits(about.len() + 4, response) {
            return Ok(false);
        }
        response.push_sized(about.as_bytes());
        out.count += 1;
        self.phase = Phase::Last;
        Ok(true)
    }
}
