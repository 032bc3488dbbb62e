//! What a sealed environment has in memory: keys, the cache, and where its trees begin.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::block::{self, OVERHEAD, PAGE_HEADER, Stamp};
use super::cache::Cache;
use super::clear;
use super::copies;
use super::journal::JournalKey;
use super::learn::{Access, KnownKeys};
use super::node::Node;
use super::plaintext::Plaintext;
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{Cipher, DataKeys, Nonce, Random, SealingKey, derive_key};
use crate::storage::lmdb::{Dbi, RwTxn, TOGETHER, Txn};
use crate::storage::platform::prefetch;

/// Bytes of decrypted nodes that are kept for readers.
const CACHE: usize = 64 << 20;
/// Bytes of changed nodes of a transaction that are kept in memory.
const CHANGED: usize = 32 << 20;
/// Keys of epochs that are kept ready.
const READY_KEYS: usize = 1_024;
/// Blocks that are sealed under one epoch.
const SEALS: u64 = 1 << 28;
/// Bytes of the random value that a key is derived with.
pub(super) const EPOCH: usize = 16;

/// The trees of a sealed database: one for each of [`Table`](crate::storage::Table).
pub(crate) const TREES: usize = 4;

/// Where the blocks are, and where what stands in clear is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    /// The LMDB tree of the blocks.
    pub blocks: Dbi,
    /// The LMDB tree of the records in clear.
    pub clear: Dbi,
    /// The LMDB tree of their copies.
    pub copies: Dbi,
}

/// A sealed environment.
pub struct SealedStore {
    cipher: Cipher,
    pub(super) database: [u8; 16],
    pub(super) keys: RwLock<KnownKeys>,
    /// What has unlocked it in this process.
    pub(super) access: Mutex<Access>,
    block_size: usize,
    roots: [u64; TREES],
    epochs: RwLock<HashMap<u32, Arc<SealingKey>>>,
    cache: Cache,
    pub(super) sealing: Mutex<Sealing>,
    limits: Limits,
}

/// What tests make small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Blocks that are sealed under one epoch: far fewer than either cipher bears.
    pub seals: u64,
    /// Changed nodes of a transaction that are kept in memory.
    pub changed: usize,
    /// Decrypted nodes that are kept for readers.
    pub cached: usize,
}

/// What is needed to seal.
pub(super) struct Sealing {
    pub random: Random,
    pub epoch: Option<Epoch>,
    /// What records of the journal are sealed with.
    pub journal: Option<JournalKey>,
}

/// The epoch that this process seals under. Nobody else does: its value is random.
pub(super) struct Epoch {
    number: u32,
    value: [u8; EPOCH],
    data_key: u32,
    key: Arc<SealingKey>,
    /// Where nonces begin. It is random, since another process may get the epoch's number if the
    /// transaction is given up that recorded it: then number and nonce must not come again.
    base: Nonce,
    /// How many blocks were sealed.
    sealed: u64,
}

impl Epoch {
    /// A nonce that was not used with the key.
    fn next_nonce(&mut self) -> Option<Nonce> {
        let mut nonce = self.base;
        let count = nonce.first_chunk_mut::<{ size_of::<u64>() }>()?;
        *count = u64::from_le_bytes(*count).wrapping_add(self.sealed).to_le_bytes();
        self.sealed = self.sealed.checked_add(1)?;
        Some(nonce)
    }
}

/// Seals the blocks of one transaction, whose epoch is recorded in it.
pub(super) struct Sealer {
    number: u32,
    key: Arc<SealingKey>,
}

impl SealedStore {
    /// An environment with these keys and roots.
    pub(crate) fn new(
        cipher: Cipher,
        database: [u8; 16],
        keys: DataKeys,
        block_size: u32,
        roots: [u64; TREES],
    ) -> Self {
        let block_size = block_size as usize;
        let limits = Limits {
            seals: SEALS,
            changed: CHANGED / block_size.max(1),
            cached: CACHE / block_size.max(1),
        };
        Self {
            cipher,
            database,
            keys: RwLock::new(KnownKeys::new(keys)),
            access: Mutex::default(),
            block_size,
            roots,
            epochs: RwLock::default(),
            cache: Cache::new(limits.cached),
            sealing: Mutex::new(Sealing { random: Random::new(), epoch: None, journal: None }),
            limits,
        }
    }

    /// One with the same keys and roots, and nothing else.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.cipher, self.database, self.keys(), self.block_size as u32, self.roots)
    }

    /// Bytes of a block in an environment with pages of that size.
    pub(crate) fn block_size(page_size: u32) -> u32 {
        page_size.saturating_sub(PAGE_HEADER)
    }

    #[cfg(test)]
    pub(super) fn with_limits(self, limits: Limits) -> Self {
        Self { limits, cache: Cache::new(limits.cached), ..self }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Bytes of a node.
    pub(super) fn payload(&self) -> usize {
        self.block_size.saturating_sub(OVERHEAD)
    }

    pub(super) fn root(&self, tree: usize) -> u64 {
        self.roots.get(tree).copied().unwrap_or_default()
    }

    pub(super) fn is_root(&self, id: u64) -> bool {
        self.roots.contains(&id)
    }

    pub(super) fn random_id(&self) -> Result<u64> {
        self.sealing.lock().random.u64()
    }

    /// The data keys that this process knows.
    pub(crate) fn keys(&self) -> DataKeys {
        self.keys.read().all.clone()
    }

    /// The cipher.
    pub(crate) fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Forgets keys, secrets and what was decrypted. Nothing can be read or written afterwards.
    pub(crate) fn forget_all(&self) {
        *self.keys.write() = KnownKeys::new(DataKeys::none());
        self.epochs.write().clear();
        let mut sealing = self.sealing.lock();
        sealing.epoch = None;
        sealing.journal = None;
        drop(sealing);
        *self.access.lock() = Access::default();
        self.cache.clear();
    }

    /// The node in the block `id`.
    #[inline]
    pub(super) fn load(&self, txn: &Txn<'_>, places: Places, id: u64) -> Result<Arc<Node>> {
        let stored = txn.get(places.blocks, &id.to_be_bytes())?.ok_or_else(missing)?;
        self.open_node(txn, places, id, stored)
    }

    /// Appends the nodes in up to [`TOGETHER`] blocks to `nodes`: what is known of each is on its
    /// way from memory while the others are looked at.
    pub(super) fn load_each(
        &self,
        txn: &Txn<'_>,
        places: Places,
        ids: &[u64],
        nodes: &mut VecDeque<Arc<Node>>,
    ) -> Result<()> {
        let mut keys = [[0; size_of::<u64>()]; TOGETHER];
        let mut key_slices = [&[][..]; TOGETHER];
        let mut found = [None; TOGETHER];
        for (key, id) in keys.iter_mut().zip(ids) {
            *key = id.to_be_bytes();
        }
        for (slice, key) in key_slices.iter_mut().zip(&keys) {
            *slice = key;
        }
        let count = ids.len().min(TOGETHER);
        let (Some(keys), Some(found)) = (key_slices.get(..count), found.get_mut(..count)) else {
            return Ok(());
        };
        txn.get_each(places.blocks, keys, found)?;
        for (id, stored) in ids.iter().zip(&*found) {
            prefetch(stored.unwrap_or_default());
            self.cache.fetch(*id);
        }
        for (id, stored) in ids.iter().zip(&*found) {
            nodes.push_back(self.open_node(txn, places, *id, stored.ok_or_else(missing)?)?);
        }
        Ok(())
    }

    /// The node in a stored block.
    #[inline]
    fn open_node(
        &self,
        txn: &Txn<'_>,
        places: Places,
        id: u64,
        stored: &[u8],
    ) -> Result<Arc<Node>> {
        let stamp = block::stamp_of(stored).ok_or_else(damaged)?;
        if let Some(node) = self.cache.get(id, stamp) {
            return Ok(node);
        }
        let mut plaintext = Plaintext::zeroed(self.payload());
        self.load_into(txn, places, id, stored, plaintext.bytes_mut())?;
        let node = Arc::new(Node::parse(plaintext).ok_or_else(damaged)?);
        self.cache.insert(id, stamp, &node);
        Ok(node)
    }

    /// Decrypts a block into `out`, which has the payload's size.
    pub(super) fn load_into(
        &self,
        txn: &Txn<'_>,
        places: Places,
        id: u64,
        stored: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        let number = block::epoch_of(block::stamp_of(stored).ok_or_else(damaged)?);
        let open = |key: &SealingKey, out: &mut [u8]| {
            block::open_into(key, &self.database, id, stored, out)
        };
        let ready = self.epochs.read().get(&number).cloned();
        if ready.is_some_and(|key| open(&key, out)) {
            return Ok(());
        }
        // Of an epoch that a transaction recorded and gave up, another process may have the number.
        let (data_key, value) = clear::epoch(txn, places, number)?.ok_or_else(damaged)?;
        let mut try_key = || {
            let key = self.derive(data_key, &value).ok().filter(|key| open(key, out));
            key.inspect(|key| self.keep_epoch(number, key)).is_some()
        };
        if try_key() {
            return Ok(());
        }
        // Another process may have replaced the data key, under a number that this one has given
        // to a key that was not recorded in the end.
        let is_known = self.keys.read().all.get(data_key).is_some();
        match self.learn(txn, places) {
            Err(error) if !is_known => return Err(error),
            _ if try_key() => return Ok(()),
            _ => {}
        }
        out.fill(0);
        Err(damaged())
    }

    fn keep_epoch(&self, number: u32, key: &Arc<SealingKey>) {
        let mut epochs = self.epochs.write();
        if epochs.len() >= READY_KEYS {
            epochs.clear();
        }
        epochs.insert(number, Arc::clone(key));
    }

    /// The key of an epoch.
    pub(super) fn derive(&self, data_key: u32, value: &[u8; EPOCH]) -> Result<Arc<SealingKey>> {
        self.derive_for(b"lodestore block", data_key, value)
    }

    /// A key for one purpose.
    pub(super) fn derive_for(
        &self,
        purpose: &[u8],
        data_key: u32,
        value: &[u8; EPOCH],
    ) -> Result<Arc<SealingKey>> {
        let keys = self.keys.read();
        let data_key = keys.all.get(data_key).ok_or_else(damaged)?;
        let key = derive_key(data_key.bytes(), value, &[purpose, &self.database])?;
        Ok(Arc::new(SealingKey::new(self.cipher, &key)))
    }

    /// Gets ready to seal in a write transaction: makes sure that its records name this process's
    /// epoch, which an earlier transaction may have recorded and given up.
    pub(super) fn sealer(&self, txn: &mut RwTxn<'_>, places: Places) -> Result<Sealer> {
        self.learn_newest(txn, places)?;
        let mut sealing = self.sealing.lock();
        if sealing.epoch.as_ref().is_none_or(|epoch| epoch.sealed >= self.limits.seals) {
            let data_key = self.newest_data_key();
            let value = sealing.random.bytes()?;
            let key = self.derive(data_key, &value)?;
            let base = sealing.random.bytes()?;
            sealing.epoch = Some(Epoch { number: 0, value, data_key, key, base, sealed: 0 });
        }
        let epoch = sealing.epoch.as_mut().ok_or_else(damaged)?;
        let recorded = clear::epoch(txn, places, epoch.number)?;
        if epoch.number == 0 || recorded != Some((epoch.data_key, epoch.value)) {
            // The number may be another process's by now; the value is nobody else's.
            copies::settle(txn, places)?;
            epoch.number = clear::add_epoch(txn, places, epoch.data_key, &epoch.value)?;
        }
        self.keep_epoch(epoch.number, &epoch.key);
        Ok(Sealer { number: epoch.number, key: Arc::clone(&epoch.key) })
    }

    fn next_stamp(&self, sealer: &Sealer) -> Result<Stamp> {
        let mut sealing = self.sealing.lock();
        let epoch = sealing.epoch.as_mut().filter(|epoch| epoch.number == sealer.number);
        let epoch = epoch.ok_or_else(damaged)?;
        let nonce = epoch.next_nonce().ok_or_else(damaged)?;
        let mut stamp = [0; size_of::<Stamp>()];
        let bytes = sealer.number.to_le_bytes().into_iter().chain(nonce);
        for (to, from) in stamp.iter_mut().zip(bytes) {
            *to = from;
        }
        Ok(stamp)
    }

    /// Seals a payload as the block `id` into `out`, which has a block's size.
    pub(super) fn seal(
        &self,
        sealer: &Sealer,
        id: u64,
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<Stamp> {
        let stamp = self.next_stamp(sealer)?;
        if block::seal(&sealer.key, &self.database, id, &stamp, payload, out) {
            return Ok(stamp);
        }
        Err(Error::new(ErrorCode::ResourceLimit, "a block cannot be sealed"))
    }

    /// A node that was sealed is likely to be read.
    pub(super) fn keep(&self, id: u64, stamp: &Stamp, node: &Arc<Node>) {
        self.cache.insert(id, stamp, node);
    }

    /// The identity of the database, which is authenticated with each block.
    pub(super) fn database(&self) -> &[u8; 16] {
        &self.database
    }

    pub(super) fn stored_size(&self) -> usize {
        self.block_size
    }
}

#[cold]
pub(super) fn damaged() -> Error {
    Error::corrupt("a block of the sealed database is damaged, or was put in another's place")
}

#[cold]
pub(super) fn missing() -> Error {
    Error::corrupt("a block of the sealed database is missing")
}
