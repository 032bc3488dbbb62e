//! The shape of trees: order, levels, fill, and that every block belongs to one.

use super::*;
use crate::storage::lmdb::Txn;
use crate::storage::sealed::node::{Node, Value};

struct Walk<'w> {
    sealed: &'w SealedTxn<'w>,
    txn: &'w Txn<'w>,
    blocks: u64,
    leaves: usize,
    bytes: usize,
}

/// Checks all trees of a state, and that nothing else is stored.
pub(super) fn check(database: &Database, txn: Txn<'_>, models: &[Map; TREES]) {
    let memo = Memo::default();
    let sealed = SealedTxn::of_snapshot(&database.stores[0], database.places, &memo);
    let mut walk = Walk { sealed: &sealed, txn: &txn, blocks: 0, leaves: 0, bytes: 0 };
    for root in ROOTS {
        let node = sealed.node(&txn, root).unwrap();
        walk.node(root, node.level(), &[], None);
    }
    assert_eq!(txn.entries(database.places.blocks).unwrap(), walk.blocks);
    model::whole(&sealed, &txn, models);
}

impl Walk<'_> {
    fn node(&mut self, id: u64, level: u8, low: &[u8], high: Option<&[u8]>) {
        let node = self.sealed.node(self.txn, id).unwrap();
        self.blocks += 1;
        assert_eq!(node.level(), level);
        assert_eq!(node.dead(), 0, "what was removed is not sealed along");
        let keys: Vec<_> = (0..node.count()).map(|at| node.item(at).key()).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert!(keys.iter().all(|key| low <= &**key && high.is_none_or(|high| &**key < high)));
        if node.is_leaf() {
            return self.leaf(&node);
        }
        for place in 0..=node.count() {
            let low = place.checked_sub(1).map_or(low, |at| &keys[at]);
            let high = keys.get(place).map(|key| &**key).or(high);
            self.node(node.child(place), level - 1, low, high);
        }
    }

    fn leaf(&mut self, leaf: &Node) {
        self.leaves += 1;
        self.bytes += leaf.used();
        for at in 0..leaf.count() {
            if let Value::Blob(blob) = leaf.value(at) {
                self.blocks += blob.len.div_ceil(leaf.size() as u64).max(1);
            }
        }
    }
}

/// How full leaves are on average after `work`, and how many there are.
fn fill(work: impl FnOnce(&mut dyn FnMut(&[u8], Option<usize>))) -> (f64, usize) {
    let database = Database::new(Cipher::Aes256Gcm, 4_080, limits(100_000));
    let mut txn = database.env.write_txn().unwrap();
    let mut sealed = SealedTxn::of_writer(&database.stores[0], database.places);
    let mut map = Map::new();
    work(&mut |key, len| match len {
        Some(len) => {
            sealed.put(&mut txn, 1, key, len, |out| out.fill(7)).unwrap();
            map.insert(key.to_vec(), vec![7; len]);
        }
        None => {
            assert!(sealed.delete(&mut txn, 1, key).unwrap());
            map.remove(key);
        }
    });
    sealed.flush(&mut txn).unwrap();
    txn.commit().unwrap();
    let reader = RoTxn::begin(&database.env).unwrap();
    let txn = reader.get().unwrap();
    let memo = Memo::default();
    let sealed = SealedTxn::of_snapshot(&database.stores[1], database.places, &memo);
    let mut walk = Walk { sealed: &sealed, txn: &txn, blocks: 0, leaves: 0, bytes: 0 };
    let root = sealed.node(&txn, ROOTS[1]).unwrap();
    walk.node(ROOTS[1], root.level(), &[], None);
    let filled = walk.bytes as f64 / (walk.leaves * database.stores[0].payload()) as f64;
    let leaves = walk.leaves;
    check(&database, txn, &[Map::new(), map, Map::new(), Map::new()]);
    (filled, leaves)
}

#[test]
fn ascending_keys_fill_leaves_wherever_they_are() {
    let (filled, _) = fill(|change| {
        // Two stores, loaded in turn: the first one's end is in the middle of the tree.
        for number in 0..20_000_u32 {
            for store in [1, 2_u8] {
                let key = [&[store][..], &number.to_be_bytes()].concat();
                change(&key, Some(100));
            }
        }
    });
    // Splitting makes the prefix longer, and leaves what that saves.
    assert!(filled > 0.92, "{filled}");
}

#[test]
fn random_keys_leave_leaves_two_thirds_full() {
    let (filled, _) = fill(|change| {
        let mut random = Random::from_env();
        for _ in 0..20_000 {
            change(&random.u64().to_be_bytes(), Some(100));
        }
    });
    assert!((0.6..0.8).contains(&filled), "{filled}");
}

#[test]
fn mass_deletion_gives_blocks_back() {
    let (_, before) = fill(|change| {
        for number in 0..20_000_u32 {
            change(&number.to_be_bytes(), Some(100));
        }
    });
    let (_, after) = fill(|change| {
        for number in 0..20_000_u32 {
            change(&number.to_be_bytes(), Some(100));
        }
        // Nine of ten, spread evenly.
        for number in (0..20_000_u32).filter(|number| number % 10 != 0) {
            change(&number.to_be_bytes(), None);
        }
    });
    assert!(after * 4 < before, "{after} of {before}");
    let (_, left) = fill(|change| {
        for number in 0..5_000_u32 {
            change(&number.to_be_bytes(), Some(100));
        }
        for number in 0..5_000_u32 {
            change(&number.to_be_bytes(), None);
        }
    });
    assert_eq!(left, 1);
}
