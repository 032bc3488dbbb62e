//! Conditions on elements: array filters, and what `$pull` takes out.

use std::sync::Arc;

use super::matched;
use super::place::{Target, UPDATE};
use crate::collation::Collation;
use crate::error::{ErrorCode, Result};
use crate::query::filter::{Filter, Matcher as Evaluator};
use crate::query::{Place, order};
use crate::value::{self, Fields, NoShapes, Value};
use crate::wtf8::Wtf8String;

/// The elements that a part of a path means: `$[name]` by one of `arrayFilters`, or `$` by the
/// filter of the update.
#[derive(Debug)]
pub(super) struct ArrayFilter {
    /// By which paths name it; for `$` that and the path of the array.
    pub(super) name: Wtf8String,
    /// Whether only the first element is meant that it matches, and there has to be one.
    pub(super) is_first: bool,
    /// What the filter calls the element.
    element: Wtf8String,
    filter: Filter,
}

/// What the element is called in filters that are made here.
pub(super) const ELEMENT: &str = "element";

impl ArrayFilter {
    /// Parses a filter, whose fields all begin with one name, which stands for the element.
    ///
    /// # Errors
    /// `INVALID_UPDATE`; `INVALID_QUERY` for what is wrong in the condition.
    pub(super) fn parse(filter: &Value, place: &Place<'_>) -> Result<Self> {
        let invalid = |why: &str| place.error(ErrorCode::InvalidUpdate, why);
        let Value::Object(fields) = filter else {
            return Err(invalid("an array filter is an object such as { name: condition }"));
        };
        let mut names = Vec::new();
        first_names(fields, &mut names, 0);
        let Some(first) = names.first() else {
            return Err(invalid("an array filter needs a condition such as { name: condition }"));
        };
        if !names.iter().all(|name| name == first) {
            return Err(invalid(
                "the fields of an array filter begin with one name, the element's",
            ));
        }
        if !super::path::is_identifier(first) {
            return Err(invalid(
                "the name in an array filter begins with a lower-case letter and goes on with \
                 letters and digits",
            ));
        }
        let name = Wtf8String::from_bytes(first).unwrap_or_default();
        let filter = Filter::parse(filter, place)?;
        Ok(Self { element: name.clone(), name, is_first: false, filter })
    }

    /// What `$` is behind the path of an array, by the filter of the update; `None` if that asks
    /// nothing of the array's elements.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub(super) fn of_matched(array: &Wtf8String, filter: &Value) -> Result<Option<Self>> {
        let Some(conditions) = matched::conditions(filter, array) else { return Ok(None) };
        let filter = Filter::parse(&conditions, &Place::root("the filter"))?;
        let (name, element) = (Self::matched_name(array), ELEMENT.into());
        Ok(Some(Self { name, is_first: true, element, filter }))
    }

    /// The name for `$` behind the path of an array.
    pub(super) fn matched_name(array: &Wtf8String) -> Wtf8String {
        Wtf8String::joined(&[b"$", array.as_bytes()].concat())
    }

    /// The same, which compares strings under a collation.
    pub(super) fn under(self, collation: &Arc<Collation>) -> Self {
        Self { filter: self.filter.under(collation), ..self }
    }

    /// Whether it matches an element.
    pub(super) fn matches(&self, element: &Value) -> Result<bool> {
        matches_as(&self.filter, &self.element, element)
    }
}

/// The first names of all paths of a filter.
fn first_names<'v>(fields: &'v Fields, names: &mut Vec<&'v [u8]>, depth: usize) {
    // The filter's own parser refuses what nests deeper.
    if depth > super::MAX_PATH {
        return;
    }
    for (name, value) in fields.iter() {
        let bytes = name.as_bytes();
        if !bytes.starts_with(b"$") {
            names.push(bytes.split(|byte| *byte == b'.').next().unwrap_or_default());
            continue;
        }
        if let Value::Array(array) = value {
            for item in &array.items {
                if let Value::Object(fields) = item {
                    first_names(fields, names, depth + 1);
                }
            }
        }
    }
}

/// What `$pull` takes out of an array.
#[derive(Debug)]
pub(super) enum Matcher {
    /// Values equal to one, in the bytes of [`order::push`].
    Equal(Vec<u8>),
    /// Values that fit a condition.
    Condition(Filter),
    /// Objects that a filter matches.
    Objects(Filter),
}

/// The field in which a condition finds a value.
const VALUE: &str = "value";

/// Operators that combine filters of whole objects.
const LOGICAL: [&[u8]; 4] = [b"$and", b"$or", b"$nor", b"$expr"];

impl Matcher {
    /// Parses what `$pull` is given.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub(super) fn parse(operand: &Value, target: &Target) -> Result<Self> {
        let root = Place::root(UPDATE);
        let operator = root.word(target.operator);
        let place = operator.field(&target.path);
        let condition = || {
            let mut fields = Fields::new();
            fields.insert(Wtf8String::from(VALUE), operand.clone());
            Filter::parse(&Value::Object(fields), &place).map(Self::Condition)
        };
        match operand {
            Value::RegExp { .. } => condition(),
            Value::Object(fields) => match fields.names().first().map(Wtf8String::as_bytes) {
                Some([b'$', ..]) if !fields.names().first().is_some_and(is_logical) => condition(),
                _ => Filter::parse(operand, &place).map(Self::Objects),
            },
            _ => Ok(Self::Equal(order::bytes(operand))),
        }
    }

    /// Whether an element goes.
    pub(super) fn matches(&self, element: &Value) -> Result<bool> {
        match self {
            Self::Equal(wanted) => Ok(order::bytes(element) == *wanted),
            Self::Condition(filter) => matches_as(filter, &Wtf8String::from(VALUE), element),
            Self::Objects(filter) => match element {
                Value::Object(_) => matches(filter, element),
                _ => Ok(false),
            },
        }
    }
}

fn is_logical(name: &Wtf8String) -> bool {
    LOGICAL.contains(&name.as_bytes())
}

/// Whether a filter matches an object that has the element as its only field.
fn matches_as(filter: &Filter, name: &Wtf8String, element: &Value) -> Result<bool> {
    let mut fields = Fields::new();
    fields.insert(name.clone(), element.clone());
    matches(filter, &Value::Object(fields))
}

fn matches(filter: &Filter, object: &Value) -> Result<bool> {
    let document = value::encode(object, &NoShapes)?;
    Evaluator::new(&NoShapes).matches(filter, value::root(&document)?)
}
