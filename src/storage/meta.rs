//! Records in the `meta` tree. Keys start with an ASCII tag; values are in the usual envelope.

use super::envelope::{self, Compression};
use super::tree::Tree;
use super::tree_id::TreeId;
use super::txn::{Counter, ReadTxn, Table, WriteTxn};
use crate::error::{Error, Result};

/// The logical tree that holds the records.
pub const TREE: Tree = Tree { table: Table::Meta, id: TreeId(0) };

/// First bytes of record keys.
pub mod tag {
    /// The format record.
    pub const FORMAT: u8 = b'F';
    /// The catalog's version.
    pub const CATALOG_VERSION: u8 = b'V';
    /// The version that the program gives its database, as IndexedDB has it.
    pub const DATABASE_VERSION: u8 = b'D';
    /// The next tree id.
    pub const NEXT_TREE_ID: u8 = b'N';
    /// The next store id.
    pub const NEXT_STORE_ID: u8 = b'n';
    /// A store, by id.
    pub const STORE: u8 = b'S';
    /// A count, by tree id and class.
    pub const COUNT: u8 = b'C';
    /// A shape, by store id and shape id.
    pub const SHAPE: u8 = b'H';
    /// A key generator, by store id.
    pub const GENERATOR: u8 = b'G';
    /// A tree to be swept, by tree id.
    pub const SWEEP: u8 = b'W';
    /// A space, by name.
    pub const SPACE: u8 = b'P';
    /// The file with the graph of a vector index, by tree id.
    pub const GRAPH_FILE: u8 = b'L';
    /// The keys of a sealed database.
    pub const KEYS: u8 = b'K';
    /// An epoch of a sealed database, by number.
    pub const EPOCH: u8 = b'E';
    /// What the keys of a sealed database's spaces are derived from.
    pub const SPACE_KEY: u8 = b'Y';
    /// What they were derived from before, until all have been changed.
    pub const LAST_SPACE_KEY: u8 = b'y';
    /// Room in a transaction's memory; never committed.
    pub const ROOM: u8 = b'R';
}

/// The payload of a record, checked.
pub fn get_record(txn: &ReadTxn<'_>, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(stored) = TREE.get(txn, key)? else { return Ok(None) };
    let mut scratch = Vec::new();
    let payload = envelope::open(TREE.id, key, stored, &mut scratch)?;
    Ok(Some(payload.to_vec()))
}

/// Writes a record.
pub fn put_record(txn: &mut WriteTxn<'_>, key: &[u8], payload: &[u8]) -> Result<()> {
    envelope::put_enveloped(TREE, txn, key, payload, Compression::None, false)
}

/// Bytes of the record that makes room.
const ROOM: usize = 4 << 20;

/// Makes room for a nested transaction.
///
/// LMDB writes changed pages to the file once a transaction has too many of them in memory, but a
/// nested transaction only those that it has changed itself: with none of its own it fails. Before
/// each write LMDB makes as much room as twice the record takes; so a large record, of undefined
/// content, is written over and over. It is gone before the transaction commits.
pub fn make_room(txn: &mut WriteTxn<'_>) -> Result<()> {
    TREE.put_with(txn, &[tag::ROOM], ROOM, |_| ())
}

/// Removes the record of [`make_room`].
pub fn remove_room(txn: &mut WriteTxn<'_>) -> Result<()> {
    TREE.delete(txn, &[tag::ROOM]).map(|_| ())
}

/// Removes a record; false if it was not there.
pub fn delete_record(txn: &mut WriteTxn<'_>, key: &[u8]) -> Result<bool> {
    TREE.delete(txn, key)
}

/// All records whose keys start with `prefix`, in key order: whole keys and checked payloads.
pub fn scan_records(txn: &ReadTxn<'_>, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut records = Vec::new();
    let mut scratch = Vec::new();
    let mut cursor = TREE.cursor(txn)?;
    let mut entry = cursor.seek(prefix)?;
    while let Some(found) = entry {
        if !found.key.starts_with(prefix) {
            break;
        }
        let payload = envelope::open(TREE.id, found.key, found.value, &mut scratch)?;
        records.push((found.key.to_vec(), payload.to_vec()));
        entry = cursor.next()?;
    }
    Ok(records)
}

/// How many records have keys that begin with `prefix`.
pub fn count_records(txn: &ReadTxn<'_>, prefix: &[u8]) -> Result<usize> {
    let mut count = 0;
    let mut cursor = TREE.cursor(txn)?;
    let mut entry = cursor.seek(prefix)?;
    while entry.is_some_and(|found| found.key.starts_with(prefix)) {
        count += 1;
        entry = cursor.next()?;
    }
    Ok(count)
}

/// A record that is one 64-bit number.
pub fn get_u64(txn: &ReadTxn<'_>, key: &[u8]) -> Result<Option<u64>> {
    let Some(stored) = TREE.get(txn, key)? else { return Ok(None) };
    let mut scratch = Vec::new();
    let payload = envelope::open(TREE.id, key, stored, &mut scratch)?;
    let bytes = payload.try_into().map_err(|_| {
        Error::corrupt(format!("the record {:?} is not a number", key.escape_ascii().to_string()))
    })?;
    Ok(Some(u64::from_le_bytes(bytes)))
}

/// Writes a record that is one 64-bit number.
pub fn put_u64(txn: &mut WriteTxn<'_>, key: &[u8], number: u64) -> Result<()> {
    put_record(txn, key, &number.to_le_bytes())
}

fn count_key(counter: Counter) -> Vec<u8> {
    let mut key = vec![tag::COUNT];
    key.extend_from_slice(&counter.tree.prefix());
    key.push(counter.class);
    key
}

/// A stored counter; 0 if it was never written.
pub(super) fn read_count(txn: &ReadTxn<'_>, counter: Counter) -> Result<u64> {
    Ok(get_u64(txn, &count_key(counter))?.unwrap_or(0))
}

pub(super) fn write_count(txn: &mut WriteTxn<'_>, counter: Counter, count: u64) -> Result<()> {
    put_u64(txn, &count_key(counter), count)
}

/// Removes a tree's counters.
pub fn delete_counts(txn: &mut WriteTxn<'_>, tree: TreeId) -> Result<()> {
    let mut prefix = vec![tag::COUNT];
    prefix.extend_from_slice(&tree.prefix());
    for (key, _) in scan_records(txn, &prefix)? {
        delete_record(txn, &key)?;
    }
    Ok(())
}

pub(super) fn allocate_tree_id(txn: &mut WriteTxn<'_>) -> Result<TreeId> {
    let key = [tag::NEXT_TREE_ID];
    let id = get_u64(txn, &key)?.unwrap_or(1);
    put_u64(txn, &key, id + 1)?;
    Ok(TreeId(id))
}
