//! Random numbers for tests, which a seed repeats.

#![allow(clippy::expect_used)]

/// A small random generator (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    /// With the seed of `LODESTORE_SEED`, or a new one, which it prints.
    pub(crate) fn from_env() -> Self {
        let seed = match std::env::var("LODESTORE_SEED") {
            Ok(seed) => seed.parse().expect("LODESTORE_SEED is a number"),
            Err(_) => {
                use std::hash::{BuildHasher, Hasher};
                std::hash::RandomState::new().build_hasher().finish()
            }
        };
        println!("LODESTORE_SEED={seed}");
        Self::of(seed)
    }

    /// With a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ bits >> 31
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.u64() % end as u64) as usize
    }
}
