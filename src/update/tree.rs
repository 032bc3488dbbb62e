//! The tree of an update's paths.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::leaf::Leaf;
use super::path::{Name, Segment};
use crate::error::{Error, ErrorCode, Result};

/// What happens to a value.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// An operator is applied to it.
    Leaf(Arc<Leaf>),
    /// Something happens to its fields, or to elements by their index.
    Fields(BTreeMap<Name, Node>),
    /// Something happens to the elements of the array that it has to be.
    Elements(Elements),
}

/// What happens to elements of an array.
#[derive(Debug, Clone, Default)]
pub(super) struct Elements {
    /// `$[]`
    pub(super) every: Option<Box<Node>>,
    /// `$[name]`, by the filter's place in the list.
    pub(super) filtered: BTreeMap<usize, Node>,
}

impl Node {
    /// A tree of one path. `filter` tells the place of an array filter.
    pub(super) fn of_path(
        path: &[Segment],
        leaf: &Arc<Leaf>,
        filter: &impl Fn(&[u8]) -> usize,
    ) -> Self {
        let Some((first, rest)) = path.split_first() else { return Self::Leaf(Arc::clone(leaf)) };
        let inner = Self::of_path(rest, leaf, filter);
        match first {
            Segment::Name(name) => Self::Fields(BTreeMap::from([(name.clone(), inner)])),
            Segment::Every => {
                Self::Elements(Elements { every: Some(Box::new(inner)), filtered: BTreeMap::new() })
            }
            // The parser puts a filter in the place of `$`.
            Segment::Matched => inner,
            Segment::Filtered(name) => Self::Elements(Elements {
                every: None,
                filtered: BTreeMap::from([(filter(name.as_bytes()), inner)]),
            }),
        }
    }

    /// Takes another tree in.
    ///
    /// # Errors
    /// `INVALID_UPDATE` if both change one place, or one a part of what the other one changes; it
    /// names the paths of both.
    pub(super) fn merge(&mut self, other: Node) -> Result<()> {
        match (self, other) {
            (Self::Fields(fields), Self::Fields(others)) => merge_all(fields, others),
            (Self::Elements(elements), Self::Elements(others)) => {
                match (&mut elements.every, others.every) {
                    (Some(every), Some(other)) => every.merge(*other)?,
                    (every @ None, other) => *every = other,
                    (Some(_), None) => {}
                }
                merge_all(&mut elements.filtered, others.filtered)
            }
            (own, other) => Err(conflict(own.first_leaf(), other.first_leaf())),
        }
    }

    /// Whether it removes the value, whatever that is.
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Leaf(leaf) if leaf.is_unset())
    }

    /// A leaf that makes a value where there is none, if the tree has one.
    pub(super) fn creator(&self) -> Option<&Leaf> {
        self.leaves().find(|leaf| leaf.creates())
    }

    /// Any leaf.
    pub(super) fn first_leaf(&self) -> Option<&Leaf> {
        self.leaves().next()
    }

    fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            while let Some(node) = open.pop() {
                match node {
                    Self::Leaf(leaf) => return Some(&**leaf),
                    Self::Fields(fields) => open.extend(fields.values().rev()),
                    Self::Elements(elements) => {
                        open.extend(elements.filtered.values().rev());
                        open.extend(elements.every.as_deref());
                    }
                }
            }
            None
        })
    }
}

fn merge_all<K: Ord>(nodes: &mut BTreeMap<K, Node>, others: BTreeMap<K, Node>) -> Result<()> {
    use std::collections::btree_map::Entry;
    for (key, other) in others {
        match nodes.entry(key) {
            Entry::Vacant(free) => {
                free.insert(other);
            }
            Entry::Occupied(mut node) => node.get_mut().merge(other)?,
        }
    }
    Ok(())
}

fn conflict(left: Option<&Leaf>, right: Option<&Leaf>) -> Error {
    let show = |leaf: Option<&Leaf>| leaf.map(Leaf::shown).unwrap_or_default();
    let error = Error::new(
        ErrorCode::InvalidUpdate,
        format!("the update: {} and {} change the same place", show(left), show(right)),
    );
    match right {
        Some(leaf) => error.with_path(leaf.shown()),
        None => error,
    }
}
