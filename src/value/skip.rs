//! Finding the end of values without looking at their content.

use super::bytes::{byte, cut_off, damaged, read_size};
use super::shape::{Shape, ShapeSource};
use super::tags::{
    ARRAY, BIGINT, BINARY, BLOB, BOXED, CONTAINER_HEAD, ERROR, INLINE, INLINE_AGAIN, LATIN1_U8,
    LATIN1_U32, MAP, NAMED_ARRAY, REGEXP, SET, SHAPED, SHORT_ARRAY, SHORT_ARRAY_LAST, SIZES,
    SPARSE_ARRAY, UTF8_U8, UTF8_U32, UTF16, WIDE_INLINE,
};
use crate::error::Result;

/// The end of `count` values that begin at `at`.
///
/// A loop, not a recursion: each value adds the number of values inside it.
#[inline]
pub(super) fn skip<S: ShapeSource + ?Sized>(
    doc: &[u8],
    mut at: usize,
    mut count: usize,
    shapes: &S,
) -> Result<usize> {
    while count > 0 {
        let tag = byte(doc, at)?;
        let size = SIZES.get(usize::from(tag)).copied().unwrap_or(0);
        count -= 1;
        if size > 0 {
            at += usize::from(size);
        } else {
            let (next, inside) = step_into(doc, at, tag, shapes)?;
            at = next;
            count += inside;
        }
    }
    if at > doc.len() { Err(cut_off()) } else { Ok(at) }
}

/// Where the values inside the value at `at` begin, and how many there are; its end if there are
/// none.
fn step_into<S: ShapeSource + ?Sized>(
    doc: &[u8],
    at: usize,
    tag: u8,
    shapes: &S,
) -> Result<(usize, usize)> {
    Ok(match tag {
        SHAPED..SHORT_ARRAY => {
            let (_, shape) = shape_at(doc, at, tag, shapes)?;
            (at + 2, shape.names().len())
        }
        SHORT_ARRAY..=SHORT_ARRAY_LAST => (at + 1, usize::from(tag - SHORT_ARRAY)),
        LATIN1_U8 | UTF8_U8 => (at + 2 + usize::from(byte(doc, at + 1)?), 0),
        LATIN1_U32 | UTF8_U32 | UTF16 => (at + 5 + read_size(doc, at + 1)?, 0),
        ARRAY | SPARSE_ARRAY | MAP | SET | WIDE_INLINE => {
            (at + CONTAINER_HEAD + read_size(doc, at + 1)?, 0)
        }
        INLINE => (at + 2, 2 * usize::from(byte(doc, at + 1)?)),
        INLINE_AGAIN => (at + 5, inline_names(doc, at)?.1),
        BIGINT | BINARY => (at + 6 + read_size(doc, at + 2)?, 0),
        REGEXP => (at + 1, 2),
        ERROR => (at + 2, 1),
        BOXED => (at + 1, 1),
        NAMED_ARRAY => (at + 1, 2),
        BLOB => {
            let inside = if byte(doc, at + 1)? == 0 { 1 } else { 3 };
            (at + 6 + read_size(doc, at + 2)?, inside)
        }
        _ => return Err(unknown_tag()),
    })
}

#[cold]
pub(super) fn unknown_tag() -> crate::error::Error {
    damaged("it has a value of unknown type")
}

/// The id and shape of the object of tag `tag` at `at`.
#[inline]
pub(super) fn shape_at<'s, S: ShapeSource + ?Sized>(
    doc: &[u8],
    at: usize,
    tag: u8,
    shapes: &'s S,
) -> Result<(u16, &'s Shape)> {
    let id = u16::from(tag & 0x3f) << 8 | u16::from(byte(doc, at + 1)?);
    match shapes.shape(id) {
        Some(shape) => Ok((id, shape)),
        None => Err(damaged("it names a shape that does not exist")),
    }
}

/// Where the names begin that the object at `at`, of tag [`INLINE_AGAIN`], shares, and their count.
pub(super) fn inline_names(doc: &[u8], at: usize) -> Result<(usize, usize)> {
    let offset = read_size(doc, at + 1)?;
    if offset >= at || byte(doc, offset)? != INLINE {
        return Err(damaged("the names of an object are not where they should be"));
    }
    Ok((offset + 2, usize::from(byte(doc, offset + 1)?)))
}
