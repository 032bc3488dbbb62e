//! `$project` that keeps a few fields: only these are read.

use std::sync::Arc;

use super::document::Document;
use super::execution::{Context, Flow, Operator};
use super::reshape::Reshape;
use super::tree::{Branch, Tree};
use crate::error::Result;
use crate::query::expression::Expression;
use crate::value::{FieldName, Fields, Kind, ShapeTable, Value, root};
use crate::wtf8::Wtf8String;

/// More fields are found by going through all of the document.
const FEW: usize = 8;

/// A `$project` without fields inside of others.
pub(super) struct Picking {
    /// The same for documents that are decoded.
    reshape: Reshape,
    /// The fields that are kept.
    kept: Vec<FieldName>,
    /// The fields that are set.
    set: Vec<(Wtf8String, Expression)>,
    /// Which fields the last document had, of those that are kept and then of those that are set.
    last: Vec<usize>,
    /// Their names, which the next document mostly shares.
    names: Arc<[Wtf8String]>,
}

impl Picking {
    /// If the tree is as simple as that.
    pub(super) fn of(tree: &Tree<Expression>) -> Option<Self> {
        let (mut kept, mut set) = (Vec::new(), Vec::new());
        for (name, branch) in tree.branches() {
            match branch {
                Branch::Keep => kept.push(FieldName::new(name.clone())),
                Branch::Set(expression) => set.push((name.clone(), expression.clone())),
                Branch::Drop => {}
                Branch::Inside(_) => return None,
            }
        }
        (kept.len() <= FEW).then(|| Self {
            reshape: Reshape::Include(tree.clone()),
            kept,
            set,
            last: Vec::new(),
            names: Arc::new([]),
        })
    }

    fn pick(
        &mut self,
        document: &Document<'_>,
        (bytes, shapes): (&[u8], &ShapeTable),
        context: &Context<'_>,
    ) -> Result<Value> {
        let scope = document.scope(context.view)?;
        let mut made = Vec::with_capacity(self.set.len());
        for (_, expression) in &self.set {
            made.push(expression.evaluate(&scope)?);
        }
        let joined = match document {
            Document::Joined(_, _, joined) => Some(joined),
            _ => None,
        };
        let is_joined = |name: &FieldName| joined.filter(|joined| *joined.field == *name);
        let stored = root(bytes)?;
        let mut values = Vec::with_capacity(self.kept.len() + self.set.len());
        // The fields that there are: the place of each in the document, which it is, and its value.
        let mut places = [(usize::MAX, 0, None); FEW];
        let mut count = 0;
        for (at, name) in self.kept.iter().enumerate() {
            let found = stored.placed_field(name, shapes)?;
            let place = match (found, is_joined(name)) {
                (Some((place, value)), _) => (place, at, Some(value)),
                (None, Some(_)) => (usize::MAX, at, None),
                (None, None) => continue,
            };
            if let Some(slot) = places.get_mut(count) {
                *slot = place;
                count += 1;
            }
        }
        let places = places.get_mut(..count).unwrap_or_default();
        places.sort_unstable_by_key(|(place, ..)| *place);
        let mut present = Present { last: &mut self.last, count: 0, changed: false };
        for (_, at, found) in places.iter() {
            let Some(name) = self.kept.get(*at) else { continue };
            let value = match (is_joined(name), found) {
                (Some(joined), _) => joined.value().clone(),
                (None, Some(value)) => value.to_value(shapes)?,
                (None, None) => continue,
            };
            if !matches!(value, Value::Undefined) {
                present.push(*at);
                values.push(value);
            }
        }
        for (at, value) in made.into_iter().enumerate() {
            if !matches!(value, Value::Undefined) {
                present.push(self.kept.len() + at);
                values.push(value);
            }
        }
        if present.has_changed() {
            let name = |at: &usize| match self.kept.get(*at) {
                Some(name) => Some(name.name().clone()),
                None => self.set.get(at - self.kept.len()).map(|(name, _)| name.clone()),
            };
            self.names = self.last.iter().filter_map(name).collect();
        }
        Ok(Value::Object(Fields::from_parts(self.names.clone(), values).unwrap_or_default()))
    }
}

/// Notes which fields a document has, and whether the last one had the same.
struct Present<'l> {
    last: &'l mut Vec<usize>,
    count: usize,
    changed: bool,
}

impl Present<'_> {
    fn push(&mut self, at: usize) {
        if self.last.get(self.count) != Some(&at) {
            self.changed = true;
            self.last.truncate(self.count);
            self.last.push(at);
        }
        self.count += 1;
    }

    fn has_changed(self) -> bool {
        let is_shorter = self.last.len() > self.count;
        self.last.truncate(self.count);
        self.changed || is_shorter
    }
}

impl Operator for Picking {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let stored = match &document {
            Document::Stored(bytes, shapes) | Document::Joined(bytes, shapes, _) => {
                Some((*bytes, &***shapes))
            }
            Document::Made(_) => None,
        };
        let value = match stored {
            Some(stored) if root(stored.0)?.kind()? == Kind::Object => {
                self.pick(&document, stored, context)?
            }
            _ => self.reshape.apply(document, context)?,
        };
        Ok(Flow::Pass(Document::Made(value)))
    }
}
