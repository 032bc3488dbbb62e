//! From key ranges to intervals of a tree's keys.

use std::borrow::Cow;
use std::ops::Range;

use super::range::{Bound, KeyRange};
use crate::catalog::{IndexDef, Origin};
use crate::error::{Error, ErrorCode, Result};
use crate::key::{self, END, TAG_ARRAY, TAG_RESIDUAL, successor_prefix};

/// Keys of a tree from `from` on, below `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The least key that is inside.
    pub from: Vec<u8>,
    /// The least key above that is outside; `None`: there is none.
    pub to: Option<Vec<u8>>,
}

impl Interval {
    /// Whether no key can be inside.
    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }
}

/// Intervals that a walk has not come to its end in. They are disjoint and in the tree's order.
pub(crate) struct Left<'i> {
    all: Cow<'i, [Interval]>,
    left: Range<usize>,
    reverse: bool,
}

impl<'i> Left<'i> {
    /// All of them; from the last to the first, if `reverse`.
    pub(crate) fn new(all: impl Into<Cow<'i, [Interval]>>, reverse: bool) -> Self {
        let all = all.into();
        Self { left: 0..all.len(), all, reverse }
    }

    /// The one that the walk is in.
    #[inline]
    pub(crate) fn first(&self) -> Option<&Interval> {
        let left = self.all.get(self.left.clone())?;
        if self.reverse { left.last() } else { left.first() }
    }

    /// Goes on to the next one.
    pub(crate) fn pass(&mut self) {
        if self.reverse {
            self.left.end = self.left.end.saturating_sub(1).max(self.left.start);
        } else {
            self.left.start = self.left.end.min(self.left.start + 1);
        }
    }

    /// Passes those that lie before a key in the direction of the walk; before the first one is
    /// passed only.
    pub(crate) fn pass_to(&mut self, key: &[u8]) {
        if self.reverse {
            self.left.end = self.all.partition_point(|interval| *interval.from < *key);
        } else {
            let is_before =
                |interval: &Interval| interval.to.as_deref().is_some_and(|to| to <= key);
            self.left.start = self.all.partition_point(is_before);
        }
    }
}

/// The keys of a store's documents within a range.
pub fn store_interval(range: &KeyRange<'_>) -> Interval {
    let from = match range.lower {
        None => Vec::new(),
        Some(Bound { key, open: false }) => key.to_vec(),
        Some(Bound { key, open: true }) => after(key),
    };
    let to = match range.upper {
        None => None,
        Some(Bound { key, open: true }) => Some(key.to_vec()),
        Some(Bound { key, open: false }) => Some(after(key)),
    };
    Interval { from, to }
}

/// The least byte string above `key`.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// The keys of an index's entries within a range, without the residual class: disjoint intervals in
/// the order of the tree. More than one only if parts of a compound index differ in direction.
///
/// # Errors
/// `INVALID_KEY` if a bound is malformed.
pub fn index_intervals(index: &IndexDef, range: &KeyRange<'_>) -> Result<Vec<Interval>> {
    let Some(order) = index.order() else { return stored_intervals(index, range) };
    let collated = |bound: Option<Bound<'_>>| -> Result<Option<(Vec<u8>, bool)>> {
        let Some(Bound { key, open }) = bound else { return Ok(None) };
        let mut collated = Vec::new();
        order.push_key(key, &mut collated).map_err(|_| invalid_bound(index))?;
        Ok(Some((collated, open)))
    };
    let (lower, upper) = (collated(range.lower)?, collated(range.upper)?);
    stored_intervals(index, &KeyRange { lower: bound(&lower), upper: bound(&upper) })
}

fn bound(key: &Option<(Vec<u8>, bool)>) -> Option<Bound<'_>> {
    key.as_ref().map(|(key, open)| Bound { key, open: *open })
}

/// [`index_intervals`] of bounds in which strings are as in the index's entries.
fn stored_intervals(index: &IndexDef, range: &KeyRange<'_>) -> Result<Vec<Interval>> {
    if let [part] = index.parts.as_slice()
        && !index.compound
        && !part.descending
    {
        return plain_interval(index, range);
    }
    let exact = index.compound && index.origin == Origin::IndexedDb;
    let mut lower = range.lower;
    if exact {
        // All of the index's keys are arrays, which sort after everything else.
        lower = lower.filter(|bound| is_array(bound));
        if range.upper.is_some_and(|bound| !is_array(&bound)) {
            return Ok(Vec::new());
        }
    }
    let lower_components = lower.map(|bound| components(index, bound.key)).transpose()?;
    let upper_components = range.upper.map(|bound| components(index, bound.key)).transpose()?;
    let is_open = |bound: Option<Bound<'_>>| bound.is_some_and(|bound| bound.open);
    let mut builder = Builder { index, exact, intervals: Vec::new() };
    builder.add(
        &[],
        0,
        Side::new(lower_components.as_deref(), is_open(lower)),
        Side::new(upper_components.as_deref(), is_open(range.upper)),
    );
    Ok(builder.intervals)
}

/// [`stored_intervals`] of an ascending index of one part.
fn plain_interval(index: &IndexDef, range: &KeyRange<'_>) -> Result<Vec<Interval>> {
    for bound in [range.lower, range.upper].into_iter().flatten() {
        let checked = key::validate_component(bound.key, false);
        if !checked.is_ok_and(|len| len == bound.key.len()) {
            return Err(invalid_bound(index));
        }
    }
    // Every component has a successor, since no tag is 0xFF.
    let above = |key: &[u8]| successor_prefix(key.to_vec());
    let from = match range.lower {
        None => Vec::new(),
        Some(Bound { key, open: false }) => key.to_vec(),
        Some(Bound { key, open: true }) => above(key).unwrap_or_default(),
    };
    let to = match range.upper {
        None => above_all(&[]),
        Some(Bound { key, open: true }) => Some(key.to_vec()),
        Some(Bound { key, open: false }) => above(key),
    };
    let interval = Interval { from, to };
    Ok(if interval.is_empty() { Vec::new() } else { vec![interval] })
}

fn invalid_bound(index: &IndexDef) -> Error {
    Error::new(
        ErrorCode::InvalidKey,
        format!("a bound of a range over index {:?} is malformed", index.name),
    )
}

fn is_array(bound: &Bound<'_>) -> bool {
    bound.key.first() == Some(&TAG_ARRAY)
}

/// The components of a bound.
fn components<'a>(index: &IndexDef, bound: &'a [u8]) -> Result<Vec<&'a [u8]>> {
    let invalid = || invalid_bound(index);
    let mut rest = bound;
    let in_array = index.compound && rest.first() == Some(&TAG_ARRAY);
    if in_array {
        rest = rest.get(1..).unwrap_or_default();
    }
    let mut components = Vec::new();
    while !rest.is_empty() && rest != [END] {
        let len = key::validate_component(rest, false).map_err(|_| invalid())?;
        let (component, tail) = rest.split_at_checked(len).ok_or_else(invalid)?;
        components.push(component);
        rest = tail;
    }
    let one = components.len() == 1;
    let ended = if in_array { rest == [END] } else { rest.is_empty() && !components.is_empty() };
    if ended && (index.compound || one) { Ok(components) } else { Err(invalid()) }
}

/// What is left of a bound.
#[derive(Clone, Copy)]
struct Side<'a> {
    components: &'a [&'a [u8]],
    open: bool,
}

impl<'a> Side<'a> {
    fn new(components: Option<&'a [&'a [u8]]>, open: bool) -> Option<Self> {
        components.map(|components| Self { components, open })
    }

    fn has_ended(&self) -> bool {
        self.components.is_empty()
    }

    /// The next component, and what is left then.
    fn split(self) -> Option<(&'a [u8], Side<'a>)> {
        let (first, components) = self.components.split_first()?;
        Some((first, Side { components, ..self }))
    }
}

struct Builder<'i> {
    index: &'i IndexDef,
    /// Whether bounds compare as whole arrays.
    exact: bool,
    intervals: Vec<Interval>,
}

impl Builder<'_> {
    /// Adds the part of a range that begins with the components in `prefix`, as many as `depth`, as
    /// they are stored. The bounds are what remains of them after these components.
    fn add(
        &mut self,
        prefix: &[u8],
        depth: usize,
        lower: Option<Side<'_>>,
        upper: Option<Side<'_>>,
    ) {
        let Some(part) = self.index.parts.get(depth) else {
            // A bound of more elements is above; one of as many is equal.
            let below_lower = lower.is_some_and(|side| side.open || !side.has_ended());
            let above_upper = upper.is_some_and(|side| side.open && side.has_ended());
            if !below_lower && !above_upper {
                self.push(prefix.to_vec(), successor_prefix(prefix.to_vec()));
            }
            return;
        };
        // What begins with all elements of a bound is above it as an array, and equal to it as a
        // prefix.
        let below_lower = lower.is_some_and(|side| side.has_ended() && side.open && !self.exact);
        let above_upper = upper.is_some_and(|side| side.has_ended() && (side.open || self.exact));
        if below_lower || above_upper {
            return;
        }
        let (lower, upper) = (lower.and_then(Side::split), upper.and_then(Side::split));
        let stored = |component: &[u8]| stored(prefix, component, part.descending);
        if let (Some((low, low_rest)), Some((high, high_rest))) = (lower, upper) {
            if low == high {
                return self.add(&stored(low), depth + 1, Some(low_rest), Some(high_rest));
            }
            if low > high {
                return;
            }
        }
        // What begins with a bound's component lies at one end, the rest between.
        let low = lower.map(|(component, rest)| (stored(component), Some(rest), None));
        let high = upper.map(|(component, rest)| (stored(component), None, Some(rest)));
        let (first, last) = if part.descending { (high, low) } else { (low, high) };
        let from = match &first {
            Some((component, lower, upper)) => {
                self.add(component, depth + 1, *lower, *upper);
                successor_prefix(component.clone())
            }
            None => Some(prefix.to_vec()),
        };
        let to = match &last {
            Some((component, ..)) => Some(component.clone()),
            None => above_all(prefix),
        };
        // Every component has a successor, since no tag is 0xFF.
        self.push(from.unwrap_or_default(), to);
        if let Some((component, lower, upper)) = last {
            self.add(&component, depth + 1, lower, upper);
        }
    }

    fn push(&mut self, from: Vec<u8>, to: Option<Vec<u8>>) {
        if let Some(last) = self.intervals.last_mut()
            && last.to.as_ref() == Some(&from)
        {
            last.to = to;
            return;
        }
        let interval = Interval { from, to };
        if !interval.is_empty() {
            self.intervals.push(interval);
        }
    }
}

/// The end of everything that begins with `prefix`, the residual class excepted.
fn above_all(prefix: &[u8]) -> Option<Vec<u8>> {
    if prefix.is_empty() { Some(vec![TAG_RESIDUAL]) } else { successor_prefix(prefix.to_vec()) }
}

/// A component after others, as it is stored.
fn stored(prefix: &[u8], component: &[u8], descending: bool) -> Vec<u8> {
    let mut bytes = [prefix, component].concat();
    if descending {
        key::invert_from(&mut bytes, prefix.len());
    }
    bytes
}
