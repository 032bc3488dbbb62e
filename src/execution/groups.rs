//! A walk over an index that meets equal keys in the opposite order.
//!
//! Sorting by a field backwards still puts documents that are equal in it in the order of their
//! primary keys. So an index that is walked backwards is walked forwards within each key.

use crate::catalog::IndexDef;
use crate::error::Result;
use crate::key::successor_prefix;
use crate::storage::ReadTxn;
use crate::storage::tree::{Entry, Tree, TreeCursor};
use crate::store::entry;
use crate::store::read::{Interval, Left};

/// The walk.
pub struct GroupWalk<'t> {
    cursor: TreeCursor<'t>,
    index: &'t IndexDef,
    intervals: Left<'t>,
    /// Whether keys are met from the last to the first.
    backwards: bool,
    state: State,
}

enum State {
    /// Before the first key of the interval.
    Outside,
    /// At an entry of this key.
    Inside(Vec<u8>),
    /// The cursor is at the first entry of the next key, if there is one.
    Ahead,
}

impl<'t> GroupWalk<'t> {
    /// Before the first entry.
    pub fn new(
        txn: &'t ReadTxn<'_>,
        tree: Tree,
        index: &'t IndexDef,
        intervals: &'t [Interval],
        backwards: bool,
    ) -> Result<Self> {
        Ok(Self {
            cursor: tree.cursor(txn)?,
            index,
            intervals: Left::new(intervals, backwards),
            backwards,
            state: State::Outside,
        })
    }

    /// Behind an entry, which need not be there any more.
    pub fn resumed(mut self, last: Option<&[u8]>) -> Result<Self> {
        let Some(last) = last else { return Ok(self) };
        let (group, _) = entry::split(self.index, last)?;
        let beyond = |interval: &Interval| {
            if self.backwards {
                interval.from.as_slice() > group
            } else {
                interval.to.as_deref().is_some_and(|to| to <= group)
            }
        };
        while self.intervals.first().is_some_and(beyond) {
            self.intervals.pass();
        }
        // Within the key the walk goes the other way.
        if self.backwards {
            self.cursor.seek(&[last, &[0]].concat())?;
            self.cursor.prev()?;
        } else {
            self.cursor.seek(last)?;
        }
        self.state = State::Inside(group.to_vec());
        Ok(self)
    }

    /// The next entry.
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        if let State::Inside(group) = &self.state {
            let next = if self.backwards { self.cursor.next()? } else { self.cursor.prev()? };
            if next.is_some_and(|next| next.key.starts_with(group)) {
                return Ok(self.cursor.entry());
            }
            if self.backwards {
                self.cursor.seek_before(group)?;
            } else {
                self.seek_behind(&group.clone())?;
            }
            self.state = State::Ahead;
        }
        loop {
            let Some(interval) = self.intervals.first() else { return Ok(None) };
            if matches!(self.state, State::Outside) {
                match (&interval.to, self.backwards) {
                    (_, false) => self.cursor.seek(&interval.from)?,
                    (Some(to), true) => self.cursor.seek_before(to)?,
                    (None, true) => self.cursor.last()?,
                };
            }
            let found = self.cursor.entry().filter(|found| {
                if self.backwards {
                    found.key >= interval.from.as_slice()
                } else {
                    interval.to.as_deref().is_none_or(|to| found.key < to)
                }
            });
            if let Some(found) = found {
                let group = entry::split(self.index, found.key)?.0.to_vec();
                return self.enter(group);
            }
            self.intervals.pass();
            self.state = State::Outside;
        }
    }

    /// Goes to the entry of a key that is met first; the cursor is at the one met last.
    fn enter(&mut self, group: Vec<u8>) -> Result<Option<Entry<'_>>> {
        if self.backwards {
            self.cursor.seek(&group)?;
        } else {
            self.seek_behind(&group)?;
            self.cursor.prev()?;
        }
        self.state = State::Inside(group);
        Ok(self.cursor.entry())
    }

    fn seek_behind(&mut self, group: &[u8]) -> Result<()> {
        match successor_prefix(group.to_vec()) {
            Some(behind) => self.cursor.seek(&behind)?,
            None => None,
        };
        Ok(())
    }
}
