//! From tests of a field to ranges of its keys.
//!
//! Bounds are ranges of encoded key components, ascending. They hold the component of every value
//! that passes and can be a key; what no key decides is in the residual class of an index, which
//! is looked at besides.

use crate::key::{
    self, TAG_ARRAY, TAG_BINARY, TAG_DATE, TAG_FALSE, TAG_NULL, TAG_NUMBER, TAG_RESIDUAL,
    TAG_STRING, TAG_TRUE, successor_prefix,
};
use crate::query::Filter;
use crate::query::filter::{Comparison, Constant, PathTest, Pattern, Strings, Test};
use crate::query::order::Class;

/// Components from `from` on, below `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The least component inside.
    pub from: Vec<u8>,
    /// The least one above that is outside.
    pub to: Vec<u8>,
    /// Whether it is one component.
    pub point: bool,
}

/// A set of components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// In order, apart from each other.
    ranges: Vec<Range>,
    /// Whether every component in the set is that of a value that passes.
    exact: bool,
    /// The order of strings that the components are in.
    strings: Strings,
}

impl Range {
    fn point(component: &[u8]) -> Self {
        Self { from: component.to_vec(), to: above(component), point: true }
    }

    fn between(from: Vec<u8>, to: Vec<u8>) -> Self {
        Self { from, to, point: false }
    }

    fn is_empty(&self) -> bool {
        self.from >= self.to
    }
}

/// The least component above `component`, and above all that begin with it.
fn above(component: &[u8]) -> Vec<u8> {
    // Every component has a successor, since no tag is 0xFF.
    successor_prefix(component.to_vec()).unwrap_or_default()
}

impl Bounds {
    /// Every component.
    pub fn all() -> Self {
        Self {
            ranges: vec![Range::between(Vec::new(), vec![TAG_RESIDUAL])],
            exact: false,
            strings: Strings::Any,
        }
    }

    /// None.
    fn none() -> Self {
        Self { ranges: Vec::new(), exact: true, strings: Strings::Any }
    }

    fn one(range: Range) -> Self {
        let ranges = if range.is_empty() { Vec::new() } else { vec![range] };
        Self { ranges, exact: true, strings: Strings::Any }
    }

    fn inexact(self) -> Self {
        Self { exact: false, ..self }
    }

    /// The components of a class of values; none for those that are no keys.
    fn class(class: Class) -> Self {
        let (first, last) = match class {
            Class::Null => (TAG_NULL, TAG_NULL),
            Class::Bool => (TAG_FALSE, TAG_TRUE),
            Class::Number => (TAG_NUMBER, TAG_NUMBER),
            Class::Date => (TAG_DATE, TAG_DATE),
            Class::String => (TAG_STRING, TAG_STRING),
            Class::Binary => (TAG_BINARY, TAG_BINARY),
            Class::Array => (TAG_ARRAY, TAG_ARRAY),
            _ => return Self::none(),
        };
        Self::one(Range::between(vec![first], vec![last + 1]))
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Whether what is in the bounds passes, as far as keys decide it.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether the bounds are single components.
    pub fn is_points(&self) -> bool {
        self.ranges.iter().all(|range| range.point)
    }

    /// The component, if it is one.
    pub fn single(&self) -> Option<&[u8]> {
        match self.ranges.as_slice() {
            [range] if range.point => Some(&range.from),
            _ => None,
        }
    }

    /// The order of strings that the bounds are of.
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// Whether strings are inside, by themselves or in arrays.
    pub fn has_strings(&self) -> bool {
        self.overlaps(TAG_STRING) || self.has_arrays()
    }

    /// Whether null is inside, which stands for missing fields, too.
    pub fn has_null(&self) -> bool {
        self.overlaps(TAG_NULL)
    }

    /// Whether null or a boolean is inside.
    pub fn has_scalars(&self) -> bool {
        self.has_null() || self.overlaps(TAG_FALSE) || self.overlaps(TAG_TRUE)
    }

    /// Whether arrays are inside.
    pub fn has_arrays(&self) -> bool {
        self.overlaps(TAG_ARRAY)
    }

    fn overlaps(&self, tag: u8) -> bool {
        let (from, to) = (&[tag][..], &[tag + 1][..]);
        self.ranges.iter().any(|range| *range.from < *to && *range.to > *from)
    }

    /// What is in both.
    pub fn and(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            let from = (&one.from).max(&two.from).clone();
            let to = (&one.to).min(&two.to).clone();
            let range = Range { from, to, point: one.point || two.point };
            if !range.is_empty() {
                ranges.push(range);
            }
            if one.to < two.to {
                left.next()
            } else {
                right.next()
            };
        }
        let strings = self.strings.and(&other.strings);
        Self { ranges, exact: self.exact && other.exact, strings }
    }

    /// What is in either.
    fn or(mut self, other: Self) -> Self {
        self.ranges.extend(other.ranges);
        self.exact &= other.exact;
        self.strings = self.strings.and(&other.strings);
        self.normalized()
    }

    fn normalized(mut self) -> Self {
        self.ranges.sort_by(|left, right| left.from.cmp(&right.from));
        let mut ranges: Vec<Range> = Vec::with_capacity(self.ranges.len());
        for range in std::mem::take(&mut self.ranges) {
            match ranges.last_mut() {
                Some(last) if range.from < last.to => {
                    if range.to > last.to {
                        last.to = range.to;
                    }
                    last.point &= range.point;
                }
                _ => ranges.push(range),
            }
        }
        Self { ranges, ..self }
    }
}

/// The bounds that a condition sets for the field at its path; `None` if it sets none.
pub fn of_condition(condition: &Filter) -> Option<(&PathTest, Bounds)> {
    match condition {
        Filter::Path(test) if !test.path.is_whole() => {
            let bounds = of_test(&test.test);
            Some((test, Bounds { strings: test.test.strings(), ..bounds }))
        }
        Filter::Not(inner) => match &**inner {
            Filter::Path(test) if !test.path.is_whole() => match &test.test {
                Test::Exists => Some((test, Bounds::class(Class::Null).inexact())),
                Test::Equal(constant) if constant.is_null() => {
                    let above_null = Range::between(vec![TAG_NULL + 1], vec![TAG_RESIDUAL]);
                    Some((test, Bounds::one(above_null)))
                }
                _ => None,
            },
            _ => None,
        },
        Filter::Or(parts) => of_alternatives(parts),
        _ => None,
    }
}

/// The bounds of conditions on one field of which one is enough.
fn of_alternatives(parts: &[Filter]) -> Option<(&PathTest, Bounds)> {
    let mut field: Option<&PathTest> = None;
    let mut all = Bounds::none();
    for part in parts {
        let (test, bounds) = of_condition(part)?;
        if test.path != field.get_or_insert(test).path {
            return None;
        }
        all.ranges.extend(bounds.ranges);
        all.exact &= bounds.exact;
        all.strings = all.strings.and(&bounds.strings);
    }
    field.map(|test| (test, all.normalized()))
}

fn of_test(test: &Test) -> Bounds {
    match test {
        Test::Equal(constant) => of_constant(constant),
        Test::Compare(comparison, constant) => of_comparison(*comparison, constant),
        Test::Between(least, greatest) => of_comparison(Comparison::GreaterOrEqual, least)
            .and(&of_comparison(Comparison::LessOrEqual, greatest)),
        Test::In(set) => {
            let points = set.constants().iter().filter_map(component).map(|key| Range::point(&key));
            let mut bounds = Bounds { ranges: points.collect(), ..Bounds::none() }.normalized();
            for pattern in set.patterns() {
                bounds = bounds.or(of_pattern(pattern));
            }
            bounds
        }
        Test::Exists => Bounds::all(),
        Test::Type(types) => types
            .classes()
            .fold(Bounds::none(), |bounds, class| bounds.or(Bounds::class(class)))
            .inexact(),
        Test::Size(_) => Bounds::class(Class::Array).inexact(),
        Test::Element { fields: true, .. } => Bounds::class(Class::Array).inexact(),
        Test::Element { filter, fields: false } => of_elements(filter).inexact(),
        Test::Remainder { .. } => Bounds::class(Class::Number).inexact(),
        Test::Bits(_) => Bounds::class(Class::Number).or(Bounds::class(Class::Binary)).inexact(),
        Test::Text(pattern) => of_pattern(pattern),
    }
}

/// Conditions that one element passes all of.
fn of_elements(filter: &Filter) -> Bounds {
    match filter {
        Filter::And(parts) => {
            parts.iter().fold(Bounds::all(), |bounds, part| bounds.and(&of_elements(part)))
        }
        Filter::Path(test) if test.path.is_whole() => match &test.test {
            // It is about the elements of an element, which have no entries of their own.
            Test::Element { .. } => Bounds::class(Class::Array),
            test => of_test(test),
        },
        _ => Bounds::all(),
    }
}

/// The component of a constant, if it can be a key.
fn component(constant: &Constant) -> Option<Vec<u8>> {
    let order = constant.order();
    let is_key = match constant.class() {
        Class::Null | Class::Bool => true,
        _ => key::validate_key(order).is_ok(),
    };
    is_key.then(|| order.to_vec())
}

fn of_constant(constant: &Constant) -> Bounds {
    match component(constant) {
        Some(component) => Bounds::one(Range::point(&component)),
        None => Bounds::none(),
    }
}

fn of_comparison(comparison: Comparison, constant: &Constant) -> Bounds {
    let class = Bounds::class(constant.class());
    if constant.is_null() {
        return if comparison.includes_equal() { class } else { Bounds::none() };
    }
    if constant.is_nan() {
        return Bounds::none();
    }
    let Some(Range { from: first, to: end, .. }) = class.ranges.first().cloned() else {
        return class;
    };
    let Some(component) = component(constant) else { return class.inexact() };
    Bounds::one(match comparison {
        Comparison::Less => Range::between(first, component),
        Comparison::LessOrEqual => Range::between(first, above(&component)),
        Comparison::Greater => Range::between(above(&component), end),
        Comparison::GreaterOrEqual => Range::between(component, end),
    })
}

fn of_pattern(pattern: &Pattern) -> Bounds {
    let prefix = pattern.prefix();
    let mut component = Vec::new();
    key::push_wtf8(&mut component, prefix);
    if pattern.is_whole() {
        return Bounds::one(Range::point(&component));
    }
    // Without its end, a string is the prefix of all that begin with it.
    component.pop();
    let range = Range::between(component.clone(), above(&component));
    Bounds { exact: pattern.is_prefix(), ..Bounds::one(range) }
}
