//! Everything at once on one database, from threads: what is read is whole and never goes back, and
//! no acknowledged write is lost. Most of all for ThreadSanitizer (`npm run sanitize -- thread`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use common::*;
use lodestore::error::{ErrorCode, Result};
use lodestore::storage::{
    Care, Connection, CopyMethod, Counter, ReadTxn, WriteTxn, backup, compact,
};

const LONG: Duration = Duration::from_secs(60);
/// How often each writing thread writes, and how many such threads there are of each kind.
const WRITES: u64 = 100;
const WRITERS: u64 = 2;

/// Adds one to each of two entries, which are far apart in the tree, and to a counter.
fn add_one(txn: &mut WriteTxn<'_>) -> Result<()> {
    for key in [b"a", b"z"] {
        let before = TREE.get(txn, key)?.map_or(0, number);
        TREE.put(txn, key, &(before + 1).to_be_bytes())?;
    }
    txn.add_count(Counter::entries(TREE.id), 1);
    Ok(())
}

/// The number that all of them have, whatever else is going on.
fn total(txn: &ReadTxn<'_>) -> Result<u64> {
    let [a, z] = [b"a", b"z"].map(|key| TREE.get(txn, key).map(|value| value.map_or(0, number)));
    let count = txn.stored_count(Counter::entries(TREE.id))?;
    let a = a?;
    assert_eq!((a, a), (z?, count), "a torn state was read");
    Ok(a)
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().unwrap())
}

struct Quiet(AtomicBool);

impl Care for Quiet {
    fn progress(&self, _phase: &str, _done: u64, _total: u64) {}

    fn cancel(&self) -> &AtomicBool {
        &self.0
    }
}

fn quiet() -> Arc<Quiet> {
    Arc::new(Quiet(AtomicBool::new(false)))
}

/// What snapshots may be told while the file is being replaced.
fn may_expire<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::SnapshotExpired, "{error}");
            None
        }
    }
}

/// Writes in batches whose jobs share commits; every third job fails and leaves no trace.
fn write_jobs(db: &Connection, committed: &AtomicU64) {
    for _ in 0..WRITES / 10 {
        let outcomes: Vec<_> = (0..10)
            .map(|i| {
                submit(db, move |txn| {
                    add_one(txn)?;
                    if i % 3 == 2 { Err(failure()) } else { Ok(()) }
                })
            })
            .collect();
        for outcome in outcomes {
            match outcome.recv_timeout(LONG).unwrap() {
                Ok(_) => {
                    committed.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => assert_eq!(error.code(), ErrorCode::Validation, "{error}"),
            }
        }
    }
}

/// Interactive transactions: by turns committed, rolled back and dropped.
fn write_sessions(db: &Connection, committed: &AtomicU64) {
    for i in 0..WRITES / 4 {
        let session = begin(db, LONG);
        run(&session, add_one).unwrap();
        let (sender, ended) = mpsc::channel();
        match i % 3 {
            0 => session.commit(Box::new(move |result| sender.send(result).unwrap())),
            1 => session.rollback(Box::new(move |result| sender.send(result).unwrap())),
            _ => continue,
        }
        ended.recv_timeout(LONG).unwrap().unwrap();
        if i % 3 == 0 {
            committed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Reads the newest state, and a snapshot from two threads while a third ends it.
fn read(db: &Connection, last: &AtomicU64) {
    let reader = db.turn_reader();
    let known = last.load(Ordering::Acquire);
    let now = reader.with(total).unwrap();
    assert!(now >= known, "{now} was read after {known}");
    last.fetch_max(now, Ordering::AcqRel);
    let Some(snapshot) = may_expire(db.pin(&reader)) else { return };
    let Some(pinned) = may_expire(snapshot.with(total)) else { return };
    assert!(pinned >= now, "{pinned} was pinned after {now}");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5 {
                    if let Some(seen) = may_expire(snapshot.with(total)) {
                        assert_eq!(seen, pinned, "a snapshot has moved");
                    }
                }
            });
        }
        scope.spawn(|| snapshot.end(ErrorCode::SnapshotExpired));
    });
    reader.end_turn();
}

/// Figures, flushes, backups and connections that come and go.
fn look_after(db: &Arc<Connection>, path: &Path, copies: &Path, round: u64) {
    may_expire(db.stats());
    db.flush().unwrap();
    let other = open(path);
    other.turn_reader().with(total).unwrap();
    other.close().unwrap();
    let copy = copies.join(round.to_string());
    if may_expire(backup(db, &copy, false, CopyMethod::Compact, &*quiet())).is_some() {
        let copy = open(&copy);
        copy.turn_reader().with(total).unwrap();
        copy.close().unwrap();
    }
}

/// Set when its scope ends, also by a failure, so that no thread goes on for ever.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn threads_that_do_everything_at_once_see_whole_states() {
    let dir = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let (committed, last, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let repeat = |work: &dyn Fn(u64)| {
        for round in 0.. {
            work(round);
            if over.load(Ordering::Acquire) {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        let _over = Over(&over);
        for _ in 0..2 {
            scope.spawn(|| repeat(&|_| read(&db, &last)));
        }
        scope.spawn(|| repeat(&|round| look_after(&db, dir.path(), copies.path(), round)));
        scope.spawn(|| repeat(&|_| compact(&db, quiet()).unwrap()));
        std::thread::scope(|writers| {
            for _ in 0..WRITERS {
                writers.spawn(|| write_jobs(&db, &committed));
                writers.spawn(|| write_sessions(&db, &committed));
            }
        });
    });
    let committed = committed.into_inner();
    assert_eq!(committed, WRITERS * (WRITES * 7 / 10 + (WRITES / 4).div_ceil(3)));
    assert_eq!(db.turn_reader().with(total).unwrap(), committed);
    db.close().unwrap();
    assert_eq!(open(dir.path()).turn_reader().with(total).unwrap(), committed);
}
