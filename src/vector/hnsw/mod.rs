//! The graph: a hierarchical navigable small world (Malkov and Yashunin, 2016).
//!
//! Each vector has links to some that are near to it, in all directions; few have links in upper
//! levels as well, which lead far. A search goes down through the levels, from near to nearer. The
//! vectors are in memory beside each other, packed, and brought to the processor's cache while the
//! ones before them are compared. Searches go on while vectors are added.

mod file;
mod insert;
mod nodes;
mod set;
mod walk;

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

pub use self::file::format_version;
use self::insert::{Insertion, Locks, Work};
use self::nodes::{MOST_LEVELS, Nodes};
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

/// A vector that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its label.
    pub label: u64,
    /// How far it is, about, as [`Packing::distance`] says.
    pub distance: f32,
}

/// Vectors under labels, each with its near neighbours.
pub struct Hnsw {
    packing: Packing,
    options: GraphOptions,
    nodes: RwLock<Nodes>,
    locks: Locks,
    /// How many vectors it has that are linked.
    count: AtomicUsize,
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

    /// How many it will take about when so many vectors have been added.
    pub fn memory_after(&self, more: usize) -> usize {
        self.nodes.read().memory_after(more, self.options.m as usize)
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
        self.nodes.write().push(labels, packed, &levels)?;
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

    /// The vectors with these labels, as far as it has them.
    pub fn set_of(&self, labels: Vec<u64>) -> Set {
        Set::new(&self.nodes.read(), labels)
    }

    /// About `count` vectors that are nearest to a packed one, of those that are in
    /// the set, if there is one, and that `passes` lets through, the nearest first. With `at_once`,
    /// `None` if it would have to wait.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn search(
        &self,
        (packed, count): (&[u8], usize),
        at_once: bool,
        among: Option<&Set>,
        passes: impl Fn(u64) -> bool,
    ) -> Result<Option<Vec<Hit>>> {
        let Some(nodes) = self.read(at_once) else { return Ok(None) };
        let Some((from, top)) = nodes.entry().filter(|_| count > 0) else {
            return Ok(Some(Vec::new()));
        };
        let walk = Walk { nodes: &nodes, packing: self.packing };
        let mut scratch = self.take_scratch();
        let passes = |node| among.is_none_or(|set| set.contains(node)) && passes(nodes.label(node));
        let searched = walk
            .approach(packed, (from, top), 0, &mut scratch)
            .and_then(|()| walk.search(packed, 0, count, &mut scratch, passes));
        let hits = hits_of(&scratch, &nodes);
        self.give_back(scratch);
        searched.map(|()| Some(hits))
    }

    /// The `count` vectors that are nearest to a packed one, of those that are in the
    /// set, if there is one, and that `passes` lets through: by looking at all of them. With
    /// `at_once`, `None` if it would have to wait.
    pub fn search_all(
        &self,
        (packed, count): (&[u8], usize),
        at_once: bool,
        among: Option<&Set>,
        passes: impl Fn(u64) -> bool,
    ) -> Option<Vec<Hit>> {
        let nodes = self.read(at_once)?;
        let walk = Walk { nodes: &nodes, packing: self.packing };
        let mut scratch = self.take_scratch();
        let passes = |node: &u32| passes(nodes.label(*node));
        match among {
            Some(set) => {
                walk.search_among(packed, count, &mut scratch, set.iter().filter(passes));
            }
            None => {
                let all = 0..nodes.len() as u32;
                walk.search_among(packed, count, &mut scratch, all.filter(passes));
            }
        }
        let hits = hits_of(&scratch, &nodes);
        self.give_back(scratch);
        Some(hits)
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
    let hit = |near: &Near| Hit { label: nodes.label(near.node()), distance: near.distance() };
    scratch.found.iter().map(hit).collect()
}

/// The highest level that a vector is in: one in `m` of those in one level is in the next one.
fn level_of(node: usize, m: u32) -> u8 {
    // As random as it has to be, and the same each time (SplitMix64).
    let mut bits = (node as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let uniform = ((bits >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
    let level = -uniform.ln() / f64::from(m.max(2)).ln();
    (level as u8).min(MOST_LEVELS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::metric::{Form, Metric};
    use super::super::precision::Precision;
    use super::*;

    /// The packed vector under a label.
    fn vector(graph: &Hnsw, label: u64) -> Vec<u8> {
        let nodes = graph.nodes.read();
        let node = (0..nodes.len() as u32).find(|node| nodes.label(*node) == label).unwrap();
        nodes.vector(node).to_vec()
    }

    fn labels_of(hits: Vec<Hit>) -> Vec<u64> {
        assert!(hits.is_sorted_by(|one, next| one.distance <= next.distance));
        hits.into_iter().map(|hit| hit.label).collect()
    }

    fn search(
        graph: &Hnsw,
        target: &[u8],
        count: usize,
        among: Option<&Set>,
        passes: impl Fn(u64) -> bool,
    ) -> Vec<u64> {
        labels_of(graph.search((target, count), false, among, passes).unwrap().unwrap())
    }

    fn search_all(
        graph: &Hnsw,
        target: &[u8],
        among: Option<&Set>,
        passes: impl Fn(u64) -> bool,
    ) -> Vec<u64> {
        labels_of(graph.search_all((target, 10), false, among, passes).unwrap())
    }

    fn random(seed: &mut u64) -> f32 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    }

    /// A graph of vectors of 16 numbers with these labels, and the vectors.
    fn graph_of(labels: std::ops::Range<u64>, options: GraphOptions) -> (Hnsw, Vec<u8>) {
        let form = Form { dimensions: 16, metric: Metric::L2 };
        let graph = Hnsw::new(Packing::new(form, options.precision), options);
        let (mut seed, mut packed) = (labels.start, Vec::new());
        for _ in labels.clone() {
            let vector: Vec<u8> = (0..16).flat_map(|_| random(&mut seed).to_le_bytes()).collect();
            graph.packing().pack(&vector, 0.0, &mut packed);
        }
        graph.add(&labels.collect::<Vec<_>>(), &packed, 2).unwrap();
        (graph, packed)
    }

    fn bytes_of(graph: &Hnsw) -> Vec<u8> {
        let mut bytes = Vec::new();
        graph.write_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_graph_is_read_as_it_was_written() {
        let options = GraphOptions::default_of(Metric::L2);
        let (graph, packed) = graph_of(0..1500, options);
        let bytes = bytes_of(&graph);
        let read = Hnsw::new(graph.packing(), options);
        assert!(read.read_from(&mut bytes.as_slice(), 1500).unwrap());
        assert_eq!(bytes, bytes_of(&read));
        {
            assert_eq!(read.len(), 1500);
            // It measures with the vectors' own measure, and is added to as the other one is.
            let (more, added) = graph_of(2000..2600, options);
            read.add(&(2000..2600).collect::<Vec<_>>(), &added, 2).unwrap();
            let length = read.packing().bytes();
            let mut found = 0;
            for (at, target) in packed.chunks(length).enumerate().step_by(50) {
                let near = search(&read, target, 64, None, |_| true);
                assert_eq!(near[0], at as u64);
                let nearest = search_all(&read, target, None, |_| true);
                found += near[..10].iter().filter(|label| nearest.contains(label)).count();
            }
            assert!(found >= 290, "only {found} of 300");
            for (at, target) in added.chunks(length).enumerate().step_by(50) {
                let near = search(&read, target, 64, None, |_| true);
                assert_eq!(near[0], 2000 + at as u64);
            }
            assert_eq!(more.len(), 600);
        }
    }

    /// What a file with a graph would be, mapped.
    fn mapped(bytes: &[u8]) -> memmap2::Mmap {
        let mut map = memmap2::MmapMut::map_anon(bytes.len()).unwrap();
        map.copy_from_slice(bytes);
        map.make_read_only().unwrap()
    }

    #[test]
    fn vectors_may_stay_in_the_file() {
        let options = GraphOptions::default_of(Metric::L2);
        let (graph, packed) = graph_of(0..3_000, options);
        let (whole, bytes) = (graph.memory(), bytes_of(&graph));
        let near = |graph: &Hnsw| -> Vec<_> {
            let targets = packed.chunks(graph.packing().bytes()).step_by(30);
            targets.map(|target| search(graph, target, 64, None, |_| true)).collect()
        };
        let expected = near(&graph);
        let read = Hnsw::new(graph.packing(), options);
        assert!(read.read_mapped(mapped(&bytes), 3_000).unwrap());
        assert!(graph.map(mapped(&bytes), 3_000));
        let (_, added) = graph_of(3_000..6_000, options);
        let labels: Vec<u64> = (3_000..6_000).collect();
        let (grown, length) = (graph_of(0..6_000, options).0.memory(), graph.packing().bytes());
        for graph in [graph, read] {
            assert_eq!((graph.len(), graph.mapped()), (3_000, 3_000));
            assert!(graph.memory() < whole - 2_048 * length, "{} bytes", graph.memory());
            assert_eq!(near(&graph), expected);
            assert_eq!(bytes_of(&graph), bytes);
            // It grows as if the file were not there, and what it has then may be put in a file.
            graph.add(&labels, &added, 1).unwrap();
            for (label, target) in labels.iter().zip(added.chunks(length)).step_by(50) {
                assert_eq!(search(&graph, target, 64, None, |_| true)[0], *label);
            }
            assert!(graph.memory() <= grown);
            let more = bytes_of(&graph);
            assert!(graph.map(mapped(&more), 6_000));
            assert_eq!((bytes_of(&graph), graph.mapped()), (more, 6_000));
            // A file of another graph, or an older one, is of no use, and changes nothing.
            assert!(!graph.map(mapped(&bytes), 3_000));
            let other = bytes_of(&graph_of(1..3_001, options).0);
            assert!(!graph.map(mapped(&other), 3_000));
            assert!(!graph.map(mapped(&bytes[..bytes.len() / 4]), 3_000));
            assert!(!graph.map(mapped(&bytes), 2_999));
            assert_eq!(graph.mapped(), 6_000);
        }
    }

    #[test]
    fn what_a_graph_will_take_is_known_before() {
        let (graph, _) = graph_of(0..900, GraphOptions::default_of(Metric::L2));
        for more in [1, 100, 1_000, 1_024] {
            let from = graph.nodes.read().last_label().unwrap() + 1;
            let (_, added) = graph_of(from..from + more, GraphOptions::default_of(Metric::L2));
            let after = graph.memory_after(more as usize);
            graph.add(&(from..from + more).collect::<Vec<_>>(), &added, 1).unwrap();
            assert!(graph.memory() <= after && graph.memory() >= after / 10 * 9, "{more}: {after}");
        }
    }

    #[test]
    fn what_lies_apart_is_found() {
        let form = Form { dimensions: 32, metric: Metric::L2 };
        let options = GraphOptions::default_of(Metric::L2);
        let mut lost = 0;
        for seed in 1..=60_u64 {
            let graph = Hnsw::new(Packing::new(form, options.precision), options);
            let mut seed = seed << 20;
            let places: Vec<f32> = (0..8 * 32).map(|_| random(&mut seed) * 4.0).collect();
            let mut packed = Vec::new();
            for at in 0..2_000 {
                // Vectors of a place differ in a few components.
                let place = places.chunks(32).nth(at % 8).unwrap();
                let one = |(at, one): (usize, &f32)| {
                    if at < 6 { one + random(&mut seed) } else { *one }
                };
                let vector: Vec<f32> = place.iter().enumerate().map(one).collect();
                let bytes: Vec<u8> = vector.iter().flat_map(|one| one.to_le_bytes()).collect();
                graph.packing().pack(&bytes, 0.0, &mut packed);
            }
            let (labels, length) = ((0..2_000).collect::<Vec<_>>(), graph.packing().bytes());
            for (labels, packed) in labels.chunks(500).zip(packed.chunks(500 * length)) {
                graph.add(labels, packed, 4).unwrap();
            }
            for (label, target) in packed.chunks(graph.packing().bytes()).enumerate() {
                let near = search(&graph, target, 16, None, |_| true);
                lost += usize::from(near.first() != Some(&(label as u64)));
            }
        }
        assert_eq!(lost, 0);
    }

    #[test]
    fn what_several_threads_add_is_found() {
        let (graph, _) = graph_of(0..ALONE as u64, GraphOptions::default_of(Metric::L2));
        let more = 10_000..15_000;
        let (_, added) = graph_of(more.clone(), GraphOptions::default_of(Metric::L2));
        let (labels, length) = (more.collect::<Vec<_>>(), graph.packing().bytes());
        for (labels, added) in labels.chunks(1_000).zip(added.chunks(1_000 * length)) {
            graph.add(labels, added, 4).unwrap();
        }
        for (label, target) in labels.iter().zip(added.chunks(length)) {
            let near = search(&graph, target, 64, None, |_| true);
            assert_eq!(near[0], *label);
        }
    }

    #[test]
    fn what_is_found_is_in_the_set() {
        let (graph, packed) = graph_of(0..4_000, GraphOptions::default_of(Metric::L2));
        for (every, least) in [(2, 0.99), (5, 0.99), (40, 0.97)] {
            // Labels that it has not, and one twice, make no difference.
            let labels = (0..5_000).step_by(every).chain([0, 9_999]).collect();
            let set = graph.set_of(labels);
            assert_eq!(set.len(), 4_000_usize.div_ceil(every));
            let (mut found, mut wanted) = (0, 0);
            for target in packed.chunks(graph.packing().bytes()).skip(1).step_by(100) {
                let passes = |label| label != 40;
                let all = search_all(&graph, target, Some(&set), passes);
                let near = search(&graph, target, 64, Some(&set), passes);
                assert_eq!((all.len(), near.len()), (10, 64));
                let is_right = |label: &u64| label.is_multiple_of(every as u64) && *label != 40;
                assert!(all.iter().chain(&near).all(is_right));
                found += near[..10].iter().filter(|label| all.contains(label)).count();
                wanted += 10;
            }
            assert!(f64::from(found as u32) >= least * f64::from(wanted), "{found} of {wanted}");
        }
        assert!(graph.set_of(vec![4_000, u64::MAX]).is_empty());
    }

    #[test]
    fn what_is_there_many_times_leads_on() {
        let form = Form { dimensions: 64, metric: Metric::Hamming };
        let options = GraphOptions::default_of(Metric::Hamming);
        let graph = Hnsw::new(Packing::new(form, options.precision), options);
        let mut seed = 3;
        let different: Vec<[u8; 8]> =
            (0..60).map(|_| [0; 8].map(|_: u8| (random(&mut seed) * 255.0) as i8 as u8)).collect();
        let packed: Vec<u8> = (0..6_000).flat_map(|at| different[at * 7 % 60]).collect();
        graph.add(&(0..6_000).collect::<Vec<_>>(), &packed, 2).unwrap();
        let (mut found, mut wanted) = (0, 0);
        for target in &different {
            // All of the same, and as many again of the one that is the next.
            let near = graph.search((target, 200), false, None, |_| true).unwrap().unwrap();
            let all = graph.search_all((target, 200), false, None, |_| true).unwrap();
            let furthest = all[199].distance;
            found += near.iter().filter(|hit| hit.distance <= furthest).count();
            wanted += 200;
        }
        assert!(found * 100 >= wanted * 99, "{found} of {wanted}");
    }

    #[test]
    fn labels_ascend() {
        let (graph, packed) = graph_of(10..20, GraphOptions::default_of(Metric::L2));
        let two = &packed[..2 * graph.packing().bytes()];
        for labels in [[19, 20], [3, 4], [31, 30], [30, 30]] {
            assert!(graph.add(&labels, two, 1).is_err());
        }
        graph.add(&[], &[], 1).unwrap();
        graph.add(&[20, 22], two, 1).unwrap();
        assert_eq!(graph.len(), 12);
    }

    #[test]
    fn searches_go_on_while_vectors_are_added() {
        let (graph, packed) = graph_of(0..1_000, GraphOptions::default_of(Metric::L2));
        let more = 10_000..14_000;
        let (_, added) = graph_of(more.clone(), GraphOptions::default_of(Metric::L2));
        let is_done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                graph.add(&more.collect::<Vec<_>>(), &added, 2).unwrap();
                is_done.store(true, Ordering::Release);
            });
            let mut found = 0;
            while !is_done.load(Ordering::Acquire) {
                for (label, target) in packed.chunks(graph.packing().bytes()).enumerate() {
                    let near = search(&graph, target, 64, None, |_| true);
                    assert_eq!(near[0], label as u64);
                    found += usize::from(!is_done.load(Ordering::Acquire));
                }
            }
            assert!(found > 0, "nothing was searched for while vectors were added");
        });
    }

    #[test]
    fn a_graph_of_another_kind_is_not_taken() {
        let options = GraphOptions::default_of(Metric::L2);
        let (graph, _) = graph_of(0..100, options);
        let bytes = bytes_of(&graph);
        let (own, packed) = graph_of(500..510, options);
        assert!(!own.read_from(&mut bytes.as_slice(), 101).unwrap());
        let (of_less, _) = graph_of(0..10, GraphOptions { m: 8, ..options });
        assert!(!of_less.read_from(&mut bytes.as_slice(), 100).unwrap());
        let (of_more, _) = graph_of(0..10, GraphOptions { precision: Precision::F32, ..options });
        assert!(!of_more.read_from(&mut bytes.as_slice(), 100).unwrap());
        // Nothing has changed.
        let first = &packed[..own.packing().bytes()];
        assert_eq!(search(&own, first, 1, None, |_| true), [500]);
        assert!(own.read_from(&mut bytes.as_slice(), 100).unwrap());
        assert_eq!(own.len(), 100);
    }

    #[test]
    fn a_graph_finds_what_looking_at_all_finds() {
        for precision in Precision::ALL {
            for metric in Metric::ALL {
                let form = Form { dimensions: 32, metric };
                let options = GraphOptions { precision, ..GraphOptions::default_of(metric) };
                if options.fault(form).is_some() {
                    continue;
                }
                let graph = Hnsw::new(Packing::new(form, precision), options);
                let (mut seed, mut packed) = (7, Vec::new());
                let labels: Vec<u64> = (100..2100).collect();
                for _ in &labels {
                    let vector: Vec<u8> = match form.is_binary() {
                        true => (0..4).map(|_| (random(&mut seed) * 255.0) as i8 as u8).collect(),
                        false => (0..32).flat_map(|_| random(&mut seed).to_le_bytes()).collect(),
                    };
                    graph.packing().pack(&vector, 2.0, &mut packed);
                }
                graph.add(&labels[..7], &packed[..7 * graph.packing().bytes()], 2).unwrap();
                graph.add(&labels[7..], &packed[7 * graph.packing().bytes()..], 2).unwrap();
                assert_eq!(graph.len(), 2000);
                let mut hits = 0;
                for label in (100..2100).step_by(40) {
                    let target = vector(&graph, label);
                    let near = search(&graph, &target, 300, None, |_| true);
                    let odd = search(&graph, &target, 20, None, |label| label % 2 == 1);
                    assert!(odd.into_iter().all(|label| label % 2 == 1));
                    let distance =
                        |label: &u64| graph.packing().distance(&target, &vector(&graph, *label));
                    let all = search_all(&graph, &target, None, |_| true);
                    let furthest = all.iter().map(distance).fold(f32::MIN, f32::max);
                    hits += near[..10].iter().filter(|near| distance(near) <= furthest).count();
                }
                assert!(hits >= 495, "{precision:?} {metric:?}: {hits} of 500");
            }
        }
    }
}
