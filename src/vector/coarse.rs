//! Copies of packed vectors in bytes, by which most of those that are far are told to be so for a
//! fraction of what it costs to compare them.
//!
//! What rounding to bytes takes away from a vector is a vector, too, and its length is known. So it
//! is known how far off the inner product of two copies is at most (by Cauchy and Schwarz), and
//! nothing is missed.

use std::ops::Range;

use super::kernel;
use super::metric::{Form, Metric};
use super::precision::Precision;

/// Half of a step between numbers of 32 bits, and as many of them as a sum may be off by.
const STEP: f32 = f32::EPSILON / 2.0;
const STEPS: f32 = 100.0;

/// Copies of vectors, beside each other.
#[derive(Debug)]
pub(super) struct Coarse {
    dimensions: usize,
    precision: Precision,
    bytes: Vec<u8>,
    /// How large a step of each vector is.
    steps: Vec<f32>,
    /// How long the longest vector is, and the longest of what was taken away.
    longest: f32,
    lost: f32,
}

/// How far some vectors are.
#[derive(Debug, Default)]
pub(super) struct Distances {
    products: Vec<i32>,
    all: Vec<f32>,
}

impl Distances {
    pub(super) fn all(&self) -> &[f32] {
        &self.all
    }
}

/// What is searched for, as a copy.
pub(super) struct Question {
    bytes: Vec<u8>,
    step: f32,
    /// How far off distances are at most.
    pub(super) off: f32,
}

impl Coarse {
    /// How many bytes a vector takes; `None` if there are no copies of such.
    pub(super) fn bytes_of(form: Form, precision: Precision) -> Option<usize> {
        let has_components = matches!(precision, Precision::F32 | Precision::F16 | Precision::Bf16);
        (form.metric == Metric::Cosine && has_components)
            .then(|| form.dimensions as usize + size_of::<f32>())
    }

    /// Copies of vectors that are packed so, of which there are so many.
    pub(super) fn of<'v>(
        (form, precision): (Form, Precision),
        vectors: impl ExactSizeIterator<Item = &'v [u8]>,
    ) -> Self {
        let (dimensions, count) = (form.dimensions as usize, vectors.len());
        let mut own = Self {
            dimensions,
            precision,
            bytes: Vec::with_capacity(count * dimensions),
            steps: Vec::with_capacity(count),
            longest: 0.0,
            lost: 0.0,
        };
        let mut components = Vec::new();
        for vector in vectors {
            let (step, length, lost) =
                round((precision, vector), dimensions, &mut components, &mut own.bytes);
            own.steps.push(step);
            own.longest = own.longest.max(length);
            own.lost = own.lost.max(lost);
        }
        own
    }

    /// A packed vector to search for.
    pub(super) fn question(&self, packed: &[u8]) -> Question {
        let mut bytes = Vec::with_capacity(self.dimensions);
        let what = (self.precision, packed);
        let (step, length, lost) = round(what, self.dimensions, &mut Vec::new(), &mut bytes);
        // The product of the vectors is that of the copies, of what was taken from the one with the
        // other, and of the one's copy with what was taken from the other.
        let rounding = (self.dimensions as f32 / 16.0 + STEPS) * STEP * length * self.longest;
        let off = lost * self.longest + (length + lost) * self.lost + rounding;
        Question { bytes, step, off: off * (1.0 + STEPS * STEP) }
    }

    /// About how far each of some of them is, in their order.
    pub(super) fn distances(
        &self,
        question: &Question,
        range: Range<usize>,
        distances: &mut Distances,
    ) {
        let Distances { products, all } = distances;
        let of_bytes = range.start * self.dimensions..range.end * self.dimensions;
        let bytes = self.bytes.get(of_bytes).unwrap_or_default();
        products.clear();
        kernel::products_i8(&question.bytes, bytes, products);
        let steps = self.steps.get(range).unwrap_or_default();
        let distance = |(product, step): (&i32, &f32)| 1.0 - *product as f32 * question.step * step;
        all.clear();
        all.extend(products.iter().zip(steps).map(distance));
    }

    /// How many bytes of memory they take.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.steps.capacity() * size_of::<f32>()
    }
}

/// Adds a copy of a packed vector: how large its steps are, how long it is, and how long what was
/// taken away is.
fn round(
    (precision, packed): (Precision, &[u8]),
    dimensions: usize,
    components: &mut Vec<f32>,
    bytes: &mut Vec<u8>,
) -> (f32, f32, f32) {
    components.clear();
    match precision {
        Precision::F32 => {
            components.extend(packed.as_chunks().0.iter().map(|one| f32::from_le_bytes(*one)));
        }
        Precision::F16 => {
            components.extend(packed.as_chunks().0.iter().map(|one| kernel::of_f16(*one)));
        }
        _ => components.extend(packed.as_chunks().0.iter().map(|one| kernel::of_bf16(*one))),
    }
    components.resize(dimensions, 0.0);
    let largest = components.iter().fold(0.0_f32, |largest, one| largest.max(one.abs()));
    let step = largest / 127.0;
    let per_step = if step.is_normal() { 1.0 / step } else { 0.0 };
    let (mut length, mut lost) = (0.0_f64, 0.0_f64);
    bytes.extend(components.iter().map(|one| {
        let scaled = one * per_step;
        // To the nearest, as far as it goes; what is left is counted anyway.
        let whole = (scaled + 0.5_f32.copysign(scaled)) as i8;
        length += f64::from(*one).powi(2);
        lost += (f64::from(*one) - f64::from(whole) * f64::from(step)).powi(2);
        whole.cast_unsigned()
    }));
    (step, length.sqrt() as f32, lost.sqrt() as f32)
}

#[cfg(test)]
mod tests {
    use super::super::packed::Packing;
    use super::*;

    #[test]
    fn distances_are_no_further_off_than_is_said() {
        let mut seed = 9_u64;
        let mut vector = |dimensions: u32, spread: i32| -> Vec<u8> {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((seed >> 40) as f32 / (1_u64 << 24) as f32 - 0.5).powi(spread)
            };
            (0..dimensions).flat_map(|_| next().to_le_bytes()).collect()
        };
        for precision in [Precision::F32, Precision::F16, Precision::Bf16] {
            for (dimensions, spread) in [(1, 1), (3, 1), (33, 9), (384, 1), (384, 9), (1_000, 1)] {
                let form = Form { dimensions, metric: Metric::Cosine };
                let packing = Packing::new(form, precision);
                let packed: Vec<Vec<u8>> =
                    (0..50).map(|_| packing.pack_target(&vector(dimensions, spread))).collect();
                let coarse = Coarse::of((form, precision), packed.iter().map(|one| one.as_slice()));
                for target in &packed {
                    let question = coarse.question(target);
                    assert!(question.off < 0.06, "{precision:?} {dimensions}: {}", question.off);
                    let mut distances = Distances::default();
                    coarse.distances(&question, 0..packed.len(), &mut distances);
                    assert_eq!(distances.all().len(), packed.len());
                    for (about, one) in distances.all().iter().zip(&packed) {
                        let by = (about - packing.distance(target, one)).abs();
                        assert!(by <= question.off, "{precision:?} {dimensions}: {by}");
                    }
                    coarse.distances(&question, 7..9, &mut distances);
                    assert_eq!(distances.all().len(), 2);
                    for (about, one) in distances.all().iter().zip(packed.iter().skip(7)) {
                        assert!((about - packing.distance(target, one)).abs() <= question.off);
                    }
                }
            }
        }
    }
}
