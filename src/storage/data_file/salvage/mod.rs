//! Reading what can be read of a damaged data file, without LMDB.
//!
//! Pages are read with ordinary reads and nothing in them is trusted, so nothing can crash. First
//! the trees are walked from the newest meta page that leads anywhere: leaves that are whole, and
//! lie where their parents say, are **reached**. Then every other page of the file is looked at: a
//! page that the list of free pages does not name belongs to the newest state, too, since each page
//! has one owner (an **orphan**: something above it is damaged). A **stale** page is free, and
//! shows an older state.
//!
//! Source: the page layout of `mdb.c`, LMDB 0.9.70 (data version 1).

mod leaf;
mod survey;

use std::fs::File;
use std::path::{Path, PathBuf};

use self::leaf::{Data, HEADER};
use super::{PageSource, u16_at, u32_at, u64_at};
use crate::error::Result;
use crate::storage::care::Care;
use crate::storage::lock_file::io_error;
use crate::storage::txn::Table;

const LEAF: u16 = 0x02;
const OVERFLOW: u16 = 0x04;
/// How often a walk reports, in pages or blocks.
const STEP: u64 = 256;

/// How an entry was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// On a free page: it shows an older state.
    Stale,
    /// On a page that nothing led to.
    Orphan,
    /// On the way down from the root.
    Reached,
}

/// An entry that was found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'p> {
    /// The LMDB key.
    pub key: &'p [u8],
    /// The value, which may be damaged; `None` if it cannot be read.
    pub value: Option<&'p [u8]>,
    /// How it was found.
    pub trust: Trust,
    /// Whether it may belong to an older state although its page does not.
    pub may_be_old: bool,
    /// Whether it is certain that there is an entry here, whatever may be damaged of it.
    pub is_entry: bool,
    /// The first of the pages that the value has for itself.
    pub page: Option<u64>,
}

/// What is left of a database: of one whose entries stand in the pages of its file, or of a sealed
/// one, whose entries stand in blocks.
pub trait Remains {
    /// Whether every part of a tree was reached.
    fn is_whole(&self, table: Table) -> bool;

    /// Whether what is found where nothing led to belongs to the newest state for certain.
    fn knows_free_pages(&self) -> bool;

    /// Whether the newest state was found. If not, what the last commit wrote stands on pages that
    /// were free in the state before it, beside what is older.
    fn knows_newest(&self) -> bool;

    /// Visits the entries of a tree that are on the way down from its root.
    ///
    /// # Errors
    /// `ABORTED`, `IO`; those of `visit`.
    fn visit_reached(
        &mut self,
        table: Table,
        care: &dyn Care,
        phase: &str,
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()>;

    /// Visits what may be entries where nothing led to, or those of older states; of all trees.
    /// `visit` tells whether it is one.
    ///
    /// # Errors
    /// `ABORTED`, `IO`; those of `visit`.
    fn visit_others(
        &mut self,
        trust: Trust,
        care: &dyn Care,
        phase: &str,
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()>;
}

/// What a page is, as far as the walk from the root could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Unknown,
    Free,
    /// A branch, a leaf of another tree, or pages of a large value.
    Other,
    Leaf(Table),
}

/// A data file that may be damaged.
pub struct Salvage {
    path: PathBuf,
    file: File,
    length: u64,
    page_size: usize,
    classes: Vec<Class>,
    /// The roots of the four trees and their depths, as far as they are known.
    roots: Vec<(Table, u64, u16)>,
    /// Whether all free pages are known.
    knows_free: bool,
    /// Whether no meta page is lost that may have been the newest.
    knows_newest: bool,
    /// Pages that are not what they should be.
    damaged: Vec<u64>,
    /// Trees of which every page was reached.
    whole: Vec<Table>,
}

impl Salvage {
    /// Opens a file and finds out what its pages are.
    ///
    /// # Errors
    /// `ABORTED`, `IO`, `PERMISSION`; `NOT_A_DATABASE` if no page is one of LMDB's.
    pub fn open(path: &Path, care: &dyn Care) -> Result<Self> {
        survey::survey(path, care)
    }

    /// How many pages the file has.
    pub fn pages(&self) -> u64 {
        self.classes.len() as u64
    }

    /// Pages that are not what they should be.
    pub fn damaged_pages(&self) -> &[u64] {
        &self.damaged
    }

    /// The length of the file in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether a page shows an older state.
    pub(in crate::storage) fn is_free(&self, page: u64) -> bool {
        self.class(page) == Class::Free
    }

    /// Whether nothing that was reached led to a page.
    pub(in crate::storage) fn is_unknown(&self, page: u64) -> bool {
        self.class(page) == Class::Unknown
    }

    /// Whether a page says of itself that it begins a large value.
    pub(in crate::storage) fn is_run(&mut self, page: u64) -> Result<bool> {
        let mut head = [0; HEADER];
        self.read(page * self.page_size as u64, &mut head)?;
        Ok(u64_at(&head, 0) == Some(page) && u16_at(&head, 10) == Some(OVERFLOW))
    }

    /// Whether a page is a leaf that was reached.
    pub(in crate::storage) fn is_leaf(&self, page: u64) -> bool {
        matches!(self.class(page), Class::Leaf(_))
    }

    /// Reads what is stored in a page of its own, whatever the head of the page says; false if it
    /// is not within the file.
    pub(in crate::storage) fn read_content(&mut self, page: u64, out: &mut [u8]) -> Result<bool> {
        self.read_within(page, HEADER, out)
    }

    fn visit_page(
        &mut self,
        page: &[u8],
        trust: Trust,
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut large = Vec::new();
        leaf::visit(page, |node| {
            let value = match node.data {
                Data::Here(value) => Some(value),
                Data::Elsewhere { page, size } => {
                    let is_there = self.read_large(page, size, node.has_slot, &mut large)?;
                    is_there.then_some(large.as_slice())
                }
            };
            let page = match node.data {
                Data::Here(_) => None,
                Data::Elsewhere { page, .. } => Some(page),
            };
            visit(Found {
                key: node.key,
                value,
                trust,
                may_be_old: node.may_be_old,
                is_entry: node.has_slot && !node.may_be_old,
                page,
            })
        })
    }

    /// Reads a value that has pages of its own; false if it cannot be there. `is_sure` tells that a
    /// slot leads to it, so that damage to the head of its first page does not count.
    fn read_large(
        &mut self,
        page: u64,
        size: usize,
        is_sure: bool,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        // A length may be anything: nothing is set aside for it that the file does not have.
        let is_there = self.place_of(page, HEADER, size).is_some();
        if !is_there || page < 2 || !(is_sure || self.is_run(page)?) {
            return Ok(false);
        }
        out.clear();
        out.resize(size, 0);
        self.read_content(page, out)
    }

    fn class(&self, page: u64) -> Class {
        let index = usize::try_from(page).unwrap_or(usize::MAX);
        self.classes.get(index).copied().unwrap_or(Class::Other)
    }

    fn set_class(&mut self, page: u64, class: Class) {
        let index = usize::try_from(page).unwrap_or(usize::MAX);
        if let Some(place) = self.classes.get_mut(index) {
            *place = class;
        }
    }

    /// Reads a whole page; false if it is not within the file.
    fn read_page(&mut self, page: u64, out: &mut [u8]) -> Result<bool> {
        self.read_within(page, 0, out)
    }

    /// Reads what begins at a place of a page; false if it is not within the file.
    fn read_within(&mut self, page: u64, from: usize, out: &mut [u8]) -> Result<bool> {
        let Some(start) = self.place_of(page, from, out.len()) else { return Ok(false) };
        self.read(start, out)?;
        Ok(true)
    }

    /// Where in the file a place of a page is; `None` if that many bytes from there on are not.
    fn place_of(&self, page: u64, from: usize, length: usize) -> Option<u64> {
        let start = page.checked_mul(self.page_size as u64)?.checked_add(from as u64)?;
        let end = start.checked_add(length as u64)?;
        (end <= self.length).then_some(start)
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.file
            .read_exact_at(offset, out)
            .map_err(|error| io_error("cannot read the data file", &self.path, &error))
    }
}

impl Remains for Salvage {
    fn is_whole(&self, table: Table) -> bool {
        self.whole.contains(&table)
    }

    fn knows_free_pages(&self) -> bool {
        self.knows_free
    }

    fn knows_newest(&self) -> bool {
        self.knows_newest
    }

    fn visit_reached(
        &mut self,
        table: Table,
        care: &dyn Care,
        phase: &str,
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()> {
        let Some(&(_, root, depth)) = self.roots.iter().find(|(known, ..)| *known == table) else {
            return Ok(());
        };
        let mut done = 0;
        let total =
            self.classes.iter().filter(|class| **class == Class::Leaf(table)).count() as u64;
        // Branches were checked by the survey: only leaves that it reached are visited.
        let mut pending = vec![(root, depth)];
        let mut page = vec![0; self.page_size];
        while let Some((number, levels)) = pending.pop() {
            let is_leaf = levels <= 1;
            if is_leaf && self.class(number) != Class::Leaf(table) {
                continue;
            }
            if !self.read_page(number, &mut page)? {
                continue;
            }
            if is_leaf {
                done += 1;
                report(care, phase, done, total)?;
                self.visit_page(&page, Trust::Reached, visit)?;
            } else {
                let children = survey::children(&page).unwrap_or_default();
                pending.extend(children.into_iter().rev().map(|(_, child)| (child, levels - 1)));
            }
        }
        Ok(())
    }

    fn visit_others(
        &mut self,
        trust: Trust,
        care: &dyn Care,
        phase: &str,
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()> {
        let wanted = if trust == Trust::Stale { Class::Free } else { Class::Unknown };
        let mut page = vec![0; self.page_size];
        let mut number = 0;
        while number < self.pages() {
            report(care, phase, number, self.pages())?;
            if self.class(number) != wanted || !self.read_page(number, &mut page)? {
                number += 1;
                continue;
            }
            let kind = u16_at(&page, 10);
            if kind == Some(OVERFLOW) && u64_at(&page, 0) == Some(number) {
                // What a document holds is not to be taken for pages. Its length may be damaged.
                let count = u64::from(u32_at(&page, 12).unwrap_or(1)).clamp(1, self.pages());
                let end = number + count;
                number += 1;
                while number < end && self.class(number) == wanted {
                    number += 1;
                }
                continue;
            }
            self.visit_page(&page, trust, visit)?;
            number += 1;
        }
        Ok(())
    }
}

/// Reports how far a pass is, now and then.
pub(in crate::storage) fn report(
    care: &dyn Care,
    phase: &str,
    done: u64,
    total: u64,
) -> Result<()> {
    if done.is_multiple_of(STEP) {
        care.check_cancelled()?;
        care.progress(phase, done.min(total), total);
    }
    Ok(())
}
