//! Decoded values.

use std::sync::Arc;

use super::tags::{BinaryKind, ErrorKind};
use crate::wtf8::Wtf8String;

/// A decoded value of any type that a document can hold.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the variants are JavaScript's types")]
pub enum Value {
    Null,
    Undefined,
    Bool(bool),
    Number(f64),
    BigInt(BigInt),
    String(Wtf8String),
    /// Milliseconds since 1970; NaN for an invalid date.
    Date(f64),
    RegExp {
        source: Wtf8String,
        flags: Wtf8String,
    },
    Object(Fields),
    Array(Array),
    /// This many holes in a row; only among the items of an array.
    Holes(u32),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Error {
        kind: ErrorKind,
        fields: Fields,
    },
    Binary {
        kind: BinaryKind,
        bytes: Vec<u8>,
    },
    /// A boxed number, string, boolean or BigInt.
    Boxed(Box<Value>),
    Blob(Blob),
    /// An object that references elsewhere in the document lead to.
    Shared {
        id: u32,
        value: Box<Value>,
    },
    /// The object that is [`Value::Shared`] under this id, before or around here.
    Reference(u32),
}

/// A BigInt of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BigInt {
    /// Whether it is below zero.
    pub negative: bool,
    /// The magnitude's bytes, the least first, without zeros at the end.
    pub magnitude: Vec<u8>,
}

/// An array.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Array {
    /// The elements and holes.
    pub items: Vec<Value>,
    /// Fields besides the elements, if there are any.
    pub fields: Option<Fields>,
}

impl Array {
    /// The length as JavaScript counts it, holes included; `None` if no array can be so long.
    pub fn length(&self) -> Option<u32> {
        self.items.iter().try_fold(0u32, |length, item| {
            length.checked_add(if let Value::Holes(count) = item { *count } else { 1 })
        })
    }
}

/// A Blob or File.
#[derive(Debug, Clone, PartialEq)]
pub struct Blob {
    /// The content.
    pub bytes: Vec<u8>,
    /// The media type.
    pub media_type: Wtf8String,
    /// Name and time of last change in milliseconds since 1970, if it is a File.
    pub file: Option<(Wtf8String, f64)>,
}

/// The fields of an object, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    names: Arc<[Wtf8String]>,
    values: Vec<Value>,
}

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self { names: Arc::new([]), values: Vec::new() }
    }

    /// Fields with names that objects may share; `None` if there are not as many values.
    pub fn from_parts(names: Arc<[Wtf8String]>, values: Vec<Value>) -> Option<Self> {
        (names.len() == values.len()).then_some(Self { names, values })
    }

    /// The names, in order.
    pub fn names(&self) -> &Arc<[Wtf8String]> {
        &self.names
    }

    /// The values, in the order of the names.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }

    /// The names and values by themselves.
    pub fn into_parts(self) -> (Arc<[Wtf8String]>, Vec<Value>) {
        (self.names, self.values)
    }

    /// Each name with its value.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Wtf8String, &Value)> {
        self.names.iter().zip(&self.values)
    }

    /// The value of a field.
    pub fn get(&self, name: &Wtf8String) -> Option<&Value> {
        self.values.get(self.position(name)?)
    }

    /// The value of a field, to be changed.
    pub fn get_mut(&mut self, name: &Wtf8String) -> Option<&mut Value> {
        let position = self.position(name)?;
        self.values.get_mut(position)
    }

    /// Sets a field in its place, or appends it; returns the value it had.
    pub fn insert(&mut self, name: Wtf8String, value: Value) -> Option<Value> {
        if let Some(place) = self.get_mut(&name) {
            return Some(std::mem::replace(place, value));
        }
        self.names = self.names.iter().cloned().chain([name]).collect();
        self.values.push(value);
        None
    }

    /// Removes a field and returns its value.
    pub fn remove(&mut self, name: &Wtf8String) -> Option<Value> {
        let position = self.position(name)?;
        self.names = self.names.iter().filter(|known| *known != name).cloned().collect();
        Some(self.values.remove(position))
    }

    fn position(&self, name: &Wtf8String) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::new()
    }
}
