//! Paths of filters: through objects and, as in MongoDB, through the elements of arrays.

use std::fmt;

use super::filter::Verdict;
use super::place::Place;
use crate::error::{Error, ErrorCode, Result};
use crate::value::{FieldName, FieldPath, Kind, ShapeSource, ValueRef};
use crate::wtf8::Wtf8String;

/// How many names a path may have.
pub const MAX_SEGMENTS: usize = 200;

/// A dotted path such as `a.b.0.c`. A name that is a number is a field's, or the place of an
/// element.
#[derive(Debug, Clone, PartialEq)]
pub struct Path(FieldPath);

/// How much of a document may be visited, so that objects that are referred to again and again
/// cannot make a short document a long one.
#[derive(Debug)]
pub struct Budget(usize);

/// Visits beyond one for each byte of the document.
const EXTRA_VISITS: usize = 1 << 20;

impl Budget {
    /// Enough for a document that takes that many bytes.
    pub const fn for_document(bytes: usize) -> Self {
        Self(bytes.saturating_add(EXTRA_VISITS))
    }

    /// Enough for so many walks through the document.
    #[must_use]
    pub const fn times(self, walks: usize) -> Self {
        Self(self.0.saturating_mul(walks))
    }

    #[inline]
    pub(super) fn spend(&mut self) -> Result<()> {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(Error::new(
                ErrorCode::ResourceLimit,
                "a document refers to the same arrays too often for a path through them",
            )),
        }
    }
}

impl Path {
    /// The value itself.
    pub fn whole() -> Self {
        Self(FieldPath::from_names([]))
    }

    /// Splits a dotted path.
    ///
    /// # Errors
    /// `INVALID_QUERY` for more than 200 names.
    pub fn parse(path: &Wtf8String, place: &Place<'_>) -> Result<Self> {
        let names = path.as_bytes().split(|byte| *byte == b'.');
        if names.clone().count() > MAX_SEGMENTS {
            return Err(place.invalid("a path may have 200 names at most"));
        }
        Ok(Self(FieldPath::from_names(names.filter_map(Wtf8String::from_bytes))))
    }

    /// The same path as indexes have it.
    pub fn fields(&self) -> &FieldPath {
        &self.0
    }

    /// Whether it is the value itself.
    pub fn is_whole(&self) -> bool {
        self.0.segments().is_empty()
    }

    /// Whether a name may be the place of an element.
    pub fn has_index(&self) -> bool {
        self.0.segments().iter().any(|name| array_index(name.name()).is_some())
    }

    /// Calls `found` with what stands at the path, until something passes; tells whether it did.
    /// Through arrays there may be several values, or not even nothing: an array without objects
    /// has no `b` for `a.b`.
    #[inline(always)]
    pub fn any<'a, S: ShapeSource + ?Sized>(
        &self,
        root: ValueRef<'a>,
        shapes: &S,
        budget: &mut Budget,
        found: &mut impl FnMut(Found<'a>, &mut Budget) -> Result<Verdict>,
    ) -> Result<Verdict> {
        walk::<_, _, false>(root, self.0.segments(), shapes, budget, found)
    }

    /// The same, for all that stands there.
    pub fn each<'a, S: ShapeSource + ?Sized>(
        &self,
        root: ValueRef<'a>,
        shapes: &S,
        budget: &mut Budget,
        found: &mut impl FnMut(Found<'a>, &mut Budget) -> Result<()>,
    ) -> Result<()> {
        let on = |()| Verdict::Fails;
        self.any(root, shapes, budget, &mut |value, budget| found(value, budget).map(on)).map(drop)
    }

    /// The same, where an element that is named by its place stands for the whole array, as sorts
    /// have it. Otherwise the elements that have no field of that name would be nothing besides.
    pub fn each_placed<'a, S: ShapeSource + ?Sized>(
        &self,
        root: ValueRef<'a>,
        shapes: &S,
        budget: &mut Budget,
        found: &mut impl FnMut(Found<'a>, &mut Budget) -> Result<()>,
    ) -> Result<()> {
        let mut on =
            |value: Found<'a>, budget: &mut Budget| found(value, budget).map(|()| Verdict::Fails);
        walk::<_, _, true>(root, self.0.segments(), shapes, budget, &mut on).map(drop)
    }

    /// [`Path::any`] of an array as an object, whose fields are the places of its elements: it
    /// leads into the element of that place, not into all.
    #[inline(never)]
    pub fn any_by_place<'a, S: ShapeSource + ?Sized>(
        &self,
        array: ValueRef<'a>,
        shapes: &S,
        budget: &mut Budget,
        found: &mut impl FnMut(Found<'a>, &mut Budget) -> Result<Verdict>,
    ) -> Result<Verdict> {
        if let Some((name, rest)) = self.0.segments().split_first()
            && let Some(place) = array_index(name.name())
        {
            for element in array.elements(shapes)?.into_iter().flatten() {
                let (index, element) = element?;
                budget.spend()?;
                if index == place {
                    return walk::<_, _, false>(element, rest, shapes, budget, found);
                }
            }
        }
        found(Found::Nothing, budget)
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// Nothing, or undefined.
    Nothing,
    /// A value; if it is an array, its elements stand there, too.
    Value(ValueRef<'a>),
    /// An element that the path names by its place, which is meant as a whole.
    Element(ValueRef<'a>),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place that a name means in an array.
pub fn array_index(name: &Wtf8String) -> Option<u32> {
    let digits = name.as_bytes();
    let plain =
        matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit);
    if plain { name.as_str()?.parse().ok() } else { None }
}

/// `PLACED`: as [`Path::each_placed`].
#[inline(always)]
fn walk<'a, S: ShapeSource + ?Sized, F, const PLACED: bool>(
    value: ValueRef<'a>,
    names: &[FieldName],
    shapes: &S,
    budget: &mut Budget,
    found: &mut F,
) -> Result<Verdict>
where
    F: FnMut(Found<'a>, &mut Budget) -> Result<Verdict>,
{
    let mut value = value;
    let mut names = names;
    while let Some((name, rest)) = names.split_first() {
        // An object of a shape, which most are, needs no further look.
        if value.is_shaped() {
            match value.field_of_shape(name, shapes)? {
                Some(field) => value = field,
                None => return found(Found::Nothing, budget),
            }
            names = rest;
            continue;
        }
        match value.kind()? {
            Kind::Object | Kind::Error => match value.field(name, shapes)? {
                Some(field) => value = field,
                None => return found(Found::Nothing, budget),
            },
            Kind::Array => {
                return through_array::<_, _, PLACED>(value, names, shapes, budget, found);
            }
            _ => return found(Found::Nothing, budget),
        }
        names = rest;
    }
    found(if value.is_undefined() { Found::Nothing } else { Found::Value(value) }, budget)
}

#[inline(never)]
fn through_array<'a, S: ShapeSource + ?Sized, F, const PLACED: bool>(
    array: ValueRef<'a>,
    names: &[FieldName],
    shapes: &S,
    budget: &mut Budget,
    found: &mut F,
) -> Result<Verdict>
where
    F: FnMut(Found<'a>, &mut Budget) -> Result<Verdict>,
{
    let Some((name, rest)) = names.split_first() else { return Ok(Verdict::Fails) };
    let place = array_index(name.name());
    let has_place = PLACED
        && match (place, array.array_len()?) {
            (Some(place), Some(len)) => place < len,
            _ => false,
        };
    let passes = array.any_element(shapes, |index, element| {
        budget.spend()?;
        let kind = element.kind()?;
        let is_object = matches!(kind, Kind::Object | Kind::Error)
            && (!has_place || element.field(name, shapes)?.is_some());
        if is_object && walk::<_, _, PLACED>(element, names, shapes, budget, found)?.passes() {
            return Ok(true);
        }
        if place != Some(index) {
            return Ok(false);
        }
        let verdict = match kind {
            Kind::Undefined if rest.is_empty() => found(Found::Nothing, budget)?,
            _ if rest.is_empty() => found(Found::Element(element), budget)?,
            Kind::Object | Kind::Error | Kind::Array => {
                walk::<_, _, PLACED>(element, rest, shapes, budget, found)?
            }
            // What has no fields does not lack any.
            _ => Verdict::Fails,
        };
        Ok(verdict.passes())
    });
    passes.map(Verdict::from)
}
