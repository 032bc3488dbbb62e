//! What an environment has to say without being asked.

use std::sync::Weak;

use super::stats::OldestReader;
use crate::error::Error;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A snapshot keeps many pages from being used again, and the file grows.
    ReaderLag(OldestReader),
    /// Something has failed that nobody waits for.
    Warning(Error),
    /// The database must be closed and opened again.
    Poisoned(Error),
}

/// Hears of events; called on any thread, must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Those who want to hear.
pub(super) type Observers = Vec<Weak<dyn Observer>>;
