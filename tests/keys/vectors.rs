//! The vectors that Rust and JavaScript share.

use lodestore::error::ErrorCode;
use lodestore::key::{self, Key};
use lodestore::wtf8::Wtf8String;
use serde_json::Value;

use crate::oracle::{encode, from_hex};

fn from_json(typed: &Value) -> Key {
    let content = &typed[1];
    let text = || content.as_str().unwrap();
    match typed[0].as_str().unwrap() {
        "null" => Key::Null,
        "boolean" => Key::Bool(content.as_bool().unwrap()),
        "number" => Key::Number(text().parse().unwrap()),
        "bigint" => Key::BigInt(text().parse().unwrap_or(i128::MAX)),
        "date" => Key::Date(text().parse().unwrap()),
        "string" => Key::String(text().into()),
        "units" => {
            let units = content.as_array().unwrap().iter();
            let units: Vec<u16> = units.map(|unit| unit.as_u64().unwrap() as u16).collect();
            Key::String(Wtf8String::from_utf16(&units))
        }
        "binary" => Key::Binary(from_hex(text())),
        "array" => Key::Array(content.as_array().unwrap().iter().map(from_json).collect()),
        other => panic!("unknown type {other}"),
    }
}

fn vector_list(name: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/keys.json")).unwrap();
    vectors[name].as_array().unwrap().clone()
}

#[test]
fn vectors_encode_and_decode() {
    let keys = vector_list("keys");
    assert!(keys.len() > 100);
    let mut previous = Vec::new();
    for vector in &keys {
        let value = from_json(&vector["key"]);
        let bytes = from_hex(vector["hex"].as_str().unwrap());
        assert_eq!(encode(&value), bytes, "{vector}");
        for same in vector["same"].as_array().into_iter().flatten() {
            assert_eq!(encode(&from_json(same)), bytes, "{same}");
        }
        assert_eq!(key::decode(&bytes).unwrap(), (value, bytes.len()));
        assert_eq!(key::validate_key(&bytes).is_err(), vector["index"] == true, "{vector}");
        assert!(previous < bytes, "{vector} is out of order");
        previous = bytes;
    }
}

#[test]
fn vectors_tell_their_length_in_both_directions() {
    for vector in vector_list("keys") {
        let mut bytes = from_hex(vector["hex"].as_str().unwrap());
        let len = bytes.len();
        let value = from_json(&vector["key"]);
        bytes.extend_from_slice(&[0x7F, 0x00]);
        for descending in [false, true] {
            assert_eq!(key::encoded_len(&bytes, descending).unwrap(), len);
            assert_eq!(key::validate_component(&bytes, descending).unwrap(), len);
            assert_eq!(key::decode_component(&bytes, descending).unwrap(), (value.clone(), len));
            for cut in 0..len {
                let error = key::encoded_len(&bytes[..cut], descending).unwrap_err();
                assert_eq!(error.code(), ErrorCode::Corrupt);
            }
            key::invert(&mut bytes);
        }
    }
}

#[test]
fn malformed_vectors_are_refused() {
    for vector in vector_list("malformed") {
        let mut bytes = from_hex(vector["hex"].as_str().unwrap());
        assert_eq!(key::decode(&bytes).unwrap_err().code(), ErrorCode::Corrupt, "{vector}");
        assert_eq!(key::validate_key(&bytes).unwrap_err().code(), ErrorCode::InvalidKey);
        assert!(key::validate_component(&bytes, false).is_err(), "{vector}");
        key::invert(&mut bytes);
        assert!(key::validate_component(&bytes, true).is_err(), "{vector}");
        assert!(key::decode_component(&bytes, true).is_err(), "{vector}");
    }
}

#[test]
fn values_that_are_not_keys_append_nothing() {
    for vector in vector_list("unencodable") {
        let mut out = vec![7];
        let error = Key::Array(vec![Key::Number(1.0), from_json(&vector)]).encode(&mut out);
        assert_eq!(error.unwrap_err().code(), ErrorCode::InvalidKey, "{vector}");
        assert_eq!(out, [7]);
    }
    let mut out = Vec::new();
    assert!(!key::push_number(&mut out, f64::NAN));
    assert!(!key::push_date(&mut out, 0.5));
    assert!(!key::push_bigint(&mut out, true, &[1, 0, 0, 0, 0, 0, 0, 0x80]));
    assert!(!key::push_bigint(&mut out, false, &[0, 0, 0, 0, 0, 0, 0, 0, 1]));
    assert!(!key::push_i128(&mut out, i128::MIN));
    assert!(out.is_empty());
}
