//! What a graph is made of: vectors, their labels, and for each level their neighbours.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use memmap2::Mmap;

use crate::error::{Error, ErrorCode, Result};
use crate::vector::kernel::LINE;

/// The most levels above the lowest one.
pub(super) const MOST_LEVELS: u8 = 15;
/// The most vectors.
pub(super) const MOST_NODES: usize = u32::MAX as usize - 1;
/// Rows are allocated so many at a time, and never moved.
const ROWS: usize = 1 << ROW_BITS;
const ROW_BITS: u32 = 10;
/// Lists of the upper levels have room for so many neighbours at least. They are few, and all that
/// leads from one place to another that is far from it.
const LEAST_ABOVE: usize = 16;
/// Bytes of a vector's label, levels, and where its lists begin.
const PER_NODE: usize = size_of::<u64>() + size_of::<u8>() + size_of::<u32>();

/// Vectors under labels that only grow, with lists of neighbours that may change at any time.
///
/// Vectors are added by whoever has it alone; lists of neighbours are read and written by many.
/// What a list names is always there, since vectors are added before anyone links them.
pub(super) struct Nodes {
    /// Bytes of a vector, and of its row.
    length: usize,
    stride: usize,
    labels: Vec<u64>,
    /// The first of the vectors, if they are in a file, and all others.
    mapped: Option<Mapped>,
    vectors: Vec<Chunk>,
    levels: Vec<u8>,
    /// The lists of the lowest level.
    lowest: Lists,
    /// Those of the other levels, and where those of each vector begin.
    upper: Lists,
    upper_from: Vec<u32>,
    /// Where searches begin: its level and 1, and below 32 bits, which vector it is; or zero.
    entry: AtomicU64,
}

/// Bytes of which those from `from` on are used. None if its vectors are in a file.
#[derive(Default)]
struct Chunk {
    bytes: Box<[u8]>,
    from: usize,
}

/// The first vectors of a graph, which follow each other in a file.
pub(super) struct Mapped {
    pub(super) file: Mmap,
    /// Where they begin.
    pub(super) from: usize,
    pub(super) vectors: usize,
}

/// Lists of neighbours, all with room for equally many.
pub(super) struct Lists {
    /// How many one has at most.
    room: usize,
    rows: usize,
    /// A row is the number of neighbours, and they.
    chunks: Vec<Box<[AtomicU32]>>,
}

impl Lists {
    fn new(room: usize) -> Self {
        Self { room, rows: 0, chunks: Vec::new() }
    }

    /// How many neighbours a list has at most.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    fn grow(&mut self, rows: usize) -> Result<()> {
        let row = self.room + 1;
        while self.chunks.len() * ROWS < self.rows + rows {
            let mut chunk = Vec::new();
            chunk.try_reserve_exact(ROWS * row).map_err(no_memory)?;
            chunk.resize_with(ROWS * row, AtomicU32::default);
            self.chunks.push(chunk.into_boxed_slice());
        }
        self.rows += rows;
        Ok(())
    }

    fn row(&self, at: usize) -> &[AtomicU32] {
        let row = self.room + 1;
        let from = (at & (ROWS - 1)) * row;
        let chunk = self.chunks.get(at >> ROW_BITS);
        chunk.and_then(|chunk| chunk.get(from..from + row)).unwrap_or_default()
    }

    fn read(&self, at: usize) -> impl Iterator<Item = u32> + '_ {
        let row = self.row(at);
        let (count, rest) = row
            .split_first()
            .map_or((0, row), |(count, rest)| (count.load(Ordering::Acquire) as usize, rest));
        rest.iter().take(count).map(|one| one.load(Ordering::Acquire))
    }

    /// Replaces a list. Whoever reads it meanwhile meets some of its neighbours of before, and some
    /// of now.
    fn write(&self, at: usize, neighbours: impl Iterator<Item = u32>) {
        let Some((count, rest)) = self.row(at).split_first() else { return };
        let mut written = 0;
        for (place, neighbour) in rest.iter().zip(neighbours) {
            place.store(neighbour, Ordering::Release);
            written += 1;
        }
        count.store(written, Ordering::Release);
    }

    /// Adds a neighbour to a list; false if it has no room.
    fn push(&self, at: usize, neighbour: u32) -> bool {
        let Some((count, rest)) = self.row(at).split_first() else { return false };
        let len = count.load(Ordering::Acquire);
        let Some(place) = rest.get(len as usize) else { return false };
        place.store(neighbour, Ordering::Release);
        count.store(len + 1, Ordering::Release);
        true
    }

    fn memory(&self) -> usize {
        self.chunks.len() * self.chunk()
    }

    /// How many bytes more it takes with so many rows more.
    fn growth(&self, rows: usize) -> usize {
        let chunks =
            self.rows.saturating_add(rows).div_ceil(ROWS).saturating_sub(self.chunks.len());
        chunks.saturating_mul(self.chunk())
    }

    /// Bytes of a chunk.
    fn chunk(&self) -> usize {
        ROWS * (self.room + 1) * size_of::<AtomicU32>()
    }
}

impl Nodes {
    /// None, of vectors of so many bytes, with so many neighbours.
    pub(super) fn new(length: usize, m: usize) -> Self {
        Self {
            length,
            stride: length.next_multiple_of(if length < LINE { 8 } else { 16 }),
            labels: Vec::new(),
            mapped: None,
            vectors: Vec::new(),
            levels: Vec::new(),
            lowest: Lists::new(m * 2),
            upper: Lists::new(m.max(LEAST_ABOVE)),
            upper_from: Vec::new(),
            entry: AtomicU64::new(0),
        }
    }

    /// Has room for so many labels, and no more than that.
    pub(super) fn reserve(&mut self, labels: usize) -> Result<()> {
        self.labels.try_reserve_exact(labels).map_err(no_memory)?;
        self.levels.try_reserve_exact(labels).map_err(no_memory)?;
        self.upper_from.try_reserve_exact(labels).map_err(no_memory)
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn label(&self, node: u32) -> u64 {
        self.labels.get(node as usize).copied().unwrap_or_default()
    }

    /// The greatest label; `None` if there are none.
    pub(super) fn last_label(&self) -> Option<u64> {
        self.labels.last().copied()
    }

    /// The first vector from one on whose label is not less than this one.
    pub(super) fn first_from(&self, label: u64, from: usize) -> usize {
        let rest = self.labels.get(from..).unwrap_or_default();
        // It is near, mostly.
        let mut reach = 1;
        while rest.get(reach - 1).is_some_and(|one| *one < label) {
            reach *= 2;
        }
        let near = rest.get(..reach).unwrap_or(rest);
        from + near.partition_point(|one| *one < label)
    }

    /// Whether these are the labels of the first vectors.
    pub(super) fn begins_with(&self, labels: &[u64]) -> bool {
        self.labels.starts_with(labels)
    }

    pub(super) fn level(&self, node: u32) -> u8 {
        self.levels.get(node as usize).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn vector(&self, node: u32) -> &[u8] {
        if let Some(mapped) = &self.mapped
            && (node as usize) < mapped.vectors
        {
            let from = mapped.from + node as usize * self.length;
            return mapped.file.get(from..from + self.length).unwrap_or_default();
        }
        let (chunk, row) = (node as usize >> ROW_BITS, node as usize & (ROWS - 1));
        let Some(chunk) = self.vectors.get(chunk) else { return &[] };
        let from = chunk.from + row * self.stride;
        chunk.bytes.get(from..from + self.length).unwrap_or_default()
    }

    /// The lists of a level.
    pub(super) fn lists(&self, level: u8) -> &Lists {
        if level == 0 { &self.lowest } else { &self.upper }
    }

    fn row_of(&self, level: u8, node: u32) -> usize {
        match level {
            0 => node as usize,
            _ => {
                let from = self.upper_from.get(node as usize).copied().unwrap_or_default();
                from as usize + usize::from(level) - 1
            }
        }
    }

    /// The neighbours of a vector in a level that it has.
    pub(super) fn neighbours(&self, level: u8, node: u32) -> impl Iterator<Item = u32> + '_ {
        self.lists(level).read(self.row_of(level, node))
    }

    /// Where the neighbours of a vector are in a level that it has.
    pub(super) fn list(&self, level: u8, node: u32) -> &[AtomicU32] {
        self.lists(level).row(self.row_of(level, node))
    }

    /// Replaces the neighbours of a vector in a level that it has.
    pub(super) fn link(&self, level: u8, node: u32, neighbours: impl Iterator<Item = u32>) {
        self.lists(level).write(self.row_of(level, node), neighbours);
    }

    /// Adds a neighbour in a level that a vector has; false if there is no room for it.
    pub(super) fn link_one(&self, level: u8, node: u32, neighbour: u32) -> bool {
        self.lists(level).push(self.row_of(level, node), neighbour)
    }

    /// The vector where searches begin, and its level; `None` if there are none.
    pub(super) fn entry(&self) -> Option<(u32, u8)> {
        let entry = self.entry.load(Ordering::Acquire);
        let level = (entry >> 32).checked_sub(1)?;
        Some((entry as u32, level as u8))
    }

    /// Lets searches begin at a vector.
    pub(super) fn set_entry(&self, node: u32) {
        let entry = (u64::from(self.level(node)) + 1) << 32 | u64::from(node);
        self.entry.store(entry, Ordering::Release);
    }

    /// How many of the first vectors are in a file.
    pub(super) fn mapped(&self) -> usize {
        self.mapped.as_ref().map_or(0, |mapped| mapped.vectors)
    }

    /// What there is in the file, from a place on.
    pub(super) fn mapped_from(&self, from: usize) -> &[u8] {
        let mapped = self.mapped.as_ref();
        mapped.and_then(|mapped| mapped.file.get(from..)).unwrap_or_default()
    }

    /// Lets the first vectors be in a file. What that takes the place of is given back: letting go
    /// of it takes a while.
    pub(super) fn map(&mut self, mapped: Mapped) -> Replaced {
        let whole = self.vectors.iter_mut().take(mapped.vectors / ROWS);
        let chunks = whole.map(std::mem::take).collect();
        Replaced { _mapped: self.mapped.replace(mapped), _chunks: chunks }
    }

    /// Adds vectors without neighbours. Those that are not in a file follow each other in `packed`.
    pub(super) fn push(&mut self, labels: &[u64], packed: &[u8], levels: &[u8]) -> Result<()> {
        if self.len() + labels.len() > MOST_NODES {
            let message = "the graph of a vector index: it has too many vectors";
            return Err(Error::new(ErrorCode::ResourceLimit, message));
        }
        let total = self.len() + labels.len();
        while self.vectors.len() * ROWS < total {
            let is_mapped = (self.vectors.len() + 1) * ROWS <= self.mapped();
            let chunk =
                if is_mapped { Ok(Chunk::default()) } else { Chunk::new(ROWS * self.stride) };
            self.vectors.push(chunk?);
        }
        self.labels.try_reserve(labels.len()).map_err(no_memory)?;
        self.levels.try_reserve(labels.len()).map_err(no_memory)?;
        self.upper_from.try_reserve(labels.len()).map_err(no_memory)?;
        let above: usize = levels.iter().map(|level| usize::from(*level)).sum();
        let mut upper = self.upper.rows;
        self.upper.grow(above)?;
        self.lowest.grow(labels.len())?;
        // Nothing fails from here on.
        let (length, mapped) = (self.length, self.mapped());
        let mut packed = packed.chunks_exact(length);
        for (label, level) in labels.iter().zip(levels) {
            let node = self.labels.len();
            if node >= mapped
                && let Some(chunk) = self.vectors.get_mut(node >> ROW_BITS)
            {
                let from = chunk.from + (node & (ROWS - 1)) * self.stride;
                if let (Some(place), Some(vector)) =
                    (chunk.bytes.get_mut(from..from + length), packed.next())
                {
                    place.copy_from_slice(vector);
                }
            }
            self.labels.push(*label);
            self.levels.push(*level);
            self.upper_from.push(upper as u32);
            upper += usize::from(*level);
        }
        Ok(())
    }

    /// Bytes of memory, without those that are in a file.
    pub(super) fn memory(&self) -> usize {
        let vectors: usize = self.vectors.iter().map(|chunk| chunk.bytes.len()).sum();
        vectors + self.lowest.memory() + self.upper.memory() + self.labels.capacity() * PER_NODE
    }

    /// Bytes of memory when so many vectors have been added, of which one in `of` gets higher.
    pub(super) fn memory_after(&self, more: usize, of: usize) -> usize {
        let (total, capacity) = (self.len().saturating_add(more), self.labels.capacity());
        let chunks = total.div_ceil(ROWS).saturating_sub(self.vectors.len());
        let labels = if total > capacity { total.max(capacity * 2) - capacity } else { 0 };
        self.memory()
            .saturating_add(chunks.saturating_mul(ROWS * self.stride + LINE))
            .saturating_add(self.lowest.growth(more))
            .saturating_add(self.upper.growth(more / of.saturating_sub(1).max(1)))
            .saturating_add(labels.saturating_mul(PER_NODE))
    }
}

/// What vectors in a file have taken the place of.
pub(super) struct Replaced {
    _mapped: Option<Mapped>,
    _chunks: Vec<Chunk>,
}

impl Chunk {
    fn new(length: usize) -> Result<Self> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length + LINE).map_err(no_memory)?;
        bytes.resize(length + LINE, 0);
        let bytes = bytes.into_boxed_slice();
        let from = bytes.as_ptr().align_offset(LINE).min(LINE);
        Ok(Self { bytes, from })
    }
}

pub(super) fn no_memory(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::ResourceLimit, format!("the graph of a vector index: {error}"))
}
