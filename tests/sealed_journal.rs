//! Changes of a sealed database's journal by somebody who makes its checksums right: they are
//! reported, or what is read is a state in which the database has been.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
mod support;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use common::{TREE, put};
use lodestore::error::{Error, ErrorCode, Result};
use lodestore::seal::Secret;
use lodestore::storage::{
    Commit, Connection, Durability, Encryption, Job, OpenMode, OpenOptions, WriteTxn, connect,
};
use support::Random;
use xxhash_rust::xxh3::xxh3_64;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Where a journal's records begin, and what they begin at multiples of (docs/format.md).
const RECORDS: usize = 8_192;
const ALIGNMENT: usize = 512;
/// The fields of a record.
const CHECKSUM: Range<usize> = 0..8;
const GENERATION: Range<usize> = 24..32;
const TRANSACTION: Range<usize> = 32..40;
const LENGTH: Range<usize> = 48..56;
const NUMBER: Range<usize> = 64..72;
/// Where the sealed changes of a record begin, and the parts of them.
const CHANGES: usize = 72;
const DATA_KEY: Range<usize> = 72..76;
const VALUE: Range<usize> = 76..92;
const NONCE: Range<usize> = 92..104;
const TEXT: usize = 104;
const TAG: usize = 16;
/// Where a record of pages has its entries, and the base of a value in pages of its own.
const ENTRIES: usize = 216;
const OWN: u64 = u64::MAX;
/// Where a block begins in such a value, and how long it is.
const BLOCK: usize = 16;
const BLOCK_LENGTH: usize = 4_080;

fn options(mode: OpenMode) -> OpenOptions {
    let encryption = Some(Encryption::with(Secret::key([5; 32])));
    OpenOptions { mode, encryption, ..OpenOptions::default() }
}

/// A write that may be acknowledged before its commit.
struct Brief {
    key: Vec<u8>,
    value: Vec<u8>,
    done: mpsc::Sender<Result<Commit>>,
}

impl Job for Brief {
    fn bytes(&self) -> usize {
        self.value.len()
    }

    fn durability(&self) -> Durability {
        Durability::Strict
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        TREE.put(txn, &self.key, &self.value)
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        self.done.send(outcome).unwrap();
    }

    fn is_brief(&self) -> bool {
        true
    }
}

fn put_brief(db: &Connection, key: &[u8], value: &[u8]) {
    let (done, outcome) = mpsc::channel();
    let (key, value) = (key.to_vec(), value.to_vec());
    db.submit(Box::new(Brief { key, value, done })).unwrap();
    outcome.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
}

/// A number of a journal.
fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().unwrap())
}

/// A journal in memory.
#[derive(Clone)]
struct Journal(Vec<u8>);

impl Journal {
    /// The records that count, in their order.
    fn records(&self) -> Vec<Range<usize>> {
        let mut records: Vec<Range<usize>> = Vec::new();
        let mut at = RECORDS;
        while let Some(head) = self.0.get(at..at + NUMBER.start) {
            let length = number(head, LENGTH.start) as usize;
            let is_one = head[8..15] == *b"LodeJrn" && length >= CHANGES;
            let is_next = records
                .first()
                .is_none_or(|first| head[GENERATION] == self.0[first.clone()][GENERATION]);
            if !is_one || !is_next || at + length > self.0.len() {
                break;
            }
            let record = at..at + length;
            if number(&self.0, at) != xxh3_64(&self.0[at + CHECKSUM.end..record.end]) {
                break;
            }
            records.push(record);
            at = (at + length).next_multiple_of(ALIGNMENT);
        }
        records
    }

    fn has_changes(&self, record: &Range<usize>) -> bool {
        self.0[record.start + 15] == b'C'
    }

    /// The records of changes that no record of pages follows.
    fn last_changes(&self) -> Vec<Range<usize>> {
        let records = self.records();
        let from = records.iter().rposition(|record| !self.has_changes(record));
        records[from.map_or(0, |at| at + 1)..].to_vec()
    }

    /// The records of changes that are in a record of pages behind them.
    fn earlier_changes(&self) -> Vec<Range<usize>> {
        let mut records = self.records();
        let end = records.iter().rposition(|record| !self.has_changes(record)).unwrap_or(0);
        records.truncate(end);
        records.retain(|record| self.has_changes(record));
        records
    }

    /// Changes a record, and makes its checksum right.
    fn change(&mut self, record: &Range<usize>, change: impl FnOnce(&mut [u8])) {
        let bytes = &mut self.0[record.clone()];
        change(bytes);
        let checksum = xxh3_64(&bytes[CHECKSUM.end..]);
        bytes[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    }

    /// With other records in the place of the last changes, numbered as if they were those.
    fn with_changes(&self, records: &[Vec<u8>]) -> Self {
        let mut journal = self.clone();
        let mut at = self.last_changes()[0].start;
        journal.0.truncate(at);
        for (number, record) in (0_u64..).zip(records) {
            journal.0.extend_from_slice(record);
            journal.change(&(at..at + record.len()), |bytes| {
                bytes[NUMBER].copy_from_slice(&number.to_le_bytes());
            });
            at = (at + record.len()).next_multiple_of(ALIGNMENT);
            journal.0.resize(at, 0);
        }
        journal
    }
}

/// A database whose last writes are in its journal alone.
struct Killed {
    data: Vec<u8>,
    journal: Journal,
    /// The states that it was in, the last one last.
    states: Vec<Map>,
}

impl Killed {
    /// As a process leaves it that is killed. Whether a write waits for its commit is a matter of
    /// time: so it may need some tries.
    fn create() -> Self {
        (0..40).find_map(|_| Self::try_create()).expect("writes are acknowledged before commits")
    }

    fn try_create() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let db = connect(directory.path(), &options(OpenMode::Create)).unwrap();
        let mut states = vec![Map::new()];
        let mut note = |key: &[u8], value: &[u8]| {
            let mut map = states.last().unwrap().clone();
            map.insert(key.to_vec(), value.to_vec());
            states.push(map);
        };
        for round in 0..6_u8 {
            put(&db, &[b'a', round], &[round; 900]);
            note(&[b'a', round], &[round; 900]);
        }
        for round in 0..12_u8 {
            // What is not brief has the ones before it committed.
            if round == 4 {
                put(&db, b"c", &[round; 30]);
                note(b"c", &[round; 30]);
            }
            let key = [b'b', round % 5];
            put_brief(&db, &key, &[round; 30]);
            note(&key, &[round; 30]);
        }
        let read = |name: &str| std::fs::read(directory.path().join(name)).unwrap();
        let (data, journal) = (read("data.mdb"), Journal(read("data.journal")));
        db.close().unwrap();
        let killed = Self { data, journal, states };
        let is_whole =
            killed.read(&killed.journal).is_ok_and(|map| map == *killed.states.last().unwrap());
        let journal = &killed.journal;
        let has_all = journal.last_changes().len() >= 4
            && !journal.earlier_changes().is_empty()
            && !killed.blocks().is_empty();
        (is_whole && has_all).then_some(killed)
    }

    /// Where the journal has blocks: in which records, and where in the file.
    fn blocks(&self) -> Vec<(Range<usize>, usize)> {
        let mut blocks = Vec::new();
        for record in self.journal.records() {
            if self.journal.has_changes(&record) {
                continue;
            }
            let bytes = &self.journal.0;
            let mut at = record.start + ENTRIES;
            while at + 24 <= record.end {
                let (base, detail) = (number(bytes, at + 8), number(bytes, at + 16));
                at += 24;
                if base == OWN {
                    assert_eq!(detail as usize, BLOCK + BLOCK_LENGTH, "a block takes a page");
                    blocks.push((record.clone(), at + BLOCK));
                    at += (detail as usize).next_multiple_of(8);
                } else {
                    at += detail.count_ones() as usize * 64;
                }
            }
        }
        blocks
    }

    /// What is read with such a journal.
    fn read(&self, journal: &Journal) -> Result<Map> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("data.mdb"), &self.data).unwrap();
        std::fs::write(directory.path().join("data.journal"), &journal.0).unwrap();
        read(directory.path())
    }
}

fn read(directory: &Path) -> Result<Map> {
    let db = connect(directory, &options(OpenMode::Open))?;
    let read = db.turn_reader().with(|txn| {
        let mut map = Map::new();
        let mut cursor = TREE.cursor(txn)?;
        while let Some(entry) = cursor.next()? {
            map.insert(entry.key.to_vec(), entry.value.to_vec());
        }
        Ok(map)
    });
    db.close().unwrap();
    read
}

/// What became of changes.
#[derive(Default)]
struct Count {
    reported: usize,
    older: usize,
    without_effect: usize,
}

impl Count {
    fn note(&mut self, what: &str, outcome: Result<Map>, states: &[Map]) {
        match outcome {
            Ok(map) if map == *states.last().unwrap() => self.without_effect += 1,
            Ok(map) => {
                assert!(states.contains(&map), "{what}: what was read has never been there");
                self.older += 1;
            }
            Err(error) => {
                assert!(is_report(&error), "{what}: {error}");
                self.reported += 1;
            }
        }
    }

    fn print(&self, what: &str) {
        let Self { reported, older, without_effect } = self;
        println!("{what}: {reported} reported, {older} older, {without_effect} without effect");
    }
}

fn is_report(error: &Error) -> bool {
    [ErrorCode::Corrupt, ErrorCode::WrongKey].contains(&error.code())
}

#[test]
fn every_bit_of_sealed_changes_counts() {
    let killed = Killed::create();
    let mut random = Random::from_env();
    let records = killed.journal.last_changes();
    for (what, part) in [
        ("data key", Some(DATA_KEY)),
        ("value", Some(VALUE)),
        ("nonce", Some(NONCE)),
        ("text", None),
        ("tag", None),
    ] {
        let mut count = Count::default();
        for _ in 0..100 {
            let record = &records[random.below(records.len())];
            let part = part.clone().unwrap_or(match what {
                "text" => TEXT..record.len() - TAG,
                _ => record.len() - TAG..record.len(),
            });
            let (at, bit) = (part.start + random.below(part.len()), random.below(8));
            let mut journal = killed.journal.clone();
            journal.change(record, |bytes| bytes[at] ^= 1 << bit);
            count.note(what, killed.read(&journal), &killed.states);
        }
        count.print(what);
        assert_eq!(count.reported, 100, "{what}");
    }
}

/// The head stands in clear. With another one changes are not at their place: reading ends there,
/// as it does where a record was never written.
#[test]
fn changes_with_another_head_are_reported_or_end_the_journal() {
    let killed = Killed::create();
    let mut random = Random::from_env();
    let records = killed.journal.last_changes();
    let mut count = Count::default();
    for _ in 0..300 {
        let record = &records[random.below(records.len())];
        let (at, bit) = (16 + random.below(CHANGES - 16), random.below(8));
        let mut journal = killed.journal.clone();
        journal.change(record, |bytes| bytes[at] ^= 1 << bit);
        count.note("a head", killed.read(&journal), &killed.states);
    }
    count.print("heads of changes");
    assert!(count.reported > 100, "{}", count.reported);
}

/// Each is bound to its transaction, and to its place among the changes of it.
#[test]
fn sealed_changes_stay_in_their_places() {
    let killed = Killed::create();
    let mut random = Random::from_env();
    let last = killed.journal.last_changes();
    let bytes = |record: &Range<usize>| killed.journal.0[record.clone()].to_vec();
    let earlier = killed.journal.earlier_changes();
    for what in ["exchanged", "left out", "made twice", "of an earlier transaction"] {
        let mut count = Count::default();
        for _ in 0..60 {
            let mut records: Vec<_> = last.iter().map(bytes).collect();
            // Without the last one it is the journal as it was before that.
            let at = random.below(records.len() - 1);
            match what {
                "exchanged" => records.swap(at, at + 1),
                "left out" => drop(records.remove(at)),
                "made twice" => records.insert(at, records[at].clone()),
                _ => {
                    let mut record = bytes(&earlier[random.below(earlier.len())]);
                    record[TRANSACTION].copy_from_slice(&records[at][TRANSACTION]);
                    records[at] = record;
                }
            }
            let journal = killed.journal.with_changes(&records);
            count.note(what, killed.read(&journal), &killed.states);
        }
        count.print(what);
        assert_eq!(count.reported, 60, "{what}");
    }
}

/// Pages that a commit has written are blocks, which the journal has as the data file has them.
#[test]
fn every_bit_of_a_block_in_the_journal_counts() {
    let killed = Killed::create();
    let mut random = Random::from_env();
    let blocks = killed.blocks();
    let mut count = Count::default();
    for part in [0..4, 4..16, 16..BLOCK_LENGTH - TAG, BLOCK_LENGTH - TAG..BLOCK_LENGTH] {
        for _ in 0..60 {
            let (record, block) = &blocks[random.below(blocks.len())];
            let (at, bit) = (part.start + random.below(part.len()), random.below(8));
            let mut journal = killed.journal.clone();
            journal.change(record, |bytes| bytes[block - record.start + at] ^= 1 << bit);
            count.note("a block", killed.read(&journal), &killed.states);
        }
    }
    count.print("flipped bits of blocks");
    // A later record may have the block anew.
    assert_eq!(count.older, 0);
    assert!(count.reported > 60, "{}", count.reported);
}

/// Bits that nobody has made the checksums right for.
#[test]
fn every_bit_of_the_journal_counts() {
    let killed = Killed::create();
    let mut random = Random::from_env();
    let end = killed.journal.last_changes().last().unwrap().end;
    let mut count = Count::default();
    for round in 0..400 {
        // The headers are short.
        let at = if round % 4 == 0 {
            random.below(2) * 4_096 + random.below(208)
        } else {
            random.below(end)
        };
        let mut journal = killed.journal.clone();
        journal.0[at] ^= 1 << random.below(8);
        count.note("a bit", killed.read(&journal), &killed.states);
    }
    count.print("flipped bits of the journal");
    assert!(count.reported > 100, "{}", count.reported);
}

#[test]
fn a_truncated_journal_is_reported_or_was_there() {
    let killed = Killed::create();
    let end = killed.journal.last_changes().last().unwrap().end;
    let mut count = Count::default();
    for length in (0..=end).step_by(ALIGNMENT) {
        let journal = Journal(killed.journal.0[..length].to_vec());
        count.note("a truncated journal", killed.read(&journal), &killed.states);
    }
    count.print("truncated journals");
}
