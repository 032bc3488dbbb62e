//! What is found in graphs, and that nothing is lost.

mod copies;
mod rows;

use super::*;
use crate::vector::metric::{Form, Metric};
use crate::vector::precision::Precision;

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

/// The vectors of a graph that do not pass.
fn others(graph: &Hnsw, passes: impl Fn(u64) -> bool) -> Bits {
    let labels: Vec<u64> = {
        let nodes = graph.nodes.read();
        (0..nodes.len() as u32).map(|node| nodes.label(node)).filter(|one| !passes(*one)).collect()
    };
    let mut others = Bits::default();
    assert!(graph.mark(&labels, &mut others, false));
    assert_eq!(others.len(), labels.len());
    others
}

fn search(graph: &Hnsw, target: &[u8], count: usize, eligible: Eligible<'_>) -> Vec<u64> {
    labels_of(graph.search(Wanted::all(target, count), false, eligible).unwrap().unwrap())
}

fn search_all(graph: &Hnsw, target: &[u8], eligible: Eligible<'_>) -> Vec<u64> {
    labels_of(graph.search_all(Wanted::all(target, 10), false, eligible).unwrap())
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

/// Adds vectors with these labels, so many at a time by so many threads.
fn add_in_steps(
    graph: &Hnsw,
    labels: std::ops::Range<u64>,
    packed: &[u8],
    step: usize,
    threads: usize,
) {
    let (labels, length) = (labels.collect::<Vec<_>>(), graph.packing().bytes());
    for (labels, packed) in labels.chunks(step).zip(packed.chunks(step * length)) {
        graph.add(labels, packed, threads).unwrap();
    }
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
            let near = search(&read, target, 64, Eligible::ALL);
            assert_eq!(near[0], at as u64);
            let nearest = search_all(&read, target, Eligible::ALL);
            found += near[..10].iter().filter(|label| nearest.contains(label)).count();
        }
        assert!(found >= 290, "only {found} of 300");
        for (at, target) in added.chunks(length).enumerate().step_by(50) {
            let near = search(&read, target, 64, Eligible::ALL);
            assert_eq!(near[0], 2000 + at as u64);
        }
        assert_eq!(more.len(), 600);
    }
}

#[test]
fn searches_for_several_find_what_each_finds() {
    let (graph, packed) = graph_of(0..2_500, GraphOptions::default_of(Metric::L2));
    let length = graph.packing().bytes();
    let targets: Vec<&[u8]> = packed.chunks(length).step_by(101).collect();
    let gone = others(&graph, |label| label % 3 != 0);
    for eligible in [Eligible::ALL, Eligible { gone: Some(&gone), below: 2_200, ..Eligible::ALL }] {
        for count in [1, 10, 4_000] {
            let found = graph.search_all_for(&targets, count, eligible);
            assert_eq!(found.len(), targets.len());
            for (target, found) in targets.iter().zip(found) {
                let wanted = Wanted::all(target, count);
                assert_eq!(Some(found), graph.search_all(wanted, false, eligible));
            }
        }
    }
    assert!(graph.search_all_for(&[], 10, Eligible::ALL).is_empty());
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
        targets.map(|target| search(graph, target, 64, Eligible::ALL)).collect()
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
        assert!(graph.memory() <= whole - 2_048 * length, "{} bytes", graph.memory());
        assert_eq!(near(&graph), expected);
        assert_eq!(bytes_of(&graph), bytes);
        // It grows as if the file were not there, and what it has then may be put in a file.
        graph.add(&labels, &added, 1).unwrap();
        for (label, target) in labels.iter().zip(added.chunks(length)).step_by(50) {
            assert_eq!(search(&graph, target, 64, Eligible::ALL)[0], *label);
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
        let after = graph.memory_after(more as usize, false);
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
        add_in_steps(&graph, 0..2_000, &packed, 500, 4);
        for (label, target) in packed.chunks(graph.packing().bytes()).enumerate() {
            let near = search(&graph, target, 16, Eligible::ALL);
            lost += usize::from(near.first() != Some(&(label as u64)));
        }
    }
    assert_eq!(lost, 0);
}

#[test]
fn few_links_lead_to_all_places() {
    let form = Form { dimensions: 16, metric: Metric::L2 };
    let options = GraphOptions { m: 4, ..GraphOptions::default_of(Metric::L2) };
    for seed in 1..=2_u64 {
        let graph = Hnsw::new(Packing::new(form, options.precision), options);
        let mut seed = seed << 20;
        let places: Vec<f32> = (0..200 * 16).map(|_| random(&mut seed) * 6.0).collect();
        let mut packed = Vec::new();
        for at in 0..10_000 {
            let place = places.chunks(16).nth(at * 7 % 200).unwrap();
            let vector: Vec<u8> =
                place.iter().flat_map(|one| (one + random(&mut seed)).to_le_bytes()).collect();
            graph.packing().pack(&vector, 0.0, &mut packed);
        }
        add_in_steps(&graph, 0..10_000, &packed, 1_000, 2);
        // Vectors of a place are less far from each other than from those of all others.
        let is_far = |target: &&[u8]| {
            let near =
                graph.search(Wanted::all(target, 64), false, Eligible::ALL).unwrap().unwrap();
            near[0].distance > 6.0
        };
        let far = packed.chunks(graph.packing().bytes()).step_by(2).filter(is_far).count();
        assert_eq!(far, 0, "of 5,000 that are all there");
    }
}

#[test]
fn what_several_threads_add_is_found() {
    let (graph, _) = graph_of(0..ALONE as u64, GraphOptions::default_of(Metric::L2));
    let more = 10_000..15_000;
    let (_, added) = graph_of(more.clone(), GraphOptions::default_of(Metric::L2));
    add_in_steps(&graph, more.clone(), &added, 1_000, 4);
    for (label, target) in more.zip(added.chunks(graph.packing().bytes())) {
        let near = search(&graph, target, 64, Eligible::ALL);
        assert_eq!(near[0], label);
    }
}

#[test]
fn what_is_found_is_in_the_set() {
    let (graph, packed) = graph_of(0..4_000, GraphOptions::default_of(Metric::L2));
    let gone = others(&graph, |label| label != 40);
    for (every, least) in [(2, 0.99), (5, 0.99), (40, 0.97)] {
        // Labels that it has not, and one twice, make no difference.
        let labels = (0..5_000).step_by(every).chain([0, 9_999]).collect();
        let set = graph.set_of(labels, 0);
        assert_eq!(set.len(), 4_000_usize.div_ceil(every));
        let (mut found, mut wanted) = (0, 0);
        for target in packed.chunks(graph.packing().bytes()).skip(1).step_by(100) {
            let eligible = Eligible { among: Some(&set), gone: Some(&gone), ..Eligible::ALL };
            let all = search_all(&graph, target, eligible);
            let near = search(&graph, target, 64, eligible);
            assert_eq!((all.len(), near.len()), (10, 64));
            let is_right = |label: &u64| label.is_multiple_of(every as u64) && *label != 40;
            assert!(all.iter().chain(&near).all(is_right));
            found += near[..10].iter().filter(|label| all.contains(label)).count();
            wanted += 10;
        }
        assert!(f64::from(found as u32) >= least * f64::from(wanted), "{found} of {wanted}");
    }
    assert!(graph.set_of(vec![4_000, u64::MAX], 0).is_empty());
}

#[test]
fn copies_of_a_set_hide_nothing() {
    for precision in [Precision::F32, Precision::F16, Precision::Bf16] {
        let form = Form { dimensions: 48, metric: Metric::Cosine };
        let options = GraphOptions { precision, ..GraphOptions::default_of(Metric::Cosine) };
        let graph = Hnsw::new(Packing::new(form, precision), options);
        let (mut seed, mut packed) = (11, Vec::new());
        for at in 0..2_000 {
            // Some are alike, some the same.
            let place = ((at % 9) as f32 - 4.0) / 8.0;
            let vector: Vec<u8> = (0..48)
                .flat_map(|i| (place * (i % 5) as f32 + random(&mut seed)).to_le_bytes())
                .collect();
            (0..1 + at % 2).for_each(|_| graph.packing().pack(&vector, 0.0, &mut packed));
        }
        graph.add(&(0..3_000).collect::<Vec<_>>(), &packed, 2).unwrap();
        let labels: Vec<u64> = (0..3_000).filter(|label| label % 7 < 3).collect();
        let (plain, copied) = (graph.set_of(labels.clone(), 0), graph.set_of(labels, 1 << 20));
        assert!(copied.is_copied() && !plain.is_copied());
        assert!(copied.memory() >= plain.memory() + copied.len() * 48);
        let gone = others(&graph, |label| !label.is_multiple_of(5));
        for target in packed.chunks(graph.packing().bytes()).step_by(37) {
            for count in [1, 10, 300, 2_000] {
                let near = |set| {
                    let eligible =
                        Eligible { among: Some(set), gone: Some(&gone), ..Eligible::ALL };
                    graph.search_all(Wanted::all(target, count), false, eligible)
                };
                assert_eq!(near(&copied), near(&plain), "{precision:?}");
            }
        }
    }
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
        let near = graph.search(Wanted::all(target, 200), false, Eligible::ALL).unwrap().unwrap();
        let all = graph.search_all(Wanted::all(target, 200), false, Eligible::ALL).unwrap();
        let furthest = all[199].distance;
        found += near.iter().filter(|hit| hit.distance <= furthest).count();
        wanted += 200;
    }
    assert!(found * 100 >= wanted * 99, "{found} of {wanted}");
}

#[test]
fn what_is_not_in_the_index_is_gone() {
    let (graph, packed) = graph_of(0..400, GraphOptions::default_of(Metric::L2));
    let (_, more) = graph_of(1_000..1_400, GraphOptions::default_of(Metric::L2));
    add_in_steps(&graph, 1_000..1_400, &more, 400, 2);
    let is_there = |label: &u64| label % 3 == 1 || (100..200).contains(label);
    // Also labels that the graph has not got yet, or never got.
    let there: Vec<u64> = (0..2_000).filter(is_there).collect();
    for at_once in [1, 7, 90, 5_000] {
        let (mut gone, mut at) = (Bits::default(), 0);
        for labels in there.chunks(at_once) {
            at = graph.mark_others(labels, at, &mut gone);
        }
        assert_eq!(graph.mark_others(&[], at, &mut gone), 800);
        assert_eq!(gone, others(&graph, |label| is_there(&label)), "{at_once}");
    }
    let gone = others(&graph, |label| is_there(&label));
    for below in [0, 1, 150, 400, 900, 1_200, u64::MAX] {
        let eligible = Eligible { below, gone: Some(&gone), ..Eligible::ALL };
        for target in packed.chunks(graph.packing().bytes()).step_by(50) {
            for found in
                [search(&graph, target, 20, eligible), search_all(&graph, target, eligible)]
            {
                assert!(found.iter().all(|label| *label < below && is_there(label)));
                assert_eq!(found.is_empty(), below < 2);
            }
        }
    }
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
                let near = search(&graph, target, 64, Eligible::ALL);
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
    assert_eq!(search(&own, first, 1, Eligible::ALL), [500]);
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
            let even = others(&graph, |label| label % 2 == 1);
            let mut hits = 0;
            for label in (100..2100).step_by(40) {
                let target = vector(&graph, label);
                let near = search(&graph, &target, 300, Eligible::ALL);
                let eligible = Eligible { gone: Some(&even), ..Eligible::ALL };
                let odd = search(&graph, &target, 20, eligible);
                assert!(odd.into_iter().all(|label| label % 2 == 1));
                let distance =
                    |label: &u64| graph.packing().distance(&target, &vector(&graph, *label));
                let all = search_all(&graph, &target, Eligible::ALL);
                let furthest = all.iter().map(distance).fold(f32::MIN, f32::max);
                hits += near[..10].iter().filter(|near| distance(near) <= furthest).count();
            }
            assert!(hits >= 495, "{precision:?} {metric:?}: {hits} of 500");
        }
    }
}
