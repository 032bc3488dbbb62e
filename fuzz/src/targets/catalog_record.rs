//! Records of stores: what is read can be written, and reads the same again.

use lodestore::catalog::record;
use lodestore::error::ErrorCode;

use super::allow;

const STORE: u32 = 7;

pub fn run(data: &[u8]) {
    let Some(store) = allow(record::decode_store(STORE, data), &[ErrorCode::Corrupt]) else {
        return;
    };
    assert_eq!(store.id, STORE);
    assert!(store.indexes.iter().all(|index| !index.parts.is_empty()));
    let encoded = record::encode_store(&store).unwrap();
    assert_eq!(record::decode_store(STORE, &encoded).unwrap(), store);
}
