//! Bytes that nothing wrote.

use lodestore::error::ErrorCode;
use lodestore::key::{self, Key};

use crate::oracle::encode;
use crate::random::Random;

#[test]
fn corrupted_keys_are_another_key_or_refused() {
    let mut random = Random::new("corrupted_keys_are_another_key_or_refused");
    let mut accepted = 0;
    for round in 0..1_000_000 {
        let mut bytes = if round % 2 == 0 {
            encode(&random.key(0))
        } else {
            let tags = [0, 0x10, 0x20, 0x28, 0x30, 0x40, 0x50, 0x60, 0x70];
            let mut byte =
                || if random.below(3) == 0 { random.pick(&tags) } else { random.next() as u8 };
            (0..round / 2 % 24).map(|_| byte()).collect()
        };
        if !bytes.is_empty() {
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] = random.next() as u8 & random.pick(&[0xFF, 0x71]);
            }
        }
        check_hostile(&bytes, &mut accepted);
        key::invert(&mut bytes);
        let component = key::validate_component(&bytes, true);
        let decoded = key::decode_component(&bytes, true);
        assert_eq!(component.ok(), decoded.ok().map(|(_, len)| len), "{bytes:x?}");
    }
    assert!((1_000..999_000).contains(&accepted), "{accepted}");
}

/// What is accepted must be the only encoding of its value, and all functions must agree.
fn check_hostile(bytes: &[u8], accepted: &mut usize) {
    let validated = key::validate_component(bytes, false).ok();
    match key::decode(bytes) {
        Ok((value, len)) => {
            *accepted += 1;
            assert_eq!(encode(&value), &bytes[..len], "{bytes:x?}");
            assert_eq!(key::encoded_len(bytes, false).unwrap(), len, "{bytes:x?}");
            assert_eq!(validated, Some(len), "{bytes:x?}");
            assert!(value.to_string().chars().count() <= 101);
        }
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Corrupt);
            assert_eq!(validated, None, "{bytes:x?}");
            assert!(key::validate_key(bytes).is_err(), "{bytes:x?}");
        }
    }
    if let Ok(len) = key::encoded_len(bytes, false) {
        assert!(len <= bytes.len());
    }
}

#[test]
fn arrays_nest_at_most_a_thousand_deep() {
    let nested = |depth: usize| [vec![key::TAG_ARRAY; depth], vec![key::END; depth]].concat();
    let deepest = nested(key::MAX_DEPTH);
    key::validate_key(&deepest).unwrap();
    let (value, len) = key::decode(&deepest).unwrap();
    assert_eq!(len, deepest.len());
    assert_eq!(encode(&value), deepest);
    let mut out = Vec::new();
    assert!(Key::Array(vec![value]).encode(&mut out).is_err());
    for bytes in [nested(key::MAX_DEPTH + 1), vec![key::TAG_ARRAY; 10_000_000]] {
        assert!(key::validate_key(&bytes).is_err());
        assert!(key::decode(&bytes).is_err());
        assert!(key::encoded_len(&bytes, false).is_err());
    }
}
