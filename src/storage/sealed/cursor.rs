//! A position in a sealed tree.

use std::collections::VecDeque;
use std::sync::Arc;

use super::node::{Node, Value};
use super::plaintext::Plaintext;
use super::store::damaged;
use super::txn::SealedTxn;
use crate::error::Result;
use crate::storage::lmdb::Txn;

/// A position in a sealed tree, in both directions. It keeps the nodes that it stands on.
pub(crate) struct Cursor<'t> {
    view: &'t SealedTxn<'t>,
    txn: &'t Txn<'t>,
    tree: usize,
    /// The branches above the leaf, from the root on, each with the place of the child below.
    path: Vec<(Arc<Node>, usize)>,
    /// The leaves after this one, under the same branch, that were loaded ahead.
    ahead: VecDeque<Arc<Node>>,
    /// How many leaves the cursor has come to in a row, each the one after the other.
    run: usize,
    /// The leaf, and the place in it, while there is an entry at the position.
    leaf: Option<Arc<Node>>,
    at: usize,
    state: State,
    /// The key at the position.
    key: Vec<u8>,
    /// The value at the position, if it is in a blob.
    blob: Option<Plaintext>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unset,
    BeforeFirst,
    At,
    AfterLast,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Forward,
    Backward,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(view: &'t SealedTxn<'_>, txn: &'t Txn<'_>, tree: usize) -> Self {
        Self {
            view,
            txn,
            tree,
            path: Vec::new(),
            ahead: VecDeque::new(),
            run: 0,
            leaf: None,
            at: 0,
            state: State::Unset,
            key: Vec::new(),
            blob: None,
        }
    }

    /// The entry at the position.
    #[inline]
    pub(crate) fn entry(&self) -> Option<(&[u8], &[u8])> {
        if self.state != State::At {
            return None;
        }
        let value = match &self.blob {
            Some(blob) => blob.bytes(),
            None => match self.leaf.as_deref()?.value(self.at) {
                Value::Inline(value) => value,
                Value::Blob(_) => return None,
            },
        };
        Some((&self.key, value))
    }

    /// Moves to the first entry; false if there is none.
    pub(crate) fn first(&mut self) -> Result<bool> {
        self.descend_from_root(Direction::Forward)
    }

    /// Moves to the last entry; false if there is none.
    pub(crate) fn last(&mut self) -> Result<bool> {
        self.descend_from_root(Direction::Backward)
    }

    /// Moves to the next entry, the first one if there is no position yet.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<bool> {
        match self.state {
            State::At => {}
            State::AfterLast => return Ok(false),
            State::Unset | State::BeforeFirst => return self.first(),
        }
        let count = self.leaf.as_deref().map_or(0, Node::count);
        if self.at + 1 < count {
            self.at += 1;
            return self.arrive();
        }
        self.move_leaf(Direction::Forward)
    }

    /// Moves to the entry before, the last one if there is no position yet.
    #[inline]
    pub(crate) fn prev(&mut self) -> Result<bool> {
        match self.state {
            State::At => {}
            State::BeforeFirst => return Ok(false),
            State::Unset | State::AfterLast => return self.last(),
        }
        if let Some(at) = self.at.checked_sub(1) {
            self.at = at;
            return self.arrive();
        }
        self.move_leaf(Direction::Backward)
    }

    /// Moves to the first entry whose key is `key` or above.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<bool> {
        self.leave();
        let mut node = self.view.node(self.txn, self.view.store.root(self.tree))?;
        while !node.is_leaf() {
            let place = node.search_child(key);
            let child = self.view.child(self.txn, &node, place)?;
            self.path.push((node, place));
            node = child;
        }
        self.at = node.search(key).unwrap_or_else(|at| at);
        let count = node.count();
        self.leaf = Some(node);
        self.state = State::At;
        if self.at < count { self.arrive() } else { self.move_leaf(Direction::Forward) }
    }

    /// Visits the entries from the position on whose keys are below `end` (`None`: all that are
    /// left), while `visit` returns true; false if the end was reached. The position is at the
    /// entry for which `visit` did not, or at the first one beyond the end, if there is one.
    #[inline]
    pub(crate) fn visit_below(
        &mut self,
        end: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool>,
    ) -> Result<bool> {
        while self.state == State::At {
            let Some(leaf) = self.leaf.clone() else { break };
            let count = leaf.count();
            let to = match end {
                Some(end) => leaf.search(end).unwrap_or_else(|at| at),
                None => count,
            };
            let prefix = leaf.prefix_len();
            let ahead = self.ahead.front().cloned();
            for (number, (rest, value)) in leaf.entries(self.at, to).enumerate() {
                if let Some(ahead) = &ahead {
                    ahead.fetch(number);
                }
                self.key.truncate(prefix);
                self.key.extend_from_slice(rest);
                let goes_on = match value {
                    Value::Inline(value) => {
                        self.blob = None;
                        visit(&self.key, value)?
                    }
                    Value::Blob(blob) => {
                        let blob = self.blob.insert(self.view.read_blob(self.txn, blob)?);
                        visit(&self.key, blob.bytes())?
                    }
                };
                if !goes_on {
                    return Ok(true);
                }
                self.at += 1;
            }
            if to < count {
                self.arrive()?;
                return Ok(false);
            }
            self.move_leaf(Direction::Forward)?;
        }
        Ok(false)
    }

    /// Takes the position that `leaf` and `at` say.
    #[inline]
    fn arrive(&mut self) -> Result<bool> {
        let Some(leaf) = &self.leaf else { return Err(damaged()) };
        self.key.clear();
        self.key.extend_from_slice(leaf.prefix());
        self.key.extend_from_slice(leaf.rest(self.at));
        self.blob = match leaf.value(self.at) {
            Value::Inline(_) => None,
            Value::Blob(blob) => Some(self.view.read_blob(self.txn, blob)?),
        };
        self.state = State::At;
        Ok(true)
    }

    /// Goes somewhere else.
    fn leave(&mut self) {
        self.path.clear();
        self.ahead.clear();
        self.run = 0;
    }

    fn descend_from_root(&mut self, direction: Direction) -> Result<bool> {
        self.leave();
        let root = self.view.node(self.txn, self.view.store.root(self.tree))?;
        self.descend(root, direction)
    }

    /// Goes down from a node along its edge: the left one to go forward.
    fn descend(&mut self, mut node: Arc<Node>, direction: Direction) -> Result<bool> {
        while !node.is_leaf() {
            let place = if direction == Direction::Forward { 0 } else { node.count() };
            let child = self.view.child(self.txn, &node, place)?;
            self.path.push((node, place));
            node = child;
        }
        let count = node.count();
        self.at = if direction == Direction::Forward { 0 } else { count.saturating_sub(1) };
        self.leaf = Some(node);
        // Only a root is ever empty.
        if count == 0 { self.move_leaf(direction) } else { self.arrive() }
    }

    /// The leaf at a place of a branch, after the one that the cursor stands on. The further the
    /// cursor has come leaf by leaf, the more of them are loaded ahead, since each has to be waited
    /// for: they may be in memory, but not near the processor.
    fn next_leaf(&mut self, branch: &Node, place: usize) -> Result<Arc<Node>> {
        self.run += 1;
        let loaded = self.ahead.len();
        if loaded <= 1 && place + loaded <= branch.count() {
            let many = self.run.next_power_of_two();
            let first = place + loaded;
            let done = self.view.children(self.txn, branch, first, many, &mut self.ahead);
            if done.is_err() {
                // Whoever reads on is told of a damaged leaf when they come to it.
                self.ahead.truncate(loaded);
            }
        }
        if self.ahead.is_empty() {
            return self.view.child(self.txn, branch, place);
        }
        self.ahead.pop_front().ok_or_else(damaged)
    }

    /// Goes up to the nearest branch that has another child in this direction, and down from it.
    #[cold]
    fn move_leaf(&mut self, direction: Direction) -> Result<bool> {
        if direction == Direction::Backward {
            self.ahead.clear();
            self.run = 0;
        }
        while let Some((branch, place)) = self.path.pop() {
            let next = match direction {
                Direction::Forward => Some(place + 1).filter(|place| *place <= branch.count()),
                Direction::Backward => place.checked_sub(1),
            };
            if let Some(place) = next {
                let child = match direction {
                    Direction::Forward if branch.level() == 1 => self.next_leaf(&branch, place)?,
                    _ => self.view.child(self.txn, &branch, place)?,
                };
                self.path.push((branch, place));
                return self.descend(child, direction);
            }
        }
        self.leaf = None;
        self.state = match direction {
            Direction::Forward => State::AfterLast,
            Direction::Backward => State::BeforeFirst,
        };
        Ok(false)
    }
}
