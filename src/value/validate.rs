//! Checking whole documents.

use super::shape::ShapeSource;
use super::walk::{Container, Leaf, Visitor, walk};
use crate::error::Result;

struct Ignore;

impl<'a> Visitor<'a> for Ignore {
    fn leaf(&mut self, _at: usize, _leaf: Leaf<'a>) -> Result<()> {
        Ok(())
    }

    fn begin(&mut self, _at: usize, _container: Container<'a>) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Checks that `doc` is exactly one well-formed document: every value, length, name, reference and
/// shape in it.
///
/// Not checked is what only JavaScript can tell: whether a RegExp compiles and whether the keys of
/// a Map or the members of a Set differ.
///
/// # Errors
/// `CORRUPT`, saying what is wrong.
pub fn validate<S: ShapeSource + ?Sized>(doc: &[u8], shapes: &S) -> Result<()> {
    walk(doc, shapes, &mut Ignore)
}
