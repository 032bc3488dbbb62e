//! Completions, progress and events on their way to JavaScript.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::Status;
use napi::bindgen_prelude::{BufferSlice, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::protocol;
use crate::storage::{Event, Observer};

/// The callback that takes messages.
pub(super) type OnMessage<'a> = Function<'a, BufferSlice<'static>, ()>;

type Notify =
    ThreadsafeFunction<(), (), BufferSlice<'static>, Status, /* callee handled */ false, true>;

/// What a message says.
#[derive(Clone, Copy)]
enum Kind {
    Ok = 0,
    Error = 1,
    Progress = 2,
    Event = 3,
}

impl Observer for Outbox {
    fn event(&self, event: &Event) {
        self.announce(match event {
            Event::ReaderLag(reader) => protocol::encode_reader_lag(reader),
            Event::Warning(error) => protocol::encode_warning(error),
            Event::Poisoned(error) => protocol::encode_failure(error),
        });
    }
}

/// Collects messages from all threads; one call into JavaScript takes all that there are.
///
/// A message is `u32 ticket | u32 kind | u32 length | payload`, little-endian.
pub(super) struct Outbox {
    waiting: Arc<Mutex<Vec<u8>>>,
    /// Whether the JavaScript thread is about to take what is there, and need not be told.
    is_watched: AtomicBool,
    /// Whether something is there.
    is_filled: AtomicBool,
    notify: Notify,
}

impl Outbox {
    pub(super) fn new(on_message: &OnMessage<'_>) -> napi::Result<Arc<Self>> {
        let waiting = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&waiting);
        let notify = on_message
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(move |context| {
                let messages = std::mem::take(&mut *taken.lock());
                BufferSlice::copy_from(&context.env, messages)
            })?;
        let (is_watched, is_filled) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Arc::new(Self { waiting, is_watched, is_filled, notify }))
    }

    /// Runs `begin` on the JavaScript thread and takes the messages that are there afterwards,
    /// waiting while `is_patient` for the first one. If none comes, they will be announced as ever.
    pub(super) fn watch(
        &self,
        begin: impl FnOnce() -> Result<()>,
        is_patient: impl Fn() -> bool,
    ) -> Result<Vec<u8>> {
        self.is_filled.store(false, Ordering::Release);
        self.is_watched.store(true, Ordering::Release);
        let begun = begin();
        while begun.is_ok() && !self.is_filled.load(Ordering::Acquire) && is_patient() {
            // The writer thread may be waiting for this processor.
            std::thread::yield_now();
        }
        let mut waiting = self.waiting.lock();
        self.is_watched.store(false, Ordering::Release);
        if let Err(error) = begun {
            // The caller gets the error instead: what came meanwhile goes the usual way.
            if !waiting.is_empty() {
                self.notify.call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
            return Err(error);
        }
        Ok(std::mem::take(&mut *waiting))
    }

    /// Takes the messages that are there, on the JavaScript thread. If there are none and it
    /// `will_look` again, the next ones are not announced.
    pub(super) fn look(&self, will_look: bool) -> Vec<u8> {
        let mut waiting = self.waiting.lock();
        self.is_watched.store(will_look && waiting.is_empty(), Ordering::Release);
        std::mem::take(&mut *waiting)
    }

    /// A request has been served, or has failed.
    pub(super) fn complete(&self, ticket: u32, outcome: Result<Vec<u8>>) {
        match outcome {
            Ok(payload) => self.send(ticket, Kind::Ok, &payload),
            Err(error) => self.fail(ticket, &error),
        }
    }

    /// A request has failed.
    pub(super) fn fail(&self, ticket: u32, error: &Error) {
        self.send(ticket, Kind::Error, &protocol::encode_error(error, None));
    }

    /// A request has come further.
    pub(super) fn progress(&self, ticket: u32, phase: &str, done: u64, total: u64) {
        // Progress that cannot be put into words is not worth failing the work for.
        if let Ok(progress) = protocol::encode_progress(phase, done, total) {
            self.send(ticket, Kind::Progress, &progress);
        }
    }

    /// Something happened that nobody asked for; `event` is an encoded document.
    pub(super) fn send_event(&self, event: &[u8]) {
        self.send(0, Kind::Event, event);
    }

    /// Something failed that nobody waits for.
    pub(super) fn warn(&self, warning: &Error) {
        self.announce(protocol::encode_warning(warning));
    }

    /// Something happened, put into a document; one that cannot be put into words is left out.
    fn announce(&self, event: Result<Vec<u8>>) {
        if let Ok(event) = event {
            self.send_event(&event);
        }
    }

    fn send(&self, ticket: u32, kind: Kind, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let mut waiting = self.waiting.lock();
        let is_first = waiting.is_empty();
        for number in [ticket, kind as u32, length] {
            waiting.extend_from_slice(&number.to_le_bytes());
        }
        waiting.extend_from_slice(payload);
        let is_watched = self.is_watched.load(Ordering::Acquire);
        drop(waiting);
        self.is_filled.store(true, Ordering::Release);
        if is_first && !is_watched {
            // If the environment is being torn down, nobody is left to tell.
            self.notify.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
