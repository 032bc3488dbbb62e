//! Searches for the documents whose vectors are nearest to one: exactly, by looking at the vectors
//! of all documents that pass the filter. What is nearest comes first, of equally near documents
//! the one with the least primary key.

use std::sync::Arc;

use crate::catalog::{StoreDef, VectorDef};
use crate::error::{Error, ErrorCode, Result};
use crate::query::nearest::{Measure, Nearest};
use crate::value::{Lookup, NoShapes, ShapeTable, lookup, root};
use crate::vector::{Target, check_components, each_vector, score};

/// A search in an index.
#[derive(Debug)]
pub struct Search {
    /// The index.
    pub index: Arc<VectorDef>,
    target: Target,
    max_distance: f64,
    /// Memory for vectors that come in another form.
    scratch: Vec<u8>,
}

impl Search {
    /// Begins a search.
    ///
    /// # Errors
    /// `INDEX_NOT_FOUND`, `INDEX_NOT_READY`; `DIMENSION_MISMATCH` and `INVALID_QUERY` for a vector
    /// that cannot be compared with those of the index.
    pub fn new(store: &StoreDef, nearest: &Nearest) -> Result<Self> {
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
                "the vectors of index {name:?} stand in \"{}\", not in {path:?}, as the search \
                 has it",
                index.path
            );
            return Err(Error::new(ErrorCode::InvalidQuery, message)
                .with_index(name.to_string())
                .with_path("path"));
        }
        let (mut scratch, mut target) = (Vec::new(), None);
        let count =
            each_vector(root(&nearest.vector)?, index.form, &NoShapes, &mut scratch, |vector| {
                check_components(index.form, vector)?;
                target = Some(Target::new(index.form, vector));
                Ok(())
            })
            .map_err(|error| {
                let code = match error.code() {
                    ErrorCode::Validation => ErrorCode::InvalidQuery,
                    code => code,
                };
                let message =
                    format!("the vector to search for in index {name:?} {}", error.message());
                Error::new(code, message).with_index(name.to_string()).with_path(nearest.at.clone())
            })?;
        let target = target.filter(|_| count == 1).ok_or_else(|| {
            let message =
                format!("the vector to search for in index {name:?} has to be one vector");
            Error::new(ErrorCode::InvalidQuery, message)
                .with_index(name.to_string())
                .with_path(nearest.at.clone())
        })?;
        let max_distance = nearest.max_distance.unwrap_or(f64::INFINITY);
        Ok(Self { index: Arc::clone(index), target, max_distance, scratch })
    }

    /// How far the nearest vector of a document is; `None` if it has none, or none near enough.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn distance(&mut self, document: &[u8], shapes: &ShapeTable) -> Result<Option<f64>> {
        let Self { index, target, max_distance, scratch } = self;
        let Lookup::Found(value) = lookup(root(document)?, &index.path, shapes)? else {
            return Ok(None);
        };
        let mut nearest = None;
        each_vector(value, index.form, shapes, scratch, |vector| {
            let distance = target.distance(vector);
            if distance <= *max_distance && nearest.is_none_or(|nearest| distance < nearest) {
                nearest = Some(distance);
            }
            Ok(())
        })
        .map_err(|error| match error.code() {
            // It was checked when it was written.
            ErrorCode::DimensionMismatch | ErrorCode::Validation => Error::corrupt(format!(
                "a document of vector index {:?} {}",
                index.name,
                error.message()
            )),
            _ => error,
        })?;
        Ok(nearest)
    }

    /// What is told of a document that is so far.
    pub fn measures(&self, distance: f64) -> Measures {
        Measures { distance, score: score(self.index.form, distance) }
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

    /// As rows have them: a f64 each, in the order of [`Measure::ALL`].
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let both = Measure::ALL.into_iter().flat_map(|measure| self.get(measure).to_le_bytes());
        bytes.iter_mut().zip(both).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Reads them.
    pub fn read(bytes: &[u8]) -> Option<[f64; 2]> {
        let ([distance, score], []) = bytes.as_chunks::<8>() else { return None };
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
