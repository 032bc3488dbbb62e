//! `$setWindowFields`.

use std::sync::Arc;

use super::accumulator::{Accumulator, Names, Parts};
use super::document::{Document, Input, Kept};
use super::execution::{Context, Drained, Flow, Operator};
use super::lookup::put;
use super::partition::{Held, Ordered};
use super::state::State;
use crate::error::{Error, ErrorCode, Result};
use crate::query::expression::field_path;
use crate::query::place::Place;
use crate::query::sort::{self, SortPart, push_key};
use crate::value::{FieldName, Value, root};

/// Fields that are made of the documents around each document.
#[derive(Debug)]
pub(super) struct Window {
    partition: Input,
    sort: Vec<SortPart>,
    outputs: Vec<Output>,
}

#[derive(Debug)]
struct Output {
    path: Vec<FieldName>,
    function: Function,
}

#[derive(Debug)]
enum Function {
    DocumentNumber,
    Rank,
    DenseRank,
    /// The value of the document so many behind.
    Shift {
        input: Input,
        by: i64,
        default: Value,
    },
    /// From a bound to a bound, counted from the document; `None` is the partition's end.
    Accumulate {
        accumulator: Accumulator,
        lower: Option<i64>,
        upper: Option<i64>,
    },
}

/// Documents that all windows together may visit again and again.
const MAX_VISITS: u64 = 1 << 30;

impl Window {
    /// Parses `{ partitionBy, sortBy, output }`.
    pub(super) fn parse(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let parts = Parts::of(value, &["output"], &["partitionBy", "sortBy"], place)?;
        let partition = match parts.find("partitionBy") {
            Some(value) => names.input(value, &place.word("partitionBy"))?,
            None => Input::Constant(Value::Null),
        };
        let sort = sort::parse(parts.get("sortBy"), &place.word("sortBy"))?;
        let place = place.word("output");
        let Value::Object(fields) = parts.get("output") else {
            return Err(place.invalid("it needs an object of fields"));
        };
        let mut outputs = Vec::new();
        for (name, value) in fields.iter() {
            let place = place.field(name);
            let path = field_path(name.as_bytes(), &place)?.segments().to_vec();
            let function = Function::parse(value, &sort, names, &place)?;
            outputs.push(Output { path, function });
        }
        Ok(Self { partition, sort, outputs })
    }
}

impl Function {
    fn parse(
        value: &Value,
        sort: &[SortPart],
        names: Names<'_>,
        place: &Place<'_>,
    ) -> Result<Self> {
        let wrong = || place.invalid("it needs an object with one function, and perhaps a window");
        let Value::Object(fields) = value else { return Err(wrong()) };
        let mut functions = fields.iter().filter(|(name, _)| name.as_bytes() != b"window");
        let (Some((name, operand)), None) = (functions.next(), functions.next()) else {
            return Err(wrong());
        };
        let window = fields.get(&"window".into());
        let here = place.field(name);
        let ranked = |function| match (operand, window) {
            _ if sort.is_empty() => Err(here.invalid("it needs sortBy")),
            (_, Some(_)) => Err(here.invalid("it takes no window")),
            (Value::Object(fields), None) if fields.names().is_empty() => Ok(function),
            _ => Err(here.invalid("it takes {}")),
        };
        match name.as_str() {
            Some("$documentNumber") => ranked(Self::DocumentNumber),
            Some("$rank") => ranked(Self::Rank),
            Some("$denseRank") => ranked(Self::DenseRank),
            Some("$shift") => {
                if sort.is_empty() || window.is_some() {
                    return Err(here.invalid("it needs sortBy, and takes no window"));
                }
                let parts = Parts::of(operand, &["output", "by"], &["default"], &here)?;
                let by = whole(parts.get("by"))
                    .ok_or_else(|| here.word("by").invalid("it needs a whole number"))?;
                let input = names.input(parts.get("output"), &here.word("output"))?;
                let default = parts.find("default").unwrap_or(&Value::Null);
                let default = names.expression(default, &here.word("default"))?;
                let default = default.constant().cloned();
                let default =
                    default.ok_or_else(|| here.word("default").invalid("it needs a constant"))?;
                Ok(Self::Shift { input, by, default })
            }
            _ => {
                let accumulator = Accumulator::named(name, operand, names, &here)?;
                accumulator.needs_constant(&here)?;
                let (lower, upper) = match window {
                    Some(window) => bounds(window, sort, &place.word("window"))?,
                    None => (None, None),
                };
                Ok(Self::Accumulate { accumulator, lower, upper })
            }
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Some(*number as i64)
        }
        _ => None,
    }
}

/// The bounds of `{ documents: [lower, upper] }`.
fn bounds(
    window: &Value,
    sort: &[SortPart],
    place: &Place<'_>,
) -> Result<(Option<i64>, Option<i64>)> {
    let parts = Parts::of(window, &["documents"], &[], place)?;
    let place = place.word("documents");
    let wrong = || place.invalid("it needs two bounds: \"unbounded\", \"current\" or a number");
    let Value::Array(list) = parts.get("documents") else { return Err(wrong()) };
    let [lower, upper] = &list.items[..] else { return Err(wrong()) };
    let bound = |value: &Value| match value {
        Value::String(text) if text.as_bytes() == b"unbounded" => Ok(None),
        Value::String(text) if text.as_bytes() == b"current" => Ok(Some(0)),
        other => whole(other).map(Some).ok_or_else(wrong),
    };
    let (lower, upper) = (bound(lower)?, bound(upper)?);
    if let (Some(lower), Some(upper)) = (lower, upper)
        && lower > upper
    {
        return Err(place.invalid("the lower bound is above the upper one"));
    }
    if (lower, upper) != (None, None) && sort.is_empty() {
        return Err(place.invalid("bounds need sortBy"));
    }
    Ok((lower, upper))
}

/// `$setWindowFields` at work.
pub(super) struct Windows {
    window: Arc<Window>,
    ordered: Ordered,
    /// The next document, and the partition that it is in.
    next: usize,
    partition: std::ops::Range<usize>,
    /// Of each output, what the partition has so far.
    running: Vec<Running>,
    rank: u64,
    dense_rank: u64,
    visits: u64,
}

/// What an output has of a partition so far.
#[derive(Default)]
struct Running {
    state: Option<State>,
    /// Up to where documents were taken.
    taken: usize,
    /// What all of the partition gives.
    whole: Option<Value>,
}

impl Windows {
    pub(super) fn new(window: Arc<Window>) -> Self {
        Self {
            window,
            ordered: Ordered::default(),
            next: 0,
            partition: 0..0,
            running: Vec::new(),
            rank: 0,
            dense_rank: 0,
            visits: 0,
        }
    }

    /// Finds the partition that begins at the next document.
    fn begin_partition(&mut self) {
        let first = self.ordered.held.get(self.next).map(partition_key);
        let rest = self.ordered.held.iter().skip(self.next);
        let count = rest.take_while(|held| Some(partition_key(held)) == first).count();
        self.partition = self.next..self.next + count;
        self.running = self.window.outputs.iter().map(|_| Running::default()).collect();
        (self.rank, self.dense_rank) = (0, 0);
    }

    /// Counts the next document's rank.
    fn count_rank(&mut self) {
        let key = |at: usize| self.ordered.held.get(at).map(Held::key);
        if self.next == self.partition.start || key(self.next) != key(self.next - 1) {
            self.rank = (self.next - self.partition.start) as u64 + 1;
            self.dense_rank += 1;
        }
    }

    fn value(&mut self, output: usize, context: &Context<'_>) -> Result<Value> {
        let window = Arc::clone(&self.window);
        let Some(output_spec) = window.outputs.get(output) else { return Ok(Value::Null) };
        let at = self.next;
        match &output_spec.function {
            Function::DocumentNumber => Ok(Value::Number((at - self.partition.start) as f64 + 1.0)),
            Function::Rank => Ok(Value::Number(self.rank as f64)),
            Function::DenseRank => Ok(Value::Number(self.dense_rank as f64)),
            Function::Shift { input, by, default } => {
                let other = (at as i64).checked_add(*by).and_then(|at| usize::try_from(at).ok());
                let other = other.filter(|at| self.partition.contains(at));
                match other.and_then(|at| self.ordered.held.get(at)) {
                    Some(held) => {
                        let document = held.document.document();
                        Ok(or_null(input.of(&document, context.view)?.into_value()?))
                    }
                    None => Ok(default.clone()),
                }
            }
            Function::Accumulate { accumulator, lower, upper } => {
                self.accumulate(output, accumulator, *lower, *upper, context)
            }
        }
    }

    fn accumulate(
        &mut self,
        output: usize,
        accumulator: &Accumulator,
        lower: Option<i64>,
        upper: Option<i64>,
        context: &Context<'_>,
    ) -> Result<Value> {
        let clamp = |bound: i64, plus: i64| {
            let place = (self.next as i64).saturating_add(bound).saturating_add(plus);
            let (start, end) = (self.partition.start as i64, self.partition.end as i64);
            place.clamp(start, end) as usize
        };
        let start = lower.map_or(self.partition.start, |bound| clamp(bound, 0));
        let end = upper.map_or(self.partition.end, |bound| clamp(bound, 1));
        let Some(running) = self.running.get_mut(output) else { return Ok(Value::Null) };
        if let Some(whole) = &running.whole {
            return Ok(whole.clone());
        }
        if running.state.is_none() || lower.is_some() {
            running.state = Some(State::new(&accumulator.kind, &Value::Null, context.view)?);
            running.taken = start;
        }
        let Some(state) = &mut running.state else { return Ok(Value::Null) };
        let held = self.ordered.held.get(running.taken..end).unwrap_or_default();
        self.visits += held.len() as u64;
        if self.visits > MAX_VISITS {
            let message = "$setWindowFields: windows of so many documents take too long; bound \
                           them more narrowly, or by \"unbounded\" on the lower side";
            return Err(Error::new(ErrorCode::ResourceLimit, message));
        }
        for held in held {
            state.add(accumulator, &held.document.document(), context.view)?;
        }
        running.taken = end.max(running.taken);
        let value = state.result(&accumulator.kind)?;
        if lower.is_none() && upper.is_none() {
            running.whole = Some(value.clone());
        }
        Ok(value)
    }
}

fn or_null(value: Value) -> Value {
    if matches!(value, Value::Undefined) { Value::Null } else { value }
}

/// The part of a document's order that tells its partition.
fn partition_key(held: &Held) -> &[u8] {
    // Its length stands at the end, before the document's number.
    let key = held.key();
    let (key, length) = key.split_at_checked(key.len().wrapping_sub(4)).unwrap_or((key, &[]));
    let length = <[u8; 4]>::try_from(length).map_or(0, u32::from_be_bytes);
    key.get(..length as usize).unwrap_or_default()
}

impl Operator for Windows {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let mut order = Vec::new();
        self.window.partition.of(&document, context.view)?.push_order(&mut order)?;
        let length = order.len() as u32;
        let (shapes, bytes) = document.encoded(context.view)?;
        push_key(&self.window.sort, root(&bytes)?, shapes, &mut order)?;
        let document = Kept::Stored(bytes.into(), Arc::clone(shapes));
        order.extend_from_slice(&length.to_be_bytes());
        self.ordered.push(order, document, context, "$setWindowFields")?;
        Ok(Flow::Absorbed)
    }

    fn finish(&mut self, _: &mut Context<'_>) -> Result<()> {
        self.ordered.sort();
        Ok(())
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        if self.next >= self.ordered.held.len() {
            return Ok(Drained::Empty);
        }
        if self.next >= self.partition.end {
            self.begin_partition();
        }
        self.count_rank();
        let mut values = Vec::with_capacity(self.window.outputs.len());
        for output in 0..self.window.outputs.len() {
            values.push(self.value(output, context)?);
        }
        let Some(held) = self.ordered.held.get(self.next) else { return Ok(Drained::Empty) };
        let mut made = held.document.document().into_value()?;
        for (output, value) in self.window.outputs.iter().zip(values) {
            put(&mut made, &output.path, value);
        }
        self.next += 1;
        Ok(Drained::Document(Kept::Made(made)))
    }
}
