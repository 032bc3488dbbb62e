//! Index builds outside transactions: in steps, beside other writes, cancelled, failed, resumed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use lodestore::catalog::{IndexPart, IndexState, Origin};
use lodestore::error::{Error, ErrorCode, Result};
use lodestore::protocol::WriteBatch;
use lodestore::storage::{Connection, Durability, SessionHandle, SessionOptions, connect};
use lodestore::store::index_build::{Step, pending_builds, step};
use lodestore::store::{
    Build, BuildObserver, BuiltIndex, Failure, IndexBuild, IndexSpec, NewIndex, Reference, Schema,
    StoreShared, SweepJob, VectorSpec, check_stores, nested,
};
use lodestore::value::FieldPath;
use lodestore::vector::{Form, GraphOptions, Metric};
use serde_json::{Value as Json, json};
use store_support::{Answer, Db, Ops, answers};

fn spec(name: &str, path: &str, unique: bool) -> IndexSpec {
    IndexSpec {
        name: name.into(),
        parts: vec![IndexPart { path: FieldPath::parse(path), descending: false }],
        compound: false,
        unique,
        multi_entry: false,
        sparse: false,
        partial: None,
        collation: None,
        origin: Origin::Native,
    }
}

/// A store of documents under the keys 0, 2, 4, …, and an index that is being built.
fn building(count: usize, unique: bool) -> (Db, u32, u32) {
    let db = Db::new();
    let store = db.create_store(json!({"name": "s"}));
    let mut ops = Ops::new();
    for i in 0..count {
        ops = ops.put(store, json!(2 * i), json!({"a": i}));
    }
    db.batch(&ops);
    let (_, index) = db.scratch.write(|txn| {
        let mut schema = Schema::new(txn, &db.shared).unwrap();
        schema.create_index(&Reference::Id(store), spec("i", "a", unique), Build::Later).unwrap()
    });
    (db, store, index)
}

fn go_on(db: &Db, store: u32, index: u32, documents: usize) -> Result<Step> {
    db.scratch
        .write(|txn| nested(txn, |child| step(child, &db.shared, store, index, documents)))
        .map_err(Failure::into_error)
}

/// Goes on until the build has come this far; a step ends early on a slow machine.
fn go_on_to(db: &Db, store: u32, index: u32, documents: u64) -> Step {
    let mut done = 0;
    loop {
        let step = go_on(db, store, index, (documents - done) as usize).unwrap();
        if step.finished || step.done >= documents {
            return step;
        }
        done = step.done;
    }
}

#[test]
fn writes_beside_a_build_keep_it_right() {
    let (db, store, index) = building(100, false);
    assert_eq!(db.index(store, index).state, IndexState::Building);
    db.check();
    let done = go_on_to(&db, store, index, 40);
    assert_eq!((done.finished, done.done, done.total), (false, 40, 100));
    db.check();
    // On both sides of the point that the build has reached: key 78.
    db.batch(
        &Ops::new()
            .put(store, json!(3), json!({"a": "new"}))
            .put(store, json!(10), json!({"a": ["replaced"]}))
            .delete(store, json!(78))
            .delete(store, json!(80))
            .put(store, json!(81), json!({"a": "later"}))
            .put(store, json!(100), json!({"a": {}}))
            .delete_range(store, Some(json!(70)), Some(json!(90))),
    );
    db.check();
    assert_eq!(db.entries(store, index).len(), 37, "35 up to 68, 3 and two for 10");
    while !go_on(&db, store, index, 7).unwrap().finished {
        db.check();
    }
    assert_eq!(db.index(store, index).state, IndexState::Ready);
    assert!(go_on(&db, store, index, 7).unwrap().finished, "again does no harm");
    assert_eq!(db.scratch.read(pending_builds).unwrap(), []);
    assert_eq!(db.entries(store, index).len(), 92);
    db.check();
}

#[test]
fn a_conflict_fails_the_step_and_names_both_keys() {
    let (db, store, index) = building(100, true);
    go_on_to(&db, store, index, 50);
    // Among what is built, writes are refused; what comes later is found by the build.
    let refused = db.one(&Ops::new().put(store, json!(1), json!({"a": 7})));
    refused.refused(ErrorCode::UniqueViolation);
    assert_eq!(db.one(&Ops::new().put(store, json!(151), json!({"a": 7}))), Answer::Ok);
    let error = loop {
        match go_on(&db, store, index, 9) {
            Ok(step) => assert!(!step.finished),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), ErrorCode::UniqueViolation);
    assert!(error.message().contains("documents 151 and 14"), "{error}");
    db.check();
}

#[test]
fn clearing_or_deleting_during_a_build() {
    let (db, store, index) = building(100, true);
    go_on_to(&db, store, index, 50);
    db.batch(&Ops::new().clear(store).put(store, json!(1), json!({"a": 1})));
    db.check();
    assert!(go_on(&db, store, index, 50).unwrap().finished);
    assert_eq!(db.entries(store, index), ["1 -> 1 (Own)"]);
    db.check();
    let (db, store, index) = building(100, true);
    go_on_to(&db, store, index, 50);
    db.schema(json!({"op": "renameIndex", "store": store, "index": index, "name": "j"}));
    db.schema(json!({"op": "renameStore", "store": store, "name": "t"}));
    db.schema(json!({"op": "deleteIndex", "store": store, "index": index}));
    let error = go_on(&db, store, index, 50).unwrap_err();
    assert_eq!(error.code(), ErrorCode::IndexNotFound);
    db.schema(json!({"op": "deleteStore", "store": store}));
    let error = go_on(&db, store, index, 50).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreNotFound);
    assert_eq!(db.scratch.read(pending_builds).unwrap(), []);
    db.check();
}

/// A database with a writer thread.
struct Live {
    connection: Arc<Connection>,
    shared: Arc<StoreShared>,
}

impl Live {
    fn open(path: &Path) -> Self {
        Self {
            connection: connect(path, &store_support::support::scratch::sealed::options()).unwrap(),
            shared: Arc::default(),
        }
    }

    /// Begins a transaction; nothing else is written until it is dropped.
    fn hold_writer(&self) -> SessionHandle {
        let (sender, receiver) = mpsc::channel();
        let options = SessionOptions {
            idle_timeout: None,
            total_timeout: None,
            durability: Durability::None,
        };
        let started = Box::new(move |session| sender.send(session).unwrap());
        self.connection.begin(options, started).unwrap();
        receiver.recv_timeout(Duration::from_secs(60)).unwrap().unwrap()
    }

    fn submit(&self, ops: &Ops) -> mpsc::Receiver<Result<Vec<u8>>> {
        let (sender, receiver) = mpsc::channel();
        let done = Box::new(move |results| sender.send(results).unwrap());
        let bytes = ops.bytes.clone();
        let batch = WriteBatch::new(self.shared.clone(), bytes, Durability::None, done).unwrap();
        self.connection.submit(Box::new(batch)).unwrap();
        receiver
    }

    fn batch(&self, ops: &Ops) -> Vec<Answer> {
        let results = self.submit(ops).recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
        if results.is_empty() { vec![Answer::Ok; ops.results] } else { answers(&results) }
    }

    fn schema(&self, request: Json) {
        let answers = self.batch(&Ops::new().schema(request));
        assert!(matches!(answers[..], [Answer::Payload(_)]), "{answers:?}");
    }

    fn check(&self) {
        let report =
            self.connection.turn_reader().with(|txn| Ok(check_stores(txn, &self.shared))).unwrap();
        assert!(report.is_clean(), "{:#?}", report.problems);
    }

    fn index_states(&self) -> Vec<IndexState> {
        let catalog = self.connection.turn_reader().with(|txn| self.shared.catalog(txn)).unwrap();
        catalog.stores().flat_map(|store| store.index_states()).map(|(_, state)| state).collect()
    }

    fn create(&self, spec: IndexSpec, observer: &Arc<Observer>) -> Arc<IndexBuild> {
        self.create_any(NewIndex::Keys(spec), observer)
    }

    fn create_any(&self, index: NewIndex, observer: &Arc<Observer>) -> Arc<IndexBuild> {
        let request = (Reference::Id(1), index);
        let (shared, observer) = (self.shared.clone(), observer.clone());
        IndexBuild::create(&self.connection, shared, Durability::None, request, observer).unwrap()
    }

    fn fill(&self, count: usize) {
        self.schema(json!({"op": "createStore", "name": "s"}));
        for chunk in 0..count.div_ceil(1_000) {
            let mut ops = Ops::new();
            for i in chunk * 1_000..count.min((chunk + 1) * 1_000) {
                ops =
                    ops.put(1, json!(i), json!({"a": i * 7919 % count, "b": "text", "v": [i, 1]}));
            }
            self.batch(&ops);
        }
    }
}

enum Event {
    Progress(Step),
    Ended(Result<BuiltIndex>),
}

struct Observer(shared_channel::Sender<Event>);

/// Channels whose senders threads may share.
mod shared_channel {
    use std::sync::{Mutex, mpsc};

    pub struct Sender<T>(Mutex<mpsc::Sender<T>>);

    impl<T> Sender<T> {
        pub fn new(sender: mpsc::Sender<T>) -> Self {
            Self(Mutex::new(sender))
        }

        pub fn send(&self, value: T) {
            // A test that has seen enough does not listen any more.
            drop(self.0.lock().unwrap().send(value));
        }
    }
}

impl Observer {
    fn new() -> (Arc<Self>, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel();
        (Arc::new(Self(shared_channel::Sender::new(sender))), receiver)
    }
}

impl BuildObserver for Observer {
    fn progress(&self, step: Step) {
        self.0.send(Event::Progress(step));
    }

    fn ended(&self, outcome: Result<BuiltIndex>) {
        self.0.send(Event::Ended(outcome));
    }
}

fn next(events: &mpsc::Receiver<Event>) -> Event {
    events.recv_timeout(Duration::from_secs(60)).expect("the build says something")
}

fn outcome(events: &mpsc::Receiver<Event>) -> (Vec<Step>, Result<BuiltIndex>) {
    let mut steps = Vec::new();
    loop {
        match next(events) {
            Event::Progress(step) => steps.push(step),
            Event::Ended(outcome) => return (steps, outcome),
        }
    }
}

#[test]
fn builds_in_the_background_while_others_write() {
    let directory = tempfile::tempdir().unwrap();
    let db = Live::open(directory.path());
    db.fill(5_000);
    let (observer, events) = Observer::new();
    db.create(spec("i", "a", true), &observer);
    let mut receivers = Vec::new();
    for i in 0..300 {
        let ops = Ops::new()
            .put(1, json!(i * 17), json!({"a": 10_000 + i}))
            .put(1, json!(100_000 + i), json!({"a": 20_000 + i}))
            .delete(1, json!(i * 13 + 1));
        receivers.push(db.submit(&ops));
    }
    for receiver in receivers {
        let results = receiver.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
        assert!(results.is_empty());
    }
    let (steps, ended) = outcome(&events);
    assert_eq!(ended.unwrap(), BuiltIndex { store: 1, index: 1 });
    assert!(steps.len() >= 5, "a step takes 1,000 documents at most");
    assert!(steps.windows(2).all(|pair| pair[0].done <= pair[1].done));
    assert_eq!(steps.last().map(|step| step.finished), Some(true));
    assert_eq!(db.index_states(), [IndexState::Ready]);
    db.check();
    db.connection.close().unwrap();
}

#[test]
fn a_build_that_fails_or_is_cancelled_removes_its_index() {
    let directory = tempfile::tempdir().unwrap();
    let db = Live::open(directory.path());
    db.fill(3_000);
    let (observer, events) = Observer::new();
    db.create(spec("i", "b", true), &observer);
    let error = outcome(&events).1.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UniqueViolation);
    assert_eq!(db.index_states(), []);
    // An open transaction holds the writer back until the build is cancelled.
    let session = db.hold_writer();
    let build = db.create(spec("i", "a", true), &observer);
    build.cancel();
    drop(session);
    match outcome(&events).1 {
        Err(error) => assert_eq!(error.code(), ErrorCode::Aborted),
        Ok(_) => panic!("a build of several steps cannot have ended yet"),
    }
    assert_eq!(db.index_states(), []);
    db.create(spec("i", "a", false), &observer);
    outcome(&events).1.unwrap();
    db.create(spec("i", "a", false), &observer);
    assert_eq!(outcome(&events).1.unwrap_err().code(), ErrorCode::IndexExists);
    db.check();
    // What was removed is swept.
    loop {
        let (sender, receiver) = mpsc::channel();
        let job = SweepJob::new(Durability::None, move |more| sender.send(more).unwrap());
        db.connection.submit(Box::new(job)).unwrap();
        if !receiver.recv_timeout(Duration::from_secs(60)).unwrap().unwrap() {
            break;
        }
    }
    db.check();
    db.connection.close().unwrap();
}

#[test]
fn a_build_goes_on_after_reopening() {
    goes_on_after_reopening(NewIndex::Keys(spec("i", "a", true)));
}

#[test]
fn a_build_of_vectors_goes_on_after_reopening() {
    goes_on_after_reopening(NewIndex::Vectors(VectorSpec {
        name: "i".into(),
        path: FieldPath::parse("v"),
        form: Form { dimensions: 2, metric: Metric::L2 },
        graph: GraphOptions::default_of(Metric::L2),
    }));
}

fn goes_on_after_reopening(index: NewIndex) {
    let directory = tempfile::tempdir().unwrap();
    let db = Live::open(directory.path());
    db.fill(6_000);
    let (observer, events) = Observer::new();
    db.create_any(index, &observer);
    let Event::Progress(first) = next(&events) else { panic!("it has 6 steps at least") };
    assert!(!first.finished);
    db.connection.close().unwrap();
    drop(db);
    let (_, ended) = outcome(&events);
    let db = Live::open(directory.path());
    let pending = db.connection.turn_reader().with(pending_builds).unwrap();
    match ended {
        // All steps fitted in before the writer stopped.
        Ok(_) => assert_eq!(pending, []),
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Closed);
            assert_eq!(pending, [(1, 1)]);
            assert_eq!(db.index_states(), [IndexState::Building]);
            db.check();
            let index = BuiltIndex { store: 1, index: 1 };
            let (observer, events) = Observer::new();
            let shared = db.shared.clone();
            IndexBuild::resume(&db.connection, shared, Durability::None, index, observer).unwrap();
            let (steps, ended) = outcome(&events);
            ended.unwrap();
            assert!(steps[0].done > first.done, "it does not begin again");
        }
    }
    assert_eq!(db.index_states(), [IndexState::Ready]);
    db.check();
    db.connection.close().unwrap();
}

#[test]
fn a_build_that_cannot_start_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let db = Live::open(directory.path());
    let (observer, events) = Observer::new();
    db.create(spec("i", "a", true), &observer);
    let error: Error = outcome(&events).1.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreNotFound);
    db.connection.close().unwrap();
}
