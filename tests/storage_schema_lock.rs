//! The lock of those who rely on a database's schema.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use lodestore::error::ErrorCode;
use lodestore::storage::SchemaLock;

#[test]
fn holders_share_the_lock_or_have_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let lock = || SchemaLock::open(db.environment()).unwrap();
    let (one, other, third) = (lock(), lock(), lock());
    assert!(one.try_lock(false).unwrap());
    assert!(other.try_lock(false).unwrap());
    assert!(!third.try_lock(true).unwrap());
    one.unlock().unwrap();
    assert!(!third.try_lock(true).unwrap());
    // One that is let go of without a word, as by the end of a process, counts no more.
    drop(other);
    assert!(third.try_lock(true).unwrap());
    assert!(!one.try_lock(false).unwrap());
    // From alone to shared, and back.
    assert!(third.try_lock(false).unwrap());
    assert!(one.try_lock(false).unwrap());
    assert!(!third.try_lock(true).unwrap());
}

#[test]
fn a_note_says_what_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let lock = || SchemaLock::open(db.environment()).unwrap();
    let (one, other) = (lock(), lock());
    assert_eq!(other.read_note().unwrap(), b"");
    one.leave_note(b"please").unwrap();
    assert_eq!(other.read_note().unwrap(), b"please");
    one.leave_note(b"now").unwrap();
    assert_eq!(other.read_note().unwrap(), b"now");
    other.leave_note(b"").unwrap();
    one.leave_note(b"").unwrap();
    assert_eq!(one.read_note().unwrap(), b"");
    let long = [b'x'; 5000];
    assert_eq!(one.leave_note(&long).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(one.read_note().unwrap(), b"");
}
