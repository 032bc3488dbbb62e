//! Random operations on stores and indexes against a naive model in memory.
//!
//! The model knows what each operation must answer, and what every index must hold.
//! `LODESTORE_SEED` replays a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::collections::BTreeMap;

use lodestore::error::{Error, ErrorCode};
use lodestore::key::{self, Key, TAG_RESIDUAL};
use lodestore::storage::{Counter, ReadTxn, WriteTxn, envelope};
use lodestore::store::entry;
use lodestore::store::index_build::{progress, step};
use lodestore::store::{
    Build, Failure, IndexSpec, Reference, Schema, check_stores, nested, stored_number, sweep_step,
};
use lodestore::value::Value;
use serde_json::{Value as Json, json};
use store_support::support::Random;
use store_support::{Answer, Db, Ops, doc, from_json, key};

/// Operations of a run.
const OPERATIONS: usize = 24_000;

#[derive(Clone, Debug, Default)]
struct Model {
    stores: BTreeMap<u32, Store>,
    names: u32,
}

#[derive(Clone, Debug)]
struct Store {
    name: String,
    inline: bool,
    auto_increment: bool,
    next: f64,
    documents: BTreeMap<Vec<u8>, Json>,
    indexes: BTreeMap<u32, Index>,
}

#[derive(Clone, Debug)]
struct Index {
    name: String,
    parts: Vec<(&'static str, bool)>,
    compound: bool,
    unique: bool,
    multi_entry: bool,
    sparse: bool,
    foreign: bool,
    /// While it is being built: up to which document it is.
    building: Option<Option<Vec<u8>>>,
}

/// An entry: key bytes without the primary key, kind, whether a component is null.
type Entry = (Vec<u8>, u8, bool);

impl Index {
    fn covers(&self, key: &[u8]) -> bool {
        match &self.building {
            None => true,
            Some(after) => after.as_deref().is_some_and(|after| key <= after),
        }
    }

    fn entries(&self, document: &Json) -> Vec<Entry> {
        let fields: Vec<Field> = self.parts.iter().map(|(path, _)| field(document, path)).collect();
        let mut entries =
            if self.foreign { self.foreign_entries(&fields) } else { self.native_entries(&fields) };
        entries.sort();
        entries.dedup();
        entries
    }

    fn encode(&self, components: &[Key]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (component, (_, descending)) in components.iter().zip(&self.parts) {
            let start = bytes.len();
            component.encode(&mut bytes).unwrap();
            if *descending {
                key::invert_from(&mut bytes, start);
            }
        }
        bytes
    }

    fn native_entries(&self, fields: &[Field]) -> Vec<Entry> {
        let residual = vec![(vec![TAG_RESIDUAL], 3, false)];
        if self.sparse && fields.iter().all(|field| matches!(field, Field::Missing)) {
            return Vec::new();
        }
        let arrays = fields.iter().filter(|f| matches!(f, Field::Value(Json::Array(_)))).count();
        if arrays > 1 || fields.iter().any(|field| matches!(field, Field::ThroughArray)) {
            return residual;
        }
        let mut components = Vec::new();
        let mut array = None;
        for (at, field) in fields.iter().enumerate() {
            components.push(match field {
                Field::Value(Json::Array(items)) => {
                    array = Some((at, items));
                    Key::Null
                }
                Field::Value(value) => match to_key(value, true) {
                    Some(key) => key,
                    None => return residual,
                },
                _ => Key::Null,
            });
        }
        let has_null = |components: &[Key]| components.contains(&Key::Null);
        let Some((at, items)) = array else {
            return vec![(self.encode(&components), 0, has_null(&components))];
        };
        let mut entries = Vec::new();
        let mut decided = true;
        for item in items {
            match to_key(item, true) {
                Some(element) => {
                    components[at] = element;
                    entries.push((self.encode(&components), 1, has_null(&components)));
                }
                None => decided = false,
            }
        }
        let whole = to_key(&Json::Array(items.clone()), true);
        match whole.filter(|_| decided) {
            Some(whole) => {
                components[at] = whole;
                entries.push((self.encode(&components), 2, has_null(&components)));
            }
            None => entries.extend(residual),
        }
        entries
    }

    fn foreign_entries(&self, fields: &[Field]) -> Vec<Entry> {
        let residual = (vec![TAG_RESIDUAL], 3, false);
        if self.multi_entry
            && let [Field::Value(Json::Array(items))] = fields
        {
            let keys: Vec<_> = items.iter().filter_map(|item| to_key(item, false)).collect();
            let mut entries: Vec<_> =
                keys.iter().map(|key| (self.encode(std::slice::from_ref(key)), 1, false)).collect();
            if keys.len() < items.len() || keys.is_empty() {
                entries.push(residual);
            }
            return entries;
        }
        let keys: Option<Vec<_>> = fields
            .iter()
            .map(|field| match field {
                Field::Value(value) => to_key(value, false),
                _ => None,
            })
            .collect();
        match keys {
            Some(keys) => {
                let whole = keys.iter().any(|key| matches!(key, Key::Array(_)));
                vec![(self.encode(&keys), if whole { 2 } else { 0 }, false)]
            }
            None => vec![residual],
        }
    }

    fn sees(&self, kind: u8) -> bool {
        match kind {
            0 => true,
            1 => self.multi_entry,
            2 => self.foreign || !self.multi_entry,
            _ => false,
        }
    }

    /// Whether two documents have a visible key in common.
    fn conflict(&self, left: &Json, right: &Json) -> bool {
        let right = self.entries(right);
        self.entries(left).iter().any(|(key, kind, null)| {
            !null
                && self.sees(*kind)
                && right.iter().any(|(other, kind, _)| other == key && self.sees(*kind))
        })
    }

    /// Whether any two documents conflict.
    fn has_conflict(&self, documents: &BTreeMap<Vec<u8>, Json>) -> bool {
        let all: Vec<_> = documents.values().collect();
        (0..all.len()).any(|i| (0..i).any(|j| self.conflict(all[i], all[j])))
    }
}

enum Field<'j> {
    Missing,
    ThroughArray,
    Value(&'j Json),
}

fn field<'j>(document: &'j Json, path: &str) -> Field<'j> {
    let mut value = document;
    for name in path.split('.') {
        match value {
            Json::Object(fields) => match fields.get(name) {
                Some(field) => value = field,
                None => return Field::Missing,
            },
            Json::Array(_) => return Field::ThroughArray,
            _ => return Field::Missing,
        }
    }
    Field::Value(value)
}

/// A key, with null and booleans at the top if `native`.
fn to_key(value: &Json, native: bool) -> Option<Key> {
    match value {
        Json::Null if native => Some(Key::Null),
        Json::Bool(value) if native => Some(Key::Bool(*value)),
        Json::Number(number) => Some(Key::Number(number.as_f64().unwrap())),
        Json::String(text) => Some(Key::String(text.as_str().into())),
        Json::Array(items) => {
            items.iter().map(|item| to_key(item, false)).collect::<Option<_>>().map(Key::Array)
        }
        _ => None,
    }
}

/// What an operation must answer.
#[derive(Debug, PartialEq)]
enum Expected {
    Ok,
    Key(Vec<u8>),
    Number(u64),
    Refused(ErrorCode),
}

impl Store {
    fn put(&mut self, key: Vec<u8>, document: Json, add: bool) -> Result<(), ErrorCode> {
        if add && self.documents.contains_key(&key) {
            return Err(ErrorCode::KeyExists);
        }
        for index in self.indexes.values().filter(|index| index.unique && index.covers(&key)) {
            let taken = self.documents.iter().any(|(other, present)| {
                *other != key && index.covers(other) && index.conflict(&document, present)
            });
            if taken {
                return Err(ErrorCode::UniqueViolation);
            }
        }
        if self.auto_increment
            && let Some(number) = key::as_number(&key)
            && number.floor() >= self.next
        {
            self.next = number.floor() + 1.0;
        }
        self.documents.insert(key, document);
        Ok(())
    }
}

/// An operation, and what it does to the model.
#[derive(Debug, Clone)]
enum Op {
    Put { key: Json, document: Json, add: bool },
    Generate { document: Json },
    Delete { key: Json },
    DeleteRange { lower: Json, upper: Json },
    Clear,
}

impl Op {
    fn random(random: &mut Random) -> Self {
        match random.below(100) {
            0..45 => Op::Put {
                key: random_key(random),
                document: random_document(random),
                add: random.below(3) == 0,
            },
            45..60 => Op::Generate { document: random_document(random) },
            60..97 => Op::Delete { key: random_key(random) },
            97..99 => {
                let (lower, upper) = (random.below(40), random.below(12));
                Op::DeleteRange { lower: json!(lower), upper: json!(lower + upper) }
            }
            _ => Op::Clear,
        }
    }

    fn push(&self, ops: Ops, store: u32, inline: bool) -> Ops {
        match self.clone() {
            Op::Put { key, mut document, add } => {
                if inline {
                    document["id"] = key.clone();
                }
                if add { ops.add(store, key, document) } else { ops.put(store, key, document) }
            }
            Op::Generate { mut document } if inline => {
                document["id"] = json!({"$patch": 0});
                ops.patch(store, document)
            }
            Op::Generate { document } => ops.generate(store, document),
            Op::Delete { key } => ops.delete(store, key),
            Op::DeleteRange { lower, upper } => ops.delete_range(store, Some(lower), Some(upper)),
            Op::Clear => ops.clear(store),
        }
    }

    fn apply(&self, store: &mut Store) -> Expected {
        let done = match self.clone() {
            Op::Put { key: primary, mut document, add } => {
                if store.inline {
                    document["id"] = primary.clone();
                }
                store.put(key(primary), document, add)
            }
            Op::Generate { mut document } => {
                if !store.auto_increment {
                    return Expected::Refused(ErrorCode::InvalidArgument);
                }
                let number = json!(store.next);
                if store.inline {
                    document["id"] = number.clone();
                }
                let key = key(number);
                return match store.put(key.clone(), document, true) {
                    Ok(()) => Expected::Key(key),
                    Err(code) => Expected::Refused(code),
                };
            }
            Op::Delete { key: primary } => {
                store.documents.remove(&key(primary));
                Ok(())
            }
            Op::DeleteRange { lower, upper } => {
                let (lower, upper) = (key(lower), key(upper));
                let before = store.documents.len();
                store.documents.retain(|key, _| *key < lower || *key >= upper);
                return Expected::Number((before - store.documents.len()) as u64);
            }
            Op::Clear => {
                store.documents.clear();
                Ok(())
            }
        };
        match done {
            Ok(()) => Expected::Ok,
            Err(code) => Expected::Refused(code),
        }
    }
}

fn matches(answer: &Answer, expected: &Expected) -> bool {
    match (answer, expected) {
        (Answer::Ok, Expected::Ok) => true,
        (Answer::Key(key), Expected::Key(wanted)) => key == wanted,
        (Answer::Number(number), Expected::Number(wanted)) => number == wanted,
        (Answer::Error { code, .. }, Expected::Refused(wanted)) => code == wanted.as_str(),
        _ => false,
    }
}

fn random_key(random: &mut Random) -> Json {
    match random.below(10) {
        0..8 => json!(random.below(60)),
        8 => json!("k".repeat(1 + random.below(3) * 1_000)),
        _ => json!([random.below(3), "x"]),
    }
}

fn random_value(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth > 1 { 8 } else { 12 }) {
        0..4 => json!(random.below(25)),
        4 => json!(["x", "y", "zz", ""][random.below(4)]),
        5 => json!(null),
        6 => json!(random.below(2) == 0),
        7 => json!(format!("{}{}", "long".repeat(500), random.below(3))),
        8 => json!({"x": random_value(random, depth + 1)}),
        _ => (0..random.below(4)).map(|_| random_value(random, depth + 1)).collect(),
    }
}

fn random_document(random: &mut Random) -> Json {
    let mut document = json!({});
    for name in ["a", "b", "c"] {
        if random.below(4) > 0 {
            document[name] = random_value(random, 0);
        }
    }
    document
}

fn random_index(random: &mut Random, name: u32) -> Index {
    let foreign = random.below(3) == 0;
    let paths = ["a", "b", "c", "a.x", "c.x"];
    let compound = random.below(3) == 0;
    let count = if compound { 1 + random.below(3) } else { 1 };
    let parts =
        (0..count).map(|_| (paths[random.below(5)], !foreign && random.below(3) == 0)).collect();
    Index {
        name: format!("index {name}"),
        parts,
        compound,
        unique: random.below(3) == 0,
        multi_entry: !compound && random.below(2) == 0,
        sparse: !foreign && random.below(3) == 0,
        foreign,
        building: None,
    }
}

fn index_request(store: u32, index: &Index) -> Json {
    let parts: Json = index
        .parts
        .iter()
        .map(|(path, descending)| json!({"path": path, "descending": descending}))
        .collect();
    json!({
        "op": "createIndex", "store": store, "name": index.name, "parts": parts,
        "compound": index.compound, "unique": index.unique, "multiEntry": index.multi_entry,
        "sparse": index.sparse, "origin": if index.foreign { "indexeddb" } else { "native" },
    })
}

struct Run<'d> {
    db: &'d Db,
    random: Random,
    operations: usize,
}

impl Run<'_> {
    /// Some operations on a store, some of them in groups, as one batch.
    fn batch(&mut self, txn: &mut WriteTxn<'_>, model: &mut Model) {
        let Some(id) = self.some_store(model) else { return };
        let store = model.stores.get_mut(&id).unwrap();
        let mut ops = Ops::new();
        let mut expected = Vec::new();
        for _ in 0..1 + self.random.below(6) {
            let size = if self.random.below(4) == 0 { self.random.below(5) } else { 1 };
            let list: Vec<Op> = (0..size).map(|_| Op::random(&mut self.random)).collect();
            self.operations += size;
            if let [op] = list.as_slice() {
                ops = op.push(ops, id, store.inline);
                expected.push((vec![op.apply(store)], false));
                continue;
            }
            ops = ops.group(size as u32);
            let mut after = store.clone();
            let mut results = Vec::new();
            for op in &list {
                ops = op.push(ops, id, store.inline);
                if !matches!(results.last(), Some(Expected::Refused(_))) {
                    results.push(op.apply(&mut after));
                }
            }
            if !matches!(results.last(), Some(Expected::Refused(_))) {
                *store = after;
            }
            expected.push((results, true));
        }
        let answers = self.db.run(txn, &ops);
        assert_eq!(answers.len(), expected.len());
        for (answer, (results, group)) in answers.iter().zip(&expected) {
            let right = match (results.as_slice(), group) {
                ([result], false) => matches(answer, result),
                ([.., refused @ Expected::Refused(_)], true) => matches(answer, refused),
                (results, _) if results.iter().any(|r| matches!(r, Expected::Key(_))) => {
                    matches!(answer, Answer::Payload(_))
                }
                _ => *answer == Answer::Ok,
            };
            assert!(right, "{answer:?} is not {results:?}");
        }
    }

    fn some_store(&mut self, model: &Model) -> Option<u32> {
        let ids: Vec<_> = model.stores.keys().collect();
        (!ids.is_empty()).then(|| *ids[self.random.below(ids.len())])
    }

    fn schema(&mut self, txn: &mut WriteTxn<'_>, model: &mut Model) {
        self.operations += 1;
        model.names += 1;
        let choice = self.random.below(12);
        if choice < 2 || model.stores.is_empty() {
            return self.create_store(txn, model);
        }
        let Some(id) = self.some_store(model) else { return };
        let db = self.db;
        let done = |txn: &mut WriteTxn<'_>, request| {
            let answers = db.run(txn, &Ops::new().schema(request));
            assert!(matches!(answers[..], [Answer::Payload(_)]), "{answers:?}");
        };
        match choice {
            2 if model.stores.len() > 2 => {
                done(txn, json!({"op": "deleteStore", "store": id}));
                model.stores.remove(&id);
            }
            3 => {
                let store = model.stores.get_mut(&id).unwrap();
                store.name = format!("renamed {}", model.names);
                done(txn, json!({"op": "renameStore", "store": id, "name": store.name}));
            }
            4..6 => {
                let store = model.stores.get_mut(&id).unwrap();
                if let Some(index) = store.indexes.keys().next().copied() {
                    done(txn, json!({"op": "deleteIndex", "store": id, "index": index}));
                    store.indexes.remove(&index);
                }
            }
            _ => self.create_index(txn, model, id),
        }
    }

    fn create_store(&mut self, txn: &mut WriteTxn<'_>, model: &mut Model) {
        let store = Store {
            name: format!("store {}", model.names),
            inline: self.random.below(2) == 0,
            auto_increment: self.random.below(2) == 0,
            next: 1.0,
            documents: BTreeMap::new(),
            indexes: BTreeMap::new(),
        };
        let compression = ["none", "lz4", "zstd"][self.random.below(3)];
        let request = json!({
            "op": "createStore", "name": store.name, "autoIncrement": store.auto_increment,
            "keyPath": if store.inline { json!("id") } else { json!(null) },
            "compression": compression,
        });
        self.db.run(txn, &Ops::new().schema(request));
        let catalog = self.db.state(txn).catalog.clone();
        let id = catalog.store_by_name(&store.name.as_str().into()).unwrap().id;
        assert!(model.stores.insert(id, store).is_none());
    }

    fn create_index(&mut self, txn: &mut WriteTxn<'_>, model: &mut Model, id: u32) {
        let store = model.stores.get_mut(&id).unwrap();
        if store.indexes.len() >= 5 {
            return;
        }
        let mut index = random_index(&mut self.random, model.names);
        if self.random.below(3) == 0 {
            let spec = spec(&index);
            let created = nested(txn, |child| {
                let mut schema = Schema::new(child, &self.db.shared)?;
                Ok(schema.create_index(&Reference::Id(id), spec, Build::Later)?)
            });
            index.building = Some(None);
            store.indexes.insert(created.unwrap().1, index);
            return;
        }
        let answers = self.db.run(txn, &Ops::new().schema(index_request(id, &index)));
        if index.unique && index.has_conflict(&store.documents) {
            answers[0].refused(ErrorCode::UniqueViolation);
            return;
        }
        assert!(matches!(answers[..], [Answer::Payload(_)]), "{answers:?}");
        let catalog = self.db.state(txn).catalog.clone();
        let name = index.name.as_str().into();
        let created = catalog.store(id).unwrap().index_by_name(&name).unwrap().id;
        store.indexes.insert(created, index);
    }

    /// A step of some index's build.
    fn build(&mut self, txn: &mut WriteTxn<'_>, model: &mut Model) {
        let building = model.stores.iter().find_map(|(id, store)| {
            let index = store.indexes.iter().find(|(_, index)| index.building.is_some())?;
            Some((*id, *index.0))
        });
        let Some((id, index_id)) = building else { return };
        self.operations += 1;
        let store = model.stores.get_mut(&id).unwrap();
        let index = store.indexes.get_mut(&index_id).unwrap();
        let limit = 1 + self.random.below(10);
        match nested(txn, |child| step(child, &self.db.shared, id, index_id, limit)) {
            Ok(done) if done.finished => {
                index.building = None;
                assert!(!index.unique || !index.has_conflict(&store.documents));
            }
            Ok(_) => {
                index.building = Some(progress(txn, id, index_id).unwrap().after);
            }
            Err(Failure::Refused(error)) => {
                assert_eq!(error.code(), ErrorCode::UniqueViolation);
                assert!(index.unique && index.has_conflict(&store.documents));
                let (store_ref, index_ref) = (Reference::Id(id), Reference::Id(index_id));
                Schema::new(txn, &self.db.shared)
                    .and_then(|mut schema| schema.delete_index(&store_ref, &index_ref))
                    .unwrap();
                store.indexes.remove(&index_id);
            }
            Err(failure) => panic!("{failure:?}"),
        }
    }

    fn work(&mut self, txn: &mut WriteTxn<'_>, model: &mut Model) {
        match self.random.below(20) {
            0 => self.schema(txn, model),
            1..3 => self.build(txn, model),
            3 => {
                sweep_step(txn).unwrap();
            }
            4 => {
                let mut copy = model.clone();
                let keep = self.random.below(2) == 0;
                let done = txn.nested(|child| {
                    for _ in 0..self.random.below(4) {
                        self.work(child, &mut copy);
                    }
                    if keep { Ok(()) } else { Err(Error::new(ErrorCode::Aborted, "undone")) }
                });
                assert_eq!(done.is_ok(), keep);
                if keep {
                    *model = copy;
                }
            }
            _ => self.batch(txn, model),
        }
    }
}

fn spec(index: &Index) -> IndexSpec {
    let part = |(path, descending): &(&str, bool)| lodestore::catalog::IndexPart {
        path: lodestore::value::FieldPath::parse(path),
        descending: *descending,
    };
    let origin = if index.foreign {
        lodestore::catalog::Origin::IndexedDb
    } else {
        lodestore::catalog::Origin::Native
    };
    IndexSpec {
        name: index.name.as_str().into(),
        parts: index.parts.iter().map(part).collect(),
        compound: index.compound,
        unique: index.unique,
        multi_entry: index.multi_entry,
        sparse: index.sparse,
        partial: None,
        collation: None,
        origin,
    }
}

/// Compares everything that is stored with the model.
fn compare(db: &Db, txn: &ReadTxn<'_>, model: &Model) {
    let report = check_stores(txn, &db.shared);
    assert!(report.is_clean(), "{:#?}", report.problems);
    let catalog = db.shared.catalog(txn).unwrap();
    let names: Vec<_> = catalog.stores().map(|s| (s.id, s.name.to_string())).collect();
    let expected: Vec<_> = model.stores.iter().map(|(id, s)| (*id, s.name.clone())).collect();
    assert_eq!(names, expected);
    for (id, store) in &model.stores {
        let definition = catalog.store(*id).unwrap();
        let tree = entry::documents(definition.tree);
        let mut cursor = tree.cursor(txn).unwrap();
        let mut scratch = Vec::new();
        for (key, document) in &store.documents {
            let found = cursor.next().unwrap().expect("a document is missing");
            assert_eq!(found.key, key);
            let stored = envelope::open(tree.id, found.key, found.value, &mut scratch).unwrap();
            let shapes = lodestore::value::NoShapes;
            let value: Value = lodestore::value::decode(stored, &shapes).unwrap();
            assert_eq!(lodestore::value::encode(&value, &shapes).unwrap(), doc(document.clone()));
            assert_eq!(value, from_json(document));
        }
        assert!(cursor.next().unwrap().is_none());
        let count = txn.stored_count(Counter::entries(tree.id)).unwrap();
        assert_eq!(count, store.documents.len() as u64);
        if store.auto_increment {
            assert_eq!(stored_number(txn, *id).unwrap() as f64, store.next);
        }
        assert_eq!(definition.indexes.len(), store.indexes.len());
        for (index_id, index) in &store.indexes {
            compare_index(txn, definition.index(*index_id).unwrap(), store, index);
        }
    }
}

fn compare_index(
    txn: &ReadTxn<'_>,
    definition: &lodestore::catalog::IndexDef,
    store: &Store,
    index: &Index,
) {
    let mut expected = Vec::new();
    let mut visible = 0;
    for (primary_key, document) in store.documents.iter().filter(|(key, _)| index.covers(key)) {
        for (index_key, kind, _) in index.entries(document) {
            visible += u64::from(index.sees(kind));
            expected.push(([index_key.as_slice(), primary_key].concat(), kind));
        }
    }
    expected.sort();
    let mut cursor = entry::entries(definition.tree).cursor(txn).unwrap();
    for (key, kind) in &expected {
        let found = cursor.next().unwrap().expect("an entry is missing");
        assert_eq!((found.key, found.value), (key.as_slice(), &[*kind][..]), "{index:?}");
    }
    assert!(cursor.next().unwrap().is_none(), "{index:?}");
    let counted = entry::visible_count(definition, |counter| txn.stored_count(counter)).unwrap();
    assert_eq!(counted, visible, "{index:?}");
}

#[test]
fn random_operations_agree_with_the_model() {
    let db = Db::new();
    let mut run = Run { db: &db, random: Random::from_env(), operations: 0 };
    let mut model = Model::default();
    let mut rounds = 0;
    while run.operations < OPERATIONS {
        let mut copy = model.clone();
        let commit = run.random.below(8) > 0;
        let steps = 1 + run.random.below(12);
        let work = |txn: &mut WriteTxn<'_>| {
            for _ in 0..steps {
                run.work(txn, &mut copy);
            }
        };
        if commit {
            db.scratch.write(work);
            model = copy;
        } else {
            db.scratch.aborted(work);
        }
        rounds += 1;
        if rounds % 10 == 0 {
            db.scratch.read(|txn| compare(&db, txn, &model));
        }
    }
    db.scratch.read(|txn| compare(&db, txn, &model));
    println!("{} operations in {rounds} transactions", run.operations);
}
