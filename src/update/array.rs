//! Operators of arrays.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::apply::{Applier, Effect};
use super::budget::weigh;
use super::leaf::Leaf;
use super::operator::Operator;
use super::path::Name;
use super::sparse;
use crate::error::{Error, ErrorCode, Result};
use crate::query::order;
use crate::value::{self, Array, NoShapes, Value};

/// What `$push` does.
#[derive(Debug, Default)]
pub(super) struct Push {
    pub(super) each: Vec<Value>,
    /// Where the values are inserted; negative from the end. Default: behind the last element.
    pub(super) position: Option<i64>,
    /// How many elements stay: the first ones, or the last ones if negative.
    pub(super) slice: Option<i64>,
    pub(super) sort: Option<Sort>,
}

/// The order that `$push` brings the elements in.
#[derive(Debug)]
pub(super) enum Sort {
    Elements { descending: bool },
    Fields(Vec<SortField>),
}

/// A field that elements are sorted by.
#[derive(Debug)]
pub(super) struct SortField {
    pub(super) path: Vec<Name>,
    pub(super) descending: bool,
}

impl Leaf {
    /// Applies an operator of arrays.
    pub(super) fn change_array(
        &self,
        array: &mut Array,
        applier: &mut Applier<'_>,
    ) -> Result<Effect> {
        match &self.operator {
            Operator::Push(push) => self.push(push, array, applier),
            Operator::AddToSet(values) => self.add_to_set(values, array, applier),
            Operator::Pop { first } => Ok(pop(array, *first)),
            Operator::Pull(matcher) => remove(array, applier, |element| matcher.matches(element)),
            Operator::PullAll(values) => {
                remove(array, applier, |element| Ok(values.contains(&order::bytes(element))))
            }
            _ => Ok(Effect::Kept),
        }
    }

    fn push(&self, push: &Push, array: &mut Array, applier: &mut Applier<'_>) -> Result<Effect> {
        let length = self.check_length(array, push.each.len())?;
        let rearranges = push.slice.is_some() || push.sort.is_some();
        let before = if rearranges { snapshot(array) } else { None };
        for value in &push.each {
            applier.budget.spend(weigh(value))?;
        }
        let values = push.each.iter().cloned();
        match push.position {
            Some(position) => {
                let position = clamp(position, length);
                let at = sparse::split(&mut array.items, position);
                array.items.splice(at..at, values);
            }
            None => array.items.extend(values),
        }
        if let Some(sort) = &push.sort {
            sort.apply(&mut array.items, applier);
        }
        if let Some(slice) = push.slice {
            self.slice(slice, array)?;
        }
        let is_same = match before {
            Some(before) => snapshot(array).is_some_and(|after| after == before),
            None => push.each.is_empty() && !rearranges,
        };
        Ok(if is_same { Effect::Kept } else { Effect::Changed })
    }

    fn slice(&self, slice: i64, array: &mut Array) -> Result<()> {
        let length = self.check_length(array, 0)?;
        let kept = u32::try_from(slice.unsigned_abs()).unwrap_or(u32::MAX).min(length);
        if slice >= 0 {
            let end = sparse::split(&mut array.items, kept);
            array.items.truncate(end);
        } else {
            let start = sparse::split(&mut array.items, length - kept);
            array.items.drain(..start);
        }
        Ok(())
    }

    fn add_to_set(
        &self,
        values: &[Value],
        array: &mut Array,
        applier: &mut Applier<'_>,
    ) -> Result<Effect> {
        self.check_length(array, values.len())?;
        let mut present = HashSet::with_capacity(array.items.len() + values.len());
        for item in array.items.iter().filter(|item| !matches!(item, Value::Holes(_))) {
            present.insert(order::bytes(&applier.resolved(item)));
        }
        let mut effect = Effect::Kept;
        for value in values {
            if present.insert(order::bytes(value)) {
                applier.budget.spend(weigh(value))?;
                array.items.push(value.clone());
                effect = Effect::Changed;
            }
        }
        Ok(effect)
    }

    /// The length of an array to which `more` elements may come.
    fn check_length(&self, array: &Array, more: usize) -> Result<u32> {
        let length = array.length();
        let grown = length.zip(u32::try_from(more).ok());
        match grown.and_then(|(length, more)| length.checked_add(more)) {
            Some(_) => Ok(length.unwrap_or_default()),
            None => Err(self.too_long()),
        }
    }

    /// An array would have more elements than arrays can.
    pub(super) fn too_long(&self) -> Error {
        self.target.error(ErrorCode::ResourceLimit, "an array has 2^32 - 1 elements at most")
    }
}

/// An index, counted from the end if it is negative, within an array.
fn clamp(position: i64, length: u32) -> u32 {
    let from_start = if position < 0 { i64::from(length) + position } else { position };
    u32::try_from(from_start.max(0)).unwrap_or(u32::MAX).min(length)
}

fn pop(array: &mut Array, first: bool) -> Effect {
    let length = array.length().unwrap_or_default();
    if length == 0 {
        return Effect::Kept;
    }
    if first {
        let start = sparse::split(&mut array.items, 1);
        array.items.drain(..start);
    } else {
        let end = sparse::split(&mut array.items, length - 1);
        array.items.truncate(end);
    }
    Effect::Changed
}

/// Takes the elements out for which `goes` holds.
fn remove(
    array: &mut Array,
    applier: &mut Applier<'_>,
    goes: impl Fn(&Value) -> Result<bool>,
) -> Result<Effect> {
    let before = array.items.len();
    let mut failure = None;
    array.items.retain(|item| {
        if failure.is_some() || matches!(item, Value::Holes(_)) {
            return true;
        }
        match goes(&applier.resolved(item)) {
            Ok(goes) => !goes,
            Err(error) => {
                failure = Some(error);
                true
            }
        }
    });
    match failure {
        Some(error) => Err(error),
        None if array.items.len() == before => Ok(Effect::Kept),
        None => Ok(Effect::Changed),
    }
}

/// The array as bytes, to see whether it changed; `None` if it refers to other parts of a document.
fn snapshot(array: &Array) -> Option<Vec<u8>> {
    let mut items = array.items.clone();
    merge_holes(&mut items);
    value::encode(&Value::Array(Array { items, fields: None }), &NoShapes).ok()
}

/// Makes neighbouring runs of holes one.
fn merge_holes(items: &mut Vec<Value>) {
    items.dedup_by(|next, item| match (item, next) {
        (Value::Holes(count), Value::Holes(more)) => {
            *count = count.saturating_add(*more);
            true
        }
        _ => false,
    });
}

impl Sort {
    /// Sorts the elements; those that are equal keep their order, holes come last.
    fn apply(&self, items: &mut Vec<Value>, applier: &mut Applier<'_>) {
        let mut holes = 0_u32;
        let mut keyed = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            match item {
                Value::Holes(count) => holes = holes.saturating_add(count),
                item => keyed.push((self.keys(&applier.resolved(&item)), item)),
            }
        }
        keyed.sort_by(|(left, _), (right, _)| self.compare(left, right));
        items.extend(keyed.into_iter().map(|(_, item)| item));
        if holes > 0 {
            items.push(Value::Holes(holes));
        }
    }

    fn keys(&self, element: &Value) -> Vec<Vec<u8>> {
        match self {
            Self::Elements { .. } => vec![order::bytes(element)],
            Self::Fields(fields) => fields
                .iter()
                .map(|field| order::bytes(at(element, &field.path).unwrap_or(&Value::Null)))
                .collect(),
        }
    }

    fn compare(&self, left: &[Vec<u8>], right: &[Vec<u8>]) -> Ordering {
        let descends = |position: usize| match self {
            Self::Elements { descending } => *descending,
            Self::Fields(fields) => fields.get(position).is_some_and(|field| field.descending),
        };
        let parts = left.iter().zip(right).enumerate();
        let mut orders = parts.map(|(position, (left, right))| {
            let order = left.cmp(right);
            if descends(position) { order.reverse() } else { order }
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// The value at a path through objects and elements.
fn at<'v>(mut value: &'v Value, path: &[Name]) -> Option<&'v Value> {
    for name in path {
        value = match value {
            Value::Object(fields) => fields.get(&name.text)?,
            Value::Array(array) => match sparse::find(&array.items, name.index?) {
                sparse::Spot::Item(position) => array.items.get(position)?,
                _ => return None,
            },
            _ => return None,
        };
    }
    Some(value)
}
