//! Random operations, in transactions, nested ones and snapshots, by two writers in turn.

use super::*;
use crate::storage::lmdb::{RwTxn, Txn};

type Models = [Map; TREES];

/// A snapshot that is held, and what it must show.
struct Held {
    reader: RoTxn,
    memo: Memo,
    store: usize,
    models: Models,
}

struct Run {
    random: Random,
    database: Database,
    max_key: usize,
    held: Vec<Held>,
}

#[test]
fn behaves_as_ordered_maps() {
    let wanted = std::env::var("LODESTORE_OPERATIONS")
        .map_or(60_000, |text| text.parse().expect("LODESTORE_OPERATIONS is a number"));
    let mut random = Random::from_env();
    let mut done = 0;
    while done < wanted {
        let cipher = [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305][random.below(2)];
        // Small blocks make high trees.
        let (block_size, max_key) = [(4_080, 1_909), (4_080, 60), (560, 150)][random.below(3)];
        let changed = [8, 60, 100_000][random.below(3)];
        let database = Database::new(cipher, block_size, limits(changed));
        let mut run = Run { random: Random::of(random.u64()), database, max_key, held: Vec::new() };
        done += run.run(20_000.min(wanted));
        println!("{done} operations");
    }
}

impl Run {
    fn run(&mut self, operations: usize) -> usize {
        let mut models = Models::default();
        let mut done = 0;
        while done < operations {
            let store = self.random.below(2);
            let mut next = models.clone();
            let batch = [1, 20, 400, 3_000][self.random.below(4)];
            let env = self.database.env.clone();
            let mut txn = env.write_txn().unwrap();
            done += self.transaction(&mut txn, store, &mut next, batch);
            if self.random.below(8) == 0 {
                drop(txn);
            } else {
                txn.commit().unwrap();
                models = next;
            }
            self.check(&models);
            if self.random.below(3) == 0 {
                self.hold(&models);
            }
        }
        let env = self.database.env.clone();
        let reader = RoTxn::begin(&env).unwrap();
        structure::check(&self.database, reader.get().unwrap(), &models);
        done
    }

    /// One transaction; what it has done is flushed, and may be committed or not.
    fn transaction(
        &mut self,
        txn: &mut RwTxn<'_>,
        store: usize,
        models: &mut Models,
        batch: usize,
    ) -> usize {
        let Self { random, database, max_key, .. } = self;
        let mut sealed = SealedTxn::of_writer(&database.stores[store], database.places);
        let mut levels: Vec<Models> = Vec::new();
        for _ in 0..batch {
            match random.below(60) {
                0 if levels.len() < 4 => {
                    sealed.push_layer();
                    levels.push(models.clone());
                }
                1 if !levels.is_empty() => {
                    sealed.merge_layer().unwrap();
                    levels.pop();
                }
                2 if !levels.is_empty() => {
                    sealed.discard_layer(txn);
                    *models = levels.pop().unwrap();
                }
                3 => walk(random, &sealed, txn, models, *max_key),
                4 => sweep(random, &mut sealed, txn, models),
                5..8 => while random.below(8) > 0 && sealed.flush_ahead(txn).unwrap() {},
                _ => change(random, &mut sealed, txn, models, *max_key),
            }
        }
        while levels.pop().is_some() {
            sealed.merge_layer().unwrap();
        }
        sealed.flush(txn).unwrap();
        batch
    }

    fn check(&mut self, models: &Models) {
        let Self { random, database, max_key, held } = self;
        let env = database.env.clone();
        let reader = RoTxn::begin(&env).unwrap();
        let txn = reader.get().unwrap();
        let memo = Memo::default();
        let store = &database.stores[random.below(2)];
        let sealed = SealedTxn::of_snapshot(store, database.places, &memo);
        walk(random, &sealed, &txn, models, *max_key);
        if random.below(10) == 0 {
            whole(&sealed, &txn, models);
        }
        if !held.is_empty() {
            let at = random.below(held.len());
            let old = &held[at];
            let store = &database.stores[old.store];
            let sealed = SealedTxn::of_snapshot(store, database.places, &old.memo);
            walk(random, &sealed, &old.reader.get().unwrap(), &old.models, *max_key);
            if random.below(4) == 0 {
                whole(&sealed, &old.reader.get().unwrap(), &old.models);
                held.swap_remove(at);
            }
        }
    }

    fn hold(&mut self, models: &Models) {
        if self.held.len() < 4 {
            self.held.push(Held {
                reader: RoTxn::begin(&self.database.env).unwrap(),
                memo: Memo::default(),
                store: self.random.below(2),
                models: models.clone(),
            });
        }
    }
}

fn key(random: &mut Random, max_len: usize) -> Vec<u8> {
    let (kind, letters) = (random.below(8), 1 + random.below(3));
    let mut key: Vec<u8> = match kind {
        0..3 => (random.below(40_000) as u32).to_be_bytes().to_vec(),
        // Keys that share much.
        3 => vec![b'a'; random.below(max_len)],
        4 => vec![b'b' + random.below(2) as u8; max_len.saturating_sub(random.below(6))],
        _ => (0..random.below(12)).map(|_| random.below(letters) as u8).collect(),
    };
    if kind >= 3 {
        key.extend((0..random.below(5)).map(|_| random.below(4) as u8));
    }
    key.truncate(max_len);
    key
}

fn value(random: &mut Random) -> Vec<u8> {
    let len = match random.below(400) {
        0 => random.below(60_000),
        1..8 => random.below(9_000),
        8..60 => random.below(1_500),
        _ => random.below(60),
    };
    (0..len).map(|at| (at * 7) as u8 ^ random.u64() as u8).collect()
}

/// A key of the map or near one of its keys, or any.
fn some_key(random: &mut Random, map: &Map, max_len: usize) -> Vec<u8> {
    let fresh = key(random, max_len);
    if random.below(3) == 0 {
        return fresh;
    }
    let Some((near, _)) = map.range(fresh.clone()..).next() else { return fresh };
    let mut near = near.clone();
    match random.below(6) {
        0 => near.push(random.below(3) as u8),
        1 => drop(near.pop()),
        _ => {}
    }
    near.truncate(max_len);
    near
}

fn change(
    random: &mut Random,
    sealed: &mut SealedTxn<'_>,
    txn: &mut RwTxn<'_>,
    models: &mut Models,
    max_key: usize,
) {
    let tree = random.below(TREES);
    let map = &mut models[tree];
    let key = some_key(random, map, max_key);
    // Trees grow, shrink and grow again.
    let deletes = if map.len() > 1_500 || random.below(3_000) == 0 { 8 } else { 3 };
    if random.below(10) < deletes {
        assert_eq!(sealed.delete(txn, tree, &key).unwrap(), map.remove(&key).is_some());
        return;
    }
    let value = value(random);
    sealed.put(txn, tree, &key, value.len(), |out| out.copy_from_slice(&value)).unwrap();
    map.insert(key, value);
}

/// Ascending inserts, or the removal of a run.
fn sweep(
    random: &mut Random,
    sealed: &mut SealedTxn<'_>,
    txn: &mut RwTxn<'_>,
    models: &mut Models,
) {
    let tree = random.below(TREES);
    let map = &mut models[tree];
    let start = random.below(40_000) as u32;
    let keys = (start..start + 200).map(|number| number.to_be_bytes().to_vec());
    if random.below(2) == 0 {
        for key in keys {
            let value = value(random);
            sealed.put(txn, tree, &key, value.len(), |out| out.copy_from_slice(&value)).unwrap();
            map.insert(key, value);
        }
    } else {
        for key in keys {
            assert_eq!(sealed.delete(txn, tree, &key).unwrap(), map.remove(&key).is_some());
        }
    }
}

fn walk(
    random: &mut Random,
    sealed: &SealedTxn<'_>,
    txn: &Txn<'_>,
    models: &Models,
    max_key: usize,
) {
    let tree = random.below(TREES);
    let map = &models[tree];
    let mut cursor = Cursor::new(sealed, txn, tree);
    for _ in 0..6 {
        let key = some_key(random, map, max_key);
        let found = sealed.get(txn, tree, &key).unwrap();
        assert_eq!(found, map.get(&key).map(Vec::as_slice));
        cursor.seek(&key).unwrap();
        let mut after = map.range(key.clone()..);
        let mut at = after.next();
        for _ in 0..random.below(30) {
            assert_eq!(cursor.entry(), at.map(|(key, value)| (&**key, &**value)));
            cursor.next().unwrap();
            at = if at.is_some() { after.next() } else { None };
        }
        cursor.seek(&key).unwrap();
        let mut before = map.range(..key.clone()).rev();
        for _ in 0..random.below(30) {
            cursor.prev().unwrap();
            let at = before.next();
            assert_eq!(cursor.entry(), at.map(|(key, value)| (&**key, &**value)));
            if at.is_none() {
                break;
            }
        }
        let end = some_key(random, map, max_key);
        if key <= end {
            let mut visited = Vec::new();
            if cursor.seek(&key).unwrap() {
                cursor
                    .visit_below(Some(&end), |key, value| {
                        visited.push((key.to_vec(), value.to_vec()));
                        Ok(visited.len() < 200)
                    })
                    .unwrap();
            }
            let expected: Vec<_> = map
                .range(key.clone()..end.clone())
                .take(200)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            assert!(visited == expected);
            let distance = sealed.distance(txn, tree, &key, Some(&end)).unwrap();
            assert!(distance <= 4 * map.len() as u64 + 8);
        }
    }
}

pub(super) fn whole(sealed: &SealedTxn<'_>, txn: &Txn<'_>, models: &Models) {
    for (tree, map) in models.iter().enumerate() {
        let mut cursor = Cursor::new(sealed, txn, tree);
        for (count, (key, value)) in map.iter().enumerate() {
            assert!(cursor.next().unwrap());
            assert!(cursor.entry() == Some((key, value)), "entry {count} of tree {tree}");
        }
        assert!(!cursor.next().unwrap());
    }
}
