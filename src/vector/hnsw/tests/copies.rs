//! Searches that walk by copies of vectors in bytes.

use super::*;
use crate::test_random::Random;

const DIMENSIONS: usize = 48;

/// Lets searches walk by copies, if there are any of such vectors.
fn make_copies(graph: &Hnsw) {
    let has_copies = graph.has_copies();
    let copies = graph.copy_all().unwrap();
    assert_eq!(graph.has_copies(), has_copies);
    copies.into_iter().for_each(|copies| graph.set_copies(copies));
}

/// What vectors are like.
#[derive(Debug, Clone, Copy)]
enum Data {
    Clustered,
    Uniform,
    /// In clusters, and of lengths of which the longest is a hundred times the shortest.
    OfAllLengths,
}

fn components(data: Data, centers: &[f32], seed: &mut u64) -> Vec<f32> {
    let center = (random(seed) + 0.5) * (centers.len() / DIMENSIONS) as f32;
    let center = match data {
        Data::Uniform => None,
        _ => centers.chunks(DIMENSIONS).nth(center as usize),
    };
    let length = match data {
        Data::OfAllLengths => 10_f32.powf(2.0 * random(seed)),
        _ => 1.0,
    };
    let mut component = |at: usize| {
        let center = center.map_or(0.0, |center| center[at]);
        (center + random(seed) / 2.0) * length
    };
    (0..DIMENSIONS).map(&mut component).collect()
}

/// Vectors of a kind, packed, and others to search for.
fn vectors_of(
    packing: Packing,
    data: Data,
    seed: &mut u64,
    count: usize,
) -> (Vec<u8>, Vec<Vec<u8>>) {
    let centers: Vec<f32> = (0..30 * DIMENSIONS).map(|_| random(seed)).collect();
    let mut next = || -> Vec<u8> {
        components(data, &centers, seed).iter().flat_map(|one| one.to_le_bytes()).collect()
    };
    let mut packed = Vec::new();
    let mut vectors: Vec<_> = (0..count).map(|_| next()).collect();
    // Among vectors around it, it would be what all others are nearest to and lead to alone.
    let is_around_zero = matches!(data, Data::Uniform);
    if packing.of().0.metric != Metric::Cosine && !is_around_zero {
        vectors[count / 2] = vec![0; DIMENSIONS * 4];
    }
    let longest = vectors.iter().map(|vector| packing.length(vector)).fold(0.0, f64::max);
    vectors.iter().for_each(|vector| packing.pack(vector, longest, &mut packed));
    let targets = (0..100).map(|_| packing.pack_target(&next())).collect();
    (packed, targets)
}

fn packing_of(metric: Metric) -> Packing {
    Packing::new(Form { dimensions: DIMENSIONS as u32, metric }, Precision::F32)
}

fn options_of(packing: Packing) -> GraphOptions {
    let (form, precision) = packing.of();
    GraphOptions { precision, ..GraphOptions::default_of(form.metric) }
}

fn hits_of(graph: &Hnsw, target: &[u8], count: usize) -> Vec<Hit> {
    graph.search(Wanted::all(target, count), false, Eligible::ALL).unwrap().unwrap()
}

#[test]
fn copies_lead_to_as_many_of_the_nearest() {
    let mut seed = Random::from_env().u64();
    for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
        for data in [Data::Clustered, Data::Uniform, Data::OfAllLengths] {
            let packing = packing_of(metric);
            let graph = Hnsw::new(packing, options_of(packing));
            let (packed, targets) = vectors_of(packing, data, &mut seed, 3_000);
            add_in_steps(&graph, 0..3_000, &packed, 1_000, 2);
            let recall = |graph: &Hnsw| {
                let mut found = 0;
                for target in &targets {
                    let all =
                        graph.search_all(Wanted::all(target, 10), false, Eligible::ALL).unwrap();
                    let near = hits_of(graph, target, 200);
                    found += near[..10].iter().filter(|hit| all.contains(hit)).count();
                }
                found as f64 / (targets.len() * 10) as f64
            };
            let without = recall(&graph);
            make_copies(&graph);
            assert!(graph.has_copies());
            let with = recall(&graph);
            assert!(without >= 0.99, "{metric:?} {data:?}: {without}, without copies");
            assert!(with >= 0.99 && with >= without - 0.005, "{metric:?} {data:?}: {with}");
        }
    }
}

#[test]
fn what_copies_lead_to_is_in_the_order_of_the_vectors() {
    let mut seed = Random::from_env().u64();
    for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
        let packing = packing_of(metric);
        let graph = Hnsw::new(packing, options_of(packing));
        let (packed, targets) = vectors_of(packing, Data::Clustered, &mut seed, 1_000);
        // Each of them is there three times: these are equally far.
        for round in 0..3 {
            let labels = round * 1_000..(round + 1) * 1_000;
            add_in_steps(&graph, labels, &packed, 1_000, 2);
        }
        make_copies(&graph);
        let mut differs = false;
        for target in &targets {
            let near = hits_of(&graph, target, 60);
            assert_eq!(near.len(), 60);
            let exact = |hit: &Hit| packing.distance(target, &vector(&graph, hit.label));
            assert!(near.iter().all(|hit| hit.distance == exact(hit)), "{metric:?}");
            let in_order = |one: &Hit, next: &Hit| {
                (one.distance, one.label).partial_cmp(&(next.distance, next.label)).unwrap().is_lt()
            };
            assert!(near.is_sorted_by(in_order), "{metric:?}");
            // By the copies alone the order would be another one.
            let of_copies = packing.of_copies().unwrap();
            let copy_of = |packed: &[u8]| {
                let mut copy = Vec::new();
                packing.pack_copies(packed, &mut copy);
                copy
            };
            let target = copy_of(target);
            let about =
                |hit: &Hit| of_copies.distance(&target, &copy_of(&vector(&graph, hit.label)));
            differs |= !near.iter().map(about).collect::<Vec<_>>().is_sorted();
        }
        assert!(differs, "{metric:?}: copies have the same order");
    }
}

#[test]
fn what_is_left_out_is_further_than_what_is_needed() {
    let mut seed = Random::from_env().u64();
    for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
        for data in [Data::Clustered, Data::Uniform, Data::OfAllLengths] {
            let packing = packing_of(metric);
            let graph = Hnsw::new(packing, options_of(packing));
            let (packed, targets) = vectors_of(packing, data, &mut seed, 2_000);
            add_in_steps(&graph, 0..2_000, &packed, 1_000, 2);
            make_copies(&graph);
            let (mut compared, mut missed) = (0, 0);
            for target in &targets {
                let all = hits_of(&graph, target, 100);
                for needed in [0, 1, 10, 14, 100, 200] {
                    let wanted = Wanted { needed, ..Wanted::all(target, 100) };
                    let near = graph.search(wanted, false, Eligible::ALL).unwrap().unwrap();
                    assert!(near.len() >= needed.min(all.len()));
                    // Nothing is left out but behind what is there.
                    missed += all.iter().zip(&near).filter(|(one, other)| one != other).count();
                    // Of too few nothing is known.
                    assert!(needed >= 8 || near.len() == all.len());
                    compared += if needed == 14 { near.len() } else { 0 };
                }
            }
            let most = targets.len() * 100 / 2;
            assert!(compared < most, "{metric:?} {data:?}: {compared} are compared");
            assert_eq!(missed, 0, "{metric:?} {data:?}");
        }
    }
}

#[test]
fn copies_are_what_packing_in_steps_makes() {
    let mut seed = Random::from_env().u64();
    for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
        let packing = packing_of(metric);
        let of_copies = packing.of_copies().unwrap();
        let (packed, targets) = vectors_of(packing, Data::OfAllLengths, &mut seed, 500);
        let mut copies = Vec::new();
        packing.pack_copies(&packed, &mut copies);
        assert_eq!(copies.len(), 500 * of_copies.bytes());
        let vectors = packed.chunks(packing.bytes());
        for (one, copy) in vectors.zip(copies.chunks(of_copies.bytes())) {
            let mut target = Vec::new();
            packing.pack_copies(&targets[0], &mut target);
            let (exact, about) =
                (packing.distance(&targets[0], one), of_copies.distance(&target, copy));
            // Each component is off by half a step at most, which is a 254th part of the largest.
            let length = |packed: &[u8]| {
                let numbers = packed.as_chunks().0.iter();
                numbers.map(|one| f32::from_le_bytes(*one).powi(2)).sum::<f32>().sqrt()
            };
            let (of_target, own) = (length(&targets[0]), length(one));
            let off = match metric {
                Metric::L2 => (of_target + own).powi(2),
                _ => of_target * own,
            };
            let most = off * 2.1 / 254.0 * (DIMENSIONS as f32).sqrt() + f32::EPSILON;
            assert!((exact - about).abs() <= most, "{metric:?}: {exact}, {about}");
        }
    }
}

#[test]
fn copies_grow_with_the_graph() {
    let mut seed = Random::from_env().u64();
    let packing = packing_of(Metric::L2);
    let (packed, targets) = vectors_of(packing, Data::Clustered, &mut seed, 2_500);
    let length = packing.bytes();
    let graph = Hnsw::new(packing, options_of(packing));
    add_in_steps(&graph, 0..900, &packed[..900 * length], 300, 1);
    make_copies(&graph);
    let plain = graph.memory_after(0, false);
    assert_eq!(graph.memory(), graph.memory_after(0, true));
    assert!(graph.memory() >= plain + 900 * packing.of_copies().unwrap().bytes());
    for (from, to) in [(900, 1_000), (1_000, 1_025), (1_025, 2_500)] {
        let after = graph.memory_after(to - from, true);
        let added = &packed[from * length..to * length];
        add_in_steps(&graph, from as u64..to as u64, added, 2_000, 2);
        assert!(graph.has_copies());
        assert!(graph.memory() <= after && graph.memory() >= after / 10 * 9, "{to}: {after}");
    }
    // They are those that are made of all at once.
    let near = |graph: &Hnsw| -> Vec<_> {
        targets.iter().map(|target| hits_of(graph, target, 40)).collect()
    };
    let grown = near(&graph);
    make_copies(&graph);
    assert_eq!(near(&graph), grown);
    // A file has none, nor has the graph that is read from it.
    let with_copies = bytes_of(&graph);
    graph.drop_copies();
    assert!(!graph.has_copies());
    assert_eq!(graph.memory(), graph.memory_after(0, false));
    assert_eq!(bytes_of(&graph), with_copies);
    make_copies(&graph);
    assert!(graph.read_from(&mut with_copies.as_slice(), 2_500).unwrap());
    assert!(!graph.has_copies());
    make_copies(&graph);
    assert_eq!(near(&graph), grown);
    // Nor are there any where vectors stay in the file.
    assert!(graph.map(mapped(&with_copies), 2_500));
    assert!(!graph.has_copies());
    make_copies(&graph);
    assert!(!graph.has_copies());
}

#[test]
fn searches_by_copies_go_on_while_vectors_are_added() {
    let mut seed = Random::from_env().u64();
    let packing = packing_of(Metric::Cosine);
    let (packed, _) = vectors_of(packing, Data::Clustered, &mut seed, 5_000);
    let length = packing.bytes();
    let graph = Hnsw::new(packing, options_of(packing));
    add_in_steps(&graph, 0..1_000, &packed[..1_000 * length], 500, 2);
    make_copies(&graph);
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (at, some) in packed[1_000 * length..].chunks(500 * length).enumerate() {
                let from = 1_000 + at as u64 * 500;
                graph.add(&(from..from + 500).collect::<Vec<_>>(), some, 2).unwrap();
                // They come and go meanwhile.
                match at % 2 {
                    0 => graph.drop_copies(),
                    _ => make_copies(&graph),
                }
            }
            is_done.store(true, Ordering::Release);
        });
        let mut found = 0;
        while !is_done.load(Ordering::Acquire) {
            for (label, target) in packed[..1_000 * length].chunks(length).enumerate() {
                let near = hits_of(&graph, target, 64);
                assert_eq!(near[0].label, label as u64);
                found += usize::from(!is_done.load(Ordering::Acquire));
            }
        }
        assert!(found > 0, "nothing was searched for while vectors were added");
    });
    assert_eq!(graph.len(), 5_000);
}

#[test]
fn vectors_of_few_bytes_have_no_copies() {
    for precision in Precision::ALL {
        for metric in Metric::ALL {
            let form = Form { dimensions: 8, metric };
            let options = GraphOptions { precision, ..GraphOptions::default_of(metric) };
            if options.fault(form).is_some() {
                continue;
            }
            let graph = Hnsw::new(Packing::new(form, precision), options);
            make_copies(&graph);
            assert_eq!(graph.has_copies(), precision == Precision::F32, "{precision:?} {metric:?}");
        }
    }
}
