//! Paths of updates: names, array indexes, and places of array elements.

use std::cmp::Ordering;

use super::MAX_PATH;
use crate::error::{ErrorCode, Result};
use crate::query::{Place, array_index};
use crate::wtf8::Wtf8String;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// A field, or the index of an element.
    Name(Name),
    /// `$[]`: every element.
    Every,
    /// `$[name]`: the elements that the array filter of that name matches.
    Filtered(Wtf8String),
    /// `$`: the first element that the update's own filter matches.
    Matched,
}

/// A field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: Wtf8String,
    /// The array index that the name is, too.
    pub(super) index: Option<u32>,
}

impl Name {
    pub(super) fn new(text: Wtf8String) -> Self {
        Self { index: array_index(&text), text }
    }
}

impl Ord for Name {
    /// Numbers first, in their order, then names; in this order fields are added to an object.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.index, other.index) {
            (Some(left), Some(right)) => left.cmp(&right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.text.cmp(&other.text),
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Splits a path.
///
/// # Errors
/// `INVALID_UPDATE`.
pub(super) fn parse(path: &Wtf8String, place: &Place<'_>) -> Result<Vec<Segment>> {
    let invalid = |why: &str| place.error(ErrorCode::InvalidUpdate, why);
    let mut segments = Vec::new();
    for bytes in path.as_bytes().split(|byte| *byte == b'.') {
        if segments.len() == MAX_PATH {
            return Err(invalid("a path may have 100 names at most"));
        }
        let segment = segment(bytes).map_err(invalid)?;
        if segments.is_empty() && !matches!(segment, Segment::Name(_)) {
            return Err(invalid("a path begins with a field, since a document is no array"));
        }
        segments.push(segment);
    }
    Ok(segments)
}

fn segment(bytes: &[u8]) -> std::result::Result<Segment, &'static str> {
    // A dot is ASCII, so what stands between two is WTF-8.
    let text = || Wtf8String::from_bytes(bytes).unwrap_or_default();
    match bytes {
        [] => Err("a path has a name that is empty"),
        b"$[]" => Ok(Segment::Every),
        b"$" => Ok(Segment::Matched),
        [b'$', b'[', name @ .., b']'] => match is_identifier(name) {
            true => Ok(Segment::Filtered(Wtf8String::from_bytes(name).unwrap_or_default())),
            false => Err("the name in $[name] begins with a lower-case letter and goes on with \
                          letters and digits"),
        },
        [b'$', ..] => Err("names that begin with $ cannot be in a path; set the whole object \
                           around it"),
        _ => Ok(Segment::Name(Name::new(text()))),
    }
}

/// Whether a name can be that of an array filter.
pub(super) fn is_identifier(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_lowercase) && name.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_first_in_their_order() {
        let mut names = ["b", "10", "a", "2", "01"].map(|name| Name::new(Wtf8String::from(name)));
        names.sort();
        assert_eq!(names.map(|name| name.text.to_string()), ["2", "10", "01", "a", "b"]);
    }
}
