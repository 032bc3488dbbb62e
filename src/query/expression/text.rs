//! Operators on strings.
//!
//! Strings are WTF-8, in which every code point, a lone surrogate included, begins with a byte that
//! is no continuation byte; so searching and cutting work on bytes.

use std::borrow::Cow;

use memchr::memmem;

use super::call::{Arguments, Call, is_nullish};
use super::convert;
use super::work::{Elements, check_size};
use crate::error::Result;
use crate::value::Value;
use crate::wtf8::Wtf8String;

/// Each code point's bytes.
pub(super) fn code_points(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    bytes.chunk_by(|_, next| next & 0xC0 == 0x80)
}

/// The number of code points.
pub(super) fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// A string of bytes that are cut or joined at code points.
pub(super) fn string(bytes: &[u8]) -> Value {
    Value::String(Wtf8String::joined(bytes))
}

/// `$concat`.
pub(super) fn concat(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let mut bytes = Vec::new();
    for argument in arguments.iter() {
        if is_nullish(argument) {
            return Ok(Value::Null);
        }
        let piece = call.text(argument)?.as_bytes();
        check_size(bytes.len() + piece.len())?;
        bytes.extend_from_slice(piece);
    }
    Ok(string(&bytes))
}

/// What the older string operators make of any value: null becomes the empty string, numbers and
/// dates their text.
fn coerced<'v>(call: &Call<'_>, value: &'v Value) -> Result<Cow<'v, Wtf8String>> {
    Ok(match value {
        value if is_nullish(value) => Cow::Owned(Wtf8String::default()),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(_) | Value::BigInt(_) | Value::Date(_) => {
            Cow::Owned(convert::to_text(call, value)?)
        }
        other => return Err(call.wrong("a string", other)),
    })
}

/// Changes the case of what is well-formed in a string.
fn change_case(text: &Wtf8String, change: fn(&str) -> String) -> Wtf8String {
    if let Some(text) = text.as_str() {
        return Wtf8String::from(&*change(text));
    }
    let mut bytes = Vec::with_capacity(text.as_bytes().len());
    for chunk in text.as_bytes().utf8_chunks() {
        bytes.extend_from_slice(change(chunk.valid()).as_bytes());
        bytes.extend_from_slice(chunk.invalid());
    }
    Wtf8String::joined(&bytes)
}

/// `$toUpper`.
pub(super) fn to_upper(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::String(change_case(&*coerced(call, text)?, str::to_uppercase)))
}

/// `$toLower`.
pub(super) fn to_lower(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::String(change_case(&*coerced(call, text)?, str::to_lowercase)))
}

/// `$strcasecmp`.
pub(super) fn compare_caseless(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [left, right] = arguments else { return Err(call.wrong_count()) };
    let left = change_case(&*coerced(call, left)?, str::to_uppercase);
    let right = change_case(&*coerced(call, right)?, str::to_uppercase);
    Ok(Value::Number(f64::from(left.cmp(&right) as i8)))
}

/// What is trimmed unless it is said: the white space of MongoDB.
const WHITE_SPACE: &str = "\0\t\n\u{b}\u{c}\r \u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\
                           \u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}";

/// `$trim`, `$ltrim`, `$rtrim`: the string and the characters to take away.
pub(super) fn trim(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text, chars] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(text) || (call.is_given(1) && is_nullish(chars)) {
        return Ok(Value::Null);
    }
    let mut bytes = call.text(text)?.as_bytes();
    let chars =
        if call.is_given(1) { call.text(chars)?.as_bytes() } else { WHITE_SPACE.as_bytes() };
    let chars: std::collections::HashSet<&[u8]> = code_points(chars).collect();
    if call.operator != "$rtrim" {
        while let Some(first) = code_points(bytes).next().filter(|first| chars.contains(first)) {
            bytes = bytes.get(first.len()..).unwrap_or_default();
        }
    }
    if call.operator != "$ltrim" {
        while let Some(last) = code_points(bytes).next_back().filter(|last| chars.contains(last)) {
            bytes = bytes.get(..bytes.len() - last.len()).unwrap_or_default();
        }
    }
    Ok(string(bytes))
}

/// `$split`.
pub(super) fn split(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text, separator] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(text) || is_nullish(separator) {
        return Ok(Value::Null);
    }
    let (bytes, separator) = (call.text(text)?.as_bytes(), call.text(separator)?.as_bytes());
    if separator.is_empty() {
        return Err(call.error("the separator must not be empty"));
    }
    let mut pieces = Elements::default();
    let mut start = 0;
    for found in memmem::find_iter(bytes, separator) {
        pieces.push(string(bytes.get(start..found).unwrap_or_default()))?;
        start = found + separator.len();
    }
    pieces.push(string(bytes.get(start..).unwrap_or_default()))?;
    Ok(pieces.finish())
}

/// `$replaceOne` and `$replaceAll`: the input, what to find, and what to put there.
pub(super) fn replace(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if arguments.iter().any(|argument| is_nullish(argument)) {
        return Ok(Value::Null);
    }
    let [input, find, replacement] = arguments else { return Err(call.wrong_count()) };
    let input = call.text(input)?.as_bytes();
    let find = call.text(find)?.as_bytes();
    let replacement = call.text(replacement)?.as_bytes();
    let most = if call.operator == "$replaceOne" { 1 } else { usize::MAX };
    let mut out = Vec::new();
    let mut start = 0;
    let mut put = |from: usize, to: usize, with: &[u8]| -> Result<()> {
        let kept = input.get(from..to).unwrap_or_default();
        check_size(out.len() + kept.len() + with.len())?;
        out.extend_from_slice(kept);
        out.extend_from_slice(with);
        Ok(())
    };
    let is_boundary = |at: &usize| input.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
    for found in memmem::find_iter(input, find).filter(is_boundary).take(most) {
        put(start, found, replacement)?;
        start = found + find.len();
    }
    put(start, input.len(), &[])?;
    Ok(string(&out))
}

/// `$strLenCP`, `$length`.
pub(super) fn length(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::Number(count(call.text(text)?.as_bytes()) as f64))
}

/// `$strLenBytes`.
pub(super) fn length_in_bytes(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::Number(call.text(text)?.as_bytes().len() as f64))
}

/// `$substrCP`: from a code point, so many of them.
pub(super) fn substring(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text, start, length] = arguments else { return Err(call.wrong_count()) };
    let text = coerced(call, text)?;
    let (start, length) = (call.integer(start)?, call.integer(length)?);
    if start < 0 || length < 0 {
        return Err(call.error("start and length must not be negative"));
    }
    let mut points = code_points(text.as_bytes());
    let skipped: usize = points.by_ref().take(start as usize).map(<[u8]>::len).sum();
    let taken: usize = points.take(length as usize).map(<[u8]>::len).sum();
    Ok(string(text.as_bytes().get(skipped..skipped + taken).unwrap_or_default()))
}

/// `$substrBytes`, `$substr`: from a byte of the UTF-8 form, so many of them; a negative length
/// means the rest.
pub(super) fn substring_in_bytes(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [text, start, length] = arguments else { return Err(call.wrong_count()) };
    let text = coerced(call, text)?;
    let (start, length) = (call.integer(start)?, call.integer(length)?);
    let Ok(start) = usize::try_from(start) else {
        return Err(call.error("the start must not be negative"));
    };
    let bytes = text.as_bytes();
    let rest = bytes.get(start..).unwrap_or_default();
    let taken = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    let (cut, after) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
    let begins_inside = |bytes: &[u8]| bytes.first().is_some_and(|byte| byte & 0xC0 == 0x80);
    if begins_inside(cut) || begins_inside(after) {
        return Err(call.error("start or end are in the middle of a character"));
    }
    Ok(string(cut))
}

/// `$indexOfCP` and `$indexOfBytes`: the string, what to find, and optionally from where to where.
pub(super) fn index_of(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let (text, find, range) = match arguments {
        [text, find, range @ ..] => (text, find, range),
        _ => return Err(call.wrong_count()),
    };
    if is_nullish(text) {
        return Ok(Value::Null);
    }
    let (bytes, find) = (call.text(text)?.as_bytes(), call.text(find)?.as_bytes());
    let Some((start, end)) = call.range(range)? else { return Ok(Value::Number(-1.0)) };
    let in_points = call.operator == "$indexOfCP";
    let offset = |place: usize| match in_points {
        true if place > bytes.len() => bytes.len() + 1,
        true => {
            let mut points = code_points(bytes);
            let passed: usize = points.by_ref().take(place).map(<[u8]>::len).sum();
            if passed == bytes.len() && count(bytes) < place { passed + 1 } else { passed }
        }
        false => place,
    };
    let start = offset(start);
    let end = if end >= bytes.len() { bytes.len() } else { offset(end).min(bytes.len()) };
    let Some(searched) = bytes.get(start..end) else { return Ok(Value::Number(-1.0)) };
    Ok(Value::Number(match memmem::find(searched, find) {
        Some(at) if in_points => count(bytes.get(..start + at).unwrap_or_default()) as f64,
        Some(at) => (start + at) as f64,
        None => -1.0,
    }))
}

impl Call<'_> {
    /// An optional start and an optional end, neither negative; `None` for a range of nothing.
    pub(super) fn range(&self, range: &[Cow<'_, Value>]) -> Result<Option<(usize, usize)>> {
        let place = |value: &Value| match self.integer(value)? {
            place @ 0.. => Ok(place as usize),
            _ => Err(self.error("start and end must not be negative")),
        };
        let start = range.first().map_or(Ok(0), |start| place(start))?;
        let end = range.get(1).map_or(Ok(usize::MAX), |end| place(end))?;
        Ok((start <= end).then_some((start, end)))
    }
}
