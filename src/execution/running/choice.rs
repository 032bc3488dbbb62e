//! Documents that are chosen from the nearest so that they differ from each other.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::rows::Rows;
use super::super::scan::{Budget, Found};
use super::super::sort::{SORT_MEMORY, Sorted, Sorter};
use crate::catalog::StoreDef;
use crate::error::{Error, Result};
use crate::query::nearest::Diversity;
use crate::storage::tree::Lookups;
use crate::store::StoreShared;
use crate::store::entry::documents;
use crate::store::read::{View, find_each};
use crate::vector::{Form, Target, score};

/// As many components are compared for one step.
const COMPONENTS_PER_STEP: usize = 4_096;

/// Choices from the answers of one or more searches.
pub(super) struct Choices {
    diversity: Diversity,
    /// How many documents are chosen.
    k: usize,
    waiting: VecDeque<Sorted>,
    current: Option<Choice>,
    /// Which search that is of.
    at: usize,
    /// What was chosen.
    pub(super) chosen: VecDeque<Sorted>,
}

struct Choice {
    /// What is left, the nearest first.
    candidates: Vec<Candidate>,
    /// How many were chosen.
    count: usize,
    chosen: Sorter,
    /// What was chosen last.
    last: Option<Target>,
    form: Form,
}

struct Candidate {
    key: Box<[u8]>,
    vector: Vec<u8>,
    score: f64,
    /// How much it is like what was chosen, where it is most.
    likeness: f64,
}

impl Choices {
    /// From what searches found, the nearest first.
    pub(super) fn new(diversity: Diversity, k: u64, waiting: VecDeque<Sorted>) -> Self {
        let k = usize::try_from(k).unwrap_or(usize::MAX);
        Self { diversity, k, waiting, current: None, at: 0, chosen: VecDeque::new() }
    }

    /// Goes on; false if that is to be later.
    ///
    /// # Errors
    /// `CORRUPT`, `ABORTED`.
    pub(super) fn step(
        &mut self,
        from: (View<'_, '_>, &StoreShared, &Arc<StoreDef>),
        rows: &mut Rows,
        budget: &mut Budget<'_>,
    ) -> Result<bool> {
        let Some(form) = rows.search.as_ref().map(|search| search.index.form) else {
            return Ok(true);
        };
        loop {
            let Some(choice) = &mut self.current else {
                let Some(found) = self.waiting.pop_front() else {
                    rows.search.iter_mut().for_each(|search| search.measure_from(0));
                    return Ok(true);
                };
                rows.search.iter_mut().for_each(|search| search.measure_from(self.at));
                self.at += 1;
                self.current = Some(Choice::new(found, from, rows, (budget, form))?);
                continue;
            };
            if choice.count >= self.k || choice.candidates.is_empty() {
                if let Some(choice) = self.current.take() {
                    self.chosen.push_back(choice.chosen.finish()?);
                }
                continue;
            }
            let components = choice.candidates.len() * form.dimensions as usize;
            choice.choose(self.diversity.lambda)?;
            if !budget.spend(1 + (components / COMPONENTS_PER_STEP) as u64)? {
                return Ok(false);
            }
        }
    }
}

impl Choice {
    /// Reads the vectors of what was found.
    fn new(
        mut found: Sorted,
        (view, shared, store): (View<'_, '_>, &StoreShared, &Arc<StoreDef>),
        rows: &mut Rows,
        (budget, form): (&Budget<'_>, Form),
    ) -> Result<Self> {
        let mut candidates = Vec::new();
        let (mut scratch, mut failure) = (Vec::new(), None);
        while found.peek().is_some() {
            let mut lookups = Lookups::new(documents(store.tree));
            while let Some(key) = found.peek().filter(|_| !lookups.is_full()) {
                lookups.push(key);
                found.advance()?;
            }
            find_each(view.txn(), store, &lookups, |at, payload| {
                let Some(payload) = payload else { return Ok(true) };
                scratch.clear();
                payload.append_to(&mut scratch)?;
                let key = lookups.key(at);
                let document = Found { key, document: Some(&scratch), meter: &budget.meter };
                match Candidate::read(&document, (view, shared, store), rows) {
                    Ok(candidate) => candidates.extend(candidate),
                    Err(error) => failure = Some(error),
                }
                Ok(failure.is_none())
            })?;
            if let Some(error) = failure.take() {
                return Err(error);
            }
        }
        let chosen = Sorter::new(None, SORT_MEMORY);
        Ok(Self { candidates, count: 0, chosen, last: None, form })
    }

    /// Chooses one more: the nearest first, of equally good ones the one that is nearer.
    fn choose(&mut self, lambda: f64) -> Result<()> {
        let mut best: Option<(usize, f64)> = None;
        for (at, candidate) in self.candidates.iter_mut().enumerate() {
            if let Some(last) = &self.last {
                let likeness = score(self.form, last.distance(&candidate.vector));
                candidate.likeness = candidate.likeness.max(likeness);
            }
            let worth = match &self.last {
                Some(_) => lambda * candidate.score - (1.0 - lambda) * candidate.likeness,
                None => candidate.score,
            };
            if best.is_none_or(|(_, most)| worth > most) {
                best = Some((at, worth));
            }
        }
        let Some((at, _)) = best else {
            return Err(Error::corrupt("there is nothing to choose from"));
        };
        let candidate = self.candidates.remove(at);
        self.chosen.push(&(self.count as u64).to_be_bytes(), &candidate.key)?;
        self.count += 1;
        self.last = Some(Target::new(self.form, &candidate.vector));
        Ok(())
    }
}

impl Candidate {
    fn read(
        found: &Found<'_>,
        (view, shared, store): (View<'_, '_>, &StoreShared, &Arc<StoreDef>),
        rows: &mut Rows,
    ) -> Result<Option<Self>> {
        let (Some(mut search), Some(document)) = (rows.search.take(), found.document) else {
            return Ok(None);
        };
        let nearest = rows
            .with_shapes(view, shared, store, |shapes| search.nearest_vector(document, shapes))
            .map_err(|error| error.with_key(found.key));
        let form = search.index.form;
        rows.search = Some(search);
        Ok(nearest?.map(|(distance, vector)| Self {
            key: found.key.into(),
            vector,
            score: score(form, distance),
            likeness: f64::NEG_INFINITY,
        }))
    }
}
