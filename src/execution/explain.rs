//! How a query runs, for people.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::access::Access;
use super::bounds::{Bounds, Range};
use super::plan::{Plan, name};
use super::request::Query;
use crate::key;

/// The most ways that are told of.
pub const MAX_CANDIDATES: usize = 64;
/// The most ranges of a field that are told of.
const MAX_RANGES: usize = 20;

/// What the query has done.
pub struct Outcome {
    /// Documents that passed.
    pub returned: u64,
    /// Entries of indexes that were passed.
    pub examined_keys: u64,
    /// Documents that were looked at.
    pub examined_docs: u64,
    /// How long it took, with the pauses between its pieces.
    pub elapsed: Duration,
}

/// The plan and what came of it, as JSON.
pub fn text(query: &Query, plan: &Plan, outcome: &Outcome) -> String {
    let sort: Vec<String> = query
        .sort
        .iter()
        .map(|part| format!("{}{}", if part.descending { "-" } else { "" }, part.path))
        .collect();
    let candidates: Vec<Json> = plan
        .candidates
        .iter()
        .map(|candidate| {
            json!({
                "plan": candidate.name,
                "cost": finite(candidate.cost),
                "estimatedRows": candidate.rows.round(),
                "rejectedBecause": candidate.rejected,
            })
        })
        .collect();
    let sorts = match (query.sort.is_empty(), plan.ordered) {
        (true, _) => Json::Null,
        (false, true) => json!({ "by": sort, "from": "the order of the walk" }),
        (false, false) => json!({ "by": sort, "from": "a sort" }),
    };
    json!({
        "plan": name(&plan.accesses, plan.also.as_ref()),
        "candidates": candidates,
        "index": plan.accesses.first().and_then(|access| access.index.as_ref())
            .map(|index| index.name.to_string()),
        "direction": if plan.backwards { "backward" } else { "forward" },
        "bounds": plan.accesses.iter().map(bounds_of).collect::<Vec<_>>(),
        "residual": !plan.decided,
        "sort": sorts,
        "returned": outcome.returned,
        "examinedKeys": outcome.examined_keys,
        "examinedDocs": outcome.examined_docs,
        "millis": outcome.elapsed.as_secs_f64() * 1000.0,
    })
    .to_string()
}

fn finite(cost: f64) -> Json {
    if cost.is_finite() { json!((cost * 10.0).round() / 10.0) } else { Json::Null }
}

fn bounds_of(access: &Access) -> Json {
    let bounded = access.bounded.iter().map(|(path, bounds)| (path.to_string(), ranges(bounds)));
    Json::Object(bounded.collect())
}

fn ranges(bounds: &Bounds) -> Json {
    let ranges = bounds.ranges();
    let mut shown: Vec<String> = ranges.iter().take(MAX_RANGES).map(range).collect();
    if ranges.len() > MAX_RANGES {
        shown.push(format!("and {} more", ranges.len() - MAX_RANGES));
    }
    json!(shown)
}

fn range(range: &Range) -> String {
    let shown = |bytes: &[u8]| match key::decode_component(bytes, false) {
        Ok((key, _)) => key.to_string(),
        Err(_) => "…".to_owned(),
    };
    if range.point {
        return shown(&range.from);
    }
    // An end is the first component that is outside, or what comes after the last one inside.
    format!("{} to {}", shown(&range.from), shown(&range.to))
}
