//! Vectors: what they are in documents, and how far they are from each other.
//!
//! A vector has one form here, whatever it came in as: `dimensions` little-endian f32, or for
//! [`Metric::Hamming`] `dimensions` bits in bytes.

mod block;
mod coarse;
mod distance;
mod hnsw;
mod kernel;
mod metric;
mod packed;
mod precision;
mod read;

pub use block::Block;
pub use distance::{Target, score};
pub use hnsw::{Bits, Copies, Eligible, Hit, Hnsw, MOST_NODES, Own, Set, Wanted, format_version};
pub use metric::{Form, MAX_DIMENSIONS, Metric};
pub use packed::{Doubt, Packing};
pub use precision::{EF, GraphOptions, M, Precision};
pub use read::{check_components, each_vector};
