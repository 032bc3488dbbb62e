//! Sealing what the journal says of changes that no block has yet.
//!
//! `u32 data key | 16 bytes value | 12 bytes nonce | ciphertext | 16 bytes tag`, little-endian. The
//! key is derived from the data key and the value, which is random and one process's; the nonce
//! counts. The ciphertext is that of a u64, the length of the content, the content, and zeros, so
//! that the record that all of it is in has a length of a multiple of [`STEP`]: how long a document
//! is does not show.

use std::sync::Arc;

use super::store::{EPOCH, SealedStore, damaged};
use super::txn::SealedTxn;
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{NONCE, Nonce, SealingKey, TAG};
use crate::storage::journal::CHANGES;
use crate::storage::lmdb::RwTxn;

/// The lengths that show.
const STEP: usize = 4_096;
/// What stands in clear before the ciphertext.
const HEAD: usize = size_of::<u32>() + EPOCH + NONCE;
/// The length of the content.
const LENGTH: usize = size_of::<u64>();
/// What comes to the content, besides zeros.
const OVERHEAD: usize = HEAD + LENGTH + TAG;

/// What this process seals changes with.
pub(super) struct JournalKey {
    data_key: u32,
    value: [u8; EPOCH],
    key: Arc<SealingKey>,
    sealed: u64,
}

impl SealedTxn<'_> {
    /// Seals changes of a write transaction.
    ///
    /// # Errors
    /// `IO` if there are no random numbers, `WRONG_KEY`, `CORRUPT`.
    pub(crate) fn seal_changes(
        &self,
        txn: &RwTxn<'_>,
        associated: &[u8],
        content: &[u8],
    ) -> Result<Vec<u8>> {
        self.store.learn_newest(txn, self.places)?;
        self.store.seal_changes(associated, content)
    }
}

impl SealedStore {
    fn seal_changes(&self, associated: &[u8], content: &[u8]) -> Result<Vec<u8>> {
        let newest = self.newest_data_key();
        let most = self.limits().seals;
        let mut sealing = self.sealing.lock();
        let is_usable = |key: &JournalKey| key.data_key == newest && key.sealed < most;
        if !sealing.journal.as_ref().is_some_and(is_usable) {
            let value = sealing.random.bytes()?;
            let key = self.journal_key(newest, &value)?;
            sealing.journal = Some(JournalKey { data_key: newest, value, key, sealed: 0 });
        }
        let own = sealing.journal.as_mut().ok_or_else(damaged)?;
        let nonce = nonce(own.sealed);
        own.sealed += 1;
        let length = (CHANGES + OVERHEAD + content.len()).next_multiple_of(STEP) - CHANGES;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&own.data_key.to_le_bytes());
        bytes.extend_from_slice(&own.value);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(length.saturating_sub(TAG), 0);
        let tag = bytes.get_mut(HEAD..).and_then(|rest| own.key.seal(nonce, associated, rest));
        let Some(tag) = tag else {
            return Err(Error::new(ErrorCode::ResourceLimit, "a record cannot be sealed"));
        };
        bytes.extend_from_slice(&tag);
        Ok(bytes)
    }

    /// Opens changes that were sealed.
    ///
    /// # Errors
    /// `CORRUPT` if they are not what was sealed with these `associated` bytes.
    pub(crate) fn open_changes(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let open = || {
            let (data_key, rest) = sealed.split_first_chunk()?;
            let (value, rest) = rest.split_first_chunk()?;
            let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
            let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
            let key = self.journal_key(u32::from_le_bytes(*data_key), value).ok()?;
            let mut content = ciphertext.to_vec();
            if !key.open_apart(*nonce, associated, &mut content, *tag) {
                return None;
            }
            let (length, _) = content.split_first_chunk::<LENGTH>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            content.drain(..LENGTH);
            content.truncate(length);
            (content.len() == length).then_some(content)
        };
        open().ok_or_else(|| Error::corrupt("a sealed record of the journal is damaged"))
    }

    fn journal_key(&self, data_key: u32, value: &[u8; EPOCH]) -> Result<Arc<SealingKey>> {
        self.derive_for(b"lodestore journal", data_key, value)
    }
}

fn nonce(count: u64) -> Nonce {
    let mut nonce = [0; NONCE];
    for (to, from) in nonce.iter_mut().zip(count.to_le_bytes()) {
        *to = from;
    }
    nonce
}
