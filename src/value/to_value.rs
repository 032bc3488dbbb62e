//! Decoding a value inside a document.

use std::sync::Arc;

use super::bytes::{byte, damaged, read_size, read_u32, slice};
use super::model::{Array, Blob, Fields, Value};
use super::shape::ShapeSource;
use super::skip::{inline_names, shape_at, skip};
use super::tags::{
    ARRAY, BLOB, BOXED, CONTAINER_HEAD, ERROR, ErrorKind, HOLE, HOLES, INLINE, INLINE_AGAIN, MAP,
    MAX_DEPTH, NAMED_ARRAY, REFERENCE, SET, SHAPED, SHORT_ARRAY, SHORT_ARRAY_LAST, SPARSE_ARRAY,
    WIDE_INLINE, is_array, is_fields,
};
use super::text::Text;
use super::value_ref::{Kind, ValueRef};
use crate::error::{Error, ErrorCode, Result};
use crate::wtf8::Wtf8String;

/// Values that references may repeat, beyond one for each byte of the document.
const MAX_REPEATED: usize = 1 << 20;

impl<'a> ValueRef<'a> {
    /// The value by itself, decoded. Where the document refers to an object more than once, each
    /// place has a copy of its own.
    ///
    /// # Errors
    /// `CORRUPT` for damaged documents; `RESOURCE_LIMIT` for an object that contains itself, and
    /// for objects that are repeated more than about a million times.
    pub fn to_value<S: ShapeSource + ?Sized>(self, shapes: &S) -> Result<Value> {
        let budget = self.doc.len() + MAX_REPEATED;
        let mut copy = Copy { doc: self.doc, shapes, budget, open: Vec::new() };
        copy.run(self.at)
    }
}

/// A container whose values are being collected.
struct Open {
    kind: OpenKind,
    /// Where the next value stands.
    at: usize,
    /// Values that are left, holes included.
    left: usize,
    values: Vec<Value>,
    /// Whether a reference led here, so that the container around goes on elsewhere.
    referenced: bool,
}

enum OpenKind {
    Object(Arc<[Wtf8String]>),
    Array,
    NamedArray,
    Map,
    Set,
    Error(ErrorKind),
}

struct Copy<'a, 's, S: ShapeSource + ?Sized> {
    doc: &'a [u8],
    shapes: &'s S,
    budget: usize,
    open: Vec<Open>,
}

impl<S: ShapeSource + ?Sized> Copy<'_, '_, S> {
    fn run(&mut self, at: usize) -> Result<Value> {
        let mut done = self.value(at, true)?;
        loop {
            if let Some((value, end)) = done {
                let Some(around) = self.open.last_mut() else { return Ok(value) };
                around.values.push(value);
                if let Some(end) = end {
                    around.at = end;
                }
            }
            done = self.step()?;
        }
    }

    /// Goes on in the innermost container. Returns a value that is complete, and where it ends if
    /// it stands in its place.
    fn step(&mut self) -> Result<Option<(Value, Option<usize>)>> {
        let Some(open) = self.open.last_mut() else { return Err(damaged("it has no value")) };
        if open.left == 0 {
            return match self.open.pop() {
                Some(open) => {
                    let end = if open.referenced { None } else { Some(open.at) };
                    Ok(Some((finish(open.kind, open.values)?, end)))
                }
                None => Ok(None),
            };
        }
        let at = open.at;
        let tag = byte(self.doc, at)?;
        let holes = match (tag, &open.kind) {
            (HOLE, OpenKind::Array) => 1,
            (HOLES, OpenKind::Array) => read_u32(self.doc, at + 1)?,
            _ => 0,
        };
        if holes > 0 {
            open.at = at + if tag == HOLE { 1 } else { 5 };
            open.left = open
                .left
                .checked_sub(holes as usize)
                .ok_or_else(|| damaged("an array has the wrong number of elements"))?;
            match open.values.last_mut() {
                Some(Value::Holes(count)) => *count = count.saturating_add(holes),
                _ => open.values.push(Value::Holes(holes)),
            }
            return Ok(None);
        }
        let fits = match open.kind {
            OpenKind::NamedArray if open.left == 2 => is_array(tag),
            OpenKind::NamedArray | OpenKind::Error(_) => is_fields(tag),
            _ => true,
        };
        if !fits {
            return Err(damaged("a value has other parts than it needs"));
        }
        open.left -= 1;
        if tag == REFERENCE {
            open.at = at + 5;
            let target = ValueRef::at(self.doc, at)?.at;
            return Ok(self.value(target, true)?.map(|(value, _)| (value, None)));
        }
        self.value(at, false)
    }

    /// Reads a leaf, or begins a container.
    fn value(&mut self, at: usize, referenced: bool) -> Result<Option<(Value, Option<usize>)>> {
        self.budget = self.budget.checked_sub(1).ok_or_else(|| {
            Error::new(ErrorCode::ResourceLimit, "a value refers to the same objects too often")
        })?;
        let Some((kind, first, left)) = self.container(at)? else {
            let end = skip(self.doc, at, 1, self.shapes)?;
            return Ok(Some((self.leaf(at)?, Some(end))));
        };
        if self.open.len() >= MAX_DEPTH {
            let message = "a value contains itself or is nested deeper than 1,000";
            return Err(Error::new(ErrorCode::ResourceLimit, message));
        }
        self.open.push(Open { kind, at: first, left, values: Vec::new(), referenced });
        Ok(None)
    }

    /// What container begins at `at`, where its first value stands, and how many it has.
    fn container(&self, at: usize) -> Result<Option<(OpenKind, usize, usize)>> {
        let doc = self.doc;
        let tag = byte(doc, at)?;
        Ok(Some(match tag {
            SHAPED..SHORT_ARRAY => {
                let names = shape_at(doc, at, tag, self.shapes)?.1.names();
                (OpenKind::Object(Arc::clone(names)), at + 2, names.len())
            }
            SHORT_ARRAY..=SHORT_ARRAY_LAST => {
                (OpenKind::Array, at + 1, usize::from(tag - SHORT_ARRAY))
            }
            ARRAY | SPARSE_ARRAY => (OpenKind::Array, at + CONTAINER_HEAD, read_size(doc, at + 5)?),
            INLINE => {
                let (names, values) = self.names(at + 2, usize::from(byte(doc, at + 1)?))?;
                let count = names.len();
                (OpenKind::Object(names), values, count)
            }
            INLINE_AGAIN => {
                let (first, count) = inline_names(doc, at)?;
                (OpenKind::Object(self.names(first, count)?.0), at + 5, count)
            }
            WIDE_INLINE => {
                let (names, values) = self.names(at + CONTAINER_HEAD, read_size(doc, at + 5)?)?;
                let count = names.len();
                (OpenKind::Object(names), values, count)
            }
            MAP => (OpenKind::Map, at + CONTAINER_HEAD, read_size(doc, at + 5)?.saturating_mul(2)),
            SET => (OpenKind::Set, at + CONTAINER_HEAD, read_size(doc, at + 5)?),
            ERROR => {
                let kind = ErrorKind::from_number(byte(doc, at + 1)?)
                    .ok_or_else(|| damaged("there is no such error type"))?;
                (OpenKind::Error(kind), at + 2, 1)
            }
            NAMED_ARRAY => (OpenKind::NamedArray, at + 1, 2),
            _ => return Ok(None),
        }))
    }

    fn names(&self, mut at: usize, count: usize) -> Result<(Arc<[Wtf8String]>, usize)> {
        let mut names = Vec::new();
        for _ in 0..count {
            let (name, end) = Text::read(self.doc, at)?;
            names.push(name.to_wtf8());
            at = end;
        }
        Ok((names.into(), at))
    }

    fn leaf(&self, at: usize) -> Result<Value> {
        let value = ValueRef { doc: self.doc, at };
        let kind = value.kind()?;
        let found = match kind {
            Kind::Null => Some(Value::Null),
            Kind::Undefined => Some(Value::Undefined),
            Kind::Bool => value.as_bool()?.map(Value::Bool),
            Kind::Number => value.as_number()?.map(Value::Number),
            Kind::BigInt => value.as_bigint()?.map(|bigint| Value::BigInt(bigint.into())),
            Kind::String => value.as_text()?.map(|text| Value::String(text.to_wtf8())),
            Kind::Date => value.as_date()?.map(Value::Date),
            Kind::RegExp => value.as_regexp()?.map(|(source, flags)| Value::RegExp {
                source: source.to_wtf8(),
                flags: flags.to_wtf8(),
            }),
            Kind::Binary => value
                .as_binary()?
                .map(|(kind, bytes)| Value::Binary { kind, bytes: bytes.to_vec() }),
            Kind::Boxed => return self.boxed(at),
            Kind::Blob => return self.blob(at),
            _ => None,
        };
        found.ok_or_else(|| damaged("it has a value of unknown type"))
    }

    fn boxed(&self, at: usize) -> Result<Value> {
        debug_assert_eq!(byte(self.doc, at)?, BOXED);
        let primitive = ValueRef { doc: self.doc, at: at + 1 };
        match primitive.kind()? {
            Kind::Bool | Kind::Number | Kind::BigInt | Kind::String => {
                Ok(Value::Boxed(Box::new(self.leaf(at + 1)?)))
            }
            _ => Err(damaged("a boxed value is not a primitive one")),
        }
    }

    fn blob(&self, at: usize) -> Result<Value> {
        let doc = self.doc;
        debug_assert_eq!(byte(doc, at)?, BLOB);
        let bytes = slice(doc, at + 6, read_size(doc, at + 2)?)?;
        let (media_type, end) = Text::read(doc, at + 6 + bytes.len())?;
        let file = match byte(doc, at + 1)? {
            0 => None,
            _ => {
                let (name, time) = Text::read(doc, end)?;
                let modified = ValueRef { doc, at: time }.as_number()?;
                Some((name.to_wtf8(), modified.ok_or_else(|| damaged("a File has no time"))?))
            }
        };
        Ok(Value::Blob(Blob { bytes: bytes.to_vec(), media_type: media_type.to_wtf8(), file }))
    }
}

fn finish(kind: OpenKind, values: Vec<Value>) -> Result<Value> {
    let incomplete = || damaged("a value has other parts than it needs");
    Ok(match kind {
        OpenKind::Object(names) => {
            Value::Object(Fields::from_parts(names, values).ok_or_else(incomplete)?)
        }
        OpenKind::Array => Value::Array(Array { items: values, fields: None }),
        OpenKind::NamedArray => match <[Value; 2]>::try_from(values) {
            Ok([Value::Array(array), Value::Object(fields)]) => {
                Value::Array(Array { items: array.items, fields: Some(fields) })
            }
            _ => return Err(incomplete()),
        },
        OpenKind::Map => {
            let mut values = values.into_iter();
            let mut entries = Vec::with_capacity(values.len() / 2);
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
    })
}
