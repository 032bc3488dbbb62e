//! Faults that the crash test asks for: the end of the process at a named point, and defects that
//! the test must find.
//!
//! They exist only with the feature `fault-points`, which nothing that ships has. Without it a
//! [`point`] is nothing, and no defect ever occurs. With it, the environment variable
//! `LODESTORE_FAULT` names what is to happen, separated by commas:
//!
//! - `kill:<point>:<n>` kills the process when it comes to the point for the n-th time;
//! - `sync-skipped:<n>`, `index-entry-dropped:<n>`, `change-not-noted:<n>` and
//!   `acknowledged-early:<n>` let every n-th occasion for the [`Defect`] be one.

/// A defect that can be seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A commit does not sync.
    SyncSkipped,
    /// An index entry is not written.
    IndexEntryDropped,
    /// A change that is acknowledged before its commit is not in the journal.
    ChangeNotNoted,
    /// The results of writes are reported before their commit.
    AcknowledgedEarly,
}

/// A place at which the process may be killed.
#[cfg(not(feature = "fault-points"))]
#[inline(always)]
pub const fn point(_name: &'static str) {}

/// Whether a defect is to occur now.
#[cfg(not(feature = "fault-points"))]
#[inline(always)]
pub const fn occurs(_defect: Defect) -> bool {
    false
}

#[cfg(feature = "fault-points")]
pub use seeded::{occurs, point};

#[cfg(feature = "fault-points")]
mod seeded {
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Defect;

    /// A process that is asked for what there is not must not go on as if it were healthy.
    static PLAN: LazyLock<Plan> = LazyLock::new(|| {
        let text = std::env::var("LODESTORE_FAULT").unwrap_or_default();
        Plan::parse(&text).unwrap_or_else(|| end(&format!("malformed: {text}")))
    });

    #[derive(Default)]
    struct Plan {
        kill: Option<(String, Countdown)>,
        defects: Vec<(Defect, Countdown)>,
    }

    struct Countdown {
        every: u64,
        seen: AtomicU64,
    }

    impl Countdown {
        /// Whether this is the n-th time, the 2n-th, and so on.
        fn is_up(&self) -> bool {
            (self.seen.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.every)
        }
    }

    impl Plan {
        fn parse(text: &str) -> Option<Self> {
            let mut plan = Self::default();
            for word in text.split(',').filter(|word| !word.is_empty()) {
                let (what, every) = word.rsplit_once(':')?;
                let every = every.parse().ok().filter(|every| *every > 0)?;
                let countdown = Countdown { every, seen: AtomicU64::new(0) };
                let defect = match what {
                    "sync-skipped" => Defect::SyncSkipped,
                    "index-entry-dropped" => Defect::IndexEntryDropped,
                    "change-not-noted" => Defect::ChangeNotNoted,
                    "acknowledged-early" => Defect::AcknowledgedEarly,
                    _ => {
                        let point = what.strip_prefix("kill:")?;
                        plan.kill = Some((point.to_owned(), countdown));
                        continue;
                    }
                };
                plan.defects.push((defect, countdown));
            }
            Some(plan)
        }
    }

    /// A place at which the process may be killed.
    pub fn point(name: &'static str) {
        if let Some((wanted, countdown)) = &PLAN.kill
            && wanted == name
            && countdown.is_up()
        {
            end(name);
        }
    }

    /// Whether a defect is to occur now.
    pub fn occurs(defect: Defect) -> bool {
        let mut defects = PLAN.defects.iter();
        defects.any(|(each, countdown)| *each == defect && countdown.is_up())
    }

    /// Ends the process as an operator or the kernel would: nothing of it runs any more.
    fn end(why: &str) -> ! {
        // Without a standard error nobody learns why; the end is the same.
        drop(writeln!(std::io::stderr(), "lodestore: fault: {why}"));
        #[cfg(unix)]
        // SAFETY: a signal to this process, which cannot be caught.
        unsafe {
            libc::kill(libc::getpid(), libc::SIGKILL);
        }
        std::process::abort()
    }
}
