//! `$group`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::accumulator::{Accumulator, Names};
use super::document::{Document, Input, Kept, Operand};
use super::execution::{Context, Drained, Flow, Operator, View};
use super::report::Work;
use super::state::State;
use crate::error::{Error, ErrorCode, Result};
use crate::query::order;
use crate::query::place::Place;
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// What documents are grouped by, and what is made of the groups.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The stage's name.
    pub(super) stage: &'static str,
    pub(super) key: Key,
    /// The key's name, then those of the accumulators.
    pub(super) names: Arc<[Wtf8String]>,
    pub(super) accumulators: Vec<Accumulator>,
    /// Whether the documents of a group come together, so that it can be given when the next one
    /// begins.
    pub(super) streams: bool,
}

/// What documents are grouped by.
#[derive(Debug, Clone)]
pub(super) enum Key {
    One(Input),
    /// An object of values, each compared by itself.
    Object(Arc<[Wtf8String]>, Vec<Input>),
    Bucket(Input, Buckets),
}

/// Ranges of values, each with its lower boundary.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    /// Ascending, each with the bytes by which it is compared.
    pub(super) boundaries: Vec<(Vec<u8>, Value)>,
    /// What values outside of the ranges belong to.
    pub(super) default: Option<Value>,
}

impl Buckets {
    fn find(&self, operand: &Operand<'_>) -> Result<&Value> {
        let mut order = Vec::new();
        operand.push_order(&mut order)?;
        let above = self.boundaries.partition_point(|(boundary, _)| *boundary <= order);
        let inside = above < self.boundaries.len();
        let lower = above.checked_sub(1).filter(|_| inside);
        let lower = lower.and_then(|at| self.boundaries.get(at)).map(|(_, value)| value);
        lower.or(self.default.as_ref()).ok_or_else(|| {
            let message = "$bucket: a value is outside of the boundaries, and there is no default";
            Error::new(ErrorCode::Expression, message)
        })
    }
}

impl Group {
    /// Parses `{ _id: …, total: { $sum: … } }`.
    pub(super) fn parse(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let Value::Object(fields) = value else {
            return Err(place.invalid("it needs an object with _id and accumulators"));
        };
        let id = Wtf8String::from("_id");
        let Some(key) = fields.get(&id) else { return Err(place.invalid("it needs _id")) };
        let key = Key::parse(key, names, &place.word("_id"))?;
        let others = fields.iter().filter(|(name, _)| **name != id);
        let mut group = Self {
            stage: "$group",
            key,
            names: [id.clone()].into(),
            accumulators: vec![],
            streams: false,
        };
        group.add(others, names, place)?;
        Ok(group)
    }

    /// Adds accumulators.
    pub(super) fn add<'v>(
        &mut self,
        fields: impl Iterator<Item = (&'v Wtf8String, &'v Value)>,
        names: Names<'_>,
        place: &Place<'_>,
    ) -> Result<()> {
        let mut all = self.names.to_vec();
        for (name, value) in fields {
            let place = place.field(name);
            if name.as_bytes().starts_with(b"$") || name.as_bytes().contains(&b'.') {
                return Err(place.invalid("a field that is made may have no $ or dot in its name"));
            }
            self.accumulators.push(Accumulator::parse(value, names, &place)?);
            all.push(name.clone());
        }
        self.names = all.into();
        Ok(())
    }

    pub(super) fn operator(&self) -> Box<dyn Operator> {
        Box::new(Groups {
            group: self.clone(),
            places: HashMap::new(),
            keys: Vec::new(),
            states: Vec::new(),
            scratch: Vec::new(),
            drained: 0,
            held: 0,
            table: 0,
            sizes: Vec::new(),
            run: Vec::new(),
            ready: VecDeque::new(),
            ended: false,
        })
    }
}

impl Key {
    pub(super) fn parse(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let expression = names.expression(value, place)?;
        Ok(match expression.into_object() {
            Ok((names, parts)) => Self::Object(names, parts.into_iter().map(Input::from).collect()),
            Err(expression) => Self::One(expression.into()),
        })
    }

    /// Appends the bytes by which the keys of documents are compared.
    #[inline]
    pub(super) fn push(
        &self,
        document: &Document<'_>,
        view: View<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match self {
            Self::One(input) => input.of(document, view)?.push_order(out),
            Self::Bucket(input, buckets) => {
                order::push(buckets.find(&input.of(document, view)?)?, out);
                Ok(())
            }
            Self::Object(_, inputs) => {
                for input in inputs {
                    let operand = input.of(document, view)?;
                    // An object without a field is another one than an object with null there.
                    if operand.is_missing()? {
                        out.push(0);
                    } else {
                        out.push(1);
                        operand.push_order(out)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Appends the bytes that documents share which an index has together: to it null and missing
    /// are the same.
    fn push_run(&self, document: &Document<'_>, view: View<'_>, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Object(_, inputs) => {
                inputs.iter().try_for_each(|input| input.of(document, view)?.push_order(out))
            }
            _ => self.push(document, view, out),
        }
    }

    /// The key of a document.
    pub(super) fn value(&self, document: &Document<'_>, view: View<'_>) -> Result<Value> {
        match self {
            Self::One(input) => Ok(match input.of(document, view)?.into_value()? {
                Value::Undefined => Value::Null,
                value => value,
            }),
            Self::Bucket(input, buckets) => buckets.find(&input.of(document, view)?).cloned(),
            Self::Object(names, inputs) => {
                let mut found = Vec::new();
                let mut values = Vec::new();
                for (name, input) in names.iter().zip(inputs) {
                    let operand = input.of(document, view)?;
                    if !operand.is_missing()? {
                        found.push(name.clone());
                        values.push(operand.into_value()?);
                    }
                }
                let names = if found.len() == names.len() { names.clone() } else { found.into() };
                Ok(Value::Object(Fields::from_parts(names, values).unwrap_or_default()))
            }
        }
    }
}

/// The groups so far.
struct Groups {
    group: Group,
    /// The place of each group.
    places: HashMap<Box<[u8]>, usize>,
    /// The key of each group.
    keys: Vec<Value>,
    /// The states of each group's accumulators, one group after the other.
    states: Vec<State>,
    scratch: Vec<u8>,
    drained: usize,
    /// The memory that is counted.
    held: usize,
    /// What of it the table of places takes.
    table: usize,
    /// What of it the key and the values of each group take.
    sizes: Vec<usize>,
    /// What the documents that came last have in common, if groups are given one by one.
    run: Vec<u8>,
    /// The rows of groups that have all their documents.
    ready: VecDeque<Value>,
    /// Whether no more documents come.
    ended: bool,
}

impl Groups {
    /// The place of the document's group, which is made if there is none.
    #[inline]
    fn place(&mut self, document: &Document<'_>, context: &mut Context<'_>) -> Result<usize> {
        self.scratch.clear();
        self.group.key.push(document, context.view, &mut self.scratch)?;
        if let Some(place) = self.places.get(&self.scratch[..]) {
            return Ok(*place);
        }
        let key = self.group.key.value(document, context.view)?;
        let states = self.group.accumulators.len() * size_of::<State>();
        let table = self.scratch.len() + 64;
        let size = crate::query::expression::weigh(&key);
        context.memory.take(table + size + states, self.group.stage)?;
        self.held += table + size + states;
        self.table += table;
        self.sizes.push(size);
        let place = self.keys.len();
        for accumulator in &self.group.accumulators {
            self.states.push(State::new(&accumulator.kind, &key, context.view)?);
        }
        self.keys.push(key);
        self.places.insert(self.scratch.as_slice().into(), place);
        Ok(place)
    }

    /// Makes the rows of all groups if the document is of none of them.
    fn begin_run(&mut self, document: &Document<'_>, context: &mut Context<'_>) -> Result<()> {
        self.scratch.clear();
        self.group.key.push_run(document, context.view, &mut self.scratch)?;
        if self.scratch == self.run {
            return Ok(());
        }
        std::mem::swap(&mut self.scratch, &mut self.run);
        for at in 0..self.keys.len() {
            let row = self.row(at)?;
            self.ready.push_back(row);
        }
        self.keys.clear();
        self.states.clear();
        self.places.clear();
        self.sizes.clear();
        self.table = 0;
        context.memory.give(std::mem::take(&mut self.held));
        Ok(())
    }

    /// Gives back memory that is free again.
    fn give(&mut self, bytes: usize, context: &mut Context<'_>) {
        let bytes = bytes.min(self.held);
        self.held -= bytes;
        context.memory.give(bytes);
    }

    /// The row of a group, which is not used any more.
    fn row(&mut self, at: usize) -> Result<Value> {
        let count = self.group.accumulators.len();
        let mut values = Vec::with_capacity(count + 1);
        let key = match self.keys.get_mut(at) {
            Some(key) => std::mem::replace(key, Value::Null),
            None => Value::Null,
        };
        values.push(key);
        let states = self.states.iter_mut().skip(at * count).take(count);
        for (state, accumulator) in states.zip(&self.group.accumulators) {
            values.push(state.result(&accumulator.kind)?);
            *state = State::Count(0);
        }
        let fields = Fields::from_parts(self.group.names.clone(), values).unwrap_or_default();
        Ok(Value::Object(fields))
    }
}

impl Operator for Groups {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        if self.group.streams {
            self.begin_run(&document, context)?;
        }
        let place = self.place(&document, context)?;
        let count = self.group.accumulators.len();
        let states = self.states.get_mut(place * count..(place + 1) * count).unwrap_or_default();
        for (state, accumulator) in states.iter_mut().zip(&self.group.accumulators) {
            let change = state.add(accumulator, &document, context.view)?;
            if change == 0 {
                continue;
            }
            if change > 0 {
                context.memory.take(change as usize, self.group.stage)?;
            } else {
                context.memory.give(change.unsigned_abs());
            }
            self.held = self.held.saturating_add_signed(change);
            if let Some(size) = self.sizes.get_mut(place) {
                *size = size.saturating_add_signed(change);
            }
        }
        Ok(if self.ready.is_empty() { Flow::Absorbed } else { Flow::Pending })
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<()> {
        self.places = HashMap::new();
        let table = std::mem::take(&mut self.table);
        self.give(table, context);
        self.ended = true;
        Ok(())
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        if let Some(row) = self.ready.pop_front() {
            return Ok(Drained::Document(Kept::Made(row)));
        }
        if !self.ended {
            return Ok(Drained::Empty);
        }
        let Some(size) = self.sizes.get(self.drained).copied() else {
            (self.keys, self.states, self.sizes) = Default::default();
            self.give(self.held, context);
            return Ok(Drained::Empty);
        };
        let row = self.row(self.drained)?;
        self.drained += 1;
        self.give(size, context);
        Ok(Drained::Document(Kept::Made(row)))
    }

    fn work(&self) -> Work {
        Work::by(if self.group.streams { "stream" } else { "hash" })
    }
}
