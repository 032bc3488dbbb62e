//! Changes of a transaction that are in the journal before it is committed.

use super::file::{LARGEST, behind};
use super::{Failure, Journal, State, record};
use crate::error::Result;
use crate::fault;
use crate::storage::options::{Durability, Layout};
use crate::storage::platform;
use crate::storage::txn::WriteTxn;

impl Journal {
    /// Whether a journal counts in which changes may be, as far as this process knows.
    pub(in crate::storage) fn takes_changes(&self) -> bool {
        let state = self.state.lock();
        state.current.is_some() && (state.is_told || !self.is_new)
    }

    /// Writes down what a transaction has changed since this was called last, with the durability
    /// `strict` or `relaxed`: it is there after a recovery even if the transaction is never
    /// committed. False if the journal has no room for it. No other process has the database open.
    ///
    /// # Errors
    /// `IO` and the like.
    pub(in crate::storage) fn append_changes(
        &self,
        txn: &WriteTxn<'_>,
        changes: &[u8],
        durability: Durability,
    ) -> Result<bool, Failure> {
        let mut state = self.state.lock();
        let appended = state.append_changes(&self.layout, txn, changes, durability);
        self.note(&state);
        appended
    }
}

impl State {
    /// Writes a record with changes of a transaction that goes on; false if it has no room, or
    /// cannot be written, and the transaction has to be committed instead.
    fn append_changes(
        &mut self,
        layout: &Layout,
        txn: &WriteTxn<'_>,
        changes: &[u8],
        durability: Durability,
    ) -> Result<bool, Failure> {
        let txn_id = txn.raw().id();
        let (Some(current), Some(journal)) = (&mut self.current, &self.journal) else {
            return Ok(false);
        };
        if self.seen != Some(txn_id - 1) || current.last != txn_id - 1 {
            return Ok(false);
        }
        let (head, number) = (current.head(txn_id), current.changes);
        let changes = txn.seal_changes(&head.associated(number), changes)?;
        record::encode_changes(&mut self.buffer, &head, number, &changes);
        let end = behind(current.end, self.buffer.len());
        if end > LARGEST
            || current.make_room(journal, end).is_err()
            || platform::write_all_at(&journal.file, &self.buffer, current.end).is_err()
        {
            return Ok(false);
        }
        current.end = end;
        current.changes += 1;
        fault::point("journal-changes");
        current.leave_changes_unsynced();
        if durability == Durability::Strict || current.is_sync_due() {
            self.sync(layout).map_err(Failure::InDoubt)?;
        }
        Ok(true)
    }
}
