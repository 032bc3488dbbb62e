//! How long work reports, and is cancelled.

use std::sync::atomic::AtomicBool;

/// The caller of long work.
pub trait Care {
    /// The work has come this far. `phase` names what is being done, `total` is known from the
    /// start of a phase.
    fn progress(&self, phase: &str, done: u64, total: u64);

    /// Set when the work is to end early, with `ABORTED`.
    fn cancel(&self) -> &AtomicBool;
}
