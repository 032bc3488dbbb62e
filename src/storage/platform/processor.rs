//! Hints to the processor.

/// Asks for the memory at the start of `line`, which will be needed soon.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn prefetch(line: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint, for an address within a slice; every x86-64 processor has it.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
}

/// Stable Rust has no such hint for other processors, which then find out by themselves.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn prefetch(_line: &[u8]) {}
