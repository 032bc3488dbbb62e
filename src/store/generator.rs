//! Key generators, by the rules of IndexedDB ("Key generators", section 2.11).
//!
//! A generator's current number is the next key it makes. It starts at 1, never falls, and ends at
//! 2⁵³: beyond that numbers are not exact. An explicit numeric key at or above it moves it on.

use std::collections::BTreeMap;

use crate::catalog::{StoreDef, meta_key};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{ReadTxn, WriteTxn, meta};

/// The last number that a generator makes: 2⁵³.
pub const LAST: u64 = 1 << 53;

/// The current numbers of key generators, kept in memory while a buffer of operations runs.
#[derive(Debug, Default)]
pub struct Generators(BTreeMap<u32, Generator>);

#[derive(Debug, Clone, Copy)]
struct Generator {
    current: u64,
    changed: bool,
}

impl Generators {
    /// The number that the store's generator makes next; it stays current until [`Self::advance`].
    ///
    /// # Errors
    /// `RESOURCE_LIMIT` if the generator has made 2⁵³.
    pub fn next(&mut self, txn: &ReadTxn<'_>, store: &StoreDef) -> Result<u64> {
        let current = self.current(txn, store.id)?;
        if current <= LAST {
            return Ok(current);
        }
        Err(Error::new(
            ErrorCode::ResourceLimit,
            format!("the key generator of store {:?} has reached 2^53; give keys", store.name),
        )
        .with_store(store.name.to_string()))
    }

    /// Moves the generator beyond a key that is being stored, if that is at or above its number.
    pub fn advance(&mut self, txn: &ReadTxn<'_>, store: u32, key: f64) -> Result<()> {
        let current = self.current(txn, store)?;
        let used = used_up_to(key);
        if used >= current {
            self.0.insert(store, Generator { current: used + 1, changed: true });
        }
        Ok(())
    }

    /// Writes the numbers that changed.
    pub fn flush(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        for (store, generator) in &mut self.0 {
            if generator.changed {
                meta::put_u64(txn, &meta_key::generator(*store), generator.current)?;
                generator.changed = false;
            }
        }
        Ok(())
    }

    /// Forgets everything that was not flushed, since the transaction was rolled back.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    fn current(&mut self, txn: &ReadTxn<'_>, store: u32) -> Result<u64> {
        if let Some(generator) = self.0.get(&store) {
            return Ok(generator.current);
        }
        let current = stored_number(txn, store)?;
        self.0.insert(store, Generator { current, changed: false });
        Ok(current)
    }
}

/// The largest number that a generator must not make any more once there is a document under a
/// numeric key.
pub fn used_up_to(key: f64) -> u64 {
    // Negative numbers become 0; 2⁵³ and all whole numbers below are exact.
    key.min(LAST as f64).floor() as u64
}

/// A generator's current number as stored.
pub fn stored_number(txn: &ReadTxn<'_>, store: u32) -> Result<u64> {
    match meta::get_u64(txn, &meta_key::generator(store))?.unwrap_or(1) {
        current @ 1.. if current <= LAST + 1 => Ok(current),
        _ => Err(Error::corrupt(format!("the key generator of store {store} is out of range"))),
    }
}
