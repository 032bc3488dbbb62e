//! Keys: the shared vectors, order against a comparison of values, and hostile bytes.
//!
//! Replay a random run with `LODESTORE_SEED`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod functions;
mod hostile;
mod oracle;
mod order;
mod random;
mod vectors;
