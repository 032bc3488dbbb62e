//! What documents are sorted by.

use std::cmp::Ordering;
use std::sync::Arc;

use super::order;
use super::path::{Budget, Found, Path};
use super::place::Place;
use crate::collation::Collation;
use crate::error::Result;
use crate::key;
use crate::value::{ShapeTable, Value, ValueRef};
use crate::wtf8::Wtf8String;

/// The most fields.
const MAX_PARTS: usize = 32;

/// A field that documents are sorted by.
#[derive(Debug, Clone)]
pub struct SortPart {
    /// The field.
    pub path: Path,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Whether the greatest of several values counts, rather than the least; as `descending`,
    /// except when pages are read backwards.
    pub greatest: bool,
    /// What strings are in the order of; `None`: of their code units.
    pub collation: Option<Arc<Collation>>,
}

/// Parses what `sort()` takes: `'-age'`, `['city', '-age']`, `{ city: 1, age: -1 }`, or
/// `[['city', 1], ['age', -1]]`.
///
/// # Errors
/// `INVALID_QUERY`.
pub fn parse(value: &Value, place: &Place<'_>) -> Result<Vec<SortPart>> {
    let mut parts = Vec::new();
    match value {
        Value::Undefined | Value::Null => {}
        Value::String(name) => parts.push(signed(name, place)?),
        Value::Object(fields) => {
            for (name, direction) in fields.iter() {
                let place = place.field(name);
                parts.push(part(name, direction, &place)?);
            }
        }
        Value::Array(array) => {
            for (at, item) in array.items.iter().enumerate() {
                let place = place.index(at);
                parts.push(match item {
                    Value::String(name) => signed(name, &place)?,
                    Value::Array(pair) => match pair.items.as_slice() {
                        [Value::String(name), direction] => part(name, direction, &place)?,
                        _ => return Err(place.invalid("it has to be a field and a direction")),
                    },
                    _ => return Err(place.invalid("it has to be a field such as '-age'")),
                });
            }
        }
        _ => return Err(place.invalid("it has to be a field such as '-age', or { age: -1 }")),
    }
    if parts.len() > MAX_PARTS {
        return Err(place.invalid("a sort may have 32 fields at most"));
    }
    for (at, part) in parts.iter().enumerate() {
        if parts.iter().skip(at + 1).any(|other| other.path == part.path) {
            return Err(place.invalid(format!("the field {} is named twice", part.path)));
        }
    }
    Ok(parts)
}

fn signed(name: &Wtf8String, place: &Place<'_>) -> Result<SortPart> {
    let (descending, path) = match name.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let path = Wtf8String::from_bytes(path).unwrap_or_default();
    Ok(SortPart { path: named(&path, place)?, descending, greatest: descending, collation: None })
}

fn part(name: &Wtf8String, direction: &Value, place: &Place<'_>) -> Result<SortPart> {
    let descending = match direction {
        Value::Number(1.0) => false,
        Value::Number(-1.0) => true,
        Value::String(word) => match word.as_str() {
            Some("asc" | "ascending") => false,
            Some("desc" | "descending") => true,
            _ => return Err(place.invalid("a direction is 1, -1, 'asc' or 'desc'")),
        },
        _ => return Err(place.invalid("a direction is 1, -1, 'asc' or 'desc'")),
    };
    Ok(SortPart { path: named(name, place)?, descending, greatest: descending, collation: None })
}

fn named(path: &Wtf8String, place: &Place<'_>) -> Result<Path> {
    if path.is_empty() || path.as_bytes().first() == Some(&b'$') {
        return Err(place.invalid("it names no field"));
    }
    Path::parse(path, place)
}

/// Appends what a document is sorted by. Of several values, the least counts in an ascending part,
/// the greatest in a descending one; nothing counts as null.
///
/// # Errors
/// `CORRUPT`, `RESOURCE_LIMIT`.
pub fn push_key(
    parts: &[SortPart],
    document: ValueRef<'_>,
    shapes: &ShapeTable,
    out: &mut Vec<u8>,
) -> Result<()> {
    for part in parts {
        let start = out.len();
        push_part(part, document, shapes, out)?;
        if part.descending {
            key::invert_from(out, start);
        }
    }
    Ok(())
}

fn push_part(
    part: &SortPart,
    document: ValueRef<'_>,
    shapes: &ShapeTable,
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    let collation = part.collation.as_deref();
    let mut any = false;
    let mut candidate = Vec::new();
    let mut budget = Budget::for_document(document.document_len());
    let mut consider = |value: Option<ValueRef<'_>>| -> Result<()> {
        if !any {
            any = true;
            match value {
                Some(value) => order::push_ref_under(collation, value, shapes, out)?,
                None => key::push_null(out),
            }
            return Ok(());
        }
        candidate.clear();
        match value {
            Some(value) => order::push_ref_under(collation, value, shapes, &mut candidate)?,
            None => key::push_null(&mut candidate),
        }
        let ordering = candidate.as_slice().cmp(out.get(start..).unwrap_or_default());
        if ordering == if part.greatest { Ordering::Greater } else { Ordering::Less } {
            out.truncate(start);
            out.extend_from_slice(&candidate);
        }
        Ok(())
    };
    let mut empty = false;
    part.path.each_placed(document, shapes, &mut budget, &mut |found, _| {
        let value = match found {
            Found::Nothing => return consider(None),
            Found::Element(element) => return consider(Some(element)),
            Found::Value(value) => value,
        };
        let Some(elements) = value.elements(shapes)? else {
            return consider(Some(value));
        };
        let mut none = true;
        for element in elements {
            none = false;
            consider(Some(element?.1))?;
        }
        empty |= none;
        Ok(())
    })?;
    if empty && (!any || !part.greatest) {
        out.truncate(start);
        // Before null.
        out.push(order::TAG_LEAST);
    } else if !any {
        key::push_null(out);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::query::notation::value;
    use crate::value::{encode, root};

    fn sorted(sort: &str, documents: &[&str]) -> Vec<usize> {
        let sort = parse(&value(sort), &Place::root("the sort")).unwrap();
        let shapes = ShapeTable::new();
        let mut keys: Vec<_> = (0..)
            .zip(documents)
            .map(|(at, document)| {
                let document = encode(&value(document), &shapes).unwrap();
                let mut key = Vec::new();
                push_key(&sort, root(&document).unwrap(), &shapes, &mut key).unwrap();
                (key, at)
            })
            .collect();
        keys.sort();
        keys.into_iter().map(|(_, at)| at).collect()
    }

    #[test]
    fn sorts_by_several_fields() {
        let documents = ["{ a: 1, b: 'x' }", "{ a: 2, b: 'y' }", "{ a: 1, b: 'z' }", "{ b: 'q' }"];
        assert_eq!(sorted("{ a: 1, b: -1 }", &documents), [3, 2, 0, 1]);
        assert_eq!(sorted("{ a: -1, b: 1 }", &documents), [1, 0, 2, 3]);
    }

    #[test]
    fn sorts_arrays_by_their_ends() {
        let documents = ["{ a: [5, 1] }", "{ a: 3 }", "{ a: [] }", "{ a: [4] }", "{ a: [[0], 7] }"];
        assert_eq!(sorted("{ a: 1 }", &documents), [2, 0, 1, 3, 4]);
        assert_eq!(sorted("{ a: -1 }", &documents), [4, 0, 3, 1, 2]);
        let nested = ["{ a: [{ b: 5 }, { b: 1 }] }", "{ a: { b: 2 } }", "{ a: [{}] }"];
        assert_eq!(sorted("{ 'a.b': 1 }", &nested), [2, 0, 1]);
        assert_eq!(sorted("{ 'a.b': -1 }", &nested), [0, 1, 2]);
    }

    #[test]
    fn sorts_by_elements_at_places() {
        let documents =
            ["{ a: [{ b: 2 }, { b: 0 }] }", "{ a: [{ b: 1 }] }", "{ a: [] }", "{ a: [{ c: 1 }] }"];
        assert_eq!(sorted("{ 'a.0.b': 1 }", &documents), [2, 3, 1, 0]);
        assert_eq!(sorted("{ 'a.0.b': -1 }", &documents), [0, 1, 2, 3]);
        assert_eq!(sorted("{ 'a.1.b': -1 }", &documents), [0, 1, 2, 3]);
        let named = ["{ a: [{ 0: 3 }] }", "{ a: [[5], 1] }", "{ a: [4] }", "{ a: { 0: 2 } }"];
        assert_eq!(sorted("{ 'a.0': 1 }", &named), [3, 0, 2, 1]);
    }

    #[test]
    fn refuses_what_is_no_order() {
        for sort in ["{ a: 2 }", "{ a: 'up' }", "{ $a: 1 }", "7", "{ '': 1 }", "['a', '-a']"] {
            assert!(parse(&value(sort), &Place::root("the sort")).is_err(), "{sort}");
        }
    }
}
