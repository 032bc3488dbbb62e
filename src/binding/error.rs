//! Errors on their way to JavaScript.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorCode};

/// `{code, message, store, index, key, path, cause}` as JSON, the key in hexadecimal.
pub(super) fn to_json(error: &Error) -> String {
    let context = error.context();
    serde_json::json!({
        "code": error.code().as_str(),
        "message": error.message(),
        "store": context.store,
        "index": context.index,
        "key": context.key.as_deref().map(to_hex),
        "path": context.path,
        "cause": error.cause(),
    })
    .to_string()
}

/// An error whose message is JSON, of which the JavaScript layer makes a `LodestoreError`.
pub(super) fn to_napi(error: &Error) -> napi::Error {
    napi::Error::from_reason(to_json(error))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs work of a thread of libuv's pool: a panic that left it would end the process.
pub(super) fn guarded<T>(work: impl FnOnce() -> napi::Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(to_napi(&Error::new(ErrorCode::Poisoned, "a defect in the native library")))
    })
}

/// Turns engine results into napi results.
pub(super) trait OrThrow<T> {
    fn or_throw(self) -> napi::Result<T>;
}

impl<T> OrThrow<T> for crate::error::Result<T> {
    fn or_throw(self) -> napi::Result<T> {
        self.map_err(|error| to_napi(&error))
    }
}
