//! Parsing filters.

use super::bits::{Bits, integer};
use super::constant::Constant;
use super::pattern::Pattern;
use super::set::ValueSet;
use super::test::{Comparison, Test};
use super::types::Types;
use super::{Filter, PathTest};
use crate::error::Result;
use crate::query::expression::Expression;
use crate::query::path::Path;
use crate::query::place::Place;
use crate::value::{Array, Fields, Value};
use crate::wtf8::Wtf8String;

/// What a filter is about.
#[derive(Clone, Copy)]
enum On<'a> {
    /// A document; expressions know these variables.
    Document(&'a [Wtf8String]),
    /// An element of an array.
    Element,
}

/// How deep a filter may nest.
const MAX_NESTING: usize = 100;

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// `INVALID_QUERY` with the path of what cannot be understood.
    pub fn parse(value: &Value, place: &Place<'_>) -> Result<Self> {
        Self::parse_with(value, &[], place)
    }

    /// Parses a filter whose expressions know these variables besides; their values are given in
    /// [`super::Matcher::with_variables`].
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(value: &Value, variables: &[Wtf8String], place: &Place<'_>) -> Result<Self> {
        Self::parse_in(value, On::Document(variables), place)
    }

    fn parse_in(value: &Value, on: On<'_>, place: &Place<'_>) -> Result<Self> {
        let Value::Object(fields) = value else {
            return Err(place.invalid("it has to be an object such as { age: { $gt: 20 } }"));
        };
        check_nesting(place)?;
        let mut parts = Vec::with_capacity(fields.values().len());
        for (name, value) in fields.iter() {
            let place = place.field(name);
            match name.as_str() {
                Some(operator) if operator.starts_with('$') => {
                    parts.extend(logical(operator, value, on, &place)?);
                }
                _ => field(&Path::parse(name, &place)?, value, &place, &mut parts)?,
            }
        }
        Ok(Self::and(parts))
    }

    fn and(mut parts: Vec<Self>) -> Self {
        match parts.len() {
            1 => parts.pop().unwrap_or_else(Self::all),
            _ => Self::And(parts),
        }
    }

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    fn path(path: &Path, test: Test) -> Self {
        Self::Path(Box::new(PathTest { path: path.clone(), test }))
    }
}

fn check_nesting(place: &Place<'_>) -> Result<()> {
    if place.depth() > 2 * MAX_NESTING {
        return Err(place.invalid("it is nested deeper than 100"));
    }
    Ok(())
}

/// An operator beside the fields; `None` if it says nothing.
fn logical(operator: &str, value: &Value, on: On<'_>, place: &Place<'_>) -> Result<Option<Filter>> {
    Ok(Some(match operator {
        "$and" => Filter::and(filters(value, on, place)?),
        "$or" => any_of(filters(value, on, place)?),
        "$nor" => any_of(filters(value, on, place)?).not(),
        "$expr" => match on {
            On::Document(variables) => {
                let expression = Expression::parse_with(value, variables, place)?;
                Filter::Expression(Box::new(expression))
            }
            On::Element => {
                return Err(place.invalid("an expression is about the document as a whole"));
            }
        },
        "$comment" => return Ok(None),
        "$where" => {
            return Err(place.invalid(
                "code cannot run inside the database; use .filter(function) on the query",
            ));
        }
        "$vector" => {
            return Err(place.invalid(
                "it stands beside the fields of a query's filter, where it is not one condition \
                 among others: not within $or, $nor, $not and $elemMatch, nor in other filters",
            ));
        }
        "$text" | "$near" | "$nearSphere" | "$geoWithin" | "$geoIntersects" | "$jsonSchema" => {
            return Err(place.invalid("this operator is not supported"));
        }
        _ if is_test(operator) => {
            return Err(place.invalid("it stands inside a field, as in { age: { $gt: 20 } }"));
        }
        _ => return Err(unknown(place)),
    }))
}

fn filters(value: &Value, on: On<'_>, place: &Place<'_>) -> Result<Vec<Filter>> {
    match value {
        Value::Array(Array { items, .. }) if !items.is_empty() => {
            let parse = |(at, item)| Filter::parse_in(item, on, &place.index(at));
            items.iter().enumerate().map(parse).collect()
        }
        _ => Err(place.invalid("it needs a list of at least one filter")),
    }
}

/// Alternatives. Values of one field that follow each other are a set, which costs one search.
fn any_of(parts: Vec<Filter>) -> Filter {
    let mut alternatives: Vec<Filter> = Vec::with_capacity(parts.len());
    let mut values: Vec<Constant> = Vec::new();
    let mut rest = parts.into_iter().peekable();
    while let Some(part) = rest.next() {
        let (Some(path), Some(_)) = (equal_path(&part), rest.peek()) else {
            alternatives.push(part);
            continue;
        };
        let path = path.clone();
        take_value(part, &mut values);
        while let Some(next) = rest.next_if(|next| equal_path(next) == Some(&path)) {
            take_value(next, &mut values);
        }
        let set = ValueSet::new(std::mem::take(&mut values), Vec::new());
        let test = match set.constants() {
            [one] => Test::Equal(one.clone()),
            _ => Test::In(set),
        };
        alternatives.push(Filter::path(&path, test));
    }
    match alternatives.pop() {
        Some(only) if alternatives.is_empty() => only,
        last => {
            alternatives.extend(last);
            Filter::Or(alternatives)
        }
    }
}

/// The path of a test for a value.
fn equal_path(filter: &Filter) -> Option<&Path> {
    match filter {
        Filter::Path(test) if matches!(test.test, Test::Equal(_)) => Some(&test.path),
        _ => None,
    }
}

fn take_value(filter: Filter, values: &mut Vec<Constant>) {
    if let Filter::Path(test) = filter
        && let Test::Equal(constant) = test.test
    {
        values.push(constant);
    }
}

fn unknown(place: &Place<'_>) -> crate::error::Error {
    place.invalid("there is no such operator")
}

/// The fields of a value that holds operators; `None` if it is to be compared with as a whole.
fn operators<'v>(value: &'v Value, place: &Place<'_>) -> Result<Option<&'v Fields>> {
    let Value::Object(fields) = value else { return Ok(None) };
    let is_operator = |name: &Wtf8String| name.as_bytes().first() == Some(&b'$');
    let Some(first) = fields.names().first() else { return Ok(None) };
    match fields.names().iter().find(|name| is_operator(name) != is_operator(first)) {
        None if is_operator(first) => Ok(Some(fields)),
        None => Ok(None),
        Some(other) => Err(place
            .field(other)
            .invalid("an object has either operators, which begin with $, or fields, not both")),
    }
}

/// A field's condition: operators, or a value to be equal to.
fn field(path: &Path, value: &Value, place: &Place<'_>, parts: &mut Vec<Filter>) -> Result<()> {
    let Some(operators) = operators(value, place)? else {
        parts.push(Filter::path(path, equal_or_matches(value, place)?));
        return Ok(());
    };
    conditions(path, operators, place, parts)
}

fn equal_or_matches(value: &Value, place: &Place<'_>) -> Result<Test> {
    Ok(match value {
        Value::RegExp { source, flags } => Test::Text(Pattern::regex(source, flags, place)?),
        _ => Test::Equal(constant(value)),
    })
}

fn constant(value: &Value) -> Constant {
    Constant::new(value.clone())
}

/// The operators of one field.
fn conditions(
    path: &Path,
    operators: &Fields,
    around: &Place<'_>,
    parts: &mut Vec<Filter>,
) -> Result<()> {
    check_nesting(around)?;
    for (name, value) in operators.iter() {
        let place = around.field(name);
        let operator = name.as_str().unwrap_or_default();
        let part = match operator {
            "$ne" => Filter::path(path, Test::Equal(not_a_regexp(value, &place)?)).not(),
            "$in" => one_of(path, value, &place)?,
            "$nin" => one_of(path, value, &place)?.not(),
            "$not" => negated(path, value, &place)?,
            "$exists" => {
                let exists = Filter::path(path, Test::Exists);
                if truth(value, &place)? { exists } else { exists.not() }
            }
            "$all" => all(path, value, &place)?,
            "$notLike" => Filter::path(path, like(value, false, &place)?).not(),
            // It belongs to the $regex beside it.
            "$options" if operators.names().iter().any(|name| name.as_str() == Some("$regex")) => {
                continue;
            }
            "$options" => return Err(place.invalid("it needs a $regex beside it")),
            "$regex" => {
                let options = operators.get(&Wtf8String::from("$options"));
                Filter::path(path, regex(value, options, &place)?)
            }
            _ => Filter::path(path, test(operator, value, &place)?),
        };
        parts.push(part);
    }
    Ok(())
}

/// The names that [`conditions`] and [`test`] know.
fn is_test(operator: &str) -> bool {
    const NAMES: &[&str] = &[
        "$eq",
        "$ne",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$in",
        "$nin",
        "$not",
        "$exists",
        "$type",
        "$all",
        "$size",
        "$elemMatch",
        "$mod",
        "$bitsAllSet",
        "$bitsAllClear",
        "$bitsAnySet",
        "$bitsAnyClear",
        "$regex",
        "$options",
        "$like",
        "$ilike",
        "$notLike",
        "$startsWith",
        "$contains",
        "$endsWith",
        "$between",
    ];
    NAMES.contains(&operator)
}

/// An operator that is one test.
fn test(operator: &str, value: &Value, place: &Place<'_>) -> Result<Test> {
    let compare = |comparison| {
        let constant = not_a_regexp(value, place)?;
        Ok(Test::Compare(comparison, constant))
    };
    match operator {
        "$eq" => Ok(Test::Equal(constant(value))),
        "$gt" => compare(Comparison::Greater),
        "$gte" => compare(Comparison::GreaterOrEqual),
        "$lt" => compare(Comparison::Less),
        "$lte" => compare(Comparison::LessOrEqual),
        "$between" => between(value, place),
        "$type" => Ok(Test::Type(Types::parse(value, place)?)),
        "$size" => match integer(value).and_then(|size| u32::try_from(size).ok()) {
            Some(size) => Ok(Test::Size(size)),
            None => Err(place.invalid("it needs an integer from 0 on")),
        },
        "$elemMatch" => element(value, place),
        "$mod" => remainder(value, place),
        "$bitsAllSet" => Ok(Test::Bits(Bits::parse(value, (true, true), place)?)),
        "$bitsAllClear" => Ok(Test::Bits(Bits::parse(value, (true, false), place)?)),
        "$bitsAnySet" => Ok(Test::Bits(Bits::parse(value, (false, true), place)?)),
        "$bitsAnyClear" => Ok(Test::Bits(Bits::parse(value, (false, false), place)?)),
        "$like" => like(value, false, place),
        "$ilike" => like(value, true, place),
        "$startsWith" => Ok(Test::Text(Pattern::starts_with(text(value, place)?))),
        "$contains" => Ok(Test::Text(Pattern::contains(text(value, place)?))),
        "$endsWith" => Ok(Test::Text(Pattern::ends_with(text(value, place)?))),
        "$and" | "$or" | "$nor" | "$expr" => {
            Err(place.invalid("it stands beside the fields, not inside one"))
        }
        "$near" | "$nearSphere" | "$geoWithin" | "$geoIntersects" | "$vector" => {
            Err(place.invalid("this operator is not supported"))
        }
        _ => Err(unknown(place)),
    }
}

fn not_a_regexp(value: &Value, place: &Place<'_>) -> Result<Constant> {
    match value {
        Value::RegExp { .. } => {
            Err(place.invalid("a regular expression is not compared; use $not or $regex"))
        }
        _ => Ok(constant(value)),
    }
}

fn text<'v>(value: &'v Value, place: &Place<'_>) -> Result<&'v Wtf8String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(place.invalid("it needs a string")),
    }
}

fn truth(value: &Value, place: &Place<'_>) -> Result<bool> {
    match value {
        Value::Bool(bool) => Ok(*bool),
        Value::Number(number) => Ok(*number != 0.0),
        _ => Err(place.invalid("it needs true or false")),
    }
}

fn list<'v>(value: &'v Value, place: &Place<'_>) -> Result<&'v [Value]> {
    match value {
        Value::Array(array) => Ok(&array.items),
        _ => Err(place.invalid("it needs a list")),
    }
}

fn one_of(path: &Path, value: &Value, place: &Place<'_>) -> Result<Filter> {
    let (mut constants, mut patterns) = (Vec::new(), Vec::new());
    for (at, item) in list(value, place)?.iter().enumerate() {
        let place = place.index(at);
        match item {
            Value::RegExp { source, flags } => {
                patterns.push(Pattern::regex(source, flags, &place)?);
            }
            _ if operators(item, &place)?.is_some() => {
                return Err(place.invalid("a list of values may not hold operators"));
            }
            _ => constants.push(constant(item)),
        }
    }
    if constants.is_empty() && patterns.is_empty() {
        return Ok(Filter::nothing());
    }
    Ok(Filter::path(path, Test::In(ValueSet::new(constants, patterns))))
}

fn negated(path: &Path, value: &Value, place: &Place<'_>) -> Result<Filter> {
    if let Value::RegExp { source, flags } = value {
        return Ok(Filter::path(path, Test::Text(Pattern::regex(source, flags, place)?)).not());
    }
    match operators(value, place)? {
        Some(inner) => {
            let mut parts = Vec::new();
            conditions(path, inner, place, &mut parts)?;
            Ok(Filter::and(parts).not())
        }
        None => Err(place.invalid("it needs operators or a regular expression")),
    }
}

fn all(path: &Path, value: &Value, place: &Place<'_>) -> Result<Filter> {
    let items = list(value, place)?;
    if items.is_empty() {
        return Ok(Filter::nothing());
    }
    let mut parts = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let place = place.index(at);
        let test = match operators(item, &place)? {
            None => equal_or_matches(item, &place)?,
            Some(inner) => match inner.iter().next() {
                Some((name, value)) if name.as_str() == Some("$elemMatch") => {
                    element(value, &place.field(name))?
                }
                _ => return Err(place.invalid("$elemMatch is the only operator in $all")),
            },
        };
        parts.push(Filter::path(path, test));
    }
    Ok(Filter::and(parts))
}

fn element(value: &Value, place: &Place<'_>) -> Result<Test> {
    let Value::Object(fields) = value else {
        return Err(place.invalid("it needs an object of conditions"));
    };
    let on_values = fields.names().first().and_then(Wtf8String::as_str).is_some_and(is_test);
    if !on_values {
        return Ok(Test::Element {
            filter: Box::new(Filter::parse_in(value, On::Element, place)?),
            fields: true,
        });
    }
    let mut parts = Vec::new();
    match operators(value, place)? {
        Some(operators) => conditions(&Path::whole(), operators, place, &mut parts)?,
        None => return Err(place.invalid("it needs an object of conditions")),
    }
    Ok(Test::Element { filter: Box::new(Filter::and(parts)), fields: false })
}

fn between(value: &Value, place: &Place<'_>) -> Result<Test> {
    let [least, greatest] = list(value, place)? else {
        return Err(place.invalid("it needs a list of two values, the least and the greatest"));
    };
    let least = not_a_regexp(least, &place.index(0))?;
    let greatest = not_a_regexp(greatest, &place.index(1))?;
    if least.class() != greatest.class() {
        return Err(place.invalid("the least and the greatest value are of different types"));
    }
    Ok(Test::Between(least, greatest))
}

fn remainder(value: &Value, place: &Place<'_>) -> Result<Test> {
    let numbers: Option<Vec<i64>> = list(value, place)?
        .iter()
        .map(|item| match item {
            Value::Number(number) if number.is_finite() && number.abs() < 9.2e18 => {
                Some(number.trunc() as i64)
            }
            _ => integer(item).and_then(|number| i64::try_from(number).ok()),
        })
        .collect();
    match numbers.as_deref() {
        Some([0, _]) => Err(place.invalid("the divisor may not be 0")),
        Some([divisor, remainder]) => {
            Ok(Test::Remainder { divisor: *divisor, remainder: *remainder })
        }
        _ => Err(place.invalid("it needs a list of two numbers, divisor and remainder")),
    }
}

fn like(value: &Value, ignore_case: bool, place: &Place<'_>) -> Result<Test> {
    Ok(Test::Text(Pattern::like(text(value, place)?, ignore_case, place)?))
}

fn regex(value: &Value, options: Option<&Value>, place: &Place<'_>) -> Result<Test> {
    let options = match options {
        None | Some(Value::Undefined | Value::Null) => None,
        Some(Value::String(options)) => Some(options),
        Some(_) => return Err(place.invalid("$options has to be a string such as 'i'")),
    };
    let none = Wtf8String::default();
    let pattern = match value {
        Value::String(source) => Pattern::regex(source, options.unwrap_or(&none), place)?,
        Value::RegExp { source, flags } => Pattern::regex(source, options.unwrap_or(flags), place)?,
        _ => return Err(place.invalid("it needs a string or a regular expression")),
    };
    Ok(Test::Text(pattern))
}
