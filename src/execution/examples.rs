//! What documents are to be like: one vector, made of those of examples.

use std::collections::BTreeSet;

use super::nearest::{as_stored, given};
use crate::catalog::{StoreDef, VectorDef};
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::query::nearest::Example;
use crate::store::StoreShared;
use crate::store::read::{View, get};
use crate::store::vectors::each_vector_of;
use crate::vector::{Form, Metric, check_components};

/// Where examples are looked up.
pub(super) struct Examples<'e, 't, 'v> {
    pub(super) view: View<'t, 'v>,
    pub(super) shared: &'e StoreShared,
    pub(super) store: &'e StoreDef,
    pub(super) index: &'e VectorDef,
}

/// The average of vectors. Bits count as −1 and 1; where angles are measured, lengths say nothing,
/// and each vector counts for its direction.
struct Average {
    form: Form,
    sums: Vec<f64>,
    count: u64,
}

impl Average {
    fn new(form: Form) -> Self {
        Self { form, sums: vec![0.0; form.dimensions as usize], count: 0 }
    }

    fn add(&mut self, vector: &[u8]) {
        let components: Vec<f64> = match self.form.metric {
            Metric::Hamming => {
                let bit = |at| if is_set(vector, at) { 1.0 } else { -1.0 };
                (0..self.sums.len()).map(bit).collect()
            }
            _ => {
                let floats = vector.as_chunks().0.iter();
                floats.map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
            }
        };
        let length = match self.form.metric {
            Metric::Cosine => components.iter().map(|one| one * one).sum::<f64>().sqrt(),
            _ => 1.0,
        };
        self.sums.iter_mut().zip(components).for_each(|(sum, one)| *sum += one / length);
        self.count += 1;
    }

    fn component(&self, at: usize) -> f64 {
        self.sums.get(at).map_or(0.0, |sum| sum / self.count.max(1) as f64)
    }
}

fn is_set(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
}

impl Examples<'_, '_, '_> {
    /// The average of the positive examples, and as far again from the average of the negative ones
    /// as that is. The keys of examples are added to `excluded`.
    ///
    /// # Errors
    /// `NOT_FOUND` if an example is not there; `INVALID_QUERY` if it has no vector, or the examples
    /// cancel each other out; `DIMENSION_MISMATCH`; `CORRUPT`.
    pub(super) fn combined(
        &self,
        positive: &[Example],
        negative: &[Example],
        excluded: &mut BTreeSet<Box<[u8]>>,
    ) -> Result<Vec<u8>> {
        let form = self.index.form;
        let wanted = self.average(positive, "positive", excluded)?;
        let unwanted = self.average(negative, "negative", excluded)?;
        let component = |at| match unwanted.count {
            0 => wanted.component(at),
            _ => 2.0 * wanted.component(at) - unwanted.component(at),
        };
        let components = (0..form.dimensions as usize).map(component);
        let vector = match form.metric {
            Metric::Hamming => {
                let mut bits = vec![0; form.bytes()];
                for (at, component) in components.enumerate() {
                    if let Some(byte) = bits.get_mut(at / 8).filter(|_| component > 0.0) {
                        *byte |= 1 << (7 - at % 8);
                    }
                }
                bits
            }
            _ => components.flat_map(|one| (one as f32).to_le_bytes()).collect(),
        };
        check_components(form, &vector).map_err(|error| {
            let message = format!("what the examples have in common {}", error.message());
            self.fault(ErrorCode::InvalidQuery, message, "positive")
        })?;
        Ok(vector)
    }

    fn average(
        &self,
        examples: &[Example],
        name: &str,
        excluded: &mut BTreeSet<Box<[u8]>>,
    ) -> Result<Average> {
        let mut average = Average::new(self.index.form);
        for (at, example) in examples.iter().enumerate() {
            let at = format!("{name}.{at}");
            match example {
                Example::Vector(vector) => average.add(&given(self.index, vector, &at)?),
                Example::Key(key) => {
                    self.add_document(key, &mut average, &at)?;
                    excluded.insert(key.as_slice().into());
                }
            }
        }
        Ok(average)
    }

    /// Adds the vectors of a document.
    fn add_document(&self, key: &[u8], average: &mut Average, at: &str) -> Result<()> {
        let mut scratch = Vec::new();
        let document = get(self.view.txn(), self.store, key, &mut scratch)?;
        let Some(document) = document else {
            let shown =
                key::decode(key).map_or_else(|_| "…".to_owned(), |(key, _)| key.to_string());
            let message = format!("there is no document under {shown}, which is an example");
            return Err(self.fault(ErrorCode::NotFound, message, at).with_key(key));
        };
        let (mut own, mut memory) = (Average::new(self.index.form), Vec::new());
        let mut read = |again| {
            own = Average::new(self.index.form);
            let shapes = self.shared.shapes_of(self.view, self.store.id, again)?;
            each_vector_of(self.index, document, &*shapes, &mut memory, |vector| {
                own.add(vector);
                Ok(())
            })
        };
        let count = match read(false) {
            Err(error) if error.code() == ErrorCode::Corrupt => read(true),
            count => count,
        };
        if count.map_err(|error| as_stored(self.index, error).with_key(key))? == 0 {
            let message = "an example has no vector in the index";
            return Err(self.fault(ErrorCode::InvalidQuery, message.to_owned(), at));
        }
        // However many vectors it has, it is one example.
        let count = own.count.max(1) as f64;
        average.sums.iter_mut().zip(&own.sums).for_each(|(sum, one)| *sum += one / count);
        average.count += 1;
        Ok(())
    }

    fn fault(&self, code: ErrorCode, message: String, path: &str) -> Error {
        Error::new(code, message)
            .with_store(self.store.name.to_string())
            .with_index(self.index.name.to_string())
            .with_path(path)
    }
}
