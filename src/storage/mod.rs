//! Storage: the LMDB environment, ordered trees, the writer, transactions and snapshots, the value
//! envelope and the format record. Knows keys and values as bytes only.

mod backup;
mod care;
mod change;
mod closed;
mod compact;
mod compression;
mod connection;
pub mod copy;
mod copy_pages;
pub mod data_file;
mod disk_space;
pub mod envelope;
mod environment;
mod format;
mod gate;
mod graph_files;
mod holes;
mod housekeeper;
mod journal;
mod keys;
mod leftovers;
pub mod lmdb;
pub mod lock_file;
mod memory;
pub mod meta;
mod observer;
mod open;
mod options;
mod platform;
mod rebuild;
mod redo;
mod reencrypt;
mod registry;
mod reseal;
mod restore;
mod rotate;
mod schema_lock;
pub mod sealed;
mod snapshot;
mod spaces;
mod stats;
#[cfg(test)]
mod test_random;
pub mod tree;
mod tree_id;
mod txn;
mod unfinished;
mod writer;

pub use backup::{CopyMethod, Copying, backup, backup_resealed};
pub use care::{Care, Unattended};
pub use compact::compact;
pub use connection::Connection;
pub use environment::Environment;
pub use format::{FORMAT_VERSION, FormatRecord, flag as format_flag};
pub use graph_files::{
    GraphFileId, GraphFiles, GraphFilesLock, expect_random_reads, graph_file_key,
};
pub use observer::{Event, Observer};
pub use options::{Durability, Encryption, OpenMode, OpenOptions, Unlock};
pub use platform::{is_forked, survive_file_size_limit};
pub use rebuild::{Exclusive, NewDatabase, NewDirectory, data_file_of, exclusively};
pub use reencrypt::copy_reencrypted;
pub use registry::connect;
pub use restore::Replacement;
pub use rotate::{KeyRotation, rotate_keys};
pub use schema_lock::SchemaLock;
pub use snapshot::{Snapshot, TurnReader};
pub use spaces::Space;
pub(crate) use spaces::encryption_of_spaces;
pub use stats::{OldestReader, Stats};
pub use tree::Tree;
pub use tree_id::{TreeId, TreePrefix};
pub use txn::{Counter, ReadTxn, Table, Tables, WriteTxn};
pub use writer::{Commit, Job, Level, SessionHandle, SessionOptions};
