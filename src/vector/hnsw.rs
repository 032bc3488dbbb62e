//! The graph: a hierarchical navigable small world (Malkov and Yashunin, 2016), as usearch has it.
//!
//! The library keeps bytes and asks here how far they are from each other, so that precision and
//! metrics are the same on every processor. Nothing of it is used that changes or removes a vector.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind, new_index};
use zeroize::Zeroizing;

use super::packed::Packing;
use super::precision::GraphOptions;
use crate::error::{Error, ErrorCode, Result};

/// How many searches, or insertions, are in the library at once: it has memory for each.
const SLOTS: usize = 8;
/// Below so many vectors for each thread, they are added by one thread.
///
/// The library links a vector of an upper level there before it does so on the level below. Who
/// comes down to it in between finds nobody else, and is linked to it alone; then these links are
/// cleared, and nothing leads there any more. One in sixteen vectors is such a vector: where there
/// are few, half of all come down to it, and a thread that is interrupted in between loses dozens.
/// Where there are hundreds, one in ten thousand is lost.
const ALONE: usize = 2_048;
/// The vectors for which there is room at first.
const FIRST_CAPACITY: usize = 1024;

/// Vectors under labels, each with its near neighbours.
pub struct Hnsw {
    packing: Packing,
    options: GraphOptions,
    index: RwLock<Index>,
    /// How many vectors it has, which is told without waiting for those that are being added.
    count: AtomicUsize,
    free_slots: Mutex<usize>,
    slot_freed: Condvar,
}

/// A place in the library.
struct Slot<'h>(&'h Hnsw);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free_slots.lock() += 1;
        self.0.slot_freed.notify_one();
    }
}

impl Hnsw {
    /// A graph without vectors.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn new(packing: Packing, options: GraphOptions) -> Result<Self> {
        let mut index = empty_index(packing, options)?;
        measure_with(&mut index, packing);
        Ok(Self {
            packing,
            options,
            index: RwLock::new(index),
            count: AtomicUsize::new(0),
            free_slots: Mutex::new(SLOTS),
            slot_freed: Condvar::new(),
        })
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

    /// How many bytes it takes.
    pub fn memory(&self) -> usize {
        self.index.read().memory_usage()
    }

    /// How many bytes the library writes.
    pub fn saved_length(&self) -> u64 {
        self.index.read().serialized_length() as u64
    }

    /// Has the library write all that there is to a file that is there; gives how many bytes that
    /// are, or `None` if the library cannot be told the path. Not everything that can fail is told:
    /// the file may be shorter.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`, for whatever reason it cannot be written.
    pub fn save(&self, path: &Path) -> Result<Option<u64>> {
        let Some(path) = library_path(path) else { return Ok(None) };
        let index = self.index.read();
        index.save(path).map_err(failed)?;
        Ok(Some(index.serialized_length() as u64))
    }

    /// What [`save`](Self::save) writes.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>> {
        let index = self.index.read();
        let mut bytes = Zeroizing::new(Vec::new());
        let length = index.serialized_length();
        bytes.try_reserve_exact(length).map_err(failed)?;
        bytes.resize(length, 0);
        index.save_to_buffer(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// Takes up what [`save`](Self::save) has written, which has to be as it was, in the place of
    /// all that there is; `None` if the library cannot be told the path, false, and nothing is
    /// changed, if it is not so many vectors of this kind.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory. Nothing is changed.
    pub fn load(&self, path: &Path, vectors: u64) -> Result<Option<bool>> {
        let Some(path) = library_path(path) else { return Ok(None) };
        let index = empty_index(self.packing, self.options)?;
        index.load(path).map_err(failed)?;
        self.take_up(index, vectors).map(Some)
    }

    /// Takes up what [`to_bytes`](Self::to_bytes) has given, as [`load`](Self::load) does.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory. Nothing is changed.
    pub fn load_bytes(&self, bytes: &[u8], vectors: u64) -> Result<bool> {
        let index = empty_index(self.packing, self.options)?;
        index.load_from_buffer(bytes).map_err(failed)?;
        self.take_up(index, vectors)
    }

    fn take_up(&self, mut index: Index, vectors: u64) -> Result<bool> {
        let is_like = index.size() as u64 == vectors
            && index.dimensions() == self.packing.bytes()
            && index.connectivity() == self.options.m as usize
            && !index.multi();
        if !is_like {
            return Ok(false);
        }
        // A load has put the library's own measure back.
        measure_with(&mut index, self.packing);
        let capacity = index.size().max(FIRST_CAPACITY);
        index.reserve_capacity_and_threads(capacity, SLOTS).map_err(failed)?;
        let replaced = {
            let mut own = self.index.write();
            self.count.store(index.size(), Ordering::Relaxed);
            std::mem::replace(&mut *own, index)
        };
        drop(replaced);
        Ok(true)
    }

    /// Adds packed vectors, one after the other in `packed`, on so many threads at most. Searches
    /// wait meanwhile. After an error some may be there.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn add(&self, labels: &[u64], packed: &[u8], threads: usize) -> Result<()> {
        let index = self.index.write();
        let added = self.add_to(&index, (labels, packed), threads);
        self.count.store(index.size(), Ordering::Relaxed);
        added
    }

    fn add_to(
        &self,
        index: &Index,
        (labels, packed): (&[u64], &[u8]),
        threads: usize,
    ) -> Result<()> {
        let needed = index.size() + labels.len();
        if needed > index.capacity() {
            let capacity = needed.max(index.capacity() * 2);
            index.reserve_capacity_and_threads(capacity, SLOTS).map_err(failed)?;
        }
        let length = self.packing.bytes();
        let add_all = |labels: &[u64], packed: &[u8]| {
            labels
                .iter()
                .zip(packed.chunks_exact(length))
                .try_for_each(|(label, vector)| index.add(*label, vector).map_err(failed))
        };
        let most = (index.size() / ALONE).clamp(1, SLOTS);
        let each = labels.len().div_ceil(threads.clamp(1, most)).max(1);
        if each >= labels.len() {
            return add_all(labels, packed);
        }
        std::thread::scope(|scope| {
            let parts = labels.chunks(each).zip(packed.chunks(each * length));
            let workers: Vec<_> =
                parts.map(|(labels, packed)| scope.spawn(|| add_all(labels, packed))).collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|_| Err(failed("a thread that inserts panicked")))
            })
        })
    }

    /// The labels of about `count` vectors that are nearest to a packed one, of those that `passes`
    /// lets through, the nearest first. With `at_once`, `None` if it would have to wait.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn search(
        &self,
        packed: &[u8],
        count: usize,
        at_once: bool,
        passes: impl Fn(u64) -> bool,
    ) -> Result<Option<Vec<u64>>> {
        let Some(_slot) = self.slot(at_once) else { return Ok(None) };
        let index = match at_once {
            true => self.index.try_read(),
            false => Some(self.index.read()),
        };
        let Some(index) = index else { return Ok(None) };
        let count = count.min(index.size());
        if count == 0 {
            return Ok(Some(Vec::new()));
        }
        let found = index.filtered_search(packed, count, passes).map_err(failed)?;
        Ok(Some(found.keys))
    }

    /// The labels of the `count` vectors that are nearest to a packed one: by looking at all.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub fn search_all(&self, packed: &[u8], count: usize) -> Result<Vec<u64>> {
        let _slot = self.slot(false);
        let index = self.index.read();
        let count = count.min(index.size());
        if count == 0 {
            return Ok(Vec::new());
        }
        Ok(index.exact_search(packed, count).map_err(failed)?.keys)
    }

    fn slot(&self, at_once: bool) -> Option<Slot<'_>> {
        let mut free = self.free_slots.lock();
        while *free == 0 {
            if at_once {
                return None;
            }
            self.slot_freed.wait(&mut free);
        }
        *free -= 1;
        Some(Slot(self))
    }
}

/// The version of the library: what one writes no other one reads.
pub fn library_version() -> &'static str {
    usearch::version()
}

/// A path as the library takes it: it opens files as C does, which is not UTF-8 everywhere.
fn library_path(path: &Path) -> Option<&str> {
    path.to_str().filter(|path| cfg!(unix) || path.is_ascii())
}

/// An index of the library without vectors, and without a measure of its own.
fn empty_index(packing: Packing, options: GraphOptions) -> Result<Index> {
    let index = new_index(&IndexOptions {
        dimensions: packing.bytes(),
        // What it computes itself is not used.
        metric: MetricKind::IP,
        quantization: ScalarKind::U8,
        connectivity: options.m as usize,
        expansion_add: options.ef_construction as usize,
        // A search keeps as many candidates as it asks for.
        expansion_search: 1,
        multi: false,
    })
    .map_err(failed)?;
    index.reserve_capacity_and_threads(FIRST_CAPACITY, SLOTS).map_err(failed)?;
    Ok(index)
}

/// Has the library ask here how far vectors are from each other.
fn measure_with(index: &mut Index, packing: Packing) {
    let length = packing.bytes();
    index.change_metric::<u8>(Box::new(move |one, other| {
        // SAFETY: the library calls this with vectors that it has, or is searching for, each as
        // long as its dimensions; nothing changes them meanwhile.
        let (one, other) = unsafe {
            (std::slice::from_raw_parts(one, length), std::slice::from_raw_parts(other, length))
        };
        packing.distance(one, other)
    }));
}

/// What the library says when there is no memory, the only thing that it is not protected from.
fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::ResourceLimit, format!("the graph of a vector index: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::metric::{Form, Metric};
    use super::super::precision::Precision;
    use super::*;

    /// The packed vector under a label.
    fn vector(graph: &Hnsw, label: u64) -> Vec<u8> {
        let mut packed = vec![0; graph.packing().bytes()];
        assert_eq!(graph.index.read().get(label, &mut packed).unwrap(), 1);
        packed
    }

    fn random(seed: &mut u64) -> f32 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    }

    /// A graph of vectors of 16 numbers with these labels, and the vectors.
    fn graph_of(labels: std::ops::Range<u64>, options: GraphOptions) -> (Hnsw, Vec<u8>) {
        let form = Form { dimensions: 16, metric: Metric::L2 };
        let graph = Hnsw::new(Packing::new(form, options.precision), options).unwrap();
        let (mut seed, mut packed) = (labels.start, Vec::new());
        for _ in labels.clone() {
            let vector: Vec<u8> = (0..16).flat_map(|_| random(&mut seed).to_le_bytes()).collect();
            graph.packing().pack(&vector, 0.0, &mut packed);
        }
        graph.add(&labels.collect::<Vec<_>>(), &packed, 2).unwrap();
        (graph, packed)
    }

    #[test]
    fn a_graph_is_read_as_it_was_written() {
        let options = GraphOptions::default_of(Metric::L2);
        let (graph, packed) = graph_of(0..1500, options);
        let file = tempfile::NamedTempFile::new().unwrap();
        let length = graph.save(file.path()).unwrap().unwrap();
        assert_eq!(length, file.as_file().metadata().unwrap().len());
        let bytes = graph.to_bytes().unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), *bytes);
        for from_path in [true, false] {
            let read = Hnsw::new(graph.packing(), options).unwrap();
            let is_of_use = match from_path {
                true => read.load(file.path(), 1500).unwrap().unwrap(),
                false => read.load_bytes(&bytes, 1500).unwrap(),
            };
            assert!(is_of_use);
            assert_eq!((read.len(), read.to_bytes().unwrap().len()), (1500, bytes.len()));
            // It measures with the vectors' own measure, and is added to as the other one is.
            let (more, added) = graph_of(2000..2600, options);
            read.add(&(2000..2600).collect::<Vec<_>>(), &added, 2).unwrap();
            let length = read.packing().bytes();
            let mut found = 0;
            for (at, target) in packed.chunks(length).enumerate().step_by(50) {
                let near = read.search(target, 64, false, |_| true).unwrap().unwrap();
                assert_eq!(near[0], at as u64);
                let nearest = read.search_all(target, 10).unwrap();
                found += near[..10].iter().filter(|label| nearest.contains(label)).count();
            }
            assert!(found >= 290, "only {found} of 300");
            for (at, target) in added.chunks(length).enumerate().step_by(50) {
                let near = read.search(target, 64, false, |_| true).unwrap().unwrap();
                assert_eq!(near[0], 2000 + at as u64);
            }
            assert_eq!(more.len(), 600);
        }
    }

    #[test]
    fn what_several_threads_add_is_found() {
        let (graph, _) = graph_of(0..2 * ALONE as u64, GraphOptions::default_of(Metric::L2));
        let more = 10_000..11_000;
        let (_, added) = graph_of(more.clone(), GraphOptions::default_of(Metric::L2));
        graph.add(&more.collect::<Vec<_>>(), &added, 2).unwrap();
        let mut lost = 0;
        for (at, target) in added.chunks(graph.packing().bytes()).enumerate() {
            let near = graph.search(target, 64, false, |_| true).unwrap().unwrap();
            lost += usize::from(near[0] != 10_000 + at as u64);
        }
        assert!(lost <= 10, "{lost} of 1,000 are not found");
    }

    #[test]
    fn a_graph_of_another_kind_is_not_taken() {
        let options = GraphOptions::default_of(Metric::L2);
        let (graph, _) = graph_of(0..100, options);
        let bytes = graph.to_bytes().unwrap();
        let (own, packed) = graph_of(500..510, options);
        assert!(!own.load_bytes(&bytes, 101).unwrap());
        let (of_less, _) = graph_of(0..10, GraphOptions { m: 8, ..options });
        assert!(!of_less.load_bytes(&bytes, 100).unwrap());
        let (of_more, _) = graph_of(0..10, GraphOptions { precision: Precision::F32, ..options });
        assert!(!of_more.load_bytes(&bytes, 100).unwrap());
        // Nothing has changed.
        let first = &packed[..own.packing().bytes()];
        assert_eq!(own.search(first, 1, false, |_| true).unwrap().unwrap(), [500]);
        assert!(own.load_bytes(&bytes, 100).unwrap());
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
                let graph = Hnsw::new(Packing::new(form, precision), options).unwrap();
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
                    let near = graph.search(&target, 300, false, |_| true).unwrap().unwrap();
                    let odd = graph.search(&target, 20, false, |label| label % 2 == 1);
                    assert!(odd.unwrap().unwrap().into_iter().all(|label| label % 2 == 1));
                    let distance =
                        |label: &u64| graph.packing().distance(&target, &vector(&graph, *label));
                    let all = graph.search_all(&target, 10).unwrap();
                    let furthest = all.iter().map(distance).fold(f32::MIN, f32::max);
                    hits += near[..10].iter().filter(|near| distance(near) <= furthest).count();
                }
                assert!(hits >= 495, "{precision:?} {metric:?}: {hits} of 500");
            }
        }
    }
}
