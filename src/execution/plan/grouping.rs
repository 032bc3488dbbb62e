//! What it costs to group documents by the order of an index, and by a table.

use std::sync::Arc;

use super::{Choice, ENTRY, HOPELESS, INTERVAL, LOOKUP, Planner};
use crate::error::Result;
use crate::execution::access::Access;
use crate::execution::group_shape::{Grouped, STEPS, Sampled, Shape, sample};
use crate::query::aggregate::Grouping;
use crate::store::read::View;

/// What it costs to find the group of a document in a table, and to compare it with the last one.
const HASHED: f64 = 0.5;
const COMPARED: f64 = 0.1;
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
    /// Ways by which the order of an index groups the documents.
    pub(super) fn grouped(&self, accesses: &[Arc<Access>]) -> Result<GroupedChoices> {
        let mut found = GroupedChoices::default();
        // A write transaction may move documents to other groups on the way.
        let View::Snapshot(_) = self.view else { return Ok(found) };
        let Some(grouping) = &self.query.grouping else { return Ok(found) };
        for access in accesses {
            let Some(shape) = Shape::of(access, grouping) else { continue };
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
            if grouping.only_counts() && self.decides(access) {
                let keys = Grouped::Keys(shape.clone());
                found.choices.push(choice(keys, keys_cost(grouping, sampled, entries)));
            }
            if !grouping.is_distinct() {
                let each = ENTRY + LOOKUP + COMPARED;
                found.choices.push(choice(Grouped::Stream, entries * each));
            }
        }
        Ok(found)
    }
}
