//! Group commit: a round of the writer thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::deferral::{self, Deferred};
use super::queue::Phase;
use super::{Commit, Job, panic_text, session};
use crate::error::{Error, ErrorCode, Result};
use crate::fault::{self, Defect};
use crate::storage::disk_space;
use crate::storage::environment::Environment;
use crate::storage::housekeeper;
use crate::storage::journal::{Failure, Journal, commit_alone};
use crate::storage::lmdb::{Code, Env, RwTxn};
use crate::storage::options::Durability;
use crate::storage::txn::WriteTxn;

/// A group takes no more jobs after this much work, at the least.
const SHORTEST_GROUP: Duration = Duration::from_millis(2);
/// A group takes no more jobs after this much work, at the most.
const LONGEST_GROUP: Duration = Duration::from_millis(20);
/// Within these limits, a group works so many times as long as the last commit took.
const WORK_PER_COMMIT: u32 = 4;
/// A group takes no more jobs beyond this size.
const GROUP_BYTES: usize = 4 << 20;
/// How long a job that was announced is waited for.
const ANNOUNCED: Duration = Duration::from_millis(2);
/// How large the map gets at most by doubling; beyond, it grows in steps of this size.
const MAX_DOUBLING: usize = 64 << 30;

/// One transaction: an interactive one if that is what comes next, or as many jobs as are queued.
pub(super) fn run_round(env: &Arc<Environment>) {
    // What was queued while the database was being poisoned.
    if let Err(error) = env.check_process() {
        return fail_all(env, &error);
    }
    let exclusive = env.writer.queue.lock().pop_exclusive();
    if let Some(work) = exclusive {
        env.writer.deferral.let_others_in();
        // It may take long, but waits for no other process's write transaction.
        env.writer.queue.lock().phase = Phase::Working;
        return work(Ok(env));
    }
    let raw = match env.raw() {
        Ok(raw) => raw,
        Err(error) => return fail_all(env, &error),
    };
    let txn = match begin(env, &raw) {
        Ok(txn) => txn,
        Err(error) => return fail_all(env, &error),
    };
    if let Some(journal) = &env.journal
        && let Err(failure) = journal.before_write(&raw, txn.id())
    {
        drop(txn);
        let error = match failure {
            Failure::Refused(error) => error,
            Failure::InDoubt(error) => {
                env.poison(&error);
                error
            }
        };
        return fail_all(env, &error);
    }
    let mut queue = env.writer.queue.lock();
    queue.phase = Phase::Working;
    let session = queue.pop_session();
    drop(queue);
    match session {
        Some((options, started)) => {
            env.writer.deferral.let_others_in();
            session::run(env, &raw, txn, options, started);
        }
        None => run_group(env, &raw, txn),
    }
}

/// Starts the write transaction, taking over a size that another process has given the map.
pub(super) fn begin<'e>(env: &Environment, raw: &'e Env) -> Result<RwTxn<'e>> {
    loop {
        let mapping = env.mapping.lock();
        let begun = raw.write_txn();
        drop(mapping);
        match begun {
            Ok(txn) => return Ok(txn),
            Err(Code::MAP_RESIZED) => env.resize(0)?,
            Err(code) => return Err(code.into()),
        }
    }
}

fn fail_all(env: &Environment, error: &Error) {
    if error.code() == ErrorCode::Poisoned {
        env.poison(error);
    }
    let entries = env.writer.queue.lock().take_all();
    for entry in entries {
        entry.fail(error);
    }
}

/// The jobs of one commit.
struct Group {
    jobs: Vec<Box<dyn Job>>,
    bytes: usize,
    started: Instant,
    /// How long it may work.
    time: Duration,
    /// Whether another job has been announced.
    awaits_job: bool,
    durability: Durability,
    /// Whether it takes brief work alone.
    is_brief: bool,
}

impl Group {
    fn new(env: &Environment, is_brief: bool) -> Self {
        Self {
            jobs: Vec::new(),
            bytes: 0,
            started: Instant::now(),
            time: group_time(env),
            awaits_job: false,
            durability: Durability::None,
            is_brief,
        }
    }

    fn has_room(&self, limit: usize) -> bool {
        self.jobs.is_empty()
            || self.jobs.len() < limit
                && self.bytes < GROUP_BYTES
                && self.started.elapsed() < self.time
    }
}

fn run_group(env: &Arc<Environment>, raw: &Env, txn: RwTxn<'_>) {
    let txn_id = txn.id();
    let mut txn = env.write_txn(txn);
    let mut deferred = Deferred::begin(env, raw, &mut txn);
    let mut group = loop {
        let mut group = Group::new(env, deferred.is_some());
        if let Err((culprit, error)) = gather(env, &mut txn, &mut group) {
            drop(txn);
            if let Some(deferred) = deferred.take() {
                deferred.restore(raw);
            }
            return give_up(env, group, Some(culprit), error);
        }
        let Some(deferred) = &mut deferred else { break group };
        txn.release();
        match deferred.acknowledge(&mut txn, &mut group.jobs, group.durability) {
            Ok(true) => match deferred.awaits_more(&mut txn) {
                Ok(true) => {}
                Ok(false) => break Group::new(env, true),
                Err(error) => {
                    drop(txn);
                    poison_after_commit(env, &error);
                    return deferred.restore(raw);
                }
            },
            Ok(false) => break group,
            Err(error) => {
                env.poison(&error);
                return finish(env, group.jobs, &Err(error));
            }
        }
    };
    let owed = deferred.as_ref().map_or(Durability::None, Deferred::durability);
    if group.jobs.is_empty() && owed == Durability::None {
        return;
    }
    if fault::occurs(Defect::AcknowledgedEarly) {
        finish(env, std::mem::take(&mut group.jobs), &Ok(Commit { txn_id }));
        std::thread::sleep(Duration::from_millis(4)); // a disk on which the commit takes a while
    }
    let committing = Instant::now();
    match commit(env, raw, txn, group.durability.max(owed)) {
        Ok(()) => {
            drop(deferred);
            env.writer.queue.lock().commit_time = committing.elapsed();
            fault::point("commit-end");
            finish(env, group.jobs, &Ok(Commit { txn_id }));
            // It is only care: the next commit tries again.
            drop(env.check_readers());
        }
        Err(error) => {
            if let Some(deferred) = deferred.take_if(|deferred| deferred.is_begun()) {
                // What failed is more than these jobs.
                poison_after_commit(env, &error);
                deferred.restore(raw);
            }
            give_up(env, group, None, error);
        }
    }
}

/// Runs jobs in a transaction until there is no more room in the group, or nothing to do; or tells
/// which one wants the transaction to be given up, and why.
fn gather(
    env: &Environment,
    txn: &mut WriteTxn<'_>,
    group: &mut Group,
) -> Result<(), (Box<dyn Job>, Error)> {
    while let Some(mut job) = next_job(env, group) {
        group.awaits_job = job.is_followed();
        let bytes = job.bytes();
        // A panic means a defect: nothing is committed, and the database must be opened again.
        let run = std::panic::AssertUnwindSafe(|| job.run(txn));
        let outcome = std::panic::catch_unwind(run).unwrap_or_else(|panic| {
            let error = Error::new(ErrorCode::Poisoned, panic_text(&*panic));
            env.poison(&error);
            Err(error)
        });
        if let Err(error) = outcome {
            return Err((job, error));
        }
        group.bytes += bytes;
        group.durability = group.durability.max(job.durability());
        group.jobs.push(job);
    }
    Ok(())
}

/// While there is more to do, syncing takes no more than a fifth of the time, as long as nobody has
/// to wait for long.
fn group_time(env: &Environment) -> Duration {
    let last = env.writer.queue.lock().commit_time;
    last.saturating_mul(WORK_PER_COMMIT).clamp(SHORTEST_GROUP, LONGEST_GROUP)
}

fn next_job(env: &Environment, group: &mut Group) -> Option<Box<dyn Job>> {
    let mut queue = env.writer.queue.lock();
    loop {
        if !group.has_room(queue.group_limit()) {
            return None;
        }
        // Somebody may be waiting for the end of what is brief.
        let is_full = group.jobs.len() >= deferral::MOST_AT_ONCE;
        if group.is_brief && (is_full || queue.is_next_brief() != Some(true)) {
            return None;
        }
        if let Some(job) = queue.pop_job() {
            return Some(job);
        }
        if !group.awaits_job || !queue.foreground.is_empty() || queue.closing {
            break;
        }
        group.awaits_job = !env.writer.wake.wait_for(&mut queue, ANNOUNCED).timed_out();
    }
    // Background work only when nothing else waits, and in a commit of its own.
    if group.jobs.is_empty() && queue.foreground.is_empty() {
        return queue.background.pop_front();
    }
    None
}

/// Commits with the durability asked for.
pub(super) fn commit(
    env: &Environment,
    raw: &Env,
    txn: WriteTxn<'_>,
    durability: Durability,
) -> Result<()> {
    // Said before it is written down, so that nobody takes the marker away in between.
    if durability == Durability::None
        && !env.unsynced.swap(true, Ordering::AcqRel)
        && let Err(error) = env.lock_file.mark_unsynced()
    {
        env.unsynced.store(false, Ordering::Release);
        return Err(error);
    }
    if durability != Durability::Strict {
        env.relaxed.store(true, Ordering::Release);
    }
    let committed = match &env.journal {
        Some(journal) if durability != Durability::None => {
            env.with_raw(|raw| journal.commit(raw, txn, durability))?
        }
        Some(journal) => {
            journal.end(raw, txn.raw().id()).and_then(|()| Ok(commit_alone(raw, txn, durability)?))
        }
        None => commit_alone(raw, txn, durability).map_err(Failure::Refused),
    };
    match committed {
        Ok(()) => {
            if env.journal.as_ref().is_some_and(Journal::has_unsynced) {
                housekeeper::wake();
            }
            Ok(())
        }
        Err(Failure::Refused(error)) => Err(explain(env, raw, error, durability)),
        Err(Failure::InDoubt(error)) => {
            // After other failures the database is poisoned by whoever tells of them.
            if is_harmless(&error) {
                env.poison(&error);
            }
            Err(error)
        }
    }
}

/// What a failed commit means. Poisons if it was for want of space and the database cannot go on.
fn explain(env: &Environment, raw: &Env, error: Error, durability: Durability) -> Error {
    let _mapping = env.mapping.lock();
    let data_file = env.layout.data();
    let error = disk_space::explain(error, raw, &data_file);
    if error.code() == ErrorCode::DiskFull {
        // A sync that failed may also have been the one that earlier commits are waiting for.
        let lost = durability != Durability::None && env.unsynced.load(Ordering::Acquire);
        let relaxed = env.relaxed.load(Ordering::Acquire);
        if lost || !disk_space::may_go_on(raw, &data_file, relaxed) {
            env.poison(&error);
        }
    }
    error
}

/// After a transaction that was given up: mends the reason if it can, and lets the jobs run again,
/// or fails those that are to blame.
fn give_up(env: &Arc<Environment>, group: Group, culprit: Option<Box<dyn Job>>, error: Error) {
    let mut jobs = group.jobs;
    match error.code() {
        _ if env.is_poisoned() => {
            jobs.extend(culprit);
            finish(env, jobs, &Err(env.check_process().err().unwrap_or(error)));
        }
        ErrorCode::MapFull => {
            jobs.extend(culprit);
            match grow(env) {
                Ok(()) => env.writer.queue.lock().put_back(jobs),
                Err(error) => finish(env, jobs, &Err(error)),
            }
        }
        // Too much for one transaction: each by itself, and who is alone and still too large fails.
        ErrorCode::TxTooLarge if jobs.len() + usize::from(culprit.is_some()) > 1 => {
            jobs.extend(culprit);
            let mut queue = env.writer.queue.lock();
            queue.run_singly(jobs.len());
            queue.put_back(jobs);
        }
        _ => match culprit {
            Some(job) => {
                env.writer.queue.lock().put_back(jobs);
                finish(env, vec![job], &Err(error));
            }
            None => {
                poison_after_commit(env, &error);
                finish(env, jobs, &Err(error));
            }
        },
    }
}

/// A commit that failed because the disk is full has written nothing that counts, or has poisoned
/// the database already. After any other failure the state of the page cache is unknown: a later
/// sync may report success for pages that never reached the disk.
pub(super) fn poison_after_commit(env: &Environment, error: &Error) {
    if !is_harmless(error) {
        env.poison(error);
    }
}

/// Whether a commit that LMDB has refused with an error leaves the database as it was.
fn is_harmless(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::DiskFull | ErrorCode::MapFull | ErrorCode::TxTooLarge | ErrorCode::Corrupt
    )
}

pub(super) fn finish(env: &Environment, jobs: Vec<Box<dyn Job>>, outcome: &Result<Commit>) {
    let bytes = jobs.iter().filter(|job| !job.background()).map(|job| job.bytes()).sum();
    env.writer.queue.lock().release(bytes);
    for job in jobs {
        job.finish(outcome.clone());
    }
}

/// Makes the map larger. The writer has no transaction.
pub(super) fn grow(env: &Environment) -> Result<()> {
    let old = env.with_raw(|raw| raw.info().map_size)?;
    let new = old.saturating_add(old.min(MAX_DOUBLING));
    env.resize(new).map_err(|error| {
        Error::new(
            ErrorCode::ResourceLimit,
            format!("the memory map cannot grow from {old} to {new} bytes"),
        )
        .with_cause(error)
    })
}
