//! Interactive transactions: commit, rollback, savepoints, time limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::mpsc;
use std::time::Duration;

use common::*;
use lodestore::error::{ErrorCode, Result};
use lodestore::storage::{Commit, Level, SessionHandle};

const LONG: Duration = Duration::from_secs(30);

fn level(session: &SessionHandle, level: Level) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    session.level(level, Box::new(move |result| sender.send(result).unwrap()));
    receiver.recv_timeout(LONG).unwrap()
}

fn commit(session: &SessionHandle) -> Result<Commit> {
    let (sender, receiver) = mpsc::channel();
    session.commit(Box::new(move |result| sender.send(result).unwrap()));
    receiver.recv_timeout(LONG).unwrap()
}

fn rollback(session: &SessionHandle) -> Result<Commit> {
    let (sender, receiver) = mpsc::channel();
    session.rollback(Box::new(move |result| sender.send(result).unwrap()));
    receiver.recv_timeout(LONG).unwrap()
}

#[test]
fn commit_makes_visible_and_rollback_undoes() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let session = begin(&db, LONG);
    run(&session, |txn| TREE.put(txn, b"a", b"1")).unwrap();
    assert_eq!(get(&db, b"a"), None, "not visible before the commit");
    let own = run(&session, |txn| Ok(TREE.get(txn, b"a")?.map(<[u8]>::to_vec))).unwrap();
    assert_eq!(own.as_deref(), Some(&b"1"[..]));
    commit(&session).unwrap();
    assert!(get(&db, b"a").is_some());
    assert_eq!(code(run(&session, |_| Ok(()))), ErrorCode::TxInactive);
    assert_eq!(code(commit(&session)), ErrorCode::TxInactive);

    let session = begin(&db, LONG);
    run(&session, |txn| TREE.delete(txn, b"a")).unwrap();
    rollback(&session).unwrap();
    assert!(get(&db, b"a").is_some());
}

#[test]
fn a_commit_may_depend_on_what_ran_before() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let session = begin(&db, LONG);
    let (sender, receiver) = mpsc::channel();
    let decide = |commits: bool| {
        let sender = sender.clone();
        session.commit_if(Box::new(move || {
            sender.send(None).unwrap();
            commits.then(|| -> Box<dyn FnOnce(_) + Send> {
                Box::new(move |result: Result<Commit>| sender.send(Some(result)).unwrap())
            })
        }));
    };
    run(&session, |txn| TREE.put(txn, b"a", b"1")).unwrap();
    decide(false);
    run(&session, |txn| TREE.put(txn, b"b", b"2")).unwrap();
    assert!(receiver.try_recv().unwrap().is_none(), "asked before what was queued behind it ran");
    assert_eq!(get(&db, b"a"), None, "it stays open");
    // Also in a savepoint, which is kept.
    level(&session, Level::Begin).unwrap();
    run(&session, |txn| TREE.put(txn, b"c", b"3")).unwrap();
    decide(true);
    assert!(receiver.recv_timeout(LONG).unwrap().is_none());
    receiver.recv_timeout(LONG).unwrap().unwrap().unwrap();
    assert_eq!([b"a", b"b", b"c"].map(|key| get(&db, key).is_some()), [true; 3]);
    // Whoever is asked when there is no transaction any more hears of it.
    decide(true);
    assert!(receiver.recv_timeout(LONG).unwrap().is_none());
    assert_eq!(code(receiver.recv_timeout(LONG).unwrap().unwrap()), ErrorCode::TxInactive);
    decide(false);
    assert!(receiver.recv_timeout(LONG).unwrap().is_none());
    assert!(receiver.try_recv().is_err());
}

#[test]
fn savepoints_nest() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let session = begin(&db, LONG);
    run(&session, |txn| TREE.put(txn, b"1", b"")).unwrap();
    level(&session, Level::Begin).unwrap();
    run(&session, |txn| TREE.put(txn, b"2", b"")).unwrap();
    level(&session, Level::Begin).unwrap();
    run(&session, |txn| TREE.put(txn, b"3", b"")).unwrap();
    level(&session, Level::Rollback).unwrap();
    assert!(!run(&session, |txn| Ok(TREE.get(txn, b"3")?.is_some())).unwrap());
    level(&session, Level::Release).unwrap();
    assert_eq!(code(level(&session, Level::Release)), ErrorCode::InvalidArgument);
    level(&session, Level::Begin).unwrap();
    run(&session, |txn| TREE.put(txn, b"4", b"")).unwrap();
    // A commit keeps open savepoints.
    commit(&session).unwrap();
    assert_eq!(
        [b"1", b"2", b"3", b"4"].map(|key| get(&db, key).is_some()),
        [true, true, false, true]
    );
}

#[test]
fn an_idle_transaction_is_rolled_back_and_lets_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let session = begin(&db, Duration::from_millis(50));
    run(&session, |txn| TREE.put(txn, b"a", b"")).unwrap();
    put(&db, b"b", b"");
    assert_eq!(code(run(&session, |_| Ok(()))), ErrorCode::TxTimeout);
    assert_eq!(code(commit(&session)), ErrorCode::TxTimeout);
    assert_eq!(get(&db, b"a"), None);
}

#[test]
fn a_dropped_handle_rolls_back() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let session = begin(&db, LONG);
    run(&session, |txn| TREE.put(txn, b"a", b"")).unwrap();
    drop(session);
    put(&db, b"b", b"");
    assert_eq!(get(&db, b"a"), None);
}

#[test]
fn writes_queued_before_a_transaction_are_committed_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let write = submit(&db, |txn| TREE.put(txn, b"a", b""));
    let session = begin(&db, LONG);
    assert!(run(&session, |txn| Ok(TREE.get(txn, b"a")?.is_some())).unwrap());
    write.recv().unwrap().unwrap();
    assert!(get(&db, b"a").is_some());
    commit(&session).unwrap();
}
