//! Stores: documents, indexes and what keeps them together.
//!
//! The write path ([`Writer`]) takes one operation at a time and checks it completely before its
//! first write: an operation that is refused leaves no trace, and costs its neighbours in a commit
//! nothing. The read path is in [`read`].

mod batch;
mod bounds;
mod build_job;
mod candidates;
mod check;
mod delete_range;
mod edit;
mod edit_many;
pub mod entry;
mod extract;
mod failure;
mod generator;
pub mod graph;
pub mod index_build;
mod insert;
mod pending;
mod plan;
pub mod read;
mod reencrypt;
mod repair;
mod restore;
mod schema;
mod shapes;
mod shared;
mod stale;
mod state;
mod sweep;
mod unclean;
mod unique;
mod upsert;
pub mod vectors;
mod verify;
mod writer;

pub use build_job::{BuildObserver, BuiltIndex, IndexBuild};
pub use check::{Problem, ProblemKind, Report, check_stores};
pub use edit::{Edit, EditResult, EditScope, Edited};
pub use edit_many::{FindKeys, Tally, too_large};
pub use failure::{Failure, Outcome, nested};
pub use generator::stored_number;
pub use insert::{Made, Make};
pub use reencrypt::{decrypt, encrypt};
pub use repair::{RepairOptions, RepairReport, RepairedStore, repair};
pub use restore::restore;
pub use schema::{Build, IndexSpec, NewIndex, Reference, Schema, StoreSpec, VectorSpec};
pub use shapes::{count_shapes, load_shapes, read_names, register_shapes};
pub use shared::StoreShared;
pub use stale::EmptyStale;
pub use state::TxnState;
pub use sweep::{SweepJob, pending_sweeps, sweep_step};
pub use unclean::check_after_unclean_end;
pub use verify::{Verified, VerifyLevel, VerifyOptions, verify};
pub use writer::{KeySource, Put, Writer};
