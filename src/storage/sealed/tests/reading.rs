//! Reading much in one transaction: what is kept of what was read.

use super::*;
use crate::storage::TreeId;
use crate::storage::tree::{Lookups, Tree};
use crate::storage::txn::{Table, Tables, WriteTxn};

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
