//! Projections: which fields of a document are wanted.

use std::collections::HashMap;
use std::sync::Arc;

use super::nearest::Measures;
use crate::error::Result;
use crate::query::Place;
use crate::query::nearest::Measure;
use crate::value::{
    Array, FieldName, Fields, Kind, MAX_DEPTH, ShapeTable, Value, ValueRef, encode,
};
use crate::wtf8::Wtf8String;

/// The most fields that may be named.
const MAX_FIELDS: usize = 10_000;
/// How many names a path may have.
const MAX_SEGMENTS: usize = 100;

/// Of more names than this, one is found by its hash.
const FEW: usize = 16;

/// Which fields are wanted, or which are not.
#[derive(Debug, Clone)]
pub struct Projection {
    include: bool,
    fields: Node,
    /// Fields that get what a search tells of the document.
    measures: Vec<(Wtf8String, Measure)>,
}

/// Fields that are named, each with those that are named inside; with none, the field as a whole.
#[derive(Debug, Clone, Default)]
struct Node {
    fields: Vec<(FieldName, Node)>,
    /// Places of the names, if there are many.
    places: HashMap<Wtf8String, usize>,
}

impl Projection {
    /// Parses what `select()` takes: `'a'`, `['a', 'b.c']`, `{ a: 1 }`, or `{ a: 0 }`; in an object
    /// also `{ score: { $meta: 'vectorSearchScore' } }`.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub fn parse(value: &Value, place: &Place<'_>) -> Result<Option<Self>> {
        let mut fields = Node::default();
        let mut include = None;
        let mut measures = Vec::new();
        match value {
            Value::Undefined | Value::Null => return Ok(None),
            Value::String(name) => fields.add(name, place)?,
            Value::Array(array) => {
                for (at, item) in array.items.iter().enumerate() {
                    let place = place.index(at);
                    let Value::String(name) = item else {
                        return Err(place.invalid("it has to be the name of a field"));
                    };
                    fields.add(name, &place)?;
                }
            }
            Value::Object(object) => {
                for (name, value) in object.iter() {
                    let place = place.field(name);
                    if let Some(measure) = Measure::parse(value, &place)? {
                        let bytes = name.as_bytes();
                        if bytes.is_empty() || bytes.starts_with(b"$") || bytes.contains(&b'.') {
                            let why = "a field that is made has a name without $ and dots";
                            return Err(place.invalid(why));
                        }
                        measures.push((name.clone(), measure));
                        continue;
                    }
                    let wanted = match value {
                        Value::Bool(wanted) => *wanted,
                        Value::Number(number) => *number != 0.0,
                        _ => return Err(place.invalid("it has to be 1 or 0")),
                    };
                    if *include.get_or_insert(wanted) != wanted {
                        let why = "fields are either all selected or all left out";
                        return Err(place.invalid(why));
                    }
                    fields.add(name, &place)?;
                }
            }
            _ => return Err(place.invalid("it has to be a list of fields, or { name: 1 }")),
        }
        if fields.is_empty() && measures.is_empty() && !matches!(value, Value::Array(_)) {
            return Ok(None);
        }
        // Of an object that names no field, all of the document's stay.
        let include = include.unwrap_or(measures.is_empty());
        Ok(Some(Self { include, fields, measures }))
    }

    /// Whether it tells what a search found of a document.
    pub fn measures(&self) -> bool {
        !self.measures.is_empty()
    }

    /// The document with the fields that are wanted, encoded.
    ///
    /// # Errors
    /// `CORRUPT`; `RESOURCE_LIMIT` for values that contain themselves.
    pub fn apply(
        &self,
        document: ValueRef<'_>,
        measures: Option<Measures>,
        shapes: &ShapeTable,
    ) -> Result<Vec<u8>> {
        let mut projected = if self.include && self.fields.is_empty() {
            Value::Object(Fields::new())
        } else if self.include {
            included(document, &self.fields, shapes, 0)?
                .unwrap_or_else(|| Value::Object(Fields::new()))
        } else {
            let mut whole = document.to_value(shapes)?;
            self.fields.remove_from(&mut whole);
            whole
        };
        if let (Value::Object(fields), Some(found)) = (&mut projected, measures) {
            for (name, measure) in &self.measures {
                fields.insert(name.clone(), Value::Number(found.get(*measure)));
            }
        }
        encode(&projected, shapes)
    }
}

impl Node {
    fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn place(&self, name: &Wtf8String) -> Option<usize> {
        if self.fields.len() > FEW {
            return self.places.get(name).copied();
        }
        self.fields.iter().position(|(known, _)| known.name() == name)
    }

    /// What is named inside of a field that is named.
    fn get(&self, name: &Wtf8String) -> Option<&Node> {
        self.fields.get(self.place(name)?).map(|(_, inner)| inner)
    }

    /// Adds a field; returns its place.
    fn push(&mut self, name: &Wtf8String) -> usize {
        let place = self.fields.len();
        self.fields.push((FieldName::new(name.clone()), Self::default()));
        if place == FEW {
            let names = self.fields.iter().map(|(name, _)| name.name().clone());
            self.places = names.zip(0..).collect();
        } else if place > FEW {
            self.places.insert(name.clone(), place);
        }
        place
    }

    fn add(&mut self, path: &Wtf8String, place: &Place<'_>) -> Result<()> {
        let names: Vec<_> = path
            .as_bytes()
            .split(|byte| *byte == b'.')
            .filter_map(Wtf8String::from_bytes)
            .collect();
        if path.is_empty() || path.as_bytes().first() == Some(&b'$') {
            return Err(place.invalid("it names no field"));
        }
        if names.len() > MAX_SEGMENTS || self.fields.len() >= MAX_FIELDS {
            return Err(place.invalid("it has too many names"));
        }
        let mut node = self;
        for (at, name) in names.iter().enumerate() {
            let known = node.place(name);
            let last = at + 1 == names.len();
            if let Some((_, inner)) = known.and_then(|known| node.fields.get(known))
                && (last || inner.is_empty())
            {
                return Err(place.invalid("a field, and one inside it, are named both"));
            }
            let known = known.unwrap_or_else(|| node.push(name));
            let Some((_, inner)) = node.fields.get_mut(known) else { return Ok(()) };
            node = inner;
        }
        Ok(())
    }

    fn remove_from(&self, value: &mut Value) {
        match value {
            Value::Object(fields) | Value::Error { fields, .. } => {
                let named = |name: &Wtf8String| self.get(name);
                if fields.names().iter().any(|name| named(name).is_some_and(Self::is_empty)) {
                    let (names, values) = std::mem::take(fields).into_parts();
                    let stays = names.iter().map(|name| !named(name).is_some_and(Self::is_empty));
                    let (names, values): (Vec<_>, Vec<_>) = stays
                        .zip(names.iter().cloned().zip(values))
                        .filter_map(|(stays, field)| stays.then_some(field))
                        .unzip();
                    *fields = Fields::from_parts(names.into(), values).unwrap_or_default();
                }
                let names = Arc::clone(fields.names());
                for (name, value) in names.iter().zip(fields.values_mut()) {
                    if let Some(inner) = named(name) {
                        inner.remove_from(value);
                    }
                }
            }
            Value::Array(array) => array.items.iter_mut().for_each(|item| self.remove_from(item)),
            _ => {}
        }
    }
}

/// The named fields of a value: of an object in its own order, of an array those of its objects;
/// `None` if it has no fields at all.
fn included(
    value: ValueRef<'_>,
    node: &Node,
    shapes: &ShapeTable,
    depth: usize,
) -> Result<Option<Value>> {
    if node.is_empty() {
        return value.to_value(shapes).map(Some);
    }
    match value.kind()? {
        Kind::Object => {
            let mut found = Vec::with_capacity(node.fields.len().min(64));
            let mut take = |name: &Wtf8String, position, field, inner| -> Result<()> {
                if let Some(field) = included(field, inner, shapes, depth + 1)? {
                    found.push((position, name.clone(), field));
                }
                Ok(())
            };
            if node.fields.len() > FEW {
                value.each_field(shapes, |position, name, field| match node.get(name) {
                    Some(inner) => take(name, position, field, inner),
                    None => Ok(()),
                })?;
            } else {
                for (name, inner) in &node.fields {
                    if let Some((position, field)) = value.placed_field(name, shapes)? {
                        take(name.name(), position, field, inner)?;
                    }
                }
            }
            found.sort_by_key(|(position, ..)| *position);
            let (names, values): (Vec<_>, Vec<_>) =
                found.into_iter().map(|(_, name, field)| (name, field)).unzip();
            Ok(Fields::from_parts(names.into(), values).map(Value::Object))
        }
        Kind::Array if depth < MAX_DEPTH => {
            let mut items = Vec::new();
            for element in value.elements(shapes)?.into_iter().flatten() {
                items.extend(included(element?.1, node, shapes, depth + 1)?);
            }
            Ok(Some(Value::Array(Array { items, fields: None })))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::value;

    fn value(text: &str) -> Value {
        fn convert(json: &serde_json::Value) -> Value {
            match json {
                serde_json::Value::Object(object) => {
                    let mut fields = Fields::new();
                    for (name, inner) in object {
                        fields.insert(name.as_str().into(), convert(inner));
                    }
                    Value::Object(fields)
                }
                serde_json::Value::Array(items) => {
                    let items = items.iter().map(convert).collect();
                    Value::Array(Array { items, fields: None })
                }
                serde_json::Value::String(text) => Value::String(text.as_str().into()),
                other => Value::Number(other.as_f64().unwrap()),
            }
        }
        convert(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn selects_and_leaves_out() {
        let shapes = ShapeTable::new();
        let document = value(r#"{"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, 6]}"#);
        let bytes = value::encode(&document, &shapes).unwrap();
        let cases = [
            (r#"["b.c", "a"]"#, r#"{"a": 1, "b": {"c": 2}}"#),
            (r#""a""#, r#"{"a": 1}"#),
            (r#"{"e.f": 1, "x": 1}"#, r#"{"e": [{"f": 4}]}"#),
            (r#"["a.x"]"#, "{}"),
            ("[]", "{}"),
            (r#"{"b": 0, "e.g": 0}"#, r#"{"a": 1, "e": [{"f": 4}, 6]}"#),
        ];
        for (selection, expected) in cases {
            let place = Place::root("select");
            let projection = Projection::parse(&value(selection), &place).unwrap().unwrap();
            let projected = projection.apply(value::root(&bytes).unwrap(), None, &shapes).unwrap();
            assert_eq!(value::decode(&projected, &shapes).unwrap(), value(expected), "{selection}");
        }
        // Of many names, too.
        let names = |count: usize, prefix: &str| -> Vec<_> {
            (0..count).map(|at| format!("{prefix}{at}")).collect()
        };
        let object = |names: &[String], field: &dyn Fn(usize) -> Value| {
            let fields = (0..).zip(names).map(|(at, _)| field(at)).collect();
            let names: Vec<_> = names.iter().map(|name| Wtf8String::from(&**name)).collect();
            Value::Object(Fields::from_parts(names.into(), fields).unwrap())
        };
        let number = |at: usize| Value::Number(at as f64);
        let inner = object(&names(300, "c"), &number);
        let document =
            object(&names(300, "f"), &|at| if at == 7 { inner.clone() } else { number(at) });
        let bytes = value::encode(&document, &shapes).unwrap();
        let mut paths: Vec<_> = names(100, "f").into_iter().filter(|name| name != "f7").collect();
        paths.extend(names(200, "f7.c"));
        let project = |selected: bool| {
            let selection = object(&paths, &|_| Value::Bool(selected));
            let projection =
                Projection::parse(&selection, &Place::root("select")).unwrap().unwrap();
            let projected = projection.apply(value::root(&bytes).unwrap(), None, &shapes).unwrap();
            let Value::Object(fields) = value::decode(&projected, &shapes).unwrap() else {
                panic!()
            };
            let Some(Value::Object(inner)) = fields.get(&"f7".into()) else { panic!() };
            let named = |fields: &Fields| -> Vec<_> {
                fields.names().iter().map(ToString::to_string).collect()
            };
            assert_eq!(fields.get(&"f299".into()).is_some(), !selected);
            (named(&fields), named(inner))
        };
        assert_eq!(project(true), (names(100, "f"), names(200, "c")));
        let mut rest = names(300, "f").split_off(100);
        rest.insert(0, "f7".to_owned());
        assert_eq!(project(false), (rest, names(300, "c").split_off(200)));
        for refused in [r#"{"a": 1, "b": 0}"#, r#"["a", "a.b"]"#, r#"["a", "a"]"#, "[1]", r#"[""]"#]
        {
            let parsed = Projection::parse(&value(refused), &Place::root("select"));
            assert!(parsed.is_err(), "{refused}");
        }
    }
}
