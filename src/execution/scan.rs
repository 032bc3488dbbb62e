//! Walking over what a plan says, in pieces that can be resumed.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::access::Access;
use super::groups::GroupWalk;
use crate::catalog::StoreDef;
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Filter, Meter};
use crate::storage::envelope::Payload;
use crate::storage::tree::{Entry, Lookups};
use crate::store::entry::{self, documents};
use crate::store::read::{View, Walk, find_each, in_document};

/// What may be done before a piece ends.
pub struct Budget<'c> {
    /// Entries and documents that may still be looked at.
    pub steps: u64,
    /// When to stop.
    pub deadline: Option<Instant>,
    /// Set when nobody waits for the rest.
    pub cancelled: &'c AtomicBool,
    /// Counts what expressions do, which are steps, too.
    pub meter: Meter,
}

/// Bytes of a document that count as one step more.
const BYTES_PER_STEP: usize = 8 << 10;
/// Vectors that a document is compared with that count as one step more.
const TARGETS_PER_STEP: usize = 16;
/// Tests of a filter that count as one step more.
const TESTS_PER_STEP: usize = 16;

/// As many documents are looked up together at first, before it is known what is done with them.
const MIN_TOGETHER: usize = 4;
/// More steps than that for a document are many.
const DEAR: u64 = 16;

/// The most memory that primary keys take which are kept, in bytes.
const MAX_KEPT: usize = 512 << 20;
/// What a key that is kept takes besides its bytes.
const BYTES_PER_KEY: usize = 48;

/// As many steps are taken before the clock is looked at.
pub(super) const STEPS_BETWEEN_LOOKS: u64 = 256;

impl Budget<'_> {
    /// Whether there is anything left, after so many steps.
    pub fn spend(&mut self, steps: u64) -> Result<bool> {
        let before = self.steps;
        self.steps = before.saturating_sub(steps).saturating_sub(self.meter.take_steps());
        if before / STEPS_BETWEEN_LOOKS != self.steps / STEPS_BETWEEN_LOOKS {
            ended_if(self.cancelled)?;
            if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.steps = 0;
            }
        }
        Ok(self.steps > 0)
    }
}

/// # Errors
/// `ABORTED` if nobody waits for the rest.
pub fn ended_if(cancelled: &AtomicBool) -> Result<()> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorCode::Aborted, "the query was ended"));
    }
    Ok(())
}

/// Something that a walk has met.
pub struct Found<'f> {
    /// The document's primary key.
    pub key: &'f [u8],
    /// The document, if documents are wanted.
    pub document: Option<&'f [u8]>,
    /// Counts the work of expressions.
    pub meter: &'f Meter,
}

/// What becomes of the walk after something was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    Next,
    /// It ends for good.
    Stop,
    /// It is interrupted, and what was met is met again when it goes on.
    Full,
}

/// How far the walks of a plan have come.
#[derive(Debug)]
pub struct Scan {
    /// Those that are left, the next one last.
    accesses: Vec<Arc<Access>>,
    backwards: bool,
    /// Whether documents that are equal in the order of an index are met in the order opposite to
    /// the walk's.
    opposite: bool,
    /// The entry that was met last in the present walk.
    last: Option<Vec<u8>>,
    /// The primary keys that were met, if they may be met again.
    seen: Option<HashSet<Box<[u8]>>>,
    /// Bytes of the primary keys that were kept.
    kept: usize,
    /// What has to meet a document, too.
    also: Option<Also>,
    /// How many steps it takes to look at a short document.
    weight: u64,
    /// How many documents of an index are looked up together.
    together: usize,
    /// Entries of indexes that were passed.
    pub examined_keys: u64,
    /// Documents that were looked at.
    pub examined_docs: u64,
}

/// A walk whose primary keys are collected before the others begin; only they count.
#[derive(Debug)]
struct Also {
    access: Arc<Access>,
    keys: HashSet<Box<[u8]>>,
    last: Option<Vec<u8>>,
    complete: bool,
}

/// The index walk whose entries a scan reads.
enum Entries<'t> {
    Plain(Walk<'t>),
    Groups(GroupWalk<'t>),
}

impl Entries<'_> {
    #[inline]
    fn next(&mut self) -> Result<Option<Entry<'_>>> {
        match self {
            Self::Plain(walk) => walk.next(),
            Self::Groups(walk) => walk.next(),
        }
    }
}

impl Scan {
    /// Before the first entry.
    pub fn new(mut accesses: Vec<Arc<Access>>, backwards: bool, opposite: bool) -> Self {
        let repeats = accesses.len() > 1 || accesses.iter().any(|access| access.repeats);
        accesses.reverse();
        Self {
            accesses,
            backwards,
            opposite,
            last: None,
            seen: repeats.then(HashSet::new),
            kept: 0,
            also: None,
            weight: 1,
            together: MIN_TOGETHER,
            examined_keys: 0,
            examined_docs: 0,
        }
    }

    /// Leaves out what another walk over an index does not meet.
    pub fn only_if_also(&mut self, access: Arc<Access>) {
        self.also = Some(Also { access, keys: HashSet::new(), last: None, complete: false });
    }

    /// Lets documents count as more steps if a filter of many tests is tried on each.
    pub fn weigh(&mut self, filter: &Filter) {
        self.weight += (filter.tests() / TESTS_PER_STEP) as u64;
    }

    /// Lets documents count as more steps if each is compared with many vectors.
    pub fn compare(&mut self, targets: usize) {
        self.weight += (targets / TARGETS_PER_STEP) as u64;
    }

    /// Goes on after an entry, which need not be there.
    pub fn resume_after(&mut self, entry: Vec<u8>) {
        self.last = Some(entry);
    }

    /// Meets what is next, until `visit` or the budget says otherwise; tells whether the walk has
    /// ended. `enough` is how many documents are wanted, if all that are met are.
    ///
    /// # Errors
    /// `CORRUPT`, naming store, index and key; `ABORTED`; those of `visit`.
    pub fn run(
        &mut self,
        view: View<'_, '_>,
        store: &StoreDef,
        (wants_documents, enough): (bool, u64),
        budget: &mut Budget<'_>,
        mut visit: impl FnMut(&Found<'_>) -> Result<Flow>,
    ) -> Result<bool> {
        if !self.collect_also(view, budget)? {
            return Ok(false);
        }
        while let Some(access) = self.accesses.pop() {
            let flow = match access.is_of_documents() {
                true => self.walk_store(view, store, &access, budget, &mut visit),
                false => {
                    let want = (wants_documents, enough);
                    self.walk_index(view, store, &access, want, budget, &mut visit)
                }
            };
            match flow? {
                Flow::Next => self.last = None,
                Flow::Stop => {
                    self.accesses.clear();
                    return Ok(true);
                }
                Flow::Full => {
                    self.accesses.push(access);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn entries<'t>(&self, view: View<'t, '_>, access: &'t Access) -> Result<Entries<'t>> {
        if self.opposite
            && let Some(index) = &access.index
        {
            let (tree, intervals) = (access.tree, &access.intervals);
            let walk = GroupWalk::new(view.txn(), tree, index, intervals, self.backwards)?;
            return Ok(Entries::Groups(walk.resumed(self.last.as_deref())?));
        }
        self.walk(view, access).map(Entries::Plain)
    }

    fn walk<'t>(&self, view: View<'t, '_>, access: &'t Access) -> Result<Walk<'t>> {
        let intervals = access.intervals.as_slice();
        let mut walk = Walk::new(view.txn(), access.tree, intervals, self.backwards)?;
        if let Some(last) = &self.last {
            walk.begin_at(if self.backwards { last.clone() } else { [last, &[0][..]].concat() });
        }
        Ok(walk)
    }

    /// Collects the keys of the other walk; false if that is to go on later.
    fn collect_also(&mut self, view: View<'_, '_>, budget: &mut Budget<'_>) -> Result<bool> {
        let Some(also) = self.also.as_mut().filter(|also| !also.complete) else { return Ok(true) };
        let Some(index) = also.access.index.as_deref() else { return Ok(true) };
        let intervals = also.access.intervals.as_slice();
        let mut walk = Walk::new(view.txn(), also.access.tree, intervals, false)?;
        if let Some(last) = also.last.take() {
            walk.begin_at([&last, &[0][..]].concat());
        }
        while let Some(found) = walk.next()? {
            self.examined_keys += 1;
            let key = entry::split(index, found.key)?.1;
            if also.keys.insert(key.into()) {
                keep(&mut self.kept, key)?;
            }
            if !budget.spend(1)? {
                also.last = Some(found.key.to_vec());
                return Ok(false);
            }
        }
        also.complete = true;
        Ok(true)
    }

    /// Whether a document has been met, or is not met by the other walk.
    fn is_out(&self, key: &[u8]) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.contains(key))
            || self.also.as_ref().is_some_and(|also| !also.keys.contains(key))
    }

    /// How many steps it takes to look at a document.
    fn steps_of(&self, document: &[u8]) -> u64 {
        self.weight.saturating_add((document.len() / BYTES_PER_STEP) as u64)
    }

    /// Goes on behind an entry that does not count.
    fn passed_by(&mut self, entry: &[u8]) {
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(entry);
    }

    fn passed(&mut self, entry: &[u8], key: &[u8]) -> Result<()> {
        self.passed_by(entry);
        if let Some(seen) = &mut self.seen
            && seen.insert(key.into())
        {
            keep(&mut self.kept, key)?;
        }
        Ok(())
    }

    fn walk_store(
        &mut self,
        view: View<'_, '_>,
        store: &StoreDef,
        access: &Access,
        budget: &mut Budget<'_>,
        visit: &mut impl FnMut(&Found<'_>) -> Result<Flow>,
    ) -> Result<Flow> {
        let walk = self.walk(view, access)?;
        let mut scratch = Vec::new();
        let mut end = Flow::Next;
        walk.visit(|found| {
            if self.is_out(found.key) {
                if !budget.spend(1)? {
                    self.passed_by(found.key);
                    end = Flow::Full;
                }
                return Ok(end == Flow::Next);
            }
            let damaged = |error| in_document(error, store, found.key);
            let payload = Payload::read(view.txn(), found.raw, found.value).map_err(damaged)?;
            let document = payload.bytes(&mut scratch).map_err(damaged)?;
            self.examined_docs += 1;
            let steps = self.steps_of(document);
            let meter = &budget.meter;
            end = visit(&Found { key: found.key, document: Some(document), meter })?;
            if end != Flow::Full {
                self.passed(found.key, found.key)?;
            }
            if end == Flow::Next && !budget.spend(steps)? {
                end = Flow::Full;
            }
            Ok(end == Flow::Next)
        })?;
        Ok(end)
    }

    fn walk_index(
        &mut self,
        view: View<'_, '_>,
        store: &StoreDef,
        access: &Access,
        (wants_documents, enough): (bool, u64),
        budget: &mut Budget<'_>,
        visit: &mut impl FnMut(&Found<'_>) -> Result<Flow>,
    ) -> Result<Flow> {
        let mut entries = self.entries(view, access)?;
        let mut group = Group::new(documents(store.tree));
        let mut left = enough;
        loop {
            group.clear();
            let size = left.clamp(1, self.together as u64) as usize;
            let mut more = true;
            let mut out = 0;
            while more && group.lookups.len() < size && out < STEPS_BETWEEN_LOOKS {
                match entries.next()? {
                    None => more = false,
                    Some(found) => {
                        self.examined_keys += 1;
                        let key = access.primary_key_in(found.key)?;
                        if self.is_out(key) {
                            out += 1;
                            group.passed_by(found.key);
                        } else {
                            group.push(found.key, key);
                        }
                    }
                }
            }
            let meter = &budget.meter;
            let visited = self.visit_group(view, store, &group, (wants_documents, meter), visit)?;
            let (flow, steps) = (visited.0, visited.1.saturating_add(meter.take_steps()));
            self.adapt(&group, steps);
            if flow != Flow::Next {
                return Ok(flow);
            }
            if !more {
                return Ok(Flow::Next);
            }
            if !group.passed_by.is_empty() {
                self.passed_by(&group.passed_by);
            }
            left = left.saturating_sub(group.lookups.len() as u64);
            if !budget.spend(steps + out)? {
                return Ok(Flow::Full);
            }
        }
    }

    /// Looks more documents up together next time, or less if each of them takes long: in between
    /// others may want their turn.
    fn adapt(&mut self, group: &Group, steps: u64) {
        self.together = match steps > DEAR * group.lookups.len() as u64 {
            true => (self.together / 4).max(1),
            false => (self.together * 2).min(Lookups::MAX),
        };
    }

    fn visit_group(
        &mut self,
        view: View<'_, '_>,
        store: &StoreDef,
        group: &Group,
        (wants_documents, meter): (bool, &Meter),
        visit: &mut impl FnMut(&Found<'_>) -> Result<Flow>,
    ) -> Result<(Flow, u64)> {
        let mut flow = Flow::Next;
        if !wants_documents {
            for at in 0..group.lookups.len() {
                let key = group.lookups.key(at);
                if self.is_out(key) {
                    continue;
                }
                flow = visit(&Found { key, document: None, meter })?;
                if flow == Flow::Full {
                    break;
                }
                self.passed(group.entry(at), key)?;
                if flow == Flow::Stop {
                    break;
                }
            }
            return Ok((flow, group.lookups.len() as u64));
        }
        let mut steps = 0_u64;
        let mut scratch = Vec::new();
        let mut failure = None;
        find_each(view.txn(), store, &group.lookups, |at, payload| {
            let key = group.lookups.key(at);
            if self.is_out(key) {
                return Ok(true);
            }
            let payload = payload.ok_or_else(|| {
                Error::corrupt("an index has an entry for a document that is not there")
            })?;
            scratch.clear();
            payload.append_to(&mut scratch)?;
            self.examined_docs += 1;
            steps = steps.saturating_add(self.steps_of(&scratch));
            match visit(&Found { key, document: Some(&scratch), meter }) {
                Ok(next) => flow = next,
                // It need not be the document's fault.
                Err(error) => {
                    failure = Some(error);
                    return Ok(false);
                }
            }
            if flow != Flow::Full
                && let Err(error) = self.passed(group.entry(at), key)
            {
                failure = Some(error);
                return Ok(false);
            }
            Ok(flow == Flow::Next)
        })?;
        match failure {
            Some(error) => Err(error),
            None => Ok((flow, steps)),
        }
    }
}

/// Counts a primary key that is kept.
///
/// # Errors
/// `RESOURCE_LIMIT` if they take too much memory.
pub(super) fn keep(kept: &mut usize, key: &[u8]) -> Result<()> {
    *kept += key.len() + BYTES_PER_KEY;
    if *kept > MAX_KEPT {
        return Err(Error::new(
            ErrorCode::ResourceLimit,
            "the query keeps more than 512 MiB of keys, since its indexes may meet a document \
             more than once; narrow the filter, or name another index in `hint`",
        ));
    }
    Ok(())
}

/// Entries whose documents are looked up together.
struct Group {
    lookups: Lookups,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The entry behind all of them that was met and does not count; empty if there is none.
    passed_by: Vec<u8>,
}

impl Group {
    fn new(tree: crate::storage::Tree) -> Self {
        let lookups = Lookups::new(tree);
        Self { lookups, bytes: Vec::new(), ends: Vec::new(), passed_by: Vec::new() }
    }

    fn clear(&mut self) {
        self.passed_by.clear();
        self.lookups.clear();
        self.bytes.clear();
        self.ends.clear();
    }

    fn passed_by(&mut self, entry: &[u8]) {
        self.passed_by.clear();
        self.passed_by.extend_from_slice(entry);
    }

    fn push(&mut self, entry: &[u8], key: &[u8]) {
        self.passed_by.clear();
        self.lookups.push(key);
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len());
    }

    fn entry(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.bytes.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}
