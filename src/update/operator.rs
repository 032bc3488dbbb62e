//! The operators, and what those of single values do.

use std::collections::HashSet;

use num_bigint::BigInt as Integer;

use super::apply::{Applier, Effect};
use super::array::Push;
use super::array_filter::Matcher;
use super::budget::weigh;
use super::leaf::Leaf;
use super::operand::{is_same, kind};
use crate::error::{ErrorCode, Result};
use crate::query::{Number, order};
use crate::value::{self, BigInt, Value};

/// What is done to a place.
#[derive(Debug)]
pub(super) enum Operator {
    /// Also `$setOnInsert`.
    Set(Value),
    /// Sets what the expression of this number gives.
    Calculate(usize),
    Unset,
    Inc(Value),
    Mul(Value),
    Min(Value),
    Max(Value),
    CurrentDate,
    Bit(Vec<(BitOperation, Value)>),
    Push(Push),
    AddToSet(Vec<Value>),
    Pop {
        first: bool,
    },
    Pull(Matcher),
    /// The values that go, in the bytes of [`order::push`].
    PullAll(HashSet<Vec<u8>>),
    /// Stands at both paths of a `$rename`, for the sake of conflicts.
    Rename,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum BitOperation {
    And,
    Or,
    Xor,
}

impl BitOperation {
    /// Calculates with numbers from −2⁵³ to 2⁵³ − 1, and BigInts; `None` for other values.
    fn calculate(self, left: &Value, right: &Value) -> Option<Value> {
        if let (Value::Number(left), Value::Number(right)) = (left, right) {
            let (left, right) = (bits(*left)?, bits(*right)?);
            let result = match self {
                Self::And => left & right,
                Self::Or => left | right,
                Self::Xor => left ^ right,
            };
            return Some(Value::Number(result as f64));
        }
        let (left, right) = (integer(left)?, integer(right)?);
        let result = match self {
            Self::And => left & right,
            Self::Or => left | right,
            Self::Xor => left ^ right,
        };
        Some(Number::Big(result).into_value())
    }
}

/// Whether `$bit` can calculate with a value.
pub(super) fn has_bits(value: &Value) -> bool {
    match value {
        Value::Number(number) => bits(*number).is_some(),
        Value::BigInt(_) => true,
        _ => false,
    }
}

fn bits(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    (number.trunc() == number && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}

fn integer(value: &Value) -> Option<Integer> {
    match Number::of(value)? {
        Number::Big(integer) => Some(integer),
        Number::Float(number) => bits(number).map(Integer::from),
    }
}

impl Leaf {
    /// Applies the operator to a value that is there.
    pub(super) fn change(&self, value: &mut Value, applier: &mut Applier<'_>) -> Result<Effect> {
        match &self.operator {
            Operator::Unset => Ok(Effect::Removed),
            Operator::Rename => Ok(Effect::Kept),
            Operator::Set(new) => applier.replace(value, new),
            Operator::Calculate(number) => match applier.calculated(*number, self)? {
                Value::Undefined => Ok(Effect::Removed),
                new if is_same(value, &new) => Ok(Effect::Kept),
                new => {
                    *value = new;
                    Ok(Effect::Changed)
                }
            },
            Operator::CurrentDate => applier.replace(value, &Value::Date(applier.now)),
            Operator::Inc(by) => self.calculate(value, by, Number::add),
            Operator::Mul(by) => self.calculate(value, by, Number::multiply),
            Operator::Min(bound) => self.bounded(value, bound, applier),
            Operator::Max(bound) => self.bounded(value, bound, applier),
            Operator::Bit(operations) => self.with_bits(value, operations),
            Operator::Push(_)
            | Operator::AddToSet(_)
            | Operator::Pop { .. }
            | Operator::Pull(_)
            | Operator::PullAll(_) => {
                applier.own(value)?;
                match value {
                    Value::Array(array) => self.change_array(array, applier),
                    other => Err(self.unfit(format!("it needs an array, not {}", kind(other)))),
                }
            }
        }
    }

    /// What the operator makes where there is nothing.
    pub(super) fn create(&self, applier: &mut Applier<'_>) -> Result<Option<Value>> {
        let new = match &self.operator {
            Operator::Set(new) | Operator::Inc(new) | Operator::Min(new) | Operator::Max(new) => {
                applier.budget.spend(weigh(new))?;
                new.clone()
            }
            Operator::Calculate(number) => match applier.calculated(*number, self)? {
                Value::Undefined => return Ok(None),
                new => new,
            },
            Operator::Mul(by) => match by {
                Value::BigInt(_) => Value::BigInt(BigInt { negative: false, magnitude: vec![] }),
                _ => Value::Number(0.0),
            },
            Operator::CurrentDate => Value::Date(applier.now),
            Operator::Bit(operations) => {
                let mut bits = Value::Number(0.0);
                self.with_bits(&mut bits, operations)?;
                bits
            }
            Operator::Push(_) | Operator::AddToSet(_) => {
                let mut array = value::Array::default();
                self.change_array(&mut array, applier)?;
                Value::Array(array)
            }
            Operator::Unset
            | Operator::Pop { .. }
            | Operator::Pull(_)
            | Operator::PullAll(_)
            | Operator::Rename => return Ok(None),
        };
        Ok(Some(new))
    }

    fn calculate(
        &self,
        value: &mut Value,
        by: &Value,
        calculate: fn(Number, Number) -> Result<Number>,
    ) -> Result<Effect> {
        let (Some(number), Some(by)) = (Number::of(value), Number::of(by)) else {
            let found = kind(value);
            return Err(self.unfit(format!("it needs a number or a BigInt, not {found}")));
        };
        match calculate(number, by) {
            Ok(result) => Ok(put(value, result.into_value())),
            Err(error) if error.code() == ErrorCode::Expression => {
                let why = "a BigInt and a number with a fraction cannot be calculated together";
                Err(self.target.error(ErrorCode::Expression, why))
            }
            Err(error) => Err(self.target.error(error.code(), error.message())),
        }
    }

    fn bounded(
        &self,
        value: &mut Value,
        bound: &Value,
        applier: &mut Applier<'_>,
    ) -> Result<Effect> {
        let wanted = match self.operator {
            Operator::Min(_) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        if order::compare(bound, &applier.resolved(value)) != wanted {
            return Ok(Effect::Kept);
        }
        applier.replace(value, bound)
    }

    fn with_bits(&self, value: &mut Value, operations: &[(BitOperation, Value)]) -> Result<Effect> {
        let mut bits = value.clone();
        for (operation, operand) in operations {
            bits = operation.calculate(&bits, operand).ok_or_else(|| {
                self.unfit(format!(
                    "it needs a whole number below 2^53 or a BigInt, not {}",
                    kind(value)
                ))
            })?;
        }
        Ok(put(value, bits))
    }
}

/// Puts a number in a number's place.
fn put(value: &mut Value, new: Value) -> Effect {
    if is_same(value, &new) {
        return Effect::Kept;
    }
    *value = new;
    Effect::Changed
}
