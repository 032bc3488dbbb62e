//! A few threads for long work (backup, compaction, closing), so that it does not take libuv's.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::error::{Error, ErrorCode, Result};
use crate::storage::survive_file_size_limit;

const MAX_THREADS: usize = 4;

type Work = Box<dyn FnOnce() + Send>;

static POOL: Mutex<Pool> = Mutex::new(Pool { queue: VecDeque::new(), threads: 0 });

struct Pool {
    queue: VecDeque<Work>,
    threads: usize,
}

/// Runs `work` on a thread of the pool, as soon as one is free.
///
/// Errors: `RESOURCE_LIMIT` if there is no thread and none can be started.
pub(super) fn spawn(work: impl FnOnce() + Send + 'static) -> Result<()> {
    enqueue(Box::new(work)).map_err(|(_, error)| {
        Error::new(ErrorCode::ResourceLimit, "cannot start a thread").with_cause(error)
    })
}

/// As [`spawn`]; if no thread can be started, on this one.
pub(super) fn spawn_or_run(work: impl FnOnce() + Send + 'static) {
    if let Err((work, _)) = enqueue(Box::new(work)) {
        work();
    }
}

/// Runs work that does little but wait on a thread of its own, where it takes nobody's place.
///
/// Errors: `RESOURCE_LIMIT` if no thread can be started.
pub(super) fn spawn_apart(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name("lodestore-wait".to_owned());
    // The caller's guard tells JavaScript of a panic.
    let run = move || drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)));
    thread.spawn(run).map(drop).map_err(|error| {
        Error::new(ErrorCode::ResourceLimit, "cannot start a thread").with_cause(error)
    })
}

fn enqueue(work: Work) -> std::result::Result<(), (Work, std::io::Error)> {
    let mut pool = POOL.lock();
    if pool.threads == MAX_THREADS {
        pool.queue.push_back(work);
        return Ok(());
    }
    let thread = std::thread::Builder::new().name("lodestore-work".to_owned()).spawn(run);
    match thread {
        Ok(_) => pool.threads += 1,
        Err(_) if pool.threads > 0 => {}
        Err(error) => return Err((work, error)),
    }
    pool.queue.push_back(work);
    Ok(())
}

fn run() {
    survive_file_size_limit();
    loop {
        let mut pool = POOL.lock();
        let Some(work) = pool.queue.pop_front() else {
            pool.threads -= 1;
            return;
        };
        drop(pool);
        // A panic must not take the thread's place in the pool with it; the caller's guard has told
        // JavaScript.
        drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)));
    }
}
