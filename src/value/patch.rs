//! Changing single values of an encoded document: generated keys, and fields of fixed size.

use std::ops::Range;

use super::bytes::{byte, damaged};
use super::encode::push_number;
use super::path::FieldName;
use super::shape::ShapeSource;
use super::skip::{shape_at, skip};
use super::tags::{F64, REFERENCE, SHAPED, SHORT_ARRAY, SIZES};
use super::value_ref::ValueRef;
use crate::error::Result;

/// Writes a number over the placeholder whose eight bytes begin at `at`, counted from the
/// document's start; the encoder left it there for a generated key.
///
/// # Errors
/// `CORRUPT` if there is no such placeholder.
pub fn patch_number(doc: &mut [u8], at: usize, number: f64) -> Result<()> {
    let place = at.checked_sub(1).and_then(|tag| doc.get_mut(tag..)?.first_chunk_mut::<9>());
    match place {
        Some([F64, bytes @ ..]) => {
            *bytes = number.to_le_bytes();
            Ok(())
        }
        _ => Err(damaged("the place for its generated key is not there")),
    }
}

/// A field of a document whose object is of a shape, if its value is one that can be written over:
/// a number, boolean, short string or the like, with nothing inside.
#[derive(Debug, Clone, Copy)]
pub struct PlainField<'a> {
    value: ValueRef<'a>,
    end: usize,
}

impl<'a> PlainField<'a> {
    /// Finds a field; `None` if it is missing, or of another kind.
    ///
    /// # Errors
    /// `CORRUPT` for damaged documents.
    pub fn find<S: ShapeSource + ?Sized>(
        doc: &'a [u8],
        name: &FieldName,
        shapes: &S,
    ) -> Result<Option<Self>> {
        let tag = byte(doc, 0)?;
        let SHAPED..SHORT_ARRAY = tag else { return Ok(None) };
        let (_, shape) = shape_at(doc, 0, tag, shapes)?;
        let Some(position) = shape.position(name) else { return Ok(None) };
        let at = skip(doc, 2, position, shapes)?;
        let tag = byte(doc, at)?;
        let size = SIZES.get(usize::from(tag)).copied().unwrap_or(0);
        let end = at + usize::from(size);
        if size == 0 || tag == REFERENCE || end > doc.len() {
            return Ok(None);
        }
        Ok(Some(Self { value: ValueRef { doc, at }, end }))
    }

    /// The value.
    pub fn value(self) -> ValueRef<'a> {
        self.value
    }

    /// The value's bytes.
    pub fn bytes(self) -> &'a [u8] {
        self.value.doc.get(self.range()).unwrap_or_default()
    }

    /// The document with other bytes in the value's place; `None` if they are not as many.
    pub fn replaced(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut doc = self.value.doc.to_vec();
        let place = doc.get_mut(self.range()).filter(|place| place.len() == bytes.len())?;
        place.copy_from_slice(bytes);
        Some(doc)
    }

    fn range(self) -> Range<usize> {
        self.value.at..self.end
    }
}

/// A number as documents have it.
pub fn encode_number(number: f64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9);
    push_number(&mut bytes, number);
    bytes
}
