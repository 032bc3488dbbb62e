//! Changes of a sealed database's bytes: they are reported, or have no effect. What is read is
//! never wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use common::{TREE, write};
use lodestore::error::{Error, ErrorCode, Result};
use lodestore::seal::Secret;
use lodestore::storage::lmdb::{Dbi, Env, EnvFlags, EnvOptions, PutMode, RwTxn};
use lodestore::storage::{Encryption, OpenMode, OpenOptions, Table, Tables, WriteTxn, connect};
use support::Random;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Bytes before a block's ciphertext: the epoch's number, the nonce.
const EPOCH: std::ops::Range<usize> = 0..4;
const NONCE: std::ops::Range<usize> = 4..16;
const TAG: usize = 16;

fn options(mode: OpenMode) -> OpenOptions {
    let encryption = Some(Encryption::with(Secret::key([5; 32])));
    OpenOptions { mode, encryption, ..OpenOptions::default() }
}

/// A database, and the states that it has been in.
struct Original {
    directory: tempfile::TempDir,
    states: Vec<(Vec<u8>, Map)>,
}

impl Original {
    fn create() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut original = Self { directory, states: Vec::new() };
        let mut map = Map::new();
        for round in 0..3_u8 {
            for number in 0..400_u32 {
                let value = vec![number as u8 ^ round; 20 + number as usize % 90];
                map.insert(number.to_be_bytes().to_vec(), value);
            }
            map.insert(vec![b'b'], vec![round; 20_000]);
            map.insert(vec![b'k'; 3_000], vec![round; 5]);
            let db = connect(original.directory.path(), &options(OpenMode::OpenOrCreate)).unwrap();
            let entries = map.clone();
            write(&db, move |txn| put_all(txn, &entries)).unwrap();
            db.close().unwrap();
            let file = original.directory.path().join("data.mdb");
            original.states.push((std::fs::read(file).unwrap(), map.clone()));
        }
        original
    }

    fn newest(&self) -> &(Vec<u8>, Map) {
        self.states.last().unwrap()
    }
}

fn put_all(txn: &mut WriteTxn<'_>, entries: &Map) -> Result<()> {
    entries.iter().try_for_each(|(key, value)| TREE.put(txn, key, value))
}

/// Lets `change` work on the file's entries, and tells what is read then.
fn tamper(file: &[u8], change: impl FnOnce(&mut RwTxn<'_>, Tables)) -> Result<Map> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("data.mdb"), file).unwrap();
    change_entries(directory.path(), change);
    read(directory.path())
}

fn change_entries(directory: &Path, change: impl FnOnce(&mut RwTxn<'_>, Tables)) {
    let env_options = EnvOptions {
        flags: EnvFlags { no_sync: true, ..EnvFlags::default() },
        map_size: 1 << 28,
        max_readers: 8,
    };
    // SAFETY: a directory of our own, which nothing else has open.
    let env = unsafe { Env::open(directory, env_options) }.unwrap();
    let mut txn = env.write_txn().unwrap();
    let tables = Tables::open(&txn).unwrap().unwrap();
    change(&mut txn, tables);
    txn.commit().unwrap();
}

fn read(directory: &Path) -> Result<Map> {
    let db = connect(directory, &options(OpenMode::ReadOnly))?;
    let read = db.turn_reader().with(|txn| {
        let mut map = Map::new();
        let mut cursor = TREE.cursor(txn)?;
        while let Some(entry) = cursor.next()? {
            map.insert(entry.key.to_vec(), entry.value.to_vec());
        }
        for key in map.keys() {
            assert_eq!(TREE.get(txn, key)?, map.get(key).map(Vec::as_slice));
        }
        Ok(map)
    });
    db.close().unwrap();
    read
}

fn entries(txn: &RwTxn<'_>, dbi: Dbi) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut cursor = txn.cursor(dbi).unwrap();
    let mut entries = Vec::new();
    while let Some((key, value)) = cursor.next().unwrap() {
        entries.push((key.to_vec(), value.to_vec()));
    }
    entries
}

fn put(txn: &mut RwTxn<'_>, dbi: Dbi, key: &[u8], value: &[u8]) {
    txn.put(dbi, key, value, PutMode::Upsert).unwrap();
}

/// What became of changes.
#[derive(Default)]
struct Count {
    reported: usize,
    without_effect: usize,
}

impl Count {
    /// Takes the outcome of a change in, which must be one of both.
    fn note(&mut self, what: &str, outcome: Result<Map>, expected: &Map) {
        match outcome {
            Ok(map) => {
                assert!(map == *expected, "{what}: what was read is wrong");
                self.without_effect += 1;
            }
            Err(error) => {
                assert!(is_report(&error), "{what}: {error}");
                self.reported += 1;
            }
        }
    }

    fn print(&self, what: &str) {
        println!("{what}: {} reported, {} without effect", self.reported, self.without_effect);
    }
}

fn is_report(error: &Error) -> bool {
    let codes = [ErrorCode::Corrupt, ErrorCode::WrongKey, ErrorCode::IncompatibleVersion];
    codes.contains(&error.code())
}

#[test]
fn every_kind_of_bit_counts() {
    let original = Original::create();
    let (file, expected) = original.newest();
    let mut random = Random::from_env();
    let mut count = Count::default();
    let mut flips = 0;
    for (name, range, times) in [
        ("epoch", EPOCH, 60),
        ("nonce", NONCE, 100),
        ("text", 16..4_064, 200),
        ("tag", 4_064..4_080, 100),
    ] {
        assert!(name != "tag" || range.len() == TAG);
        for _ in 0..times {
            let outcome = tamper(file, |txn, tables| {
                let dbi = tables.dbi(Table::Docs);
                let blocks = entries(txn, dbi);
                let (id, mut block) = blocks[random.below(blocks.len())].clone();
                assert_eq!(block.len(), 4_080);
                block[range.start + random.below(range.len())] ^= 1 << random.below(8);
                put(txn, dbi, &id, &block);
            });
            flips += 1;
            count.note(name, outcome, expected);
        }
    }
    count.print("flipped bits of blocks");
    // Blocks of trees that are not read here may be changed without effect.
    assert!(count.reported * 2 > flips, "{} of {flips}", count.reported);
}

#[test]
fn blocks_stay_in_their_places() {
    let original = Original::create();
    let (file, expected) = original.newest();
    let mut random = Random::from_env();
    let mut count = Count::default();
    for round in 0..240 {
        let outcome = tamper(file, |txn, tables| {
            let dbi = tables.dbi(Table::Docs);
            let blocks = entries(txn, dbi);
            let (a, b) = (random.below(blocks.len()), random.below(blocks.len()));
            let ((first, one), (second, other)) = (&blocks[a], &blocks[b]);
            match round % 6 {
                0 => {
                    put(txn, dbi, first, other);
                    put(txn, dbi, second, one);
                }
                1 => put(txn, dbi, first, other),
                2 => {
                    txn.delete(dbi, first).unwrap();
                    put(txn, dbi, &random.u64().to_be_bytes(), one);
                }
                3 => drop(txn.delete(dbi, first).unwrap()),
                4 => put(txn, dbi, first, &one[..random.below(one.len())]),
                _ => put(txn, dbi, first, &[&one[..], &[0; 16]].concat()),
            }
        });
        count.note(&format!("case {}", round % 6), outcome, expected);
    }
    count.print("blocks that were swapped, copied, moved, removed, cut and extended");
    assert!(count.reported > 120);
}

/// The trees that have the records in clear, and their copies.
const RECORDS: [Table; 2] = [Table::Meta, Table::Log];

/// What names a block or a record is the key of an entry: with another one it is found no more, or
/// by those who look for something else. A record has a copy.
#[test]
fn every_bit_of_a_name_counts() {
    let original = Original::create();
    let (file, expected) = original.newest();
    let mut random = Random::from_env();
    for (what, trees, is_noticed) in [
        ("names of blocks", &[Table::Docs][..], true),
        ("names of records and of their copies", &RECORDS, true),
        ("names of records", &RECORDS[..1], false),
        ("names of copies", &RECORDS[1..], false),
    ] {
        let mut count = Count::default();
        for _ in 0..200 {
            let outcome = tamper(file, |txn, tables| {
                let all = entries(txn, tables.dbi(trees[0]));
                let (key, value) = &all[random.below(all.len())];
                let mut other = key.clone();
                other[random.below(key.len())] ^= 1 << random.below(8);
                for dbi in trees.iter().map(|tree| tables.dbi(*tree)) {
                    txn.delete(dbi, key).unwrap();
                    put(txn, dbi, &other, value);
                }
            });
            let is_foreign = |error: &Error| error.code() == ErrorCode::NotADatabase;
            match outcome {
                // Without its format record it is no database of this kind.
                Err(error) if trees.len() == 2 && is_foreign(&error) => count.reported += 1,
                outcome => count.note(what, outcome, expected),
            }
        }
        count.print(what);
        assert_eq!(count.reported > 100, is_noticed, "{what}: {}", count.reported);
        assert!(is_noticed || count.reported == 0, "{what}: {}", count.reported);
    }
}

#[test]
fn records_in_clear_are_covered() {
    let original = Original::create();
    let (file, expected) = original.newest();
    let mut random = Random::from_env();
    for (what, trees) in [
        ("flipped bits of records and of their copies", &RECORDS[..]),
        ("flipped bits of records", &RECORDS[..1]),
        ("flipped bits of copies", &RECORDS[1..]),
    ] {
        let mut count = Count::default();
        for _ in 0..300 {
            let outcome = tamper(file, |txn, tables| {
                let records = entries(txn, tables.dbi(Table::Meta));
                let (key, mut value) = records[random.below(records.len())].clone();
                let at = random.below(value.len());
                value[at] ^= 1 << random.below(8);
                trees.iter().for_each(|tree| put(txn, tables.dbi(*tree), &key, &value));
            });
            count.note(what, outcome, expected);
        }
        count.print(what);
        // One of the two is enough.
        assert!(if trees.len() == 2 { count.reported > 150 } else { count.reported == 0 });
    }
}

/// An older state of a block passes for itself. What must not happen is a crash, or a value that
/// was never there.
#[test]
fn older_blocks_are_reported_or_pass_for_what_they_were() {
    let original = Original::create();
    let mut random = Random::from_env();
    let (file, _) = original.newest();
    let (mut reported, mut passed) = (0, 0);
    for _ in 0..200 {
        let (old, _) = &original.states[random.below(2)];
        let mut blocks = Vec::new();
        tamper(old, |txn, tables| blocks = entries(txn, tables.dbi(Table::Docs))).unwrap();
        let how_many = 1 + random.below(3);
        let outcome = tamper(file, |txn, tables| {
            for _ in 0..how_many {
                let (id, block) = &blocks[random.below(blocks.len())];
                put(txn, tables.dbi(Table::Docs), id, block);
            }
        });
        match outcome {
            Err(error) => {
                assert!(is_report(&error), "{error}");
                reported += 1;
            }
            Ok(map) => {
                for (key, value) in &map {
                    let was = |(_, state): &(Vec<u8>, Map)| state.get(key) == Some(value);
                    assert!(original.states.iter().any(was), "a value that was never there");
                }
                passed += 1;
            }
        }
    }
    println!("older blocks: {reported} reported, {passed} passed");
}

#[test]
fn a_truncated_file_is_reported() {
    let original = Original::create();
    let (file, expected) = original.newest();
    let mut count = Count::default();
    for len in (0..file.len()).step_by(file.len() / 40) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("data.mdb"), &file[..len]).unwrap();
        match read(directory.path()) {
            Err(error) if len < 8_192 => {
                // Too short to be anything.
                assert!(
                    is_report(&error)
                        || error.code() == ErrorCode::DatabaseNotFound
                        || error.code() == ErrorCode::NotADatabase,
                    "{error}"
                );
            }
            outcome => count.note("truncated", outcome, expected),
        }
    }
    count.print("truncated files");
}
