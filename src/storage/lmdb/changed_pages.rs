//! The pages that the last commit has written, found by comparing its state with the one before.
//!
//! LMDB writes what it changes to pages that neither state before uses. So a page that both states
//! have is the same in both, and what is below it is, too; new is what only the later one has. The
//! levels of each tree are compared from the roots down: at each, the children of new pages are
//! new, unless a page that has been given up pointed to them as well.
//!
//! Source: the layout of `mdb.c`, LMDB 0.9.70 (data version 1).

use super::meta::{FREE, MAIN, META_LENGTH, TXN_ID};
use super::page::{Data, HEADER, Page, damaged, u16_at, u64_at};
use super::snapshot_pages::{MAX_DEPTH, Map, NO_PAGE};
use super::{LmdbResult, RoTxn};

/// A tree's record, and the places of its depth and its root.
const RECORD: usize = 48;
const DEPTH: usize = 6;
const ROOT: usize = 40;

/// What a commit has written.
pub struct ChangedPages<'t> {
    /// The meta page of the state, with the page header.
    pub meta: &'t [u8; META_LENGTH],
    /// Pages of trees.
    pub pages: Vec<ChangedPage<'t>>,
    /// Values in pages of their own.
    pub values: Vec<OwnPages<'t>>,
}

/// A page of a tree.
pub struct ChangedPage<'t> {
    /// Its number.
    pub number: u64,
    /// The whole page.
    pub bytes: &'t [u8],
    /// A page that was given up, and probably has much in common with it.
    pub similar: Option<(u64, &'t [u8])>,
}

/// A value in pages of its own, which follow each other.
pub struct OwnPages<'t> {
    /// The number of the first page.
    pub number: u64,
    /// Its header and the value.
    pub bytes: &'t [u8],
}

/// The pages that the commit of `reader`'s snapshot has written; `None` if there are more than
/// `limit`, or if the meta pages are not those of the snapshot and of the state before it.
///
/// # Errors
/// `CORRUPTED`.
///
/// # Safety
/// Nobody has committed since the snapshot's commit, and nobody does while the result is used: the
/// pages of the state before are as they were.
pub unsafe fn changed_pages(reader: &RoTxn, limit: usize) -> LmdbResult<Option<ChangedPages<'_>>> {
    let Some(txn) = reader.get() else { return Ok(None) };
    let map = Map::of(&txn, reader.env())?;
    let id = txn.id();
    let meta_page = |id: u64| {
        // SAFETY: meta pages are there always; the caller keeps others from writing to them.
        let bytes = unsafe { map.bytes(id % 2, META_LENGTH) }?;
        let bytes: &[u8; META_LENGTH] = bytes.first_chunk().ok_or_else(damaged)?;
        LmdbResult::Ok((u64_at(bytes, TXN_ID)? == id).then_some(bytes))
    };
    let (Some(meta), Some(before)) = (meta_page(id)?, meta_page(id.wrapping_sub(1))?) else {
        return Ok(None);
    };
    let mut search = Search { map, left: limit, pages: Vec::new(), values: Vec::new() };
    let is_complete = search.tree(Root::read(before, FREE)?, Root::read(meta, FREE)?)?
        && search.named_trees(Root::read(before, MAIN)?, Root::read(meta, MAIN)?)?;
    let Search { pages, values, .. } = search;
    Ok(is_complete.then_some(ChangedPages { meta, pages, values }))
}

/// Where a tree begins, and how many levels it has.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Root {
    page: u64,
    depth: usize,
}

impl Root {
    fn read(bytes: &[u8], at: usize) -> LmdbResult<Self> {
        let record = bytes.get(at..at + RECORD).ok_or_else(damaged)?;
        let page = u64_at(record, ROOT)?;
        let depth = if page == NO_PAGE { 0 } else { usize::from(u16_at(record, DEPTH)?) };
        if depth > MAX_DEPTH || (depth == 0) != (page == NO_PAGE) {
            return Err(damaged());
        }
        Ok(Self { page, depth })
    }
}

/// Pages of one level of two states, without those that both have, in the order of the keys.
#[derive(Default)]
struct Level {
    given_up: Vec<u64>,
    new: Vec<u64>,
}

impl Level {
    /// Leaves out what both have.
    fn compare(given_up: Vec<u64>, new: Vec<u64>) -> Self {
        let (given_up, new) = differences(given_up, new);
        Self { given_up, new }
    }
}

/// What only one of two lists has. Neither has anything twice.
fn differences<T: Ord + Copy>(left: Vec<T>, right: Vec<T>) -> (Vec<T>, Vec<T>) {
    // Mostly the lists run in step: an entry is replaced by another one, or one more is there.
    // What that finds is common to both; what it leaves is little, and is compared in full.
    let (mut only_left, mut only_right) = (Vec::new(), Vec::new());
    let (mut at_left, mut at_right) = (0, 0);
    while let (Some(a), Some(b)) = (left.get(at_left), right.get(at_right)) {
        if a == b {
            at_left += 1;
            at_right += 1;
        } else if Some(b) == left.get(at_left + 1) {
            only_left.push(*a);
            at_left += 1;
        } else if Some(a) == right.get(at_right + 1) {
            only_right.push(*b);
            at_right += 1;
        } else {
            only_left.push(*a);
            only_right.push(*b);
            at_left += 1;
            at_right += 1;
        }
    }
    only_left.extend(left.iter().skip(at_left));
    only_right.extend(right.iter().skip(at_right));
    let sorted = |list: &[T]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    let (sorted_left, sorted_right) = (sorted(&only_left), sorted(&only_right));
    only_left.retain(|entry| sorted_right.binary_search(entry).is_err());
    only_right.retain(|entry| sorted_left.binary_search(entry).is_err());
    (only_left, only_right)
}

struct Search<'t> {
    map: Map,
    /// How many more pages there may be.
    left: usize,
    pages: Vec<ChangedPage<'t>>,
    values: Vec<OwnPages<'t>>,
}

impl<'t> Search<'t> {
    fn page(&self, number: u64) -> LmdbResult<Page<'t>> {
        Page::new(self.bytes(number, self.map.page_size())?)
    }

    fn bytes(&self, number: u64, len: usize) -> LmdbResult<&'t [u8]> {
        // SAFETY: the caller of `changed_pages` keeps the pages of both states as they are.
        unsafe { self.map.bytes(number, len) }
    }

    /// Collects what is new in a tree; false if it is too much.
    fn tree(&mut self, before: Root, after: Root) -> LmdbResult<bool> {
        Ok(self.leaves(before, after)?.is_some())
    }

    /// As [`Self::tree`]; returns the leaves that only one of the states has.
    fn leaves(&mut self, before: Root, after: Root) -> LmdbResult<Option<Level>> {
        let mut level = Level::default();
        for height in (0..before.depth.max(after.depth)).rev() {
            let roots = |root: Root| (root.depth == height + 1).then_some(root.page);
            let mut given_up = self.children(&level.given_up)?;
            given_up.extend(roots(before));
            let mut new = self.children(&level.new)?;
            new.extend(roots(after));
            level = Level::compare(given_up, new);
            let Some(left) = self.left.checked_sub(level.new.len()) else { return Ok(None) };
            self.left = left;
            for (at, number) in level.new.iter().enumerate() {
                let size = self.map.page_size();
                let similar = match level.given_up.get(at) {
                    Some(similar) => Some((*similar, self.bytes(*similar, size)?)),
                    None => None,
                };
                let bytes = self.bytes(*number, size)?;
                self.pages.push(ChangedPage { number: *number, bytes, similar });
            }
            if height < after.depth && level.new.is_empty() {
                return Ok(Some(Level::default()));
            }
        }
        let (_, new) = differences(self.values_of(&level.given_up)?, self.values_of(&level.new)?);
        for (number, len) in new {
            let bytes = self.bytes(number, HEADER + len)?;
            let pages = bytes.len().div_ceil(self.map.page_size());
            let Some(left) = self.left.checked_sub(pages) else { return Ok(None) };
            self.left = left;
            self.values.push(OwnPages { number, bytes });
        }
        Ok(Some(level))
    }

    /// The children of branches, in the order of the keys.
    fn children(&self, branches: &[u64]) -> LmdbResult<Vec<u64>> {
        let mut children = Vec::new();
        for number in branches {
            let page = self.page(*number)?;
            if page.is_leaf() {
                return Err(damaged());
            }
            for at in 0..page.count() {
                children.push(page.child(at)?);
            }
        }
        Ok(children)
    }

    /// The values of leaves that are in pages of their own: number of the first one, and length.
    fn values_of(&self, leaves: &[u64]) -> LmdbResult<Vec<(u64, usize)>> {
        let mut values = Vec::new();
        for number in leaves {
            let page = self.leaf(*number)?;
            for at in 0..page.count() {
                if let Some((_, Data::Elsewhere { page, len })) = page.data(at)? {
                    values.push((page, len));
                }
            }
        }
        Ok(values)
    }

    fn leaf(&self, number: u64) -> LmdbResult<Page<'t>> {
        let page = self.page(number)?;
        if page.is_leaf() { Ok(page) } else { Err(damaged()) }
    }

    /// Collects what is new in the tree of trees and in those that it names; false if it is too
    /// much.
    fn named_trees(&mut self, before: Root, after: Root) -> LmdbResult<bool> {
        let Some(leaves) = self.leaves(before, after)? else { return Ok(false) };
        let given_up = self.records(&leaves.given_up)?;
        for (name, root) in self.records(&leaves.new)? {
            let before = given_up.iter().find(|(other, _)| *other == name);
            let before = before.map_or(Root { page: NO_PAGE, depth: 0 }, |(_, root)| *root);
            if before != root && !self.tree(before, root)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The trees that leaves name.
    fn records(&self, leaves: &[u64]) -> LmdbResult<Vec<(&'t [u8], Root)>> {
        let mut records = Vec::new();
        for number in leaves {
            let page = self.leaf(*number)?;
            for at in 0..page.count() {
                if let Some(record) = page.tree_record(at)? {
                    records.push((page.key(at)?, Root::read(record, 0)?));
                }
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
#[path = "changed_pages_tests.rs"]
mod tests;
