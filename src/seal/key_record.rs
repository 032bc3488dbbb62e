//! The record of a database's keys: random data keys, which protect the content, wrapped for each
//! secret that unlocks the database, and a check.
//!
//! Encoded, numbers little-endian:
//!
//! | | |
//! |---|---|
//! | u8 | version of the record: 2 |
//! | u8 | cipher |
//! | u32 | bytes of a block |
//! | u32 | the next slot's id |
//! | u8 | how many slots there are |
//! | slots | one after the other |
//! | u16 | bytes of the check's content |
//! | 16, 12 bytes | the check's salt and nonce |
//! | content, 16 bytes | the check, sealed, and its tag |
//!
//! A slot: `u8 kind (3 passphrase, 4 key) | u32 id | u32 memory, u32 iterations, u32 parallelism
//! (zeros of a key) | 16 bytes salt | 12 bytes nonce | u16 length | private key, sealed, and its
//! tag | 32 bytes ephemeral public key | u16 length | sealed keys, tag`. What is sealed is
//! `u32 number | 32 bytes` for each data key, the newest last.
//!
//! The check: `u8 length | content | u8 count | u32 number of each data key, the newest last |
//! u32 id, 32 bytes public key of each slot`. While there are two data keys, there may also be one
//! of a slot that was removed meanwhile: who had its secret may know the newest data key.
//!
//! Version 1 has slots of the kinds 1 and 2, in which the key that is made from the secret seals
//! the data keys themselves: `… 12 bytes nonce | u16 length | sealed keys, tag`. Records of version
//! 2 may still have such slots. The length of its check is a u8, and what it seals is the content
//! alone.

use super::cipher::{Cipher, Nonce, SealingKey, TAG};
use super::data_keys::DataKeys;
use super::derive::{KdfParameters, derive_key};
use super::key_pair::{PublicKey, public_key};
use super::random::Random;
use super::secret::{Key, Secret};
use super::slot::{Salt, Slot};
use crate::error::{Error, ErrorCode, Result};

/// The version that is written.
const VERSION: u8 = 2;
/// The one before.
const FIRST_VERSION: u8 = 1;
/// Slots at most: each costs a wrong passphrase a derivation.
const MAX_SLOTS: usize = 32;

/// The keys of a database, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The cipher of everything.
    pub cipher: Cipher,
    /// Bytes of a block.
    pub block_size: u32,
    version: u8,
    next_slot: u32,
    slots: Vec<Slot>,
    check_salt: Salt,
    check_nonce: Nonce,
    check: Vec<u8>,
}

/// What a record hides.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The data keys.
    pub keys: DataKeys,
    /// What stands in the check.
    pub content: Vec<u8>,
    /// The public keys of the slots, by id.
    publics: Vec<(u32, PublicKey)>,
}

/// What a secret gives access to.
#[derive(Debug)]
pub struct Unlocked {
    /// All that the record hides.
    pub opened: Opened,
    /// The slot that the secret has opened.
    pub slot: SlotKey,
}

/// What opens a slot without its secret.
#[derive(Debug, Clone)]
pub struct SlotKey {
    /// The slot.
    pub id: u32,
    /// Its private key; slots of records of version 1 have none.
    pub private: Option<Key>,
}

impl KeyRecord {
    /// The record of a new database, without slots. `content` goes into the check.
    ///
    /// # Errors
    /// `IO` if there are no random numbers.
    pub fn new(
        cipher: Cipher,
        block_size: u32,
        database: &[u8; 16],
        keys: &DataKeys,
        content: &[u8],
        random: &mut Random,
    ) -> Result<(Self, Opened)> {
        let mut record = Self {
            cipher,
            block_size,
            version: VERSION,
            next_slot: 1,
            slots: Vec::new(),
            check_salt: Salt::default(),
            check_nonce: Nonce::default(),
            check: Vec::new(),
        };
        let opened = Opened { keys: keys.clone(), content: content.to_vec(), publics: Vec::new() };
        record.seal_check(database, &opened, random)?;
        Ok((record, opened))
    }

    fn check_key(&self, key: &Key) -> Result<SealingKey> {
        let key = derive_key(key.bytes(), &self.check_salt, &[b"lodestore key check"])?;
        Ok(SealingKey::new(self.cipher, &key))
    }

    fn check_associated(&self, database: &[u8; 16]) -> Vec<u8> {
        let mut bytes = b"lodestore key check".to_vec();
        bytes.extend_from_slice(database);
        bytes.push(self.cipher.number());
        bytes.extend_from_slice(&self.block_size.to_le_bytes());
        if self.version != FIRST_VERSION {
            bytes.push(self.version);
        }
        bytes
    }

    fn seal_check(
        &mut self,
        database: &[u8; 16],
        opened: &Opened,
        random: &mut Random,
    ) -> Result<()> {
        self.version = VERSION;
        (self.check_salt, self.check_nonce) = (random.bytes()?, random.bytes()?);
        self.check = opened.encode();
        let (_, newest) = opened.keys.newest()?;
        let associated = self.check_associated(database);
        let tag = self.check_key(newest)?.seal(self.check_nonce, &associated, &mut self.check);
        self.check.extend_from_slice(&tag.ok_or_else(too_long)?);
        Ok(())
    }

    /// What may open the database.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Lets one more secret open the database; gives what opens its slot. A passphrase gets
    /// `parameters`.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT` beyond 32 slots; those of a derivation.
    pub fn add_slot(
        &mut self,
        database: &[u8; 16],
        opened: &mut Opened,
        (secret, parameters): (&Secret, KdfParameters),
        random: &mut Random,
    ) -> Result<SlotKey> {
        if self.slots.len() >= MAX_SLOTS {
            return Err(Error::new(
                ErrorCode::ResourceLimit,
                format!("a database has at most {MAX_SLOTS} keys; remove one first"),
            ));
        }
        let id = self.next_slot;
        let within = (self.cipher, database);
        let (slot, private) = Slot::new(within, id, &opened.keys, (secret, parameters), random)?;
        self.next_slot += 1;
        self.slots.push(slot);
        opened.publics.push((id, public_key(&private)));
        self.seal_check(database, opened, random)?;
        Ok(SlotKey { id, private: Some(private) })
    }

    /// Takes a slot away; false if there is none of that id.
    ///
    /// # Errors
    /// `IO` if there are no random numbers.
    pub fn remove_slot(
        &mut self,
        database: &[u8; 16],
        opened: &mut Opened,
        id: u32,
        random: &mut Random,
    ) -> Result<bool> {
        let before = self.slots.len();
        let is_noted = opened.keys.numbers().count() < 2 || opened.outlives_slot(self);
        self.slots.retain(|slot| slot.id != id);
        if is_noted {
            opened.publics.retain(|(own, _)| *own != id);
        }
        self.seal_check(database, opened, random)?;
        Ok(self.slots.len() < before)
    }

    /// Puts other data keys in the place of those that are there.
    ///
    /// # Errors
    /// `UNSUPPORTED` if a slot is of a record of version 1; `CORRUPT` if a slot's public key is not
    /// there; `IO` if there are no random numbers.
    pub fn replace_keys(
        &mut self,
        database: &[u8; 16],
        opened: &mut Opened,
        keys: DataKeys,
        random: &mut Random,
    ) -> Result<()> {
        let within = (self.cipher, database);
        for slot in &mut self.slots {
            if !slot.has_pair() {
                return Err(Error::new(
                    ErrorCode::Unsupported,
                    "a passphrase or key of the database was set by an earlier version, which \
                     could not replace data keys: set it anew with changePassphrase (it may stay \
                     the same), or remove it",
                ));
            }
            let public = opened.publics.iter().find(|(id, _)| *id == slot.id);
            let (_, public) = public.ok_or_else(damaged)?;
            if !slot.replace_keys(within, public, &keys, random)? {
                return Err(damaged());
            }
        }
        if keys.numbers().count() < 2 {
            let ids: Vec<u32> = self.slots.iter().map(|slot| slot.id).collect();
            opened.publics.retain(|(id, _)| ids.contains(id));
        }
        opened.keys = keys;
        self.seal_check(database, opened, random)
    }

    /// The data keys, and what a secret gives access to.
    ///
    /// # Errors
    /// `WRONG_KEY` if the secret opens no slot; `CORRUPT` if it does, but the check is not right;
    /// `RESOURCE_LIMIT` if there is not enough memory to derive a key from a passphrase.
    pub fn unlock(&self, database: &[u8; 16], secret: &Secret) -> Result<Unlocked> {
        for slot in &self.slots {
            let content = slot.unwrap((self.cipher, database), secret)?;
            let Some(content) = content else { continue };
            let opened = self.open(database, &content.keys)?.ok_or_else(damaged)?;
            let slot = SlotKey { id: slot.id, private: content.private };
            return Ok(Unlocked { opened, slot });
        }
        Err(wrong_key())
    }

    /// The data keys that a slot holds; `None` if it is not there, or not opened by this key.
    ///
    /// # Errors
    /// None that can happen.
    pub fn keys_of(&self, database: &[u8; 16], key: &SlotKey) -> Result<Option<DataKeys>> {
        let slot = self.slots.iter().find(|slot| slot.id == key.id);
        let (Some(slot), Some(private)) = (slot, &key.private) else { return Ok(None) };
        slot.unwrap_with((self.cipher, database), private)
    }

    /// What the record hides; `None` if the newest data key of the database is not among these.
    ///
    /// # Errors
    /// `CORRUPT` if another of its data keys is not.
    pub fn open(&self, database: &[u8; 16], keys: &DataKeys) -> Result<Option<Opened>> {
        let associated = self.check_associated(database);
        for number in keys.numbers().rev() {
            let Some(key) = keys.get(number) else { continue };
            let mut check = self.check.clone();
            let check_key = self.check_key(key)?;
            let Some(check) = check_key.open(self.check_nonce, &associated, &mut check) else {
                continue;
            };
            if self.version == FIRST_VERSION {
                let keys = keys.of(&[number]).ok_or_else(damaged)?;
                return Ok(Some(Opened { keys, content: check.to_vec(), publics: Vec::new() }));
            }
            return Opened::decode(check, keys).map(Some).ok_or_else(damaged);
        }
        Ok(None)
    }

    /// The stored record.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.version, self.cipher.number()];
        bytes.extend_from_slice(&self.block_size.to_le_bytes());
        bytes.extend_from_slice(&self.next_slot.to_le_bytes());
        // There are at most MAX_SLOTS.
        bytes.push(self.slots.len() as u8);
        self.slots.iter().for_each(|slot| slot.encode(&mut bytes));
        let content = self.check.len().saturating_sub(TAG) as u16;
        match self.version {
            FIRST_VERSION => bytes.push(content as u8),
            _ => bytes.extend_from_slice(&content.to_le_bytes()),
        }
        bytes.extend_from_slice(&self.check_salt);
        bytes.extend_from_slice(&self.check_nonce);
        bytes.extend_from_slice(&self.check);
        bytes
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// `CORRUPT`; `INCOMPATIBLE_VERSION`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        match bytes.first() {
            Some(&(FIRST_VERSION | VERSION)) => Self::try_decode(bytes).ok_or_else(damaged),
            Some(other) => Err(Error::new(
                ErrorCode::IncompatibleVersion,
                format!("the keys of the database are of version {other}; install a newer version"),
            )),
            None => Err(damaged()),
        }
    }

    fn try_decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let version = input.u8()?;
        let cipher = Cipher::from_number(input.u8()?)?;
        let (block_size, next_slot) = (input.u32()?, input.u32()?);
        let count = usize::from(input.u8()?);
        if count > MAX_SLOTS {
            return None;
        }
        let slots: Vec<Slot> =
            (0..count).map(|_| Slot::decode(&mut input)).collect::<Option<_>>()?;
        let content = match version {
            FIRST_VERSION => u16::from(input.u8()?),
            _ => u16::from_le_bytes(input.array()?),
        };
        if version == FIRST_VERSION && slots.iter().any(Slot::has_pair) {
            return None;
        }
        let (check_salt, check_nonce) = (input.array()?, input.array()?);
        let check = input.take(usize::from(content) + TAG)?.to_vec();
        let record =
            Self { cipher, block_size, version, next_slot, slots, check_salt, check_nonce, check };
        input.0.is_empty().then_some(record)
    }
}

impl Opened {
    /// Whether a slot of the record was removed since its newest data key was made to replace
    /// another one: it has to be replaced itself.
    pub fn outlives_slot(&self, record: &KeyRecord) -> bool {
        let has_slot = |id: u32| record.slots.iter().any(|slot| slot.id == id);
        self.publics.iter().any(|(id, _)| !has_slot(*id))
    }

    fn encode(&self) -> Vec<u8> {
        // The content has 32 bytes, there are two data keys at most.
        let mut bytes = vec![self.content.len() as u8];
        bytes.extend_from_slice(&self.content);
        bytes.push(self.keys.numbers().count() as u8);
        for number in self.keys.numbers() {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for (id, public) in &self.publics {
            bytes.extend_from_slice(&id.to_le_bytes());
            bytes.extend_from_slice(public);
        }
        bytes
    }

    fn decode(bytes: &[u8], keys: &DataKeys) -> Option<Self> {
        let mut input = Input(bytes);
        let content = usize::from(input.u8()?);
        let content = input.take(content)?.to_vec();
        let count = input.u8()?;
        let numbers: Vec<u32> = (0..count).map(|_| input.u32()).collect::<Option<_>>()?;
        let keys = keys.of(&numbers)?;
        let mut publics = Vec::new();
        while !input.0.is_empty() {
            publics.push((input.u32()?, input.array()?));
        }
        Some(Self { keys, content, publics })
    }
}

pub(super) struct Input<'i>(&'i [u8]);

impl<'i> Input<'i> {
    fn take(&mut self, len: usize) -> Option<&'i [u8]> {
        self.0.split_off(..len)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Bytes behind their number.
    pub(super) fn sealed(&mut self) -> Option<Vec<u8>> {
        let len = u16::from_le_bytes(self.array()?);
        Some(self.take(usize::from(len))?.to_vec())
    }
}

pub(super) fn wrong_key() -> Error {
    Error::new(ErrorCode::WrongKey, "the key or passphrase does not open the database")
}

fn damaged() -> Error {
    Error::corrupt("the record of the database's keys is damaged")
}

pub(super) fn too_long() -> Error {
    Error::new(ErrorCode::ResourceLimit, "too much to seal at once")
}

#[cfg(test)]
#[path = "key_record_tests.rs"]
mod tests;
