//! The report of a verification as a document, for JavaScript.

use crate::catalog::document::object;
use crate::error::Result;
use crate::store::{Problem, Verified};
use crate::value::{self, Array, BinaryKind, NoShapes, Value};
use crate::wtf8::Wtf8String;

/// Encodes `{transactionId, pages: {total, used, free}, spaces, stores, indexes, documents,
/// entries, problemCount, problems}`. A problem is `{kind, message, space, store, index, key,
/// page}`; fields that do not apply are left out, `key` is a `Uint8Array`.
///
/// # Errors
/// `RESOURCE_LIMIT` if it does not fit in a document.
pub fn encode_verified(verified: Verified) -> Result<Vec<u8>> {
    let Verified { txn_id, pages, spaces, report } = verified;
    let pages = object(vec![
        ("total", number(pages.total)),
        ("used", number(pages.used)),
        ("free", number(pages.free)),
    ]);
    let problems = report.problems.into_iter().map(problem).collect();
    let document = object(vec![
        ("transactionId", number(txn_id)),
        ("pages", pages),
        ("spaces", number(spaces)),
        ("stores", number(report.stores)),
        ("indexes", number(report.indexes)),
        ("documents", number(report.documents)),
        ("entries", number(report.entries)),
        ("problemCount", number(report.problem_count)),
        ("problems", Value::Array(Array { items: problems, fields: None })),
    ]);
    value::encode(&document, &NoShapes)
}

pub(super) fn problem(problem: Problem) -> Value {
    let text = |text: String| Value::String(Wtf8String::from(text.as_str()));
    let key = problem.key.map(|bytes| Value::Binary { kind: BinaryKind::Uint8Array, bytes });
    let optional = [
        ("space", problem.space.map(Value::String)),
        ("store", problem.store.map(text)),
        ("index", problem.index.map(text)),
        ("key", key),
        ("page", problem.page.map(number)),
    ];
    let mut fields = vec![
        ("kind", Value::String(Wtf8String::from(problem.kind.as_str()))),
        ("message", text(problem.message)),
    ];
    fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    object(fields)
}

pub(super) fn number(number: u64) -> Value {
    Value::Number(number as f64)
}
