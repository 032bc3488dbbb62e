//! Hints to the processor.

/// Asks for the memory at the start of `line`, which will be needed soon.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn prefetch<T: ?Sized>(line: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint, for the address of a value; every x86-64 processor has it.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) }
}

/// Stable Rust has no such hint for other processors, which then find out by themselves.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn prefetch<T: ?Sized>(_line: &T) {}
