//! One pass over a whole document that checks everything the format demands.

use std::collections::HashSet;

use super::bigint::BigIntRef;
use super::bytes::{byte, cut_off, damaged, read_f64, read_size, read_u32, slice};
use super::shape::{Shape, ShapeSource};
use super::skip::{shape_at, skip, unknown_tag};
use super::tags::{
    ARRAY, BIGINT, BINARY, BLOB, BOXED, BinaryKind, CONTAINER_HEAD, DATE, ERROR, ErrorKind, FALSE,
    HOLE, HOLES, INLINE, INLINE_AGAIN, MAP, MAX_DEPTH, MAX_DOCUMENT_BYTES, NAMED_ARRAY, NULL,
    REFERENCE, REGEXP, SET, SHAPED, SHORT_ARRAY, SHORT_ARRAY_LAST, SPARSE_ARRAY, TRUE, UNDEFINED,
    WIDE_INLINE, WITH_REFERENCES, is_array, is_fields, is_object, is_string,
};
use super::text::{Text, push_again};
use super::value_ref::ValueRef;
use crate::error::Result;

/// A value without values inside that are walked by themselves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaf<'a> {
    Null,
    Undefined,
    Bool(bool),
    Number(f64),
    BigInt(BigIntRef<'a>),
    Text(Text<'a>),
    Date(f64),
    RegExp { source: Text<'a>, flags: Text<'a> },
    Binary { kind: BinaryKind, bytes: &'a [u8] },
    Boxed(Boxed<'a>),
    Blob { bytes: &'a [u8], media_type: Text<'a>, file: Option<(Text<'a>, f64)> },
    Holes(u32),
    Reference { target: usize },
}

/// The primitive value in a boxed one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Boxed<'a> {
    Bool(bool),
    Number(f64),
    Text(Text<'a>),
    BigInt(BigIntRef<'a>),
}

/// A value with values inside.
#[derive(Debug, Clone, Copy)]
pub(super) enum Container<'a> {
    Shaped(&'a Shape),
    /// Names that begin at this offset; objects may share them.
    Inline {
        names: usize,
        count: usize,
    },
    Array,
    /// An array and an object of its fields.
    NamedArray,
    Map,
    Set,
    /// An object of its fields.
    Error(ErrorKind),
}

/// What a walk reports, in the document's order.
pub(super) trait Visitor<'a> {
    /// A value that begins at `at`.
    fn leaf(&mut self, at: usize, leaf: Leaf<'a>) -> Result<()>;
    /// A value that begins at `at`; the values inside follow, then `end`.
    fn begin(&mut self, at: usize, container: Container<'a>) -> Result<()>;
    /// The end of the container that began last.
    fn end(&mut self) -> Result<()>;
}

/// So many names are compared one by one.
const FEW: usize = 16;

/// What may stand inside a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Values,
    Elements,
    SparseElements,
    /// An array, then an object of fields.
    NamedArray,
    /// An object of fields.
    Fields,
}

#[derive(Debug)]
struct Frame {
    inside: Inside,
    left: usize,
    /// Where the container says that it ends.
    end: Option<usize>,
}

/// Walks the document, reporting to `visitor`.
///
/// # Errors
/// `CORRUPT` for damaged documents, and what `visitor` returns.
pub(super) fn walk<'a, S: ShapeSource + ?Sized>(
    document: &'a [u8],
    shapes: &'a S,
    visitor: &mut impl Visitor<'a>,
) -> Result<()> {
    if document.len() > MAX_DOCUMENT_BYTES {
        return Err(damaged("it is longer than 1 GiB"));
    }
    let (doc, objects) = match document {
        [WITH_REFERENCES, root @ ..] => (root, Some(HashSet::new())),
        _ => (document, None),
    };
    let mut walker = Walker { doc, at: 0, shapes, objects, inline: Vec::new(), stack: Vec::new() };
    walker.stack.push(Frame { inside: Inside::Values, left: 1, end: Some(doc.len()) });
    while walker.step(visitor)? {}
    Ok(())
}

struct Walker<'a, S: ShapeSource + ?Sized> {
    doc: &'a [u8],
    at: usize,
    shapes: &'a S,
    /// Where objects stand, in documents with references.
    objects: Option<HashSet<usize>>,
    /// Offsets of inline objects, in order; where their names begin, and how many there are.
    inline: Vec<(usize, usize, usize)>,
    /// The document itself, then the containers that are open.
    stack: Vec<Frame>,
}

impl<'a, S: ShapeSource + ?Sized> Walker<'a, S> {
    /// Reports one value or one end; returns whether there is more.
    fn step(&mut self, visitor: &mut impl Visitor<'a>) -> Result<bool> {
        let Some(frame) = self.stack.last_mut() else { return Ok(false) };
        if frame.left == 0 {
            if frame.end.is_some_and(|end| end != self.at) {
                return Err(damaged("a container or the document has the wrong size"));
            }
            self.stack.pop();
            if !self.stack.is_empty() {
                visitor.end()?;
            }
            return Ok(true);
        }
        let left = frame.left;
        let inside = frame.inside;
        frame.left -= 1;
        let start = self.at;
        let tag = byte(self.doc, start)?;
        let fits = match inside {
            Inside::Values | Inside::Elements | Inside::SparseElements => true,
            Inside::NamedArray if left == 2 => is_array(tag),
            Inside::NamedArray | Inside::Fields => is_fields(tag),
        };
        if !fits {
            return Err(damaged("a value has other parts than it needs"));
        }
        match tag {
            HOLE if matches!(inside, Inside::Elements | Inside::SparseElements) => {
                self.at += 1;
                visitor.leaf(start, Leaf::Holes(1))?;
            }
            HOLES if inside == Inside::SparseElements => {
                let count = read_u32(self.doc, start + 1)?;
                self.at += 5;
                self.pass_holes(left, count)?;
                visitor.leaf(start, Leaf::Holes(count))?;
            }
            _ => {
                // The parts of an error or array with fields are no objects of their own.
                let is_part = matches!(inside, Inside::NamedArray | Inside::Fields);
                if let Some(objects) = &mut self.objects
                    && is_object(tag)
                    && !is_part
                {
                    objects.insert(start);
                }
                self.value(start, tag, visitor)?;
            }
        }
        Ok(true)
    }

    fn pass_holes(&mut self, left: usize, count: u32) -> Result<()> {
        match (self.stack.last_mut(), left.checked_sub(count as usize)) {
            (Some(frame), Some(left)) if count > 0 => frame.left = left,
            _ => return Err(damaged("an array has the wrong number of elements")),
        }
        Ok(())
    }

    fn value(&mut self, start: usize, tag: u8, visitor: &mut impl Visitor<'a>) -> Result<()> {
        if let Some((container, frame)) = self.container(start, tag)? {
            // The document itself is on the stack, too.
            if self.stack.len() > MAX_DEPTH {
                return Err(damaged("it is nested too deeply"));
            }
            if frame.end.is_some_and(|end| end > self.doc.len()) {
                return Err(cut_off());
            }
            self.stack.push(frame);
            return visitor.begin(start, container);
        }
        let leaf = self.leaf(start, tag)?;
        visitor.leaf(start, leaf)
    }

    /// Reads the head of a container and moves to the first value inside.
    fn container(&mut self, start: usize, tag: u8) -> Result<Option<(Container<'a>, Frame)>> {
        let doc = self.doc;
        let open = |inside, left| Frame { inside, left, end: None };
        let (container, frame) = match tag {
            SHAPED..SHORT_ARRAY => {
                let (_, shape) = shape_at(doc, start, tag, self.shapes)?;
                self.at = start + 2;
                (Container::Shaped(shape), open(Inside::Values, shape.names().len()))
            }
            SHORT_ARRAY..=SHORT_ARRAY_LAST => {
                self.at = start + 1;
                (Container::Array, open(Inside::Elements, usize::from(tag - SHORT_ARRAY)))
            }
            INLINE => {
                let count = usize::from(byte(doc, start + 1)?);
                self.at = start + 2;
                self.inline.push((start, self.at, count));
                (self.names(count)?, open(Inside::Values, count))
            }
            INLINE_AGAIN => {
                let offset = read_size(doc, start + 1)?;
                let known = self.inline.binary_search_by_key(&offset, |(start, ..)| *start);
                let known = known.ok().and_then(|known| self.inline.get(known));
                let (_, names, count) = *known.ok_or_else(|| {
                    damaged("the names of an object are not where they should be")
                })?;
                self.at = start + 5;
                (Container::Inline { names, count }, open(Inside::Values, count))
            }
            ERROR => {
                let kind = ErrorKind::from_number(byte(doc, start + 1)?)
                    .ok_or_else(|| damaged("there is no such error type"))?;
                self.at = start + 2;
                (Container::Error(kind), open(Inside::Fields, 1))
            }
            NAMED_ARRAY => {
                self.at = start + 1;
                (Container::NamedArray, open(Inside::NamedArray, 2))
            }
            ARRAY | SPARSE_ARRAY | MAP | SET | WIDE_INLINE => {
                return self.long(start, tag).map(Some);
            }
            _ => return Ok(None),
        };
        Ok(Some((container, frame)))
    }

    /// Reads the head of a container that says its length.
    fn long(&mut self, start: usize, tag: u8) -> Result<(Container<'a>, Frame)> {
        let bytes = read_size(self.doc, start + 1)?;
        let count = read_size(self.doc, start + 5)?;
        self.at = start + CONTAINER_HEAD;
        let end = Some(self.at + bytes);
        let frame = |inside, left| Frame { inside, left, end };
        Ok(match tag {
            ARRAY => (Container::Array, frame(Inside::Elements, count)),
            SPARSE_ARRAY => (Container::Array, frame(Inside::SparseElements, count)),
            MAP => (Container::Map, frame(Inside::Values, 2 * count)),
            SET => (Container::Set, frame(Inside::Values, count)),
            _ => (self.names(count)?, frame(Inside::Values, count)),
        })
    }

    /// Passes the names of an object; they must differ, and be in their shortest form.
    fn names(&mut self, count: usize) -> Result<Container<'a>> {
        let first = self.at;
        if count > self.doc.len() - first.min(self.doc.len()) {
            return Err(cut_off());
        }
        let mut seen = Vec::with_capacity(count.min(FEW));
        let mut many = HashSet::new();
        let mut shortest = Vec::new();
        for _ in 0..count {
            let (name, end) = Text::read(self.doc, self.at)?;
            let written = slice(self.doc, self.at, end - self.at)?;
            shortest.clear();
            push_again(&mut shortest, name);
            let is_new = if count > FEW { many.insert(written) } else { !seen.contains(&written) };
            if shortest != written || !is_new {
                return Err(damaged("the names of an object are not what they should be"));
            }
            if count <= FEW {
                seen.push(written);
            }
            self.at = end;
        }
        Ok(Container::Inline { names: first, count })
    }

    fn leaf(&mut self, start: usize, tag: u8) -> Result<Leaf<'a>> {
        let doc = self.doc;
        let value = ValueRef { doc, at: start };
        if is_string(tag) {
            let (text, end) = Text::read(doc, start)?;
            self.at = end;
            return Ok(Leaf::Text(text));
        }
        if let Some(number) = value.as_number()? {
            self.at = skip(doc, start, 1, self.shapes)?;
            return Ok(Leaf::Number(number));
        }
        if tag != BOXED && tag != BLOB {
            self.at = skip(doc, start, 1, self.shapes)?;
        }
        Ok(match tag {
            NULL => Leaf::Null,
            UNDEFINED => Leaf::Undefined,
            TRUE | FALSE => Leaf::Bool(tag == TRUE),
            DATE => Leaf::Date(read_f64(doc, start + 1)?),
            BIGINT => Leaf::BigInt(BigIntRef::read(doc, start)?.0),
            REGEXP => {
                let (source, at) = Text::read(doc, start + 1)?;
                let (flags, _) = Text::read(doc, at)?;
                Leaf::RegExp { source, flags }
            }
            BINARY => {
                let (kind, bytes) = value.as_binary()?.ok_or_else(cut_off)?;
                if bytes.len() % kind.element_size() != 0 {
                    return Err(damaged("a typed array has half an element"));
                }
                Leaf::Binary { kind, bytes }
            }
            BOXED => self.boxed(start)?,
            BLOB => self.blob(start)?,
            REFERENCE => {
                let target = read_size(doc, start + 1)?;
                if !self.objects.as_ref().is_some_and(|objects| objects.contains(&target)) {
                    return Err(damaged("a reference leads nowhere"));
                }
                Leaf::Reference { target }
            }
            _ => return Err(unknown_tag()),
        })
    }

    fn boxed(&mut self, start: usize) -> Result<Leaf<'a>> {
        let tag = byte(self.doc, start + 1)?;
        let primitive = match tag {
            TRUE | FALSE => Boxed::Bool(tag == TRUE),
            BIGINT => Boxed::BigInt(BigIntRef::read(self.doc, start + 1)?.0),
            _ if is_string(tag) => Boxed::Text(Text::read(self.doc, start + 1)?.0),
            _ => match (ValueRef { doc: self.doc, at: start + 1 }).as_number()? {
                Some(number) => Boxed::Number(number),
                None => return Err(damaged("a boxed value is not a primitive one")),
            },
        };
        self.at = skip(self.doc, start + 1, 1, self.shapes)?;
        Ok(Leaf::Boxed(primitive))
    }

    fn blob(&mut self, start: usize) -> Result<Leaf<'a>> {
        let doc = self.doc;
        let kind = byte(doc, start + 1)?;
        let bytes = slice(doc, start + 6, read_size(doc, start + 2)?)?;
        let (media_type, mut at) = Text::read(doc, start + 6 + bytes.len())?;
        let file = match kind {
            0 => None,
            1 => {
                let (name, time) = Text::read(doc, at)?;
                let modified = ValueRef { doc, at: time }.as_number()?;
                at = skip(doc, time, 1, self.shapes)?;
                Some((name, modified.ok_or_else(|| damaged("a File has no time"))?))
            }
            _ => return Err(damaged("there is no such kind of Blob")),
        };
        self.at = at;
        Ok(Leaf::Blob { bytes, media_type, file })
    }
}
