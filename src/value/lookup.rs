//! Looking up what stands at a path.

use super::bytes::byte;
use super::path::{FieldName, FieldPath};
use super::shape::ShapeSource;
use super::skip::skip;
use super::tags::BLOB;
use super::value_ref::{Kind, ValueRef};
use crate::error::Result;

/// What stands at a path.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// Nothing.
    Missing,
    /// A value, undefined included.
    Found(ValueRef<'a>),
    /// The path leads into an array, whose elements each may have the rest of it.
    ThroughArray,
}

/// Looks up a path through plain objects.
///
/// # Errors
/// `CORRUPT` for damaged documents.
#[inline]
pub fn lookup<'a, S: ShapeSource + ?Sized>(
    root: ValueRef<'a>,
    path: &FieldPath,
    shapes: &S,
) -> Result<Lookup<'a>> {
    let mut value = root;
    for name in path.segments() {
        // Objects of a shape, which most are, need no further look.
        if value.is_shaped() {
            match value.field(name, shapes)? {
                Some(field) => value = field,
                None => return Ok(Lookup::Missing),
            }
            continue;
        }
        match value.kind()? {
            Kind::Object | Kind::Error => match value.field(name, shapes)? {
                Some(field) => value = field,
                None => return Ok(Lookup::Missing),
            },
            Kind::Array => return Ok(Lookup::ThroughArray),
            _ => return Ok(Lookup::Missing),
        }
    }
    Ok(Lookup::Found(value))
}

/// What an IndexedDB key path evaluates to.
#[derive(Debug, Clone, Copy)]
pub enum IdbLookup<'a> {
    /// Nothing: the path fails.
    Missing,
    /// A stored value.
    Found(ValueRef<'a>),
    /// A number that is not stored as such: a length, or the size of a Blob.
    Number(f64),
}

/// Evaluates a key path as IndexedDB does: own properties only, with the lengths of strings and
/// arrays and the properties of Blobs and Files. Undefined counts as failure, except at the empty
/// path.
///
/// Source: Indexed Database API 3.0, section 7.2, "evaluate a key path on a value".
///
/// # Errors
/// `CORRUPT` for damaged documents.
pub fn lookup_idb<'a, S: ShapeSource + ?Sized>(
    root: ValueRef<'a>,
    path: &FieldPath,
    shapes: &S,
) -> Result<IdbLookup<'a>> {
    let mut current = IdbLookup::Found(root);
    for name in path.segments() {
        let IdbLookup::Found(value) = current else { return Ok(IdbLookup::Missing) };
        current = property(value, name, shapes)?;
        if let IdbLookup::Found(found) = current
            && found.kind()? == Kind::Undefined
        {
            return Ok(IdbLookup::Missing);
        }
    }
    Ok(current)
}

fn property<'a, S: ShapeSource + ?Sized>(
    value: ValueRef<'a>,
    name: &FieldName,
    shapes: &S,
) -> Result<IdbLookup<'a>> {
    let is = |text: &str| name.name().as_str() == Some(text);
    match value.kind()? {
        Kind::Array if is("length") => {
            Ok(value.array_len()?.map_or(IdbLookup::Missing, |n| IdbLookup::Number(f64::from(n))))
        }
        Kind::Object | Kind::Array | Kind::Error => {
            Ok(value.field(name, shapes)?.map_or(IdbLookup::Missing, IdbLookup::Found))
        }
        Kind::String if is("length") => text_len(value),
        Kind::Boxed if is("length") => match value.unboxed()? {
            Some(inner) => text_len(inner),
            None => Ok(IdbLookup::Missing),
        },
        Kind::RegExp if is("lastIndex") => Ok(IdbLookup::Number(0.0)),
        Kind::Blob => blob_property(value, name, shapes),
        _ => Ok(IdbLookup::Missing),
    }
}

fn text_len(value: ValueRef<'_>) -> Result<IdbLookup<'_>> {
    Ok(match value.as_text()? {
        Some(text) => IdbLookup::Number(text.utf16_len() as f64),
        None => IdbLookup::Missing,
    })
}

fn blob_property<'a, S: ShapeSource + ?Sized>(
    blob: ValueRef<'a>,
    name: &FieldName,
    shapes: &S,
) -> Result<IdbLookup<'a>> {
    let ValueRef { doc, at } = blob;
    debug_assert_eq!(byte(doc, at)?, BLOB);
    let is_file = byte(doc, at + 1)? == 1;
    let size = super::bytes::read_size(doc, at + 2)?;
    let position = match name.name().as_str() {
        Some("size") => return Ok(IdbLookup::Number(size as f64)),
        Some("type") => 0,
        Some("name") if is_file => 1,
        Some("lastModified") if is_file => 2,
        _ => return Ok(IdbLookup::Missing),
    };
    let at = skip(doc, at + 6 + size, position, shapes)?;
    ValueRef::at(doc, at).map(IdbLookup::Found)
}
