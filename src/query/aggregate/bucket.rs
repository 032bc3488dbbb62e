//! `$bucket` and `$bucketAuto`.

use std::sync::Arc;

use super::accumulator::{Accumulator, Kind, Names, Parts, positive};
use super::document::{Document, Input, Kept};
use super::execution::{Context, Drained, Flow, Operator};
use super::group::{Buckets, Group, Key};
use super::partition::{Held, Ordered};
use super::state::State;
use crate::error::Result;
use crate::query::order::{self, Class};
use crate::query::place::Place;
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// What buckets hold: what is asked for, or how many documents there are.
fn add_output(
    group: &mut Group,
    output: Option<&Value>,
    names: Names<'_>,
    place: &Place<'_>,
) -> Result<()> {
    match output {
        Some(Value::Object(fields)) => group.add(fields.iter(), names, &place.word("output")),
        Some(_) => Err(place.word("output").invalid("it needs an object of accumulators")),
        None => {
            group.names = [Wtf8String::from("_id"), "count".into()].into();
            let input = Input::Constant(Value::Null);
            group.accumulators = vec![Accumulator { kind: Kind::Count, input }];
            Ok(())
        }
    }
}

/// Parses `$bucket`.
pub(super) fn parse(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Group> {
    let parts = Parts::of(value, &["groupBy", "boundaries"], &["default", "output"], place)?;
    let input = names.input(parts.get("groupBy"), &place.word("groupBy"))?;
    let here = place.word("boundaries");
    let Value::Array(list) = parts.get("boundaries") else {
        return Err(here.invalid("it needs a list of values"));
    };
    let mut boundaries = Vec::new();
    for (at, value) in list.items.iter().enumerate() {
        let here = here.index(at);
        let expression = names.expression(value, &here)?;
        let value = expression.constant().ok_or_else(|| here.invalid("it needs a constant"))?;
        let boundary = (order::bytes(value), value.clone());
        if let Some((before, last)) = boundaries.last()
            && (*before >= boundary.0 || Class::of(last) != Class::of(value))
        {
            return Err(here.invalid("boundaries are of one type, each above the one before"));
        }
        boundaries.push(boundary);
    }
    if boundaries.len() < 2 {
        return Err(here.invalid("it needs two boundaries or more"));
    }
    let default = match parts.find("default") {
        None => None,
        Some(value) => {
            let here = place.word("default");
            let expression = names.expression(value, &here)?;
            let value = expression.constant().ok_or_else(|| here.invalid("it needs a constant"))?;
            let order = order::bytes(value);
            let is_inside = boundaries.first().is_some_and(|(lowest, _)| order >= *lowest)
                && boundaries.last().is_some_and(|(highest, _)| order < *highest);
            if is_inside {
                return Err(here.invalid("it has to be outside of the boundaries"));
            }
            Some(value.clone())
        }
    };
    let key = Key::Bucket(input, Buckets { boundaries, default });
    let mut group = Group {
        stage: "$bucket",
        key,
        names: [Wtf8String::from("_id")].into(),
        accumulators: vec![],
        streams: false,
    };
    add_output(&mut group, parts.find("output"), names, place)?;
    Ok(group)
}

/// `$bucketAuto`.
#[derive(Debug, Clone)]
pub(super) struct BucketAuto {
    /// Its key is what documents are ordered by.
    group: Group,
    input: Input,
    buckets: usize,
}

impl BucketAuto {
    pub(super) fn parse(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let parts = Parts::of(value, &["groupBy", "buckets"], &["output"], place)?;
        let input = names.input(parts.get("groupBy"), &place.word("groupBy"))?;
        let buckets = positive(parts.get("buckets"))
            .ok_or_else(|| place.word("buckets").invalid("it needs a positive number"))?;
        let key = Key::One(input.clone());
        let mut group = Group {
            stage: "$bucketAuto",
            key,
            names: [Wtf8String::from("_id")].into(),
            accumulators: vec![],
            streams: false,
        };
        add_output(&mut group, parts.find("output"), names, place)?;
        let outputs = group.names.iter().skip(1).zip(&group.accumulators);
        for (name, accumulator) in outputs {
            accumulator.needs_constant(&place.word("output").field(name))?;
        }
        Ok(Self { group, input, buckets })
    }

    pub(super) fn operator(&self) -> Box<dyn Operator> {
        Box::new(Bucketing { spec: self.clone(), ordered: Ordered::default(), given: 0, next: 0 })
    }
}

/// `$bucketAuto` at work.
struct Bucketing {
    spec: BucketAuto,
    ordered: Ordered,
    /// Buckets that were given.
    given: usize,
    /// The first document of the next bucket.
    next: usize,
}

impl Bucketing {
    /// Where the bucket ends that begins at the next document.
    fn end(&self) -> usize {
        let total = self.ordered.held.len();
        if self.given + 1 >= self.spec.buckets {
            return total;
        }
        let size = (total as f64 / self.spec.buckets as f64).round().max(1.0) as usize;
        let mut end = self.next.saturating_add(size).min(total);
        let key = |at: usize| self.ordered.held.get(at).map(Held::key);
        // Equal values share a bucket.
        while end < total && key(end) == key(end - 1) {
            end += 1;
        }
        end
    }

    fn value(&self, at: usize, context: &Context<'_>) -> Result<Value> {
        let Some(held) = self.ordered.held.get(at) else { return Ok(Value::Null) };
        let document = held.document.document();
        match self.spec.input.of(&document, context.view)?.into_value()? {
            Value::Undefined => Ok(Value::Null),
            value => Ok(value),
        }
    }
}

impl Operator for Bucketing {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let mut order = Vec::new();
        self.spec.input.of(&document, context.view)?.push_order(&mut order)?;
        let document = document.into_encoded(context.view)?;
        self.ordered.push(order, document, context, "$bucketAuto")?;
        Ok(Flow::Absorbed)
    }

    fn finish(&mut self, _: &mut Context<'_>) -> Result<()> {
        self.ordered.sort();
        Ok(())
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        let (start, end, total) = (self.next, self.end(), self.ordered.held.len());
        if start >= total {
            return Ok(Drained::Empty);
        }
        let accumulators = &self.spec.group.accumulators;
        let new = |each: &Accumulator| State::new(&each.kind, &Value::Null, context.view);
        let states = accumulators.iter().map(new);
        let mut states: Vec<State> = states.collect::<Result<_>>()?;
        for held in self.ordered.held.get(start..end).unwrap_or_default() {
            let document = held.document.document();
            for (state, accumulator) in states.iter_mut().zip(accumulators) {
                state.add(accumulator, &document, context.view)?;
            }
        }
        let highest = if end < total { end } else { total - 1 };
        let range = vec![self.value(start, context)?, self.value(highest, context)?];
        let names: Arc<[Wtf8String]> = ["min".into(), "max".into()].into();
        let range = Value::Object(Fields::from_parts(names, range).unwrap_or_default());
        let mut values = vec![range];
        for (state, accumulator) in states.iter().zip(accumulators) {
            values.push(state.result(&accumulator.kind)?);
        }
        self.next = end;
        self.given += 1;
        let names = self.spec.group.names.clone();
        let fields = Fields::from_parts(names, values).unwrap_or_default();
        Ok(Drained::Document(Kept::Made(Value::Object(fields))))
    }
}
