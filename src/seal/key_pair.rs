//! Sealing to a public key: who knows it can seal, who has the private key can open.
//!
//! X25519 (RFC 7748) with a key pair that is made for the purpose gives a secret that both sides
//! know; HKDF makes a key of it, with both public keys as the salt. The same construction as that
//! of age's recipients (C2SP, "The age file encryption format", X25519 recipient stanza).

use x25519_dalek::{PublicKey as Point, StaticSecret};
use zeroize::Zeroizing;

use super::cipher::{Cipher, NONCE, SealingKey};
use super::derive::derive_key;
use super::random::Random;
use super::secret::{KEY, Key, scrub_stack};
use crate::error::{Error, ErrorCode, Result};

/// A public key.
pub type PublicKey = [u8; KEY];

/// Bytes that a private key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedTo {
    /// The public key that was made to seal them.
    pub ephemeral: PublicKey,
    /// Ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// The public key of a private one.
pub fn public_key(private: &Key) -> PublicKey {
    let public = point_of(private);
    scrub_stack();
    public
}

#[inline(never)]
fn point_of(private: &Key) -> PublicKey {
    Point::from(&StaticSecret::from(*private.bytes())).to_bytes()
}

#[inline(never)]
fn agree(private: &Key, public: &PublicKey) -> Option<Key> {
    let shared = StaticSecret::from(*private.bytes()).diffie_hellman(&Point::from(*public));
    // Of a point of low order, anybody knows the result.
    shared.was_contributory().then(|| Key::filled(|bytes| bytes.copy_from_slice(shared.as_bytes())))
}

/// The key that both sides make.
fn shared_key(
    private: &Key,
    public: &PublicKey,
    ephemeral: &PublicKey,
    recipient: &PublicKey,
) -> Result<Option<Key>> {
    let shared = agree(private, public);
    scrub_stack();
    let Some(shared) = shared else { return Ok(None) };
    let salt = [&ephemeral[..], &recipient[..]].concat();
    derive_key(shared.bytes(), &salt, &[b"lodestore key pair"]).map(Some)
}

/// Seals bytes for who has the private key of `recipient`.
///
/// # Errors
/// `IO` if there are no random numbers; `CORRUPT` if `recipient` is no public key.
pub fn seal_to(
    cipher: Cipher,
    recipient: &PublicKey,
    associated: &[u8],
    bytes: &[u8],
    random: &mut Random,
) -> Result<SealedTo> {
    let private = random.key()?;
    let ephemeral = public_key(&private);
    let key = shared_key(&private, recipient, &ephemeral, recipient)?;
    let key = key.ok_or_else(|| Error::corrupt("a slot of the database's keys is damaged"))?;
    let mut sealed = Zeroizing::new(bytes.to_vec());
    // The key is used once.
    let tag = SealingKey::new(cipher, &key).seal([0; NONCE], associated, &mut sealed);
    let tag =
        tag.ok_or_else(|| Error::new(ErrorCode::ResourceLimit, "too much to seal at once"))?;
    Ok(SealedTo { ephemeral, bytes: [&**sealed, &tag].concat() })
}

/// Opens what was sealed for a private key; `None` if it was not, or was changed.
///
/// # Errors
/// None that can happen.
pub fn open_with(
    cipher: Cipher,
    private: &Key,
    associated: &[u8],
    sealed: &SealedTo,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let recipient = public_key(private);
    let key = shared_key(private, &sealed.ephemeral, &sealed.ephemeral, &recipient)?;
    let Some(key) = key else { return Ok(None) };
    let mut bytes = Zeroizing::new(sealed.bytes.clone());
    let opened = SealingKey::new(cipher, &key).open([0; NONCE], associated, &mut bytes);
    let Some(len) = opened.map(|opened| opened.len()) else { return Ok(None) };
    bytes.truncate(len);
    Ok(Some(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(hex: &str) -> Key {
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap();
        Key::from_slice(&(0..hex.len()).step_by(2).map(byte).collect::<Vec<_>>()).unwrap()
    }

    /// RFC 7748, section 6.1.
    #[test]
    fn x25519_as_specified() {
        let alice = key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let bob = key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        let public = key("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        assert_eq!(public_key(&alice), *public.bytes());
        let public = key("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
        assert_eq!(public_key(&bob), *public.bytes());
        let shared = key("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(agree(&alice, &public_key(&bob)).unwrap().bytes(), shared.bytes());
        assert_eq!(agree(&bob, &public_key(&alice)).unwrap().bytes(), shared.bytes());
        assert!(agree(&alice, &[0; KEY]).is_none());
    }

    #[test]
    fn only_the_private_key_opens() {
        let mut random = Random::new();
        for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
            let [one, other] = [(); 2].map(|()| random.key().unwrap());
            let sealed = seal_to(cipher, &public_key(&one), b"a", b"text", &mut random).unwrap();
            let open = |key, associated, sealed: &SealedTo| {
                open_with(cipher, key, associated, sealed).unwrap().map(|bytes| bytes.to_vec())
            };
            assert_eq!(open(&one, b"a", &sealed).unwrap(), b"text");
            assert!(open(&other, b"a", &sealed).is_none());
            assert!(open(&one, b"b", &sealed).is_none());
            let len = KEY + sealed.bytes.len();
            for bit in 0..len * 8 {
                let mut changed = sealed.clone();
                let mut bytes = changed.ephemeral.iter_mut().chain(&mut changed.bytes);
                *bytes.nth(bit / 8).unwrap() ^= 1 << (bit % 8);
                assert!(open(&one, b"a", &changed).is_none(), "bit {bit}");
            }
        }
        assert!(seal_to(Cipher::Aes256Gcm, &[0; KEY], b"", b"text", &mut random).is_err());
    }
}
