//! Care of databases that are not open: repairing, restoring, encrypting.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi_derive::napi;

use super::error::OrThrow;
use super::options::NativeEncryption;
use super::outbox::{OnMessage, Outbox};
use super::pool;
use crate::error::{Error, ErrorCode, Result};
use crate::protocol;
use crate::storage::Care;
use crate::store::{RepairOptions, decrypt, encrypt, repair, restore};

/// The ticket of the only request that there is.
const TICKET: u32 = 1;

/// One work on databases that are not open.
#[napi]
pub struct NativeCare {
    outbox: Arc<Outbox>,
    cancelled: Arc<AtomicBool>,
}

/// How the work reports, and is cancelled. Tells JavaScript that it ended, whatever happens.
struct Task {
    outbox: Arc<Outbox>,
    cancelled: Arc<AtomicBool>,
    answered: bool,
}

impl Care for Task {
    fn progress(&self, phase: &str, done: u64, total: u64) {
        self.outbox.progress(TICKET, phase, done, total);
    }

    fn cancel(&self) -> &AtomicBool {
        &self.cancelled
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.answered {
            let error = Error::new(ErrorCode::Poisoned, "a defect ended the work");
            self.outbox.fail(TICKET, &error);
        }
    }
}

impl NativeCare {
    fn spawn(
        &self,
        work: impl FnOnce(&dyn Care) -> Result<Vec<u8>> + Send + 'static,
    ) -> napi::Result<()> {
        let mut task = Task {
            outbox: Arc::clone(&self.outbox),
            cancelled: Arc::clone(&self.cancelled),
            answered: false,
        };
        pool::spawn(move || {
            let outcome = work(&task);
            task.answered = true;
            task.outbox.complete(TICKET, outcome);
        })
        .or_throw()
    }
}

#[napi]
impl NativeCare {
    /// Messages go to `on_message`, which does not keep the process alive.
    #[napi(constructor, catch_unwind, ts_args_type = "onMessage: (message: Buffer) => void")]
    pub fn new(on_message: OnMessage<'_>) -> napi::Result<Self> {
        Ok(Self { outbox: Outbox::new(&on_message)?, cancelled: Arc::default() })
    }

    /// Makes a new database of what can be read of a damaged one; answers with a report.
    #[napi(catch_unwind)]
    pub fn repair(
        &self,
        from: String,
        to: String,
        spaces: bool,
        described: u32,
        encryption: Option<NativeEncryption>,
    ) -> napi::Result<()> {
        let encryption =
            encryption.map(NativeEncryption::into_encryption).transpose().or_throw()?;
        let options =
            RepairOptions { with_spaces: spaces, described: described as usize, encryption };
        self.spawn(move |care| {
            let report = repair(&PathBuf::from(from), &PathBuf::from(to), options, care)?;
            protocol::encode_repaired(report)
        })
    }

    /// Puts a verified copy of a database in the place of another one; answers with the report of
    /// the verification.
    #[napi(catch_unwind)]
    pub fn restore(
        &self,
        from: String,
        to: String,
        encryption: Option<NativeEncryption>,
    ) -> napi::Result<()> {
        let encryption =
            encryption.map(NativeEncryption::into_encryption).transpose().or_throw()?;
        self.spawn(move |care| {
            let (from, to) = (PathBuf::from(from), PathBuf::from(to));
            let verified = restore(&from, &to, encryption, care)?;
            protocol::encode_verified(verified)
        })
    }

    /// Encrypts a database, or decrypts it; answers with the report of the verification.
    #[napi(catch_unwind)]
    pub fn reencrypt(
        &self,
        path: String,
        encryption: NativeEncryption,
        encrypts: bool,
    ) -> napi::Result<()> {
        let encryption = encryption.into_encryption().or_throw()?;
        self.spawn(move |care| {
            let path = PathBuf::from(path);
            let verified = match encrypts {
                true => encrypt(&path, encryption, care)?,
                false => decrypt(&path, &encryption, care)?,
            };
            protocol::encode_verified(verified)
        })
    }

    /// Ends the work early.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }
}

impl Drop for NativeCare {
    fn drop(&mut self) {
        // Nobody is left to be told; what is made is not needed any more.
        self.cancelled.store(true, Ordering::Release);
    }
}
