//! Opening a database off the JavaScript thread.

use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;
use parking_lot::Mutex;

use super::database::NativeDatabase;
use super::end_hook::EndHook;
use super::error::{OrThrow, guarded};
use super::options::{NativeOpenOptions, Target};
use super::outbox::{OnMessage, Outbox};
use super::pool;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Connection, OpenMode, OpenOptions, connect};
use crate::store::check_after_unclean_end;

/// Opens a database, or a space of one. Messages go to `on_message`, which does not keep the
/// process alive.
#[napi(
    catch_unwind,
    ts_args_type = "options: NativeOpenOptions, onMessage: (message: Buffer) => void"
)]
pub fn open_database(
    env: &Env,
    options: NativeOpenOptions,
    on_message: OnMessage<'_>,
) -> napi::Result<AsyncTask<OpenTask>> {
    let target = options.into_target().or_throw()?;
    let outbox = Outbox::new(&on_message)?;
    let opening = Arc::new(Opening::default());
    let ended = Arc::clone(&opening);
    let end_hook = EndHook::new(env, move || ended.end())?;
    Ok(AsyncTask::new(OpenTask { target, outbox, opening, _end_hook: end_hook }))
}

/// The work of [`open_database`].
pub struct OpenTask {
    target: Target,
    outbox: Arc<Outbox>,
    opening: Arc<Opening>,
    _end_hook: EndHook,
}

/// An open that the JavaScript thread may not live to see done: then nothing is to stay open.
#[derive(Default)]
struct Opening(Mutex<Progress>);

#[derive(Default)]
enum Progress {
    #[default]
    Begun,
    Connected(Arc<Connection>),
    Ended,
}

impl Opening {
    fn connected(&self, connection: &Arc<Connection>) -> Result<()> {
        let mut progress = self.0.lock();
        if matches!(*progress, Progress::Ended) {
            return Err(Error::new(ErrorCode::Closed, "the thread has ended"));
        }
        *progress = Progress::Connected(Arc::clone(connection));
        Ok(())
    }

    fn end(&self) {
        let progress = std::mem::replace(&mut *self.0.lock(), Progress::Ended);
        if let Progress::Connected(connection) = progress {
            drop(pool::spawn(move || drop(connection.close())));
        }
    }
}

/// A connection, and what is to be said about it.
pub struct Opened {
    connection: Arc<Connection>,
    warning: Option<Error>,
}

impl Opened {
    /// Checks what was opened, if the machine went down over unsynced writes.
    fn check(connection: Arc<Connection>) -> Result<Self> {
        let warning = check_after_unclean_end(&connection)?;
        Ok(Self { connection, warning })
    }
}

impl OpenTask {
    fn connect(&self) -> Result<Opened> {
        let Target { path, space, options } = &self.target;
        let Some(space) = space else { return Opened::check(connect(path, options)?) };
        // The mode is about the space; its database is created along with it.
        let mode = match options.mode {
            OpenMode::Create => OpenMode::OpenOrCreate,
            mode => mode,
        };
        let root = connect(path, &OpenOptions { mode, ..options.clone() })?;
        // What it says of spaces counts only if it is whole.
        let root = Opened::check(root)?;
        let opened = Opened::check(root.connection.open_space(space, options)?)?;
        opened.connection.set_parent(root.connection);
        Ok(Opened { warning: opened.warning.or(root.warning), ..opened })
    }
}

impl Task for OpenTask {
    type Output = Opened;
    type JsValue = NativeDatabase;

    fn compute(&mut self) -> napi::Result<Opened> {
        guarded(|| {
            let opened = self.connect().or_throw()?;
            self.opening.connected(&opened.connection).or_throw()?;
            Ok(opened)
        })
    }

    fn resolve(&mut self, env: Env, opened: Opened) -> napi::Result<NativeDatabase> {
        let Opened { connection, warning } = opened;
        let database = NativeDatabase::new(&env, connection, Arc::clone(&self.outbox))?;
        if let Some(warning) = warning {
            self.outbox.warn(&warning);
        }
        Ok(database)
    }
}
