//! Secrets that users give, and keys: zeroized when dropped, never printed.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes of every key.
pub const KEY: usize = 32;

/// A key. Its bytes stay where they are when it is moved, so that no copies are left behind.
#[derive(Clone)]
pub struct Key(Box<Zeroizing<[u8; KEY]>>);

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: [u8; KEY]) -> Self {
        Self::filled(|own| *own = bytes)
    }

    /// A key of these bytes; `None` if there is another number of them.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == KEY).then(|| Self::filled(|own| own.copy_from_slice(bytes)))
    }

    /// A key that `fill` writes.
    pub fn filled(fill: impl FnOnce(&mut [u8; KEY])) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; KEY]));
        fill(&mut bytes);
        Self(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// What unlocks a database.
#[derive(Clone)]
pub enum Secret {
    /// A passphrase, in UTF-8; Argon2id makes a key of it.
    Passphrase(Zeroizing<Vec<u8>>),
    /// A key of full strength.
    Key(Key),
}

impl Secret {
    /// A passphrase.
    pub fn passphrase(text: impl Into<Vec<u8>>) -> Self {
        Self::Passphrase(Zeroizing::new(text.into()))
    }

    /// A key.
    pub fn key(bytes: [u8; KEY]) -> Self {
        Self::Key(Key::new(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Passphrase(_) => "Passphrase(redacted)",
            Secret::Key(_) => "Key(redacted)",
        })
    }
}

/// Bytes of the stack that what handles secrets may have used.
const SCRUBBED: usize = 16 << 10;

/// Overwrites what calls that have returned have left on the stack. The libraries that derive keys
/// and prepare them for ciphers work on copies there.
#[inline(never)]
pub(super) fn scrub_stack() {
    let mut bytes = [0_u8; SCRUBBED];
    std::hint::black_box(&mut bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!(
            "{:?} {:?} {:?}",
            Secret::passphrase("marker"),
            Secret::key([0x41; KEY]),
            Key::new([0x41; KEY])
        );
        assert_eq!(printed, "Passphrase(redacted) Key(redacted) Key(redacted)");
    }

    #[test]
    fn a_key_has_its_length() {
        assert!(Key::from_slice(&[1; KEY]).is_some());
        assert!(Key::from_slice(&[1; KEY - 1]).is_none());
        assert!(Key::from_slice(&[1; KEY + 1]).is_none());
    }
}
