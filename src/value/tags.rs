//! The tags and limits of the document format.

pub(super) const SHORT_STRING: u8 = 0x40;
pub(super) const SHAPED: u8 = 0x80;
pub(super) const SHORT_ARRAY: u8 = 0xc0;
pub(super) const SHORT_ARRAY_LAST: u8 = 0xc7;
pub(super) const HOLES: u8 = 0xcf;
pub(super) const NULL: u8 = 0xd0;
pub(super) const UNDEFINED: u8 = 0xd1;
pub(super) const FALSE: u8 = 0xd2;
pub(super) const TRUE: u8 = 0xd3;
pub(super) const HOLE: u8 = 0xd4;
pub(super) const U8: u8 = 0xd5;
pub(super) const U16: u8 = 0xd6;
pub(super) const I32: u8 = 0xd7;
pub(super) const NEGATIVE_U8: u8 = 0xd8;
pub(super) const F64: u8 = 0xd9;
pub(super) const LATIN1_U8: u8 = 0xda;
pub(super) const LATIN1_U32: u8 = 0xdb;
pub(super) const UTF8_U8: u8 = 0xdc;
pub(super) const UTF8_U32: u8 = 0xdd;
pub(super) const UTF16: u8 = 0xde;
pub(super) const ARRAY: u8 = 0xdf;
pub(super) const INLINE: u8 = 0xe0;
pub(super) const INLINE_AGAIN: u8 = 0xe1;
pub(super) const WITH_REFERENCES: u8 = 0xe2;
pub(super) const REFERENCE: u8 = 0xe3;
pub(super) const DATE: u8 = 0xe4;
pub(super) const BIGINT: u8 = 0xe5;
pub(super) const MAP: u8 = 0xe6;
pub(super) const SET: u8 = 0xe7;
pub(super) const REGEXP: u8 = 0xe8;
pub(super) const ERROR: u8 = 0xe9;
pub(super) const BINARY: u8 = 0xea;
pub(super) const BOXED: u8 = 0xeb;
pub(super) const NAMED_ARRAY: u8 = 0xec;
pub(super) const SPARSE_ARRAY: u8 = 0xed;
pub(super) const BLOB: u8 = 0xee;
pub(super) const WIDE_INLINE: u8 = 0xef;

/// How deep containers may nest.
pub const MAX_DEPTH: usize = 1_000;
/// The longest document, in bytes (1 GiB).
pub const MAX_DOCUMENT_BYTES: usize = 1 << 30;
/// Shapes of one store.
pub const MAX_SHAPES: u16 = 8_000;
/// Fields of a shape.
pub const MAX_SHAPE_FIELDS: usize = 128;

/// Holes in a row, in an array of 8 or more, that are written as one item.
pub(super) const HOLE_RUN: u32 = 6;
/// An array of fewer items has no byte length.
pub(super) const LONG_ARRAY: u32 = 8;
/// The longest string or object whose length is a `u8`.
pub(super) const MAX_U8: usize = u8::MAX as usize;
/// Bytes of the tag, byte length and count that begin a long container.
pub(super) const CONTAINER_HEAD: usize = 9;

/// The whole size of values whose tag alone tells it; 0 for the others.
pub(super) const SIZES: [u8; 256] = sizes();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn sizes() -> [u8; 256] {
    let mut sizes = [0; 256];
    let mut tag = 0;
    while tag < SHAPED as usize {
        sizes[tag] = if tag < SHORT_STRING as usize { 1 } else { (tag - 0x40 + 1) as u8 };
        tag += 1;
    }
    tag = NULL as usize;
    while tag <= HOLE as usize {
        sizes[tag] = 1;
        tag += 1;
    }
    sizes[U8 as usize] = 2;
    sizes[NEGATIVE_U8 as usize] = 2;
    sizes[U16 as usize] = 3;
    sizes[I32 as usize] = 5;
    sizes[HOLES as usize] = 5;
    sizes[REFERENCE as usize] = 5;
    sizes[F64 as usize] = 9;
    sizes[DATE as usize] = 9;
    sizes
}

/// Whether `tag` begins a value that can be referred to: everything but primitive values.
pub(super) fn is_object(tag: u8) -> bool {
    matches!(tag, SHAPED..=SHORT_ARRAY_LAST | ARRAY..=INLINE_AGAIN | DATE | MAP..=WIDE_INLINE)
}

/// Whether `tag` begins an array.
pub(super) fn is_array(tag: u8) -> bool {
    matches!(tag, SHORT_ARRAY..=SHORT_ARRAY_LAST | ARRAY | SPARSE_ARRAY)
}

/// Whether `tag` begins a plain object.
pub(super) fn is_fields(tag: u8) -> bool {
    matches!(tag, SHAPED..SHORT_ARRAY | INLINE | INLINE_AGAIN | WIDE_INLINE)
}

/// Whether `tag` begins a string.
pub(super) fn is_string(tag: u8) -> bool {
    matches!(tag, SHORT_STRING..SHAPED | LATIN1_U8..=UTF16)
}

macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $number:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the variants are JavaScript's names")]
        pub enum $name { $($variant = $number,)+ }

        impl $name {
            pub(super) fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The type's name in JavaScript.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }
        }
    };
}

numbered! {
    /// JavaScript's standard error types.
    ErrorKind {
        Error = 0,
        EvalError = 1,
        RangeError = 2,
        ReferenceError = 3,
        SyntaxError = 4,
        TypeError = 5,
        URIError = 6,
        AggregateError = 7,
        DOMException = 8,
    }
}

numbered! {
    /// JavaScript's binary types.
    BinaryKind {
        ArrayBuffer = 0,
        DataView = 1,
        Int8Array = 2,
        Uint8Array = 3,
        Uint8ClampedArray = 4,
        Int16Array = 5,
        Uint16Array = 6,
        Int32Array = 7,
        Uint32Array = 8,
        Float32Array = 9,
        Float64Array = 10,
        BigInt64Array = 11,
        BigUint64Array = 12,
        Float16Array = 13,
    }
}

impl BinaryKind {
    /// Bytes of one element.
    pub fn element_size(self) -> usize {
        match self {
            Self::Int16Array | Self::Uint16Array | Self::Float16Array => 2,
            Self::Int32Array | Self::Uint32Array | Self::Float32Array => 4,
            Self::Float64Array | Self::BigInt64Array | Self::BigUint64Array => 8,
            _ => 1,
        }
    }
}
