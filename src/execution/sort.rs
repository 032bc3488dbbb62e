//! Sorting, whatever the number of documents.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

use crate::error::{Error, ErrorCode, Result};

pub use crate::query::sort::{SortPart, parse, push_key};

/// Something to be sorted: a sort key, and what it belongs to.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    /// The sort key, then the primary key.
    bytes: Box<[u8]>,
    /// Where the primary key begins.
    split: u32,
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Item {
    fn size(&self) -> usize {
        self.bytes.len() + 32
    }

    fn key(&self) -> &[u8] {
        self.bytes.get(self.split as usize..).unwrap_or_default()
    }
}

/// Collects primary keys with what they are sorted by. Up to a limit they are kept in memory; then
/// sorted runs of them go to temporary files.
#[derive(Debug)]
pub struct Sorter {
    /// Keys at most; of more, the last ones are dropped.
    wanted: usize,
    memory: usize,
    used: usize,
    items: Vec<Item>,
    /// The items as a heap, the last one on top, while a small number is wanted.
    heap: BinaryHeap<Item>,
    runs: Vec<File>,
}

/// A heap is used while no more than so many keys are wanted.
const MAX_HEAP: usize = 100_000;

impl Sorter {
    /// For all keys, or the first ones, in so many bytes of memory.
    pub fn new(wanted: Option<usize>, memory: usize) -> Self {
        Self {
            wanted: wanted.unwrap_or(usize::MAX),
            memory,
            used: 0,
            items: Vec::new(),
            heap: BinaryHeap::new(),
            runs: Vec::new(),
        }
    }

    /// Adds a primary key under its sort key.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL` if a temporary file cannot be written.
    pub fn push(&mut self, sort_key: &[u8], primary_key: &[u8]) -> Result<()> {
        if self.wanted == 0 {
            return Ok(());
        }
        if self.wanted <= MAX_HEAP && self.heap.len() == self.wanted {
            // Most do not make it into the first ones.
            let last = self.heap.peek().map(|item| &*item.bytes).unwrap_or_default();
            let beyond = match sort_key.cmp(last.get(..sort_key.len()).unwrap_or(last)) {
                Ordering::Equal => last.get(sort_key.len()..).is_none_or(|rest| primary_key > rest),
                ordering => ordering.is_gt(),
            };
            if beyond {
                return Ok(());
            }
        }
        let item =
            Item { bytes: [sort_key, primary_key].concat().into(), split: sort_key.len() as u32 };
        self.used += item.size();
        if self.wanted <= MAX_HEAP {
            self.heap.push(item);
            if self.heap.len() > self.wanted
                && let Some(dropped) = self.heap.pop()
            {
                self.used -= dropped.size();
            }
            if self.used > self.memory {
                self.items = std::mem::take(&mut self.heap).into_vec();
                self.spill()?;
            }
            return Ok(());
        }
        self.items.push(item);
        if self.used > self.memory { self.spill() } else { Ok(()) }
    }

    /// Writes what is in memory to a temporary file, sorted.
    fn spill(&mut self) -> Result<()> {
        self.items.sort_unstable();
        let mut run = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        for item in self.items.drain(..) {
            let head = [item.bytes.len() as u32, item.split];
            for number in head {
                run.write_all(&number.to_le_bytes()).map_err(failed)?;
            }
            run.write_all(&item.bytes).map_err(failed)?;
        }
        let mut file = run.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        self.runs.push(file);
        self.used = 0;
        Ok(())
    }

    /// How it sorts, for people.
    pub fn method(&self) -> &'static str {
        if !self.runs.is_empty() {
            "spilled"
        } else if self.wanted <= MAX_HEAP {
            "top-k"
        } else {
            "in memory"
        }
    }

    /// The keys in order.
    ///
    /// # Errors
    /// `IO` if a temporary file cannot be read.
    pub fn finish(mut self) -> Result<Sorted> {
        if !self.heap.is_empty() {
            self.items = self.heap.into_vec();
        }
        self.items.sort_unstable();
        let mut sources: Vec<Source> = Vec::new();
        for run in self.runs {
            sources.push(Source::File(BufReader::new(run)));
        }
        sources.push(Source::Memory(self.items.into_iter()));
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (at, source) in sources.iter_mut().enumerate() {
            if let Some(item) = source.next()? {
                heads.push(std::cmp::Reverse((item, at)));
            }
        }
        Ok(Sorted { sources, heads, left: self.wanted })
    }
}

/// Sorted primary keys.
#[derive(Debug)]
pub struct Sorted {
    sources: Vec<Source>,
    /// The next item of each source that has one.
    heads: BinaryHeap<std::cmp::Reverse<(Item, usize)>>,
    left: usize,
}

#[derive(Debug)]
enum Source {
    Memory(std::vec::IntoIter<Item>),
    File(BufReader<File>),
}

impl Source {
    fn next(&mut self) -> Result<Option<Item>> {
        let file = match self {
            Self::Memory(items) => return Ok(items.next()),
            Self::File(file) => file,
        };
        let mut head = [0; 8];
        match file.read(&mut head).map_err(failed)? {
            0 => return Ok(None),
            read => file.read_exact(head.get_mut(read..).unwrap_or_default()).map_err(failed)?,
        }
        let [len, split] = [0, 4].map(|at| {
            let bytes = head.get(at..).and_then(<[u8]>::first_chunk).copied();
            u32::from_le_bytes(bytes.unwrap_or_default())
        });
        let mut bytes = vec![0; len as usize];
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(Some(Item { bytes: bytes.into(), split }))
    }
}

impl Sorted {
    /// The next primary key.
    pub fn peek(&self) -> Option<&[u8]> {
        if self.left == 0 {
            return None;
        }
        self.heads.peek().map(|std::cmp::Reverse((item, _))| item.key())
    }

    /// What the next primary key is sorted by, that key included.
    pub fn peek_sort_key(&self) -> Option<&[u8]> {
        self.heads.peek().map(|std::cmp::Reverse((item, _))| &*item.bytes)
    }

    /// Passes the next key.
    ///
    /// # Errors
    /// `IO` if a temporary file cannot be read.
    pub fn advance(&mut self) -> Result<()> {
        self.left = self.left.saturating_sub(1);
        if let Some(std::cmp::Reverse((_, at))) = self.heads.pop()
            && let Some(source) = self.sources.get_mut(at)
            && let Some(item) = source.next()?
        {
            self.heads.push(std::cmp::Reverse((item, at)));
        }
        Ok(())
    }
}

fn failed(error: std::io::Error) -> Error {
    let full =
        matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let code = if full { ErrorCode::DiskFull } else { ErrorCode::Io };
    Error::new(code, "a sort needs a temporary file, which cannot be used").with_cause(error)
}
