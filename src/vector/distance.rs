//! How far vectors are from each other, exactly.
//!
//! Sums are made in f64, in the same eight lanes and without fused operations on every machine, so
//! that a distance has the same bits everywhere, and equal vectors are equally far.

use super::metric::{Form, Metric};

/// Sums that are made side by side.
const LANES: usize = 8;
/// Bytes of the components that go to them at once.
const CHUNK: usize = LANES * size_of::<f32>();

/// What distances are measured from.
#[derive(Debug, Clone)]
pub struct Target {
    form: Form,
    /// The components; empty for bits.
    components: Vec<f64>,
    /// The bits; empty for components.
    bits: Vec<u8>,
    /// The length of the vector.
    norm: f64,
}

impl Target {
    /// Of a vector in the form that the crate's vectors have.
    pub fn new(form: Form, vector: &[u8]) -> Self {
        if form.is_binary() {
            return Self { form, components: Vec::new(), bits: vector.to_vec(), norm: 0.0 };
        }
        let components: Vec<f64> = floats(vector).map(f64::from).collect();
        let (_, square) = products(&components, vector);
        Self { form, components, bits: Vec::new(), norm: square.sqrt() }
    }

    /// What the vectors are like.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The vector, in the form that the crate's vectors have.
    pub fn vector(&self) -> Vec<u8> {
        match self.form.is_binary() {
            true => self.bits.clone(),
            false => {
                let mut vector = vec![0; self.components.len() * size_of::<f32>()];
                for (place, one) in vector.as_chunks_mut().0.iter_mut().zip(&self.components) {
                    // Each was a f32.
                    *place = (*one as f32).to_le_bytes();
                }
                vector
            }
        }
    }

    /// How far another vector is, which is as long.
    pub fn distance(&self, other: &[u8]) -> f64 {
        match self.form.metric {
            Metric::Cosine => {
                let (dot, square) = products(&self.components, other);
                self.cosine_distance(dot, square.sqrt())
            }
            _ => self.distance_at(other, 0.0),
        }
    }

    /// The length of a vector, where it matters to its distance from others.
    pub fn length_of(form: Form, vector: &[u8]) -> f64 {
        if form.metric == Metric::Cosine { square(vector).sqrt() } else { 0.0 }
    }

    /// The distance of a vector whose length is known: the same, to the last bit, for less work.
    pub fn distance_at(&self, other: &[u8], length: f64) -> f64 {
        match self.form.metric {
            Metric::Cosine => self.cosine_distance(dot(&self.components, other), length),
            // Not the negation, which would make a negative zero.
            Metric::Dot => 0.0 - dot(&self.components, other),
            Metric::L2 => differences(&self.components, other).sqrt(),
            Metric::Hamming => f64::from(
                self.bits.iter().zip(other).map(|(one, two)| (one ^ two).count_ones()).sum::<u32>(),
            ),
        }
    }
}

impl Target {
    fn cosine_distance(&self, dot: f64, length: f64) -> f64 {
        // Rounding may lead a little beyond.
        1.0 - (dot / (self.norm * length)).clamp(-1.0, 1.0)
    }
}

/// How alike vectors are that are so far from each other: more is nearer.
pub fn score(form: Form, distance: f64) -> f64 {
    match form.metric {
        Metric::Cosine => 1.0 - distance,
        Metric::Dot => 0.0 - distance,
        Metric::L2 => 1.0 / (1.0 + distance),
        Metric::Hamming => 1.0 - distance / f64::from(form.dimensions),
    }
}

/// The components of a vector.
pub(super) fn floats(vector: &[u8]) -> impl ExactSizeIterator<Item = f32> + Clone {
    vector.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// The inner product of two vectors, and of the second one with itself.
fn products(one: &[f64], other: &[u8]) -> (f64, f64) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { products_avx2(one, other) };
    }
    products_in_lanes(one, other)
}

/// The inner product of two vectors.
fn dot(one: &[f64], other: &[u8]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { dot_avx2(one, other) };
    }
    dot_in_lanes(one, other)
}

/// The inner product of a vector with itself.
pub(super) fn square(vector: &[u8]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { square_avx2(vector) };
    }
    square_in_lanes(vector)
}

/// The square of the Euclidean distance of two vectors.
fn differences(one: &[f64], other: &[u8]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { differences_avx2(one, other) };
    }
    differences_in_lanes(one, other)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn products_avx2(one: &[f64], other: &[u8]) -> (f64, f64) {
    products_in_lanes(one, other)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(one: &[f64], other: &[u8]) -> f64 {
    dot_in_lanes(one, other)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn square_avx2(vector: &[u8]) -> f64 {
    square_in_lanes(vector)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn differences_avx2(one: &[f64], other: &[u8]) -> f64 {
    differences_in_lanes(one, other)
}

#[inline(always)]
fn products_in_lanes(one: &[f64], other: &[u8]) -> (f64, f64) {
    let (mut dots, mut squares) = ([0.0; LANES], [0.0; LANES]);
    each_chunk(one, other, |one, other| {
        let sums = dots.iter_mut().zip(&mut squares);
        for ((dot, square), (one, other)) in sums.zip(one.iter().zip(other)) {
            *dot += one * other;
            *square += other * other;
        }
    });
    (dots.iter().sum(), squares.iter().sum())
}

#[inline(always)]
fn dot_in_lanes(one: &[f64], other: &[u8]) -> f64 {
    let mut dots = [0.0; LANES];
    each_chunk(one, other, |one, other| {
        for (dot, (one, other)) in dots.iter_mut().zip(one.iter().zip(other)) {
            *dot += one * other;
        }
    });
    dots.iter().sum()
}

#[inline(always)]
fn square_in_lanes(vector: &[u8]) -> f64 {
    let mut squares = [0.0; LANES];
    let (whole, rest) = vector.as_chunks::<CHUNK>();
    let mut add = |chunk: &[u8; CHUNK]| {
        for (square, component) in squares.iter_mut().zip(widened(chunk)) {
            *square += component * component;
        }
    };
    whole.iter().for_each(&mut add);
    if !rest.is_empty() {
        let mut last = [0; CHUNK];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        add(&last);
    }
    squares.iter().sum()
}

#[inline(always)]
fn differences_in_lanes(one: &[f64], other: &[u8]) -> f64 {
    let mut squares = [0.0; LANES];
    each_chunk(one, other, |one, other| {
        for (square, (one, other)) in squares.iter_mut().zip(one.iter().zip(other)) {
            let difference = one - other;
            *square += difference * difference;
        }
    });
    squares.iter().sum()
}

/// Visits two vectors in steps of as many components as there are lanes; what lacks in the last one
/// is zeros.
#[inline(always)]
fn each_chunk(one: &[f64], other: &[u8], mut visit: impl FnMut(&[f64; LANES], &[f64; LANES])) {
    let (whole, rest) = one.as_chunks::<LANES>();
    let (whole_other, rest_other) = other.as_chunks::<CHUNK>();
    for (one, other) in whole.iter().zip(whole_other) {
        visit(one, &widened(other));
    }
    if rest.is_empty() {
        return;
    }
    let (mut last, mut last_other) = ([0.0; LANES], [0; CHUNK]);
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    last_other.iter_mut().zip(rest_other).for_each(|(to, from)| *to = *from);
    visit(&last, &widened(&last_other));
}

#[inline(always)]
fn widened(bytes: &[u8; CHUNK]) -> [f64; LANES] {
    let mut components = [0.0; LANES];
    for (to, from) in components.iter_mut().zip(bytes.as_chunks().0) {
        *to = f64::from(f32::from_le_bytes(*from));
    }
    components
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(metric: Metric, dimensions: u32) -> Form {
        Form { dimensions, metric }
    }

    fn bytes(components: &[f32]) -> Vec<u8> {
        components.iter().flat_map(|one| one.to_le_bytes()).collect()
    }

    fn random(seed: &mut u64, count: usize) -> Vec<f32> {
        let mut next = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((*seed >> 33) as f32 / (1_u64 << 31) as f32 - 0.5) * 4.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn a_target_tells_its_vector() {
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            let vector = bytes(&random(&mut 3, 31));
            assert_eq!(Target::new(form(metric, 31), &vector).vector(), vector);
        }
        assert_eq!(Target::new(form(Metric::Hamming, 24), &[1, 2, 3]).vector(), [1, 2, 3]);
    }

    #[test]
    fn distances_are_those_of_plain_sums() {
        let mut seed = 7;
        for dimensions in [1_u32, 2, 7, 8, 9, 16, 31, 384] {
            let (one, two) =
                (random(&mut seed, dimensions as usize), random(&mut seed, dimensions as usize));
            let pairs = || one.iter().zip(&two).map(|(a, b)| (f64::from(*a), f64::from(*b)));
            let dot: f64 = pairs().map(|(a, b)| a * b).sum();
            let norms: (f64, f64) =
                (pairs().map(|(a, _)| a * a).sum(), pairs().map(|(_, b)| b * b).sum());
            let l2 = pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            let cosine = 1.0 - dot / (norms.0.sqrt() * norms.1.sqrt());
            for (metric, expected) in
                [(Metric::Cosine, cosine), (Metric::Dot, -dot), (Metric::L2, l2)]
            {
                let found =
                    Target::new(form(metric, dimensions), &bytes(&one)).distance(&bytes(&two));
                assert!((found - expected).abs() < 1e-12, "{metric:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_processor_makes_no_difference() {
        let mut seed = 9;
        for dimensions in 1..70 {
            let (one, two) = (random(&mut seed, dimensions), bytes(&random(&mut seed, dimensions)));
            let one: Vec<f64> = one.into_iter().map(f64::from).collect();
            assert_eq!(products(&one, &two), products_in_lanes(&one, &two));
            assert_eq!(differences(&one, &two), differences_in_lanes(&one, &two));
            assert_eq!((dot(&one, &two), square(&two)), products(&one, &two));
            assert_eq!((dot_in_lanes(&one, &two), square_in_lanes(&two)), products(&one, &two));
        }
    }

    #[test]
    fn a_vector_is_next_to_itself() {
        let vector = bytes(&[0.1, 0.2, -0.3]);
        assert!(Target::new(form(Metric::Cosine, 3), &vector).distance(&vector) < 1e-15);
        assert_eq!(Target::new(form(Metric::L2, 3), &vector).distance(&vector), 0.0);
        let bits = Target::new(form(Metric::Hamming, 16), &[0b1010_0000, 0xff]);
        assert_eq!(bits.distance(&[0b1010_0000, 0xff]), 0.0);
        assert_eq!(bits.distance(&[0b0000_0001, 0x0f]), 7.0);
    }

    #[test]
    fn lengths_beyond_those_of_f32_are_compared() {
        let far = bytes(&[f32::MAX, f32::MAX]);
        let near = bytes(&[f32::from_bits(1), f32::from_bits(1)]);
        let cosine =
            |one: &[u8], two: &[u8]| Target::new(form(Metric::Cosine, 2), one).distance(two);
        assert!(cosine(&far, &near) < 1e-12);
        assert!(
            Target::new(form(Metric::L2, 2), &far).distance(&bytes(&[f32::MIN; 2])).is_finite()
        );
    }
}
