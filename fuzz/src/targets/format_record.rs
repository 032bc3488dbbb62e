//! The format record: what is read is what was written, however it goes on.

use lodestore::error::ErrorCode;
use lodestore::storage::FormatRecord;

use super::allow;

pub fn run(data: &[u8]) {
    let Some(record) = allow(FormatRecord::decode(data), &[ErrorCode::Corrupt]) else { return };
    assert!(data.starts_with(&record.encode()), "{record:?}");
}
