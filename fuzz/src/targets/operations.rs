//! Packed operations, as a plain batch and in a transaction: each has a result, and the buffer is
//! refused as a whole only if its frames are malformed.
//!
//! The first byte says which of the two.

use std::sync::{Arc, mpsc};

use lodestore::error::ErrorCode;
use lodestore::protocol::{Ops, WriteBatch, ops, outcome, run_tx_ops};
use lodestore::storage::{Commit, Durability, Job, WriteTxn};
use lodestore::store::{StoreShared, check_stores};

use super::{allow, database};

/// What ends a buffer beside malformed frames: damage in the documents that it has stored.
const EXPECTED: [ErrorCode; 2] = [ErrorCode::InvalidArgument, ErrorCode::Corrupt];

pub fn run(data: &[u8]) {
    let Some((&how, packed)) = data.split_first() else { return };
    let is_framed = ops::check_frames(packed).is_ok();
    database::with(|scratch| {
        scratch.aborted(|txn| {
            let results = if how & 1 == 0 { batch(txn, packed) } else { interactive(txn, packed) };
            match results {
                Some(results) => assert_eq!(count(&results), expected_results(packed)),
                None => assert!(!is_framed || may_store_damage(packed)),
            }
        });
        // What was aborted has left nothing behind.
        if how & 2 != 0 {
            scratch.read(|txn| assert!(check_stores(txn, &StoreShared::default()).is_clean()));
        }
    });
}

fn batch(txn: &mut WriteTxn<'_>, packed: &[u8]) -> Option<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |results| sender.send(results).unwrap());
    let batch = WriteBatch::new(Arc::default(), packed.to_vec(), Durability::None, done);
    let mut batch = allow(batch, &EXPECTED[..1])?;
    allow(batch.run(txn), &EXPECTED)?;
    Box::new(batch).finish(Ok(Commit { txn_id: 0 }));
    let results = receiver.recv().unwrap().unwrap();
    // Nothing to say means that all is done.
    Some(if results.is_empty() { vec![outcome::OK; expected_results(packed)] } else { results })
}

fn interactive(txn: &mut WriteTxn<'_>, packed: &[u8]) -> Option<Vec<u8>> {
    let mut results = Vec::new();
    allow(run_tx_ops(txn, &StoreShared::default(), packed, &mut results), &EXPECTED)?;
    Some(results)
}

/// How many results there have to be: one for each operation, or atomic group.
fn expected_results(packed: &[u8]) -> usize {
    let mut operations = Ops::new(packed);
    let mut count = 0;
    while let Some(op) = operations.next() {
        let op = op.unwrap();
        if op.code == ops::ATOMIC_GROUP {
            for _ in 0..op.store {
                operations.next().unwrap().unwrap();
            }
        }
        count += 1;
    }
    count
}

/// Documents are stored as they come; what is in them is looked at when an index needs it.
fn may_store_damage(packed: &[u8]) -> bool {
    Ops::new(packed).any(|op| op.is_ok_and(|op| matches!(op.code, ops::PUT | ops::ADD)))
}

/// The number of results.
fn count(mut results: &[u8]) -> usize {
    let mut count = 0;
    while let Some((&status, rest)) = results.split_first() {
        let len = match status {
            outcome::OK => 0,
            outcome::NUMBER => 8,
            outcome::ERROR | outcome::KEY | outcome::PAYLOAD => {
                4 + u32::from_le_bytes(*rest.first_chunk().unwrap()) as usize
            }
            other => panic!("a result of status {other}"),
        };
        results = &rest[len..];
        count += 1;
    }
    count
}
