//! Index builds outside transactions, as background jobs: create the index, then step by step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::failure::{Failure, nested};
use super::index_build::{self, STEP_DOCUMENTS, Step};
use super::schema::{Build, NewIndex, Reference, Schema};
use super::shared::StoreShared;
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::storage::{Commit, Connection, Durability, Environment, Job, WriteTxn};

/// Hears of a build; called on the writer thread, must not block.
pub trait BuildObserver: Send + Sync {
    /// A step was committed.
    fn progress(&self, step: Step);

    /// The build has ended. `Ok`: the index is ready. An error with the code `ABORTED`: cancelled.
    /// After `CLOSED`, `BUSY` and failures of storage the build goes on when the database is opened
    /// again; after every other error the index is gone.
    fn ended(&self, outcome: Result<BuiltIndex>);
}

/// An index that was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIndex {
    /// The store's id.
    pub store: u32,
    /// The index's id.
    pub index: u32,
}

/// A build that is under way.
pub struct IndexBuild {
    environment: Weak<Environment>,
    shared: Arc<StoreShared>,
    durability: Durability,
    observer: Arc<dyn BuildObserver>,
    cancelled: AtomicBool,
}

impl IndexBuild {
    /// Creates an index and fills it in the background.
    ///
    /// # Errors
    /// `CLOSED`, `RESOURCE_LIMIT`, `POISONED`; everything else goes to the observer.
    pub fn create(
        connection: &Arc<Connection>,
        shared: Arc<StoreShared>,
        durability: Durability,
        (store, index): (Reference, NewIndex),
        observer: Arc<dyn BuildObserver>,
    ) -> Result<Arc<Self>> {
        Self::start(connection, shared, durability, Stage::Create(store, index), observer)
    }

    /// Goes on with a build that an earlier process left (see `index_build::pending_builds`).
    ///
    /// # Errors
    /// `CLOSED`, `RESOURCE_LIMIT`, `POISONED`; everything else goes to the observer.
    pub fn resume(
        connection: &Arc<Connection>,
        shared: Arc<StoreShared>,
        durability: Durability,
        index: BuiltIndex,
        observer: Arc<dyn BuildObserver>,
    ) -> Result<Arc<Self>> {
        Self::start(connection, shared, durability, Stage::Fill(index), observer)
    }

    /// Ends the build at its next step, and removes the index.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    fn start(
        connection: &Arc<Connection>,
        shared: Arc<StoreShared>,
        durability: Durability,
        stage: Stage,
        observer: Arc<dyn BuildObserver>,
    ) -> Result<Arc<Self>> {
        let build = Arc::new(Self {
            environment: Arc::downgrade(connection.environment()),
            shared,
            durability,
            observer,
            cancelled: AtomicBool::new(false),
        });
        connection.submit(Box::new(BuildJob::new(Arc::clone(&build), stage)))?;
        Ok(build)
    }

    fn check_cancelled(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Acquire) {
            return Err(Error::new(ErrorCode::Aborted, "the index build was cancelled"));
        }
        Ok(())
    }
}

/// What a job does.
#[derive(Debug, Clone)]
enum Stage {
    Create(Reference, NewIndex),
    Fill(BuiltIndex),
}

/// What a job did.
#[derive(Debug, Clone)]
enum Progress {
    Created(BuiltIndex),
    Filled(BuiltIndex, Step),
    Failed(Error),
}

/// One step of a build.
struct BuildJob {
    build: Arc<IndexBuild>,
    stage: Stage,
    progress: Option<Progress>,
}

impl BuildJob {
    fn new(build: Arc<IndexBuild>, stage: Stage) -> Self {
        Self { build, stage, progress: None }
    }

    fn create(
        &self,
        txn: &mut WriteTxn<'_>,
        store: &Reference,
        index: &NewIndex,
    ) -> Result<Progress> {
        let created = self.build.check_cancelled().map_err(Failure::from).and_then(|()| {
            nested(txn, |child| {
                let mut schema = Schema::new(child, &self.build.shared)?;
                Ok(schema.create(store, index.clone(), Build::Later)?)
            })
        });
        match created {
            Ok((store, index)) => Ok(Progress::Created(BuiltIndex { store, index })),
            Err(Failure::Refused(error)) => Ok(Progress::Failed(error)),
            Err(Failure::Fatal(error)) => Err(error),
        }
    }

    fn fill(&self, txn: &mut WriteTxn<'_>, index: BuiltIndex) -> Result<Progress> {
        let shared = &self.build.shared;
        let step = self.build.check_cancelled().map_err(Failure::from).and_then(|()| {
            nested(txn, |child| {
                index_build::step(child, shared, index.store, index.index, STEP_DOCUMENTS)
            })
        });
        match step {
            Ok(step) => Ok(Progress::Filled(index, step)),
            Err(Failure::Refused(error)) => {
                self.remove(txn, index)?;
                Ok(Progress::Failed(error))
            }
            Err(Failure::Fatal(error)) => Err(error),
        }
    }

    /// Removes the index, unless that has happened already.
    fn remove(&self, txn: &mut WriteTxn<'_>, index: BuiltIndex) -> Result<()> {
        let removed = nested(txn, |child| {
            let (store, id) = (Reference::Id(index.store), Reference::Id(index.index));
            Ok(Schema::new(child, &self.build.shared)?.delete_index(&store, &id)?)
        });
        match removed.map_err(Failure::into_error) {
            Err(error)
                if matches!(error.code(), ErrorCode::StoreNotFound | ErrorCode::IndexNotFound) =>
            {
                Ok(())
            }
            removed => removed,
        }
    }

    /// Queues the next step.
    fn go_on(build: &Arc<IndexBuild>, index: BuiltIndex) {
        fault::point("index-build-between");
        let closed = || Error::new(ErrorCode::Closed, "the database was closed during the build");
        let next = BuildJob::new(Arc::clone(build), Stage::Fill(index));
        // Whichever connection is open: the one that began the build may belong to a thread that
        // has ended.
        let queued = build
            .environment
            .upgrade()
            .and_then(|environment| environment.writable_connection())
            .ok_or_else(closed)
            .and_then(|connection| connection.submit(Box::new(next)));
        if let Err(error) = queued {
            build.observer.ended(Err(error));
        }
    }
}

impl Job for BuildJob {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn durability(&self) -> Durability {
        self.build.durability
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.progress = None;
        self.progress = Some(match &self.stage {
            Stage::Create(store, index) => self.create(txn, store, index)?,
            Stage::Fill(index) => self.fill(txn, *index)?,
        });
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        let Self { build, progress, .. } = *self;
        let never_ran = || Error::new(ErrorCode::Closed, "the index build did not run");
        match outcome.and_then(|_| progress.ok_or_else(never_ran)) {
            Ok(Progress::Created(index)) => Self::go_on(&build, index),
            Ok(Progress::Filled(index, step)) => {
                build.observer.progress(step);
                if step.finished {
                    build.observer.ended(Ok(index));
                } else {
                    Self::go_on(&build, index);
                }
            }
            Ok(Progress::Failed(error)) | Err(error) => build.observer.ended(Err(error)),
        }
    }

    /// That there is such an index is a write like others, which are in order, and fail when they
    /// wait for too long.
    fn background(&self) -> bool {
        matches!(self.stage, Stage::Fill(_))
    }
}
