//! Reads: the catalog that goes with a snapshot, and requests answered off the JavaScript thread.

use std::sync::Arc;

use napi::bindgen_prelude::BufferSlice;
use napi::{Env, ScopedTask};

use super::error::{OrThrow, guarded};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::protocol;
use crate::storage::{Environment, ReadTxn, Snapshot};
use crate::store::StoreShared;
use crate::store::read::{GetOutcome, Written, get_into};

/// Reads with the catalog of each snapshot, which is looked up once for each transaction.
pub(super) struct Source {
    environment: Arc<Environment>,
    shared: Arc<StoreShared>,
    /// The generation of the files, the transaction, and its catalog.
    last: Option<((u64, u64), Arc<Catalog>)>,
}

impl Source {
    pub(super) fn new(environment: Arc<Environment>, shared: Arc<StoreShared>) -> Self {
        Self { environment, shared, last: None }
    }

    /// The catalog of a snapshot.
    pub(super) fn catalog(&mut self, txn: &ReadTxn<'_>) -> Result<&Arc<Catalog>> {
        let id = (self.environment.generation(), txn.id());
        if self.last.as_ref().is_none_or(|(last, _)| *last != id) {
            self.last = Some((id, self.shared.catalog(txn)?));
        }
        match &self.last {
            Some((_, catalog)) => Ok(catalog),
            None => Err(crate::error::Error::corrupt("the catalog cannot be read")),
        }
    }

    pub(super) fn get_into(
        &mut self,
        txn: &ReadTxn<'_>,
        store: u32,
        key: &[u8],
        out: &mut [u8],
    ) -> Result<GetOutcome> {
        get_into(txn, self.catalog(txn)?.require_store(store)?, key, out)
    }

    /// The answer's length, or how much memory it needs.
    pub(super) fn respond_into(
        &mut self,
        txn: &ReadTxn<'_>,
        request: &[u8],
        out: &mut [u8],
    ) -> Result<std::result::Result<usize, usize>> {
        let catalog = Arc::clone(self.catalog(txn)?);
        let from = (&*catalog, &*self.shared);
        Ok(match protocol::read::respond_into(txn, from, request, out)? {
            Written::Complete(length) => Ok(length),
            Written::Needs(length) => Err(length),
        })
    }

    pub(super) fn catalog_json(&mut self, txn: &ReadTxn<'_>) -> Result<String> {
        let catalog = Arc::clone(self.catalog(txn)?);
        protocol::catalog_json(txn, &catalog)
    }

    pub(super) fn catalog_version(&mut self, txn: &ReadTxn<'_>) -> Result<u64> {
        Ok(self.catalog(txn)?.version)
    }
}

/// A request answered on a thread of libuv's pool.
pub struct ReadTask {
    snapshot: Arc<Snapshot>,
    shared: Arc<StoreShared>,
    request: Vec<u8>,
}

impl ReadTask {
    pub(super) fn new(snapshot: Arc<Snapshot>, shared: Arc<StoreShared>, request: Vec<u8>) -> Self {
        Self { snapshot, shared, request }
    }
}

impl<'e> ScopedTask<'e> for ReadTask {
    type Output = Vec<u8>;
    type JsValue = BufferSlice<'e>;

    fn compute(&mut self) -> napi::Result<Vec<u8>> {
        guarded(|| {
            let mut answer = Vec::new();
            self.snapshot
                .with(|txn| {
                    let catalog = self.shared.catalog(txn)?;
                    let from = (&*catalog, &*self.shared);
                    protocol::read::respond(txn, from, &self.request, &mut answer)
                })
                .or_throw()?;
            Ok(answer)
        })
    }

    fn resolve(&mut self, env: &'e Env, answer: Vec<u8>) -> napi::Result<BufferSlice<'e>> {
        BufferSlice::copy_from(env, answer)
    }
}
