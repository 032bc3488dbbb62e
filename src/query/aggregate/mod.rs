//! Aggregation: documents that go through a pipeline of stages.
//!
//! The language is MongoDB's
//! (<https://www.mongodb.com/docs/manual/reference/operator/aggregation-pipeline/>), as far as
//! `docs/query-contract.md` says. A pipeline is parsed once ([`Pipeline::parse`]); what a query can
//! answer of it is split off ([`Pipeline::split_front`]), and the rest runs over the documents that
//! the query gives ([`Execution`]), one after the other, as far as its stages allow. Documents stay
//! encoded until a stage changes them.

mod accumulator;
mod bucket;
mod document;
mod execution;
mod group;
mod grouping;
mod lookup;
mod nested;
mod output;
mod partition;
mod picking;
mod remembered;
mod report;
mod reshape;
mod search;
mod simple;
mod sorting;
mod sources;
mod stage;
mod state;
#[cfg(test)]
mod tests;
mod tree;
mod window;

pub use execution::{DEFAULT_MEMORY, Execution, Limits, Pulled};
pub use grouping::Grouping;
pub use output::{Merge, Output, WhenMatched, WhenNotMatched};
pub use report::{Examined, Read, StageReport, Work};
pub use sources::{ByKey, Front, Next, NoSources, Source, Sources};

use self::accumulator::Names;
use self::execution::Chain;
use self::search::Search;
use self::stage::Stage;
use super::place::Place;
use crate::error::Result;
use crate::value::{Array, Value};
use crate::wtf8::Wtf8String;

/// A parsed pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    stages: Vec<Stage>,
    output: Option<Output>,
    /// Whether it began with a search.
    searches: bool,
}

impl Pipeline {
    /// Parses a list of stages.
    ///
    /// # Errors
    /// `INVALID_QUERY` with the path of what cannot be understood.
    pub fn parse(value: &Value, place: &Place<'_>) -> Result<Self> {
        let mut value = std::borrow::Cow::Borrowed(value);
        let mut output = None;
        // The last stage may write.
        if let Value::Array(list) = &*value
            && let Some((last, before)) = list.items.split_last()
        {
            let place = place.index(before.len());
            if let Ok((name, operand)) = stage::single(last, &place) {
                let place = place.field(name);
                output = match name.as_str() {
                    Some("$out") => Some(Output::replace(operand, &place)?),
                    Some("$merge") => Some(Output::merge(operand, &place)?),
                    _ => None,
                };
            }
            if output.is_some() {
                let items = before.to_vec();
                value = std::borrow::Cow::Owned(Value::Array(Array { items, fields: None }));
            }
        }
        let first = match &*value {
            Value::Array(list) => list.items.first(),
            _ => None,
        };
        let search = first.map(|first| Search::parse(first, &place.index(0))).transpose()?;
        let stages = match search.flatten() {
            None => stage::parse(&value, Names { variables: &[] }, 0, place)?,
            Some(search) => {
                let variables = search::variables();
                let names = Names { variables: &variables };
                let first = vec![Stage::Search(Box::new(search))];
                stage::parse_behind(first, &value, names, 0, place)?
            }
        };
        let searches = stages.first().is_some_and(|stage| stage.as_search().is_some());
        Ok(Self { stages, output, searches })
    }

    /// Parses a pipeline that changes single documents, with variables.
    ///
    /// # Errors
    /// `INVALID_QUERY` with the path of what cannot be understood, or changes more.
    pub fn parse_update(
        value: &Value,
        variables: &[Wtf8String],
        place: &Place<'_>,
    ) -> Result<Self> {
        let stages = stage::parse(value, Names { variables }, 0, place)?;
        if let Some(at) = stages.iter().position(|stage| !matches!(stage, Stage::Reshape(..))) {
            let why = "only $set, $unset, $project and $replaceWith change single documents";
            return Err(place.index(at).invalid(why));
        }
        Ok(Self { stages, output: None, searches: false })
    }

    /// Splits off what a query can answer of the first stages.
    pub fn split_front(&mut self) -> Front {
        let (front, taken) = stage::front(&self.stages);
        self.stages.drain(..taken);
        front
    }

    /// The names of the stages.
    pub fn stages(&self) -> impl Iterator<Item = &'static str> {
        self.stages.iter().map(Stage::name)
    }

    /// Whether documents pass as they are.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Where the documents are written, if they are.
    pub fn output(&self) -> Option<&Output> {
        self.output.as_ref()
    }

    /// The other stores that are read.
    pub fn stores(&self) -> Vec<&Wtf8String> {
        let mut stores = Vec::new();
        stage::collect_stores(&self.stages, &mut stores);
        stores
    }

    /// The variables that the stages know of a search, before it has found anything.
    fn variables(&self) -> Vec<Value> {
        let count = if self.searches { search::variables().len() } else { 0 };
        vec![Value::Undefined; count]
    }

    fn chain(&self) -> Chain {
        stage::chain(&self.stages)
    }
}
