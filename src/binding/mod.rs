//! The Node.js binding: the only part of the crate that knows JavaScript.
//!
//! Rules: no `async fn` on a class (a worker's end would free what it borrows); every synchronous
//! export catches panics; buffers go to JavaScript as copies; completions travel through one weak
//! threadsafe function per database, one call per group.

#![cfg_attr(test, allow(dead_code, reason = "exports are registered outside of tests only"))]

mod care;
mod database;
mod end_hook;
mod error;
mod fast_calls;
#[cfg(feature = "fault-points")]
mod fault;
mod inline_wait;
mod keys;
mod open;
mod options;
mod outbox;
mod pool;
mod read;
mod reads;
mod schema_lock;
mod sweeper;
mod transaction;
mod work;

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Uint8Array};
use napi_derive::napi;

use self::error::OrThrow;
use crate::error::ErrorCode;
use crate::protocol;

/// The version of this library; the JavaScript layer refuses another one.
#[napi(catch_unwind)]
pub fn native_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Every error code, with `*` behind those that are retryable.
#[napi(catch_unwind)]
pub fn error_codes() -> Vec<String> {
    ErrorCode::ALL
        .iter()
        .map(|code| format!("{code}{}", if code.is_retryable() { "*" } else { "" }))
        .collect()
}

/// All settings of a collation that a document describes, as JSON.
#[napi(catch_unwind)]
pub fn collation(document: Uint8Array) -> napi::Result<String> {
    protocol::collation_json(&document).or_throw()
}

/// Decodes a document natively and encodes it again, with the shapes whose names are listed in
/// another document. Holds the two codecs together: a test compares the bytes.
#[napi(catch_unwind)]
pub fn transcode<'e>(
    env: &'e Env,
    document: Uint8Array,
    shapes: Uint8Array,
) -> napi::Result<BufferSlice<'e>> {
    BufferSlice::copy_from(env, protocol::transcode(&document, &shapes).or_throw()?)
}
