//! Deleting the documents of a key range.

use std::sync::Arc;

use super::entry::documents;
use super::failure::{Failure, Outcome, nested};
use super::read::{Interval, KeyRange, store_interval};
use super::schema::{Reference, Schema};
use super::state::TxnState;
use super::writer::Writer;
use crate::catalog::StoreDef;
use crate::error::{Error, Result};
use crate::storage::{Counter, ReadTxn, WriteTxn};

/// How many keys are copied at a time.
const CHUNK: usize = 256;

impl Writer<'_> {
    /// Deletes all documents of a key range; returns how many.
    ///
    /// # Errors
    /// Refused: `STORE_NOT_FOUND`, `CORRUPT`.
    pub fn delete_range(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: u32,
        range: &KeyRange<'_>,
    ) -> Outcome<u64> {
        let state = self.current_state(txn)?;
        let store = Arc::clone(state.catalog.require_store(store)?);
        if range.is_all() {
            return self.delete_all(txn, &store);
        }
        let interval = store_interval(range);
        self.flush(txn)?;
        let done = nested(txn, |child| {
            let deleted = self.delete_chunks(child, &state, &store, interval)?;
            self.flush(child)?;
            Ok(deleted)
        });
        if done.is_err() {
            self.forget();
        }
        done.map_err(|failure| failure.map(|error| error.with_store(store.name.to_string())))
    }

    fn delete_all(&mut self, txn: &mut WriteTxn<'_>, store: &StoreDef) -> Outcome<u64> {
        let count = txn.count(Counter::entries(store.tree))?;
        self.flush(txn)?;
        let shared = self.shared();
        nested(
            txn,
            |child| Ok(Schema::new(child, shared)?.clear_store(&Reference::Id(store.id))?),
        )?;
        self.forget();
        Ok(count)
    }

    fn delete_chunks(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &TxnState,
        store: &StoreDef,
        mut interval: Interval,
    ) -> Outcome<u64> {
        let mut deleted = 0;
        loop {
            let keys = keys_in(txn, store, &interval)?;
            for key in &keys {
                if !self.delete_document(txn, state, store, key)? {
                    return Err(Failure::Fatal(Error::corrupt(
                        "a document that a cursor found cannot be deleted",
                    )));
                }
                deleted += 1;
            }
            match keys.into_iter().next_back() {
                Some(last) => {
                    interval.from = last;
                    interval.from.push(0);
                }
                None => return Ok(deleted),
            }
        }
    }
}

/// The first keys of an interval.
fn keys_in(txn: &ReadTxn<'_>, store: &StoreDef, interval: &Interval) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    let mut cursor = documents(store.tree).cursor(txn)?;
    let mut found = cursor.seek(&interval.from)?;
    while let Some(entry) = found {
        let within = interval.to.as_deref().is_none_or(|to| entry.key < to);
        if !within || keys.len() == CHUNK {
            break;
        }
        keys.push(entry.key.to_vec());
        found = cursor.next()?;
    }
    Ok(keys)
}
