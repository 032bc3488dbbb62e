//! Scans and counts against a naive model: ranges over indexes of every kind, both directions,
//! unique rows, limits, and batches that are resumed.
//!
//! `LODESTORE_SEED` replays a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use lodestore::catalog::{IndexDef, IndexPart, IndexState, KeyPath, Origin, StoreDef};
use lodestore::error::ErrorCode;
use lodestore::key::{self, Key, TAG_RESIDUAL};
use lodestore::storage::envelope::{Compression, put_enveloped};
use lodestore::storage::{Counter, TreeId, WriteTxn};
use lodestore::store::entry::{self, EntryKind};
use lodestore::store::read::{
    Bound, GetOutcome, KeyRange, Response, RowParts, Scan, View, Written, count, first_key, get,
    get_into, get_many, has, scan,
};
use lodestore::wtf8::Wtf8String;
use support::Random;
use support::scratch::Scratch;

fn encoded(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode(&mut bytes).unwrap();
    bytes
}

fn text(text: &str) -> Key {
    Key::String(Wtf8String::from(text))
}

/// An index, by its parts' directions and what else distinguishes it.
fn index(
    id: u32,
    descending: &[bool],
    compound: bool,
    multi_entry: bool,
    origin: Origin,
) -> IndexDef {
    let part = |descending: &bool| IndexPart { path: support::path("f"), descending: *descending };
    IndexDef {
        id,
        name: Wtf8String::from(format!("index {id}").as_str()),
        tree: TreeId(u64::from(id) + 10),
        parts: descending.iter().map(part).collect(),
        compound,
        unique: false,
        multi_entry,
        sparse: false,
        partial: None,
        collation: None,
        origin,
        state: IndexState::Ready,
    }
}

fn indexes() -> Vec<IndexDef> {
    use Origin::{IndexedDb, Native};
    vec![
        index(1, &[false], false, false, Native),
        index(2, &[true], false, false, Native),
        index(3, &[false], false, true, Native),
        index(4, &[false, false], true, false, Native),
        index(5, &[false, true], true, false, Native),
        index(6, &[true, false], true, false, Native),
        index(7, &[true, true, false], true, false, Native),
        index(8, &[false, false], true, false, IndexedDb),
        index(9, &[false], false, true, IndexedDb),
        index(10, &[false], true, false, Native),
    ]
}

fn store() -> StoreDef {
    StoreDef {
        id: 1,
        name: Wtf8String::from("people"),
        tree: TreeId(9),
        key_path: KeyPath::None,
        auto_increment: false,
        key_scheme: None,
        compression: Compression::Lz4,
        origin: Origin::Native,
        next_index: 11,
        indexes: Vec::new(),
        vectors: Vec::new(),
    }
}

/// An entry as the model has it: components ascending, primary key, kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelEntry {
    components: Vec<Vec<u8>>,
    primary_key: Vec<u8>,
    kind: EntryKind,
}

struct Fixture {
    scratch: Scratch,
    store: StoreDef,
    documents: BTreeMap<Vec<u8>, Vec<u8>>,
    indexes: Vec<(IndexDef, Vec<ModelEntry>)>,
}

fn component(random: &mut Random) -> Key {
    match random.below(9) {
        0 => Key::Null,
        1 => Key::Bool(random.below(2) == 0),
        2..6 => Key::Number(random.below(4) as f64),
        6 => text(["a", "ab", "b"][random.below(3)]),
        7 if random.below(10) == 0 => text(&"long".repeat(1_000)),
        _ => Key::Array(vec![Key::Number(random.below(2) as f64)]),
    }
}

fn fixture(random: &mut Random, documents: usize) -> Fixture {
    let scratch = Scratch::new();
    let store = store();
    let mut model = BTreeMap::new();
    for i in 0..documents {
        let key = match random.below(3) {
            0 => text(&format!("key {i}")),
            1 if random.below(20) == 0 => text(&format!("{}{i}", "k".repeat(2_500))),
            _ => Key::Number(i as f64),
        };
        let value = format!("document {i} {}", "x".repeat(random.below(200)));
        model.insert(encoded(&key), value.into_bytes());
    }
    let indexes: Vec<_> = indexes()
        .into_iter()
        .map(|index| {
            let entries = model.keys().flat_map(|key| entries(random, &index, key)).collect();
            (index, entries)
        })
        .collect();
    scratch.write(|txn| {
        for (key, value) in &model {
            let tree = entry::documents(store.tree);
            put_enveloped(tree, txn, key, value, store.compression, false).unwrap();
        }
        txn.add_count(Counter::entries(store.tree), model.len() as i64);
        for (index, entries) in &indexes {
            for found in entries {
                write_entry(txn, index, found);
            }
        }
    });
    Fixture { scratch, store, documents: model, indexes }
}

/// Some entries of a document, of different keys.
fn entries(random: &mut Random, index: &IndexDef, primary_key: &[u8]) -> Vec<ModelEntry> {
    let mut entries: Vec<ModelEntry> = Vec::new();
    for _ in 0..1 + random.below(3) {
        let kinds: &[EntryKind] = match (index.origin, index.multi_entry) {
            (Origin::Native, _) => &[EntryKind::Own, EntryKind::Element, EntryKind::Whole],
            (Origin::IndexedDb, true) => &[EntryKind::Own, EntryKind::Element],
            (Origin::IndexedDb, false) => &[EntryKind::Own, EntryKind::Whole],
        };
        let kind = *kinds.get(random.below(4)).unwrap_or(&EntryKind::Residual);
        let components = match kind {
            EntryKind::Residual => vec![vec![TAG_RESIDUAL]],
            _ => index.parts.iter().map(|_| encoded(&component(random))).collect(),
        };
        if entries.iter().all(|other| other.components != components) {
            entries.push(ModelEntry { components, primary_key: primary_key.to_vec(), kind });
        }
    }
    entries
}

fn stored_key(index: &IndexDef, found: &ModelEntry) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (component, part) in found.components.iter().zip(&index.parts) {
        let start = bytes.len();
        bytes.extend_from_slice(component);
        if part.descending && found.kind != EntryKind::Residual {
            key::invert_from(&mut bytes, start);
        }
    }
    bytes.extend_from_slice(&found.primary_key);
    bytes
}

fn write_entry(txn: &mut WriteTxn<'_>, index: &IndexDef, found: &ModelEntry) {
    let tree = entry::entries(index.tree);
    tree.put(txn, &stored_key(index, found), &[found.kind as u8]).unwrap();
    for &class in found.kind.counted_in() {
        txn.add_count(Counter { tree: index.tree, class }, 1);
    }
}

/// A bound: the key as it is passed, and its components.
#[derive(Debug, Clone)]
struct ModelBound {
    key: Vec<u8>,
    /// `None`: not an array, though the index's keys are.
    components: Option<Vec<Vec<u8>>>,
    open: bool,
}

fn bound(random: &mut Random, index: &IndexDef) -> Option<ModelBound> {
    if random.below(3) == 0 {
        return None;
    }
    let open = random.below(2) == 0;
    if !index.compound {
        let key = encoded(&component(random));
        return Some(ModelBound { components: Some(vec![key.clone()]), key, open });
    }
    let count = random.below(index.parts.len() + 2);
    let components: Vec<_> = (0..count).map(|_| encoded(&component(random))).collect();
    if index.origin == Origin::IndexedDb && random.below(5) == 0 {
        return Some(ModelBound { key: encoded(&text("a")), components: None, open });
    }
    // Native indexes take components without their array, too, unless that looks like one.
    let bare = index.origin == Origin::Native && random.below(3) == 0;
    let mut key = components.concat();
    if !bare || key.is_empty() || key[0] == key::TAG_ARRAY {
        key.insert(0, key::TAG_ARRAY);
        key.push(key::END);
    }
    Some(ModelBound { key, components: Some(components), open })
}

/// How an entry's key compares to a bound.
fn compare(index: &IndexDef, found: &ModelEntry, bound: &ModelBound) -> Ordering {
    let Some(components) = &bound.components else { return Ordering::Greater };
    let common = components.len().min(found.components.len());
    let ordering = found.components[..common].cmp(&components[..common]);
    let by_length = found.components.len().cmp(&components.len());
    let exact = index.compound && index.origin == Origin::IndexedDb;
    match by_length {
        Ordering::Greater if !exact => ordering,
        _ => ordering.then(by_length),
    }
}

fn in_range(index: &IndexDef, found: &ModelEntry, range: &[Option<ModelBound>; 2]) -> bool {
    let inside = |bound: &Option<ModelBound>, outside: Ordering| {
        bound.as_ref().is_none_or(|bound| match compare(index, found, bound) {
            Ordering::Equal => !bound.open,
            ordering => ordering != outside,
        })
    };
    inside(&range[0], Ordering::Less) && inside(&range[1], Ordering::Greater)
}

fn is_visible(index: &IndexDef, kind: EntryKind) -> bool {
    match kind {
        EntryKind::Own => true,
        EntryKind::Element => index.multi_entry,
        EntryKind::Whole => !index.multi_entry,
        EntryKind::Residual => false,
    }
}

/// The index key as rows carry it.
fn plain_key(index: &IndexDef, found: &ModelEntry) -> Vec<u8> {
    let mut key = found.components.concat();
    if index.compound {
        key.insert(0, key::TAG_ARRAY);
        key.push(key::END);
    }
    key
}

type Row = Vec<Vec<u8>>;

/// The rows of an index scan, without limits.
fn expected_rows(
    fixture: &Fixture,
    index: &IndexDef,
    entries: &[ModelEntry],
    range: &[Option<ModelBound>; 2],
    request: &Scan<'_>,
) -> Vec<Row> {
    let mut found: Vec<_> = entries
        .iter()
        .filter(|found| is_visible(index, found.kind) && in_range(index, found, range))
        .collect();
    found.sort_by_key(|found| stored_key(index, found));
    if request.unique {
        found.dedup_by(|next, first| next.components == first.components);
    }
    if request.reverse {
        found.reverse();
    }
    let row = |found: &&ModelEntry| {
        let mut row = Row::new();
        if request.parts.keys {
            row.push(plain_key(index, found));
        }
        if request.parts.primary_keys {
            row.push(found.primary_key.clone());
        }
        if request.parts.values {
            row.push(fixture.documents[&found.primary_key].clone());
        }
        row
    };
    found.iter().map(row).skip(request.offset as usize).collect()
}

/// A batch, taken apart.
struct Batch {
    rows: Vec<Row>,
    done: bool,
    resume: Vec<u8>,
}

fn parse(bytes: &[u8], parts: RowParts) -> Batch {
    let mut rest = bytes;
    let mut take = |len: usize| rest.split_off(..len).expect("the response is too short");
    let count = u32::from_le_bytes(take(4).try_into().unwrap());
    let done = take(1)[0];
    let mut sized = || {
        let len = u32::from_le_bytes(take(4).try_into().unwrap());
        take(len as usize).to_vec()
    };
    let columns = [parts.keys, parts.primary_keys, parts.values].iter().filter(|on| **on).count();
    let rows = (0..count).map(|_| (0..columns).map(|_| sized()).collect()).collect();
    let resume = sized();
    assert!(rest.is_empty() && done <= 1);
    Batch { rows, done: done == 1, resume }
}

/// Runs a scan in batches of random size, each of which it checks; returns all rows.
fn scan_in_batches(
    random: &mut Random,
    view: View<'_, '_>,
    store: &StoreDef,
    index: Option<&IndexDef>,
    request: &Scan<'_>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut resume = Vec::new();
    loop {
        let limit = [0, 1, 2, 1 + random.below(20) as u32][random.below(4)];
        let max_bytes = [0, 1, random.below(2_000) as u32][random.below(3)];
        let offset = if rows.is_empty() { request.offset } else { 0 };
        let batch = Scan { limit, max_bytes, offset, resume: &resume, ..*request };
        let mut out = b"before".to_vec();
        scan(view, store, index, &batch, &mut Response::growing(&mut out)).unwrap();
        let growing = parse(&out[6..], request.parts);
        check_fixed(random, view, (store, index), &batch, &growing);
        assert!(limit == 0 || growing.rows.len() <= limit as usize);
        if max_bytes > 0 && growing.rows.len() > 1 {
            let bytes: usize = growing.rows.iter().flatten().map(|part| part.len() + 4).sum();
            assert!(bytes + 5 <= max_bytes as usize + 5, "{bytes} of {max_bytes}");
        }
        assert_eq!(growing.done, growing.resume.is_empty());
        assert!(growing.done || !growing.rows.is_empty());
        rows.extend(growing.rows);
        if growing.done {
            return rows;
        }
        resume = growing.resume;
    }
}

/// Memory of fixed size gets as many rows as fit, or says what it needs.
fn check_fixed(
    random: &mut Random,
    view: View<'_, '_>,
    (store, index): (&StoreDef, Option<&IndexDef>),
    request: &Scan<'_>,
    growing: &Batch,
) {
    let mut memory = vec![0xEE; random.below(1_500)];
    let mut response = Response::fixed(&mut memory);
    scan(view, store, index, request, &mut response).unwrap();
    match response.finish() {
        Written::Complete(len) => {
            let fixed = parse(&memory[..len], request.parts);
            assert!(growing.rows.starts_with(&fixed.rows));
            assert!(growing.done || !fixed.done);
            assert!(!fixed.rows.is_empty() || growing.rows.is_empty());
        }
        Written::Needs(len) => {
            assert!(len > memory.len());
            let mut memory = vec![0; len];
            let mut response = Response::fixed(&mut memory);
            scan(view, store, index, request, &mut response).unwrap();
            assert!(matches!(response.finish(), Written::Complete(_)));
        }
    }
}

fn request(random: &mut Random) -> Scan<'static> {
    let mut flag = || random.below(2) == 0;
    Scan {
        reverse: flag(),
        unique: flag(),
        parts: RowParts { keys: flag(), primary_keys: flag(), values: flag() },
        offset: if flag() { 0 } else { random.below(10) as u32 },
        ..Scan::default()
    }
}

#[test]
fn scans_of_indexes_agree_with_the_model() {
    let mut random = Random::from_env();
    for size in [0, 1, 40, 400] {
        let fixture = fixture(&mut random, size);
        fixture.scratch.read(|txn| {
            for _ in 0..60 {
                for (index, entries) in &fixture.indexes {
                    let bounds = [bound(&mut random, index), bound(&mut random, index)];
                    let [lower, upper] = bounds.each_ref().map(|bound| {
                        bound.as_ref().map(|bound| Bound { key: &bound.key, open: bound.open })
                    });
                    let range = KeyRange { lower, upper };
                    let request = Scan { range, ..request(&mut random) };
                    let expected = expected_rows(&fixture, index, entries, &bounds, &request);
                    let (view, store) = (View::from(txn), &fixture.store);
                    let found = scan_in_batches(&mut random, view, store, Some(index), &request);
                    assert!(found == expected, "{index:?} {bounds:?} {request:?}");
                    check_count(&mut random, view, store, Some(index), &request, |request| {
                        expected_rows(&fixture, index, entries, &bounds, request)
                    });
                }
            }
        });
    }
}

#[test]
fn scans_of_stores_agree_with_the_model() {
    let mut random = Random::from_env();
    let fixture = fixture(&mut random, 300);
    let keys: Vec<_> = fixture.documents.keys().cloned().collect();
    fixture.scratch.read(|txn| {
        for _ in 0..500 {
            let mut bound = || {
                let key = match random.below(4) {
                    0 => return None,
                    1 => encoded(&Key::Number(random.below(400) as f64 + 0.5)),
                    _ => keys[random.below(keys.len())].clone(),
                };
                Some((key, random.below(2) == 0))
            };
            let (lower, upper) = (bound(), bound());
            let inside = |key: &Vec<u8>| {
                lower.as_ref().is_none_or(|(low, open)| key > low || !open && key == low)
                    && upper.as_ref().is_none_or(|(high, open)| key < high || !open && key == high)
            };
            let range = KeyRange {
                lower: lower.as_ref().map(|(key, open)| Bound { key, open: *open }),
                upper: upper.as_ref().map(|(key, open)| Bound { key, open: *open }),
            };
            let request = Scan { range, ..request(&mut random) };
            let rows = |request: &Scan<'_>| {
                let mut found: Vec<_> =
                    fixture.documents.iter().filter(|(key, _)| inside(key)).collect();
                if request.reverse {
                    found.reverse();
                }
                let row = |(key, value): (&Vec<u8>, &Vec<u8>)| {
                    let mut row = vec![key.clone(); usize::from(request.parts.keys)];
                    row.extend(request.parts.primary_keys.then(|| key.clone()));
                    row.extend(request.parts.values.then(|| value.clone()));
                    row
                };
                found.into_iter().map(row).skip(request.offset as usize).collect::<Vec<_>>()
            };
            let (view, store) = (View::from(txn), &fixture.store);
            let found = scan_in_batches(&mut random, view, store, None, &request);
            assert!(found == rows(&request), "{lower:?} {upper:?} {request:?}");
            check_count(&mut random, view, store, None, &request, rows);
        }
    });
}

/// Counts and first keys against the rows that `rows` gives.
fn check_count(
    random: &mut Random,
    view: View<'_, '_>,
    store: &StoreDef,
    index: Option<&IndexDef>,
    request: &Scan<'_>,
    rows: impl Fn(&Scan<'_>) -> Vec<Row>,
) {
    let parts = RowParts { primary_keys: true, ..RowParts::default() };
    let all = Scan { unique: false, offset: 0, parts, ..*request };
    let expected = rows(&all);
    let limit = random.below(20) as u32;
    let limited = if limit == 0 { expected.len() } else { expected.len().min(limit as usize) };
    assert_eq!(count(view, store, index, &request.range, limit).unwrap(), limited as u64);
    let first = first_key(view, store, index, &all).unwrap();
    assert_eq!(first, expected.first().map(|row| row[0].clone()));
}

#[test]
fn documents_are_read_by_key() {
    let mut random = Random::from_env();
    let fixture = fixture(&mut random, 200);
    let store = &fixture.store;
    fixture.scratch.read(|txn| {
        let mut expected = Vec::new();
        for (key, value) in &fixture.documents {
            let mut out = vec![0; value.len() + 3];
            assert_eq!(
                get_into(txn, store, key, &mut out).unwrap(),
                GetOutcome::Written(value.len())
            );
            assert_eq!(out[..value.len()], *value);
            let short = get_into(txn, store, key, &mut out[..value.len() - 1]).unwrap();
            assert_eq!(short, GetOutcome::Needs(value.len()));
            let mut scratch = Vec::new();
            assert_eq!(get(txn, store, key, &mut scratch).unwrap(), Some(value.as_slice()));
            assert!(has(txn, store, key).unwrap());
            expected.extend((value.len() as u32).to_le_bytes());
            expected.extend_from_slice(value);
        }
        let missing = encoded(&Key::Number(0.5));
        assert_eq!(get_into(txn, store, &missing, &mut []).unwrap(), GetOutcome::Missing);
        assert!(!has(txn, store, &missing).unwrap());
        expected.extend([0xFF; 4]);
        let mut out = Vec::new();
        let keys = fixture.documents.keys().chain([&missing]).map(Vec::as_slice);
        get_many(txn, store, keys, &mut Response::growing(&mut out)).unwrap();
        assert_eq!(out, expected);
    });
}

#[test]
fn an_entry_without_its_document_is_corrupt() {
    let mut random = Random::from_env();
    let fixture = fixture(&mut random, 50);
    let (index, _) = &fixture.indexes[0];
    let victim = fixture.documents.keys().next().unwrap();
    fixture.scratch.aborted(|txn| {
        let found = ModelEntry {
            components: vec![encoded(&Key::Number(1.0))],
            primary_key: victim.clone(),
            kind: EntryKind::Own,
        };
        write_entry(txn, index, &found);
        entry::documents(fixture.store.tree).delete(txn, victim).unwrap();
        let parts = RowParts { values: true, ..RowParts::default() };
        let mut out = Vec::new();
        let error = scan(
            View::from(&*txn),
            &fixture.store,
            Some(index),
            &Scan { parts, ..Scan::default() },
            &mut Response::growing(&mut out),
        )
        .unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt);
        assert_eq!(error.context().store.as_deref(), Some("people"));
        assert_eq!(error.context().index.as_deref(), Some("index 1"));
        assert_eq!(error.context().key.as_ref(), Some(victim));
    });
}

#[test]
fn bounds_that_are_no_keys_are_refused() {
    let fixture = fixture(&mut Random::from_env(), 3);
    fixture.scratch.read(|txn| {
        let whole = encoded(&Key::Array(vec![text("a"), Key::Number(1.0)]));
        for (index, _) in &fixture.indexes {
            for key in [&[0xFF][..], &[0x70], &whole[..whole.len() - 1], &[0x10, 0x10, 0x99]] {
                let range = KeyRange::only(key);
                let error = count(View::from(txn), &fixture.store, Some(index), &range, 0);
                let is_no_array =
                    index.origin == Origin::IndexedDb && index.compound && key[0] != 0x70;
                match error {
                    Err(error) => assert_eq!(error.code(), ErrorCode::InvalidKey),
                    Ok(_) => assert!(is_no_array, "{index:?} {key:x?}"),
                }
            }
        }
    });
}
