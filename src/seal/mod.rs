//! Cryptography without I/O: ciphers, key derivation, secrets, and the record of a database's keys.
//!
//! The primitives are those of `ring` (AES-256-GCM, ChaCha20-Poly1305, HKDF-SHA256, the operating
//! system's random generator) and of `argon2` (Argon2id). Nothing here prints a secret: their
//! `Debug` says so.

mod cipher;
mod derive;
mod key_record;
mod random;
mod secret;
mod stream;

pub use cipher::{Cipher, NONCE, Nonce, SealingKey, TAG, Tag};
pub use derive::{KDF_DEFAULT, KdfParameters, derive_key};
pub use key_record::{DataKeys, KeyRecord, Slot, SlotKind, Unlocked};
pub use random::Random;
pub use secret::{KEY, Key, Secret};
pub use stream::{SealedReader, SealedWriter};
