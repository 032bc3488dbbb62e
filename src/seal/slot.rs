//! Slots: each lets one secret open a database.
//!
//! The key that is made from the secret seals a private key, and the data keys are sealed to the
//! public key that belongs to it. So data keys can be replaced without any secret, by who has the
//! database open; and who knows old data keys, and all public keys, cannot open the new ones.

use zeroize::Zeroizing;

use super::cipher::{Cipher, NONCE, Nonce, SealingKey, TAG};
use super::data_keys::DataKeys;
use super::derive::{KdfParameters, derive_key};
use super::key_pair::{self, PublicKey, SealedTo};
use super::key_record::{Input, too_long, wrong_key};
use super::random::Random;
use super::secret::{Key, Secret};
use crate::error::Result;

/// Bytes of a salt.
pub(super) const SALT: usize = 16;

pub(super) type Salt = [u8; SALT];

/// What a slot is unlocked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// A passphrase.
    Passphrase(KdfParameters),
    /// A key.
    Key,
}

/// What gives the data keys to who has the key that is made from the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wrapped {
    /// Sealed with that key, as records of version 1 have them. They cannot be replaced.
    Directly(Vec<u8>),
    /// Sealed to a public key, whose private one is sealed with that key.
    ByPair { private: Vec<u8>, keys: SealedTo },
}

/// The data keys, wrapped by one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Never used again in a database.
    pub id: u32,
    /// What unlocks it.
    pub kind: SlotKind,
    salt: Salt,
    nonce: Nonce,
    wrapped: Wrapped,
}

/// What a secret finds in a slot.
pub(super) struct SlotContent {
    pub keys: DataKeys,
    /// What opens the slot without the secret.
    pub private: Option<Key>,
}

/// Added to the number of a kind if the slot has a key pair.
const BY_PAIR: u8 = 2;

impl Slot {
    /// A slot for a secret; gives its private key as well.
    pub(super) fn new(
        (cipher, database): (Cipher, &[u8; 16]),
        id: u32,
        keys: &DataKeys,
        (secret, parameters): (&Secret, KdfParameters),
        random: &mut Random,
    ) -> Result<(Self, Key)> {
        let kind = match secret {
            Secret::Passphrase(_) => SlotKind::Passphrase(parameters),
            Secret::Key(_) => SlotKind::Key,
        };
        let (salt, nonce) = (random.bytes()?, random.bytes()?);
        let nothing = SealedTo { ephemeral: PublicKey::default(), bytes: Vec::new() };
        let wrapped = Wrapped::ByPair { private: Vec::new(), keys: nothing };
        let mut slot = Self { id, kind, salt, nonce, wrapped };
        let key = slot.wrapping_key(secret)?.ok_or_else(wrong_key)?;
        let private = random.key()?;
        let mut sealed = Zeroizing::new(private.bytes().to_vec());
        let associated = slot.associated(cipher, database);
        let tag = SealingKey::new(cipher, &key).seal(nonce, &associated, &mut sealed);
        let sealed = [&**sealed, &tag.ok_or_else(too_long)?].concat();
        let keys =
            slot.seal_keys((cipher, database), &key_pair::public_key(&private), keys, random)?;
        slot.wrapped = Wrapped::ByPair { private: sealed, keys };
        Ok((slot, private))
    }

    fn seal_keys(
        &self,
        (cipher, database): (Cipher, &[u8; 16]),
        public: &PublicKey,
        keys: &DataKeys,
        random: &mut Random,
    ) -> Result<SealedTo> {
        let associated = self.associated_keys(cipher, database);
        key_pair::seal_to(cipher, public, &associated, &keys.encode(), random)
    }

    /// Puts other data keys in the place of those that are there; false if it has no key pair.
    pub(super) fn replace_keys(
        &mut self,
        within: (Cipher, &[u8; 16]),
        public: &PublicKey,
        keys: &DataKeys,
        random: &mut Random,
    ) -> Result<bool> {
        let sealed = self.seal_keys(within, public, keys, random)?;
        match &mut self.wrapped {
            Wrapped::Directly(_) => Ok(false),
            Wrapped::ByPair { keys, .. } => {
                *keys = sealed;
                Ok(true)
            }
        }
    }

    /// Whether its data keys can be replaced without its secret.
    pub fn has_pair(&self) -> bool {
        matches!(self.wrapped, Wrapped::ByPair { .. })
    }

    fn encode_head(&self, out: &mut Vec<u8>) {
        let (kind, parameters) = match self.kind {
            SlotKind::Passphrase(parameters) => (1, parameters),
            SlotKind::Key => (2, KdfParameters { memory: 0, iterations: 0, parallelism: 0 }),
        };
        out.push(if self.has_pair() { kind + BY_PAIR } else { kind });
        out.extend_from_slice(&self.id.to_le_bytes());
        for number in [parameters.memory, parameters.iterations, parameters.parallelism] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.salt);
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.encode_head(out);
        out.extend_from_slice(&self.nonce);
        // What is sealed is short: MAX_KEYS keys at most.
        let sealed = |bytes: &[u8], out: &mut Vec<u8>| {
            out.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
            out.extend_from_slice(bytes);
        };
        match &self.wrapped {
            Wrapped::Directly(bytes) => sealed(bytes, out),
            Wrapped::ByPair { private, keys } => {
                sealed(private, out);
                out.extend_from_slice(&keys.ephemeral);
                sealed(&keys.bytes, out);
            }
        }
    }

    pub(super) fn decode(input: &mut Input<'_>) -> Option<Self> {
        let kind = input.u8()?;
        let id = input.u32()?;
        let (memory, iterations, parallelism) = (input.u32()?, input.u32()?, input.u32()?);
        let parameters = KdfParameters { memory, iterations, parallelism };
        let is_key = (memory, iterations, parallelism) == (0, 0, 0);
        let (kind, has_pair) = match kind {
            1 | 3 if parameters.are_possible() => (SlotKind::Passphrase(parameters), kind == 3),
            2 | 4 if is_key => (SlotKind::Key, kind == 4),
            _ => return None,
        };
        let (salt, nonce) = (input.array()?, input.array()?);
        let first = input.sealed()?;
        let wrapped = match has_pair {
            false => Wrapped::Directly(first),
            true => {
                let keys = SealedTo { ephemeral: input.array()?, bytes: input.sealed()? };
                Wrapped::ByPair { private: first, keys }
            }
        };
        Some(Self { id, kind, salt, nonce, wrapped })
    }

    /// What is authenticated along with what the secret's key seals.
    fn associated(&self, cipher: Cipher, database: &[u8; 16]) -> Vec<u8> {
        let mut bytes = b"lodestore key slot".to_vec();
        bytes.extend_from_slice(database);
        bytes.push(cipher.number());
        self.encode_head(&mut bytes);
        bytes
    }

    /// What is authenticated along with data keys that are sealed to a public key.
    fn associated_keys(&self, cipher: Cipher, database: &[u8; 16]) -> Vec<u8> {
        let mut bytes = b"lodestore data keys".to_vec();
        bytes.extend_from_slice(database);
        bytes.push(cipher.number());
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes
    }

    /// The key that wraps; `None` if the secret is of another kind.
    fn wrapping_key(&self, secret: &Secret) -> Result<Option<Key>> {
        Ok(match (self.kind, secret) {
            (SlotKind::Passphrase(parameters), Secret::Passphrase(passphrase)) => {
                Some(parameters.derive(passphrase, &self.salt)?)
            }
            (SlotKind::Key, Secret::Key(key)) => {
                Some(derive_key(key.bytes(), &self.salt, &[b"lodestore key slot"])?)
            }
            _ => None,
        })
    }

    /// What is in it; `None` if the secret is not the right one.
    pub(super) fn unwrap(
        &self,
        (cipher, database): (Cipher, &[u8; 16]),
        secret: &Secret,
    ) -> Result<Option<SlotContent>> {
        let Some(key) = self.wrapping_key(secret)? else { return Ok(None) };
        let sealed = match &self.wrapped {
            Wrapped::Directly(bytes) | Wrapped::ByPair { private: bytes, .. } => bytes,
        };
        let mut sealed = Zeroizing::new(sealed.clone());
        let associated = self.associated(cipher, database);
        let opened = SealingKey::new(cipher, &key).open(self.nonce, &associated, &mut sealed);
        let Some(bytes) = opened else { return Ok(None) };
        if !self.has_pair() {
            let content = |keys| SlotContent { keys, private: None };
            return Ok(DataKeys::decode(bytes).map(content));
        }
        let Some(private) = Key::from_slice(bytes) else { return Ok(None) };
        let keys = self.unwrap_with((cipher, database), &private)?;
        Ok(keys.map(|keys| SlotContent { keys, private: Some(private) }))
    }

    /// The data keys; `None` if the private key is not that of the slot.
    pub(super) fn unwrap_with(
        &self,
        (cipher, database): (Cipher, &[u8; 16]),
        private: &Key,
    ) -> Result<Option<DataKeys>> {
        let Wrapped::ByPair { keys, .. } = &self.wrapped else { return Ok(None) };
        let associated = self.associated_keys(cipher, database);
        let bytes = key_pair::open_with(cipher, private, &associated, keys)?;
        Ok(bytes.and_then(|bytes| DataKeys::decode(&bytes)))
    }
}

const _: () = assert!(NONCE == 12 && TAG == 16, "constants of the format");
