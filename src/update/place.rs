//! Where in an update an operator stands.

use std::fmt;

use crate::error::{Error, ErrorCode};
use crate::query::Place;
use crate::wtf8::Wtf8String;

/// What messages call an update.
pub(super) const UPDATE: &str = "the update";

/// An operator and a path.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) operator: &'static str,
    pub(super) path: Wtf8String,
}

impl Target {
    /// An error about the operator, as it was given or as it was applied.
    pub(super) fn error(&self, code: ErrorCode, why: impl fmt::Display) -> Error {
        let root = Place::root(UPDATE);
        root.word(self.operator).field(&self.path).error(code, why)
    }

    /// `INVALID_UPDATE` about what was given.
    pub(super) fn invalid(&self, why: impl fmt::Display) -> Error {
        self.error(ErrorCode::InvalidUpdate, why)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.operator, self.path)
    }
}
