//! The report of a repair as a document, for JavaScript.

use super::verify_document::{number, problem};
use crate::catalog::document::{array, object};
use crate::error::Result;
use crate::store::{RepairReport, RepairedStore};
use crate::value::{self, BinaryKind, NoShapes, Value};

/// Encodes `{pages: {total, damaged}, stores, indexes, problemCount, problems}`. A store is
/// `{space, name, documents, uncertain, lost, lostKeys}`: `space` is left out if it is in none,
/// `lost` is null if it is not known, `lostKeys` are `Uint8Array`s.
///
/// # Errors
/// `RESOURCE_LIMIT` if it does not fit in a document.
pub fn encode_repaired(report: RepairReport) -> Result<Vec<u8>> {
    let pages =
        object(vec![("total", number(report.pages)), ("damaged", number(report.damaged_pages))]);
    let document = object(vec![
        ("pages", pages),
        ("stores", array(report.stores.into_iter().map(store).collect())),
        ("indexes", number(report.indexes)),
        ("problemCount", number(report.problem_count)),
        ("problems", array(report.problems.into_iter().map(problem).collect())),
    ]);
    value::encode(&document, &NoShapes)
}

fn store(store: RepairedStore) -> Value {
    let key = |bytes| Value::Binary { kind: BinaryKind::Uint8Array, bytes };
    let mut fields = vec![
        ("name", Value::String(store.name)),
        ("documents", number(store.documents)),
        ("uncertain", number(store.uncertain)),
        ("lost", store.lost.map_or(Value::Null, number)),
        ("lostKeys", array(store.lost_keys.into_iter().map(key).collect())),
    ];
    fields.extend(store.space.map(|space| ("space", Value::String(space))));
    object(fields)
}
