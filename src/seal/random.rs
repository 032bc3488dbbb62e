//! Random numbers that nobody can guess.

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::secret::Key;
use crate::error::{Error, ErrorCode, Result};

/// Bytes that are asked for at once: a system call costs as much as a kilobyte.
const POOL: usize = 512;

/// The operating system's generator, asked for some bytes in advance.
pub struct Random {
    pool: Zeroizing<Vec<u8>>,
}

impl Random {
    /// With nothing in advance yet.
    pub fn new() -> Self {
        Self { pool: Zeroizing::new(Vec::new()) }
    }

    /// So many random bytes.
    ///
    /// # Errors
    /// `IO` if the operating system has none.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A random key.
    ///
    /// # Errors
    /// As [`Random::bytes`].
    pub fn key(&mut self) -> Result<Key> {
        let mut filled = Ok(());
        let key = Key::filled(|bytes| filled = self.fill(bytes));
        filled.map(|()| key)
    }

    /// A random number.
    ///
    /// # Errors
    /// As [`Random::bytes`].
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// Fills `out`.
    ///
    /// # Errors
    /// As [`Random::bytes`].
    pub fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        if out.len() > POOL {
            return system(out);
        }
        if self.pool.len() < out.len() {
            self.pool.resize(POOL, 0);
            system(&mut self.pool)?;
        }
        let rest = self.pool.len() - out.len();
        if let Some(tail) = self.pool.get_mut(rest..) {
            out.copy_from_slice(tail);
            // What was handed out is not to be found here.
            tail.fill(0);
        }
        self.pool.truncate(rest);
        Ok(())
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

fn system(out: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(out)
        .map_err(|_| Error::new(ErrorCode::Io, "the operating system gives no random numbers"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_comes_twice() {
        let mut random = Random::new();
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            assert!(seen.insert(random.u64().unwrap()));
        }
        let large = random.bytes::<2_000>().unwrap();
        assert!(large.iter().collect::<HashSet<_>>().len() > 200);
    }
}
