//! Sorting more than fits in memory: sorted runs in temporary files, which are merged. The files
//! are encrypted, whatever the database.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io::{Read, Write};

use crate::error::{Error, ErrorCode, Result};
use crate::seal::{SealedReader, SealedWriter};

/// Something to be sorted: a sort key, and what it belongs to.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    /// The sort key, then what belongs to it, by which equal ones are sorted.
    bytes: Box<[u8]>,
    /// Where that begins.
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

    fn value(&self) -> &[u8] {
        self.bytes.get(self.split as usize..).unwrap_or_default()
    }
}

/// Collects values (keys, documents) with what they are sorted by. Up to a limit they are kept in
/// memory; then sorted runs of them go to temporary files.
#[derive(Debug)]
pub struct Sorter {
    /// Values at most; of more, the last ones are dropped.
    wanted: usize,
    memory: usize,
    used: usize,
    items: Vec<Item>,
    /// The items as a heap, the last one on top, while a small number is wanted.
    heap: BinaryHeap<Item>,
    /// Sorted runs. Those of each level are merged of so many of the one before, so that a value is
    /// written a few times only, however often there is no room.
    levels: Vec<Vec<SealedReader>>,
}

/// What a sort may keep in memory before it uses temporary files, in bytes.
pub const SORT_MEMORY: usize = 64 << 20;
/// A run of fewer bytes is not worth a file.
pub const MIN_RUN: usize = 64 << 10;

/// A heap is used while no more than so many values are wanted.
const MAX_HEAP: usize = 100_000;
/// As many runs of a level are merged into one, so that few files are open at once.
const MAX_RUNS: usize = 32;

impl Sorter {
    /// For all values, or the first ones, in so many bytes of memory.
    pub fn new(wanted: Option<usize>, memory: usize) -> Self {
        Self {
            wanted: wanted.unwrap_or(usize::MAX),
            memory,
            used: 0,
            items: Vec::new(),
            heap: BinaryHeap::new(),
            levels: Vec::new(),
        }
    }

    /// Adds a value under its sort key.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL` if a temporary file cannot be written.
    pub fn push(&mut self, sort_key: &[u8], value: &[u8]) -> Result<()> {
        if self.wanted == 0 {
            return Ok(());
        }
        // Most do not make it into the first ones.
        let is_beyond = match self.compared_with_last(sort_key) {
            Some((Ordering::Equal, rest)) => value > rest,
            Some((ordering, _)) => ordering.is_gt(),
            None => false,
        };
        if is_beyond {
            return Ok(());
        }
        let item = Item { bytes: [sort_key, value].concat().into(), split: sort_key.len() as u32 };
        self.used += item.size();
        if self.wanted <= MAX_HEAP {
            self.heap.push(item);
            if self.heap.len() > self.wanted
                && let Some(dropped) = self.heap.pop()
            {
                self.used -= dropped.size();
            }
        } else {
            self.items.push(item);
        }
        if self.used > self.memory { self.spill() } else { Ok(()) }
    }

    /// Whether no value under a sort key can be among those that are wanted, which spares making
    /// it.
    pub fn is_beyond(&self, sort_key: &[u8]) -> bool {
        self.compared_with_last(sort_key).is_some_and(|(ordering, _)| ordering.is_gt())
    }

    /// How a sort key compares with the last of the values that are wanted, if there are enough,
    /// and what of that one a value has to be compared with if they are equal.
    fn compared_with_last(&self, sort_key: &[u8]) -> Option<(Ordering, &[u8])> {
        if self.wanted > MAX_HEAP || self.heap.len() < self.wanted {
            return None;
        }
        let last = &*self.heap.peek()?.bytes;
        let (head, rest) = last.split_at_checked(sort_key.len()).unwrap_or((last, &[]));
        Some((sort_key.cmp(head), rest))
    }

    /// How many bytes are kept in memory.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Writes what is in memory to a temporary file, sorted.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL` if a temporary file cannot be written.
    pub fn spill(&mut self) -> Result<()> {
        if !self.heap.is_empty() {
            self.items = std::mem::take(&mut self.heap).into_vec();
        }
        self.items.sort_unstable();
        let mut run = Run::new()?;
        for item in self.items.drain(..) {
            run.push(&item)?;
        }
        self.used = 0;
        let mut run = run.finish()?;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let Some(runs) = self.levels.get_mut(level) else { break };
            runs.push(run);
            if runs.len() < MAX_RUNS {
                break;
            }
            run = merge_into_one(std::mem::take(runs), self.wanted)?;
        }
        Ok(())
    }

    /// How many files there are.
    #[cfg(test)]
    pub fn runs(&self) -> usize {
        self.levels.iter().map(Vec::len).sum()
    }

    /// How it sorts, for people.
    pub fn method(&self) -> &'static str {
        if !self.levels.is_empty() {
            "spilled"
        } else if self.wanted <= MAX_HEAP {
            "top-k"
        } else {
            "in memory"
        }
    }

    /// The values in order.
    ///
    /// # Errors
    /// `IO` if a temporary file cannot be read.
    pub fn finish(mut self) -> Result<Sorted> {
        if !self.heap.is_empty() {
            self.items = self.heap.into_vec();
        }
        self.items.sort_unstable();
        merge(self.levels.into_iter().flatten().collect(), self.items, self.wanted)
    }
}

/// A sorted run that is being written.
struct Run(SealedWriter);

impl Run {
    fn new() -> Result<Self> {
        tempfile::tempfile().and_then(SealedWriter::new).map(Self).map_err(failed)
    }

    fn push(&mut self, item: &Item) -> Result<()> {
        for number in [item.bytes.len() as u32, item.split] {
            self.0.write_all(&number.to_le_bytes()).map_err(failed)?;
        }
        self.0.write_all(&item.bytes).map_err(failed)
    }

    fn finish(self) -> Result<SealedReader> {
        self.0.finish().map_err(failed)
    }
}

/// A run of the first `wanted` values of several.
fn merge_into_one(runs: Vec<SealedReader>, wanted: usize) -> Result<SealedReader> {
    let mut merged = merge(runs, Vec::new(), wanted)?;
    let mut run = Run::new()?;
    while let Some(std::cmp::Reverse((item, _))) = merged.head() {
        run.push(item)?;
        merged.advance()?;
    }
    run.finish()
}

/// The first `wanted` values of runs and sorted items.
fn merge(runs: Vec<SealedReader>, items: Vec<Item>, wanted: usize) -> Result<Sorted> {
    let in_memory = items.iter().map(Item::size).sum();
    let mut sources: Vec<_> = runs.into_iter().map(Source::File).collect();
    sources.push(Source::Memory(items.into_iter()));
    let mut heads = BinaryHeap::with_capacity(sources.len());
    for (at, source) in sources.iter_mut().enumerate() {
        if let Some(item) = source.next()? {
            heads.push(std::cmp::Reverse((item, at)));
        }
    }
    Ok(Sorted { sources, heads, left: wanted, in_memory })
}

/// Sorted values.
#[derive(Debug)]
pub struct Sorted {
    sources: Vec<Source>,
    /// The next item of each source that has one.
    heads: BinaryHeap<std::cmp::Reverse<(Item, usize)>>,
    left: usize,
    in_memory: usize,
}

#[derive(Debug)]
enum Source {
    Memory(std::vec::IntoIter<Item>),
    File(SealedReader),
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
    fn head(&self) -> Option<&std::cmp::Reverse<(Item, usize)>> {
        self.heads.peek().filter(|_| self.left > 0)
    }

    /// The next value.
    pub fn peek(&self) -> Option<&[u8]> {
        self.head().map(|std::cmp::Reverse((item, _))| item.value())
    }

    /// How many bytes are kept in memory, but for the next value of each run.
    pub fn in_memory(&self) -> usize {
        self.in_memory
    }

    /// What the next value is sorted by, that value included.
    pub fn peek_sort_key(&self) -> Option<&[u8]> {
        self.heads.peek().map(|std::cmp::Reverse((item, _))| &*item.bytes)
    }

    /// Passes the next value.
    ///
    /// # Errors
    /// `IO` if a temporary file cannot be read.
    pub fn advance(&mut self) -> Result<()> {
        self.left = self.left.saturating_sub(1);
        if let Some(std::cmp::Reverse((passed, at))) = self.heads.pop()
            && let Some(source) = self.sources.get_mut(at)
        {
            if matches!(source, Source::Memory(_)) {
                self.in_memory -= passed.size();
            }
            if let Some(item) = source.next()? {
                self.heads.push(std::cmp::Reverse((item, at)));
            }
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn all(sorter: Sorter) -> Vec<Vec<u8>> {
        let mut sorted = sorter.finish().unwrap();
        let mut values = Vec::new();
        while let Some(value) = sorted.peek() {
            values.push(value.to_vec());
            sorted.advance().unwrap();
        }
        assert_eq!(sorted.in_memory(), 0);
        values
    }

    #[test]
    fn knows_what_is_beyond_without_the_value() {
        let mut sorter = Sorter::new(Some(2), SORT_MEMORY);
        for (sort_key, value) in [("c", "1"), ("b", "2"), ("ba", "3")] {
            assert!(!sorter.is_beyond(sort_key.as_bytes()));
            sorter.push(sort_key.as_bytes(), value.as_bytes()).unwrap();
        }
        // The last is "ba"; equal ones may still be before it.
        for (sort_key, is_beyond) in [("a", false), ("ba", false), ("bb", true), ("baa", true)] {
            assert_eq!(sorter.is_beyond(sort_key.as_bytes()), is_beyond, "{sort_key}");
        }
        sorter.push(b"ba", b"0").unwrap();
        sorter.push(b"ba", b"4").unwrap();
        assert_eq!(all(sorter), [b"2", b"0"]);
        assert!(!Sorter::new(None, SORT_MEMORY).is_beyond(b"x"));
    }

    #[test]
    fn sorts_by_runs_of_runs() {
        // A run for each value is runs of three levels.
        let count = (MAX_RUNS * MAX_RUNS + 3 * MAX_RUNS + 5) as u32;
        let key = |i: u32| i.wrapping_mul(2_654_435_761).to_be_bytes();
        let mut expected: Vec<u32> = (0..count).collect();
        expected.sort_by_key(|i| key(*i));
        let expected: Vec<_> = expected.iter().map(|i| i.to_le_bytes().to_vec()).collect();
        for wanted in [None, Some(40)] {
            let mut sorter = Sorter::new(wanted, 0);
            for i in 0..count {
                sorter.push(&key(i), &i.to_le_bytes()).unwrap();
            }
            assert_eq!(sorter.method(), "spilled");
            assert_eq!((sorter.used(), sorter.levels.len()), (0, 3));
            assert!(sorter.levels.iter().all(|runs| runs.len() < MAX_RUNS));
            assert_eq!(all(sorter), expected[..wanted.unwrap_or(expected.len())]);
        }
    }
}
