//! Compression of stored values.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use super::envelope::MAX_PAYLOAD;
use crate::error::Result;

/// How a store's documents are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// LZ4, block format: fast.
    Lz4,
    /// Zstandard, level 3: small.
    Zstd,
}

/// Payloads below this are stored as they are, in bytes.
const MIN_LEN: usize = 64;
/// Zstandard's level.
const LEVEL: i32 = 3;
/// LZ4 adds at most 255 bytes to a match for each byte of its length.
const LZ4_MAX_RATIO: usize = 255;
/// A Zstandard block has at least 4 bytes (header and a repeated byte) and at most 128 KiB of
/// content.
const ZSTD_MAX_RATIO: usize = (128 << 10) / 4;
/// A buffer that has grown beyond this is not kept, in bytes.
const KEPT: usize = 1 << 20;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

impl Compression {
    /// The envelope flags of a value so compressed.
    fn flags(self) -> u8 {
        match self {
            Compression::None => 0,
            Compression::Lz4 => 1,
            Compression::Zstd => 2,
        }
    }

    /// The compression of a compressed value, by its envelope's flags.
    pub(super) fn from_flags(flags: u8) -> Option<Self> {
        match flags {
            1 => Some(Compression::Lz4),
            2 => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// No `compressed_len` bytes decompress to more than this.
    pub(super) fn max_len(self, compressed_len: usize) -> usize {
        match self {
            Compression::None => compressed_len,
            Compression::Lz4 => compressed_len.saturating_mul(LZ4_MAX_RATIO),
            Compression::Zstd => compressed_len.saturating_mul(ZSTD_MAX_RATIO),
        }
    }

    /// Decompresses into `out`; the length, or `None` if the bytes are malformed or too many.
    pub(super) fn decompress(self, bytes: &[u8], out: &mut [u8]) -> Option<usize> {
        match self {
            Compression::None => None,
            Compression::Lz4 => lz4_flex::block::decompress_into(bytes, out).ok(),
            Compression::Zstd => DECOMPRESSOR.with_borrow_mut(|kept| {
                let decompressor = match kept {
                    Some(decompressor) => decompressor,
                    None => kept.insert(Decompressor::new().ok()?),
                };
                decompressor.decompress_to_buffer(bytes, out).ok()
            }),
        }
    }

    /// Compresses into `buffer`; the length, or `None` if that would be `limit` bytes or more.
    fn compress(self, bytes: &[u8], buffer: &mut Vec<u8>, limit: usize) -> Option<usize> {
        let room = match self {
            Compression::None => return None,
            // lz4_flex demands room for the worst case.
            Compression::Lz4 => lz4_flex::block::get_maximum_output_size(bytes.len()),
            // Zstandard gives up when the output is full.
            Compression::Zstd => limit,
        };
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        let out = buffer.get_mut(..room)?;
        let len = if self == Compression::Lz4 {
            lz4_flex::block::compress_into(bytes, out).ok()
        } else {
            COMPRESSOR.with_borrow_mut(|kept| {
                let compressor = match kept {
                    Some(compressor) => compressor,
                    None => kept.insert(Compressor::new(LEVEL).ok()?),
                };
                compressor.compress_to_buffer(bytes, out).ok()
            })
        };
        len.filter(|len| *len < limit)
    }
}

/// Calls `f` with the envelope's flags, the length before compression if it is compressed, and the
/// bytes to store.
pub(super) fn with_compressed<T>(
    payload: &[u8],
    compression: Compression,
    f: impl FnOnce(u8, Option<u32>, &[u8]) -> Result<T>,
) -> Result<T> {
    debug_assert!(payload.len() <= MAX_PAYLOAD);
    if compression == Compression::None || payload.len() < MIN_LEN {
        return f(0, None, payload);
    }
    BUFFER.with_borrow_mut(|buffer| {
        // The length before compression takes four bytes.
        let compressed = compression.compress(payload, buffer, payload.len() - size_of::<u32>());
        let result = match compressed.and_then(|len| buffer.get(..len)) {
            Some(bytes) => f(compression.flags(), Some(payload.len() as u32), bytes),
            None => f(0, None, payload),
        };
        if buffer.capacity() > KEPT {
            *buffer = Vec::new();
        }
        result
    })
}
