//! The query language: what a document has to be, and in which order documents come.

pub mod filter;
pub mod order;
mod path;
mod place;

pub use filter::Filter;
pub use path::{Budget, Path, array_index};
pub use place::Place;
