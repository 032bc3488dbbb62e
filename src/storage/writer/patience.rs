//! How long the writer thread stays awake when it has nothing to do.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// What it costs to fall asleep and to be woken up, of both threads together.
const SLEEP: Duration = Duration::from_micros(100);
/// How long a transaction watches for its next command: as long as programs take that read, compute
/// and write, also on a slow processor. All others who write wait for it meanwhile.
const SESSION_WATCH: Duration = Duration::from_micros(300);

/// Decides whether watching for work is better than sleeping at once.
///
/// A caller who awaits each write before the next one comes back after some ten microseconds, which
/// is less than it takes to wake a thread. So the thread watches if that would have paid in the
/// last pause, and one pause that is longer ends it.
pub(super) struct Patience {
    /// How long it watches.
    watch: Duration,
    /// When the thread ran out of work; `None` while it has some.
    since: Option<Instant>,
    /// Whether the last pause was short.
    is_short: bool,
    /// Whether another processor can run the caller meanwhile.
    is_possible: bool,
}

impl Patience {
    /// Of the thread that waits for work.
    pub fn of_writer() -> Self {
        Self::new(SLEEP, false)
    }

    /// Of a transaction that has just begun: the caller waits for that, and mostly comes back soon.
    pub fn of_session() -> Self {
        Self::new(SESSION_WATCH, true)
    }

    /// Without a pause before it, the first one is taken to be `is_short` or not.
    fn new(watch: Duration, is_short: bool) -> Self {
        // To ask takes as long as a dozen system calls.
        static HAS_SEVERAL_PROCESSORS: LazyLock<bool> = LazyLock::new(|| {
            std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1)
        });
        Self { watch, since: None, is_short, is_possible: *HAS_SEVERAL_PROCESSORS }
    }

    /// The thread has no work now.
    pub fn idle(&mut self) {
        self.since = Some(Instant::now());
    }

    /// There is work.
    pub fn arrived(&mut self) {
        self.is_short = self.since.take().is_some_and(|since| since.elapsed() < self.watch + SLEEP);
    }

    pub fn is_worthwhile(&self) -> bool {
        self.is_possible && self.is_short
    }

    /// Watches until `is_there`, or the patience ends.
    pub fn watch(&self, is_there: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_there() && start.elapsed() < self.watch {
            // Whoever is to bring the work may be waiting for this processor.
            std::thread::yield_now();
        }
    }
}
