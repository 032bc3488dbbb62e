//! Queries: planned by cost, carried out in chunks.

mod access;
mod aggregation;
mod bounds;
mod compared;
mod examples;
mod explain;
mod group_shape;
mod groups;
mod implication;
mod key_groups;
mod matching;
mod near;
mod near_many;
mod nearest;
mod page;
mod pipeline_sources;
mod plan;
mod projection;
mod request;
mod rows;
mod running;
mod scan;
mod sort;
mod way;

pub use aggregation::{Aggregation, From};
pub use matching::{Batch, matching_batch, matching_keys};
pub use plan::Plan;
pub use request::{Query, Returns};
pub use running::{Chunk, Execution};
pub use sort::SortPart;
