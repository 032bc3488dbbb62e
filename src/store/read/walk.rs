//! A walk over intervals of a tree, in either direction.

use std::borrow::Cow;

use super::interval::{Interval, Left};
use crate::error::Result;
use crate::storage::ReadTxn;
use crate::storage::tree::{Entry, Tree, TreeCursor};

/// Visits the entries of a tree that lie in the intervals, which are disjoint and in the tree's
/// order.
pub(crate) struct Walk<'t> {
    cursor: TreeCursor<'t>,
    intervals: Left<'t>,
    /// Where the first interval begins for this walk, if it is inside.
    point: Option<Vec<u8>>,
    reverse: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// The cursor has to go to the start of the interval.
    Outside,
    /// The cursor is at the entry that was visited last.
    Inside,
    /// The cursor is at the entry that is to be visited next, if it is at one.
    Ahead,
}

impl<'t> Walk<'t> {
    pub(crate) fn new(
        txn: &'t ReadTxn<'_>,
        tree: Tree,
        intervals: impl Into<Cow<'t, [Interval]>>,
        reverse: bool,
    ) -> Result<Self> {
        Ok(Self {
            cursor: tree.cursor(txn)?,
            intervals: Left::new(intervals, reverse),
            point: None,
            reverse,
            state: State::Outside,
        })
    }

    /// Leaves out everything before `point` in a forward walk, everything from it on in a reverse
    /// one. Before the first entry is visited only.
    pub(crate) fn begin_at(&mut self, point: Vec<u8>) {
        self.intervals.pass_to(&point);
        let is_inside = self.intervals.first().is_some_and(|interval| {
            if self.reverse {
                interval.to.as_ref().is_none_or(|to| *to > point)
            } else {
                interval.from < point
            }
        });
        self.point = is_inside.then_some(point);
    }

    /// Goes to the next entry.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Entry<'_>>> {
        while let Some(interval) = self.intervals.first() {
            let found = match (self.state, self.reverse) {
                (State::Inside, false) => self.cursor.next()?,
                (State::Inside, true) => self.cursor.prev()?,
                (State::Ahead, _) => self.cursor.entry(),
                (State::Outside, false) => {
                    self.cursor.seek(self.point.as_ref().unwrap_or(&interval.from))?
                }
                (State::Outside, true) => match self.point.as_ref().or(interval.to.as_ref()) {
                    Some(to) => self.cursor.seek_before(to)?,
                    None => self.cursor.last()?,
                },
            };
            let inside = found.is_some_and(|entry| {
                if self.reverse {
                    entry.key >= interval.from.as_slice()
                } else {
                    interval.to.as_ref().is_none_or(|to| entry.key < to.as_slice())
                }
            });
            if inside {
                self.state = State::Inside;
                return Ok(self.cursor.entry());
            }
            self.intervals.pass();
            self.point = None;
            self.state = State::Outside;
        }
        Ok(None)
    }

    /// Visits the entries, while `visit` returns true; tells whether all were visited. Faster than
    /// `next`, before which it is to be called.
    #[inline]
    pub(crate) fn visit(
        mut self,
        mut visit: impl FnMut(Entry<'_>) -> Result<bool>,
    ) -> Result<bool> {
        if self.reverse {
            while let Some(entry) = self.next()? {
                if !visit(entry)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let mut stopped = false;
        while let Some(interval) = self.intervals.first() {
            self.cursor.seek(self.point.as_ref().unwrap_or(&interval.from))?;
            self.cursor.visit_below(interval.to.as_deref(), |entry| {
                let goes_on = visit(entry)?;
                stopped = !goes_on;
                Ok(goes_on)
            })?;
            if stopped {
                return Ok(false);
            }
            self.intervals.pass();
            self.point = None;
        }
        Ok(true)
    }

    /// The entry visited last.
    #[inline]
    pub(super) fn entry(&self) -> Option<Entry<'_>> {
        self.cursor.entry()
    }

    /// Goes to the first entry of the tree that is `key` or above and has `wanted`; only after an
    /// entry of that kind was visited that is not below `key`.
    pub(super) fn back_to(
        &mut self,
        key: &[u8],
        mut wanted: impl FnMut(Entry<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut found = self.cursor.seek(key)?;
        while let Some(entry) = found {
            if wanted(entry)? {
                break;
            }
            found = self.cursor.next()?;
        }
        Ok(())
    }

    /// Skips everything that begins with `prefix`, which the entry visited last does.
    pub(super) fn skip_prefix(&mut self, prefix: &[u8]) -> Result<()> {
        self.state = State::Ahead;
        if self.reverse {
            self.cursor.seek_before(prefix)?;
            return Ok(());
        }
        for _ in 0..STEPS_BEFORE_SEEK {
            if self.cursor.next()?.is_none_or(|entry| !entry.key.starts_with(prefix)) {
                return Ok(());
            }
        }
        match crate::key::successor_prefix(prefix.to_vec()) {
            Some(above) => self.cursor.seek(&above)?,
            None => None,
        };
        Ok(())
    }
}

/// How many steps are tried before a search from the root, which costs as much as several.
const STEPS_BEFORE_SEEK: usize = 8;
