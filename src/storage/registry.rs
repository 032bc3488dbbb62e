//! The databases that this process has open, by identity: LMDB must not open a file twice.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::connection::Connection;
use super::environment::Environment;
use super::holes;
use super::housekeeper;
use super::lmdb::WeakEnv;
use super::open;
use super::options::{OpenMode, OpenOptions};
use super::platform::{self, Identity};
use crate::error::{Error, ErrorCode, Result};

type Slot = Arc<Mutex<Opened>>;

static SLOTS: LazyLock<Mutex<HashMap<Identity, Slot>>> = LazyLock::new(Mutex::default);

/// What is open under an identity.
#[derive(Default)]
struct Opened {
    environment: Weak<Environment>,
    connections: usize,
    /// The last LMDB environment, which a transaction may keep alive for a moment after its close.
    closing: Option<WeakEnv>,
    /// The last environment, whose writer may be stuck behind another process after its close.
    stuck: Weak<Environment>,
}

impl Opened {
    fn is_in_use(&self) -> bool {
        self.connections > 0 || self.is_closing()
    }

    fn is_closing(&self) -> bool {
        self.closing.as_ref().is_some_and(WeakEnv::is_open)
            || self.stuck.upgrade().is_some_and(|environment| environment.lock_file.is_held())
    }
}

/// Opens a database, or joins the environment that this process has open already.
///
/// Errors: see [`open::prepare`] and [`open::environment`].
pub fn connect(path: &Path, options: &OpenOptions) -> Result<Arc<Connection>> {
    platform::watch_forks();
    let prepared = open::prepare(path, options)?;
    let slot = slot_for(&prepared.identity);
    let mut opened = slot.lock();
    let (environment, joined) = match opened.environment.upgrade() {
        Some(environment) if opened.connections > 0 => (environment, Some(prepared)),
        _ => {
            wait_for_close(&mut opened)?;
            let environment = Arc::new(open::environment(prepared, options)?);
            opened.environment = Arc::downgrade(&environment);
            opened.closing = Some(environment.raw()?.downgrade());
            housekeeper::watch(Arc::downgrade(&environment));
            (environment, None)
        }
    };
    opened.connections += 1;
    drop(opened);
    // It reads, for which it may wait for somebody who has to get the slot: to replace the files.
    if let Some(prepared) = joined
        && let Err(refused) = open::check_join(&environment, options, &prepared)
    {
        // What else goes wrong poisons, or is found by the next one who opens the database.
        drop(release(&environment, options.busy_timeout));
        return Err(refused);
    }
    let read_only = options.mode == OpenMode::ReadOnly;
    Ok(Connection::new(environment, options.durability, read_only))
}

fn wait_for_close(opened: &mut Opened) -> Result<()> {
    for _ in 0..200 {
        if !opened.is_closing() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(Error::new(
        ErrorCode::Busy,
        "the database was closed in this process while a call was stuck in it; it can be opened \
         again when that call has ended",
    ))
}

/// A connection has ended. The last one closes the environment.
pub(super) fn release(environment: &Arc<Environment>, busy_timeout: Duration) -> Result<()> {
    let Some(slot) = slot_of(environment) else { return Ok(()) };
    let mut opened = slot.lock();
    opened.connections = opened.connections.saturating_sub(1);
    if opened.connections > 0 {
        return Ok(());
    }
    opened.environment = Weak::new();
    opened.stuck = Arc::downgrade(environment);
    shut_down(environment, busy_timeout)
}

/// The environment's files were replaced; it has a new LMDB environment.
pub(super) fn reopened(environment: &Environment, raw: WeakEnv) {
    if let Some(slot) = slot_of(environment) {
        slot.lock().closing = Some(raw);
    }
}

/// Runs `work` if nothing in this process has the directory open, and keeps it so meanwhile.
pub(super) fn unopened<T>(identity: &Identity, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let slot = slot_for(identity);
    let mut opened = slot.lock();
    if opened.connections > 0 {
        return Err(Error::new(ErrorCode::Busy, "it is open in this process; close it first"));
    }
    wait_for_close(&mut opened)?;
    work()
}

fn slot_of(environment: &Environment) -> Option<Slot> {
    SLOTS.lock().get(&environment.identity).cloned()
}

/// The slot of an identity; forgets those that nothing uses any more.
fn slot_for(identity: &Identity) -> Slot {
    let mut slots = SLOTS.lock();
    slots.retain(|_, slot| {
        Arc::strong_count(slot) > 1 || slot.try_lock().is_none_or(|opened| opened.is_in_use())
    });
    slots.entry(*identity).or_default().clone()
}

/// Makes the data file count as it is, unless others have the database open. Then the last of them
/// does that, or whoever opens it next.
fn end_journal(environment: &Environment) -> Result<()> {
    let Some(journal) = &environment.journal else { return Ok(()) };
    if !journal.counts()? {
        return Ok(());
    }
    let raw = environment.raw()?;
    let mut ended = journal.sync().map(drop);
    if ended.is_ok() {
        let locked = environment.lock_file.exclusively(Duration::ZERO, |_| {
            ended = journal.finish(&raw);
            Ok(())
        });
        // Somebody else has the database open, or its directory is gone.
        drop(locked);
    }
    ended.inspect_err(|error| environment.poison(error))
}

fn shut_down(environment: &Arc<Environment>, busy_timeout: Duration) -> Result<()> {
    let stopped = environment.writer.stop(busy_timeout.min(Environment::STOP_TIMEOUT));
    // Nobody has a connection by which more could be begun.
    drop(environment.beside.lock());
    for snapshot in environment.live_snapshots() {
        snapshot.end(ErrorCode::Closed);
    }
    environment.evict_turns();
    let mut result = Ok(());
    if environment.unsynced.load(Ordering::Acquire) && stopped && !environment.is_poisoned() {
        result = environment.sync().and_then(|()| {
            match environment.lock_file.clear_unsynced(|| false) {
                // No file can be opened now. Everything is synced: a marker that stays makes an
                // open after a restart check what is whole.
                Err(error) if error.code() == ErrorCode::ResourceLimit => Ok(()),
                cleared => cleared,
            }
        });
    }
    if stopped && !environment.is_poisoned() {
        let ended = end_journal(environment).and_then(|()| holes::give_back(environment));
        result = result.and(ended);
    }
    if let Some(journal) = environment.journal.as_ref() {
        let closed = journal.close();
        result = result.and(closed.inspect_err(|error| environment.poison(error)));
    }
    if stopped {
        // Nothing that has begun to read meanwhile may keep the files open.
        result = result.and(environment.quiesce(|| {
            drop(environment.replace_raw(None));
            environment.lock_file.release();
            Ok(())
        }));
    } else {
        // A writer that is stuck behind another process keeps the file open, and the lock.
        drop(environment.replace_raw(None));
    }
    if let Some(store) = environment.sealed() {
        store.forget_all();
    }
    if let Some(directory) = &environment.temporary {
        let removed = std::fs::remove_dir_all(directory)
            .map_err(|error| super::lock_file::io_error("cannot remove", directory, &error));
        result = result.and(removed);
    }
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc;

    use super::*;
    use crate::seal::{KEY, Key, Secret};
    use crate::storage::options::Encryption;

    #[test]
    fn who_joins_a_database_keeps_nobody_from_replacing_its_files() {
        let directory = tempfile::tempdir().unwrap();
        let with = |key: u8| OpenOptions {
            encryption: Some(Encryption::with(Secret::Key(Key::new([key; KEY])))),
            ..OpenOptions::default()
        };
        let connect = |key: u8| connect(directory.path(), &with(key));
        let connection = connect(7).unwrap();
        let environment = connection.environment();
        let (sender, replaced) = mpsc::channel();
        std::thread::scope(|scope| {
            let joining = environment.quiesce(|| {
                let joining = scope.spawn(|| connect(7).unwrap().close());
                // It reads whether its key is right, and waits.
                std::thread::sleep(Duration::from_millis(200));
                scope.spawn(move || {
                    reopened(environment, environment.raw().unwrap().downgrade());
                    sender.send(()).unwrap();
                });
                replaced.recv_timeout(Duration::from_secs(5)).unwrap();
                assert!(!joining.is_finished());
                Ok(joining)
            });
            joining.unwrap().join().unwrap().unwrap();
        });
        // Who is refused leaves no connection behind.
        let refused = connect(8).err().unwrap();
        assert_eq!(refused.code(), ErrorCode::WrongKey);
        connection.close().unwrap();
        assert!(!slot_for(&environment.identity).lock().is_in_use());
    }
}
