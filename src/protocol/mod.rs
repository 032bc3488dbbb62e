//! The protocol between JavaScript and the engine: packed operations, requests and their answers.
//!
//! Nothing here trusts its input: malformed bytes are `INVALID_ARGUMENT`, never a panic.

mod batch;
mod catalog_json;
mod collation_json;
mod documents;
mod error_document;
mod executions;
mod fields;
mod json;
pub mod ops;
pub mod outcome;
mod pipeline_op;
mod query;
mod range;
pub mod read;
mod repair_document;
mod runner;
pub mod schema_op;
mod shape_op;
mod update_op;
mod verify_document;
mod where_op;

pub use batch::{Completion, WriteBatch};
pub use catalog_json::catalog_json;
pub use collation_json::collation_json;
pub use documents::{
    encode_build_event, encode_built_index, encode_failure, encode_names, encode_progress,
    encode_reader_lag, encode_warning,
};
pub use error_document::encode_error;
pub use executions::Executions;
pub use ops::{Op, Ops, may_drop_trees};
pub use range::{decode_range, encode_range};
pub use repair_document::encode_repaired;
pub use runner::run_tx_ops;
pub use shape_op::{shapes_json, transcode};
pub use verify_document::encode_verified;
