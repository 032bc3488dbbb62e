//! Helpers of the engine tests.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../support/sealed.rs"]
#[allow(clippy::duplicate_mod, reason = "other helpers of a test may have it, too")]
mod sealed;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use lodestore::error::{Error, ErrorCode, Result};
use lodestore::storage::{
    Commit, Connection, Durability, Job, SessionHandle, SessionOptions, Table, Tree, TreeId,
    WriteTxn, connect,
};

pub use sealed::options;

/// A tree that belongs to no store.
pub const TREE: Tree = Tree { table: Table::Docs, id: TreeId(1000) };

pub fn open(path: &Path) -> Arc<Connection> {
    connect(path, &options()).unwrap()
}

type Work = Box<dyn FnMut(&mut WriteTxn<'_>) -> Result<()> + Send>;

pub struct TestJob {
    pub work: Work,
    pub bytes: usize,
    pub done: mpsc::Sender<Result<Commit>>,
}

impl Job for TestJob {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn durability(&self) -> Durability {
        Durability::Relaxed
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        (self.work)(txn)
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        self.done.send(outcome).unwrap();
    }
}

pub fn submit(
    db: &Connection,
    work: impl FnMut(&mut WriteTxn<'_>) -> Result<()> + Send + 'static,
) -> mpsc::Receiver<Result<Commit>> {
    let (done, outcome) = mpsc::channel();
    db.submit(Box::new(TestJob { work: Box::new(work), bytes: 100, done })).unwrap();
    outcome
}

pub fn write(
    db: &Connection,
    work: impl FnMut(&mut WriteTxn<'_>) -> Result<()> + Send + 'static,
) -> Result<Commit> {
    submit(db, work).recv_timeout(Duration::from_secs(60)).expect("the writer answers")
}

pub fn put(db: &Connection, key: &[u8], value: &[u8]) {
    let (key, value) = (key.to_vec(), value.to_vec());
    write(db, move |txn| TREE.put(txn, &key, &value)).unwrap();
}

pub fn get(db: &Connection, key: &[u8]) -> Option<Vec<u8>> {
    db.turn_reader().with(|txn| Ok(TREE.get(txn, key)?.map(<[u8]>::to_vec))).unwrap()
}

pub fn begin(db: &Connection, idle: Duration) -> SessionHandle {
    let (sender, receiver) = mpsc::channel();
    let options = SessionOptions {
        idle_timeout: Some(idle),
        total_timeout: None,
        durability: Durability::Strict,
    };
    db.begin(options, Box::new(move |started| sender.send(started).unwrap())).unwrap();
    receiver.recv_timeout(Duration::from_secs(60)).unwrap().unwrap()
}

/// Runs a command in a session and waits for its answer.
pub fn run<T: Send + 'static>(
    session: &SessionHandle,
    work: impl FnOnce(&mut WriteTxn<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    session.run(Box::new(move |txn| {
        sender.send(txn.and_then(work)).unwrap();
        Ok(())
    }));
    receiver.recv_timeout(Duration::from_secs(60)).unwrap()
}

pub fn code<T>(result: Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error.code(),
    }
}

pub fn failure() -> Error {
    Error::new(ErrorCode::Validation, "on purpose")
}
