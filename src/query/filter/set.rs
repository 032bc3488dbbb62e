//! The values of `$in`.

use std::collections::HashSet;
use std::sync::Arc;

use super::constant::Constant;
use super::pattern::Pattern;
use super::strings::Strings;
use crate::collation::Collation;
use crate::error::Result;
use crate::query::order;
use crate::value::{ShapeSource, Value, ValueRef};

/// As many constants are compared one by one.
const FEW: usize = 4;

/// A set of constants, and of patterns.
#[derive(Debug, Clone)]
pub struct ValueSet {
    /// Sorted, without repetitions.
    constants: Vec<Constant>,
    /// Their bytes, if they are many.
    orders: HashSet<Box<[u8]>>,
    patterns: Vec<Pattern>,
    /// What strings are compared by; `None`, too, if there are none in the constants.
    collation: Option<Arc<Collation>>,
}

impl ValueSet {
    pub(super) fn new(mut constants: Vec<Constant>, patterns: Vec<Pattern>) -> Self {
        constants.sort_by(|left, right| left.order().cmp(right.order()));
        constants.dedup();
        let orders = if constants.len() > FEW {
            constants.iter().map(|constant| constant.order().into()).collect()
        } else {
            HashSet::new()
        };
        Self { constants, orders, patterns, collation: None }
    }

    /// What equals one of these values.
    pub fn of(values: Vec<Value>) -> Self {
        Self::new(values.into_iter().map(Constant::new).collect(), Vec::new())
    }

    /// The same values, compared under a collation.
    pub(super) fn under(self, collation: &Arc<Collation>) -> Self {
        let constants = self.constants.into_iter().map(|constant| constant.under(collation));
        let set = Self::new(constants.collect(), self.patterns);
        let is_affected = set.constants.iter().any(|one| one.strings() != Strings::Any);
        Self { collation: is_affected.then(|| Arc::clone(collation)), ..set }
    }

    /// The order of strings in which it is decided by keys.
    pub(super) fn strings(&self) -> Strings {
        let all = self.constants.iter().fold(Strings::Any, |all, one| all.and(&one.strings()));
        if self.patterns.is_empty() { all } else { all.and(&Strings::Only(None)) }
    }

    /// The constants, in the order of all values.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// The patterns that strings may match instead.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether null is among them.
    pub fn has_null(&self) -> bool {
        self.constants.first().is_some_and(Constant::is_null)
    }

    pub(super) fn contains<S: ShapeSource + ?Sized>(
        &self,
        value: ValueRef<'_>,
        shapes: &S,
    ) -> Result<bool> {
        if self.constants.len() <= FEW {
            for constant in &self.constants {
                if constant.equals(value, shapes)? {
                    return Ok(true);
                }
            }
        } else {
            let mut order = Vec::new();
            order::push_ref_under(self.collation.as_deref(), value, shapes, &mut order)?;
            if self.orders.contains(order.as_slice()) {
                return Ok(true);
            }
        }
        for pattern in &self.patterns {
            if pattern.matches_value(value, shapes)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
