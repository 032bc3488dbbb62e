//! A check of every page of `data.mdb`, without LMDB.
//!
//! LMDB trusts its pages: one that is torn, or is an older one than its parent means, makes it read
//! outside of the page, or end the process. So they are looked at with ordinary reads: that each
//! page is what its parent takes it for, that keys ascend, that LMDB's own counts are right, and
//! that each page has one owner, of which the list of free pages may be one.
//!
//! Nothing of it can crash, and it works on a file that is being written to: the pages of a
//! snapshot that somebody holds do not change.
//!
//! What the pages say of documents is for the check of stores, which comes after.
//!
//! Source: the page layout of `mdb.c`, LMDB 0.9.70 (data version 1).

use std::fs::File;
use std::path::Path;

use super::meta_page::{Meta, TreeRecord};
use super::{NO_PAGE, PageReader};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::care::Care;
use crate::storage::lock_file::io_error;

const PAGE_HEADER: usize = 16;
const NODE_HEADER: usize = 8;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const BIG_DATA: u16 = 0x01;
const SUB_TREE: u16 = 0x02;
const OVERFLOW: u16 = 0x04;
/// LMDB's cursors hold so many levels.
const MAX_DEPTH: u16 = 32;
/// The first pages are the meta pages.
const FIRST_PAGE: u64 = 2;
/// How often a check reports, in pages.
const STEP: u64 = 256;

/// How the pages of a file are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageFigures {
    /// All pages, those of the file's head included.
    pub total: u64,
    /// Pages of trees.
    pub used: u64,
    /// Pages that the list of free pages names.
    pub free: u64,
}

/// What is wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageProblem {
    /// What sort of thing it is.
    pub kind: PageProblemKind,
    /// The page, if it is about one.
    pub page: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// The sorts of problems that pages have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageProblemKind {
    /// It is not what it should be.
    Malformed,
    /// Its keys are out of order, or not those that its parent says.
    Order,
    /// It has two owners.
    Shared,
    /// It has no owner.
    Leaked,
    /// A tree has other pages or entries than LMDB has counted.
    Count,
}

/// Checks the pages of the file at `path` before LMDB maps it, which
/// [`check`](super::check) has found to be one of LMDB's.
///
/// # Errors
/// `CORRUPT`, with the first thing that is wrong; `IO`, `PERMISSION`.
pub fn check_before_mapping(path: &Path) -> Result<()> {
    let mut first: Option<PageProblem> = None;
    let mut found = |problem: PageProblem| {
        // A page that nobody owns is lost space.
        if problem.kind != PageProblemKind::Leaked {
            first.get_or_insert(problem);
        }
    };
    check_every_page(path, None, &crate::storage::care::Unattended::default(), &mut found)?;
    match first {
        Some(problem) => Err(damaged(&problem)),
        None => Ok(()),
    }
}

/// Checks the pages that a transaction's state is made of, by default the newest one's, and tells
/// `found` what is wrong. `None` if that state is not there any more.
///
/// # Errors
/// `IO`, `PERMISSION`, `ABORTED`; those of a file whose meta pages cannot be read.
pub fn check_every_page(
    path: &Path,
    txn_id: Option<u64>,
    care: &dyn Care,
    found: &mut dyn FnMut(PageProblem),
) -> Result<Option<PageFigures>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some(PageFigures::default()));
        }
        Err(error) => return Err(io_error("cannot open the data file", path, &error)),
    };
    if file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
        return Ok(Some(PageFigures::default()));
    }
    let mut reader = PageReader { source: file, length: 0, path };
    let Some(meta) = reader.meta_of(txn_id)? else { return Ok(None) };
    let mut problems = Vec::new();
    let figures = {
        let mut keep = |problem| {
            if txn_id.is_some() { found(problem) } else { problems.push(problem) }
        };
        PageCheck::new(&mut reader, &meta, care, &mut keep).check(&meta)?
    };
    // Whoever writes meanwhile to a file that nothing holds a snapshot of has opened it before, and
    // has checked it then.
    if txn_id.is_none() && reader.meta()?.txn_id != meta.txn_id {
        return Ok(None);
    }
    problems.into_iter().for_each(found);
    Ok(Some(figures))
}

/// Why a page is not gone on with.
enum Fault {
    Problem(PageProblemKind, &'static str),
    Failure(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.code() {
            ErrorCode::Corrupt => malformed("a page lies outside of the file"),
            _ => Self::Failure(error),
        }
    }
}

type Checked<T> = std::result::Result<T, Fault>;

struct PageCheck<'r, 'p> {
    reader: &'r mut PageReader<'p, File>,
    care: &'r dyn Care,
    found: &'r mut dyn FnMut(PageProblem),
    problems: u64,
    page_size: usize,
    last_page: u64,
    figures: PageFigures,
    visited: u64,
    /// A bit for each page within the file that has an owner.
    owned: Vec<u64>,
}

/// What is done with the entries of a tree.
#[derive(Clone, Copy)]
enum Content {
    /// Lists of free pages, under transaction ids.
    FreePages,
    /// Named trees.
    Trees,
    /// Anything.
    Data,
}

/// Where a page stands in its tree.
struct Place<'k> {
    /// Levels from here to the leaves, this one included.
    levels: u16,
    low: Option<&'k [u8]>,
    high: Option<&'k [u8]>,
}

struct Node<'b> {
    flags: u16,
    key: &'b [u8],
    /// The size of the value of a leaf; with `flags`, the child of a branch.
    low: u32,
    /// What stands behind the key.
    data: &'b [u8],
}

impl<'r, 'p> PageCheck<'r, 'p> {
    fn new(
        reader: &'r mut PageReader<'p, File>,
        meta: &Meta,
        care: &'r dyn Care,
        found: &'r mut dyn FnMut(PageProblem),
    ) -> Self {
        let pages = reader.length.div_ceil(meta.page_size);
        let words = usize::try_from(pages.div_ceil(64)).unwrap_or(0);
        Self {
            reader,
            care,
            found,
            problems: 0,
            page_size: usize::try_from(meta.page_size).unwrap_or(0),
            last_page: meta.last_page,
            figures: PageFigures { total: meta.last_page.saturating_add(1), used: 0, free: 0 },
            visited: 0,
            owned: vec![0; words],
        }
    }

    fn check(mut self, meta: &Meta) -> Result<PageFigures> {
        self.tree(&meta.free, Content::FreePages)?;
        self.tree(&meta.main, Content::Trees)?;
        // Below a page that cannot be read others may lie.
        if self.problems == 0 {
            self.leaks();
        }
        self.care.progress("pages", self.figures.total, self.figures.total);
        Ok(self.figures)
    }

    fn report(&mut self, kind: PageProblemKind, page: Option<u64>, message: impl Into<String>) {
        self.problems += 1;
        (self.found)(PageProblem { kind, page, message: message.into() });
    }

    /// Takes note of a fault of a page, or passes a failure on.
    fn note(&mut self, page: Option<u64>, checked: Checked<()>) -> Result<()> {
        match checked {
            Ok(()) => Ok(()),
            Err(Fault::Failure(error)) => Err(error),
            Err(Fault::Problem(kind, what)) => {
                self.report(kind, page, what);
                Ok(())
            }
        }
    }

    fn tree(&mut self, record: &TreeRecord, content: Content) -> Result<()> {
        // Counted on the way, to be compared with LMDB's record.
        let mut found =
            TreeRecord { depth: record.depth, root: record.root, ..TreeRecord::default() };
        let before = self.problems;
        if record.root == NO_PAGE {
            if record.depth != 0 {
                self.report(PageProblemKind::Count, None, "a tree without pages has a depth");
            }
        } else if !(1..=MAX_DEPTH).contains(&record.depth) {
            self.report(PageProblemKind::Count, None, "a tree has an impossible depth");
        } else {
            let place = Place { levels: record.depth, low: None, high: None };
            self.page(record.root, &place, content, &mut found)?;
        }
        if self.problems == before && found != *record {
            let what = "a tree has other pages or entries than are counted";
            self.report(PageProblemKind::Count, None, what);
        }
        Ok(())
    }

    /// Checks a page and what is below it.
    fn page(
        &mut self,
        number: u64,
        place: &Place<'_>,
        content: Content,
        found: &mut TreeRecord,
    ) -> Result<()> {
        self.visited += 1;
        if self.visited.is_multiple_of(STEP) {
            self.care.check_cancelled()?;
            let done = (self.figures.used + self.figures.free).min(self.figures.total);
            self.care.progress("pages", done, self.figures.total);
        }
        let checked = self.try_page(number, place, content, found);
        self.note(Some(number), checked)
    }

    fn try_page(
        &mut self,
        number: u64,
        place: &Place<'_>,
        content: Content,
        found: &mut TreeRecord,
    ) -> Checked<()> {
        self.own(number, 1)?;
        self.figures.used += 1;
        let bytes = self.read(number, 0, self.page_size)?;
        let (flags, lower, upper) = (
            u16_at(&bytes, 10)?,
            usize::from(u16_at(&bytes, 12)?),
            usize::from(u16_at(&bytes, 14)?),
        );
        let is_leaf = place.levels == 1;
        ensure(u64_at(&bytes, 0)? == number, "a page is another one")?;
        ensure(flags == if is_leaf { LEAF } else { BRANCH }, "a page is of another kind")?;
        ensure(
            lower > PAGE_HEADER
                && lower.is_multiple_of(2)
                && lower <= upper
                && upper <= self.page_size,
            "a page has no room for its entries",
        )?;
        let count = (lower - PAGE_HEADER) / 2;
        if is_leaf {
            found.leaf_pages += 1;
            found.entries += count as u64;
        } else {
            found.branch_pages += 1;
        }
        let nodes = (0..count)
            .map(|slot| node(&bytes, slot, upper, is_leaf))
            .collect::<Checked<Vec<_>>>()?;
        for (slot, node) in nodes.iter().enumerate() {
            // The first key of a branch stands for everything below the second one.
            let low = if !is_leaf && slot == 0 { place.low } else { Some(node.key) };
            let high = nodes.get(slot + 1).map(|next| next.key).or(place.high);
            let above = match (place.low, low) {
                (Some(bound), Some(key)) => compare(bound, key, content).is_le(),
                _ => true,
            };
            let below = match (low, high) {
                (Some(key), Some(bound)) => compare(key, bound, content).is_lt(),
                _ => true,
            };
            if !above || !below {
                return Err(Fault::Problem(PageProblemKind::Order, "keys are out of order"));
            }
            if is_leaf {
                let checked = self.entry(node, content, found);
                self.note(Some(number), checked)?;
            } else {
                let child = u64::from(node.low) | u64::from(node.flags) << 32;
                let place = Place { levels: place.levels - 1, low, high };
                self.page(child, &place, content, found)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, node: &Node<'_>, content: Content, found: &mut TreeRecord) -> Checked<()> {
        let size = node.low as usize;
        let large;
        let data = if node.flags & BIG_DATA != 0 {
            let first = u64_at(node.data, 0)?;
            let needed = (PAGE_HEADER + size).div_ceil(self.page_size) as u64;
            self.own(first, needed)?;
            let header = self.read(first, 0, PAGE_HEADER)?;
            let pages = u64::from(u32_at(&header, 12)?);
            ensure(
                u64_at(&header, 0)? == first && u16_at(&header, 10)? == OVERFLOW && pages >= needed,
                "a large value is not where it should be",
            )?;
            // A value that has become shorter in the transaction that wrote it keeps its pages.
            self.own(first + needed, pages - needed)?;
            self.figures.used += pages;
            found.overflow_pages += pages;
            match content {
                Content::FreePages => {
                    large = self.read(first, PAGE_HEADER, size)?;
                    &large
                }
                _ => &[][..],
            }
        } else {
            node.data.get(..size).ok_or_else(|| malformed("an entry is longer than its page"))?
        };
        match content {
            Content::FreePages => self.free_pages(node.key, data),
            Content::Trees if node.flags & SUB_TREE != 0 => {
                let record = TreeRecord::read(data, 0);
                let record = record.ok_or_else(|| malformed("a tree has no record"))?;
                self.tree(&record, Content::Data).map_err(Fault::Failure)
            }
            Content::Trees | Content::Data => {
                ensure(node.flags & !BIG_DATA == 0, "an entry is of an unknown kind")
            }
        }
    }

    /// A list of free pages: their number, and the pages in descending order.
    fn free_pages(&mut self, key: &[u8], list: &[u8]) -> Checked<()> {
        ensure(key.len() == 8, "the list of free pages is damaged")?;
        let count = usize::try_from(u64_at(list, 0)?).unwrap_or(usize::MAX);
        ensure(count < list.len() / 8, "the list of free pages is damaged")?;
        let mut previous = u64::MAX;
        for i in 1..=count {
            let page = u64_at(list, i * 8)?;
            ensure(page < previous, "the list of free pages is out of order")?;
            previous = page;
            let owned = self.own(page, 1);
            self.note(Some(page), owned)?;
            self.figures.free += 1;
        }
        Ok(())
    }

    /// Reports the pages within the file that have no owner.
    fn leaks(&mut self) {
        let pages = (self.last_page + 1).min(self.owned.len() as u64 * 64);
        let is_owned = |page: u64| {
            let word = self.owned.get((page / 64) as usize).copied().unwrap_or(u64::MAX);
            word >> (page % 64) & 1 == 1
        };
        // The length of the file need not be that of the last page in use.
        let end = pages.min(self.reader.length / self.page_size.max(1) as u64);
        let mut leaked = (FIRST_PAGE..end).filter(|page| !is_owned(*page));
        if let Some(first) = leaked.next() {
            let count = 1 + leaked.count();
            let message = format!("pages belong to nothing, and are lost space: {count}");
            self.report(PageProblemKind::Leaked, Some(first), message);
        }
    }

    /// Takes note that pages have an owner.
    fn own(&mut self, first: u64, count: u64) -> Checked<()> {
        let end = first.checked_add(count).filter(|end| *end <= self.last_page.saturating_add(1));
        let end = end.ok_or_else(|| malformed("a page number is too high"))?;
        ensure(first >= FIRST_PAGE, "a page number is too low")?;
        for page in first..end {
            let word = usize::try_from(page / 64).ok().and_then(|word| self.owned.get_mut(word));
            // Free pages may lie behind the end of the file.
            let Some(word) = word else { continue };
            let bit = 1 << (page % 64);
            if *word & bit != 0 {
                return Err(Fault::Problem(PageProblemKind::Shared, "a page has two owners"));
            }
            *word |= bit;
        }
        Ok(())
    }

    /// Reads a part of a page, or of a run of pages.
    fn read(&mut self, page: u64, from: usize, length: usize) -> Checked<Vec<u8>> {
        let start = page.checked_mul(self.page_size as u64);
        let start = start.and_then(|start| start.checked_add(from as u64));
        let start = start.ok_or_else(|| malformed("a page number is too high"))?;
        // A length may be anything: nothing is set aside for it that the file does not have.
        if start.checked_add(length as u64).is_none_or(|end| end > self.reader.length) {
            return Err(malformed("a page lies outside of the file"));
        }
        let mut bytes = vec![0; length];
        self.reader.read(start, &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads the node in a slot of a page whose nodes begin at `upper`.
fn node(page: &[u8], slot: usize, upper: usize, is_leaf: bool) -> Checked<Node<'_>> {
    let outside = || malformed("an entry lies outside of its page");
    let at = usize::from(u16_at(page, PAGE_HEADER + slot * 2)?);
    ensure(at >= upper && at.is_multiple_of(2), "an entry lies outside of its page")?;
    let key_length = usize::from(u16_at(page, at + 6)?);
    let (flags, low) = (u16_at(page, at + 4)?, u32_at(page, at)?);
    let rest = page.get(at + NODE_HEADER..).ok_or_else(outside)?;
    let (key, data) = rest.split_at_checked(key_length).ok_or_else(outside)?;
    ensure(!is_leaf || flags & !(BIG_DATA | SUB_TREE) == 0, "an entry is of an unknown kind")?;
    Ok(Node { flags, key, low, data })
}

/// The order of a tree's keys: bytes, but numbers in the list of free pages.
fn compare(a: &[u8], b: &[u8], content: Content) -> std::cmp::Ordering {
    if let (Content::FreePages, Ok(a), Ok(b)) = (content, u64_at(a, 0), u64_at(b, 0)) {
        return a.cmp(&b);
    }
    a.cmp(b)
}

fn ensure(condition: bool, what: &'static str) -> Checked<()> {
    if condition { Ok(()) } else { Err(malformed(what)) }
}

fn malformed(what: &'static str) -> Fault {
    Fault::Problem(PageProblemKind::Malformed, what)
}

fn damaged(problem: &PageProblem) -> Error {
    let place = problem.page.map(|page| format!(" (page {page})")).unwrap_or_default();
    Error::corrupt(format!("the data file is damaged: {}{place}", problem.message))
}

fn u16_at(bytes: &[u8], at: usize) -> Checked<u16> {
    super::u16_at(bytes, at).ok_or_else(outside)
}

fn u32_at(bytes: &[u8], at: usize) -> Checked<u32> {
    super::u32_at(bytes, at).ok_or_else(outside)
}

fn u64_at(bytes: &[u8], at: usize) -> Checked<u64> {
    super::u64_at(bytes, at).ok_or_else(outside)
}

fn outside() -> Fault {
    malformed("a page points outside itself")
}
