//! Queries for what is nearest to a vector.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::access::Access;
use super::super::near::Step;
use super::super::near_many::StepOfMany;
use super::super::nearest::{self, Search};
use super::super::request::Returns;
use super::super::scan::{Budget, Flow, Scan, keep};
use super::super::sort::{SORT_MEMORY, Sorted, Sorter};
use super::super::way::{Keeping, Way};
use super::choice::Choices;
use super::{Execution, Phase};
use crate::error::Result;
use crate::query::nearest::Nearest;
use crate::store::StoreShared;
use crate::store::read::View;
use crate::vector::{Block, Target};

/// From so many documents it is chosen on the thread of JavaScript.
const CHOSEN_INLINE: u64 = 256;

/// What searches have found so far.
pub(super) struct Finding {
    /// For each vector that is searched for, the keys of the nearest documents.
    sorters: Vec<Sorter>,
    /// These vectors.
    targets: Arc<[Target]>,
    /// What was found before for each vector; `None` for those that are searched for. Empty if that
    /// is all of them.
    known: Vec<Option<Sorter>>,
    /// Documents that are to be compared.
    block: Block,
    /// Finds out which documents pass.
    keeping: Option<Keeping>,
}

impl Finding {
    /// Before the first document.
    pub(super) fn new(search: &Search, nearest: &Nearest, keeping: Option<Keeping>) -> Self {
        Self { keeping, ..Self::of(search, nearest, Arc::clone(search.targets())) }
    }

    /// The same for those vectors for which nothing is known.
    fn new_for_some(search: &Search, nearest: &Nearest, known: Vec<Option<Sorter>>) -> Self {
        let all = search.targets().iter().zip(&known);
        let unknown = all.filter(|(_, known)| known.is_none()).map(|(target, _)| target.clone());
        let targets = unknown.collect();
        Self { known, ..Self::of(search, nearest, targets) }
    }

    fn of(search: &Search, nearest: &Nearest, targets: Arc<[Target]>) -> Self {
        let wanted = usize::try_from(nearest.wanted()).unwrap_or(usize::MAX);
        // Of several, each has few.
        let memory = if search.targets().len() > 1 { usize::MAX } else { SORT_MEMORY };
        let sorters = targets.iter().map(|_| Sorter::new(Some(wanted), memory)).collect();
        Self {
            sorters,
            targets,
            known: Vec::new(),
            block: Block::new(search.index.form),
            keeping: None,
        }
    }

    /// What was found for each vector.
    fn finish(&mut self) -> Vec<Sorter> {
        let mut found = std::mem::take(&mut self.sorters).into_iter();
        if self.known.is_empty() {
            return found.collect();
        }
        let known = std::mem::take(&mut self.known).into_iter();
        known.filter_map(|known| known.or_else(|| found.next())).collect()
    }

    /// Compares the documents of the block with what is searched for.
    fn compare(&mut self, search: &Search) -> Result<()> {
        let Self { sorters, targets, block, .. } = self;
        let distances = block.distances(targets);
        for (key, distances) in block.keys().zip(distances.chunks_exact(sorters.len().max(1))) {
            for (sorter, distance) in sorters.iter_mut().zip(distances) {
                let sort_key = nearest::sort_key(*distance);
                if search.reaches(*distance) && !sorter.is_beyond(&sort_key) {
                    sorter.push(&sort_key, key)?;
                }
            }
        }
        block.clear();
        Ok(())
    }
}

impl Execution {
    /// Looks for the nearest documents; false if that is to go on later.
    pub(super) fn search(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        budget: &mut Budget<'_>,
    ) -> Result<bool> {
        let Self { store, query, plan, scan, rows, phase, .. } = self;
        let Phase::Search(finding) = phase else { return Ok(true) };
        let Some(mut search) = rows.search.take() else { return Ok(true) };
        let ended = scan.run(view, store, (true, u64::MAX), budget, |found| {
            if !plan.decided && !rows.passes(view, shared, store, query, found)?.passes() {
                return Ok(Flow::Next);
            }
            let Some(document) = found.document else { return Ok(Flow::Next) };
            if let Some(keeping) = &mut finding.keeping
                && !keeping.add(view, found.key)?
                && let Some(keeping) = finding.keeping.take()
            {
                keeping.end(view);
            }
            if search.excludes(found.key) {
                return Ok(Flow::Next);
            }
            rows.with_shapes(view, shared, store, |shapes| {
                finding.block.undo();
                search.collect(document, shapes, &mut finding.block)
            })
            .map_err(|error| error.with_key(found.key))?;
            finding.block.end_document(found.key);
            if finding.block.is_full() {
                finding.compare(&search)?;
            }
            Ok(Flow::Next)
        });
        let ended = ended.and_then(|ended| finding.compare(&search).map(|()| ended));
        rows.search = Some(search);
        if !ended? {
            return Ok(false);
        }
        if let Some(keeping) = finding.keeping.take() {
            keeping.end(view);
        }
        let sorters = finding.finish();
        self.searched(sorters)?;
        Ok(true)
    }

    /// Asks the graph of the vector index; all documents are looked at if that does not do.
    pub(super) fn ask_graph(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        (budget, is_inline): (&mut Budget<'_>, bool),
    ) -> Result<bool> {
        let Self { store, query, scan, rows, phase, way, .. } = self;
        let examined = &mut scan.examined_docs;
        let from = (view, shared, &*store);
        let (found, because) = match way {
            Some(Way::Graph(near)) => {
                match near.step(from, query, rows, (budget, is_inline), examined)? {
                    Step::Later => return Ok(false),
                    Step::Found(sorter) => (vec![Some(sorter)], None),
                    Step::Exact(because) => (vec![None], Some(because)),
                }
            }
            Some(Way::GraphForMany(many)) => {
                match many.step(from, query, rows, (budget, is_inline), examined)? {
                    StepOfMany::Later => return Ok(false),
                    StepOfMany::Found(found) => (found, many.missed_all()),
                }
            }
            _ => return Ok(true),
        };
        if let Some(because) = because {
            *way = way.take().map(|way| way.given_up(because));
        }
        if found.iter().all(Option::is_some) {
            self.searched(found.into_iter().flatten().collect())?;
        } else if let (Some(search), Some(nearest)) = (&rows.search, &query.nearest) {
            let finding = Finding::new_for_some(search, nearest, found);
            scan.compare(finding.targets.len());
            *phase = Phase::Search(Box::new(finding));
        }
        Ok(true)
    }

    /// All of the nearest were found.
    fn searched(&mut self, sorters: Vec<Sorter>) -> Result<()> {
        self.sorted = sorters.first().map(Sorter::method);
        let found: VecDeque<_> = sorters.into_iter().map(Sorter::finish).collect::<Result<_>>()?;
        match self.query.nearest.as_ref().map(|nearest| (nearest.diversity, nearest.k)) {
            Some((Some(diversity), k)) => {
                self.phase = Phase::Choose(Box::new(Choices::new(diversity, k, found)));
            }
            _ => self.found(found)?,
        }
        Ok(())
    }

    /// Chooses among the nearest documents; false if that is to go on later.
    pub(super) fn choose(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        budget: &mut Budget<'_>,
        is_inline: bool,
    ) -> Result<bool> {
        let Self { store, query, rows, phase, .. } = self;
        let Phase::Choose(choices) = phase else { return Ok(true) };
        let wanted = query.nearest.as_ref().map_or(0, Nearest::wanted);
        if is_inline && wanted > CHOSEN_INLINE {
            return Ok(false);
        }
        if !choices.step((view, shared, store), rows, budget)? {
            return Ok(false);
        }
        let chosen = std::mem::take(&mut choices.chosen);
        self.found(chosen)?;
        Ok(true)
    }

    /// Goes on with the documents that were found.
    fn found(&mut self, mut found: VecDeque<Sorted>) -> Result<()> {
        let Some(first) = found.pop_front() else {
            self.phase = Phase::Last;
            return Ok(());
        };
        self.rows.following = found;
        if !self.query.sort.is_empty() {
            return self.sort_found(first);
        }
        self.phase = Phase::Emit { sorted: Box::new(first), pending: VecDeque::new() };
        Ok(())
    }

    /// Goes on with the documents that were found as with those of any other query.
    fn sort_found(&mut self, mut found: Sorted) -> Result<()> {
        let (mut keys, mut kept) = (Vec::new(), 0);
        while let Some(key) = found.peek() {
            keep(&mut kept, key)?;
            keys.push(Box::from(key));
            found.advance()?;
        }
        let (examined_keys, examined_docs) = (self.scan.examined_keys, self.scan.examined_docs);
        self.scan = Scan::new(vec![Arc::new(Access::keys(&self.store, keys))], false, false);
        self.scan.examined_keys = examined_keys;
        self.scan.examined_docs = examined_docs;
        let wanted = match &self.query.returns {
            Returns::Page(page) => Some(page.size as u64 + 1),
            _ => self.query.limit.map(|limit| limit.saturating_add(self.query.skip)),
        };
        let wanted = wanted.map(|wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
        self.phase = Phase::Collect(Box::new(Sorter::new(wanted, SORT_MEMORY)));
        Ok(())
    }
}
