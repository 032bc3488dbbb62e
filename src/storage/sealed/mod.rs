//! Sealed trees: B+trees of encrypted blocks above one LMDB tree.
//!
//! A block is an LMDB entry of one page under a random id (`block`); decrypted, it is a node of a
//! tree (`node`) or a part of a large value (`blob`). A node refers to its children by their ids,
//! which do not change when a node does: so a change seals the nodes that it changes, and LMDB's
//! transactions make it atomic and give readers their snapshots.
//!
//! A write transaction keeps the nodes that it changes decrypted and seals each once, when it
//! commits (`commit`). Nested transactions are layers of such nodes. Readers share a cache of
//! decrypted nodes (`cache`).

mod balance;
mod blob;
mod block;
mod cache;
mod check;
mod clear;
mod commit;
mod copies;
mod cursor;
mod journal;
mod learn;
mod lent;
mod node;
mod plaintext;
mod records;
mod rotate;
mod salvage;
mod store;
mod txn;
mod unlock;
mod write;

pub(crate) use check::check_blocks;
pub(crate) use clear::{get as get_clear, put as put_clear, put_one as put_clear_once};
pub(crate) use cursor::Cursor;
pub(crate) use lent::Lent;
pub(crate) use records::RecordBlocks;
pub(crate) use rotate::{Outdated, Remaining, count, outdated, remaining, remove_epochs};
pub(crate) use salvage::SealedSalvage;
pub(crate) use store::Places;
pub use store::SealedStore;
pub use txn::{Memo, SealedTxn};
pub(crate) use unlock::{NewKeys, check_secret, key_record, unlock};

#[cfg(test)]
mod tests;
