//! What a sealed database has in clear: the format record, the record of its keys, and the random
//! values of the epochs that its blocks were sealed in. All in the usual envelopes, in `meta`.

use crate::error::{Error, Result};
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

/// The payload of a record.
pub(crate) fn get(txn: &Txn<'_>, meta: Dbi, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let raw = raw_key(key);
    let Some(stored) = txn.get(meta, &raw)? else { return Ok(None) };
    envelope::unwrap(&raw, stored).map(Some)
}

/// Writes a record.
pub(crate) fn put(txn: &mut RwTxn<'_>, meta: Dbi, key: &[u8], payload: &[u8]) -> Result<()> {
    let raw = raw_key(key);
    Ok(txn.put(meta, &raw, &envelope::wrap(&raw, payload), PutMode::Upsert)?)
}

fn epoch_key(number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [tag::EPOCH, a, b, c, d]
}

/// An epoch by its number.
pub(super) fn epoch(txn: &Txn<'_>, meta: Dbi, number: u32) -> Result<Option<Epoch>> {
    get(txn, meta, &epoch_key(number))?.map(|payload| parse_epoch(&payload)).transpose()
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
    meta: Dbi,
    data_key: u32,
    value: &[u8; 16],
) -> Result<u32> {
    let number = last_epoch(txn, meta)?.checked_add(1);
    let number = number.ok_or_else(|| Error::corrupt("the epochs are used up"))?;
    let payload = [&data_key.to_le_bytes()[..], value].concat();
    put(txn, meta, &epoch_key(number), &payload)?;
    Ok(number)
}

/// Removes at most `limit` epochs of data keys before `target`; tells how many.
pub(super) fn remove_epochs(
    txn: &mut RwTxn<'_>,
    meta: Dbi,
    target: u32,
    limit: usize,
) -> Result<usize> {
    let prefix = raw_key(&[tag::EPOCH]);
    let mut outdated = Vec::new();
    let mut cursor = txn.cursor(meta)?;
    let mut entry = cursor.seek(&prefix)?;
    while let Some((raw, stored)) = entry.filter(|(raw, _)| raw.starts_with(&prefix)) {
        if parse_epoch(&envelope::unwrap(raw, stored)?)?.0 < target {
            outdated.push(raw.to_vec());
        }
        if outdated.len() >= limit {
            break;
        }
        entry = cursor.next()?;
    }
    drop(cursor);
    for raw in &outdated {
        txn.delete(meta, raw)?;
    }
    Ok(outdated.len())
}

fn last_epoch(txn: &Txn<'_>, meta: Dbi) -> Result<u32> {
    let first = raw_key(&[tag::EPOCH]);
    let beyond = raw_key(&[tag::EPOCH + 1]);
    let mut cursor = txn.cursor(meta)?;
    let last = match cursor.seek(&beyond)? {
        Some(_) => cursor.prev()?,
        None => cursor.last()?,
    };
    let number = last.and_then(|(raw, _)| raw.strip_prefix(&*first)?.try_into().ok());
    Ok(number.map_or(0, u32::from_be_bytes))
}
