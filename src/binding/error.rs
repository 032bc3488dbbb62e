//! Errors on their way to JavaScript.

use crate::error::Error;

/// An error whose message is JSON: `{code, message, store, index, key, path, cause}`, the key in
/// hexadecimal. The JavaScript layer makes a `LodestoreError` of it.
pub(super) fn to_napi(error: &Error) -> napi::Error {
    let context = error.context();
    let json = serde_json::json!({
        "code": error.code().as_str(),
        "message": error.message(),
        "store": context.store,
        "index": context.index,
        "key": context.key.as_deref().map(to_hex),
        "path": context.path,
        "cause": error.cause(),
    });
    napi::Error::from_reason(json.to_string())
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
