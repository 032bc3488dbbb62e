//! Searches for the documents whose vectors are nearest to one. What is nearest comes first, of
//! equally near documents the one with the least primary key.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::examples::Examples;
use crate::catalog::{StoreDef, VectorDef};
use crate::error::{Error, ErrorCode, Result};
use crate::query::nearest::{Measure, Nearest, To};
use crate::store::StoreShared;
use crate::store::read::View;
use crate::store::vectors::each_vector_of;
use crate::value::{NoShapes, ShapeTable, root};
use crate::vector::{Block, Target, check_components, each_vector, score};

/// What vectors may take that are compared with each other, in bytes.
const MAX_COMPARED: u64 = 256 << 20;

/// A search in an index.
#[derive(Debug)]
pub struct Search {
    /// The index.
    pub index: Arc<VectorDef>,
    /// What is searched for; of several vectors each by itself.
    targets: Arc<[Target]>,
    /// Which of them documents are measured from.
    current: usize,
    wanted: u64,
    max_distance: f64,
    ef_search: Option<usize>,
    exact: bool,
    /// The primary keys of documents that are not wanted.
    excluded: BTreeSet<Box<[u8]>>,
    /// Memory for vectors that come in another form.
    scratch: Vec<u8>,
}

impl Search {
    /// Begins a search.
    ///
    /// # Errors
    /// `INDEX_NOT_FOUND`, `INDEX_NOT_READY`; `DIMENSION_MISMATCH` and `INVALID_QUERY` for a vector
    /// that cannot be compared with those of the index; `NOT_FOUND` for an example that is not
    /// there.
    pub fn new(
        view: View<'_, '_>,
        shared: &StoreShared,
        store: &StoreDef,
        nearest: &Nearest,
    ) -> Result<Self> {
        let index = index_of(store, nearest)?;
        if let Some(diversity) = nearest.diversity
            && diversity.fetch_k.saturating_mul(index.form.bytes() as u64) > MAX_COMPARED
        {
            let message = "mmr, fetchK: vectors that take more than 256 MiB are too many to be \
                           compared with each other";
            return Err(Error::new(ErrorCode::InvalidQuery, message).with_path("mmr.fetchK"));
        }
        let mut excluded = BTreeSet::new();
        let targets = match &nearest.to {
            To::Vectors(vectors) => {
                let several = vectors.len() > 1 || nearest.at.ends_with("vectors");
                let of = |(at, vector): (usize, &Vec<u8>)| {
                    let at =
                        if several { format!("{}.{at}", nearest.at) } else { nearest.at.clone() };
                    let vector = given(index, vector, &at)?;
                    Ok(Target::new(index.form, &vector))
                };
                vectors.iter().enumerate().map(of).collect::<Result<_>>()?
            }
            To::Examples(positive, negative) => {
                let examples = Examples { view, shared, store, index };
                let vector = examples.combined(positive, negative, &mut excluded)?;
                [Target::new(index.form, &vector)].into()
            }
        };
        let max_distance = nearest.max_distance.unwrap_or(f64::INFINITY);
        Ok(Self {
            index: Arc::clone(index),
            targets,
            current: 0,
            wanted: nearest.wanted(),
            max_distance,
            ef_search: nearest.ef_search,
            exact: nearest.exact,
            excluded,
            scratch: Vec::new(),
        })
    }

    /// What is searched for.
    pub fn targets(&self) -> &Arc<[Target]> {
        &self.targets
    }

    /// Which target documents are measured from.
    pub fn current(&self) -> usize {
        self.current
    }

    /// Measures documents from another target.
    pub fn measure_from(&mut self, target: usize) {
        self.current = target;
    }

    /// What is further away is not wanted.
    pub fn max_distance(&self) -> f64 {
        self.max_distance
    }

    /// Whether a document is not wanted.
    pub fn excludes(&self, key: &[u8]) -> bool {
        !self.excluded.is_empty() && self.excluded.contains(key)
    }

    /// How many documents are not wanted, wherever they are.
    pub fn excluded(&self) -> usize {
        self.excluded.len()
    }

    /// How many documents are wanted.
    pub fn wanted(&self) -> u64 {
        self.wanted
    }

    /// How many candidates a graph keeps, if that is said.
    pub fn ef_search(&self) -> Option<usize> {
        self.ef_search
    }

    /// Whether all vectors have to be looked at.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether what is so far is wanted.
    pub fn reaches(&self, distance: f64) -> bool {
        distance <= self.max_distance
    }

    /// How far the nearest vector of a document is; `None` if it has none.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn distance(&mut self, document: &[u8], shapes: &ShapeTable) -> Result<Option<f64>> {
        let Self { index, targets, current, scratch, .. } = self;
        let Some(target) = targets.get(*current) else { return Ok(None) };
        let mut nearest = None;
        each_vector_of(index, document, shapes, scratch, |vector| {
            let distance = target.distance(vector);
            if nearest.is_none_or(|nearest| distance < nearest) {
                nearest = Some(distance);
            }
            Ok(())
        })
        .map_err(|error| as_stored(index, error))?;
        Ok(nearest)
    }

    /// Adds the vectors of a document to a block.
    ///
    /// # Errors
    /// `CORRUPT`; then what was added has to be undone.
    pub fn collect(
        &mut self,
        document: &[u8],
        shapes: &ShapeTable,
        block: &mut Block,
    ) -> Result<()> {
        let Self { index, scratch, .. } = self;
        each_vector_of(index, document, shapes, scratch, |vector| {
            block.push_vector(vector);
            Ok(())
        })
        .map_err(|error| as_stored(index, error))?;
        Ok(())
    }

    /// The nearest vector of a document.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn nearest_vector(
        &mut self,
        document: &[u8],
        shapes: &ShapeTable,
    ) -> Result<Option<(f64, Vec<u8>)>> {
        let Self { index, targets, current, scratch, .. } = self;
        let Some(target) = targets.get(*current) else { return Ok(None) };
        let mut nearest: Option<(f64, Vec<u8>)> = None;
        each_vector_of(index, document, shapes, scratch, |vector| {
            let distance = target.distance(vector);
            if nearest.as_ref().is_none_or(|(nearest, _)| distance < *nearest) {
                nearest = Some((distance, vector.to_vec()));
            }
            Ok(())
        })
        .map_err(|error| as_stored(index, error))?;
        Ok(nearest)
    }

    /// What is told of a document that is so far.
    pub fn measures(&self, distance: f64) -> Measures {
        Measures { distance, score: score(self.index.form, distance) }
    }
}

/// The index that a search names.
fn index_of<'s>(store: &'s StoreDef, nearest: &Nearest) -> Result<&'s Arc<VectorDef>> {
    let name = &nearest.index;
    let index = store.vector_by_name(name).ok_or_else(|| {
        let why = match store.index_by_name(name) {
            Some(_) => format!("index {name:?} of store {:?} has no vectors", store.name),
            None => format!("store {:?} has no vector index {name:?}", store.name),
        };
        Error::new(ErrorCode::IndexNotFound, why)
            .with_store(store.name.to_string())
            .with_index(name.to_string())
    })?;
    index.check_ready(&store.name)?;
    if let Some(path) = &nearest.path
        && index.path.to_string() != path.to_string()
    {
        let message = format!(
            "the vectors of index {name:?} stand in \"{}\", not in {path:?}, as the search has it",
            index.path
        );
        return Err(Error::new(ErrorCode::InvalidQuery, message)
            .with_index(name.to_string())
            .with_path("path"));
    }
    Ok(index)
}

/// A vector that is searched for, in the form that the crate's vectors have; `at` says where it
/// stood.
pub(super) fn given(index: &VectorDef, vector: &[u8], at: &str) -> Result<Vec<u8>> {
    let name = &index.name;
    let (mut scratch, mut found) = (Vec::new(), None);
    let count = each_vector(root(vector)?, index.form, &NoShapes, &mut scratch, |vector| {
        check_components(index.form, vector)?;
        found = Some(vector.to_vec());
        Ok(())
    })
    .map_err(|error| {
        let code = match error.code() {
            ErrorCode::Validation => ErrorCode::InvalidQuery,
            code => code,
        };
        let message = format!("the vector to search for in index {name:?} {}", error.message());
        Error::new(code, message).with_index(name.to_string()).with_path(at)
    })?;
    found.filter(|_| count == 1).ok_or_else(|| {
        let message = format!("the vector to search for in index {name:?} has to be one vector");
        Error::new(ErrorCode::InvalidQuery, message).with_index(name.to_string()).with_path(at)
    })
}

/// The error of a stored document: it was checked when it was written.
pub(super) fn as_stored(index: &VectorDef, error: Error) -> Error {
    match error.code() {
        ErrorCode::DimensionMismatch | ErrorCode::Validation => Error::corrupt(format!(
            "a document of vector index {:?} {}",
            index.name,
            error.message()
        )),
        _ => error,
    }
}

/// What is told of a document that was found.
#[derive(Debug, Clone, Copy)]
pub struct Measures {
    distance: f64,
    score: f64,
}

impl Measures {
    /// One of them.
    pub fn get(self, measure: Measure) -> f64 {
        match measure {
            Measure::Distance => self.distance,
            Measure::Score => self.score,
        }
    }

    /// As rows have them: a f64 each, in the order of [`Measure::ALL`], and which of the vectors
    /// that are searched for they are about, as a u32.
    pub fn to_bytes(self, target: usize) -> [u8; 20] {
        let mut bytes = [0; 20];
        let both = Measure::ALL.into_iter().flat_map(|measure| self.get(measure).to_le_bytes());
        let all = both.chain((target as u32).to_le_bytes());
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Reads them.
    pub fn read(bytes: &[u8]) -> Option<[f64; 2]> {
        let ([distance, score], _) = bytes.as_chunks::<8>() else { return None };
        Some([f64::from_le_bytes(*distance), f64::from_le_bytes(*score)])
    }
}

/// What distances are sorted by.
pub fn sort_key(distance: f64) -> [u8; 8] {
    // −0 and 0 are equally far.
    let bits = (distance + 0.0).to_bits();
    let key = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    key.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sort_keys_are_in_the_order_of_distances() {
        let distances = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 1.0, 1.5, f64::INFINITY];
        assert!(distances.map(sort_key).is_sorted_by(|left, right| left < right));
        assert_eq!(sort_key(-0.0), sort_key(0.0));
    }
}
