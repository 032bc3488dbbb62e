//! Searches by a graph for the documents that are nearest to each of several vectors: the graph is
//! asked on several cores, and what it names is looked up in the state that is read.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use super::near::{Near, Step};
use super::request::Query;
use super::rows::Rows;
use super::scan::{Budget, STEPS_BETWEEN_LOOKS, ended_if};
use super::sort::Sorter;
use crate::catalog::StoreDef;
use crate::error::{Error, Result};
use crate::store::StoreShared;
use crate::store::read::View;
use crate::vector::Target;

/// The graph is asked for so many microseconds at once, on each core, for so many vectors at most.
const AT_ONCE: f64 = 20_000.0;
const MOST_AT_ONCE: usize = 256;
/// A thread is started if it has so many microseconds of work: many times what that takes.
const WORTH_A_THREAD: f64 = 500.0;
/// A request takes no more of a large machine.
const MOST_THREADS: usize = 8;
/// After so many vectors for which the graph has named too few, if they are most of those for which
/// it was asked, it is not asked for the rest.
const MANY_MISSED: usize = 32;

/// The searches.
pub struct NearMany {
    /// What each of them begins as, and how many microseconds it takes.
    first: Near,
    cost: f64,
    /// How many there are.
    count: usize,
    threads: usize,
    /// Those for which the graph was asked.
    asked: VecDeque<Near>,
    /// What those before them have found; `None` if the graph was of no use.
    found: Vec<Option<Sorter>>,
    missed: usize,
    /// Why the last one of these was missed.
    because: Option<&'static str>,
    /// How many documents they have compared.
    compared: usize,
}

/// What has come of a step.
pub enum StepOfMany {
    /// It goes on later.
    Later,
    /// For each vector all documents that the graph was to find; where there are none, all have to
    /// be looked at.
    Found(Vec<Option<Sorter>>),
}

impl NearMany {
    /// So many searches that are like one, each of which costs so many microseconds.
    pub(super) fn new(first: Near, count: usize, cost: f64) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            first,
            cost: cost.max(1.0),
            count,
            threads: cores.min(MOST_THREADS),
            asked: VecDeque::new(),
            found: Vec::new(),
            missed: 0,
            because: None,
            compared: 0,
        }
    }

    /// What each of them begins as.
    pub(super) fn first(&self) -> &Near {
        &self.first
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
    ) -> Result<StepOfMany> {
        if is_inline {
            return Ok(StepOfMany::Later);
        }
        while self.found.len() < self.count {
            if self.asked.is_empty() {
                let targets = rows.search.as_ref().map_or(&[][..], |search| search.targets());
                let targets = targets.get(self.found.len()..self.count).unwrap_or_default();
                self.ask(view, targets, budget.cancelled)?;
                // That took a while.
                if !budget.spend(STEPS_BETWEEN_LOOKS)? {
                    return Ok(StepOfMany::Later);
                }
            }
            let Some(near) = self.asked.front_mut() else {
                return Err(Error::corrupt("a vector that is searched for is not there"));
            };
            measure_from(rows, self.found.len());
            let from = (view, shared, store);
            let step = near.step(from, query, rows, (budget, false), examined);
            measure_from(rows, 0);
            let found = match step? {
                Step::Later => return Ok(StepOfMany::Later),
                Step::Exact(because) => {
                    self.because = Some(because);
                    None
                }
                Step::Found(sorter) => Some(sorter),
            };
            self.compared += near.compared();
            self.asked.pop_front();
            self.missed += usize::from(found.is_none());
            self.found.push(found);
            if self.missed >= MANY_MISSED && self.missed * 2 > self.found.len() {
                self.asked.clear();
                self.missed += self.count - self.found.len();
                self.found.resize_with(self.count, || None);
            }
            if !budget.spend(1)? {
                return Ok(StepOfMany::Later);
            }
        }
        Ok(StepOfMany::Found(std::mem::take(&mut self.found)))
    }

    /// Asks the graph for the first of these vectors.
    fn ask(
        &mut self,
        view: View<'_, '_>,
        targets: &[Target],
        cancelled: &AtomicBool,
    ) -> Result<()> {
        let each = (AT_ONCE / self.cost) as usize;
        let at_once = each.saturating_mul(self.threads).clamp(self.threads, MOST_AT_ONCE);
        let next = targets.iter().take(at_once);
        let mut nears: Vec<_> = next.map(|target| self.first.for_another(target)).collect();
        let txn_id = view.txn().id();
        let worth = (nears.len() as f64 * self.cost / WORTH_A_THREAD) as usize;
        let others = self.threads.min(worth).saturating_sub(1);
        let left = Mutex::new(nears.iter_mut());
        // Each takes the next one: nobody waits for who is interrupted longer than for one search.
        let work = || -> Result<()> {
            while let Some(near) = { left.lock().next() } {
                ended_if(cancelled)?;
                near.begin(txn_id)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let start = |_| {
                let thread = std::thread::Builder::new().name("lodestore-near".to_owned());
                // Without another thread this one does it all.
                thread.spawn_scoped(scope, work).ok()
            };
            let others: Vec<_> = (0..others).map_while(start).collect();
            let begun = work();
            others.into_iter().fold(begun, |begun, other| {
                begun.and(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        })?;
        self.asked = nears.into();
        Ok(())
    }

    /// Why the graph was of use for none of the vectors, if it was not.
    pub(super) fn missed_all(&self) -> Option<&'static str> {
        self.because.filter(|_| self.missed == self.count)
    }

    /// How they are carried out, for people.
    pub(super) fn explain(&self) -> Json {
        let mut told = self.first.explain();
        if let Json::Object(fields) = &mut told {
            fields.insert("compared".to_owned(), json!(self.compared));
            fields.insert("exactFor".to_owned(), json!(self.missed));
        }
        told
    }
}

fn measure_from(rows: &mut Rows, target: usize) {
    if let Some(search) = &mut rows.search {
        search.measure_from(target);
    }
}
