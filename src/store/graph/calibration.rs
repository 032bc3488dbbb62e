//! How hard a search in a graph has to try, found out by asking it.
//!
//! Near vectors of vectors that lie in clusters, as those of a language model do, are found with
//! few candidates. Where all vectors are about equally far from each other, as random ones in many
//! dimensions are, it takes so many that looking at all of them may be as fast.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Graph;
use super::dead::Dead;
use crate::error::Result;
use crate::vector::{Eligible, Own, Wanted};

/// As many vectors are asked for, and at least.
pub(super) const QUESTIONS: usize = 64;
pub(super) const LEAST_QUESTIONS: usize = 32;
/// As many candidates are kept until something is known.
const DEFAULT: usize = 128;
/// As many neighbours of each: the nearest, …
const NEIGHBOURS: usize = 10;
/// … and those that are the nearest of a random part. The last of these is the 100th of all in the
/// mean, and may lie in another cluster.
const PART: f64 = 0.1;
/// How far away it is at the most.
const FURTHEST: usize = 250;
/// How far away it is taken to be: by a standard deviation further than in the mean.
const FAR: f64 = 130.0;
/// The share of all neighbours that have to be found.
const RECALL: f64 = 0.995;
/// What is tried, from the least on.
const STEPS: [usize; 12] = [48, 64, 96, 144, 216, 324, 486, 730, 1_094, 1_640, 2_460, 3_690];
/// So many times as many candidates find the nearest of a part, if nothing is known.
const UNKNOWN: f64 = 8.0;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calibration {
    /// What finds the nearest.
    pub effort: Effort,
    /// How many candidates find the nearest of a part; 0 if that is not known.
    pub far: usize,
    /// How many vectors there were, and how many of them were not known to be gone.
    pub of: usize,
    pub live: usize,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { effort: Effort::Graph(DEFAULT), far: 0, of: 0, live: 0 }
    }
}

impl Calibration {
    /// How many times as many candidates as find the nearest find the nearest so many.
    fn widening(&self, neighbours: f64) -> f64 {
        let further = (neighbours / NEIGHBOURS as f64).max(1.0);
        let known = match self.effort {
            Effort::Graph(candidates) if self.far > 0 => self.far as f64 / candidates as f64,
            _ => UNKNOWN,
        };
        // By as many times again whenever it is as many times further.
        let far = FAR / NEIGHBOURS as f64;
        match further < far {
            true => known.max(1.0).powf(further.ln() / far.ln()),
            false => known.max(1.0) * further / far,
        }
    }

    /// Whether a graph of so many vectors may be unlike the one that was asked.
    pub(super) fn is_of_other(&self, vectors: usize) -> bool {
        vectors >= NEIGHBOURS * 2 && vectors >= self.of.saturating_add(self.of / 2)
    }
}

/// A packed vector that is searched for to find out how hard that is.
pub(super) struct Asking {
    packed: Vec<u8>,
    own: Option<Own>,
}

impl Asking {
    /// One that the graph has not got.
    pub(super) fn new(packed: Vec<u8>) -> Self {
        Self { packed, own: None }
    }

    /// One of the graph, which is asked as if it had not got that.
    fn own((own, packed): (Own, Vec<u8>)) -> Self {
        Self { packed, own: Some(own) }
    }
}

/// Vectors that are searched for, and what has to be found.
struct Asked<'v> {
    questions: Vec<Question<'v>>,
    /// How many vectors have to be found in all: of the nearest, and of those of a part.
    wanted: [f64; 2],
    /// These are not to be found.
    dead: Arc<Dead>,
}

struct Question<'v> {
    packed: &'v [u8],
    /// The vector of the graph that it is, if it is one.
    own: Option<Own>,
    /// How far the nearest are, in order.
    nearest: Vec<f32>,
}

impl<'v> Asked<'v> {
    fn new(graph: &Graph, asked: &'v [Asking]) -> Self {
        let dead = Arc::clone(&graph.dead.read());
        let eligible = Eligible { gone: dead.vectors(), ..Eligible::ALL };
        let packed: Vec<_> = asked.iter().map(|asking| asking.packed.as_slice()).collect();
        let nearest = graph.hnsw.search_all_for(&packed, FURTHEST + 1, eligible);
        let questions = asked.iter().zip(nearest).map(|(Asking { packed, own }, mut all)| {
            all.retain(|hit| own.is_none_or(|own| own.label != hit.label));
            all.truncate(FURTHEST);
            let nearest = all.into_iter().map(|hit| hit.distance).collect();
            Question { packed, own: *own, nearest }
        });
        let mut asked = Self { questions: questions.collect(), wanted: [0.0; 2], dead };
        for question in &asked.questions {
            let wanted = question.found(&question.nearest);
            asked.wanted.iter_mut().zip(wanted).for_each(|(all, each)| *all += each);
        }
        asked
    }

    /// Whether so many candidates find enough: of the nearest, and of those of a part.
    fn found(&self, graph: &Graph, candidates: usize) -> Result<(bool, bool)> {
        let eligible = Eligible { gone: self.dead.vectors(), ..Eligible::ALL };
        let mut found = [0.0; 2];
        for question in &self.questions {
            let wanted = Wanted::all(question.packed, candidates);
            let wanted = Wanted { without: question.own, ..wanted };
            let near = graph.hnsw.search_without_copies(wanted, eligible)?;
            let near: Vec<_> = near.iter().map(|hit| hit.distance).collect();
            let each = question.found(&near);
            found.iter_mut().zip(each).for_each(|(all, each)| *all += each);
        }
        let [near, of_part] = found;
        let [wanted, wanted_of_part] = self.wanted;
        Ok((near >= wanted * RECALL, of_part >= wanted_of_part * RECALL))
    }
}

impl Question<'_> {
    /// How many are found, if what is found is so far away, in order: of the nearest; and of those
    /// up to the last of the nearest of a part, in the mean over all parts.
    fn found(&self, distances: &[f32]) -> [f64; 2] {
        let (mut near, mut of_part) = (0.0, 0.0);
        let mut found = 0;
        let mut probability = PART.powi(NEIGHBOURS as i32);
        for (place, reach) in (1..).zip(&self.nearest) {
            found += distances.iter().skip(found).take_while(|distance| *distance <= reach).count();
            let found = found.min(place) as f64;
            if place <= NEIGHBOURS {
                near = found;
            }
            // Here is the last one if it passes, and all but one of the others that are wanted do.
            if place >= NEIGHBOURS {
                of_part += probability * found;
                let ways = place as f64 / (place + 1 - NEIGHBOURS) as f64;
                probability *= ways * (1.0 - PART);
            }
        }
        [near, of_part]
    }
}

impl Graph {
    /// How many candidates find the nearest so many, if so many find the nearest few.
    pub fn candidates_for(&self, neighbours: f64, candidates: usize) -> usize {
        let widening = self.calibration.lock().widening(neighbours);
        (candidates as f64 * widening).min(1e15) as usize
    }

    /// Some of its vectors, to ask it with.
    pub(super) fn own_questions(&self) -> Vec<Asking> {
        let dead = Arc::clone(&self.dead.read());
        let own = self.hnsw.some_vectors(QUESTIONS, dead.vectors());
        own.into_iter().map(Asking::own).collect()
    }

    /// Finds out how hard a search has to try. Nothing is added to the graph meanwhile.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub(super) fn calibrate(&self, asked: &[Asking]) -> Result<()> {
        let asked = Asked::new(self, asked);
        let (mut effort, mut far) = (None, None);
        for (candidates, next) in self.steps() {
            let (found, found_far) = asked.found(self, candidates)?;
            // One step more: other questions may be harder. Of parts there are enough.
            if effort.is_none() && found {
                effort = Some(next);
            }
            if far.is_none() && found_far {
                far = Some(candidates);
            }
            if effort.is_some() && far.is_some() {
                break;
            }
        }
        let effort = effort.map_or(Effort::All, Effort::Graph);
        let of = self.hnsw.len();
        let live_of = of.saturating_sub(asked.dead.len());
        *self.calibration.lock() =
            Calibration { effort, far: far.unwrap_or(of), of, live: live_of };
        Ok(())
    }

    /// Finds out how hard it has to try for what is further away, if much has gone since that was
    /// known: there is less that is near.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub(super) fn calibrate_far(&self) -> Result<()> {
        let known = *self.calibration.lock();
        let dead = Arc::clone(&self.dead.read());
        let live = self.hnsw.len().saturating_sub(dead.len());
        let has_lost_much = live < known.live - known.live / 8;
        if known.of == 0 || !has_lost_much || known.effort == Effort::All {
            return Ok(());
        }
        let own = self.own_questions();
        let asked = Asked::new(self, &own);
        let mut far = live;
        for (candidates, _) in self.steps() {
            if asked.found(self, candidates)?.1 {
                far = candidates;
                break;
            }
        }
        let mut calibration = self.calibration.lock();
        (calibration.far, calibration.live) = (far, live);
        Ok(())
    }

    /// As many candidates as are tried, and as many as are tried next: no more than cost what
    /// looking at all vectors does.
    fn steps(&self) -> impl Iterator<Item = (usize, usize)> {
        let vectors = self.hnsw.len();
        let steps = STEPS.into_iter().zip(STEPS.into_iter().skip(1));
        steps.take_while(move |(candidates, _)| {
            candidates * CANDIDATE <= vectors || *candidates <= DEFAULT
        })
    }

    /// Whether it is not decided yet whether searches are to walk by copies.
    pub(super) fn may_need_copies(&self) -> bool {
        self.calibration.lock().of != self.copied_for.load(Ordering::Relaxed)
    }

    /// Lets searches walk by copies of the vectors that were read from a file, if that pays.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub(super) fn copy_if_it_pays(&self) -> Result<()> {
        if self.hnsw.is_empty() {
            return Ok(());
        }
        self.copy_if_as_good(&self.own_questions(), self.hnsw.len() as u64, 0)
    }

    /// Lets searches walk by copies of the vectors, if there is room for so many, and if it finds
    /// as many of the nearest with the same effort. Where all vectors are nearly the same, but for
    /// what they have in common, rounding to bytes leaves no difference between them. No file is
    /// written meanwhile, for whose end who replaces something has to wait.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub(super) fn copy_if_as_good(&self, asked: &[Asking], live: u64, more: usize) -> Result<()> {
        let known = *self.calibration.lock();
        self.copied_for.store(known.of, Ordering::Relaxed);
        let Effort::Graph(candidates) = known.effort else {
            // Searches look at all vectors.
            self.hnsw.drop_copies();
            return Ok(());
        };
        if !self.has_room_for_copies(live, more) {
            self.hnsw.drop_copies();
            return Ok(());
        }
        // Searches walk by copies when it is known that these serve.
        let mut made = None;
        if !self.hnsw.has_copies() {
            // If there is no memory for them, it can do without; or there are none of such vectors.
            made = self.hnsw.copy_all().ok().flatten();
            if made.is_none() {
                return Ok(());
            }
        }
        let (mut found, mut wanted) = (0, 0);
        for Asking { packed, own } in asked {
            let question = Wanted { without: *own, ..Wanted::all(packed, candidates) };
            let all = self.hnsw.search_without_copies(question, Eligible::ALL)?;
            let near = match &made {
                Some(copies) => self.hnsw.search_by_copies(copies, question, Eligible::ALL)?,
                None => self.hnsw.search(question, false, Eligible::ALL)?.unwrap_or_default(),
            };
            let all = all.get(..NEIGHBOURS.min(all.len())).unwrap_or_default();
            let furthest = all.last().map_or(f32::MIN, |hit| hit.distance);
            let near = near.into_iter().take(all.len());
            found += near.filter(|hit| hit.distance <= furthest).count();
            wanted += all.len();
        }
        if (found as f64) < wanted as f64 * RECALL {
            self.hnsw.drop_copies();
        } else if let Some(copies) = made {
            self.hnsw.set_copies(copies);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it is to find those in these places, of so many that lie in a row.
    fn found(places: impl Iterator<Item = usize>, of: usize) -> [f64; 2] {
        let nearest = (0..of).map(|place| place as f32).collect();
        let distances: Vec<_> = places.map(|place| place as f32).collect();
        Question { packed: &[], own: None, nearest }.found(&distances)
    }

    #[test]
    fn the_last_of_a_part_is_the_100th_in_the_mean() {
        let [near, of_part] = found(0..FURTHEST, FURTHEST);
        assert_eq!(near, 10.0);
        assert!((of_part - 100.0).abs() < 0.5, "{of_part}");
    }

    #[test]
    fn what_is_missing_counts_as_often_as_it_is_wanted() {
        let [_, all] = found(0..FURTHEST, FURTHEST);
        let without =
            |missing: usize| found((0..FURTHEST).filter(|place| *place != missing), FURTHEST);
        let [near, of_part] = without(3);
        assert_eq!(near, 9.0);
        assert!((all - of_part - 1.0).abs() < 0.01, "{of_part}");
        // Of those around the 100th every other one is wanted, of those behind it few.
        let [near, of_part] = without(97);
        assert_eq!(near, 10.0);
        assert!((0.4..0.6).contains(&(all - of_part)), "{of_part}");
        let [_, of_part] = without(180);
        assert!((0.0..0.05).contains(&(all - of_part)), "{of_part}");
    }

    #[test]
    fn equally_near_ones_stand_for_each_other() {
        let nearest = vec![1.0; FURTHEST];
        let question = Question { packed: &[], own: None, nearest };
        assert_eq!(question.found(&[1.0; 10])[0], 10.0);
        assert_eq!(question.found(&[1.0; 2 * FURTHEST]), question.found(&[1.0; FURTHEST]));
        assert_eq!(question.found(&[2.0; FURTHEST]), [0.0; 2]);
    }

    #[test]
    fn few_vectors_are_no_problem() {
        assert_eq!(found(0..0, 0), [0.0; 2]);
        assert_eq!(found(0..7, 7), [7.0, 0.0]);
    }
}
