//! Searches for the documents whose vectors are nearest to one: exactly, by looking at the vectors
//! of all documents that pass the filter. What is nearest comes first, of equally near documents
//! the one with the least primary key.

use std::sync::Arc;

use crate::catalog::{StoreDef, VectorDef, document};
use crate::error::{Error, ErrorCode, Result};
use crate::query::Place;
use crate::value::{self, Lookup, NoShapes, ShapeTable, Value, lookup, root};
use crate::vector::{Target, check_components, each_vector, score};
use crate::wtf8::Wtf8String;

/// What a query says of vectors.
#[derive(Debug, Clone)]
pub struct Nearest {
    /// The name of the index.
    pub index: Wtf8String,
    /// The vector, as an encoded value.
    vector: Vec<u8>,
    /// What is further away is left out.
    max_distance: Option<f64>,
}

impl Nearest {
    /// Parses `{ index, vector, maxDistance? }`; `None` for undefined.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub fn parse(value: &Value, place: &Place<'_>) -> Result<Option<Self>> {
        let fields = match value {
            Value::Undefined => return Ok(None),
            Value::Object(fields) => fields,
            _ => return Err(place.invalid("it has to be an object")),
        };
        let get = |name| document::get(fields, name).unwrap_or(&Value::Undefined);
        let Value::String(index) = get("index") else {
            return Err(place.word("index").invalid("it has to be the name of a vector index"));
        };
        let max_distance = match get("maxDistance") {
            Value::Undefined => None,
            Value::Number(most) if !most.is_nan() => Some(*most),
            _ => return Err(place.word("maxDistance").invalid("it has to be a number")),
        };
        let vector = value::encode(get("vector"), &NoShapes)?;
        Ok(Some(Self { index: index.clone(), vector, max_distance }))
    }
}

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
                Error::new(code, message).with_index(name.to_string()).with_path("vector")
            })?;
        let target = target.filter(|_| count == 1).ok_or_else(|| {
            let message =
                format!("the vector to search for in index {name:?} has to be one vector");
            Error::new(ErrorCode::InvalidQuery, message)
                .with_index(name.to_string())
                .with_path("vector")
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

    /// What a row says of a distance: that, and how alike the vectors are, as f64 each.
    pub fn measures(&self, distance: f64) -> [u8; 16] {
        let mut bytes = [0; 16];
        let score = score(self.index.form, distance);
        let both = distance.to_le_bytes().into_iter().chain(score.to_le_bytes());
        bytes.iter_mut().zip(both).for_each(|(to, from)| *to = from);
        bytes
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
