//! Index entries are written after the documents of a batch, sorted: nobody may see a difference.
//! `LODESTORE_SEED` replays a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use lodestore::error::ErrorCode;
use lodestore::protocol::read::{COUNT, PRIMARY_KEYS, SCAN};
use lodestore::protocol::{ops, run_tx_ops};
use serde_json::{Value as Json, json};
use store_support::support::Random;
use store_support::{Answer, Db, Ops, answers, key};

/// A store with an index on `a`, a unique one on `u` and a multi-entry one on `m`.
fn open() -> (Db, u32, u32) {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s", "keyPath": null}));
    let index = db.create_index(store, json!({"name": "a", "keyPath": "a"}));
    db.create_index(store, json!({"name": "u", "keyPath": "u", "unique": true}));
    db.create_index(store, json!({"name": "m", "keyPath": "m", "multiEntry": true}));
    (db, store, index)
}

/// A request over one key of an index.
fn request(kind: u8, flags: u8, store: u32, index: u32, only: Json) -> Vec<u8> {
    let bound = key(only);
    let mut bytes = vec![kind, flags, 0, 0];
    for number in [store, index, 0, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.push(1 | 4);
    for _ in 0..2 {
        bytes.extend((bound.len() as u32).to_le_bytes());
        bytes.extend(&bound);
    }
    bytes.extend(0_u32.to_le_bytes());
    bytes
}

fn count_in(db: &Db, buffer: &Ops) -> Vec<Answer> {
    let mut out = Vec::new();
    db.scratch.write(|txn| run_tx_ops(txn, &db.shared, &buffer.bytes, &mut out).unwrap());
    answers(&out)
}

#[test]
fn reads_between_the_operations_of_a_buffer_see_what_was_written() {
    let (db, store, index) = open();
    let count = request(COUNT, 0, store, index, json!("x"));
    let read = |ops: Ops| ops.op(ops::READ_FIRST, 0, 0, &[], &count);
    let mut buffer = read(Ops::new());
    for i in 0..20 {
        buffer = buffer.put(store, json!(i), json!({"a": "x", "u": i}));
    }
    buffer = read(buffer);
    buffer = read(buffer.delete(store, json!(3)).put(store, json!(4), json!({"a": "y", "u": 4})));
    buffer = read(buffer.delete_range(store, Some(json!(10)), None));
    buffer = buffer.put(store, json!(50), json!({"a": "x", "u": 50}));
    buffer = read(buffer.clear(store).put(store, json!(51), json!({"a": "x", "u": 51})));
    let counts: Vec<u64> = count_in(&db, &buffer)
        .iter()
        .filter_map(|answer| match answer {
            Answer::Payload(bytes) => {
                Some(u64::from_le_bytes(bytes.as_slice().try_into().unwrap()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(counts, [0, 20, 18, 8, 1]);
    db.check();
}

#[test]
fn a_group_that_fails_leaves_no_entries() {
    let (db, store, index) = open();
    let buffer = Ops::new()
        .put(store, json!(1), json!({"a": "x", "u": 1}))
        .group(3)
        .put(store, json!(2), json!({"a": "x", "u": 2}))
        .put(store, json!(1), json!({"a": "z", "u": 3}))
        .put(store, json!(4), json!({"a": "x", "u": 2}))
        .put(store, json!(5), json!({"a": "x", "u": 5}));
    let answers = db.batch(&buffer);
    answers[1].refused(ErrorCode::UniqueViolation);
    assert_eq!(db.entries(store, index), ["\"x\" -> 1 (Own)", "\"x\" -> 5 (Own)"]);
    db.check();
    let rows = request(SCAN, PRIMARY_KEYS, store, index, json!("x"));
    let read = count_in(&db, &Ops::new().op(ops::READ_FIRST, 0, 0, &[], &rows));
    assert!(matches!(&read[..], [Answer::Payload(rows)] if rows[..4] == [2, 0, 0, 0]));
}

#[test]
fn large_batches_leave_indexes_that_agree_with_the_documents() {
    let (db, store, _) = open();
    let mut random = Random::from_env();
    for round in 0..30 {
        let mut buffer = Ops::new();
        for at in 0..random.below(400) {
            // Long keys, and ascending ones, which are appended.
            let text = match random.below(12) {
                0 => "l".repeat(1_880 + random.below(60)),
                1 => format!("z{round:03}{at:04}"),
                _ => format!("k{}", random.below(40)),
            };
            let id = json!(random.below(150));
            let document =
                json!({"a": text, "u": random.below(3_000), "m": [random.below(5), text]});
            buffer = match random.below(10) {
                0 | 1 => buffer.delete(store, id),
                2 => {
                    let (low, high) = (random.below(150), random.below(5));
                    buffer.delete_range(store, Some(json!(low)), Some(json!(low + high)))
                }
                3 => {
                    let other = json!({"a": "g", "u": random.below(200), "m": []});
                    buffer.group(2).put(store, id.clone(), document).put(store, id, other)
                }
                4 => buffer.add(store, id, document),
                _ => buffer.put(store, id, document),
            };
        }
        if random.below(4) == 0 {
            db.scratch.aborted(|txn| db.run(txn, &buffer));
        } else {
            db.batch(&buffer);
        }
        db.check();
    }
}
