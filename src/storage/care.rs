//! How long work reports, and is cancelled.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorCode, Result};

/// The caller of long work.
pub trait Care {
    /// The work has come this far. `phase` names what is being done, `total` is known from the
    /// start of a phase.
    fn progress(&self, phase: &str, done: u64, total: u64);

    /// Set when the work is to end early, with `ABORTED`.
    fn cancel(&self) -> &AtomicBool;

    /// # Errors
    /// `ABORTED` if the work is to end early.
    fn check_cancelled(&self) -> Result<()> {
        if self.cancel().load(Ordering::Relaxed) {
            return Err(Error::new(ErrorCode::Aborted, "the work was cancelled"));
        }
        Ok(())
    }
}

/// A caller who wants to hear nothing, and never cancels.
#[derive(Debug, Default)]
pub struct Unattended(AtomicBool);

impl Care for Unattended {
    fn progress(&self, _phase: &str, _done: u64, _total: u64) {}

    fn cancel(&self) -> &AtomicBool {
        &self.0
    }
}
