//! Evaluating syntax trees.

use std::borrow::Cow;

use super::call::{Call, elements_of, is_nullish, is_true};
use super::convert::{self, Target};
use super::date_text;
use super::field;
use super::pattern;
use super::scope::Scope;
use super::tree::{Node, Special, Variable};
use super::work::{Elements, MAX_VALUE_DEPTH, check_size, depth, weigh};
use super::zone::Zone;
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Fields, Value};

/// The variables that an expression binds, and those of the expressions around it.
pub(super) struct Frame<'f> {
    values: &'f [Cow<'f, Value>],
    around: Frames<'f>,
}

type Frames<'f> = Option<&'f Frame<'f>>;

/// Bytes of work that each step of a loop counts as.
const STEP: usize = 16;

impl Node {
    /// The expression's value; [`Value::Undefined`] if it is missing.
    pub(super) fn evaluate<'e>(
        &'e self,
        scope: &'e Scope<'_>,
        frames: Frames<'e>,
    ) -> Result<Cow<'e, Value>> {
        scope.work.visit();
        Ok(match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Field(path) => field::of_document(&scope.document, path, &scope.work)?,
            Self::Variable(variable, path) => {
                let value = match variable {
                    Variable::Bound { outwards, index } => bound(frames, *outwards, *index),
                    Variable::Outer(at) => scope.variables.get(*at),
                };
                field::of_value(value.unwrap_or(&Value::Undefined), path, &scope.work)?
            }
            Self::Now => Cow::Owned(Value::Date(scope.now)),
            Self::Inserts(wanted) => match scope.is_insert {
                Some(is_insert) => Cow::Owned(Value::Bool(is_insert == *wanted)),
                None => {
                    let message = "$isInsert and $isUpdate have a value in upserts only";
                    return Err(Error::new(ErrorCode::Expression, message));
                }
            },
            Self::Object(names, nodes) => {
                let mut values = Vec::with_capacity(nodes.len());
                let mut bytes = 0;
                let mut misses = false;
                for node in nodes {
                    let value = node.evaluate(scope, frames)?;
                    bytes += weigh(&value);
                    check_size(bytes)?;
                    misses |= matches!(*value, Value::Undefined);
                    values.push(value.into_owned());
                }
                scope.work.charge(bytes)?;
                Cow::Owned(Value::Object(object(names, values, misses)))
            }
            Self::Array(nodes) => {
                let mut elements = Elements::default();
                for node in nodes {
                    push(&mut elements, node.evaluate(scope, frames)?)?;
                }
                admitted(scope, elements.finish())?
            }
            Self::Call { operator, arguments, given } => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(argument.evaluate(scope, frames)?);
                }
                let call = Call { operator: operator.name, work: &scope.work, given: *given };
                admitted(scope, (operator.function)(&call, &mut values)?)?
            }
            Self::Special(special) => special.evaluate(scope, frames)?,
        })
    }

    fn is_true(&self, scope: &Scope<'_>, frames: Frames<'_>) -> Result<bool> {
        Ok(is_true(&*self.evaluate(scope, frames)?))
    }
}

fn admitted<'e>(scope: &Scope<'_>, value: Value) -> Result<Cow<'e, Value>> {
    scope.work.admit(&value)?;
    Ok(Cow::Owned(value))
}

/// The value of a variable of the frame that is so many further out than the innermost.
fn bound<'f>(frames: Frames<'f>, outwards: usize, index: usize) -> Option<&'f Value> {
    let mut frame = frames?;
    for _ in 0..outwards {
        frame = frame.around?;
    }
    frame.values.get(index).map(|value| &**value)
}

/// An object of the values that are not missing.
fn object(
    names: &std::sync::Arc<[crate::wtf8::Wtf8String]>,
    values: Vec<Value>,
    misses: bool,
) -> Fields {
    if !misses {
        return Fields::from_parts(names.clone(), values).unwrap_or_default();
    }
    let fields = names.iter().zip(values).filter(|(_, value)| !matches!(value, Value::Undefined));
    let (names, values): (Vec<_>, _) = fields.map(|(name, value)| (name.clone(), value)).unzip();
    Fields::from_parts(names.into(), values).unwrap_or_default()
}

/// Adds an element; in an array what is missing is null.
fn push(elements: &mut Elements, value: Cow<'_, Value>) -> Result<()> {
    match value {
        Cow::Borrowed(Value::Undefined) | Cow::Owned(Value::Undefined) => {
            elements.push(Value::Null)
        }
        Cow::Borrowed(value) => elements.extend(std::slice::from_ref(value)),
        Cow::Owned(value) => elements.push(value),
    }
}

impl Special {
    fn evaluate<'e>(&'e self, scope: &'e Scope<'_>, frames: Frames<'e>) -> Result<Cow<'e, Value>> {
        match self {
            Self::And(parts) => {
                for part in parts {
                    if !part.is_true(scope, frames)? {
                        return Ok(Cow::Owned(Value::Bool(false)));
                    }
                }
                Ok(Cow::Owned(Value::Bool(true)))
            }
            Self::Or(parts) => {
                for part in parts {
                    if part.is_true(scope, frames)? {
                        return Ok(Cow::Owned(Value::Bool(true)));
                    }
                }
                Ok(Cow::Owned(Value::Bool(false)))
            }
            Self::If { condition, then, otherwise } => {
                let taken = if condition.is_true(scope, frames)? { then } else { otherwise };
                taken.evaluate(scope, frames)
            }
            Self::Switch { branches, default } => {
                for (case, then) in branches {
                    if case.is_true(scope, frames)? {
                        return then.evaluate(scope, frames);
                    }
                }
                match default {
                    Some(default) => default.evaluate(scope, frames),
                    None => {
                        Err(call("$switch", scope)
                            .error("no branch applies, and it has no default"))
                    }
                }
            }
            Self::IfNull(parts) => {
                let mut last = Cow::Owned(Value::Null);
                for part in parts {
                    last = part.evaluate(scope, frames)?;
                    if !is_nullish(&last) {
                        break;
                    }
                }
                Ok(last)
            }
            Self::Let { values, body } => {
                let values = values.iter().map(|node| node.evaluate(scope, frames));
                let values = values.collect::<Result<Vec<_>>>()?;
                admitted(scope, with(scope, &values, body, frames)?)
            }
            Self::Map { input, body } => admitted(scope, map(scope, input, body, frames)?),
            Self::Filter { input, condition, limit } => {
                admitted(scope, filter(scope, input, condition, limit.as_ref(), frames)?)
            }
            Self::Reduce { input, initial, body } => {
                admitted(scope, reduce(scope, input, initial, body, frames)?)
            }
            Self::Search { operator, input, regex } => {
                let input = input.evaluate(scope, frames)?;
                admitted(scope, pattern::search(&call(operator.name, scope), &input, regex)?)
            }
            Self::Convert { input, to, on_error, on_null } => {
                let value = input.evaluate(scope, frames)?;
                if is_nullish(&value) {
                    return or_null(scope, on_null.as_ref(), frames);
                }
                let call = call("$convert", scope);
                let target = Target::named(&call, &*to.evaluate(scope, frames)?)?;
                or_else(scope, convert::to(&call, &value, target), on_error.as_ref(), frames)
            }
            Self::DateFromString { text, format, zone, on_error, on_null } => {
                let value = text.evaluate(scope, frames)?;
                let evaluate = |node: &'e Option<Node>| {
                    node.as_ref().map(|node| node.evaluate(scope, frames)).transpose()
                };
                let (format, zone) = (evaluate(format)?, evaluate(zone)?);
                if is_nullish(&value) {
                    return or_null(scope, on_null.as_ref(), frames);
                }
                if [&format, &zone].into_iter().flatten().any(|value| is_nullish(value)) {
                    return Ok(Cow::Owned(Value::Null));
                }
                let call = call("$dateFromString", scope);
                let zone = zone.map_or(Ok(Zone::UTC), |zone| call.zone(&zone))?;
                let result = date_from_string(&call, &value, format.as_deref(), &zone);
                or_else(scope, result, on_error.as_ref(), frames)
            }
        }
    }
}

fn call<'e>(operator: &'e str, scope: &'e Scope<'_>) -> Call<'e> {
    Call { operator, work: &scope.work, given: 0 }
}

fn or_null<'e>(
    scope: &'e Scope<'_>,
    on_null: Option<&'e Node>,
    frames: Frames<'e>,
) -> Result<Cow<'e, Value>> {
    on_null.map_or(Ok(Cow::Owned(Value::Null)), |node| node.evaluate(scope, frames))
}

/// The result, or what stands for it if the value is not fit for it.
fn or_else<'e>(
    scope: &'e Scope<'_>,
    result: Result<Value>,
    on_error: Option<&'e Node>,
    frames: Frames<'e>,
) -> Result<Cow<'e, Value>> {
    match (result, on_error) {
        (Err(error), Some(node)) if error.code() == ErrorCode::Expression => {
            node.evaluate(scope, frames)
        }
        (result, _) => admitted(scope, result?),
    }
}

fn date_from_string(
    call: &Call<'_>,
    value: &Value,
    format: Option<&Value>,
    zone: &Zone,
) -> Result<Value> {
    let text = call.text(value)?.as_str().unwrap_or_default();
    let time = match format {
        Some(format) => {
            date_text::parse(text, call.text(format)?.as_str().unwrap_or_default(), zone)
        }
        None => date_text::parse_iso(text, zone),
    };
    let time = time.ok_or_else(|| call.error("the string is not a date of that format"))?;
    call.date(time as f64)
}

/// Evaluates the body with more variables.
fn with<'e>(
    scope: &'e Scope<'_>,
    values: &[Cow<'_, Value>],
    body: &'e Node,
    around: Frames<'_>,
) -> Result<Value> {
    body.evaluate(scope, Some(&Frame { values, around })).map(Cow::into_owned)
}

/// The elements that `$map` and its like go through; `None` for null and missing.
fn input<'e>(
    operator: &str,
    scope: &'e Scope<'_>,
    input: &'e Node,
    frames: Frames<'e>,
) -> Result<Option<Cow<'e, [Value]>>> {
    let value = input.evaluate(scope, frames)?;
    if is_nullish(&value) {
        return Ok(None);
    }
    match elements_of(value)? {
        Ok(elements) => Ok(Some(elements)),
        Err(other) => Err(call(operator, scope).wrong("an array", &other)),
    }
}

fn map(scope: &Scope<'_>, from: &Node, body: &Node, frames: Frames<'_>) -> Result<Value> {
    let Some(items) = input("$map", scope, from, frames)? else { return Ok(Value::Null) };
    let mut mapped = Elements::default();
    for item in items.iter() {
        scope.work.charge(STEP)?;
        let values = [Cow::Borrowed(item)];
        push(&mut mapped, body.evaluate(scope, Some(&Frame { values: &values, around: frames }))?)?;
    }
    Ok(mapped.finish())
}

fn filter(
    scope: &Scope<'_>,
    from: &Node,
    condition: &Node,
    limit: Option<&Node>,
    frames: Frames<'_>,
) -> Result<Value> {
    let Some(items) = input("$filter", scope, from, frames)? else { return Ok(Value::Null) };
    let most = match limit.map(|limit| limit.evaluate(scope, frames)).transpose()? {
        Some(limit) if !is_nullish(&limit) => match call("$filter", scope).integer(&limit)? {
            limit @ 1.. => limit as usize,
            _ => return Err(call("$filter", scope).error("the limit has to be positive")),
        },
        _ => usize::MAX,
    };
    let mut kept = Elements::default();
    for item in items.iter() {
        scope.work.charge(STEP)?;
        let values = [Cow::Borrowed(item)];
        if condition.is_true(scope, Some(&Frame { values: &values, around: frames }))? {
            kept.extend(std::slice::from_ref(item))?;
            if kept.len() == most {
                break;
            }
        }
    }
    Ok(kept.finish())
}

fn reduce(
    scope: &Scope<'_>,
    from: &Node,
    initial: &Node,
    body: &Node,
    frames: Frames<'_>,
) -> Result<Value> {
    let Some(items) = input("$reduce", scope, from, frames)? else { return Ok(Value::Null) };
    let mut result = initial.evaluate(scope, frames)?.into_owned();
    for item in items.iter() {
        scope.work.charge(STEP)?;
        result = with(scope, &[Cow::Borrowed(item), Cow::Borrowed(&result)], body, frames)?;
        // Each step may put what it has into one more array.
        if depth(&result, MAX_VALUE_DEPTH) == MAX_VALUE_DEPTH {
            let message = "$reduce: the result is nested deeper than 1,000";
            return Err(Error::new(ErrorCode::ResourceLimit, message));
        }
    }
    Ok(result)
}
