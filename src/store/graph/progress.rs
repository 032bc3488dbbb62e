//! How far a graph has come.

/// As many stages are remembered: states that are read are seldom older.
const STAGES: usize = 256;

/// Up to which label a graph has the vectors of which state.
///
/// Vectors are added as a snapshot has them. What was removed before that snapshot was taken is not
/// there; so for an older state only what was added from snapshots that are no newer counts.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// In ascending order, of both.
    stages: Vec<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stage {
    /// Vectors with labels below that were added,
    below: u64,
    /// as the state of this transaction has them, or an older one's.
    since: u64,
}

impl Progress {
    /// The next label.
    pub(super) fn next(&self) -> u64 {
        self.stages.last().map_or(0, |stage| stage.below)
    }

    /// The label below which all vectors of the state of a transaction are there.
    pub(super) fn below(&self, txn_id: u64) -> u64 {
        let known = self.stages.partition_point(|stage| stage.since <= txn_id);
        known.checked_sub(1).and_then(|at| self.stages.get(at)).map_or(0, |stage| stage.below)
    }

    /// Vectors below a label were added from a snapshot.
    pub(super) fn add(&mut self, below: u64, since: u64) {
        match self.stages.last_mut() {
            Some(last) if below <= last.below => return,
            Some(last) if last.since >= since => last.below = below,
            _ => self.stages.push(Stage { below, since }),
        }
        if self.stages.len() > STAGES {
            // Every other one goes: what it stood for counts from the next one on.
            let mut at = 0;
            let keep = STAGES - STAGES / 4;
            self.stages.retain(|_| {
                at += 1;
                at > keep || at % 2 == 0
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_state_counts_on_less() {
        let mut progress = Progress::default();
        assert_eq!((progress.next(), progress.below(9)), (0, 0));
        for (below, since) in [(10, 3), (20, 3), (30, 5), (30, 8), (40, 9)] {
            progress.add(below, since);
        }
        let below = [2, 3, 4, 5, 8, 9, 100].map(|txn_id| progress.below(txn_id));
        assert_eq!(below, [0, 20, 20, 30, 30, 40, 40]);
        assert_eq!(progress.next(), 40);
    }

    #[test]
    fn stages_that_are_forgotten_count_later() {
        let mut progress = Progress::default();
        for at in 1..10_000 {
            progress.add(at * 10, at);
        }
        assert!(progress.stages.len() <= STAGES);
        for txn_id in 1..10_000 {
            assert!(progress.below(txn_id) <= txn_id * 10);
        }
        // The newest ones are all there.
        assert_eq!(progress.below(9_999), 99_990);
        assert_eq!(progress.below(9_990), 99_900);
    }
}
