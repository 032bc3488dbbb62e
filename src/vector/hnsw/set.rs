//! Some of the vectors of a graph.

use super::nodes::Nodes;

/// Some of the vectors of a graph, which serve a search as the only ones that it may find. It is of
/// use for that graph alone, however much that grows.
#[derive(Debug)]
pub struct Set {
    /// In order.
    nodes: Vec<u32>,
    /// A bit for each vector of the graph up to the last one of these.
    bits: Vec<u64>,
}

impl Set {
    /// Those with some labels.
    pub(super) fn new(graph: &Nodes, mut labels: Vec<u64>) -> Self {
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
        let mut bits = vec![0; nodes.last().map_or(0, |last| *last as usize / 64 + 1)];
        for node in &nodes {
            if let Some(word) = bits.get_mut(*node as usize / 64) {
                *word |= 1 << (node % 64);
            }
        }
        Self { nodes, bits }
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
        self.nodes.capacity() * size_of::<u32>() + self.bits.capacity() * size_of::<u64>()
    }

    pub(super) fn contains(&self, node: u32) -> bool {
        self.bits.get(node as usize / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.nodes.iter().copied()
    }
}
