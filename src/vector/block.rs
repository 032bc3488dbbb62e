//! Vectors of many documents side by side, which are compared at once.

use super::distance::Target;
use super::metric::Form;

/// As many bytes of vectors make a block full: they fit into the cache of a core.
const FULL: usize = 128 << 10;
/// As many documents make it full, however short their vectors are.
const MOST: usize = 512;

/// The keys of documents, and their vectors.
#[derive(Debug)]
pub struct Block {
    form: Form,
    keys: Vec<u8>,
    /// Where each document's key ends, and how many vectors there are up to its last one.
    ends: Vec<(usize, usize)>,
    vectors: Vec<u8>,
    count: usize,
}

impl Block {
    /// Without any.
    pub fn new(form: Form) -> Self {
        Self { form, keys: Vec::new(), ends: Vec::new(), vectors: Vec::new(), count: 0 }
    }

    /// Adds a vector of the next document.
    pub fn push_vector(&mut self, vector: &[u8]) {
        self.vectors.extend_from_slice(vector);
        self.count += 1;
    }

    /// Ends the vectors of a document, which is left out if it has none.
    pub fn end_document(&mut self, key: &[u8]) {
        if self.count > self.ends.last().map_or(0, |(_, vectors)| *vectors) {
            self.keys.extend_from_slice(key);
            self.ends.push((self.keys.len(), self.count));
        }
    }

    /// Takes away the vectors of a document that was not ended.
    pub fn undo(&mut self) {
        self.count = self.ends.last().map_or(0, |(_, vectors)| *vectors);
        self.vectors.truncate(self.count * self.form.bytes());
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether it is time to compare them.
    pub fn is_full(&self) -> bool {
        self.vectors.len() >= FULL || self.ends.len() >= MOST
    }

    /// Takes all documents away.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.ends.clear();
        self.vectors.clear();
        self.count = 0;
    }

    /// The key of each document.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |(end, _)| {
            let key = self.keys.get(start..*end).unwrap_or_default();
            start = *end;
            key
        })
    }

    /// How far the nearest vector of each document is from each target: of the first document all,
    /// then of the second, and so on.
    pub fn distances(&self, targets: &[Target]) -> Vec<f64> {
        let mut distances = Vec::with_capacity(self.len() * targets.len());
        let mut vectors = self.vectors.chunks_exact(self.form.bytes().max(1));
        let mut passed = 0;
        for (_, end) in &self.ends {
            let start = distances.len();
            distances.resize(start + targets.len(), f64::INFINITY);
            for vector in vectors.by_ref().take(*end - passed) {
                let length = Target::length_of(self.form, vector);
                let own = distances.get_mut(start..).unwrap_or_default();
                for (distance, target) in own.iter_mut().zip(targets) {
                    *distance = distance.min(target.distance_at(vector, length));
                }
            }
            passed = *end;
        }
        distances
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::vector::Metric;

    fn bytes(components: [f32; 3]) -> Vec<u8> {
        components.iter().flat_map(|one| one.to_le_bytes()).collect()
    }

    #[test]
    fn distances_are_those_of_single_vectors() {
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            let form = Form { dimensions: 3, metric };
            let vectors = [[1.0, 2.0, 3.0], [0.5, -1.0, 2.0], [3.0, 3.0, -3.0], [0.1, 0.2, 0.3]];
            let targets =
                [[1.0, 0.0, 0.0], [0.3, -0.4, 5.0]].map(|target| Target::new(form, &bytes(target)));
            let mut block = Block::new(form);
            block.push_vector(&bytes(vectors[0]));
            block.end_document(b"a");
            block.end_document(b"none");
            block.push_vector(&bytes([9.0; 3]));
            block.undo();
            block.push_vector(&bytes(vectors[1]));
            block.push_vector(&bytes(vectors[2]));
            block.end_document(b"bc");
            block.push_vector(&bytes(vectors[3]));
            block.end_document(b"d");
            assert_eq!(block.keys().collect::<Vec<_>>(), [&b"a"[..], b"bc", b"d"]);
            let of = |target: &Target, at: usize| target.distance(&bytes(vectors[at]));
            let expected: Vec<f64> = [&[0][..], &[1, 2], &[3]]
                .iter()
                .flat_map(|own| {
                    let nearest = |target| own.iter().map(|at| of(target, *at)).reduce(f64::min);
                    targets.iter().filter_map(nearest).collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(block.distances(&targets), expected, "{metric:?}");
        }
    }
}
