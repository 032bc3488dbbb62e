//! Bytes of vectors beside each other.

use memmap2::{MmapMut, MmapOptions};

use super::nodes::no_memory;
use crate::error::Result;
use crate::vector::kernel::LINE;

/// There is room for so many rows more at a time.
pub(super) const ROWS: usize = 1 << ROW_BITS;
pub(super) const ROW_BITS: u32 = 10;

/// A slab has so many bytes at most, unless that is less than `ROWS` rows.
const SLAB: usize = 16 << 20;
/// Large pages of memory, of which the processor knows where each is: searches read rows here and
/// there, and looking up where small pages are takes a tenth of their time. They are asked for
/// behind the first one, which may be all that a small graph needs.
const LARGE_PAGE: usize = 2 << 20;
const HAS_LARGE_PAGES: bool = cfg!(target_os = "linux");

/// Rows of equally many bytes.
pub(super) struct Rows {
    /// Bytes of what is in a row, and of the row.
    length: usize,
    stride: usize,
    /// A slab has two to the power of this many rows.
    bits: u32,
    slabs: Vec<Slab>,
    /// For how many rows there is room.
    room: usize,
}

/// Rows beside each other, which take memory from when they are written.
#[derive(Default)]
pub(super) struct Slab {
    /// None if nothing is in its rows.
    map: Option<MmapMut>,
    /// Where the first row is.
    from: usize,
    /// How many of its first bytes are not used.
    unused: usize,
}

impl Rows {
    /// None, of so many bytes each.
    pub(super) fn new(length: usize) -> Self {
        let stride = length.next_multiple_of(if length < LINE { 8 } else { 16 });
        let bits = (SLAB / stride.max(1)).max(ROWS).ilog2();
        Self { length, stride, bits, slabs: Vec::new(), room: 0 }
    }

    /// Bytes of what is in a row.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Has room for so many rows, of which the first stay empty.
    pub(super) fn grow(&mut self, total: usize, empty: usize) -> Result<()> {
        let room = total.next_multiple_of(ROWS).max(self.room);
        while self.slabs.len() << self.bits < room {
            let unused = self.unused_of(self.slabs.len(), empty);
            let slab = self.new_slab(self.slabs.len(), unused)?;
            self.slabs.push(slab);
        }
        self.room = room;
        Ok(())
    }

    /// A slab for rows of which so many bytes are not used.
    fn new_slab(&self, at: usize, unused: usize) -> Result<Slab> {
        let length = self.stride << self.bits;
        if unused == length {
            return Ok(Slab { unused, ..Slab::default() });
        }
        let spare = if HAS_LARGE_PAGES { LARGE_PAGE } else { 0 };
        let map = MmapOptions::new().len(length + spare).map_anon().map_err(no_memory)?;
        let from = map.as_ptr().align_offset(LARGE_PAGE).min(spare);
        let small = if at == 0 { LARGE_PAGE.min(length) } else { 0 };
        ask_for_large_pages(&map, from + small, length - small);
        Ok(Slab { map: Some(map), from, unused })
    }

    /// Of how many bytes of a slab nothing is used if nothing is in the first rows, so many.
    fn unused_of(&self, slab: usize, rows: usize) -> usize {
        let rows = (rows / ROWS * ROWS).saturating_sub(slab << self.bits);
        rows.min(1 << self.bits) * self.stride
    }

    /// Where a row is in its slab.
    #[inline]
    fn place(&self, at: usize) -> usize {
        (at & ((1 << self.bits) - 1)) * self.stride
    }

    /// What is in a row; nothing if there is no such row.
    #[inline]
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let Some(Slab { map: Some(map), from, .. }) = self.slabs.get(at >> self.bits) else {
            return &[];
        };
        let from = from + self.place(at);
        map.get(from..from + self.length).unwrap_or_default()
    }

    /// Fills a row that there is.
    pub(super) fn set(&mut self, at: usize, row: &[u8]) {
        let place = self.place(at);
        if let Some(Slab { map: Some(map), from, .. }) = self.slabs.get_mut(at >> self.bits)
            && let Some(place) = map.get_mut(*from + place..*from + place + self.length)
            && place.len() == row.len()
        {
            place.copy_from_slice(row);
        }
    }

    /// Takes away what is in the first rows, so many, but for what is less than `ROWS` rows.
    pub(super) fn take_first(&mut self, rows: usize) -> Vec<Slab> {
        let mut taken = Vec::new();
        for at in 0..self.slabs.len() {
            let unused = self.unused_of(at, rows);
            let Some(old) = self.slabs.get(at).filter(|old| unused > old.unused) else { continue };
            // Without memory for what remains all of it stays.
            let Ok(mut new) = self.new_slab(at, unused) else { continue };
            let used = self.used_of(at, self.room);
            if let (Some(from), Some(to)) = (&old.map, &mut new.map)
                && let Some(rest) = from.get(old.from + unused..old.from + used)
                && let Some(place) = to.get_mut(new.from + unused..new.from + used)
            {
                place.copy_from_slice(rest);
            }
            taken.extend(self.slabs.get_mut(at).map(|slab| std::mem::replace(slab, new)));
        }
        taken
    }

    /// Up to where a slab is used if there is room for so many rows.
    fn used_of(&self, slab: usize, room: usize) -> usize {
        room.saturating_sub(slab << self.bits).min(1 << self.bits) * self.stride
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.memory_of(self.room)
    }

    /// How many bytes more it takes to have so many rows.
    pub(super) fn growth(&self, total: usize) -> usize {
        self.memory_of(total.next_multiple_of(ROWS).max(self.room)).saturating_sub(self.memory())
    }

    fn memory_of(&self, room: usize) -> usize {
        let slabs = room.div_ceil(1 << self.bits);
        let of_slab = |at: usize| {
            let unused = self.slabs.get(at).map_or(0, |slab| slab.unused);
            let used = self.used_of(at, room);
            let is_small = !HAS_LARGE_PAGES || (at == 0 && used <= LARGE_PAGE);
            match is_small {
                _ if used <= unused => 0,
                true => used - unused,
                // What is used of a large page is all of it.
                false => used.next_multiple_of(LARGE_PAGE) - unused / LARGE_PAGE * LARGE_PAGE,
            }
        };
        (0..slabs).map(of_slab).sum()
    }
}

/// Without them it works as well.
#[cfg(target_os = "linux")]
fn ask_for_large_pages(map: &MmapMut, from: usize, length: usize) {
    let _ = map.advise_range(memmap2::Advice::HugePage, from, length);
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_map: &MmapMut, _from: usize, _length: usize) {}
