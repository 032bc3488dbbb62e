//! The fuzz targets, on their corpus and on random variations of it. `npm run fuzz` searches with
//! libFuzzer, which finds more.
//!
//! `LODESTORE_SEED` replays a run.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[allow(clippy::duplicate_mod, reason = "the targets load a part of it by themselves")]
mod support;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use support::Random;
use targets::{TARGETS, Target};

/// How long each target is fed with variations.
const PATIENCE: Duration = Duration::from_millis(500);

/// The inputs of a target: a line of hexadecimal digits each, `#` begins a comment.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/corpus/{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(|line| line.split('#').next().unwrap().trim());
    lines.filter(|line| !line.is_empty()).map(from_hex).collect()
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Runs the target; says which input it was that made it panic.
fn check(name: &str, target: Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("target {name}, input {hex}");
        resume_unwind(panic);
    }
}

fn varied(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(6) {
            0 => input.truncate(at),
            1 => input.insert(at, random.u64() as u8),
            2 => {
                let other = &corpus[random.below(corpus.len())];
                input.truncate(at);
                input.extend_from_slice(&other[random.below(other.len() + 1)..]);
            }
            3 => {
                let number = [0, 1, 0xFF, 0xFFFF, 1 << 31, u32::MAX][random.below(6)];
                if let Some(place) = input.get_mut(at..at + 4) {
                    place.copy_from_slice(&number.to_le_bytes());
                }
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    input
}

/// The corpus of a target, then variations.
fn run(name: &str) {
    let target = targets::by_name(name);
    let corpus = corpus(name);
    assert!(!corpus.is_empty());
    for input in &corpus {
        check(name, target, input);
    }
    let mut random = Random::from_env();
    let started = Instant::now();
    let mut variations = 0;
    while started.elapsed() < PATIENCE {
        check(name, target, &varied(&mut random, &corpus));
        variations += 1;
    }
    println!("{name}: {} inputs, {variations} variations", corpus.len());
}

#[test]
fn every_corpus_has_a_target() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}

macro_rules! tests {
    ($($test:ident $name:literal)*) => {$(
        #[test]
        fn $test() {
            run($name);
        }
    )*};
}

tests! {
    catalog_records "catalog-record"
    data_files "data-file"
    documents "document"
    envelopes "envelope"
    format_records "format-record"
    keys "key"
    lock_files "lock-file"
    opens "open"
    operations "operations"
    pages "pages"
    pipelines "pipeline"
    queries "query"
    repairs "repair"
    requests "requests"
    updates "update"
}
