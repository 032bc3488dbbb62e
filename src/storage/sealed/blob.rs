//! Values that are too large for a node: runs of blocks with consecutive ids.
//!
//! Their blocks are sealed and stored at once, since nothing refers to them yet.

use super::node::Blob;
use super::plaintext::Plaintext;
use super::store::damaged;
use super::txn::SealedTxn;
use crate::error::Result;
use crate::storage::lmdb::{PutMode, RwTxn};

impl SealedTxn<'_> {
    /// Stores a value.
    pub(super) fn write_blob(&mut self, txn: &mut RwTxn<'_>, bytes: &[u8]) -> Result<Blob> {
        let payload = self.store.payload();
        let blocks = bytes.len().div_ceil(payload).max(1) as u64;
        let first = self.free_run(txn, blocks)?;
        let mut block = Plaintext::zeroed(payload);
        for (id, chunk) in (first..).zip(bytes.chunks(payload)) {
            let (used, free) =
                block.bytes_mut().split_at_mut_checked(chunk.len()).ok_or_else(damaged)?;
            used.copy_from_slice(chunk);
            free.fill(0);
            self.store_block(txn, id, block.bytes(), PutMode::Insert)?;
        }
        let blob = Blob { id: first, len: bytes.len() as u64 };
        self.layers.last_mut().ok_or_else(damaged)?.written.push(blob);
        Ok(blob)
    }

    /// Removes a value when the transaction commits.
    pub(super) fn free_blob(&mut self, blob: Blob) {
        if let Some(layer) = self.layers.last_mut() {
            layer.freed.push(blob);
        }
    }

    /// Removes the blocks of a value.
    pub(super) fn delete_blob(&self, txn: &mut RwTxn<'_>, blob: Blob) -> Result<()> {
        let blocks = blob.len.div_ceil(self.store.payload() as u64).max(1);
        for id in (blob.id..).take(blocks as usize) {
            txn.delete(self.places.blocks, &id.to_be_bytes())?;
        }
        Ok(())
    }

    /// The first of so many ids that no block has.
    fn free_run(&self, txn: &RwTxn<'_>, count: u64) -> Result<u64> {
        loop {
            let first = self.store.random_id()?;
            let Some(last) = first.checked_add(count) else { continue };
            let used = |id: &u64| (first..=last).contains(id);
            if self.layers.iter().any(|layer| layer.nodes.keys().any(used)) {
                continue;
            }
            let next = txn.cursor(self.places.blocks)?.seek(&first.to_be_bytes())?;
            let next = next.and_then(|(key, _)| Some(u64::from_be_bytes(key.try_into().ok()?)));
            if next.is_none_or(|next| next > last) {
                return Ok(first);
            }
        }
    }

    /// Seals a payload and stores it.
    pub(super) fn store_block(
        &mut self,
        txn: &mut RwTxn<'_>,
        id: u64,
        payload: &[u8],
        mode: PutMode,
    ) -> Result<super::block::Stamp> {
        let sealer = match self.writing.sealer.take() {
            Some(sealer) => sealer,
            None => self.store.sealer(txn, self.places)?,
        };
        let mut scratch = std::mem::take(&mut self.writing.scratch);
        scratch.resize(self.store.stored_size(), 0);
        let sealed = self.store.seal(&sealer, id, payload, &mut scratch);
        self.writing.sealer = Some(sealer);
        let stamp = sealed?;
        let stored = txn.put(self.places.blocks, &id.to_be_bytes(), &scratch, mode);
        self.writing.scratch = scratch;
        stored?;
        Ok(stamp)
    }
}
