//! The query language: what a document has to be, and in which order documents come.

pub mod aggregate;
pub mod collation;
pub mod expression;
pub mod filter;
mod meter;
pub mod nearest;
#[cfg(test)]
#[allow(clippy::panic)]
pub(crate) mod notation;
pub mod order;
mod path;
mod place;
pub mod sort;

pub use expression::{Expression, Number, Scope};
pub use filter::Filter;
pub use meter::Meter;
pub use path::{Budget, Path, array_index};
pub use place::Place;
