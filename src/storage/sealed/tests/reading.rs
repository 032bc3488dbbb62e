//! Reading much in one transaction: leaves that are loaded ahead, and what is kept of what was
//! read.

use super::*;
use crate::storage::TreeId;
use crate::storage::tree::{Lookups, Tree};
use crate::storage::txn::{Table, Tables, WriteTxn};

/// Fills a tree with ascending keys of random lengths, some of them with large values.
fn fill(random: &mut Random, database: &Database, tree: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut txn = database.env.write_txn().unwrap();
    let mut sealed = SealedTxn::of_writer(&database.stores[0], database.places);
    for number in 0..3_000_u32 {
        let mut key = number.to_be_bytes().to_vec();
        key.resize(4 + random.below(20), b'k');
        let len = if random.below(500) == 0 { 9_000 } else { random.below(300) };
        let value = vec![number as u8; len];
        sealed.put(&mut txn, tree, &key, len, |out| out.copy_from_slice(&value)).unwrap();
        entries.push((key, value));
    }
    sealed.flush(&mut txn).unwrap();
    txn.commit().unwrap();
    entries
}

/// Runs in both directions, turns at any place, jumps: whatever was loaded ahead, the cursor is
/// where it should be.
#[test]
fn cursors_turn_round_anywhere() {
    let mut random = Random::from_env();
    for block_size in [4_080, 560] {
        let database = Database::new(Cipher::Aes256Gcm, block_size, limits(100_000));
        let entries = fill(&mut random, &database, 1);
        let reader = RoTxn::begin(&database.env).unwrap();
        let txn = reader.get().unwrap();
        let memo = Memo::default();
        let sealed = SealedTxn::of_snapshot(&database.stores[1], database.places, &memo);
        let mut cursor = Cursor::new(&sealed, &txn, 1);
        assert!(cursor.first().unwrap());
        let mut at = 0;
        for _ in 0..300 {
            let most = [5, 60, 900][random.below(3)];
            let steps = 1 + random.below(most);
            match random.below(4) {
                0 => {
                    at = random.below(entries.len());
                    assert!(cursor.seek(&entries[at].0).unwrap());
                }
                1 => {
                    for _ in 0..steps.min(at) {
                        assert!(cursor.prev().unwrap());
                        at -= 1;
                    }
                }
                2 => {
                    for _ in 0..steps.min(entries.len() - 1 - at) {
                        assert!(cursor.next().unwrap());
                        at += 1;
                    }
                }
                _ => {
                    let end = (at + steps).min(entries.len() - 1);
                    let mut visited = at;
                    cursor
                        .visit_below(Some(&entries[end].0), |key, value| {
                            assert!((key, value) == (&*entries[visited].0, &*entries[visited].1));
                            visited += 1;
                            Ok(true)
                        })
                        .unwrap();
                    assert_eq!(visited, end);
                    at = end;
                }
            }
            assert!(cursor.entry() == Some((&entries[at].0, &entries[at].1)), "entry {at}");
        }
    }
}

/// All that stands before a leaf that is missing is read, and then that is told.
#[test]
fn a_missing_leaf_is_an_error_in_its_place() {
    let mut random = Random::from_env();
    let database = Database::new(Cipher::Aes256Gcm, 4_080, limits(100_000));
    fill(&mut random, &database, 1);
    let mut txn = database.env.write_txn().unwrap();
    let (doomed, before) = {
        let memo = Memo::default();
        let sealed = SealedTxn::of_snapshot(&database.stores[1], database.places, &memo);
        let root = sealed.node(&txn, ROOTS[1]).unwrap();
        assert_eq!(root.level(), 1);
        let middle = root.count() / 2;
        let leaves = (0..middle).map(|place| sealed.child(&txn, &root, place).unwrap().count());
        (root.child(middle), leaves.sum::<usize>())
    };
    assert!(txn.delete(database.places.blocks, &doomed.to_be_bytes()).unwrap());
    txn.commit().unwrap();
    let reader = RoTxn::begin(&database.env).unwrap();
    let txn = reader.get().unwrap();
    let memo = Memo::default();
    let sealed = SealedTxn::of_snapshot(&database.stores[2], database.places, &memo);
    let mut cursor = Cursor::new(&sealed, &txn, 1);
    for _ in 0..before {
        assert!(cursor.next().unwrap());
    }
    assert_eq!(cursor.next().unwrap_err().code(), crate::error::ErrorCode::Corrupt);
}

/// A transaction that looks very many values up keeps the leaves of one group of them only.
#[test]
fn lookups_keep_one_group() {
    let database = Database::new(Cipher::Aes256Gcm, 4_080, limits(100_000));
    let mut raw = database.env.write_txn().unwrap();
    let tables = Tables::create(&mut raw).unwrap();
    let mut txn = WriteTxn::of_sealed(raw, tables, &database.stores[0]);
    let tree = Tree { table: Table::Docs, id: TreeId(7) };
    let keys: Vec<[u8; 4]> = (0..2_000_u32).map(u32::to_be_bytes).collect();
    for key in &keys {
        tree.put(&mut txn, key, &[key[3]; 700]).unwrap();
    }
    txn.release();
    let mut lookups = Lookups::new(tree);
    for group in keys.chunks(Lookups::MAX) {
        lookups.clear();
        group.iter().for_each(|key| lookups.push(key));
        for (key, found) in group.iter().zip(lookups.find(&txn).unwrap()) {
            assert_eq!(found, Some(&[key[3]; 700][..]));
        }
        assert!((1..=Lookups::MAX).contains(&lookups.lent()));
        assert_eq!(txn.sealed().unwrap().lent(), 0);
    }
}
