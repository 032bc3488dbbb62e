//! Looking at `data.mdb` before it is mapped.
//!
//! LMDB trusts what it maps. A mapped page beyond the end of the file kills the process when it is
//! read, and a page that points outside itself makes LMDB read there. So before LMDB sees the file,
//! ordinary reads look at what is cheap to look at: both meta pages, and the root pages of the
//! trees that an open reads.
//!
//! The meta page names the last page in use; a file that is shorter may still be whole, since pages
//! that were allocated and freed again at the end of the file need never have been written. Then,
//! and only then, the trees are walked to see whether anything that is in use lies beyond the end.
//!
//! Source: the page layout of `mdb.c`, LMDB 0.9.70 (data version 1).

mod every_page;
mod meta_page;
mod page;
mod salvage;
mod unfinished;

use std::fs::File;
use std::io;
use std::path::Path;

pub(super) use self::every_page::check_before_mapping;
pub use self::every_page::{PageFigures, PageProblem, PageProblemKind, check_every_page};
pub(super) use self::salvage::report;
pub use self::salvage::{Found, Remains, Salvage, Trust};
pub(super) use self::unfinished::is_unfinished;

use self::meta_page::Meta;
use self::page::{Child, Page, Tree};
use super::lmdb::META_LENGTH;
use super::lock_file::io_error;
use crate::error::{Error, ErrorCode, Result};

const NO_PAGE: u64 = u64::MAX;

/// Where the pages are read from: the data file.
pub trait PageSource {
    /// How long it is now, in bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn length(&mut self) -> io::Result<u64>;

    /// Fills `bytes` from a place that is within the length.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_exact_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

impl PageSource for File {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        use std::io::{Read, Seek};
        self.seek(io::SeekFrom::Start(offset))?;
        self.read_exact(bytes)
    }
}

/// Checks that `path` is an LMDB data file of a version we read, and can be mapped.
/// A missing or empty file is fine: LMDB will create it.
///
/// # Errors
/// `NOT_A_DATABASE`, `INCOMPATIBLE_VERSION`, `CORRUPT` (truncated or damaged), `PERMISSION`, `IO`.
pub fn check(path: &Path) -> Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error("cannot open the data file", path, &error)),
    };
    let metadata =
        file.metadata().map_err(|error| io_error("cannot look at the data file", path, &error))?;
    if !metadata.is_file() {
        return Err(not_a_database(path, "it is not a regular file"));
    }
    check_source(file, path)
}

/// As [`check`], of pages that are read from `source`.
///
/// # Errors
/// `NOT_A_DATABASE`, `INCOMPATIBLE_VERSION`, `CORRUPT`, `IO`.
pub fn check_source(source: impl PageSource, path: &Path) -> Result<()> {
    let mut reader = PageReader { source, length: 0, path };
    reader.measure()?;
    if reader.length == 0 {
        return Ok(());
    }
    loop {
        let meta = reader.meta()?;
        let Err(error) = reader.check_trees(&meta) else { return Ok(()) };
        // Another process may have the file open, and have changed it meanwhile.
        if reader.meta()?.txn_id == meta.txn_id {
            return Err(error);
        }
    }
}

/// The last page that is in use, as a meta page says which is to be written to a file.
///
/// # Errors
/// `CORRUPT` and the like if LMDB could not work with it.
pub(super) fn last_page_of(meta: &[u8; META_LENGTH], number: u64, path: &Path) -> Result<u64> {
    Meta::read(meta, number, path).map(|meta| meta.last_page)
}

/// A meta page as it is in the file.
pub(super) struct MetaPage {
    /// The whole page.
    pub(super) bytes: Vec<u8>,
    /// The last page that is in use.
    pub(super) last_page: u64,
}

/// The meta page of a transaction; `None` if others have taken its place.
///
/// # Errors
/// `CORRUPT` if one of the meta pages cannot be read; `IO`, `PERMISSION`.
pub(super) fn meta_page_of(path: &Path, txn_id: u64) -> Result<Option<MetaPage>> {
    let file =
        File::open(path).map_err(|error| io_error("cannot open the data file", path, &error))?;
    let mut reader = PageReader { source: file, length: 0, path };
    let Some(meta) = reader.meta_of(Some(txn_id))? else { return Ok(None) };
    let mut bytes = vec![0; usize::try_from(meta.page_size).unwrap_or(0)];
    // In a new file both pages are of transaction 0.
    let number = if txn_id == 0 { 0 } else { txn_id % 2 };
    reader.read(number * meta.page_size, &mut bytes)?;
    // It may have been replaced while it was read.
    let again = reader.meta_of(Some(txn_id))?;
    Ok(again.map(|meta| MetaPage { bytes, last_page: meta.last_page }))
}

struct PageReader<'p, S> {
    source: S,
    length: u64,
    path: &'p Path,
}

impl<S: PageSource> PageReader<'_, S> {
    /// Checks the roots of the trees, and all their pages if the file is shorter than it might be.
    fn check_trees(&mut self, meta: &Meta) -> Result<()> {
        let mut roots = vec![
            Child { page: meta.free.root, tree: Tree::Free },
            Child { page: meta.main.root, tree: Tree::Main },
        ];
        if meta.last_page.saturating_add(1).saturating_mul(meta.page_size) > self.length {
            return self.walk(roots, meta);
        }
        let mut content = Vec::new();
        while let Some(root) = roots.pop() {
            if root.page == NO_PAGE {
                continue;
            }
            // Of the children only the roots of the engine's own trees.
            let trees = |child: &Child| root.tree == Tree::Main && child.tree == Tree::Named;
            roots.extend(self.page(root, meta, &mut content)?.into_iter().filter(trees));
        }
        Ok(())
    }

    /// The meta page that counts.
    fn meta(&mut self) -> Result<Meta> {
        self.measure()?;
        let first = self.meta_at(0, 0)?;
        // The first page tells the page size even when its content is the older one.
        let second = self.meta_at(1, first.page_size)?;
        if second.page_size != first.page_size {
            return Err(damaged(self.path, "its meta pages differ in page size"));
        }
        // Pages are written before the meta page that names them, so the file is at least as long
        // as that says only if it is looked at afterwards.
        self.measure()?;
        Ok(if second.txn_id > first.txn_id { second } else { first })
    }

    /// The meta page of a transaction, by default of the newest one; `None` if others have taken
    /// its place.
    fn meta_of(&mut self, txn_id: Option<u64>) -> Result<Option<Meta>> {
        let Some(txn_id) = txn_id else { return self.meta().map(Some) };
        self.measure()?;
        let first = self.meta_at(0, 0)?;
        let second = self.meta_at(1, first.page_size)?;
        let found = [first, second].into_iter().find(|meta| meta.txn_id == txn_id);
        self.measure()?;
        Ok(found)
    }

    fn meta_at(&mut self, number: u64, offset: u64) -> Result<Meta> {
        let mut bytes = [0; META_LENGTH];
        self.read(offset, &mut bytes)?;
        Meta::read(&bytes, number, self.path)
    }

    fn measure(&mut self) -> Result<()> {
        self.length = self
            .source
            .length()
            .map_err(|error| io_error("cannot look at the data file", self.path, &error))?;
        Ok(())
    }

    /// Visits every page of the trees.
    fn walk(&mut self, mut pending: Vec<Child>, meta: &Meta) -> Result<()> {
        let mut content = Vec::new();
        let mut visited = 0;
        while let Some(child) = pending.pop() {
            if child.page == NO_PAGE {
                continue;
            }
            visited += 1;
            if visited > self.length / meta.page_size {
                return Err(damaged(self.path, "its pages form a cycle"));
            }
            pending.extend(self.page(child, meta, &mut content)?);
        }
        Ok(())
    }

    /// Reads a page and checks it; returns what it points to.
    fn page(&mut self, child: Child, meta: &Meta, content: &mut Vec<u8>) -> Result<Vec<Child>> {
        content.resize(meta.page_size as usize, 0);
        let offset = child.page.checked_mul(meta.page_size).ok_or_else(|| self.short())?;
        self.read(offset, content)?;
        let page = Page { bytes: content, number: child.page, tree: child.tree };
        let malformed = || damaged(self.path, &format!("page {} is malformed", child.page));
        let content = page.content().ok_or_else(malformed)?;
        for run in content.overflow {
            let end = run.page.checked_mul(meta.page_size).and_then(|at| at.checked_add(run.bytes));
            if end.is_none_or(|end| end > self.length) {
                return Err(self.short());
            }
        }
        Ok(content.children)
    }

    fn read(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > self.length) {
            return Err(self.short());
        }
        self.source
            .read_exact_at(offset, bytes)
            .map_err(|error| io_error("cannot read the data file", self.path, &error))
    }

    fn short(&self) -> Error {
        damaged(self.path, "it is shorter than its content")
    }
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::corrupt(format!(
        "the data file is damaged: {what}; restore a backup, or keep a copy and run repair: {}",
        path.display()
    ))
    .with_path(path.display().to_string())
}

fn not_a_database(path: &Path, what: &str) -> Error {
    Error::new(
        ErrorCode::NotADatabase,
        format!("this is not a Lodestore database: {what}: {}", path.display()),
    )
    .with_path(path.display().to_string())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}
