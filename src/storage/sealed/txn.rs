//! What a transaction sees of the blocks, and what it has changed.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::lent::Lent;
use super::node::{Blob, Node, Value};
use super::plaintext::Plaintext;
use super::store::{Places, SealedStore, damaged, missing};
use crate::error::Result;
use crate::storage::lmdb::{TOGETHER, Txn};

/// Block ids are random numbers, and hashes by themselves.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

pub(super) type ById<T> = HashMap<u64, T, BuildHasherDefault<IdHasher>>;

/// Nodes that a snapshot has met. Nothing that it sees changes, so they stay right as long as it
/// lasts.
#[derive(Default)]
pub struct Memo(RefCell<MemoSlots>);

#[derive(Default)]
struct MemoSlots {
    /// Where a node is follows from its id; branches and leaves do not drive each other out.
    branches: Vec<Option<(u64, Arc<Node>)>>,
    leaves: Vec<Option<(u64, Arc<Node>)>>,
}

/// Branches and leaves in a [`Memo`], powers of two.
const MEMO_BRANCHES: usize = 64;
const MEMO_LEAVES: usize = 16;

fn place(slots: &[Option<(u64, Arc<Node>)>], id: u64) -> usize {
    id as usize & slots.len().wrapping_sub(1)
}

impl Memo {
    /// Forgets everything: another snapshot is looked at.
    pub fn clear(&self) {
        let mut slots = self.0.borrow_mut();
        slots.branches.clear();
        slots.leaves.clear();
    }

    #[inline]
    fn get(&self, id: u64) -> Option<Arc<Node>> {
        let slots = self.0.borrow();
        [&slots.branches, &slots.leaves].into_iter().find_map(|slots| {
            match slots.get(place(slots, id)) {
                Some(Some((own, node))) if *own == id => Some(Arc::clone(node)),
                _ => None,
            }
        })
    }

    fn insert(&self, id: u64, node: &Arc<Node>) {
        let mut slots = self.0.borrow_mut();
        let (slots, size) = match node.is_leaf() {
            true => (&mut slots.leaves, MEMO_LEAVES),
            false => (&mut slots.branches, MEMO_BRANCHES),
        };
        slots.resize(size, None);
        let at = place(slots, id);
        if let Some(slot) = slots.get_mut(at) {
            *slot = Some((id, Arc::clone(node)));
        }
    }
}

/// Nodes that a write transaction has read and not changed, at most so many.
const UNCHANGED: usize = 4_096;

enum Known<'e> {
    Snapshot(&'e Memo),
    Writer(RefCell<ById<Arc<Node>>>),
}

/// What a layer has made of a block.
pub(super) enum Change {
    /// A node, not sealed yet.
    Node(Arc<Node>),
    /// A node of a nested transaction, sealed under another id for want of memory.
    Spilled(u64),
    /// Removed.
    Gone,
}

/// The changes of a transaction, or of one that is nested in it.
#[derive(Default)]
pub(super) struct Layer {
    pub nodes: ById<Change>,
    /// The ids under which nodes were spilled, by their own.
    pub spilled: ById<u64>,
    /// Such ids that are of no use any more.
    pub stale: Vec<u64>,
    /// Blobs that were written. They are stored already.
    pub written: Vec<Blob>,
    /// Blobs that nothing refers to any more.
    pub freed: Vec<Blob>,
}

/// The sealed trees, as a transaction sees them.
pub struct SealedTxn<'e> {
    pub(super) store: &'e SealedStore,
    pub(super) places: Places,
    known: Known<'e>,
    /// Of a write transaction, the outermost first; of a snapshot, none.
    pub(super) layers: Vec<Layer>,
    /// What values were lent from that nobody else keeps.
    lent: Lent,
    pub(super) writing: Writing,
}

/// What a write transaction keeps beside its changes.
#[derive(Default)]
pub(super) struct Writing {
    /// From the root to the leaf, each branch with the place of the child below.
    pub path: Vec<(u64, usize)>,
    /// Whether giving a layer up has failed, so that nothing may be committed.
    pub broken: bool,
    /// How many changed nodes there are in memory, or fewer.
    pub changed: usize,
    /// Blocks that were changed last.
    pub recent: Recent,
    pub sealer: Option<super::store::Sealer>,
    pub scratch: Vec<u8>,
}

/// The ids of the blocks that were changed last.
#[derive(Default)]
pub(super) struct Recent {
    ids: [u64; 8],
    next: usize,
}

impl Recent {
    #[inline]
    pub fn note(&mut self, id: u64) {
        if self.ids.contains(&id) {
            return;
        }
        if let Some(slot) = self.ids.get_mut(self.next) {
            *slot = id;
        }
        self.next = (self.next + 1) % self.ids.len();
    }

    pub fn has(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }
}

impl<'e> SealedTxn<'e> {
    /// What a snapshot sees.
    pub(crate) fn of_snapshot(store: &'e SealedStore, places: Places, memo: &'e Memo) -> Self {
        Self::new(store, places, Known::Snapshot(memo), Vec::new())
    }

    /// What a write transaction sees and changes.
    pub(crate) fn of_writer(store: &'e SealedStore, places: Places) -> Self {
        Self::new(store, places, Known::Writer(RefCell::default()), vec![Layer::default()])
    }

    fn new(store: &'e SealedStore, places: Places, known: Known<'e>, layers: Vec<Layer>) -> Self {
        Self { store, places, known, layers, lent: Lent::default(), writing: Writing::default() }
    }

    /// Lets go of what values were lent from.
    pub(crate) fn release(&mut self) {
        self.lent.clear();
    }

    /// How many nodes and large values are kept because something was lent from them.
    #[cfg(test)]
    pub(super) fn lent(&self) -> usize {
        self.lent.len()
    }

    /// A node as the transaction sees it.
    #[inline]
    pub(super) fn node(&self, txn: &Txn<'_>, id: u64) -> Result<Arc<Node>> {
        for layer in self.layers.iter().rev() {
            match layer.nodes.get(&id) {
                Some(Change::Node(node)) => return Ok(Arc::clone(node)),
                Some(Change::Spilled(other)) => return self.store.load(txn, self.places, *other),
                Some(Change::Gone) => return Err(missing()),
                None => {}
            }
        }
        match &self.known {
            Known::Snapshot(memo) => {
                if let Some(node) = memo.get(id) {
                    return Ok(node);
                }
                let node = self.store.load(txn, self.places, id)?;
                memo.insert(id, &node);
                Ok(node)
            }
            Known::Writer(unchanged) => {
                if let Some(node) = unchanged.borrow().get(&id) {
                    return Ok(Arc::clone(node));
                }
                let node = self.store.load(txn, self.places, id)?;
                let mut unchanged = unchanged.borrow_mut();
                if unchanged.len() >= UNCHANGED {
                    unchanged.clear();
                }
                unchanged.insert(id, Arc::clone(&node));
                Ok(node)
            }
        }
    }

    /// Forgets what a block held before the transaction changed it.
    pub(super) fn forget_unchanged(&mut self, id: u64) {
        if let Known::Writer(unchanged) = &mut self.known {
            unchanged.get_mut().remove(&id);
        }
    }

    /// The child of a branch, which is one level below.
    pub(super) fn child(&self, txn: &Txn<'_>, branch: &Node, place: usize) -> Result<Arc<Node>> {
        let child = self.node(txn, branch.child(place))?;
        if child.level() + 1 == branch.level() { Ok(child) } else { Err(damaged()) }
    }

    /// Appends the children of a branch from a place on, up to `many`, to `nodes`; of a snapshot
    /// several together, else the first one.
    pub(super) fn children(
        &self,
        txn: &Txn<'_>,
        branch: &Node,
        place: usize,
        many: usize,
        nodes: &mut VecDeque<Arc<Node>>,
    ) -> Result<()> {
        if many <= 1 || matches!(self.known, Known::Writer(_)) {
            nodes.push_back(self.child(txn, branch, place)?);
            return Ok(());
        }
        let mut ids = [0; TOGETHER];
        let count = many.min(TOGETHER).min((branch.count() + 1).saturating_sub(place));
        for (id, place) in ids.iter_mut().zip(place..).take(count) {
            *id = branch.child(place);
        }
        let before = nodes.len();
        self.store.load_each(txn, self.places, ids.get(..count).unwrap_or_default(), nodes)?;
        match nodes.iter().skip(before).all(|child| child.level() + 1 == branch.level()) {
            true => Ok(()),
            false => Err(damaged()),
        }
    }

    /// The leaf under which `key` belongs.
    #[inline]
    pub(super) fn leaf(&self, txn: &Txn<'_>, tree: usize, key: &[u8]) -> Result<Arc<Node>> {
        let mut node = self.node(txn, self.store.root(tree))?;
        while !node.is_leaf() {
            node = self.child(txn, &node, node.search_child(key))?;
        }
        Ok(node)
    }

    /// The value under `key`, kept until the next change, or until the transaction ends.
    #[inline]
    pub(crate) fn get(&self, txn: &Txn<'_>, tree: usize, key: &[u8]) -> Result<Option<&[u8]>> {
        self.get_from(txn, tree, key, &self.lent)
    }

    /// The value under `key`, kept by `lent`.
    #[inline]
    pub(crate) fn get_from<'l>(
        &self,
        txn: &Txn<'_>,
        tree: usize,
        key: &[u8],
        lent: &'l Lent,
    ) -> Result<Option<&'l [u8]>> {
        let leaf = self.leaf(txn, tree, key)?;
        let Ok(at) = leaf.search(key) else { return Ok(None) };
        if let Value::Blob(blob) = leaf.value(at) {
            return Ok(Some(lent.blob(self.read_blob(txn, blob)?)));
        }
        let (start, len) = leaf.value_range(at);
        Ok(Some(lent.node(leaf).get(start..start + len).unwrap_or_default()))
    }

    /// The value that a blob holds.
    pub(super) fn read_blob(&self, txn: &Txn<'_>, blob: Blob) -> Result<Plaintext> {
        let payload = self.store.payload();
        let len = usize::try_from(blob.len).map_err(|_| damaged())?;
        let mut bytes = Plaintext::zeroed(len);
        let mut last = Plaintext::zeroed(payload);
        let mut cursor = txn.cursor(self.places.blocks)?;
        let mut found = cursor.seek(&blob.id.to_be_bytes())?;
        let mut id = blob.id;
        for chunk in bytes.bytes_mut().chunks_mut(payload) {
            let stored = match found {
                Some((key, stored)) if key == id.to_be_bytes() => stored,
                _ => return Err(missing()),
            };
            if chunk.len() == payload {
                self.store.load_into(txn, self.places, id, stored, chunk)?;
            } else {
                self.store.load_into(txn, self.places, id, stored, last.bytes_mut())?;
                chunk.copy_from_slice(last.bytes().get(..chunk.len()).unwrap_or_default());
            }
            id = id.wrapping_add(1);
            found = cursor.next()?;
        }
        Ok(bytes)
    }

    /// About how many entries have keys from `from` on, below `to` (`None`: up to the end). The
    /// method is that of [`crate::storage::lmdb::Txn::distance`].
    pub(crate) fn distance(
        &self,
        txn: &Txn<'_>,
        tree: usize,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Result<u64> {
        let (low, high) = (self.steps(txn, tree, Some(from))?, self.steps(txn, tree, to)?);
        Ok(crate::storage::lmdb::between(&low, &high))
    }

    fn steps(
        &self,
        txn: &Txn<'_>,
        tree: usize,
        key: Option<&[u8]>,
    ) -> Result<Vec<crate::storage::lmdb::Step>> {
        let mut steps = Vec::new();
        let mut node = self.node(txn, self.store.root(tree))?;
        while !node.is_leaf() {
            let count = node.count() + 1;
            let at = key.map_or(count - 1, |key| node.search_child(key));
            steps.push(crate::storage::lmdb::Step { at, count });
            node = self.child(txn, &node, at)?;
        }
        let count = node.count();
        let at = match key {
            Some(key) => node.search(key).unwrap_or_else(|at| at),
            None => count,
        };
        steps.push(crate::storage::lmdb::Step { at, count });
        Ok(steps)
    }
}
