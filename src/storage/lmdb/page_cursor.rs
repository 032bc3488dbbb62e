//! A position in a snapshot's tree, over pages that are read in place.

use super::cursor::Entry;
use super::page::{Page, SearchKey};
use super::snapshot_pages::{MAX_DEPTH, TreePages};
use super::{Code, LmdbResult};

/// A position in a tree of a snapshot.
pub(super) struct PageCursor<'t> {
    tree: TreePages<'t>,
    /// The branches above the leaf, from the root on, each with the place of the child below.
    path: [Step; MAX_DEPTH],
    leaf: Page<'t>,
    /// The place in the leaf, while there is an entry at the position.
    at: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unset,
    BeforeFirst,
    At,
    AfterLast,
}

/// A page's number, of 48 bits as in LMDB, and a place in it, of 16.
#[derive(Clone, Copy, Default)]
struct Step(u64);

impl Step {
    fn new(page: u64, at: usize) -> Self {
        Self(page << 16 | at as u64 & 0xFFFF)
    }

    fn page(self) -> u64 {
        self.0 >> 16
    }

    fn at(self) -> usize {
        (self.0 & 0xFFFF) as usize
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Forward,
    Backward,
}

impl<'t> PageCursor<'t> {
    pub(super) fn new(tree: TreePages<'t>) -> Self {
        Self {
            tree,
            path: [Step::default(); MAX_DEPTH],
            leaf: Page::EMPTY,
            at: 0,
            state: State::Unset,
        }
    }

    /// The entry at the position.
    #[inline]
    pub(super) fn current(&self) -> LmdbResult<Option<Entry<'t>>> {
        if self.state != State::At {
            return Ok(None);
        }
        let (key, data) = self.leaf.entry(self.at)?;
        Ok(Some((key, self.tree.value(data)?)))
    }

    pub(super) fn first(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.descend_from_root(Direction::Forward)
    }

    pub(super) fn last(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.descend_from_root(Direction::Backward)
    }

    /// The first entry whose key is `key` or above.
    pub(super) fn seek(&mut self, key: &[u8]) -> LmdbResult<Option<Entry<'t>>> {
        let key = SearchKey::new(key);
        let Some(mut number) = self.tree.root() else {
            self.state = State::AfterLast;
            return Ok(None);
        };
        for step in self.path.iter_mut().take(self.tree.depth() - 1) {
            let branch = self.tree.branch(number)?;
            let at = branch.search_child(&key)?;
            *step = Step::new(number, at);
            number = branch.child(at)?;
        }
        self.leaf = self.tree.leaf(number)?;
        self.at = self.leaf.search(&key)?.0;
        self.state = State::At;
        if self.at < self.leaf.count() { self.current() } else { self.next_leaf() }
    }

    /// The entry after the position; the first one if there is no position yet.
    #[inline]
    pub(super) fn next(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        match self.state {
            State::At => {}
            State::AfterLast => return Ok(None),
            State::Unset | State::BeforeFirst => return self.first(),
        }
        self.at += 1;
        if self.at < self.leaf.count() { self.current() } else { self.next_leaf() }
    }

    /// The entry before the position; the last one if there is no position yet.
    #[inline]
    pub(super) fn prev(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        match self.state {
            State::At => {}
            State::BeforeFirst => return Ok(None),
            State::Unset | State::AfterLast => return self.last(),
        }
        if let Some(at) = self.at.checked_sub(1) {
            self.at = at;
            return self.current();
        }
        self.move_leaf(Direction::Backward)
    }

    /// The first entry of the leaf after this one.
    fn next_leaf(&mut self) -> LmdbResult<Option<Entry<'t>>> {
        self.move_leaf(Direction::Forward)
    }

    /// See [`Cursor::visit_below`](super::Cursor::visit_below). Each leaf is compared with `end`
    /// once.
    #[inline]
    pub(super) fn visit_below<E: From<Code>>(
        &mut self,
        end: Option<&[u8]>,
        mut visit: impl FnMut(Entry<'t>) -> Result<bool, E>,
    ) -> Result<Option<Entry<'t>>, E> {
        while self.state == State::At {
            let count = self.leaf.count();
            let to = match end {
                Some(end) if self.leaf.key(count - 1)? >= end => {
                    self.leaf.search(&SearchKey::new(end))?.0
                }
                _ => count,
            };
            while self.at < to {
                let (key, data) = self.leaf.entry(self.at)?;
                let entry = (key, self.tree.value(data)?);
                if !visit(entry)? {
                    return Ok(Some(entry));
                }
                self.at += 1;
            }
            if to < count {
                break;
            }
            self.next_leaf()?;
        }
        Ok(None)
    }

    /// Goes up to the nearest branch that has another child in this direction, and down from it.
    #[cold]
    fn move_leaf(&mut self, direction: Direction) -> LmdbResult<Option<Entry<'t>>> {
        for level in (0..self.tree.depth() - 1).rev() {
            let Some(step) = self.path.get(level).copied() else { break };
            let branch = self.tree.branch(step.page())?;
            let next = match direction {
                Direction::Forward => Some(step.at() + 1).filter(|at| *at < branch.count()),
                Direction::Backward => step.at().checked_sub(1),
            };
            if let Some(at) = next {
                if let Some(slot) = self.path.get_mut(level) {
                    *slot = Step::new(step.page(), at);
                }
                return self.descend(level + 1, branch.child(at)?, direction);
            }
        }
        self.state = match direction {
            Direction::Forward => State::AfterLast,
            Direction::Backward => State::BeforeFirst,
        };
        Ok(None)
    }

    fn descend_from_root(&mut self, direction: Direction) -> LmdbResult<Option<Entry<'t>>> {
        match self.tree.root() {
            Some(root) => self.descend(0, root, direction),
            None => {
                self.state = State::AfterLast;
                Ok(None)
            }
        }
    }

    /// Goes down from a page of a level along its edge: the left one to go forward.
    fn descend(
        &mut self,
        level: usize,
        mut number: u64,
        direction: Direction,
    ) -> LmdbResult<Option<Entry<'t>>> {
        let edge = |page: &Page<'_>| match direction {
            Direction::Forward => 0,
            Direction::Backward => page.count() - 1,
        };
        for step in self.path.iter_mut().take(self.tree.depth() - 1).skip(level) {
            let branch = self.tree.branch(number)?;
            let at = edge(&branch);
            *step = Step::new(number, at);
            number = branch.child(at)?;
        }
        self.leaf = self.tree.leaf(number)?;
        self.at = edge(&self.leaf);
        self.state = State::At;
        self.current()
    }
}
