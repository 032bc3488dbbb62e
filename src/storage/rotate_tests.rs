//! Data keys that are replaced, and stopped at every step.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::storage::options::{Encryption, OpenOptions};
use crate::storage::registry::connect;
use crate::storage::sealed::{count, outdated};
use crate::storage::tree::Tree;
use crate::storage::tree_id::TreeId;
use crate::storage::txn::Table;
use crate::wtf8::Wtf8String;

const TREE: Tree = Tree { table: Table::Index, id: TreeId(9) };
const ENTRIES: u32 = 80_000;

/// Cancels the work when it has reported so often, of one phase if it is named.
struct Stop {
    after: AtomicUsize,
    phase: Option<&'static str>,
    cancelled: AtomicBool,
}

impl Stop {
    fn after(reports: usize) -> Self {
        Self { after: AtomicUsize::new(reports), phase: None, cancelled: AtomicBool::new(false) }
    }

    fn never() -> Self {
        Self::after(usize::MAX)
    }
}

impl Care for Stop {
    fn progress(&self, phase: &str, _done: u64, _total: u64) {
        let counts = self.phase.is_none_or(|wanted| wanted == phase);
        if counts && self.after.fetch_sub(1, Ordering::Relaxed) <= 1 {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }

    fn cancel(&self) -> &AtomicBool {
        &self.cancelled
    }
}

fn open(path: &Path) -> Arc<Connection> {
    let encryption = Some(Encryption::with(Secret::key([5; KEY])));
    connect(path, &OpenOptions { encryption, ..OpenOptions::default() }).unwrap()
}

fn value(number: u32) -> Vec<u8> {
    vec![number as u8; if number.is_multiple_of(1_000) { 30_000 } else { 80 }]
}

fn put(connection: &Connection, numbers: std::ops::Range<u32>) {
    let put = move |txn: &mut WriteTxn<'_>| {
        numbers.clone().try_for_each(|number| {
            let value = value(number);
            TREE.put_with(txn, &number.to_be_bytes(), value.len(), |out| {
                out.copy_from_slice(&value);
            })
        })
    };
    connection.commit_now(put).unwrap();
}

fn check(connection: &Connection, entries: u32) {
    let snapshot = connection.snapshot(true).unwrap();
    let checked = snapshot.with(|txn| {
        for number in 0..entries {
            assert_eq!(TREE.get(txn, &number.to_be_bytes())?.unwrap(), value(number));
        }
        Ok(())
    });
    checked.unwrap();
}

/// How many blocks there are of data keys before a number, and how many in all.
fn blocks(connection: &Connection, before: u32) -> (u64, u64) {
    let places = connection.environment().tables().places();
    let snapshot = connection.snapshot(true).unwrap();
    let counted = snapshot.with(|txn| {
        let (mut old, mut from) = (0, Some(0));
        while let Some(id) = from {
            let found = outdated(txn.raw(), places, id, before)?;
            old += found.ids.len() as u64;
            from = found.next;
        }
        Ok((old, count(txn.raw(), places)?))
    });
    counted.unwrap()
}

fn data_keys(connection: &Connection) -> Vec<u32> {
    let store = connection.sealed_store().unwrap();
    let places = connection.environment().tables().places();
    let snapshot = connection.snapshot(true).unwrap();
    let opened = snapshot.with(|txn| store.learn(txn.raw(), places)).unwrap();
    opened.keys.numbers().collect()
}

#[test]
fn a_rotation_that_is_stopped_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = open(directory.path());
    put(&connection, 0..ENTRIES);
    let (none, all) = blocks(&connection, 1);
    assert!(none == 0 && all > 512 * 3, "{all}");
    let mut left = BTreeMap::new();
    let mut entries = ENTRIES;
    for round in 0.. {
        assert!(round < 100);
        // Each call seals at most this many steps anew.
        let stopped = rotate_keys(&connection, &Stop::after(1));
        check(&connection, entries);
        match stopped {
            Err(error) => assert_eq!(error.code(), ErrorCode::Aborted),
            Ok(()) => break,
        }
        assert_eq!(data_keys(&connection), [1, 2]);
        let (old, all) = blocks(&connection, 2);
        left.insert(round, old);
        assert!(old < all);
        if round % 2 == 0 {
            connection.close().unwrap();
            connection = open(directory.path());
            check(&connection, entries);
        }
        // What is written in between is written with the new key.
        put(&connection, entries..entries + 500);
        entries += 500;
        assert!(blocks(&connection, 2).0 <= old);
    }
    // It went on, and did not begin anew.
    let left: Vec<_> = left.into_values().collect();
    assert!(left.len() >= 3 && left.is_sorted_by(|a, b| a > b), "{left:?}");
    assert_eq!(blocks(&connection, 2).0, 0);
    assert_eq!(data_keys(&connection), [2]);
    connection.close().unwrap();
    let connection = open(directory.path());
    check(&connection, entries);
    assert_eq!(data_keys(&connection), [2]);
    connection.close().unwrap();
}

#[test]
fn two_rotations_at_once_are_one() {
    let directory = tempfile::tempdir().unwrap();
    let connection = open(directory.path());
    put(&connection, 0..ENTRIES);
    assert!(rotate_keys(&connection, &Stop::after(1)).is_err());
    let others: Vec<_> = (0..3)
        .map(|_| {
            let connection = Arc::clone(&connection);
            std::thread::spawn(move || rotate_keys(&connection, &Stop::never()))
        })
        .collect();
    others.into_iter().for_each(|other| other.join().unwrap().unwrap());
    // One may have begun when another one had ended.
    let keys = data_keys(&connection);
    assert!(keys.len() == 1 && keys.iter().all(|number| (2..=4).contains(number)), "{keys:?}");
    assert_eq!(blocks(&connection, keys.first().copied().unwrap()).0, 0);
    check(&connection, ENTRIES);
    connection.close().unwrap();
}

/// A snapshot from before sees blocks of the old key until it ends.
#[test]
fn snapshots_outlive_a_data_key() {
    let directory = tempfile::tempdir().unwrap();
    let connection = open(directory.path());
    put(&connection, 0..ENTRIES);
    let snapshot = connection.snapshot(true).unwrap();
    rotate_keys(&connection, &Stop::never()).unwrap();
    // Beyond what is cached.
    put(&connection, ENTRIES..ENTRIES + 1);
    let read = snapshot.with(|txn| {
        for number in 0..ENTRIES {
            assert_eq!(TREE.get(txn, &number.to_be_bytes())?.unwrap(), value(number));
        }
        Ok(TREE.get(txn, &ENTRIES.to_be_bytes())?.is_some())
    });
    assert!(!read.unwrap());
    connection.close().unwrap();
}

/// Spaces have keys of their own, which have to fit that of the database after every stop.
#[test]
fn spaces_open_wherever_a_rotation_was_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["a", "b", "c"].map(Wtf8String::from);
    let mut connection = open(directory.path());
    let open_space = |connection: &Connection, name| {
        connection.open_space(name, &OpenOptions::default()).unwrap()
    };
    for name in &names {
        let space = open_space(&connection, name);
        put(&space, 0..ENTRIES / 4);
        space.close().unwrap();
    }
    // One that is open all the time, and one whose creation was not finished.
    let held = open_space(&connection, &names[1]);
    let unfinished = connection.commit_now(|txn| {
        let id = uuid::Uuid::new_v4().simple().to_string();
        meta::put_record(txn, b"Pz", id.as_bytes())
    });
    unfinished.unwrap();
    let phases = ["rotate", "space a", "space b", "space b", "space c", "space z"];
    for phase in phases.map(Some) {
        let stop = Stop { phase, ..Stop::after(1) };
        let stopped = rotate_keys(&connection, &stop);
        // The only step of the one that is empty has nothing to stop.
        if phase != Some("space z") {
            assert_eq!(stopped.unwrap_err().code(), ErrorCode::Aborted);
        }
        check(&held, ENTRIES / 4);
        put(&held, 0..1);
        for name in &names {
            let space = open_space(&connection, name);
            check(&space, ENTRIES / 4);
            space.close().unwrap();
        }
    }
    rotate_keys(&connection, &Stop::never()).unwrap();
    let last = connection.snapshot(true).unwrap();
    let last = last.with(|txn| meta::get_record(txn, &[tag::LAST_SPACE_KEY])).unwrap();
    assert!(last.is_none());
    put(&held, 0..1);
    held.close().unwrap();
    connection.close().unwrap();
    connection = open(directory.path());
    assert_eq!(connection.spaces().unwrap().len(), 4);
    for name in &names {
        let space = open_space(&connection, name);
        check(&space, ENTRIES / 4);
        let newest = data_keys(&space);
        assert_eq!(newest.len(), 1);
        assert_eq!(blocks(&space, newest.first().copied().unwrap()).0, 0);
        space.close().unwrap();
    }
    connection.close().unwrap();
}

#[test]
fn a_rotation_that_comes_late_takes_nothing_from_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let connection = open(directory.path());
    let names = ["a", "b"].map(Wtf8String::from);
    for name in &names {
        connection.open_space(name, &OpenOptions::default()).unwrap().close().unwrap();
    }
    // Two overlap. One comes to its end, before which the other one waits.
    let late = connection.commit_now(replace_space_key).unwrap().unwrap();
    let known = connection.spaces().unwrap().into_iter().map(|space| space.directory).collect();
    rotate_keys(&connection, &Stop::never()).unwrap();
    // A third one has begun, and has come to no space yet.
    connection.commit_now(replace_space_key).unwrap().unwrap();
    assert!(connection.forget_last_space_key(&late, &known).unwrap());
    for name in &names {
        connection.open_space(name, &OpenOptions::default()).unwrap().close().unwrap();
    }
    rotate_keys(&connection, &Stop::never()).unwrap();
    for name in &names {
        connection.open_space(name, &OpenOptions::default()).unwrap().close().unwrap();
    }
    connection.close().unwrap();
}
