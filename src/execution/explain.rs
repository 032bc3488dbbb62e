//! How queries and pipelines run, for people.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::access::Access;
use super::bounds::{Bounds, Range};
use super::nearest::Search;
use super::plan::Plan;
use super::request::Query;
use super::way::Way;
use crate::collation::Collation;
use crate::key::{self, Key};
use crate::query::aggregate::{Examined, Output, Read, StageReport};
use crate::query::collation;
use crate::query::filter::Strings;
use crate::query::nearest::{Diversity, To};
use crate::value::Value;

/// The most ways that are told of.
pub const MAX_CANDIDATES: usize = 64;
/// The most ranges of a field that are told of.
const MAX_RANGES: usize = 20;

/// What the query has done.
pub struct Outcome {
    /// Documents that passed.
    pub returned: u64,
    /// What was looked at.
    pub examined: Examined,
    /// How keys were sorted, if they were.
    pub sorted: Option<&'static str>,
    /// How long it took, with the pauses between its pieces.
    pub elapsed: Duration,
}

/// The plan and what came of it.
pub fn query(
    query: &Query,
    plan: &Plan,
    search: Option<(&Search, &Way)>,
    outcome: &Outcome,
) -> Json {
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
        (false, true) => {
            json!({ "by": sort, "from": "the order of the walk", "method": null })
        }
        (false, false) => json!({ "by": sort, "from": "a sort", "method": outcome.sorted }),
    };
    let mut told = json!({
        "plan": plan.name(),
        "candidates": candidates,
        "index": plan.accesses.first().and_then(|access| access.index_name()),
        "direction": if plan.backwards { "backward" } else { "forward" },
        "bounds": plan.accesses.iter().map(|access| bounds_of(access)).collect::<Vec<_>>(),
        "residual": !plan.decided,
        "sort": sorts,
        "collation": query.collation.as_deref().map(settings),
        "returned": outcome.returned,
        "examinedKeys": outcome.examined.keys,
        "examinedDocs": outcome.examined.docs,
        "millis": outcome.elapsed.as_secs_f64() * 1000.0,
    });
    if let (Some((search, way)), Json::Object(fields)) = (search, &mut told) {
        let form = search.index.form;
        let mut nearest = json!({
            "index": search.index.name.to_string(),
            "metric": form.metric.as_str(),
            "dimensions": form.dimensions,
            "k": query.nearest.as_ref().map(|nearest| nearest.k),
        });
        if let (Some(nearest), Json::Object(fields)) = (&query.nearest, &mut nearest) {
            if search.targets().len() != 1 {
                fields.insert("vectors".to_owned(), search.targets().len().into());
            }
            if let Some(Diversity { lambda, fetch_k }) = nearest.diversity {
                let mmr = json!({ "lambda": lambda, "fetchK": fetch_k });
                fields.insert("mmr".to_owned(), mmr);
            }
            if let To::Examples(positive, negative) = &nearest.to {
                let count = json!({ "positive": positive.len(), "negative": negative.len() });
                fields.insert("examples".to_owned(), count);
            }
        }
        if let (Json::Object(nearest), Json::Object(way)) = (&mut nearest, way.explain()) {
            nearest.extend(way);
        }
        if way.is_graph() {
            fields.insert("plan".to_owned(), format!("graph of {}", search.index.name).into());
        }
        fields.insert("nearest".to_owned(), nearest);
    }
    told
}

/// What a pipeline has done.
pub struct PipelineOutcome<'p> {
    /// The stages that the query in front answered, and how.
    pub front: (&'p [&'static str], Json),
    /// What the others did.
    pub stages: &'p [StageReport],
    /// Where the rows would be written.
    pub output: Option<&'p Output>,
    /// Rows that came out of it.
    pub returned: u64,
    /// What was looked at in all stores.
    pub examined: Examined,
    /// The most bytes that stages held at once.
    pub memory: usize,
    /// How long it took, with the pauses between its pieces.
    pub elapsed: Duration,
}

/// How a pipeline ran, as JSON.
pub fn pipeline(outcome: &PipelineOutcome<'_>) -> String {
    let (stages, query) = &outcome.front;
    let mut front = json!({ "stages": stages });
    if let (Json::Object(front), Json::Object(query)) = (&mut front, query) {
        front.extend(query.clone());
    }
    let output = outcome.output.map(|output| match output {
        Output::Replace { store } => json!({ "stage": "$out", "store": store.to_string() }),
        Output::Merge(merge) => json!({ "stage": "$merge", "store": merge.store.to_string() }),
    });
    json!({
        "front": front,
        "stages": outcome.stages.iter().map(stage).collect::<Vec<_>>(),
        "output": output,
        "returned": outcome.returned,
        "examinedKeys": outcome.examined.keys,
        "examinedDocs": outcome.examined.docs,
        "memory": outcome.memory,
        "millis": outcome.elapsed.as_secs_f64() * 1000.0,
    })
    .to_string()
}

fn stage(report: &StageReport) -> Json {
    let mut told = json!({
        "stage": report.name,
        "rowsIn": report.rows_in,
        "rowsOut": report.rows_out,
        "memory": report.memory,
        "method": report.work.method,
    });
    let Json::Object(fields) = &mut told else { return told };
    if let Some(Read { store, plan, queries, examined }) = &report.work.read {
        let read = json!({
            "store": store.to_string(),
            "plan": plan,
            "queries": queries,
            "examinedKeys": examined.keys,
            "examinedDocs": examined.docs,
        });
        fields.insert("read".to_owned(), read);
    }
    let pipelines = report.work.pipelines.iter();
    let pipelines = pipelines
        .map(|(name, stages)| (name.to_string(), Json::Array(stages.iter().map(stage).collect())));
    let pipelines: serde_json::Map<_, _> = pipelines.collect();
    if !pipelines.is_empty() {
        fields.insert("pipelines".to_owned(), Json::Object(pipelines));
    }
    told
}

/// The settings of a collation.
fn settings(order: &Collation) -> Json {
    let Value::Object(fields) = collation::to_value(order) else { return Json::Null };
    let json = |value: &Value| match value {
        Value::Bool(flag) => json!(flag),
        Value::String(text) => json!(text.to_string()),
        _ => Json::Null,
    };
    Json::Object(fields.iter().map(|(name, value)| (name.to_string(), json(value))).collect())
}

fn finite(cost: f64) -> Json {
    if cost.is_finite() { json!((cost * 10.0).round() / 10.0) } else { Json::Null }
}

fn bounds_of(access: &Access) -> Json {
    let bounded = access.bounded.iter().map(|(path, bounds)| (path.to_string(), ranges(bounds)));
    Json::Object(bounded.collect())
}

fn ranges(bounds: &Bounds) -> Json {
    let is_collated = matches!(bounds.strings(), Strings::Only(Some(_)));
    let ranges = bounds.ranges();
    let shown = ranges.iter().take(MAX_RANGES).map(|one| range(one, is_collated));
    let mut shown: Vec<String> = shown.collect();
    if ranges.len() > MAX_RANGES {
        shown.push(format!("and {} more", ranges.len() - MAX_RANGES));
    }
    json!(shown)
}

fn range(range: &Range, is_collated: bool) -> String {
    let shown = |bytes: &[u8]| match key::decode_component(bytes, false) {
        Ok((Key::String(sort_key), _)) if is_collated => {
            let bytes = sort_key.to_utf16().into_iter().map(|unit| format!("{unit:02x}"));
            format!("sort key {}", bytes.collect::<String>())
        }
        Ok((key, _)) => key.to_string(),
        Err(_) => "…".to_owned(),
    };
    if range.point {
        return shown(&range.from);
    }
    // An end is the first component that is outside, or what comes after the last one inside.
    format!("{} to {}", shown(&range.from), shown(&range.to))
}
