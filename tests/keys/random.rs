//! Random keys.

use std::hash::{BuildHasher, RandomState};

use lodestore::key::Key;
use lodestore::wtf8::Wtf8String;

/// splitmix64.
pub struct Random(u64);

impl Random {
    pub fn new(test: &str) -> Self {
        let seed = match std::env::var("LODESTORE_SEED") {
            Ok(seed) => seed.parse().expect("LODESTORE_SEED is a number"),
            Err(_) => RandomState::new().hash_one(test),
        };
        println!("{test}: LODESTORE_SEED={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn key(&mut self, depth: usize) -> Key {
        match self.below(14) {
            0..=2 => Key::Number(self.number()),
            3..=4 => Key::BigInt(self.integer()),
            5 => Key::Date(self.pick(&[0.0, 1.0, -1.0, 8.64e15, -8.64e15, 1.7e12])),
            6 => Key::Date((self.next() as i64 >> 11) as f64 % 8.64e15),
            7..=9 => Key::String(Wtf8String::from_utf16(&self.units())),
            10 => Key::Binary(self.bytes()),
            11 => match self.below(3) {
                0 => Key::Null,
                i => Key::Bool(i == 1),
            },
            _ if depth > 4 => Key::Array(Vec::new()),
            _ => Key::Array((0..self.below(4)).map(|_| self.key(depth + 1)).collect()),
        }
    }

    /// A key near another one, so that the order is decided late.
    pub fn near(&mut self, key: &Key) -> Key {
        match key {
            Key::Number(x) => Key::Number(self.pick(&[*x, -x, x + 1.0, x.next_up(), x / 2.0])),
            Key::BigInt(x) => {
                let near = (x + self.below(5) as i128 - 2).clamp(-(1 << 63), (1 << 64) - 1);
                if self.below(2) == 0 { Key::Number(near as f64) } else { Key::BigInt(near) }
            }
            Key::String(text) => {
                let mut units = text.to_utf16();
                units.truncate(self.below(units.len() + 1));
                units.extend(self.units().into_iter().take(self.below(3)));
                Key::String(Wtf8String::from_utf16(&units))
            }
            Key::Binary(bytes) => {
                let mut bytes = bytes.clone();
                bytes.truncate(self.below(bytes.len() + 1));
                bytes.extend(self.bytes().into_iter().take(self.below(3)));
                Key::Binary(bytes)
            }
            Key::Array(elements) => {
                let mut near = elements.clone();
                near.truncate(self.below(elements.len() + 1));
                match near.pop() {
                    Some(last) => near.push(self.near(&last)),
                    None => near.push(self.key(3)),
                }
                Key::Array(near)
            }
            _ => key.clone(),
        }
    }

    fn number(&mut self) -> f64 {
        match self.below(5) {
            0 => self.below(2000) as f64 - 1000.0,
            1 => self.pick(&[0.0, -0.0, 5e-324, -5e-324, f64::INFINITY, f64::NEG_INFINITY, 0.1]),
            2 => {
                let power = self.pick(&[52, 53, 54, 63, 64]);
                let sign = self.pick(&[1.0, -1.0]);
                sign * 2_f64.powi(power) + self.below(16) as f64 - 8.0
            }
            _ => match f64::from_bits(self.next() & self.pick(&[u64::MAX, u64::MAX << 32])) {
                x if x.is_nan() => 0.5,
                x => x,
            },
        }
    }

    pub fn integer(&mut self) -> i128 {
        let any = self.next();
        let base = self.pick(&[0, 1 << 53, -(1 << 53), 1 << 63, -(1 << 63), 1 << 64]);
        let near = base + self.below(5000) as i128 - 2500;
        self.pick(&[near, i128::from(any), i128::from(any as i64)]).clamp(-(1 << 63), (1 << 64) - 1)
    }

    pub fn units(&mut self) -> Vec<u16> {
        let shared = if self.below(8) == 0 { self.below(300) } else { 0 };
        let mut units = vec![u16::from(b'p'); shared];
        let ascii = self.below(2) == 0;
        for _ in 0..self.below(30) {
            let any = self.next() as u16;
            let edge = self.pick(&[0xD7FF_u16, 0xDBFF, 0xDFFF, 0xFFFE, 0x7F, 0x7FF, 0]);
            let choices = [any % 4, any % 0x80, any % 0x900, any, edge.wrapping_add(any % 2)];
            units.push(if ascii { u16::from(b'a') + any % 2 } else { self.pick(&choices) });
        }
        units
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = self.below(20);
        let mut byte = || {
            let any = self.next() as u8;
            self.pick(&[any, any % 3])
        };
        (0..len).map(|_| byte()).collect()
    }
}
