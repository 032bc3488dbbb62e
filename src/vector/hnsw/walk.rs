//! Walking through a graph towards a vector.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::nodes::{Nodes, no_memory};
use super::rows::Rows;
use super::set::Set;
use crate::error::Result;
use crate::vector::coarse::{Coarse, Distances};
use crate::vector::kernel::prefetch;
use crate::vector::packed::Packing;

/// A vector and how far it is from what is searched for, as one number: the nearest is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Near(u64);

impl Near {
    fn new(distance: f32, node: u32) -> Self {
        let bits = distance.to_bits();
        // In the order of the numbers.
        let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
        Self(u64::from(ordered) << 32 | u64::from(node))
    }

    pub(super) fn distance(self) -> f32 {
        let ordered = (self.0 >> 32) as u32;
        f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
    }

    pub(super) fn node(self) -> u32 {
        self.0 as u32
    }

    /// Whether it is nearer than another one is.
    fn is_nearer(self, other: Self) -> bool {
        self.0 >> 32 < other.0 >> 32
    }
}

/// What a search needs to remember.
#[derive(Default)]
pub(super) struct Scratch {
    /// In which round each vector was met last.
    met: Vec<u16>,
    round: u16,
    /// Those from which the walk goes on, and the nearest that were found.
    next: BinaryHeap<Reverse<Near>>,
    top: BinaryHeap<Near>,
    /// Neighbours that were not met before.
    fresh: Vec<u32>,
    /// Those that may be among the nearest, and about how far they are.
    about: Vec<Near>,
    distances: Distances,
    /// Where a walk begins.
    entries: Vec<Near>,
    /// What was found, the nearest first.
    pub(super) found: Vec<Near>,
}

impl Scratch {
    fn begin(&mut self, nodes: usize) -> Result<()> {
        self.next.clear();
        self.top.clear();
        if self.met.len() < nodes {
            let more = nodes - self.met.len();
            self.met.try_reserve(more.max(self.met.len() / 4)).map_err(no_memory)?;
            self.met.resize(self.met.capacity(), 0);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.met.fill(0);
            self.round = 1;
        }
        Ok(())
    }

    /// Whether a vector is met for the first time.
    fn meet(&mut self, node: u32) -> bool {
        match self.met.get_mut(node as usize) {
            Some(round) if *round != self.round => {
                *round = self.round;
                true
            }
            _ => false,
        }
    }

    fn end(&mut self) {
        self.found.clear();
        self.found.extend(self.top.drain());
        self.found.sort_unstable();
    }

    /// Begins the next search where this one has ended.
    fn go_on(&mut self) {
        self.entries.clear();
        self.entries.extend(self.found.iter().take(WAYS));
    }
}

/// A graph, and how far its vectors are from each other, by themselves or by their copies.
#[derive(Clone, Copy)]
pub(super) struct Walk<'n> {
    nodes: &'n Nodes,
    packing: Packing,
    copies: Option<&'n Rows>,
    /// One that it does not meet.
    without: Option<u32>,
}

impl<'n> Walk<'n> {
    /// By the vectors, which are packed so.
    pub(super) fn new(nodes: &'n Nodes, packing: Packing) -> Self {
        Self { nodes, packing, copies: None, without: None }
    }

    /// By copies of the vectors, which are packed so.
    pub(super) fn by_copies(nodes: &'n Nodes, packing: Packing, copies: &'n Rows) -> Self {
        Self { nodes, packing, copies: Some(copies), without: None }
    }

    /// The same, but that it does not meet one vector, where it does not begin.
    pub(super) fn without(self, node: Option<u32>) -> Self {
        Self { without: node, ..self }
    }

    /// What a vector is compared by.
    #[inline]
    fn vector(&self, node: u32) -> &'n [u8] {
        match self.copies {
            Some(copies) => copies.get(node as usize),
            None => self.nodes.vector(node),
        }
    }

    /// How far a vector is from a packed one.
    #[inline]
    pub(super) fn near(&self, target: &[u8], node: u32) -> Near {
        Near::new(self.packing.distance(target, self.vector(node)), node)
    }

    /// Goes from the vector where searches begin down to a level, by way of the nearest few of each
    /// level above: by way of the nearest alone, one may end among vectors that lie together, far
    /// from others that are nearer. The next search begins there.
    pub(super) fn approach(
        &self,
        target: &[u8],
        (from, top): (u32, u8),
        level: u8,
        scratch: &mut Scratch,
    ) -> Result<()> {
        scratch.entries.clear();
        scratch.entries.push(self.near(target, from));
        for above in (level + 1..=top).rev() {
            let ways = if above == 1 { WAYS } else { WAYS_ABOVE };
            self.search(target, above, ways, scratch, |_| true)?;
        }
        Ok(())
    }

    /// Finds the `count` nearest in a level of those that `passes` lets through; `count` is also
    /// how hard it tries. They are in [`Scratch::found`] then. It begins at the nearest few that
    /// the search before has found, or where [`approach`](Self::approach) has come to.
    pub(super) fn search(
        &self,
        target: &[u8],
        level: u8,
        count: usize,
        scratch: &mut Scratch,
        passes: impl Fn(u32) -> bool,
    ) -> Result<()> {
        scratch.begin(self.nodes.len())?;
        if let Some(node) = self.without {
            scratch.meet(node);
        }
        for at in 0..scratch.entries.len() {
            let Some(entry) = scratch.entries.get(at).copied() else { break };
            scratch.meet(entry.node());
            scratch.next.push(Reverse(entry));
            if passes(entry.node()) {
                scratch.top.push(entry);
            }
        }
        while scratch.top.len() > count {
            scratch.top.pop();
        }
        while let Some(Reverse(nearest)) = scratch.next.pop() {
            let is_full = scratch.top.len() >= count;
            if is_full && scratch.top.peek().is_some_and(|furthest| *furthest < nearest) {
                break;
            }
            if let Some(Reverse(coming)) = scratch.next.peek() {
                prefetch(self.nodes.list(level, coming.node()));
            }
            self.collect_fresh(level, nearest.node(), scratch);
            let fresh = std::mem::take(&mut scratch.fresh);
            self.for_each_fetched(&fresh, |_, node| {
                let near = self.near(target, node);
                let is_full = scratch.top.len() >= count;
                if is_full && scratch.top.peek().is_some_and(|furthest| *furthest < near) {
                    return;
                }
                scratch.next.push(Reverse(near));
                if passes(node) {
                    if is_full {
                        scratch.top.pop();
                    }
                    scratch.top.push(near);
                }
            });
            scratch.fresh = fresh;
        }
        scratch.end();
        scratch.go_on();
        Ok(())
    }

    /// Does something with each of some vectors, while the next ones are on their way to the
    /// processor's cache.
    #[inline(always)]
    fn for_each_fetched(&self, nodes: &[u32], mut each: impl FnMut(usize, u32)) {
        let mut coming = nodes.iter();
        let ahead = (BYTES_AHEAD / self.packing.bytes().max(1)).clamp(LEAST_AHEAD, MOST_AHEAD);
        for node in coming.by_ref().take(ahead) {
            prefetch(self.vector(*node));
        }
        for (at, node) in nodes.iter().enumerate() {
            if let Some(node) = coming.next() {
                prefetch(self.vector(*node));
            }
            each(at, *node);
        }
    }

    /// Compares what was found with a packed vector, and puts it in the order of that: as many of
    /// the nearest as are needed, and all others that are as near as these. What is further away is
    /// left out.
    pub(super) fn compare_again(&self, target: &[u8], needed: usize, scratch: &mut Scratch) {
        let Scratch { found, fresh, .. } = scratch;
        fresh.clear();
        fresh.extend(found.iter().map(|near| near.node()));
        let mut off = Off::default();
        let mut furthest = f32::MIN;
        let (first, rest) = fresh.split_at(needed.min(fresh.len()));
        self.for_each_fetched(first, |at, node| {
            if let Some(near) = found.get_mut(at) {
                let about = near.distance();
                *near = self.near(target, node);
                furthest = furthest.max(near.distance());
                off.note(near.distance() - about);
            }
        });
        let reach = off.reach(furthest);
        let behind = found.iter().skip(first.len()).take_while(|near| near.distance() <= reach);
        let compared = first.len() + behind.count();
        let rest = rest.get(..compared - first.len()).unwrap_or_default();
        self.for_each_fetched(rest, |at, node| {
            if let Some(near) = found.get_mut(first.len() + at) {
                *near = self.near(target, node);
            }
        });
        found.truncate(compared);
        if compared < fresh.len() {
            // Others may be nearer than these, among those that were not compared.
            found.retain(|near| near.distance() <= furthest);
        }
        found.sort_unstable();
    }

    fn collect_fresh(&self, level: u8, node: u32, scratch: &mut Scratch) {
        let mut fresh = std::mem::take(&mut scratch.fresh);
        fresh.clear();
        fresh.extend(self.nodes.neighbours(level, node).filter(|node| scratch.meet(*node)));
        scratch.fresh = fresh;
    }

    /// Finds the `count` nearest of some vectors by looking at all of them.
    pub(super) fn search_among(
        &self,
        target: &[u8],
        count: usize,
        scratch: &mut Scratch,
        among: impl Iterator<Item = u32>,
    ) {
        scratch.top.clear();
        let mut among = among.peekable();
        while let Some(node) = among.next() {
            if let Some(next) = among.peek() {
                prefetch(self.vector(*next));
            }
            keep(self.near(target, node), count, &mut scratch.top);
        }
        scratch.end();
    }

    /// The same for several at once, each of which has found some already.
    pub(super) fn search_each_among(
        &self,
        targets: &[&[u8]],
        count: usize,
        found: &mut [BinaryHeap<Near>],
        among: impl Iterator<Item = u32>,
    ) {
        let mut among = among.peekable();
        while let Some(node) = among.next() {
            if let Some(next) = among.peek() {
                prefetch(self.vector(*next));
            }
            for (target, found) in targets.iter().zip(&mut *found) {
                keep(self.near(target, node), count, found);
            }
        }
    }

    /// The same, of a set with copies: these are all looked at, then only those are compared that
    /// may be as near as the `count` nearest by the copies.
    pub(super) fn search_coarse(
        &self,
        target: &[u8],
        count: usize,
        scratch: &mut Scratch,
        (set, coarse): (&Set, &Coarse),
        passes: impl Fn(&u32) -> bool,
    ) {
        let question = coarse.question(target);
        let mut about = std::mem::take(&mut scratch.about);
        about.clear();
        scratch.top.clear();
        let mut reach = f32::INFINITY;
        let mut distances = std::mem::take(&mut scratch.distances);
        for (nodes, from) in set.nodes().chunks(AT_ONCE).zip((0..).step_by(AT_ONCE)) {
            coarse.distances(&question, from..from + nodes.len(), &mut distances);
            for (distance, node) in distances.all().iter().zip(nodes) {
                // Whatever is beyond the reach now will be.
                if *distance > reach || !passes(node) {
                    continue;
                }
                let near = Near::new(*distance, *node);
                about.push(near);
                scratch.top.push(near);
                if scratch.top.len() > count {
                    scratch.top.pop();
                }
                if scratch.top.len() == count
                    && let Some(furthest) = scratch.top.peek()
                {
                    reach = furthest.distance() + 2.0 * question.off;
                }
            }
        }
        scratch.distances = distances;
        let within = about.iter().filter(|near| near.distance() <= reach);
        self.search_among(target, count, scratch, within.map(|near| near.node()));
        scratch.about = about;
    }

    /// Those of some vectors, the nearest first, that are nearer to the one that they are near to
    /// than to each other, `most` at most: ways into all directions. Those that are as near to each
    /// other come last, so that many that are the same do not only lead to each other; and of these
    /// each vector chooses others, so that they all are led to.
    pub(super) fn choose(&self, of: u32, near: &[Near], most: usize, choice: &mut Choice) {
        let Choice { chosen, ties } = choice;
        chosen.clear();
        ties.clear();
        'all: for one in near {
            if chosen.len() == most {
                return;
            }
            let vector = self.vector(one.node());
            let mut is_tie = false;
            for other in &*chosen {
                let between = self.near(vector, other.node());
                if between.is_nearer(*one) {
                    continue 'all;
                }
                is_tie |= !one.is_nearer(between);
            }
            if is_tie { ties.push(*one) } else { chosen.push(*one) }
        }
        let room = most - chosen.len();
        if ties.len() > room {
            ties.sort_unstable_by_key(|near| mixed(of, near.node()));
        }
        chosen.extend(ties.iter().take(room));
    }
}

/// Keeps one of the nearest so many.
fn keep(near: Near, count: usize, nearest: &mut BinaryHeap<Near>) {
    if nearest.len() < count {
        nearest.push(near);
    } else if let Some(mut furthest) = nearest.peek_mut()
        && near < *furthest
    {
        *furthest = near;
    }
}

/// How far off the distances of copies are, as seen where both distances are known.
#[derive(Default)]
struct Off {
    seen: u32,
    sum: f64,
    squares: f64,
}

impl Off {
    fn note(&mut self, off: f32) {
        let off = f64::from(off);
        self.seen += 1;
        self.sum += off;
        self.squares += off * off;
    }

    /// What is further than this by the copies is hardly ever nearer than at a distance.
    fn reach(&self, distance: f32) -> f32 {
        let seen = f64::from(self.seen);
        let mean = self.sum / seen;
        let deviation = (self.squares / seen - mean * mean).max(0.0).sqrt();
        let deviations = DEVIATIONS * (1.0 + FEW / seen);
        let reach = (f64::from(distance) - mean + deviations * deviation) as f32;
        // Of few not much is known.
        if self.seen < LEAST_SEEN || !reach.is_finite() { f32::INFINITY } else { reach }
    }
}

/// A number that says nothing of either vector, and is the same each time.
fn mixed(one: u32, other: u32) -> u64 {
    let bits = (u64::from(one) << 32 | u64::from(other)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (bits ^ bits >> 32).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The vectors that were chosen as neighbours.
#[derive(Default)]
pub(super) struct Choice {
    pub(super) chosen: Vec<Near>,
    ties: Vec<Near>,
}

/// So many vectors of the level above the lowest lead to that, and so many of each level above to
/// the next one, which is small.
const WAYS: usize = 4;
const WAYS_ABOVE: usize = 2;
/// Distances of copies are off by no more than so many standard deviations of what was seen,
/// wherever at least so many were seen. The deviation of few may be far too small: of ten it takes
/// twice as many, as Student's distribution has it, for one mistake in ten million.
const DEVIATIONS: f64 = 6.0;
const FEW: f64 = 10.0;
const LEAST_SEEN: u32 = 8;
/// So many vectors are looked at by their copies before it is seen which are near.
const AT_ONCE: usize = 1_024;
/// About so many bytes are on their way to the processor's cache while a vector is compared, of as
/// many vectors at the least and at the most.
const BYTES_AHEAD: usize = 2_048;
const LEAST_AHEAD: usize = 2;
const MOST_AHEAD: usize = 8;
