//! The vectors that a document has in an index.

use crate::catalog::VectorDef;
use crate::error::Result;
use crate::value::{FieldName, Kind, Lookup, ShapeSource, ValueRef, lookup, root};
use crate::vector::{Form, each_vector};

/// Visits the vectors of a document, in the order in which they stand in it: those at the index's
/// path, which may lead through arrays of objects. Returns how many there are. `scratch` is memory.
///
/// # Errors
/// As [`each_vector`].
pub fn each_vector_of<S: ShapeSource + ?Sized>(
    index: &VectorDef,
    document: &[u8],
    shapes: &S,
    scratch: &mut Vec<u8>,
    mut visit: impl FnMut(&[u8]) -> Result<()>,
) -> Result<u32> {
    let document = root(document)?;
    match lookup(document, &index.path, shapes)? {
        Lookup::Missing => Ok(0),
        Lookup::Found(value) => each_vector(value, index.form, shapes, scratch, visit),
        Lookup::ThroughArray => {
            let mut visiting = Visiting { form: index.form, shapes, scratch, visit: &mut visit };
            visiting.walk(document, index.path.segments())
        }
    }
}

struct Visiting<'v, S: ?Sized> {
    form: Form,
    shapes: &'v S,
    scratch: &'v mut Vec<u8>,
    visit: &'v mut dyn FnMut(&[u8]) -> Result<()>,
}

impl<S: ShapeSource + ?Sized> Visiting<'_, S> {
    /// Visits what stands at the end of a path.
    fn walk(&mut self, value: ValueRef<'_>, path: &[FieldName]) -> Result<u32> {
        let Some((name, rest)) = path.split_first() else {
            return each_vector(value, self.form, self.shapes, self.scratch, &mut *self.visit);
        };
        match value.kind()? {
            Kind::Object | Kind::Error => match value.field(name, self.shapes)? {
                Some(field) => self.walk(field, rest),
                None => Ok(0),
            },
            Kind::Array => self.walk_elements(value, (name, path), rest),
            _ => Ok(0),
        }
    }

    /// Goes through the objects of an array, or to the element that a number names.
    fn walk_elements(
        &mut self,
        array: ValueRef<'_>,
        (name, path): (&FieldName, &[FieldName]),
        rest: &[FieldName],
    ) -> Result<u32> {
        let place = place_of(name);
        let mut count = 0_u32;
        for element in array.elements(self.shapes)?.into_iter().flatten() {
            let (at, element) = element?;
            let found = match place {
                Some(place) if u64::from(at) == place => self.walk(element, rest)?,
                None if matches!(element.kind()?, Kind::Object) => self.walk(element, path)?,
                _ => 0,
            };
            count = count.saturating_add(found);
        }
        Ok(count)
    }
}

/// The place in an array that a name is the number of.
fn place_of(name: &FieldName) -> Option<u64> {
    let text = name.name().as_str()?;
    let place: u64 = text.parse().ok()?;
    (place.to_string() == text).then_some(place)
}
