//! The targets, by name.

mod catalog_record;
mod data_file;
mod database;
mod document;
mod envelope;
mod format_record;
mod key;
mod lock_file;
mod open;
mod operations;
mod pages;
mod pipeline;
mod query;
mod repair;
mod requests;
mod update;

use lodestore::error::{ErrorCode, Result};

/// A function that panics when something is wrong with what the engine makes of the bytes.
pub type Target = fn(&[u8]);

/// Every target with its name, which is that of its corpus.
pub const TARGETS: [(&str, Target); 15] = [
    ("catalog-record", catalog_record::run),
    ("data-file", data_file::run),
    ("document", document::run),
    ("envelope", envelope::run),
    ("format-record", format_record::run),
    ("key", key::run),
    ("lock-file", lock_file::run),
    ("open", open::run),
    ("operations", operations::run),
    ("pages", pages::run),
    ("pipeline", pipeline::run),
    ("query", query::run),
    ("repair", repair::run),
    ("requests", requests::run),
    ("update", update::run),
];

/// The target of a name.
pub fn by_name(name: &str) -> Target {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no fuzz target {name}")).1
}

/// The value, if there is one; the error must be one of `expected`.
#[track_caller]
fn allow<T>(result: Result<T>, expected: &[ErrorCode]) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(expected.contains(&error.code()), "{}: {error}", error.code());
            None
        }
    }
}
