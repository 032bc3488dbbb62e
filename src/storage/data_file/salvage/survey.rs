//! Finding out what the pages of a damaged file are: the walk from the root.

use std::fs::File;
use std::path::Path;

use super::leaf::{self, Data};
use super::{Class, LEAF, OVERFLOW, Salvage, report};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::care::Care;
use crate::storage::data_file::meta_page::{MAGIC, TreeRecord};
use crate::storage::data_file::{NO_PAGE, PageSource, u16_at, u32_at, u64_at};
use crate::storage::lmdb::META_LENGTH;
use crate::storage::lock_file::io_error;
use crate::storage::txn::Table;

const HEADER: usize = 16;
const BRANCH: u16 = 0x01;
const MAX_DEPTH: u16 = 32;
const PAGE_SIZES: [usize; 4] = [4_096, 8_192, 16_384, 32_768];
/// How many pages are looked at to guess the size of pages.
const GUESSED: u64 = 4_096;

/// Where a meta page keeps what is needed of it.
const PAGE_SIZE_AT: usize = 40;
const FREE_AT: usize = 40;
const MAIN_AT: usize = 88;
const LAST_PAGE_AT: usize = 136;
const TXN_AT: usize = 144;

/// What a meta page says, as far as it can be read.
struct Head {
    txn_id: u64,
    last_page: u64,
    free: TreeRecord,
    main: TreeRecord,
}

pub(super) fn survey(path: &Path, care: &dyn Care) -> Result<Salvage> {
    let mut file =
        File::open(path).map_err(|error| io_error("cannot open the data file", path, &error))?;
    let length =
        file.length().map_err(|error| io_error("cannot look at the data file", path, &error))?;
    let mut salvage = Salvage {
        path: path.to_owned(),
        file,
        length,
        page_size: 0,
        classes: Vec::new(),
        roots: Vec::new(),
        knows_free: false,
        knows_newest: false,
        damaged: Vec::new(),
        whole: Vec::new(),
    };
    salvage.page_size = page_size(&mut salvage)?;
    let pages = usize::try_from(length / salvage.page_size as u64).unwrap_or(0);
    salvage.classes = vec![Class::Unknown; pages];
    let heads = heads(&mut salvage)?;
    for page in 0..2 {
        salvage.set_class(page, Class::Other);
        if !heads.iter().any(|head| head.txn_id % 2 == page || head.txn_id == 0) {
            salvage.damaged.push(page);
        }
    }
    // A newest meta page that leads nowhere: the other one names a state that is one transaction
    // older, and pages of the newest one that it does not name are still found, as orphans or among
    // what was free then. But then nobody knows which pages are free.
    let Some(head) = heads.first() else { return Ok(salvage) };
    for page in head.last_page.saturating_add(1)..salvage.pages() {
        salvage.set_class(page, Class::Free);
    }
    let mut walk = Walk { salvage: &mut salvage, care, table: None, visited: 0, faults: 0 };
    walk.free_list(&head.free)?;
    let has_free = walk.faults == 0;
    walk.main(&head.main)?;
    // The newest commit may have been lost with its meta page.
    salvage.knows_newest = heads.len() == 2 || head.txn_id <= 1;
    salvage.knows_free = has_free && salvage.knows_newest;
    salvage.damaged.sort_unstable();
    salvage.damaged.dedup();
    Ok(salvage)
}

/// The size of pages: from a meta page, or else that with which most pages have their own number.
fn page_size(salvage: &mut Salvage) -> Result<usize> {
    let starts = std::iter::once(0).chain(PAGE_SIZES);
    for start in starts {
        let mut head = [0; META_LENGTH];
        if (start + META_LENGTH) as u64 > salvage.length {
            continue;
        }
        salvage.read(start as u64, &mut head)?;
        let named = u32_at(&head, PAGE_SIZE_AT).and_then(|size| usize::try_from(size).ok());
        if u32_at(&head, 16) == Some(MAGIC)
            && let Some(size) = named.filter(|size| PAGE_SIZES.contains(size))
            && (start == 0 || start == size)
        {
            return Ok(size);
        }
    }
    let mut best = (0, 0);
    for size in PAGE_SIZES {
        let mut hits = 0;
        for page in 2..(salvage.length / size as u64).min(GUESSED) {
            let mut head = [0; HEADER];
            salvage.read(page * size as u64, &mut head)?;
            hits += u64::from(u64_at(&head, 0) == Some(page));
        }
        best = best.max((hits, size));
    }
    match best {
        (1.., size) => Ok(size),
        _ => Err(Error::new(
            ErrorCode::NotADatabase,
            format!("nothing in this file can be read as pages: {}", salvage.path.display()),
        )
        .with_path(salvage.path.display().to_string())),
    }
}

/// The meta pages that can be right, the newest one first.
fn heads(salvage: &mut Salvage) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    for number in 0..2_u64 {
        let mut bytes = [0; META_LENGTH];
        let start = number * salvage.page_size as u64;
        if start + META_LENGTH as u64 > salvage.length {
            continue;
        }
        salvage.read(start, &mut bytes)?;
        let head = read_head(&bytes).filter(|head| {
            head.txn_id == 0 || head.txn_id % 2 == number && head.txn_id < u64::MAX - 1
        });
        heads.extend(head);
    }
    heads.sort_by_key(|head| std::cmp::Reverse(head.txn_id));
    Ok(heads)
}

fn read_head(bytes: &[u8]) -> Option<Head> {
    let head = Head {
        txn_id: u64_at(bytes, TXN_AT)?,
        last_page: u64_at(bytes, LAST_PAGE_AT)?,
        free: TreeRecord::read(bytes, FREE_AT)?,
        main: TreeRecord::read(bytes, MAIN_AT)?,
    };
    let is_tree = |tree: &TreeRecord| {
        (tree.root == NO_PAGE || tree.root <= head.last_page) && tree.depth <= MAX_DEPTH
    };
    let fits = u32_at(bytes, 16) == Some(MAGIC) && is_tree(&head.free) && is_tree(&head.main);
    fits.then_some(head)
}

/// The keys and numbers of a branch's children; `None` if it is none.
pub(super) fn children(page: &[u8]) -> Option<Vec<(Vec<u8>, u64)>> {
    let (slots, upper) = leaf::slots_of(page, BRANCH)?;
    let mut children = Vec::with_capacity(slots.len());
    for slot in slots {
        let at = usize::from(u16_at(page, slot)?);
        let (low, high) = (u32_at(page, at)?, u16_at(page, at + 4)?);
        let length = usize::from(u16_at(page, at + 6)?);
        let key = page.get(at + 8..at + 8 + length).filter(|_| at >= upper);
        // One that is damaged does not keep the others from being looked at.
        if let Some(key) = key {
            children.push((key.to_vec(), u64::from(low) | u64::from(high) << 32));
        }
    }
    Some(children)
}

struct Walk<'s> {
    salvage: &'s mut Salvage,
    care: &'s dyn Care,
    /// The tree that is being walked; `None` in LMDB's own.
    table: Option<Table>,
    visited: u64,
    faults: u64,
}

impl Walk<'_> {
    fn fault(&mut self, page: u64) {
        self.faults += 1;
        self.salvage.damaged.push(page);
    }

    /// Notes the free pages.
    fn free_list(&mut self, record: &TreeRecord) -> Result<()> {
        let mut lists = Vec::new();
        self.tree(record.root, record.depth, &mut |walk, page, number| {
            walk.free_leaf(page, number, &mut lists)
        })?;
        for page in lists {
            self.salvage.set_class(page, Class::Free);
        }
        Ok(())
    }

    /// Takes the lists of a leaf of the list of free pages.
    fn free_leaf(&mut self, page: &[u8], number: u64, out: &mut Vec<u64>) -> Result<bool> {
        let mut large = Vec::new();
        let mut is_whole = true;
        leaf::visit(page, |node| -> Result<bool> {
            let list = match node.data {
                Data::Here(list) => list,
                Data::Elsewhere { page, size } => {
                    if self.salvage.read_large(page, size, false, &mut large)? {
                        self.own_run(page, size)?;
                        large.as_slice()
                    } else {
                        &[][..]
                    }
                }
            };
            let pages = if node.has_slot { free_pages(node.key, list) } else { None };
            is_whole &= pages.is_some();
            let last = self.salvage.pages();
            let pages = pages.unwrap_or_default();
            is_whole &= pages.iter().all(|page| *page > 1);
            out.extend(pages.into_iter().filter(|page| (2..last).contains(page)));
            Ok(true)
        })?;
        if !is_whole {
            self.fault(number);
        }
        Ok(true)
    }

    /// Walks the tree of trees, and the four trees that it names.
    fn main(&mut self, record: &TreeRecord) -> Result<()> {
        let mut records = Vec::new();
        self.tree(record.root, record.depth, &mut |_, page, _| {
            leaf::visit(page, |node| -> Result<bool> {
                let table =
                    Table::ALL.into_iter().find(|table| table.name().to_bytes() == node.key);
                if let (Some(table), Data::Here(data)) = (table, node.data)
                    && let Some(record) = TreeRecord::read(data, 0)
                {
                    records.push((table, record));
                    return Ok(true);
                }
                Ok(false)
            })?;
            Ok(true)
        })?;
        for (table, record) in records {
            let fits = record.root == NO_PAGE && record.depth == 0
                || record.root != NO_PAGE && (1..=MAX_DEPTH).contains(&record.depth);
            if !fits {
                continue;
            }
            self.table = Some(table);
            let before = self.faults;
            self.tree(record.root, record.depth, &mut |walk, page, number| {
                walk.data_leaf(page, number, table)
            })?;
            if self.faults == before {
                self.salvage.whole.push(table);
            }
            if record.root != NO_PAGE {
                self.salvage.roots.push((table, record.root, record.depth));
            }
        }
        self.table = None;
        Ok(())
    }

    /// Notes a leaf that is whole, and the pages of its large values.
    fn data_leaf(&mut self, page: &[u8], number: u64, table: Table) -> Result<bool> {
        self.salvage.set_class(number, Class::Leaf(table));
        leaf::visit(page, |node| -> Result<bool> {
            if let Data::Elsewhere { page, size } = node.data {
                self.own_run(page, size)?;
            }
            Ok(true)
        })?;
        Ok(true)
    }

    /// Notes the pages of a large value, as far as they can be its own: an entry that is damaged
    /// leads to pages of others, or has another length.
    fn own_run(&mut self, first: u64, size: usize) -> Result<()> {
        let count = (HEADER + size).div_ceil(self.salvage.page_size) as u64;
        let end = first.saturating_add(count).min(self.salvage.pages());
        let mut head = [0; HEADER];
        for page in first.max(2)..end {
            self.salvage.read(page * self.salvage.page_size as u64, &mut head)?;
            let kind = u16_at(&head, 10).filter(|_| u64_at(&head, 0) == Some(page));
            match kind {
                // The head of the run says how long it is.
                Some(OVERFLOW) if page == first => {
                    let pages = u64::from(u32_at(&head, 12).unwrap_or(1)).clamp(1, count);
                    (first..first.saturating_add(pages).min(end)).for_each(|page| self.own(page));
                    return Ok(());
                }
                Some(BRANCH | LEAF | OVERFLOW) => return Ok(()),
                _ => self.own(page),
            }
        }
        Ok(())
    }

    /// Notes a page of a large value. One that is free is none, whatever leads to it.
    fn own(&mut self, page: u64) {
        if self.salvage.class(page) != Class::Free {
            self.salvage.set_class(page, Class::Other);
        }
    }

    /// Visits the leaves of a tree that are whole and lie where they should.
    fn tree(&mut self, root: u64, depth: u16, visit: &mut Visit<'_>) -> Result<()> {
        if root == NO_PAGE {
            return Ok(());
        }
        if !(1..=MAX_DEPTH).contains(&depth) {
            self.fault(root);
            return Ok(());
        }
        self.page(root, depth, (&[], None), visit)
    }

    fn page(
        &mut self,
        number: u64,
        levels: u16,
        (low, high): (&[u8], Option<&[u8]>),
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        self.visited += 1;
        report(self.care, "survey", self.visited, self.salvage.pages())?;
        let mut page = vec![0; self.salvage.page_size];
        // A page that something else has led to is not to be read twice: pages may form a knot.
        let is_new = self.salvage.class(number) == Class::Unknown;
        if number < 2 || !is_new || !self.salvage.read_page(number, &mut page)? {
            self.fault(number);
            return Ok(());
        }
        let is_own = u64_at(&page, 0) == Some(number);
        if levels == 1 {
            if !is_own || !is_whole_leaf(&page, self.table.is_some(), low, high) {
                self.fault(number);
                return Ok(());
            }
            self.salvage.set_class(number, Class::Other);
            visit(self, &page, number)?;
            return Ok(());
        }
        let Some(children) = children(&page).filter(|_| is_own) else {
            self.fault(number);
            return Ok(());
        };
        self.salvage.set_class(number, Class::Other);
        let slots = (usize::from(u16_at(&page, 12).unwrap_or(0)) - HEADER) / 2;
        if children.len() < slots {
            self.fault(number);
        }
        for (at, (key, child)) in children.iter().enumerate() {
            let low = if at == 0 { low } else { key };
            let high = children.get(at + 1).map(|(key, _)| key.as_slice()).or(high);
            self.page(*child, levels - 1, (low, high), visit)?;
        }
        Ok(())
    }
}

type Visit<'v> = dyn FnMut(&mut Walk<'_>, &[u8], u64) -> Result<bool> + 'v;

/// Whether every entry of a leaf is within it, in order, and between the keys that its parents say.
/// The list of free pages has its own order: there only the entries are looked at.
fn is_whole_leaf(page: &[u8], is_ordered: bool, low: &[u8], high: Option<&[u8]>) -> bool {
    let lower = usize::from(u16_at(page, 12).unwrap_or(0));
    if u16_at(page, 10) != Some(LEAF) || lower <= HEADER {
        return false;
    }
    let mut previous: Option<&[u8]> = None;
    let mut count = 0;
    let mut is_whole = true;
    let visited: std::result::Result<(), ()> = leaf::visit(page, |node| {
        if !node.has_slot {
            return Ok(false);
        }
        count += 1;
        let follows = previous.is_none_or(|previous| previous < node.key);
        let is_within = low <= node.key && high.is_none_or(|high| node.key < high);
        is_whole &= !node.may_be_old && (!is_ordered || follows && is_within);
        previous = Some(node.key);
        Ok(true)
    });
    visited.is_ok() && is_whole && count == (lower - HEADER) / 2
}

/// The pages of a list of free pages.
fn free_pages(key: &[u8], list: &[u8]) -> Option<Vec<u64>> {
    let count = usize::try_from(u64_at(list, 0)?).ok()?;
    if key.len() != 8 || count >= list.len() / 8 {
        return None;
    }
    let pages: Vec<_> = (1..=count).map(|at| u64_at(list, at * 8)).collect::<Option<_>>()?;
    pages.is_sorted_by(|left, right| left > right).then_some(pages)
}
