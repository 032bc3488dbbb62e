//! Filters: what a document has to be.
//!
//! The language is MongoDB's (<https://www.mongodb.com/docs/manual/reference/operator/query/>), as
//! far as `docs/query-contract.md` says. A filter is parsed once ([`Filter::parse`]) and then
//! evaluated on encoded documents, of which only the fields that it names are looked at.

mod bits;
mod constant;
mod evaluate;
mod like;
mod parse;
mod pattern;
pub(in crate::query) mod regexp;
mod set;
mod strings;
mod test;
mod types;
mod verdict;

pub use constant::Constant;
pub use evaluate::{Matcher, current_time};
pub use pattern::Pattern;
pub use set::ValueSet;
pub use strings::Strings;
pub use test::{Comparison, Test};
pub use verdict::Verdict;

use std::sync::Arc;

use super::expression::Expression;
use super::path::Path;
use crate::collation::Collation;

/// A condition on a document.
#[derive(Debug, Clone)]
pub enum Filter {
    /// All of them; none: everything.
    And(Vec<Filter>),
    /// Any of them; none: nothing.
    Or(Vec<Filter>),
    /// The complement.
    Not(Box<Filter>),
    /// What stands at a path, or any of the values that do, passes a test.
    Path(Box<PathTest>),
    /// `$expr`: the value of an expression on the document counts as true.
    Expression(Box<Expression>),
}

/// A test of what stands at a path.
#[derive(Debug, Clone)]
pub struct PathTest {
    /// Where.
    pub path: Path,
    /// What it has to be.
    pub test: Test,
}

impl PathTest {
    /// How many tests of values it has.
    #[inline]
    pub fn tests(&self) -> usize {
        match &self.test {
            Test::Element { filter, .. } => 1 + filter.tests(),
            _ => 1,
        }
    }
}

impl Filter {
    /// What everything passes.
    pub const fn all() -> Self {
        Self::And(Vec::new())
    }

    /// What nothing passes.
    pub const fn nothing() -> Self {
        Self::Or(Vec::new())
    }

    /// The same filter, whose values compare strings under a collation. Patterns do not.
    #[must_use]
    pub fn under(self, collation: &Arc<Collation>) -> Self {
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.under(collation)).collect();
        match self {
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Not(inner) => Self::Not(Box::new(inner.under(collation))),
            Self::Path(path) => {
                let PathTest { path, test } = *path;
                Self::Path(Box::new(PathTest { path, test: test.under(collation) }))
            }
            Self::Expression(expression) => Self::Expression(expression),
        }
    }

    /// The order of strings in which all of it is decided by keys.
    fn strings(&self) -> Strings {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().fold(Strings::Any, |all, part| all.and(&part.strings()))
            }
            Self::Not(inner) => inner.strings(),
            Self::Path(path) => path.test.strings(),
            Self::Expression(_) => Strings::Any,
        }
    }

    /// Whether an expression is a part of it.
    pub fn has_expression(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::has_expression),
            Self::Not(inner) => inner.has_expression(),
            Self::Path(_) => false,
            Self::Expression(_) => true,
        }
    }

    /// Whether an expression in it uses a variable that is given from outside.
    pub fn uses_variables(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::uses_variables),
            Self::Not(inner) => inner.uses_variables(),
            Self::Expression(expression) => expression.uses_variables(),
            Self::Path(_) => false,
        }
    }

    /// How many tests of values it has.
    pub fn tests(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::tests).sum(),
            Self::Not(inner) => inner.tests(),
            Self::Path(test) => test.tests(),
            Self::Expression(_) => 1,
        }
    }

    /// Whether every document passes, as far as can be told without one.
    pub fn is_all(&self) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(Self::is_all),
            _ => false,
        }
    }
}
