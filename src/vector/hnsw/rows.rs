//! Bytes of vectors beside each other.

use super::nodes::no_memory;
use crate::error::Result;
use crate::vector::kernel::LINE;

/// Rows are allocated so many at a time, and never moved.
pub(super) const ROWS: usize = 1 << ROW_BITS;
pub(super) const ROW_BITS: u32 = 10;

/// Rows of equally many bytes.
pub(super) struct Rows {
    /// Bytes of what is in a row, and of the row.
    length: usize,
    stride: usize,
    chunks: Vec<Chunk>,
}

/// Bytes of which those from `from` on are used; none if nothing is in its rows.
#[derive(Default)]
pub(super) struct Chunk {
    bytes: Box<[u8]>,
    from: usize,
}

impl Rows {
    /// None, of so many bytes each.
    pub(super) fn new(length: usize) -> Self {
        let stride = length.next_multiple_of(if length < LINE { 8 } else { 16 });
        Self { length, stride, chunks: Vec::new() }
    }

    /// Bytes of what is in a row.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Has room for so many rows, of which the first stay empty.
    pub(super) fn grow(&mut self, total: usize, empty: usize) -> Result<()> {
        while self.chunks.len() * ROWS < total {
            let is_empty = (self.chunks.len() + 1) * ROWS <= empty;
            let chunk = if is_empty { Chunk::default() } else { Chunk::new(ROWS * self.stride)? };
            self.chunks.push(chunk);
        }
        Ok(())
    }

    /// What is in a row; nothing if there is no such row.
    #[inline]
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let Some(chunk) = self.chunks.get(at >> ROW_BITS) else { return &[] };
        let from = chunk.from + (at & (ROWS - 1)) * self.stride;
        chunk.bytes.get(from..from + self.length).unwrap_or_default()
    }

    /// Fills a row that there is.
    pub(super) fn set(&mut self, at: usize, row: &[u8]) {
        let Some(chunk) = self.chunks.get_mut(at >> ROW_BITS) else { return };
        let from = chunk.from + (at & (ROWS - 1)) * self.stride;
        if let Some(place) =
            chunk.bytes.get_mut(from..from + self.length).filter(|place| place.len() == row.len())
        {
            place.copy_from_slice(row);
        }
    }

    /// Takes away what is in the first rows, so many, as far as these are whole chunks.
    pub(super) fn take_first(&mut self, rows: usize) -> Vec<Chunk> {
        self.chunks.iter_mut().take(rows / ROWS).map(std::mem::take).collect()
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.len()).sum()
    }

    /// How many bytes more it takes to have so many rows.
    pub(super) fn growth(&self, total: usize) -> usize {
        let chunks = total.div_ceil(ROWS).saturating_sub(self.chunks.len());
        chunks.saturating_mul(ROWS * self.stride + LINE)
    }
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
