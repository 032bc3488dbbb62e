//! How hard a search in a graph has to try, found out by asking it.
//!
//! Near vectors of vectors that lie in clusters, as those of a language model do, are found with
//! few candidates. Where all vectors are about equally far from each other, as random ones in many
//! dimensions are, it takes so many that looking at all of them may be as fast.

use std::collections::HashSet;

use super::Graph;
use crate::error::Result;
use crate::vector::Wanted;

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
    pub(super) fn calibrate(&self, others: &[Vec<u8>], live: u64) -> Result<()> {
        let every = (others.len() / QUESTIONS).max(1);
        let mut asked = Vec::new();
        let mut wanted = 0;
        for packed in others.iter().step_by(every).take(QUESTIONS) {
            let all = self.hnsw.search_all(Wanted::all(packed, NEIGHBOURS), false, None, |_| true);
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
                let near = self.hnsw.search_without_copies(Wanted::all(packed, candidates))?;
                // As a search does: twice as many are compared exactly.
                let near = near.into_iter().take(2 * NEIGHBOURS);
                found += near.filter(|hit| expected.contains(&hit.label)).count();
            }
            if found as f64 >= enough {
                // One step more: other questions may be harder.
                effort = Effort::Graph(taken);
                break;
            }
        }
        *self.calibration.lock() = Calibration::known(effort, vectors);
        let asked: Vec<_> = asked.into_iter().map(|(packed, _)| packed.as_slice()).collect();
        self.copy_if_as_good(effort, &asked, live, others.len())
    }

    /// Lets searches walk by copies of the vectors that were read from a file, if that pays.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub(super) fn copy_if_it_pays(&self) -> Result<()> {
        if self.hnsw.is_empty() {
            return Ok(());
        }
        let effort = self.calibration.lock().effort();
        let asked = self.hnsw.some_vectors(QUESTIONS);
        let asked: Vec<_> = asked.iter().map(Vec::as_slice).collect();
        self.copy_if_as_good(effort, &asked, self.hnsw.len() as u64, 0)
    }

    /// Lets searches walk by copies of the vectors, if there is room for so many, and if it finds
    /// as many of the nearest with the same effort. Where all vectors are nearly the same, but for
    /// what they have in common, rounding to bytes leaves no difference between them.
    fn copy_if_as_good(
        &self,
        effort: Effort,
        asked: &[&[u8]],
        live: u64,
        more: usize,
    ) -> Result<()> {
        let Effort::Graph(candidates) = effort else {
            // Searches look at all vectors.
            self.hnsw.drop_copies();
            return Ok(());
        };
        if !self.has_room_for_copies(live, more) {
            self.hnsw.drop_copies();
            return Ok(());
        }
        if !self.hnsw.has_copies() && self.hnsw.make_copies().is_err() {
            // There is no memory for what it can do without.
            return Ok(());
        }
        let (mut found, mut wanted) = (0, 0);
        for packed in asked {
            let all = self.hnsw.search_without_copies(Wanted::all(packed, candidates))?;
            let near = self.hnsw.search(Wanted::all(packed, candidates), false, None, |_| true)?;
            let all = all.get(..NEIGHBOURS.min(all.len())).unwrap_or_default();
            let furthest = all.last().map_or(f32::MIN, |hit| hit.distance);
            let near = near.unwrap_or_default().into_iter().take(all.len());
            found += near.filter(|hit| hit.distance <= furthest).count();
            wanted += all.len();
        }
        if (found as f64) < wanted as f64 * RECALL {
            self.hnsw.drop_copies();
        }
        Ok(())
    }
}
