//! `$regexMatch`, `$regexFind`, `$regexFindAll`.

use std::borrow::Cow;

use regex::{Captures, Regex};

use super::call::{Arguments, Call, is_nullish};
use super::text;
use super::work::{Elements, array};
use crate::error::{Error, ErrorCode, Result};
use crate::query::filter::regexp;
use crate::query::place::Place;
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// The operators; the arguments are the input, the pattern, and its options.
pub(super) fn matches(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [input, pattern, options] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(pattern) {
        return Ok(nothing(call));
    }
    // What compiling takes when every document has a pattern of its own.
    call.work.charge(16 << 10)?;
    let regex = compile(pattern, options, &Place::root(call.operator))
        .map_err(|error| Error::new(ErrorCode::Expression, error.message()))?;
    search(call, input, &regex)
}

fn nothing(call: &Call<'_>) -> Value {
    match call.operator {
        "$regexMatch" => Value::Bool(false),
        "$regexFind" => Value::Null,
        _ => array(Vec::new()),
    }
}

/// The operators, with a pattern that is compiled.
pub(super) fn search(call: &Call<'_>, input: &Value, regex: &Regex) -> Result<Value> {
    if is_nullish(input) {
        return Ok(nothing(call));
    }
    let input = call.text(input)?;
    let input = input.as_str().map_or_else(|| Cow::Owned(input.to_string()), Cow::Borrowed);
    Ok(match call.operator {
        "$regexMatch" => Value::Bool(regex.is_match(&input)),
        "$regexFind" => regex.captures(&input).map_or_else(
            || nothing(call),
            |captures| {
                let start = captures.get(0).map_or(0, |whole| whole.start());
                found(text::count(input.as_bytes().get(..start).unwrap_or_default()), &captures)
            },
        ),
        _ => {
            let mut all = Elements::default();
            let (mut passed, mut points) = (0, 0);
            for captures in regex.captures_iter(&input) {
                let start = captures.get(0).map_or(0, |whole| whole.start());
                points += text::count(input.as_bytes().get(passed..start).unwrap_or_default());
                passed = start;
                all.push(found(points, &captures))?;
            }
            all.finish()
        }
    })
}

/// Compiles a pattern: a string or a RegExp, with options beside it.
pub(super) fn compile(pattern: &Value, options: &Value, place: &Place<'_>) -> Result<Regex> {
    let (source, flags) = match pattern {
        Value::RegExp { source, flags } => (source, Some(flags)),
        Value::String(source) => (source, None),
        _ => return Err(place.invalid("the pattern has to be a string or a RegExp")),
    };
    let options = match options {
        Value::String(options) => Some(options),
        options if is_nullish(options) => None,
        _ => return Err(place.invalid("the options have to be a string")),
    };
    if options.is_some() && flags.is_some_and(|flags| !flags.is_empty()) {
        return Err(place.invalid("options are given twice, in the RegExp and beside it"));
    }
    let options = options.or(flags).and_then(|options| options.as_str()).unwrap_or_default();
    match source.as_str() {
        Some(source) => regexp::compile(source, options, place),
        None => Err(place.invalid("a regular expression may not hold half a character")),
    }
}

/// One match: its text, its place in code points, and its groups.
fn found(place: usize, captures: &Captures<'_>) -> Value {
    let string = |found: &str| Value::String(Wtf8String::from(found));
    let whole = captures.get(0);
    let groups = captures.iter().skip(1);
    let groups = groups.map(|group| group.map_or(Value::Null, |group| string(group.as_str())));
    let mut fields = Fields::new();
    fields.insert("match".into(), string(whole.map_or("", |whole| whole.as_str())));
    fields.insert("idx".into(), Value::Number(place as f64));
    fields.insert("captures".into(), array(groups.collect()));
    Value::Object(fields)
}
