//! One page of a tree, as LMDB lays it out. Nothing in it is trusted: what points outside the page
//! is `CORRUPT`.
//!
//! A page is `u64 number | u16 - | u16 flags | u16 lower | u16 upper | u16 slots … | nodes`, in the
//! byte order of the host; each slot is the place of a node, in the order of the keys. A node is
//! `u32 size | u16 flags | u16 key length | key | data`. In a branch page, size and flags together
//! are the number of the child's page, and the first key counts as below all others.
//!
//! Source: the page layout of `mdb.c`, LMDB 0.9.70 (data version 1).

use std::cmp::Ordering;

use super::{Code, LmdbResult};
use crate::storage::platform;

pub(super) const HEADER: usize = 16;
const FLAGS_AT: usize = 10;
const LOWER_AT: usize = 12;
const UPPER_AT: usize = 14;
/// Where the first page of a value has how many there are.
const PAGES_AT: usize = 12;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
/// A value of its own, and a meta page.
const OWN: u16 = 0x04;
const META: u16 = 0x08;
/// Flags of pages that our trees do not have: those of sorted duplicates.
const FOREIGN: u16 = 0x60;
const SLOT: usize = size_of::<u16>();
const NODE_HEADER: usize = 8;
const BIG_DATA: u16 = 0x01;
/// The data is the record of a tree.
const TREE: u16 = 0x02;
const FOREIGN_NODE: u16 = 0x06;
const HEAD: usize = size_of::<u64>();

/// A key that is looked for.
///
/// Comparing the first eight bytes as one number decides most comparisons.
#[derive(Clone, Copy)]
pub(super) struct SearchKey<'k> {
    bytes: &'k [u8],
    head: u64,
}

impl<'k> SearchKey<'k> {
    /// The key without bytes.
    pub(super) const EMPTY: Self = Self { bytes: &[], head: 0 };

    #[inline]
    pub(super) fn new(bytes: &'k [u8]) -> Self {
        Self { bytes, head: head_of(bytes) }
    }
}

/// The first eight bytes, most significant first; zeroes stand for what is missing, which sorts no
/// key above one that it is a prefix of.
#[inline]
fn head_of(bytes: &[u8]) -> u64 {
    if let Some(head) = bytes.first_chunk::<HEAD>() {
        return u64::from_be_bytes(*head);
    }
    let mut head = [0; HEAD];
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_be_bytes(head)
}

/// A page of a tree.
#[derive(Clone, Copy)]
pub(super) struct Page<'t> {
    bytes: &'t [u8],
    count: u32,
    is_leaf: bool,
}

/// The first key of a page, if it is a leaf.
pub(crate) fn first_key_of_leaf(page: &[u8]) -> Option<&[u8]> {
    let page = Page::new(page).ok().filter(|page| page.is_leaf)?;
    page.key(0).ok()
}

/// Whether a page of a tree is what its parent says: LMDB believes what it says itself, that it has
/// this number, and where its free room is.
pub(super) fn is_tree_page(bytes: &[u8], number: u64) -> LmdbResult<bool> {
    let (lower, upper) = (u16_at(bytes, LOWER_AT)?, u16_at(bytes, UPPER_AT)?);
    Ok(u64_at(bytes, 0)? == number && lower <= upper && usize::from(upper) <= bytes.len())
}

/// How many pages a value has for itself from this one on, which may be more than it needs; `None`
/// if it is not what its parent says.
pub(super) fn own_pages(bytes: &[u8], number: u64) -> LmdbResult<Option<u32>> {
    let kind = u16_at(bytes, FLAGS_AT)? & (BRANCH | LEAF | OWN | META | FOREIGN);
    let pages = u32::from_ne_bytes(chunk(bytes, PAGES_AT)?);
    Ok((u64_at(bytes, 0)? == number && kind == OWN && pages > 0).then_some(pages))
}

/// The data of an entry.
#[derive(Clone, Copy)]
pub(super) enum Data<'t> {
    /// It is in the page.
    Here(&'t [u8]),
    /// It begins behind the header of another page.
    Elsewhere { page: u64, len: usize },
}

impl<'t> Page<'t> {
    /// A page without entries.
    pub(super) const EMPTY: Self = Self { bytes: &[], count: 0, is_leaf: true };

    /// Takes the bytes of a page.
    #[inline]
    pub(super) fn new(bytes: &'t [u8]) -> LmdbResult<Self> {
        let flags = u16_at(bytes, FLAGS_AT)?;
        let lower = usize::from(u16_at(bytes, LOWER_AT)?);
        let is_leaf = match flags & (BRANCH | LEAF | FOREIGN) {
            LEAF => true,
            BRANCH => false,
            _ => return Err(damaged()),
        };
        let slots = lower.checked_sub(HEADER).ok_or_else(damaged)?;
        if lower > bytes.len() || slots < SLOT {
            return Err(damaged());
        }
        Ok(Self { bytes, count: (slots / SLOT) as u32, is_leaf })
    }

    /// How many nodes it has; one at least, but for [`Page::EMPTY`].
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    #[inline]
    pub(super) fn is_leaf(&self) -> bool {
        self.is_leaf
    }

    #[inline]
    fn node(&self, at: usize) -> LmdbResult<usize> {
        u16_at(self.bytes, HEADER + SLOT * at).map(usize::from)
    }

    /// The key of the entry at a place.
    #[inline]
    pub(super) fn key(&self, at: usize) -> LmdbResult<&'t [u8]> {
        let node = self.node(at)?;
        let len = NodeHeader::at(self.bytes, node)?.key_len;
        let start = node + NODE_HEADER;
        self.bytes.get(start..start + len).ok_or_else(damaged)
    }

    /// Key and data of the entry at a place of a leaf.
    #[inline]
    pub(super) fn entry(&self, at: usize) -> LmdbResult<(&'t [u8], Data<'t>)> {
        self.data(at)?.ok_or_else(damaged)
    }

    /// Key and data of the entry at a place of a leaf; `None` if it is the record of a tree.
    #[inline]
    pub(super) fn data(&self, at: usize) -> LmdbResult<Option<(&'t [u8], Data<'t>)>> {
        let (header, key, rest) = self.parts(at)?;
        let len = header.size as usize;
        let data = match header.flags & (BIG_DATA | FOREIGN_NODE) {
            0 => Data::Here(rest.get(..len).ok_or_else(damaged)?),
            BIG_DATA => Data::Elsewhere { page: u64_at(rest, 0)?, len },
            TREE => return Ok(None),
            _ => return Err(damaged()),
        };
        Ok(Some((key, data)))
    }

    /// The record of a tree that the entry at a place of a leaf is; `None` if it is another one.
    pub(super) fn tree_record(&self, at: usize) -> LmdbResult<Option<&'t [u8]>> {
        let (header, _, rest) = self.parts(at)?;
        if header.flags & (BIG_DATA | FOREIGN_NODE) != TREE {
            return Ok(None);
        }
        rest.get(..header.size as usize).map(Some).ok_or_else(damaged)
    }

    /// The header of the node at a place of a leaf, its key, and what follows it in the page.
    #[inline]
    fn parts(&self, at: usize) -> LmdbResult<(NodeHeader, &'t [u8], &'t [u8])> {
        let node = self.node(at)?;
        let header = NodeHeader::at(self.bytes, node)?;
        let body = self.bytes.get(node + NODE_HEADER..).ok_or_else(damaged)?;
        let (key, rest) = body.split_at_checked(header.key_len).ok_or_else(damaged)?;
        Ok((header, key, rest))
    }

    /// The page of the child at a place of a branch.
    #[inline]
    pub(super) fn child(&self, at: usize) -> LmdbResult<u64> {
        let header = NodeHeader::at(self.bytes, self.node(at)?)?;
        Ok(u64::from(header.size) | u64::from(header.flags) << 32)
    }

    /// How the key at a place compares with `key`.
    #[inline]
    fn compare(&self, at: usize, key: &SearchKey<'_>) -> LmdbResult<Ordering> {
        let node = self.node(at)?;
        let from_node = self.bytes.get(node..).ok_or_else(damaged)?;
        // Eight bytes can be read even of a shorter key, but at the end of the page.
        if let Some(chunk) = from_node.first_chunk::<{ NODE_HEADER + HEAD }>()
            && let (Some(header), Some(head)) = (chunk.first_chunk(), chunk.last_chunk())
        {
            let len = NodeHeader::read(header).key_len;
            let mut head = u64::from_be_bytes(*head);
            if len < HEAD {
                head &= !(u64::MAX >> (8 * len as u32));
            }
            if head != key.head {
                return Ok(head.cmp(&key.head));
            }
        }
        Ok(self.key(at)?.cmp(key.bytes))
    }

    /// Asks for the entries that the first three steps of a search may look at.
    #[inline]
    pub(super) fn fetch_ahead(&self) {
        const PARTS: usize = 8;
        if self.count() < PARTS {
            return;
        }
        for part in 1..PARTS {
            let node = self.node(self.count() * part / PARTS);
            if let Some(bytes) = node.ok().and_then(|node| self.bytes.get(node..)) {
                platform::prefetch(bytes);
            }
        }
    }

    /// The place of the first entry of a leaf, from `low` on, whose key is `key` or above, and
    /// whether it is `key`.
    #[inline]
    pub(super) fn search(&self, key: &SearchKey<'_>) -> LmdbResult<(usize, bool)> {
        let mut search = Search::of(self);
        while let Some(middle) = search.middle() {
            match self.compare(middle, key)? {
                Ordering::Less => search.low = middle + 1,
                Ordering::Greater => search.high = middle,
                Ordering::Equal => return Ok((middle, true)),
            }
        }
        Ok((search.low, false))
    }

    /// The place of the child of a branch under which `key` belongs.
    #[inline]
    pub(super) fn search_child(&self, key: &SearchKey<'_>) -> LmdbResult<usize> {
        let mut search = Search::of(self);
        while let Some(middle) = search.middle() {
            match self.compare(middle, key)? {
                Ordering::Less => search.low = middle + 1,
                Ordering::Greater => search.high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Ok(search.low - 1)
    }

    /// Takes one step of a search that has not come to its end. Which way it goes is not a branch,
    /// of which the processor would guess every other one wrong.
    #[inline]
    pub(super) fn step(&self, search: &mut Search, key: &SearchKey<'_>) -> LmdbResult<()> {
        let middle = search.low.midpoint(search.high);
        let order = self.compare(middle, key)?;
        let (below, above) = (order == Ordering::Less, order == Ordering::Greater);
        let low = if below { middle + 1 } else { middle };
        search.low = if above { search.low } else { low };
        search.high = if below { search.high } else { middle };
        search.is_exact = !below && !above;
        Ok(())
    }

    /// Asks for what the next step of a search looks at.
    #[inline]
    pub(super) fn fetch(&self, search: &Search) {
        if let Some(middle) = search.middle()
            && let Ok(node) = self.node(middle)
            && let Some(bytes) = self.bytes.get(node..)
        {
            platform::prefetch(bytes);
        }
    }
}

/// What a node begins with.
struct NodeHeader {
    /// Of the data; in a branch, the low part of the child's number.
    size: u32,
    /// In a branch, the high part of the child's number.
    flags: u16,
    key_len: usize,
}

impl NodeHeader {
    #[inline]
    fn at(bytes: &[u8], node: usize) -> LmdbResult<Self> {
        Ok(Self::read(&chunk(bytes, node)?))
    }

    #[inline]
    fn read(&[a, b, c, d, e, f, g, h]: &[u8; NODE_HEADER]) -> Self {
        Self {
            size: u32::from_ne_bytes([a, b, c, d]),
            flags: u16::from_ne_bytes([e, f]),
            key_len: usize::from(u16::from_ne_bytes([g, h])),
        }
    }
}

/// The places among which a key is still looked for.
#[derive(Clone, Copy)]
pub(super) struct Search {
    low: usize,
    high: usize,
    /// Whether the key was met, at `low`.
    is_exact: bool,
}

impl Search {
    /// One that has come to its end.
    pub(super) const DONE: Self = Self { low: 0, high: 0, is_exact: false };

    /// One that begins. The first key of a branch counts as below all others.
    #[inline]
    pub(super) fn of(page: &Page<'_>) -> Self {
        Self { low: usize::from(!page.is_leaf), high: page.count(), is_exact: false }
    }

    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.low >= self.high
    }

    /// The place of the key in a leaf, if it was met.
    #[inline]
    pub(super) fn exact(&self) -> Option<usize> {
        self.is_exact.then_some(self.low)
    }

    /// The place of the child of a branch under which the key belongs.
    #[inline]
    pub(super) fn child(&self) -> usize {
        self.low - usize::from(!self.is_exact)
    }

    #[inline]
    fn middle(&self) -> Option<usize> {
        (self.low < self.high).then(|| self.low.midpoint(self.high))
    }
}

#[cold]
pub(super) fn damaged() -> Code {
    Code::CORRUPTED
}

#[inline]
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> LmdbResult<[u8; N]> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or_else(damaged)
}

#[inline]
pub(super) fn u16_at(bytes: &[u8], at: usize) -> LmdbResult<u16> {
    Ok(u16::from_ne_bytes(chunk(bytes, at)?))
}

#[inline]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> LmdbResult<u64> {
    Ok(u64::from_ne_bytes(chunk(bytes, at)?))
}
