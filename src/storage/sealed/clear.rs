//! What a sealed database has in clear: the format record, the record of its keys, and the random
//! values of the epochs that its blocks were sealed in. All in the usual envelopes, in `meta`, and
//! once more in `log`: without them nothing can be decrypted (`copies`).

use super::store::Places;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::envelope;
use crate::storage::lmdb::{Dbi, PutMode, RwTxn, Txn};
use crate::storage::meta::{TREE, tag};

/// An epoch: the number of the data key, and the random value.
type Epoch = (u32, [u8; 16]);

/// The LMDB key of a record.
fn raw_key(key: &[u8]) -> Vec<u8> {
    [&*TREE.id.prefix(), key].concat()
}

/// A record, envelope and all.
pub(super) fn stored<'t>(txn: &'t Txn<'_>, meta: Dbi, key: &[u8]) -> Result<Option<&'t [u8]>> {
    Ok(txn.get(meta, &raw_key(key))?)
}

/// The payload of a record; that of its copy, if it is damaged or missing.
pub(crate) fn get(txn: &Txn<'_>, places: Places, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let raw = raw_key(key);
    let record = read(txn, places.clear, &raw);
    let is_lost = match &record {
        Ok(record) => record.is_none(),
        Err(error) => error.code() == ErrorCode::Corrupt,
    };
    if !is_lost {
        return record;
    }
    match read(txn, places.copies, &raw) {
        Ok(Some(copy)) => Ok(Some(copy)),
        // What is wrong with the record says more than what is with its copy.
        _ => record,
    }
}

fn read(txn: &Txn<'_>, tree: Dbi, raw: &[u8]) -> Result<Option<Vec<u8>>> {
    txn.get(tree, raw)?.map(|stored| envelope::unwrap(raw, stored)).transpose()
}

/// Writes a record and its copy.
pub(crate) fn put(txn: &mut RwTxn<'_>, places: Places, key: &[u8], payload: &[u8]) -> Result<()> {
    put_one(txn, places.clear, key, payload)?;
    put_one(txn, places.copies, key, payload)
}

/// Writes a record that has no copy.
pub(crate) fn put_one(txn: &mut RwTxn<'_>, meta: Dbi, key: &[u8], payload: &[u8]) -> Result<()> {
    let raw = raw_key(key);
    Ok(txn.put(meta, &raw, &envelope::wrap(&raw, payload), PutMode::Upsert)?)
}

fn epoch_key(number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [tag::EPOCH, a, b, c, d]
}

/// An epoch by its number.
pub(super) fn epoch(txn: &Txn<'_>, places: Places, number: u32) -> Result<Option<Epoch>> {
    get(txn, places, &epoch_key(number))?.map(|payload| parse_epoch(&payload)).transpose()
}

/// An epoch as it is recorded.
pub(super) fn parse_epoch(payload: &[u8]) -> Result<Epoch> {
    let parse = || {
        let (data_key, value) = payload.split_first_chunk()?;
        Some((u32::from_le_bytes(*data_key), value.try_into().ok()?))
    };
    parse().ok_or_else(|| Error::corrupt("the record of an epoch is damaged"))
}

/// The number of the epoch that a record is of.
pub(super) fn epoch_number(key: &[u8]) -> Option<u32> {
    let number = key.strip_prefix(&[tag::EPOCH])?;
    number.try_into().ok().map(u32::from_be_bytes)
}

/// Records an epoch; gives its number, which is one above the last one's, and at least 1.
pub(super) fn add_epoch(
    txn: &mut RwTxn<'_>,
    places: Places,
    data_key: u32,
    value: &[u8; 16],
) -> Result<u32> {
    let last = last_epoch(txn, places.clear)?.max(last_epoch(txn, places.copies)?);
    if let Some((newest, _)) = epoch(txn, places, last).ok().flatten()
        && newest > data_key
    {
        // A copy from before the last rotation, which a version made that did not know of copies.
        return Err(Error::corrupt("the record of the database's keys is older than its content"));
    }
    let number = last.checked_add(1);
    let number = number.ok_or_else(|| Error::corrupt("the epochs are used up"))?;
    let payload = [&data_key.to_le_bytes()[..], value].concat();
    put(txn, places, &epoch_key(number), &payload)?;
    Ok(number)
}

/// Removes at most `limit` epochs of data keys before `target`, with their copies; tells how many.
pub(super) fn remove_epochs(
    txn: &mut RwTxn<'_>,
    places: Places,
    target: u32,
    limit: usize,
) -> Result<usize> {
    let mut removed = 0;
    for tree in [places.copies, places.clear] {
        let outdated = outdated_epochs(txn, tree, target, limit)?;
        removed = removed.max(outdated.len());
        for raw in &outdated {
            txn.delete(tree, raw)?;
        }
    }
    Ok(removed)
}

fn outdated_epochs(txn: &Txn<'_>, tree: Dbi, target: u32, limit: usize) -> Result<Vec<Vec<u8>>> {
    let prefix = raw_key(&[tag::EPOCH]);
    let mut outdated = Vec::new();
    let mut cursor = txn.cursor(tree)?;
    let mut entry = cursor.seek(&prefix)?;
    while let Some((raw, stored)) = entry.filter(|(raw, _)| raw.starts_with(&prefix)) {
        // One that cannot be read is of no use, but nothing says that it may go.
        let data_key = envelope::unwrap(raw, stored).and_then(|payload| parse_epoch(&payload));
        if data_key.is_ok_and(|(data_key, _)| data_key < target) {
            outdated.push(raw.to_vec());
        }
        if outdated.len() >= limit {
            break;
        }
        entry = cursor.next()?;
    }
    Ok(outdated)
}

fn last_epoch(txn: &Txn<'_>, tree: Dbi) -> Result<u32> {
    let first = raw_key(&[tag::EPOCH]);
    let beyond = raw_key(&[tag::EPOCH + 1]);
    let mut cursor = txn.cursor(tree)?;
    let last = match cursor.seek(&beyond)? {
        Some(_) => cursor.prev()?,
        None => cursor.last()?,
    };
    let number = last.and_then(|(raw, _)| raw.strip_prefix(&*first)?.try_into().ok());
    Ok(number.map_or(0, u32::from_be_bytes))
}

/// Whether an entry is a record in clear, and whole.
pub(super) fn is_whole(raw: &[u8], stored: &[u8]) -> bool {
    is_name(raw) && envelope::unwrap(raw, stored).is_ok()
}

fn is_name(raw: &[u8]) -> bool {
    let key = raw.strip_prefix(&*TREE.id.prefix());
    key.is_some_and(|key| matches!(key, [tag::FORMAT] | [tag::KEYS]) || epoch_number(key).is_some())
}
