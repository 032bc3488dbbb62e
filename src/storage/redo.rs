//! What a write transaction has changed, in a form in which it can be changed again.
//!
//! A write may be acknowledged when this is in the [journal](super::journal), before LMDB commits
//! the transaction. What is noted is what happens to the entries of the four trees, whatever the
//! pages or blocks are that they are in, and to the counts, which are written when the transaction
//! commits.

use super::lmdb::PutMode;
use super::tree_id::TreeId;
use super::txn::{Counter, Table, WriteTxn};
use crate::error::{Error, Result};
use crate::fault::{self, Defect};

/// More than so many bytes are not noted.
const MOST: usize = 64 << 10;

const PUT: u8 = 0;
const REMOVE: u8 = 1;
const COUNT: u8 = 2;

/// The changes of a transaction since they were taken last.
#[derive(Default)]
pub(super) struct Redo {
    bytes: Vec<u8>,
    /// Whether something was changed that is not noted.
    is_partial: bool,
}

impl Redo {
    /// An entry was written.
    pub(super) fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.note(PUT, table, key, value);
    }

    /// An entry was removed.
    pub(super) fn remove(&mut self, table: Table, key: &[u8]) {
        self.note(REMOVE, table, key, &[]);
    }

    /// A count was changed.
    pub(super) fn count(&mut self, counter: Counter, delta: i64) {
        let Counter { tree, class } = counter;
        let key = [&tree.0.to_le_bytes()[..], &[class]].concat();
        self.note(COUNT, Table::Meta, &key, &delta.to_le_bytes());
    }

    /// Something was changed in a way that is not noted.
    pub(super) fn lose(&mut self) {
        self.is_partial = true;
        self.bytes = Vec::new();
    }

    fn note(&mut self, kind: u8, table: Table, key: &[u8], value: &[u8]) {
        let (Ok(key_length), Ok(value_length)) =
            (u16::try_from(key.len()), u32::try_from(value.len()))
        else {
            return self.lose();
        };
        if self.is_partial || self.bytes.len() + key.len() + value.len() > MOST {
            return self.lose();
        }
        if fault::occurs(Defect::ChangeNotNoted) {
            return;
        }
        self.bytes.extend_from_slice(&[kind, table as u8]);
        self.bytes.extend_from_slice(&key_length.to_le_bytes());
        self.bytes.extend_from_slice(&value_length.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
    }

    /// Where the notes end now, for [`Self::undo`].
    pub(super) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// What was changed since the notes ended at `end` was undone.
    pub(super) fn undo(&mut self, end: usize) {
        self.bytes.truncate(end);
    }

    /// What was noted since the last call; `None` if there is more to it.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        (!self.is_partial).then(|| std::mem::take(&mut self.bytes))
    }
}

/// Makes changes that were noted once more.
///
/// # Errors
/// `CORRUPT` if they are no notes; those of a write.
pub(super) fn redo(mut notes: &[u8], txn: &mut WriteTxn<'_>) -> Result<()> {
    while !notes.is_empty() {
        let (note, rest) = Note::read(notes).ok_or_else(damaged)?;
        match (note.kind, Table::ALL.get(usize::from(note.table))) {
            (PUT, Some(&table)) => {
                let length = note.value.len();
                txn.write(table, note.key, length, &[PutMode::Upsert], |out| {
                    out.copy_from_slice(note.value);
                })?;
            }
            (REMOVE, Some(&table)) => {
                txn.remove(table, note.key)?;
            }
            (COUNT, _) => {
                let (tree, class) = note.key.split_first_chunk().ok_or_else(damaged)?;
                let (&[class], Some(&delta)) = (class, note.value.first_chunk()) else {
                    return Err(damaged());
                };
                let counter = Counter { tree: TreeId(u64::from_le_bytes(*tree)), class };
                txn.add_count(counter, i64::from_le_bytes(delta));
            }
            _ => return Err(damaged()),
        }
        notes = rest;
    }
    Ok(())
}

struct Note<'n> {
    kind: u8,
    table: u8,
    key: &'n [u8],
    value: &'n [u8],
}

impl<'n> Note<'n> {
    fn read(bytes: &'n [u8]) -> Option<(Self, &'n [u8])> {
        let (&[kind, table], rest) = bytes.split_first_chunk()?;
        let (key_length, rest) = rest.split_first_chunk()?;
        let (value_length, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*key_length)))?;
        let length = usize::try_from(u32::from_le_bytes(*value_length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        Some((Self { kind, table, key, value }, rest))
    }
}

fn damaged() -> Error {
    Error::corrupt("a record of the journal does not say what was changed")
}
