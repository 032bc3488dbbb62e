//! Waiting for an answer on the JavaScript thread, where that is shorter than being told of it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use napi::Env;
use napi::bindgen_prelude::BufferSlice;

use super::error::OrThrow;
use super::outbox::Outbox;
use crate::error::Result;

/// How long one answer is waited for: about as long as it takes to wake a thread.
const LONGEST: Duration = Duration::from_micros(60);
/// After so many waits in vain, answers are not waited for …
const MISSES: u32 = 3;
/// … until so many have been asked for.
const PAUSE: u32 = 100;

/// Of each kind of request, how waiting for it went.
#[derive(Default)]
pub(super) struct Waits {
    /// Writes that need not be synced.
    pub writes: InlineWait,
    /// Beginnings of interactive transactions.
    pub begins: InlineWait,
    /// Operations inside them.
    pub steps: InlineWait,
}

/// Decides whether an answer of the writer thread is waited for.
///
/// What needs no sync takes some twenty microseconds there. To tell the JavaScript thread of its
/// end by way of the event loop takes longer than that; and a caller who awaits one answer after
/// the other does nothing meanwhile.
#[derive(Default)]
pub(super) struct InlineWait {
    misses: Cell<u32>,
    pause: Cell<u32>,
}

impl InlineWait {
    /// Asks for something with `submit`; the messages that are there afterwards, if it may be
    /// waited for and any came soon.
    pub fn run<'e>(
        &self,
        env: &'e Env,
        outbox: &Outbox,
        may_wait: bool,
        submit: impl FnOnce() -> Result<()>,
    ) -> napi::Result<Option<BufferSlice<'e>>> {
        if !may_wait || !self.is_worthwhile() {
            submit().or_throw()?;
            return Ok(None);
        }
        let start = Instant::now();
        let messages = outbox.watch(submit, || start.elapsed() < LONGEST).or_throw()?;
        self.waited(messages.is_empty());
        if messages.is_empty() {
            return Ok(None);
        }
        BufferSlice::copy_from(env, messages).map(Some)
    }

    fn is_worthwhile(&self) -> bool {
        if self.pause.get() > 0 {
            self.pause.set(self.pause.get() - 1);
            return false;
        }
        true
    }

    /// An answer was waited for, in vain or not.
    fn waited(&self, in_vain: bool) {
        let misses = if in_vain { self.misses.get() + 1 } else { 0 };
        self.misses.set(misses % MISSES);
        if misses == MISSES {
            self.pause.set(PAUSE);
        }
    }
}
