//! After an unclean end: durability `none` promises nothing once the machine has gone down.

use super::check::check_stores;
use super::shared::StoreShared;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::Connection;

/// Checks a database whose last writes were not synced when the machine went down. Returns the
/// warning to give if it had to be checked and is whole.
///
/// # Errors
/// `CORRUPT`, with the first thing that is wrong.
pub fn check_after_unclean_end(connection: &Connection) -> Result<Option<Error>> {
    if !connection.was_left_unsynced() {
        return Ok(None);
    }
    let shared = StoreShared::default();
    let report = connection.snapshot(true)?.with(|txn| Ok(check_stores(txn, &shared)))?;
    if let Some(problem) = report.problems.first() {
        let mut error = Error::corrupt(format!(
            "the machine went down while writes of durability 'none' were not on disk, and the \
             database is damaged in {} places; restore a backup, or save what can be read with \
             repair. The first: {}",
            report.problem_count, problem.message
        ));
        if let Some(store) = &problem.store {
            error = error.with_store(store);
        }
        if let Some(index) = &problem.index {
            error = error.with_index(index);
        }
        if let Some(key) = &problem.key {
            error = error.with_key(key);
        }
        return Err(error);
    }
    connection.declare_whole()?;
    Ok(Some(Error::new(
        ErrorCode::Corrupt,
        format!(
            "the machine went down while writes of durability 'none' were not on disk; {} \
             documents and {} index entries were checked and are whole, but the last writes may \
             be lost",
            report.documents, report.entries
        ),
    )))
}
