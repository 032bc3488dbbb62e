//! Threads that compare vectors while one reads documents.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Scope, available_parallelism};

use parking_lot::{Condvar, Mutex};

use crate::error::Result;
use crate::vector::{Block, Form, Target};

/// As many bytes of components are compared by the thread that reads before others help: to begin a
/// thread takes about as long.
const WORTH_HELP: usize = 1 << 20;
/// As many blocks wait for each thread before the one that reads takes its part.
const WAITING: usize = 2;

/// The threads that help in this process, so that they are no more than there are cores.
static HELPERS: AtomicUsize = AtomicUsize::new(0);

/// Takes what is known of the documents of a block: for each of them its distance from each target.
pub(super) type Sink<'s> = &'s mut dyn FnMut(&Block, &[f64]) -> Result<()>;

/// What is common to the threads.
struct Work<'t> {
    targets: &'t [Target],
    state: Mutex<State>,
    /// There is something to do.
    begun: Condvar,
    /// Something is done.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Block>,
    /// Blocks that helpers are at.
    busy: usize,
    done: Vec<(Block, Vec<f64>)>,
    /// Whether nothing follows.
    closed: bool,
}

/// The thread that reads, with those that help it.
pub(super) struct Crew<'s, 'e, 't> {
    scope: &'s Scope<'s, 'e>,
    work: &'e Work<'t>,
    form: Form,
    /// Helpers that may be begun.
    allowed: usize,
    helpers: usize,
    /// What has been compared so far.
    compared: usize,
}

/// Lets `read` hand over blocks; `alone` if no other thread is to help.
pub(super) fn with_crew<T>(
    (form, targets): (Form, &[Target]),
    alone: bool,
    read: impl FnOnce(&mut Crew<'_, '_, '_>) -> Result<T>,
) -> Result<T> {
    let work = Work {
        targets,
        state: Mutex::new(State::default()),
        begun: Condvar::new(),
        ended: Condvar::new(),
    };
    let allowed =
        if alone { 0 } else { available_parallelism().map_or(0, |cores| cores.get() - 1) };
    thread::scope(|scope| {
        read(&mut Crew { scope, work: &work, form, allowed, helpers: 0, compared: 0 })
    })
}

impl Crew<'_, '_, '_> {
    /// Compares the documents of a block, at once or later; the block is then empty.
    pub(super) fn compare(&mut self, block: &mut Block, sink: Sink<'_>) -> Result<()> {
        let Work { targets, state, begun, .. } = self.work;
        self.compared = self.compared.saturating_add(block.work(targets.len()));
        if self.compared >= WORTH_HELP {
            self.begin_helpers();
        }
        if self.helpers == 0 {
            sink(block, &block.distances(targets))?;
            block.clear();
            return Ok(());
        }
        let mut state = state.lock();
        state.waiting.push_back(std::mem::replace(block, Block::new(self.form)));
        begun.notify_one();
        let is_behind = state.waiting.len() > WAITING * self.helpers;
        let own = if is_behind { state.waiting.pop_front() } else { None };
        let done = std::mem::take(&mut state.done);
        drop(state);
        for (block, distances) in &done {
            sink(block, distances)?;
        }
        if let Some(own) = own {
            sink(&own, &own.distances(targets))?;
        }
        if let Some((mut used, _)) = done.into_iter().next() {
            used.clear();
            *block = used;
        }
        Ok(())
    }

    /// Compares what is left.
    pub(super) fn finish(&mut self, sink: Sink<'_>) -> Result<()> {
        let Work { targets, state, ended, .. } = self.work;
        loop {
            let mut state = state.lock();
            let own = state.waiting.pop_front();
            if own.is_none() && state.busy > 0 && state.done.is_empty() {
                ended.wait(&mut state);
            }
            let done = std::mem::take(&mut state.done);
            let is_over = own.is_none() && done.is_empty() && state.busy == 0;
            drop(state);
            for (block, distances) in &done {
                sink(block, distances)?;
            }
            if let Some(own) = own {
                sink(&own, &own.distances(targets))?;
            }
            if is_over {
                return Ok(());
            }
        }
    }

    fn begin_helpers(&mut self) {
        while self.allowed > 0 {
            self.allowed -= 1;
            let cores = available_parallelism().map_or(1, std::num::NonZero::get);
            let permit = HELPERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                (count + 1 < cores).then_some(count + 1)
            });
            if permit.is_err() {
                return;
            }
            let work = self.work;
            let builder = thread::Builder::new().name("lodestore-compare".to_owned());
            let begun = builder.spawn_scoped(self.scope, move || {
                let _permit = Permit;
                work.help();
            });
            if begun.is_err() {
                drop(Permit);
                return;
            }
            self.helpers += 1;
        }
    }
}

impl Drop for Crew<'_, '_, '_> {
    fn drop(&mut self) {
        self.work.state.lock().closed = true;
        self.work.begun.notify_all();
    }
}

/// The right to help, which is given back.
struct Permit;

impl Drop for Permit {
    fn drop(&mut self) {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A block that a helper is at, also if it fails.
struct Busy<'w, 't>(&'w Work<'t>);

impl Drop for Busy<'_, '_> {
    fn drop(&mut self) {
        self.0.state.lock().busy -= 1;
        self.0.ended.notify_one();
    }
}

impl Work<'_> {
    fn help(&self) {
        loop {
            let mut state = self.state.lock();
            let block = loop {
                if let Some(block) = state.waiting.pop_front() {
                    break block;
                }
                if state.closed {
                    return;
                }
                self.begun.wait(&mut state);
            };
            state.busy += 1;
            drop(state);
            let _busy = Busy(self);
            let distances = block.distances(self.targets);
            self.state.lock().done.push((block, distances));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::vector::Metric;

    const FORM: Form = Form { dimensions: 64, metric: Metric::L2 };

    fn vector(number: u32) -> Vec<u8> {
        (0..64).flat_map(|at| ((number * 31 + at) as f32).sin().to_le_bytes()).collect()
    }

    fn targets() -> Vec<Target> {
        (0..20).map(|number| Target::new(FORM, &vector(number + 9_000))).collect()
    }

    /// What is found with helpers or alone, in the order of the keys.
    fn found(targets: &[Target], alone: bool) -> Vec<(Vec<u8>, Vec<f64>)> {
        let mut found = Vec::new();
        let mut take = |block: &Block, distances: &[f64]| {
            let each = block.keys().zip(distances.chunks(targets.len()));
            found.extend(each.map(|(key, distances)| (key.to_vec(), distances.to_vec())));
            Ok(())
        };
        with_crew((FORM, targets), alone, |crew| {
            let mut block = Block::new(FORM);
            for number in 0..5_000_u32 {
                block.push_vector(&vector(number));
                block.end_document(&number.to_be_bytes());
                if block.is_full() {
                    crew.compare(&mut block, &mut take)?;
                }
            }
            crew.compare(&mut block, &mut take)?;
            crew.finish(&mut take)
        })
        .ok();
        found.sort_by(|left, right| left.0.cmp(&right.0));
        found
    }

    #[test]
    fn helpers_make_no_difference() {
        let targets = targets();
        let alone = found(&targets, true);
        assert_eq!(alone.len(), 5_000);
        std::thread::scope(|scope| {
            // More threads ask for help than there are cores.
            let searches: Vec<_> = (0..4).map(|_| scope.spawn(|| found(&targets, false))).collect();
            for search in searches {
                assert!(search.join().is_ok_and(|found| found == alone));
            }
        });
    }

    #[test]
    fn an_error_ends_the_helpers() {
        let targets = targets();
        let mut blocks = 0;
        let failed = with_crew((FORM, &targets), false, |crew| {
            let mut block = Block::new(FORM);
            for _ in 0..200_000 {
                block.push_vector(&vector(1));
                block.end_document(b"1");
                crew.compare(&mut block, &mut |_, _| {
                    blocks += 1;
                    match blocks {
                        100_000.. => Err(Error::corrupt("enough")),
                        _ => Ok(()),
                    }
                })?;
            }
            Ok(())
        });
        assert_eq!(failed.map_err(|error| error.message().to_owned()), Err("enough".to_owned()));
    }
}
