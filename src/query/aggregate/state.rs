//! What accumulators have so far.

use std::borrow::Cow;
use std::collections::{BinaryHeap, HashSet, VecDeque};

use super::accumulator::{Accumulator, Kind};
use super::document::{Document, Operand};
use super::execution::View;
use crate::error::{Error, ErrorCode, Result};
use crate::key::invert_from;
use crate::query::expression::{Deviation, FieldList, Number, Sum, percentiles, weigh};
use crate::query::sort;
use crate::value::{Array, Value, root};

/// What an accumulator has of a group.
#[derive(Debug)]
pub(super) enum State {
    Sum(Sum),
    Average(Sum),
    Extreme(Option<Box<Extreme>>),
    Count(u64),
    First(Option<Value>),
    Last(Value),
    Push(Vec<Value>),
    Set(Box<(HashSet<Vec<u8>>, Vec<Value>)>),
    Merge(Box<FieldList>),
    Deviation(Deviation),
    /// So many values at most.
    Queue(usize, VecDeque<Value>),
    Ranked(Box<Ranked>),
    Numbers(Vec<f64>),
}

/// The least or greatest value, with the bytes by which it is compared.
#[derive(Debug)]
pub(super) struct Extreme {
    order: Vec<u8>,
    value: Value,
}

/// The values with the least orders.
#[derive(Debug, Default)]
pub(super) struct Ranked {
    /// How many are kept.
    count: usize,
    /// The greatest on top. Values do not take part in the comparison: orders differ.
    heap: BinaryHeap<Entry>,
    seen: u64,
}

#[derive(Debug)]
struct Entry {
    order: Vec<u8>,
    value: Value,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

impl State {
    /// What an accumulator begins with in a group.
    ///
    /// # Errors
    /// `EXPRESSION` if it is not known how many values it keeps of that group.
    pub(super) fn new(kind: &Kind, group: &Value, view: View<'_>) -> Result<Self> {
        Ok(match kind {
            Kind::Sum => Self::Sum(Sum::default()),
            Kind::Average => Self::Average(Sum::default()),
            Kind::Min | Kind::Max => Self::Extreme(None),
            Kind::Count => Self::Count(0),
            Kind::First => Self::First(None),
            Kind::Last => Self::Last(Value::Null),
            Kind::Push => Self::Push(Vec::new()),
            Kind::AddToSet => Self::Set(Box::default()),
            Kind::MergeObjects => Self::Merge(Box::default()),
            Kind::Deviation { .. } => Self::Deviation(Deviation::default()),
            Kind::FirstN(count) | Kind::LastN(count) => {
                Self::Queue(count.of(group, view)?, VecDeque::new())
            }
            Kind::Extremes { count, .. } | Kind::Ranked { count, .. } => {
                Self::Ranked(Box::new(Ranked {
                    count: count.of(group, view)?,
                    ..Ranked::default()
                }))
            }
            Kind::Median | Kind::Percentiles(_) => Self::Numbers(Vec::new()),
        })
    }

    /// Takes a document; returns how many more bytes of memory are held.
    #[inline]
    pub(super) fn add(
        &mut self,
        accumulator: &Accumulator,
        document: &Document<'_>,
        view: View<'_>,
    ) -> Result<isize> {
        if let Self::Count(count) = self {
            *count += 1;
            return Ok(0);
        }
        if let Self::Sum(sum) | Self::Average(sum) = self
            && let Some(number) = accumulator.input.number(document)?
        {
            sum.add_f64(number);
            return Ok(0);
        }
        if let Self::First(Some(_)) = self {
            return Ok(0);
        }
        let operand = accumulator.input.of(document, view)?;
        match self {
            Self::Sum(sum) | Self::Average(sum) => match operand.number()? {
                Some(number) => sum.add_f64(number),
                None => sum.add(&operand.into_value()?),
            },
            Self::Numbers(numbers) => {
                let value = operand.into_value()?;
                let number = Number::of(&value).map(|number| number.to_f64());
                if let Some(number) = number.filter(|number| !number.is_nan()) {
                    numbers.push(number);
                    return Ok(size_of::<f64>() as isize);
                }
            }
            Self::Deviation(deviation) => deviation.add(&operand.into_value()?),
            _ => return self.hold(accumulator, operand, document, view),
        }
        Ok(0)
    }

    /// Takes a value that may have to be held.
    fn hold(
        &mut self,
        accumulator: &Accumulator,
        operand: Operand<'_>,
        document: &Document<'_>,
        view: View<'_>,
    ) -> Result<isize> {
        let size = |value: &Value| weigh(value) as isize;
        Ok(match (self, &accumulator.kind) {
            (Self::Extreme(best), kind) => {
                if operand.is_nullish()? {
                    return Ok(0);
                }
                let mut order = Vec::new();
                operand.push_order(&mut order)?;
                let greatest = matches!(kind, Kind::Max);
                let is_better = |best: &Extreme| match greatest {
                    true => order > best.order,
                    false => order < best.order,
                };
                if !best.as_deref().is_none_or(is_better) {
                    return Ok(0);
                }
                let value = operand.into_value()?;
                let held = |best: &Extreme| size(&best.value) + best.order.len() as isize;
                let before = best.as_deref().map_or(0, held);
                let now = Extreme { order, value };
                let change = held(&now) - before;
                *best = Some(Box::new(now));
                change
            }
            (Self::First(first), _) => {
                let value = or_null(operand.into_value()?);
                let held = size(&value);
                *first = Some(value);
                held
            }
            (Self::Last(last), _) => {
                let value = or_null(operand.into_value()?);
                let change = size(&value) - size(last);
                *last = value;
                change
            }
            (Self::Push(values), _) => {
                if operand.is_missing()? {
                    return Ok(0);
                }
                let value = operand.into_value()?;
                let held = size(&value);
                values.push(value);
                held
            }
            (Self::Set(set), _) => {
                if operand.is_missing()? {
                    return Ok(0);
                }
                let mut order = Vec::new();
                operand.push_order(&mut order)?;
                let bytes = order.len() as isize + 48;
                if !set.0.insert(order) {
                    return Ok(0);
                }
                let value = operand.into_value()?;
                let held = size(&value) + bytes;
                set.1.push(value);
                held
            }
            (Self::Merge(merged), _) => match operand.into_value()? {
                Value::Null | Value::Undefined => 0,
                Value::Object(fields) => {
                    let mut change = 0;
                    for (name, value) in fields.iter() {
                        change += size(value);
                        change -= match merged.set(name, Cow::Borrowed(value)) {
                            Some(before) => size(&before),
                            None => -(name.as_bytes().len() as isize),
                        };
                    }
                    change
                }
                _ => {
                    let message = "$mergeObjects: it needs objects";
                    return Err(Error::new(ErrorCode::Expression, message));
                }
            },
            (Self::Queue(most, queue), kind) => {
                if matches!(kind, Kind::FirstN(_)) && queue.len() >= *most {
                    return Ok(0);
                }
                let value = or_null(operand.into_value()?);
                let mut change = size(&value);
                if queue.len() >= *most {
                    change -= queue.pop_front().as_ref().map_or(0, size);
                }
                queue.push_back(value);
                change
            }
            (Self::Ranked(ranked), Kind::Extremes { greatest, .. }) => {
                if operand.is_nullish()? {
                    return Ok(0);
                }
                let mut order = Vec::new();
                operand.push_order(&mut order)?;
                if *greatest {
                    invert_from(&mut order, 0);
                }
                ranked.offer(order, operand, false)?
            }
            (Self::Ranked(ranked), Kind::Ranked { sort: by, bottom, .. }) => {
                let mut order = Vec::new();
                let (shapes, bytes) = document.encoded(view)?;
                sort::push_key(by, root(&bytes)?, shapes, &mut order)?;
                ranked.offer(order, operand, *bottom)?
            }
            _ => 0,
        })
    }

    /// What comes of all documents.
    ///
    /// # Errors
    /// `EXPRESSION` if BigInts and fractions were added up.
    pub(super) fn result(&self, kind: &Kind) -> Result<Value> {
        Ok(match self {
            Self::Sum(sum) => sum
                .total()
                .map_err(|error| Error::new(error.code(), format!("$sum: {}", error.message())))?,
            Self::Average(sum) => sum.average(),
            Self::Extreme(best) => best.as_ref().map_or(Value::Null, |best| best.value.clone()),
            Self::Count(count) => Value::Number(*count as f64),
            Self::First(first) => first.clone().unwrap_or(Value::Null),
            Self::Last(last) => last.clone(),
            Self::Push(values) => list(values.clone()),
            Self::Set(set) => list(set.1.clone()),
            Self::Merge(merged) => merged.clone().finish(),
            Self::Deviation(deviation) => {
                deviation.finish(matches!(kind, Kind::Deviation { is_sample: true }))
            }
            Self::Queue(_, queue) => list(queue.iter().cloned().collect()),
            Self::Ranked(ranked) => ranked.result(kind),
            Self::Numbers(numbers) => {
                let mut numbers = numbers.clone();
                match kind {
                    Kind::Percentiles(at) => list(percentiles(&mut numbers, at)),
                    _ => percentiles(&mut numbers, &[0.5]).pop().unwrap_or(Value::Null),
                }
            }
        })
    }
}

impl Ranked {
    /// Takes a value if its order is among the least, or the greatest if `bottom`.
    fn offer(&mut self, mut order: Vec<u8>, operand: Operand<'_>, bottom: bool) -> Result<isize> {
        // Of equal documents the earlier one comes first.
        order.extend_from_slice(&self.seen.to_be_bytes());
        self.seen += 1;
        if bottom {
            invert_from(&mut order, 0);
        }
        let is_full = self.heap.len() >= self.count;
        if is_full && self.heap.peek().is_some_and(|worst| order >= worst.order) {
            return Ok(0);
        }
        let held = |entry: &Entry| (weigh(&entry.value) + entry.order.len()) as isize;
        let entry = Entry { order, value: or_null(operand.into_value()?) };
        let mut change = held(&entry);
        self.heap.push(entry);
        if is_full {
            change -= self.heap.pop().as_ref().map_or(0, held);
        }
        Ok(change)
    }

    fn result(&self, kind: &Kind) -> Value {
        let mut entries: Vec<&Entry> = self.heap.iter().collect();
        entries.sort();
        let (bottom, single) = match kind {
            Kind::Ranked { bottom, single, .. } => (*bottom, *single),
            _ => (false, false),
        };
        if bottom {
            entries.reverse();
        }
        let mut values = entries.into_iter().map(|entry| entry.value.clone());
        if single { values.next().unwrap_or(Value::Null) } else { list(values.collect()) }
    }
}

fn or_null(value: Value) -> Value {
    if matches!(value, Value::Undefined) { Value::Null } else { value }
}

/// An array.
pub(super) fn list(items: Vec<Value>) -> Value {
    Value::Array(Array { items, fields: None })
}
