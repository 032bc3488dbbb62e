//! Sums, averages and deviations, of values that come one by one.

use num_bigint::BigInt as Big;

use super::arrays::operands;
use super::call::{Arguments, Call, is_nullish};
use super::number::{Number, to_big};
use crate::error::Result;
use crate::query::order;
use crate::value::Value;

/// A sum of numbers. Other values do not count.
///
/// Doubles are added with the error of each addition kept (Neumaier, "Rundungsfehleranalyse einiger
/// Verfahren zur Summation endlicher Summen", 1974), BigInts exactly.
#[derive(Debug, Clone, Default)]
pub(in crate::query) struct Sum {
    plain: f64,
    error: f64,
    big: Option<Big>,
    count: u64,
}

impl Sum {
    /// Adds a number.
    #[inline]
    pub(in crate::query) fn add_f64(&mut self, number: f64) {
        let sum = self.plain + number;
        self.error += if self.plain.abs() >= number.abs() {
            (self.plain - sum) + number
        } else {
            (number - sum) + self.plain
        };
        self.plain = sum;
        self.count += 1;
    }

    /// Adds a value, if it is a number.
    pub(in crate::query) fn add(&mut self, value: &Value) {
        match value {
            Value::Number(number) => self.add_f64(*number),
            Value::BigInt(bigint) => {
                *self.big.get_or_insert_default() += to_big(bigint);
                self.count += 1;
            }
            _ => {}
        }
    }

    fn float(&self) -> f64 {
        // The error of infinities is NaN.
        let exact = self.plain + self.error;
        if exact.is_finite() { exact } else { self.plain }
    }

    /// The sum: 0 of nothing, a BigInt if there is one among the numbers.
    ///
    /// # Errors
    /// `EXPRESSION` if there are BigInts and the other numbers add up to a fraction.
    pub(in crate::query) fn total(&self) -> Result<Value> {
        let float = Number::Float(self.float());
        let sum = match &self.big {
            Some(big) => float.add(Number::Big(big.clone()))?,
            None => float,
        };
        Ok(sum.into_value())
    }

    /// The average as a number; null of nothing.
    pub(in crate::query) fn average(&self) -> Value {
        if self.count == 0 {
            return Value::Null;
        }
        let big = self.big.clone().map_or(0.0, |big| Number::Big(big).to_f64());
        Value::Number((self.float() + big) / self.count as f64)
    }
}

/// The standard deviation of numbers, by Welford's method.
#[derive(Debug, Clone, Default)]
pub(in crate::query) struct Deviation {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Deviation {
    /// Adds a value, if it is a number.
    pub(in crate::query) fn add(&mut self, value: &Value) {
        let Some(number) = Number::of(value).map(|number| number.to_f64()) else { return };
        self.count += 1;
        let delta = number - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (number - self.mean);
    }

    /// The deviation of a sample, or of the whole population; null if there are too few numbers.
    pub(in crate::query) fn finish(&self, is_sample: bool) -> Value {
        let free = u64::from(is_sample);
        if self.count <= free {
            return Value::Null;
        }
        Value::Number((self.squares / (self.count - free) as f64).sqrt())
    }
}

/// The numbers at percentiles from 0 to 1, by nearest rank; null each if there are no numbers.
///
/// `numbers` are sorted in place.
pub(in crate::query) fn percentiles(numbers: &mut [f64], at: &[f64]) -> Vec<Value> {
    numbers.sort_by(f64::total_cmp);
    let rank = |at: &f64| (at * numbers.len() as f64).ceil().max(1.0) as usize - 1;
    at.iter().map(|at| numbers.get(rank(at)).map_or(Value::Null, |n| Value::Number(*n))).collect()
}

/// `$sum` and `$avg`.
pub(super) fn sum(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let mut sum = Sum::default();
    for value in operands(arguments)?.iter() {
        sum.add(value);
    }
    if call.operator == "$avg" {
        return Ok(sum.average());
    }
    sum.total().map_err(|error| call.error(error.message()))
}

/// `$min` and `$max`: null and missing operands do not count.
pub(super) fn extreme(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let operands = operands(arguments)?;
    let operands = operands.iter().filter(|value| !is_nullish(value));
    let found = if call.operator == "$max" {
        operands
            .reduce(|best, value| if order::compare(value, best).is_gt() { value } else { best })
    } else {
        operands
            .reduce(|best, value| if order::compare(value, best).is_lt() { value } else { best })
    };
    Ok(found.cloned().unwrap_or(Value::Null))
}

/// `$stdDevPop` and `$stdDevSamp`.
pub(super) fn deviation(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let mut deviation = Deviation::default();
    for value in operands(arguments)?.iter() {
        deviation.add(value);
    }
    Ok(deviation.finish(call.operator == "$stdDevSamp"))
}

/// `$median` and `$percentile`: the input, the method, and the percentiles.
pub(super) fn percentile(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [input, method, at @ ..] = arguments else { return Err(call.wrong_count()) };
    if call.is_given(1) && call.text(method)?.as_str() != Some("approximate") {
        return Err(call.error("the method is \"approximate\""));
    }
    let at = at.first().map_or(Some(vec![0.5]), |at| fractions(at));
    let at = at.ok_or_else(|| call.error("p has to be a list of numbers from 0 to 1"))?;
    let input = operands(std::slice::from_mut(input))?;
    let numbers = input.iter().filter_map(Number::of).map(|number| number.to_f64());
    let mut numbers: Vec<f64> = numbers.filter(|number| !number.is_nan()).collect();
    let found = percentiles(&mut numbers, &at);
    Ok(match call.operator {
        "$median" => found.into_iter().next().unwrap_or(Value::Null),
        _ => super::work::array(found),
    })
}

/// A list of one or more numbers from 0 to 1.
pub(in crate::query) fn fractions(value: &Value) -> Option<Vec<f64>> {
    let Value::Array(list) = value else { return None };
    let fraction = |value: &Value| match value {
        Value::Number(number @ 0.0..=1.0) => Some(*number),
        _ => None,
    };
    list.items.iter().map(fraction).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
}
