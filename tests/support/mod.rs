//! What several engine tests share.

#![allow(dead_code, reason = "each test uses its own part")]

pub mod queries;
pub mod scratch;

/// A small random generator (SplitMix64), so that a seed replays a run on every machine.
pub struct Random(u64);

impl Random {
    /// With the seed of `LODESTORE_SEED`, or a new one, which it prints.
    pub fn from_env() -> Self {
        let seed = match std::env::var("LODESTORE_SEED") {
            Ok(seed) => seed.parse().expect("LODESTORE_SEED is a number"),
            Err(_) => {
                use std::hash::{BuildHasher, Hasher};
                std::hash::RandomState::new().build_hasher().finish()
            }
        };
        println!("LODESTORE_SEED={seed}");
        Self(seed)
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ bits >> 31
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.u64() % end as u64) as usize
    }

    /// Up to `max_len` bytes below `end`.
    pub fn bytes(&mut self, max_len: usize, end: usize) -> Vec<u8> {
        (0..self.below(max_len + 1)).map(|_| self.below(end) as u8).collect()
    }
}

/// A field path.
pub fn path(path: &str) -> lodestore::value::FieldPath {
    lodestore::value::FieldPath::parse(path)
}
