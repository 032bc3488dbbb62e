//! From a tree's keys to LMDB's: the tree's prefix, then the key, cut into buckets beyond
//! [`MAX_DIRECT`] bytes.

use crate::error::{Error, Result};

/// The longest tree prefix and key, together, that is an LMDB key of its own, in bytes.
///
/// A constant of the format. LMDB's own limit with 4 KiB pages is 1,982 bytes.
pub const MAX_DIRECT: usize = 1_900;

/// Stands between a bucket's name and the ordinal of a part.
const SEPARATOR: u8 = 0x00;
const ORDINAL_LEN: usize = size_of::<u64>();
/// Length of every LMDB key of a bucket's part.
const PART_KEY_LEN: usize = MAX_DIRECT + 1 + ORDINAL_LEN;
/// Keys up to this length, with the prefix, are put together in a small buffer.
const SHORT: usize = 128;

/// Calls `f` with `prefix` and `key` in one piece.
#[inline]
pub(crate) fn with_joined<R>(prefix: &[u8], key: &[u8], f: impl FnOnce(&[u8]) -> R) -> R {
    let len = prefix.len() + key.len();
    let mut short = [0; SHORT];
    if let Some(buffer) = short.get_mut(..len) {
        join(buffer, prefix, key);
        return f(buffer);
    }
    let mut direct = [0; MAX_DIRECT];
    if let Some(buffer) = direct.get_mut(..len) {
        join(buffer, prefix, key);
        return f(buffer);
    }
    f(&[prefix, key].concat())
}

/// Fills `buffer`, which is as long as both parts.
#[inline]
fn join(buffer: &mut [u8], prefix: &[u8], key: &[u8]) {
    if let Some((head, tail)) = buffer.split_at_mut_checked(prefix.len()) {
        head.copy_from_slice(prefix);
        tail.copy_from_slice(key);
    }
}

/// The LMDB key of a part of a bucket: its name (the first [`MAX_DIRECT`] bytes of prefix and key),
/// a separator and the part's ordinal, big-endian.
#[derive(Clone)]
pub(super) struct PartKey([u8; PART_KEY_LEN]);

impl PartKey {
    /// The first possible part of the bucket for a long key, and the rest of the key, which the
    /// bucket's name does not hold. `None` if prefix and key fit into an LMDB key.
    pub(super) fn split<'k>(prefix: &[u8], key: &'k [u8]) -> Option<(Self, &'k [u8])> {
        let (named, rest) = key.split_at_checked(MAX_DIRECT.checked_sub(prefix.len())?)?;
        if rest.is_empty() {
            return None;
        }
        let mut part = [0; PART_KEY_LEN];
        if let Some(name) = part.get_mut(..MAX_DIRECT) {
            join(name, prefix, named);
        }
        Some((Self(part), rest))
    }

    /// The same bucket's part of another ordinal.
    pub(super) fn at(&mut self, ordinal: u64) -> &[u8] {
        if let Some(bytes) = self.0.last_chunk_mut() {
            *bytes = ordinal.to_be_bytes();
        }
        &self.0
    }

    /// The ordinal of the part at LMDB key `raw`, if it belongs to this bucket.
    pub(super) fn ordinal_of(&self, raw: &[u8]) -> Option<u64> {
        let (name, ordinal) = raw.split_last_chunk::<ORDINAL_LEN>()?;
        (Some(name) == self.0.get(..=MAX_DIRECT)).then(|| u64::from_be_bytes(*ordinal))
    }
}

/// The name of the bucket whose part has the LMDB key `raw`; `None` if `raw` is a direct key.
///
/// # Errors
/// `CORRUPT` if it is neither.
#[inline]
pub(super) fn bucket_name(raw: &[u8]) -> Result<Option<&[u8]>> {
    if raw.len() <= MAX_DIRECT {
        return Ok(None);
    }
    match raw.split_at_checked(MAX_DIRECT) {
        Some((name, [SEPARATOR, ..])) if raw.len() == PART_KEY_LEN => Ok(Some(name)),
        _ => Err(Error::corrupt("a key is longer than keys are stored")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_begins_beyond_the_limit() {
        let prefix = [7, 7];
        let key = vec![9; MAX_DIRECT];
        assert!(PartKey::split(&prefix, &key[..MAX_DIRECT - 2]).is_none());
        let (mut part, rest) = PartKey::split(&prefix, &key).unwrap();
        assert_eq!(rest, [9, 9]);
        let raw = part.at(0x0102).to_vec();
        assert_eq!(raw.len(), PART_KEY_LEN);
        assert_eq!(part.ordinal_of(&raw), Some(0x0102));
        assert_eq!(bucket_name(&raw).unwrap().unwrap().len(), MAX_DIRECT);
        assert!(bucket_name(&raw[..MAX_DIRECT]).unwrap().is_none());
        assert!(bucket_name(&raw[..PART_KEY_LEN - 1]).is_err());
    }

    #[test]
    fn joins_at_every_size() {
        for len in [0, 1, SHORT - 2, SHORT - 1, SHORT, MAX_DIRECT - 2, MAX_DIRECT, 5_000] {
            let key = vec![3; len];
            with_joined(&[1, 2], &key, |raw| {
                assert_eq!(raw.len(), len + 2);
                assert_eq!(raw[..2], [1, 2]);
                assert_eq!(raw[2..], key);
            });
        }
    }
}
