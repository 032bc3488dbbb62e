//! Order, and the agreement of the encoders.

use lodestore::key::{self, Key};
use lodestore::wtf8::Wtf8String;

use crate::oracle::{canonical, compare, encode};
use crate::random::Random;

#[test]
fn order_of_bytes_is_order_of_keys() {
    let mut random = Random::new("order_of_bytes_is_order_of_keys");
    let mut seen = [0; 3];
    for pair in 0..200_000 {
        let a = random.key(0);
        let b = if pair % 2 == 0 { random.near(&a) } else { random.key(0) };
        let (mut bytes_a, mut bytes_b) = (encode(&a), encode(&b));
        let expected = compare(&a, &b);
        seen[(expected as i8 + 1) as usize] += 1;
        assert_eq!(bytes_a.cmp(&bytes_b), expected, "{a:?} {b:?}");
        assert_eq!(key::decode(&bytes_a).unwrap(), (canonical(&a), bytes_a.len()), "{a:?}");
        key::invert(&mut bytes_a);
        key::invert(&mut bytes_b);
        assert_eq!(bytes_a.cmp(&bytes_b), expected.reverse(), "{a:?} {b:?}");
        assert_eq!(key::encoded_len(&[bytes_a, bytes_b].concat(), true).unwrap(), encode(&a).len());
    }
    assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
}

#[test]
fn encoders_of_one_value_agree() {
    let mut random = Random::new("encoders_of_one_value_agree");
    for _ in 0..50_000 {
        let units = random.units();
        let expected = encode(&Key::String(Wtf8String::from_utf16(&units)));
        let pushed = |push: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            push(&mut out);
            out
        };
        assert_eq!(pushed(&|out| key::push_utf16(out, units.iter().copied())), expected);
        if let Ok(text) = String::from_utf16(&units) {
            assert_eq!(pushed(&|out| key::push_utf8(out, &text)), expected);
        }
        let latin1: Vec<u8> = units.iter().map(|unit| *unit as u8).collect();
        let widened = latin1.iter().copied().map(u16::from);
        assert_eq!(
            pushed(&|out| key::push_latin1(out, &latin1)),
            pushed(&|out| key::push_utf16(out, widened.clone()))
        );
        let integer = random.integer();
        let magnitude = integer.unsigned_abs().to_le_bytes();
        assert_eq!(
            pushed(&|out| assert!(key::push_bigint(out, integer < 0, &magnitude))),
            pushed(&|out| assert!(key::push_i128(out, integer)))
        );
    }
}
