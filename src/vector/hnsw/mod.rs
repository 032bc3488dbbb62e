//! The graph: a hierarchical navigable small world (Malkov and Yashunin, 2016).
//!
//! Each vector has links to some that are near to it, in all directions; few have links in upper
//! levels as well, which lead far. A search goes down through the levels, from near to nearer. The
//! vectors are in memory beside each other, packed, and brought to the processor's cache while the
//! ones before them are compared. Searches go on while vectors are added.

mod bits;
mod file;
mod insert;
mod nodes;
mod rows;
mod set;
mod walk;

use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

pub use self::bits::Bits;
pub use self::file::format_version;
use self::insert::{Insertion, Locks, Work};
pub use self::nodes::MOST_NODES;
use self::nodes::{MOST_LEVELS, Nodes};
use self::rows::Rows;
pub use self::set::Set;
use self::walk::{Near, Scratch, Walk};
use super::packed::Packing;
use super::precision::GraphOptions;
use crate::error::{Error, ErrorCode, Result};

/// Below so many vectors they are added by one thread: threads do not see what the others are about
/// to add, which is much of the graph then.
const ALONE: usize = 256;
/// So many searches are remembered what they need memory for.
const KEPT: usize = 8;
/// So many vectors are looked at before others may replace something.
const AT_ONCE: usize = if cfg!(test) { 1_000 } else { 1 << 16 };

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'v> {
    /// A packed vector.
    pub packed: &'v [u8],
    /// How many that are near to it are kept while it is searched for.
    pub candidates: usize,
    /// How many of them are needed.
    pub needed: usize,
    /// It is as if the graph had not got this one, if it is one of its own, under that label.
    pub without: Option<Own>,
}

/// A vector of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    node: u32,
    /// Its label.
    pub label: u64,
}

impl<'v> Wanted<'v> {
    /// Those that are nearest to a packed vector, so many.
    pub fn all(packed: &'v [u8], candidates: usize) -> Self {
        Self { packed, candidates, needed: candidates, without: None }
    }
}

/// Which vectors a search may find.
#[derive(Debug, Clone, Copy)]
pub struct Eligible<'e> {
    /// Only these, if there is a set.
    pub among: Option<&'e Set>,
    /// With labels below.
    pub below: u64,
    /// None of these.
    pub gone: Option<&'e Bits>,
}

impl Eligible<'_> {
    /// All that there are.
    pub const ALL: Self = Self { among: None, below: u64::MAX, gone: None };

    /// The same, for nodes of a graph.
    fn test(self, nodes: &Nodes) -> impl Fn(u32) -> bool {
        // Labels ascend.
        let end = nodes.end_of(self.below);
        move |node| {
            node < end
                && self.gone.is_none_or(|gone| !gone.contains(node))
                && self.among.is_none_or(|set| set.contains(node))
        }
    }
}

/// A vector that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its label.
    pub label: u64,
    /// How far it is, about, as [`Packing::distance`] says.
    pub distance: f32,
}

/// Copies of the vectors of a graph.
pub struct Copies(Rows);

/// What a search walks by.
enum By<'c> {
    Vectors,
    /// By the copies that there are, or else by the vectors.
    OwnCopies,
    Copies(&'c Copies),
}

/// Vectors under labels, each with its near neighbours.
pub struct Hnsw {
    packing: Packing,
    options: GraphOptions,
    nodes: RwLock<Nodes>,
    locks: Locks,
    /// How many vectors it has that are linked.
    count: AtomicUsize,
    /// Whether there are copies of them in bytes.
    has_copies: AtomicBool,
    scratches: Mutex<Vec<Scratch>>,
}

impl Hnsw {
    /// A graph without vectors.
    pub fn new(packing: Packing, options: GraphOptions) -> Self {
        Self {
            packing,
            options,
            nodes: RwLock::new(Nodes::new(packing.bytes(), options.m as usize)),
            locks: Locks::default(),
            count: AtomicUsize::new(0),
            has_copies: AtomicBool::new(false),
            scratches: Mutex::default(),
        }
    }

    /// How vectors are packed for it.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// How many vectors it has.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory it takes, without those that it reads from a file.
    pub fn memory(&self) -> usize {
        self.nodes.read().memory()
    }

    /// How many it will take about when so many vectors have been added, with copies of all vectors
    /// or without.
    pub fn memory_after(&self, more: usize, with_copies: bool) -> usize {
        let nodes = self.nodes.read();
        let own = nodes.memory_after(more, for_one_above(self.options.m) as usize);
        let total = nodes.len().saturating_add(more);
        let copies = self.new_copies().filter(|_| with_copies);
        own.saturating_add(copies.map_or(0, |copies| copies.growth(total)))
    }

    /// How many bytes a copy of a vector takes; `None` if there are no copies of such vectors.
    pub fn bytes_of_copy(&self) -> Option<usize> {
        self.packing.of_copies().map(Packing::bytes)
    }

    /// Whether it has copies of its vectors, by which searches walk.
    pub fn has_copies(&self) -> bool {
        self.has_copies.load(Ordering::Relaxed)
    }

    /// Copies of all vectors, by which no search walks as yet; `None` if there are none of such.
    /// They are of use as long as no vectors are added.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn copy_all(&self) -> Result<Option<Copies>> {
        let Some(mut copies) = self.new_copies() else { return Ok(None) };
        let nodes = self.nodes.read();
        copies.grow(nodes.len(), 0)?;
        let mut copy = Vec::with_capacity(copies.length());
        for node in 0..nodes.len() {
            copy.clear();
            self.packing.pack_copies(nodes.vector(node as u32), &mut copy);
            copies.set(node, &copy);
        }
        Ok(Some(Copies(copies)))
    }

    /// Lets searches walk by copies of all vectors from now on, if none of these are in a file.
    pub fn set_copies(&self, Copies(copies): Copies) {
        self.replace(|nodes| nodes.set_copies(Some(copies)));
    }

    /// Gives back the memory of the copies, if there are any.
    pub fn drop_copies(&self) {
        if !self.has_copies() {
            return;
        }
        self.replace(|nodes| nodes.set_copies(None));
    }

    /// Replaces some of what there is. What that takes the place of is given back when nobody waits
    /// any more.
    fn replace<T>(&self, replace: impl FnOnce(&mut Nodes) -> T) {
        let mut nodes = self.nodes.write();
        let replaced = replace(&mut nodes);
        self.has_copies.store(nodes.copies().is_some(), Ordering::Relaxed);
        drop(nodes);
        drop(replaced);
    }

    fn new_copies(&self) -> Option<Rows> {
        self.bytes_of_copy().map(Rows::new)
    }

    /// Some of its vectors, of different ages, as they are searched for: none that are gone, nor
    /// the one where searches begin.
    pub fn some_vectors(&self, count: usize, gone: Option<&Bits>) -> Vec<(Own, Vec<u8>)> {
        let nodes = self.nodes.read();
        let there = nodes.len().saturating_sub(gone.map_or(0, Bits::len));
        let every = (there / count.max(1)).max(1);
        let first = nodes.entry().map(|(first, _)| first);
        let is_there = |node: &u32| gone.is_none_or(|gone| !gone.contains(*node));
        let some = (0..nodes.len() as u32).filter(is_there).step_by(every).take(count);
        let own = |node| Own { node, label: nodes.label(node) };
        some.filter(|node| first != Some(*node))
            .map(|node| (own(node), self.packing.target_of(nodes.vector(node))))
            .collect()
    }

    /// How many of its vectors it reads from a file.
    pub fn mapped(&self) -> usize {
        self.nodes.read().mapped()
    }

    /// Adds packed vectors, one after the other in `packed`, on so many threads at most. Their
    /// labels ascend, from call to call as well. Searches go on meanwhile, and find some of them.
    /// Not at the same time as another call. After an error some may be there.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory; `INVALID_ARGUMENT`: the labels do not ascend.
    pub fn add(&self, labels: &[u64], packed: &[u8], threads: usize) -> Result<()> {
        if labels.is_empty() {
            return Ok(());
        }
        let first = self.len();
        let last = self.nodes.read().last_label();
        if !labels.is_sorted_by(|one, next| one < next) || labels.first().copied() <= last {
            let message = "the graph of a vector index: labels have to ascend";
            return Err(Error::new(ErrorCode::InvalidArgument, message));
        }
        let levels: Vec<u8> =
            (first..first + labels.len()).map(|at| level_of(at, self.options.m)).collect();
        let mut copies = Vec::new();
        if self.has_copies() {
            self.packing.pack_copies(packed, &mut copies);
        }
        let mut pushed = Ok(());
        self.replace(|nodes| pushed = nodes.push(labels, (packed, &copies), &levels));
        pushed?;
        let nodes = self.nodes.read();
        let insertion = Insertion {
            nodes: &nodes,
            packing: self.packing,
            locks: &self.locks,
            m: self.options.m as usize,
            candidates: self.options.ef_construction as usize,
        };
        let (next, end) = (AtomicU32::new(first as u32), nodes.len() as u32);
        let link_some = || {
            let mut work = Work::new(self.take_scratch());
            let linked = loop {
                let node = next.fetch_add(1, Ordering::Relaxed);
                if node >= end {
                    break Ok(());
                }
                if let Err(error) = insertion.link(node, &mut work) {
                    break Err(error);
                }
            };
            self.give_back(work.scratch);
            linked
        };
        if first < ALONE || threads <= 1 || labels.len() < 2 {
            link_some()?;
        } else {
            std::thread::scope(|scope| {
                let start = |_| {
                    let thread = std::thread::Builder::new().name("lodestore-link".to_owned());
                    thread.spawn_scoped(scope, link_some).ok()
                };
                let others: Vec<_> = (1..threads.min(labels.len())).filter_map(start).collect();
                let own = link_some();
                others.into_iter().fold(own, |linked, other| {
                    let other = other.join().unwrap_or_else(|_| {
                        Err(Error::new(ErrorCode::Poisoned, "a thread that links vectors panicked"))
                    });
                    linked.and(other)
                })
            })?;
        }
        self.count.store(nodes.len(), Ordering::Relaxed);
        Ok(())
    }

    /// The vectors with these labels, as far as it has them; with copies that make searches among
    /// them fast, if all of it takes no more than so many bytes.
    pub fn set_of(&self, labels: Vec<u64>, most_bytes: usize) -> Set {
        Set::new(&self.nodes.read(), self.packing, labels, most_bytes)
    }

    /// Adds vectors to those that are gone, by their labels. With `at_once`, false if it would have
    /// to wait.
    pub fn mark(&self, labels: &[u64], gone: &mut Bits, at_once: bool) -> bool {
        let Some(nodes) = self.read(at_once) else { return false };
        for label in labels {
            let node = nodes.first_from(*label, 0);
            if node < nodes.len() && nodes.label(node as u32) == *label {
                gone.insert(node as u32);
            }
        }
        true
    }

    /// Adds the vectors from `from` on to those that are gone whose labels are not among some that
    /// ascend, up to the last of these; how far it has come.
    pub fn mark_others(&self, labels: &[u64], from: usize, gone: &mut Bits) -> usize {
        let nodes = self.nodes.read();
        let mut at = from;
        for label in labels {
            let next = nodes.first_from(*label, at);
            (at..next).for_each(|node| gone.insert(node as u32));
            let is_there = next < nodes.len() && nodes.label(next as u32) == *label;
            at = next + usize::from(is_there);
        }
        at
    }

    /// Adds all vectors from `from` on to those that are gone.
    pub fn mark_from(&self, from: usize, gone: &mut Bits) {
        (from..self.nodes.read().len()).for_each(|node| gone.insert(node as u32));
    }

    /// About as many vectors as there are candidates that are nearest to a packed one, of those
    /// that are eligible, the nearest first. With `at_once`, `None` if it would have to wait. If
    /// there are copies of the vectors, it walks by these, and compares with the vectors themselves
    /// what is needed of what it has found, and what may be as near; all else it leaves out.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn search(
        &self,
        wanted: Wanted<'_>,
        at_once: bool,
        eligible: Eligible<'_>,
    ) -> Result<Option<Vec<Hit>>> {
        self.search_by(By::OwnCopies, wanted, at_once, eligible)
    }

    /// The same, by the vectors themselves.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn search_without_copies(
        &self,
        wanted: Wanted<'_>,
        eligible: Eligible<'_>,
    ) -> Result<Vec<Hit>> {
        let found = self.search_by(By::Vectors, wanted, false, eligible)?;
        Ok(found.unwrap_or_default())
    }

    /// The same, by copies that other searches do not walk by.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn search_by_copies(
        &self,
        copies: &Copies,
        wanted: Wanted<'_>,
        eligible: Eligible<'_>,
    ) -> Result<Vec<Hit>> {
        let found = self.search_by(By::Copies(copies), wanted, false, eligible)?;
        Ok(found.unwrap_or_default())
    }

    fn search_by(
        &self,
        by: By<'_>,
        Wanted { packed, candidates, needed, without }: Wanted<'_>,
        at_once: bool,
        eligible: Eligible<'_>,
    ) -> Result<Option<Vec<Hit>>> {
        let Some(nodes) = self.read(at_once) else { return Ok(None) };
        let Some((from, top)) = nodes.entry().filter(|_| candidates > 0) else {
            return Ok(Some(Vec::new()));
        };
        let exact = Walk::new(&nodes, self.packing);
        let copies = match by {
            By::Vectors => None,
            By::OwnCopies => nodes.copies(),
            By::Copies(Copies(copies)) => Some(copies),
        };
        let copies = copies.zip(self.packing.of_copies());
        let mut copy = Vec::new();
        let (walk, target) = match copies {
            Some((copies, packing)) => {
                self.packing.pack_copies(packed, &mut copy);
                (Walk::by_copies(&nodes, packing, copies), copy.as_slice())
            }
            None => (exact, packed),
        };
        let walk = walk.without(without.map(|own| own.node));
        let mut scratch = self.take_scratch();
        let passes = eligible.test(&nodes);
        let searched = walk
            .approach(target, (from, top), 0, &mut scratch)
            .and_then(|()| walk.search(target, 0, candidates, &mut scratch, passes));
        if copies.is_some() {
            exact.compare_again(packed, needed, &mut scratch);
        }
        let hits = hits_of(&scratch, &nodes);
        self.give_back(scratch);
        searched.map(|()| Some(hits))
    }

    /// As many vectors as there are candidates that are nearest to a packed one, of those that are
    /// eligible: by looking at all of them. With `at_once`, `None` if it would have to wait.
    pub fn search_all(
        &self,
        Wanted { packed, candidates, .. }: Wanted<'_>,
        at_once: bool,
        eligible: Eligible<'_>,
    ) -> Option<Vec<Hit>> {
        let nodes = self.read(at_once)?;
        let walk = Walk::new(&nodes, self.packing);
        let mut scratch = self.take_scratch();
        let passes = Eligible { among: None, ..eligible }.test(&nodes);
        let passes = |node: &u32| passes(*node);
        match eligible.among {
            Some(set) => match set.coarse() {
                Some(coarse) => {
                    walk.search_coarse(packed, candidates, &mut scratch, (set, coarse), passes);
                }
                None => {
                    walk.search_among(
                        packed,
                        candidates,
                        &mut scratch,
                        set.nodes().iter().copied().filter(passes),
                    );
                }
            },
            None => {
                let all = 0..nodes.len() as u32;
                walk.search_among(packed, candidates, &mut scratch, all.filter(passes));
            }
        }
        let hits = hits_of(&scratch, &nodes);
        self.give_back(scratch);
        Some(hits)
    }

    /// So many vectors that are nearest to each of some packed ones, of those that are eligible, by
    /// looking at each of them once.
    pub fn search_all_for(
        &self,
        targets: &[&[u8]],
        count: usize,
        eligible: Eligible<'_>,
    ) -> Vec<Vec<Hit>> {
        let mut found = vec![BinaryHeap::with_capacity(count + 1); targets.len()];
        let mut from = 0;
        loop {
            // Who wants to replace something need not wait for all of it.
            let nodes = self.nodes.read();
            let end = nodes.len().min(from + AT_ONCE);
            if from >= end {
                break;
            }
            let passes = eligible.test(&nodes);
            let some = (from as u32..end as u32).filter(|node| passes(*node));
            let walk = Walk::new(&nodes, self.packing);
            walk.search_each_among(targets, count, &mut found, some);
            from = end;
        }
        let nodes = self.nodes.read();
        let hits = |found: BinaryHeap<Near>| {
            found.into_sorted_vec().iter().map(|near| hit_of(near, &nodes)).collect()
        };
        found.into_iter().map(hits).collect()
    }

    fn read(&self, at_once: bool) -> Option<RwLockReadGuard<'_, Nodes>> {
        if at_once { self.nodes.try_read() } else { Some(self.nodes.read()) }
    }

    fn take_scratch(&self) -> Scratch {
        self.scratches.lock().pop().unwrap_or_default()
    }

    fn give_back(&self, scratch: Scratch) {
        let mut scratches = self.scratches.lock();
        if scratches.len() < KEPT {
            scratches.push(scratch);
        }
    }
}

fn hits_of(scratch: &Scratch, nodes: &Nodes) -> Vec<Hit> {
    scratch.found.iter().map(|near| hit_of(near, nodes)).collect()
}

fn hit_of(near: &Near, nodes: &Nodes) -> Hit {
    Hit { label: nodes.label(near.node()), distance: near.distance() }
}

/// Of how many vectors of a level one is in the next one. With few links, levels have to be neither
/// many, since each has lists, nor much smaller than the one below.
fn for_one_above(m: u32) -> u32 {
    m.max(8)
}

/// The highest level that a vector is in.
fn level_of(node: usize, m: u32) -> u8 {
    // As random as it has to be, and the same each time (SplitMix64).
    let mut bits = (node as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let uniform = ((bits >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
    let level = -uniform.ln() / f64::from(for_one_above(m)).ln();
    (level as u8).min(MOST_LEVELS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
