//! Tree ids: the prefix that tells logical trees apart within an LMDB tree.

use std::fmt;
use std::ops::Deref;

/// The id of a logical tree: the documents of a store, or the entries of an index. Never reused.
/// 0 stands for the records in `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId(pub u64);

/// The longest prefix, in bytes.
const MAX_PREFIX: usize = 9;
/// Ids below this take one byte.
const ONE_BYTE: u64 = 0xF8;

/// An encoded tree id. Prefixes sort as their ids do, and none is a prefix of another.
#[derive(Clone, Copy)]
pub struct TreePrefix {
    bytes: [u8; MAX_PREFIX],
    len: u8,
}

impl TreeId {
    /// The id's bytes: one byte below 248; otherwise 247 plus the number of bytes that follow, and
    /// the id, big-endian, without leading zero bytes.
    pub fn prefix(self) -> TreePrefix {
        let mut bytes = [0; MAX_PREFIX];
        if self.0 < ONE_BYTE {
            bytes[0] = self.0 as u8;
            return TreePrefix { bytes, len: 1 };
        }
        let big_endian = self.0.to_be_bytes();
        let skip = (self.0.leading_zeros() / 8) as usize;
        let len = 8 - skip;
        bytes[0] = ONE_BYTE as u8 + (len as u8 - 1);
        for (to, from) in bytes.iter_mut().skip(1).zip(big_endian.iter().skip(skip)) {
            *to = *from;
        }
        TreePrefix { bytes, len: len as u8 + 1 }
    }

    /// Reads an id from the start of `bytes`; returns it and what follows.
    pub fn read(bytes: &[u8]) -> Option<(TreeId, &[u8])> {
        let (&first, rest) = bytes.split_first()?;
        let Some(extra) = u64::from(first).checked_sub(ONE_BYTE) else {
            return Some((TreeId(u64::from(first)), rest));
        };
        let (digits, rest) = rest.split_at_checked(extra as usize + 1)?;
        let id = digits.iter().fold(0, |id, &digit| id << 8 | u64::from(digit));
        (id >= ONE_BYTE && digits.first() != Some(&0)).then_some((TreeId(id), rest))
    }
}

impl Deref for TreePrefix {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }
}

impl fmt::Debug for TreePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", &**self)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_sort_as_ids_and_read_back() {
        let mut ids: Vec<u64> = (0..600).chain([0xFFFF, 0x10000, 1 << 40, u64::MAX]).collect();
        ids.extend((8..64).map(|bit| (1 << bit) - 1));
        ids.sort_unstable();
        ids.dedup();
        for pair in ids.windows(2) {
            let (low, high) = (TreeId(pair[0]).prefix(), TreeId(pair[1]).prefix());
            assert!(*low < *high, "{pair:?}");
            assert!(!high.starts_with(&low), "{pair:?}");
        }
        for id in ids {
            let mut bytes = TreeId(id).prefix().to_vec();
            bytes.push(7);
            assert_eq!(TreeId::read(&bytes), Some((TreeId(id), &[7][..])));
        }
        assert_eq!(TreeId::read(&[]), None);
        assert_eq!(TreeId::read(&[0xF8, 3]), None, "not the shortest form");
        assert_eq!(TreeId::read(&[0xF9, 1]), None, "cut off");
    }
}
