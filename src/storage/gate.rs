//! The gate that active read transactions pass through.
//!
//! Growing the map, and replacing the files, needs a moment in which this process has no active
//! transaction, because the map may move. A closed gate lets no new one in.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Counts the active read transactions of an environment.
#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    active: usize,
    /// Transactions that may be active for long, and that closing waits for with the gate open.
    holds: usize,
}

impl Gate {
    /// Lets a transaction in, unless the gate is closed. Never blocks, so that it may be called
    /// with other locks held.
    pub fn try_enter(&self) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        state.active += 1;
        true
    }

    /// A transaction that entered has ended.
    pub fn leave(&self) {
        let mut state = self.state.lock();
        state.active = state.active.saturating_sub(1);
        if state.closed {
            self.changed.notify_all();
        }
    }

    /// A transaction that entered may be active for long.
    pub fn hold(&self) {
        self.state.lock().holds += 1;
    }

    /// A transaction that may have been active for long has ended.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.holds = state.holds.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Waits until the gate is open. Call without other locks held.
    pub fn wait_open(&self) {
        let mut state = self.state.lock();
        while state.closed {
            self.changed.wait(&mut state);
        }
    }

    /// Closes the gate; waits for another closer to open it first, and for the end of what holds it
    /// open, during which others may still enter.
    pub fn close(&self) {
        let mut state = self.state.lock();
        while state.closed || state.holds > 0 {
            self.changed.wait(&mut state);
        }
        state.closed = true;
    }

    /// Waits until no transaction is active, but not for longer than `limit`; whether that is so.
    pub fn wait_idle(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.state.lock();
        while state.active > 0 {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return state.active == 0;
            }
        }
        true
    }

    /// Opens the gate.
    pub fn open(&self) {
        self.state.lock().closed = false;
        self.changed.notify_all();
    }
}
