//! What the order of an index says of groups of documents.

use std::sync::Arc;

use super::access::Access;
use crate::catalog::IndexDef;
use crate::error::Result;
use crate::key::{self, Key};
use crate::query::aggregate::Grouping;
use crate::storage::tree::TreeCursor;
use crate::store::read::{Interval, View};
use crate::value::{FieldPath, Value};

/// How a walk over an index groups documents.
#[derive(Debug, Clone)]
pub enum Grouped {
    /// Its entries tell all that is wanted.
    Keys(Shape),
    /// It meets the documents of a group one after another.
    Stream,
}

/// An entry that comes so soon after another is stepped to; then the next key is searched for.
pub const STEPS: u64 = 8;

/// How entries are made of groups.
#[derive(Debug, Clone)]
pub struct Shape {
    /// How many leading parts of the index make a group.
    pub parts: usize,
    /// The place of each field of the group among them.
    pub places: Vec<usize>,
    /// Whether keys are met from the last to the first.
    pub backwards: bool,
}

/// A key that entries begin with, taken apart.
pub struct Group {
    /// Its bytes.
    pub prefix: Vec<u8>,
    keys: Vec<Key>,
}

impl Shape {
    /// How an index groups by fields; `None` if it has the documents of a group in several places.
    pub fn of(access: &Access, grouping: &Grouping) -> Option<Self> {
        // Sort keys are no values, and may be those of several.
        let fits = |index: &&Arc<IndexDef>| access.ordered && index.collation.is_none();
        let index = access.index.as_ref().filter(fits)?;
        let place = |path: &FieldPath| index.parts.iter().position(|part| part.path == *path);
        let places: Vec<usize> = grouping.paths.iter().map(place).collect::<Option<_>>()?;
        let parts = places.iter().max()? + 1;
        let covers = (access.fixed..parts).all(|part| places.contains(&part));
        if !covers || access.intervals.len() != 1 {
            return None;
        }
        let inverted = match places.as_slice() {
            [place] => index.parts.get(*place).is_some_and(|part| part.descending),
            _ => false,
        };
        let backwards = grouping.order.is_some_and(|descending| descending != inverted);
        Some(Self { parts, places, backwards })
    }

    /// The group of an entry.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn group(&self, index: &IndexDef, entry: &[u8]) -> Result<Group> {
        let (mut len, mut keys) = (0, Vec::with_capacity(self.parts));
        for part in index.parts.iter().take(self.parts) {
            let rest = entry.get(len..).unwrap_or_default();
            let (key, taken) = key::decode_component(rest, part.descending)?;
            keys.push(key);
            len += taken;
        }
        Ok(Group { prefix: entry.get(..len).unwrap_or_default().to_vec(), keys })
    }
}

impl Group {
    /// The values of the fields, if the key tells them.
    pub fn values(&self, shape: &Shape, missing_apart: bool) -> Option<Vec<Value>> {
        let value = |place: &usize| match self.keys.get(*place)? {
            Key::Null if !missing_apart => Some(Value::Null),
            Key::Bool(value) => Some(Value::Bool(*value)),
            Key::Date(time) => Some(Value::Date(*time)),
            Key::String(text) => Some(Value::String(text.clone())),
            _ => None,
        };
        shape.places.iter().map(value).collect()
    }

    /// Whether the documents may be of several groups, or of none.
    pub fn is_mixed(&self, shape: &Shape, missing_apart: bool) -> bool {
        missing_apart
            && shape.places.iter().any(|place| matches!(self.keys.get(*place), Some(Key::Null)))
    }
}

/// What part of a sample's entries begin a group, and how many documents have to be looked up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sampled {
    entries: f64,
    groups: f64,
    lookups: f64,
}

impl Sampled {
    /// About how many groups an index has.
    pub fn groups(self, entries: f64) -> f64 {
        self.groups / self.entries.max(1.0) * entries
    }

    /// About how many documents have to be looked up.
    pub fn lookups(self, entries: f64) -> f64 {
        self.lookups / self.entries.max(1.0) * entries
    }
}

/// How many entries are looked at, at each end of an interval, to guess how many groups there are:
/// a tenth of all entries in all, a few at least.
pub fn sample_size(entries: u64) -> usize {
    usize::try_from(entries / 20).unwrap_or(usize::MAX).clamp(8, 500)
}

/// Looks at the first and the last entries.
///
/// # Errors
/// `CORRUPT`.
pub fn sample(
    view: View<'_, '_>,
    access: &Access,
    grouping: &Grouping,
    shape: &Shape,
) -> Result<Sampled> {
    let mut sampled = Sampled::default();
    let (Some(index), [interval]) = (&access.index, access.intervals.as_slice()) else {
        return Ok(sampled);
    };
    let missing_apart = grouping.tells_missing_apart();
    for backwards in [false, true] {
        let mut cursor = access.tree.cursor(view.txn())?;
        arrive(&mut cursor, interval, backwards)?;
        let mut group: Option<Group> = None;
        for _ in 0..sample_size(access.entries) {
            // If there are no more, all have been looked at.
            let Some(entry) = inside(&cursor, interval) else { return Ok(sampled) };
            if !group.as_ref().is_some_and(|group| entry.starts_with(&group.prefix)) {
                let next = shape.group(index, entry)?;
                sampled.groups += 1.0;
                let needs = next.values(shape, missing_apart).is_none();
                sampled.lookups += f64::from(u8::from(needs));
                group = Some(next);
            } else if group.as_ref().is_some_and(|group| group.is_mixed(shape, missing_apart)) {
                sampled.lookups += 1.0;
            }
            sampled.entries += 1.0;
            if backwards {
                cursor.prev()?
            } else {
                cursor.next()?
            };
        }
    }
    Ok(sampled)
}

/// Goes to the first entry of an interval that is met.
pub fn arrive(cursor: &mut TreeCursor<'_>, interval: &Interval, backwards: bool) -> Result<()> {
    match (&interval.to, backwards) {
        (_, false) => cursor.seek(&interval.from)?,
        (Some(to), true) => cursor.seek_before(to)?,
        (None, true) => cursor.last()?,
    };
    Ok(())
}

/// The entry that the cursor is at, if it is inside of the interval.
pub fn inside<'c>(cursor: &'c TreeCursor<'_>, interval: &Interval) -> Option<&'c [u8]> {
    let key = cursor.entry()?.key;
    let is_inside =
        key >= interval.from.as_slice() && interval.to.as_deref().is_none_or(|to| key < to);
    is_inside.then_some(key)
}
