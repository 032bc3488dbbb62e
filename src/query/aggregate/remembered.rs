//! What a join found, by the values that it looked for.

use std::collections::HashMap;
use std::sync::Arc;

use super::execution::Memory;
use crate::error::Result;
use crate::query::expression::weigh;
use crate::value::Value;

/// The most memory that is taken, in bytes.
const MOST: usize = 16 << 20;
/// What an entry takes besides what is in it.
const ENTRY: usize = 96;
/// After so many questions it shows whether values come again.
const TRIAL: u32 = 4_096;
/// As many questions may be new for each that was asked before.
const NEW_FOR_EACH: u32 = 16;

/// Lists of documents by the bytes of the value that all of them equal.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    found: HashMap<Box<[u8]>, Arc<Value>>,
    bytes: usize,
    asked: u32,
    known: u32,
    useless: bool,
}

impl Remembered {
    /// What was found for a value.
    #[inline]
    pub(super) fn get(&mut self, key: &[u8]) -> Option<&Arc<Value>> {
        if self.useless {
            return None;
        }
        let found = self.found.get(key);
        if self.asked < TRIAL {
            self.asked += 1;
            self.known += u32::from(found.is_some());
        }
        found
    }

    /// Remembers what was found, as far as there is memory. When it is full it begins anew.
    pub(super) fn put(&mut self, key: &[u8], list: &Arc<Value>, memory: &mut Memory) -> Result<()> {
        if self.useless {
            return Ok(());
        }
        if self.asked == TRIAL && self.known < TRIAL / NEW_FOR_EACH {
            self.useless = true;
            self.forget(memory);
            return Ok(());
        }
        let bytes = key.len() + ENTRY + weigh(list);
        // What comes behind needs memory, too.
        let most = (memory.limit() / 16).min(MOST);
        if bytes > most / 4 {
            return Ok(());
        }
        if self.bytes + bytes > most {
            self.forget(memory);
        }
        if memory.has_room(bytes) {
            memory.take(bytes, "$lookup")?;
            self.bytes += bytes;
            self.found.insert(key.into(), Arc::clone(list));
        }
        Ok(())
    }

    fn forget(&mut self, memory: &mut Memory) {
        self.found = HashMap::new();
        memory.give(std::mem::take(&mut self.bytes));
    }
}
