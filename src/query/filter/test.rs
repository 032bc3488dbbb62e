//! Tests of single values.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Filter;
use super::bits::Bits;
use super::constant::Constant;
use super::pattern::Pattern;
use super::set::ValueSet;
use super::strings::Strings;
use super::types::Types;
use crate::collation::Collation;

/// What a value has to be. Of an array, unless a test says otherwise, any element may be it, or the
/// array as a whole.
#[derive(Debug, Clone)]
pub enum Test {
    /// `$eq`. Nothing equals null.
    Equal(Constant),
    /// `$gt`, `$gte`, `$lt`, `$lte`.
    Compare(Comparison, Constant),
    /// `$between`: neither less than the first nor greater than the second.
    Between(Constant, Constant),
    /// `$in`.
    In(ValueSet),
    /// `$exists: true`.
    Exists,
    /// `$type`.
    Type(Types),
    /// `$size`: an array, not its elements.
    Size(u32),
    /// `$elemMatch`: one element passes all conditions.
    Element {
        /// The conditions.
        filter: Box<Filter>,
        /// Whether they are about the fields of elements that are objects or arrays.
        fields: bool,
    },
    /// `$mod`: the remainder, towards zero.
    Remainder {
        /// Not 0.
        divisor: i64,
        /// Of the divisor's sign or 0.
        remainder: i64,
    },
    /// `$bitsAllSet` and its kind.
    Bits(Bits),
    /// A test of strings.
    Text(Pattern),
}

impl Test {
    /// The same test, under a collation.
    pub(super) fn under(self, collation: &Arc<Collation>) -> Self {
        match self {
            Self::Equal(constant) => Self::Equal(constant.under(collation)),
            Self::Compare(comparison, constant) => {
                Self::Compare(comparison, constant.under(collation))
            }
            Self::Between(least, greatest) => {
                Self::Between(least.under(collation), greatest.under(collation))
            }
            Self::In(set) => Self::In(set.under(collation)),
            Self::Element { filter, fields } => {
                Self::Element { filter: Box::new(filter.under(collation)), fields }
            }
            other => other,
        }
    }

    /// The order of strings in which it is decided by keys.
    pub fn strings(&self) -> Strings {
        match self {
            Self::Equal(constant) | Self::Compare(_, constant) => constant.strings(),
            Self::Between(least, greatest) => least.strings().and(&greatest.strings()),
            Self::In(set) => set.strings(),
            Self::Element { filter, fields: false } => filter.strings(),
            Self::Text(_) => Strings::Only(None),
            _ => Strings::Any,
        }
    }

    /// Whether a field that is missing passes.
    pub fn accepts_nothing(&self) -> bool {
        match self {
            Self::Equal(constant) => constant.is_null(),
            Self::Compare(comparison, constant) => {
                constant.is_null() && comparison.includes_equal()
            }
            Self::Between(least, greatest) => least.is_null() && greatest.is_null(),
            Self::In(set) => set.has_null(),
            _ => false,
        }
    }
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are what they say")]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether what compares so with a constant passes.
    #[inline]
    pub fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// Whether what equals the constant passes.
    pub fn includes_equal(self) -> bool {
        matches!(self, Self::LessOrEqual | Self::GreaterOrEqual)
    }

    /// The operator.
    pub fn name(self) -> &'static str {
        match self {
            Self::Less => "$lt",
            Self::LessOrEqual => "$lte",
            Self::Greater => "$gt",
            Self::GreaterOrEqual => "$gte",
        }
    }
}
