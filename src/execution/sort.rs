//! Sorting, whatever the number of documents.

pub use crate::query::sort::{SortPart, parse, push_key};
pub use crate::sorter::{SORT_MEMORY, Sorted, Sorter};
