//! The format record: what kind of database this is, and whether this version can read it.

use std::time::{SystemTime, UNIX_EPOCH};

use super::meta::tag;
use super::sealed::{get_clear, put_clear, put_clear_once};
use super::txn::{ReadTxn, Table, WriteTxn};
use crate::error::{Error, ErrorCode, Result};

/// The version of the on-disk format that this code writes.
pub const FORMAT_VERSION: u32 = 1;
/// Features that a reader must know to read, and above all to write.
pub mod flag {
    /// Indexes of the documents that pass a filter.
    pub const PARTIAL_INDEXES: u64 = 1;
    /// Indexes of which the strings are in the order of a collation.
    pub const COLLATED_INDEXES: u64 = 2;
    /// Everything but a few records is encrypted.
    pub const SEALED: u64 = 4;
    /// Indexes of vectors.
    pub const VECTOR_INDEXES: u64 = 8;
    /// What was committed last may be in the journal alone.
    pub const JOURNAL: u64 = 16;
    /// Records may name files with graphs, which have to go when keys are changed.
    pub const GRAPH_FILES: u64 = 32;
    /// What was changed last may be in the journal, and in no commit.
    pub const JOURNALED_CHANGES: u64 = 64;
}

/// Feature flags that this code understands.
const KNOWN_FLAGS: u64 = flag::PARTIAL_INDEXES
    | flag::COLLATED_INDEXES
    | flag::SEALED
    | flag::VECTOR_INDEXES
    | flag::JOURNAL
    | flag::GRAPH_FILES
    | flag::JOURNALED_CHANGES;
const MAGIC: &[u8; 8] = b"LODESTOR";
const LENGTH: usize = 48;

/// The format record, as stored under `F` in `meta`: magic, version (u32), page size (u32), flags
/// (u64), database uuid (16 bytes), creation time (f64, milliseconds since 1970), little-endian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FormatRecord {
    /// The on-disk format.
    pub version: u32,
    /// LMDB's page size when the database was created.
    pub page_size: u32,
    /// Features that a reader must know.
    pub flags: u64,
    /// The database's identity; copies share it.
    pub uuid: uuid::Uuid,
    /// Milliseconds since 1970.
    pub created: f64,
}

impl FormatRecord {
    /// The record of a database that is being created.
    pub fn new(page_size: u32) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            version: FORMAT_VERSION,
            page_size,
            flags: 0,
            uuid: uuid::Uuid::new_v4(),
            created: created.as_millis() as f64,
        }
    }

    /// Reads the record; `None` if there is none. Refuses versions and flags it does not know.
    pub fn read(txn: &ReadTxn<'_>) -> Result<Option<Self>> {
        let bytes = get_clear(txn.raw(), txn.places(), &[tag::FORMAT])?;
        let Some(bytes) = bytes else { return Ok(None) };
        let record = Self::decode(&bytes)?;
        record.check()?;
        Ok(Some(record))
    }

    /// Writes the record.
    pub fn write(&self, txn: &mut WriteTxn<'_>) -> Result<()> {
        let (meta, places, bytes) = (txn.dbi(Table::Meta), txn.places(), self.encode());
        if self.is_sealed() {
            return put_clear(txn.raw_mut(), places, &[tag::FORMAT], &bytes);
        }
        put_clear_once(txn.raw_mut(), meta, &[tag::FORMAT], &bytes)
    }

    /// Says that the database uses a feature, so that versions that do not know it leave it alone.
    pub fn require(txn: &mut WriteTxn<'_>, flags: u64) -> Result<()> {
        match Self::read(txn)? {
            Some(record) if record.flags & flags != flags => {
                Self { flags: record.flags | flags, ..record }.write(txn)
            }
            // Environments of tests have no record.
            _ => Ok(()),
        }
    }

    /// Whether the database is sealed.
    pub fn is_sealed(&self) -> bool {
        self.flags & flag::SEALED != 0
    }

    /// The stored record.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.page_size.to_le_bytes());
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        bytes.extend_from_slice(self.uuid.as_bytes());
        bytes.extend_from_slice(&self.created.to_le_bytes());
        bytes
    }

    /// Reads a stored record, of whatever version.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::corrupt("the format record is damaged");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (page_size, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (flags, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (uuid, rest) = rest.split_first_chunk::<16>().ok_or_else(damaged)?;
        // Later versions may append fields; what is known here stays in place.
        let (created, _) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        Ok(Self {
            version: u32::from_le_bytes(*version),
            page_size: u32::from_le_bytes(*page_size),
            flags: u64::from_le_bytes(*flags),
            uuid: uuid::Uuid::from_bytes(*uuid),
            created: f64::from_le_bytes(*created),
        })
    }

    /// Refuses formats and features that this version does not know.
    ///
    /// # Errors
    /// `INCOMPATIBLE_VERSION`; `CORRUPT` for a version that never was.
    pub fn check(&self) -> Result<()> {
        let unknown = self.flags & !KNOWN_FLAGS;
        if self.version > FORMAT_VERSION || unknown != 0 {
            return Err(Error::new(
                ErrorCode::IncompatibleVersion,
                format!(
                    "the database has format {} with features {:#x}; this version of Lodestore \
                     reads format {FORMAT_VERSION} with features {KNOWN_FLAGS:#x}: install a newer \
                     version",
                    self.version, self.flags
                ),
            ));
        }
        if self.version == 0 {
            return Err(Error::corrupt("the format record has version 0"));
        }
        Ok(())
    }
}
