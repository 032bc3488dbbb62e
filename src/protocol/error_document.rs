//! Errors as documents, for JavaScript.

use crate::catalog::document::object;
use crate::error::Error;
use crate::value::{self, BinaryKind, NoShapes, Value};
use crate::wtf8::Wtf8String;

/// Encodes an error as the document `{code, message, store, index, key, path, cause, at}`; fields
/// that do not apply are left out, `key` is a `Uint8Array`. `at` is the position of the failing
/// operation in its atomic group.
pub fn encode_error(error: &Error, at: Option<usize>) -> Vec<u8> {
    let text = |text: &str| Value::String(Wtf8String::from(text));
    let context = error.context();
    let key =
        context.key.clone().map(|bytes| Value::Binary { kind: BinaryKind::Uint8Array, bytes });
    let optional = [
        ("store", context.store.as_deref().map(text)),
        ("index", context.index.as_deref().map(text)),
        ("key", key),
        ("path", context.path.as_deref().map(text)),
        ("cause", error.cause().map(text)),
        ("at", at.map(|at| Value::Number(at as f64))),
    ];
    let mut fields =
        vec![("code", text(error.code().as_str())), ("message", text(error.message()))];
    fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    // Texts and bytes of moderate size always encode; if a key of up to 64 MiB did not, the answer
    // would lack it, not the code.
    value::encode(&object(fields), &NoShapes).unwrap_or_else(|_| {
        let bare = object(vec![("code", text(error.code().as_str())), ("message", text(""))]);
        value::encode(&bare, &NoShapes).unwrap_or_default()
    })
}
