//! Accumulators: what `$group` and its like make of many documents.

use std::collections::HashMap;

use super::document::Input;
use super::execution::View;
use crate::error::{Error, ErrorCode, Result};
use crate::query::expression::{Expression, Scope, fractions};
use crate::query::place::Place;
use crate::query::sort::{self, SortPart};
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// An accumulator and what it is given.
#[derive(Debug, Clone)]
pub(super) struct Accumulator {
    pub(super) kind: Kind,
    pub(super) input: Input,
}

/// What an accumulator does.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Sum,
    Average,
    Min,
    Max,
    Count,
    First,
    Last,
    Push,
    AddToSet,
    MergeObjects,
    /// Of a sample, or of the whole population.
    Deviation {
        is_sample: bool,
    },
    FirstN(Amount),
    LastN(Amount),
    /// The least or greatest values.
    Extremes {
        count: Amount,
        greatest: bool,
    },
    /// The values of the documents that a sort puts first or last.
    Ranked {
        count: Amount,
        sort: Vec<SortPart>,
        bottom: bool,
        single: bool,
    },
    Median,
    Percentiles(Vec<f64>),
}

/// How many values are kept.
#[derive(Debug, Clone)]
pub(super) enum Amount {
    Known(usize),
    /// What it is of a group's `_id`, whose fields it sees, and of variables.
    OfGroup(Box<Expression>),
}

impl Amount {
    /// How many of a group.
    pub(super) fn of(&self, key: &Value, view: View<'_>) -> Result<usize> {
        match self {
            Self::Known(count) => Ok(*count),
            Self::OfGroup(expression) => {
                let nothing = Value::Object(Fields::new());
                let key = if matches!(key, Value::Object(_)) { key } else { &nothing };
                let scope = Scope::decoded(key, view.now).with_variables(view.variables);
                let count = expression.evaluate(&scope)?;
                positive(&count).ok_or_else(|| {
                    let why =
                        "n has to be a positive number; it sees the fields of the group's _id";
                    Error::new(ErrorCode::Expression, why)
                })
            }
        }
    }
}

/// What an expression needs that is parsed within a pipeline.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The variables that are given from outside.
    pub(super) variables: &'a [Wtf8String],
}

impl Names<'_> {
    pub(super) fn expression(&self, value: &Value, place: &Place<'_>) -> Result<Expression> {
        Expression::parse_with(value, self.variables, place)
    }

    pub(super) fn input(&self, value: &Value, place: &Place<'_>) -> Result<Input> {
        self.expression(value, place).map(Input::from)
    }
}

impl Accumulator {
    /// Refuses a number of values that is not a constant, for stages without an `_id` that it could
    /// depend on.
    pub(super) fn needs_constant(&self, place: &Place<'_>) -> Result<()> {
        match &self.kind {
            Kind::FirstN(count)
            | Kind::LastN(count)
            | Kind::Extremes { count, .. }
            | Kind::Ranked { count, .. }
                if matches!(count, Amount::OfGroup(_)) =>
            {
                Err(place.invalid("n has to be a constant here"))
            }
            _ => Ok(()),
        }
    }

    /// Parses `{ $sum: '$x' }`.
    pub(super) fn parse(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let wrong = || place.invalid("it needs an object with one accumulator, as { $sum: 1 }");
        let Value::Object(fields) = value else { return Err(wrong()) };
        match (&fields.names()[..], fields.values()) {
            ([name], [operand]) => Self::named(name, operand, names, &place.field(name)),
            _ => Err(wrong()),
        }
    }

    /// Parses the operand of an accumulator.
    pub(super) fn named(
        name: &Wtf8String,
        operand: &Value,
        names: Names<'_>,
        place: &Place<'_>,
    ) -> Result<Self> {
        let simple = |kind| Ok(Self { kind, input: names.input(operand, place)? });
        match name.as_str().unwrap_or_default() {
            "$sum" => simple(Kind::Sum),
            "$avg" => simple(Kind::Average),
            "$min" => simple(Kind::Min),
            "$max" => simple(Kind::Max),
            "$first" => simple(Kind::First),
            "$last" => simple(Kind::Last),
            "$push" => simple(Kind::Push),
            "$addToSet" => simple(Kind::AddToSet),
            "$mergeObjects" => simple(Kind::MergeObjects),
            "$stdDevPop" => simple(Kind::Deviation { is_sample: false }),
            "$stdDevSamp" => simple(Kind::Deviation { is_sample: true }),
            "$count" => match operand {
                Value::Object(fields) if fields.names().is_empty() => {
                    Ok(Self { kind: Kind::Count, input: Input::Constant(Value::Null) })
                }
                _ => Err(place.invalid("it takes {}")),
            },
            "$firstN" | "$lastN" | "$minN" | "$maxN" => {
                let parts = Parts::of(operand, &["n", "input"], &[], place)?;
                let count = parts.count(names, place)?;
                let kind = match name.as_str() {
                    Some("$firstN") => Kind::FirstN(count),
                    Some("$lastN") => Kind::LastN(count),
                    Some("$minN") => Kind::Extremes { count, greatest: false },
                    _ => Kind::Extremes { count, greatest: true },
                };
                Ok(Self { kind, input: names.input(parts.get("input"), &place.word("input"))? })
            }
            "$top" | "$bottom" | "$topN" | "$bottomN" => {
                let single = !name.as_bytes().ends_with(b"N");
                let needed: &[&str] = &["sortBy", "output", "n"];
                let needed = needed.get(..if single { 2 } else { 3 }).unwrap_or_default();
                let parts = Parts::of(operand, needed, &[], place)?;
                let count = if single { Amount::Known(1) } else { parts.count(names, place)? };
                let sort = sort::parse(parts.get("sortBy"), &place.word("sortBy"))?;
                let bottom = name.as_bytes().starts_with(b"$bottom");
                let input = names.input(parts.get("output"), &place.word("output"))?;
                Ok(Self { kind: Kind::Ranked { count, sort, bottom, single }, input })
            }
            "$median" | "$percentile" => {
                let is_median = name.as_bytes() == b"$median";
                let needed: &[&str] = if is_median { &["input"] } else { &["input", "p"] };
                let parts = Parts::of(operand, needed, &["method"], place)?;
                let method = parts.get("method");
                if !matches!(method, Value::Undefined)
                    && !matches!(method, Value::String(name) if name.as_bytes() == b"approximate")
                {
                    return Err(place.word("method").invalid("the method is \"approximate\""));
                }
                let kind = match is_median {
                    true => Kind::Median,
                    false => Kind::Percentiles(fractions(parts.get("p")).ok_or_else(|| {
                        place.word("p").invalid("it needs a list of numbers from 0 to 1")
                    })?),
                };
                Ok(Self { kind, input: names.input(parts.get("input"), &place.word("input"))? })
            }
            _ => Err(place.invalid("there is no such accumulator")),
        }
    }
}

/// The fields of an object whose names are known.
pub(super) struct Parts<'v>(HashMap<&'v str, &'v Value>);

impl<'v> Parts<'v> {
    /// Reads an object; others than the needed fields and those that may be there are errors.
    pub(super) fn of(
        value: &'v Value,
        needed: &[&str],
        optional: &[&str],
        place: &Place<'_>,
    ) -> Result<Self> {
        let all = || [needed, optional].concat().join(", ");
        let Value::Object(fields) = value else {
            return Err(place.invalid(format!("it needs an object with {}", all())));
        };
        let mut parts = HashMap::new();
        for (name, value) in fields.iter() {
            match name.as_str().filter(|name| needed.contains(name) || optional.contains(name)) {
                Some(known) => parts.insert(known, value),
                None => {
                    let why = format!("there is no such option; there are {}", all());
                    return Err(place.field(name).invalid(why));
                }
            };
        }
        match needed.iter().find(|name| !parts.contains_key(**name)) {
            Some(missing) => Err(place.invalid(format!("it needs {missing}"))),
            None => Ok(Self(parts)),
        }
    }

    /// A field's value; undefined if it is not there.
    pub(super) fn get(&self, name: &str) -> &'v Value {
        self.0.get(name).copied().unwrap_or(&Value::Undefined)
    }

    /// A field's value, if it is there.
    pub(super) fn find(&self, name: &str) -> Option<&'v Value> {
        self.0.get(name).copied().filter(|value| !matches!(value, Value::Undefined))
    }

    /// The positive number that `n` is, or an expression for it.
    fn count(&self, names: Names<'_>, place: &Place<'_>) -> Result<Amount> {
        let place = place.word("n");
        let expression = names.expression(self.get("n"), &place)?;
        match expression.constant().map(positive) {
            Some(Some(count)) => Ok(Amount::Known(count)),
            Some(None) => Err(place.invalid("it needs a positive number")),
            None => Ok(Amount::OfGroup(Box::new(expression))),
        }
    }
}

/// A positive whole number.
pub(super) fn positive(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) if number.fract() == 0.0 && (1.0..9e15).contains(number) => {
            Some(*number as usize)
        }
        _ => None,
    }
}
