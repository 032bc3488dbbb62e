//! One thread per process that looks after what takes time: idle snapshots, overdue writes.

use std::sync::Weak;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::environment::Environment;

const INTERVAL: Duration = Duration::from_millis(200);

static STATE: Mutex<State> =
    Mutex::new(State { environments: Vec::new(), running: false, awake: false });
static WAKE: Condvar = Condvar::new();

struct State {
    environments: Vec<Weak<Environment>>,
    running: bool,
    awake: bool,
}

/// Looks after an environment for as long as it lives, from the next [`wake`] on.
pub(super) fn watch(environment: Weak<Environment>) {
    let mut state = STATE.lock();
    state.environments.retain(|environment| environment.strong_count() > 0);
    state.environments.push(environment);
}

/// There is something with a time limit now.
pub(super) fn wake() {
    let mut state = STATE.lock();
    if !state.running {
        let started = std::thread::Builder::new()
            .name("lodestore-housekeeper".to_owned())
            .stack_size(256 << 10)
            .spawn(run);
        // Without the thread, only limits in time are lost; the next one tries again.
        state.running = started.is_ok();
    }
    if !state.awake {
        state.awake = true;
        WAKE.notify_one();
    }
}

fn run() {
    loop {
        let mut state = STATE.lock();
        state.environments.retain(|environment| environment.strong_count() > 0);
        if state.environments.is_empty() {
            state.running = false;
            return;
        }
        while !state.awake && !state.environments.is_empty() {
            // Sleeps until there is work; looks now and then whether all environments are gone.
            WAKE.wait_for(&mut state, INTERVAL * 50);
            state.environments.retain(|environment| environment.strong_count() > 0);
        }
        let environments = state.environments.clone();
        state.awake = false;
        drop(state);
        let mut again = false;
        for environment in environments.iter().filter_map(Weak::upgrade) {
            again |= environment.tick();
        }
        if again {
            STATE.lock().awake = true;
        }
        std::thread::sleep(INTERVAL);
    }
}
