//! Values read in place.

use super::bigint::BigIntRef;
use super::bytes::{byte, damaged, read_f64, read_size, read_u32, slice};
use super::path::FieldName;
use super::shape::ShapeSource;
use super::skip::{inline_names, shape_at, skip};
use super::tags::{
    ARRAY, BIGINT, BINARY, BLOB, BOXED, BinaryKind, CONTAINER_HEAD, DATE, ERROR, F64, FALSE, HOLE,
    HOLES, I32, INLINE, INLINE_AGAIN, MAP, NAMED_ARRAY, NEGATIVE_U8, NULL, REFERENCE, REGEXP, SET,
    SHAPED, SHORT_ARRAY, SHORT_ARRAY_LAST, SHORT_STRING, SPARSE_ARRAY, TRUE, U8, U16, UNDEFINED,
    WIDE_INLINE, WITH_REFERENCES, is_array, is_object, is_string,
};
use super::text::Text;
use crate::error::Result;
use crate::wtf8::Wtf8String;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are JavaScript's types")]
pub enum Kind {
    Null,
    Undefined,
    Bool,
    Number,
    BigInt,
    String,
    Date,
    RegExp,
    Object,
    Array,
    Map,
    Set,
    Error,
    Binary,
    Boxed,
    Blob,
}

/// A value inside a document. References are followed: it never stands at one.
#[derive(Debug, Clone, Copy)]
pub struct ValueRef<'a> {
    /// The root value's bytes, which references count from.
    pub(super) doc: &'a [u8],
    pub(super) at: usize,
}

/// The value that a document is.
///
/// # Errors
/// `CORRUPT` if the document is empty.
#[inline]
pub fn root(doc: &[u8]) -> Result<ValueRef<'_>> {
    let doc = match doc {
        [WITH_REFERENCES, root @ ..] => root,
        _ => doc,
    };
    ValueRef::at(doc, 0)
}

impl<'a> ValueRef<'a> {
    /// The value at `at`, or the one that a reference there leads to.
    #[inline]
    pub(super) fn at(doc: &'a [u8], at: usize) -> Result<Self> {
        let at = if byte(doc, at)? == REFERENCE { follow(doc, at)? } else { at };
        Ok(Self { doc, at })
    }

    #[inline]
    pub(super) fn tag(self) -> Result<u8> {
        byte(self.doc, self.at)
    }

    /// Whether it is an object that names a shape, which most are. Then its kind is `Object`.
    #[inline]
    pub fn is_shaped(self) -> bool {
        matches!(self.tag(), Ok(SHAPED..SHORT_ARRAY))
    }

    /// Whether it is undefined.
    #[inline]
    pub fn is_undefined(self) -> bool {
        matches!(self.tag(), Ok(UNDEFINED))
    }

    /// Whether it is an array.
    #[inline]
    pub fn is_array(self) -> bool {
        self.tag().is_ok_and(|tag| tag == NAMED_ARRAY || is_array(tag))
    }

    /// What the value is.
    ///
    /// # Errors
    /// `CORRUPT` if no value begins here; so for every method.
    pub fn kind(self) -> Result<Kind> {
        let tag = self.tag()?;
        Ok(match tag {
            0..SHORT_STRING | U8 | U16 | I32 | NEGATIVE_U8 | F64 => Kind::Number,
            SHAPED..SHORT_ARRAY | INLINE | INLINE_AGAIN | WIDE_INLINE => Kind::Object,
            SHORT_ARRAY..=SHORT_ARRAY_LAST | ARRAY | SPARSE_ARRAY | NAMED_ARRAY => Kind::Array,
            NULL => Kind::Null,
            UNDEFINED => Kind::Undefined,
            FALSE | TRUE => Kind::Bool,
            DATE => Kind::Date,
            BIGINT => Kind::BigInt,
            MAP => Kind::Map,
            SET => Kind::Set,
            REGEXP => Kind::RegExp,
            ERROR => Kind::Error,
            BINARY => Kind::Binary,
            BOXED => Kind::Boxed,
            BLOB => Kind::Blob,
            _ if is_string(tag) => Kind::String,
            _ => return Err(super::skip::unknown_tag()),
        })
    }

    /// The number; `None` for other types.
    #[inline(always)]
    pub fn as_number(self) -> Result<Option<f64>> {
        let Self { doc, at } = self;
        Ok(Some(match self.tag()? {
            small @ 0..SHORT_STRING => f64::from(small),
            U8 => f64::from(byte(doc, at + 1)?),
            U16 => f64::from(u16::from_le_bytes(super::bytes::array(doc, at + 1)?)),
            I32 => f64::from(i32::from_le_bytes(super::bytes::array(doc, at + 1)?)),
            NEGATIVE_U8 => -1.0 - f64::from(byte(doc, at + 1)?),
            F64 => read_f64(doc, at + 1)?,
            _ => return Ok(None),
        }))
    }

    /// The boolean; `None` for other types.
    pub fn as_bool(self) -> Result<Option<bool>> {
        Ok(match self.tag()? {
            TRUE => Some(true),
            FALSE => Some(false),
            _ => None,
        })
    }

    /// The string; `None` for other types.
    #[inline]
    pub fn as_text(self) -> Result<Option<Text<'a>>> {
        if !is_string(self.tag()?) {
            return Ok(None);
        }
        Ok(Some(Text::read(self.doc, self.at)?.0))
    }

    /// A Date's time in milliseconds since 1970, NaN if invalid; `None` for other types.
    pub fn as_date(self) -> Result<Option<f64>> {
        if self.tag()? == DATE { read_f64(self.doc, self.at + 1).map(Some) } else { Ok(None) }
    }

    /// The BigInt; `None` for other types.
    pub fn as_bigint(self) -> Result<Option<BigIntRef<'a>>> {
        if self.tag()? != BIGINT {
            return Ok(None);
        }
        Ok(Some(BigIntRef::read(self.doc, self.at)?.0))
    }

    /// The type and bytes of an ArrayBuffer or view; `None` for other types.
    pub fn as_binary(self) -> Result<Option<(BinaryKind, &'a [u8])>> {
        let Self { doc, at } = self;
        if self.tag()? != BINARY {
            return Ok(None);
        }
        let kind = BinaryKind::from_number(byte(doc, at + 1)?)
            .ok_or_else(|| damaged("there is no such binary type"))?;
        let bytes = slice(doc, at + 6, read_size(doc, at + 2)?)?;
        Ok(Some((kind, bytes)))
    }

    /// The source and flags of a RegExp; `None` for other types.
    pub fn as_regexp(self) -> Result<Option<(Text<'a>, Text<'a>)>> {
        if self.tag()? != REGEXP {
            return Ok(None);
        }
        let (source, at) = Text::read(self.doc, self.at + 1)?;
        let (flags, _) = Text::read(self.doc, at)?;
        Ok(Some((source, flags)))
    }

    /// The value in a boxed primitive; `None` for other types.
    pub fn unboxed(self) -> Result<Option<ValueRef<'a>>> {
        if self.tag()? != BOXED {
            return Ok(None);
        }
        Self::at(self.doc, self.at + 1).map(Some)
    }

    /// A field of an object, an error, or an array that has fields besides its elements; `None` if
    /// it is missing or the value has no fields.
    #[inline]
    pub fn field<S: ShapeSource + ?Sized>(
        self,
        name: &FieldName,
        shapes: &S,
    ) -> Result<Option<ValueRef<'a>>> {
        Ok(self.placed_field(name, shapes)?.map(|(_, value)| value))
    }

    /// The field of an object that names a shape; `None` if it has no such field or the value is
    /// something else.
    #[inline(always)]
    pub fn field_of_shape<S: ShapeSource + ?Sized>(
        self,
        name: &FieldName,
        shapes: &S,
    ) -> Result<Option<ValueRef<'a>>> {
        match self.tag()? {
            tag @ SHAPED..SHORT_ARRAY => {
                Ok(self.shaped_field(tag, name, shapes)?.map(|(_, value)| value))
            }
            _ => Ok(None),
        }
    }

    /// The same, with the field's place among the fields.
    #[inline]
    pub fn placed_field<S: ShapeSource + ?Sized>(
        self,
        name: &FieldName,
        shapes: &S,
    ) -> Result<Option<(usize, ValueRef<'a>)>> {
        match self.tag()? {
            tag @ SHAPED..SHORT_ARRAY => self.shaped_field(tag, name, shapes),
            tag => self.inline_field(tag, name, shapes),
        }
    }

    /// Inlined so that the result stays in registers. A result in memory is written in smaller
    /// pieces than it is read, and the processor waits for that as long as all of this takes.
    #[inline(always)]
    fn shaped_field<S: ShapeSource + ?Sized>(
        self,
        tag: u8,
        name: &FieldName,
        shapes: &S,
    ) -> Result<Option<(usize, ValueRef<'a>)>> {
        let Self { doc, at } = self;
        let (_, shape) = shape_at(doc, at, tag, shapes)?;
        let Some(position) = shape.position(name) else { return Ok(None) };
        let value = Self::at(doc, skip(doc, at + 2, position, shapes)?)?;
        Ok(Some((position, value)))
    }

    #[inline(never)]
    fn inline_field<S: ShapeSource + ?Sized>(
        self,
        tag: u8,
        name: &FieldName,
        shapes: &S,
    ) -> Result<Option<(usize, ValueRef<'a>)>> {
        let Self { doc, at } = self;
        let (names, count) = match tag {
            INLINE => (at + 2, usize::from(byte(doc, at + 1)?)),
            INLINE_AGAIN => inline_names(doc, at)?,
            WIDE_INLINE => (at + CONTAINER_HEAD, read_size(doc, at + 5)?),
            ERROR | NAMED_ARRAY => {
                let fields = if tag == ERROR { at + 2 } else { skip(doc, at + 1, 1, shapes)? };
                let fields = Self { doc, at: fields };
                return match fields.tag()? {
                    tag if !super::tags::is_fields(tag) => {
                        Err(damaged("a value that needs fields has none"))
                    }
                    _ => fields.placed_field(name, shapes),
                };
            }
            _ => return Ok(None),
        };
        let Some(position) = find_name(doc, names, count, name, shapes)? else { return Ok(None) };
        let values = if tag == INLINE_AGAIN { at + 5 } else { skip(doc, names, count, shapes)? };
        let value = Self::at(doc, skip(doc, values, position, shapes)?)?;
        Ok(Some((position, value)))
    }

    /// Calls `visit` with each field of an object, in order: its place, name and value.
    ///
    /// # Errors
    /// `CORRUPT`; those of `visit`.
    pub fn each_field<S: ShapeSource + ?Sized>(
        self,
        shapes: &S,
        mut visit: impl FnMut(usize, &Wtf8String, ValueRef<'a>) -> Result<()>,
    ) -> Result<()> {
        let Self { doc, at } = self;
        let tag = self.tag()?;
        if let SHAPED..SHORT_ARRAY = tag {
            let (_, shape) = shape_at(doc, at, tag, shapes)?;
            let mut value = at + 2;
            for (position, name) in shape.names().iter().enumerate() {
                visit(position, name, Self::at(doc, value)?)?;
                value = skip(doc, value, 1, shapes)?;
            }
            return Ok(());
        }
        let (mut name, count) = match tag {
            INLINE => (at + 2, usize::from(byte(doc, at + 1)?)),
            INLINE_AGAIN => inline_names(doc, at)?,
            WIDE_INLINE => (at + CONTAINER_HEAD, read_size(doc, at + 5)?),
            _ => return Ok(()),
        };
        let mut value = if tag == INLINE_AGAIN { at + 5 } else { skip(doc, name, count, shapes)? };
        for position in 0..count {
            let (text, end) = Text::read(doc, name)?;
            visit(position, &text.to_wtf8(), Self::at(doc, value)?)?;
            (name, value) = (end, skip(doc, value, 1, shapes)?);
        }
        Ok(())
    }

    /// The number of an array's elements, holes included; `None` for other types.
    pub fn array_len(self) -> Result<Option<u32>> {
        let (at, tag) = self.array_start()?;
        match tag {
            SHORT_ARRAY..=SHORT_ARRAY_LAST => Ok(Some(u32::from(tag - SHORT_ARRAY))),
            ARRAY | SPARSE_ARRAY => read_u32(self.doc, at + 5).map(Some),
            _ => Ok(None),
        }
    }

    /// The elements of an array that are not holes; `None` for other types.
    pub fn elements<'s, S: ShapeSource + ?Sized>(
        self,
        shapes: &'s S,
    ) -> Result<Option<Elements<'a, 's, S>>> {
        let (at, tag) = self.array_start()?;
        let Some(length) = self.array_len()? else { return Ok(None) };
        let first = if tag <= SHORT_ARRAY_LAST { at + 1 } else { at + CONTAINER_HEAD };
        Ok(Some(Elements {
            doc: self.doc,
            at: first,
            returned: false,
            index: 0,
            length,
            holes: false,
            shapes,
        }))
    }

    /// Visits the elements of an array that are not holes, each with its index, until `visit`
    /// returns true; tells whether it did. Faster than [`ValueRef::elements`].
    ///
    /// # Errors
    /// `CORRUPT`; those of `visit`.
    #[inline(always)]
    pub fn any_element<S: ShapeSource + ?Sized>(
        self,
        shapes: &S,
        mut visit: impl FnMut(u32, ValueRef<'a>) -> Result<bool>,
    ) -> Result<bool> {
        let doc = self.doc;
        let (start, tag) = self.array_start()?;
        let (mut at, length) = match tag {
            SHORT_ARRAY..=SHORT_ARRAY_LAST => (start + 1, u32::from(tag - SHORT_ARRAY)),
            ARRAY | SPARSE_ARRAY => (start + CONTAINER_HEAD, read_u32(doc, start + 5)?),
            _ => return Ok(false),
        };
        let mut index = 0;
        while index < length {
            match byte(doc, at)? {
                HOLE => {
                    at += 1;
                    index += 1;
                }
                HOLES => {
                    index = index.saturating_add(read_u32(doc, at + 1)?);
                    at += 5;
                }
                _ => {
                    if visit(index, Self::at(doc, at)?)? {
                        return Ok(true);
                    }
                    at = skip(doc, at, 1, shapes)?;
                    index += 1;
                }
            }
        }
        Ok(false)
    }

    /// Where the elements' own tag stands, and the tag.
    #[inline]
    fn array_start(self) -> Result<(usize, u8)> {
        let tag = self.tag()?;
        if tag != NAMED_ARRAY {
            return Ok((self.at, tag));
        }
        let inner = byte(self.doc, self.at + 1)?;
        if !is_array(inner) {
            return Err(damaged("an array with fields has no elements"));
        }
        Ok((self.at + 1, inner))
    }

    /// Whether the document goes on with these bytes where the value begins: for a string as
    /// documents have it, whether the value equals it.
    #[inline]
    pub fn starts_with(self, encoded: &[u8]) -> bool {
        self.doc.get(self.at..).is_some_and(|rest| rest.starts_with(encoded))
    }

    /// How many bytes the whole document takes.
    pub fn document_len(self) -> usize {
        self.doc.len()
    }

    /// Where the value's bytes end, from the root value's start.
    pub fn end<S: ShapeSource + ?Sized>(self, shapes: &S) -> Result<usize> {
        skip(self.doc, self.at, 1, shapes)
    }
}

/// Where the reference at `at` leads.
fn follow(doc: &[u8], at: usize) -> Result<usize> {
    let target = read_size(doc, at + 1)?;
    if target >= at || !is_object(byte(doc, target)?) {
        return Err(damaged("a reference leads nowhere"));
    }
    Ok(target)
}

/// The position of a name among `count` names that begin at `at`.
fn find_name<S: ShapeSource + ?Sized>(
    doc: &[u8],
    mut at: usize,
    count: usize,
    name: &FieldName,
    shapes: &S,
) -> Result<Option<usize>> {
    for position in 0..count {
        if doc.get(at..).is_some_and(|rest| rest.starts_with(name.encoded())) {
            return Ok(Some(position));
        }
        at = skip(doc, at, 1, shapes)?;
    }
    Ok(None)
}

/// The elements of an array that are not holes, in order, each with its index.
#[derive(Debug)]
pub struct Elements<'a, 's, S: ShapeSource + ?Sized> {
    doc: &'a [u8],
    /// Where the last element that was returned stands, or the next one.
    at: usize,
    /// Whether the element at `at` was returned and is still to be skipped.
    returned: bool,
    index: u32,
    length: u32,
    holes: bool,
    shapes: &'s S,
}

impl<'a, S: ShapeSource + ?Sized> Elements<'a, '_, S> {
    /// Whether a hole was passed.
    pub fn passed_holes(&self) -> bool {
        self.holes
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Goes on at `at`, the known end of the element that was returned last.
    pub(super) fn resume(&mut self, at: usize) {
        self.at = at;
        self.returned = false;
    }

    fn advance(&mut self) -> Result<Option<(u32, ValueRef<'a>)>> {
        if self.returned {
            self.resume(skip(self.doc, self.at, 1, self.shapes)?);
        }
        while self.index < self.length {
            let (holes, size) = match byte(self.doc, self.at)? {
                HOLE => (1, 1),
                HOLES => (read_u32(self.doc, self.at + 1)?, 5),
                _ => {
                    let index = self.index;
                    self.index += 1;
                    self.returned = true;
                    return Ok(Some((index, ValueRef::at(self.doc, self.at)?)));
                }
            };
            self.at += size;
            self.index = self.index.saturating_add(holes);
            self.holes = true;
        }
        Ok(None)
    }
}

impl<'a, S: ShapeSource + ?Sized> Iterator for Elements<'a, '_, S> {
    type Item = Result<(u32, ValueRef<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance();
        if item.is_err() {
            self.index = self.length;
            self.returned = false;
        }
        item.transpose()
    }
}
