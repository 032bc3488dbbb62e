//! Inner products of vectors of signed bytes.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::LANES;

/// The bytes of a register.
#[cfg(target_arch = "x86_64")]
const WIDE: usize = 64;

/// The inner product of vectors of signed bytes from -127 on.
pub fn product_i8(one: &[u8], other: &[u8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if has_vnni() {
        // SAFETY: the processor has AVX-512F, BW and VNNI.
        return unsafe { whole_product_vnni(one, other) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { whole_product_of_pairs(one, other) };
    }
    whole_product(one, other)
}

/// The inner products of a vector and each of some that are beside each other, of signed bytes from
/// -127 on. They are added to `products`.
pub fn products_i8(one: &[u8], others: &[u8], products: &mut Vec<i32>) {
    #[cfg(target_arch = "x86_64")]
    if has_vnni() {
        // SAFETY: the processor has AVX-512F, BW and VNNI.
        unsafe { products_vnni(one, others, products) };
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        unsafe { products_of_pairs(one, others, products) };
        return;
    }
    products.extend(others.chunks_exact(one.len().max(1)).map(|other| whole_product(one, other)));
}

/// Whether the processor has what `whole_product_vnni` needs.
#[cfg(target_arch = "x86_64")]
fn has_vnni() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vnni")
}

/// The inner product of vectors of signed bytes.
#[inline(always)]
fn whole_product(one: &[u8], other: &[u8]) -> i32 {
    let multiplied = |one: u8, other: u8| {
        i32::from(i16::from(one.cast_signed()) * i16::from(other.cast_signed()))
    };
    let (whole, rest) = one.as_chunks::<LANES>();
    let (whole_other, rest_other) = other.as_chunks::<LANES>();
    let mut sums = [0; LANES];
    for (one, other) in whole.iter().zip(whole_other) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += multiplied(*one, *other);
        }
    }
    for (sum, (one, other)) in sums.iter_mut().zip(rest.iter().zip(rest_other)) {
        *sum += multiplied(*one, *other);
    }
    sums.iter().sum()
}

/// The same, where the processor multiplies 32 at once and adds up pairs of them, of which it takes
/// the ones as magnitudes: none of them is -128, and so no pair is more than 16 bits hold.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn whole_product_of_pairs(one: &[u8], other: &[u8]) -> i32 {
    let ((one, last), (other, last_other)) = (one.as_chunks::<32>(), other.as_chunks::<32>());
    let (whole, rest) = one.as_chunks::<2>();
    let (whole_other, rest_other) = other.as_chunks::<2>();
    // SAFETY: there are as many bytes as are read.
    let read = |bytes: &[u8; 32]| unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
    let multiplied = |one: &[u8; 32], other: &[u8; 32]| {
        let (one, other) = (read(one), read(other));
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(one), _mm256_sign_epi8(other, one));
        _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))
    };
    let (mut first, mut second) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for ([one, two], [other, other_two]) in whole.iter().zip(whole_other) {
        first = _mm256_add_epi32(first, multiplied(one, other));
        second = _mm256_add_epi32(second, multiplied(two, other_two));
    }
    for (one, other) in rest.iter().zip(rest_other) {
        first = _mm256_add_epi32(first, multiplied(one, other));
    }
    let sum = _mm256_add_epi32(first, second);
    let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    let sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
    let sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 1));
    _mm_cvtsi128_si32(sum) + whole_product(last, last_other)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn products_of_pairs(one: &[u8], others: &[u8], products: &mut Vec<i32>) {
    let others = others.chunks_exact(one.len().max(1));
    products.extend(others.map(|other| whole_product_of_pairs(one, other)));
}

/// The same, where the processor adds up four products at once, of numbers without a sign and some
/// with one: the ones are taken as if they were 128 larger, and what that adds is taken away again.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn whole_product_vnni(one: &[u8], other: &[u8]) -> i32 {
    let ((one, last), (other, last_other)) = (one.as_chunks::<WIDE>(), other.as_chunks::<WIDE>());
    let (whole, rest) = one.as_chunks::<2>();
    let (whole_other, rest_other) = other.as_chunks::<2>();
    let more = _mm512_set1_epi8(i8::MIN);
    // SAFETY: there are as many bytes as are read.
    let read = |bytes: &[u8; WIDE]| unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
    let add = |(sum, added): &mut (__m512i, __m512i), one: __m512i, other: __m512i| {
        *sum = _mm512_dpbusd_epi32(*sum, _mm512_xor_si512(one, more), other);
        *added = _mm512_dpbusd_epi32(*added, more, other);
    };
    let none = (_mm512_setzero_si512(), _mm512_setzero_si512());
    let (mut first, mut second) = (none, none);
    for ([one, two], [other, other_two]) in whole.iter().zip(whole_other) {
        add(&mut first, read(one), read(other));
        add(&mut second, read(two), read(other_two));
    }
    for (one, other) in rest.iter().zip(rest_other) {
        add(&mut first, read(one), read(other));
    }
    if !last.is_empty() {
        add(&mut second, read_some(last), read_some(last_other));
    }
    let sum = _mm512_add_epi32(first.0, second.0);
    let added = _mm512_add_epi32(first.1, second.1);
    _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, added))
}

/// Each with the same vector: what taking the others as if they were 128 larger adds is the same
/// for all.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn products_vnni(one: &[u8], others: &[u8], products: &mut Vec<i32>) {
    let added = 128 * one.iter().map(|byte| i32::from(byte.cast_signed())).sum::<i32>();
    let (whole, last) = one.as_chunks::<WIDE>();
    let more = _mm512_set1_epi8(i8::MIN);
    // SAFETY: there are as many bytes as are read.
    let read = |bytes: &[u8; WIDE]| unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
    let add = |sum, one, other| _mm512_dpbusd_epi32(sum, _mm512_xor_si512(other, more), one);
    products.extend(others.chunks_exact(one.len().max(1)).map(|other| {
        let (whole_other, last_other) = other.as_chunks::<WIDE>();
        let (pairs, single) = whole.as_chunks::<2>();
        let (pairs_other, single_other) = whole_other.as_chunks::<2>();
        let (mut first, mut second) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for ([one, two], [other, other_two]) in pairs.iter().zip(pairs_other) {
            first = add(first, read(one), read(other));
            second = add(second, read(two), read(other_two));
        }
        for (one, other) in single.iter().zip(single_other) {
            first = add(first, read(one), read(other));
        }
        if !last.is_empty() {
            second = add(second, read_some(last), read_some(last_other));
        }
        _mm512_reduce_add_epi32(_mm512_add_epi32(first, second)) - added
    }));
}

/// Fewer bytes than [`WIDE`], and nothing behind them.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn read_some(bytes: &[u8]) -> __m512i {
    let mask = u64::MAX.checked_shr((WIDE - bytes.len().min(WIDE)) as u32).unwrap_or_default();
    // SAFETY: there are as many bytes as the mask has ones; no others are read.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from -127 to 127.
    fn bytes(seed: &mut u64, count: usize) -> Vec<u8> {
        let mut next = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((*seed >> 33) % 255) as i32 - 127
        };
        (0..count).map(|_| (next() as i8).cast_unsigned()).collect()
    }

    #[test]
    fn all_instruction_sets_agree() {
        let mut seed = 1;
        for length in (0..200).chain([384, 1_000, 1_536]) {
            let one = bytes(&mut seed, length);
            let others = bytes(&mut seed, 5 * length);
            let each = || others.chunks_exact(length.max(1));
            let multiplied = |(a, b): (&u8, &u8)| i32::from(*a as i8) * i32::from(*b as i8);
            let product = |other: &[u8]| one.iter().zip(other).map(multiplied).sum();
            let expected: Vec<i32> = each().map(product).collect();
            let singly = |product: fn(&[u8], &[u8]) -> i32| -> Vec<i32> {
                each().map(|other| product(&one, other)).collect()
            };
            let together = |products: fn(&[u8], &[u8], &mut Vec<i32>)| {
                let mut found = vec![7];
                products(&one, &others, &mut found);
                assert_eq!(found.remove(0), 7);
                found
            };
            assert_eq!(singly(product_i8), expected, "{length}");
            assert_eq!(singly(whole_product), expected, "{length}");
            assert_eq!(together(products_i8), expected, "{length}");
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                let product = |a: &[u8], b: &[u8]| unsafe { whole_product_of_pairs(a, b) };
                assert_eq!(singly(product), expected, "{length}");
                // SAFETY: the processor has AVX2.
                let products = |one: &[u8], others: &[u8], products: &mut Vec<i32>| unsafe {
                    products_of_pairs(one, others, products);
                };
                assert_eq!(together(products), expected, "{length}");
            }
        }
    }
}
