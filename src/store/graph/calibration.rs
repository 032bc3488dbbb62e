//! How hard a search in a graph has to try, found out by asking it.
//!
//! Near vectors of vectors that lie in clusters, as those of a language model do, are found with
//! few candidates. Where all vectors are about equally far from each other, as random ones in many
//! dimensions are, it takes so many that looking at all of them may be as fast.

use std::collections::HashSet;

use super::Graph;
use crate::error::Result;

/// As many vectors are asked for, and at least.
const QUESTIONS: usize = 64;
pub(super) const LEAST_QUESTIONS: usize = 32;
/// As many candidates are kept until something is known.
const DEFAULT: usize = 128;
/// As many neighbours of each.
pub const NEIGHBOURS: usize = 10;
/// The share of all neighbours that have to be found.
const RECALL: f64 = 0.995;
/// What is tried, from the least on.
const STEPS: [usize; 12] = [48, 64, 96, 144, 216, 324, 486, 730, 1_094, 1_640, 2_460, 3_690];
/// Keeping a candidate costs as much as looking at twelve vectors: it has neighbours.
const CANDIDATE: usize = 12;

/// What a search has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Keep so many candidates while it walks through the graph.
    Graph(usize),
    /// Look at all vectors that the graph has.
    All,
}

/// What was found out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calibration {
    effort: Effort,
    /// How many vectors there were.
    of: usize,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { effort: Effort::Graph(DEFAULT), of: 0 }
    }
}

impl Calibration {
    /// What is known.
    pub(super) fn effort(&self) -> Effort {
        self.effort
    }

    /// What was found out of so many vectors.
    pub(super) fn known(effort: Effort, of: usize) -> Self {
        Self { effort, of }
    }

    /// Of how many vectors it is known.
    pub(super) fn of(&self) -> usize {
        self.of
    }

    /// Whether a graph of so many vectors may be unlike the one that was asked.
    pub(super) fn is_of_other(&self, vectors: usize) -> bool {
        vectors >= NEIGHBOURS * 2 && vectors >= self.of + self.of / 2
    }
}

impl Graph {
    /// Finds out how hard a search has to try, with vectors that the graph has not got yet: what it
    /// has is found more easily.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub(super) fn calibrate(&self, others: &[Vec<u8>]) -> Result<()> {
        let every = (others.len() / QUESTIONS).max(1);
        let mut asked = Vec::new();
        let mut wanted = 0;
        for packed in others.iter().step_by(every).take(QUESTIONS) {
            let all = self.hnsw.search_all((packed, NEIGHBOURS), false, None, |_| true);
            let all: HashSet<u64> =
                all.unwrap_or_default().into_iter().map(|hit| hit.label).collect();
            wanted += all.len();
            asked.push((packed, all));
        }
        let vectors = self.hnsw.len();
        let enough = wanted as f64 * RECALL;
        let mut effort = Effort::All;
        for (candidates, taken) in STEPS.into_iter().zip(STEPS.into_iter().skip(1)) {
            if candidates * CANDIDATE > vectors && candidates > DEFAULT {
                break;
            }
            let mut found = 0;
            for (packed, expected) in &asked {
                let near = self.hnsw.search((packed, candidates), false, None, |_| true)?;
                // As a search does: twice as many are compared exactly.
                let near = near.unwrap_or_default().into_iter().take(2 * NEIGHBOURS);
                found += near.filter(|hit| expected.contains(&hit.label)).count();
            }
            if found as f64 >= enough {
                // One step more: other questions may be harder.
                effort = Effort::Graph(taken);
                break;
            }
        }
        *self.calibration.lock() = Calibration::known(effort, vectors);
        Ok(())
    }
}
