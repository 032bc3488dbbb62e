//! Random documents, filters and sorts.

#![allow(clippy::indexing_slicing, clippy::panic, reason = "it makes what tests read")]

use lodestore::key::Key;
use lodestore::value::{Array, BigInt, BinaryKind, Fields, Value};
use lodestore::wtf8::Wtf8String;

use super::Random;

/// A string.
pub fn text(text: &str) -> Value {
    Value::String(Wtf8String::from(text))
}

/// An object.
pub fn object(fields: Vec<(&str, Value)>) -> Value {
    let mut object = Fields::new();
    for (name, value) in fields {
        object.insert(Wtf8String::from(name), value);
    }
    Value::Object(object)
}

/// An array.
pub fn array(items: Vec<Value>) -> Value {
    Value::Array(Array { items, fields: None })
}

/// A word; some are equal, or in another order, under a collation.
fn word(random: &mut Random) -> &'static str {
    const WORDS: [&str; 14] =
        ["", "a", "A", "á", "ab", "Ab", "a-b", "abc", "a10", "a9", "b", "é", "日", "<b"];
    WORDS[random.below(WORDS.len())]
}

/// Sometimes a collation, as users write it.
pub fn some_collation(random: &mut Random) -> Option<Value> {
    let with = |locale: &str, more: Vec<(&str, Value)>| {
        let mut fields = vec![("locale", text(locale))];
        fields.extend(more);
        Some(object(fields))
    };
    match random.below(8) {
        0 => with("en", vec![("strength", Value::Number(1.0))]),
        1 => with("sv", vec![("strength", text("secondary"))]),
        2 => with("en", vec![("numericOrdering", Value::Bool(true))]),
        3 => with("fr-CA", vec![("alternate", text("shifted"))]),
        _ => None,
    }
}

fn scalar(random: &mut Random) -> Value {
    match random.below(24) {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 0),
        2 => Value::Number(f64::NAN),
        3 => Value::Number(-0.0),
        4 => Value::Number(f64::INFINITY),
        5 => Value::Number(random.below(8) as f64 / 2.0),
        6 => Value::BigInt(BigInt { negative: false, magnitude: vec![1 + random.below(3) as u8] }),
        7 => Value::BigInt(BigInt {
            negative: random.below(2) == 0,
            magnitude: vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 1 + random.below(2) as u8],
        }),
        8 => Value::Date([f64::NAN, 0.0, 5.0][random.below(3)]),
        9 => Value::Binary { kind: BinaryKind::Uint8Array, bytes: random.bytes(2, 3) },
        10 => Value::RegExp { source: "a".into(), flags: "".into() },
        11 => Value::Undefined,
        // Half a character is neither U+FFFD nor the beginning of a whole one.
        12 => Value::String(match random.below(3) {
            0 => Wtf8String::from_utf16(&[0xD83D, u16::from(b'x')]),
            1 => Wtf8String::from("\u{FFFD}x"),
            _ => Wtf8String::from("\u{1F600}"),
        }),
        13..=15 => text(word(random)),
        _ => Value::Number(random.below(5) as f64 - 1.0),
    }
}

fn any(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 6 } else { 10 }) {
        6 => array((0..random.below(4)).map(|_| any(random, depth - 1)).collect()),
        // Two of its elements may pass one condition each.
        7 => {
            let number = |random: &mut Random| Value::Number(random.below(6) as f64);
            array((0..random.below(4)).map(|_| number(random)).collect())
        }
        8 if random.below(3) == 0 => {
            // Whose elements are arrays, which have elements, too.
            let row = |random: &mut Random| vec![Value::Number(random.below(6) as f64); 1];
            array((0..1 + random.below(3)).map(|_| array(row(random))).collect())
        }
        8 => object(vec![("d", any(random, depth - 1)), ("e", any(random, depth - 1))]),
        9 => object(vec![("d", any(random, depth - 1))]),
        _ => scalar(random),
    }
}

/// What tells a document from all others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Keys {
    /// Numbers.
    Numbers,
    /// Keys of all types, but arrays.
    Scalars,
    /// Keys of all types.
    All,
}

impl Keys {
    /// The key of a document.
    pub fn of(self, number: usize) -> Key {
        let types = match self {
            Self::Numbers => 1,
            Self::Scalars => 4,
            Self::All => 5,
        };
        match number % types {
            0 => Key::Number(number as f64),
            1 => Key::String(Wtf8String::from(&*format!("k{number}"))),
            2 => Key::Date(number as f64),
            3 => Key::Binary(vec![number as u8]),
            _ => Key::Array(vec![Key::Number((number % 3) as f64), Key::Number(number as f64)]),
        }
    }

    /// The same as a value.
    pub fn value(self, number: usize) -> Value {
        value_of(self.of(number))
    }
}

fn value_of(key: Key) -> Value {
    match key {
        Key::Number(number) => Value::Number(number),
        Key::String(text) => Value::String(text),
        Key::Date(time) => Value::Date(time),
        Key::Binary(bytes) => Value::Binary { kind: BinaryKind::Uint8Array, bytes },
        Key::Array(keys) => array(keys.into_iter().map(value_of).collect()),
        Key::Null | Key::Bool(_) | Key::BigInt(_) => panic!("no primary key of these tests"),
    }
}

/// A document: its number in `n`, its key in `id`, in `u` nothing, null, or what no other has.
pub fn document(random: &mut Random, number: usize, (keys, plain): (Keys, bool)) -> Value {
    let mut fields = vec![("n", Value::Number(number as f64)), ("id", keys.value(number))];
    match random.below(5) {
        0 => {}
        1 => fields.push(("u", Value::Null)),
        _ => fields.push(("u", unique(number, plain))),
    }
    for name in ["a", "b", "c"] {
        if random.below(6) > 0 {
            let value = match name {
                "c" if plain => object(vec![("d", Value::Number(random.below(4) as f64))]),
                "b" if plain && random.below(2) == 0 => text(word(random)),
                _ if plain => Value::Number(random.below(6) as f64),
                _ => any(random, 3),
            };
            fields.push((name, value));
        }
    }
    object(fields)
}

/// What only one document has in `u`.
fn unique(number: usize, plain: bool) -> Value {
    match number % 4 {
        0 if !plain => array(vec![Value::Number(1.0), Value::Number(number as f64)]),
        1 => text(&format!("u{number}")),
        _ => Value::Number(number as f64),
    }
}

const PATHS: [&str; 9] = ["a", "b", "c", "c.d", "a.d", "a.0", "id", "b.d.e", "u"];
/// Documents that filters look for by what only they have.
const KNOWN: usize = 50;

fn operators(random: &mut Random, depth: usize) -> Value {
    let list = |random: &mut Random| array((0..random.below(4)).map(|_| any(random, 1)).collect());
    let number = |random: &mut Random| Value::Number(random.below(4) as f64);
    let no_regexp = |value: Value| match value {
        Value::RegExp { .. } => Value::Null,
        value => value,
    };
    if random.below(10) == 0 {
        let (least, greatest) = (number(random), number(random));
        return object(vec![("$gte", least), ("$lte", greatest)]);
    }
    if depth > 0 && random.below(20) == 0 {
        // About the elements of elements.
        return object(vec![("$elemMatch", object(vec![("$elemMatch", operators(random, 0))]))]);
    }
    let (name, operand) = match random.below(26) {
        0 | 1 => ("$eq", any(random, 2)),
        2 => ("$ne", no_regexp(any(random, 2))),
        3 | 4 => ("$gt", no_regexp(any(random, 1))),
        5 | 6 => ("$gte", no_regexp(any(random, 1))),
        7 | 8 => ("$lt", no_regexp(any(random, 1))),
        9 | 10 => ("$lte", no_regexp(any(random, 1))),
        11 | 12 => ("$in", list(random)),
        13 => ("$nin", list(random)),
        14 => ("$exists", Value::Bool(random.below(2) == 0)),
        15 => ("$size", number(random)),
        16 => ("$mod", array(vec![Value::Number(2.0), number(random)])),
        17 => ("$bitsAnySet", number(random)),
        18 => {
            let types = ["number", "string", "array", "object", "null", "date", "binData", "int"];
            ("$type", text(types[random.below(types.len())]))
        }
        19 => {
            let sources = ["^a", "b", "^ab?c", "^$", r"^\<b", "^\u{FFFD}", "^\u{FFFD}x"];
            ("$regex", text(sources[random.below(sources.len())]))
        }
        20 => {
            let patterns = ["a%", "%b", "a_c", "ab", "%", "\u{FFFD}%", "\u{FFFD}_"];
            ("$like", text(patterns[random.below(patterns.len())]))
        }
        21 => ("$startsWith", text(["a", "ab", ""][random.below(3)])),
        22 => ("$all", list(random)),
        23 => {
            let numbers = vec![number(random), number(random)];
            ("$between", array(numbers))
        }
        24 if depth > 0 => ("$not", operators(random, depth - 1)),
        _ if depth > 0 => {
            let inner = match random.below(2) {
                0 => operators(random, depth - 1),
                _ => object(vec![("d", operators(random, depth - 1))]),
            };
            ("$elemMatch", inner)
        }
        _ => ("$eq", scalar(random)),
    };
    let mut fields = vec![(name, operand)];
    if random.below(4) == 0 {
        fields.push(("$lt", Value::Number(random.below(5) as f64)));
    }
    object(fields)
}

/// A random filter, of documents with these keys.
pub fn filter(random: &mut Random, keys: Keys, depth: usize) -> Value {
    let mut fields = Vec::new();
    for _ in 0..=random.below(2) {
        let path = PATHS[random.below(PATHS.len())];
        let condition = match random.below(4) {
            0 => any(random, 2),
            _ => operators(random, 2),
        };
        fields.push((path, condition));
    }
    if depth > 0 && random.below(3) == 0 {
        let name = ["$or", "$and", "$nor"][random.below(3)];
        let parts = match random.below(3) {
            // Of one field.
            0 => {
                let path = PATHS[random.below(PATHS.len())];
                let condition = |random: &mut Random| match random.below(2) {
                    0 => any(random, 1),
                    _ => operators(random, 1),
                };
                let parts = 0..=random.below(4);
                parts.map(|_| object(vec![(path, condition(random))])).collect()
            }
            _ => (0..=random.below(2)).map(|_| filter(random, keys, depth - 1)).collect(),
        };
        fields.push((name, array(parts)));
        if random.below(2) == 0 {
            fields.retain(|(name, _)| name.starts_with('$'));
        }
    }
    if random.below(6) == 0 {
        let (number, plain) = (random.below(KNOWN), random.below(2) == 0);
        let (name, value) = match random.below(2) {
            0 => ("id", keys.value(number)),
            _ => ("u", unique(number, plain)),
        };
        let condition = match random.below(4) {
            0 => object(vec![("$in", array(vec![value, keys.value(number + 1)]))]),
            1 => object(vec![("$lte", value)]),
            _ => value,
        };
        fields.retain(|(known, _)| *known != name);
        fields.push((name, condition));
    }
    object(fields)
}

/// A random sort.
pub fn sort(random: &mut Random) -> Value {
    let directions = (0..random.below(3)).map(|_| {
        let path = ["a", "b", "c", "c.d", "id", "u"][random.below(6)];
        (path, Value::Number(if random.below(2) == 0 { 1.0 } else { -1.0 }))
    });
    object(directions.collect())
}

/// Filters of partial indexes.
pub fn partial(random: &mut Random) -> Option<Value> {
    let number = |number: f64| Value::Number(number);
    match random.below(12) {
        5 => Some(object(vec![("b", object(vec![("$gte", text("a"))]))])),
        0 => Some(object(vec![("b", object(vec![("$gt", number(1.0))]))])),
        1 => Some(object(vec![("a", object(vec![("$exists", Value::Bool(true))]))])),
        2 => Some(object(vec![("c.d", number(2.0))])),
        3 => Some(object(vec![("a", object(vec![("$lt", number(4.0)), ("$gte", number(0.0))]))])),
        4 => Some(object(vec![("b", object(vec![("$ne", Value::Null)]))])),
        _ => None,
    }
}
