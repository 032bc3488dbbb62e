//! Values in tests, written as in JavaScript: `{ a: [1, 2n, 'x'], d: @2024-01-31, r: /a/i }`.

use super::order;
use crate::value::{Array, BigInt, Fields, Value};
use crate::wtf8::Wtf8String;

/// Reads a value; panics where there is none.
pub(crate) fn value(text: &str) -> Value {
    let mut reader = Reader(text);
    let value = reader.value();
    reader.space();
    assert!(reader.0.is_empty(), "after the value: {}", reader.0);
    value
}

/// Whether values are equal, types and order of fields included.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || (left.is_nan() && right.is_nan())
        }
        (Value::Array(left), Value::Array(right)) => {
            left.items.len() == right.items.len()
                && left.items.iter().zip(&right.items).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.names() == right.names()
                && left.values().iter().zip(right.values()).all(|(left, right)| same(left, right))
        }
        _ => left == right && order::equal(left, right),
    }
}

struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn space(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn skip(&mut self, token: &str) -> bool {
        self.space();
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn until(&mut self, end: impl Fn(char) -> bool) -> String {
        let length = self.0.find(end).unwrap_or(self.0.len());
        let (found, rest) = self.0.split_at(length);
        self.0 = rest;
        found.to_owned()
    }

    fn quoted(&mut self, quote: char) -> String {
        let text = self.until(|c| c == quote);
        assert!(self.skip(&quote.to_string()), "a string does not end");
        text.replace("\\n", "\n").replace("\\t", "\t")
    }

    fn word(&mut self) -> String {
        self.until(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '$' | '.' | '-' | '+'))
    }

    fn value(&mut self) -> Value {
        if self.skip("{") {
            let mut fields = Fields::new();
            while !self.skip("}") {
                self.space();
                let name = if self.skip("'") { self.quoted('\'') } else { self.word() };
                assert!(self.skip(":"), "a colon before {}", self.0);
                fields.insert(Wtf8String::from(&*name), self.value());
                self.skip(",");
            }
            return Value::Object(fields);
        }
        if self.skip("[") {
            let mut items = Vec::new();
            while !self.skip("]") {
                items.push(self.value());
                self.skip(",");
            }
            return Value::Array(Array { items, fields: None });
        }
        if self.skip("'") {
            return Value::String(Wtf8String::from(&*self.quoted('\'')));
        }
        if self.skip("/") {
            let source = self.quoted('/');
            let flags = self.until(|c| !c.is_ascii_lowercase());
            return Value::RegExp { source: (&*source).into(), flags: (&*flags).into() };
        }
        if self.skip("@") {
            let text =
                self.until(|c| !c.is_ascii_digit() && !matches!(c, '-' | ':' | '.' | 'T' | 'Z'));
            let time = super::expression::parse_date(&text);
            return Value::Date(time.unwrap_or_else(|| panic!("no date: {text}")));
        }
        match &*self.word() {
            "null" => Value::Null,
            "undefined" => Value::Undefined,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Number(f64::NAN),
            "Infinity" => Value::Number(f64::INFINITY),
            word => match word.strip_suffix('n').map(str::parse::<i128>) {
                Some(Ok(number)) => big(number),
                _ => match word.parse() {
                    Ok(number) => Value::Number(number),
                    Err(_) => panic!("no value: {word:?} before {:?}", self.0),
                },
            },
        }
    }
}

fn big(number: i128) -> Value {
    let mut magnitude = number.unsigned_abs().to_le_bytes().to_vec();
    while magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    Value::BigInt(BigInt { negative: number < 0, magnitude })
}
