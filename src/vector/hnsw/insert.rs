//! Linking vectors that have been added to those that are near to them.

use parking_lot::Mutex;

use super::nodes::Nodes;
use super::walk::{Choice, Near, Scratch, Walk};
use crate::error::Result;
use crate::vector::packed::Packing;

/// As many lists of neighbours are changed at once, at the most.
const LOCKS: usize = 256;

/// Who changes what.
pub(super) struct Locks {
    /// Held while a list of a vector is changed; several vectors share one.
    lists: Box<[Mutex<()>]>,
    /// Held while a vector is linked that gets higher than all others.
    top: Mutex<()>,
}

impl Default for Locks {
    fn default() -> Self {
        Self { lists: (0..LOCKS).map(|_| Mutex::default()).collect(), top: Mutex::default() }
    }
}

/// What a vector needs to be linked.
pub(super) struct Insertion<'n> {
    pub(super) nodes: &'n Nodes,
    pub(super) packing: Packing,
    pub(super) locks: &'n Locks,
    /// How many neighbours it is given in the lowest level, and how many candidates are looked at.
    pub(super) m: usize,
    pub(super) candidates: usize,
}

/// The lists of a new vector, and what is needed to find them.
#[derive(Default)]
pub(super) struct Work {
    pub(super) scratch: Scratch,
    lists: Vec<(u8, Vec<Near>)>,
    near: Vec<Near>,
    choice: Choice,
}

impl Work {
    pub(super) fn new(scratch: Scratch) -> Self {
        Self { scratch, ..Self::default() }
    }
}

impl Insertion<'_> {
    /// Links a vector that is there, and that nobody is linked to as yet. Others may be linked, and
    /// searches go on, at the same time.
    ///
    /// # Errors
    /// `RESOURCE_LIMIT`: there is no memory.
    pub(super) fn link(&self, node: u32, work: &mut Work) -> Result<()> {
        let level = self.nodes.level(node);
        let mut entry = self.nodes.entry();
        let _rising = entry.is_none_or(|(_, top)| level > top).then(|| {
            let held = self.locks.top.lock();
            entry = self.nodes.entry();
            held
        });
        let Some((from, top)) = entry else {
            self.nodes.set_entry(node);
            return Ok(());
        };
        let walk = Walk::new(self.nodes, self.packing);
        let target = self.nodes.vector(node);
        walk.approach(target, (from, top), level.min(top), &mut work.scratch)?;
        work.lists.clear();
        for level in (0..=level.min(top)).rev() {
            walk.search(target, level, self.candidates, &mut work.scratch, |_| true)?;
            let most = if level == 0 { self.m } else { self.nodes.lists(level).room() };
            walk.choose(node, &work.scratch.found, most, &mut work.choice);
            work.lists.push((level, work.choice.chosen.clone()));
        }
        // Whoever comes to it, in whatever level, can go on from there in all levels below. So it
        // has all its neighbours before any of them has it.
        for (level, chosen) in &work.lists {
            self.nodes.link(*level, node, chosen.iter().map(|near| near.node()));
        }
        let (near, choice) = (&mut work.near, &mut work.choice);
        for (level, neighbours) in work.lists.iter().rev() {
            for neighbour in neighbours {
                self.link_back(walk, *level, (neighbour.node(), node), (&mut *near, &mut *choice));
            }
        }
        if level > top {
            self.nodes.set_entry(node);
        }
        Ok(())
    }

    /// Links a neighbour to a new vector, perhaps in the place of others.
    fn link_back(
        &self,
        walk: Walk<'_>,
        level: u8,
        (owner, node): (u32, u32),
        (near, choice): (&mut Vec<Near>, &mut Choice),
    ) {
        let lock = self.locks.lists.get(owner as usize % LOCKS);
        let _held = lock.map(|lock| lock.lock());
        if self.nodes.link_one(level, owner, node) {
            return;
        }
        let vector = self.nodes.vector(owner);
        near.clear();
        let all = self.nodes.neighbours(level, owner).chain([node]);
        near.extend(all.map(|node| walk.near(vector, node)));
        near.sort_unstable();
        walk.choose(owner, near, self.nodes.lists(level).room(), choice);
        self.nodes.link(level, owner, choice.chosen.iter().map(|near| near.node()));
    }
}
