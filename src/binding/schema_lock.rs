//! The lock that IndexedDB's connections hold; see `storage::SchemaLock`.

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Uint8Array};
use napi_derive::napi;

use super::database::NativeDatabase;
use super::error::OrThrow;
use crate::error::Result;
use crate::storage::SchemaLock;

impl NativeDatabase {
    /// Does something with this thread's lock, which is opened when it is first needed.
    fn with_schema_lock<T>(&self, run: impl FnOnce(&SchemaLock) -> Result<T>) -> napi::Result<T> {
        self.shared.connection.check_open().or_throw()?;
        let mut lock = self.schema_lock.lock();
        let opened = match lock.take() {
            Some(opened) => opened,
            None => SchemaLock::open(self.shared.connection.environment()).or_throw()?,
        };
        run(lock.insert(opened)).or_throw()
    }

    /// Lets go of the lock, also if a child that is about to start a program has a copy of it.
    pub(super) fn drop_schema_lock(&self) {
        if let Some(lock) = self.schema_lock.lock().take() {
            drop(lock.unlock());
        }
    }
}

#[napi]
impl NativeDatabase {
    /// Takes the lock of those who rely on the schema, shared or for this thread alone; false if
    /// others hold it in a way that does not allow that. What was held before is given up.
    #[napi(catch_unwind)]
    pub fn try_schema_lock(&self, exclusive: bool) -> napi::Result<bool> {
        self.with_schema_lock(|lock| lock.try_lock(exclusive))
    }

    /// Lets go of the lock of those who rely on the schema, also of a database that has failed.
    #[napi(catch_unwind)]
    pub fn unlock_schema(&self) -> napi::Result<()> {
        self.schema_lock.lock().as_ref().map_or(Ok(()), SchemaLock::unlock).or_throw()
    }

    /// Tells those who rely on the schema what is wanted of them; nothing any more, if it is empty.
    #[napi(catch_unwind)]
    pub fn leave_schema_note(&self, note: Uint8Array) -> napi::Result<()> {
        self.with_schema_lock(|lock| lock.leave_note(&note))
    }

    /// What is wanted of those who rely on the schema; empty if nothing is.
    #[napi(catch_unwind)]
    pub fn read_schema_note<'e>(&self, env: &'e Env) -> napi::Result<BufferSlice<'e>> {
        BufferSlice::copy_from(env, self.with_schema_lock(SchemaLock::read_note)?)
    }
}
