//! Applying an update: its tree and the document are walked together.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::array_filter::ArrayFilter;
use super::budget::{Budget, weigh};
use super::expressions::Calculations;
use super::leaf::Leaf;
use super::operand::{is_same, kind};
use super::path::Name;
use super::place::UPDATE;
use super::rename;
use super::sharing::Sharing;
use super::sparse::{self, Spot};
use super::tree::{Elements, Node};
use super::{Context, MAX_PADDING, Update};
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Place, array_index};
use crate::value::{Array, Fields, Value};
use crate::wtf8::Wtf8String;

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Kept,
    Changed,
    /// It has to go.
    Removed,
}

impl Effect {
    fn and(self, other: Self) -> Self {
        if self == Self::Kept { other } else { self }
    }
}

/// What applying one update to one document needs.
pub(super) struct Applier<'u> {
    pub(super) now: f64,
    pub(super) calculations: Calculations<'u>,
    pub(super) budget: Budget,
    filters: &'u [ArrayFilter],
    sharing: Sharing,
}

impl Update {
    /// Applies the update to a document; tells whether that changed it. After an error the document
    /// is in no state to be used.
    ///
    /// # Errors
    /// `INVALID_UPDATE` if an operator does not fit what it meets, naming its path; `EXPRESSION` if
    /// a calculation has no result; `RESOURCE_LIMIT` if the document grows too much.
    pub fn apply(&self, document: &mut Value, context: &Context<'_>) -> Result<bool> {
        // Only a document that is inserted, which is small, is not to be had from elsewhere.
        let base = match context.stored {
            None if !self.expressions.is_empty() => document.clone(),
            _ => Value::Null,
        };
        let mut applier = Applier {
            now: context.now,
            calculations: Calculations::new(&self.expressions, context, &base),
            budget: Budget::new(),
            filters: &self.array_filters,
            sharing: Sharing::take_from(document)?,
        };
        let root = applier.sharing.take_root(document);
        if !matches!(document, Value::Object(_)) {
            let why = format!("the document is {}; only objects can be updated", kind(document));
            return Err(Place::root(UPDATE).error(ErrorCode::InvalidUpdate, why));
        }
        let mut effect = Effect::Kept;
        if !self.renames.is_empty() {
            effect = rename::apply(&self.renames, document, &mut applier)?;
        }
        let tree = if context.stored.is_none() { &self.insertions } else { &self.changes };
        if let Some(node) = tree {
            effect = effect.and(applier.change(node, document)?);
        }
        applier.sharing.put_back(document, root)?;
        Ok(effect != Effect::Kept)
    }
}

impl Applier<'_> {
    /// Makes a value that is shared the place's own.
    pub(super) fn own(&mut self, value: &mut Value) -> Result<()> {
        self.sharing.own(value, &mut self.budget)
    }

    /// The value without references, to be compared.
    pub(super) fn resolved<'v>(&mut self, value: &'v Value) -> Cow<'v, Value> {
        self.sharing.resolved(value, &mut self.budget)
    }

    /// What an expression gives; its errors name the operator and path.
    pub(super) fn calculated(&mut self, number: usize, leaf: &Leaf) -> Result<Value> {
        self.calculations.get(number, &mut self.budget).map_err(|error| match error.code() {
            ErrorCode::Expression => leaf.target.error(ErrorCode::Expression, error.message()),
            _ => error,
        })
    }

    /// Puts a copy of `new` in a value's place.
    pub(super) fn replace(&mut self, value: &mut Value, new: &Value) -> Result<Effect> {
        if is_same(value, new) {
            return Ok(Effect::Kept);
        }
        self.budget.spend(weigh(new))?;
        *value = new.clone();
        Ok(Effect::Changed)
    }

    fn change(&mut self, node: &Node, value: &mut Value) -> Result<Effect> {
        match node {
            Node::Leaf(leaf) => leaf.change(value, self),
            Node::Fields(children) => {
                self.own(value)?;
                match value {
                    Value::Object(fields) => self.change_fields(children, fields),
                    Value::Array(array) => self.change_items(children, array),
                    other => match node.creator() {
                        Some(leaf) => {
                            let found = kind(other);
                            Err(leaf.unfit(format!("the path leads into {found}, not an object")))
                        }
                        None => Ok(Effect::Kept),
                    },
                }
            }
            Node::Elements(elements) => {
                self.own(value)?;
                match value {
                    Value::Array(array) => self.change_elements(elements, array),
                    other => Err(needs_array(node, kind(other))),
                }
            }
        }
    }

    /// Changes a value inside another one; undefined counts as missing.
    fn change_inside(&mut self, node: &Node, value: &mut Value) -> Result<Effect> {
        if !matches!(value, Value::Undefined) || node.is_unset() {
            return self.change(node, value);
        }
        match self.create(node)? {
            Some(new) if is_same(value, &new) => Ok(Effect::Kept),
            Some(new) => {
                *value = new;
                Ok(Effect::Changed)
            }
            None => Ok(Effect::Kept),
        }
    }

    /// What the operators below make where there is nothing.
    fn create(&mut self, node: &Node) -> Result<Option<Value>> {
        match node {
            Node::Leaf(leaf) => leaf.create(self),
            Node::Fields(children) => {
                let mut added = Vec::new();
                for (name, child) in children {
                    if let Some(value) = self.create(child)? {
                        added.push((name.clone(), value));
                    }
                }
                if added.is_empty() {
                    return Ok(None);
                }
                let mut fields = Fields::new();
                insert(&mut fields, added);
                Ok(Some(Value::Object(fields)))
            }
            Node::Elements(_) => Err(needs_array(node, "nothing")),
        }
    }

    fn change_fields(
        &mut self,
        children: &BTreeMap<Name, Node>,
        fields: &mut Fields,
    ) -> Result<Effect> {
        let names = Arc::clone(fields.names());
        let positions = Positions::of(&names, children.len());
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let mut effect = Effect::Kept;
        for (name, child) in children {
            let position = positions.get(&name.text);
            match position.and_then(|position| fields.values_mut().get_mut(position)) {
                Some(value) => match self.change_inside(child, value)? {
                    Effect::Removed => removed.extend(position),
                    other => effect = effect.and(other),
                },
                None => {
                    if let Some(value) = self.create(child)? {
                        added.push((name.clone(), value));
                    }
                }
            }
        }
        if removed.is_empty() && added.is_empty() {
            return Ok(effect);
        }
        remove(fields, removed);
        insert(fields, added);
        Ok(Effect::Changed)
    }

    /// Changes elements by their index.
    fn change_items(
        &mut self,
        children: &BTreeMap<Name, Node>,
        array: &mut Array,
    ) -> Result<Effect> {
        let has_holes = array.items.iter().any(|item| matches!(item, Value::Holes(_)));
        let mut effect = Effect::Kept;
        for (name, child) in children {
            let Some(index) = name.index else {
                match child.creator() {
                    Some(leaf) => {
                        return Err(leaf.unfit(
                            "the path leads into an array, whose elements have numbers, not names",
                        ));
                    }
                    None => continue,
                }
            };
            let spot = match array.items.len() {
                _ if has_holes => sparse::find(&array.items, index),
                length if (index as usize) < length => Spot::Item(index as usize),
                length => Spot::Beyond(length as u32),
            };
            if let Spot::Item(position) = spot {
                if let Some(item) = array.items.get_mut(position) {
                    effect = effect.and(self.change_item(child, item)?);
                }
                continue;
            }
            let Some(value) = self.create(child)? else { continue };
            if let Spot::Beyond(length) = spot {
                let padding = index - length;
                if padding > MAX_PADDING {
                    let why = format!("at most {MAX_PADDING} elements are filled up with null");
                    return Err(Error::new(
                        ErrorCode::ResourceLimit,
                        child.first_leaf().map_or(why.clone(), |leaf| {
                            format!("{UPDATE}, {}: {why}", leaf.shown())
                        }),
                    ));
                }
                self.budget.spend(padding as usize * size_of::<Value>())?;
            }
            sparse::fill(&mut array.items, index, value);
            effect = Effect::Changed;
        }
        Ok(effect)
    }

    /// Changes every element, or those that array filters match. The filters see an element as it
    /// was before.
    fn change_elements(&mut self, elements: &Elements, array: &mut Array) -> Result<Effect> {
        let mut effect = Effect::Kept;
        let mut awaited: Vec<(usize, &Node)> = Vec::new();
        for (number, node) in &elements.filtered {
            if self.filters.get(*number).is_some_and(|filter| filter.is_first) {
                awaited.push((*number, node));
            }
        }
        for item in &mut array.items {
            if matches!(item, Value::Holes(_)) {
                continue;
            }
            let mut nodes: Vec<&Node> = elements.every.as_deref().into_iter().collect();
            if !elements.filtered.is_empty() {
                let element = self.resolved(item);
                for (number, node) in &elements.filtered {
                    let Some(filter) = self.filters.get(*number) else { continue };
                    let place = awaited.iter().position(|(awaited, _)| awaited == number);
                    if (filter.is_first && place.is_none()) || !filter.matches(&element)? {
                        continue;
                    }
                    nodes.push(node);
                    if let Some(place) = place {
                        awaited.remove(place);
                    }
                }
            }
            let changed = match nodes.as_slice() {
                [] => continue,
                [node] => self.change_item(node, item)?,
                [first, others @ ..] => {
                    let mut node = (*first).clone();
                    for other in others {
                        node.merge((*other).clone())?;
                    }
                    self.change_item(&node, item)?
                }
            };
            effect = effect.and(changed);
        }
        match awaited.first().and_then(|(_, node)| node.first_leaf()) {
            Some(leaf) => Err(leaf.unfit(
                "no element meets all that the filter asks of the array's elements; what one \
                 element has to meet belongs into one $elemMatch",
            )),
            None => Ok(effect),
        }
    }

    /// Changes an element; one that is removed leaves null.
    fn change_item(&mut self, node: &Node, item: &mut Value) -> Result<Effect> {
        match self.change_inside(node, item)? {
            Effect::Removed if matches!(item, Value::Null) => Ok(Effect::Kept),
            Effect::Removed => {
                *item = Value::Null;
                Ok(Effect::Changed)
            }
            effect => Ok(effect),
        }
    }
}

fn needs_array(node: &Node, found: &str) -> Error {
    let why = format!("$[] and $[name] need an array, and there is {found}");
    match node.first_leaf() {
        Some(leaf) => leaf.unfit(why),
        None => Place::root(UPDATE).error(ErrorCode::InvalidUpdate, why),
    }
}

/// Finds fields by their names.
pub(super) enum Positions<'n> {
    Few(&'n [Wtf8String]),
    Many(HashMap<&'n Wtf8String, usize>),
}

impl<'n> Positions<'n> {
    /// For so many searches.
    pub(super) fn of(names: &'n [Wtf8String], searches: usize) -> Self {
        if searches <= 8 || names.len() <= 8 {
            return Self::Few(names);
        }
        Self::Many(names.iter().enumerate().map(|(position, name)| (name, position)).collect())
    }

    pub(super) fn get(&self, name: &Wtf8String) -> Option<usize> {
        match self {
            Self::Few(names) => names.iter().position(|known| known == name),
            Self::Many(positions) => positions.get(name).copied(),
        }
    }
}

/// Removes the fields at these positions.
pub(super) fn remove(fields: &mut Fields, mut positions: Vec<usize>) {
    if positions.is_empty() {
        return;
    }
    positions.sort_unstable();
    let (names, values) = std::mem::take(fields).into_parts();
    let stays = |position: usize| positions.binary_search(&position).is_err();
    let (names, values): (Vec<_>, Vec<_>) = names
        .iter()
        .zip(values)
        .enumerate()
        .filter(|(position, _)| stays(*position))
        .map(|(_, (name, value))| (name.clone(), value))
        .unzip();
    *fields = Fields::from_parts(names.into(), values).unwrap_or_default();
}

/// Sets fields: those that are there in their places, others behind, where JavaScript has them:
/// array indexes before all other names, in ascending order.
pub(super) fn insert(fields: &mut Fields, mut added: Vec<(Name, Value)>) {
    let names = Arc::clone(fields.names());
    let positions = Positions::of(&names, added.len());
    added.retain_mut(|(name, value)| {
        let position = positions.get(&name.text);
        match position.and_then(|position| fields.values_mut().get_mut(position)) {
            Some(place) => {
                *place = std::mem::replace(value, Value::Null);
                false
            }
            None => true,
        }
    });
    if added.is_empty() {
        return;
    }
    let has_indexes = added.iter().any(|(name, _)| name.index.is_some());
    let (names, values) = std::mem::take(fields).into_parts();
    let known = names.iter().cloned().zip(values);
    let mut all: Vec<(Wtf8String, Value)> =
        known.chain(added.into_iter().map(|(name, value)| (name.text, value))).collect();
    if has_indexes {
        all.sort_by_key(|(name, _)| array_index(name).unwrap_or(u32::MAX));
    }
    let (names, values): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    *fields = Fields::from_parts(names.into(), values).unwrap_or_default();
}
