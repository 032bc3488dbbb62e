//! The commonest updates, of one number or other small value in a field: written over in the
//! encoded document, without decoding it.
//!
//! Only where the document is an object of a shape and the new value takes as many bytes as the old
//! one, so that nothing in the document moves. Everything else goes the usual way, and so does what
//! would be an error.

use super::Update;
use super::leaf::Leaf;
use super::operator::Operator;
use super::tree::Node;
use crate::error::Result;
use crate::value::{self, FieldName, NoShapes, PlainField, ShapeSource, Value};

/// What became of a document.
#[derive(Debug, PartialEq)]
pub enum InPlace {
    /// It stays as it is.
    Unchanged,
    /// It becomes this.
    Document(Vec<u8>),
    /// That has to be found out by [`Update::apply`].
    Unknown,
}

/// A change of one field.
#[derive(Debug)]
pub(super) struct SingleField {
    name: FieldName,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Add(f64),
    Multiply(f64),
    /// To the value that has these bytes.
    Set(Vec<u8>),
}

impl SingleField {
    /// The change that a tree is, if it is nothing else.
    pub(super) fn of(tree: &Node) -> Option<Self> {
        let Node::Fields(fields) = tree else { return None };
        let mut fields = fields.iter();
        let (Some((name, Node::Leaf(leaf))), None) = (fields.next(), fields.next()) else {
            return None;
        };
        Some(Self { name: FieldName::new(name.text.clone()), change: Change::of(leaf)? })
    }
}

impl Change {
    fn of(leaf: &Leaf) -> Option<Self> {
        Some(match &leaf.operator {
            Operator::Inc(Value::Number(by)) => Self::Add(*by),
            Operator::Mul(Value::Number(by)) => Self::Multiply(*by),
            Operator::Set(
                new @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Date(_)
                | Value::String(_)),
            ) => Self::Set(value::encode(new, &NoShapes).ok()?),
            _ => return None,
        })
    }
}

impl Update {
    /// Applies the update to a stored document if that can be done in its bytes.
    ///
    /// # Errors
    /// `CORRUPT` for damaged documents.
    pub fn apply_in_place<S: ShapeSource + ?Sized>(
        &self,
        document: &[u8],
        shapes: &S,
    ) -> Result<InPlace> {
        let Some(SingleField { name, change }) = &self.single else {
            return Ok(InPlace::Unknown);
        };
        let Some(field) = PlainField::find(document, name, shapes)? else {
            return Ok(InPlace::Unknown);
        };
        let calculated;
        let new = match change {
            Change::Set(new) => new,
            Change::Add(by) | Change::Multiply(by) => {
                let Some(number) = field.value().as_number()? else {
                    return Ok(InPlace::Unknown);
                };
                let is_sum = matches!(change, Change::Add(_));
                let result = if is_sum { number + by } else { number * by };
                calculated = value::encode_number(result);
                &calculated
            }
        };
        if field.bytes() == new {
            return Ok(InPlace::Unchanged);
        }
        Ok(field.replaced(new).map_or(InPlace::Unknown, InPlace::Document))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::update::Context;
    use crate::value::{BigInt, Fields, ShapeTable};
    use crate::wtf8::Wtf8String;

    fn object(fields: &[(&str, Value)]) -> Value {
        let mut object = Fields::new();
        for (name, value) in fields {
            object.insert(Wtf8String::from(*name), value.clone());
        }
        Value::Object(object)
    }

    fn values() -> Vec<Value> {
        let numbers = [0.0, -0.0, 1.0, 5.0, 63.0, 64.0, -1.0, -256.0, 300.0, 70_000.0, 0.5];
        let numbers = numbers.into_iter().chain([2_f64.powi(53), f64::NAN, f64::INFINITY]);
        let others = [
            Value::Null,
            Value::Undefined,
            Value::Bool(true),
            Value::Bool(false),
            Value::Date(5.0),
            Value::String("".into()),
            Value::String("ab".into()),
            Value::String("cd".into()),
            Value::BigInt(BigInt { negative: false, magnitude: vec![1] }),
            object(&[("x", Value::Null)]),
        ];
        numbers.map(Value::Number).chain(others).collect()
    }

    /// Every update of every value comes to the same in both ways.
    #[test]
    fn comes_to_what_the_usual_way_comes_to() {
        let mut shapes = ShapeTable::new();
        shapes.add(0, ["a", "b", "c"].map(Wtf8String::from).to_vec()).unwrap();
        let context = Context { now: 0.0, stored: None };
        let (mut done, mut unchanged) = (0, 0);
        for old in values() {
            let before =
                object(&[("a", Value::String("first".into())), ("b", old), ("c", Value::Null)]);
            let stored = value::encode(&before, &shapes).unwrap();
            for operator in ["$inc", "$mul", "$set", "$unset"] {
                for operand in values() {
                    let update = object(&[(operator, object(&[("b", operand)]))]);
                    let Ok(update) = Update::parse(&update, None) else { continue };
                    let mut usual = before.clone();
                    let changed = update.apply(&mut usual, &context);
                    match update.apply_in_place(&stored, &shapes).unwrap() {
                        InPlace::Unknown => {}
                        InPlace::Unchanged => {
                            assert!(!changed.unwrap());
                            unchanged += 1;
                        }
                        InPlace::Document(document) => {
                            assert!(changed.unwrap());
                            assert_eq!(document, value::encode(&usual, &shapes).unwrap());
                            done += 1;
                        }
                    }
                }
            }
        }
        assert!(done > 80 && unchanged > 20, "{done} {unchanged}");
    }

    #[test]
    fn leaves_everything_else_to_the_usual_way() {
        let shapes = ShapeTable::new();
        let stored = value::encode(&object(&[("a", Value::Number(1.0))]), &shapes).unwrap();
        let one = || object(&[("a", Value::Number(1.0))]);
        for update in [
            object(&[("$inc", one())]),
            object(&[("$inc", object(&[("a.b", Value::Number(1.0))]))]),
            object(&[("$inc", one()), ("$set", object(&[("c", Value::Null)]))]),
            object(&[("$max", one())]),
        ] {
            let update = Update::parse(&update, None).unwrap();
            assert_eq!(update.apply_in_place(&stored, &shapes).unwrap(), InPlace::Unknown);
        }
    }
}
