//! Looking at `data.mdb` before it is mapped.
//!
//! A mapped page beyond the end of the file kills the process when it is read, so a truncated file
//! must be recognised first. LMDB's meta pages name the last page in use; a file that is shorter
//! may still be whole, since pages that were allocated and freed again at the end of the file need
//! never have been written. Then, and only then, the trees are walked to see whether anything that
//! is in use lies beyond the end.
//!
//! Source: the page layout of `mdb.c`, LMDB 0.9.70 (data version 1).

use std::fs::File;
use std::io;
use std::path::Path;

use super::lock_file::io_error;
use crate::error::{Error, ErrorCode, Result};

const PAGE_HEADER: usize = 16;
const MAGIC: u32 = 0xBEEF_C0DE;
const DATA_VERSION: u32 = 1;
const META_LENGTH: usize = 152;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const NODE_HEADER: usize = 8;
const BIG_DATA: u16 = 0x01;
const SUB_TREE: u16 = 0x02;
const NO_PAGE: u64 = u64::MAX;

/// What the newer meta page says.
struct Meta {
    page_size: u64,
    last_page: u64,
    txn_id: u64,
    roots: [u64; 2],
}

/// Checks that `path` is an LMDB data file of a version we read, and long enough to be mapped.
/// A missing or empty file is fine: LMDB will create it.
///
/// Errors: `NOT_A_DATABASE`, `INCOMPATIBLE_VERSION`, `CORRUPT` (truncated), `PERMISSION`, `IO`.
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
    if metadata.len() == 0 {
        return Ok(());
    }
    let mut reader = PageReader { file, length: 0, path };
    loop {
        let meta = reader.meta()?;
        let Err(error) = reader.check_length(&meta) else { return Ok(()) };
        // Another process may have the file open, and have changed it meanwhile.
        if reader.meta()?.txn_id == meta.txn_id {
            return Err(error);
        }
    }
}

struct PageReader<'p> {
    file: File,
    length: u64,
    path: &'p Path,
}

impl PageReader<'_> {
    fn check_length(&mut self, meta: &Meta) -> Result<()> {
        let pages = meta.last_page.saturating_add(1);
        if pages.saturating_mul(meta.page_size) <= self.length {
            return Ok(());
        }
        for root in meta.roots {
            self.walk(root, meta.page_size)?;
        }
        Ok(())
    }

    fn meta(&mut self) -> Result<Meta> {
        self.measure()?;
        let first = self.meta_at(0)?;
        // The first page tells the page size even when its content is the older one.
        let second = self.meta_at(first.page_size)?;
        // Pages are written before the meta page that names them, so the file is at least as long
        // as that says only if it is looked at afterwards.
        self.measure()?;
        Ok(if second.txn_id > first.txn_id { second } else { first })
    }

    fn measure(&mut self) -> Result<()> {
        let metadata = self.file.metadata();
        self.length = metadata
            .map_err(|error| io_error("cannot look at the data file", self.path, &error))?
            .len();
        Ok(())
    }

    fn meta_at(&mut self, offset: u64) -> Result<Meta> {
        let bytes = self.read(offset, META_LENGTH)?;
        if u32_at(&bytes, PAGE_HEADER)? != MAGIC {
            return Err(not_a_database(self.path, "it is not an LMDB file"));
        }
        let version = u32_at(&bytes, PAGE_HEADER + 4)? & 0x7FFF_FFFF;
        if version != DATA_VERSION {
            return Err(Error::new(
                ErrorCode::IncompatibleVersion,
                format!("the data file has LMDB format {version}; this version reads 1"),
            )
            .with_path(self.path.display().to_string()));
        }
        let page_size = u64::from(u32_at(&bytes, 40)?);
        if !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
            return Err(truncated(self.path, "its meta page is damaged"));
        }
        Ok(Meta {
            page_size,
            roots: [u64_at(&bytes, 80)?, u64_at(&bytes, 128)?],
            last_page: u64_at(&bytes, 136)?,
            txn_id: u64_at(&bytes, 144)?,
        })
    }

    /// Visits every page of the tree at `root`.
    fn walk(&mut self, root: u64, page_size: u64) -> Result<()> {
        let mut pending = vec![root];
        let mut visited = 0;
        while let Some(page) = pending.pop() {
            if page == NO_PAGE {
                continue;
            }
            visited += 1;
            if visited > self.length / page_size {
                return Err(truncated(self.path, "its pages form a cycle"));
            }
            let offset = page.checked_mul(page_size).ok_or_else(|| self.short())?;
            let bytes = self.read(offset, page_size as usize)?;
            self.visit(&bytes, &mut pending, page_size)?;
        }
        Ok(())
    }

    fn visit(&self, page: &[u8], pending: &mut Vec<u64>, page_size: u64) -> Result<()> {
        let flags = u16_at(page, 10)?;
        let lower = usize::from(u16_at(page, 12)?);
        let slots = lower.saturating_sub(PAGE_HEADER) / 2;
        for slot in 0..slots {
            let node = usize::from(u16_at(page, PAGE_HEADER + slot * 2)?);
            let low = u64::from(u32_at(page, node)?);
            let node_flags = u16_at(page, node + 4)?;
            if flags & BRANCH != 0 {
                // A branch node keeps its child's page number in the size and flags fields.
                pending.push(low | u64::from(node_flags) << 32);
            } else if flags & LEAF != 0 && node_flags & (BIG_DATA | SUB_TREE) != 0 {
                let key_length = usize::from(u16_at(page, node + 6)?);
                let data = node + NODE_HEADER + key_length;
                if node_flags & SUB_TREE != 0 {
                    pending.push(u64_at(page, data + 40)?);
                } else {
                    let end = u64_at(page, data)?
                        .checked_mul(page_size)
                        .and_then(|start| start.checked_add(PAGE_HEADER as u64 + low));
                    if end.is_none_or(|end| end > self.length) {
                        return Err(self.short());
                    }
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, offset: u64, length: usize) -> Result<Vec<u8>> {
        use std::io::{Read, Seek};
        if offset.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(self.short());
        }
        let mut bytes = vec![0; length];
        self.file
            .seek(io::SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|error| io_error("cannot read the data file", self.path, &error))?;
        Ok(bytes)
    }

    fn short(&self) -> Error {
        truncated(self.path, "it is shorter than its content")
    }
}

fn truncated(path: &Path, what: &str) -> Error {
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

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .ok_or_else(|| Error::corrupt("the data file is damaged: a page points outside itself"))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    Ok(u16::from_ne_bytes(chunk(bytes, at)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    Ok(u32::from_ne_bytes(chunk(bytes, at)?))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    Ok(u64::from_ne_bytes(chunk(bytes, at)?))
}
