//! What happens at the end of a JavaScript thread.
//!
//! Node.js and Bun finalize the objects of a worker when it ends. Deno does so in the main thread
//! only; what it runs on every thread are the clean-up hooks of Node-API.

use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, ThreadId};

use napi::{Env, check_status, sys};

type Work = Box<dyn FnOnce() + Send>;

/// Work that is done when the environment of this JavaScript thread ends, unless the hook is
/// dropped before.
pub(super) struct EndHook {
    env: sys::napi_env,
    /// The work, until it is done; from `Box::into_raw`.
    work: *mut Cell<Option<Work>>,
    thread: ThreadId,
}

// SAFETY: the environment and the work are used on the JavaScript thread alone: `drop` does nothing
// elsewhere.
unsafe impl Send for EndHook {}

impl EndHook {
    pub(super) fn new(env: &Env, work: impl FnOnce() + Send + 'static) -> napi::Result<Self> {
        let env = env.raw();
        let work: Box<Cell<Option<Work>>> = Box::new(Cell::new(Some(Box::new(work))));
        let work = Box::into_raw(work);
        // SAFETY: a live environment. `work` stays alive until the hook is removed, or has run.
        let added = unsafe { sys::napi_add_env_cleanup_hook(env, Some(run), work.cast()) };
        if added != sys::Status::napi_ok {
            // SAFETY: it was made above, and nobody else has it.
            drop(unsafe { Box::from_raw(work) });
        }
        check_status!(added)?;
        Ok(Self { env, work, thread: thread::current().id() })
    }
}

impl Drop for EndHook {
    fn drop(&mut self) {
        if thread::current().id() != self.thread {
            return;
        }
        // SAFETY: `new` made it; `run` is the only other that uses it, on this thread.
        let waits = unsafe { (*self.work).take() }.is_some();
        // SAFETY: until the hook has run the environment is alive, and afterwards nobody uses the
        // work any more. An environment must not be told to remove a hook that has run.
        unsafe {
            if waits {
                sys::napi_remove_env_cleanup_hook(self.env, Some(run), self.work.cast());
            }
            drop(Box::from_raw(self.work));
        }
    }
}

unsafe extern "C" fn run(work: *mut c_void) {
    // SAFETY: `EndHook::new` made it, and it is there until the hook is removed.
    let work = unsafe { &*work.cast::<Cell<Option<Work>>>() }.take();
    if let Some(work) = work {
        // A panic must not leave it; there is nobody to be told.
        drop(catch_unwind(AssertUnwindSafe(work)));
    }
}
