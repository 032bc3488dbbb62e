//! Changing and deleting many documents: all or none.

use std::sync::Arc;

use super::edit::{Edit, EditResult};
use super::failure::{Failure, Outcome, nested};
use super::writer::Writer;
use crate::catalog::StoreDef;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::WriteTxn;

/// Finds the primary keys of documents, as a transaction has them.
pub type FindKeys<'f> = dyn FnMut(&WriteTxn<'_>, &Arc<StoreDef>) -> Result<Vec<Box<[u8]>>> + 'f;

/// What became of many documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many were found.
    pub matched: u64,
    /// How many of them were changed or deleted.
    pub modified: u64,
}

impl Writer<'_> {
    /// Changes the documents that `find` finds. It finds all of them before the first one is
    /// changed, so that none is met twice.
    ///
    /// # Errors
    /// As [`Writer::edit`], naming the document's key, and what `find` returns; then nothing has
    /// changed.
    pub fn edit_many(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: u32,
        find: &mut FindKeys<'_>,
        edit: &mut dyn Edit,
    ) -> Outcome<Tally> {
        self.each_found(txn, store, find, |writer, txn, store, key| {
            let state = writer.current_state(txn)?;
            let result = writer.edit_document(txn, state, store, key, edit);
            let result = result.map_err(|failure| failure.map(|error| error.with_key(key)))?;
            Ok(result == EditResult::Replaced)
        })
    }

    /// Deletes the documents that `find` finds.
    ///
    /// # Errors
    /// As [`Writer::delete`], and what `find` returns; then nothing has changed.
    pub fn delete_many(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: u32,
        find: &mut FindKeys<'_>,
    ) -> Outcome<Tally> {
        self.each_found(txn, store, find, |writer, txn, store, key| {
            let state = writer.current_state(txn)?;
            if writer.delete_document(txn, &state, store, key)? {
                return Ok(true);
            }
            Err(Failure::Fatal(Error::corrupt("a document that a query found cannot be deleted")))
        })
    }

    fn each_found(
        &mut self,
        txn: &mut WriteTxn<'_>,
        store: u32,
        find: &mut FindKeys<'_>,
        mut change: impl FnMut(&mut Self, &mut WriteTxn<'_>, &StoreDef, &[u8]) -> Outcome<bool>,
    ) -> Outcome<Tally> {
        // What is found is what was written so far.
        let state = self.state(txn)?;
        let store = Arc::clone(state.catalog.require_store(store)?);
        drop(state);
        let keys = find(txn, &store).map_err(|error| match error.code() {
            // Too many to remember; nothing was written.
            ErrorCode::TxTooLarge => Failure::Refused(error),
            _ => error.into(),
        })?;
        let mut tally = Tally { matched: keys.len() as u64, modified: 0 };
        let mut change_all = |writer: &mut Self, txn: &mut WriteTxn<'_>| {
            for key in &keys {
                tally.modified += u64::from(change(writer, txn, &store, key)?);
                // What does not change its document would keep what it has read.
                txn.release();
            }
            Ok(())
        };
        // One operation is checked completely before it writes.
        if keys.len() <= 1 {
            change_all(self, txn).map_err(|failure| in_store(failure, &store))?;
            return Ok(tally);
        }
        self.flush(txn)?;
        let done = nested(txn, |child| {
            change_all(self, child)?;
            self.flush(child)
        });
        if done.is_err() {
            self.forget();
        }
        done.map_err(|failure| in_store(failure, &store))?;
        Ok(tally)
    }
}

fn in_store(failure: Failure, store: &StoreDef) -> Failure {
    failure.map(|error| {
        let error = match error.code() {
            ErrorCode::TxTooLarge => too_large().with_cause(error),
            _ => error,
        };
        error.with_store(store.name.to_string())
    })
}

/// What is said of more documents than one transaction can change.
pub fn too_large() -> Error {
    Error::new(
        ErrorCode::TxTooLarge,
        "more documents match than one transaction can change; with the option `batch` they are \
         changed so many at a time, each batch in a transaction of its own",
    )
}
