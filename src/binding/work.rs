//! Long work: index builds, backup, compaction, flushing, closing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use napi::bindgen_prelude::{Uint8Array, Utf16String};
use napi_derive::napi;

use super::database::{NativeDatabase, Shared};
use super::error::OrThrow;
use super::options::NativeEncryption;
use super::pool;
use crate::catalog::{Catalog, IndexState};
use crate::error::{Error, ErrorCode, Result};
use crate::protocol::{self, Executions};
use crate::storage::{Care, CopyMethod, backup, backup_resealed, compact};
use crate::store::graph::build_graph;
use crate::store::index_build::Step;
use crate::store::{
    BuildObserver, BuiltIndex, IndexBuild, NewIndex, Reference, VerifyLevel, VerifyOptions, verify,
};
use crate::wtf8::Wtf8String;

/// Options of `backup`.
#[napi(object, object_to_js = false)]
pub struct NativeBackupOptions {
    /// Whether spaces are copied along.
    pub spaces: bool,
    /// Whether free pages are left out.
    pub compact: bool,
    /// Whether the copy is encrypted otherwise: as `encryption` says, or not at all.
    pub reseal: bool,
    /// How it is encrypted then.
    pub encryption: Option<NativeEncryption>,
}

/// Options of `verify`.
#[napi(object, object_to_js = false)]
pub struct NativeVerifyOptions {
    /// Whether documents and index entries are looked at.
    pub full: bool,
    /// Whether spaces are verified along.
    pub spaces: bool,
    /// How many problems are described.
    pub described: u32,
}

/// Tells JavaScript that a request ended, whatever happens to the thread that serves it.
struct Answer {
    shared: Arc<Shared>,
    ticket: u32,
    sent: bool,
}

impl Answer {
    fn send(mut self, outcome: Result<Vec<u8>>) {
        self.sent = true;
        self.shared.cancels.lock().remove(&self.ticket);
        self.shared.outbox.complete(self.ticket, outcome);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.sent {
            self.shared.cancels.lock().remove(&self.ticket);
            let error = Error::new(ErrorCode::Poisoned, "a defect ended the work");
            self.shared.outbox.fail(self.ticket, &error);
        }
    }
}

/// How work in the pool reports and is cancelled.
pub(super) struct Reporter {
    shared: Arc<Shared>,
    ticket: u32,
    cancelled: Arc<AtomicBool>,
}

impl Care for Reporter {
    fn progress(&self, phase: &str, done: u64, total: u64) {
        self.shared.outbox.progress(self.ticket, phase, done, total);
    }

    fn cancel(&self) -> &AtomicBool {
        &self.cancelled
    }
}

impl NativeDatabase {
    /// Runs `work` in the pool, and sends what it gives.
    pub(super) fn spawn(
        &self,
        ticket: u32,
        work: impl FnOnce(&Shared, Arc<Reporter>) -> Result<Vec<u8>> + Send + 'static,
    ) -> Result<()> {
        pool::spawn(self.answering(ticket, work))
    }

    /// What runs `work`, and sends what it gives.
    fn answering(
        &self,
        ticket: u32,
        work: impl FnOnce(&Shared, Arc<Reporter>) -> Result<Vec<u8>> + Send + 'static,
    ) -> impl FnOnce() + Send + 'static {
        let cancelled = Arc::new(AtomicBool::new(false));
        self.shared.cancels.lock().insert(ticket, Arc::clone(&cancelled));
        let shared = Arc::clone(&self.shared);
        let answer = Answer { shared: Arc::clone(&shared), ticket, sent: false };
        let reporter = Arc::new(Reporter { shared: Arc::clone(&shared), ticket, cancelled });
        move || answer.send(work(&shared, reporter))
    }
}

#[napi]
impl NativeDatabase {
    /// Creates an index and fills it in the background. `definition` is that of the schema
    /// operation.
    #[napi(catch_unwind)]
    pub fn create_index(&self, ticket: u32, definition: Uint8Array) -> napi::Result<()> {
        self.build(ticket, &definition).or_throw()
    }

    fn build(&self, ticket: u32, definition: &[u8]) -> Result<()> {
        let (store, spec) = protocol::schema_op::decode_create_index(definition)?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let observer = Arc::new(Builder {
            shared: Arc::clone(&self.shared),
            ticket,
            build: OnceLock::new(),
            cancelled: Arc::clone(&cancelled),
        });
        let connection = &self.shared.connection;
        let shared = Arc::clone(&self.shared.store);
        let durability = connection.durability();
        let hears = Arc::clone(&observer) as Arc<dyn BuildObserver>;
        // The process that began to build it may have ended.
        let unfinished = self
            .reads
            .with(0, |txn, source| Ok(find_unfinished(source.catalog(txn)?, &store, &spec)))?;
        // The build may end before this function does.
        self.shared.cancels.lock().insert(ticket, cancelled);
        let build = match unfinished {
            Some(index) => IndexBuild::resume(connection, shared, durability, index, hears),
            None => IndexBuild::create(connection, shared, durability, (store, spec), hears),
        };
        let build = build.inspect_err(|_| {
            self.shared.cancels.lock().remove(&ticket);
        })?;
        observer.build.get_or_init(|| Arc::downgrade(&build));
        Ok(())
    }

    /// Copies the database while it is in use.
    #[napi(catch_unwind)]
    pub fn backup(
        &self,
        ticket: u32,
        path: String,
        options: NativeBackupOptions,
    ) -> napi::Result<()> {
        let NativeBackupOptions { spaces, compact, reseal, encryption } = options;
        let encryption =
            encryption.map(NativeEncryption::into_encryption).transpose().or_throw()?;
        self.spawn(ticket, move |shared, reporter| {
            let method = if compact { CopyMethod::Compact } else { CopyMethod::Plain };
            let path = PathBuf::from(path);
            let connection = &shared.connection;
            match reseal {
                true => backup_resealed(connection, &path, spaces, encryption, &*reporter)?,
                false => backup(connection, &path, spaces, method, &*reporter)?,
            }
            Ok(Vec::new())
        })
        .or_throw()
    }

    /// Checks pages, catalog, documents and index entries; answers with a report.
    #[napi(catch_unwind)]
    pub fn verify(&self, ticket: u32, options: NativeVerifyOptions) -> napi::Result<()> {
        let options = VerifyOptions {
            level: if options.full { VerifyLevel::Full } else { VerifyLevel::Quick },
            with_spaces: options.spaces,
            described: options.described as usize,
        };
        self.spawn(ticket, move |shared, reporter| {
            protocol::encode_verified(verify(&shared.connection, options, &*reporter)?)
        })
        .or_throw()
    }

    /// Brings the graph of a vector index up to date, or builds it anew.
    #[napi(catch_unwind)]
    pub fn build_graph(
        &self,
        ticket: u32,
        store: Utf16String,
        index: Utf16String,
        anew: bool,
    ) -> napi::Result<()> {
        let [store, index] = [store, index].map(|name| Wtf8String::from_utf16(&name));
        let work = self.answering(ticket, move |shared, reporter| {
            build_graph(&shared.connection, (&store, &index), anew, &*reporter)?;
            Ok(Vec::new())
        });
        pool::spawn_apart(work).or_throw()
    }

    /// Rewrites the data file without free space. Nothing else may use the database meanwhile.
    #[napi(catch_unwind)]
    pub fn compact(&self, ticket: u32) -> napi::Result<()> {
        self.spawn(ticket, |shared, reporter| {
            compact(&shared.connection, reporter)?;
            Ok(Vec::new())
        })
        .or_throw()
    }

    /// Writes everything to disk.
    #[napi(catch_unwind)]
    pub fn flush(&self, ticket: u32) -> napi::Result<()> {
        let answer = Answer { shared: Arc::clone(&self.shared), ticket, sent: false };
        // No thread of the pool waits for the writes: behind an open transaction that may be long.
        let flush = self.shared.connection.begin_flush(move |flush| match flush {
            Ok(flush) => {
                pool::spawn_or_run(move || answer.send(flush.finish().map(|()| Vec::new())))
            }
            Err(error) => answer.send(Err(error)),
        });
        flush.or_throw()
    }

    /// The names of the spaces.
    #[napi(catch_unwind)]
    pub fn spaces(&self, ticket: u32) -> napi::Result<()> {
        self.spawn(ticket, |shared, _| {
            let spaces = shared.connection.spaces()?;
            protocol::encode_names(spaces.into_iter().map(|space| space.name))
        })
        .or_throw()
    }

    /// Deletes a space.
    #[napi(catch_unwind)]
    pub fn delete_space(&self, ticket: u32, name: Utf16String) -> napi::Result<()> {
        let name = Wtf8String::from_utf16(&name);
        self.spawn(ticket, move |shared, _| {
            shared.connection.delete_space(&name).map(|()| Vec::new())
        })
        .or_throw()
    }

    /// Closes the database when what was accepted has been committed.
    #[napi(catch_unwind)]
    pub fn close(&self, ticket: u32) -> napi::Result<()> {
        self.transactions.close();
        self.shared.store.extension::<Executions>().close();
        self.drop_schema_lock();
        self.spawn(ticket, |shared, _| shared.connection.close().map(|()| Vec::new())).or_throw()
    }
}

/// An index of this name and definition whose build has not ended.
fn find_unfinished(catalog: &Catalog, store: &Reference, new: &NewIndex) -> Option<BuiltIndex> {
    let store = match store {
        Reference::Id(id) => catalog.store(*id),
        Reference::Name(name) => catalog.store_by_name(name),
    }?;
    let spec = match new {
        NewIndex::Keys(spec) => spec,
        NewIndex::Vectors(spec) => {
            let index = store.vector_by_name(&spec.name)?;
            let is_same = index.state == IndexState::Building
                && index.path == spec.path
                && index.form == spec.form;
            return is_same.then_some(BuiltIndex { store: store.id, index: index.id });
        }
    };
    let index = store.index_by_name(&spec.name)?;
    let is_same = index.state == IndexState::Building
        && index.parts == spec.parts
        && index.compound == spec.compound
        && index.unique == spec.unique
        && index.multi_entry == spec.multi_entry
        && index.sparse == spec.sparse
        && index.partial.as_deref() == spec.partial.as_ref()
        && index.order() == spec.collation.as_ref()
        && index.origin == spec.origin;
    is_same.then_some(BuiltIndex { store: store.id, index: index.id })
}

/// Reports an index build.
struct Builder {
    shared: Arc<Shared>,
    ticket: u32,
    /// The build, which holds this observer, once it is known.
    build: OnceLock<Weak<IndexBuild>>,
    /// Whether it is to be cancelled.
    cancelled: Arc<AtomicBool>,
}

impl BuildObserver for Builder {
    fn progress(&self, step: Step) {
        if self.cancelled.load(Ordering::Acquire)
            && let Some(build) = self.build.get().and_then(Weak::upgrade)
        {
            build.cancel();
        }
        self.shared.outbox.progress(self.ticket, "index", step.done, step.total);
    }

    fn ended(&self, outcome: Result<BuiltIndex>) {
        self.shared.cancels.lock().remove(&self.ticket);
        if outcome.is_err() {
            self.shared.sweeper.kick();
        }
        self.shared.outbox.complete(self.ticket, outcome.and_then(protocol::encode_built_index));
    }
}
