//! Index entries: what they look like and who sees them.
//!
//! An entry's key is the index key (one encoded component for each part, inverted if the part is
//! descending) followed by the encoded primary key; its value is one byte, the kind.

use crate::catalog::{IndexDef, Origin};
use crate::error::{Error, Result};
use crate::key::{self, TAG_RESIDUAL};
use crate::storage::{Counter, Table, TreeId, tree::Tree};

/// Why a document has an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EntryKind {
    /// The key is the fields' own values, none of them an array.
    Own = 0,
    /// A component is an element of the field's array.
    Element = 1,
    /// A component is an array as a whole, none is an element.
    Whole = 2,
    /// No key decides the document: it has to be looked at. The index key is [`TAG_RESIDUAL`]
    /// alone, above all others.
    Residual = 3,
}

/// Counter class: all entries of an index.
pub const COUNT_ALL: u8 = 0;
/// Counter class: the array class, elements and whole arrays.
pub const COUNT_ARRAY: u8 = 1;
/// Counter class: the residual class.
pub const COUNT_RESIDUAL: u8 = 2;
/// Counter class: whole arrays.
pub const COUNT_WHOLE: u8 = 3;

impl EntryKind {
    /// How many kinds there are.
    pub const COUNT: usize = 4;
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [Self::Own, Self::Element, Self::Whole, Self::Residual];
    /// The values of entries, in the same order.
    pub const VALUES: [[u8; 1]; Self::COUNT] = [[0], [1], [2], [3]];

    /// The kind in an entry's value.
    ///
    /// # Errors
    /// `CORRUPT`.
    #[inline]
    pub fn of(value: &[u8]) -> Result<Self> {
        match value {
            [0] => Ok(Self::Own),
            [1] => Ok(Self::Element),
            [2] => Ok(Self::Whole),
            [3] => Ok(Self::Residual),
            _ => Err(Error::corrupt("an index entry is of unknown kind")),
        }
    }

    /// The counter classes that count an entry of this kind.
    pub fn counted_in(self) -> &'static [u8] {
        match self {
            Self::Own => &[COUNT_ALL],
            Self::Element => &[COUNT_ALL, COUNT_ARRAY],
            Self::Whole => &[COUNT_ALL, COUNT_ARRAY, COUNT_WHOLE],
            Self::Residual => &[COUNT_ALL, COUNT_RESIDUAL],
        }
    }
}

/// Whether reads of an index, and its unique rule, see entries of a kind.
#[inline]
pub fn is_visible(index: &IndexDef, kind: EntryKind) -> bool {
    match kind {
        EntryKind::Own => true,
        EntryKind::Element => index.multi_entry,
        EntryKind::Whole => index.origin == Origin::IndexedDb || !index.multi_entry,
        EntryKind::Residual => false,
    }
}

/// Splits an entry's key into index key and primary key.
///
/// # Errors
/// `CORRUPT`.
#[inline]
pub fn split<'k>(index: &IndexDef, entry_key: &'k [u8]) -> Result<(&'k [u8], &'k [u8])> {
    let mut len = 0;
    if entry_key.first() == Some(&TAG_RESIDUAL) {
        len = 1;
    } else {
        for part in &index.parts {
            let rest = entry_key.get(len..).unwrap_or_default();
            len += key::encoded_len(rest, part.descending)?;
        }
    }
    entry_key
        .split_at_checked(len)
        .filter(|(_, primary_key)| !primary_key.is_empty())
        .ok_or_else(|| Error::corrupt("an index entry has no primary key"))
}

/// How many entries reads of an index see; `count` gives the index's counters by class.
pub fn visible_count(index: &IndexDef, count: impl Fn(Counter) -> Result<u64>) -> Result<u64> {
    let class = |class| count(Counter { tree: index.tree, class });
    let decided = class(COUNT_ALL)?.saturating_sub(class(COUNT_RESIDUAL)?);
    if index.origin == Origin::IndexedDb {
        return Ok(decided);
    }
    let whole = class(COUNT_WHOLE)?;
    let hidden = if index.multi_entry { whole } else { class(COUNT_ARRAY)?.saturating_sub(whole) };
    Ok(decided.saturating_sub(hidden))
}

/// The tree of a store's documents.
pub const fn documents(tree: TreeId) -> Tree {
    Tree { table: Table::Docs, id: tree }
}

/// The tree of an index's entries.
pub const fn entries(tree: TreeId) -> Tree {
    Tree { table: Table::Index, id: tree }
}
