//! The query language: what a document has to be, and in which order documents come.

pub mod order;
mod place;

pub use place::Place;
