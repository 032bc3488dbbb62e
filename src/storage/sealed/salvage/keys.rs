//! The keys of a damaged database, from its records in clear.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::block;
use super::super::clear;
use super::super::store::SealedStore;
use super::super::unlock::open_record;
use crate::error::{Error, Result};
use crate::seal::{KeyRecord, SealingKey};
use crate::storage::care::Care;
use crate::storage::data_file::{Found, Remains, Salvage, Trust};
use crate::storage::envelope;
use crate::storage::format::FormatRecord;
use crate::storage::meta::{self, tag};
use crate::storage::options::Encryption;
use crate::storage::tree_id::TreeId;
use crate::storage::txn::Table;

/// What opens the blocks of a damaged database.
pub(super) struct Keys {
    pub format: FormatRecord,
    pub record: KeyRecord,
    pub store: SealedStore,
    /// The keys of the epochs. A number may have several: of transactions that were given up.
    epochs: BTreeMap<u32, Vec<Arc<SealingKey>>>,
}

/// Records in clear, of whatever state.
#[derive(Default)]
struct Clear {
    formats: Vec<(Trust, FormatRecord)>,
    records: Vec<(Trust, KeyRecord)>,
    epochs: BTreeSet<(u32, u32, [u8; 16])>,
}

impl Clear {
    fn read(salvage: &mut Salvage, care: &dyn Care) -> Result<Self> {
        let mut clear = Self::reached(salvage, Table::Meta, care)?;
        let copies = Self::reached(salvage, Table::Log, care)?;
        // A copy counts where the record is lost: it may be of an older state, see `copies`.
        if clear.formats.is_empty() {
            clear.formats = copies.formats;
        }
        if clear.records.is_empty() {
            clear.records = copies.records;
        }
        clear.epochs.extend(copies.epochs);
        let mut take = |found: Found<'_>| Ok(clear.take(&found));
        if !salvage.is_whole(Table::Meta) {
            salvage.visit_others(Trust::Orphan, care, "keys", &mut take)?;
            salvage.visit_others(Trust::Stale, care, "keys", &mut take)?;
        }
        clear.formats.sort_by_key(|(trust, _)| std::cmp::Reverse(*trust));
        clear.records.sort_by_key(|(trust, _)| std::cmp::Reverse(*trust));
        Ok(clear)
    }

    /// Those that the root of a tree leads to.
    fn reached(salvage: &mut Salvage, table: Table, care: &dyn Care) -> Result<Self> {
        let mut clear = Self::default();
        let mut take = |found: Found<'_>| Ok(clear.take(&found));
        salvage.visit_reached(table, care, "keys", &mut take)?;
        Ok(clear)
    }

    /// Takes a record: true if it is one.
    fn take(&mut self, found: &Found<'_>) -> bool {
        let (Some((TreeId(0), key)), Some(value)) = (TreeId::read(found.key), found.value) else {
            return found.is_entry;
        };
        let mut scratch = Vec::new();
        let Ok(payload) = envelope::open(meta::TREE.id, key, value, &mut scratch) else {
            return found.is_entry;
        };
        match key {
            [tag::FORMAT] => {
                let format = FormatRecord::decode(payload).ok();
                self.formats.extend(format.map(|format| (found.trust, format)));
            }
            [tag::KEYS] => {
                let record = KeyRecord::decode(payload).ok();
                let is_known =
                    |record: &KeyRecord| self.records.iter().any(|(_, own)| own == record);
                let record = record.filter(|record| !is_known(record));
                self.records.extend(record.map(|record| (found.trust, record)));
            }
            key => {
                let epoch = clear::epoch_number(key).zip(clear::parse_epoch(payload).ok());
                self.epochs.extend(epoch.map(|(number, (key, value))| (number, key, value)));
            }
        }
        true
    }
}

impl Keys {
    /// Finds the keys, and unlocks them.
    ///
    /// # Errors
    /// `WRONG_KEY`; `CORRUPT` if the records of the keys are lost; `INCOMPATIBLE_VERSION`.
    pub(super) fn find(
        salvage: &mut Salvage,
        encryptions: &[Encryption],
        care: &dyn Care,
    ) -> Result<Self> {
        let Clear { formats, records, epochs } = Clear::read(salvage, care)?;
        let mut failure = lost();
        for (_, format) in formats {
            format.check()?;
            let mut found: Option<(Trust, u32, Self)> = None;
            for (trust, record) in &records {
                // Of records that are as good, that of the newest data key.
                if found.as_ref().is_some_and(|(known, ..)| known != trust) {
                    break;
                }
                for encryption in encryptions {
                    match open_record(record, *format.uuid.as_bytes(), encryption) {
                        Ok(store) => {
                            let newest = store.newest_data_key();
                            if found.as_ref().is_none_or(|(_, known, _)| newest > *known) {
                                let (record, epochs) = (record.clone(), BTreeMap::new());
                                let keys = Self { format, record, store, epochs };
                                found = Some((*trust, newest, keys));
                            }
                            break;
                        }
                        Err(error) => failure = error,
                    }
                }
            }
            if let Some((.., mut keys)) = found {
                keys.derive(&epochs);
                return Ok(keys);
            }
        }
        Err(failure)
    }

    fn derive(&mut self, epochs: &BTreeSet<(u32, u32, [u8; 16])>) {
        for (number, data_key, value) in epochs {
            // Of a data key that is gone nothing can be opened any more.
            if let Ok(key) = self.store.derive(*data_key, value) {
                self.epochs.entry(*number).or_default().push(key);
            }
        }
    }

    /// Whether a stored block may be one: it names an epoch that there is.
    pub(super) fn may_open(&self, stored: &[u8]) -> bool {
        block::stamp_of(stored).is_some_and(|stamp| self.of(stamp).is_some())
    }

    fn of(&self, stamp: &block::Stamp) -> Option<&Vec<Arc<SealingKey>>> {
        self.epochs.get(&block::epoch_of(stamp))
    }

    /// Decrypts a stored block into `out`; false if it is not what was stored under this id.
    pub(super) fn open(&self, id: u64, stored: &[u8], out: &mut [u8]) -> bool {
        let keys = block::stamp_of(stored).and_then(|stamp| self.of(stamp));
        let database = self.store.database();
        keys.is_some_and(|keys| {
            keys.iter().any(|key| block::open_into(key, database, id, stored, out))
        })
    }
}

#[cold]
fn lost() -> Error {
    Error::corrupt(
        "the records of the database's identity or keys are lost, without which nothing can be \
         decrypted; restore a backup",
    )
}
