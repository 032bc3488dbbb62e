//! Constants of filters, prepared for being compared with values in many documents.

use std::cmp::Ordering;
use std::sync::Arc;

use super::strings::Strings;
use crate::collation::Collation;
use crate::error::Result;
use crate::query::order::{self, Class};
use crate::value::{self, ShapeSource, Text, Value, ValueRef};

/// A value that a filter compares with.
#[derive(Debug, Clone)]
pub struct Constant {
    value: Value,
    class: Class,
    /// As [`order::push_under`] writes it.
    order: Box<[u8]>,
    /// What strings are compared by; `None`, too, if there are none in the value.
    collation: Option<Arc<Collation>>,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Null,
    Number(f64),
    /// The string as documents have it, and its code units if all are below 256.
    Text {
        encoded: Box<[u8]>,
        latin1: Option<Box<[u8]>>,
    },
    Other,
}

impl Constant {
    /// Prepares a value.
    pub fn new(value: Value) -> Self {
        let order = order::bytes(&value).into_boxed_slice();
        let form = match &value {
            Value::Null | Value::Undefined => Form::Null,
            Value::Number(number) => Form::Number(*number),
            Value::BigInt(_) => match crate::key::as_exact_number(&order) {
                Some(number) => Form::Number(number),
                None => Form::Other,
            },
            Value::String(text) => {
                let mut encoded = Vec::with_capacity(text.as_bytes().len() + 5);
                value::push_text(&mut encoded, text);
                let latin1 = match value::root(&encoded).and_then(ValueRef::as_text) {
                    Ok(Some(Text::Latin1(bytes))) => Some(bytes.into()),
                    _ => None,
                };
                Form::Text { encoded: encoded.into(), latin1 }
            }
            _ => Form::Other,
        };
        Self { class: Class::of(&value), order, collation: None, form, value }
    }

    /// The same value, compared under a collation.
    #[must_use]
    pub fn under(self, collation: &Arc<Collation>) -> Self {
        if !has_strings(&self.value) {
            return self;
        }
        Self {
            order: order::bytes_under(Some(collation), &self.value).into_boxed_slice(),
            collation: Some(Arc::clone(collation)),
            form: Form::Other,
            ..self
        }
    }

    /// The order of strings in which it compares.
    pub fn strings(&self) -> Strings {
        if has_strings(&self.value) { Strings::Only(self.collation.clone()) } else { Strings::Any }
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What it can be compared with.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Its bytes in the order of all values.
    pub fn order(&self) -> &[u8] {
        &self.order
    }

    /// Whether it is null, which nothing equals, too.
    pub fn is_null(&self) -> bool {
        matches!(self.form, Form::Null)
    }

    /// Whether it is NaN, which is neither less nor greater than any number.
    pub fn is_nan(&self) -> bool {
        matches!(self.form, Form::Number(number) if number.is_nan())
    }

    /// Whether a value equals it.
    ///
    /// # Errors
    /// `CORRUPT`, `RESOURCE_LIMIT`, as [`order::push_ref`].
    #[inline(always)]
    pub fn equals<S: ShapeSource + ?Sized>(&self, value: ValueRef<'_>, shapes: &S) -> Result<bool> {
        match &self.form {
            Form::Number(number) => {
                if let Some(found) = value.as_number()? {
                    return Ok(found == *number || found.is_nan() && number.is_nan());
                }
            }
            Form::Text { encoded, .. } => return Ok(value.starts_with(encoded)),
            Form::Null | Form::Other => {}
        }
        if Class::of_ref(value)? != self.class {
            return Ok(false);
        }
        let mut order = Vec::new();
        order::push_ref_under(self.collation.as_deref(), value, shapes, &mut order)?;
        Ok(*order == *self.order)
    }

    /// How a value compares with it; `None` for another class, and for NaN with another number.
    ///
    /// # Errors
    /// As [`Constant::equals`].
    #[inline(always)]
    pub fn compare<S: ShapeSource + ?Sized>(
        &self,
        value: ValueRef<'_>,
        shapes: &S,
    ) -> Result<Option<Ordering>> {
        match &self.form {
            Form::Number(number) => {
                if let Some(found) = value.as_number()? {
                    let both = found.is_nan() && number.is_nan();
                    return Ok(if both {
                        Some(Ordering::Equal)
                    } else {
                        found.partial_cmp(number)
                    });
                }
                if number.is_nan() {
                    return Ok(None);
                }
            }
            Form::Text { latin1: Some(latin1), .. } => {
                if let Some(Text::Latin1(found)) = value.as_text()? {
                    return Ok(Some(found.cmp(latin1)));
                }
            }
            Form::Text { latin1: None, .. } | Form::Null | Form::Other => {}
        }
        if Class::of_ref(value)? != self.class {
            return Ok(None);
        }
        if value.as_number()?.is_some_and(f64::is_nan) {
            return Ok(None);
        }
        let mut order = Vec::new();
        order::push_ref_under(self.collation.as_deref(), value, shapes, &mut order)?;
        Ok(Some((*order).cmp(&self.order)))
    }
}

/// Whether a string is compared when something is compared with a value.
fn has_strings(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(array) => array.items.iter().any(has_strings),
        Value::Object(fields) => fields.values().iter().any(has_strings),
        Value::Null | Value::Undefined | Value::Holes(_) | Value::Bool(_) | Value::Number(_) => {
            false
        }
        Value::BigInt(_) | Value::Date(_) | Value::Binary { .. } | Value::RegExp { .. } => false,
        // Rare; it may be.
        _ => true,
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order && self.collation == other.collation
    }
}
