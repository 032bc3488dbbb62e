//! Which order of strings something depends on.

use std::sync::Arc;

use crate::collation::Collation;

/// The order of strings in which what is said of a field is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strings {
    /// It is true in all.
    Any,
    /// In that of a collation, or of the code units.
    Only(Option<Arc<Collation>>),
    /// In none: two orders are spoken of.
    Mixed,
}

impl Strings {
    /// Whether it is true where strings are in an order.
    pub fn fit(&self, collation: Option<&Arc<Collation>>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(own) => own.as_ref() == collation,
            Self::Mixed => false,
        }
    }

    /// Where both are true.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, one) | (one, Self::Any) => one.clone(),
            (left, right) if left == right => left.clone(),
            _ => Self::Mixed,
        }
    }
}
