//! Evaluating filters on encoded documents.

use std::time::SystemTime;

use super::test::Test;
use super::{Filter, PathTest, Verdict};
use crate::error::Result;
use crate::query::Meter;
use crate::query::expression::Scope;
use crate::query::path::{Budget, Found};
use crate::value::{Kind, ShapeSource, Value, ValueRef};

/// What evaluating a filter needs besides the document.
pub struct Matcher<'s, S: ShapeSource> {
    shapes: &'s S,
    /// `$$NOW`; `None`: the time at which it is asked for.
    now: Option<f64>,
    variables: &'s [Value],
    /// How many tests the filter has; `None`: they are counted.
    tests: Option<usize>,
    /// Counts the work of expressions.
    meter: Option<&'s Meter>,
}

impl<'s, S: ShapeSource> Matcher<'s, S> {
    /// For documents of these shapes.
    pub const fn new(shapes: &'s S) -> Self {
        Self { shapes, now: None, variables: &[], tests: None, meter: None }
    }

    /// The same, where `$$NOW` is a time in milliseconds since 1970.
    pub const fn at(shapes: &'s S, now: f64) -> Self {
        Self { shapes, now: Some(now), ..Self::new(shapes) }
    }

    /// The same, for a filter of so many tests ([`Filter::tests`]), which are not counted again for
    /// each document.
    #[must_use]
    pub const fn with_tests(mut self, tests: usize) -> Self {
        self.tests = Some(tests);
        self
    }

    /// The same, with the work of expressions counted.
    #[must_use]
    pub const fn with_meter(mut self, meter: &'s Meter) -> Self {
        self.meter = Some(meter);
        self
    }

    /// The same, with the variables that the filter was parsed with, in the same order.
    #[must_use]
    pub const fn with_variables(mut self, variables: &'s [Value]) -> Self {
        self.variables = variables;
        self
    }

    /// Whether a document passes.
    ///
    /// # Errors
    /// `CORRUPT` for damaged documents; `RESOURCE_LIMIT` for values that contain themselves; those
    /// of expressions.
    #[inline]
    pub fn matches(&self, filter: &Filter, document: ValueRef<'_>) -> Result<bool> {
        self.verdict(filter, document).map(Verdict::passes)
    }

    /// The same.
    ///
    /// # Errors
    /// As [`Matcher::matches`].
    pub fn verdict(&self, filter: &Filter, document: ValueRef<'_>) -> Result<Verdict> {
        let once = Budget::for_document(document.document_len());
        match filter {
            Filter::Path(test) => self.path::<false>(test, document, &mut once.times(test.tests())),
            _ => {
                let tests = self.tests.unwrap_or_else(|| filter.tests());
                self.filter::<false>(filter, document, &mut once.times(tests))
            }
        }
    }

    /// `BY_PLACE`: the value is an array whose fields are the places of its elements.
    fn filter<const BY_PLACE: bool>(
        &self,
        filter: &Filter,
        value: ValueRef<'_>,
        budget: &mut Budget,
    ) -> Result<Verdict> {
        match filter {
            Filter::Path(test) => self.path::<BY_PLACE>(test, value, budget),
            Filter::And(parts) => {
                for part in parts {
                    if !self.filter::<BY_PLACE>(part, value, budget)?.passes() {
                        return Ok(Verdict::Fails);
                    }
                }
                Ok(Verdict::Passes)
            }
            Filter::Or(parts) => {
                for part in parts {
                    if self.filter::<BY_PLACE>(part, value, budget)?.passes() {
                        return Ok(Verdict::Passes);
                    }
                }
                Ok(Verdict::Fails)
            }
            Filter::Not(inner) => Ok(!self.filter::<BY_PLACE>(inner, value, budget)?),
            Filter::Expression(expression) => {
                let now = self.now.unwrap_or_else(current_time);
                let scope = Scope::encoded(value, self.shapes, now);
                let mut scope = scope.with_variables(self.variables);
                if let Some(meter) = self.meter {
                    scope = scope.with_meter(meter);
                }
                expression.is_true(&scope).map(Verdict::from)
            }
        }
    }

    #[inline(always)]
    fn path<const BY_PLACE: bool>(
        &self,
        test: &PathTest,
        value: ValueRef<'_>,
        budget: &mut Budget,
    ) -> Result<Verdict> {
        let PathTest { path, test } = test;
        if path.is_whole() {
            return self.single(test, value, budget);
        }
        let mut found = |found: Found<'_>, budget: &mut Budget| match found {
            Found::Value(value) => self.value(test, value, budget),
            Found::Element(element) => self.single(test, element, budget),
            Found::Nothing => Ok(test.accepts_nothing().into()),
        };
        if BY_PLACE {
            return path.any_by_place(value, self.shapes, budget, &mut found);
        }
        path.any(value, self.shapes, budget, &mut found)
    }

    /// Whether a value passes, or an element of it.
    #[inline(always)]
    fn value(&self, test: &Test, value: ValueRef<'_>, budget: &mut Budget) -> Result<Verdict> {
        let verdict = self.single(test, value, budget)?;
        if verdict.passes() || !value.is_array() {
            return Ok(verdict);
        }
        self.elements(test, value, budget)
    }

    #[inline(never)]
    fn elements(&self, test: &Test, array: ValueRef<'_>, budget: &mut Budget) -> Result<Verdict> {
        if matches!(test, Test::Size(_) | Test::Element { .. } | Test::Exists) {
            return Ok(Verdict::Fails);
        }
        let passes = array.any_element(self.shapes, |_, element| {
            budget.spend()?;
            self.single(test, element, budget).map(Verdict::passes)
        });
        passes.map(Verdict::from)
    }

    /// Whether a value passes as it is.
    #[inline(always)]
    fn single(&self, test: &Test, value: ValueRef<'_>, budget: &mut Budget) -> Result<Verdict> {
        let shapes = self.shapes;
        let passes = match test {
            Test::Equal(constant) => constant.equals(value, shapes)?,
            Test::Compare(comparison, constant) => {
                let ordering = constant.compare(value, shapes)?;
                ordering.is_some_and(|ordering| comparison.accepts(ordering))
            }
            Test::Between(least, greatest) => {
                least.compare(value, shapes)?.is_some_and(std::cmp::Ordering::is_ge)
                    && greatest.compare(value, shapes)?.is_some_and(std::cmp::Ordering::is_le)
            }
            Test::In(set) => set.contains(value, shapes)?,
            Test::Exists => value.kind()? != Kind::Undefined,
            Test::Type(types) => types.matches(value)?,
            Test::Size(size) => value.array_len()? == Some(*size),
            Test::Element { filter, fields } => {
                return self.element(filter, *fields, value, budget);
            }
            Test::Remainder { divisor, remainder } => {
                let number = match value.as_number()? {
                    // A fraction is cut off first.
                    Some(number) if number.is_finite() && number.abs() < 9.3e18 => {
                        Some(number.trunc() as i128)
                    }
                    Some(_) => None,
                    None => super::bits::integer_of(value)?,
                };
                let (divisor, remainder) = (i128::from(*divisor), i128::from(*remainder));
                number.is_some_and(|number| number.checked_rem(divisor) == Some(remainder))
            }
            Test::Bits(bits) => bits.matches(value)?,
            Test::Text(pattern) => pattern.matches_value(value, shapes)?,
        };
        Ok(passes.into())
    }

    fn element(
        &self,
        filter: &Filter,
        fields: bool,
        array: ValueRef<'_>,
        budget: &mut Budget,
    ) -> Result<Verdict> {
        let passes = array.any_element(self.shapes, |_, element| {
            budget.spend()?;
            let verdict = match element.kind()? {
                Kind::Array if fields => self.filter::<true>(filter, element, budget)?,
                Kind::Object | Kind::Error => self.filter::<false>(filter, element, budget)?,
                _ if fields => Verdict::Fails,
                _ => self.filter::<false>(filter, element, budget)?,
            };
            Ok(verdict.passes())
        });
        passes.map(Verdict::from)
    }
}

/// The time in milliseconds since 1970, as JavaScript has it.
pub fn current_time() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_millis() as f64)
}
