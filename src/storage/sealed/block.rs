//! Blocks: `u32 epoch | 12 bytes nonce | ciphertext | 16 bytes tag`, little-endian.
//!
//! A block has the size of a page of LMDB less its header, so that it takes one page exactly. Its
//! id and the database's are authenticated with it: it opens nowhere else.

use crate::seal::{NONCE, Nonce, SealingKey, TAG};

/// Bytes of what stands in clear before the ciphertext.
pub(super) const HEAD: usize = size_of::<u32>() + NONCE;
/// What a block takes beyond its payload.
pub(super) const OVERHEAD: usize = HEAD + TAG;
/// What LMDB takes of the page that holds a block.
pub(super) const PAGE_HEADER: u32 = 16;

/// Epoch and nonce, which name one state of one block.
pub(super) type Stamp = [u8; HEAD];

/// The stamp of a stored block.
#[inline]
pub(super) fn stamp_of(stored: &[u8]) -> Option<&Stamp> {
    stored.first_chunk()
}

/// The epoch of a stored block.
pub(super) fn epoch_of(stamp: &Stamp) -> u32 {
    stamp.first_chunk().map_or(0, |epoch| u32::from_le_bytes(*epoch))
}

fn nonce_of(stamp: &Stamp) -> Nonce {
    stamp.last_chunk().copied().unwrap_or_default()
}

fn associated(database: &[u8; 16], id: u64) -> [u8; 32] {
    let mut bytes = *b"ldblock1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for (to, from) in bytes.iter_mut().skip(8).zip(database.iter().chain(&id.to_le_bytes())) {
        *to = *from;
    }
    bytes
}

/// Decrypts a stored block into `out`, which has the payload's size. False if the block is not what
/// was stored under this id, or if the key is another.
#[must_use]
pub(super) fn open_into(
    key: &SealingKey,
    database: &[u8; 16],
    id: u64,
    stored: &[u8],
    out: &mut [u8],
) -> bool {
    let Some((stamp, rest)) = stored.split_first_chunk::<HEAD>() else { return false };
    let Some((ciphertext, tag)) = rest.split_last_chunk::<TAG>() else { return false };
    if ciphertext.len() != out.len() {
        return false;
    }
    out.copy_from_slice(ciphertext);
    key.open_apart(nonce_of(stamp), &associated(database, id), out, *tag)
}

/// Encrypts a payload into `out`, which has [`OVERHEAD`] bytes more.
#[must_use]
pub(super) fn seal(
    key: &SealingKey,
    database: &[u8; 16],
    id: u64,
    stamp: &Stamp,
    payload: &[u8],
    out: &mut [u8],
) -> bool {
    let Some((head, rest)) = out.split_first_chunk_mut::<HEAD>() else { return false };
    let Some((ciphertext, tag)) = rest.split_last_chunk_mut::<TAG>() else { return false };
    if ciphertext.len() != payload.len() {
        return false;
    }
    *head = *stamp;
    ciphertext.copy_from_slice(payload);
    match key.seal(nonce_of(stamp), &associated(database, id), ciphertext) {
        Some(sealed) => {
            *tag = sealed;
            true
        }
        None => {
            // Nothing in clear goes on from here.
            ciphertext.fill(0);
            false
        }
    }
}
