//! Packed operations: how JavaScript hands writes to the engine.
//!
//! A buffer is a sequence of operations, little-endian:
//! `u8 code | u8 flags | u16 0 | u32 store id | u32 key length | u32 value length |
//! [u32 patch offset, with flag PATCH] | key | value`. The same format serves plain batches and
//! interactive transactions.

use crate::error::{Error, ErrorCode, Result};

/// Inserts or replaces a document.
pub const PUT: u8 = 0x01;
/// Inserts a document; `KEY_EXISTS` if its key is taken.
pub const ADD: u8 = 0x02;
/// Deletes the document under a key.
pub const DELETE: u8 = 0x03;
/// Deletes all documents of a store.
pub const CLEAR: u8 = 0x04;
/// Deletes the documents of a key range, which stands in the key's place.
pub const DELETE_RANGE: u8 = 0x05;
/// Registers shapes (plain batches only); the value is a document, an array of arrays of names.
pub const REGISTER_SHAPES: u8 = 0x06;
/// Updates the document under a key; the value is a document, `{update, arrayFilters?, upsert?}`.
/// Answers with a number: `UPDATED_…` bits.
pub const UPDATE: u8 = 0x07;
/// Merges a document into the one that has its key, or inserts it. The value is a u32, the id of
/// the unique index whose key it is (all ones: the primary key), then the document. Answers with a
/// payload: a byte of `UPDATED_…` bits, then the primary key.
pub const UPSERT: u8 = 0x08;
/// Updates the documents that a query finds, all or none; the value is a document, `{query, update,
/// arrayFilters?, upsert?, freshKey?, maxBytes?}`. Answers with a payload, two u64: how many were
/// found, and changed. If `upsert` inserted a document, its primary key follows; `freshKey` is one
/// for a document that has none.
///
/// With a key, which is a u32 and a primary key or nothing, this is a batch: of the documents
/// behind that primary key, in the order of the keys, so many are changed at most, and fewer if
/// their keys take more than `maxBytes`. The answer goes on with a byte that tells whether
/// documents are left, and the primary key of the last one.
pub const UPDATE_WHERE: u8 = 0x09;
/// Deletes the documents that a query finds, all or none; the value is a document, `{query,
/// maxBytes?}`. Answers with the number of documents, or, for a batch, as [`UPDATE_WHERE`].
pub const DELETE_WHERE: u8 = 0x0A;
/// Runs a pipeline over a store that ends with `$out` or `$merge`; the value is a document,
/// `{pipeline, hint?, memoryLimit?}`. Answers with the number of documents.
pub const PIPELINE: u8 = 0x0B;
/// Makes the operations that follow, as many as the store id says, all-or-nothing.
pub const ATOMIC_GROUP: u8 = 0x10;
/// Begins a savepoint (transactions only).
pub const SAVEPOINT: u8 = 0x20;
/// Ends the innermost savepoint and keeps its changes (transactions only).
pub const RELEASE: u8 = 0x21;
/// Ends the innermost savepoint and undoes its changes (transactions only).
pub const ROLLBACK_TO: u8 = 0x22;
/// Commits the transaction.
pub const COMMIT: u8 = 0x30;
/// Rolls the transaction back.
pub const ROLLBACK: u8 = 0x31;
/// Commits the transaction if no operation before it in the buffer has failed; otherwise it stays
/// open. Answers with the number 1 or 0, or with the error of the commit.
pub const COMMIT_IF_DONE: u8 = 0x32;
/// Changes the schema; the value is a document.
pub const SCHEMA: u8 = 0x40;
/// First of the reads inside a transaction; the value is a read request.
pub const READ_FIRST: u8 = 0x50;
/// Last of the reads inside a transaction.
pub const READ_LAST: u8 = 0x5F;

/// Flag: answer with the primary key (`DELETE`: with the number of deleted documents).
pub const FLAG_RETURN_KEY: u8 = 1;
/// Flag: generate the key and write it over the number at the patch offset in the value.
pub const FLAG_PATCH: u8 = 2;
/// Flag: extract the key from the document by the store's key path.
pub const FLAG_INLINE: u8 = 4;
/// Flag: generate an out-of-line key.
pub const FLAG_GENERATE: u8 = 8;

/// Result of an update: a document was found.
pub const UPDATED_MATCHED: u8 = 1;
/// Result of an update: the document was changed.
pub const UPDATED_MODIFIED: u8 = 2;
/// Result of an update: a document was inserted.
pub const UPDATED_INSERTED: u8 = 4;

/// Flag: the key in the document was made for it, so it is not one to look for ([`UPSERT`]).
pub const FLAG_FRESH: u8 = 16;

const ALL_FLAGS: u8 = FLAG_RETURN_KEY | FLAG_PATCH | FLAG_INLINE | FLAG_GENERATE | FLAG_FRESH;

/// One operation of a buffer: its frame, not yet its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Op<'a> {
    /// One of the codes of this module, or one that nobody knows.
    pub code: u8,
    /// `FLAG_…` bits.
    pub flags: u8,
    /// The store's id; for [`ATOMIC_GROUP`] the number of operations.
    pub store: u32,
    /// Offset of the key generator's number in the value, with [`FLAG_PATCH`].
    pub patch: u32,
    /// The encoded key, or the range of [`DELETE_RANGE`].
    pub key: &'a [u8],
    /// The encoded document, or what the operation defines.
    pub value: &'a [u8],
}

impl Op<'_> {
    /// Whether a flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Splits a buffer into operations. Yields an error once, at the first malformed frame, then ends.
#[derive(Debug, Clone)]
pub struct Ops<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Ops<'a> {
    /// The operations of a buffer.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next operation begins: with the position after it, the slice of one operation.
    pub fn position(&self) -> usize {
        self.at
    }

    fn read(&mut self) -> Option<Op<'a>> {
        let mut frame = Frame(self.bytes.get(self.at..)?);
        let [code, flags, 0, 0] = frame.u32()?.to_le_bytes() else { return None };
        let (store, key_len, value_len) = (frame.u32()?, frame.u32()?, frame.u32()?);
        if flags & !ALL_FLAGS != 0 {
            return None;
        }
        let patch = if flags & FLAG_PATCH != 0 { frame.u32()? } else { 0 };
        let (key, value) = (frame.take(key_len)?, frame.take(value_len)?);
        self.at = self.bytes.len() - frame.0.len();
        Some(Op { code, flags, store, patch, key, value })
    }
}

impl<'a> Iterator for Ops<'a> {
    type Item = Result<Op<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let at = self.at;
        Some(self.read().ok_or_else(|| {
            self.at = self.bytes.len();
            malformed(format!("the operation at byte {at} is malformed or cut off"))
        }))
    }
}

/// Whether all operations of a buffer change single documents by their keys.
pub fn are_of_single_documents(bytes: &[u8]) -> bool {
    Ops::new(bytes).all(|op| {
        op.is_ok_and(|op| matches!(op.code, PUT | ADD | DELETE | UPDATE | UPSERT | ATOMIC_GROUP))
    })
}

/// Checks the frames of a buffer and the sizes of its atomic groups; returns the number of
/// operations.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn check_frames(bytes: &[u8]) -> Result<usize> {
    let mut count = 0;
    let mut in_group = 0_u32;
    for op in Ops::new(bytes) {
        let op = op?;
        count += 1;
        match (op.code, in_group) {
            (ATOMIC_GROUP, 0) => in_group = op.store,
            (PUT | ADD | DELETE | CLEAR | DELETE_RANGE | UPDATE | UPSERT, _) | (_, 0) => {
                in_group = in_group.saturating_sub(1);
            }
            (code, _) => {
                return Err(malformed(format!("operation {code:#x} cannot be in an atomic group")));
            }
        }
    }
    if in_group > 0 {
        return Err(malformed(format!("an atomic group lacks {in_group} operations")));
    }
    Ok(count)
}

fn malformed(why: String) -> Error {
    Error::new(ErrorCode::InvalidArgument, format!("packed operations: {why}"))
}

/// The rest of a buffer that is being read.
struct Frame<'a>(&'a [u8]);

impl<'a> Frame<'a> {
    fn u32(&mut self) -> Option<u32> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*value))
    }

    fn take(&mut self, len: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len as usize)?;
        self.0 = rest;
        Some(bytes)
    }
}

/// Whether any operation may leave trees behind that have to be swept (a range without limits is
/// deleted as a clear). Malformed buffers have none.
pub fn may_drop_trees(bytes: &[u8]) -> bool {
    Ops::new(bytes)
        .any(|op| op.is_ok_and(|op| matches!(op.code, CLEAR | DELETE_RANGE | PIPELINE | SCHEMA)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn op(code: u8, flags: u8, store: u32, key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![code, flags, 0, 0];
        bytes.extend(store.to_le_bytes());
        bytes.extend((key.len() as u32).to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
        if flags & FLAG_PATCH != 0 {
            bytes.extend(7_u32.to_le_bytes());
        }
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        bytes
    }

    #[test]
    fn splits_a_buffer() {
        let first = op(PUT, FLAG_PATCH | FLAG_RETURN_KEY, 3, b"", b"value");
        let bytes = [first.clone(), op(DELETE, 0, 4, b"key", b"")].concat();
        let mut ops = Ops::new(&bytes);
        let put = ops.next().unwrap().unwrap();
        assert_eq!((put.code, put.store, put.patch, put.value), (PUT, 3, 7, &b"value"[..]));
        assert_eq!(ops.position(), first.len());
        let delete = ops.next().unwrap().unwrap();
        assert_eq!((delete.code, delete.store, delete.key), (DELETE, 4, &b"key"[..]));
        assert!(ops.next().is_none());
        assert_eq!(check_frames(&bytes).unwrap(), 2);
    }

    #[test]
    fn refuses_every_truncation_and_unknown_flag() {
        let bytes = op(PUT, FLAG_PATCH, 3, b"key", b"value");
        for len in 1..bytes.len() {
            let mut ops = Ops::new(&bytes[..len]);
            assert_eq!(ops.next().unwrap().unwrap_err().code(), ErrorCode::InvalidArgument);
            assert!(ops.next().is_none());
        }
        let mut huge = bytes.clone();
        huge[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(check_frames(&huge).is_err());
        assert!(check_frames(&op(PUT, 0x80, 3, b"", b"")).is_err());
        assert_eq!(check_frames(&[]).unwrap(), 0);
    }

    #[test]
    fn tells_what_may_drop_trees() {
        for code in [CLEAR, DELETE_RANGE, SCHEMA] {
            let ops = [op(PUT, 0, 1, b"k", b"v"), op(code, 0, 1, b"", b"")].concat();
            assert!(may_drop_trees(&ops), "{code:#x}");
        }
        assert!(!may_drop_trees(&op(DELETE, 0, 1, b"k", b"")));
        assert!(!may_drop_trees(&[CLEAR]));
    }

    #[test]
    fn checks_atomic_groups() {
        let put = op(PUT, 0, 1, b"k", b"v");
        let group = |n| op(ATOMIC_GROUP, 0, n, b"", b"");
        assert_eq!(check_frames(&[group(2), put.clone(), put.clone()].concat()).unwrap(), 3);
        assert!(check_frames(&[group(2), put.clone()].concat()).is_err());
        assert!(check_frames(&[group(2), put.clone(), group(1), put.clone()].concat()).is_err());
        assert!(check_frames(&[group(1), op(SCHEMA, 0, 0, b"", b"")].concat()).is_err());
        assert_eq!(check_frames(&[group(0), put].concat()).unwrap(), 2);
    }
}
