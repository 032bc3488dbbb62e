//! Opening, sharing and copying sealed databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::{TREE, code, get, put};
use lodestore::error::{ErrorCode, Result};
use lodestore::seal::{Cipher, KdfParameters, Secret};
use lodestore::storage::{
    Care, Connection, CopyMethod, Encryption, OpenMode, OpenOptions, backup, compact, connect,
};
use lodestore::wtf8::Wtf8String;

/// Cheap, since it is not the derivation that is tested.
const KDF: KdfParameters = KdfParameters { memory: 8, iterations: 1, parallelism: 1 };

fn with(secret: Option<Secret>) -> OpenOptions {
    let encryption = secret.map(|secret| Encryption { kdf: KDF, ..Encryption::with(secret) });
    OpenOptions { encryption, ..OpenOptions::default() }
}

fn passphrase(text: &str) -> OpenOptions {
    with(Some(Secret::passphrase(text)))
}

fn open(path: &Path, options: &OpenOptions) -> Result<Arc<Connection>> {
    connect(path, options)
}

struct Quiet(AtomicBool);

impl Care for Quiet {
    fn progress(&self, _phase: &str, _done: u64, _total: u64) {}

    fn cancel(&self) -> &AtomicBool {
        &self.0
    }
}

#[test]
fn only_the_secret_opens_a_sealed_database() {
    for secret in [Secret::passphrase("open sesame"), Secret::key([5; 32])] {
        for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
            let dir = tempfile::tempdir().unwrap();
            let mut options = with(Some(secret.clone()));
            options.encryption.as_mut().unwrap().cipher = cipher;
            let db = open(dir.path(), &options).unwrap();
            put(&db, b"key", b"value");
            db.close().unwrap();
            for mode in [OpenMode::Open, OpenMode::OpenOrCreate, OpenMode::ReadOnly] {
                let attempt =
                    |options: OpenOptions| code(open(dir.path(), &OpenOptions { mode, ..options }));
                assert_eq!(attempt(with(None)), ErrorCode::Encrypted);
                assert_eq!(attempt(passphrase("open sesamo")), ErrorCode::WrongKey);
                assert_eq!(attempt(with(Some(Secret::key([6; 32])))), ErrorCode::WrongKey);
            }
            // The cipher of what is there counts.
            let db = open(dir.path(), &with(Some(secret.clone()))).unwrap();
            assert_eq!(get(&db, b"key").unwrap(), b"value");
            db.close().unwrap();
        }
    }
}

#[test]
fn a_plain_database_takes_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &with(None)).unwrap().close().unwrap();
    assert_eq!(code(open(dir.path(), &passphrase("x"))), ErrorCode::NotEncrypted);
    let db = open(dir.path(), &with(None)).unwrap();
    assert_eq!(code(open(dir.path(), &passphrase("x"))), ErrorCode::NotEncrypted);
    db.close().unwrap();
}

#[test]
fn a_second_open_in_the_process_needs_the_secret_too() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), &passphrase("one")).unwrap();
    assert_eq!(code(open(dir.path(), &with(None))), ErrorCode::Encrypted);
    assert_eq!(code(open(dir.path(), &passphrase("two"))), ErrorCode::WrongKey);
    let other = open(dir.path(), &passphrase("one")).unwrap();
    put(&other, b"key", b"value");
    db.close().unwrap();
    assert_eq!(get(&other, b"key").unwrap(), b"value");
    other.close().unwrap();
}

#[test]
fn spaces_and_copies_are_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let root = open(dir.path(), &passphrase("one")).unwrap();
    let name = Wtf8String::from("space");
    let space = root.open_space(&name, &with(None)).unwrap();
    put(&space, b"in the space", b"marker of the space");
    put(&root, b"in the root", b"marker of the root");
    assert_eq!(root.spaces().unwrap().len(), 1);
    // A space by itself opens with no secret that a user knows.
    let directory = dir.path().join("spaces").join(&root.spaces().unwrap()[0].directory);
    assert_eq!(code(open(&directory, &passphrase("one"))), ErrorCode::WrongKey);
    let target = dir.path().join("copy");
    backup(&root, &target, true, CopyMethod::Compact, &Quiet(AtomicBool::new(false))).unwrap();
    let bare = dir.path().join("bare");
    backup(&root, &bare, false, CopyMethod::Plain, &Quiet(AtomicBool::new(false))).unwrap();
    space.close().unwrap();
    compact(&root, Arc::new(Quiet(AtomicBool::new(false)))).unwrap();
    put(&root, b"after", b"compaction");
    assert_eq!(get(&root, b"in the root").unwrap(), b"marker of the root");
    root.close().unwrap();
    for path in [dir.path(), &target] {
        assert_eq!(code(open(path, &with(None))), ErrorCode::Encrypted);
        let root = open(path, &passphrase("one")).unwrap();
        assert_eq!(get(&root, b"in the root").unwrap(), b"marker of the root");
        let space = root.open_space(&name, &with(None)).unwrap();
        assert_eq!(get(&space, b"in the space").unwrap(), b"marker of the space");
        space.close().unwrap();
        root.close().unwrap();
    }
    let copy = open(&bare, &passphrase("one")).unwrap();
    assert_eq!(copy.spaces().unwrap(), []);
    copy.close().unwrap();
    let mut files = Vec::new();
    collect(dir.path(), &mut files);
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for marker in ["marker of", "in the space", "in the root"] {
            let found = bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
            assert!(!found, "{marker} in {}", file.display());
        }
    }
}

fn collect(directory: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

#[test]
fn a_database_in_memory_is_sealed() {
    let db = open(Path::new(":memory:"), &passphrase("one")).unwrap();
    put(&db, b"key", b"value");
    assert_eq!(get(&db, b"key").unwrap(), b"value");
    let snapshot = db.snapshot(false).unwrap();
    put(&db, b"key", b"another");
    let before = snapshot.with(|txn| Ok(TREE.get(txn, b"key")?.map(<[u8]>::to_vec))).unwrap();
    assert_eq!(before.unwrap(), b"value");
    assert_eq!(get(&db, b"key").unwrap(), b"another");
    db.close().unwrap();
}

#[test]
fn secrets_are_changed_added_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Secret::passphrase("one"), Secret::passphrase("two"));
    let recovery = Secret::key([8; 32]);
    let db = open(dir.path(), &with(Some(one.clone()))).unwrap();
    put(&db, b"key", b"value");
    assert_eq!(code(db.change_secret(&two, &one, KDF)), ErrorCode::WrongKey);
    db.change_secret(&one, &two, KDF).unwrap();
    // What is open stays so; nothing opens with the old one, in this process as in others.
    assert_eq!(get(&db, b"key").unwrap(), b"value");
    assert_eq!(code(open(dir.path(), &with(Some(one.clone())))), ErrorCode::WrongKey);
    open(dir.path(), &with(Some(two.clone()))).unwrap().close().unwrap();
    db.add_secret(&two, &recovery, KDF).unwrap();
    assert_eq!(code(db.add_secret(&one, &recovery, KDF)), ErrorCode::WrongKey);
    put(&db, b"key", b"another");
    db.close().unwrap();
    assert_eq!(code(open(dir.path(), &with(Some(one)))), ErrorCode::WrongKey);
    for secret in [&two, &recovery] {
        let db = open(dir.path(), &with(Some(secret.clone()))).unwrap();
        assert_eq!(get(&db, b"key").unwrap(), b"another");
        db.close().unwrap();
    }
    let db = open(dir.path(), &with(Some(recovery.clone()))).unwrap();
    db.remove_secret(&two).unwrap();
    assert_eq!(code(db.remove_secret(&two)), ErrorCode::WrongKey);
    assert_eq!(code(db.remove_secret(&recovery)), ErrorCode::InvalidArgument);
    db.close().unwrap();
    assert_eq!(code(open(dir.path(), &with(Some(two)))), ErrorCode::WrongKey);
    open(dir.path(), &with(Some(recovery))).unwrap().close().unwrap();
    let plain = tempfile::tempdir().unwrap();
    let db = open(plain.path(), &with(None)).unwrap();
    let refused = db.change_secret(&Secret::key([1; 32]), &Secret::key([2; 32]), KDF);
    assert_eq!(code(refused), ErrorCode::NotEncrypted);
    db.close().unwrap();
}
