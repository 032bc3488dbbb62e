//! Encoded keys: what is accepted is the only encoding of its value, and all functions agree.

use std::cmp::Ordering;

use lodestore::error::ErrorCode;
use lodestore::key::{self, Key};

pub fn run(data: &[u8]) {
    let first = check(data);
    check_descending(data);
    // What follows the first key is another one, which the order is compared with.
    if let Some((a, len)) = first
        && let Some((b, _)) = check(&data[len..])
    {
        let (a_bytes, b_bytes) = (encode(&a), encode(&b));
        assert_eq!(a_bytes.cmp(&b_bytes), compare(&a, &b), "{a:?} {b:?}");
    }
}

fn check(bytes: &[u8]) -> Option<(Key, usize)> {
    let validated = key::validate_component(bytes, false).ok();
    match key::decode(bytes) {
        Ok((value, len)) => {
            assert_eq!(encode(&value), &bytes[..len]);
            assert_eq!(key::encoded_len(bytes, false).unwrap(), len);
            assert_eq!(validated, Some(len));
            assert_eq!(key::validate_key(&bytes[..len]).is_ok(), is_key(&value), "{value:?}");
            assert!(value.to_string().chars().count() <= 101);
            Some((value, len))
        }
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Corrupt);
            assert_eq!(validated, None);
            assert!(key::validate_key(bytes).is_err());
            None
        }
    }
}

fn check_descending(bytes: &[u8]) {
    let component = key::validate_component(bytes, true).ok();
    let decoded = key::decode_component(bytes, true).ok();
    assert_eq!(component, decoded.as_ref().map(|(_, len)| *len));
    if let Some((value, len)) = decoded {
        let mut encoded = encode(&value);
        key::invert(&mut encoded);
        assert_eq!(encoded, &bytes[..len]);
    }
}

fn encode(value: &Key) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out).unwrap();
    out
}

/// Whether a store's key may be so: null and booleans are for indexes.
fn is_key(value: &Key) -> bool {
    match value {
        Key::Null | Key::Bool(_) => false,
        Key::Array(elements) => elements.iter().all(is_key),
        _ => true,
    }
}

fn compare(a: &Key, b: &Key) -> Ordering {
    match (a, b) {
        (Key::Number(a), Key::Number(b)) | (Key::Date(a), Key::Date(b)) => {
            a.partial_cmp(b).unwrap()
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

/// An integer against a double; casts to i128 saturate, which keeps the order.
fn compare_mixed(a: i128, b: f64) -> Ordering {
    let whole = b.fract() == 0.0 || b.is_infinite();
    a.cmp(&(b.floor() as i128)).then(if whole { Ordering::Equal } else { Ordering::Less })
}
