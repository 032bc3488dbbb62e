//! Documents on their way through a pipeline.

use std::borrow::Cow;
use std::sync::Arc;

use super::execution::View;
use crate::error::Result;
use crate::query::expression::{Expression, Scope};
use crate::query::order;
use crate::value::{
    self, FieldName, FieldPath, Kind, Lookup, RowEncoder, ShapeTable, Value, ValueRef, encode,
    lookup, root,
};

/// A document: as it is stored, or made by a stage.
#[derive(Debug)]
pub(super) enum Document<'a> {
    Stored(&'a [u8], &'a Arc<ShapeTable>),
    Made(Value),
    /// A stored object with documents of another store in one of its fields.
    Joined(&'a [u8], &'a Arc<ShapeTable>, Joined),
}

/// A document that a stage holds back.
#[derive(Debug)]
pub(super) enum Kept {
    Stored(Box<[u8]>, Arc<ShapeTable>),
    Made(Value),
    Joined(Arc<[u8]>, Arc<ShapeTable>, Joined),
}

/// What a join puts into a field: a list of documents, or one of them. Many documents may share it.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) field: Arc<FieldName>,
    pub(super) list: Arc<Value>,
    /// Which one, once they are unwound.
    pub(super) only: Option<usize>,
}

impl Joined {
    /// The documents of the list.
    pub(super) fn items(&self) -> &[Value] {
        match &*self.list {
            Value::Array(array) => &array.items,
            _ => &[],
        }
    }

    /// What stands in the field.
    pub(super) fn value(&self) -> &Value {
        match self.only {
            None => &self.list,
            Some(at) => self.items().get(at).unwrap_or(&Value::Undefined),
        }
    }

    /// The document with the field, decoded.
    fn decoded(&self, bytes: &[u8], shapes: &ShapeTable) -> Result<Value> {
        let mut value = root(bytes)?.to_value(shapes)?;
        if let Value::Object(fields) = &mut value {
            fields.insert(self.field.name().clone(), self.value().clone());
        }
        Ok(value)
    }
}

impl Kept {
    /// A document that refers to this one.
    pub(super) fn document(&self) -> Document<'_> {
        match self {
            Self::Stored(bytes, shapes) => Document::Stored(bytes, shapes),
            Self::Made(value) => Document::Made(value.clone()),
            Self::Joined(bytes, shapes, joined) => Document::Joined(bytes, shapes, joined.clone()),
        }
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let inside = match self {
            Self::Stored(bytes, _) => bytes.len(),
            Self::Made(value) => crate::query::expression::weigh(value),
            Self::Joined(bytes, _, joined) => {
                bytes.len() + crate::query::expression::weigh(joined.value())
            }
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
            Self::Joined(bytes, shapes, joined) => {
                Kept::Joined(bytes.into(), Arc::clone(shapes), joined)
            }
        }
    }

    /// The document, decoded if it is a joined one: for stages that look at all of it.
    pub(super) fn settled(self) -> Result<Self> {
        match self {
            Self::Joined(bytes, shapes, joined) => joined.decoded(bytes, shapes).map(Self::Made),
            other => Ok(other),
        }
    }

    /// A copy, which may share what the document holds.
    pub(super) fn copy(&self) -> Self {
        match self {
            Self::Stored(bytes, shapes) => Self::Stored(bytes, shapes),
            Self::Made(value) => Self::Made(value.clone()),
            Self::Joined(bytes, shapes, joined) => Self::Joined(bytes, shapes, joined.clone()),
        }
    }

    /// How many bytes are stored of it.
    pub(super) fn stored_len(&self) -> usize {
        match self {
            Self::Stored(bytes, _) | Self::Joined(bytes, ..) => bytes.len(),
            Self::Made(_) => 0,
        }
    }

    /// The stored bytes in which a path is to be looked up.
    #[inline]
    fn stored_at(&self, path: &FieldPath) -> Option<(&'a [u8], &'a Arc<ShapeTable>)> {
        match self {
            Self::Stored(bytes, shapes) => Some((bytes, shapes)),
            Self::Joined(bytes, shapes, joined) => {
                let first = path.segments().first();
                first.is_some_and(|name| *name != *joined.field).then_some((bytes, shapes))
            }
            Self::Made(_) => None,
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
            Self::Joined(bytes, shapes, joined) => {
                let value = joined.decoded(bytes, shapes)?;
                (view.shapes, Cow::Owned(encode(&value, &**view.shapes)?))
            }
        })
    }

    /// The document, decoded.
    pub(super) fn into_value(self) -> Result<Value> {
        match self {
            Self::Stored(bytes, shapes) => root(bytes)?.to_value(&**shapes),
            Self::Made(value) => Ok(value),
            Self::Joined(bytes, shapes, joined) => joined.decoded(bytes, shapes),
        }
    }

    /// What expressions are evaluated against.
    pub(super) fn scope<'s>(&'s self, view: View<'s>) -> Result<Scope<'s>> {
        let scope = match self {
            Self::Stored(bytes, shapes) => Scope::encoded(root(bytes)?, &***shapes, view.now),
            Self::Made(value) => Scope::decoded(value, view.now),
            Self::Joined(bytes, shapes, joined) => {
                let field = (joined.field.name(), joined.value());
                Scope::joined(root(bytes)?, &***shapes, field, view.now)
            }
        };
        Ok(scope.with_variables(view.variables).with_meter(view.meter))
    }

    /// Appends the document's bytes, with shapes of the main store at most.
    pub(super) fn write(
        self,
        shapes: &Arc<ShapeTable>,
        rows: &mut RowEncoder,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match self {
            Self::Stored(bytes, own) if Arc::ptr_eq(own, shapes) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            other => rows.push(&other.into_value()?, &**shapes, out),
        }
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
        match self {
            Self::Constant(Value::Number(number)) => Ok(Some(*number)),
            Self::Field(path, _) => {
                let Some((bytes, shapes)) = document.stored_at(path) else { return Ok(None) };
                match lookup(root(bytes)?, path, &**shapes)? {
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
        let expression = match self {
            Self::Constant(value) => return Ok(Operand::Value(Cow::Borrowed(value))),
            Self::Field(path, expression) => match document.stored_at(path) {
                Some((bytes, shapes)) => match lookup(root(bytes)?, path, &**shapes)? {
                    Lookup::Found(value) => return Ok(Operand::Stored(value, shapes)),
                    Lookup::Missing => return Ok(Operand::Value(Cow::Owned(Value::Undefined))),
                    Lookup::ThroughArray => expression,
                },
                None => expression,
            },
            Self::Expression(expression) => expression,
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

    /// Whether it is a plain value, which nothing stands inside of; a missing one is.
    pub(super) fn is_scalar(&self) -> Result<bool> {
        Ok(match self {
            Self::Stored(value, _) => matches!(
                value.kind()?,
                Kind::Null
                    | Kind::Undefined
                    | Kind::Bool
                    | Kind::Number
                    | Kind::BigInt
                    | Kind::String
                    | Kind::Date
            ),
            Self::Value(value) => matches!(
                **value,
                Value::Null
                    | Value::Undefined
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::BigInt(_)
                    | Value::String(_)
                    | Value::Date(_)
            ),
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
