//! What a commit has written, against all pages of the states before and after.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;

use super::*;
use crate::storage::lmdb::{Dbi, Env, EnvFlags, EnvOptions, PutMode, RwTxn};
use crate::test_random::Random;

const NAMES: [&CStr; 3] = [c"meta", c"docs", c"index"];

/// The pages of a state with their content, as far as anything is in them.
fn pages_of(reader: &RoTxn) -> BTreeMap<u64, Vec<u8>> {
    let txn = reader.get().unwrap();
    let map = Map::of(&txn, reader.env()).unwrap();
    // SAFETY: the transaction is active while the pages are copied.
    let bytes = |number, len| unsafe { map.bytes(number, len) }.unwrap().to_vec();
    let meta = bytes(txn.id() % 2, META_LENGTH);
    let mut pages = BTreeMap::new();
    let mut pending = vec![Root::read(&meta, MAIN).unwrap().page];
    let free = Root::read(&meta, FREE).unwrap().page;
    pending.extend((free != NO_PAGE).then_some(free));
    while let Some(number) = pending.pop() {
        let content = bytes(number, map.page_size());
        let page = Page::new(&content).unwrap();
        for at in 0..page.count() {
            if !page.is_leaf() {
                pending.push(page.child(at).unwrap());
            } else if let Some(record) = page.tree_record(at).unwrap() {
                let root = Root::read(record, 0).unwrap().page;
                pending.extend((root != NO_PAGE).then_some(root));
            } else if let Some((_, Data::Elsewhere { page, len })) = page.data(at).unwrap() {
                pages.insert(page, bytes(page, HEADER + len));
            }
        }
        pages.insert(number, content);
    }
    pages
}

/// Random changes of some entries, or of many.
fn change(random: &mut Random, txn: &mut RwTxn<'_>, dbis: &[Dbi]) {
    let most = [1, 3, 30, 600][random.below(4)];
    let keys = [20, 500, 50_000][random.below(3)];
    for _ in 0..=random.below(most) {
        let dbi = dbis[random.below(dbis.len())];
        let key = (random.below(keys) as u64).to_be_bytes();
        let key = [key.as_slice(), &[7; 40]].concat();
        if random.below(3) == 0 {
            txn.delete(dbi, &key).unwrap();
            continue;
        }
        let most = [30, 300, 3_000, 30_000][random.below(20).saturating_sub(16)];
        let value = vec![random.below(256) as u8; random.below(most)];
        txn.put(dbi, &key, &value, PutMode::Upsert).unwrap();
    }
}

#[test]
fn finds_all_that_is_new_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let flags = EnvFlags { no_sync: true, ..EnvFlags::default() };
    let options = EnvOptions { flags, map_size: 1 << 30, max_readers: 8 };
    // SAFETY: a new directory of this test.
    let env = unsafe { Env::open(directory.path(), options) }.unwrap();
    let mut random = Random::from_env();
    let mut txn = env.write_txn().unwrap();
    let dbis = NAMES.map(|name| txn.create_tree(name).unwrap());
    txn.commit().unwrap();
    let mut before = pages_of(&RoTxn::begin(&env).unwrap());
    let mut similar = 0;
    for round in 0..400 {
        let mut txn = env.write_txn().unwrap();
        if round % 150 == 149 {
            // Trees become empty, and lower.
            let mut keys = Vec::new();
            let mut cursor = txn.cursor(dbis[1]).unwrap();
            while let Some((key, _)) = cursor.next().unwrap() {
                keys.push(key.to_vec());
            }
            drop(cursor);
            for key in keys {
                txn.delete(dbis[1], &key).unwrap();
            }
        }
        change(&mut random, &mut txn, &dbis);
        let id = txn.id();
        txn.commit().unwrap();
        let reader = RoTxn::begin(&env).unwrap();
        if reader.get().unwrap().id() != id {
            continue;
        }
        let after = pages_of(&reader);
        // SAFETY: nobody else has the environment.
        let changed = unsafe { changed_pages(&reader, usize::MAX) }.unwrap().unwrap();
        let mut found = BTreeMap::new();
        for page in &changed.pages {
            assert!(found.insert(page.number, page.bytes.to_vec()).is_none(), "twice");
            if let Some((number, bytes)) = page.similar {
                assert_eq!(before[&number], bytes);
                similar += 1;
            }
        }
        for value in &changed.values {
            assert!(found.insert(value.number, value.bytes.to_vec()).is_none(), "twice");
        }
        let expected: BTreeMap<_, _> =
            after.iter().filter(|(number, _)| !before.contains_key(number)).collect();
        let numbers =
            |pages: &BTreeMap<u64, Vec<u8>>| pages.keys().copied().collect::<BTreeSet<_>>();
        assert_eq!(numbers(&found), expected.keys().map(|number| **number).collect());
        assert!(expected.iter().all(|(number, bytes)| found[number] == **bytes));
        if expected.len() > 2 {
            // SAFETY: as above.
            let few = unsafe { changed_pages(&reader, 2) }.unwrap();
            assert!(few.is_none(), "{} pages are more than two", expected.len());
        }
        before = after;
    }
    assert!(similar > 100);
}

#[test]
fn lists_are_compared_in_full() {
    let mut random = Random::from_env();
    for _ in 0..2_000 {
        // Mostly in step, with entries that are replaced, added, taken out, and moved.
        let left: Vec<u64> = (0..random.below(40) as u64).collect();
        let mut right = left.clone();
        for change in 0..random.below(6) {
            let at = random.below(right.len() + 1);
            let new = 1_000 + change as u64;
            match random.below(4) {
                0 => right.insert(at, new),
                1 if at < right.len() => right[at] = new,
                2 if at < right.len() => drop(right.remove(at)),
                _ if at < right.len() => {
                    let moved = right.remove(at);
                    right.insert(random.below(right.len() + 1), moved);
                }
                _ => {}
            }
        }
        let without = |list: &[u64], other: &[u64]| -> Vec<u64> {
            list.iter().copied().filter(|entry| !other.contains(entry)).collect()
        };
        let expected = (without(&left, &right), without(&right, &left));
        assert_eq!(differences(left, right), expected);
    }
}
