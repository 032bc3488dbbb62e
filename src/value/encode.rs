//! Encoding [`Value`]s as documents, byte for byte as `lib/codec/` does.

use std::collections::HashMap;
use std::sync::Arc;

use super::builder::decode;
use super::bytes::damaged;
use super::model::{Array, BigInt, Blob, Fields, Value};
use super::shape::ShapeSource;
use super::tags::{
    ARRAY, BIGINT, BINARY, BLOB, BOXED, DATE, ERROR, F64, FALSE, HOLE, HOLE_RUN, HOLES, I32,
    INLINE, INLINE_AGAIN, LONG_ARRAY, MAP, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_SHAPE_FIELDS, MAX_U8,
    NAMED_ARRAY, NEGATIVE_U8, NULL, REFERENCE, REGEXP, SET, SHAPED, SHORT_ARRAY, SPARSE_ARRAY,
    TRUE, U8, U16, UNDEFINED, WIDE_INLINE, WITH_REFERENCES,
};
use super::text::push_text;
use crate::error::{Error, ErrorCode, Result};
use crate::wtf8::Wtf8String;

/// Encodes a value as a document. Objects whose names are a shape of `shapes` are written so.
///
/// # Errors
/// `DATA_CLONE` if it is nested deeper than 1,000, `RESOURCE_LIMIT` if it takes more than 1 GiB,
/// `CORRUPT` if it is no possible value: a reference to nothing, holes outside an array.
pub fn encode<S: ShapeSource + ?Sized>(value: &Value, shapes: &S) -> Result<Vec<u8>> {
    let mut encoder = Encoder {
        out: Vec::new(),
        shapes,
        inline: HashMap::new(),
        shared: HashMap::new(),
        referenced: false,
        depth: 0,
        tasks: vec![Task::Value(value)],
    };
    while let Some(task) = encoder.tasks.pop() {
        encoder.run(task)?;
        if encoder.out.len() >= MAX_DOCUMENT_BYTES {
            return Err(Error::new(
                ErrorCode::ResourceLimit,
                "A document may take at most 1 GiB; store less in it",
            ));
        }
    }
    if encoder.referenced {
        encoder.out.insert(0, WITH_REFERENCES);
    }
    Ok(encoder.out)
}

/// Decodes a document and encodes it again with the same shapes.
///
/// The bytes are the same again, except where the first encoder did not share the names of inline
/// objects or a key was filled in afterwards.
///
/// # Errors
/// As [`super::decode`] and [`encode`].
pub fn transcode<S: ShapeSource + ?Sized>(doc: &[u8], shapes: &S) -> Result<Vec<u8>> {
    encode(&decode(doc, shapes)?, shapes)
}

/// What is still to be written, the next one last.
enum Task<'a> {
    Value(&'a Value),
    Fields(&'a Fields),
    /// Holes in an array, of 8 or more elements if `long`.
    Holes {
        count: u32,
        long: bool,
    },
    /// Fills in the byte length of the container that begins here.
    Length(usize),
    /// A container ends.
    Leave,
}

struct Encoder<'a, S: ShapeSource + ?Sized> {
    out: Vec<u8>,
    shapes: &'a S,
    /// Where lists of names were written.
    inline: HashMap<Arc<[Wtf8String]>, usize>,
    /// Where shared objects stand.
    shared: HashMap<u32, usize>,
    referenced: bool,
    depth: usize,
    tasks: Vec<Task<'a>>,
}

impl<'a, S: ShapeSource + ?Sized> Encoder<'a, S> {
    fn run(&mut self, task: Task<'a>) -> Result<()> {
        match task {
            Task::Value(value) => self.value(value)?,
            Task::Fields(fields) => self.fields(fields)?,
            Task::Holes { count, long } => {
                if long && count >= HOLE_RUN {
                    self.out.push(HOLES);
                    self.push_u32(count as usize);
                } else {
                    self.out.extend((0..count).map(|_| HOLE));
                }
            }
            Task::Length(start) => {
                let length = self.out.len() - start - 9;
                if let Some(place) = self.out.get_mut(start + 1..).and_then(<[u8]>::first_chunk_mut)
                {
                    *place = (length as u32).to_le_bytes();
                }
            }
            Task::Leave => self.depth -= 1,
        }
        Ok(())
    }

    fn value(&mut self, value: &'a Value) -> Result<()> {
        match value {
            Value::Null => self.out.push(NULL),
            Value::Undefined => self.out.push(UNDEFINED),
            Value::Bool(bool) => self.out.push(if *bool { TRUE } else { FALSE }),
            Value::Number(number) => push_number(&mut self.out, *number),
            Value::BigInt(bigint) => self.bigint(bigint),
            Value::String(string) => push_text(&mut self.out, string),
            Value::Date(time) => {
                self.out.push(DATE);
                self.out.extend_from_slice(&time.to_le_bytes());
            }
            Value::RegExp { source, flags } => {
                self.out.push(REGEXP);
                push_text(&mut self.out, source);
                push_text(&mut self.out, flags);
            }
            Value::Object(fields) => {
                self.enter()?;
                self.fields(fields)?;
            }
            Value::Array(array) => self.array(array)?,
            Value::Holes(_) => return Err(damaged("a hole stands outside an array")),
            Value::Map(entries) => {
                let values = entries.iter().flat_map(|(key, value)| [key, value]);
                self.members(MAP, entries.len(), values)?;
            }
            Value::Set(members) => self.members(SET, members.len(), members.iter())?,
            Value::Error { kind, fields } => {
                self.enter()?;
                self.enter()?;
                self.out.extend_from_slice(&[ERROR, *kind as u8]);
                self.fields(fields)?;
            }
            Value::Binary { kind, bytes } => {
                self.out.extend_from_slice(&[BINARY, *kind as u8]);
                self.sized_bytes(bytes);
            }
            Value::Boxed(primitive) => {
                self.out.push(BOXED);
                self.value(primitive)?;
            }
            Value::Blob(blob) => self.blob(blob),
            Value::Shared { id, value } => {
                self.shared.insert(*id, self.out.len());
                self.tasks.push(Task::Value(value));
            }
            Value::Reference(id) => self.reference(*id)?,
        }
        Ok(())
    }

    /// Goes one level deeper, until the task list comes back here.
    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::new(
                ErrorCode::DataClone,
                format!("Values nested deeper than {MAX_DEPTH} levels cannot be stored"),
            ));
        }
        self.tasks.push(Task::Leave);
        Ok(())
    }

    fn reference(&mut self, id: u32) -> Result<()> {
        let offset = self.shared.get(&id).copied();
        let offset = offset.ok_or_else(|| damaged("a reference leads nowhere"))?;
        self.referenced = true;
        self.out.push(REFERENCE);
        self.push_u32(offset);
        Ok(())
    }

    fn push_u32(&mut self, number: usize) {
        // Documents are shorter than 1 GiB.
        self.out.extend_from_slice(&(number as u32).to_le_bytes());
    }

    fn sized_bytes(&mut self, bytes: &[u8]) {
        self.push_u32(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn bigint(&mut self, bigint: &BigInt) {
        self.out.extend_from_slice(&[BIGINT, u8::from(bigint.negative)]);
        self.sized_bytes(&bigint.magnitude);
    }

    fn blob(&mut self, blob: &Blob) {
        self.out.extend_from_slice(&[BLOB, u8::from(blob.file.is_some())]);
        self.sized_bytes(&blob.bytes);
        push_text(&mut self.out, &blob.media_type);
        if let Some((name, time)) = &blob.file {
            push_text(&mut self.out, name);
            push_number(&mut self.out, *time);
        }
    }

    /// Leaves values to be written, in order.
    fn later(&mut self, values: impl DoubleEndedIterator<Item = &'a Value>) {
        self.tasks.extend(values.rev().map(Task::Value));
    }

    /// Begins a container that says its length.
    fn long(&mut self, tag: u8, count: usize) {
        self.tasks.push(Task::Length(self.out.len()));
        self.out.push(tag);
        self.push_u32(0);
        self.push_u32(count);
    }

    fn members(
        &mut self,
        tag: u8,
        count: usize,
        values: impl DoubleEndedIterator<Item = &'a Value>,
    ) -> Result<()> {
        self.enter()?;
        self.long(tag, count);
        self.later(values);
        Ok(())
    }

    fn array(&mut self, array: &'a Array) -> Result<()> {
        self.enter()?;
        if let Some(fields) = &array.fields {
            self.enter()?;
            self.out.push(NAMED_ARRAY);
            self.tasks.push(Task::Fields(fields));
        }
        let length = array.length().ok_or_else(|| damaged("an array is too long"))?;
        let is_sparse = |item: &Value| matches!(item, Value::Holes(count) if *count >= HOLE_RUN);
        if length < LONG_ARRAY {
            self.out.push(SHORT_ARRAY + length as u8);
        } else {
            let sparse = array.items.iter().any(is_sparse);
            self.long(if sparse { SPARSE_ARRAY } else { ARRAY }, length as usize);
        }
        let long = length >= LONG_ARRAY;
        self.tasks.extend(array.items.iter().rev().map(|item| match item {
            Value::Holes(count) => Task::Holes { count: *count, long },
            value => Task::Value(value),
        }));
        Ok(())
    }

    fn fields(&mut self, fields: &'a Fields) -> Result<()> {
        let names = fields.names();
        if names.len() > MAX_U8 {
            self.long(WIDE_INLINE, names.len());
            self.names(names);
        } else if let Some(id) = self.shapes.id_of(names) {
            self.out.extend_from_slice(&[SHAPED | (id >> 8) as u8, id as u8]);
        } else if let Some(offset) = self.inline.get(names).copied() {
            self.out.push(INLINE_AGAIN);
            self.push_u32(offset);
        } else {
            if can_be_shape(names) {
                self.inline.insert(names.clone(), self.out.len());
            }
            self.out.extend_from_slice(&[INLINE, names.len() as u8]);
            self.names(names);
        }
        self.later(fields.values().iter());
        Ok(())
    }

    fn names(&mut self, names: &[Wtf8String]) {
        for name in names {
            push_text(&mut self.out, name);
        }
    }
}

/// Whether a list of names can be a shape, or be shared within a document: not those of wide
/// objects, empty ones, and maps with numeric keys.
pub fn can_be_shape(names: &[Wtf8String]) -> bool {
    let is_index = |name: &Wtf8String| {
        let digits = name.as_bytes();
        let canonical = digits == b"0" || digits.first().is_some_and(|d| (b'1'..=b'9').contains(d));
        canonical && name.as_str().is_some_and(|name| name.parse::<u32>().is_ok())
    };
    names.len() <= MAX_SHAPE_FIELDS && names.first().is_some_and(|first| !is_index(first))
}

/// Appends a number in its shortest form.
pub(super) fn push_number(out: &mut Vec<u8>, number: f64) {
    let integer = number as i32;
    if f64::from(integer) != number || (integer == 0 && number.is_sign_negative()) {
        out.push(F64);
        out.extend_from_slice(&number.to_le_bytes());
        return;
    }
    match integer {
        0..64 => out.push(integer as u8),
        64..256 => out.extend_from_slice(&[U8, integer as u8]),
        256..65536 => {
            out.push(U16);
            out.extend_from_slice(&(integer as u16).to_le_bytes());
        }
        -256..0 => out.extend_from_slice(&[NEGATIVE_U8, (-1 - integer) as u8]),
        _ => {
            out.push(I32);
            out.extend_from_slice(&integer.to_le_bytes());
        }
    }
}
