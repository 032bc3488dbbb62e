//! Values as text, for dumps and tests: close to how JavaScript writes them.

use std::fmt::{self, Display, Formatter, Write};

use super::model::{Array, Blob, Fields, Value};
use crate::wtf8::Wtf8String;

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Undefined => f.write_str("undefined"),
            Self::Bool(bool) => bool.fmt(f),
            Self::Number(number) => write_number(f, *number),
            Self::BigInt(bigint) => {
                f.write_str(if bigint.negative { "-0x" } else { "0x" })?;
                if bigint.magnitude.is_empty() {
                    f.write_str("0")?;
                }
                write_hex(f, bigint.magnitude.iter().rev())?;
                f.write_str("n")
            }
            Self::String(string) => write_string(f, string),
            Self::Date(time) => {
                f.write_str("Date(")?;
                write_number(f, *time)?;
                f.write_str(")")
            }
            Self::RegExp { source, flags } => {
                f.write_str("RegExp(")?;
                write_string(f, source)?;
                f.write_str(", ")?;
                write_string(f, flags)?;
                f.write_str(")")
            }
            Self::Object(fields) => fields.fmt(f),
            Self::Array(array) => array.fmt(f),
            Self::Holes(1) => f.write_str("<hole>"),
            Self::Holes(count) => write!(f, "<{count} holes>"),
            Self::Map(entries) => {
                f.write_str("Map ")?;
                write_list(f, "{", entries, "}", |f, (key, value)| write!(f, "{key} => {value}"))
            }
            Self::Set(members) => {
                f.write_str("Set ")?;
                write_list(f, "{", members, "}", |f, member| member.fmt(f))
            }
            Self::Error { kind, fields } => write!(f, "{} {fields}", kind.name()),
            Self::Binary { kind, bytes } => {
                write!(f, "{}(", kind.name())?;
                write_hex(f, bytes.iter())?;
                f.write_str(")")
            }
            Self::Boxed(primitive) => write!(f, "Object({primitive})"),
            Self::Blob(blob) => blob.fmt(f),
            Self::Shared { id, value } => write!(f, "&{id} {value}"),
            Self::Reference(id) => write!(f, "*{id}"),
        }
    }
}

impl Display for Fields {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_list(f, "{", self.iter(), "}", |f, (name, value)| {
            write_string(f, name)?;
            write!(f, ": {value}")
        })
    }
}

impl Display for Array {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_list(f, "[", &self.items, "]", |f, item| item.fmt(f))?;
        match &self.fields {
            Some(fields) => write!(f, " + {fields}"),
            None => Ok(()),
        }
    }
}

impl Display for Blob {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.file.is_some() { "File(" } else { "Blob(" })?;
        write_hex(f, self.bytes.iter())?;
        f.write_str(", ")?;
        write_string(f, &self.media_type)?;
        if let Some((name, time)) = &self.file {
            f.write_str(", ")?;
            write_string(f, name)?;
            f.write_str(", ")?;
            write_number(f, *time)?;
        }
        f.write_str(")")
    }
}

fn write_list<T>(
    f: &mut Formatter<'_>,
    open: &str,
    items: impl IntoIterator<Item = T>,
    close: &str,
    write_item: impl Fn(&mut Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write_item(f, item)?;
    }
    f.write_str(close)
}

fn write_number(f: &mut Formatter<'_>, number: f64) -> fmt::Result {
    if number.is_infinite() {
        return f.write_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    number.fmt(f)
}

fn write_hex<'a>(f: &mut Formatter<'_>, bytes: impl Iterator<Item = &'a u8>) -> fmt::Result {
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

/// Writes a string in quotes; what is not printable ASCII as `\uXXXX`.
fn write_string(f: &mut Formatter<'_>, string: &Wtf8String) -> fmt::Result {
    f.write_char('"')?;
    for unit in string.to_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\')) => write!(f, "\\{}", char::from(byte))?,
            Ok(byte @ b' '..=b'~') => f.write_char(char::from(byte))?,
            _ => write!(f, "\\u{unit:04x}")?,
        }
    }
    f.write_char('"')
}
