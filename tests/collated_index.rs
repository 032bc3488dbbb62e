//! Indexes in the order of a collation whose data has another version: not used, and built again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod query_support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lodestore::catalog::{Catalog, IndexDef, IndexState, StoreDef};
use lodestore::collation::DATA_VERSION;
use lodestore::error::ErrorCode;
use lodestore::key;
use lodestore::storage::{OpenOptions, WriteTxn, connect};
use lodestore::store::index_build::{pending_builds, step};
use lodestore::store::read::{Response, RowParts, Scan, scan};
use lodestore::store::{
    KeySource, Put, StoreShared, TxnState, Writer, check_stores, nested, pending_sweeps,
};
use lodestore::value::{self, NoShapes};
use query_support::{Db, Index, value as to_value};
use serde_json::{Value as Json, json};

const OLD: &str = "icu4x 0.1.0";

/// Says that all collated indexes were made by another version.
fn age(txn: &mut WriteTxn<'_>, shared: &StoreShared) {
    age_and(txn, shared, |_| {});
}

fn age_and(txn: &mut WriteTxn<'_>, shared: &StoreShared, change: impl Fn(&mut IndexDef)) {
    let state = TxnState::of(txn, shared).unwrap();
    let mut catalog = Catalog::clone(&state.catalog);
    for store in state.catalog.stores() {
        let mut store = StoreDef::clone(store);
        for index in &mut store.indexes {
            let mut aged = IndexDef::clone(index);
            if let Some(collation) = &mut aged.collation {
                collation.version = OLD.to_owned();
                change(&mut aged);
            }
            *index = Arc::new(aged);
        }
        catalog.put_store(txn, store).unwrap();
    }
}

fn people() -> Db {
    let swedish = json!({ "locale": "sv", "strength": 2 });
    let db = Db::new();
    let indexes = [
        Index("byName", &["name"], json!({ "collation": swedish })),
        Index("unique", &["login"], json!({ "collation": swedish, "unique": true })),
        Index("plain", &["name"], json!({})),
    ];
    let names = ["ö", "Zeta", "å", "zeta", "a", "ä"].map(str::to_owned);
    // So many that a scan costs more than an index.
    let more = (0..60).map(|id| format!("w{id}"));
    let documents = names
        .into_iter()
        .chain(more)
        .enumerate()
        .map(|(id, name)| json!({ "id": id, "name": name, "login": format!("{name}{id}") }));
    db.create("people", &indexes, documents);
    db
}

fn put(db: &Db, document: &Json) {
    try_put(db, document).unwrap();
}

fn try_put(db: &Db, document: &Json) -> Result<(), ErrorCode> {
    let store = db.store("people").id;
    let document = value::encode(&to_value(document), &NoShapes).unwrap();
    db.scratch.write(|txn| {
        let mut writer = Writer::new(&db.shared);
        let put = Put { store, key: KeySource::Inline, document: &document, insert_only: false };
        let done = writer.put(txn, &put).map(drop).and_then(|()| writer.flush(txn));
        done.map_err(|failure| failure.into_error().code())
    })
}

fn explain(db: &Db) -> Json {
    let request = json!({
        "filter": { "name": "ZETA" }, "sort": ["name", "login"], "returns": "explain",
        "collation": { "locale": "sv", "strength": 2 },
    });
    serde_json::from_slice(&db.rows("people", &request, 0).unwrap()[0]).unwrap()
}

fn state(db: &Db, name: &str) -> IndexState {
    db.store("people").index_by_name(&name.into()).unwrap().state
}

fn check(db: &Db) {
    let report = db.scratch.read(|txn| check_stores(txn, &db.shared));
    assert!(report.is_clean(), "{:?}", report.problems);
}

#[test]
fn a_definition_names_the_version_of_its_data() {
    let db = people();
    let store = db.store("people");
    let version = |name: &str| {
        let index = store.index_by_name(&name.into()).unwrap();
        index.collation.as_ref().map(|collation| collation.version.clone())
    };
    assert_eq!(version("byName").as_deref(), Some(DATA_VERSION));
    assert_eq!(version("plain"), None);
    assert_eq!(explain(&db)["index"], "byName");
    assert_eq!(explain(&db)["returned"], 2);
    check(&db);
}

#[test]
fn an_index_of_another_version_is_not_used_until_it_is_built_again() {
    let db = people();
    let old_tree = db.store("people").index_by_name(&"byName".into()).unwrap().tree;
    db.scratch.write(|txn| age(txn, &db.shared));
    assert_eq!(state(&db, "byName"), IndexState::Stale);
    assert_eq!(state(&db, "plain"), IndexState::Ready);
    let store = db.store("people");
    let index = store.index_by_name(&"byName".into()).unwrap();
    let refused = store.ready_index(index.id).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::IndexNotReady);
    let explained = explain(&db);
    assert_eq!(explained["returned"], 2);
    assert_eq!(explained["index"], Json::Null);
    assert!(explained.to_string().contains("another version"), "{explained:#}");
    check(&db);

    // Whatever is written first empties it, and makes the unique one whole.
    let twice = json!({ "id": 99, "name": "q", "login": "ZETA1" });
    assert_eq!(try_put(&db, &twice), Err(ErrorCode::UniqueViolation));
    put(&db, &json!({ "id": 70, "name": "ZETA", "login": "x" }));
    assert_eq!(state(&db, "byName"), IndexState::Building);
    assert_eq!(state(&db, "unique"), IndexState::Ready);
    assert!(!db.scratch.read(|txn| db.shared.catalog(txn).unwrap().has_stale_indexes()));
    assert_eq!(explain(&db)["returned"], 3);
    check(&db);
    let builds = db.scratch.read(pending_builds).unwrap();
    assert_eq!(builds.len(), 1);
    let sweeps = db.scratch.read(pending_sweeps).unwrap();
    assert!(sweeps.iter().any(|tree| tree.id == old_tree));
    for (store, index) in builds {
        while !db
            .scratch
            .write(|txn| nested(txn, |child| step(child, &db.shared, store, index, 20)))
            .map_err(|_| "refused")
            .unwrap()
            .finished
        {
            check(&db);
        }
    }
    assert_eq!(state(&db, "byName"), IndexState::Ready);
    assert_eq!(explain(&db)["index"], "byName");
    assert_eq!(explain(&db)["returned"], 3);
    check(&db);
}

#[test]
fn a_unique_index_whose_documents_meet_is_left_to_its_build() {
    let db = people();
    db.scratch.write(|txn| {
        age_and(txn, &db.shared, |index| index.unique = true);
    });
    put(&db, &json!({ "id": 70, "name": "q", "login": "x" }));
    assert_eq!(state(&db, "byName"), IndexState::Building, "Zeta and zeta meet");
    assert_eq!(state(&db, "unique"), IndexState::Ready);
    let builds = db.scratch.read(pending_builds).unwrap();
    let [(store, index)] = builds.as_slice() else { panic!("{builds:?}") };
    let failure = db.scratch.write(|txn| {
        let built = nested(txn, |child| step(child, &db.shared, *store, *index, 100));
        built.map_err(|failure| failure.into_error().code()).err()
    });
    assert_eq!(failure, Some(ErrorCode::UniqueViolation));
    assert_eq!(try_put(&db, &json!({ "id": 71, "name": "q", "login": "y" })), Ok(()));
    check(&db);
}

#[test]
fn a_build_under_way_begins_again_with_another_version() {
    let db = people();
    db.scratch.write(|txn| age(txn, &db.shared));
    put(&db, &json!({ "id": 80, "name": "b", "login": "b" }));
    let builds = db.scratch.read(pending_builds).unwrap();
    let (store, index) = builds[0];
    let go_on = || {
        let done =
            db.scratch.write(|txn| nested(txn, |child| step(child, &db.shared, store, index, 2)));
        done.map_err(|_| "refused").unwrap()
    };
    assert_eq!(go_on().done, 2);
    db.scratch.write(|txn| age(txn, &db.shared));
    check(&db);
    assert_eq!(go_on().done, 2, "from the start");
    check(&db);
}

/// Makes a fixture of a database whose indexes are up to date, under `LODESTORE_FIXTURE`.
#[test]
#[ignore = "a tool"]
fn age_a_database() {
    let path = std::env::var("LODESTORE_FIXTURE").unwrap();
    let db = connect(std::path::Path::new(&path), &OpenOptions::default()).unwrap();
    let (done, outcome) = std::sync::mpsc::channel();
    db.submit(Box::new(Aging(done))).unwrap();
    outcome.recv().unwrap();
    db.close().unwrap();
}

struct Aging(std::sync::mpsc::Sender<()>);

impl lodestore::storage::Job for Aging {
    fn bytes(&self) -> usize {
        0
    }

    fn durability(&self) -> lodestore::storage::Durability {
        lodestore::storage::Durability::Strict
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> lodestore::error::Result<()> {
        age(txn, &StoreShared::default());
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: lodestore::error::Result<lodestore::storage::Commit>) {
        outcome.unwrap();
        self.0.send(()).unwrap();
    }
}

/// Index keys and primary keys of all entries of an index, in answers of so many rows, and how long
/// they took.
fn entries(db: &Db, limit: u32) -> (Vec<(String, f64)>, Duration) {
    let store = db.store("tagged");
    let index = store.index_by_name(&"byTag".into()).unwrap();
    let parts = RowParts { keys: true, primary_keys: true, values: false };
    let (start, mut found, mut resume) = (Instant::now(), Vec::new(), Vec::new());
    db.scratch.read(|txn| {
        loop {
            let request =
                Scan { parts, limit, resume: &resume, shared: Some(&db.shared), ..Scan::default() };
            let mut out = Vec::new();
            let mut response = Response::growing(&mut out);
            scan(txn.into(), &store, Some(index), &request, &mut response).unwrap();
            let (count, done) = (u32::from_le_bytes(out[..4].try_into().unwrap()), out[4]);
            let mut rest = &out[5..];
            let mut sized = || {
                let (len, tail) = rest.split_first_chunk::<4>().unwrap();
                let (bytes, tail) = tail.split_at(u32::from_le_bytes(*len) as usize);
                rest = tail;
                bytes.to_vec()
            };
            for _ in 0..count {
                let (index_key, primary_key) = (sized(), sized());
                let (index_key, _) = key::decode_component(&index_key, false).unwrap();
                let (primary_key, _) = key::decode_component(&primary_key, false).unwrap();
                let (key::Key::String(tag), key::Key::Number(id)) = (index_key, primary_key) else {
                    panic!("no string and number")
                };
                found.push((tag.to_string(), id));
            }
            resume = sized();
            if done == 1 {
                return;
            }
        }
    });
    (found, start.elapsed())
}

fn tagged(documents: Vec<Vec<String>>) -> Db {
    let db = Db::new();
    let order = json!({ "locale": "sv", "strength": 2 });
    let index = Index("byTag", &["tags"], json!({ "collation": order, "multiEntry": true }));
    let documents = documents.into_iter().enumerate();
    db.create("tagged", &[index], documents.map(|(id, tags)| json!({ "id": id, "tags": tags })));
    db
}

#[test]
fn keys_of_elements_are_those_of_their_documents() {
    let tags = |list: &[&str]| list.iter().map(|tag| (*tag).to_owned()).collect();
    let mut documents: Vec<Vec<String>> =
        vec![tags(&["Ö", "a", "z"]), tags(&["A", "ö", "x"]), tags(&["Z"]), tags(&["a", "A", "ä"])];
    documents.extend((0..200).map(|id| vec![format!("T{id}"), format!("t{}", id + 1)]));
    let mut expected: Vec<(String, f64)> = [
        ("a", 0.0),
        ("A", 1.0),
        ("a", 3.0),
        ("x", 1.0),
        ("z", 0.0),
        ("Z", 2.0),
        ("ä", 3.0),
        ("Ö", 0.0),
        ("ö", 1.0),
    ]
    .map(|(tag, id)| (tag.to_owned(), id))
    .into();
    let mut others: Vec<(String, f64)> = (0..200)
        .flat_map(|id| {
            let primary_key = f64::from(id + 4);
            [(format!("T{id}"), primary_key), (format!("t{}", id + 1), primary_key)]
        })
        .collect();
    others.sort_by(|left, right| {
        let order = |(tag, id): &(String, f64)| (tag.to_lowercase(), *id as u64);
        order(left).cmp(&order(right))
    });
    expected.splice(3..3, others);
    let db = tagged(documents);
    for limit in [0, 1, 2, 3, 7, 64, 1_000] {
        assert_eq!(entries(&db, limit).0, expected, "{limit} rows at once");
    }
}

#[test]
fn the_keys_of_a_document_are_made_once_for_all_its_entries() {
    let fastest = |count: usize| {
        let db = tagged(vec![(0..count).map(|at| format!("tag {at}")).collect()]);
        // Whoever shares the processor is not likely to be in the way of each.
        let times = (0..40).map(|_| {
            let (found, time) = entries(&db, 0);
            assert_eq!(found.len(), count);
            time
        });
        times.min().unwrap()
    };
    let (few, many) = (fastest(500), fastest(4_000));
    // Eight times as many entries take eight times as long, and not 64 times.
    assert!(many < 40 * few, "{many:?} for 4,000 elements, {few:?} for 500");
}
