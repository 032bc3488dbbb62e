//! Lists of names that the engine writes inline, counted until they become shapes.
//!
//! The encoder in JavaScript proposes the lists that it meets; what an update makes of a document
//! it never sees. The rule is the same (`docs/format.md`, "Shapes").

use std::cell::RefCell;
use std::collections::HashMap;

use parking_lot::Mutex;

use crate::value::{MAX_SHAPES, Shape, ShapeSource, ShapeTable, can_be_shape};
use crate::wtf8::Wtf8String;

/// Sightings after which a list becomes a shape, while the table is nearly empty.
const SIGHTINGS: u32 = 3;
/// Names of candidates that are remembered; then all candidates are forgotten.
const MAX_NAMES: usize = 32_768;
/// Different lists that are looked at in one document.
const MAX_LISTS: usize = 64;

/// How often each list of names was seen.
pub type Sightings = HashMap<Vec<Wtf8String>, u32>;

/// The candidates of all stores, for the lifetime of a handle.
#[derive(Debug, Default)]
pub struct Candidates(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    /// By store and names.
    lists: HashMap<(u32, Vec<Wtf8String>), Candidate>,
    names: usize,
}

#[derive(Debug, Clone, Copy)]
enum Candidate {
    Seen(u32),
    /// It was given an id, which a table that is older lacks.
    Registered,
}

impl Candidates {
    /// Counts lists that had no id; returns those that should be registered now.
    pub fn sight(
        &self,
        store: u32,
        sightings: Sightings,
        shapes: &ShapeTable,
    ) -> Vec<Vec<Wtf8String>> {
        if shapes.len() >= usize::from(MAX_SHAPES) {
            return Vec::new();
        }
        let needed = SIGHTINGS << (shapes.len() >> 10);
        let mut candidates = self.0.lock();
        let mut due = Vec::new();
        for (names, count) in sightings {
            let key = (store, names);
            let known = candidates.lists.get(&key).copied();
            let seen = match known {
                Some(Candidate::Registered) => needed,
                Some(Candidate::Seen(seen)) => seen.saturating_add(count),
                None => count,
            };
            if seen >= needed {
                due.push(key.1.clone());
                candidates.remember(key, Candidate::Registered);
            } else {
                candidates.remember(key, Candidate::Seen(seen));
            }
        }
        due
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.0.lock() = Lists::default();
    }
}

impl Lists {
    fn remember(&mut self, key: (u32, Vec<Wtf8String>), candidate: Candidate) {
        if let Some(known) = self.lists.get_mut(&key) {
            *known = candidate;
            return;
        }
        if self.names + key.1.len() > MAX_NAMES {
            *self = Self::default();
        }
        self.names += key.1.len();
        self.lists.insert(key, candidate);
    }
}

/// Shapes that note which lists of names have no id.
pub struct Noting<'s> {
    shapes: &'s ShapeTable,
    sightings: RefCell<Sightings>,
}

impl<'s> Noting<'s> {
    /// Notes what `shapes` lacks.
    pub fn new(shapes: &'s ShapeTable) -> Self {
        Self { shapes, sightings: RefCell::default() }
    }

    /// The lists that had no id.
    pub fn into_sightings(self) -> Sightings {
        self.sightings.into_inner()
    }
}

impl ShapeSource for Noting<'_> {
    fn shape(&self, id: u16) -> Option<&Shape> {
        self.shapes.shape(id)
    }

    fn id_of(&self, names: &[Wtf8String]) -> Option<u16> {
        let id = self.shapes.id_of(names);
        if id.is_none() && can_be_shape(names) {
            let mut sightings = self.sightings.borrow_mut();
            if let Some(count) = sightings.get_mut(names) {
                *count = count.saturating_add(1);
            } else if sightings.len() < MAX_LISTS {
                sightings.insert(names.to_vec(), 1);
            }
        }
        id
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn seen(name: &str, count: u32) -> Sightings {
        HashMap::from([(vec![Wtf8String::from(name)], count)])
    }

    #[test]
    fn proposes_what_was_seen_often() {
        let candidates = Candidates::default();
        let shapes = ShapeTable::new();
        assert!(candidates.sight(1, seen("a", 1), &shapes).is_empty());
        assert!(candidates.sight(2, seen("a", 2), &shapes).is_empty());
        assert!(candidates.sight(1, seen("a", 1), &shapes).is_empty());
        assert_eq!(candidates.sight(1, seen("a", 1), &shapes), [[Wtf8String::from("a")]]);
        // A table that is behind lacks it still.
        assert_eq!(candidates.sight(1, seen("a", 1), &shapes), [[Wtf8String::from("a")]]);
        assert_eq!(candidates.sight(1, seen("b", 3), &shapes), [[Wtf8String::from("b")]]);
    }

    #[test]
    fn forgets_when_there_are_too_many() {
        let candidates = Candidates::default();
        let shapes = ShapeTable::new();
        candidates.sight(1, seen("a", 2), &shapes);
        for i in 0..MAX_NAMES {
            candidates.sight(1, seen(&format!("n{i}"), 1), &shapes);
        }
        assert!(candidates.sight(1, seen("a", 1), &shapes).is_empty());
    }

    #[test]
    fn notes_only_what_could_be_a_shape() {
        let mut shapes = ShapeTable::new();
        shapes.add(0, vec![Wtf8String::from("known")]).unwrap();
        let noting = Noting::new(&shapes);
        let names = |names: &[&str]| names.iter().map(|name| Wtf8String::from(*name)).collect();
        for list in [&["known"][..], &["0"], &[], &["new"], &["new"]] {
            let list: Vec<_> = names(list);
            noting.id_of(&list);
        }
        assert_eq!(noting.into_sightings(), seen("new", 2));
    }
}
