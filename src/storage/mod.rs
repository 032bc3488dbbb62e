//! Storage: the LMDB environment, ordered trees, the writer, transactions and snapshots, the value
//! envelope and the format record. Knows keys and values as bytes only.

mod backup;
mod care;
mod compact;
mod compression;
mod connection;
pub mod copy;
mod data_file;
pub mod envelope;
mod environment;
mod format;
mod gate;
mod housekeeper;
pub mod lmdb;
mod lock_file;
mod memory;
pub mod meta;
mod observer;
mod open;
mod options;
mod platform;
mod registry;
mod snapshot;
mod spaces;
mod stats;
pub mod tree;
mod tree_id;
mod txn;
mod writer;

pub use backup::backup;
pub use care::Care;
pub use compact::compact;
pub use connection::Connection;
pub use environment::Environment;
pub use format::{FORMAT_VERSION, FormatRecord};
pub use observer::{Event, Observer};
pub use options::{Durability, OpenMode, OpenOptions};
pub use platform::is_forked;
pub use registry::connect;
pub use snapshot::{Snapshot, TurnReader};
pub use spaces::Space;
pub use stats::{OldestReader, Stats};
pub use tree::Tree;
pub use tree_id::{TreeId, TreePrefix};
pub use txn::{Counter, ReadTxn, Table, Tables, WriteTxn};
pub use writer::{Commit, Job, Level, SessionHandle, SessionOptions};
