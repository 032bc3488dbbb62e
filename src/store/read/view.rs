//! What is read from.

use crate::error::Result;
use crate::storage::{Counter, ReadTxn, WriteTxn};

/// A snapshot, or a write transaction with its own changes.
#[derive(Clone, Copy)]
pub enum View<'t, 'e> {
    /// A snapshot.
    Snapshot(&'t ReadTxn<'e>),
    /// A write transaction.
    Write(&'t WriteTxn<'e>),
}

impl<'t, 'e> View<'t, 'e> {
    /// The transaction.
    #[inline]
    pub fn txn(self) -> &'t ReadTxn<'e> {
        match self {
            View::Snapshot(txn) => txn,
            View::Write(txn) => txn,
        }
    }

    /// A counter.
    pub fn count(self, counter: Counter) -> Result<u64> {
        match self {
            View::Snapshot(txn) => txn.stored_count(counter),
            View::Write(txn) => txn.count(counter),
        }
    }
}

impl<'t, 'e> From<&'t ReadTxn<'e>> for View<'t, 'e> {
    fn from(txn: &'t ReadTxn<'e>) -> Self {
        View::Snapshot(txn)
    }
}

impl<'t, 'e> From<&'t WriteTxn<'e>> for View<'t, 'e> {
    fn from(txn: &'t WriteTxn<'e>) -> Self {
        View::Write(txn)
    }
}
