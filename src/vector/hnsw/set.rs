//! Some of the vectors of a graph.

use super::bits::Bits;
use super::nodes::Nodes;
use crate::vector::coarse::Coarse;
use crate::vector::packed::Packing;

/// Some of the vectors of a graph, which serve a search as the only ones that it may find. It is of
/// use for that graph alone, however much that grows.
#[derive(Debug)]
pub struct Set {
    /// In order.
    nodes: Vec<u32>,
    bits: Bits,
    /// Copies of them in bytes, in the same order, if there is room for them.
    coarse: Option<Coarse>,
}

impl Set {
    /// Those with some labels, with copies if all of it takes no more than so many bytes.
    pub(super) fn new(
        graph: &Nodes,
        packing: Packing,
        mut labels: Vec<u64>,
        most_bytes: usize,
    ) -> Self {
        labels.sort_unstable();
        labels.dedup();
        let mut from = 0;
        let mut nodes = Vec::with_capacity(labels.len());
        for label in labels {
            from = graph.first_from(label, from);
            if from < graph.len() && graph.label(from as u32) == label {
                nodes.push(from as u32);
            }
        }
        let bits = Bits::of(&nodes);
        let mut set = Self { nodes, bits, coarse: None };
        let (form, precision) = packing.of();
        let fits = |each: &usize| set.memory().saturating_add(set.len() * each) <= most_bytes;
        if Coarse::bytes_of(form, precision).as_ref().is_some_and(fits) {
            let vectors = set.nodes.iter().map(|node| graph.vector(*node));
            set.coarse = Some(Coarse::of((form, precision), vectors));
        }
        set
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many bytes it takes.
    pub fn memory(&self) -> usize {
        let copies = self.coarse.as_ref().map_or(0, Coarse::memory);
        self.nodes.capacity() * size_of::<u32>() + self.bits.memory() + copies
    }

    /// Whether there are copies in bytes of them.
    pub fn is_copied(&self) -> bool {
        self.coarse.is_some()
    }

    pub(super) fn coarse(&self) -> Option<&Coarse> {
        self.coarse.as_ref()
    }

    pub(super) fn contains(&self, node: u32) -> bool {
        self.bits.contains(node)
    }

    pub(super) fn nodes(&self) -> &[u32] {
        &self.nodes
    }
}
