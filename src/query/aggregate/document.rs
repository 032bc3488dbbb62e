//! Documents on their way through a pipeline.

use std::borrow::Cow;
use std::sync::Arc;

use super::execution::View;
use crate::error::Result;
use crate::query::expression::{Expression, Scope};
use crate::query::order;
use crate::value::{
    self, FieldPath, Kind, Lookup, ShapeTable, Value, ValueRef, encode, lookup, root,
};

/// A document: as it is stored, or made by a stage.
#[derive(Debug)]
pub(super) enum Document<'a> {
    Stored(&'a [u8], &'a Arc<ShapeTable>),
    Made(Value),
}

/// A document that a stage holds back.
#[derive(Debug)]
pub(super) enum Kept {
    Stored(Box<[u8]>, Arc<ShapeTable>),
    Made(Value),
}

impl Kept {
    /// A document that refers to this one.
    pub(super) fn document(&self) -> Document<'_> {
        match self {
            Self::Stored(bytes, shapes) => Document::Stored(bytes, shapes),
            Self::Made(value) => Document::Made(value.clone()),
        }
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let inside = match self {
            Self::Stored(bytes, _) => bytes.len(),
            Self::Made(value) => crate::query::expression::weigh(value),
        };
        size_of::<Self>() + inside
    }
}

impl<'a> Document<'a> {
    /// The document as its own owner.
    pub(super) fn into_kept(self) -> Kept {
        match self {
            Self::Stored(bytes, shapes) => Kept::Stored(bytes.into(), Arc::clone(shapes)),
            Self::Made(value) => Kept::Made(value),
        }
    }

    /// The document, encoded, as its own owner.
    ///
    /// # Errors
    /// `DATA_CLONE` if it is nested deeper than 1,000.
    pub(super) fn into_encoded(self, view: View<'_>) -> Result<Kept> {
        let (shapes, bytes) = self.encoded(view)?;
        Ok(Kept::Stored(bytes.into(), Arc::clone(shapes)))
    }

    /// The document's bytes, and the shapes that they name.
    pub(super) fn encoded<'b>(
        &'b self,
        view: View<'b>,
    ) -> Result<(&'b Arc<ShapeTable>, Cow<'b, [u8]>)> {
        Ok(match self {
            Self::Stored(bytes, shapes) => (shapes, Cow::Borrowed(bytes)),
            Self::Made(value) => (view.shapes, Cow::Owned(encode(value, &**view.shapes)?)),
        })
    }

    /// The document, decoded.
    pub(super) fn into_value(self) -> Result<Value> {
        match self {
            Self::Stored(bytes, shapes) => root(bytes)?.to_value(&**shapes),
            Self::Made(value) => Ok(value),
        }
    }

    /// What expressions are evaluated against.
    pub(super) fn scope<'s>(&'s self, view: View<'s>) -> Result<Scope<'s>> {
        let scope = match self {
            Self::Stored(bytes, shapes) => Scope::encoded(root(bytes)?, &***shapes, view.now),
            Self::Made(value) => Scope::decoded(value, view.now),
        };
        Ok(scope.with_variables(view.variables))
    }

    /// Appends the document's bytes, with shapes of the main store at most.
    pub(super) fn write(self, shapes: &Arc<ShapeTable>, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Stored(bytes, own) if Arc::ptr_eq(own, shapes) => out.extend_from_slice(bytes),
            other => out.extend(encode(&other.into_value()?, &**shapes)?),
        }
        Ok(())
    }
}

/// What an accumulator or a key is made of.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Constant(Value),
    Field(FieldPath, Expression),
    Expression(Expression),
}

impl From<Expression> for Input {
    fn from(expression: Expression) -> Self {
        if let Some(value) = expression.constant() {
            return Self::Constant(value.clone());
        }
        match expression.field() {
            Some(path) if !path.segments().is_empty() => Self::Field(path.clone(), expression),
            _ => Self::Expression(expression),
        }
    }
}

impl Input {
    /// The value for a document, if that is a number of JavaScript's and stands in its place. Most
    /// of what is added up is such.
    #[inline]
    pub(super) fn number(&self, document: &Document<'_>) -> Result<Option<f64>> {
        match (self, document) {
            (Self::Constant(Value::Number(number)), _) => Ok(Some(*number)),
            (Self::Field(path, _), Document::Stored(bytes, shapes)) => {
                match lookup(root(bytes)?, path, &***shapes)? {
                    Lookup::Found(value) => value.as_number(),
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// The value for a document.
    #[inline]
    pub(super) fn of<'d>(
        &'d self,
        document: &'d Document<'_>,
        view: View<'d>,
    ) -> Result<Operand<'d>> {
        let expression = match (self, document) {
            (Self::Constant(value), _) => return Ok(Operand::Value(Cow::Borrowed(value))),
            (Self::Field(path, expression), Document::Stored(bytes, shapes)) => {
                match lookup(root(bytes)?, path, &***shapes)? {
                    Lookup::Found(value) => return Ok(Operand::Stored(value, shapes)),
                    Lookup::Missing => return Ok(Operand::Value(Cow::Owned(Value::Undefined))),
                    Lookup::ThroughArray => expression,
                }
            }
            (Self::Field(_, expression) | Self::Expression(expression), _) => expression,
        };
        let value = expression.evaluate(&document.scope(view)?)?;
        Ok(Operand::Value(Cow::Owned(value)))
    }
}

/// A value that need not be decoded.
#[derive(Debug)]
pub(super) enum Operand<'a> {
    Stored(ValueRef<'a>, &'a ShapeTable),
    Value(Cow<'a, Value>),
}

impl Operand<'_> {
    /// The number, if it is one of JavaScript's.
    #[inline]
    pub(super) fn number(&self) -> Result<Option<f64>> {
        match self {
            Self::Stored(value, _) => value.as_number(),
            Self::Value(value) => Ok(match **value {
                Value::Number(number) => Some(number),
                _ => None,
            }),
        }
    }

    /// Whether it is null, undefined or missing.
    pub(super) fn is_nullish(&self) -> Result<bool> {
        Ok(match self {
            Self::Stored(value, _) => matches!(value.kind()?, Kind::Null | Kind::Undefined),
            Self::Value(value) => matches!(**value, Value::Null | Value::Undefined),
        })
    }

    /// Whether it is undefined or missing.
    pub(super) fn is_missing(&self) -> Result<bool> {
        Ok(match self {
            Self::Stored(value, _) => value.kind()? == Kind::Undefined,
            Self::Value(value) => matches!(**value, Value::Undefined),
        })
    }

    /// Appends the bytes by which it is compared.
    #[inline]
    pub(super) fn push_order(&self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Stored(value, shapes) => order::push_ref(*value, *shapes, out)?,
            Self::Value(value) => order::push(value, out),
        }
        Ok(())
    }

    /// The value by itself.
    pub(super) fn into_value(self) -> Result<Value> {
        match self {
            Self::Stored(value, shapes) => value.to_value(shapes),
            Self::Value(value) => Ok(value.into_owned()),
        }
    }
}

/// An object of one field.
pub(super) fn object_of(name: &str, value: Value) -> Value {
    let mut fields = value::Fields::new();
    fields.insert(name.into(), value);
    Value::Object(fields)
}
