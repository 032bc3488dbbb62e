//! The read path: documents by key, scans and counts of stores and indexes.
//!
//! Everything reads from a [`View`]: a snapshot, or a write transaction with its own changes.

mod count;
mod get;
mod interval;
mod range;
mod response;
mod scan;
mod view;
mod walk;

pub use count::count;
pub use get::{GetOutcome, get, get_into, get_many, has};
pub(crate) use get::{find_each, in_document};
pub(crate) use interval::Left;
pub use interval::{Interval, index_intervals, store_interval};
pub use range::{Bound, KeyRange};
pub use response::{Response, Written};
pub use scan::{RowParts, Scan, first_key, scan};
pub use view::View;
pub(crate) use walk::Walk;

use crate::catalog::{IndexDef, StoreDef};
use crate::error::Error;

/// Names the store, and the index if there is one, in an error.
pub(crate) fn locate_error(error: Error, store: &StoreDef, index: Option<&IndexDef>) -> Error {
    let error = error.with_store(store.name.to_string());
    match index {
        Some(index) => error.with_index(index.name.to_string()),
        None => error,
    }
}
