//! Groups and distinct values out of an index: how many entries each key has, or only which keys
//! there are.
//!
//! Used where each document has one entry, and no document has to be looked at but those whose
//! values a key does not tell: numbers (1 and 1n are one key), binary data, and null where a
//! missing field is something else. Of a group's documents the one with the least primary key gives
//! its value, as it does when documents are read in their order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::explain;
use super::group_shape::{Group, STEPS, Shape, arrive, inside};
use super::plan::Plan;
use super::request::Query;
use super::rows::Out;
use super::running::{Chunk, SLICE};
use crate::catalog::{IndexDef, StoreDef};
use crate::error::{Error, ErrorCode, Result};
use crate::key::successor_prefix;
use crate::query::aggregate::{Examined, Grouping, StageReport, Work};
use crate::storage::tree::{Lookups, TreeCursor};
use crate::store::StoreShared;
use crate::store::entry::{documents, split};
use crate::store::read::{Interval, Response, View, find_each};
use crate::value::{ShapeTable, Value};

/// After so many entries a piece ends, also in the middle of a group.
const MAX_ENTRIES: u64 = 50_000;

/// Groups that are read from an index. Between two pieces it holds nothing of a transaction.
pub struct KeyGroups {
    store: Arc<StoreDef>,
    query: Query,
    plan: Plan,
    grouping: Grouping,
    shape: Shape,
    interval: Interval,
    /// The group that was read last.
    last: Option<Vec<u8>>,
    /// The one that is being read.
    open: Option<Open>,
    rows: std::collections::VecDeque<Vec<u8>>,
    /// Groups whose document is still to be looked up.
    waiting: Vec<Waiting>,
    shapes: Arc<ShapeTable>,
    examined: Examined,
    groups: u64,
    ended: bool,
    started: Instant,
    elapsed: Duration,
}

/// A row, as soon as those before it are there.
enum Waiting {
    Row(Vec<u8>),
    /// A group of so many documents, whose value is that of one of them.
    Document(Vec<u8>, u64),
}

/// A group that is being read.
struct Open {
    group: Group,
    count: u64,
    /// The least primary key, if its document is to be looked up.
    least: Option<Vec<u8>>,
    /// The groups that the key does not tell apart.
    mixed: Vec<Mixed>,
    /// The entry to go on with.
    at: Vec<u8>,
}

/// What tells a document's group apart, and the group; `None`: it has none.
type Found = Option<(Vec<u8>, Value)>;

/// A group among those that a key does not tell apart.
struct Mixed {
    order: Vec<u8>,
    value: Value,
    count: u64,
    primary_key: Vec<u8>,
}

impl KeyGroups {
    /// Before the first group. The plan is a walk over one interval of an index.
    pub fn new(
        (store, shapes): (&Arc<StoreDef>, Arc<ShapeTable>),
        (query, mut plan): (Query, Plan),
        (grouping, shape): (Grouping, Shape),
    ) -> Result<Self> {
        plan.candidates.truncate(explain::MAX_CANDIDATES);
        let one = plan.accesses.first().and_then(|access| access.intervals.first());
        let interval = one.ok_or_else(|| Error::corrupt("groups have no walk"))?;
        Ok(Self {
            interval: Interval { from: interval.from.clone(), to: interval.to.clone() },
            store: Arc::clone(store),
            query,
            plan,
            grouping,
            shape,
            last: None,
            open: None,
            rows: std::collections::VecDeque::new(),
            waiting: Vec::new(),
            shapes,
            examined: Examined::default(),
            groups: 0,
            ended: false,
            started: Instant::now(),
            elapsed: Duration::ZERO,
        })
    }

    /// Writes the next rows: how many, and whether none is left.
    ///
    /// # Errors
    /// `CORRUPT`, `ABORTED`.
    pub fn next(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        chunk: &Chunk<'_>,
        response: &mut Response<'_>,
    ) -> Result<(u32, bool)> {
        let mut out = Out::new(chunk, response);
        let entries = self.plan.accesses.first().map_or(0, |access| access.entries);
        if chunk.budget != 0 && entries > u64::from(chunk.budget) {
            return Ok((0, false));
        }
        let deadline = Instant::now() + SLICE;
        let mut left = MAX_ENTRIES;
        let goes_on = |left| left > 0 && Instant::now() < deadline;
        while !self.ended && self.rows.len() < chunk.rows as usize && goes_on(left) {
            if chunk.cancelled.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorCode::Aborted, "the query was ended"));
            }
            self.read(view, shared, &mut left)?;
        }
        while let Some(row) = self.rows.front() {
            if !out.fits(row.len() + 4, response) {
                break;
            }
            response.push_sized(row);
            out.count += 1;
            self.groups += 1;
            self.rows.pop_front();
        }
        self.elapsed = self.started.elapsed();
        Ok((out.count, self.ended && self.rows.is_empty()))
    }

    /// Reads some groups.
    fn read(&mut self, view: View<'_, '_>, shared: &StoreShared, left: &mut u64) -> Result<()> {
        let Some(access) = self.plan.accesses.first() else { return Ok(()) };
        let Some(index) = access.index.clone() else { return Ok(()) };
        let mut cursor = access.tree.cursor(view.txn())?;
        let mut open = self.open.take();
        match (&open, &self.last) {
            (Some(open), _) => {
                cursor.seek(&open.at)?;
            }
            (None, None) => arrive(&mut cursor, &self.interval, self.shape.backwards)?,
            (None, Some(last)) => leave(&mut cursor, last, self.shape.backwards)?,
        }
        let missing_apart = self.grouping.tells_missing_apart();
        for _ in 0..Lookups::MAX {
            let mut group = match open.take() {
                Some(group) => group,
                None => {
                    let Some(entry) = inside(&cursor, &self.interval) else {
                        self.ended = true;
                        break;
                    };
                    let group = self.shape.group(&index, entry)?;
                    if self.shape.backwards {
                        cursor.seek(group.prefix.as_slice().max(&self.interval.from))?;
                    }
                    Open { group, count: 0, least: None, mixed: Vec::new(), at: Vec::new() }
                }
            };
            let is_whole = if group.group.is_mixed(&self.shape, missing_apart) {
                self.flush(view, shared)?;
                self.read_mixed((view, shared), &index, &mut cursor, &mut group, left)?
            } else {
                self.read_group(&index, &mut cursor, &mut group, left)?
            };
            if !is_whole {
                self.open = Some(group);
                break;
            }
            if self.shape.backwards {
                leave(&mut cursor, &group.group.prefix, true)?;
            }
            self.last = Some(group.group.prefix);
        }
        self.flush(view, shared)
    }

    /// Reads a group; the cursor is at its next entry, and then behind it. False if it is not read
    /// to its end.
    fn read_group(
        &mut self,
        index: &IndexDef,
        cursor: &mut TreeCursor<'_>,
        open: &mut Open,
        left: &mut u64,
    ) -> Result<bool> {
        let Open { group, count, least, at, .. } = open;
        let values = group.values(&self.shape, self.grouping.tells_missing_apart());
        let least_first = self.shape.parts == index.parts.len();
        let only_keys = self.grouping.only_keys();
        while let Some(entry) = inside(cursor, &self.interval) {
            if !entry.starts_with(&group.prefix) {
                break;
            }
            if *left == 0 {
                at.clear();
                at.extend_from_slice(entry);
                return Ok(false);
            }
            if values.is_none() && (least.is_none() || !least_first) {
                let (_, primary_key) = split(index, entry)?;
                if least.as_deref().is_none_or(|least| primary_key < least) {
                    *least = Some(primary_key.to_vec());
                }
            }
            *count += 1;
            *left -= 1;
            self.examined.keys += 1;
            // Others may have a lesser primary key, unless entries are in its order.
            let is_known = values.is_some() || least_first;
            if only_keys && is_known && *count >= STEPS {
                leave(cursor, &group.prefix, false)?;
                break;
            }
            cursor.next()?;
        }
        self.waiting.push(match (values, least.take()) {
            (Some(values), _) => {
                Waiting::Row(self.grouping.row(self.grouping.of_values(values), *count)?)
            }
            (None, Some(primary_key)) => Waiting::Document(primary_key, *count),
            (None, None) => return Ok(true),
        });
        Ok(true)
    }

    /// Makes rows of what waits.
    fn flush(&mut self, view: View<'_, '_>, shared: &StoreShared) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let keys: Vec<&[u8]> = waiting
            .iter()
            .filter_map(|waiting| match waiting {
                Waiting::Document(primary_key, _) => Some(primary_key.as_slice()),
                Waiting::Row(_) => None,
            })
            .collect();
        let mut found = self.look_up(view, shared, &keys)?.into_iter();
        for waiting in waiting {
            let row = match waiting {
                Waiting::Row(row) => row,
                Waiting::Document(_, count) => match found.next().flatten() {
                    Some((_, value)) => self.grouping.row(value, count)?,
                    None => continue,
                },
            };
            self.rows.push_back(row);
        }
        Ok(())
    }

    /// The groups of documents; no more than can be looked up together.
    fn look_up(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        keys: &[&[u8]],
    ) -> Result<Vec<Found>> {
        let mut lookups = Lookups::new(documents(self.store.tree));
        for key in keys {
            lookups.push(key);
        }
        let mut found = Vec::with_capacity(keys.len());
        let mut scratch = Vec::new();
        find_each(view.txn(), &self.store, &lookups, |_, payload| {
            let payload = payload.ok_or_else(|| {
                Error::corrupt("an index has an entry for a document that is not there")
            })?;
            scratch.clear();
            payload.append_to(&mut scratch)?;
            let group = self.grouping.of_document(&scratch, &self.shapes, self.query.now);
            found.push(match group {
                // Its shape may be younger than those that are known.
                Err(error) if error.code() == ErrorCode::Corrupt => {
                    self.shapes = shared.shapes_of(view, self.store.id, true)?;
                    self.grouping.of_document(&scratch, &self.shapes, self.query.now)?
                }
                group => group?,
            });
            Ok(true)
        })?;
        self.examined.docs += keys.len() as u64;
        Ok(found)
    }

    /// Reads the documents of a key to tell null from missing fields; the cursor is at its next
    /// entry, and then behind it. False if it is not read to its end.
    fn read_mixed(
        &mut self,
        (view, shared): (View<'_, '_>, &StoreShared),
        index: &IndexDef,
        cursor: &mut TreeCursor<'_>,
        open: &mut Open,
        left: &mut u64,
    ) -> Result<bool> {
        let Open { group, mixed, at, .. } = open;
        loop {
            let mut keys: Vec<Vec<u8>> = Vec::new();
            while keys.len() < Lookups::MAX {
                let entry = inside(cursor, &self.interval);
                let Some(entry) = entry.filter(|entry| entry.starts_with(&group.prefix)) else {
                    break;
                };
                keys.push(split(index, entry)?.1.to_vec());
                self.examined.keys += 1;
                cursor.next()?;
            }
            if keys.is_empty() {
                break;
            }
            let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let found = self.look_up(view, shared, &borrowed)?;
            *left = left.saturating_sub(keys.len() as u64);
            for (primary_key, found) in keys.into_iter().zip(found) {
                let Some((order, value)) = found else { continue };
                match mixed.iter_mut().find(|known| known.order == order) {
                    None => mixed.push(Mixed { order, value, count: 1, primary_key }),
                    Some(known) => {
                        known.count += 1;
                        if primary_key < known.primary_key {
                            *known = Mixed { order, value, count: known.count, primary_key };
                        }
                    }
                }
            }
            if self.grouping.is_distinct() && !mixed.is_empty() {
                leave(cursor, &group.prefix, false)?;
                break;
            }
            if *left == 0
                && let Some(entry) = inside(cursor, &self.interval)
            {
                at.clear();
                at.extend_from_slice(entry);
                return Ok(false);
            }
        }
        for group in mixed.drain(..) {
            self.rows.push_back(self.grouping.row(group.value, group.count)?);
        }
        Ok(true)
    }

    /// What has been looked at.
    pub fn examined(&self) -> Examined {
        self.examined
    }

    /// The plan and what has come of it.
    pub fn explanation(&self) -> Json {
        let outcome = explain::Outcome {
            returned: self.groups,
            examined: self.examined,
            sorted: None,
            elapsed: self.elapsed,
        };
        explain::query(&self.query, &self.plan, None, &outcome)
    }

    /// What the stage did whose place the groups take.
    pub fn report(&self) -> StageReport {
        let method = if self.grouping.only_keys() { "index skip scan" } else { "index keys" };
        StageReport {
            name: self.grouping.stage(),
            rows_in: self.examined.keys,
            rows_out: self.groups,
            memory: 0,
            work: Work { method: Some(method), ..Work::default() },
        }
    }

    /// What the plan is called.
    pub fn plan_name(&self) -> String {
        self.plan.name()
    }
}

/// Goes on behind all entries of a key, or before them.
fn leave(cursor: &mut TreeCursor<'_>, prefix: &[u8], backwards: bool) -> Result<()> {
    if backwards {
        cursor.seek_before(prefix)?;
        return Ok(());
    }
    match successor_prefix(prefix.to_vec()) {
        Some(behind) => cursor.seek(&behind)?,
        // Nothing is behind it.
        None => {
            cursor.last()?;
            cursor.next()?
        }
    };
    Ok(())
}
