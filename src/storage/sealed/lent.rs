//! What values of sealed trees are lent from.

use std::sync::Arc;

use elsa::FrozenVec;

use super::node::Node;
use super::plaintext::Plaintext;

/// Nodes and large values that are kept as long as what was lent from them is in use.
#[derive(Default)]
pub(crate) struct Lent {
    nodes: FrozenVec<Arc<Node>>,
    blobs: FrozenVec<Box<Plaintext>>,
}

impl Lent {
    /// Keeps a node; gives its bytes.
    pub(super) fn node(&self, node: Arc<Node>) -> &[u8] {
        match self.nodes.last() {
            Some(last) if std::ptr::eq(last, &*node) => last.bytes(),
            _ => self.nodes.push_get(node).bytes(),
        }
    }

    /// Keeps a large value.
    pub(super) fn blob(&self, bytes: Plaintext) -> &[u8] {
        self.blobs.push_get(Box::new(bytes)).bytes()
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        if !self.nodes.is_empty() {
            self.nodes.as_mut().clear();
        }
        if !self.blobs.is_empty() {
            self.blobs.as_mut().clear();
        }
    }

    /// How many nodes and large values are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.nodes.len() + self.blobs.len()
    }
}
