//! How much memory graphs take.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Graph;
use crate::storage::Environment;

/// What a vector takes at the least besides its bytes and the neighbours of the lowest level: its
/// label, its levels, and its place.
const BYTES_PER_VECTOR: u64 = 17;
/// Where vectors are read from a file, they are all written anew whenever there is no room for
/// more: of so many parts of them one has to fit in memory.
const PARTS: u64 = 16;

/// Whether a graph fits in the memory that it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// All of it does.
    Whole,
    /// It does if vectors stay in a file.
    WithFile,
    /// It will when those that it has have been written.
    WhenWritten,
    /// It does not.
    None,
}

/// Whether vectors may be read from files: not where these are sealed, or where there are none.
pub(super) fn can_map(environment: &Arc<Environment>) -> bool {
    !environment.is_sealed() && environment.graph_files().is_some()
}

impl Graph {
    /// Whether there is room for so many vectors in the end, and for some more now.
    pub(super) fn room(&self, vectors: u64, more: usize, can_map: bool) -> Room {
        let limit = self.options.memory_limit;
        let vector = self.packing().bytes() as u64;
        let links = self.bytes_of_links();
        let fits = |each: u64| vectors.saturating_mul(each) <= limit;
        let is_full = self.hnsw.memory_after(more, self.hnsw.has_copies()) as u64 > limit;
        if !self.is_mapped() && fits(vector + links) && !is_full {
            return Room::Whole;
        }
        let (had, mapped) = (self.hnsw.len() as u64, self.hnsw.mapped() as u64);
        match can_map && fits(links + vector / PARTS) {
            true if !is_full => Room::WithFile,
            true if (had - mapped) * PARTS > had => Room::WhenWritten,
            _ => Room::None,
        }
    }

    /// Whether there is room for copies of so many vectors in the end, and of some more now. Where
    /// vectors are in a file there is not: these need what room there is themselves.
    pub(super) fn has_room_for_copies(&self, vectors: u64, more: usize) -> bool {
        let limit = self.options.memory_limit;
        let Some(copy) = self.hnsw.bytes_of_copy() else { return false };
        let each = (self.packing().bytes() + copy) as u64 + self.bytes_of_links();
        !self.is_mapped()
            && vectors.saturating_mul(each) <= limit
            && self.hnsw.memory_after(more, true) as u64 <= limit
    }

    /// Bytes of a vector's links, and of what else has to be in memory.
    fn bytes_of_links(&self) -> u64 {
        u64::from(self.options.m) * 8 + BYTES_PER_VECTOR
    }

    /// Whether it would take a good deal less without the vectors that are not there any more.
    pub(super) fn would_shrink(&self, live: u64) -> bool {
        let had = self.hnsw.len() as u64;
        had.saturating_sub(live) * PARTS > had
    }

    /// Whether there is room for what a file has, so many vectors.
    pub(super) fn room_to_read(&self, vectors: u64, can_map: bool) -> Room {
        match self.room(vectors, usize::try_from(vectors).unwrap_or(usize::MAX), can_map) {
            Room::Whole => Room::Whole,
            _ if can_map => {
                self.set_mapped();
                self.room(vectors, 0, can_map)
            }
            _ => Room::None,
        }
    }

    /// Whether vectors are read from a file, as far as one has them.
    pub fn is_mapped(&self) -> bool {
        self.is_mapped.load(Ordering::Relaxed)
    }

    /// From now on vectors are read from files.
    pub(super) fn set_mapped(&self) {
        self.is_mapped.store(true, Ordering::Relaxed);
    }

    /// Whether those that it has are to be written, so that there is room for others.
    pub(super) fn waits_for_room(&self) -> bool {
        self.waits_for_room.load(Ordering::Relaxed)
    }

    pub(super) fn set_waiting(&self, waits: bool) {
        self.waits_for_room.store(waits, Ordering::Relaxed);
    }
}
