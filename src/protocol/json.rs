//! JSON, for what JavaScript needs at an open: its own parser is ready before any code has run.

use crate::error::{Error, Result};
use crate::value::Value;
use crate::wtf8::Wtf8String;

/// A value of what JSON knows; all of it is ASCII.
///
/// # Errors
/// `CORRUPT` for values that JSON does not know: there are none in what this is used for.
pub(super) fn encode_json(value: &Value) -> Result<String> {
    let mut out = String::with_capacity(1_024);
    push_value(&mut out, value)?;
    Ok(out)
}

fn push_value(out: &mut String, value: &Value) -> Result<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        // The shortest digits that give the same number, which is what JavaScript writes.
        Value::Number(number) if number.is_finite() => {
            out.push_str(&number.to_string());
        }
        Value::String(string) => push_string(out, string),
        Value::Array(array) if array.fields.is_none() => {
            out.push('[');
            push_list(out, &array.items, push_value)?;
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            push_list(out, fields.iter(), |out, (name, value)| {
                push_string(out, name);
                out.push(':');
                push_value(out, value)
            })?;
            out.push('}');
        }
        _ => return Err(Error::corrupt("a description holds what JSON cannot express")),
    }
    Ok(())
}

fn push_list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    push: impl Fn(&mut String, T) -> Result<()>,
) -> Result<()> {
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push(out, item)?;
    }
    Ok(())
}

/// JSON's escapes are of UTF-16 code units, so lone surrogates have one, too.
fn push_string(out: &mut String, string: &Wtf8String) {
    out.push('"');
    for unit in string.to_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\')) => out.extend(['\\', char::from(byte)]),
            Ok(byte @ 0x20..=0x7E) => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::catalog::document::{array, object, text};

    #[test]
    fn writes_what_json_knows() {
        let lone = Wtf8String::from_utf16(&[0xD800, u16::from(b'a'), 0x7F]);
        let value = object(vec![
            ("n", Value::Number(2f64.powi(53))),
            ("half", Value::Number(-0.5)),
            ("list", array(vec![Value::Null, Value::Bool(true), text("a\"\\\n é😀")])),
            ("none", array(vec![])),
            ("lone", Value::String(lone)),
        ]);
        assert_eq!(
            encode_json(&value).unwrap(),
            r#"{"n":9007199254740992,"half":-0.5,"list":[null,true,"#.to_owned()
                + r#""a\"\\\u000a \u00e9\ud83d\ude00"],"none":[],"lone":"\ud800a\u007f"}"#
        );
    }

    #[test]
    fn refuses_the_rest() {
        for value in [Value::Undefined, Value::Number(f64::NAN), Value::Holes(1)] {
            assert!(encode_json(&array(vec![value])).is_err());
        }
    }
}
