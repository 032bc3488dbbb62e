//! Ways to the documents that may pass: a walk over a store, or over a part of an index.

use std::sync::Arc;

use super::bounds::{self, Bounds};
use super::implication::implied;
use super::page::Boundary;
use super::sort::SortPart;
use crate::catalog::{IndexDef, IndexState, KeyPath, Origin, StoreDef, VectorDef};
use crate::collation::Collation;
use crate::error::Result;
use crate::key::{self, TAG_ARRAY, TAG_RESIDUAL, successor_prefix};
use crate::query::filter::Test;
use crate::query::{Filter, Path};
use crate::storage::{Counter, Tree};
use crate::store::entry::{self, COUNT_ALL, COUNT_ARRAY, COUNT_RESIDUAL};
use crate::store::read::{Interval, View};
use crate::store::vectors::{self, COUNT_DOCUMENTS, DOCUMENT, LABEL};
use crate::value::FieldPath;

/// The most intervals that one access walks over.
const MAX_INTERVALS: usize = 100_000;
/// As many intervals are estimated one by one; of more, a sample.
const SAMPLED: usize = 32;
/// The most ranges that are gone through to find what several conditions on a field have in common.
const MAX_RANGES: usize = 4_000_000;
/// A write transaction counts up to here when it estimates.
const ENOUGH: u64 = 10_000;

/// A condition that every document has to pass, with what it says of the field at its path.
pub struct Condition<'f> {
    pub filter: &'f Filter,
    pub bounds: Option<(&'f Path, Arc<Bounds>)>,
}

/// The conditions that a filter joins with "and".
pub fn conditions(filter: &Filter) -> Vec<Condition<'_>> {
    let mut list = Vec::new();
    flatten(filter, &mut list);
    list
}

fn flatten<'f>(filter: &'f Filter, list: &mut Vec<Condition<'f>>) {
    match filter {
        Filter::And(parts) => parts.iter().for_each(|part| flatten(part, list)),
        _ => {
            let found = bounds::of_condition(filter);
            let bounds = found.map(|(test, bounds)| (&test.path, Arc::new(bounds)));
            list.push(Condition { filter, bounds });
        }
    }
}

/// A walk over a part of a tree.
#[derive(Debug, Clone)]
pub struct Access {
    /// The index; `None`: the store itself, or `vectors`.
    pub index: Option<Arc<IndexDef>>,
    /// The vector index whose documents are met.
    pub vectors: Option<Arc<VectorDef>>,
    /// The tree that is walked over.
    pub tree: Tree,
    /// Which part of it, in order.
    pub intervals: Vec<Interval>,
    /// Places of the conditions that everything passes which the walk finds.
    pub decided: Vec<usize>,
    /// Whether a document may be found more than once.
    pub repeats: bool,
    /// Whether the order of the walk is that of the fields, so that it can serve a sort.
    pub ordered: bool,
    /// How many leading parts have one value only.
    pub fixed: usize,
    /// What the parts of the index are bounded to, as far as they are.
    pub bounded: Vec<(FieldPath, Arc<Bounds>)>,
    /// Whether it meets one document at most.
    pub is_point: bool,
    /// About how many entries the walk meets, once that is estimated.
    pub entries: u64,
}

impl Access {
    /// All documents of a store, if need be in the order of their keys.
    pub fn store(view: View<'_, '_>, store: &StoreDef, in_order: bool) -> Result<Self> {
        let tree = entry::documents(store.tree);
        let ordered = in_order && !has_arrays(view, tree)?;
        Ok(Self { ordered, ..Self::over(tree, vec![Interval { from: Vec::new(), to: None }]) })
    }

    /// A part of a tree, in which no condition has a say.
    fn over(tree: Tree, intervals: Vec<Interval>) -> Self {
        Self {
            index: None,
            vectors: None,
            tree,
            intervals,
            decided: Vec::new(),
            repeats: false,
            ordered: false,
            fixed: 0,
            bounded: Vec::new(),
            is_point: false,
            entries: 0,
        }
    }

    /// The documents of a store under some primary keys.
    pub fn keys(store: &StoreDef, mut keys: Vec<Box<[u8]>>) -> Self {
        keys.sort_unstable();
        let point = |from: Box<[u8]>| {
            let to = Some([&from, &[0][..]].concat());
            Interval { from: from.into_vec(), to }
        };
        let entries = keys.len() as u64;
        let intervals = keys.into_iter().map(point).collect();
        Self { entries, ..Self::over(entry::documents(store.tree), intervals) }
    }

    /// The documents of a store whose primary keys the conditions bound; `None` if they do not.
    pub fn primary_key(
        view: View<'_, '_>,
        store: &StoreDef,
        conditions: &[Condition<'_>],
    ) -> Result<Option<Self>> {
        let Some(path) = key_path(store).filter(|path| bounds_path(conditions, path)) else {
            return Ok(None);
        };
        let tree = entry::documents(store.tree);
        // A key may be an array, of which each element counts.
        let arrays = has_arrays(view, tree)?;
        let (bounds, mut decided) = match of_path(path, conditions, !arrays, None) {
            Some(found) => found,
            None => return Ok(None),
        };
        let mut intervals: Vec<_> =
            bounds.ranges().iter().map(|range| interval(&[], range, false)).collect();
        if arrays {
            decided.clear();
            intervals.push(Interval { from: vec![TAG_ARRAY], to: Some(vec![TAG_ARRAY + 1]) });
        }
        let intervals = merged(intervals);
        let is_point = bounds.single().is_some() && !arrays;
        Ok(Some(Self {
            decided,
            ordered: !arrays,
            fixed: usize::from(is_point),
            bounded: vec![(path.clone(), bounds)],
            is_point,
            ..Self::over(tree, intervals)
        }))
    }

    /// A part of an index; `None`, or why, if the index cannot serve.
    pub fn index(
        view: View<'_, '_>,
        index: &Arc<IndexDef>,
        conditions: &[Condition<'_>],
    ) -> Result<std::result::Result<Self, &'static str>> {
        match index.state {
            IndexState::Ready => {}
            IndexState::Building => return Ok(Err("it is still being built")),
            IndexState::Stale => return Ok(Err("its order is that of another version")),
        }
        let count = |class| view.count(Counter { tree: index.tree, class });
        let (arrays, residual) = (count(COUNT_ARRAY)?, count(COUNT_RESIDUAL)?);
        let plain = arrays == 0 && index.origin == Origin::Native;
        let Some(mut parts) = Parts::bound(index, conditions, plain) else {
            return Ok(Err("its bounds are too many"));
        };
        if index.sparse && !parts.exclude_missing(index, conditions) {
            return Ok(Err("it is sparse, and documents without its fields may pass"));
        }
        if let Some(partial) = &index.partial {
            match implied(conditions, partial.filter()) {
                Some(same) => parts.decided.extend(same),
                None => return Ok(Err("it is partial, and documents that it lacks may pass")),
            }
        }
        if index.origin == Origin::IndexedDb
            && let Err(why) = parts.fit_indexed_db(index)
        {
            return Ok(Err(why));
        }
        if residual > 0 {
            let residual = Interval { from: vec![TAG_RESIDUAL], to: None };
            parts.intervals.push(residual);
        }
        let ordered = plain && residual == 0;
        if !ordered {
            parts.decided.clear();
        }
        let is_point = ordered && index.unique && parts.is_point(index);
        let tree = entry::entries(index.tree);
        let intervals = merged(parts.intervals);
        Ok(Ok(Self {
            index: Some(Arc::clone(index)),
            vectors: None,
            tree,
            intervals,
            decided: parts.decided,
            repeats: arrays > 0,
            ordered,
            fixed: if ordered { parts.fixed } else { 0 },
            bounded: parts.bounded,
            is_point,
            entries: 0,
        }))
    }

    /// The documents with vectors in an index.
    pub fn vectors(index: &Arc<VectorDef>) -> Self {
        let intervals = vec![Interval { from: vec![DOCUMENT], to: Some(vec![LABEL]) }];
        Self {
            vectors: Some(Arc::clone(index)),
            ..Self::over(entry::entries(index.tree), intervals)
        }
    }

    /// Whether it is a walk over documents themselves.
    pub fn is_of_documents(&self) -> bool {
        self.index.is_none() && self.vectors.is_none()
    }

    /// The name of the index that is walked over.
    pub fn index_name(&self) -> Option<String> {
        let vectors = || self.vectors.as_ref().map(|index| index.name.to_string());
        self.index.as_ref().map(|index| index.name.to_string()).or_else(vectors)
    }

    /// The primary key in the key of an entry that the walk meets.
    ///
    /// # Errors
    /// `CORRUPT`.
    #[inline]
    pub fn primary_key_in<'k>(&self, entry: &'k [u8]) -> Result<&'k [u8]> {
        match (&self.index, &self.vectors) {
            (Some(index), _) => Ok(entry::split(index, entry)?.1),
            (None, Some(_)) => Ok(entry.split_first().map_or(entry, |(_, key)| key)),
            (None, None) => Ok(entry),
        }
    }

    /// Finds out about how many entries the walk meets.
    pub fn estimate(&mut self, view: View<'_, '_>, store: &StoreDef) -> Result<()> {
        self.entries = match (&self.index, &self.vectors) {
            _ if self.is_point => 1,
            _ if !self.bounded.is_empty() => estimate(view, self.tree, &self.intervals)?,
            (Some(index), _) => view.count(Counter { tree: index.tree, class: COUNT_ALL })?,
            (None, Some(index)) => view.count(vectors::counter(index.tree, COUNT_DOCUMENTS))?,
            (None, None) => view.count(Counter::entries(store.tree))?,
        };
        Ok(())
    }

    /// Whether every document of the walk is met in the order of `sort`, if need be backwards:
    /// whether backwards. Documents that are equal in it are met in the order of their primary
    /// keys, ascending in a forward walk; where nothing else matters, `descending` says which.
    pub fn serves(&self, store: &StoreDef, sort: &[SortPart], descending: bool) -> Option<bool> {
        if self.is_of_documents() && sort.is_empty() {
            return Some(descending);
        }
        if !self.ordered {
            return None;
        }
        let mut left = sort.iter().peekable();
        let mut backwards = None;
        let by_key;
        let parts: Vec<(&FieldPath, bool)> = match &self.index {
            Some(index) => index.parts.iter().map(|part| (&part.path, part.descending)).collect(),
            None => {
                by_key = key_path(store);
                by_key.iter().map(|path| (*path, false)).collect()
            }
        };
        for (at, (path, inverted)) in parts.iter().enumerate() {
            if at < self.fixed {
                // All are equal in it.
                left.next_if(|part| part.path.fields() == *path && self.has_order(at, part));
                continue;
            }
            let Some(part) = left.next() else {
                // A part that nobody asked for would come before the primary key.
                return None;
            };
            if part.path.fields() != *path || !self.has_order(at, part) {
                return None;
            }
            let backward = part.descending != *inverted;
            if *backwards.get_or_insert(backward) != backward {
                return None;
            }
            if self.index.is_none() {
                // Primary keys differ, so nothing after them matters.
                return backwards;
            }
        }
        left.next().is_none().then(|| backwards.unwrap_or(descending))
    }
}

impl Access {
    /// Whether what the walk meets is, in a part of its key, in the order of strings of a sort: it
    /// is the same, or there are no strings.
    fn has_order(&self, at: usize, part: &SortPart) -> bool {
        let order = self.index.as_ref().and_then(|index| index.order());
        let no_strings = || self.bounded.get(at).is_some_and(|(_, bounds)| !bounds.has_strings());
        part.collation.as_ref() == order || no_strings()
    }

    /// Whether a condition, or the sort, is about a field of the index, but in another order of
    /// strings.
    pub fn is_of_other_order(
        index: &IndexDef,
        conditions: &[Condition<'_>],
        sort: &[SortPart],
    ) -> bool {
        index.parts.iter().any(|indexed| {
            let of_condition = conditions.iter().any(|condition| {
                let bounds = condition.bounds.as_ref();
                bounds.is_some_and(|(path, bounds)| {
                    *path.fields() == indexed.path && !bounds.strings().fit(index.order())
                })
            });
            let of_sort = sort.iter().any(|part| {
                *part.path.fields() == indexed.path && part.collation.as_ref() != index.order()
            });
            of_condition || of_sort
        })
    }

    /// The entry of the document at a boundary, if the walk serves `sort`.
    pub fn entry_at(&self, sort: &[SortPart], boundary: &Boundary) -> Vec<u8> {
        let mut entry = Vec::new();
        for (at, part) in self.index.iter().flat_map(|index| &index.parts).enumerate() {
            let fixed = self.bounded.get(at).filter(|_| at < self.fixed);
            let sorted = sort.iter().position(|sorted| *sorted.path.fields() == part.path);
            let component = match (fixed.and_then(|(_, bounds)| bounds.single()), sorted) {
                (Some(component), _) => component,
                (None, Some(at)) => {
                    boundary.components.get(at).map(Vec::as_slice).unwrap_or_default()
                }
                (None, None) => &[],
            };
            let start = entry.len();
            entry.extend_from_slice(component);
            if part.descending {
                key::invert_from(&mut entry, start);
            }
        }
        entry.extend_from_slice(&boundary.key);
        entry
    }
}

/// The path of a store's keys, if they are the values of one field that no rule of IndexedDB makes
/// up.
pub fn key_path(store: &StoreDef) -> Option<&FieldPath> {
    match &store.key_path {
        KeyPath::Single(path) if !is_made_up(path) && !path.segments().is_empty() => Some(path),
        _ => None,
    }
}

/// Whether IndexedDB may find something at a path that is no field.
fn is_made_up(path: &FieldPath) -> bool {
    const MADE_UP: [&str; 6] = ["length", "size", "type", "name", "lastModified", "lastIndex"];
    let last = path.segments().last().and_then(|name| name.name().as_str());
    path.segments().len() > 1 && last.is_some_and(|name| MADE_UP.contains(&name))
}

/// Whether the keys of a tree of documents may be arrays.
pub fn has_arrays(view: View<'_, '_>, tree: Tree) -> Result<bool> {
    let mut cursor = tree.cursor(view.txn())?;
    Ok(cursor.last()?.is_some_and(|last| last.key.first().is_some_and(|tag| *tag >= TAG_ARRAY)))
}

/// Whether the conditions say anything of a field.
pub fn bounds_path(conditions: &[Condition<'_>], path: &FieldPath) -> bool {
    let is_about = |(known, _): &(&Path, Arc<Bounds>)| known.fields() == path;
    conditions.iter().any(|condition| condition.bounds.as_ref().is_some_and(is_about))
}

/// What the conditions say of a field, and which of them it then passes for certain. Conditions on
/// a field with several values may be passed by different ones, so that only one of them counts.
/// Those that compare strings in another order than the keys are in say nothing.
fn of_path(
    path: &FieldPath,
    conditions: &[Condition<'_>],
    single_valued: bool,
    collation: Option<&Arc<Collation>>,
) -> Option<(Arc<Bounds>, Vec<usize>)> {
    let mut all: Option<(Arc<Bounds>, Vec<usize>)> = None;
    let mut left = MAX_RANGES;
    for (at, condition) in conditions.iter().enumerate() {
        let Some((condition_path, bounds)) = &condition.bounds else { continue };
        if condition_path.fields() != path || !bounds.strings().fit(collation) {
            continue;
        }
        let decided = bounds.is_exact().then_some(at);
        all = Some(match all {
            None => (Arc::clone(bounds), decided.into_iter().collect()),
            Some((both, mut list)) if single_valued => {
                // What is left out is tested on each document.
                let ranges = both.ranges().len() + bounds.ranges().len();
                match left.checked_sub(ranges) {
                    Some(rest) => {
                        left = rest;
                        list.extend(decided);
                        (Arc::new(both.and(bounds)), list)
                    }
                    None => (both, list),
                }
            }
            Some((first, list)) => {
                if is_narrower(bounds, &first) {
                    (Arc::clone(bounds), decided.into_iter().collect())
                } else {
                    (first, list)
                }
            }
        });
    }
    all
}

/// A guess at which of two bounds lets less through.
fn is_narrower(one: &Bounds, other: &Bounds) -> bool {
    let rank = |bounds: &Bounds| (!bounds.is_points(), bounds.ranges().len());
    rank(one) < rank(other)
}

/// What the conditions say of an index's parts.
struct Parts {
    intervals: Vec<Interval>,
    decided: Vec<usize>,
    fixed: usize,
    bounded: Vec<(FieldPath, Arc<Bounds>)>,
}

impl Parts {
    /// Equality on leading parts, then ranges on the next one.
    fn bound(index: &IndexDef, conditions: &[Condition<'_>], single_valued: bool) -> Option<Self> {
        let mut prefixes = vec![Vec::new()];
        let mut found =
            Self { intervals: Vec::new(), decided: Vec::new(), fixed: 0, bounded: Vec::new() };
        for part in &index.parts {
            let Some((bounds, decided)) =
                of_path(&part.path, conditions, single_valued, index.order())
            else {
                break;
            };
            let count = prefixes.len().checked_mul(bounds.ranges().len().max(1))?;
            if count > MAX_INTERVALS {
                // What is bounded so far will do, if anything is.
                if found.bounded.is_empty() {
                    return None;
                }
                break;
            }
            if found.fixed == found.bounded.len() && bounds.single().is_some() {
                found.fixed += 1;
            }
            let points = bounds.is_points();
            let ranges = bounds.ranges().iter();
            let intervals = prefixes.iter().flat_map(|prefix| {
                ranges.clone().map(|range| interval(prefix, range, part.descending))
            });
            if points {
                prefixes = intervals.map(|interval| interval.from).collect();
            } else {
                found.intervals = intervals.collect();
            }
            found.decided.extend(decided);
            found.bounded.push((part.path.clone(), bounds));
            if !points {
                return Some(found);
            }
        }
        let whole = |prefix: Vec<u8>| Interval {
            to: if prefix.is_empty() {
                Some(vec![TAG_RESIDUAL])
            } else {
                successor_prefix(prefix.clone())
            },
            from: prefix,
        };
        found.intervals = prefixes.into_iter().map(whole).collect();
        Some(found)
    }

    /// Whether all parts of the index have one value each that no two documents share in a unique
    /// index: null they may.
    fn is_point(&self, index: &IndexDef) -> bool {
        self.fixed == index.parts.len() && self.bounded.iter().all(|(_, bounds)| !bounds.has_null())
    }

    /// Whether the conditions exclude documents that lack all fields of the index.
    fn exclude_missing(&self, index: &IndexDef, conditions: &[Condition<'_>]) -> bool {
        let exists = |condition: &Condition<'_>| match condition.filter {
            Filter::Path(test) if matches!(test.test, Test::Exists) => {
                index.parts.iter().any(|part| part.path == *test.path.fields())
            }
            _ => false,
        };
        self.bounded.iter().any(|(_, bounds)| !bounds.has_null()) || conditions.iter().any(exists)
    }

    /// Adds what an index that IndexedDB made has elsewhere.
    fn fit_indexed_db(&mut self, index: &IndexDef) -> std::result::Result<(), &'static str> {
        let ([part], [(_, bounds)]) = (index.parts.as_slice(), self.bounded.as_slice()) else {
            return Err("it holds IndexedDB's keys of several fields, or the filter bounds none");
        };
        if index.compound || is_made_up(&part.path) {
            return Err("it holds what is no field");
        }
        if bounds.has_scalars() {
            return Err("it holds neither null nor booleans");
        }
        if index.multi_entry {
            if bounds.has_arrays() {
                return Err("it holds the elements of arrays only");
            }
        } else {
            // An array is there as a whole only.
            let arrays = Interval { from: vec![TAG_ARRAY], to: Some(vec![TAG_ARRAY + 1]) };
            self.intervals.push(arrays);
        }
        Ok(())
    }
}

/// The entries that begin with `prefix` and then have a component of a range.
fn interval(prefix: &[u8], range: &bounds::Range, descending: bool) -> Interval {
    let join = |component: &[u8]| [prefix, component].concat();
    if !descending {
        return Interval { from: join(&range.from), to: Some(join(&range.to)) };
    }
    let inverted = |component: &[u8]| {
        let mut bytes = join(component);
        key::invert_from(&mut bytes, prefix.len());
        bytes
    };
    // Below the inverted `to` and all that begins with it, up to what begins with the inverted
    // `from`.
    if range.point {
        let from = inverted(&range.from);
        return Interval { to: successor_prefix(from.clone()), from };
    }
    let from = successor_prefix(inverted(&range.to)).unwrap_or_default();
    Interval { from, to: successor_prefix(inverted(&range.from)) }
}

/// Sorts intervals, joins those that meet, and leaves out empty ones.
fn merged(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|interval| !interval.is_empty());
    intervals.sort_by(|left, right| left.from.cmp(&right.from));
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match merged.last_mut() {
            Some(last) if last.to.as_ref().is_none_or(|to| interval.from <= *to) => {
                last.to = match (last.to.take(), interval.to) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    _ => None,
                };
            }
            _ => merged.push(interval),
        }
    }
    merged
}

/// About how many entries the intervals have.
fn estimate(view: View<'_, '_>, tree: Tree, intervals: &[Interval]) -> Result<u64> {
    let step = intervals.len().div_ceil(SAMPLED).max(1);
    let (mut entries, mut looked_at) = (0, 0);
    for interval in intervals.iter().step_by(step) {
        let to = interval.to.as_deref();
        entries += tree.estimate(
            view.txn(),
            &interval.from,
            to,
            match view {
                View::Snapshot(_) => u64::MAX,
                View::Write(_) => ENOUGH,
            },
        )?;
        looked_at += 1;
    }
    Ok(entries * intervals.len() as u64 / looked_at.max(1))
}
