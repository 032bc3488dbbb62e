//! `$merge` and `$out`: pipelines whose documents are written to a store.

use super::Pipeline;
use super::accumulator::{Names, Parts};
use crate::error::Result;
use crate::query::expression::{Expression, check_variable, field_path};
use crate::query::place::Place;
use crate::value::{FieldPath, Value};
use crate::wtf8::Wtf8String;

/// Where the documents of a pipeline are written.
#[derive(Debug, Clone)]
pub enum Output {
    /// `$out`: they replace all that the store holds.
    Replace {
        /// The store.
        store: Wtf8String,
    },
    /// `$merge`: they are written among the documents of the store.
    Merge(Box<Merge>),
}

/// `$merge`.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The store.
    pub store: Wtf8String,
    /// The fields by which documents are the same; none: the primary key.
    pub on: Vec<FieldPath>,
    /// What happens to a document that is there.
    pub when_matched: WhenMatched,
    /// What happens to a document that is not there.
    pub when_not_matched: WhenNotMatched,
}

/// What happens to a document that is there already.
#[derive(Debug, Clone)]
pub enum WhenMatched {
    /// The new one takes its place.
    Replace,
    /// It stays as it is.
    Keep,
    /// It gets the fields of the new one.
    Merge,
    /// The operation fails.
    Fail,
    /// A pipeline is applied to it. The pipeline's variables are the expressions' values on the new
    /// document, then the new document itself, `$$new`.
    Pipeline(Vec<Expression>, Pipeline),
}

/// What happens to a document that is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenNotMatched {
    /// It is inserted.
    Insert,
    /// It is left out.
    Discard,
    /// The operation fails.
    Fail,
}

/// The store that `'name'` or `{ coll: 'name' }` is.
fn store(value: &Value, place: &Place<'_>) -> Result<Wtf8String> {
    let name = match value {
        Value::Object(_) => Parts::of(value, &["coll"], &[], place)?.get("coll"),
        value => value,
    };
    match name {
        Value::String(name) if !name.is_empty() => Ok(name.clone()),
        _ => Err(place.invalid("it needs the name of a store")),
    }
}

impl Output {
    /// Parses `$out`.
    pub(super) fn replace(value: &Value, place: &Place<'_>) -> Result<Self> {
        Ok(Self::Replace { store: store(value, place)? })
    }

    /// Parses `$merge`.
    pub(super) fn merge(value: &Value, place: &Place<'_>) -> Result<Self> {
        if let Value::String(_) = value {
            let (when_matched, when_not_matched) = (WhenMatched::Merge, WhenNotMatched::Insert);
            let store = store(value, place)?;
            let merge = Merge { store, on: Vec::new(), when_matched, when_not_matched };
            return Ok(Self::Merge(Box::new(merge)));
        }
        let optional = ["on", "let", "whenMatched", "whenNotMatched"];
        let parts = Parts::of(value, &["into"], &optional, place)?;
        let store = store(parts.get("into"), &place.word("into"))?;
        let here = place.word("on");
        let path = |value: &Value| match value {
            Value::String(path) => field_path(path.as_bytes(), &here),
            _ => Err(here.invalid("it needs the name of a field, or a list of such")),
        };
        let on = match parts.find("on") {
            None => Vec::new(),
            Some(Value::Array(list)) if !list.items.is_empty() => {
                list.items.iter().map(path).collect::<Result<_>>()?
            }
            Some(value) => vec![path(value)?],
        };
        let word = |name: &str| match parts.find(name) {
            Some(Value::String(word)) => word.as_str(),
            _ => None,
        };
        let here = place.word("whenNotMatched");
        let when_not_matched = match (parts.find("whenNotMatched"), word("whenNotMatched")) {
            (None, _) | (_, Some("insert")) => WhenNotMatched::Insert,
            (_, Some("discard")) => WhenNotMatched::Discard,
            (_, Some("fail")) => WhenNotMatched::Fail,
            _ => return Err(here.invalid("it is insert, discard or fail")),
        };
        let here = place.word("whenMatched");
        let when_matched = match (parts.find("whenMatched"), word("whenMatched")) {
            (None, _) | (_, Some("merge")) => WhenMatched::Merge,
            (_, Some("replace")) => WhenMatched::Replace,
            (_, Some("keepExisting")) => WhenMatched::Keep,
            (_, Some("fail")) => WhenMatched::Fail,
            (Some(pipeline @ Value::Array(_)), _) => {
                let (names, values) = variables(parts.find("let"), &place.word("let"))?;
                let pipeline = Pipeline::parse_update(pipeline, &names, &here)?;
                WhenMatched::Pipeline(values, pipeline)
            }
            _ => {
                let why = "it is replace, keepExisting, merge, fail or a pipeline";
                return Err(here.invalid(why));
            }
        };
        if parts.find("let").is_some() && !matches!(when_matched, WhenMatched::Pipeline(..)) {
            return Err(place.word("let").invalid("variables need a pipeline in whenMatched"));
        }
        Ok(Self::Merge(Box::new(Merge { store, on, when_matched, when_not_matched })))
    }
}

/// The variables of `let`, and `new` behind them.
fn variables(
    value: Option<&Value>,
    place: &Place<'_>,
) -> Result<(Vec<Wtf8String>, Vec<Expression>)> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    match value {
        None => {}
        Some(Value::Object(fields)) => {
            for (name, value) in fields.iter() {
                let place = place.field(name);
                check_variable(name, &place)?;
                values.push(Names { variables: &[] }.expression(value, &place)?);
                names.push(name.clone());
            }
        }
        Some(_) => return Err(place.invalid("it needs an object of variables")),
    }
    names.push("new".into());
    Ok((names, values))
}
