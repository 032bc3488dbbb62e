//! Databases with damaged files: each open gives an error, or a database that can be used.
//!
//! The input is a list of edits to the fixture: `u8 place | u16 offset | u8 length | bytes`,
//! little-endian. Places: 0 and 1 the meta pages; 2 the lock file; 3 the length of the data file
//! (64 times the offset); from 4 on the entries of the four trees, in turn without and with a
//! checksum that is made right again. What LMDB keeps between the entries is left alone: it trusts
//! that.

use std::fs;
use std::sync::{OnceLock, mpsc};

use lodestore::catalog::Catalog;
use lodestore::error::{ErrorCode, Result};
use lodestore::storage::{
    Commit, Connection, Durability, Job, OpenOptions, Table, Tree, TreeId, WriteTxn, connect,
};
use lodestore::store::{StoreShared, check_stores};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

use super::allow;
use super::database::{self, DATA};

const PAGE: usize = 4096;
const META: usize = 152;
const CHECKSUM: usize = 4;
/// A tree that belongs to no store.
const TREE: Tree = Tree { table: Table::Docs, id: TreeId(1000) };

const OPEN: [ErrorCode; 4] = [
    ErrorCode::NotADatabase,
    ErrorCode::IncompatibleVersion,
    ErrorCode::Corrupt,
    ErrorCode::ResourceLimit,
];
const USE: [ErrorCode; 2] = [ErrorCode::Corrupt, ErrorCode::ResourceLimit];

/// An entry of a tree: where it is in the file, wherever copies of it are.
struct Entry {
    key_len: usize,
    len: usize,
    places: Vec<usize>,
}

pub fn run(data: &[u8]) {
    thread_local!(static DIRECTORY: TempDir = database::directory());
    let (file, lock) = edited(data);
    DIRECTORY.with(|directory| {
        let path = directory.path();
        fs::write(path.join("data.mdb"), file).unwrap();
        fs::write(path.join("lodestore.lock"), lock).unwrap();
        let options = OpenOptions { map_size: 1 << 26, ..OpenOptions::default() };
        if let Some(db) = allow(connect(path, &options), &OPEN) {
            use_it(&db);
            allow(db.close(), &USE);
        }
    });
}

fn edited(mut data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut file, mut lock) = (DATA.to_vec(), Vec::new());
    let mut length = file.len();
    while let [place, low, high, len, rest @ ..] = data {
        let (bytes, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        let offset = usize::from(u16::from_le_bytes([*low, *high]));
        match place {
            0 | 1 => write(&mut file[usize::from(*place) * PAGE..][..META], offset, bytes),
            2 => lock.extend_from_slice(bytes),
            3 => length = offset * 64,
            _ => edit_entry(&mut file, usize::from(place - 4), offset, bytes),
        }
        data = rest;
    }
    file.truncate(length);
    (file, lock)
}

fn edit_entry(file: &mut [u8], number: usize, offset: usize, bytes: &[u8]) {
    let entries = entries();
    let entry = &entries[number / 2 % entries.len()];
    for place in &entry.places {
        let whole = &mut file[*place..][..entry.len];
        write(whole, offset % entry.len, bytes);
        let (key, value) = whole.split_at_mut(entry.key_len);
        if number % 2 == 1
            && let Some((covered, checksum)) = value.split_last_chunk_mut::<CHECKSUM>()
        {
            *checksum = (xxh3_64(covered).wrapping_add(xxh3_64(key)) as u32).to_le_bytes();
        }
    }
}

/// Writes as many of the bytes as there is room for.
fn write(target: &mut [u8], offset: usize, bytes: &[u8]) {
    for (to, from) in target.iter_mut().skip(offset).zip(bytes) {
        *to = *from;
    }
}

fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        database::with(|scratch| {
            scratch.read(|txn| {
                let mut entries = Vec::new();
                for table in Table::ALL {
                    let mut cursor = txn.raw().cursor(txn.dbi(table)).unwrap();
                    let mut found = cursor.first().unwrap();
                    while let Some((key, value)) = found {
                        let bytes = [key, value].concat();
                        let places = places(&bytes);
                        // Long values are in pages of their own, apart from their keys.
                        if !places.is_empty() {
                            entries.push(Entry { key_len: key.len(), len: bytes.len(), places });
                        }
                        found = cursor.next().unwrap();
                    }
                }
                entries
            })
        })
    })
}

fn places(bytes: &[u8]) -> Vec<usize> {
    let starts = DATA.windows(bytes.len()).enumerate();
    starts.filter(|(_, window)| *window == bytes).map(|(start, _)| start).collect()
}

/// Reads what there is, and writes.
fn use_it(db: &Connection) {
    let shared = StoreShared::default();
    let reader = db.turn_reader();
    let read = reader.with(|txn| {
        check_stores(txn, &shared);
        Catalog::load(txn).map(drop)
    });
    allow(read, &USE);
    drop(reader);
    let (sender, receiver) = mpsc::channel();
    db.submit(Box::new(Write { done: sender })).unwrap();
    allow(receiver.recv().unwrap(), &USE);
}

struct Write {
    done: mpsc::Sender<Result<Commit>>,
}

impl Job for Write {
    fn bytes(&self) -> usize {
        100
    }

    fn durability(&self) -> Durability {
        Durability::Strict
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        TREE.put(txn, b"key", b"value")?;
        txn.allocate_tree_id().map(drop)
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        self.done.send(outcome).unwrap();
    }
}
