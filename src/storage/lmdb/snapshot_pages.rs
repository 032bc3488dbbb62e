//! The pages of a snapshot, read in place.
//!
//! A snapshot's pages do not change while its read transaction is active, so they can be read
//! without LMDB's calls: a search costs half of `mdb_get`, several searches can wait for memory
//! together ([`TreePages::get_each`]), and moving a cursor costs a few nanoseconds. Write
//! transactions have pages outside of the map, and are read through LMDB.

use std::cell::Cell;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::ptr::NonNull;

use super::page::{self, Data, HEADER, Page, Search, SearchKey, damaged};
use super::{Dbi, Env, LmdbResult, Txn};
use crate::storage::platform;

/// The page number that stands for no page, as the root of an empty tree.
pub(super) const NO_PAGE: u64 = u64::MAX;
/// Handles of trees, those of LMDB's own included, whose pages are read in place.
const MAX_DBIS: usize = 6;
/// How deep a tree can be, as in LMDB.
pub(super) const MAX_DEPTH: usize = 32;
/// Where the record of a named tree has its depth, and its root.
const DEPTH_AT: usize = 6;
const ROOT_AT: usize = 40;
const RECORD_LENGTH: usize = 48;
/// LMDB's mark, behind the header of the first page.
const MAGIC: u32 = 0xBEEF_C0DE;
/// How many keys are looked up together.
pub(crate) const TOGETHER: usize = 16;

/// What has been found out about a read transaction's snapshot.
#[derive(Default)]
pub(super) struct SnapshotPages {
    map: Cell<Option<Map>>,
    roots: [Cell<Option<Root>>; MAX_DBIS],
}

/// Where a tree begins.
#[derive(Clone, Copy)]
struct Root {
    /// Never 0, which is a meta page.
    page: NonZeroU64,
    /// How many levels it has; 0 if it is empty.
    depth: u8,
}

/// Where the pages are.
#[derive(Clone, Copy)]
pub(super) struct Map {
    base: NonNull<u8>,
    page_size: usize,
    pages: u64,
}

impl SnapshotPages {
    /// Forgets everything: the transaction takes another snapshot.
    pub(super) fn clear(&self) {
        self.map.set(None);
        for root in &self.roots {
            root.set(None);
        }
    }

    /// The pages of a tree; `None` if they cannot be read in place.
    ///
    /// `txn` is the active read transaction that this value belongs to.
    #[inline]
    pub(super) fn tree<'t>(
        &self,
        txn: &'t Txn<'_>,
        env: &Env,
        dbi: Dbi,
    ) -> LmdbResult<Option<TreePages<'t>>> {
        let Some(slot) = self.roots.get(dbi.slot()) else { return Ok(None) };
        if let (Some(root), Some(map)) = (slot.get(), self.map.get()) {
            return Ok(Some(TreePages { map, root, txn: PhantomData }));
        }
        self.find(txn, env, dbi)
    }

    #[cold]
    fn find<'t>(&self, txn: &'t Txn<'_>, env: &Env, dbi: Dbi) -> LmdbResult<Option<TreePages<'t>>> {
        let Some(name) = dbi.name() else { return Ok(None) };
        let Some(record) = txn.call_get(Dbi::MAIN, name.to_bytes())? else { return Ok(None) };
        let root = Root::read(record)?;
        let map = match self.map.get() {
            Some(map) => map,
            None => Map::around(record, env)?,
        };
        self.map.set(Some(map));
        if let Some(slot) = self.roots.get(dbi.slot()) {
            slot.set(Some(root));
        }
        Ok(Some(TreePages { map, root, txn: PhantomData }))
    }
}

impl Root {
    /// Reads LMDB's record of a named tree.
    fn read(record: &[u8]) -> LmdbResult<Self> {
        if record.len() != RECORD_LENGTH {
            return Err(damaged());
        }
        let page = NonZeroU64::new(page::u64_at(record, ROOT_AT)?).ok_or_else(damaged)?;
        let depth = page::u16_at(record, DEPTH_AT)?;
        match u8::try_from(depth) {
            _ if page.get() == NO_PAGE => Ok(Self { page, depth: 0 }),
            Ok(depth) if (1..=MAX_DEPTH).contains(&usize::from(depth)) => Ok(Self { page, depth }),
            _ => Err(damaged()),
        }
    }
}

impl Map {
    /// The map of an active read transaction's environment.
    pub(super) fn of(txn: &Txn<'_>, env: &Env) -> LmdbResult<Self> {
        let mut cursor = txn.cursor(Dbi::MAIN)?;
        let (_, record) = cursor.next()?.ok_or_else(damaged)?;
        Self::around(record, env)
    }

    #[inline]
    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    /// `len` bytes from the beginning of a page on.
    ///
    /// # Safety
    /// For `'m`, the map stays in place, and nobody changes the pages, which the file holds.
    #[inline]
    pub(super) unsafe fn bytes<'m>(self, number: u64, len: usize) -> LmdbResult<&'m [u8]> {
        let Self { base, page_size, pages } = self;
        let taken = len.div_ceil(page_size) as u64;
        if number >= pages || taken > pages - number {
            return Err(damaged());
        }
        // SAFETY: the map holds all pages that were counted; the caller vouches for the rest.
        Ok(unsafe {
            std::slice::from_raw_parts(base.as_ptr().add(number as usize * page_size), len)
        })
    }

    /// The map that a snapshot's value lies in.
    fn around(value: &[u8], env: &Env) -> LmdbResult<Self> {
        let page_size = env.page_size() as usize;
        let info = env.info();
        let pages = (info.last_page + 1).min(info.map_size / page_size) as u64;
        let start = value.as_ptr();
        // The map begins at a boundary of pages, so this is where the value's own page begins.
        let into_page = start.addr() & page_size.wrapping_sub(1);
        // SAFETY: LMDB has lent the value from a page of the map, whose beginning, with the page's
        // number, is that many bytes before it and readable like the value itself.
        let number = unsafe { start.byte_sub(into_page).cast::<u64>().read() };
        if number >= pages {
            return Err(damaged());
        }
        // SAFETY: the page of this number is so far from the beginning of the map.
        let base = unsafe { start.byte_sub(into_page + number as usize * page_size) };
        // SAFETY: the map's first page is a meta page, which begins so.
        let magic = unsafe { base.byte_add(HEADER).cast::<u32>().read() };
        match NonNull::new(base.cast_mut()) {
            Some(base) if magic == MAGIC => Ok(Self { base, page_size, pages }),
            _ => Err(damaged()),
        }
    }
}

/// A tree of a snapshot.
#[derive(Clone, Copy)]
pub(super) struct TreePages<'t> {
    map: Map,
    root: Root,
    txn: PhantomData<&'t Txn<'t>>,
}

impl<'t> TreePages<'t> {
    /// The root's page number; `None` if the tree is empty.
    #[inline]
    pub(super) fn root(&self) -> Option<u64> {
        (self.root.depth > 0).then_some(self.root.page.get())
    }

    /// How many levels the tree has.
    #[inline]
    pub(super) fn depth(&self) -> usize {
        usize::from(self.root.depth)
    }

    /// Bytes of a page.
    #[inline]
    pub(super) fn page_size(&self) -> usize {
        self.map.page_size
    }

    /// A page by its number.
    #[inline]
    pub(super) fn page(&self, number: u64) -> LmdbResult<Page<'t>> {
        Page::new(self.bytes(number, self.map.page_size)?)
    }

    /// `len` bytes from the beginning of a page on.
    #[inline]
    fn bytes(&self, number: u64, len: usize) -> LmdbResult<&'t [u8]> {
        // SAFETY: the map holds all pages that the environment has used, which were counted when
        // this snapshot was active already; the file holds those that the snapshot's trees use,
        // and nobody changes them while its transaction is active, which `'t` borrows.
        unsafe { self.map.bytes(number, len) }
    }

    /// All bytes of a page.
    pub(super) fn whole(&self, number: u64) -> LmdbResult<&'t [u8]> {
        self.bytes(number, self.map.page_size)
    }

    /// The data of an entry.
    #[inline]
    pub(super) fn value(&self, data: Data<'t>) -> LmdbResult<&'t [u8]> {
        match data {
            Data::Here(value) => Ok(value),
            Data::Elsewhere { page, len } => {
                let bytes = self.bytes(page, HEADER + len)?;
                Ok(bytes.get(HEADER..).unwrap_or_default())
            }
        }
    }

    /// A page by its number, which must be a branch.
    #[inline]
    pub(super) fn branch(&self, number: u64) -> LmdbResult<Page<'t>> {
        let page = self.page(number)?;
        if page.is_leaf() { Err(damaged()) } else { Ok(page) }
    }

    /// A page by its number, which must be a leaf.
    #[inline]
    pub(super) fn leaf(&self, number: u64) -> LmdbResult<Page<'t>> {
        let page = self.page(number)?;
        if page.is_leaf() { Ok(page) } else { Err(damaged()) }
    }

    /// The number of the leaf under which `key` belongs, which is not looked at; `None` in an empty
    /// tree.
    #[inline]
    fn find_leaf(&self, key: &SearchKey<'_>) -> LmdbResult<Option<u64>> {
        let Some(mut number) = self.root() else { return Ok(None) };
        for _ in 1..self.root.depth {
            let branch = self.branch(number)?;
            number = branch.child(branch.search_child(key)?)?;
        }
        Ok(Some(number))
    }

    /// The value under `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> LmdbResult<Option<&'t [u8]>> {
        let key = SearchKey::new(key);
        let Some(leaf) = self.find_leaf(&key)? else { return Ok(None) };
        let leaf = self.leaf(leaf)?;
        leaf.fetch_ahead();
        match leaf.search(&key)? {
            (at, true) => self.value(leaf.entry(at)?.1).map(Some),
            _ => Ok(None),
        }
    }

    /// The values under up to [`TOGETHER`] keys, looked up side by side: each step of one key's
    /// search is taken while what those of the others look at is on its way from memory.
    pub(super) fn get_each(
        &self,
        keys: &[&[u8]],
        values: &mut [Option<&'t [u8]>],
    ) -> LmdbResult<()> {
        let Some(root) = self.root() else {
            values.fill(None);
            return Ok(());
        };
        if let ([key], [value]) = (keys, &mut *values) {
            *value = self.get(key)?;
            return Ok(());
        }
        let mut lookups = [Lookup::IDLE; TOGETHER];
        let lookups = lookups.get_mut(..keys.len()).unwrap_or_default();
        for (lookup, key) in lookups.iter_mut().zip(keys) {
            lookup.key = SearchKey::new(key);
            lookup.number = root;
        }
        for _ in 1..self.root.depth {
            search_each(lookups, |number| self.branch(number))?;
            for lookup in &mut *lookups {
                lookup.number = lookup.page.child(lookup.search.child())?;
                platform::prefetch(self.bytes(lookup.number, self.map.page_size)?);
            }
        }
        search_each(lookups, |number| self.leaf(number))?;
        for (value, lookup) in values.iter_mut().zip(&*lookups) {
            *value = match lookup.search.exact() {
                Some(at) => Some(self.value(lookup.page.entry(at)?.1)?),
                None => None,
            };
        }
        Ok(())
    }
}

/// One of several searches.
#[derive(Clone, Copy)]
struct Lookup<'k, 't> {
    key: SearchKey<'k>,
    /// The number of the page that is searched, and the page.
    number: u64,
    page: Page<'t>,
    search: Search,
}

impl Lookup<'_, '_> {
    const IDLE: Self =
        Self { key: SearchKey::EMPTY, number: 0, page: Page::EMPTY, search: Search::DONE };
}

/// Searches the page of each lookup for its key, all of them step by step.
#[inline]
fn search_each<'t>(
    lookups: &mut [Lookup<'_, 't>],
    page: impl Fn(u64) -> LmdbResult<Page<'t>>,
) -> LmdbResult<()> {
    for lookup in &mut *lookups {
        lookup.page = page(lookup.number)?;
        lookup.search = Search::of(&lookup.page);
        lookup.page.fetch(&lookup.search);
    }
    let mut searching = true;
    while searching {
        searching = false;
        for lookup in lookups.iter_mut().filter(|lookup| !lookup.search.is_done()) {
            lookup.page.step(&mut lookup.search, &lookup.key)?;
            lookup.page.fetch(&lookup.search);
            searching = true;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "snapshot_pages_tests.rs"]
mod tests;
