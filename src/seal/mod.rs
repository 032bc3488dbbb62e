//! Cryptography without I/O: ciphers, key derivation, secrets, and the record of a database's keys.
//!
//! The primitives are those of `ring` (AES-256-GCM, ChaCha20-Poly1305, HKDF-SHA256, the operating
//! system's random generator), of `argon2` (Argon2id) and of `x25519-dalek` (X25519). Nothing here
//! prints a secret: their `Debug` says so.

mod cipher;
mod data_keys;
mod derive;
mod key_pair;
mod key_record;
mod random;
mod secret;
mod slot;
mod stream;

pub use cipher::{Cipher, NONCE, Nonce, SealingKey, TAG, Tag};
pub use data_keys::DataKeys;
pub use derive::{KDF_DEFAULT, KdfParameters, derive_key};
pub use key_record::{KeyRecord, Opened, SlotKey, Unlocked};
pub use random::Random;
pub use secret::{KEY, Key, Secret};
pub use slot::{Slot, SlotKind};
pub use stream::{SealedReader, SealedWriter};
