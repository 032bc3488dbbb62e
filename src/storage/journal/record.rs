//! A record of the journal: the pages that one commit has written, or changes of a transaction that
//! is not committed yet.
//!
//! A page is cut into 64 blocks. Left out are blocks between the slots and the nodes of a page,
//! which hold nothing, and those that are equal in a page that an earlier record of the same
//! generation has.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use crate::storage::lmdb::{ChangedPage, ChangedPages, META_LENGTH, OwnPages};

/// Records begin at multiples of this, so that none shares a sector with the one before it.
pub(super) const ALIGNMENT: u64 = 512;
/// Where a record has its fields.
const CHECKSUM: usize = 0;
const MAGIC_AT: usize = 8;
const ID: usize = 16;
const GENERATION: usize = 24;
const TXN_ID: usize = 32;
const SYNCED: usize = 40;
const LENGTH: usize = 48;
const DURABLE: usize = 56;
/// Of a record with pages.
const META: usize = 64;
/// Of a record with changes.
const NUMBER: usize = 64;
/// Where a record has its changes.
pub(in crate::storage) const CHANGES: usize = 72;
/// The length of the head of a record with pages.
const HEAD: usize = META + META_LENGTH;
/// A record with pages, one with changes, and one with pages as they were: those tell not how far
/// the journal was on disk.
const PAGES_MAGIC: u64 = u64::from_le_bytes(*b"LodeJrnP");
const CHANGES_MAGIC: u64 = u64::from_le_bytes(*b"LodeJrnC");
const OLD_MAGIC: u64 = u64::from_le_bytes(*b"LodeJrnR");
const OLD_META: usize = 56;
/// An entry's number, base and blocks, or length.
const ENTRY: usize = 24;
/// The base of a page that has none; it is a meta page, which no record has.
const NO_BASE: u64 = 0;
/// The base of a value in pages of its own.
const OWN: u64 = u64::MAX;
const BLOCKS: usize = 64;
/// Where a page has its flags, the end of its slots, and the beginning of its nodes.
const FLAGS: usize = 10;
const LOWER: usize = 12;
const UPPER: usize = 14;
const BRANCH_OR_LEAF: u16 = 0x03;

/// What a record says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The journal that it is part of.
    pub(super) id: u64,
    /// The generation of the journal.
    pub(super) generation: u64,
    /// The transaction.
    pub(super) txn_id: u64,
    /// The last transaction that was on disk when the record was written.
    pub(super) synced: u64,
    /// Where the part of the journal ended then that was on disk.
    pub(super) durable: u64,
}

impl Head {
    fn fields(&self, magic: u64) -> [u64; 8] {
        [0, magic, self.id, self.generation, self.txn_id, self.synced, 0, self.durable]
    }

    /// What changes are bound to that are sealed: the place where they count.
    pub(super) fn associated(&self, number: u64) -> Vec<u8> {
        let mut bytes = b"ldjrnl1\0".to_vec();
        for field in [self.id, self.generation, self.txn_id, number] {
            put(&mut bytes, field);
        }
        bytes
    }
}

/// Writes a record with changes to `out`, which is emptied first: the one of this `number` of its
/// transaction, from 0 on.
pub(super) fn encode_changes(out: &mut Vec<u8>, head: &Head, number: u64, changes: &[u8]) {
    out.clear();
    head.fields(CHANGES_MAGIC).iter().for_each(|field| put(out, *field));
    put(out, number);
    out.extend_from_slice(changes);
    finish(out);
}

fn finish(out: &mut [u8]) {
    let length = out.len() as u64;
    set(out, LENGTH, length);
    let checksum = xxh3_64(out.get(MAGIC_AT..).unwrap_or_default());
    set(out, CHECKSUM, checksum);
}

/// Writes the record of a commit to `out`, which is emptied first. `known` are the pages that
/// earlier records of the generation have.
pub(super) fn encode(
    out: &mut Vec<u8>,
    head: &Head,
    changed: &ChangedPages<'_>,
    known: &HashSet<u64>,
) {
    out.clear();
    head.fields(PAGES_MAGIC).iter().for_each(|field| put(out, *field));
    out.extend_from_slice(changed.meta);
    for page in &changed.pages {
        encode_page(out, page, known);
    }
    for value in &changed.values {
        encode_value(out, value);
    }
    finish(out);
}

fn encode_page(out: &mut Vec<u8>, page: &ChangedPage<'_>, known: &HashSet<u64>) {
    let mut blocks = !empty_blocks(page.bytes);
    let mut base = NO_BASE;
    if let Some((number, bytes)) = page.similar.filter(|(number, _)| known.contains(number)) {
        base = number;
        blocks &= different_blocks(bytes, page.bytes) | empty_blocks(bytes);
    }
    [page.number, base, blocks].iter().for_each(|field| put(out, *field));
    for (at, block) in page.bytes.chunks(page.bytes.len() / BLOCKS).enumerate() {
        if blocks & 1 << at != 0 {
            out.extend_from_slice(block);
        }
    }
}

fn encode_value(out: &mut Vec<u8>, value: &OwnPages<'_>) {
    [value.number, OWN, value.bytes.len() as u64].iter().for_each(|field| put(out, *field));
    out.extend_from_slice(value.bytes);
    out.resize(out.len().next_multiple_of(size_of::<u64>()), 0);
}

/// The blocks of a tree's page that hold nothing.
fn empty_blocks(page: &[u8]) -> u64 {
    let field = |at: usize| page.get(at..).and_then(|rest| rest.first_chunk());
    let field = |at| field(at).map_or(0, |bytes| u16::from_ne_bytes(*bytes));
    if field(FLAGS) & BRANCH_OR_LEAF == 0 {
        return 0;
    }
    let block = page.len() / BLOCKS;
    let (first, end) =
        (usize::from(field(LOWER)).div_ceil(block), usize::from(field(UPPER)) / block);
    let below = |at: usize| if at >= BLOCKS { u64::MAX } else { (1 << at) - 1 };
    below(end) & !below(first)
}

/// The blocks in which two pages differ.
fn different_blocks(left: &[u8], right: &[u8]) -> u64 {
    let block = right.len() / BLOCKS;
    let pairs = left.chunks(block).zip(right.chunks(block)).enumerate();
    pairs.fold(0, |blocks, (at, (left, right))| blocks | u64::from(left != right) << at)
}

/// A record that is whole.
pub(super) struct Record<'b> {
    pub(super) head: Head,
    pub(super) content: Content<'b>,
    /// Its length in bytes.
    pub(super) length: usize,
}

/// What a record has.
pub(super) enum Content<'b> {
    /// The pages that a commit has written, and its meta page.
    Pages(CommitPages<'b>),
    /// Changes of a transaction: those of this number, from 0 on.
    Changes(u64, &'b [u8]),
}

/// The pages that a commit has written.
pub(super) struct CommitPages<'b> {
    pub(super) meta: &'b [u8; META_LENGTH],
    entries: &'b [u8],
}

/// How long the record that begins with `bytes` says it is; `None` if there is none of this journal
/// and generation.
pub(super) fn length(bytes: &[u8], id: u64, generation: u64) -> Option<usize> {
    let is_one = get(bytes, ID)? == id && get(bytes, GENERATION)? == generation;
    let least = match get(bytes, MAGIC_AT)? {
        PAGES_MAGIC => HEAD,
        CHANGES_MAGIC => CHANGES,
        OLD_MAGIC => OLD_META + META_LENGTH,
        _ => return None,
    };
    usize::try_from(get(bytes, LENGTH)?).ok().filter(|length| is_one && *length >= least)
}

/// As much of a record as [`length`] needs.
pub(super) const FRONT: usize = DURABLE;

impl<'b> Record<'b> {
    /// The record of a generation that `bytes` begin with; `None` if there is none, or it is not
    /// whole.
    pub(super) fn find(bytes: &'b [u8], id: u64, generation: u64) -> Option<Self> {
        Self::read(bytes.get(..length(bytes, id, generation)?)?)
    }

    fn read(bytes: &'b [u8]) -> Option<Self> {
        if get(bytes, CHECKSUM)? != xxh3_64(bytes.get(MAGIC_AT..)?) {
            return None;
        }
        let magic = get(bytes, MAGIC_AT)?;
        let pages = |at: usize| {
            let (meta, entries) = bytes.get(at..)?.split_first_chunk()?;
            Some(Content::Pages(CommitPages { meta, entries }))
        };
        let (durable, content) = match magic {
            OLD_MAGIC => (0, pages(OLD_META)?),
            PAGES_MAGIC => (get(bytes, DURABLE)?, pages(META)?),
            _ => {
                let content = Content::Changes(get(bytes, NUMBER)?, bytes.get(CHANGES..)?);
                (get(bytes, DURABLE)?, content)
            }
        };
        let head = Head {
            id: get(bytes, ID)?,
            generation: get(bytes, GENERATION)?,
            txn_id: get(bytes, TXN_ID)?,
            synced: get(bytes, SYNCED)?,
            durable,
        };
        Some(Self { head, content, length: bytes.len() })
    }
}

impl CommitPages<'_> {
    /// Brings pages up to the state after the commit; `None` if the record cannot have been written
    /// after those that led to `pages`.
    pub(super) fn apply(&self, pages: &mut Pages) -> Option<()> {
        let mut rest = self.entries;
        while !rest.is_empty() {
            let (entry, more) = rest.split_at_checked(ENTRY)?;
            let number = get(entry, 0).filter(|number| *number > 1)?;
            let (base, detail) = (get(entry, 8)?, get(entry, 16)?);
            rest = match base {
                OWN => pages.put_value(number, more, detail)?,
                base => pages.put_page(number, base, detail, more)?,
            };
        }
        Some(())
    }
}

/// Pages as the records leave them.
pub(super) struct Pages {
    size: usize,
    pub(super) content: HashMap<u64, Box<[u8]>>,
}

impl Pages {
    pub(super) fn new(page_size: usize) -> Self {
        Self { size: page_size, content: HashMap::new() }
    }

    /// Takes a page's blocks from the front of `bytes`; returns the rest.
    fn put_page<'b>(
        &mut self,
        number: u64,
        base: u64,
        blocks: u64,
        mut bytes: &'b [u8],
    ) -> Option<&'b [u8]> {
        let mut page = match base {
            NO_BASE => vec![0; self.size].into_boxed_slice(),
            base => self.content.get(&base)?.clone(),
        };
        let size = self.size / BLOCKS;
        for (at, block) in page.chunks_mut(size).enumerate() {
            if blocks & 1 << at != 0 {
                let (new, rest) = bytes.split_at_checked(size)?;
                block.copy_from_slice(new);
                bytes = rest;
            }
        }
        self.content.insert(number, page);
        Some(bytes)
    }

    /// Takes a value of `length` bytes from the front of `bytes`; returns the rest.
    fn put_value<'b>(&mut self, number: u64, bytes: &'b [u8], length: u64) -> Option<&'b [u8]> {
        let length = usize::try_from(length).ok()?;
        let padded = length.checked_next_multiple_of(size_of::<u64>())?;
        let (value, rest) = bytes.split_at_checked(padded)?;
        for (at, part) in value.get(..length)?.chunks(self.size).enumerate() {
            let mut page = vec![0; self.size].into_boxed_slice();
            page.get_mut(..part.len())?.copy_from_slice(part);
            self.content.insert(number.checked_add(at as u64)?, page);
        }
        Some(rest)
    }
}

pub(super) fn put(out: &mut Vec<u8>, field: u64) {
    out.extend_from_slice(&field.to_le_bytes());
}

fn set(out: &mut [u8], at: usize, field: u64) {
    if let Some(place) = out.get_mut(at..at + size_of::<u64>()) {
        place.copy_from_slice(&field.to_le_bytes());
    }
}

pub(super) fn get(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
