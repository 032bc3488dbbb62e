//! `data.journal`, and the place in `data.mdb` that says whether it counts.
//!
//! The file begins with two headers, each in a page of its own, of which the one of the higher
//! generation counts; the records of that generation follow.

use std::fs::File;
use std::io;

use xxhash_rust::xxh3::xxh3_64;

use super::record::{self, ALIGNMENT, FRONT, Record, get, put};
use crate::storage::lmdb::{META_LENGTH, TXN_ID, meta_field};
use crate::storage::options::Layout;
use crate::storage::platform;

/// The distance between the headers.
const HEADER_ROOM: u64 = 4_096;
/// No record ends behind this: a checkpoint is made before.
pub(super) const LARGEST: u64 = 16 << 20;
/// Where the records begin.
pub(super) const RECORDS: u64 = 2 * HEADER_ROOM;
const MAGIC: u64 = u64::from_le_bytes(*b"LodeJrnH");
const VERSION: u64 = 1;
const META: usize = 56;
/// The length of a header.
const HEADER: usize = META + META_LENGTH;
/// Where the first meta page has the id of the journal that counts; LMDB leaves this place alone.
const JOURNAL_ID: u64 = 160;

/// What a generation of the journal begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The journal, never 0.
    pub(super) id: u64,
    /// Grows with each header.
    pub(super) generation: u64,
    /// The size of a page of the data file.
    pub(super) page_size: usize,
    /// The transaction whose state the data file has on disk.
    pub(super) base: u64,
    /// Its meta page.
    pub(super) meta: [u8; META_LENGTH],
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        let page_size = self.page_size as u64;
        for field in [0, MAGIC, VERSION, self.id, self.generation, page_size, self.base] {
            put(&mut bytes, field);
        }
        bytes.extend_from_slice(&self.meta);
        let checksum = xxh3_64(bytes.get(8..).unwrap_or_default());
        if let Some(place) = bytes.first_chunk_mut() {
            *place = checksum.to_le_bytes();
        }
        bytes
    }

    /// The transaction of the meta page.
    pub(super) fn txn_id(&self) -> u64 {
        meta_field(&self.meta, TXN_ID)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let is_one = get(bytes, 0)? == xxh3_64(bytes.get(8..HEADER)?)
            && get(bytes, 8)? == MAGIC
            && get(bytes, 16)? == VERSION;
        let page_size = usize::try_from(get(bytes, 40)?).ok()?;
        (is_one && page_size.is_power_of_two() && (512..=1 << 16).contains(&page_size)).then_some(
            Self {
                id: get(bytes, 24)?,
                generation: get(bytes, 32)?,
                page_size,
                base: get(bytes, 48)?,
                meta: *bytes.get(META..)?.first_chunk()?,
            },
        )
    }
}

/// Reads which journal counts for a data file: 0 if none does.
pub(in crate::storage) fn journal_id(data: &File) -> io::Result<u64> {
    let mut bytes = [0; size_of::<u64>()];
    let read = platform::read_up_to(data, &mut bytes, JOURNAL_ID)?;
    Ok(if read == bytes.len() { u64::from_le_bytes(bytes) } else { 0 })
}

/// Says which journal counts for a data file, on disk.
pub(super) fn set_journal_id(data: &File, id: u64) -> io::Result<()> {
    platform::write_all_at(data, &id.to_le_bytes(), JOURNAL_ID)?;
    data.sync_data()
}

/// The journal's file. It is never renamed or removed: its lock is the order in which processes
/// write to it.
pub(super) struct JournalFile {
    pub(super) file: File,
}

/// Keeps other processes from writing.
pub(super) struct Locked<'f>(&'f File);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Closing the file gives the lock up if this fails.
        drop(self.0.unlock());
    }
}

impl JournalFile {
    /// Opens it, creating it if need be.
    pub(super) fn create(layout: &Layout) -> io::Result<Self> {
        Ok(Self { file: platform::open_private_file(&layout.journal())? })
    }

    /// Waits until no other process writes.
    pub(super) fn lock(&self) -> io::Result<Locked<'_>> {
        self.file.lock()?;
        Ok(Locked(&self.file))
    }

    /// The header that counts for a data file with this journal id.
    pub(super) fn header(&self, id: u64) -> io::Result<Option<Header>> {
        let mut found: Option<Header> = None;
        for slot in 0..2 {
            let mut bytes = [0; HEADER];
            let read = platform::read_up_to(&self.file, &mut bytes, slot * HEADER_ROOM)?;
            let header = bytes.get(..read).and_then(Header::decode);
            let header = header.filter(|header| header.id == id);
            if header.as_ref().map(|header| header.generation)
                > found.as_ref().map(|header| header.generation)
            {
                found = header;
            }
        }
        Ok(found)
    }

    /// Begins a generation, on disk. What counted until then is left as it is.
    pub(super) fn put_header(&self, header: &Header) -> io::Result<()> {
        let slot = header.generation % 2 * HEADER_ROOM;
        platform::write_all_at(&self.file, &header.encode(), slot)?;
        self.file.sync_data()
    }

    /// Reads the record of a generation at a place into `bytes`; `None` if there is none, or it is
    /// not whole.
    pub(super) fn record<'b>(
        &self,
        at: u64,
        (id, generation): (u64, u64),
        bytes: &'b mut Vec<u8>,
    ) -> io::Result<Option<Record<'b>>> {
        bytes.resize(FRONT, 0);
        let read = platform::read_up_to(&self.file, bytes, at)?;
        bytes.truncate(read);
        let Some(length) = record::length(bytes, id, generation) else { return Ok(None) };
        if at.saturating_add(length as u64) > self.length()?.min(LARGEST) {
            return Ok(None);
        }
        bytes.resize(length, 0);
        let read = platform::read_up_to(&self.file, bytes, at)?;
        bytes.truncate(read);
        Ok(Record::find(bytes, id, generation))
    }

    /// Reads the whole file, as far as there can be records.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.length()?.min(LARGEST) as usize];
        let read = platform::read_up_to(&self.file, &mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Gives up the room of the records. None counts any more.
    pub(super) fn shorten(&self) -> io::Result<()> {
        let length = self.length()?;
        self.file.set_len(length.min(RECORDS))
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// Where the record behind one of `length` bytes at `at` begins.
pub(super) fn behind(at: u64, length: usize) -> u64 {
    at.saturating_add(length as u64).next_multiple_of(ALIGNMENT)
}
