//! What an expression is evaluated against.

use std::fmt;

use super::work::Work;
use crate::query::meter::Meter;
use crate::value::{ShapeSource, Value, ValueRef};
use crate::wtf8::Wtf8String;

/// The document, the variables, and the limits of one evaluation.
pub struct Scope<'a> {
    pub(super) document: Document<'a>,
    pub(super) now: f64,
    pub(super) is_insert: Option<bool>,
    pub(super) variables: &'a [Value],
    pub(super) work: Work<'a>,
}

/// A document, decoded or not.
#[derive(Clone, Copy)]
pub(super) enum Document<'a> {
    Encoded(ValueRef<'a>, &'a dyn ShapeSource),
    Decoded(&'a Value),
    /// A stored object with another value in a field, or a field more.
    Joined(ValueRef<'a>, &'a dyn ShapeSource, (&'a Wtf8String, &'a Value)),
}

impl<'a> Scope<'a> {
    /// A stored document, of which only the fields that are asked for are decoded. `now` is
    /// `$$NOW`, in milliseconds since 1970.
    pub fn encoded(document: ValueRef<'a>, shapes: &'a dyn ShapeSource, now: f64) -> Self {
        Self::new(Document::Encoded(document, shapes), now)
    }

    /// A decoded document.
    pub fn decoded(document: &'a Value, now: f64) -> Self {
        Self::new(Document::Decoded(document), now)
    }

    /// A stored object in which a field has this value, whatever is stored.
    pub fn joined(
        document: ValueRef<'a>,
        shapes: &'a dyn ShapeSource,
        field: (&'a Wtf8String, &'a Value),
        now: f64,
    ) -> Self {
        Self::new(Document::Joined(document, shapes, field), now)
    }

    fn new(document: Document<'a>, now: f64) -> Self {
        Self { document, now, is_insert: None, variables: &[], work: Work::default() }
    }

    /// Says whether an upsert inserts the document, which `$isInsert` and `$isUpdate` tell.
    #[must_use]
    pub fn with_insert(mut self, is_insert: bool) -> Self {
        self.is_insert = Some(is_insert);
        self
    }

    /// Counts the work of the evaluation, too.
    #[must_use]
    pub fn with_meter(mut self, meter: &'a Meter) -> Self {
        self.work.meter = Some(meter);
        self
    }

    /// Gives the variables that the expression was parsed with, in the same order.
    #[must_use]
    pub fn with_variables(mut self, variables: &'a [Value]) -> Self {
        self.variables = variables;
        self
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("now", &self.now).finish_non_exhaustive()
    }
}
