//! The document that an upsert inserts, as far as the filter tells.
//!
//! Source: MongoDB manual, "Update Documents", "Upsert": a document that nobody has is made of the
//! filter's equalities, and then updated.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::MAX_PATH;
use crate::error::{Error, Result};
use crate::query::Place;
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// The document of a filter's equalities: `{ a: 1 }`, `$eq`, a single value of `$in` and `$all`,
/// all of it also inside `$and` and a single part of `$or`. Other conditions say nothing.
///
/// # Errors
/// `INVALID_QUERY`, naming its path, if two conditions are about one field, or one is about a part
/// of another one's.
pub fn document_of_filter(filter: &Value) -> Result<Value> {
    let mut root = Node::default();
    collect(filter, &Place::root("the filter"), &mut root)?;
    root.into_value()
}

fn collect(filter: &Value, place: &Place<'_>, document: &mut Node) -> Result<()> {
    let Value::Object(fields) = filter else { return Ok(()) };
    for (name, value) in fields.iter() {
        let place = place.field(name);
        match (name.as_str(), value) {
            (Some("$and"), Value::Array(list)) => {
                for (at, part) in list.items.iter().enumerate() {
                    collect(part, &place.index(at), document)?;
                }
            }
            (Some("$or"), Value::Array(list)) if list.items.len() == 1 => {
                for part in &list.items {
                    collect(part, &place.index(0), document)?;
                }
            }
            (Some(operator), _) if operator.starts_with('$') => {}
            _ => condition(name, value, &place, document)?,
        }
    }
    Ok(())
}

/// A field's condition: operators, or a value to be equal to.
fn condition(
    path: &Wtf8String,
    value: &Value,
    place: &Place<'_>,
    document: &mut Node,
) -> Result<()> {
    let Some(operators) = operators(value) else {
        return match value {
            Value::RegExp { .. } => Ok(()),
            value => document.set(path, value, place),
        };
    };
    for (operator, operand) in operators.iter() {
        let place = place.field(operator);
        match (operator.as_str(), operand) {
            (Some("$eq"), value) => document.set(path, value, &place)?,
            (Some("$in"), Value::Array(list)) => {
                if let [value] = list.items.as_slice()
                    && is_value(value)
                {
                    document.set(path, value, &place)?;
                }
            }
            (Some("$all"), Value::Array(list)) => {
                for (at, value) in list.items.iter().enumerate().filter(|(_, item)| is_value(item))
                {
                    document.set(path, value, &place.index(at))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether it is compared with, rather than a condition.
fn is_value(value: &Value) -> bool {
    !matches!(value, Value::RegExp { .. }) && operators(value).is_none()
}

fn operators(value: &Value) -> Option<&Fields> {
    let Value::Object(fields) = value else { return None };
    let first = fields.names().first()?;
    (first.as_bytes().first() == Some(&b'$')).then_some(fields)
}

/// An object that is being put together.
#[derive(Default)]
struct Node {
    places: HashMap<Wtf8String, usize>,
    fields: Vec<(Wtf8String, Spot)>,
}

enum Spot {
    /// What a condition says.
    Value(Value),
    /// What is on the way to it.
    Inner(Node),
}

impl Node {
    fn set(&mut self, path: &Wtf8String, value: &Value, place: &Place<'_>) -> Result<()> {
        if matches!(value, Value::Undefined) {
            return Ok(());
        }
        let names: Vec<Wtf8String> = path
            .as_bytes()
            .split(|byte| *byte == b'.')
            .filter_map(Wtf8String::from_bytes)
            .collect();
        let Some((last, around)) = names.split_last() else { return Ok(()) };
        if around.len() >= MAX_PATH {
            return Err(place.invalid("the path has more than 100 names"));
        }
        let mut node = self;
        for name in around {
            node = match node.spot(name, || Spot::Inner(Self::default())) {
                (Spot::Inner(node), _) => node,
                (Spot::Value(_), _) => return Err(twice(place)),
            };
        }
        match node.spot(last, || Spot::Value(value.clone())) {
            (_, true) => Ok(()),
            (_, false) => Err(twice(place)),
        }
    }

    /// A field, and whether it was made now.
    fn spot(&mut self, name: &Wtf8String, make: impl FnOnce() -> Spot) -> (&mut Spot, bool) {
        let fields = &mut self.fields;
        let (at, is_new) = match self.places.entry(name.clone()) {
            Entry::Occupied(place) => (*place.get(), false),
            Entry::Vacant(place) => {
                place.insert(fields.len());
                fields.push((name.clone(), make()));
                (fields.len() - 1, true)
            }
        };
        #[expect(clippy::indexing_slicing, reason = "places are of the fields there are")]
        (&mut fields[at].1, is_new)
    }

    fn into_value(self) -> Result<Value> {
        let (names, spots): (Vec<_>, Vec<_>) = self.fields.into_iter().unzip();
        let values: Vec<Value> = spots
            .into_iter()
            .map(|spot| match spot {
                Spot::Value(value) => Ok(value),
                Spot::Inner(node) => node.into_value(),
            })
            .collect::<Result<_>>()?;
        let fields = Fields::from_parts(names.into(), values);
        Ok(Value::Object(fields.ok_or_else(|| Error::corrupt("names without values"))?))
    }
}

fn twice(place: &Place<'_>) -> Error {
    place.invalid(
        "no document to insert can be made of the filter, which says what stands here, or around \
         or inside it, more than once",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::query::notation::value;

    fn made(filter: &str) -> String {
        document_of_filter(&value(filter)).map_or_else(
            |error| error.context().path.clone().unwrap_or_default(),
            |document| format!("{document:?}"),
        )
    }

    fn is(filter: &str, document: &str) {
        assert_eq!(made(filter), format!("{:?}", value(document)), "{filter}");
    }

    #[test]
    fn equalities_are_taken() {
        is("{}", "{}");
        is("{'a': 1, 'b': {'$eq': 2}, 'c': {'d': 3}}", "{'a': 1, 'b': 2, 'c': {'d': 3}}");
        is(
            "{'$and': [{'a': 1}, {'$and': [{'b': null}]}], '$or': [{'c': 1}]}",
            "{'a': 1, 'b': null, 'c': 1}",
        );
        is("{'a': {'$in': [1]}, 'b': {'$all': [[2]]}, 'c': [3]}", "{'a': 1, 'b': [2], 'c': [3]}");
        is(
            "{'b.y': 1, 'a': 2, 'b.x': 3, 'd.0': 4}",
            "{'b': {'y': 1, 'x': 3}, 'a': 2, 'd': {'0': 4}}",
        );
        is("{'a': {'$eq': 1, '$gt': 0}}", "{'a': 1}");
    }

    #[test]
    fn other_conditions_say_nothing() {
        is("{'a': {'$gt': 1}, 'b': {'$in': [1, 2]}, 'c': {'$exists': true}}", "{}");
        is("{'$or': [{'a': 1}, {'b': 1}], '$nor': [{'a': 1}], '$expr': true}", "{}");
        is("{'a': {'$not': {'$eq': 1}}, 'b': {'$all': [{'$elemMatch': {'x': 1}}]}}", "{}");
    }

    #[test]
    fn what_is_said_twice_is_refused() {
        assert_eq!(made("{'$and': [{'a': 1}, {'a': 1}]}"), "$and.1.a");
        assert_eq!(made("{'a': {'x': 1}, 'a.y': 2}"), "a.y");
        assert_eq!(made("{'a.y': 2, 'a': {'x': 1}}"), "a");
        assert_eq!(made("{'a': {'$all': [1, 2]}}"), "a.$all.1");
        assert_eq!(made(&format!("{{'{}': 1}}", ["a"; 200].join("."))), ["a"; 200].join("."));
    }
}
