//! Cursors over a tree.

use super::part::{self, Part};
use super::raw_cursor::RawCursor;
use super::raw_key::{self, MAX_DIRECT, PartKey};
use super::{Tree, bucket};
use crate::error::Result;
use crate::storage::tree_id::TreePrefix;
use crate::storage::txn::ReadTxn;

/// An entry under a cursor, valid until the cursor moves.
#[derive(Clone, Copy)]
pub struct Entry<'c> {
    /// The key, without the tree's id.
    pub key: &'c [u8],
    /// The value.
    pub value: &'c [u8],
    /// The tree's prefix and the key, in one piece.
    pub(crate) raw: &'c [u8],
}

/// A position in a tree, in both directions. Keys of all lengths come in `memcmp` order.
pub struct TreeCursor<'t> {
    tree: Tree,
    prefix: TreePrefix,
    cursor: RawCursor<'t>,
    position: Position,
    /// Prefix and key of the entry, while the position is within a bucket.
    long: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Position {
    Unset,
    BeforeFirst,
    AfterLast,
    /// At the entry that the cursor beneath is at.
    Direct,
    /// At an entry of the bucket's part that the cursor beneath is at.
    Bucket(usize),
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Forward,
    Backward,
}

impl<'t> TreeCursor<'t> {
    pub(super) fn open(tree: Tree, txn: &'t ReadTxn<'_>) -> Result<Self> {
        let cursor = RawCursor::open(txn, tree.table)?;
        let prefix = tree.id.prefix();
        Ok(Self { tree, prefix, cursor, position: Position::Unset, long: Vec::new() })
    }

    /// The tree.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// The entry at the position; `None` if there is no position, or none in the tree.
    #[inline]
    pub fn entry(&self) -> Option<Entry<'_>> {
        let (raw, value) = match self.position {
            Position::Direct => self.cursor.entry()?,
            Position::Bucket(index) => {
                // The part was looked at when the cursor came to it.
                let entry = self.part().and_then(|part| part.entry(index)).ok()?;
                (self.long.as_slice(), entry.1)
            }
            _ => return None,
        };
        Some(Entry { key: raw.get(self.prefix.len()..).unwrap_or_default(), value, raw })
    }

    /// The first entry.
    pub fn first(&mut self) -> Result<Option<Entry<'_>>> {
        self.cursor.seek(&self.prefix)?;
        self.arrive(Direction::Forward)
    }

    /// The last entry.
    pub fn last(&mut self) -> Result<Option<Entry<'_>>> {
        match above(&self.prefix) {
            Some(end) if self.cursor.seek(&end)? => self.cursor.prev()?,
            _ => self.cursor.last()?,
        };
        self.arrive(Direction::Backward)
    }

    /// The entry after the position: the first one if there is no position yet or the cursor ran
    /// past the beginning.
    #[expect(clippy::should_implement_trait, reason = "entries are borrowed from the cursor")]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        match self.position {
            Position::Direct => {}
            Position::Bucket(index) => {
                if index + 1 < self.part()?.count() {
                    return self.place_in_bucket(index + 1);
                }
            }
            Position::AfterLast => return Ok(None),
            Position::Unset | Position::BeforeFirst => return self.first(),
        }
        self.cursor.next()?;
        self.arrive(Direction::Forward)
    }

    /// The entry before the position: the last one if there is no position yet or the cursor ran
    /// past the end.
    pub fn prev(&mut self) -> Result<Option<Entry<'_>>> {
        match self.position {
            Position::Direct | Position::Bucket(0) => {}
            Position::Bucket(index) => return self.place_in_bucket(index - 1),
            Position::BeforeFirst => return Ok(None),
            Position::Unset | Position::AfterLast => return self.last(),
        }
        self.cursor.prev()?;
        self.arrive(Direction::Backward)
    }

    /// The first entry whose key is `key` or above.
    pub fn seek(&mut self, key: &[u8]) -> Result<Option<Entry<'_>>> {
        let Some((bucket, rest)) = PartKey::split(&self.prefix, key) else {
            let cursor = &mut self.cursor;
            raw_key::with_joined(&self.prefix, key, |raw| cursor.seek(raw))?;
            return self.arrive(Direction::Forward);
        };
        self.seek_long(bucket, rest)
    }

    /// Visits the entries from the position on whose keys are below `end` (`None`: all that are
    /// left), while `visit` returns true. The position afterwards is undefined.
    ///
    /// # Errors
    /// `CORRUPT` if a bucket is malformed; those of `visit`.
    pub fn visit_below(
        &mut self,
        end: Option<&[u8]>,
        mut visit: impl FnMut(Entry<'_>) -> Result<bool>,
    ) -> Result<()> {
        let prefix = self.prefix.len();
        let raw_end = match end {
            Some(end) => Some([&*self.prefix, end].concat()),
            None => above(&self.prefix),
        };
        let below = |raw: &[u8]| raw_end.as_deref().is_none_or(|end| raw < end);
        while self.entry().is_some_and(|entry| below(entry.raw)) {
            if self.position != Position::Direct {
                if !self.entry().map_or(Ok(false), &mut visit)? {
                    return Ok(());
                }
                self.next()?;
                continue;
            }
            // While keys are direct, one comparison tells both ends: that of the range is not above
            // that of the tree.
            let mut stopped = false;
            self.cursor.visit_below(raw_end.as_deref(), |raw, value| {
                if raw.len() > MAX_DIRECT {
                    return Ok(false);
                }
                let key = raw.get(prefix..).unwrap_or_default();
                let goes_on = visit(Entry { key, value, raw })?;
                stopped = !goes_on;
                Ok(goes_on)
            })?;
            if stopped {
                return Ok(());
            }
            // A bucket, or the end.
            self.arrive(Direction::Forward)?;
        }
        Ok(())
    }

    /// The last entry whose key is below `key`.
    pub fn seek_before(&mut self, key: &[u8]) -> Result<Option<Entry<'_>>> {
        self.seek(key)?;
        self.prev()
    }

    fn seek_long(&mut self, mut bucket: PartKey, rest: &[u8]) -> Result<Option<Entry<'_>>> {
        let Some(ordinal) = bucket::locate(&mut self.cursor, &mut bucket, rest)? else {
            self.cursor.seek(bucket.at(0))?;
            return self.arrive(Direction::Forward);
        };
        // The search may have left the cursor at another part.
        self.cursor.seek(bucket.at(ordinal))?;
        let part = self.part()?;
        let index = part.search(rest)?.unwrap_or_else(|insert_at| insert_at);
        if index == part.count() {
            self.cursor.next()?;
            return self.arrive(Direction::Forward);
        }
        self.enter_bucket(index)
    }

    /// The bucket's part that the cursor beneath is at.
    fn part(&self) -> Result<Part<'_>> {
        Part::parse(self.cursor.entry().ok_or_else(part::damaged)?.1)
    }

    /// Takes the position that the cursor beneath has reached.
    #[inline]
    fn arrive(&mut self, direction: Direction) -> Result<Option<Entry<'_>>> {
        let raw = self.cursor.entry().map(|(raw, _)| raw);
        let Some(raw) = raw.filter(|raw| raw.starts_with(&self.prefix)) else {
            self.position = match direction {
                Direction::Forward => Position::AfterLast,
                Direction::Backward => Position::BeforeFirst,
            };
            return Ok(None);
        };
        if raw.len() > MAX_DIRECT {
            return self.arrive_in_bucket(direction);
        }
        self.position = Position::Direct;
        Ok(self.entry())
    }

    #[cold]
    fn arrive_in_bucket(&mut self, direction: Direction) -> Result<Option<Entry<'_>>> {
        let count = self.part()?.count();
        self.enter_bucket(if direction == Direction::Forward { 0 } else { count - 1 })
    }

    /// Takes a position within the bucket that the cursor beneath is in.
    fn enter_bucket(&mut self, index: usize) -> Result<Option<Entry<'_>>> {
        let raw = self.cursor.entry().map(|(raw, _)| raw).unwrap_or_default();
        self.long.clear();
        self.long.extend_from_slice(raw_key::bucket_name(raw)?.unwrap_or_default());
        self.place_in_bucket(index)
    }

    /// Takes a position within the bucket that `long` names already.
    fn place_in_bucket(&mut self, index: usize) -> Result<Option<Entry<'_>>> {
        let (_, stored) = self.cursor.entry().ok_or_else(part::damaged)?;
        let (rest, _) = Part::parse(stored)?.entry(index)?;
        self.long.truncate(MAX_DIRECT);
        self.long.extend_from_slice(rest);
        self.position = Position::Bucket(index);
        Ok(self.entry())
    }
}

/// The least LMDB key above all that begin with `prefix`.
fn above(prefix: &TreePrefix) -> Option<Vec<u8>> {
    crate::key::successor_prefix(prefix.to_vec())
}
