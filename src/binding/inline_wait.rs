//! Waiting for a write on the JavaScript thread, where that is shorter than being told of it.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long one write is waited for: about as long as it takes to wake a thread.
const LONGEST: Duration = Duration::from_micros(60);
/// After so many waits in vain, writes are not waited for …
const MISSES: u32 = 3;
/// … until so many have been sent.
const PAUSE: u32 = 100;

/// Decides whether a write that is not synced is waited for.
///
/// Such a write takes some twenty microseconds of the writer thread. To tell the JavaScript thread
/// of its end by way of the event loop takes longer than that; and a caller who awaits one write
/// after the other does nothing meanwhile.
#[derive(Default)]
pub(super) struct InlineWait {
    misses: Cell<u32>,
    pause: Cell<u32>,
}

impl InlineWait {
    /// Whether the write that is about to be sent is worth waiting for.
    pub fn is_worthwhile(&self) -> bool {
        if self.pause.get() > 0 {
            self.pause.set(self.pause.get() - 1);
            return false;
        }
        true
    }

    /// How long to wait, from now on.
    pub fn patience(&self) -> impl Fn() -> bool + use<> {
        let start = Instant::now();
        move || start.elapsed() < LONGEST
    }

    /// A write was waited for, in vain or not.
    pub fn waited(&self, in_vain: bool) {
        let misses = if in_vain { self.misses.get() + 1 } else { 0 };
        self.misses.set(misses % MISSES);
        if misses == MISSES {
            self.pause.set(PAUSE);
        }
    }
}
