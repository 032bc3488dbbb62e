//! How much work it is to look at documents.

use std::cell::Cell;

/// Units of a step, which is what it takes to look at a document that is short and plain.
const STEP: u64 = 256;
/// Units that evaluating a part of an expression takes, besides the bytes that it makes.
const PART: u64 = 64;

/// Counts steps of work, so that whoever looks at documents knows when it is time to look at the
/// clock, whatever is done with each of them.
#[derive(Debug, Default)]
pub struct Meter {
    units: Cell<u64>,
}

impl Meter {
    /// Counts a document of so many bytes.
    #[inline]
    pub fn count_document(&self, bytes: usize) {
        self.add(STEP + bytes as u64 / 32);
    }

    /// Counts the evaluation of a part of an expression.
    #[inline]
    pub(super) fn count_part(&self) {
        self.add(PART);
    }

    /// Counts bytes that an expression makes, or as many as what it does is worth.
    #[inline]
    pub(super) fn count_bytes(&self, bytes: usize) {
        self.add(bytes as u64);
    }

    #[inline]
    fn add(&self, units: u64) {
        self.units.set(self.units.get().saturating_add(units));
    }

    /// Whole steps so far.
    #[inline]
    pub fn steps(&self) -> u64 {
        self.units.get() / STEP
    }

    /// Whole steps so far, which do not count any more.
    #[inline]
    pub fn take_steps(&self) -> u64 {
        let units = self.units.get();
        self.units.set(units % STEP);
        units / STEP
    }
}
