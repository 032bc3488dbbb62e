//! What a graph is made of: vectors, their labels, and for each level their neighbours.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use memmap2::Mmap;

use super::rows::{ROW_BITS, ROWS, Rows, Slab};
use crate::error::{Error, ErrorCode, Result};

/// The most levels above the lowest one.
pub(super) const MOST_LEVELS: u8 = 15;
/// The most vectors.
pub const MOST_NODES: usize = u32::MAX as usize - 1;
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
    labels: Vec<u64>,
    /// The first of the vectors, if they are in a file, and all others.
    mapped: Option<Mapped>,
    vectors: Rows,
    /// Copies of all vectors in bytes, if there are any; none are if vectors are in a file.
    copies: Option<Rows>,
    levels: Vec<u8>,
    /// The lists of the lowest level.
    lowest: Lists,
    /// Those of the other levels, and where those of each vector begin.
    upper: Lists,
    upper_from: Vec<u32>,
    /// Where searches begin: its level and 1, and below 32 bits, which vector it is; or zero.
    entry: AtomicU64,
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
            labels: Vec::new(),
            mapped: None,
            vectors: Rows::new(length),
            copies: None,
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

    /// The first vector with a label that is not below `label`; the end if there is none.
    pub(super) fn end_of(&self, label: u64) -> u32 {
        match self.last_label().is_none_or(|last| last < label) {
            true => self.len() as u32,
            false => self.labels.partition_point(|one| *one < label) as u32,
        }
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
            let length = self.vectors.length();
            let from = mapped.from + node as usize * length;
            return mapped.file.get(from..from + length).unwrap_or_default();
        }
        self.vectors.get(node as usize)
    }

    /// Copies of all vectors, if there are any.
    pub(super) fn copies(&self) -> Option<&Rows> {
        self.copies.as_ref()
    }

    /// Replaces the copies, which are of all vectors; none of vectors that are in a file.
    pub(super) fn set_copies(&mut self, copies: Option<Rows>) -> Option<Rows> {
        let copies = copies.filter(|_| self.mapped.is_none());
        std::mem::replace(&mut self.copies, copies)
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
        let slabs = self.vectors.take_first(mapped.vectors);
        let copies = self.copies.take();
        Replaced { _mapped: self.mapped.replace(mapped), _slabs: slabs, _copies: copies }
    }

    /// Adds vectors without neighbours. Those that are not in a file follow each other in `packed`,
    /// and so do their copies, if there are copies.
    pub(super) fn push(
        &mut self,
        labels: &[u64],
        (packed, copies): (&[u8], &[u8]),
        levels: &[u8],
    ) -> Result<()> {
        if self.len() + labels.len() > MOST_NODES {
            let message = "the graph of a vector index: it has too many vectors";
            return Err(Error::new(ErrorCode::ResourceLimit, message));
        }
        let total = self.len() + labels.len();
        let mapped = self.mapped();
        self.vectors.grow(total, mapped)?;
        if let Some(rows) = &mut self.copies
            && rows.grow(total, 0).is_err()
        {
            // There is no memory for what it can do without.
            self.copies = None;
        }
        self.labels.try_reserve(labels.len()).map_err(no_memory)?;
        self.levels.try_reserve(labels.len()).map_err(no_memory)?;
        self.upper_from.try_reserve(labels.len()).map_err(no_memory)?;
        let above: usize = levels.iter().map(|level| usize::from(*level)).sum();
        let mut upper = self.upper.rows;
        self.upper.grow(above)?;
        self.lowest.grow(labels.len())?;
        // Nothing fails from here on.
        let first = self.len();
        let packed = packed.chunks_exact(self.vectors.length());
        for (node, vector) in (first.max(mapped)..total).zip(packed) {
            self.vectors.set(node, vector);
        }
        if let Some(rows) = &mut self.copies {
            for (node, copy) in (first..total).zip(copies.chunks_exact(rows.length())) {
                rows.set(node, copy);
            }
        }
        for (label, level) in labels.iter().zip(levels) {
            self.labels.push(*label);
            self.levels.push(*level);
            self.upper_from.push(upper as u32);
            upper += usize::from(*level);
        }
        Ok(())
    }

    /// Bytes of memory, without those that are in a file.
    pub(super) fn memory(&self) -> usize {
        self.memory_without_copies() + self.copies.as_ref().map_or(0, Rows::memory)
    }

    fn memory_without_copies(&self) -> usize {
        let labels = self.labels.capacity() * PER_NODE;
        self.vectors.memory() + self.lowest.memory() + self.upper.memory() + labels
    }

    /// Bytes of memory, without copies, when so many vectors have been added, of which one in `of`
    /// gets higher.
    pub(super) fn memory_after(&self, more: usize, of: usize) -> usize {
        let (total, capacity) = (self.len().saturating_add(more), self.labels.capacity());
        let labels = if total > capacity { total.max(capacity * 2) - capacity } else { 0 };
        self.memory_without_copies()
            .saturating_add(self.vectors.growth(total))
            .saturating_add(self.lowest.growth(more))
            .saturating_add(self.upper.growth(more / of.saturating_sub(1).max(1)))
            .saturating_add(labels.saturating_mul(PER_NODE))
    }
}

/// What vectors in a file have taken the place of.
pub(super) struct Replaced {
    _mapped: Option<Mapped>,
    _slabs: Vec<Slab>,
    _copies: Option<Rows>,
}

pub(super) fn no_memory(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::ResourceLimit, format!("the graph of a vector index: {error}"))
}
