//! Several processes, forks, and limits of the system: what must not break the database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::*;
use lodestore::error::ErrorCode;
use lodestore::storage::{Care, CopyMethod, OpenOptions, backup, compact, connect};

struct Patient {
    cancel: AtomicBool,
    delay: Duration,
}

impl Care for Patient {
    fn progress(&self, _phase: &str, _done: u64, _total: u64) {
        std::thread::sleep(self.delay);
    }

    fn cancel(&self) -> &AtomicBool {
        &self.cancel
    }
}

fn patient(delay: Duration) -> Arc<Patient> {
    Arc::new(Patient { cancel: AtomicBool::new(false), delay })
}

/// Set when its scope ends, also by a failure.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const ROLE: &str = "LODESTORE_TEST_ROLE";
const PATH: &str = "LODESTORE_TEST_PATH";

/// Runs this test program again, in a role, on a database. Killed when dropped.
struct Peer(Child);

impl Peer {
    fn start(role: &str, path: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "peer", "--nocapture"])
            .env(ROLE, role)
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Waits until it says that it is ready.
    fn ready(&mut self) {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap());
        let mut line = String::new();
        while !line.contains("ready") {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the other process ended");
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn say_ready() {
    println!("\nready");
    std::io::stdout().flush().unwrap();
}

/// What the other process does; nothing when the tests run.
#[test]
fn peer() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = std::env::var(PATH).unwrap();
    let path = Path::new(&path);
    match &*role {
        "compacts" => {
            let db = open(path);
            say_ready();
            loop {
                assert_eq!(code(compact(&db, patient(Duration::ZERO))), ErrorCode::Busy);
            }
        }
        "grows" => {
            let db = open(path);
            say_ready();
            for i in 0u64.. {
                let key = i.to_be_bytes();
                write(&db, move |txn| TREE.put(txn, &key, &[1; 9_000])).unwrap();
            }
        }
        "holds" => {
            let options = OpenOptions { max_readers: 16, ..options() };
            let _db = connect(path, &options).unwrap();
            say_ready();
            std::io::stdin().read_exact(&mut [0]).unwrap_or(());
        }
        "runs out of address space" => run_out_of_address_space(path),
        other => panic!("{other}"),
    }
}

#[test]
fn two_processes_that_both_want_to_compact_stay_out_of_each_others_way() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    put(&db, b"a", b"1");
    let mut other = Peer::start("compacts", dir.path());
    other.ready();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        assert_eq!(code(compact(&db, patient(Duration::ZERO))), ErrorCode::Busy);
    }
    drop(other);
    compact(&db, patient(Duration::ZERO)).unwrap();
    assert!(get(&db, b"a").is_some());
}

#[test]
fn a_file_that_another_process_is_writing_is_not_taken_for_damaged() {
    let dir = tempfile::tempdir().unwrap();
    put(&open(dir.path()), b"a", b"1");
    let mut other = Peer::start("grows", dir.path());
    other.ready();
    let start = Instant::now();
    let mut opens = 0;
    while start.elapsed() < Duration::from_secs(3) {
        let db = open(dir.path());
        assert!(get(&db, b"a").is_some());
        db.close().unwrap();
        opens += 1;
    }
    assert!(opens > 10, "{opens}");
}

#[test]
fn the_reader_table_stays_as_long_as_others_have_mapped_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = Peer::start("holds", dir.path());
    other.ready();
    let length = || std::fs::metadata(dir.path().join("lock.mdb")).unwrap().len();
    let before = length();
    put(&open(dir.path()), b"a", b"1");
    assert_eq!(length(), before);
}

/// A hole that could not be filled, since the disk is full, would kill who reads first.
#[cfg(target_os = "linux")]
#[test]
fn a_reader_table_with_holes_gets_room() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let path = dir.path().join("lock.mdb");
    let room = || std::fs::metadata(&path).unwrap().blocks() * 512;
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(room() >= length);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    for kept in [0, 4_096, length / 2] {
        file.set_len(kept).unwrap();
        file.set_len(length).unwrap();
        assert!(room() < length);
        open(dir.path()).close().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
        assert!(room() >= length, "{} of {length}", room());
    }
}

#[test]
fn a_map_that_cannot_grow_fails_the_write_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = Peer::start("runs out of address space", dir.path());
    let status = other.0.wait().unwrap();
    let mut output = String::new();
    other.0.stdout.as_mut().unwrap().read_to_string(&mut output).unwrap();
    assert!(status.success(), "{status} {output}");
}

fn run_out_of_address_space(path: &Path) {
    let options = OpenOptions { map_size: 64 << 20, ..options() };
    let db = connect(path, &options).unwrap();
    put(&db, b"a", b"1");
    // The threads have their memory by then.
    std::thread::sleep(Duration::from_millis(300));
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').next().unwrap().parse().unwrap();
    let limit = pages * 4096 + (48 << 20);
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: a valid struct; the limit is this process's own.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    let mut failed = None;
    for i in 0..100u8 {
        let outcome = write(&db, move |txn| {
            (0..10u8).try_for_each(|j| TREE.put(txn, &[i, j], &[i; 100_000]))
        });
        if let Err(error) = outcome {
            failed = Some(error.code());
            break;
        }
    }
    assert_eq!(failed, Some(ErrorCode::ResourceLimit));
    assert!(get(&db, b"a").is_some());
    assert!(db.stats().unwrap().file_size > 0);
    put(&db, b"b", b"still writable");
    db.close().unwrap();
}

#[test]
fn a_forked_child_leaves_the_parents_snapshots_alone() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    put(&db, b"a", b"1");
    let mut snapshot = Some(db.snapshot(false).unwrap());
    let mut turn = Some(db.turn_reader());
    turn.as_ref().unwrap().with(|_| Ok(())).unwrap();
    // SAFETY: the child only drops what it has got, and ends without running anything else.
    let child = unsafe { libc::fork() };
    if child == 0 {
        turn.as_ref().unwrap().end_turn();
        turn.take();
        snapshot.as_ref().unwrap().end(ErrorCode::Closed);
        snapshot.take();
        let closed = db.close().is_ok();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(if closed { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: the child's id and an out pointer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    assert_eq!(db.stats().unwrap().readers, 2);
    put(&db, b"b", b"1");
    assert!(get(&db, b"b").is_some());
}

/// The first call of a forked child that was not refused, counted from 1; 0 if all were.
fn first_not_refused(
    db: &Arc<lodestore::storage::Connection>,
    snapshot: &lodestore::storage::Snapshot,
    turn: &lodestore::storage::TurnReader,
    path: &Path,
) -> usize {
    let job = || {
        let (done, _) = std::sync::mpsc::channel();
        Box::new(TestJob { work: Box::new(|_| Ok(())), bytes: 1, done })
    };
    let session = lodestore::storage::SessionOptions {
        idle_timeout: None,
        total_timeout: None,
        durability: lodestore::storage::Durability::Strict,
    };
    let name: lodestore::wtf8::Wtf8String = "s".into();
    let outcomes = [
        db.submit(job()).map(drop),
        db.begin(session, Box::new(|_| {})).map(drop),
        db.snapshot(false).map(drop),
        db.pin(turn).map(drop),
        turn.with(|_| Ok(())),
        snapshot.with(|_| Ok(())),
        db.stats().map(drop),
        db.flush(),
        db.check_open(),
        db.spaces().map(drop),
        db.open_space(&name, &options()).map(drop),
        db.delete_space(&name),
        compact(db, patient(Duration::ZERO)),
        backup(db, &path.join("copy"), false, CopyMethod::Compact, &*patient(Duration::ZERO)),
        connect(path, &options()).map(drop),
    ];
    let refused = |outcome: &lodestore::error::Result<()>| {
        outcome.as_ref().is_err_and(|error| error.code() == ErrorCode::Closed)
    };
    outcomes.iter().position(|outcome| !refused(outcome)).map_or(0, |at| at + 1)
}

#[test]
fn a_forked_child_is_told_that_the_database_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    put(&db, b"a", b"1");
    let snapshot = db.snapshot(false).unwrap();
    let turn = db.turn_reader();
    turn.with(|_| Ok(())).unwrap();
    // SAFETY: the child runs calls that fail before they wait for another thread, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mut first = first_not_refused(&db, &snapshot, &turn, dir.path());
        // What was not open in the parent is the child's own.
        if first == 0 && connect(other.path(), &options()).is_err() {
            first = 100;
        }
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::try_from(first).unwrap_or(101)) };
    }
    let mut status = 0;
    // SAFETY: the child's id and an out pointer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFEXITED(status), "the child died: {status}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the first call that was not refused, from 1");
    assert!(snapshot.with(|txn| TREE.get(txn, b"a").map(|found| found.is_some())).unwrap());
    put(&db, b"b", b"1");
    assert_eq!(db.stats().unwrap().readers, 2);
    db.close().unwrap();
}

#[test]
fn writes_wait_for_a_compaction_however_long_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions { busy_timeout: Duration::from_millis(200), ..options() };
    let db = connect(dir.path(), &options).unwrap();
    put(&db, b"a", b"1");
    let compacting = {
        let db = db.clone();
        std::thread::spawn(move || compact(&db, patient(Duration::from_millis(1_500))))
    };
    std::thread::sleep(Duration::from_millis(200));
    put(&db, b"b", b"1");
    compacting.join().unwrap().unwrap();
}

#[test]
fn figures_and_flushes_during_compactions_harm_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    for i in 0..50u8 {
        put(&db, &[i], &[i; 3_000]);
    }
    let over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _over = Ended(over.clone());
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // Its snapshot may have had to give way.
                if let Err(error) = db.stats() {
                    assert_eq!(error.code(), ErrorCode::SnapshotExpired);
                }
            }
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                db.flush().unwrap();
            }
        });
        for _ in 0..40 {
            compact(&db, patient(Duration::ZERO)).unwrap();
        }
    });
    put(&db, b"a", b"1");
}

#[test]
fn a_flush_waits_for_a_write_larger_than_what_may_be_pending() {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions { max_pending_bytes: 1_000, ..options() };
    let db = connect(dir.path(), &options).unwrap();
    let (done, outcome) = std::sync::mpsc::channel();
    let work = Box::new(|txn: &mut lodestore::storage::WriteTxn<'_>| {
        std::thread::sleep(Duration::from_millis(100));
        TREE.put(txn, b"large", b"1")
    });
    db.submit(Box::new(TestJob { work, bytes: 5_000, done })).unwrap();
    db.flush().unwrap();
    outcome.try_recv().unwrap().unwrap();
}

#[test]
fn a_space_that_was_opened_is_not_one_that_is_being_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let root = open(dir.path());
    let name: lodestore::wtf8::Wtf8String = "s".into();
    let over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _over = Ended(over.clone());
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if let Err(error) = root.delete_space(&name) {
                    let expected = [ErrorCode::Busy, ErrorCode::DatabaseNotFound];
                    assert!(expected.contains(&error.code()), "{error}");
                }
            }
        });
        for _ in 0..100 {
            let space = root.open_space(&name, &options()).unwrap();
            put(&space, b"k", b"1");
            let named = root.spaces().unwrap();
            assert!(named.iter().any(|space| space.name == name));
            space.close().unwrap();
        }
    });
}
