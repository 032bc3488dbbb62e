//! Fields of documents and values: paths go through objects, and through arrays to the fields of
//! their elements.

use std::borrow::Cow;

use super::scope::Document;
use super::work::{Elements, Work, array, check_size, weigh};
use crate::error::Result;
use crate::value::{FieldName, FieldPath, Kind, Lookup, ShapeSource, Value, ValueRef, lookup};

/// What stands at a path in the document.
pub(super) fn of_document<'d>(
    document: &Document<'d>,
    path: &FieldPath,
    work: &Work<'_>,
) -> Result<Cow<'d, Value>> {
    match *document {
        Document::Decoded(value) => of_value(value, path, work),
        Document::Joined(root, shapes, (joined, value)) => match path.segments().split_first() {
            Some((name, rest)) if name.name() == joined => {
                let found = in_value(value, rest, work)?;
                Ok(found.unwrap_or(Cow::Borrowed(&Value::Undefined)))
            }
            Some(_) => of_document(&Document::Encoded(root, shapes), path, work),
            None => {
                let mut whole = root.to_value(shapes)?;
                if let Value::Object(fields) = &mut whole {
                    fields.insert(joined.clone(), value.clone());
                }
                Ok(Cow::Owned(whole))
            }
        },
        Document::Encoded(root, shapes) => Ok(Cow::Owned(match lookup(root, path, shapes)? {
            Lookup::Missing => Value::Undefined,
            Lookup::Found(value) => value.to_value(shapes)?,
            Lookup::ThroughArray => {
                let found = in_encoded(root, path.segments(), shapes, work)?;
                found.unwrap_or(Value::Undefined)
            }
        })),
    }
}

/// What stands at a path in a stored value, through arrays.
fn in_encoded(
    value: ValueRef<'_>,
    path: &[FieldName],
    shapes: &dyn ShapeSource,
    work: &Work<'_>,
) -> Result<Option<Value>> {
    let mut value = value;
    let mut path = path;
    while let Some((name, rest)) = path.split_first() {
        match value.kind()? {
            Kind::Object | Kind::Error => match value.field(name, shapes)? {
                Some(field) => value = field,
                None => return Ok(None),
            },
            Kind::Array => {
                let mut found = Elements::default();
                for element in value.elements(shapes)?.into_iter().flatten() {
                    let (_, element) = element?;
                    work.charge(size_of::<Value>())?;
                    // Elements that are arrays themselves have no fields.
                    if matches!(element.kind()?, Kind::Object | Kind::Error)
                        && let Some(value) = in_encoded(element, path, shapes, work)?
                    {
                        found.push(value)?;
                    }
                }
                return Ok(Some(found.finish()));
            }
            _ => return Ok(None),
        }
        path = rest;
    }
    let value = value.to_value(shapes)?;
    Ok((!matches!(value, Value::Undefined)).then_some(value))
}

/// What stands at a path in a value.
pub(super) fn of_value<'v>(
    value: &'v Value,
    path: &FieldPath,
    work: &Work<'_>,
) -> Result<Cow<'v, Value>> {
    let found = in_value(value, path.segments(), work)?;
    Ok(found.unwrap_or(Cow::Borrowed(&Value::Undefined)))
}

fn in_value<'v>(
    value: &'v Value,
    path: &[FieldName],
    work: &Work<'_>,
) -> Result<Option<Cow<'v, Value>>> {
    let mut value = value;
    let mut path = path;
    while let Some((name, rest)) = path.split_first() {
        match value {
            Value::Object(fields) | Value::Error { fields, .. } => match fields.get(name.name()) {
                Some(field) => value = field,
                None => return Ok(None),
            },
            Value::Array(elements) => {
                let mut found = Vec::new();
                let mut bytes = 0;
                for element in &elements.items {
                    work.charge(size_of::<Value>())?;
                    if matches!(element, Value::Object(_) | Value::Error { .. })
                        && let Some(value) = in_value(element, path, work)?
                    {
                        bytes += weigh(&value);
                        check_size(bytes)?;
                        found.push(value.into_owned());
                    }
                }
                return Ok(Some(Cow::Owned(array(found))));
            }
            _ => return Ok(None),
        }
        path = rest;
    }
    Ok((!matches!(value, Value::Undefined)).then_some(Cow::Borrowed(value)))
}
