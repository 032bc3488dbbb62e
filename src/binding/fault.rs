//! What the crash test needs beyond the public face: the engine's own check of a database.

use std::path::PathBuf;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use super::error::OrThrow;
use crate::error::Result;
use crate::seal::{Key, Secret};
use crate::storage::{Encryption, OpenMode, OpenOptions, Unattended, connect};
use crate::store::{StoreShared, check_stores};

/// Checks every document, index entry and count of a database; returns what is wrong. An encrypted
/// one needs its key.
#[napi(catch_unwind)]
pub fn check_database(path: String, key: Option<Uint8Array>) -> napi::Result<Vec<String>> {
    let key = key.and_then(|key| Key::from_slice(&key));
    let encryption = key.map(|key| Encryption::with(Secret::Key(key)));
    check(PathBuf::from(path), encryption).or_throw()
}

fn check(path: PathBuf, encryption: Option<Encryption>) -> Result<Vec<String>> {
    let options = OpenOptions { mode: OpenMode::Open, encryption, ..OpenOptions::default() };
    let connection = connect(&path, &options)?;
    let shared = StoreShared::default();
    let mut problems = Vec::new();
    let report = connection.snapshot(true)?.with(|txn| {
        let mut found = |problem| problems.push(format!("{problem:?}"));
        txn.check_blocks(&Unattended::default(), &mut found)?;
        Ok(check_stores(txn, &shared))
    });
    connection.close()?;
    problems.extend(report?.problems.into_iter().map(|problem| format!("{problem:?}")));
    Ok(problems)
}
