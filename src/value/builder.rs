//! Decoding documents into [`Value`]s.

use std::collections::HashMap;
use std::sync::Arc;

use super::bytes::damaged;
use super::model::{Array, BigInt, Blob, Fields, Value};
use super::shape::ShapeSource;
use super::tags::{ErrorKind, WITH_REFERENCES};
use super::text::Text;
use super::walk::{Boxed, Container, Leaf, Visitor, walk};
use crate::error::Result;
use crate::wtf8::Wtf8String;

/// Decodes a document.
///
/// # Errors
/// `CORRUPT` as [`super::validate`].
pub fn decode<S: ShapeSource + ?Sized>(doc: &[u8], shapes: &S) -> Result<Value> {
    let mut root = doc;
    let mut shared = HashMap::new();
    if let [WITH_REFERENCES, rest @ ..] = doc {
        root = rest;
        let mut targets = Targets(Vec::new());
        walk(doc, shapes, &mut targets)?;
        targets.0.sort_unstable();
        targets.0.dedup();
        shared.extend(targets.0.into_iter().zip(0..));
    }
    let mut builder = Builder { root, shared, names: Vec::new(), open: Vec::new(), done: None };
    walk(doc, shapes, &mut builder)?;
    builder.done.ok_or_else(|| damaged("it has no value"))
}

/// Notes what references lead to.
struct Targets(Vec<usize>);

impl<'a> Visitor<'a> for Targets {
    fn leaf(&mut self, _at: usize, leaf: Leaf<'a>) -> Result<()> {
        if let Leaf::Reference { target } = leaf {
            self.0.push(target);
        }
        Ok(())
    }

    fn begin(&mut self, _at: usize, _container: Container<'a>) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

struct Builder<'a> {
    /// The root value's bytes.
    root: &'a [u8],
    /// The ids of objects that references lead to, by offset.
    shared: HashMap<usize, u32>,
    /// The names of inline objects, by the offset of the first, in order.
    names: Vec<(usize, Arc<[Wtf8String]>)>,
    open: Vec<Open>,
    done: Option<Value>,
}

/// A container whose values are being collected.
struct Open {
    at: usize,
    kind: OpenKind,
    values: Vec<Value>,
}

enum OpenKind {
    Object(Arc<[Wtf8String]>),
    Array,
    NamedArray,
    Map,
    Set,
    Error(ErrorKind),
}

impl<'a> Visitor<'a> for Builder<'a> {
    fn leaf(&mut self, at: usize, leaf: Leaf<'a>) -> Result<()> {
        let value = match leaf {
            Leaf::Null => Value::Null,
            Leaf::Undefined => Value::Undefined,
            Leaf::Bool(bool) => Value::Bool(bool),
            Leaf::Number(number) => Value::Number(number),
            Leaf::BigInt(bigint) => Value::BigInt(bigint.into()),
            Leaf::Text(text) => Value::String(text.to_wtf8()),
            Leaf::Date(time) => Value::Date(time),
            Leaf::RegExp { source, flags } => {
                Value::RegExp { source: source.to_wtf8(), flags: flags.to_wtf8() }
            }
            Leaf::Binary { kind, bytes } => Value::Binary { kind, bytes: bytes.to_vec() },
            Leaf::Boxed(primitive) => Value::Boxed(Box::new(match primitive {
                Boxed::Bool(bool) => Value::Bool(bool),
                Boxed::Number(number) => Value::Number(number),
                Boxed::Text(text) => Value::String(text.to_wtf8()),
                Boxed::BigInt(bigint) => Value::BigInt(bigint.into()),
            })),
            Leaf::Blob { bytes, media_type, file } => Value::Blob(Blob {
                bytes: bytes.to_vec(),
                media_type: media_type.to_wtf8(),
                file: file.map(|(name, time)| (name.to_wtf8(), time)),
            }),
            Leaf::Holes(count) => Value::Holes(count),
            Leaf::Reference { target } => match self.shared.get(&target) {
                Some(id) => Value::Reference(*id),
                None => return Err(damaged("a reference leads nowhere")),
            },
        };
        self.add(at, value);
        Ok(())
    }

    fn begin(&mut self, at: usize, container: Container<'a>) -> Result<()> {
        let kind = match container {
            Container::Shaped(shape) => OpenKind::Object(shape.names().clone()),
            Container::Inline { names, count } => OpenKind::Object(self.names_at(names, count)?),
            Container::Array => OpenKind::Array,
            Container::NamedArray => OpenKind::NamedArray,
            Container::Map => OpenKind::Map,
            Container::Set => OpenKind::Set,
            Container::Error(kind) => OpenKind::Error(kind),
        };
        self.open.push(Open { at, kind, values: Vec::new() });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let Some(Open { at, kind, values }) = self.open.pop() else {
            return Err(damaged("it ends too early"));
        };
        let incomplete = || damaged("a value has other parts than it needs");
        let value = match kind {
            OpenKind::Object(names) => {
                Value::Object(Fields::from_parts(names, values).ok_or_else(incomplete)?)
            }
            OpenKind::Array => Value::Array(Array { items: merge_holes(values), fields: None }),
            OpenKind::NamedArray => match <[Value; 2]>::try_from(values) {
                Ok([Value::Array(array), Value::Object(fields)]) => {
                    Value::Array(Array { items: array.items, fields: Some(fields) })
                }
                _ => return Err(incomplete()),
            },
            OpenKind::Map => {
                let mut entries = Vec::with_capacity(values.len() / 2);
                let mut values = values.into_iter();
                while let (Some(key), Some(value)) = (values.next(), values.next()) {
                    entries.push((key, value));
                }
                Value::Map(entries)
            }
            OpenKind::Set => Value::Set(values),
            OpenKind::Error(kind) => match <[Value; 1]>::try_from(values) {
                Ok([Value::Object(fields)]) => Value::Error { kind, fields },
                _ => return Err(incomplete()),
            },
        };
        self.add(at, value);
        Ok(())
    }
}

impl Builder<'_> {
    fn add(&mut self, at: usize, value: Value) {
        let value = match self.shared.get(&at) {
            Some(id) => Value::Shared { id: *id, value: Box::new(value) },
            None => value,
        };
        match self.open.last_mut() {
            Some(open) => open.values.push(value),
            None => self.done = Some(value),
        }
    }

    fn names_at(&mut self, at: usize, count: usize) -> Result<Arc<[Wtf8String]>> {
        let place = self.names.partition_point(|(known, _)| *known < at);
        if let Some((known, names)) = self.names.get(place)
            && *known == at
        {
            return Ok(names.clone());
        }
        let mut names = Vec::with_capacity(count);
        let mut next = at;
        for _ in 0..count {
            let (name, end) = Text::read(self.root, next)?;
            names.push(name.to_wtf8());
            next = end;
        }
        let names: Arc<[Wtf8String]> = names.into();
        self.names.insert(place, (at, names.clone()));
        Ok(names)
    }
}

/// Joins neighbouring holes.
fn merge_holes(values: Vec<Value>) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        match (items.last_mut(), value) {
            (Some(Value::Holes(count)), Value::Holes(more)) => *count = count.saturating_add(more),
            (_, value) => items.push(value),
        }
    }
    items
}

impl From<super::bigint::BigIntRef<'_>> for BigInt {
    fn from(bigint: super::bigint::BigIntRef<'_>) -> Self {
        Self { negative: bigint.negative, magnitude: bigint.magnitude.to_vec() }
    }
}
