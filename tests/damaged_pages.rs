//! Data files whose meta pages or roots are damaged: refused before LMDB maps them, and left as
//! they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::sync::OnceLock;

use common::*;
use lodestore::error::ErrorCode;
use lodestore::storage::{OpenOptions, connect};

const PAGE: usize = 4096;
const FREE_FLAGS: usize = 44;
const FREE_ROOT: usize = 80;
const MAIN_FLAGS: usize = 92;
const MAIN_ROOT: usize = 128;
const LAST_PAGE: usize = 136;
const TXN_ID: usize = 144;

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(*bytes[at..].first_chunk().unwrap())
}

/// A data file with free pages, and where its newer meta page begins.
fn sound() -> (Vec<u8>, usize) {
    static SOUND: OnceLock<(Vec<u8>, usize)> = OnceLock::new();
    let make = || {
        let directory = tempfile::tempdir().unwrap();
        let db = open(directory.path());
        for i in 0..50_u8 {
            put(&db, &[i % 7], &vec![i; 3_000]);
        }
        db.close().unwrap();
        let bytes = fs::read(directory.path().join("data.mdb")).unwrap();
        let newer = if u64_at(&bytes, PAGE + TXN_ID) > u64_at(&bytes, TXN_ID) { PAGE } else { 0 };
        (bytes, newer)
    };
    SOUND.get_or_init(make).clone()
}

/// What opening the file says after `damage`.
fn refused(what: &str, damage: impl FnOnce(&mut Vec<u8>, usize)) -> ErrorCode {
    let directory = tempfile::tempdir().unwrap();
    let (mut bytes, newer) = sound();
    damage(&mut bytes, newer);
    let file = directory.path().join("data.mdb");
    fs::write(&file, &bytes).unwrap();
    let Err(error) = connect(directory.path(), &OpenOptions::default()) else {
        panic!("{what}: the database was opened");
    };
    assert_eq!(fs::read(&file).unwrap(), bytes, "{what}: the file was changed");
    error.code()
}

fn set(bytes: &mut [u8], at: usize, number: u64) {
    bytes[at..at + 8].copy_from_slice(&number.to_ne_bytes());
}

#[test]
fn fields_of_the_meta_page_that_cannot_be_are_corrupt() {
    type Damage = fn(&mut Vec<u8>, usize);
    let cases: [(&str, Damage); 9] = [
        ("a page size that differs", |bytes, newer| bytes[newer + 41] = 0x20),
        ("a free list of duplicates", |bytes, newer| bytes[newer + FREE_FLAGS] |= 4),
        ("a free list without integer keys", |bytes, newer| bytes[newer + FREE_FLAGS] = 0),
        ("no last page", |bytes, newer| set(bytes, newer + LAST_PAGE, 0)),
        ("a last page beyond all memory", |bytes, newer| set(bytes, newer + LAST_PAGE, 1 << 52)),
        ("the highest transaction id", |bytes, newer| set(bytes, newer + TXN_ID, u64::MAX)),
        // Readers would use the other meta page, which nobody has looked at.
        ("a transaction of the other page", |bytes, newer| {
            let id = u64_at(bytes, newer + TXN_ID);
            set(bytes, newer + TXN_ID, id + 1);
        }),
        ("a free list at a meta page", |bytes, newer| set(bytes, newer + FREE_ROOT, 1)),
        ("trees at the free list", |bytes, newer| {
            let free = u64_at(bytes, newer + FREE_ROOT);
            set(bytes, newer + MAIN_ROOT, free);
            bytes[free as usize * PAGE + 10] = 0x08;
        }),
    ];
    for (what, damage) in cases {
        assert_eq!(refused(what, damage), ErrorCode::Corrupt, "{what}");
    }
    let flags = refused("main flags", |bytes, newer| bytes[newer + MAIN_FLAGS] = 4);
    assert_eq!(flags, ErrorCode::NotADatabase);
}

#[test]
fn a_record_that_is_no_tree_is_not_a_database() {
    let code = refused("a value in the place of a tree", |bytes, newer| {
        let page = u64_at(bytes, newer + MAIN_ROOT) as usize * PAGE;
        let node = usize::from(u16::from_ne_bytes([bytes[page + 16], bytes[page + 17]]));
        bytes[page + node + 4] = 0;
    });
    assert_eq!(code, ErrorCode::NotADatabase);
}

#[test]
fn roots_that_point_outside_themselves_are_corrupt() {
    for root in [FREE_ROOT, MAIN_ROOT] {
        // The page's number, its kind, its bounds, the place of its first entry.
        for (at, byte) in [(0, 0xFF), (10, 0x44), (13, 0xFF), (15, 0xFF), (17, 0xFF), (12, 16)] {
            let what = format!("root at {root}, byte {at}");
            let code = refused(&what, |bytes, newer| {
                let page = u64_at(bytes, newer + root) as usize;
                bytes[page * PAGE + at] = byte;
            });
            assert_eq!(code, ErrorCode::Corrupt, "{what}");
        }
    }
    let what = "a list of free pages that is longer than its record";
    let code = refused(what, |bytes, newer| {
        let page = u64_at(bytes, newer + FREE_ROOT) as usize * PAGE;
        let node = usize::from(u16::from_ne_bytes([bytes[page + 16], bytes[page + 17]]));
        set(bytes, page + node + 16, 1 << 20);
    });
    assert_eq!(code, ErrorCode::Corrupt, "{what}");
}

#[test]
fn whatever_is_in_the_lock_file_the_database_opens() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("data.mdb"), sound().0).unwrap();
    for (content, unsynced) in [(&b""[..], false), (b"\xFF\xFE", true), (&[b'a'; 9_000], true)] {
        fs::write(directory.path().join("lodestore.lock"), content).unwrap();
        let db = open(directory.path());
        assert_eq!(db.was_left_unsynced(), unsynced);
        db.close().unwrap();
    }
}
