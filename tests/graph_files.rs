//! Records that name the file of a graph, and are not what this version would write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use lodestore::error::{Error, ErrorCode};
use lodestore::storage::{
    Connection, Event, Observer, OpenOptions, TreeId, connect, graph_file_key, meta,
};
use lodestore::store::StoreShared;
use lodestore::store::graph::Figures;
use lodestore::store::read::View;
use parking_lot::Mutex;

/// Vectors in the file of the fixture, and those that are newer.
const KEPT: usize = 1_050;
const NEWER: usize = 90;
const PATIENCE: Duration = Duration::from_secs(60);

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), &target).unwrap()),
        }
    }
}

#[derive(Default)]
struct Warnings(Mutex<Vec<Error>>);

impl Observer for Warnings {
    fn event(&self, event: &Event) {
        if let Event::Warning(error) = event {
            self.0.lock().push(error.clone());
        }
    }
}

/// The fixture, opened.
struct Opened {
    connection: Arc<Connection>,
    shared: StoreShared,
    warnings: Arc<Warnings>,
    tree: TreeId,
}

fn open(path: &Path) -> Opened {
    let connection = connect(path, &OpenOptions::default()).unwrap();
    let shared = StoreShared::of(connection.environment());
    let warnings = Arc::new(Warnings::default());
    let observer: Arc<dyn Observer> = warnings.clone();
    connection.observe(Arc::downgrade(&observer) as Weak<dyn Observer>);
    let tree = connection
        .snapshot(false)
        .unwrap()
        .with(|txn| Ok(shared.catalog(txn)?.stores().next().unwrap().vectors[0].tree))
        .unwrap();
    Opened { connection, shared, warnings, tree }
}

impl Opened {
    /// Has the graph brought up to date, and tells what it is then.
    fn built(&self) -> Figures {
        let graphs = self.shared.graphs().unwrap();
        let end = Instant::now() + PATIENCE;
        loop {
            let figures = self.connection.snapshot(false).unwrap().with(|txn| {
                let catalog = self.shared.catalog(txn)?;
                let store = catalog.stores().next().unwrap();
                let graph = graphs.graph(View::Snapshot(txn), store, &store.vectors[0])?.unwrap();
                let is_built = graph.below(txn.id()) == (KEPT + NEWER) as u64;
                Ok(is_built.then(|| graph.figures()))
            });
            if let Some(figures) = figures.unwrap() {
                return figures;
            }
            assert!(Instant::now() < end, "the graph is not built");
            graphs.wake();
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Changes the record that names the file.
    fn change(&self, change: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static) {
        let key = graph_file_key(self.tree);
        let changed = self.connection.commit_later(move |txn| {
            let record = meta::get_record(txn, &key)?.unwrap();
            meta::put_record(txn, &key, &change(record.clone()))
        });
        changed.unwrap().recv().unwrap().unwrap();
    }

    fn warnings(&self) -> Vec<ErrorCode> {
        self.warnings.0.lock().iter().map(Error::code).collect()
    }
}

/// Opens the fixture with another record.
fn with_record(change: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static) -> (Figures, Vec<ErrorCode>) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vector-graph");
    let directory = tempfile::tempdir().unwrap();
    copy(&fixture, directory.path());
    let first = open(directory.path());
    first.change(change);
    first.connection.close().unwrap();
    let opened = open(directory.path());
    let figures = opened.built();
    let warnings = opened.warnings();
    opened.connection.close().unwrap();
    (figures, warnings)
}

/// Replaces the only occurrence of some text.
fn replaced(record: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = record.windows(from.len()).position(|found| found == from.as_bytes()).unwrap();
    [&record[..at], to.as_bytes(), &record[at + to.len()..]].concat()
}

#[test]
fn the_right_record_lets_the_file_be_read() {
    let (figures, warnings) = with_record(|record| record);
    assert_eq!((figures.from_file, figures.vectors), (KEPT, KEPT + NEWER));
    assert_eq!(warnings, []);
}

#[test]
fn the_file_of_another_version_or_index_is_not_read() {
    let kinds = [
        ("hnsw 1 ", "hnsw 9 "),
        ("packing 1 ", "packing 2 "),
        (" l2 f32 3 4 ", " l2 f32 4 4 "),
        (" l2 f32 3 4 ", " l2 f32 3 5 "),
        (" l2 f32 3 4 ", " l2 f16 3 4 "),
        (" 4 128", " 4 129"),
    ];
    for (from, to) in kinds {
        let (from, to) = (from.to_owned(), to.to_owned());
        let what = format!("{to:?}");
        let (figures, warnings) = with_record(move |record| replaced(&record, &from, &to));
        assert_eq!(figures.from_file, 0, "{what}");
        assert_eq!(warnings, [ErrorCode::IncompatibleVersion], "{what}");
    }
}

#[test]
fn a_record_that_is_wrong_gives_no_wrong_graph() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let changes: [(&str, Change); 4] = [
        ("of a later version", |record| [&[2], &record[1..]].concat()),
        ("too short", |record| record[..record.len() - 1].to_vec()),
        ("of another file", |record| [&record[..1], &[0; 16], &record[17..]].concat()),
        ("with another hash", |mut record| {
            *record.last_mut().unwrap() ^= 1;
            record
        }),
    ];
    for (what, change) in changes {
        let (figures, warnings) = with_record(change);
        assert_eq!(figures.from_file, 0, "{what}");
        assert_eq!(warnings.len(), 1, "{what}");
    }
}
