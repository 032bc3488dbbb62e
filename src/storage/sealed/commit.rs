//! Layers of changes: nested transactions, what is done when memory runs short, and the commit.

use std::sync::Arc;

use super::node::Node;
use super::store::{Places, SealedStore, damaged};
use super::txn::{Change, Layer, SealedTxn};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::lmdb::{PutMode, RwTxn};

impl SealedTxn<'_> {
    /// Begins a nested transaction.
    pub(crate) fn push_layer(&mut self) {
        self.layers.push(Layer::default());
    }

    /// Makes the innermost transaction a part of the one around it.
    pub(crate) fn merge_layer(&mut self) -> Result<()> {
        self.release();
        let child = self.layers.pop().ok_or_else(damaged)?;
        let parent = self.layers.last_mut().ok_or_else(damaged)?;
        parent.nodes.extend(child.nodes);
        for (id, other) in child.spilled {
            parent.stale.extend(parent.spilled.insert(id, other));
        }
        parent.stale.extend(child.stale);
        parent.written.extend(child.written);
        parent.freed.extend(child.freed);
        Ok(())
    }

    /// Undoes what the innermost transaction did.
    pub(crate) fn discard_layer(&mut self, txn: &mut RwTxn<'_>) {
        self.release();
        let Some(layer) = self.layers.pop() else { return };
        if self.remove_stored(txn, &layer).is_err() {
            // What is left over would be garbage that nothing refers to; the transaction that this
            // happened in is in no state to be committed.
            self.writing.broken = true;
        }
    }

    fn remove_stored(&self, txn: &mut RwTxn<'_>, layer: &Layer) -> Result<()> {
        for id in layer.spilled.values().chain(&layer.stale) {
            txn.delete(self.places.blocks, &id.to_be_bytes())?;
        }
        layer.written.iter().try_for_each(|blob| self.delete_blob(txn, *blob))
    }

    /// Moves changed leaves out of memory if there are too many.
    pub(super) fn bound_memory(&mut self, txn: &mut RwTxn<'_>) -> Result<()> {
        if self.writing.changed < self.store.limits().changed {
            return Ok(());
        }
        for depth in 0..self.layers.len() {
            let leaves = self.take_leaves(depth);
            for (id, node) in leaves {
                self.spill(txn, depth, id, node)?;
            }
        }
        self.writing.changed = 0;
        Ok(())
    }

    /// Seals and stores one of the changed leaves that are not likely to change again soon, so that
    /// the commit has less to do; false if there is none.
    pub(crate) fn flush_ahead(&mut self, txn: &mut RwTxn<'_>) -> Result<bool> {
        let [layer] = self.layers.as_slice() else { return Ok(false) };
        let settled = layer.nodes.iter().find_map(|(id, change)| match change {
            Change::Node(node) if node.is_leaf() && !self.writing.recent.has(*id) => {
                Some((*id, Arc::clone(node)))
            }
            _ => None,
        });
        let Some((id, node)) = settled else { return Ok(false) };
        self.release();
        self.spill(txn, 0, id, node)?;
        self.writing.changed = self.writing.changed.saturating_sub(1);
        Ok(true)
    }

    /// The changed leaves of a layer, by id.
    fn take_leaves(&self, depth: usize) -> Vec<(u64, Arc<Node>)> {
        let Some(layer) = self.layers.get(depth) else { return Vec::new() };
        let mut leaves: Vec<_> = layer
            .nodes
            .iter()
            .filter_map(|(id, change)| match change {
                Change::Node(node) if node.is_leaf() => Some((*id, Arc::clone(node))),
                _ => None,
            })
            .collect();
        leaves.sort_unstable_by_key(|(id, _)| *id);
        leaves
    }

    /// Stores a changed leaf: of the outermost transaction in its place, of a nested one, which may
    /// be undone, under an id of its own.
    fn spill(
        &mut self,
        txn: &mut RwTxn<'_>,
        depth: usize,
        id: u64,
        mut node: Arc<Node>,
    ) -> Result<()> {
        if node.dead() > 0 {
            Arc::make_mut(&mut node).compact();
        }
        let place = self.layers.get(depth).and_then(|layer| layer.spilled.get(&id).copied());
        let other = match place {
            _ if depth == 0 => id,
            Some(other) => other,
            None => self.new_id(txn)?,
        };
        let stamp = self.store_block(txn, other, node.bytes(), PutMode::Upsert)?;
        self.store.keep(other, &stamp, &node);
        self.forget_unchanged(id);
        if let Some(layer) = self.layers.get_mut(depth) {
            match depth {
                0 => layer.nodes.remove(&id),
                _ => {
                    layer.spilled.insert(id, other);
                    layer.nodes.insert(id, Change::Spilled(other))
                }
            };
        }
        Ok(())
    }

    /// Seals and stores everything that was changed. The transaction may be committed then.
    pub(crate) fn flush(&mut self, txn: &mut RwTxn<'_>) -> Result<()> {
        self.release();
        if self.writing.broken {
            return Err(Error::new(
                ErrorCode::Io,
                "a nested transaction could not be undone; the transaction was rolled back",
            ));
        }
        while self.layers.len() > 1 {
            self.merge_layer()?;
        }
        let Some(layer) = self.layers.first_mut().map(std::mem::take) else { return Ok(()) };
        let mut changes: Vec<_> = layer.nodes.into_iter().collect();
        changes.sort_unstable_by_key(|(id, _)| *id);
        for (id, change) in changes {
            match change {
                Change::Node(node) => self.store_node(txn, id, node)?,
                Change::Spilled(other) => {
                    let node = self.store.load(txn, self.places, other)?;
                    self.store_node(txn, id, node)?;
                }
                Change::Gone => {
                    txn.delete(self.places.blocks, &id.to_be_bytes())?;
                }
            }
        }
        for id in layer.spilled.values().chain(&layer.stale) {
            txn.delete(self.places.blocks, &id.to_be_bytes())?;
        }
        layer.freed.into_iter().try_for_each(|blob| self.delete_blob(txn, blob))
    }

    fn store_node(&mut self, txn: &mut RwTxn<'_>, id: u64, mut node: Arc<Node>) -> Result<()> {
        if node.dead() > 0 {
            Arc::make_mut(&mut node).compact();
        }
        let stamp = self.store_block(txn, id, node.bytes(), PutMode::Upsert)?;
        self.store.keep(id, &stamp, &node);
        Ok(())
    }
}

/// Writes the empty roots of a new database.
pub(crate) fn create(store: &SealedStore, txn: &mut RwTxn<'_>, places: Places) -> Result<()> {
    let mut sealed = SealedTxn::of_writer(store, places);
    for tree in 0..super::store::TREES {
        sealed.set_node(store.root(tree), Node::empty_leaf(store.payload()))?;
    }
    sealed.flush(txn)
}
