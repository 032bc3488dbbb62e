//! The record of a database's keys: random data keys, which protect the content, wrapped by a key
//! for each secret that unlocks the database, and a check.
//!
//! Encoded, numbers little-endian:
//!
//! | | |
//! |---|---|
//! | u8 | version of the record: 1 |
//! | u8 | cipher |
//! | u32 | bytes of a block |
//! | u32 | the next slot's id |
//! | u8 | how many slots there are |
//! | slots | one after the other |
//! | u8 | bytes of the check's content |
//! | 16, 12 bytes | the check's salt and nonce |
//! | content, 16 bytes | the check, sealed, and its tag |
//!
//! A slot: `u8 kind (1 passphrase, 2 key) | u32 id | u32 memory, u32 iterations, u32 parallelism
//! (zeros of a key) | 16 bytes salt | 12 bytes nonce | u16 length | sealed keys, tag`. What is
//! sealed is `u32 number | 32 bytes` for each data key, the newest last.

use zeroize::Zeroizing;

use super::cipher::{Cipher, NONCE, Nonce, SealingKey, TAG};
use super::derive::{KdfParameters, derive_key};
use super::random::Random;
use super::secret::{KEY, Key, Secret};
use crate::error::{Error, ErrorCode, Result};

const VERSION: u8 = 1;
const SALT: usize = 16;
/// Slots at most: each costs a wrong passphrase a derivation.
const MAX_SLOTS: usize = 32;
/// Data keys at most: the current one, and one that is being replaced.
const MAX_KEYS: usize = 2;
const ENCODED_KEY: usize = size_of::<u32>() + KEY;

type Salt = [u8; SALT];

/// The keys that protect the content, by number.
#[derive(Debug, Clone)]
pub struct DataKeys(Vec<(u32, Key)>);

impl DataKeys {
    /// One new key.
    ///
    /// # Errors
    /// `IO` if there are no random numbers.
    pub fn generate(random: &mut Random) -> Result<Self> {
        Ok(Self(vec![(1, random_key(random)?)]))
    }

    /// No keys, in the place of those that are forgotten.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// The newest key and its number.
    ///
    /// # Errors
    /// `CORRUPT` if there is none, which a record that was unlocked does not allow.
    pub fn newest(&self) -> Result<(u32, &Key)> {
        let newest = self.0.last().map(|(number, key)| (*number, key));
        newest.ok_or_else(|| Error::corrupt("the key record has no key"))
    }

    /// The key of a number.
    pub fn get(&self, number: u32) -> Option<&Key> {
        self.0.iter().find(|(own, _)| *own == number).map(|(_, key)| key)
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.0.len() * ENCODED_KEY));
        for (number, key) in &self.0 {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(key.bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<ENCODED_KEY>();
        if !rest.is_empty() || entries.is_empty() || entries.len() > MAX_KEYS {
            return None;
        }
        let entry = |entry: &[u8; ENCODED_KEY]| {
            let (number, key) = entry.split_first_chunk()?;
            Some((u32::from_le_bytes(*number), Key::from_slice(key)?))
        };
        entries.iter().map(entry).collect::<Option<_>>().map(Self)
    }
}

fn random_key(random: &mut Random) -> Result<Key> {
    let mut filled = Ok(());
    let key = Key::filled(|bytes| filled = random.fill(bytes));
    filled.map(|()| key)
}

/// What a slot is unlocked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// A passphrase.
    Passphrase(KdfParameters),
    /// A key.
    Key,
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
    wrapped: Vec<u8>,
}

impl Slot {
    fn encode_head(&self, out: &mut Vec<u8>) {
        let (kind, parameters) = match self.kind {
            SlotKind::Passphrase(parameters) => (1, parameters),
            SlotKind::Key => (2, KdfParameters { memory: 0, iterations: 0, parallelism: 0 }),
        };
        out.push(kind);
        out.extend_from_slice(&self.id.to_le_bytes());
        for number in [parameters.memory, parameters.iterations, parameters.parallelism] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.salt);
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        let kind = input.u8()?;
        let id = input.u32()?;
        let (memory, iterations, parallelism) = (input.u32()?, input.u32()?, input.u32()?);
        let parameters = KdfParameters { memory, iterations, parallelism };
        let kind = match kind {
            1 if parameters.are_possible() => SlotKind::Passphrase(parameters),
            2 if (memory, iterations, parallelism) == (0, 0, 0) => SlotKind::Key,
            _ => return None,
        };
        let (salt, nonce) = (input.array()?, input.array()?);
        let len = u16::from_le_bytes(input.array()?);
        let wrapped = input.take(usize::from(len))?.to_vec();
        Some(Self { id, kind, salt, nonce, wrapped })
    }

    /// What is authenticated along with the wrapped keys.
    fn associated(&self, cipher: Cipher, database: &[u8; 16]) -> Vec<u8> {
        let mut bytes = b"lodestore key slot".to_vec();
        bytes.extend_from_slice(database);
        bytes.push(cipher.number());
        self.encode_head(&mut bytes);
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

    fn unwrap(
        &self,
        cipher: Cipher,
        database: &[u8; 16],
        secret: &Secret,
    ) -> Result<Option<DataKeys>> {
        let Some(key) = self.wrapping_key(secret)? else { return Ok(None) };
        let mut wrapped = Zeroizing::new(self.wrapped.clone());
        let associated = self.associated(cipher, database);
        let opened = SealingKey::new(cipher, &key).open(self.nonce, &associated, &mut wrapped);
        Ok(opened.and_then(|bytes| DataKeys::decode(bytes)))
    }
}

/// The keys of a database, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The cipher of everything.
    pub cipher: Cipher,
    /// Bytes of a block.
    pub block_size: u32,
    next_slot: u32,
    slots: Vec<Slot>,
    check_salt: Salt,
    check_nonce: Nonce,
    check: Vec<u8>,
}

/// What a secret gives access to.
#[derive(Debug)]
pub struct Unlocked {
    /// The data keys.
    pub keys: DataKeys,
    /// The slot that the secret has opened.
    pub slot: u32,
    /// What stands in the check.
    pub content: Vec<u8>,
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
    ) -> Result<Self> {
        let mut record = Self {
            cipher,
            block_size,
            next_slot: 1,
            slots: Vec::new(),
            check_salt: random.bytes()?,
            check_nonce: random.bytes()?,
            check: content.to_vec(),
        };
        let key = record.check_key(keys)?;
        let associated = record.check_associated(database);
        let tag = key.seal(record.check_nonce, &associated, &mut record.check);
        record.check.extend_from_slice(&tag.ok_or_else(too_long)?);
        Ok(record)
    }

    fn check_key(&self, keys: &DataKeys) -> Result<SealingKey> {
        let (_, key) = keys.newest()?;
        let key = derive_key(key.bytes(), &self.check_salt, &[b"lodestore key check"])?;
        Ok(SealingKey::new(self.cipher, &key))
    }

    fn check_associated(&self, database: &[u8; 16]) -> Vec<u8> {
        let mut bytes = b"lodestore key check".to_vec();
        bytes.extend_from_slice(database);
        bytes.push(self.cipher.number());
        bytes.extend_from_slice(&self.block_size.to_le_bytes());
        bytes
    }

    /// What may open the database.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Lets one more secret open the database; gives the slot's id. A passphrase gets `parameters`.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT` beyond 32 slots; those of a derivation.
    pub fn add_slot(
        &mut self,
        database: &[u8; 16],
        keys: &DataKeys,
        secret: &Secret,
        parameters: KdfParameters,
        random: &mut Random,
    ) -> Result<u32> {
        if self.slots.len() >= MAX_SLOTS {
            return Err(Error::new(
                ErrorCode::ResourceLimit,
                format!("a database has at most {MAX_SLOTS} keys; remove one first"),
            ));
        }
        let kind = match secret {
            Secret::Passphrase(_) => SlotKind::Passphrase(parameters),
            Secret::Key(_) => SlotKind::Key,
        };
        let (salt, nonce) = (random.bytes()?, random.bytes()?);
        let mut slot = Slot { id: self.next_slot, kind, salt, nonce, wrapped: Vec::new() };
        let key = slot.wrapping_key(secret)?.ok_or_else(wrong_key)?;
        let mut wrapped = keys.encode();
        let associated = slot.associated(self.cipher, database);
        let tag = SealingKey::new(self.cipher, &key).seal(nonce, &associated, &mut wrapped);
        slot.wrapped = [&**wrapped, &tag.ok_or_else(too_long)?].concat();
        self.next_slot += 1;
        self.slots.push(slot);
        Ok(self.next_slot - 1)
    }

    /// Takes a slot away; false if there is none of that id.
    pub fn remove_slot(&mut self, id: u32) -> bool {
        let before = self.slots.len();
        self.slots.retain(|slot| slot.id != id);
        self.slots.len() < before
    }

    /// The data keys.
    ///
    /// # Errors
    /// `WRONG_KEY` if the secret opens no slot; `CORRUPT` if it does, but the check is not right;
    /// `RESOURCE_LIMIT` if there is not enough memory to derive a key from a passphrase.
    pub fn unlock(&self, database: &[u8; 16], secret: &Secret) -> Result<Unlocked> {
        for slot in &self.slots {
            let Some(keys) = slot.unwrap(self.cipher, database, secret)? else { continue };
            let content = self.check(database, &keys)?.ok_or_else(damaged)?;
            return Ok(Unlocked { keys, slot: slot.id, content });
        }
        Err(wrong_key())
    }

    /// The content of the check; `None` if these are not the database's keys.
    ///
    /// # Errors
    /// `CORRUPT` if there are no keys.
    pub fn check(&self, database: &[u8; 16], keys: &DataKeys) -> Result<Option<Vec<u8>>> {
        let mut check = self.check.clone();
        let associated = self.check_associated(database);
        let opened = self.check_key(keys)?.open(self.check_nonce, &associated, &mut check);
        Ok(opened.map(|content| content.to_vec()))
    }

    /// The stored record.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.cipher.number()];
        bytes.extend_from_slice(&self.block_size.to_le_bytes());
        bytes.extend_from_slice(&self.next_slot.to_le_bytes());
        // There are at most MAX_SLOTS, with MAX_KEYS keys each.
        bytes.push(self.slots.len() as u8);
        for slot in &self.slots {
            slot.encode_head(&mut bytes);
            bytes.extend_from_slice(&slot.nonce);
            bytes.extend_from_slice(&(slot.wrapped.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&slot.wrapped);
        }
        bytes.push(self.check.len().saturating_sub(TAG) as u8);
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
            Some(&VERSION) => Self::try_decode(bytes).ok_or_else(damaged),
            Some(other) => Err(Error::new(
                ErrorCode::IncompatibleVersion,
                format!("the keys of the database are of version {other}; install a newer version"),
            )),
            None => Err(damaged()),
        }
    }

    fn try_decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        input.u8()?;
        let cipher = Cipher::from_number(input.u8()?)?;
        let (block_size, next_slot) = (input.u32()?, input.u32()?);
        let count = usize::from(input.u8()?);
        if count > MAX_SLOTS {
            return None;
        }
        let slots = (0..count).map(|_| Slot::decode(&mut input)).collect::<Option<_>>()?;
        let content = usize::from(input.u8()?);
        let (check_salt, check_nonce) = (input.array()?, input.array()?);
        let check = input.take(content + TAG)?.to_vec();
        let record = Self { cipher, block_size, next_slot, slots, check_salt, check_nonce, check };
        input.0.is_empty().then_some(record)
    }
}

struct Input<'i>(&'i [u8]);

impl<'i> Input<'i> {
    fn take(&mut self, len: usize) -> Option<&'i [u8]> {
        self.0.split_off(..len)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
}

const _: () = assert!(NONCE == 12 && TAG == 16, "constants of the format");

fn wrong_key() -> Error {
    Error::new(ErrorCode::WrongKey, "the key or passphrase does not open the database")
}

fn damaged() -> Error {
    Error::corrupt("the record of the database's keys is damaged")
}

fn too_long() -> Error {
    Error::new(ErrorCode::ResourceLimit, "too much to seal at once")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const DATABASE: [u8; 16] = [7; 16];
    const CHEAP: KdfParameters = KdfParameters { memory: 8, iterations: 1, parallelism: 1 };

    fn code<T>(result: Result<T>) -> Option<ErrorCode> {
        result.err().map(|error| error.code())
    }

    fn record(cipher: Cipher, secrets: &[Secret]) -> (KeyRecord, DataKeys) {
        let mut random = Random::new();
        let keys = DataKeys::generate(&mut random).unwrap();
        let mut record =
            KeyRecord::new(cipher, 4_080, &DATABASE, &keys, b"content", &mut random).unwrap();
        for secret in secrets {
            record.add_slot(&DATABASE, &keys, secret, CHEAP, &mut random).unwrap();
        }
        (record, keys)
    }

    #[test]
    fn each_secret_unlocks_the_same_keys() {
        let secrets = [Secret::passphrase("one"), Secret::key([3; KEY]), Secret::passphrase("two")];
        for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
            let (mut record, keys) = record(cipher, &secrets);
            for (secret, id) in secrets.iter().zip(1..) {
                let unlocked = record.unlock(&DATABASE, secret).unwrap();
                assert_eq!(unlocked.slot, id);
                assert_eq!(unlocked.content, b"content");
                let (own, other) = (keys.newest().unwrap(), unlocked.keys.newest().unwrap());
                assert_eq!((own.0, own.1.bytes()), (other.0, other.1.bytes()));
            }
            for wrong in [Secret::passphrase("three"), Secret::passphrase(""), Secret::key([4; 32])]
            {
                let wrong = record.unlock(&DATABASE, &wrong);
                assert_eq!(code(wrong), Some(ErrorCode::WrongKey));
            }
            assert!(record.remove_slot(1) && !record.remove_slot(1));
            let gone = record.unlock(&DATABASE, &secrets[0]);
            assert_eq!(code(gone), Some(ErrorCode::WrongKey));
            assert!(record.unlock(&DATABASE, &secrets[2]).is_ok());
            let other = record.unlock(&[8; 16], &secrets[2]);
            assert_eq!(code(other), Some(ErrorCode::WrongKey), "of another database");
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let secret = Secret::key([3; KEY]);
        let (record, _) = record(Cipher::Aes256Gcm, std::slice::from_ref(&secret));
        let encoded = record.encode();
        assert_eq!(KeyRecord::decode(&encoded).unwrap(), record);
        for at in 0..encoded.len() {
            for bit in 0..8 {
                let mut changed = encoded.clone();
                changed[at] ^= 1 << bit;
                let opened =
                    KeyRecord::decode(&changed).and_then(|other| other.unlock(&DATABASE, &secret));
                // The next slot's id alone is not covered: it opens nothing.
                assert_eq!(opened.is_ok(), (6..10).contains(&at), "bit {bit} of byte {at}");
            }
        }
        for len in 0..encoded.len() {
            assert!(KeyRecord::decode(&encoded[..len]).is_err());
        }
    }

    #[test]
    fn slots_are_bounded() {
        let secret = Secret::key([3; KEY]);
        let (mut record, keys) = record(Cipher::Aes256Gcm, &[]);
        let mut random = Random::new();
        for _ in 0..MAX_SLOTS {
            record.add_slot(&DATABASE, &keys, &secret, CHEAP, &mut random).unwrap();
        }
        let more = record.add_slot(&DATABASE, &keys, &secret, CHEAP, &mut random);
        assert_eq!(code(more), Some(ErrorCode::ResourceLimit));
        assert_eq!(KeyRecord::decode(&record.encode()).unwrap(), record);
    }
}
