//! Splitting nodes that are full, and merging those that are nearly empty.

use super::node::{Content, HEADER, Item, MAX_LEVEL, Node, SLOT, build, size_of_items};
use super::store::damaged;
use super::txn::SealedTxn;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::lmdb::RwTxn;

/// A node with less in it than a quarter of its size is merged.
const SPARSE: usize = 4;
/// A merged node has at most so many tenths of its size in it, so that it does not split at once.
const MERGED_TENTHS: usize = 9;

/// What a split leaves to be done in the parent.
struct Split {
    separator: Vec<u8>,
    right: u64,
    /// Whether entries come in ascending order, so that the parent should split there, too.
    sequential: bool,
}

impl SealedTxn<'_> {
    /// Inserts an entry into a node that has no room for it as it is; `writing.path` leads to the
    /// node. Splits it if need be.
    pub(super) fn make_room(
        &mut self,
        txn: &RwTxn<'_>,
        id: u64,
        at: usize,
        item: Item<'_>,
    ) -> Result<()> {
        let sequential = self.node(txn, id)?.is_next(at);
        let mut split = self.insert_or_split(txn, id, at, item, sequential)?;
        while let Some(Split { separator, right, sequential }) = split.take() {
            let Some((parent, place)) = self.writing.path.pop() else { return Err(damaged()) };
            let content = Content::Child(right);
            if !self.node_mut(txn, parent)?.insert(place, &separator, content) {
                let item = Item::new(&separator, content);
                split = self.insert_or_split(txn, parent, place, item, sequential)?;
            }
        }
        Ok(())
    }

    fn insert_or_split(
        &mut self,
        txn: &RwTxn<'_>,
        id: u64,
        at: usize,
        item: Item<'_>,
        sequential: bool,
    ) -> Result<Option<Split>> {
        let node = self.node(txn, id)?;
        let size = node.size();
        let mut items = node.items();
        let rightmost = at == items.len() && self.is_rightmost(txn)?;
        items.insert(at.min(items.len()), item);
        if size_of_items(&items) <= size {
            let mut built = build(size, node.level(), node.leftmost(), &items);
            built.set_next(at);
            self.set_node(id, built)?;
            return Ok(None);
        }
        let sequential = sequential || rightmost;
        let middle = split_point(&items, size, at, sequential, node.is_leaf());
        let middle = middle.ok_or_else(damaged)?;
        let (left, right) = items.split_at(middle);
        let (separator, mut left, mut right) = if node.is_leaf() {
            let separator = shortest_separator(left.last(), right.first());
            let (left, right) = (build(size, 0, 0, left), build(size, 0, 0, right));
            (separator, left, right)
        } else {
            // The key in the middle moves up, its child becomes the leftmost one.
            let Some((promoted, rest)) = right.split_first() else { return Err(damaged()) };
            let Content::Child(leftmost) = promoted.content else { return Err(damaged()) };
            let left = build(size, node.level(), node.leftmost(), left);
            (promoted.key(), left, build(size, node.level(), leftmost, rest))
        };
        let level = node.level();
        drop(items);
        drop(node);
        match at.checked_sub(middle) {
            Some(at) if level == 0 => right.set_next(at),
            None if level == 0 => left.set_next(at),
            _ => {}
        }
        let right_id = self.new_id(txn)?;
        self.set_node(right_id, right)?;
        if !self.store.is_root(id) {
            self.set_node(id, left)?;
            return Ok(Some(Split { separator, right: right_id, sequential }));
        }
        // A root keeps its id: what it held moves down.
        if level >= MAX_LEVEL {
            return Err(Error::new(ErrorCode::ResourceLimit, "a tree has too many levels"));
        }
        let left_id = self.new_id(txn)?;
        self.set_node(left_id, left)?;
        let separators = [Item::new(&separator, Content::Child(right_id))];
        self.set_node(id, build(size, level + 1, left_id, &separators))?;
        Ok(None)
    }

    /// Whether the way to the node goes along the right edge of the tree.
    fn is_rightmost(&self, txn: &RwTxn<'_>) -> Result<bool> {
        for (id, place) in &self.writing.path {
            if *place < self.node(txn, *id)?.count() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// After a removal: merges the node with a neighbour if it is nearly empty, and so on upwards.
    pub(super) fn mend(&mut self, txn: &RwTxn<'_>, mut id: u64) -> Result<()> {
        loop {
            let node = self.node(txn, id)?;
            if self.store.is_root(id) {
                return self.lower_root(txn, id);
            }
            // A branch without keys has one child still.
            if node.used() >= node.size() / SPARSE && node.count() > 0 {
                return Ok(());
            }
            drop(node);
            let Some((parent, place)) = self.writing.path.pop() else { return Err(damaged()) };
            if !self.merge_child(txn, parent, place)? {
                return Ok(());
            }
            id = parent;
        }
    }

    /// Merges a child with the one right of it, or left of it; false if neither has room.
    fn merge_child(&mut self, txn: &RwTxn<'_>, parent: u64, place: usize) -> Result<bool> {
        let branch = self.node(txn, parent)?;
        let right_of = Some(place).filter(|place| *place < branch.count());
        for left_place in [right_of, place.checked_sub(1)].into_iter().flatten() {
            let (left_id, right_id) = (branch.child(left_place), branch.child(left_place + 1));
            let (left, right) =
                (self.child(txn, &branch, left_place)?, self.child(txn, &branch, left_place + 1)?);
            let separator = branch.item(left_place).key();
            let mut items = left.items();
            if !left.is_leaf() {
                items.push(Item::new(&separator, Content::Child(right.leftmost())));
            }
            let others = right.items();
            let either_is_empty = left.count() == 0 || right.count() == 0;
            items.extend_from_slice(&others);
            let size = size_of_items(&items);
            let limit =
                if either_is_empty { left.size() } else { left.size() / 10 * MERGED_TENTHS };
            if size > limit {
                continue;
            }
            let merged = build(left.size(), left.level(), left.leftmost(), &items);
            drop(items);
            self.set_node(left_id, merged)?;
            self.remove_node(right_id)?;
            drop(branch);
            self.node_mut(txn, parent)?.remove(left_place);
            return Ok(true);
        }
        Ok(false)
    }

    /// A root with a single child takes its content over.
    fn lower_root(&mut self, txn: &RwTxn<'_>, root: u64) -> Result<()> {
        loop {
            let node = self.node(txn, root)?;
            if node.is_leaf() || node.count() > 0 {
                return Ok(());
            }
            let child_id = node.leftmost();
            let child = self.child(txn, &node, 0)?;
            self.set_node(root, Node::clone(&child))?;
            self.remove_node(child_id)?;
        }
    }
}

/// Where to divide entries, of which the one at `at` is new: both parts fit. In the middle by
/// bytes, or at the new one if entries come in ascending order. Of a branch, the first entry of the
/// right part moves up.
fn split_point(
    items: &[Item<'_>],
    size: usize,
    at: usize,
    sequential: bool,
    is_leaf: bool,
) -> Option<usize> {
    let fits = |middle: usize| {
        let (left, right) = items.split_at_checked(middle)?;
        let right = if is_leaf { right } else { right.get(1..)? };
        let whole = size_of_items(left) <= size && size_of_items(right) <= size;
        (whole && !left.is_empty() && !right.is_empty()).then_some(middle)
    };
    // Of a branch, the entry before the new one moves up.
    let before = if is_leaf { at } else { at.saturating_sub(1) };
    // What stands behind the new one, of another tree perhaps, is left behind first: it would go
    // from node to node otherwise, and take the room of those that come.
    let behind = Some(at + 1).filter(|behind| *behind < items.len());
    if sequential && let Some(middle) = behind.into_iter().chain([before]).find_map(fits) {
        return Some(middle);
    }
    // What shares no prefix with the others stands apart: without it they are as long as before.
    let shared = items.first()?.common(items.last()?);
    let apart = match at {
        0 => items.get(1)?.common(items.last()?) > shared,
        _ if at + 1 == items.len() => items.first()?.common(items.get(at - 1)?) > shared,
        _ => false,
    };
    let total: usize = items.iter().map(Item::size).sum();
    let mut below = 0;
    let mut half = 0;
    for item in items {
        if below + item.size() / 2 >= total / 2 {
            break;
        }
        below += item.size();
        half += 1;
    }
    if let Some(middle) = fits(half).filter(|_| !apart) {
        return Some(middle);
    }
    // The nearest place to the middle at which both parts fit; the new entry's own in the end.
    let mut places: Vec<usize> = (1..items.len()).collect();
    places.sort_by_key(|place| place.abs_diff(half));
    let edge = if at == 0 { 1 } else { before };
    let first = Some(edge).filter(|_| apart);
    first.into_iter().chain(places).find_map(fits)
}

/// The shortest key above `left` and not above `right`.
fn shortest_separator(left: Option<&Item<'_>>, right: Option<&Item<'_>>) -> Vec<u8> {
    let (Some(left), Some(right)) = (left, right) else { return Vec::new() };
    let mut key = right.key();
    key.truncate(left.common(right) + 1);
    key
}

const _: () = assert!(HEADER + SLOT < 64, "a header is a small part of a node");
