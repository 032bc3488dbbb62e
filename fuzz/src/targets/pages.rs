//! Databases with damaged pages, opened for reading: what is read in place is an error or a value.
//!
//! The input is a list of edits to the fixture, behind its meta pages: `u16 offset | u8 length |
//! bytes`, little-endian, the offset in units of two bytes. Nothing is written: LMDB does that, and
//! trusts its pages.

use std::fs;

use lodestore::error::ErrorCode;
use lodestore::protocol::read;
use lodestore::storage::{OpenMode, OpenOptions, connect};
use lodestore::store::{StoreShared, check_stores};
use tempfile::TempDir;

use super::allow;
use super::database::{self, DATA};

const META_PAGES: usize = 2 * 4096;
const EXPECTED: [ErrorCode; 6] = [
    ErrorCode::NotADatabase,
    ErrorCode::DatabaseNotFound,
    ErrorCode::IncompatibleVersion,
    ErrorCode::Corrupt,
    ErrorCode::ResourceLimit,
    ErrorCode::IndexNotFound,
];

pub fn run(mut data: &[u8]) {
    let mut file = DATA.to_vec();
    while let [low, high, len, rest @ ..] = data {
        let (bytes, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        let offset = META_PAGES + 2 * usize::from(u16::from_le_bytes([*low, *high]));
        for (to, from) in file.iter_mut().skip(offset).zip(bytes) {
            *to = *from;
        }
        data = rest;
    }
    thread_local!(static DIRECTORY: TempDir = database::directory());
    DIRECTORY.with(|directory| {
        let path = directory.path();
        fs::write(path.join("data.mdb"), file).unwrap();
        let options =
            OpenOptions { mode: OpenMode::ReadOnly, map_size: 1 << 26, ..OpenOptions::default() };
        let Some(db) = allow(connect(path, &options), &EXPECTED) else { return };
        let shared = StoreShared::default();
        let read = db.turn_reader().with(|txn| {
            check_stores(txn, &shared);
            let catalog = shared.catalog(txn)?;
            for store in catalog.stores() {
                let ids = store.indexes.iter().map(|index| index.id);
                for index in std::iter::once(0).chain(ids) {
                    for (kind, flags) in
                        [(read::SCAN, 0), (read::SCAN, read::REVERSE), (read::COUNT, 0)]
                    {
                        let parts = if kind == read::SCAN { read::KEYS | read::VALUES } else { 0 };
                        let request = request(kind, flags | parts, store.id, index);
                        allow(
                            read::respond(txn, (&catalog, &shared), &request, &mut Vec::new()),
                            &EXPECTED,
                        );
                    }
                }
            }
            Ok(())
        });
        allow(read, &EXPECTED);
        db.close().unwrap();
    });
}

/// A request of all there is.
fn request(kind: u8, flags: u8, store: u32, index: u32) -> Vec<u8> {
    let mut request = vec![kind, flags, 0, 0];
    for number in [store, index, 0, 0, 0] {
        request.extend(number.to_le_bytes());
    }
    request.extend([0; 9 + 4]);
    request
}
