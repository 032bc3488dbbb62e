//! Group commit: what is acknowledged is there, what fails leaves no trace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use common::*;
use lodestore::error::{ErrorCode, Result};
use lodestore::storage::{Commit, Counter, Durability, Job, OpenOptions, WriteTxn, connect};

#[test]
fn what_is_committed_survives_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    put(&db, b"a", b"1");
    write(&db, |txn| {
        txn.add_count(Counter::entries(TREE.id), 1);
        Ok(())
    })
    .unwrap();
    db.close().unwrap();
    let db = open(dir.path());
    assert_eq!(get(&db, b"a").as_deref(), Some(&b"1"[..]));
    let count = db.turn_reader().with(|txn| txn.stored_count(Counter::entries(TREE.id)));
    assert_eq!(count.unwrap(), 1);
}

#[test]
fn a_failing_job_leaves_no_trace_and_costs_its_neighbours_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let gate = Arc::new(Barrier::new(2));
    let hold = gate.clone();
    let first = submit(&db, move |_| {
        hold.wait();
        Ok(())
    });
    let good = submit(&db, |txn| TREE.put(txn, b"good", b"1"));
    let bad = submit(&db, |txn| {
        TREE.put(txn, b"bad", b"1")?;
        txn.add_count(Counter::entries(TREE.id), 7);
        Err(failure())
    });
    let also_good = submit(&db, |txn| TREE.put(txn, b"also good", b"1"));
    gate.wait();
    // The first job runs again with the others when the group is given up.
    std::thread::scope(|scope| {
        scope.spawn(|| gate.wait());
        first.recv().unwrap().unwrap();
        good.recv().unwrap().unwrap();
        also_good.recv().unwrap().unwrap();
        assert_eq!(code(bad.recv().unwrap()), ErrorCode::Validation);
    });
    assert!(get(&db, b"good").is_some() && get(&db, b"also good").is_some());
    assert_eq!(get(&db, b"bad"), None);
    let count = db.turn_reader().with(|txn| txn.stored_count(Counter::entries(TREE.id)));
    assert_eq!(count.unwrap(), 0);
}

/// A job that says that another one is about to come.
struct Followed(TestJob);

impl Job for Followed {
    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn durability(&self) -> Durability {
        self.0.durability()
    }

    fn is_followed(&self) -> bool {
        true
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.0.run(txn)
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        Box::new(self.0).finish(outcome);
    }
}

#[test]
fn a_job_that_announces_another_is_committed_without_it_too() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let (done, outcomes) = mpsc::channel();
    let job = |key: &'static [u8]| {
        let work = Box::new(move |txn: &mut WriteTxn<'_>| TREE.put(txn, key, b"1"));
        Box::new(Followed(TestJob { work, bytes: 100, done: done.clone() }))
    };
    let next = || outcomes.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
    db.submit(job(b"alone")).unwrap();
    let alone = next();
    db.submit(job(b"last")).unwrap();
    assert!(next().txn_id > alone.txn_id);
    db.submit(job(b"at the end")).unwrap();
    db.close().unwrap();
    next();
    let db = common::open(dir.path());
    assert!(get(&db, b"alone").is_some() && get(&db, b"at the end").is_some());
}

#[test]
fn a_nested_failure_undoes_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    write(&db, |txn| {
        TREE.put(txn, b"outer", b"1")?;
        let inner = txn.nested(|child| {
            TREE.put(child, b"inner", b"1")?;
            child.add_count(Counter::entries(TREE.id), 5);
            child.nested(|deeper| TREE.put(deeper, b"deeper", b"1"))?;
            Err::<(), _>(failure())
        });
        assert_eq!(code(inner), ErrorCode::Validation);
        assert_eq!(TREE.get(txn, b"deeper")?, None);
        txn.nested(|child| TREE.put(child, b"kept", b"1"))
    })
    .unwrap();
    assert_eq!(get(&db, b"inner"), None);
    assert!(get(&db, b"outer").is_some() && get(&db, b"kept").is_some());
}

#[test]
fn a_full_map_grows_without_losing_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions { map_size: 1 << 20, ..options() };
    let db = connect(dir.path(), &options).unwrap();
    let reader = db.turn_reader();
    let snapshot = db.snapshot(false).unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let outcomes: Vec<_> = (0..64u8)
        .map(|i| {
            let runs = runs.clone();
            submit(&db, move |txn| {
                runs.fetch_add(1, Ordering::Relaxed);
                (0..20u8).try_for_each(|j| TREE.put(txn, &[i, j], &[i; 3000]))
            })
        })
        .collect();
    for outcome in outcomes {
        outcome.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
    }
    assert!(runs.load(Ordering::Relaxed) > 64, "the map was never full");
    for i in 0..64u8 {
        for j in 0..20u8 {
            let value = reader.with(|txn| Ok(TREE.get(txn, &[i, j])?.map(<[u8]>::to_vec)));
            assert_eq!(value.unwrap(), Some(vec![i; 3000]));
        }
    }
    // The snapshot was in the way of the growth.
    assert_eq!(code(snapshot.with(|_| Ok(()))), ErrorCode::SnapshotExpired);
}

#[test]
fn too_many_pending_bytes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions { max_pending_bytes: 1000, ..options() };
    let db = connect(dir.path(), &options).unwrap();
    let (release, held) = mpsc::channel::<()>();
    let first = submit(&db, move |_| {
        held.recv().unwrap();
        Ok(())
    });
    let mut refused = None;
    let mut accepted = Vec::new();
    for _ in 0..20 {
        let (done, outcome) = mpsc::channel();
        let job = TestJob { work: Box::new(|_| Ok(())), bytes: 100, done };
        match db.submit(Box::new(job)) {
            Ok(()) => accepted.push(outcome),
            Err(error) => refused = Some(error.code()),
        }
    }
    release.send(()).unwrap();
    assert_eq!(refused, Some(ErrorCode::ResourceLimit));
    first.recv().unwrap().unwrap();
    for outcome in accepted {
        outcome.recv().unwrap().unwrap();
    }
    put(&db, b"after", b"1");
}

#[test]
fn a_panic_poisons_and_commits_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    put(&db, b"before", b"1");
    let neighbour = submit(&db, |txn| {
        std::thread::sleep(Duration::from_millis(1));
        TREE.put(txn, b"half", b"1")
    });
    let outcome = submit(&db, |txn| {
        TREE.put(txn, b"half", b"1")?;
        panic!("on purpose")
    });
    // The neighbour may have had a commit of its own before the panic.
    let before = neighbour.recv().expect("it is answered").is_ok();
    assert_eq!(code(outcome.recv().expect("it is answered")), ErrorCode::Poisoned);
    let later = loop {
        match db.snapshot(false) {
            Ok(_) => std::thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert_eq!(later.code(), ErrorCode::Poisoned);
    db.close().unwrap();
    let db = open(dir.path());
    assert!(get(&db, b"before").is_some());
    assert_eq!(get(&db, b"half").is_some(), before);
}

#[test]
fn a_reader_sees_every_commit_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let reader = db.turn_reader();
    for i in 0..200u32 {
        let key = i.to_be_bytes();
        write(&db, move |txn| TREE.put(txn, &key, b"x")).unwrap();
        let seen = reader.with(|txn| Ok(TREE.get(txn, &key)?.is_some())).unwrap();
        assert!(seen, "write {i} is not seen");
        if i % 3 == 0 {
            reader.end_turn();
        }
    }
}
