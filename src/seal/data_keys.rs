//! The keys that protect a database's content, by number.

use zeroize::Zeroizing;

use super::random::Random;
use super::secret::{KEY, Key};
use crate::error::{Error, Result};

/// Data keys in a record at most: the current one, and one that is being replaced.
const MAX_KEYS: usize = 2;
const ENCODED_KEY: usize = size_of::<u32>() + KEY;

/// Data keys, the newest last.
#[derive(Debug, Clone)]
pub struct DataKeys(Vec<(u32, Key)>);

impl DataKeys {
    /// One new key.
    ///
    /// # Errors
    /// `IO` if there are no random numbers.
    pub fn generate(random: &mut Random) -> Result<Self> {
        Ok(Self(vec![(1, random.key()?)]))
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

    /// The numbers, the newest last.
    pub fn numbers(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.0.iter().map(|(number, _)| *number)
    }

    /// The keys of these numbers, in their order; `None` if one is not there.
    pub fn of(&self, numbers: &[u32]) -> Option<Self> {
        let entry = |number: &u32| Some((*number, self.get(*number)?.clone()));
        numbers.iter().map(entry).collect::<Option<_>>().map(Self)
    }

    /// The newest key, and a new one that is to replace it.
    ///
    /// # Errors
    /// `IO` if there are no random numbers; `CORRUPT` if there are no keys, or no numbers left.
    pub fn succeeded(&self, random: &mut Random) -> Result<Self> {
        let (number, key) = self.newest()?;
        let next = number.checked_add(1);
        let next = next.ok_or_else(|| Error::corrupt("the data keys are used up"))?;
        Ok(Self(vec![(number, key.clone()), (next, random.key()?)]))
    }

    /// The newest key alone.
    ///
    /// # Errors
    /// `CORRUPT` if there is none.
    pub fn current(&self) -> Result<Self> {
        let (number, key) = self.newest()?;
        Ok(Self(vec![(number, key.clone())]))
    }

    /// Takes keys over, in the place of others with their numbers.
    pub fn learn(&mut self, others: &DataKeys) {
        self.0.retain(|(number, _)| others.get(*number).is_none());
        self.0.extend(others.0.iter().cloned());
        self.0.sort_by_key(|(number, _)| *number);
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.0.len() * ENCODED_KEY));
        for (number, key) in &self.0 {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(key.bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
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
