//! Vectors as a graph has them, and how far they are from each other, about.
//!
//! A graph connects what is near, and near has to be mutual: what is near to two vectors is not far
//! from both. The inner product is not like that, since a long vector is near to all. So vectors of
//! that metric get one more component, by which they are all equally long, and the one that is
//! searched for gets zero: their inner product stays what it was (Bachrach et al., 2014).

use super::distance::{floats, square};
use super::kernel;
use super::metric::{Form, Metric};
use super::precision::Precision;

/// How far two vectors of a graph are from each other, about: only the order counts.
type Measure = fn(&[u8], &[u8]) -> f32;

/// How far off the distances of packed vectors may be, from those of the vectors as they were.
#[derive(Debug, Clone, Copy)]
pub struct Doubt {
    absolute: f32,
    /// A part of the distance.
    relative: f32,
    /// What rounding one of the vectors makes of their inner product, hardly ever more.
    rounding: f32,
}

impl Doubt {
    /// A distance beyond which vectors are further than at this one.
    pub fn beyond(self, distance: f32) -> f32 {
        // Both may be off.
        let both = 2.0 * self.absolute + 2.0 * self.relative * distance.abs();
        if self.rounding == 0.0 {
            return distance + both;
        }
        // Two vectors are rounded independently of each other. How the target was rounded counts
        // by how far they are from each other: if both are so far from the target, whose length
        // is 1 as theirs is, the square of that is eight times the distance at most.
        let furthest = distance + both + 2.5 * self.rounding;
        let between = (8.0 * furthest).clamp(0.0, 4.0);
        distance + both + self.rounding * (2.0 + between).sqrt()
    }
}

/// How vectors are packed for a graph.
#[derive(Debug, Clone, Copy)]
pub struct Packing {
    form: Form,
    precision: Precision,
    measure: Measure,
}

impl Packing {
    /// Of vectors of a form.
    pub fn new(form: Form, precision: Precision) -> Self {
        Self { form, precision, measure: measure_of(form.metric, precision) }
    }

    /// Of which vectors, and how exactly.
    pub(super) fn of(self) -> (Form, Precision) {
        (self.form, self.precision)
    }

    /// How many bytes a vector takes.
    pub const fn bytes(self) -> usize {
        self.precision.bytes(self.form)
    }

    /// How copies of packed vectors are packed, which take less time to compare, for being less
    /// exact; `None` if there are none, because it would save too little.
    pub(super) fn of_copies(self) -> Option<Self> {
        (self.precision == Precision::F32).then(|| Self::new(self.form, Precision::I8))
    }

    /// Packs [copies](Self::of_copies) of packed vectors that follow each other, at the end of
    /// `copies`.
    pub(super) fn pack_copies(self, packed: &[u8], copies: &mut Vec<u8>) {
        let dimensions = self.form.dimensions as usize;
        for vector in packed.chunks_exact(self.bytes()) {
            let (components, rest) = vector.split_at(self.precision.bytes_of_components(self.form));
            let from = copies.len();
            copies.resize(from + dimensions, 0);
            let steps = copies.get_mut(from..).unwrap_or_default();
            let (step, square) = kernel::steps_of_f32(components, steps);
            copies.extend(step.to_le_bytes());
            copies.extend((square as f32 * step * step).to_le_bytes());
            // What makes it as long as the others stays as it is.
            copies.extend_from_slice(rest);
        }
    }

    /// How far packed vectors are from each other, about; a finite number.
    #[inline]
    pub fn distance(self, one: &[u8], other: &[u8]) -> f32 {
        let distance = (self.measure)(one, other);
        if distance.is_finite() {
            distance
        } else if distance == f32::NEG_INFINITY {
            f32::MIN
        } else {
            f32::MAX
        }
    }

    /// How far documents are from each other, about, whose packed vectors are so far.
    pub fn distance_of_documents(self, distance: f32) -> f64 {
        match self.form.metric {
            Metric::L2 => f64::from(distance).max(0.0).sqrt(),
            _ => f64::from(distance),
        }
    }

    /// The inverse of [`distance_of_documents`](Self::distance_of_documents).
    pub fn distance_of_packed(self, distance: f64) -> f64 {
        match self.form.metric {
            Metric::L2 => distance.powi(2),
            _ => distance,
        }
    }

    /// How far off distances from a packed vector may be; `None` if that is not known. With 16 bits
    /// they are hardly ever further off, otherwise never.
    pub fn doubt(self, target: &[u8]) -> Option<Doubt> {
        use Metric::{Cosine, L2};
        // Half of a step between numbers of 32 bits; one for each addition to a sum, of which there
        // are sixteen or more at once, and some for components, differences and the last steps.
        let step = f32::EPSILON / 2.0;
        let sums = (self.form.dimensions as f32 / 16.0 + 40.0) * step;
        // Components of both vectors are rounded independently of each other, by half a step at
        // most, whose square is three times the variance. Their product is off by the sum of what
        // these make of the other's components, of which the largest bounds the deviation, since
        // both vectors have the length 1; by more than five times that it is hardly ever.
        let rounded = |half_step: f32, largest: f32| Doubt {
            absolute: sums,
            relative: 0.0,
            rounding: 5.0 * (1.0_f32 / 3.0).sqrt() * half_step * largest,
        };
        let exact = |absolute, relative| Doubt { absolute, relative, rounding: 0.0 };
        let components = target.as_chunks().0.iter();
        match (self.precision, self.form.metric) {
            (Precision::F32, Cosine) => Some(exact(sums, 0.0)),
            (Precision::F32, L2) => Some(exact(f32::MIN_POSITIVE, sums)),
            (Precision::Bf16, Cosine) => {
                let largest = components.map(|one| kernel::of_bf16(*one).abs()).fold(0.0, f32::max);
                Some(rounded(1.0 / 256.0, largest))
            }
            (Precision::F16, Cosine) => {
                let largest = components.map(|one| kernel::of_f16(*one).abs()).fold(0.0, f32::max);
                Some(rounded(1.0 / 2048.0, largest))
            }
            (Precision::B1, _) => Some(exact(0.0, 0.0)),
            _ => None,
        }
    }

    /// Packs the vector to search for, which is in the form that the crate's vectors have.
    pub fn pack_target(self, vector: &[u8]) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.bytes());
        self.pack(vector, 0.0, &mut packed);
        packed
    }

    /// A packed vector of the graph as one to search for.
    pub(super) fn target_of(self, packed: &[u8]) -> Vec<u8> {
        let mut target = packed.to_vec();
        if self.form.metric == Metric::Dot
            && let Some(lacking) = target.last_chunk_mut::<{ size_of::<f32>() }>()
        {
            *lacking = 0.0_f32.to_le_bytes();
        }
        target
    }

    /// How long a vector is.
    pub fn length(self, vector: &[u8]) -> f64 {
        square(vector).sqrt()
    }

    /// Packs a vector of the graph, at the end of `packed`. `longest` is how long the longest one
    /// is, about.
    pub fn pack(self, vector: &[u8], longest: f64, packed: &mut Vec<u8>) {
        self.pack_components(vector, packed);
        if self.form.metric == Metric::Dot {
            let lacking = longest.powi(2) - self.length(vector).powi(2);
            packed.extend((lacking.max(0.0).sqrt() as f32).to_le_bytes());
        }
    }

    fn pack_components(self, vector: &[u8], packed: &mut Vec<u8>) {
        if self.precision == Precision::B1 {
            packed.extend_from_slice(vector);
            return;
        }
        let factor = match self.form.metric {
            // All have the length 1, so that their angle is in the inner product.
            Metric::Cosine => 1.0 / self.length(vector),
            _ => 1.0,
        };
        let components = floats(vector).map(|one| (f64::from(one) * factor) as f32);
        match self.precision {
            Precision::F32 => append(components, f32::to_le_bytes, packed),
            Precision::F16 => append(components, |one| kernel::to_f16(one).to_le_bytes(), packed),
            Precision::Bf16 => append(components, |one| kernel::to_bf16(one).to_le_bytes(), packed),
            Precision::I8 => pack_steps(components, packed),
            Precision::B1 => {}
        }
    }
}

/// Appends the bytes of each component. Where it is known before how many there are, they are made
/// several at a time.
fn append<const N: usize>(
    components: impl ExactSizeIterator<Item = f32>,
    bytes_of: impl Fn(f32) -> [u8; N],
    packed: &mut Vec<u8>,
) {
    let from = packed.len();
    packed.resize(from + components.len() * N, 0);
    let places = packed.get_mut(from..).unwrap_or_default().as_chunks_mut().0;
    for (place, one) in places.iter_mut().zip(components) {
        *place = bytes_of(one);
    }
}

/// Packs components as steps, then how large a step is, and the square of the vector's length.
fn pack_steps(components: impl Iterator<Item = f32> + Clone, packed: &mut Vec<u8>) {
    let largest = components.clone().map(f32::abs).fold(0.0, f32::max);
    let step = largest / 127.0;
    let mut square = 0;
    for one in components {
        let steps = if step > 0.0 { (one / step).round().clamp(-127.0, 127.0) as i8 } else { 0 };
        square += i32::from(steps).pow(2);
        packed.push(steps.cast_unsigned());
    }
    packed.extend(step.to_le_bytes());
    packed.extend((square as f32 * step * step).to_le_bytes());
}

/// The inner product and the squares of the lengths of vectors in steps.
#[inline]
fn of_steps(one: &[u8], other: &[u8]) -> (f32, f32, f32) {
    let apart = |vector: &'_ [u8]| {
        let (rest, square) = vector.split_last_chunk()?;
        let (_, step) = rest.split_last_chunk()?;
        Some((f32::from_le_bytes(*step), f32::from_le_bytes(*square)))
    };
    let steps = |vector: &'_ [u8]| vector.len().saturating_sub(8);
    let (Some(first), Some(second)) = (apart(one), apart(other)) else { return (0.0, 0.0, 0.0) };
    let (one, other) = (one.get(..steps(one)), other.get(..steps(other)));
    let product = kernel::product_i8(one.unwrap_or_default(), other.unwrap_or_default());
    (product as f32 * first.0 * second.0, first.1, second.1)
}

/// The negative inner product of vectors with one more component behind them.
#[inline]
fn lengthened(one: &[u8], other: &[u8], product: impl Fn(&[u8], &[u8]) -> f32) -> f32 {
    match (one.split_last_chunk(), other.split_last_chunk()) {
        (Some((one, first)), Some((other, second))) => {
            -(product(one, other) + f32::from_le_bytes(*first) * f32::from_le_bytes(*second))
        }
        _ => 0.0,
    }
}

fn measure_of(metric: Metric, precision: Precision) -> Measure {
    use Metric::{Cosine, Dot, Hamming, L2};
    use Precision::{B1, Bf16, F16, F32, I8};
    match (precision, metric) {
        (B1, _) | (_, Hamming) => |one, other| kernel::bits_that_differ(one, other) as f32,
        (F32, Cosine) => |one, other| 1.0 - kernel::product_f32(one, other),
        (F32, Dot) => |one, other| lengthened(one, other, kernel::product_f32),
        (F32, L2) => kernel::squares_f32,
        (F16, Cosine) => |one, other| 1.0 - kernel::product_f16(one, other),
        (F16, Dot) => |one, other| lengthened(one, other, kernel::product_f16),
        (F16, L2) => kernel::squares_f16,
        (Bf16, Cosine) => |one, other| 1.0 - kernel::product_bf16(one, other),
        (Bf16, Dot) => |one, other| lengthened(one, other, kernel::product_bf16),
        (Bf16, L2) => kernel::squares_bf16,
        (I8, Cosine) => |one, other| 1.0 - of_steps(one, other).0,
        (I8, Dot) => |one, other| lengthened(one, other, |one, other| of_steps(one, other).0),
        (I8, L2) => |one, other| {
            let (product, first, second) = of_steps(one, other);
            first + second - 2.0 * product
        },
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::super::distance::Target;
    use super::*;

    fn bytes(components: &[f32]) -> Vec<u8> {
        components.iter().flat_map(|one| one.to_le_bytes()).collect()
    }

    fn packed(packing: Packing, vector: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        packing.pack(vector, 20.0, &mut packed);
        assert_eq!(packed.len(), packing.bytes());
        packed
    }

    #[test]
    fn distances_are_about_those_of_the_documents_vectors() {
        let mut seed = 5_u64;
        let mut vector = |dimensions: u32| {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
            };
            bytes(&(0..dimensions).map(|_| next()).collect::<Vec<_>>())
        };
        for dimensions in [1, 3, 31, 32, 33, 100, 384] {
            let (one, two) = (vector(dimensions), vector(dimensions));
            for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
                let form = Form { dimensions, metric };
                let mut exact = Target::new(form, &one).distance(&two);
                if metric == Metric::L2 {
                    exact *= exact;
                }
                for (precision, off) in [
                    (Precision::F32, 1e-5),
                    (Precision::F16, 3e-3),
                    (Precision::Bf16, 2e-2),
                    (Precision::I8, 3e-2),
                ] {
                    let packing = Packing::new(form, precision);
                    let about = f64::from(
                        packing.distance(&packing.pack_target(&one), &packed(packing, &two)),
                    );
                    if let Some(doubt) = packing.doubt(&packing.pack_target(&one)) {
                        let rounding = doubt.rounding * 2.0_f32.sqrt();
                        let most = doubt.absolute + rounding + doubt.relative * exact as f32;
                        let most = f64::from(most);
                        let by = (about - exact).abs();
                        assert!(by <= most, "{precision:?} {metric:?} {dimensions}: {by}");
                        assert!(most < off * exact.max(1.0), "{precision:?} {metric:?}: {most}");
                    }
                    let scale = exact.abs().max(1.0);
                    assert!(
                        (about - exact).abs() <= off * scale,
                        "{precision:?} {metric:?} {dimensions}: {about} {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_beyond_doubt_is_further_away() {
        let mut seed = 11_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        };
        for (dimensions, precision) in [3, 32, 384].into_iter().flat_map(|dimensions| {
            [Precision::F32, Precision::F16, Precision::Bf16].map(|one| (dimensions, one))
        }) {
            let form = Form { dimensions, metric: Metric::Cosine };
            let packing = Packing::new(form, precision);
            let center: Vec<f32> = (0..dimensions).map(|_| next()).collect();
            // Some are near to each other, others are not.
            let mut vector = |spread: f32| {
                bytes(&center.iter().map(|one| one + spread * next()).collect::<Vec<_>>())
            };
            let (mut settled, mut open) = (0, 0);
            for spread in [0.02, 0.3, 3.0] {
                let own = vector(spread);
                let (target, exact) = (packing.pack_target(&own), Target::new(form, &own));
                let doubt = packing.doubt(&target).unwrap();
                let mut measure = || {
                    let one = vector(spread);
                    (packing.distance(&target, &packed(packing, &one)), exact.distance(&one))
                };
                let mut all: Vec<(f32, f64)> = (0..300).map(|_| measure()).collect();
                all.sort_by(|one, other| one.0.total_cmp(&other.0));
                for (at, one) in all.iter().enumerate() {
                    for other in &all[at + 1..] {
                        let is_settled = doubt.beyond(one.0) < other.0;
                        assert!(!is_settled || one.1 < other.1, "{precision:?}: {one:?} {other:?}");
                        settled += usize::from(is_settled);
                        open += usize::from(!is_settled);
                    }
                }
            }
            assert!(settled > 10_000 && open > 0, "{precision:?} {dimensions}: {settled} {open}");
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        let half = |number: f32| kernel::to_f16(number);
        assert_eq!(
            [half(1.0), half(-2.0), half(65_504.0), half(1e9)],
            [0x3c00, 0xc000, 0x7bff, 0x7bff]
        );
        // The least subnormal number, half of it (a tie, to even), and a little more than half.
        assert_eq!([half(5.960_464_5e-8), half(2.980_232_2e-8), half(3.1e-8)], [1, 0, 1]);
        assert_eq!([half(0.0), half(-0.0), half(0.1)], [0, 0x8000, 0x2e66]);
        let upper = |number: f32| kernel::to_bf16(number);
        assert_eq!([upper(1.0), upper(-2.0), upper(f32::MAX)], [0x3f80, 0xc000, 0x7f7f]);
        assert_eq!([upper(1.0 + 1.0 / 256.0), upper(1.004)], [0x3f80, 0x3f81]);
    }

    #[test]
    fn distances_are_finite() {
        let far = bytes(&[f32::MAX; 40]);
        let opposite = bytes(&[f32::MIN; 40]);
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            for precision in [Precision::F32, Precision::F16, Precision::Bf16, Precision::I8] {
                let packing = Packing::new(Form { dimensions: 40, metric }, precision);
                for (one, two) in [(&far, &far), (&far, &opposite), (&opposite, &far)] {
                    let distance = packing.distance(&packed(packing, one), &packed(packing, two));
                    assert!(distance.is_finite(), "{metric:?} {precision:?}");
                }
            }
        }
    }
}
