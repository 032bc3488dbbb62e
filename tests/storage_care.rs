//! Spaces, backup, compaction.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::*;
use lodestore::error::ErrorCode;
use lodestore::storage::{Care, CopyMethod, OpenMode, OpenOptions, backup, compact, connect};
use lodestore::wtf8::Wtf8String;

#[derive(Default)]
struct Watch {
    cancel: AtomicBool,
    calls: AtomicU64,
    cancel_at_once: bool,
}

impl Care for Watch {
    fn progress(&self, _phase: &str, done: u64, total: u64) {
        assert!(done <= total);
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.cancel_at_once {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }

    fn cancel(&self) -> &AtomicBool {
        &self.cancel
    }
}

fn name(name: &str) -> Wtf8String {
    name.into()
}

fn fill(db: &lodestore::storage::Connection, count: u32) {
    for batch in 0..count / 100 {
        write(db, move |txn| {
            (0..100)
                .try_for_each(|i| TREE.put(txn, &(batch * 100 + i).to_be_bytes(), &[i as u8; 300]))
        })
        .unwrap();
    }
}

fn files_in(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn spaces_are_databases_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let root = open(dir.path());
    let options = options();
    let open_only = OpenOptions { mode: OpenMode::Open, ..options.clone() };
    assert_eq!(code(root.open_space(&name("a"), &open_only)), ErrorCode::DatabaseNotFound);
    let a = root.open_space(&name("a"), &options).unwrap();
    let odd = Wtf8String::from_utf16(&[0xD800, 0x61]);
    let b = root.open_space(&odd, &options).unwrap();
    put(&a, b"k", b"a");
    put(&b, b"k", b"b");
    assert_eq!(get(&root, b"k"), None);
    assert_eq!(get(&a, b"k").as_deref(), Some(&b"a"[..]));
    let create = OpenOptions { mode: OpenMode::Create, ..options.clone() };
    assert_eq!(code(root.open_space(&name("a"), &create)), ErrorCode::DatabaseExists);
    let names: Vec<_> = root.spaces().unwrap().into_iter().map(|space| space.name).collect();
    assert_eq!(names, [name("a"), odd.clone()]);
    assert_eq!(code(root.delete_space(&odd)), ErrorCode::Busy);
    b.close().unwrap();
    root.delete_space(&odd).unwrap();
    assert_eq!(code(root.delete_space(&odd)), ErrorCode::DatabaseNotFound);
    assert_eq!(files_in(&dir.path().join("spaces")).len(), 1);
    let again = root.open_space(&odd, &options);
    assert_eq!(get(&again.unwrap(), b"k"), None);
}

#[test]
fn a_backup_is_whole_and_includes_spaces() {
    let dir = tempfile::tempdir().unwrap();
    let root = open(&dir.path().join("db"));
    fill(&root, 5_000);
    let space = root.open_space(&name("s"), &options()).unwrap();
    put(&space, b"in space", b"1");
    let watch = Watch::default();
    let copy = dir.path().join("copy");
    backup(&root, &copy, true, CopyMethod::Compact, &watch).unwrap();
    assert!(watch.calls.load(Ordering::Relaxed) > 5);
    assert_eq!(
        code(backup(&root, &copy, true, CopyMethod::Compact, &watch)),
        ErrorCode::DatabaseExists
    );
    put(&root, b"later", b"");
    let copied = open(&copy);
    assert_eq!(get(&copied, b"later"), None);
    assert_eq!(get(&copied, &4_999u32.to_be_bytes()), Some(vec![99; 300]));
    let copied_space = copied.open_space(&name("s"), &options()).unwrap();
    assert!(get(&copied_space, b"in space").is_some());
    assert_eq!(copied.format().uuid, root.format().uuid);

    let without = dir.path().join("without");
    std::fs::create_dir(&without).unwrap();
    backup(&root, &without, false, CopyMethod::Compact, &watch).unwrap();
    assert!(open(&without).spaces().unwrap().is_empty());
    assert_eq!(files_in(dir.path()), ["copy", "db", "without"]);
}

/// Deletes a space as soon as a backup is under way.
struct DeletesSpace {
    root: Arc<lodestore::storage::Connection>,
    cancel: AtomicBool,
}

impl Care for DeletesSpace {
    fn progress(&self, phase: &str, _done: u64, _total: u64) {
        if phase == "backup" && self.root.spaces().unwrap().len() == 2 {
            self.root.delete_space(&name("b")).unwrap();
        }
    }

    fn cancel(&self) -> &AtomicBool {
        &self.cancel
    }
}

#[test]
fn a_space_that_is_deleted_meanwhile_is_left_out_of_the_backup() {
    let dir = tempfile::tempdir().unwrap();
    let root = open(&dir.path().join("db"));
    fill(&root, 2_000);
    for space in ["a", "b"] {
        let space = root.open_space(&name(space), &options()).unwrap();
        put(&space, b"k", b"v");
        space.close().unwrap();
    }
    let copy = dir.path().join("copy");
    let care = DeletesSpace { root: Arc::clone(&root), cancel: AtomicBool::new(false) };
    backup(&root, &copy, true, CopyMethod::Compact, &care).unwrap();
    let names = |db: &lodestore::storage::Connection| -> Vec<_> {
        db.spaces().unwrap().into_iter().map(|space| space.name).collect()
    };
    assert_eq!(names(&root), [name("a")]);
    let copied = open(&copy);
    assert_eq!(names(&copied), [name("a")]);
    let a = copied.open_space(&name("a"), &options()).unwrap();
    assert_eq!(get(&a, b"k").as_deref(), Some(&b"v"[..]));
    a.close().unwrap();
    copied.close().unwrap();
}

#[test]
fn a_cancelled_backup_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = open(&dir.path().join("db"));
    fill(&root, 5_000);
    let watch = Watch { cancel_at_once: true, ..Watch::default() };
    let target = dir.path().join("copy");
    assert_eq!(code(backup(&root, &target, true, CopyMethod::Compact, &watch)), ErrorCode::Aborted);
    assert_eq!(files_in(dir.path()), ["db"]);
}

#[test]
fn compaction_gives_space_back_and_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    fill(&db, 20_000);
    write(&db, |txn| (0..19_000u32).try_for_each(|i| TREE.delete(txn, &i.to_be_bytes()).map(drop)))
        .unwrap();
    let before = db.stats().unwrap();
    let reader = db.turn_reader();
    assert!(reader.with(|txn| Ok(TREE.get(txn, &19_500u32.to_be_bytes())?.is_some())).unwrap());
    let joined = open(dir.path());
    compact(&db, Arc::new(Watch::default())).unwrap();
    let after = db.stats().unwrap();
    assert!(after.file_size * 5 < before.file_size, "{before:?} {after:?}");
    assert!(reader.with(|txn| Ok(TREE.get(txn, &19_500u32.to_be_bytes())?.is_some())).unwrap());
    put(&joined, b"new", b"1");
    assert!(reader.with(|txn| Ok(TREE.get(txn, b"new")?.is_some())).unwrap());
    assert_eq!(files_in(dir.path()), ["data.journal", "data.mdb", "lock.mdb", "lodestore.lock"]);
    db.close().unwrap();
    joined.close().unwrap();
    let db = open(dir.path());
    assert_eq!(get(&db, &19_999u32.to_be_bytes()), Some(vec![99; 300]));
    assert!(get(&db, b"new").is_some());
}

#[test]
fn leftovers_of_a_killed_compaction_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let leftover = dir.path().join("compact-0123");
    std::fs::create_dir(&leftover).unwrap();
    std::fs::write(leftover.join("data.mdb"), "half").unwrap();
    put(&open(dir.path()), b"a", b"");
    assert!(!leftover.exists());
}

#[test]
fn a_marker_of_unsynced_writes_is_seen_after_a_restart_of_the_machine() {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions { durability: lodestore::storage::Durability::None, ..options() };
    let lock = dir.path().join("lodestore.lock");
    let db = connect(dir.path(), &options).unwrap();
    let session_free = std::fs::read_to_string(&lock).unwrap();
    assert_eq!(session_free, "", "no marker before the first unsynced write");
    db.close().unwrap();
    std::fs::write(&lock, "another boot").unwrap();
    let db = connect(dir.path(), &options).unwrap();
    assert!(db.was_left_unsynced());
    db.declare_whole().unwrap();
    assert!(!db.was_left_unsynced());
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), "");
}
