//! Searches by the graph of a vector index, where that is faster than to look at all vectors.
//!
//! The graph names labels of near vectors. Each is looked up in the state that is read: what is not
//! there is passed over, what is there is compared exactly, by its document. Vectors that the graph
//! has not got yet are looked at one by one. Where too few documents are found, all are looked at.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::compared::{Compared, FoundBy, compared_for};
use super::nearest::{Search, sort_key};
use super::request::Query;
use super::rows::Rows;
use super::scan::{Budget, Found};
use super::sort::{SORT_MEMORY, Sorter};
use super::way::{Because, explain_graph};
use crate::catalog::{StoreDef, VectorDef};
use crate::error::{Error, Result};
use crate::storage::tree::Lookups;
use crate::store::StoreShared;
use crate::store::entry::{documents, entries};
use crate::store::graph::{Effort, Graph};
use crate::store::read::{View, find_each};
use crate::store::vectors::label_key;
use crate::vector::{Doubt, Hit, Precision, Set, Target, Wanted};

/// The most candidates of a search on the thread of JavaScript,
const AT_ONCE: usize = 256;
/// and the most bytes of vectors that are looked at there.
const BYTES_AT_ONCE: usize = 4 << 20;
/// About so many vectors are looked at for each candidate.
const VISITED: usize = 8;
/// As many times more candidates are asked for when there were too few.
const MORE: usize = 4;

/// More are asked for as well if one of so many that were named is gone.
const THINNED: usize = 4;

/// Why all documents are looked at after the graph was asked.
const TOO_FEW: &str = "the graph has named too few that pass the filter";
const IN_DOUBT: &str = "with the precision of the graph too many are about as near as the nearest";

/// More are asked for, too, if so many times fewer pass the filter than was estimated.
const FEWER: f64 = 1.5;

/// A search by a graph.
pub struct Near {
    pub(super) graph: Arc<Graph>,
    pub(super) index: Arc<VectorDef>,
    /// Why it is by the graph, once that is settled.
    pub(super) because: Option<Because>,
    /// The vector to search for, as the graph has vectors.
    pub(super) packed: Vec<u8>,
    /// The graph counts for labels below,
    below: u64,
    /// and those from there on up to this one are looked at one by one.
    given: u64,
    /// The next one of these.
    fresh: u64,
    pub(super) effort: Effort,
    /// The vectors of all documents that pass the filter, if that is known.
    pub(super) among: Option<Arc<Set>>,
    /// Documents that are wanted.
    pub(super) wanted: u64,
    /// Documents that are to be compared exactly, since the graph knows their order only about;
    /// more of them only if it turns out that others may be nearer.
    pub(super) compared: u64,
    /// What is known of those that were.
    seen: Compared,
    /// How many of what the graph has found it names at first: if all of them are there, no more
    /// are needed.
    pub(super) of_named: usize,
    /// Which part of the vectors of the graph the state has that is read: others are met in vain.
    there: f64,
    /// How far off the distances of the graph may be, if that is known.
    doubt: Option<Doubt>,
    /// Whether no document has several vectors, of which another one may be nearer than the one
    /// that is named.
    pub(super) is_one_each: bool,
    /// How far those are by the graph that are to be compared, once there are as many as are
    /// wanted.
    reach: f32,
    /// More candidates cost more than to look at all documents.
    pub(super) most: usize,
    /// Vectors that the graph has named, and how many of them were looked up.
    named: Vec<Hit>,
    looked_up: usize,
    /// How many have to be looked up: as many as were in the answer before, at the least.
    least: usize,
    /// How many were asked for, and how many are needed of those that are there.
    pub(super) asked: usize,
    pub(super) needed: usize,
    /// The primary keys that were met.
    met: HashSet<Box<[u8]>>,
    /// Documents among those named that pass the filter, wherever they are.
    passing: u64,
    /// Labels that are not there any more, and how many of them the last answer has named.
    gone: Vec<u64>,
    gone_named: usize,
    sorter: Sorter,
}

/// What has come of a step.
pub enum Step {
    /// It goes on later.
    Later,
    /// All documents were found.
    Found(Sorter),
    /// The graph is of no use, for a reason; all documents have to be looked at.
    Exact(&'static str),
}

impl Near {
    pub(super) fn new(
        graph: Arc<Graph>,
        (search, target): (&Search, &Target),
        (below, given): (u64, u64),
    ) -> Self {
        let packing = graph.packing();
        let packed = packing.pack_target(&target.vector());
        let doubt = packing.doubt(&packed);
        let wanted = search.wanted();
        let compared = compared_for(wanted, search.index.graph.precision);
        let effort = search.ef_search().map_or_else(|| graph.effort(), Effort::Graph);
        Self {
            there: graph.part_below(below),
            graph,
            index: Arc::clone(&search.index),
            because: None,
            packed,
            below,
            given,
            fresh: below,
            effort,
            among: None,
            wanted,
            compared,
            seen: Compared::new(packing, wanted, search.max_distance()),
            of_named: usize::MAX,
            doubt,
            is_one_each: false,
            reach: f32::INFINITY,
            most: usize::MAX,
            named: Vec::new(),
            looked_up: 0,
            least: 0,
            asked: 0,
            needed: 0,
            met: HashSet::new(),
            passing: 0,
            gone: Vec::new(),
            gone_named: 0,
            sorter: sorter_of(wanted),
        }
    }

    /// The same search for another vector.
    pub(super) fn for_another(&self, target: &Target) -> Self {
        let packed = self.graph.packing().pack_target(&target.vector());
        Self {
            graph: Arc::clone(&self.graph),
            index: Arc::clone(&self.index),
            among: self.among.clone(),
            doubt: self.graph.packing().doubt(&packed),
            packed,
            seen: self.seen.clone(),
            named: Vec::new(),
            met: HashSet::new(),
            gone: Vec::new(),
            sorter: sorter_of(self.wanted),
            ..*self
        }
    }

    /// Asks the graph for the first time, on whatever thread, as of the state of a transaction.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`.
    pub(super) fn begin(&mut self, txn_id: u64) -> Result<()> {
        let how = (self.effort_of(self.asked), self.among.as_deref());
        let named = self.graph.near(self.at_first(), how, (self.below, txn_id), false)?;
        self.named = named.unwrap_or_default();
        Ok(())
    }

    /// What the graph is asked for at first.
    fn at_first(&self) -> Wanted<'_> {
        let all = Wanted::all(&self.packed, self.asked);
        Wanted { needed: self.of_named.min(self.asked), ..all }
    }

    /// What the graph has to do for so many candidates.
    pub(super) fn effort_of(&self, count: usize) -> Effort {
        match self.effort {
            Effort::Graph(_) if self.met_for(count) * 8.0 > self.graph.vectors() as f64 => {
                Effort::All
            }
            effort => effort,
        }
    }

    /// How many the graph has to keep for so many that are there.
    pub(super) fn met_for(&self, count: usize) -> f64 {
        count as f64 / self.there.max(1e-9)
    }

    /// The graph counts for labels below the first of these; up to the second they were given.
    pub(super) fn labels(&self) -> (u64, u64) {
        (self.below, self.given)
    }

    /// How many documents were compared.
    pub(super) fn compared(&self) -> usize {
        self.met.len()
    }

    /// Goes on.
    ///
    /// # Errors
    /// `CORRUPT`, `ABORTED`, `RESOURCE_LIMIT`; those of storage.
    pub fn step(
        &mut self,
        (view, shared, store): (View<'_, '_>, &StoreShared, &Arc<StoreDef>),
        query: &Query,
        rows: &mut Rows,
        (budget, is_inline): (&mut Budget<'_>, bool),
        examined: &mut u64,
    ) -> Result<Step> {
        loop {
            let labels = self.fresh_labels(view)?;
            let is_fresh = !labels.is_empty();
            let do_all_pass = query.filter.is_all() || self.among.is_some();
            let do_all_pass = do_all_pass && self.gone_named == 0;
            let labels = if is_fresh { labels } else { self.named_labels(do_all_pass) };
            if labels.is_empty() {
                let has_found = self.passing >= self.wanted && !self.named.is_empty();
                let is_enough = has_found && !self.is_cut_short() && !self.is_thinned();
                let more = if is_enough { self.short_of(query) } else { None };
                if is_enough && more.is_none() || self.has_named_all() {
                    return Ok(self.found(view));
                }
                if let Some(step) = self.ask(view, is_inline, more)? {
                    return Ok(step);
                }
                continue;
            }
            let gone = self.gone.len();
            let found_by = match is_fresh {
                true => [FoundBy::Nothing; Lookups::MAX],
                false => self.found_by_graph(labels.len(), view, (query, rows)),
            };
            let from = (view, shared, store);
            let passing = self.look_at((&labels, &found_by), from, query, rows, budget)?;
            *examined += labels.len() as u64;
            let goes_on = budget.spend(labels.len() as u64 * 2)?;
            if !is_fresh {
                self.gone_named += self.gone.len() - gone;
                self.passing += passing;
                self.note_reach();
                let is_enough = self.passing >= self.compared && self.looked_up >= self.least;
                if is_enough && !self.is_thinned() && !self.is_in_doubt() {
                    match self.short_of(query) {
                        None => return Ok(self.found(view)),
                        more => {
                            if let Some(step) = self.ask(view, is_inline, more)? {
                                return Ok(step);
                            }
                        }
                    }
                }
            }
            if !goes_on {
                return Ok(Step::Later);
            }
        }
    }

    /// Whether all that passes the filter was named, and looked up.
    fn has_named_all(&self) -> bool {
        let is_scan = self.effort_of(self.asked) == Effort::All;
        is_scan && self.among.is_some() && !self.named.is_empty() && self.named.len() < self.asked
    }

    /// Whether the graph has left out what may have to be compared.
    fn is_cut_short(&mut self) -> bool {
        let last = self.named.last();
        let is_last_within = last.is_some_and(|last| last.distance <= self.reach);
        is_last_within && (self.of_named < self.asked || self.is_in_doubt())
    }

    /// Whether what was not compared yet may be nearer than what was. Those that are equally near
    /// by the graph are so.
    fn is_in_doubt(&mut self) -> bool {
        let next = self.named.get(self.looked_up);
        // What was not named is further away than what was.
        let Some(least) = next.or(self.named.last()).map(|hit| hit.distance) else { return false };
        let is_within = |reach: f64| f64::from(least) < reach;
        least < self.reach && self.seen.reach().map_or(next.is_some(), is_within)
    }

    /// Whether so much of what the graph has named is gone that it would not have found the nearest
    /// of what is there: it was asked for too few, then.
    fn is_thinned(&self) -> bool {
        let live = self.looked_up - self.gone_named;
        let there = self.named.len() * live / self.looked_up.max(1);
        matches!(self.effort, Effort::Graph(_))
            && self.gone_named * THINNED > self.looked_up
            && there < self.needed
            && self.asked < self.most
    }

    /// How many the graph has to be asked for, if so few of what was looked up pass the filter that
    /// it was asked for too few: it would have had to go further.
    fn short_of(&self, query: &Query) -> Option<usize> {
        let Effort::Graph(ef) = self.effort_of(self.asked) else { return None };
        if query.filter.is_all() || self.among.is_some() || self.asked >= self.most {
            return None;
        }
        let live = self.looked_up.saturating_sub(self.gone_named).max(1);
        let share = self.passing.max(1) as f64 / live as f64;
        let is_short = self.found_by(ef, (share * FEWER).min(1.0)) > self.asked;
        is_short.then(|| self.found_by(ef, share.min(1.0)))
    }

    /// Tells the graph which labels are gone, so that it does not name them any more.
    fn note_gone(&mut self, view: View<'_, '_>) {
        // What a write transaction has removed may come back.
        if let View::Snapshot(txn) = view {
            self.graph.note_dead(&self.gone, txn.id());
        }
        self.gone.clear();
    }

    /// All documents have to be looked at.
    fn exact(&self) -> Step {
        Step::Exact(if self.passing < self.compared { TOO_FEW } else { IN_DOUBT })
    }

    fn found(&mut self, view: View<'_, '_>) -> Step {
        self.note_gone(view);
        Step::Found(std::mem::replace(&mut self.sorter, Sorter::new(Some(0), 0)))
    }

    /// Asks the graph, again for more if it has answered: for so many, or some times as many.
    fn ask(
        &mut self,
        view: View<'_, '_>,
        is_inline: bool,
        more: Option<usize>,
    ) -> Result<Option<Step>> {
        let is_first = self.named.is_empty();
        let was_cut = !is_first && self.of_named < self.asked;
        let count = match is_first || was_cut {
            true => self.asked,
            false if self.asked >= self.most => {
                self.note_gone(view);
                return Ok(Some(self.exact()));
            }
            false => more.unwrap_or(self.asked.saturating_mul(MORE)).min(self.most),
        };
        let scanned = match (self.effort_of(count), &self.among) {
            // Each of them has neighbours that are looked at; and what is in a file may have to be
            // read from the disk.
            (Effort::Graph(_), _) if self.graph.is_mapped() => usize::MAX,
            (Effort::Graph(_), _) => (self.met_for(count) as usize)
                .saturating_mul(VISITED * self.graph.bytes_walked_by()),
            (Effort::All, None) if self.graph.is_mapped() => usize::MAX,
            (Effort::All, Some(set)) if set.is_copied() => set.memory(),
            (Effort::All, Some(set)) => set.len() * self.packed.len(),
            (Effort::All, None) => self.graph.vectors() * self.packed.len(),
        };
        if is_inline && (count > AT_ONCE || scanned > BYTES_AT_ONCE) {
            return Ok(Some(Step::Later));
        }
        self.note_gone(view);
        let txn_id = view.txn().id();
        let how = (self.effort_of(count), self.among.as_deref());
        let all = Wanted::all(&self.packed, count);
        let wanted = if is_first { self.at_first() } else { all };
        let near = self.graph.near(wanted, how, (self.below, txn_id), is_inline)?;
        let Some(named) = near else { return Ok(Some(Step::Later)) };
        self.asked = count;
        if !is_first {
            self.of_named = usize::MAX;
        }
        if named.len() <= self.looked_up {
            // What was cut may have been all that there is.
            if was_cut {
                return Ok(None);
            }
            self.note_gone(view);
            return Ok(Some(self.exact()));
        }
        // Those that were named before are met again, and do not count.
        self.named = named;
        self.least = self.looked_up;
        self.looked_up = 0;
        self.gone_named = 0;
        Ok(None)
    }

    /// The next labels that the graph has not got.
    fn fresh_labels(&mut self, view: View<'_, '_>) -> Result<Vec<u64>> {
        let mut labels = Vec::new();
        if self.fresh >= self.given {
            return Ok(labels);
        }
        let mut cursor = entries(self.index.tree).cursor(view.txn())?;
        let mut found = cursor.seek(&label_key(self.fresh))?;
        while let Some(entry) = found.filter(|_| labels.len() < Lookups::MAX) {
            let label = entry.key.split_first().and_then(|(_, label)| label.try_into().ok());
            let label = label.map(u64::from_be_bytes);
            labels.push(label.ok_or_else(|| Error::corrupt("an index entry is malformed"))?);
            found = cursor.next()?;
        }
        self.fresh = labels.last().filter(|_| labels.len() == Lookups::MAX).map_or(
            // There are no more.
            self.given,
            |last| last.saturating_add(1),
        );
        Ok(labels)
    }

    /// Once there are as many as are wanted, only those are compared as well that may be nearer
    /// than the last one of them, though the graph has them further away.
    fn note_reach(&mut self) {
        let last = self.looked_up.checked_sub(1).and_then(|at| self.named.get(at));
        if let (Some(doubt), Some(last)) = (self.doubt, last)
            && self.passing >= self.wanted
            && self.reach == f32::INFINITY
        {
            self.reach = doubt.beyond(last.distance);
        }
    }

    /// The next labels that the graph has named: no more than are wanting, if all of them pass.
    fn named_labels(&mut self, do_all_pass: bool) -> Vec<u64> {
        let wanting = match self.wanted.checked_sub(self.passing) {
            Some(wanting @ 1..) if self.doubt.is_some() => wanting,
            _ => match self.compared.saturating_sub(self.passing) {
                // These are in doubt.
                0 => u64::MAX,
                wanting => wanting,
            },
        };
        let most = match usize::try_from(wanting) {
            Ok(wanting) if do_all_pass => Lookups::MAX.min(wanting),
            _ => Lookups::MAX,
        };
        let named = self.named.get(self.looked_up..).unwrap_or_default();
        let within = named.iter().take(most).take_while(|hit| hit.distance <= self.reach);
        let labels: Vec<_> = within.map(|hit| hit.label).collect();
        self.looked_up += labels.len();
        labels
    }

    /// How those of the named vectors were found that were given out last, so many. Where nothing
    /// but their order counts, and no other one is so near to them that it is in doubt, their
    /// documents need not be read to know how far they are.
    fn found_by_graph(
        &self,
        count: usize,
        view: View<'_, '_>,
        (query, rows): (&Query, &Rows),
    ) -> [FoundBy; Lookups::MAX] {
        let mut found = [FoundBy::Nothing; Lookups::MAX];
        let from = self.looked_up.saturating_sub(count);
        let named = self.named.get(from..self.looked_up).unwrap_or_default();
        for (place, hit) in found.iter_mut().zip(named) {
            *place = FoundBy::About(hit.distance);
        }
        let is_exact = self.index.graph.precision == Precision::F32;
        // The graph may have been asked for those alone that pass the filter.
        let do_all_pass = query.filter.is_all() || self.among.is_some();
        let counts_all = do_all_pass
            && rows.search.as_ref().is_some_and(|search| search.max_distance() == f64::INFINITY);
        let (Some(doubt), true) = (self.doubt, is_exact && counts_all) else { return found };
        let is_settled = self.is_one_each && self.below >= self.given;
        if !is_settled || !matches!(view, View::Snapshot(_)) || !query.needs_keys_alone() {
            return found;
        }
        let is_before = |one: &Hit, next: &Hit| doubt.beyond(one.distance) < next.distance;
        for (place, at) in found.iter_mut().zip(from..self.looked_up) {
            // Behind the last one there may be others that a wider search names.
            let (Some(hit), Some(next)) = (self.named.get(at), self.named.get(at + 1)) else {
                break;
            };
            let before = at.checked_sub(1).and_then(|before| self.named.get(before));
            if before.is_none_or(|before| is_before(before, hit)) && is_before(hit, next) {
                *place = FoundBy::Order(self.graph.packing().distance_of_documents(hit.distance));
            }
        }
        found
    }

    /// Looks vectors up; how many documents pass the filter that were not met before. Those are not
    /// read of which it is known how far they are.
    fn look_at(
        &mut self,
        (labels, found_by): (&[u64], &[FoundBy]),
        (view, shared, store): (View<'_, '_>, &StoreShared, &Arc<StoreDef>),
        query: &Query,
        rows: &mut Rows,
        budget: &Budget<'_>,
    ) -> Result<u64> {
        let mut named = Lookups::new(entries(self.index.tree));
        labels.iter().for_each(|label| named.push(&label_key(*label)));
        let mut lookups = Lookups::new(documents(store.tree));
        let mut about = [None; Lookups::MAX];
        let (mut passing, mut scratch) = (0, Vec::new());
        for ((label, key), found_by) in labels.iter().zip(named.find(view.txn())?).zip(found_by) {
            match (key, found_by) {
                (None, _) => self.gone.push(*label),
                (Some(key), _) if self.met.contains(key) => {}
                (Some(key), FoundBy::Order(distance)) => {
                    self.met.insert(key.into());
                    if !rows.search.as_ref().is_some_and(|search| search.excludes(key)) {
                        passing += 1;
                        self.seen.note(*distance, None);
                        self.sorter.push(&sort_key(*distance), key)?;
                    }
                }
                (Some(key), found_by) => {
                    self.met.insert(key.into());
                    if let (Some(place), FoundBy::About(distance)) =
                        (about.get_mut(lookups.len()), found_by)
                    {
                        *place = Some(*distance);
                    }
                    lookups.push(key);
                }
            }
        }
        let meter = &budget.meter;
        let (sorter, seen) = (&mut self.sorter, &mut self.seen);
        find_each(view.txn(), store, &lookups, |at, payload| {
            let payload = payload.ok_or_else(|| {
                Error::corrupt("an index has an entry for a document that is not there")
            })?;
            scratch.clear();
            payload.append_to(&mut scratch)?;
            let key = lookups.key(at);
            let found = Found { key, document: Some(&scratch), meter };
            if !query.filter.is_all() && !rows.passes(view, shared, store, query, &found)?.passes()
            {
                return Ok(true);
            }
            if rows.search.as_ref().is_some_and(|search| search.excludes(key)) {
                return Ok(true);
            }
            passing += 1;
            if let Some(distance) = rows.distance(view, shared, store, &found)? {
                seen.note(distance, about.get(at).copied().flatten());
                if rows.search.as_ref().is_some_and(|search| search.reaches(distance)) {
                    sorter.push(&sort_key(distance), key)?;
                }
            }
            Ok(true)
        })?;
        Ok(passing)
    }

    pub(super) fn explain(&self) -> Json {
        let (method, candidates) = match self.effort {
            Effort::Graph(ef) => ("graph", json!(ef)),
            Effort::All => ("scan of the graph's vectors", Json::Null),
        };
        let mut told = explain_graph(&self.graph, &self.index, (self.below, self.given));
        if let Json::Object(fields) = &mut told {
            fields.insert("method".to_owned(), json!(method));
            fields.extend(self.because.map(|why| ("because".to_owned(), json!(why.to_string()))));
            fields.insert("efSearch".to_owned(), candidates);
            fields.insert("candidates".to_owned(), json!(self.asked));
            fields.insert("compared".to_owned(), json!(self.met.len()));
            if let Some(set) = &self.among {
                fields.insert("among".to_owned(), json!(set.len()));
            }
        }
        told
    }
}

/// Keeps the nearest of the documents that are met.
fn sorter_of(wanted: u64) -> Sorter {
    Sorter::new(Some(usize::try_from(wanted).unwrap_or(usize::MAX)), SORT_MEMORY)
}
