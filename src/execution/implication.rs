//! Whether a filter lets nothing through that a partial index does not have.

use std::fmt::Debug;
use std::mem::discriminant;

use super::access::Condition;
use super::bounds::{Bounds, of_condition};
use crate::query::Filter;
use crate::query::filter::{Constant, Strings, Test};
use crate::query::order::Class;

/// Places of the conditions that are conditions of `wanted`, too; `None` if something may pass all
/// conditions, but not `wanted`.
///
/// Only what is certain counts: a condition of `wanted` is there word by word, or is about one
/// field of which the filter asks for less.
pub fn implied(conditions: &[Condition<'_>], wanted: &Filter) -> Option<Vec<usize>> {
    let mut same = Vec::new();
    let parts: &[Filter] = match wanted {
        Filter::And(parts) => parts,
        one => std::slice::from_ref(one),
    };
    for part in parts {
        if let Filter::And(_) = part {
            same.extend(implied(conditions, part)?);
            continue;
        }
        match conditions.iter().position(|known| is_same(known.filter, part)) {
            Some(at) => same.push(at),
            None if conditions.iter().any(|known| is_narrower(known, part)) => {}
            None => return None,
        }
    }
    Some(same)
}

/// Whether two filters are the same word by word.
fn is_same(one: &Filter, other: &Filter) -> bool {
    let all = |left: &[Filter], right: &[Filter]| {
        left.len() == right.len()
            && left.iter().zip(right).all(|(left, right)| is_same(left, right))
    };
    match (one, other) {
        (Filter::And(left), Filter::And(right)) | (Filter::Or(left), Filter::Or(right)) => {
            all(left, right)
        }
        (Filter::Not(left), Filter::Not(right)) => is_same(left, right),
        (Filter::Path(left), Filter::Path(right)) => {
            left.path == right.path && is_same_test(&left.test, &right.test)
        }
        (Filter::Expression(_), Filter::Expression(_)) => is_written_alike(one, other),
        _ => false,
    }
}

fn is_same_test(one: &Test, other: &Test) -> bool {
    match (one, other) {
        (Test::Equal(left), Test::Equal(right)) => left == right,
        (Test::In(left), Test::In(right)) => {
            left.constants() == right.constants()
                && left.patterns().len() == right.patterns().len()
                && is_written_alike(left.patterns(), right.patterns())
        }
        (Test::Element { filter: left, fields }, Test::Element { filter: right, fields: also }) => {
            fields == also && is_same(left, right)
        }
        _ => discriminant(one) == discriminant(other) && is_written_alike(one, other),
    }
}

fn is_written_alike<T: Debug + ?Sized>(one: &T, other: &T) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

/// Whether every value that passes `known` at its path passes `part`, which is about the same path.
fn is_narrower(known: &Condition<'_>, part: &Filter) -> bool {
    let (Filter::Path(left), Filter::Path(right)) = (known.filter, part) else { return false };
    if left.path != right.path {
        return false;
    }
    if matches!(right.test, Test::Exists) {
        return !left.test.accepts_nothing();
    }
    let (Some((_, inner)), Some((_, outer))) = (&known.bounds, of_condition(part)) else {
        return false;
    };
    let one_order = inner.strings().and(outer.strings()) != Strings::Mixed;
    one_order && has_keys_only(&left.test) && has_keys_only(&right.test) && is_inside(inner, &outer)
}

/// Whether a test is decided by keys, and by the class of what is no key.
fn has_keys_only(test: &Test) -> bool {
    let is_key = |constant: &Constant| {
        matches!(constant.class(), Class::Null | Class::Bool)
            || crate::key::validate_key(constant.order()).is_ok()
    };
    match test {
        Test::Equal(constant) | Test::Compare(_, constant) => is_key(constant),
        Test::Between(least, greatest) => is_key(least) && is_key(greatest),
        Test::In(set) => set.patterns().is_empty() && set.constants().iter().all(is_key),
        _ => false,
    }
}

fn is_inside(inner: &Bounds, outer: &Bounds) -> bool {
    inner.ranges().iter().all(|range| {
        outer.ranges().iter().any(|around| around.from <= range.from && range.to <= around.to)
    })
}
