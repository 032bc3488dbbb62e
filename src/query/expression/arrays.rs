//! Operators on arrays.

use std::borrow::Cow;
use std::collections::HashSet;

use super::call::{Arguments, Call, elements_of, is_nullish, is_true};
use super::work::{Elements, array, check_size};
use crate::error::Result;
use crate::query::order;
use crate::value::{Fields, Value};

/// `$size`.
pub(super) fn size(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    match &**operand {
        Value::Array(array) => Ok(Value::Number(array.length().map_or(0.0, f64::from))),
        other => Err(call.wrong("an array", other)),
    }
}

/// `$isArray`.
pub(super) fn is_array(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::Bool(matches!(&**operand, Value::Array(_))))
}

/// The element at an index that may count from the end; missing if there is none.
fn element(elements: &[Value], index: i64) -> Value {
    let index = if index < 0 { index + elements.len() as i64 } else { index };
    let found = usize::try_from(index).ok().and_then(|index| elements.get(index));
    found.cloned().unwrap_or(Value::Undefined)
}

/// `$arrayElemAt`.
pub(super) fn element_at(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand, index] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(operand) || is_nullish(index) {
        return Ok(Value::Null);
    }
    Ok(element(&call.array(operand)?, call.integer(index)?))
}

/// `$first` and `$last`.
pub(super) fn end_element(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    let Some(elements) = call.elements(operand)? else { return Ok(Value::Null) };
    Ok(element(&elements, if call.operator == "$first" { 0 } else { -1 }))
}

/// `$slice`: the first or last elements, or so many from a position on.
pub(super) fn slice(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if arguments.iter().any(|argument| is_nullish(argument)) {
        return Ok(Value::Null);
    }
    let (elements, start, count) = match arguments {
        [operand, count] => match call.integer(count)? {
            count @ 0.. => (call.array(operand)?, 0, count),
            count => (call.array(operand)?, count, i64::MAX),
        },
        [operand, start, count] => {
            (call.array(operand)?, call.integer(start)?, call.integer(count)?)
        }
        _ => return Err(call.wrong_count()),
    };
    if count <= 0 && arguments.len() == 3 {
        return Err(call.error("the number of elements has to be positive"));
    }
    let length = elements.len() as i64;
    let start = if start < 0 { (length + start).max(0) } else { start.min(length) };
    let end = start.saturating_add(count).min(length);
    let mut slice = Elements::default();
    slice.extend(elements.get(start as usize..end as usize).unwrap_or_default())?;
    Ok(slice.finish())
}

/// `$in`.
pub(super) fn contains(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [value, operand] = arguments else { return Err(call.wrong_count()) };
    let elements = call.array(operand)?;
    Ok(Value::Bool(elements.iter().any(|element| order::equal(element, value))))
}

/// `$indexOfArray`: the array, the value, and optionally from where to where.
pub(super) fn index_of(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand, value, range @ ..] = arguments else { return Err(call.wrong_count()) };
    let Some(elements) = call.elements(operand)? else { return Ok(Value::Null) };
    let Some((start, end)) = call.range(range)? else { return Ok(Value::Number(-1.0)) };
    let searched = elements.get(start..end.min(elements.len())).unwrap_or_default();
    let found = searched.iter().position(|element| order::equal(element, value));
    Ok(Value::Number(found.map_or(-1.0, |at| (start + at) as f64)))
}

/// `$concatArrays`.
pub(super) fn concat(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let mut all = Elements::default();
    for argument in arguments {
        let Some(elements) = call.elements(argument)? else { return Ok(Value::Null) };
        all.extend(&elements)?;
    }
    Ok(all.finish())
}

/// `$reverseArray`.
pub(super) fn reverse(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    let Some(elements) = call.elements(operand)? else { return Ok(Value::Null) };
    let mut elements = elements.into_owned();
    elements.reverse();
    Ok(array(elements))
}

/// `$range`: from a start to before an end, by steps.
pub(super) fn range(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let (start, end, step) = match arguments {
        [start, end] => (call.integer(start)?, call.integer(end)?, 1),
        [start, end, step] => (call.integer(start)?, call.integer(end)?, call.integer(step)?),
        _ => return Err(call.wrong_count()),
    };
    if step == 0 {
        return Err(call.error("the step must not be zero"));
    }
    let distance = if step > 0 { end.saturating_sub(start) } else { start.saturating_sub(end) };
    let count = distance.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
    check_size(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(size_of::<Value>()))?;
    let numbers = (0..count as i64).map(|at| Value::Number((start + at * step) as f64));
    Ok(array(numbers.collect()))
}

/// `$zip`: the arrays, whether the longest one counts, and what fills the shorter ones.
pub(super) fn zip(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [inputs, longest, defaults] = arguments else { return Err(call.wrong_count()) };
    let Some(inputs) = call.elements(inputs)? else { return Ok(Value::Null) };
    if inputs.is_empty() {
        return Err(call.error("it needs one input at least"));
    }
    let longest = match &**longest {
        Value::Bool(longest) => *longest,
        Value::Null | Value::Undefined => false,
        _ => return Err(call.error("useLongestLength needs true or false")),
    };
    let defaults = if is_nullish(defaults) {
        Cow::Borrowed(&[][..])
    } else if longest {
        call.array(defaults)?
    } else {
        return Err(call.error("defaults need useLongestLength: true"));
    };
    if !defaults.is_empty() && defaults.len() != inputs.len() {
        return Err(call.error("there must be as many defaults as inputs"));
    }
    let mut arrays = Vec::with_capacity(inputs.len());
    for input in inputs.iter() {
        if is_nullish(input) {
            return Ok(Value::Null);
        }
        arrays.push(call.array(&mut Cow::Borrowed(input))?);
    }
    let lengths = arrays.iter().map(|array| array.len());
    let length = if longest { lengths.max() } else { lengths.min() };
    let mut rows = Elements::default();
    for at in 0..length.unwrap_or(0) {
        let mut row = Elements::default();
        for (input, array) in arrays.iter().enumerate() {
            let value = array.get(at).or_else(|| defaults.get(input)).unwrap_or(&Value::Null);
            row.extend(std::slice::from_ref(value))?;
        }
        rows.push(row.finish())?;
    }
    Ok(rows.finish())
}

/// `$arrayToObject`: of pairs `[name, value]`, or of objects `{k, v}`.
pub(super) fn to_object(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    let Some(elements) = call.elements(operand)? else { return Ok(Value::Null) };
    let wrong = || call.error("it needs arrays [name, value] or objects { k, v }");
    let mut fields = super::objects::FieldList::default();
    let is_pair = |element: &Value| matches!(element, Value::Array(_));
    if elements.iter().any(|element| is_pair(element) != elements.first().is_some_and(is_pair)) {
        return Err(call.error("it needs arrays [name, value] or objects { k, v }, not both"));
    }
    for element in elements.iter() {
        let (name, value) = match element {
            Value::Array(pair) => match &pair.items[..] {
                [name, value] => (name, value),
                _ => return Err(wrong()),
            },
            Value::Object(pair) if pair.names().len() == 2 => {
                match (pair.get(&"k".into()), pair.get(&"v".into())) {
                    (Some(name), Some(value)) => (name, value),
                    _ => return Err(wrong()),
                }
            }
            _ => return Err(wrong()),
        };
        fields.set(call.text(name)?, Cow::Borrowed(value));
    }
    Ok(fields.finish())
}

/// The elements of the arrays that the set operators need; `None` if one is null or missing.
fn sets<'v>(
    call: &Call<'_>,
    arguments: Arguments<'_, 'v>,
) -> Result<Option<Vec<Cow<'v, [Value]>>>> {
    let mut sets = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let Some(elements) = call.elements(argument)? else { return Ok(None) };
        sets.push(elements);
    }
    Ok(Some(sets))
}

fn keys(elements: &[Value]) -> HashSet<Vec<u8>> {
    elements.iter().map(order::bytes).collect()
}

/// `$setUnion`, `$setIntersection`, `$setDifference`: the elements in the order in which they come
/// first, each once.
pub(super) fn set_operation(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let Some(sets) = sets(call, arguments)? else { return Ok(Value::Null) };
    let Some((first, others)) = sets.split_first() else { return Ok(array(Vec::new())) };
    let mut seen = HashSet::new();
    let mut result = Elements::default();
    if call.operator == "$setUnion" {
        for element in sets.iter().flat_map(|set| set.iter()) {
            if seen.insert(order::bytes(element)) {
                result.extend(std::slice::from_ref(element))?;
            }
        }
        return Ok(result.finish());
    }
    let others: Vec<_> = others.iter().map(|set| keys(set)).collect();
    let needed = call.operator == "$setIntersection";
    for element in first.iter() {
        let key = order::bytes(element);
        if others.iter().all(|set| set.contains(&key) == needed) && seen.insert(key) {
            result.extend(std::slice::from_ref(element))?;
        }
    }
    Ok(result.finish())
}

/// `$setEquals` and `$setIsSubset`.
pub(super) fn compare_sets(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let mut sets = Vec::with_capacity(arguments.len());
    for argument in arguments {
        sets.push(keys(&call.array(argument)?));
    }
    let Some((first, others)) = sets.split_first() else { return Err(call.wrong_count()) };
    let is_subset = call.operator == "$setIsSubset";
    Ok(Value::Bool(
        others.iter().all(|other| if is_subset { first.is_subset(other) } else { first == other }),
    ))
}

/// `$allElementsTrue` and `$anyElementTrue`.
pub(super) fn elements_true(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    let elements = call.array(operand)?;
    Ok(Value::Bool(match call.operator {
        "$allElementsTrue" => elements.iter().all(is_true),
        _ => elements.iter().any(is_true),
    }))
}

/// `$minN`, `$maxN`, `$firstN`, `$lastN`: of an array; null and missing elements do not count for
/// the first two.
pub(super) fn some_elements(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [count, input] = arguments else { return Err(call.wrong_count()) };
    let count = match call.integer(count)? {
        count @ 1.. => count as usize,
        _ => return Err(call.error("n has to be positive")),
    };
    let mut elements = call.array(input)?.into_owned();
    match call.operator {
        "$minN" | "$maxN" => {
            elements.retain(|element| !is_nullish(element));
            elements.sort_by_cached_key(order::bytes);
            if call.operator == "$maxN" {
                elements.reverse();
            }
        }
        "$lastN" => {
            elements.drain(..elements.len().saturating_sub(count));
        }
        _ => {}
    }
    elements.truncate(count);
    Ok(array(elements))
}

/// `$objectToArray`: `{k, v}` for each field.
pub(super) fn of_object(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    let fields = match &**operand {
        value if is_nullish(value) => return Ok(Value::Null),
        Value::Object(fields) => fields,
        other => return Err(call.wrong("an object", other)),
    };
    let names: std::sync::Arc<[_]> = ["k".into(), "v".into()].into();
    let mut pairs = Elements::default();
    for (name, value) in fields.iter().filter(|(_, value)| !matches!(value, Value::Undefined)) {
        let pair = vec![Value::String(name.clone()), value.clone()];
        let pair = Fields::from_parts(names.clone(), pair).unwrap_or_default();
        pairs.push(Value::Object(pair))?;
    }
    Ok(pairs.finish())
}

/// The operands of `$sum` and its like: the elements of a single array, or else the operands.
pub(super) fn operands<'v>(arguments: Arguments<'_, 'v>) -> Result<Cow<'v, [Value]>> {
    if let [single] = arguments {
        let single = std::mem::replace(single, Cow::Owned(Value::Undefined));
        return Ok(match elements_of(single)? {
            Ok(elements) => elements,
            Err(other) => Cow::Owned(vec![other.into_owned()]),
        });
    }
    Ok(Cow::Owned(arguments.iter().map(|value| value.clone().into_owned()).collect()))
}
