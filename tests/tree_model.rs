//! Trees against `BTreeMap`: every operation, keys around the limit of direct keys, cursors.
//!
//! `LODESTORE_SEED` replays a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use lodestore::error::ErrorCode;
use lodestore::storage::envelope::{Compression, put_enveloped};
use lodestore::storage::lmdb::PutMode;
use lodestore::storage::tree::{MAX_DIRECT, Tree, TreeCursor};
use lodestore::storage::{ReadTxn, Table, TreeId, WriteTxn};
use support::Random;
use support::scratch::Scratch;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Neighbours in their table, with prefixes of one and three bytes.
const IDS: [u64; 4] = [6, 7, 300, 301];

fn tree(id: u64) -> Tree {
    Tree { table: Table::Index, id: TreeId(id) }
}

/// A key: short, or one of few beginnings around the limit and a tail.
fn key(random: &mut Random) -> Vec<u8> {
    if random.below(4) == 0 {
        return random.bytes(4, 4);
    }
    let mut key = vec![b'a' + random.below(2) as u8; MAX_DIRECT - 3];
    key.extend(random.bytes(5, 2));
    match random.below(8) {
        0 => key.truncate(MAX_DIRECT - 5 + random.below(6)),
        1 => key.extend(random.bytes(3_000, 2)),
        2 if random.below(20) == 0 => key.resize(MAX_DIRECT + random.below(100_000), 1),
        _ => key.extend(random.bytes(3, 4)),
    }
    key
}

fn value(random: &mut Random) -> Vec<u8> {
    let len = match random.below(1_000) {
        0 => 60_000 + random.below(20_000),
        1..20 => random.below(9_000),
        20..300 => random.below(1_500),
        _ => random.below(40),
    };
    vec![random.below(256) as u8; len]
}

/// A key of the model or near one of its keys, or any.
fn some_key(random: &mut Random, model: &Model) -> Vec<u8> {
    let fresh = key(random);
    if random.below(3) == 0 {
        return fresh;
    }
    let mut near = match model.range(fresh.clone()..).next() {
        Some((key, _)) => key.clone(),
        None => return fresh,
    };
    match random.below(6) {
        0 => near.push(random.below(3) as u8),
        1 => {
            near.pop();
        }
        _ => {}
    }
    near
}

#[test]
fn behaves_as_an_ordered_map() {
    let mut random = Random::from_env();
    let scratch = Scratch::new();
    let mut models: [Model; 4] = Default::default();
    let mut operations = 0;
    while operations < 120_000 {
        scratch.write(|txn| {
            for _ in 0..random.below(3_000) {
                let at = random.below(IDS.len());
                write_once(&mut random, txn, tree(IDS[at]), &mut models[at]);
                operations += 1;
            }
            let at = random.below(IDS.len());
            operations += walk(&mut random, txn, tree(IDS[at]), &models[at], 300);
        });
        scratch.read(|txn| {
            for (id, model) in IDS.iter().zip(&models) {
                operations += walk(&mut random, txn, tree(*id), model, 300);
                check_whole(txn, tree(*id), model);
            }
            check_parts(txn);
        });
    }
    assert!(models.iter().all(|model| model.keys().any(|key| key.len() > MAX_DIRECT)));
}

fn write_once(random: &mut Random, txn: &mut WriteTxn<'_>, tree: Tree, model: &mut Model) {
    let key = some_key(random, model);
    // Trees grow, shrink and grow again.
    let deletes = if model.len() > 3_000 || random.below(3_000) == 0 { 8 } else { 4 };
    if random.below(10) < deletes {
        assert_eq!(tree.delete(txn, &key).unwrap(), model.remove(&key).is_some());
        return;
    }
    let value = value(random);
    match random.below(3) {
        0 => tree.append(txn, &key, &value).unwrap(),
        1 => tree.put_with(txn, &key, value.len(), |out| out.copy_from_slice(&value)).unwrap(),
        _ => tree.put(txn, &key, &value).unwrap(),
    }
    model.insert(key, value);
}

/// Where the model's cursor is.
#[derive(Debug, Clone, PartialEq)]
enum Position {
    Unset,
    BeforeFirst,
    AfterLast,
    At(Vec<u8>),
}

fn walk(random: &mut Random, txn: &ReadTxn<'_>, tree: Tree, model: &Model, steps: usize) -> usize {
    let mut cursor = tree.cursor(txn).unwrap();
    let mut position = Position::Unset;
    for _ in 0..steps {
        let key = some_key(random, model);
        assert_eq!(tree.get(txn, &key).unwrap(), model.get(&key).map(Vec::as_slice));
        position = step(random, &mut cursor, model, position, &key);
    }
    steps * 2
}

fn step(
    random: &mut Random,
    cursor: &mut TreeCursor<'_>,
    model: &Model,
    position: Position,
    key: &[u8],
) -> Position {
    let operation = random.below(20);
    let (found, expected, end) = match operation {
        0 => (cursor.first(), model.iter().next(), Position::AfterLast),
        1 => (cursor.last(), model.iter().next_back(), Position::BeforeFirst),
        2..5 => (cursor.seek(key), model.range(key.to_vec()..).next(), Position::AfterLast),
        5..8 => {
            let expected = model.range(..key.to_vec()).next_back();
            (cursor.seek_before(key), expected, Position::BeforeFirst)
        }
        8..14 => {
            let expected = match &position {
                Position::Unset | Position::BeforeFirst => model.iter().next(),
                Position::AfterLast => None,
                Position::At(at) => {
                    model.range::<[u8], _>((Excluded(at.as_slice()), Unbounded)).next()
                }
            };
            (cursor.next(), expected, Position::AfterLast)
        }
        _ => {
            let expected = match &position {
                Position::Unset | Position::AfterLast => model.iter().next_back(),
                Position::BeforeFirst => None,
                Position::At(at) => model.range(..at.clone()).next_back(),
            };
            (cursor.prev(), expected, Position::BeforeFirst)
        }
    };
    let found = found.unwrap().map(|entry| (entry.key.to_vec(), entry.value.to_vec()));
    let expected = expected.map(|(key, value)| (key.clone(), value.clone()));
    assert!(found == expected, "operation {operation} at {position:?}");
    expected.map_or(end, |(key, _)| Position::At(key))
}

fn check_whole(txn: &ReadTxn<'_>, tree: Tree, model: &Model) {
    let mut cursor = tree.cursor(txn).unwrap();
    for (key, value) in model {
        let entry = cursor.next().unwrap().expect("an entry is missing");
        assert!(entry.key == key && entry.value == value);
    }
    assert!(cursor.next().unwrap().is_none());
    for (key, value) in model.iter().rev() {
        let entry = cursor.prev().unwrap().expect("an entry is missing");
        assert!(entry.key == key && entry.value == value);
    }
    assert!(cursor.prev().unwrap().is_none());
    assert_eq!(tree.is_empty(txn).unwrap(), model.is_empty());
}

/// Parts are within their size unless they hold one entry, and never empty.
fn check_parts(txn: &ReadTxn<'_>) {
    let mut cursor = txn.raw().cursor(txn.dbi(Table::Index)).unwrap();
    while let Some((raw, part)) = cursor.next().unwrap() {
        if raw.len() > MAX_DIRECT {
            let count = u32::from_le_bytes(*part.first_chunk().unwrap());
            assert!(count == 1 || count > 0 && part.len() <= 64 << 10, "{count} {}", part.len());
        }
    }
}

fn long_key(tail: &[u8]) -> Vec<u8> {
    [&[b'k'; MAX_DIRECT], tail].concat()
}

#[test]
fn parts_find_room_wherever_keys_arrive() {
    // Each entry fills more than half a part, so that every insert needs a new part: at the end, at
    // the beginning, and always between the same two keys, which uses up the gaps of ordinals.
    let orders: [fn(u32) -> u32; 4] = [
        |i| i,
        |i| 1_000 - i,
        |i| if i.is_multiple_of(2) { i } else { 2_000 - i },
        |i| i.wrapping_mul(7_919) % 1_009,
    ];
    for (number, order) in orders.into_iter().enumerate() {
        let scratch = Scratch::new();
        let tree = tree(6);
        let mut model = Model::new();
        for chunk in 0..3 {
            scratch.write(|txn| {
                for i in chunk * 100..(chunk + 1) * 100 {
                    let key = long_key(&order(i).to_be_bytes());
                    let value = vec![i as u8; 40_000];
                    tree.put(txn, &key, &value).unwrap();
                    model.insert(key, value);
                }
            });
            scratch.read(|txn| {
                check_whole(txn, tree, &model);
                check_parts(txn);
                for (key, value) in &model {
                    assert!(tree.get(txn, key).unwrap() == Some(value), "order {number}");
                }
            });
        }
    }
}

#[test]
fn parts_merge_and_vanish() {
    let scratch = Scratch::new();
    let tree = tree(6);
    let keys: Vec<_> = (0..2_000_u32).map(|i| long_key(&i.to_be_bytes())).collect();
    let entries = || scratch.read(|txn| txn.raw().entries(txn.dbi(Table::Index)).unwrap());
    scratch.write(|txn| {
        for key in &keys {
            tree.put(txn, key, &[7; 500]).unwrap();
        }
    });
    let full = entries();
    assert!((16..=24).contains(&full), "loading in order fills the parts: {full}");
    scratch.write(|txn| {
        for key in keys.iter().enumerate().filter(|(i, _)| i % 20 != 0).map(|(_, key)| key) {
            assert!(tree.delete(txn, key).unwrap());
        }
    });
    assert!(entries() <= 3, "{}", entries());
    scratch.write(|txn| {
        for key in keys.iter().step_by(20) {
            assert!(tree.delete(txn, key).unwrap());
            assert!(!tree.delete(txn, key).unwrap());
        }
    });
    assert_eq!(entries(), 0);
}

#[test]
fn one_entry_may_be_larger_than_a_part() {
    let scratch = Scratch::new();
    let tree = tree(6);
    let mut model = Model::new();
    scratch.write(|txn| {
        for (tail, len) in [(5, 300_000), (3, 10), (7, 10), (6, 200_000), (5, 400_000), (4, 70_000)]
        {
            let (key, value) = (long_key(&[tail]), vec![tail; len]);
            tree.put(txn, &key, &value).unwrap();
            model.insert(key, value);
            check_whole(txn, tree, &model);
            check_parts(txn);
        }
        for tail in [6, 4, 7, 5] {
            let key = long_key(&[tail]);
            assert!(tree.delete(txn, &key).unwrap());
            model.remove(&key);
            check_whole(txn, tree, &model);
        }
    });
}

#[test]
fn damaged_buckets_give_corrupt_and_never_panic() {
    let mut random = Random::from_env();
    let tree = tree(6);
    let keys: Vec<_> = (0..60_u32).map(|i| long_key(&i.to_be_bytes())).collect();
    let scratch = Scratch::new();
    scratch.write(|txn| {
        for key in &keys {
            tree.put(txn, key, &[7; 3_000]).unwrap();
        }
    });
    let mut refused = 0;
    for _ in 0..600 {
        let damaged = scratch.aborted(|txn| {
            damage(&mut random, txn);
            let key = &keys[random.below(keys.len())];
            let mut results = vec![tree.get(txn, key).map(drop)];
            let mut cursor = tree.cursor(txn).unwrap();
            results.push(cursor.seek(key).map(drop));
            results.push(cursor.seek_before(key).map(drop));
            results.push(cursor.last().map(drop));
            for _ in 0..100 {
                results.push(cursor.prev().map(drop));
            }
            drop(cursor);
            results.push(tree.put(txn, key, &[1; 500]));
            results.push(tree.delete(txn, &keys[random.below(keys.len())]).map(drop));
            results.into_iter().filter_map(Result::err).collect::<Vec<_>>()
        });
        assert!(damaged.iter().all(|error| error.code() == ErrorCode::Corrupt), "{damaged:?}");
        refused += usize::from(!damaged.is_empty());
    }
    assert!(refused > 200, "only {refused} of 600 were noticed");
}

/// Overwrites a part with a damaged copy of itself.
fn damage(random: &mut Random, txn: &mut WriteTxn<'_>) {
    let dbi = txn.dbi(Table::Index);
    let mut parts = Vec::new();
    let mut cursor = txn.raw().cursor(dbi).unwrap();
    while let Some((raw, part)) = cursor.next().unwrap() {
        parts.push((raw.to_vec(), part.to_vec()));
    }
    drop(cursor);
    let (mut raw, mut part) = parts.swap_remove(random.below(parts.len()));
    match random.below(5) {
        0 => part.truncate(random.below(part.len())),
        1 => {
            txn.raw_mut().delete(dbi, &raw).unwrap();
            raw.truncate(raw.len() - 1 - random.below(8));
        }
        2 => part[random.below(4)] ^= 1 << random.below(8),
        3 => part[4 + random.below(80)] ^= 1 << random.below(8),
        _ => {
            for _ in 0..20 {
                let at = random.below(part.len());
                part[at] = random.below(256) as u8;
            }
        }
    }
    txn.raw_mut().put(dbi, &raw, &part, PutMode::Upsert).unwrap();
}

#[test]
fn a_tree_is_swept_in_steps_and_alone() {
    let scratch = Scratch::new();
    let (swept, kept) = (tree(7), tree(8));
    scratch.write(|txn| {
        for i in 0..1_000_u32 {
            for tree in [swept, kept] {
                tree.put(txn, &i.to_be_bytes(), b"x").unwrap();
                tree.put(txn, &long_key(&i.to_be_bytes()), b"x").unwrap();
            }
        }
    });
    scratch.write(|txn| {
        assert!(!swept.delete_some(txn, 0).unwrap());
        assert!(!swept.delete_some(txn, 999).unwrap());
        assert!(swept.delete_some(txn, 999).unwrap());
        assert!(swept.is_empty(txn).unwrap());
        assert!(swept.delete_some(txn, 1).unwrap());
        let mut cursor = kept.cursor(txn).unwrap();
        let mut count = 0;
        while cursor.next().unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 2_000);
    });
}

#[test]
fn bytes_are_as_documented() {
    let tree = Tree { table: Table::Docs, id: TreeId(5) };
    let scratch = Scratch::new();
    scratch.write(|txn| {
        put_enveloped(tree, txn, b"key", &[1, 2, 3], Compression::None, false).unwrap();
        tree.put(txn, &[0x61; 1_903], &[0x0A, 0x0B]).unwrap();
        let mut cursor = txn.raw().cursor(txn.dbi(Table::Docs)).unwrap();
        let (raw, part) = cursor.next().unwrap().unwrap();
        let ordinal = [0, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(raw, [&[5][..], &[0x61; 1_899], &ordinal].concat());
        let rest = [0x61, 0x61, 0x61, 0x61, 0x0A, 0x0B];
        assert_eq!(part, [&[1, 0, 0, 0, 10, 0, 0, 0, 4, 0, 0, 0][..], &rest].concat());
        let (raw, envelope) = cursor.next().unwrap().unwrap();
        assert_eq!(raw, b"\x05key");
        assert_eq!(envelope, [0, 1, 2, 3, 0xA3, 0xF8, 0x44, 0xD0]);
        assert!(cursor.next().unwrap().is_none());
    });
}
