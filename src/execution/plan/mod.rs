//! Choosing how a query is carried out.
//!
//! What a way costs is estimated from exact counts and from searches for both ends of each interval
//! ([`Tree::estimate`](crate::storage::Tree::estimate)), which know how full an index is where it
//! is asked, however skewed it is.

mod grouping;

use std::fmt;
use std::sync::Arc;

use crate::catalog::{IndexDef, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::execution::access::{Access, Condition, bounds_path, conditions};
use crate::execution::group_shape::{Grouped, Shape};
use crate::execution::request::{Query, Returns};
use crate::execution::sort::SortPart;
use crate::query::Filter;
use crate::query::aggregate::Grouping;
use crate::query::filter::Test;
use crate::storage::Counter;
use crate::store::read::View;
use crate::value::FieldPath;

/// What it costs to pass an entry of an index, to read and test a document in the order of the
/// store, and to look one up from an index; measured in documents of a scan.
const ENTRY: f64 = 0.2;
const DOCUMENT: f64 = 1.0;
const LOOKUP: f64 = 3.0;
/// What it costs to sort a document, times the logarithm of their number.
const SORTED: f64 = 0.1;
/// What it costs to begin a walk over an interval.
const INTERVAL: f64 = 2.0;
/// What it costs to keep a primary key, and to look for one among those that were kept.
const COLLECTED: f64 = 0.3;
/// The most primary keys that are collected for an intersection.
const MAX_COLLECTED: u64 = 1_000_000;
/// As many documents are remembered at most by walks that may meet one twice, if there is any other
/// way.
const MAX_SEEN: f64 = 4_000_000.0;
/// Costs more than any way that is possible.
const HOPELESS: f64 = 1e15;
/// The most ways that an "or" is made of.
const MAX_BRANCHES: usize = 1_000;
/// The most ways that are looked at for all of them.
const MAX_ALL_BRANCHES: usize = 10_000;

/// How a query is carried out.
#[derive(Debug)]
pub struct Plan {
    /// The walks, one after another; what more than one meets counts once.
    pub accesses: Vec<Arc<Access>>,
    /// A walk over an index that has to meet a document, too.
    pub also: Option<Arc<Access>>,
    /// Whether everything that a walk meets passes the filter, so that no document is looked at.
    pub decided: bool,
    /// Whether the walk is backwards.
    pub backwards: bool,
    /// Whether the order of the walk is the one that is wanted.
    pub ordered: bool,
    /// How it groups documents, if it does so by the order of an index.
    pub grouped: Option<Grouped>,
    /// About which share of the documents passes the filter.
    pub share: f64,
    /// All ways that were considered, the chosen one first, if the query is to be explained.
    pub candidates: Vec<Candidate>,
}

/// A way that was considered.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What it is called.
    pub name: String,
    /// In documents of a scan.
    pub cost: f64,
    /// About how many entries or documents are met.
    pub rows: f64,
    /// Why it was not taken; `None` for the one that was.
    pub rejected: Option<String>,
}

/// A way with what it costs.
struct Choice {
    accesses: Vec<Arc<Access>>,
    also: Option<Arc<Access>>,
    decided: bool,
    backwards: bool,
    ordered: bool,
    grouped: Option<Grouped>,
    cost: f64,
    rows: f64,
}

/// What all ways have in common.
struct Planner<'p, 't, 'e> {
    view: View<'t, 'e>,
    store: &'p StoreDef,
    query: &'p Query,
    conditions: Vec<Condition<'p>>,
    /// What the documents have to be sorted by; `None`: nothing.
    order: Option<&'p [SortPart]>,
    /// Documents of the store.
    total: f64,
    /// About how many of them pass.
    matching: f64,
    /// What cannot serve, if the query is to be explained.
    explained: Option<Vec<Candidate>>,
}

impl Plan {
    /// Chooses the cheapest way.
    ///
    /// # Errors
    /// `INVALID_QUERY` if the index that is asked for cannot serve; `CORRUPT`.
    pub fn choose(view: View<'_, '_>, store: &StoreDef, query: &Query) -> Result<Self> {
        let order = match query.returns {
            Returns::Page(_) => Some(query.sort.as_slice()),
            Returns::Count => None,
            _ if query.sort.is_empty() => None,
            _ => Some(query.sort.as_slice()),
        };
        let mut planner = Planner {
            view,
            store,
            query,
            conditions: conditions(&query.filter),
            order,
            total: 0.0,
            matching: 0.0,
            explained: query.explained.then(Vec::new),
        };
        let mut found = planner.accesses()?;
        if !planner.compares()
            && let Some(at) = planner.only(&found)
        {
            return Ok(planner.way(vec![Arc::new(found.swap_remove(at))], 0.0).into());
        }
        planner.total = view.count(Counter::entries(store.tree))? as f64;
        for access in &mut found {
            access.estimate(view, store)?;
        }
        let found: Vec<_> = found.into_iter().map(Arc::new).collect();
        planner.matching = planner.estimate_matching(&found);
        let mut choices: Vec<Choice> = Vec::new();
        if query.hint.is_none() {
            choices.extend(planner.intersection(&found));
        }
        for access in &found {
            choices.push(planner.price(vec![Arc::clone(access)]));
        }
        if query.hint.is_none()
            && let Some(union) = planner.union()?
        {
            choices.push(planner.price(union));
        }
        let grouped = planner.grouped(&found, &choices)?;
        grouped.add_to(&mut choices, &planner);
        let order = |choice: &Choice| (!choice.is_point(), choice.cost);
        choices.sort_by(|left, right| {
            let (left, right) = (order(left), order(right));
            left.0.cmp(&right.0).then(left.1.total_cmp(&right.1))
        });
        let last = choices.len().saturating_sub(1);
        choices.rotate_left(query.choice.min(last));
        let candidates = planner.explained.take().map(|mut rejected| {
            let mut all: Vec<_> = choices.iter().map(Choice::candidate).collect();
            for other in all.iter_mut().skip(1) {
                other.rejected = Some("it costs more".to_owned());
            }
            all.append(&mut rejected);
            all
        });
        let best = choices.into_iter().next();
        let best = best.ok_or_else(|| Error::corrupt("a query has no plan"))?;
        let share = planner.matching / planner.total.max(1.0);
        Ok(Self { candidates: candidates.unwrap_or_default(), share, ..best.into() })
    }

    /// What it is called.
    pub fn name(&self) -> String {
        name(&self.accesses, self.also.as_deref(), self.grouped.as_ref())
    }
}

impl From<Choice> for Plan {
    fn from(choice: Choice) -> Self {
        let Choice { accesses, also, decided, backwards, ordered, grouped, .. } = choice;
        let candidates = Vec::new();
        Self { accesses, also, decided, backwards, ordered, grouped, share: 1.0, candidates }
    }
}

impl Choice {
    /// Whether it meets one document at most, which nothing else can better by much.
    fn is_point(&self) -> bool {
        self.also.is_none() && matches!(self.accesses.as_slice(), [access] if access.is_point)
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            name: name(&self.accesses, self.also.as_deref(), self.grouped.as_ref()),
            cost: self.cost,
            rows: self.rows,
            rejected: None,
        }
    }
}

/// What a way is called.
fn name(accesses: &[Arc<Access>], also: Option<&Access>, grouped: Option<&Grouped>) -> String {
    let one = |access: &Access| match (&access.index, &access.vectors) {
        (Some(index), _) => format!("index {}", index.name),
        (None, Some(index)) => format!("vector index {}", index.name),
        (None, None) if access.bounded.is_empty() => "full scan".to_owned(),
        (None, None) => "primary key".to_owned(),
    };
    match accesses {
        [access] => match also {
            Some(also) => format!("intersection of {}, {}", one(access), one(also)),
            None => match grouped {
                Some(Grouped::Keys(_)) => format!("{}, by its keys alone", one(access)),
                Some(Grouped::Stream) => format!("{}, group by group", one(access)),
                None => one(access),
            },
        },
        several => format!(
            "union of {}",
            several.iter().map(|access| one(access)).collect::<Vec<_>>().join(", ")
        ),
    }
}

impl Planner<'_, '_, '_> {
    /// Whether all ways are to be known, also those that cannot be the best one.
    fn compares(&self) -> bool {
        self.explained.is_some() || self.query.choice != 0
    }

    /// The walks that can serve alone.
    fn accesses(&mut self) -> Result<Vec<Access>> {
        let (view, store) = (self.view, self.store);
        let mut found = Vec::new();
        let hint = self.query.hint.as_ref();
        if let Some(name) = hint
            && store.index_by_name(name).is_none()
        {
            return Err(Error::new(
                ErrorCode::IndexNotFound,
                format!("store {:?} has no index {name:?}, which the hint names", store.name),
            )
            .with_store(store.name.to_string())
            .with_index(name.to_string()));
        }
        if hint.is_none() {
            match Access::primary_key(view, store, &self.conditions)? {
                Some(access) if access.is_point && !self.compares() => {
                    return Ok(vec![access]);
                }
                Some(access) => found.push(access),
                None => found.push(Access::store(view, store, self.order.is_some())?),
            }
        }
        let nearest = self.query.nearest.as_ref();
        let vectors = nearest.and_then(|nearest| store.vector_by_name(&nearest.index));
        found.extend(vectors.map(Access::vectors));
        for index in
            store.indexes.iter().filter(|index| hint.is_none_or(|hint| index.name == *hint))
        {
            if hint.is_none() && !self.compares() && !self.may_be_of_use(index) {
                continue;
            }
            match Access::index(view, index, &self.conditions)? {
                Ok(access) if self.is_of_use(&access) => found.push(access),
                Ok(_) if self.is_of_other_order(index) => {
                    const WHY: &str = "its strings are in the order of another collation";
                    if hint.is_some() {
                        return Err(cannot_serve(index, WHY));
                    }
                    self.reject(format_args!("index {}", index.name), WHY);
                }
                Ok(access) if hint.is_some() => found.push(access),
                Ok(_) => self.reject(
                    format_args!("index {}", index.name),
                    "it bounds nothing and serves no sort",
                ),
                Err(why) if hint.is_some() => return Err(cannot_serve(index, why)),
                Err(why) => self.reject(format_args!("index {}", index.name), why),
            }
        }
        Ok(found)
    }

    /// The walk that is taken whatever it costs.
    fn only(&self, found: &[Access]) -> Option<usize> {
        let point = found.iter().position(|access| access.is_point);
        let is_union = |condition: &Condition<'_>| matches!(condition.filter, Filter::Or(_));
        if point.is_some() || self.query.hint.is_none() && self.conditions.iter().any(is_union) {
            return point;
        }
        match found {
            _ if self.query.grouping.is_some() => None,
            [_] => Some(0),
            // Entries by themselves are less than documents.
            [all, index]
                if all.bounded.is_empty()
                    && self.query.returns == Returns::Count
                    && self.query.nearest.is_none() =>
            {
                self.decides(index).then_some(1)
            }
            _ => None,
        }
    }

    /// Notes a way that is not looked at any further.
    fn reject(&mut self, name: impl fmt::Display, why: &str) {
        let Some(rejected) = &mut self.explained else { return };
        rejected.push(Candidate {
            name: name.to_string(),
            cost: f64::INFINITY,
            rows: 0.0,
            rejected: Some(why.to_owned()),
        });
    }

    fn serves(&self, access: &Access, order: &[SortPart]) -> Option<bool> {
        access.serves(self.store, order, self.query.ties_descending)
    }

    /// Whether it is worth a look.
    fn may_be_of_use(&self, index: &IndexDef) -> bool {
        let is_bounded = || {
            let first = index.parts.first();
            first.is_some_and(|part| bounds_path(&self.conditions, &part.path))
        };
        let groups = |grouping: &Grouping| {
            index.parts.iter().any(|part| grouping.paths.contains(&part.path))
        };
        self.order.is_some()
            || index.partial.is_some()
            || is_bounded()
            || self.query.grouping.as_ref().is_some_and(groups)
    }

    /// Whether the query compares what the index has in another order of strings.
    fn is_of_other_order(&self, index: &IndexDef) -> bool {
        index.order() != self.query.collation.as_ref()
            && Access::is_of_other_order(index, &self.conditions, self.order.unwrap_or_default())
    }

    fn is_of_use(&self, access: &Access) -> bool {
        let serves = |order| self.serves(access, order).is_some();
        let is_partial = access.index.as_ref().is_some_and(|index| index.partial.is_some());
        let groups = |grouping| Shape::of(access, grouping).is_some();
        is_partial
            || !access.bounded.is_empty()
            || self.order.is_some_and(serves)
            || self.query.grouping.as_ref().is_some_and(groups)
    }

    /// About how many documents pass: each field that an index bounds lets its share through, each
    /// other condition a usual one.
    fn estimate_matching(&self, accesses: &[Arc<Access>]) -> f64 {
        let share = |entries: u64| (entries as f64 / self.total.max(1.0)).min(1.0);
        let mut matching = self.total;
        let mut known: Vec<&FieldPath> = Vec::new();
        let mut bounded: Vec<&Arc<Access>> = accesses.iter().collect();
        bounded.sort_by_key(|access| std::cmp::Reverse(access.bounded.len()));
        for access in bounded {
            let news = access.bounded.iter().any(|(path, _)| !known.contains(&path));
            if news {
                matching *= share(access.entries);
                known.extend(access.bounded.iter().map(|(path, _)| path));
            }
        }
        for condition in &self.conditions {
            let is_known =
                condition.bounds.as_ref().is_some_and(|(path, _)| known.contains(&path.fields()));
            if !is_known {
                matching *= usual_share(condition.filter);
            }
        }
        matching
    }

    /// A union of walks for an "or", if each of its parts has one better than all documents.
    fn union(&self) -> Result<Option<Vec<Arc<Access>>>> {
        let mut best: Option<(u64, Vec<Arc<Access>>)> = None;
        let mut left = MAX_ALL_BRANCHES;
        for condition in &self.conditions {
            let Filter::Or(parts) = condition.filter else { continue };
            if parts.len() > MAX_BRANCHES.min(left) || parts.is_empty() {
                continue;
            }
            left -= parts.len();
            let mut accesses = Vec::with_capacity(parts.len());
            for part in parts {
                match self.branch(part)? {
                    Some(access) => accesses.push(Arc::new(access)),
                    None => break,
                }
            }
            if accesses.len() < parts.len() {
                continue;
            }
            let entries = accesses.iter().map(|access| access.entries).sum();
            if best.as_ref().is_none_or(|(least, _)| entries < *least) {
                best = Some((entries, accesses));
            }
        }
        Ok(best.map(|(_, accesses)| accesses))
    }

    /// The narrowest walk for a part of an "or".
    fn branch(&self, part: &Filter) -> Result<Option<Access>> {
        let (view, store) = (self.view, self.store);
        let conditions = conditions(part);
        let mut best = Access::primary_key(view, store, &conditions)?;
        if let Some(access) = &mut best {
            access.estimate(view, store)?;
        }
        for index in &store.indexes {
            let Ok(mut access) = Access::index(view, index, &conditions)? else { continue };
            if access.bounded.is_empty() && index.partial.is_none() {
                continue;
            }
            access.estimate(view, store)?;
            if best.as_ref().is_none_or(|best| access.entries < best.entries) {
                best = Some(access);
            }
        }
        // What is decided was counted among the conditions of this part.
        Ok(best.map(|access| Access { decided: Vec::new(), ..access }))
    }

    /// The best pair of walks of which a document has to be met by both: the second one's keys are
    /// collected first, and save the lookups of the others.
    fn intersection(&self, accesses: &[Arc<Access>]) -> Option<Choice> {
        let mut best: Option<(f64, &Arc<Access>, &Arc<Access>)> = None;
        for first in accesses.iter().filter(|access| !access.bounded.is_empty()) {
            let alone = std::slice::from_ref(first);
            let alone = self.cost(alone, self.served(alone));
            for also in accesses.iter().filter(|access| access.index.is_some()) {
                let news = |(path, _): &(FieldPath, _)| {
                    first.bounded.iter().all(|(known, _)| known != path)
                };
                if also.entries > MAX_COLLECTED || !also.bounded.iter().any(news) {
                    continue;
                }
                let share = (also.entries as f64 / self.total.max(1.0)).min(1.0);
                let fetched = alone - first.entries as f64 * ENTRY;
                let cost =
                    alone - fetched * (1.0 - share) + also.entries as f64 * (ENTRY + COLLECTED);
                if best.is_none_or(|(least, ..)| cost < least) {
                    best = Some((cost, first, also));
                }
            }
        }
        let (cost, first, also) = best?;
        let alone = self.way(vec![Arc::clone(first)], cost);
        Some(Choice { also: Some(Arc::clone(also)), decided: false, ..alone })
    }

    /// Walks, one after another, with what they cost.
    fn price(&self, accesses: Vec<Arc<Access>>) -> Choice {
        let cost = self.cost(&accesses, self.served(&accesses));
        self.way(accesses, cost)
    }

    fn way(&self, accesses: Vec<Arc<Access>>, cost: f64) -> Choice {
        let served = self.served(&accesses);
        Choice {
            decided: self.decided(&accesses),
            backwards: served.unwrap_or(false),
            ordered: served.is_some(),
            cost,
            rows: entries_of(&accesses),
            accesses,
            also: None,
            grouped: None,
        }
    }

    /// Whether walks serve the order, if need be backwards: whether backwards.
    fn served(&self, accesses: &[Arc<Access>]) -> Option<bool> {
        match (self.order, accesses) {
            // No walk meets documents in the order of their distances.
            _ if self.query.nearest.is_some() => None,
            (None, _) => Some(false),
            (Some(order), [access]) => self.serves(access, order),
            _ => None,
        }
    }

    /// Whether everything passes that walks meet.
    fn decided(&self, accesses: &[Arc<Access>]) -> bool {
        match accesses {
            [access] => self.decides(access),
            _ => false,
        }
    }

    fn decides(&self, access: &Access) -> bool {
        if access.decided.len() < self.conditions.len() {
            return false;
        }
        let mut decided = vec![false; self.conditions.len()];
        for at in &access.decided {
            if let Some(decided) = decided.get_mut(*at) {
                *decided = true;
            }
        }
        decided.into_iter().all(|decided| decided)
    }

    /// What walks cost, one after another.
    fn cost(&self, accesses: &[Arc<Access>], served: Option<bool>) -> f64 {
        let entries = entries_of(accesses);
        let wants_documents = !matches!(self.query.returns, Returns::Count | Returns::Keys)
            || self.query.nearest.is_some();
        let is_index = accesses.iter().any(|access| !access.is_of_documents());
        let each = match (is_index, !wants_documents && self.decided(accesses)) {
            (_, true) => ENTRY,
            (true, false) => ENTRY + LOOKUP,
            (false, false) => DOCUMENT,
        };
        // With an order, or none to be had, the walk ends when there is enough.
        let wanted = match &self.query.returns {
            Returns::Page(page) => Some(page.size as f64 + 1.0),
            Returns::Count => None,
            _ => self.query.limit.map(|limit| (limit + self.query.skip) as f64),
        };
        let matching = self.matching.min(entries);
        let part = match (served, wanted) {
            (Some(_), Some(wanted)) if matching > wanted => wanted / matching.max(1.0),
            _ => 1.0,
        };
        let intervals: usize = accesses.iter().map(|access| access.intervals.len()).sum();
        let mut cost = entries * part * each + intervals as f64 * part * INTERVAL;
        if served.is_none() {
            cost += matching * (matching.max(2.0).log2() * SORTED + LOOKUP);
        }
        let repeats = accesses.len() > 1 || accesses.iter().any(|access| access.repeats);
        if repeats && entries * part > MAX_SEEN {
            // What was met has to be remembered, for which there may be no room.
            cost += HOPELESS;
        }
        cost
    }
}

/// About how many entries walks meet.
fn entries_of(accesses: &[Arc<Access>]) -> f64 {
    accesses.iter().map(|access| access.entries as f64).sum()
}

fn cannot_serve(index: &IndexDef, why: &str) -> Error {
    Error::new(
        ErrorCode::InvalidQuery,
        format!("the hint: index {:?} cannot serve this query: {why}", index.name),
    )
    .with_index(index.name.to_string())
}

/// The share of documents that pass a condition about which nothing is known.
fn usual_share(filter: &Filter) -> f64 {
    match filter {
        Filter::Path(test) => match &test.test {
            Test::Equal(_) => 0.1,
            Test::In(set) => (0.1 * set.constants().len() as f64).min(0.5),
            _ => 0.4,
        },
        Filter::And(parts) => parts.iter().map(usual_share).product(),
        Filter::Or(parts) => parts.iter().map(usual_share).sum::<f64>().min(1.0),
        Filter::Not(_) => 0.8,
        Filter::Expression(_) => 0.3,
    }
}
