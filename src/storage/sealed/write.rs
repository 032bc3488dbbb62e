//! Changing a sealed tree.

use std::sync::Arc;

use super::node::{Content, Item, Node, Value, max_item};
use super::plaintext::Plaintext;
use super::store::damaged;
use super::txn::{Change, SealedTxn};
use crate::error::Result;
use crate::storage::lmdb::RwTxn;

/// A value on its way into a leaf.
enum New {
    Inline(Plaintext),
    Blob(super::node::Blob),
}

impl New {
    fn value(&self) -> Value<'_> {
        match self {
            New::Inline(bytes) => Value::Inline(bytes.bytes()),
            New::Blob(blob) => Value::Blob(*blob),
        }
    }
}

impl SealedTxn<'_> {
    /// Inserts or replaces a value of `len` bytes, which `fill` writes.
    pub(crate) fn put(
        &mut self,
        txn: &mut RwTxn<'_>,
        tree: usize,
        key: &[u8],
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<()> {
        self.begin_change(txn)?;
        let mut bytes = Plaintext::zeroed(len);
        fill(bytes.bytes_mut());
        let item = Item::new(key, Content::Value(Value::Inline(bytes.bytes())));
        let new = match item.size() <= max_item(self.store.payload()) {
            true => New::Inline(bytes),
            false => New::Blob(self.write_blob(txn, bytes.bytes())?),
        };
        let id = self.find_leaf(txn, tree, key)?;
        let value = new.value();
        let node = self.node_mut(txn, id)?;
        let place = node.search(key);
        match place {
            Ok(at) => {
                let old = node.value(at);
                if let Value::Blob(blob) = old {
                    self.free_blob(blob);
                }
                let node = self.node_mut(txn, id)?;
                if node.overwrite(at, value) {
                    return Ok(());
                }
                node.remove(at);
                if node.insert(at, key, Content::Value(value)) {
                    return Ok(());
                }
                self.make_room(txn, id, at, Item::new(key, Content::Value(value)))
            }
            Err(at) => {
                if node.insert(at, key, Content::Value(value)) {
                    return Ok(());
                }
                self.make_room(txn, id, at, Item::new(key, Content::Value(value)))
            }
        }
    }

    /// Removes an entry; false if it was not there.
    pub(crate) fn delete(&mut self, txn: &mut RwTxn<'_>, tree: usize, key: &[u8]) -> Result<bool> {
        self.begin_change(txn)?;
        let id = self.find_leaf(txn, tree, key)?;
        let node = self.node(txn, id)?;
        let Ok(at) = node.search(key) else { return Ok(false) };
        if let Value::Blob(blob) = node.value(at) {
            self.free_blob(blob);
        }
        drop(node);
        self.node_mut(txn, id)?.remove(at);
        self.mend(txn, id)?;
        Ok(true)
    }

    fn begin_change(&mut self, txn: &mut RwTxn<'_>) -> Result<()> {
        self.release();
        self.bound_memory(txn)
    }

    /// Finds the leaf under which `key` belongs, and remembers the way to it.
    fn find_leaf(&mut self, txn: &RwTxn<'_>, tree: usize, key: &[u8]) -> Result<u64> {
        let mut path = std::mem::take(&mut self.writing.path);
        path.clear();
        let mut id = self.store.root(tree);
        let mut node = self.node(txn, id)?;
        while !node.is_leaf() {
            let place = node.search_child(key);
            path.push((id, place));
            id = node.child(place);
            node = self.child(txn, &node, place)?;
        }
        self.writing.path = path;
        Ok(id)
    }

    /// A node of the uppermost layer, to be changed.
    pub(super) fn node_mut(&mut self, txn: &RwTxn<'_>, id: u64) -> Result<&mut Node> {
        let known = self.layers.last().and_then(|layer| layer.nodes.get(&id));
        if !matches!(known, Some(Change::Node(_))) {
            let node = self.node(txn, id)?;
            self.change(id, Change::Node(node))?;
        }
        self.writing.recent.note(id);
        let layer = self.layers.last_mut().ok_or_else(damaged)?;
        match layer.nodes.get_mut(&id) {
            Some(Change::Node(node)) => Ok(Arc::make_mut(node)),
            _ => Err(damaged()),
        }
    }

    /// Puts a node in a block of the uppermost layer.
    pub(super) fn set_node(&mut self, id: u64, node: Node) -> Result<()> {
        self.change(id, Change::Node(Arc::new(node)))
    }

    /// Takes a node out.
    pub(super) fn remove_node(&mut self, id: u64) -> Result<()> {
        self.change(id, Change::Gone)
    }

    fn change(&mut self, id: u64, change: Change) -> Result<()> {
        let layer = self.layers.last_mut().ok_or_else(damaged)?;
        layer.nodes.insert(id, change);
        self.writing.changed += 1;
        self.forget_unchanged(id);
        Ok(())
    }

    /// An id that no block has.
    pub(super) fn new_id(&self, txn: &RwTxn<'_>) -> Result<u64> {
        loop {
            let id = self.store.random_id()?;
            let used = self.layers.iter().any(|layer| layer.nodes.contains_key(&id));
            if !used && txn.get(self.places.blocks, &id.to_be_bytes())?.is_none() {
                return Ok(id);
            }
        }
    }
}
