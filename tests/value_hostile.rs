//! Damaged documents: every function returns, quickly, a value or CORRUPT.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use lodestore::error::{ErrorCode, Result};
use lodestore::value::{self, FieldName, FieldPath, Kind, Lookup, ShapeTable, ValueRef};
use serde_json::Value;

const INPUTS: usize = 200_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn tag(&mut self) -> u8 {
        match self.below(8) {
            0 => self.next() as u8,
            1 => 0x80,
            _ => 0xc0 + self.below(64) as u8,
        }
    }

    fn damage(&mut self, doc: &mut Vec<u8>) {
        if doc.is_empty() {
            return;
        }
        let at = self.below(doc.len());
        match self.below(9) {
            0 => doc[at] ^= 1 << self.below(8),
            1 => doc[at] = self.tag(),
            2 => doc.truncate(at),
            3 => drop(doc.drain(..at)),
            4 => doc.insert(at, self.tag()),
            5 => doc.extend_from_within(at..),
            6 => {
                let to = self.below(doc.len());
                let length = self.below(12).min(doc.len() - at).min(doc.len() - to);
                doc.copy_within(at..at + length, to);
            }
            7 => {
                let small = self.below(doc.len()) as u32;
                let size = [small, small, 0, 8, 255, u32::MAX, 1 << 31][self.below(7)];
                if let Some(place) = doc.get_mut(at..at + 4) {
                    place.copy_from_slice(&size.to_le_bytes());
                }
            }
            _ => {
                let tag = self.tag();
                let length = self.below(doc.len() * 2);
                doc[at..].fill(tag);
                doc.resize(length, tag);
            }
        }
    }
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = match std::env::var("LODESTORE_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => now.as_nanos() as u64,
    };
    println!("LODESTORE_SEED={seed}");
    seed
}

fn corpus() -> (Vec<Vec<u8>>, ShapeTable) {
    let vectors: Value = serde_json::from_str(include_str!("vectors/documents.json")).unwrap();
    let random = &vectors["random"];
    let mut shapes = ShapeTable::new();
    for (id, names) in (0..).zip(random["shapes"].as_array().unwrap()) {
        let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().into());
        shapes.add(id, names.collect()).unwrap();
    }
    let from_hex = |hex: &Value| {
        let hex = hex.as_str().unwrap();
        let bytes = (0..hex.len()).step_by(2);
        bytes.map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    };
    (random["hex"].as_array().unwrap().iter().map(from_hex).collect(), shapes)
}

/// Reads every accessor of a value and of what its paths lead to.
fn poke(value: ValueRef<'_>, names: &[FieldName], shapes: &ShapeTable, depth: usize) -> Result<()> {
    let kind = value.kind()?;
    value.as_number()?;
    value.as_bool()?;
    value.as_text()?.map(|text| (text.utf16_len(), text.to_wtf8(), text.to_str().is_some()));
    value.as_date()?;
    value.as_bigint()?.map(|bigint| bigint.to_i128());
    value.as_binary()?;
    value.as_regexp()?;
    value.unboxed()?;
    value.array_len()?;
    let mut out = vec![1, 2];
    let form = value::push_key(value, shapes, &mut out);
    assert_eq!(out[..2], [1, 2]);
    assert_eq!(out.len() > 2, !matches!(form, Err(_) | Ok(value::KeyForm::NotAKey)));
    form?;
    if depth == 0 {
        return Ok(());
    }
    if kind == Kind::Array {
        for element in value.elements(shapes)?.into_iter().flatten().take(20) {
            poke(element?.1, names, shapes, depth - 1)?;
        }
    }
    for name in names {
        if let Some(field) = value.field(name, shapes)? {
            poke(field, &[], shapes, depth - 1)?;
        }
    }
    value.end(shapes)?;
    Ok(())
}

fn check<T>(result: Result<T>) -> bool {
    if let Err(error) = &result {
        assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
    }
    result.is_ok()
}

#[test]
fn damaged_documents_are_corrupt_or_have_a_value() {
    let mut random = Random(seed());
    let (documents, shapes) = corpus();
    let names = ["id", "name", "a", "é", "日本", "message"].map(FieldName::new);
    let paths = ["a.b", "tags", "name.length", "id.cause.x"].map(FieldPath::parse);
    let mut valid = 0;
    for input in 0..INPUTS {
        let mut doc = documents[random.below(documents.len())].clone();
        for _ in 0..1 + random.below(3) {
            random.damage(&mut doc);
        }
        let started = Instant::now();
        let is_valid = check(value::validate(&doc, &shapes));
        assert_eq!(check(value::decode(&doc, &shapes)), is_valid, "input {input}");
        if is_valid {
            valid += 1;
            let encoded = value::transcode(&doc, &shapes).unwrap();
            assert_eq!(value::transcode(&encoded, &shapes).unwrap(), encoded, "input {input}");
        }
        if let Ok(root) = value::root(&doc) {
            let poked = check(poke(root, &names, &shapes, 4));
            assert!(poked || !is_valid, "input {input}: valid, but not readable");
            for path in &paths {
                let found = value::lookup(root, path, &shapes);
                if let Ok(Lookup::Found(value)) = found {
                    check(value.kind());
                }
                check(found);
                check(value::lookup_idb(root, path, &shapes));
            }
        }
        let place = random.below(doc.len() + 9);
        check(value::patch_number(&mut doc, place, 1.0));
        assert!(started.elapsed() < Duration::from_secs(2), "input {input} took too long");
    }
    println!("{INPUTS} inputs, {valid} valid");
    assert!(valid > INPUTS / 50);
}

#[test]
fn hostile_nesting_and_sharing_take_linear_time() {
    let shapes = ShapeTable::new();
    let started = Instant::now();
    for tag in 0..=0xffu8 {
        let doc = vec![tag; 200_000];
        check(value::validate(&doc, &shapes));
        check(value::decode(&doc, &shapes));
        if let Ok(root) = value::root(&doc) {
            check(poke(root, &[FieldName::new("a")], &shapes, 3));
        }
    }
    // Each array holds the next one twice: 2^60 leaves if unfolded.
    const LEVELS: u32 = 60;
    let mut doc = vec![0xe2];
    doc.extend(std::iter::repeat_n(0xc2, LEVELS as usize));
    doc.push(0xc0);
    for inner in (1..=LEVELS).rev() {
        doc.push(0xe3);
        doc.extend_from_slice(&inner.to_le_bytes());
    }
    value::validate(&doc, &shapes).unwrap();
    assert_eq!(value::transcode(&doc, &shapes).unwrap(), doc);
    let mut out = Vec::new();
    let form = value::push_key(value::root(&doc).unwrap(), &shapes, &mut out).unwrap();
    assert_eq!(form, value::KeyForm::NotAKey);
    assert!(started.elapsed() < Duration::from_secs(30));
}
