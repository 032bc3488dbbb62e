//! An operator and the path that it is applied to.

use super::operator::Operator;
use super::place::Target;
use crate::error::{Error, ErrorCode};

/// An operator of an update, with one of its paths.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) target: Target,
    pub(super) operator: Operator,
}

impl Leaf {
    pub(super) fn is_unset(&self) -> bool {
        matches!(self.operator, Operator::Unset)
    }

    /// Whether it makes a value where there is none.
    pub(super) fn creates(&self) -> bool {
        !matches!(
            self.operator,
            Operator::Unset
                | Operator::Pop { .. }
                | Operator::Pull(_)
                | Operator::PullAll(_)
                | Operator::Rename
        )
    }

    /// The operator and the path, for messages.
    pub(super) fn shown(&self) -> String {
        self.target.to_string()
    }

    /// `INVALID_UPDATE`: the operator does not fit what it meets in a document.
    pub(super) fn unfit(&self, why: impl std::fmt::Display) -> Error {
        self.target.error(ErrorCode::InvalidUpdate, why)
    }
}
