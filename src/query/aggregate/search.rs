//! Pipelines over the documents that are nearest to a vector: `$vectorSearch`, and what `$meta`
//! tells the stages behind it.
//!
//! What a search found of a document are two variables from outside, which have the document's
//! values while it goes through the chain. Stages that let documents wait would see those of
//! another one, so that behind them `$meta` is refused.

use super::accumulator::Names;
use super::stage::{Stage, single};
use crate::error::Result;
use crate::query::expression::measure_variable;
use crate::query::filter::Filter;
use crate::query::nearest::{Measure, Nearest, Words, part};
use crate::query::place::Place;
use crate::value::Value;
use crate::vector::EF;
use crate::wtf8::Wtf8String;

/// A search in front of a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub(super) name: &'static str,
    pub(super) nearest: Nearest,
    /// What documents have to be.
    pub(super) filter: Filter,
}

/// Stages that a document goes through at once.
const PASSING: [&str; 11] = [
    "$match",
    "$skip",
    "$limit",
    "$project",
    "$set",
    "$addFields",
    "$unset",
    "$replaceWith",
    "$replaceRoot",
    "$unwind",
    "$lookup",
];

impl Search {
    /// Parses the first stage of a pipeline, if it is a search: `$vectorSearch`, or `$match` with
    /// `$vector` in it.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub(super) fn parse(stage: &Value, place: &Place<'_>) -> Result<Option<Self>> {
        let Ok((name, operand)) = single(stage, place) else { return Ok(None) };
        let place = place.field(name);
        match name.as_str() {
            Some("$vectorSearch") => Self::stage(operand, &place).map(Some),
            Some("$match") if Nearest::is_in(operand) => {
                let mut filter = operand.clone();
                let nearest = Nearest::split_off(&mut filter, &place)?;
                let filter = Filter::parse(&filter, &place)?;
                Ok(nearest.map(|nearest| Self { name: "$match", nearest, filter }))
            }
            _ => Ok(None),
        }
    }

    fn stage(operand: &Value, place: &Place<'_>) -> Result<Self> {
        let mut nearest = Nearest::parse(operand, Words::STAGE, place)?;
        let Value::Object(fields) = operand else {
            return Err(place.invalid("it has to be an object"));
        };
        if matches!(part(fields, "limit"), Value::Undefined) {
            let why = "it has to say how many documents are wanted";
            return Err(place.word("limit").invalid(why));
        }
        match part(fields, "numCandidates") {
            Value::Undefined => {}
            Value::Number(number)
                if number.fract() == 0.0 && (nearest.k as f64..=1e6).contains(number) =>
            {
                let ef = (*number as u32).clamp(*EF.start(), *EF.end());
                nearest.ef_search = usize::try_from(ef).ok();
            }
            _ => {
                let why = "it has to be an integer from limit on, 1,000,000 at most";
                return Err(place.word("numCandidates").invalid(why));
            }
        }
        let filter = match part(fields, "filter") {
            Value::Undefined => Filter::all(),
            filter => Filter::parse(filter, &place.word("filter"))?,
        };
        Ok(Self { name: "$vectorSearch", nearest, filter })
    }
}

/// The variables that stages behind a search know.
pub(super) fn variables() -> Vec<Wtf8String> {
    Measure::ALL.into_iter().map(measure_variable).collect()
}

/// The same number of variables, none of which can be named where measures were.
pub(super) fn hidden(variables: &[Wtf8String]) -> Vec<Wtf8String> {
    let measures = self::variables();
    let hide = |name: &Wtf8String| match measures.contains(name) {
        true => Wtf8String::from("$meta."),
        false => name.clone(),
    };
    variables.iter().map(hide).collect()
}

/// The variables that the stages of a list know, one after the other.
pub(super) struct Known<'n> {
    names: Names<'n>,
    hidden: Names<'n>,
    waited: bool,
}

impl<'n> Known<'n> {
    /// Of a list whose first stage knows `names`; `hidden` are the same without measures.
    pub(super) fn new(names: Names<'n>, hidden: &'n [Wtf8String]) -> Self {
        Self { names, hidden: Names { variables: hidden }, waited: false }
    }

    /// What the next stage knows.
    pub(super) fn next(&mut self, stage: &Value, place: &Place<'_>) -> Names<'n> {
        let name = single(stage, place).ok().and_then(|(name, _)| name.as_str());
        let passes = name.is_some_and(|name| PASSING.contains(&name));
        // What a group is made of is made as its documents come.
        let names = if !self.waited && (passes || name == Some("$group")) {
            self.names
        } else {
            self.hidden
        };
        self.waited |= !passes;
        names
    }
}

impl Stage {
    /// The search, if it is one.
    pub(super) fn as_search(&self) -> Option<&Search> {
        match self {
            Self::Search(search) => Some(search),
            _ => None,
        }
    }
}
