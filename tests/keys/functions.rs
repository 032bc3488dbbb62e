//! The functions beside encoding and decoding.

use lodestore::error::ErrorCode;
use lodestore::key::{self, Key};

use crate::oracle::{encode, from_hex};

#[test]
fn store_keys_are_whole_and_without_null() {
    for hex in ["3080", "4080", "5000", "6000", "7000", "7030807000600000"] {
        key::validate_key(&from_hex(hex)).unwrap();
    }
    for hex in ["10", "20", "28", "7010", "701000", "70702000", "308030", "308000", "f0"] {
        let error = key::validate_key(&from_hex(hex)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidKey, "{hex}");
    }
    let long = [&[key::TAG_STRING][..], &vec![b'x'; key::MAX_KEY_BYTES], &[key::END]].concat();
    assert!(key::validate_key(&long).unwrap_err().message().contains("64 MiB"));
}

#[test]
fn as_number_reads_numbers_only() {
    for number in [0.0, -1.5, 1e300, f64::INFINITY, 9_007_199_254_740_992.0] {
        assert_eq!(key::as_number(&encode(&Key::Number(number))), Some(number));
    }
    let big = encode(&Key::BigInt((1 << 60) + 1));
    assert_eq!(key::as_number(&big), Some(2_f64.powi(60)));
    for hex in ["", "30", "308030", "4080", "5000", "28"] {
        assert_eq!(key::as_number(&from_hex(hex)), None, "{hex}");
    }
}

#[test]
fn successor_prefix_bounds_all_keys_with_a_prefix() {
    assert_eq!(key::successor_prefix(vec![1, 2]), Some(vec![1, 3]));
    assert_eq!(key::successor_prefix(vec![1, 0xFF, 0xFF]), Some(vec![2]));
    assert_eq!(key::successor_prefix(vec![0xFF, 0xFF]), None);
    assert_eq!(key::successor_prefix(vec![]), None);
    let mut prefix = encode(&Key::String("ab".into()));
    prefix.pop();
    let bound = key::successor_prefix(prefix.clone()).unwrap();
    for (text, inside) in [("ab", true), ("ab\u{FFFF}z", true), ("ac", false), ("aa", false)] {
        let key = encode(&Key::String(text.into()));
        assert_eq!(prefix <= key && key < bound, inside, "{text}");
    }
}

#[test]
fn keys_are_shown_like_javascript_and_cut() {
    let array = Key::Array(vec![
        Key::Number(1.0),
        Key::Number(-0.5),
        Key::Number(f64::INFINITY),
        Key::BigInt(9_007_199_254_740_993),
        Key::String("a\"b".into()),
        Key::Date(0.0),
        Key::Binary(vec![0, 255]),
        Key::Array(vec![Key::Null, Key::Bool(true)]),
    ]);
    let shown = r#"[1, -0.5, Infinity, 9007199254740993n, "a\"b", Date(0), 0x00ff, [null, true]]"#;
    assert_eq!(array.to_string(), shown);
    let long = Key::String("x".repeat(1000).as_str().into()).to_string();
    assert_eq!(long.chars().count(), 101);
    assert!(long.ends_with("x…"));
}
