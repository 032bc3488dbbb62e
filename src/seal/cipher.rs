//! Authenticated encryption with associated data.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, UnboundKey};

use super::secret::{KEY, Key, scrub_stack};

/// Bytes of a nonce.
pub const NONCE: usize = 12;
/// Bytes of a tag.
pub const TAG: usize = 16;

/// A number that is used once with a key.
pub type Nonce = [u8; NONCE];
/// What tells that bytes are unchanged.
pub type Tag = [u8; TAG];

/// A cipher with authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cipher {
    /// AES with 256-bit keys in Galois/Counter Mode (NIST SP 800-38D): the fastest where the
    /// processor has instructions for it.
    #[default]
    Aes256Gcm,
    /// ChaCha20 and Poly1305 (RFC 8439): the fastest elsewhere.
    ChaCha20Poly1305,
}

impl Cipher {
    /// Its number in the format.
    pub const fn number(self) -> u8 {
        match self {
            Cipher::Aes256Gcm => 1,
            Cipher::ChaCha20Poly1305 => 2,
        }
    }

    /// The cipher of a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Cipher::Aes256Gcm),
            2 => Some(Cipher::ChaCha20Poly1305),
            _ => None,
        }
    }

    /// Its name, as users give it.
    pub const fn name(self) -> &'static str {
        match self {
            Cipher::Aes256Gcm => "aes-256-gcm",
            Cipher::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    #[inline(never)]
    fn schedule(self, key: &[u8; KEY]) -> Option<LessSafeKey> {
        let algorithm = match self {
            Cipher::Aes256Gcm => &AES_256_GCM,
            Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        };
        UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
    }
}

/// A key that is ready to seal and open. Zeroized when dropped.
pub struct SealingKey {
    cipher: Cipher,
    /// Always there: both ciphers take keys of [`KEY`] bytes.
    schedule: Box<Option<LessSafeKey>>,
}

impl SealingKey {
    /// Prepares a key.
    pub fn new(cipher: Cipher, key: &Key) -> Self {
        let schedule = Box::new(cipher.schedule(key.bytes()));
        scrub_stack();
        Self { cipher, schedule }
    }

    /// Encrypts `bytes` where they are, and gives the tag over them and `associated`.
    ///
    /// The caller uses each nonce once.
    pub fn seal(&self, nonce: Nonce, associated: &[u8], bytes: &mut [u8]) -> Option<Tag> {
        let nonce = ring::aead::Nonce::assume_unique_for_key(nonce);
        let schedule = (*self.schedule).as_ref()?;
        let tag = schedule.seal_in_place_separate_tag(nonce, Aad::from(associated), bytes).ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Decrypts `bytes`, the ciphertext followed by the tag, where they are; gives the part that
    /// holds the plaintext. `None` if the key, the nonce, the tag or the associated data are not
    /// those that it was sealed with; what `bytes` hold then is undefined.
    pub fn open<'b>(
        &self,
        nonce: Nonce,
        associated: &[u8],
        bytes: &'b mut [u8],
    ) -> Option<&'b mut [u8]> {
        let (ciphertext, tag) = bytes.split_last_chunk_mut()?;
        self.open_apart(nonce, associated, ciphertext, *tag).then_some(ciphertext)
    }

    /// Decrypts `bytes` where they are; the tag stands elsewhere. False as in [`SealingKey::open`].
    #[must_use]
    pub fn open_apart(&self, nonce: Nonce, associated: &[u8], bytes: &mut [u8], tag: Tag) -> bool {
        let nonce = ring::aead::Nonce::assume_unique_for_key(nonce);
        let Some(schedule) = (*self.schedule).as_ref() else { return false };
        let associated = Aad::from(associated);
        schedule.open_in_place_separate_tag(nonce, associated, tag.into(), bytes, 0..).is_ok()
    }
}

impl Drop for SealingKey {
    fn drop(&mut self) {
        // `ring` does not zeroize: the schedule of another key takes the place of this one.
        *self.schedule = self.cipher.schedule(&[0; KEY]);
        std::hint::black_box(&*self.schedule);
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({}, redacted)", self.cipher.name())
    }
}
