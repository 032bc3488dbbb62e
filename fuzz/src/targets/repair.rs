//! Damaged data files, looked at page by page and repaired: nothing panics, and what is made of
//! them is whole.
//!
//! The input is `u8 cut`, 64 times which are missing at the end of the fixture, and a list of
//! edits: `u16 offset | u8 length | bytes`, little-endian, the offset in units of two bytes.

use std::fs;

use lodestore::error::ErrorCode;
use lodestore::storage::Unattended;
use lodestore::storage::data_file::check_every_page;
use lodestore::store::{RepairOptions, repair};
use tempfile::TempDir;

use super::allow;
use super::database::{self, DATA};

const EXPECTED: [ErrorCode; 3] =
    [ErrorCode::NotADatabase, ErrorCode::IncompatibleVersion, ErrorCode::ResourceLimit];
/// What meta pages that cannot be read are for the check of pages, which trusts them.
const UNREADABLE: [ErrorCode; 4] = [
    ErrorCode::Corrupt,
    ErrorCode::NotADatabase,
    ErrorCode::IncompatibleVersion,
    ErrorCode::ResourceLimit,
];

pub fn run(data: &[u8]) {
    let Some((cut, mut edits)) = data.split_first() else { return };
    let mut file = DATA.to_vec();
    file.truncate(DATA.len().saturating_sub(64 * usize::from(*cut)));
    while let [low, high, len, rest @ ..] = edits {
        let (bytes, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        let offset = 2 * usize::from(u16::from_le_bytes([*low, *high]));
        for (to, from) in file.iter_mut().skip(offset).zip(bytes) {
            *to = *from;
        }
        edits = rest;
    }
    thread_local!(static DIRECTORY: TempDir = database::directory());
    DIRECTORY.with(|directory| {
        let from = directory.path().join("damaged");
        let to = directory.path().join("repaired");
        fs::create_dir_all(&from).unwrap();
        let path = from.join("data.mdb");
        fs::write(&path, file).unwrap();
        let mut problems = 0;
        let care = Unattended::default();
        allow(check_every_page(&path, None, &care, &mut |_| problems += 1), &UNREADABLE);
        let options = RepairOptions { with_spaces: false, described: 5, encryption: None };
        // Its result is checked by itself; one that is not whole would be `CORRUPT`.
        if let Some(report) = allow(repair(&from, &to, options, &care), &EXPECTED) {
            assert!(report.problems.len() as u64 <= report.problem_count);
            fs::remove_dir_all(&to).unwrap();
        }
    });
}
