//! Stages that change documents one by one: `$project`, `$set`, `$unset`, `$replaceRoot`.

use super::accumulator::Names;
use super::document::Document;
use super::execution::{Context, Flow, Operator};
use super::picking::Picking;
use super::tree::{Branch, Tree};
use crate::error::{Error, ErrorCode, Result};
use crate::query::expression::Expression;
use crate::query::place::Place;
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// How a document is changed.
#[derive(Debug, Clone)]
pub(super) enum Reshape {
    /// Only these fields remain.
    Include(Tree<Expression>),
    /// These fields go.
    Exclude(Tree<Expression>),
    /// These fields are set.
    Set(Tree<Expression>),
    /// The value of the expression takes the document's place.
    Replace(Box<Expression>),
}

const MAX_DEPTH: usize = 100;

/// Whether an object is an expression rather than fields inside the field.
fn is_expression(fields: &Fields) -> bool {
    fields.names().iter().any(|name| name.as_bytes().starts_with(b"$"))
}

impl Reshape {
    /// Parses the operand of `$project`.
    pub(super) fn project(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let Value::Object(fields) = value else {
            return Err(place.invalid("it needs an object such as { a: 1, b: '$c' }"));
        };
        if fields.names().is_empty() {
            return Err(place.invalid("it needs at least one field"));
        }
        let mut kinds = Kinds { tree: Tree::new(), includes: false, excludes: false };
        kinds.fields(fields, &mut Vec::new(), names, place)?;
        let Kinds { mut tree, includes, excludes } = kinds;
        if includes && excludes {
            let why = "fields are either included or excluded; only _id may differ";
            return Err(place.invalid(why));
        }
        if excludes {
            // _id: 1 says nothing here.
            if let Some(Branch::Drop) = tree.remove("_id") {
                tree.insert(&"_id".into(), Branch::Drop, place)?;
            }
            return Ok(Self::Exclude(tree));
        }
        match tree.remove("_id") {
            Some(Branch::Drop) if tree.is_empty() => {
                tree.insert(&"_id".into(), Branch::Drop, place)?;
                return Ok(Self::Exclude(tree));
            }
            Some(Branch::Drop) => {}
            Some(other) => tree.insert(&"_id".into(), other, place)?,
            None => tree.insert(&"_id".into(), Branch::Keep, place)?,
        }
        Ok(Self::Include(tree))
    }

    /// Parses the operand of `$set` and `$addFields`.
    pub(super) fn set(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let Value::Object(fields) = value else {
            return Err(place.invalid("it needs an object such as { total: '$price' }"));
        };
        let mut tree = Tree::new();
        set_fields(fields, &mut Vec::new(), &mut tree, names, place)?;
        Ok(Self::Set(tree))
    }

    /// Parses the operand of `$unset`.
    pub(super) fn unset(value: &Value, place: &Place<'_>) -> Result<Self> {
        let mut tree = Tree::new();
        let mut add = |value: &Value, place: &Place<'_>| match value {
            Value::String(path) => tree.insert(path, Branch::Drop, place),
            _ => Err(place.invalid("it needs the name of a field, or a list of such")),
        };
        match value {
            Value::Array(list) if !list.items.is_empty() => {
                for (at, item) in list.items.iter().enumerate() {
                    add(item, &place.index(at))?;
                }
            }
            other => add(other, place)?,
        }
        Ok(Self::Exclude(tree))
    }

    /// The stage at work.
    pub(super) fn operator(&self) -> Box<dyn Operator> {
        match self {
            Self::Include(tree) => match Picking::of(tree) {
                Some(picking) => Box::new(picking),
                None => Box::new(self.clone()),
            },
            _ => Box::new(self.clone()),
        }
    }

    /// The document as it becomes.
    pub(super) fn apply(&self, document: Document<'_>, context: &Context<'_>) -> Result<Value> {
        let tree = match self {
            Self::Exclude(tree) => return Ok(Value::Object(tree.exclude(fields_of(document)?))),
            Self::Replace(expression) => {
                return match expression.evaluate(&document.scope(context.view)?)? {
                    value @ Value::Object(_) => Ok(value),
                    _ => {
                        let message = "$replaceRoot: the new document is no object; \
                                       $mergeObjects and $ifNull help where one is missing";
                        Err(Error::new(ErrorCode::Expression, message))
                    }
                };
            }
            Self::Include(tree) | Self::Set(tree) => {
                tree.evaluate(&document.scope(context.view)?)?
            }
        };
        let fields = fields_of(document)?;
        Ok(Value::Object(match self {
            Self::Include(_) => tree.project(fields),
            _ => tree.set(fields),
        }))
    }
}

/// The fields of a document; one that is no object has none.
fn fields_of(document: Document<'_>) -> Result<Fields> {
    Ok(match document.into_value()? {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    })
}

impl Operator for Reshape {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        Ok(Flow::Pass(Document::Made(self.apply(document, context)?)))
    }
}

/// What the fields of a `$project` are.
struct Kinds {
    tree: Tree<Expression>,
    includes: bool,
    excludes: bool,
}

impl Kinds {
    fn fields(
        &mut self,
        fields: &Fields,
        path: &mut Vec<Wtf8String>,
        names: Names<'_>,
        place: &Place<'_>,
    ) -> Result<()> {
        if path.len() >= MAX_DEPTH {
            return Err(place.invalid("nested deeper than 100"));
        }
        for (name, value) in fields.iter() {
            let place = place.field(name);
            path.push(name.clone());
            let is_id = path.len() == 1 && name.as_bytes() == b"_id";
            match value {
                Value::Object(inside) if !inside.names().is_empty() && !is_expression(inside) => {
                    self.fields(inside, path, names, &place)?;
                    path.pop();
                    continue;
                }
                Value::Bool(false) => self.excludes |= !is_id,
                Value::Number(number) if *number == 0.0 => self.excludes |= !is_id,
                Value::Bool(true) | Value::Number(_) => self.includes |= !is_id,
                _ => self.includes = true,
            }
            let branch = match value {
                Value::Bool(keep) => {
                    if *keep {
                        Branch::Keep
                    } else {
                        Branch::Drop
                    }
                }
                Value::Number(number) => {
                    if *number == 0.0 {
                        Branch::Drop
                    } else {
                        Branch::Keep
                    }
                }
                other => Branch::Set(names.expression(other, &place)?),
            };
            self.tree.insert(&joined(path), branch, &place)?;
            path.pop();
        }
        Ok(())
    }
}

fn set_fields(
    fields: &Fields,
    path: &mut Vec<Wtf8String>,
    tree: &mut Tree<Expression>,
    names: Names<'_>,
    place: &Place<'_>,
) -> Result<()> {
    if path.len() >= MAX_DEPTH {
        return Err(place.invalid("nested deeper than 100"));
    }
    for (name, value) in fields.iter() {
        let place = place.field(name);
        path.push(name.clone());
        match value {
            Value::Object(inside) if !inside.names().is_empty() && !is_expression(inside) => {
                set_fields(inside, path, tree, names, &place)?;
            }
            other => {
                let expression = names.expression(other, &place)?;
                tree.insert(&joined(path), Branch::Set(expression), &place)?;
            }
        }
        path.pop();
    }
    Ok(())
}

fn joined(path: &[Wtf8String]) -> Wtf8String {
    let names: Vec<&[u8]> = path.iter().map(Wtf8String::as_bytes).collect();
    Wtf8String::joined(&names.join(&b'.'))
}
