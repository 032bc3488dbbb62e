//! Keys in error messages and dumps: like JavaScript, cut after 100 characters.

use std::fmt::{self, Write};

use super::Key;

/// Characters of a key that are shown.
const SHOWN: usize = 100;

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = Shown { text: String::new(), left: SHOWN };
        let cut = write_key(self, &mut shown).is_err();
        f.write_str(&shown.text)?;
        if cut { f.write_char('…') } else { Ok(()) }
    }
}

/// Text of limited length; writing beyond it fails.
struct Shown {
    text: String,
    left: usize,
}

impl Write for Shown {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for c in s.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

/// Each level of an array writes a character first, so the recursion ends with the room.
fn write_key(key: &Key, out: &mut Shown) -> fmt::Result {
    match key {
        Key::Null => out.write_str("null"),
        Key::Bool(value) => write!(out, "{value}"),
        Key::Number(value) if value.is_infinite() => {
            out.write_str(if *value > 0.0 { "Infinity" } else { "-Infinity" })
        }
        Key::Number(value) if value.abs() >= 1e21 || *value != 0.0 && value.abs() < 1e-6 => {
            write!(out, "{value:e}")
        }
        Key::Number(value) => write!(out, "{value}"),
        Key::BigInt(value) => write!(out, "{value}n"),
        Key::Date(milliseconds) => write!(out, "Date({milliseconds})"),
        Key::String(text) => write!(out, "{text:?}"),
        Key::Binary(bytes) => {
            out.write_str("0x")?;
            bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
        Key::Array(elements) => {
            out.write_char('[')?;
            for (i, element) in elements.iter().enumerate() {
                if i > 0 {
                    out.write_str(", ")?;
                }
                write_key(element, out)?;
            }
            out.write_char(']')
        }
    }
}
