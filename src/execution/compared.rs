//! What is known of the documents that a search by a graph has compared.
//!
//! The graph knows distances only about, to what its precision makes of vectors. How far off they
//! are is not known beforehand: where all vectors have something large in common, what is left of
//! their differences may be nothing. So it is taken from the documents, whose distances are exact.

use crate::vector::{Packing, Precision};

/// How it is known of a vector how far it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum FoundBy {
    /// By its document.
    Nothing,
    /// By its document; by the graph it is about so far.
    About(f32),
    /// By the order of what the graph has named.
    Order(f64),
}

/// As many documents are compared exactly for so many that are wanted: the graph knows their order
/// only about. Where that shows to be too few, others are compared as well.
pub(super) fn compared_for(wanted: u64, precision: Precision) -> u64 {
    let compared = match precision {
        Precision::F32 | Precision::B1 => wanted.saturating_add(4),
        Precision::F16 | Precision::Bf16 => wanted.saturating_mul(2).saturating_add(4),
        Precision::I8 => wanted.saturating_mul(3).saturating_add(8),
    };
    // So that it is known how far off the graph is.
    compared.max(Trend::LEAST)
}

/// Documents that were compared with what is searched for.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    packing: Packing,
    /// As many are wanted, none of them further than this.
    wanted: usize,
    most: f64,
    /// How far each is, as the graph has distances, but exactly.
    distances: Vec<f64>,
    /// How far the graph has them, and how far they are.
    trend: Trend,
}

impl Compared {
    /// None as yet, for a search that wants so many, none of them further than that.
    pub(super) fn new(packing: Packing, wanted: u64, most: f64) -> Self {
        Self {
            packing,
            wanted: usize::try_from(wanted).unwrap_or(usize::MAX),
            most: packing.distance_of_packed(most),
            distances: Vec::new(),
            trend: Trend::default(),
        }
    }

    /// A document is so far, and by the graph, if that has named it, about so far.
    pub(super) fn note(&mut self, distance: f64, about: Option<f32>) {
        let distance = self.packing.distance_of_packed(distance);
        self.distances.push(distance);
        if let Some(about) = about {
            self.trend.note(f64::from(about), distance);
        }
    }

    /// What is further than this by the graph is hardly ever among those that are wanted; `None` if
    /// that is not known.
    pub(super) fn reach(&mut self) -> Option<f64> {
        let last = self.wanted.checked_sub(1).filter(|last| *last < self.distances.len())?;
        let (_, furthest, _) = self.distances.select_nth_unstable_by(last, f64::total_cmp);
        self.trend.reach(furthest.min(self.most))
    }
}

/// How exact distances go with those of the graph, as a straight line and how far off it is.
///
/// Those that the graph names first are the nearest by the graph: how far off it is in all cannot
/// be told from them alone, but how much its distances say can. Where they say nothing, the line
/// is level.
#[derive(Debug, Clone, Copy, Default)]
struct Trend {
    seen: u64,
    /// The first ones, from which the others are counted.
    first: (f64, f64),
    /// Sums of distances by the graph, of exact ones, and of their products.
    about: f64,
    exact: f64,
    abouts: f64,
    exacts: f64,
    both: f64,
}

impl Trend {
    /// Of fewer nothing is known.
    const LEAST: u64 = 8;

    fn note(&mut self, about: f64, exact: f64) {
        if self.seen == 0 {
            self.first = (about, exact);
        }
        let (about, exact) = (about - self.first.0, exact - self.first.1);
        self.seen += 1;
        self.about += about;
        self.exact += exact;
        self.abouts += about * about;
        self.exacts += exact * exact;
        self.both += about * exact;
    }

    /// What is further than this by the graph is hardly ever nearer than at an exact distance;
    /// `None` if that is not known, since few were seen.
    fn reach(&self, distance: f64) -> Option<f64> {
        if self.seen < Self::LEAST {
            return None;
        }
        let seen = self.seen as f64;
        let (about, exact) = (self.about / seen, self.exact / seen);
        let abouts = (self.abouts - seen * about * about).max(0.0);
        let exacts = (self.exacts - seen * exact * exact).max(0.0);
        let both = self.both - seen * about * exact;
        if abouts == 0.0 {
            // By the graph all are equally far. It is taken at its word if they are.
            let is_so = exacts == 0.0;
            return Some(if is_so { self.first.0 } else { f64::INFINITY });
        }
        let slope = both / abouts;
        let deviation = ((exacts - slope * both).max(0.0) / (seen - 2.0)).sqrt();
        let least_slope = (slope - SLOPE_DEVIATIONS * deviation / abouts.sqrt()).min(1.0);
        if least_slope < LEAST_SLOPE {
            return Some(f64::INFINITY);
        }
        let off = DEVIATIONS * (1.0 + FEW / seen) * deviation;
        let beyond = distance - self.first.1 - exact + off;
        Some(self.first.0 + about + beyond / least_slope)
    }
}

/// Exact distances are off the line by no more than so many standard deviations. Those of few may
/// be far too small: of ten it takes twice as many.
const DEVIATIONS: f64 = 6.0;
const FEW: f64 = 10.0;
/// How far off the slope may be, and what it has to be at the least: the graph says too little
/// otherwise.
const SLOPE_DEVIATIONS: f64 = 3.0;
const LEAST_SLOPE: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{Form, Metric};

    fn compared(abouts: &[(f64, f32)]) -> Compared {
        let form = Form { dimensions: 4, metric: Metric::Cosine };
        let mut compared = Compared::new(Packing::new(form, Precision::I8), 3, f64::INFINITY);
        abouts.iter().for_each(|(exact, about)| compared.note(*exact, Some(*about)));
        compared
    }

    #[test]
    fn what_is_in_doubt_depends_on_how_far_off_the_graph_is() {
        let near = |off: fn(usize) -> f64| -> Vec<(f64, f32)> {
            let exact = |at: usize| 0.1 + at as f64 / 100.0;
            (0..20).map(|at| (exact(at) + off(at), exact(at) as f32)).collect()
        };
        // Exactly as far as the graph says: the third is at 0.12.
        let reach = compared(&near(|_| 0.0)).reach();
        assert!(reach.is_some_and(|reach| (reach - 0.12).abs() < 1e-5), "{reach:?}");
        // Off by the same for all.
        let reach = compared(&near(|_| 5.0)).reach();
        assert!(reach.is_some_and(|reach| (reach - 0.12).abs() < 1e-5), "{reach:?}");
        // Off by 1/1,000 here and there.
        let reach = compared(&near(|at| (at % 2) as f64 / 1_000.0)).reach();
        assert!(reach.is_some_and(|reach| reach > 0.122 && reach < 0.14), "{reach:?}");
    }

    #[test]
    fn a_graph_that_says_nothing_leaves_all_in_doubt() {
        // By the graph one is further than the other, and they are anywhere.
        let of = |at: u32| (f64::from(at * 7 % 20) / 100.0, 0.1 + at as f32 / 1_000.0);
        assert_eq!(compared(&(0..20).map(of).collect::<Vec<_>>()).reach(), Some(f64::INFINITY));
        // By the graph all are in one place, and they are not.
        let of = |at: u32| (f64::from(at) / 100.0, 0.0);
        assert_eq!(compared(&(0..20).map(of).collect::<Vec<_>>()).reach(), Some(f64::INFINITY));
    }

    #[test]
    fn those_in_one_place_are_not_in_doubt() {
        let reach = compared(&[(0.3, 0.301); 20]).reach();
        assert_eq!(reach, Some(f64::from(0.301_f32)));
        assert_eq!(compared(&[(0.3, 0.301); 7]).reach(), None);
        assert_eq!(compared(&[(0.3, 0.301); 2]).reach(), None);
    }
}
