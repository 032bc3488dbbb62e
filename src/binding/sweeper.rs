//! Care in the background: sweeping dropped trees, resuming index builds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::outbox::Outbox;
use crate::error::{ErrorCode, Result};
use crate::protocol;
use crate::storage::{Connection, Durability};
use crate::store::graph::Graphs;
use crate::store::index_build::{Step, pending_builds};
use crate::store::{
    BuildObserver, BuiltIndex, EmptyStale, IndexBuild, StoreShared, SweepJob, pending_sweeps,
};

/// Sweeps step by step, as a background job that queues itself again while there is more.
pub(super) struct Sweeper {
    connection: Weak<Connection>,
    running: AtomicBool,
}

impl Sweeper {
    pub(super) fn new(connection: &Arc<Connection>) -> Arc<Self> {
        Arc::new(Self { connection: Arc::downgrade(connection), running: AtomicBool::new(false) })
    }

    /// Something may have been dropped.
    pub(super) fn kick(self: &Arc<Self>) {
        if !self.running.swap(true, Ordering::AcqRel) {
            self.step();
        }
    }

    fn step(self: &Arc<Self>) {
        let Some(connection) = self.connection.upgrade() else { return };
        let sweeper = Arc::clone(self);
        let job = SweepJob::new(Durability::Relaxed, move |more| {
            if matches!(more, Ok(true)) {
                sweeper.step();
            } else {
                // What is left after a failure is swept after the next drop or open.
                sweeper.running.store(false, Ordering::Release);
                sweeper.remove_files();
            }
        });
        if connection.submit(Box::new(job)).is_err() {
            self.running.store(false, Ordering::Release);
        }
    }

    /// What was dropped may have had files.
    fn remove_files(&self) {
        let connection = self.connection.upgrade();
        if let Some(graphs) = connection.and_then(|connection| Graphs::of(connection.environment()))
        {
            graphs.remove_files();
        }
    }
}

/// Takes up what an earlier process left unfinished.
pub(super) fn resume(
    connection: &Arc<Connection>,
    shared: &Arc<StoreShared>,
    sweeper: &Arc<Sweeper>,
    outbox: &Arc<Outbox>,
) -> Result<()> {
    let (sweeps, builds, stale) = connection.turn_reader().with(|txn| {
        let stale = shared.catalog(txn)?.has_stale_indexes();
        Ok((pending_sweeps(txn)?, pending_builds(txn)?, stale))
    })?;
    if !sweeps.is_empty() {
        sweeper.kick();
    }
    let built = |(store, index)| BuiltIndex { store, index };
    let mut builds = builds.into_iter().map(built);
    if stale {
        return empty_stale(connection, shared, sweeper, outbox, builds.collect());
    }
    builds.try_for_each(|index| resume_build(connection, shared, outbox, index))
}

fn resume_build(
    connection: &Arc<Connection>,
    shared: &Arc<StoreShared>,
    outbox: &Arc<Outbox>,
    index: BuiltIndex,
) -> Result<()> {
    let observer = Arc::new(ResumedBuild { outbox: Arc::clone(outbox), index });
    IndexBuild::resume(connection, Arc::clone(shared), Durability::Relaxed, index, observer)?;
    Ok(())
}

/// Begins to build indexes again whose order is that of another version, and goes on with those
/// that were begun before.
fn empty_stale(
    connection: &Arc<Connection>,
    shared: &Arc<StoreShared>,
    sweeper: &Arc<Sweeper>,
    outbox: &Arc<Outbox>,
    begun: Vec<BuiltIndex>,
) -> Result<()> {
    let (weak, sweeper) = (Arc::downgrade(connection), Arc::clone(sweeper));
    let (used, outbox) = (Arc::clone(shared), Arc::clone(outbox));
    connection.submit(Box::new(EmptyStale::new(Arc::clone(shared), move |builds| {
        let Some(connection) = weak.upgrade() else { return };
        let builds = match builds {
            Ok(builds) => {
                sweeper.kick();
                builds
            }
            Err(error) if error.code() == ErrorCode::Closed => return,
            // The next write, or the next open, tries again; other builds go on meanwhile.
            Err(error) => {
                outbox.warn(&error);
                begun
            }
        };
        for index in builds {
            // What is closed goes on at the next open.
            if resume_build(&connection, &used, &outbox, index).is_err() {
                return;
            }
        }
    })))
}

/// Reports a build that nobody in this process has asked for.
struct ResumedBuild {
    outbox: Arc<Outbox>,
    index: BuiltIndex,
}

impl BuildObserver for ResumedBuild {
    fn progress(&self, _step: Step) {}

    fn ended(&self, outcome: Result<BuiltIndex>) {
        let failure = outcome.err();
        if failure.as_ref().is_some_and(|error| error.code() == ErrorCode::Closed) {
            // The next open goes on with it.
            return;
        }
        let event = protocol::encode_build_event(self.index, failure.as_ref());
        if let Ok(event) = event {
            self.outbox.send_event(&event);
        }
    }
}
