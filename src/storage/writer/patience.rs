//! How long the writer thread stays awake when it has nothing to do.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How long the thread watches for more work before it sleeps: as long as programs take that read,
/// compute and write, also on a slow processor.
pub(super) const WATCH: Duration = Duration::from_micros(300);
/// What it costs to fall asleep and to be woken up, of both threads together.
const SLEEP: Duration = Duration::from_micros(100);

/// Decides whether watching for work is better than sleeping at once.
///
/// A caller who awaits each write before the next one comes back after some ten microseconds, which
/// is less than it takes to wake a thread. So the thread watches if that would have paid in the
/// last pause, and one pause that is longer ends it.
pub(super) struct Patience {
    /// When the thread ran out of work; `None` while it has some.
    since: Option<Instant>,
    /// Whether the last pause was short.
    is_short: bool,
    /// Whether another processor can run the caller meanwhile.
    is_possible: bool,
}

impl Patience {
    /// Without a pause before it, the first one is taken to be `is_short` or not.
    pub fn new(is_short: bool) -> Self {
        Self { since: None, is_short, is_possible: has_several_processors() }
    }

    /// The thread has no work now.
    pub fn idle(&mut self) {
        self.since = Some(Instant::now());
    }

    /// There is work.
    pub fn arrived(&mut self) {
        self.is_short = self.since.take().is_some_and(|since| since.elapsed() < WATCH + SLEEP);
    }

    pub fn is_worthwhile(&self) -> bool {
        self.is_possible && self.is_short
    }

    /// Watches until `is_there`, or the patience ends.
    pub fn watch(&self, is_there: impl Fn() -> bool) {
        watch_for(WATCH, is_there);
    }
}

/// Whether another thread can run while one watches.
pub(super) fn has_several_processors() -> bool {
    // To ask takes as long as a dozen system calls.
    static HAS_SEVERAL_PROCESSORS: LazyLock<bool> = LazyLock::new(|| {
        std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1)
    });
    *HAS_SEVERAL_PROCESSORS
}

/// Watches until `is_there`, or for so long.
pub(super) fn watch_for(time: Duration, is_there: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_there() && start.elapsed() < time {
        // Whoever is to bring the work may be waiting for this processor.
        std::thread::yield_now();
    }
}
