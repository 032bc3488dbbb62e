//! What it costs to group documents by the order of an index, and by a table.

use std::sync::Arc;

use super::{Choice, ENTRY, HOPELESS, INTERVAL, LOOKUP, Planner};
use crate::error::Result;
use crate::execution::access::Access;
use crate::execution::group_shape::{Grouped, STEPS, Sampled, Shape, sample, sample_size};
use crate::query::aggregate::Grouping;
use crate::store::read::View;

/// What it costs to find the group of a document in a table, and to compare it with the last one.
const HASHED: f64 = 0.5;
const COMPARED: f64 = 0.1;
/// What it costs to begin a sample at both ends of an index, and to look at an entry of it, whose
/// key is taken apart.
const SAMPLE: f64 = 10.0;
const TAKEN_APART: f64 = 0.5;
/// What it costs to read a document in the order of an index, and to compare its group.
const STREAMED: f64 = ENTRY + LOOKUP + COMPARED;
/// About how many bytes a group takes in a table.
const GROUP_BYTES: f64 = 200.0;

/// Ways to group, and about how many groups there are.
#[derive(Default)]
pub(super) struct GroupedChoices {
    groups: Option<f64>,
    choices: Vec<Choice>,
}

impl GroupedChoices {
    /// Adds them to ways that need a table of groups.
    pub(super) fn add_to(self, choices: &mut Vec<Choice>, planner: &Planner<'_, '_, '_>) {
        let Some((grouping, groups)) = planner.query.grouping.as_ref().zip(self.groups) else {
            return;
        };
        let fits = groups * GROUP_BYTES <= grouping.memory as f64;
        let table = planner.matching * HASHED + if fits { 0.0 } else { HOPELESS };
        choices.iter_mut().for_each(|choice| choice.cost += table);
        choices.extend(self.choices);
    }
}

/// What it costs to read groups out of so many entries of an index.
fn keys_cost(grouping: &Grouping, sampled: Sampled, entries: f64) -> f64 {
    let groups = sampled.groups(entries);
    let steps = if grouping.only_keys() { entries.min(groups * STEPS as f64) } else { entries };
    let searches = if steps < entries { groups } else { 0.0 };
    steps * ENTRY + searches * INTERVAL + sampled.lookups(entries) * LOOKUP
}

impl Planner<'_, '_, '_> {
    /// Ways by which the order of an index groups the documents. Where they could not be cheaper
    /// than the others, the groups are not looked at.
    pub(super) fn grouped(
        &mut self,
        accesses: &[Arc<Access>],
        others: &[Choice],
    ) -> Result<GroupedChoices> {
        let mut found = GroupedChoices::default();
        // A write transaction may move documents to other groups on the way.
        let View::Snapshot(_) = self.view else { return Ok(found) };
        let Some(grouping) = &self.query.grouping else { return Ok(found) };
        let cheapest = others.iter().map(|choice| choice.cost).fold(f64::INFINITY, f64::min);
        let cheapest = cheapest + self.matching * HASHED;
        for access in accesses {
            let Some(shape) = Shape::of(access, grouping) else { continue };
            let by_keys = grouping.only_counts() && self.decides(access);
            if !may_pay(grouping, by_keys, access, cheapest) {
                if self.explained.is_some() {
                    let grouped = if by_keys { Grouped::Keys(shape) } else { Grouped::Stream };
                    let name = super::name(&[Arc::clone(access)], None, Some(&grouped));
                    self.reject(name, "a look at its groups would not pay");
                }
                continue;
            }
            let sampled = sample(self.view, access, grouping, &shape)?;
            let entries = access.entries as f64;
            let groups = sampled.groups(entries);
            found.groups = Some(found.groups.map_or(groups, |known: f64| known.max(groups)));
            let choice = |grouped, all: f64| {
                // The groups end when there are enough.
                let wanted = grouping.limit.map_or(groups, |limit| (limit as f64).min(groups));
                let cost = INTERVAL + all * wanted / groups.max(1.0);
                Choice {
                    backwards: shape.backwards,
                    ordered: true,
                    grouped: Some(grouped),
                    ..self.way(vec![Arc::clone(access)], cost)
                }
            };
            if by_keys {
                let keys = Grouped::Keys(shape.clone());
                found.choices.push(choice(keys, keys_cost(grouping, sampled, entries)));
            }
            if !grouping.is_distinct() {
                found.choices.push(choice(Grouped::Stream, entries * STREAMED));
            }
        }
        Ok(found)
    }
}

/// Whether it may pay to guess how many groups an index has: whether a sample, and then the least
/// that groups can cost, are less than the cheapest other way.
fn may_pay(grouping: &Grouping, by_keys: bool, access: &Access, cheapest: f64) -> bool {
    let entries = access.entries as f64;
    if entries * GROUP_BYTES > grouping.memory as f64 {
        // A table may have no room for them.
        return true;
    }
    let looked_at = (2 * sample_size(access.entries)) as f64;
    let sample = SAMPLE + looked_at.min(entries) * TAKEN_APART;
    let least = match by_keys {
        _ if grouping.limit.is_some() => 0.0,
        true if grouping.only_keys() => 0.0,
        true => entries * ENTRY,
        false => entries * STREAMED,
    };
    sample + INTERVAL + least < cheapest
}
