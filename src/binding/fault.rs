//! What the crash test needs beyond the public face: the engine's own check of a database.

use std::path::PathBuf;

use napi_derive::napi;

use super::error::OrThrow;
use crate::error::Result;
use crate::storage::{OpenMode, OpenOptions, connect};
use crate::store::{StoreShared, check_stores};

/// Checks every document, index entry and count of a database; returns what is wrong.
#[napi(catch_unwind)]
pub fn check_database(path: String) -> napi::Result<Vec<String>> {
    check(PathBuf::from(path)).or_throw()
}

fn check(path: PathBuf) -> Result<Vec<String>> {
    let connection =
        connect(&path, &OpenOptions { mode: OpenMode::Open, ..OpenOptions::default() })?;
    let shared = StoreShared::default();
    let report = connection.snapshot(true)?.with(|txn| Ok(check_stores(txn, &shared)));
    connection.close()?;
    Ok(report?.problems.into_iter().map(|problem| format!("{problem:?}")).collect())
}
