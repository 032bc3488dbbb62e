//! The stages of pipelines.

use std::collections::HashSet;
use std::sync::Arc;

use super::accumulator::{Accumulator, Kind, Names, Parts, positive};
use super::bucket::{self, BucketAuto};
use super::document::{Document, Input};
use super::execution::{Chain, Context, Flow, Node, Operator};
use super::group::{Group, Key};
use super::lookup::{Joining, Lookup};
use super::nested::{Facets, Nested, Union};
use super::report::Work;
use super::reshape::Reshape;
use super::search::{self, Known, Search};
use super::simple::{Count, Distinct, Limit, Match, Sample, Skip, Unwind, Values};
use super::sorting::Sorting;
use super::sources::Front;
use super::state::list;
use super::window::{Window, Windows};
use crate::error::{Error, ErrorCode, Result};
use crate::query::filter::Filter;
use crate::query::place::Place;
use crate::query::sort::{self, SortPart};
use crate::value::Value;
use crate::wtf8::Wtf8String;

/// How many stages a pipeline may have.
const MAX_STAGES: usize = 1_000;
/// How deep pipelines may nest.
const MAX_NESTING: usize = 20;

/// A stage.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    Match(Match),
    /// A search, which only the store's own query can answer.
    Search(Box<Search>),
    Sort(Vec<SortPart>),
    /// A stage that has nothing to do, since documents come in its order.
    InOrder(&'static str),
    Skip(u64),
    Limit(u64),
    Reshape(&'static str, Reshape),
    Unwind(Unwind),
    Group(Group),
    Count(Wtf8String),
    Distinct(Values),
    Sample(usize),
    BucketAuto(BucketAuto),
    Facet(Arc<[Wtf8String]>, Vec<Vec<Stage>>),
    Lookup(Arc<Lookup>),
    Union(Arc<Nested>),
    Window(Arc<Window>),
}

impl Stage {
    /// The stage's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Match(_) => "$match",
            Self::Search(search) => search.name,
            Self::Sort(_) => "$sort",
            Self::InOrder(name) => name,
            Self::Skip(_) => "$skip",
            Self::Limit(_) => "$limit",
            Self::Reshape(name, _) => name,
            Self::Unwind(_) => "$unwind",
            Self::Group(group) => group.stage,
            Self::Count(_) => "$count",
            Self::Distinct(_) => "$distinct",
            Self::Sample(_) => "$sample",
            Self::BucketAuto(_) => "$bucketAuto",
            Self::Facet(..) => "$facet",
            Self::Lookup(_) => "$lookup",
            Self::Union(_) => "$unionWith",
            Self::Window(_) => "$setWindowFields",
        }
    }

    /// The stage at work; of the documents behind it no more than `limit` are of use.
    fn operator(&self, limit: Option<u64>) -> Box<dyn Operator> {
        match self {
            Self::Match(stage) => Box::new(stage.clone()),
            Self::Sort(parts) => Box::new(Sorting::new(parts.clone(), limit)),
            Self::InOrder(_) | Self::Search(_) => Box::new(InOrder),
            Self::Skip(count) => Box::new(Skip(*count)),
            Self::Limit(count) => Box::new(Limit(*count)),
            Self::Reshape(_, stage) => stage.operator(),
            Self::Unwind(stage) => stage.operator(),
            Self::Group(stage) => stage.operator(),
            Self::Count(name) => Box::new(Count { name: name.clone(), count: 0 }),
            Self::Distinct(values) => Box::new(Distinct {
                values: values.clone(),
                seen: HashSet::new(),
                found: Vec::new(),
            }),
            Self::Sample(size) => Box::new(Sample::new(*size)),
            Self::BucketAuto(stage) => stage.operator(),
            Self::Facet(names, pipelines) => Box::new(Facets::new(names.clone(), pipelines)),
            Self::Lookup(lookup) => Box::new(Joining::new(Arc::clone(lookup))),
            Self::Union(nested) => Box::new(Union::new(Arc::clone(nested))),
            Self::Window(window) => Box::new(Windows::new(Arc::clone(window))),
        }
    }
}

/// Stages at work.
pub(super) fn chain(stages: &[Stage]) -> Chain {
    let mut operators = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        let operator = stage.operator(useful(stages.get(at + 1..).unwrap_or_default()));
        operators.push(Node::new(Some(stage.name()), operator));
        // Each stage may put what it gets into a hundred objects more.
        if at % 8 == 7 {
            operators.push(Node::new(None, Box::new(DepthGuard)));
        }
    }
    Chain::new(operators)
}

/// How many documents are of use to the stages, if they say so.
pub(super) fn useful(stages: &[Stage]) -> Option<u64> {
    let mut skipped = 0u64;
    for stage in stages {
        match stage {
            Stage::Skip(count) => skipped = skipped.saturating_add(*count),
            Stage::Limit(count) => return Some(skipped.saturating_add(*count)),
            _ => return None,
        }
    }
    None
}

/// Passes documents that come in an order as they are.
struct InOrder;

impl Operator for InOrder {
    fn push<'a>(&mut self, document: Document<'a>, _: &mut Context<'_>) -> Result<Flow<'a>> {
        Ok(Flow::Pass(document))
    }

    fn work(&self) -> Work {
        Work::by("the order of the index")
    }
}

/// Refuses documents that are nested too deeply.
struct DepthGuard;

impl Operator for DepthGuard {
    fn push<'a>(&mut self, document: Document<'a>, _: &mut Context<'_>) -> Result<Flow<'a>> {
        let document = document.settled()?;
        if let Document::Made(value) = &document
            && crate::query::expression::is_too_deep(value)
        {
            let message = "Documents of a pipeline may be nested 1,000 deep";
            return Err(Error::new(ErrorCode::ResourceLimit, message));
        }
        Ok(Flow::Pass(document))
    }
}

/// Parses a list of stages.
pub(super) fn parse(
    value: &Value,
    names: Names<'_>,
    depth: usize,
    place: &Place<'_>,
) -> Result<Vec<Stage>> {
    parse_behind(Vec::new(), value, names, depth, place)
}

/// Parses a list of stages the first of which are known.
pub(super) fn parse_behind(
    mut stages: Vec<Stage>,
    value: &Value,
    names: Names<'_>,
    depth: usize,
    place: &Place<'_>,
) -> Result<Vec<Stage>> {
    let Value::Array(list) = value else {
        return Err(place.invalid("a pipeline is a list of stages"));
    };
    let hidden = search::hidden(names.variables);
    let mut known = Known::new(names, &hidden);
    for (at, item) in list.items.iter().enumerate().skip(stages.len()) {
        let place = place.index(at);
        parse_stage(item, known.next(item, &place), depth, &place, &mut stages)?;
    }
    if stages.len() > MAX_STAGES {
        return Err(place.invalid("a pipeline may have 1,000 stages"));
    }
    Ok(stages)
}

/// The name and operand of a stage.
pub(super) fn single<'v>(
    value: &'v Value,
    place: &Place<'_>,
) -> Result<(&'v Wtf8String, &'v Value)> {
    if let Value::Object(fields) = value
        && let ([name], [operand]) = (&fields.names()[..], fields.values())
    {
        return Ok((name, operand));
    }
    Err(place.invalid("a stage is an object with one operator, such as { $match: { a: 1 } }"))
}

fn parse_stage(
    value: &Value,
    names: Names<'_>,
    depth: usize,
    place: &Place<'_>,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let (name, operand) = single(value, place)?;
    let place = place.field(name);
    let count = |least: u64| match operand {
        Value::Number(number) if number.fract() == 0.0 && (least as f64..9e15).contains(number) => {
            Ok(*number as u64)
        }
        _ if least == 0 => Err(place.invalid("it needs a whole number that is not negative")),
        _ => Err(place.invalid("it needs a positive whole number")),
    };
    let stage = match name.as_str().unwrap_or_default() {
        "$match" => {
            let filter = Filter::parse_with(operand, names.variables, &place)?;
            Stage::Match(Match::new(filter))
        }
        "$sort" => Stage::Sort(sort_parts(operand, &place)?),
        "$skip" => Stage::Skip(count(0)?),
        "$limit" => Stage::Limit(count(1)?),
        "$project" => Stage::Reshape("$project", Reshape::project(operand, names, &place)?),
        "$set" => Stage::Reshape("$set", Reshape::set(operand, names, &place)?),
        "$addFields" => Stage::Reshape("$addFields", Reshape::set(operand, names, &place)?),
        "$unset" => Stage::Reshape("$unset", Reshape::unset(operand, &place)?),
        "$replaceWith" => {
            let expression = names.expression(operand, &place)?;
            Stage::Reshape("$replaceWith", Reshape::Replace(Box::new(expression)))
        }
        "$replaceRoot" => {
            let parts = Parts::of(operand, &["newRoot"], &[], &place)?;
            let expression = names.expression(parts.get("newRoot"), &place.word("newRoot"))?;
            Stage::Reshape("$replaceRoot", Reshape::Replace(Box::new(expression)))
        }
        "$unwind" => Stage::Unwind(Unwind::parse(operand, &place)?),
        "$group" => Stage::Group(Group::parse(operand, names, &place)?),
        "$bucket" => {
            stages.push(Stage::Group(bucket::parse(operand, names, &place)?));
            by_field("_id", false, &place)?
        }
        "$bucketAuto" => Stage::BucketAuto(BucketAuto::parse(operand, names, &place)?),
        "$sortByCount" => {
            let key = Key::parse(operand, names, &place)?;
            let input = Input::Constant(Value::Null);
            let accumulators = vec![Accumulator { kind: Kind::Count, input }];
            let fields: Arc<[Wtf8String]> = ["_id".into(), "count".into()].into();
            let group =
                Group { stage: "$sortByCount", key, names: fields, accumulators, streams: false };
            stages.push(Stage::Group(group));
            by_field("count", true, &place)?
        }
        "$count" => match operand {
            Value::String(name) if is_new_name(name) => Stage::Count(name.clone()),
            _ => return Err(place.invalid("it needs the name of a field, without $ and dots")),
        },
        "$distinct" => Stage::Distinct(Values::parse(operand, names, &place)?),
        "$sample" => {
            let parts = Parts::of(operand, &["size"], &[], &place)?;
            let size = positive(parts.get("size"));
            let wrong = || place.word("size").invalid("it needs a positive whole number");
            Stage::Sample(size.ok_or_else(wrong)?)
        }
        "$facet" => facet(operand, names, depth, &place)?,
        "$lookup" => Stage::Lookup(Arc::new(Lookup::parse(operand, names, depth, &place)?)),
        "$unionWith" => {
            let empty = list(Vec::new());
            let (store, pipeline) = match operand {
                Value::Object(_) => {
                    let parts = Parts::of(operand, &["coll"], &["pipeline"], &place)?;
                    (parts.get("coll"), parts.find("pipeline").unwrap_or(&empty))
                }
                store => (store, &empty),
            };
            let Value::String(store) = store else {
                return Err(place.invalid("it needs the name of a store"));
            };
            let nested = nested(store, pipeline, names, depth, &place.word("pipeline"))?;
            Stage::Union(Arc::new(nested))
        }
        "$setWindowFields" => Stage::Window(Arc::new(Window::parse(operand, names, &place)?)),
        "$vectorSearch" => {
            let why = "it has to be the first stage of aggregate, whose store it searches; it \
                       cannot stand in $lookup, $unionWith and $facet";
            return Err(place.invalid(why));
        }
        "$out" | "$merge" => return Err(place.invalid("it has to be the last stage of all")),
        _ => return Err(place.invalid("there is no such stage")),
    };
    stages.push(stage);
    Ok(())
}

fn is_new_name(name: &Wtf8String) -> bool {
    let bytes = name.as_bytes();
    !bytes.is_empty() && !bytes.starts_with(b"$") && !bytes.contains(&b'.')
}

fn sort_parts(value: &Value, place: &Place<'_>) -> Result<Vec<SortPart>> {
    let parts = sort::parse(value, place)?;
    if parts.is_empty() {
        return Err(place.invalid("it needs at least one field"));
    }
    Ok(parts)
}

fn by_field(name: &str, descending: bool, place: &Place<'_>) -> Result<Stage> {
    let path = crate::query::path::Path::parse(&name.into(), place)?;
    Ok(Stage::Sort(vec![SortPart { path, descending, greatest: descending, collation: None }]))
}

fn facet(value: &Value, names: Names<'_>, depth: usize, place: &Place<'_>) -> Result<Stage> {
    let Value::Object(fields) = value else {
        return Err(place.invalid("it needs an object of pipelines"));
    };
    if fields.names().is_empty() {
        return Err(place.invalid("it needs at least one pipeline"));
    }
    let mut pipelines = Vec::new();
    for (name, value) in fields.iter() {
        let place = place.field(name);
        if !is_new_name(name) {
            return Err(place.invalid("a field that is made may have no $ or dot in its name"));
        }
        pipelines.push(deeper(value, names, depth, &place)?);
    }
    Ok(Stage::Facet(fields.names().clone(), pipelines))
}

fn deeper(value: &Value, names: Names<'_>, depth: usize, place: &Place<'_>) -> Result<Vec<Stage>> {
    if depth >= MAX_NESTING {
        return Err(place.invalid("pipelines may nest 20 deep"));
    }
    parse(value, names, depth + 1, place)
}

/// Parses a pipeline over another store.
pub(super) fn nested(
    store: &Wtf8String,
    pipeline: &Value,
    names: Names<'_>,
    depth: usize,
    place: &Place<'_>,
) -> Result<Nested> {
    // What is known of this pipeline's documents is not of those.
    let hidden = search::hidden(names.variables);
    let stages = deeper(pipeline, Names { variables: &hidden }, depth, place)?;
    let (front, taken) = front(&stages);
    Ok(Nested { store: store.clone(), stages, front, taken })
}

/// What a query can answer of the first stages, and how many those are.
pub(super) fn front(stages: &[Stage]) -> (Front, usize) {
    let mut front = Front::default();
    let mut filters = Vec::new();
    let mut taken = 0;
    for stage in stages {
        let cut = front.skip > 0 || front.limit.is_some() || front.nearest.is_some();
        match stage {
            Stage::Search(search) => {
                filters.push(search.filter.clone());
                front.nearest = Some(search.nearest.clone());
            }
            Stage::Match(stage) if !cut && !stage.filter().uses_variables() => {
                filters.push(stage.filter().clone());
            }
            Stage::Sort(parts) if front.sort.is_empty() && !cut => front.sort.clone_from(parts),
            Stage::Skip(count) => {
                front.skip = front.skip.saturating_add(*count);
                front.limit = front.limit.map(|limit| limit.saturating_sub(*count));
            }
            Stage::Limit(count) => {
                front.limit = Some(front.limit.map_or(*count, |limit| limit.min(*count)));
            }
            _ => break,
        }
        taken += 1;
    }
    front.filter = match filters.len() {
        1 => filters.pop().unwrap_or_else(Filter::all),
        _ => Filter::And(filters),
    };
    (front, taken)
}

/// Adds the stores that stages read.
pub(super) fn collect_stores<'s>(stages: &'s [Stage], stores: &mut Vec<&'s Wtf8String>) {
    for stage in stages {
        let nested = match stage {
            Stage::Facet(_, pipelines) => {
                pipelines.iter().for_each(|stages| collect_stores(stages, stores));
                continue;
            }
            Stage::Lookup(lookup) => lookup.store(),
            Stage::Union(nested) => nested,
            _ => continue,
        };
        stores.push(&nested.store);
        collect_stores(&nested.stages, stores);
    }
}
