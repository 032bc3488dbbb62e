//! Keys from passphrases, and keys from keys.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroize;

use super::secret::{KEY, Key, scrub_stack};
use crate::error::{Error, ErrorCode, Result};

/// Cost parameters of Argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfParameters {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

/// The second recommended option of RFC 9106, section 4: 64 MiB, three passes, four lanes.
pub const KDF_DEFAULT: KdfParameters =
    KdfParameters { memory: 64 << 10, iterations: 3, parallelism: 4 };

impl KdfParameters {
    /// Bounds of what is accepted, from users and from files.
    pub const MEMORY: std::ops::RangeInclusive<u32> = 8..=(4 << 20);
    /// As [`KdfParameters::MEMORY`].
    pub const ITERATIONS: std::ops::RangeInclusive<u32> = 1..=1_000;
    /// As [`KdfParameters::MEMORY`].
    pub const PARALLELISM: std::ops::RangeInclusive<u32> = 1..=64;

    /// Whether these can be used.
    pub fn are_possible(self) -> bool {
        Self::MEMORY.contains(&self.memory)
            && Self::ITERATIONS.contains(&self.iterations)
            && Self::PARALLELISM.contains(&self.parallelism)
            && self.memory >= 8 * self.parallelism
    }

    /// The key of a passphrase.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for impossible parameters; `RESOURCE_LIMIT` if the memory is not there.
    pub fn derive(self, passphrase: &[u8], salt: &[u8]) -> Result<Key> {
        if !self.are_possible() {
            return Err(impossible());
        }
        let params = Params::new(self.memory, self.iterations, self.parallelism, Some(KEY))
            .map_err(|_| impossible())?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let blocks = argon2.params().block_count();
        let mut memory: Vec<Block> = Vec::new();
        memory.try_reserve_exact(blocks).map_err(|_| {
            Error::new(
                ErrorCode::ResourceLimit,
                format!("no memory for a passphrase: {} KiB are needed", self.memory),
            )
        })?;
        memory.resize(blocks, Block::new());
        let mut derived = Ok(());
        let key = Key::filled(|out| {
            derived = argon2.hash_password_into_with_memory(passphrase, salt, out, &mut memory);
        });
        memory.iter_mut().for_each(Zeroize::zeroize);
        scrub_stack();
        derived.map_err(|_| impossible())?;
        Ok(key)
    }
}

fn impossible() -> Error {
    Error::new(ErrorCode::InvalidArgument, "these parameters of Argon2id cannot be used")
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY
    }
}

/// HKDF with SHA-256 (RFC 5869): a key for the purpose `info`.
///
/// # Errors
/// None that can happen: the length is within HKDF's bounds.
pub fn derive_key(key: &[u8], salt: &[u8], info: &[&[u8]]) -> Result<Key> {
    let derived = hkdf(key, salt, info);
    scrub_stack();
    derived
}

#[inline(never)]
fn hkdf(key: &[u8], salt: &[u8], info: &[&[u8]]) -> Result<Key> {
    let prk = Salt::new(HKDF_SHA256, salt).extract(key);
    let mut filled = Ok(());
    let derived =
        Key::filled(|out| filled = prk.expand(info, Length).and_then(|okm| okm.fill(out)));
    filled.map_err(|_| Error::new(ErrorCode::ResourceLimit, "a derived key is too long"))?;
    Ok(derived)
}

#[cfg(test)]
#[path = "vectors.rs"]
mod vectors;
