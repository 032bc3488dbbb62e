//! Journals of several processes, and what is recovered from them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use super::generation::STEP;
use super::*;
use crate::error::ErrorCode;
use crate::storage::care::Unattended;
use crate::storage::copy::open_alone;
use crate::storage::data_file;
use crate::storage::lmdb::{EnvFlags, EnvOptions, PutMode};
use crate::storage::meta;
use crate::storage::open::finish;
use crate::storage::options::OpenOptions;
use crate::storage::redo::redo;
use crate::storage::registry::connect;
use crate::storage::tree_id::TreeId;
use crate::storage::txn::{Counter, Table, Tables};
use crate::test_random::Random;

const PAGE: usize = 4_096;

fn layout(directory: &Path) -> Layout {
    Layout { directory: directory.to_owned() }
}

fn open(directory: &Path) -> (Env, Tables) {
    let options = EnvOptions { flags: EnvFlags::default(), map_size: 1 << 28, max_readers: 16 };
    let raw = open_alone(directory, options).unwrap();
    let mut txn = raw.write_txn().unwrap();
    let tables = Tables::create(&mut txn).unwrap();
    txn.commit().unwrap();
    (raw, tables)
}

/// A database, of which each state tells its number by each of its entries.
struct Database {
    raw: Env,
    tables: Tables,
    journal: Arc<Journal>,
    last: u64,
}

impl Database {
    fn open(directory: &Path) -> Self {
        let (raw, tables) = open(directory);
        let journal = Arc::new(Journal::new(layout(directory), &raw, false).unwrap());
        let mut database = Self { raw, tables, journal, last: 0 };
        database.commit(Durability::Strict, 50);
        database
    }

    /// Fills a transaction with the next state.
    fn change(&mut self, entries: u64) -> WriteTxn<'_> {
        self.last += 1;
        let mut txn = WriteTxn::new(self.raw.write_txn().unwrap(), self.tables);
        txn.begin_redo();
        write_state(&mut txn, self.last, entries);
        txn
    }

    /// Goes through states in one transaction, of which each is acknowledged before it is
    /// committed, and commits it in the end or not. Gives the state up to which all is on disk.
    fn defer(&mut self, random: &mut Random, is_committed: bool) -> u64 {
        let journal = self.journal.clone();
        let raw = self.raw.clone();
        let mut durable = 0;
        let mut last = self.last + 1;
        {
            let mut txn = self.change(3);
            journal.before_write(&raw, txn.raw().id()).unwrap();
            for step in 0..=random.below(6) {
                if step > 0 {
                    last += 1;
                    write_state(&mut txn, last, 3 + random.below(5) as u64);
                }
                // What is undone is not made again.
                let undone = txn.nested(|txn| -> Result<()> {
                    write_state(txn, u64::MAX, 9);
                    Err(Error::corrupt("undone"))
                });
                undone.unwrap_err();
                let durability = [Durability::Strict, Durability::Relaxed][random.below(2)];
                let changes = txn.take_redo().unwrap();
                assert!(journal.append_changes(&txn, &changes, durability).unwrap());
                if durability == Durability::Strict {
                    durable = last;
                }
            }
            if is_committed {
                assert!(journal.commit(&raw, txn, Durability::Relaxed).is_ok());
            }
        }
        self.last = last;
        durable
    }

    fn commit(&mut self, durability: Durability, entries: u64) {
        self.commit_by(None, durability, entries);
    }

    /// Commits as another process would, or this one.
    fn commit_by(&mut self, journal: Option<&Journal>, durability: Durability, entries: u64) {
        let raw = self.raw.clone();
        let own = self.journal.clone();
        let journal = journal.unwrap_or(&own);
        let txn = self.change(entries);
        let txn_id = txn.raw().id();
        journal.before_write(&raw, txn_id).unwrap();
        if durability == Durability::None {
            journal.end(&raw, txn_id).unwrap();
            raw.set_sync_flags(true, true).unwrap();
            txn.commit().unwrap();
        } else {
            assert!(journal.commit(&raw, txn, durability).is_ok());
        }
    }

    fn is_journaled(&self) -> bool {
        self.journal.state.lock().current.is_some()
    }
}

fn write_state(txn: &mut WriteTxn<'_>, state: u64, entries: u64) {
    let number = state.to_le_bytes();
    for key in 0..entries.max(3) {
        let value = number.repeat(1 + (state.wrapping_mul(7).wrapping_add(key)) as usize % 90);
        let fill = |out: &mut [u8]| out.copy_from_slice(&value);
        let key = key.to_be_bytes();
        txn.write(Table::Docs, &key, value.len(), &[PutMode::Upsert], fill).unwrap();
    }
}

/// The state in a directory after it was recovered: the number that its first entries have.
fn recovered(directory: &Path) -> Result<u64> {
    let has_changes = recover(&layout(directory))?;
    let path = layout(directory).data();
    assert_eq!(journal_id(&File::open(&path).unwrap()).unwrap() != 0, has_changes);
    data_file::check(&path)?;
    data_file::check_before_mapping(&path)?;
    let options = EnvOptions { flags: EnvFlags::default(), map_size: 1 << 28, max_readers: 16 };
    let raw = open_alone(directory, options).unwrap();
    let reader = RoTxn::begin(&raw).unwrap();
    let tables = Tables::open(&reader.get().unwrap()).unwrap().unwrap();
    reader.commit().unwrap();
    finish(&layout(directory), &raw, tables, None)?;
    assert_eq!(journal_id(&File::open(&path).unwrap()).unwrap(), 0);
    let reader = RoTxn::begin(&raw).unwrap();
    let txn = reader.get().unwrap();
    let mut states = (0..3_u64).map(|key| {
        let value = txn.get(tables.dbi(Table::Docs), &key.to_be_bytes()).unwrap().unwrap();
        let (numbers, _) = value.as_chunks::<8>();
        assert!(numbers.iter().all(|number| *number == numbers[0]), "a torn value");
        u64::from_le_bytes(numbers[0])
    });
    let state = states.next().unwrap();
    assert!(states.all(|other| other == state), "entries of several states");
    Ok(state)
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in ["data.mdb", "data.journal"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.path().join(name)).unwrap();
        }
    }
    to
}

#[test]
fn a_commit_in_the_journal_is_recovered_when_the_data_file_has_nothing_of_it() {
    for durability in [Durability::Strict, Durability::Relaxed] {
        let directory = tempfile::tempdir().unwrap();
        let mut database = Database::open(directory.path());
        assert!(!database.is_journaled());
        database.commit(durability, 3);
        assert!(database.is_journaled());
        let old = fs::read(directory.path().join("data.mdb")).unwrap();
        for _ in 0..200 {
            database.commit(durability, 3);
        }
        let copy = copy(directory.path());
        fs::write(copy.path().join("data.mdb"), old).unwrap();
        assert_eq!(recovered(copy.path()).unwrap(), 202);
        // What is recovered is not recovered again.
        assert_eq!(recovered(copy.path()).unwrap(), 202);
    }
}

#[test]
fn whatever_of_the_pages_and_of_the_last_records_is_on_disk_a_state_is_recovered() {
    let mut random = Random::from_env();
    for _ in 0..60 {
        let directory = tempfile::tempdir().unwrap();
        let mut database = Database::open(directory.path());
        database.commit(Durability::Strict, 3);
        let old = fs::read(directory.path().join("data.mdb")).unwrap();
        for _ in 0..random.below(40) {
            database.commit(Durability::Strict, 3 + random.below(60) as u64);
        }
        let mut synced = database.last;
        for _ in 0..random.below(40) {
            match random.below(3) {
                0 => synced = synced.max(database.defer(&mut random, true)),
                _ => database.commit(Durability::Relaxed, 3 + random.below(60) as u64),
            }
        }
        if random.below(2) == 0 {
            synced = synced.max(database.defer(&mut random, false));
        }
        let copy = copy(directory.path());
        let mut data = fs::read(copy.path().join("data.mdb")).unwrap();
        for (at, page) in old.chunks(PAGE).enumerate() {
            // The place that says which journal counts has been synced.
            if random.below(2) == 0 {
                data[at * PAGE..][..page.len()].copy_from_slice(page);
            }
        }
        fs::write(copy.path().join("data.mdb"), data).unwrap();
        let journal = copy.path().join("data.journal");
        let mut bytes = fs::read(&journal).unwrap();
        let state = database.journal.state.lock();
        let current = state.current.as_ref().unwrap();
        for at in (current.durable..current.end).step_by(512) {
            if random.below(20) == 0 {
                bytes[at as usize..][..512].fill(0);
            }
        }
        let id = current.id;
        drop(state);
        fs::write(&journal, &bytes).unwrap();
        interrupt_recovery(copy.path(), id, &mut random);
        let state = recovered(copy.path()).unwrap();
        assert!((synced..=database.last).contains(&state), "{synced} {state} {}", database.last);
    }
}

/// Leaves what is on disk when the power fails while journal `id` is being recovered.
fn interrupt_recovery(directory: &Path, id: u64, random: &mut Random) {
    let [data, journal] = [directory.join("data.mdb"), directory.join("data.journal")];
    let [before, records] = [&data, &journal].map(|path| fs::read(path).unwrap());
    recover(&layout(directory)).unwrap();
    let mut after = fs::read(&data).unwrap();
    for (at, page) in before.chunks(PAGE).enumerate() {
        if random.below(2) == 0 {
            after[at * PAGE..][..page.len()].copy_from_slice(page);
        }
    }
    fs::write(&data, after).unwrap();
    fs::write(&journal, records).unwrap();
    let data = fs::OpenOptions::new().write(true).open(&data).unwrap();
    set_journal_id(&data, id).unwrap();
}

#[test]
fn changes_that_are_acknowledged_are_made_again_and_others_are_not() {
    let mut random = Random::from_env();
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let mut database = Database::open(directory.path());
        database.commit(Durability::Strict, 3);
        for _ in 0..random.below(4) {
            database.defer(&mut random, true);
            assert_eq!(recovered(copy(directory.path()).path()).unwrap(), database.last);
        }
        database.defer(&mut random, false);
        let whole = copy(directory.path());
        assert_eq!(recovered(whole.path()).unwrap(), database.last);
        // Changes that were not written down, in a transaction that was not committed.
        let acknowledged = database.last;
        drop(database.change(3));
        let killed = copy(directory.path());
        assert_eq!(recovered(killed.path()).unwrap(), acknowledged);
        assert_eq!(recovered(killed.path()).unwrap(), acknowledged);
    }
}

#[test]
fn damage_to_changes_that_were_on_disk_is_told() {
    let mut random = Random::from_env();
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    database.commit(Durability::Strict, 3);
    for _ in 0..4 {
        database.defer(&mut random, true);
        database.commit(Durability::Strict, 3);
    }
    let durable = database.last;
    database.defer(&mut random, false);
    assert!(told_damages(&database, directory.path(), durable) > 10);
}

/// Damages each part of the journal's records in turn: what is recovered is state `least` or a
/// later one, which no later record tells of. Gives how often the damage was told instead.
fn told_damages(database: &Database, directory: &Path, least: u64) -> usize {
    let end = database.journal.state.lock().current.as_ref().unwrap().end;
    let bytes = fs::read(directory.join("data.journal")).unwrap();
    let is_told = |at: u64| {
        let copy = copy(directory);
        let mut bytes = bytes.clone();
        bytes[at as usize] ^= 0x10;
        fs::write(copy.path().join("data.journal"), bytes).unwrap();
        match recovered(copy.path()) {
            Ok(state) => {
                assert!(state >= least, "{at}: {state} of {least}");
                false
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Corrupt);
                true
            }
        }
    };
    (RECORDS..end).step_by(97).filter(|at| is_told(*at)).count()
}

#[test]
fn damage_to_what_was_on_disk_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    for _ in 0..20 {
        database.commit(Durability::Strict, 3);
    }
    assert!(told_damages(&database, directory.path(), database.last - 1) > 10);
}

#[test]
fn hostile_changes_are_refused_or_harmless() {
    let mut random = Random::from_env();
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    let notes = {
        let mut txn = database.change(4);
        txn.add_count(Counter::entries(TreeId(7)), 3);
        txn.remove(Table::Index, b"what is not there").unwrap();
        txn.take_redo().unwrap()
    };
    let mut refused = 0;
    for _ in 0..2_000 {
        let mut notes = notes.clone();
        for _ in 0..=random.below(3) {
            let place = random.below(notes.len());
            notes[place] = [0, 1, 2, 0x7F, 0xFF][random.below(5)];
        }
        notes.truncate(notes.len() - random.below(2) * random.below(notes.len()));
        let mut txn = WriteTxn::new(database.raw.write_txn().unwrap(), database.tables);
        let done = redo(&notes, &mut txn).and_then(|()| txn.complete().map(drop));
        refused += usize::from(done.is_err());
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn hostile_journals_are_refused_or_harmless() {
    let mut random = Random::from_env();
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    for _ in 0..5 {
        database.commit(Durability::Strict, 3);
    }
    let bytes = fs::read(directory.path().join("data.journal")).unwrap();
    let end = database.journal.state.lock().current.as_ref().unwrap().end as usize;
    for _ in 0..600 {
        let copy = copy(directory.path());
        let mut bytes = bytes[..end].to_vec();
        let mut at = RECORDS as usize;
        for _ in 0..random.below(5) {
            let (id, generation) = (record::get(&bytes, at + 16), record::get(&bytes, at + 24));
            let length = record::length(&bytes[at..], id.unwrap(), generation.unwrap()).unwrap();
            at = behind(at as u64, length) as usize;
        }
        let length = record::get(&bytes, at + 48).unwrap_or(0) as usize;
        for _ in 0..=random.below(3) {
            let place = at + 32 + random.below(length - 32);
            bytes[place] = [0, 1, 0x7F, 0xFF][random.below(4)];
        }
        // Somebody who wants to do harm makes the checksum right.
        let length = record::get(&bytes, at + 48).unwrap() as usize;
        if let Some(covered) = bytes.get(at + 8..at.saturating_add(length)) {
            let checksum = xxhash_rust::xxh3::xxh3_64(covered);
            bytes[at..at + 8].copy_from_slice(&checksum.to_le_bytes());
        }
        fs::write(copy.path().join("data.journal"), bytes).unwrap();
        // What is in a page can be anything; here it counts that recovery itself ends well.
        if let Err(error) = recover(&layout(copy.path())) {
            let code = error.code();
            assert!(matches!(code, ErrorCode::Corrupt | ErrorCode::Io), "{error:?}");
        }
    }
}

#[test]
fn a_journal_of_another_data_file_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    let backup = copy(directory.path());
    for _ in 0..5 {
        database.commit(Durability::Strict, 3);
    }
    let copy = copy(directory.path());
    fs::copy(backup.path().join("data.mdb"), copy.path().join("data.mdb")).unwrap();
    assert_eq!(recovered(copy.path()).unwrap(), 1);
}

#[test]
fn a_data_file_without_its_journal_counts_if_it_is_sound() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    for _ in 0..5 {
        database.commit(Durability::Strict, 100);
    }
    let copied = copy(directory.path());
    fs::remove_file(copied.path().join("data.journal")).unwrap();
    assert_eq!(recovered(copied.path()).unwrap(), 6);
    let damaged = copy(directory.path());
    fs::remove_file(damaged.path().join("data.journal")).unwrap();
    let path = damaged.path().join("data.mdb");
    let mut data = fs::read(&path).unwrap();
    data[2 * PAGE..].fill(0xA5);
    fs::write(&path, data).unwrap();
    assert_eq!(recovered(damaged.path()).unwrap_err().code(), ErrorCode::Corrupt);
}

#[test]
fn closing_and_unsynced_commits_end_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    for _ in 0..3 {
        database.commit(Durability::Strict, 3);
    }
    assert!(database.journal.counts().unwrap());
    database.commit(Durability::None, 3);
    assert!(!database.journal.counts().unwrap());
    // A single one between unsynced commits is made without.
    database.commit(Durability::Strict, 3);
    assert!(!database.is_journaled());
    database.commit(Durability::Strict, 3);
    assert!(database.is_journaled());
    database.journal.finish(&database.raw).unwrap();
    assert_eq!(fs::metadata(directory.path().join("data.journal")).unwrap().len(), RECORDS);
    let copy = copy(directory.path());
    fs::remove_file(copy.path().join("data.journal")).unwrap();
    assert_eq!(recovered(copy.path()).unwrap(), database.last);
}

#[test]
fn large_commits_and_full_journals_begin_a_generation() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    database.commit(Durability::Strict, 3);
    let generation =
        |database: &Database| database.journal.state.lock().current.as_ref().unwrap().number;
    let first = generation(&database);
    database.commit(Durability::Strict, 5_000);
    assert_eq!(generation(&database), first + 1);
    while generation(&database) == first + 1 {
        database.commit(Durability::Strict, 100 + database.last % 300);
    }
    database.commit(Durability::Strict, 3);
    let length = fs::metadata(directory.path().join("data.journal")).unwrap().len();
    assert!((LARGEST - (1 << 20)..=LARGEST + STEP).contains(&length), "{length}");
    assert_eq!(recovered(copy(directory.path()).path()).unwrap(), database.last);
}

#[test]
fn the_file_grows_seldom() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    let mut lengths = Vec::new();
    for _ in 0..400 {
        database.commit(Durability::Strict, 100);
        lengths.push(fs::metadata(directory.path().join("data.journal")).unwrap().len());
    }
    lengths.dedup();
    // Twice as long each time, up to 2 MiB more.
    let steps = lengths.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
    assert!(steps.starts_with(&[1, 2, 4, 8].map(|steps| steps * STEP)), "{steps:?}");
    assert!(steps.iter().all(|step| *step <= 2 << 20), "{steps:?}");
}

#[test]
fn relaxed_commits_reach_the_disk_by_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let connection = connect(directory.path(), &OpenOptions::default()).unwrap();
    let commit = |n: u64| {
        let work = move |txn: &mut WriteTxn<'_>| {
            meta::put_record(txn, &[meta::tag::SPACE, 1], &n.to_le_bytes())
        };
        connection.commit_in_background(&Unattended::default(), work).unwrap();
    };
    // The journal begins with the second commit.
    commit(1);
    commit(2);
    let journal = connection.environment().journal.as_ref().unwrap();
    let begun = std::time::Instant::now();
    while journal.has_unsynced() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "it stays unsynced");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let synced = {
        let state = journal.state.lock();
        let current = state.current.as_ref().unwrap();
        (current.synced, current.last)
    };
    assert_eq!(synced.0, synced.1);
    connection.close().unwrap();
}

#[test]
fn a_journal_of_any_length_is_read_in_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    for _ in 0..3 {
        database.commit(Durability::Strict, 3);
    }
    let copy = copy(directory.path());
    let journal = fs::OpenOptions::new().write(true).open(copy.path().join("data.journal"));
    journal.unwrap().set_len(1 << 40).unwrap();
    assert_eq!(recovered(copy.path()).unwrap(), database.last);
    let length = fs::metadata(copy.path().join("data.journal")).unwrap().len();
    assert_eq!(length, RECORDS);
}

#[test]
fn changes_that_change_nothing_are_no_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(directory.path());
    for _ in 0..3 {
        database.commit(Durability::Strict, 3);
        let mut txn = WriteTxn::new(database.raw.write_txn().unwrap(), database.tables);
        let dbi = database.tables.dbi(Table::Docs);
        assert!(!txn.raw_mut().delete(dbi, b"what is not there").unwrap());
        assert!(database.journal.commit(&database.raw, txn, Durability::Strict).is_ok());
    }
    assert_eq!(recovered(copy(directory.path()).path()).unwrap(), database.last);
}

/// Journals with one environment are like processes with one file: they know of each other by what
/// is in the files alone.
#[test]
fn processes_go_on_where_others_were_killed() {
    let mut random = Random::from_env();
    for _ in 0..8 {
        let directory = tempfile::tempdir().unwrap();
        let mut database = Database::open(directory.path());
        let mut others: Vec<_> = (0..2)
            .map(|_| Journal::new(layout(directory.path()), &database.raw, false).unwrap())
            .collect();
        // What was acknowledged as on disk at least, and what can be there at most.
        let mut least = database.last;
        for _ in 0..60 {
            let which = random.below(2);
            match random.below(12) {
                // Killed behind LMDB's commit.
                0 => {
                    let raw = database.raw.clone();
                    let txn = database.change(3);
                    others[which].before_write(&raw, txn.raw().id()).unwrap();
                    raw.set_sync_flags(true, true).unwrap();
                    txn.commit().unwrap();
                    others[which] =
                        Journal::new(layout(directory.path()), &database.raw, false).unwrap();
                }
                1 => {
                    let journal = Journal::new(layout(directory.path()), &database.raw, false);
                    others[which] = journal.unwrap();
                }
                2 => {
                    database.commit_by(Some(&others[which]), Durability::None, 3);
                    least = least.max(database.last);
                }
                3 => {
                    database.commit_by(Some(&others[which]), Durability::Strict, 4_000);
                    least = database.last;
                }
                4..6 => database.commit_by(Some(&others[which]), Durability::Relaxed, 3),
                6 => drop(others[which].sync().unwrap()),
                _ => {
                    let entries = 3 + random.below(100) as u64;
                    database.commit_by(Some(&others[which]), Durability::Strict, entries);
                    least = database.last;
                }
            }
            let state = recovered(copy(directory.path()).path()).unwrap();
            assert!((least..=database.last).contains(&state), "{least} {state} {}", database.last);
        }
    }
}
