//! What the order and the decoded form of keys must be, from their values alone.

use std::cmp::Ordering;

use lodestore::key::Key;

/// The order of two keys, from their values alone.
pub fn compare(a: &Key, b: &Key) -> Ordering {
    fn rank(key: &Key) -> u8 {
        match key {
            Key::Null => 0,
            Key::Bool(false) => 1,
            Key::Bool(true) => 2,
            Key::Number(_) | Key::BigInt(_) => 3,
            Key::Date(_) => 4,
            Key::String(_) => 5,
            Key::Binary(_) => 6,
            Key::Array(_) => 7,
        }
    }
    match (a, b) {
        (Key::Number(a), Key::Number(b)) | (Key::Date(a), Key::Date(b)) => {
            a.partial_cmp(b).expect("not NaN")
        }
        (Key::BigInt(a), Key::BigInt(b)) => a.cmp(b),
        (Key::BigInt(a), Key::Number(b)) => compare_mixed(*a, *b),
        (Key::Number(a), Key::BigInt(b)) => compare_mixed(*b, *a).reverse(),
        (Key::String(a), Key::String(b)) => a.to_utf16().cmp(&b.to_utf16()),
        (Key::Binary(a), Key::Binary(b)) => a.cmp(b),
        (Key::Array(a), Key::Array(b)) => {
            let differ = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            differ.unwrap_or(a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// An integer against a double; casts to i128 saturate, which keeps the order.
fn compare_mixed(a: i128, b: f64) -> Ordering {
    a.cmp(&(b.floor() as i128)).then(if b.fract() == 0.0 || b.is_infinite() {
        Ordering::Equal
    } else {
        Ordering::Less
    })
}

/// The key that decoding gives: a double where one is exact, no negative zero.
pub fn canonical(key: &Key) -> Key {
    match key {
        Key::BigInt(x) if (*x as f64) as i128 == *x => Key::Number(*x as f64),
        Key::Number(x) => Key::Number(x + 0.0),
        Key::Date(x) => Key::Date(x + 0.0),
        Key::Array(elements) => Key::Array(elements.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// The encoded key.
pub fn encode(key: &Key) -> Vec<u8> {
    let mut out = Vec::new();
    key.encode(&mut out).expect("a key");
    out
}

/// Bytes from hexadecimal digits.
pub fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2));
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}
