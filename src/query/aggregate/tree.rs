//! Fields that are kept, left out, or set, as a tree of names.

use super::state::list;
use crate::error::Result;
use crate::query::expression::{Expression, Scope};
use crate::query::place::Place;
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// What happens to fields, by name.
#[derive(Debug, Clone)]
pub(super) struct Tree<V> {
    branches: Vec<(Wtf8String, Branch<V>)>,
}

/// What happens to a field.
#[derive(Debug, Clone)]
pub(super) enum Branch<V> {
    Keep,
    Drop,
    Set(V),
    Inside(Tree<V>),
}

/// How deep fields may nest in a tree.
const MAX_DEPTH: usize = 100;

impl<V> Tree<V> {
    /// No branches.
    pub(super) const fn new() -> Self {
        Self { branches: Vec::new() }
    }

    /// Adds a branch at a dotted path.
    ///
    /// # Errors
    /// `INVALID_QUERY` if there is a branch at the path, before or behind it.
    pub(super) fn insert(
        &mut self,
        path: &Wtf8String,
        branch: Branch<V>,
        place: &Place<'_>,
    ) -> Result<()> {
        let names = crate::query::expression::field_path(path.as_bytes(), place)?;
        let mut names = names.segments().iter().map(|name| name.name().clone()).peekable();
        if names.len() > MAX_DEPTH {
            return Err(place.invalid("fields may nest 100 deep"));
        }
        let mut tree = self;
        while let Some(name) = names.next() {
            let at = tree.branches.iter().position(|(known, _)| *known == name);
            let conflict = || place.invalid("another path is the same, or leads to or through it");
            if names.peek().is_none() {
                if at.is_some() {
                    return Err(conflict());
                }
                tree.branches.push((name, branch));
                return Ok(());
            }
            let at = at.unwrap_or_else(|| {
                tree.branches.push((name, Branch::Inside(Self::new())));
                tree.branches.len() - 1
            });
            match tree.branches.get_mut(at) {
                Some((_, Branch::Inside(inside))) => tree = inside,
                _ => return Err(conflict()),
            }
        }
        Ok(())
    }

    /// Takes a branch of the root out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Branch<V>> {
        let at = self.branches.iter().position(|(known, _)| known.as_str() == Some(name))?;
        Some(self.branches.remove(at).1)
    }

    /// The branches of the root, by name.
    pub(super) fn branches(&self) -> &[(Wtf8String, Branch<V>)] {
        &self.branches
    }

    /// Whether there are no branches.
    pub(super) fn is_empty(&self) -> bool {
        self.branches.is_empty()
    }

    fn find(&self, name: &Wtf8String) -> Option<&Branch<V>> {
        self.branches.iter().find(|(known, _)| known == name).map(|(_, branch)| branch)
    }

    /// Whether a branch sets a field.
    fn sets(&self) -> bool {
        self.branches.iter().any(|(_, branch)| match branch {
            Branch::Set(_) => true,
            Branch::Inside(inside) => inside.sets(),
            Branch::Keep | Branch::Drop => false,
        })
    }
}

impl Tree<Expression> {
    /// The same with the values of the expressions.
    pub(super) fn evaluate(&self, scope: &Scope<'_>) -> Result<Tree<Value>> {
        let mut branches = Vec::with_capacity(self.branches.len());
        for (name, branch) in &self.branches {
            let branch = match branch {
                Branch::Keep => Branch::Keep,
                Branch::Drop => Branch::Drop,
                Branch::Set(expression) => Branch::Set(expression.evaluate(scope)?),
                Branch::Inside(inside) => Branch::Inside(inside.evaluate(scope)?),
            };
            branches.push((name.clone(), branch));
        }
        Ok(Tree { branches })
    }
}

impl<V> Tree<V> {
    /// The object without the fields that the tree drops.
    pub(super) fn exclude(&self, fields: Fields) -> Fields {
        let (names, values) = fields.into_parts();
        if !names.iter().any(|name| self.find(name).is_some()) {
            return Fields::from_parts(names, values).unwrap_or_default();
        }
        let mut made = Made::default();
        for (name, value) in names.iter().zip(values) {
            match self.find(name) {
                Some(Branch::Drop) => {}
                Some(Branch::Inside(inside)) => made.push(name, inside.exclude_value(value)),
                _ => made.push(name, value),
            }
        }
        made.finish()
    }

    fn exclude_value(&self, value: Value) -> Value {
        match value {
            Value::Object(fields) => Value::Object(self.exclude(fields)),
            Value::Array(array) => {
                list(array.items.into_iter().map(|item| self.exclude_value(item)).collect())
            }
            other => other,
        }
    }
}

impl Tree<Value> {
    /// The object with only the fields that the tree keeps, and those that it sets.
    pub(super) fn project(&self, fields: Fields) -> Fields {
        let mut made = Made::default();
        let (names, values) = fields.into_parts();
        for (name, value) in names.iter().zip(values) {
            match self.find(name) {
                Some(Branch::Keep) => made.push(name, value),
                Some(Branch::Inside(inside)) => {
                    if let Some(value) = inside.project_value(value) {
                        made.push(name, value);
                    }
                }
                Some(Branch::Drop | Branch::Set(_)) | None => {}
            }
        }
        for (name, branch) in &self.branches {
            match branch {
                Branch::Set(value) => made.push(name, value.clone()),
                Branch::Inside(inside) if inside.sets() && !names.contains(name) => {
                    made.push(name, Value::Object(inside.project(Fields::new())));
                }
                _ => {}
            }
        }
        made.finish()
    }

    /// What is kept of a value that should be an object: of arrays each element; of other values
    /// nothing, unless fields are set in it.
    fn project_value(&self, value: Value) -> Option<Value> {
        match value {
            Value::Object(fields) => Some(Value::Object(self.project(fields))),
            Value::Array(array) => {
                let items = array.items.into_iter();
                Some(list(items.filter_map(|item| self.project_value(item)).collect()))
            }
            _ if self.sets() => Some(Value::Object(self.project(Fields::new()))),
            _ => None,
        }
    }

    /// The object with the fields that the tree sets. What an expression leaves missing is taken
    /// away.
    pub(super) fn set(&self, fields: Fields) -> Fields {
        let mut made = Made::default();
        let (names, values) = fields.into_parts();
        for (name, value) in names.iter().zip(values) {
            match self.find(name) {
                Some(Branch::Set(value)) => made.push(name, value.clone()),
                Some(Branch::Inside(inside)) => made.push(name, inside.set_value(value)),
                _ => made.push(name, value),
            }
        }
        for (name, branch) in self.branches.iter().filter(|(name, _)| !names.contains(name)) {
            match branch {
                Branch::Set(value) => made.push(name, value.clone()),
                Branch::Inside(inside) => {
                    made.push(name, Value::Object(inside.set(Fields::new())));
                }
                Branch::Keep | Branch::Drop => {}
            }
        }
        made.finish()
    }

    fn set_value(&self, value: Value) -> Value {
        match value {
            Value::Object(fields) => Value::Object(self.set(fields)),
            Value::Array(array) => {
                list(array.items.into_iter().map(|item| self.set_value(item)).collect())
            }
            _ => Value::Object(self.set(Fields::new())),
        }
    }
}

/// Fields of an object that is being made.
#[derive(Default)]
struct Made {
    names: Vec<Wtf8String>,
    values: Vec<Value>,
}

impl Made {
    /// Adds a field that is not missing.
    fn push(&mut self, name: &Wtf8String, value: Value) {
        if !matches!(value, Value::Undefined) {
            self.names.push(name.clone());
            self.values.push(value);
        }
    }

    fn finish(self) -> Fields {
        Fields::from_parts(self.names.into(), self.values).unwrap_or_default()
    }
}
