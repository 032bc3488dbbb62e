//! Pages read in place, against a map in memory, and damaged.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::ptr::NonNull;

use super::*;
use crate::storage::lmdb::page_cursor::PageCursor;
use crate::storage::lmdb::{Code, Cursor, EnvFlags, EnvOptions, PutMode, RoTxn};
use crate::test_random::Random;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Keys that share beginnings, of all lengths, zeroes at the end included.
fn key_of(random: &mut Random) -> Vec<u8> {
    let len = match random.below(20) {
        0 => 1_000 + random.below(900),
        1..=4 => 1 + random.below(40),
        _ => 1 + random.below(10),
    };
    let bound = 2 + random.below(3);
    (0..len).map(|_| [0, 1, 7, 255][random.below(bound)]).collect()
}

fn value_of(random: &mut Random) -> Vec<u8> {
    let len = match random.below(40) {
        0 => 2_000 + random.below(30_000),
        1..=10 => random.below(800),
        _ => random.below(30),
    };
    vec![random.u64() as u8; len]
}

fn open(directory: &std::path::Path) -> Env {
    let flags = EnvFlags { no_sync: true, ..EnvFlags::default() };
    let options = EnvOptions { flags, map_size: 1 << 30, max_readers: 8 };
    // SAFETY: a new directory of this test.
    unsafe { Env::open(directory, options) }.unwrap()
}

/// An environment with a tree of about `count` random entries, in several commits.
fn filled(random: &mut Random, directory: &std::path::Path, count: usize) -> (Env, Dbi, Model) {
    let env = open(directory);
    let mut txn = env.write_txn().unwrap();
    let dbi = txn.create_tree(c"docs").unwrap();
    txn.create_tree(c"other").unwrap();
    txn.commit().unwrap();
    let mut model = Model::new();
    while model.len() < count {
        let mut txn = env.write_txn().unwrap();
        for _ in 0..1 + random.below(count / 4 + 1) {
            let key = key_of(random);
            if random.below(4) == 0 {
                let near = model.range(key.clone()..).next().map(|(key, _)| key.clone());
                if let Some(key) = near {
                    assert!(txn.delete(dbi, &key).unwrap());
                    model.remove(&key);
                }
                continue;
            }
            let value = value_of(random);
            txn.put(dbi, &key, &value, PutMode::Upsert).unwrap();
            model.insert(key, value);
        }
        txn.commit().unwrap();
    }
    (env, dbi, model)
}

fn pair((key, value): (&Vec<u8>, &Vec<u8>)) -> (Vec<u8>, Vec<u8>) {
    (key.clone(), value.clone())
}

fn owned(entry: Option<(&[u8], &[u8])>) -> Option<(Vec<u8>, Vec<u8>)> {
    entry.map(|(key, value)| (key.to_vec(), value.to_vec()))
}

#[test]
fn lookups_and_cursors_agree_with_a_map() {
    let mut random = Random::from_env();
    for count in [0, 1, 3, 40, 700, 5_000] {
        let directory = tempfile::tempdir().unwrap();
        let (env, dbi, model) = filled(&mut random, directory.path(), count);
        let reader = RoTxn::begin(&env).unwrap();
        let txn = reader.get().unwrap();
        assert!(txn.pages(dbi).unwrap().is_some(), "read in place");
        for _ in 0..2_000 {
            let key = key_of(&mut random);
            assert_eq!(txn.get(dbi, &key).unwrap(), model.get(&key).map(Vec::as_slice));
        }
        for (key, value) in &model {
            assert_eq!(txn.get(dbi, key).unwrap(), Some(value.as_slice()));
        }
        look_up_together(&mut random, &txn, dbi, &model);
        walk(&mut random, txn.cursor(dbi).unwrap(), &model);
    }
}

fn look_up_together(random: &mut Random, txn: &Txn<'_>, dbi: Dbi, model: &Model) {
    for _ in 0..400 {
        let keys: Vec<_> = (0..random.below(TOGETHER + 1))
            .map(|_| {
                let key = key_of(random);
                let near = model.range(key.clone()..).next().map(|(key, _)| key.clone());
                near.filter(|_| random.below(3) > 0).unwrap_or(key)
            })
            .collect();
        let lent: Vec<_> = keys.iter().map(Vec::as_slice).collect();
        let mut values = vec![None; keys.len()];
        txn.get_each(dbi, &lent, &mut values).unwrap();
        for (key, value) in keys.iter().zip(values) {
            assert_eq!(value, model.get(key).map(Vec::as_slice));
        }
    }
}

/// Random moves of a cursor, which is compared with its place in the map after each.
fn walk(random: &mut Random, mut cursor: Cursor<'_>, model: &Model) {
    /// `None`: before the first entry, or after the last one.
    enum Place {
        Before,
        At(Vec<u8>),
        After,
    }
    let mut place = Place::Before;
    for _ in 0..4_000 {
        let (found, expected, missed) = match random.below(8) {
            0 if random.below(10) == 0 => {
                (cursor.first(), model.first_key_value().map(pair), Place::After)
            }
            0 if random.below(10) == 0 => {
                (cursor.last(), model.last_key_value().map(pair), Place::After)
            }
            0 | 1 => {
                let key = key_of(random);
                (cursor.seek(&key), model.range(key..).next().map(pair), Place::After)
            }
            2 => {
                let here = match &place {
                    Place::At(key) => model.get_key_value(key).map(pair),
                    _ => None,
                };
                assert_eq!(owned(cursor.current().unwrap()), here);
                continue;
            }
            3..=5 => {
                let next = match &place {
                    Place::Before => model.first_key_value().map(pair),
                    Place::At(key) => {
                        let above = (Bound::Excluded(key.clone()), Bound::Unbounded);
                        model.range(above).next().map(pair)
                    }
                    Place::After => None,
                };
                (cursor.next(), next, Place::After)
            }
            _ => {
                let previous = match &place {
                    // A cursor that has no position yet goes to the last entry.
                    Place::Before => continue,
                    Place::At(key) => model.range(..key.clone()).next_back().map(pair),
                    Place::After => model.last_key_value().map(pair),
                };
                (cursor.prev(), previous, Place::Before)
            }
        };
        assert_eq!(owned(found.unwrap()), expected);
        place = match expected {
            Some((key, _)) => Place::At(key),
            None if model.is_empty() => Place::After,
            None => missed,
        };
    }
    visit(random, cursor, model);
}

fn visit(random: &mut Random, mut cursor: Cursor<'_>, model: &Model) {
    for _ in 0..300 {
        let (from, end) = (key_of(random), key_of(random));
        let bounded = random.below(4) > 0;
        let most = if random.below(2) == 0 { usize::MAX } else { random.below(50) };
        let mut wanted = model.range(from.clone()..).filter(|(key, _)| !bounded || **key < end);
        cursor.seek(&from).unwrap();
        let mut visited = 0;
        let stopped = cursor
            .visit_below(bounded.then_some(end.as_slice()), |(key, value)| {
                if visited == most {
                    return Ok::<_, Code>(false);
                }
                let expected = wanted.next().unwrap();
                assert_eq!((key, value), (expected.0.as_slice(), expected.1.as_slice()));
                visited += 1;
                Ok(true)
            })
            .unwrap();
        match stopped {
            Some(entry) => {
                assert_eq!(owned(Some(entry)), wanted.next().map(pair));
                assert_eq!(owned(cursor.current().unwrap()), owned(Some(entry)));
            }
            None => assert_eq!(wanted.next(), None),
        }
    }
}

#[test]
fn a_renewed_transaction_reads_the_new_pages() {
    let mut random = Random::from_env();
    let directory = tempfile::tempdir().unwrap();
    let (env, dbi, mut model) = filled(&mut random, directory.path(), 300);
    let old = RoTxn::begin(&env).unwrap();
    let before = model.clone();
    let mut reader = RoTxn::begin(&env).unwrap();
    for _ in 0..20 {
        let mut txn = env.write_txn().unwrap();
        for _ in 0..50 {
            let (key, value) = (key_of(&mut random), value_of(&mut random));
            txn.put(dbi, &key, &value, PutMode::Upsert).unwrap();
            model.insert(key, value);
        }
        txn.commit().unwrap();
        reader.renew().unwrap();
        for (reader, model) in [(&reader, &model), (&old, &before)] {
            let txn = reader.get().unwrap();
            let mut cursor = txn.cursor(dbi).unwrap();
            for entry in model.iter().map(pair) {
                assert_eq!(owned(cursor.next().unwrap()), Some(entry));
            }
            assert_eq!(cursor.next().unwrap(), None);
        }
    }
}

/// Random damage gives errors or other entries, never a panic or a read outside of the pages (which
/// the address sanitizer sees).
#[test]
fn damaged_pages_are_told() {
    let mut random = Random::from_env();
    let directory = tempfile::tempdir().unwrap();
    let (env, dbi, model) = filled(&mut random, directory.path(), 2_000);
    let page_size = env.page_size() as usize;
    let pages = env.info().last_page + 1;
    let root = {
        let reader = RoTxn::begin(&env).unwrap();
        let txn = reader.get().unwrap();
        txn.pages(dbi).unwrap().unwrap().root
    };
    let mut file = std::fs::read(directory.path().join("data.mdb")).unwrap();
    file.resize(pages * page_size, 0);
    let keys: Vec<_> = model.keys().collect();
    let mut damaged = 0;
    for _ in 0..2_000 {
        let mut bytes = file.clone();
        for _ in 0..1 + random.below(30) {
            let page = 2 + random.below(pages - 2);
            // Mostly the headers and slots, where the structure is.
            let span = if random.below(4) == 0 { page_size } else { 80 };
            bytes[page * page_size + random.below(span)] = random.u64() as u8;
        }
        let map = Map { base: NonNull::from(&mut bytes[0]), page_size, pages: pages as u64 };
        let tree = TreePages { map, root, txn: PhantomData };
        for _ in 0..20 {
            let key = keys[random.below(keys.len())];
            damaged += u32::from(tree.get(key).is_err());
            let mut values = [None; 2];
            let together = tree.get_each(&[key, keys[0]], &mut values);
            damaged += u32::from(together.is_err());
        }
        let mut cursor = PageCursor::new(tree);
        let found = cursor.seek(keys[random.below(keys.len())]);
        damaged += u32::from(found.is_err());
        for _ in 0..100 {
            let moved = if random.below(2) == 0 { cursor.next() } else { cursor.prev() };
            damaged += u32::from(moved.is_err());
        }
    }
    assert!(damaged > 0, "some damage is noticed");
}

/// In which page each value lies.
fn places(env: &Env, dbi: Dbi, model: &Model) -> BTreeMap<Vec<u8>, u64> {
    let reader = RoTxn::begin(env).unwrap();
    let txn = reader.get().unwrap();
    let base = txn.pages(dbi).unwrap().map(|tree| tree.map.base.addr().get());
    let place = |key: &Vec<u8>| {
        // Its key or a header is before it: one without bytes may be where the page ends.
        let value = txn.get(dbi, key).unwrap().unwrap().as_ptr().addr() - 1;
        ((value - base.unwrap()) / env.page_size() as usize) as u64
    };
    model.keys().map(|key| (key.clone(), place(key))).collect()
}

#[test]
fn what_lies_behind_is_moved_when_it_is_written_again() {
    let mut random = Random::from_env();
    for count in [0, 1, 40, 3_000] {
        let directory = tempfile::tempdir().unwrap();
        let (env, dbi, model) = filled(&mut random, directory.path(), count);
        for part in [0, 1, 2] {
            let from = env.info().last_page as u64 * part / 3;
            let before = places(&env, dbi, &model);
            let mut long = Vec::new();
            let keys = {
                let reader = RoTxn::begin(&env).unwrap();
                let txn = reader.get().unwrap();
                // They may have more pages than they need.
                for (key, place) in &before {
                    let page = txn.pages(dbi).unwrap().unwrap().whole(*place).unwrap();
                    let pages = page::own_pages(page, *place).unwrap();
                    long.extend(pages.filter(|pages| *pages > 1).map(|_| key.clone()));
                }
                let none = txn.entries_behind(dbi, from, &|| false).unwrap();
                assert!(none.is_none_or(|_| txn.pages(dbi).unwrap().unwrap().depth() < 2));
                txn.entries_behind(dbi, from, &|| true).unwrap().unwrap()
            };
            assert!(keys.is_sorted_by(|key, next| key < next));
            assert!(part > 0 || count < 40 || keys.len() < model.len() / 2);
            let mut txn = env.write_txn().unwrap();
            for key in &keys {
                txn.put(dbi, key, &model[key], PutMode::Upsert).unwrap();
            }
            txn.commit().unwrap();
            let after = places(&env, dbi, &model);
            for (key, place) in &before {
                let fits = !long.contains(key);
                let is_moved = after[key] != *place;
                assert!(is_moved || !fits || *place < from, "{place}, from {from} on");
                // Longer values stay where they are.
                assert!(fits || !is_moved);
            }
            let reader = RoTxn::begin(&env).unwrap();
            walk(&mut random, reader.get().unwrap().cursor(dbi).unwrap(), &model);
        }
    }
}

#[test]
fn pages_are_what_their_parents_say() {
    let page_of = |number: u64, flags: u16, ends: [u16; 2]| {
        let mut page = vec![0; 4_096];
        page[..8].copy_from_slice(&number.to_ne_bytes());
        page[10..12].copy_from_slice(&flags.to_ne_bytes());
        page[12..14].copy_from_slice(&ends[0].to_ne_bytes());
        page[14..16].copy_from_slice(&ends[1].to_ne_bytes());
        page
    };
    let is_tree_page = |number, ends| page::is_tree_page(&page_of(7, 2, ends), number).unwrap();
    assert!(is_tree_page(7, [18, 4_000]) && is_tree_page(7, [18, 18]));
    assert!(is_tree_page(7, [18, 4_096]));
    assert!(!is_tree_page(8, [18, 4_000]));
    assert!(!is_tree_page(7, [18, 17]) && !is_tree_page(7, [18, 4_097]));
    let own_pages = |number, flags, pages: u32| {
        let mut page = page_of(7, flags, [0; 2]);
        page[12..16].copy_from_slice(&pages.to_ne_bytes());
        page::own_pages(&page, number).unwrap()
    };
    assert_eq!((own_pages(7, 4, 1), own_pages(7, 4, 2)), (Some(1), Some(2)));
    assert_eq!((own_pages(8, 4, 1), own_pages(7, 4, 0)), (None, None));
    assert!([1, 2, 8].into_iter().all(|flags| own_pages(7, flags, 1).is_none()));
    assert!(page::own_pages(&[0; 12], 0).is_err() && page::is_tree_page(&[0; 12], 0).is_err());
}
