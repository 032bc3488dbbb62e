//! A position among the entries that trees are stored as, of whichever kind the database is.

use crate::error::{Error, Result};
use crate::storage::txn::{ReadTxn, Table};
use crate::storage::{lmdb, sealed};

/// A position among the entries of one of the four trees.
pub(crate) struct RawCursor<'t>(Kind<'t>);

#[expect(clippy::large_enum_variant, reason = "cursors live on the stack for one scan")]
enum Kind<'t> {
    Plain { cursor: lmdb::Cursor<'t>, at: Option<lmdb::Entry<'t>> },
    Sealed(sealed::Cursor<'t>),
}

impl<'t> RawCursor<'t> {
    /// A cursor, not yet at an entry.
    pub(crate) fn open(txn: &'t ReadTxn<'_>, table: Table) -> Result<Self> {
        Ok(Self(match txn.sealed() {
            None => Kind::Plain { cursor: txn.raw().cursor(txn.dbi(table))?, at: None },
            Some(view) => Kind::Sealed(sealed::Cursor::new(view, txn.raw(), table as usize)),
        }))
    }

    /// The entry at the position.
    #[inline]
    pub(crate) fn entry(&self) -> Option<(&[u8], &[u8])> {
        match &self.0 {
            Kind::Plain { at, .. } => *at,
            Kind::Sealed(cursor) => cursor.entry(),
        }
    }

    /// Moves to the last entry; false if there is none. So with all that follow.
    pub(crate) fn last(&mut self) -> Result<bool> {
        match &mut self.0 {
            Kind::Plain { cursor, at } => *at = cursor.last()?,
            Kind::Sealed(cursor) => return cursor.last(),
        }
        Ok(self.entry().is_some())
    }

    /// Moves to the entry after the position.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<bool> {
        match &mut self.0 {
            Kind::Plain { cursor, at } => {
                *at = cursor.next()?;
                Ok(at.is_some())
            }
            Kind::Sealed(cursor) => cursor.next(),
        }
    }

    /// Moves to the entry before the position.
    #[inline]
    pub(crate) fn prev(&mut self) -> Result<bool> {
        match &mut self.0 {
            Kind::Plain { cursor, at } => {
                *at = cursor.prev()?;
                Ok(at.is_some())
            }
            Kind::Sealed(cursor) => cursor.prev(),
        }
    }

    /// Moves to the first entry whose key is `key` or above.
    #[inline]
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<bool> {
        match &mut self.0 {
            Kind::Plain { cursor, at } => {
                *at = cursor.seek(key)?;
                Ok(at.is_some())
            }
            Kind::Sealed(cursor) => cursor.seek(key),
        }
    }

    /// Visits the entries from the position on whose keys are below `end` (`None`: all that are
    /// left), while `visit` returns true. The position is then at the entry for which it did not,
    /// or at none below `end`.
    ///
    /// # Errors
    /// Those of `visit`.
    #[inline]
    pub(crate) fn visit_below(
        &mut self,
        end: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool>,
    ) -> Result<()> {
        match &mut self.0 {
            Kind::Plain { cursor, at } => {
                let visit = |(key, value): lmdb::Entry<'t>| visit(key, value);
                *at = cursor.visit_below::<Error>(end, visit)?;
            }
            Kind::Sealed(cursor) => drop(cursor.visit_below(end, visit)?),
        }
        Ok(())
    }
}
