//! Keys and nonces.

use std::collections::HashMap;

use super::*;
use crate::storage::lmdb::RwTxn;

fn put(database: &Database, store: usize, number: u32, commit: bool) {
    let mut txn = database.env.write_txn().unwrap();
    put_in(database, store, number, &mut txn);
    if commit {
        txn.commit().unwrap();
    }
}

fn put_in(database: &Database, store: usize, number: u32, txn: &mut RwTxn<'_>) {
    let mut sealed = SealedTxn::of_writer(&database.stores[store], database.places);
    sealed.put(txn, 0, &number.to_be_bytes(), 10, |out| out.fill(1)).unwrap();
    sealed.flush(txn).unwrap();
}

fn epochs(database: &Database) -> u64 {
    // Beside them is the record of the keys.
    database.entries(database.places.clear) - 1
}

#[test]
fn an_epoch_ends_after_so_many_blocks() {
    let few = Limits { seals: 10, ..limits(100) };
    let database = Database::new(Cipher::Aes256Gcm, 4_080, few);
    assert_eq!(epochs(&database), 1);
    for number in 0..100 {
        put(&database, 0, number, true);
    }
    assert!(epochs(&database) >= 10, "{}", epochs(&database));
    let reader = RoTxn::begin(&database.env).unwrap();
    let memo = Memo::default();
    let sealed = SealedTxn::of_snapshot(&database.stores[1], database.places, &memo);
    for number in 0..100_u32 {
        let txn = reader.get().unwrap();
        assert!(sealed.get(&txn, 0, &number.to_be_bytes()).unwrap().is_some());
    }
}

/// A transaction that is given up takes its epoch's record with it, and another process may get the
/// number.
#[test]
fn an_epoch_outlives_the_transaction_that_recorded_it() {
    let database = Database::new(Cipher::Aes256Gcm, 4_080, limits(100));
    put(&database, 1, 1, false);
    put(&database, 0, 2, true);
    put(&database, 1, 3, false);
    assert_eq!(epochs(&database), 1);
    put(&database, 1, 4, true);
    put(&database, 0, 5, true);
    assert_eq!(epochs(&database), 2);
    for store in 0..2 {
        let reader = RoTxn::begin(&database.env).unwrap();
        let memo = Memo::default();
        let sealed = SealedTxn::of_snapshot(&database.stores[store], database.places, &memo);
        let txn = reader.get().unwrap();
        for (number, there) in [(1_u32, false), (2, true), (3, false), (4, true), (5, true)] {
            let found = sealed.get(&txn, 0, &number.to_be_bytes()).unwrap();
            assert_eq!(found.is_some(), there, "{number}");
        }
    }
}

/// What a transaction has sealed that was given up is not what another process seals in the same
/// block, under the same number of an epoch.
#[test]
fn what_was_given_up_is_not_read() {
    let database = Database::new(Cipher::Aes256Gcm, 4_080, limits(100));
    put(&database, 1, 1, false);
    put(&database, 2, 2, true);
    assert_eq!(epochs(&database), 2);
    let reader = RoTxn::begin(&database.env).unwrap();
    let memo = Memo::default();
    let sealed = SealedTxn::of_snapshot(&database.stores[1], database.places, &memo);
    let txn = reader.get().unwrap();
    for (number, there) in [(1_u32, false), (2, true)] {
        let found = sealed.get(&txn, 0, &number.to_be_bytes()).unwrap();
        assert_eq!(found.is_some(), there, "{number}");
    }
}

/// What stands in clear before each block names its key and nonce: no two of all that were ever
/// stored have the same.
#[test]
fn no_key_and_nonce_come_twice() {
    let database = Database::new(Cipher::ChaCha20Poly1305, 4_080, limits(8));
    let mut random = Random::from_env();
    let mut seen: HashMap<(Vec<u8>, Vec<u8>), Vec<u8>> = HashMap::new();
    for _ in 0..600 {
        let mut txn = database.env.write_txn().unwrap();
        for _ in 0..random.below(5) {
            put_in(&database, random.below(2), random.below(1_000) as u32, &mut txn);
        }
        let mut cursor = txn.cursor(database.places.blocks).unwrap();
        while let Some((id, stored)) = cursor.next().unwrap() {
            let epoch = u32::from_le_bytes(stored[..4].try_into().unwrap());
            let (_, value) = clear::epoch(&txn, database.places, epoch).unwrap().unwrap();
            let pair = (value.to_vec(), stored[4..16].to_vec());
            let sealed = seen.entry(pair).or_insert_with(|| [id, stored].concat());
            assert!(*sealed == [id, stored].concat());
        }
        drop(cursor);
        if random.below(3) > 0 {
            txn.commit().unwrap();
        }
    }
    assert!(seen.len() > 300, "{}", seen.len());
}
