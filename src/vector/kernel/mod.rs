//! Sums over the vectors of a graph, which are compared very often: as fast as plain code gets.

mod bytes;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

pub use self::bytes::{product_i8, products_i8};

/// Sums that are made side by side: four registers of eight.
const LANES: usize = 32;

/// A number of a component's bytes.
trait Component<const N: usize> {
    fn widened(bytes: [u8; N]) -> f32;
}

/// 32 bits.
struct F32;
/// The upper half of 32 bits.
struct Bf16;
/// Half precision.
struct F16;

impl Component<4> for F32 {
    #[inline(always)]
    fn widened(bytes: [u8; 4]) -> f32 {
        f32::from_le_bytes(bytes)
    }
}

impl Component<2> for Bf16 {
    #[inline(always)]
    fn widened(bytes: [u8; 2]) -> f32 {
        f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
    }
}

impl Component<2> for F16 {
    #[inline(always)]
    fn widened(bytes: [u8; 2]) -> f32 {
        let bits = u16::from_le_bytes(bytes);
        // The exponent is 112 short of that of 32 bits; this holds for subnormal numbers, too.
        let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * TWO_TO_112;
        f32::from_bits(magnitude.to_bits() | u32::from(bits & 0x8000) << 16)
    }
}

const TWO_TO_112: f32 = f32::from_bits((112 + 127) << 23);

#[inline(always)]
fn sum<const N: usize, C: Component<N>>(
    one: &[u8],
    other: &[u8],
    add: impl Fn(f32, f32, f32) -> f32,
) -> f32 {
    let (one, other) = (one.as_chunks::<N>().0, other.as_chunks::<N>().0);
    let (whole, rest) = one.as_chunks::<LANES>();
    let (whole_other, rest_other) = other.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (one, other) in whole.iter().zip(whole_other) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum = add(*sum, C::widened(*one), C::widened(*other));
        }
    }
    for (sum, (one, other)) in sums.iter_mut().zip(rest.iter().zip(rest_other)) {
        *sum = add(*sum, C::widened(*one), C::widened(*other));
    }
    sums.iter().sum()
}

#[inline(always)]
fn product<const N: usize, C: Component<N>>(one: &[u8], other: &[u8]) -> f32 {
    sum::<N, C>(one, other, |sum, one, other| sum + one * other)
}

#[inline(always)]
fn squares<const N: usize, C: Component<N>>(one: &[u8], other: &[u8]) -> f32 {
    sum::<N, C>(one, other, |sum, one, other| sum + (one - other) * (one - other))
}

/// The same with fused operations, which need instructions of their own.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only with FMA"))]
fn fused_product<const N: usize, C: Component<N>>(one: &[u8], other: &[u8]) -> f32 {
    sum::<N, C>(one, other, |sum, one, other| one.mul_add(other, sum))
}

#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only with FMA"))]
fn fused_squares<const N: usize, C: Component<N>>(one: &[u8], other: &[u8]) -> f32 {
    sum::<N, C>(one, other, |sum, one, other| (one - other).mul_add(one - other, sum))
}

/// A sum over numbers that are the upper halves of 32 bits: two at a time, which are taken apart by
/// a shift and a mask. To widen them one by one takes twice as long.
#[inline(always)]
fn sum_of_halves(one: &[u8], other: &[u8], add: impl Fn(f32, f32, f32) -> f32) -> f32 {
    const PAIRS: usize = LANES / 2;
    let ((one, last), (other, last_other)) = (one.as_chunks::<4>(), other.as_chunks::<4>());
    let (whole, rest) = one.as_chunks::<PAIRS>();
    let (whole_other, rest_other) = other.as_chunks::<PAIRS>();
    let low = |pair: [u8; 4]| f32::from_bits(u32::from_le_bytes(pair) << 16);
    let high = |pair: [u8; 4]| f32::from_bits(u32::from_le_bytes(pair) & 0xffff_0000);
    let (mut lows, mut highs) = ([0.0; PAIRS], [0.0; PAIRS]);
    for (one, other) in whole.iter().zip(whole_other) {
        let sums = lows.iter_mut().zip(&mut highs);
        for ((low_sum, high_sum), (one, other)) in sums.zip(one.iter().zip(other)) {
            *low_sum = add(*low_sum, low(*one), low(*other));
            *high_sum = add(*high_sum, high(*one), high(*other));
        }
    }
    for (low_sum, high_sum) in lows.iter_mut().zip(&highs) {
        *low_sum += *high_sum;
    }
    let mut total = sum_of_all(lows);
    for (one, other) in rest.iter().zip(rest_other) {
        total = add(total, low(*one), low(*other));
        total = add(total, high(*one), high(*other));
    }
    for (one, other) in last.as_chunks().0.iter().zip(last_other.as_chunks().0) {
        total = add(total, Bf16::widened(*one), Bf16::widened(*other));
    }
    total
}

/// The sum of numbers, half of which are added to the other half until there is one.
#[inline(always)]
fn sum_of_all<const N: usize>(mut numbers: [f32; N]) -> f32 {
    let mut rest = numbers.as_mut_slice();
    while rest.len() > 1 {
        let (first, second) = rest.split_at_mut(rest.len() / 2);
        for (one, other) in first.iter_mut().zip(second) {
            *one += *other;
        }
        rest = first;
    }
    rest.first().copied().unwrap_or_default()
}

/// A sum over numbers of half precision, which the processor widens itself.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn sum_f16c(
    one: &[u8],
    other: &[u8],
    add: impl Fn(__m256, __m256, __m256) -> __m256,
    add_one: impl Fn(f32, f32, f32) -> f32,
) -> f32 {
    const EIGHT: usize = 16;
    let ((one, last), (other, last_other)) = (one.as_chunks::<EIGHT>(), other.as_chunks::<EIGHT>());
    let (whole, rest) = one.as_chunks::<4>();
    let (whole_other, rest_other) = other.as_chunks::<4>();
    // SAFETY: there are as many bytes as are read.
    let widened =
        |eight: &[u8; EIGHT]| _mm256_cvtph_ps(unsafe { _mm_loadu_si128(eight.as_ptr().cast()) });
    let mut sums = [_mm256_setzero_ps(); 4];
    for (one, other) in whole.iter().zip(whole_other) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum = add(*sum, widened(one), widened(other));
        }
    }
    let [first, second, third, fourth] = sums;
    let mut sum = _mm256_add_ps(_mm256_add_ps(first, second), _mm256_add_ps(third, fourth));
    for (one, other) in rest.iter().zip(rest_other) {
        sum = add(sum, widened(one), widened(other));
    }
    let sum = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    let sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    let mut total = _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
    for (one, other) in last.as_chunks().0.iter().zip(last_other.as_chunks().0) {
        total = add_one(total, F16::widened(*one), F16::widened(*other));
    }
    total
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn product_f16c(one: &[u8], other: &[u8]) -> f32 {
    sum_f16c(
        one,
        other,
        |sum, one, other| _mm256_fmadd_ps(one, other, sum),
        |sum, one, other| one.mul_add(other, sum),
    )
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn squares_f16c(one: &[u8], other: &[u8]) -> f32 {
    sum_f16c(
        one,
        other,
        |sum, one, other| {
            let difference = _mm256_sub_ps(one, other);
            _mm256_fmadd_ps(difference, difference, sum)
        },
        |sum, one, other| (one - other).mul_add(one - other, sum),
    )
}

/// The inner product of vectors of half precision.
pub fn product_f16(one: &[u8], other: &[u8]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if has_f16c() {
        // SAFETY: the processor has AVX2, FMA and F16C.
        return unsafe { product_f16c(one, other) };
    }
    product::<2, F16>(one, other)
}

/// The square of the distance of vectors of half precision.
pub fn squares_f16(one: &[u8], other: &[u8]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if has_f16c() {
        // SAFETY: the processor has AVX2, FMA and F16C.
        return unsafe { squares_f16c(one, other) };
    }
    squares::<2, F16>(one, other)
}

/// Whether the processor has what `sum_f16c` needs: all that have AVX2 do.
#[cfg(target_arch = "x86_64")]
fn has_f16c() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("fma")
        && std::arch::is_x86_feature_detected!("f16c")
}

/// How many bits differ.
#[inline(always)]
fn differing_bits(one: &[u8], other: &[u8]) -> u32 {
    let (whole, rest) = one.as_chunks::<8>();
    let (whole_other, rest_other) = other.as_chunks::<8>();
    let bits = |one: &[u8; 8], other: &[u8; 8]| {
        (u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other)).count_ones()
    };
    let of_whole: u32 = whole.iter().zip(whole_other).map(|(one, other)| bits(one, other)).sum();
    let of_rest: u32 =
        rest.iter().zip(rest_other).map(|(one, other)| (one ^ other).count_ones()).sum();
    of_whole + of_rest
}

/// A function for each instruction set, and one that takes the best.
macro_rules! dispatched {
    (
        $name:ident, $avx512:ident, $avx2:ident, $fused:expr, $plain:expr, $result:ty,
        $doc:literal
    ) => {
        #[doc = $doc]
        pub fn $name(one: &[u8], other: &[u8]) -> $result {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512bw")
            {
                // SAFETY: the processor has AVX-512F and BW, and with them AVX2 and FMA.
                return unsafe { $avx512(one, other) };
            }
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
            {
                // SAFETY: the processor has AVX2 and FMA, and with AVX2 POPCNT.
                return unsafe { $avx2(one, other) };
            }
            $plain(one, other)
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx2,fma,popcnt")]
        fn $avx512(one: &[u8], other: &[u8]) -> $result {
            $fused(one, other)
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,popcnt")]
        fn $avx2(one: &[u8], other: &[u8]) -> $result {
            $fused(one, other)
        }
    };
}

dispatched!(
    product_f32,
    product_f32_avx512,
    product_f32_avx2,
    fused_product::<4, F32>,
    product::<4, F32>,
    f32,
    "The inner product of vectors of 32 bits."
);
dispatched!(
    squares_f32,
    squares_f32_avx512,
    squares_f32_avx2,
    fused_squares::<4, F32>,
    squares::<4, F32>,
    f32,
    "The square of the distance of vectors of 32 bits."
);
dispatched!(
    product_bf16,
    product_bf16_avx512,
    product_bf16_avx2,
    |one, other| sum_of_halves(one, other, |sum, one, other| one.mul_add(other, sum)),
    |one, other| sum_of_halves(one, other, |sum, one, other| sum + one * other),
    f32,
    "The inner product of vectors of the upper half of 32 bits."
);
dispatched!(
    squares_bf16,
    squares_bf16_avx512,
    squares_bf16_avx2,
    |one, other| sum_of_halves(one, other, |sum, a, b| (a - b).mul_add(a - b, sum)),
    |one, other| sum_of_halves(one, other, |sum, a, b| sum + (a - b) * (a - b)),
    f32,
    "The square of the distance of vectors of the upper half of 32 bits."
);
dispatched!(
    bits_that_differ,
    bits_that_differ_avx512,
    bits_that_differ_avx2,
    differing_bits,
    differing_bits,
    u32,
    "How many bits of two vectors differ."
);

/// What [`steps_of_f32`] does, for each instruction set.
#[inline(always)]
fn steps_of(components: &[u8], steps: &mut [u8]) -> (f32, i32) {
    /// Added to a number that is not large it leaves no bits for fractions, which are thus rounded.
    const WHOLE: f32 = 1.5 * (1 << (f32::MANTISSA_DIGITS - 1)) as f32;
    let components = components.as_chunks().0;
    // The order of magnitudes is that of their bits.
    let largest = components.iter().map(|one| u32::from_le_bytes(*one) << 1).max();
    let step = f32::from_bits(largest.unwrap_or_default() >> 1) / 127.0;
    let per_step = if step.is_normal() { 1.0 / step } else { 0.0 };
    let mut square = 0;
    for (place, one) in steps.iter_mut().zip(components) {
        let whole = (f32::from_le_bytes(*one) * per_step + WHOLE).to_bits() as i8;
        square += i32::from(whole) * i32::from(whole);
        *place = whole.cast_unsigned();
    }
    (step, square)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn steps_of_avx2(components: &[u8], steps: &mut [u8]) -> (f32, i32) {
    steps_of(components, steps)
}

/// Rounds components of 32 bits to steps of the 127th part of the largest one: how large a step is,
/// and the sum of the squares of the steps.
pub fn steps_of_f32(components: &[u8], steps: &mut [u8]) -> (f32, i32) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { steps_of_avx2(components, steps) };
    }
    steps_of(components, steps)
}

/// The bytes of a line of the processor's cache.
pub const LINE: usize = 64;
/// So many bytes are asked for ahead: the processor sees by itself how they go on.
const AHEAD: usize = 1024;

/// Asks for something to be brought to the processor's cache.
#[inline(always)]
pub fn prefetch<T>(of: &[T]) {
    let size = size_of::<T>();
    let of = of.get(..AHEAD / size).unwrap_or(of);
    #[cfg(target_arch = "x86_64")]
    for line in of.chunks((LINE / size).max(1)) {
        // SAFETY: SSE is there on every x86-64, and no address is too bad for a prefetch.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(target_arch = "aarch64")]
    for line in of.chunks((LINE / size).max(1)) {
        // SAFETY: no address is too bad for a prefetch, which changes nothing.
        unsafe {
            std::arch::asm!(
                "prfm pldl1keep, [{}]",
                in(reg) line.as_ptr(),
                options(nostack, preserves_flags, readonly),
            );
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = of;
}

/// The number that the upper half of 32 bits is.
pub fn of_bf16(bytes: [u8; 2]) -> f32 {
    Bf16::widened(bytes)
}

/// The number that half precision has.
pub fn of_f16(bytes: [u8; 2]) -> f32 {
    F16::widened(bytes)
}

/// A number of 32 bits in half precision, rounded to the nearest one that is finite.
pub fn to_f16(number: f32) -> u16 {
    let sign = (number.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = (number.abs().min(65_504.0) / TWO_TO_112).to_bits();
    sign | ((magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13) as u16
}

/// The upper half of a number of 32 bits, rounded to the nearest one that is finite.
pub fn to_bf16(number: f32) -> u16 {
    const GREATEST: u16 = 0x7f7f;
    let sign = (number.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = number.abs().to_bits();
    sign | (((magnitude + 0x7fff + (magnitude >> 16 & 1)) >> 16) as u16).min(GREATEST)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// Bytes of numbers from -1 to 1, or of any bits.
    fn vector(seed: &mut u64, components: usize, width: usize) -> Vec<u8> {
        let mut next = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (*seed >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        };
        (0..components)
            .flat_map(|_| match width {
                4 => next().to_le_bytes().to_vec(),
                2 => to_bf16(next()).to_le_bytes().to_vec(),
                _ => vec![(next() * 127.0) as i8 as u8],
            })
            .collect()
    }

    /// The functions of all instruction sets that the processor has agree.
    macro_rules! agree {
        ($one:expr, $other:expr, $plain:expr, $avx2:ident, $avx512:ident) => {
            let expected = f64::from($plain);
            let is_near = |found: f64| (found - expected).abs() <= 1e-4 * expected.abs().max(1.0);
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
            {
                // SAFETY: the processor has what it needs.
                assert!(is_near(f64::from(unsafe { $avx2($one, $other) })));
            }
            if std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512bw")
            {
                // SAFETY: the processor has what it needs.
                assert!(is_near(f64::from(unsafe { $avx512($one, $other) })));
            }
        };
    }

    #[test]
    fn all_instruction_sets_agree() {
        let mut seed = 1;
        for components in (0..140).chain([384, 1_000, 1_536]) {
            let mut pair = |width| {
                (vector(&mut seed, components, width), vector(&mut seed, components, width))
            };
            let (a, b) = &pair(4);
            agree!(a, b, product::<4, F32>(a, b), product_f32_avx2, product_f32_avx512);
            agree!(a, b, squares::<4, F32>(a, b), squares_f32_avx2, squares_f32_avx512);
            let (a, b) = &pair(2);
            agree!(a, b, product::<2, Bf16>(a, b), product_bf16_avx2, product_bf16_avx512);
            agree!(a, b, squares::<2, Bf16>(a, b), squares_bf16_avx2, squares_bf16_avx512);
            let half = |bytes: &[u8]| -> Vec<u8> {
                let numbers = bytes.as_chunks::<2>().0;
                numbers.iter().flat_map(|b| to_f16(Bf16::widened(*b)).to_le_bytes()).collect()
            };
            let (a, b) = &(half(a), half(b));
            let is_near = |one: f32, other: f32| (one - other).abs() <= 1e-4 * other.abs().max(1.0);
            assert!(is_near(product_f16(a, b), product::<2, F16>(a, b)));
            assert!(is_near(squares_f16(a, b), squares::<2, F16>(a, b)));
            let (a, b) = &pair(1);
            agree!(a, b, differing_bits(a, b), bits_that_differ_avx2, bits_that_differ_avx512);
        }
    }
}
