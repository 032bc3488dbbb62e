//! Envelopes: nothing passes with a wrong checksum, and nothing grows beyond what its bytes can
//! hold.
//!
//! The first byte says how the rest becomes an envelope: as it is, or with the right checksum. The
//! checksum is computed as docs/format.md defines it.

use lodestore::error::ErrorCode;
use lodestore::storage::TreeId;
use lodestore::storage::envelope::{self, MAX_PAYLOAD, OVERHEAD};
use xxhash_rust::xxh3::xxh3_64;

use super::allow;

const TREE: TreeId = TreeId(9);
const KEY: &[u8] = b"\x30\x81\x02";
/// Longer payloads are not decompressed, to keep the rate.
const LONGEST: usize = 256 << 10;
/// A Zstandard block of four bytes may stand for 128 KiB.
const HIGHEST_RATIO: usize = (128 << 10) / 4;

pub fn run(data: &[u8]) {
    let Some((&how, rest)) = data.split_first() else { return };
    let mut stored = rest.to_vec();
    if how & 1 == 1 {
        stored.extend_from_slice(&checksum(rest).to_le_bytes());
    }
    let Some(payload) = allow(envelope::check(TREE, KEY, &stored), &[ErrorCode::Corrupt]) else {
        return;
    };
    let covered = stored.len() - size_of::<u32>();
    let written = u32::from_le_bytes(*stored[covered..].first_chunk().unwrap());
    assert_eq!(written, checksum(&stored[..covered]));
    let bytes = stored.len() - OVERHEAD;
    assert!(payload.len() <= MAX_PAYLOAD && payload.len() <= bytes.saturating_mul(HIGHEST_RATIO));
    if payload.len() > LONGEST {
        return;
    }
    let mut out = b"before".to_vec();
    let appended = allow(payload.append_to(&mut out), &[ErrorCode::Corrupt]).is_some();
    assert!(out.starts_with(b"before"));
    assert_eq!(out.len() - 6, if appended { payload.len() } else { 0 });
    let mut exact = vec![0; payload.len()];
    assert_eq!(payload.write_to(&mut exact).is_ok(), appended);
    if appended {
        assert_eq!(exact, out[6..]);
    }
}

fn checksum(covered: &[u8]) -> u32 {
    let mut place = TREE.prefix().to_vec();
    place.extend_from_slice(KEY);
    xxh3_64(covered).wrapping_add(xxh3_64(&place)) as u32
}
