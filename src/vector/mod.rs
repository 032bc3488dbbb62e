//! Vectors: what they are in documents, and how far they are from each other.
//!
//! A vector has one form here, whatever it came in as: `dimensions` little-endian f32, or for
//! [`Metric::Hamming`] `dimensions` bits in bytes.

mod block;
mod distance;
mod metric;
mod read;

pub use block::Block;
pub use distance::{Target, score};
pub use metric::{Form, MAX_DIMENSIONS, Metric};
pub use read::{check_components, each_vector};
