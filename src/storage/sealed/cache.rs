//! The cache of decrypted nodes that all readers of an environment share.
//!
//! A node is found by its block's id and its stamp, which stands in the block in clear: so what is
//! found is what is stored, whichever process stored it, whatever snapshot is read, and whether the
//! commit that wrote it succeeded or not.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::block::Stamp;
use super::node::Node;
use crate::storage::platform::prefetch;

/// Nodes of a set.
const WAYS: usize = 8;
/// Groups of sets: each is made when it is first used, so that an open does not wait for memory.
const GROUPS: usize = 64;

/// A bounded cache, in sets with a lock each.
pub(super) struct Cache {
    groups: [OnceLock<Box<[Mutex<Set>]>>; GROUPS],
    /// The number of sets of a group, a power of two.
    sets: usize,
}

#[derive(Default)]
struct Set {
    clock: u32,
    /// Of the slots, in their order, so that a search looks at one line of memory.
    ids: [u64; WAYS],
    slots: Vec<Slot>,
}

struct Slot {
    stamp: Stamp,
    used: u32,
    node: Arc<Node>,
}

impl Cache {
    /// A cache of at most so many nodes, and of a set in each group at least.
    pub(super) fn new(nodes: usize) -> Self {
        let sets = 1 << (nodes / WAYS / GROUPS).checked_ilog2().unwrap_or(0);
        Self { groups: [const { OnceLock::new() }; GROUPS], sets }
    }

    #[inline]
    fn set(&self, id: u64) -> Option<&Mutex<Set>> {
        // Ids are random.
        let group = self.groups.get(id as usize % GROUPS)?;
        let sets = group.get_or_init(|| (0..self.sets).map(|_| Mutex::default()).collect());
        sets.get((id as usize / GROUPS) & (self.sets - 1))
    }

    /// The node of a block in the state that the stamp names.
    #[inline]
    pub(super) fn get(&self, id: u64, stamp: &Stamp) -> Option<Arc<Node>> {
        let mut set = self.set(id)?.lock();
        set.clock = set.clock.wrapping_add(1);
        let clock = set.clock;
        let Set { ids, slots, .. } = &mut *set;
        let slots = ids.iter().zip(slots).filter(|(own, _)| **own == id);
        let slot = slots.map(|(_, slot)| slot).find(|slot| slot.stamp == *stamp)?;
        slot.used = clock;
        Some(Arc::clone(&slot.node))
    }

    /// Asks for the memory in which a node of this block would be found.
    #[inline]
    pub(super) fn fetch(&self, id: u64) {
        if let Some(set) = self.set(id) {
            prefetch(set);
        }
    }

    /// Keeps a node; in the place of the same block's, if the set is full, or of the one that was
    /// used least recently.
    pub(super) fn insert(&self, id: u64, stamp: &Stamp, node: &Arc<Node>) {
        let Some(set) = self.set(id) else { return };
        let mut set = set.lock();
        set.clock = set.clock.wrapping_add(1);
        let clock = set.clock;
        let slot = Slot { stamp: *stamp, used: clock, node: Arc::clone(node) };
        let Set { ids, slots, .. } = &mut *set;
        if slots.len() < WAYS {
            if let Some(own) = ids.get_mut(slots.len()) {
                *own = id;
                slots.push(slot);
            }
            return;
        }
        let age = |(own, slot): &(&mut u64, &mut Slot)| match **own == id {
            true => u32::MAX,
            false => clock.wrapping_sub(slot.used),
        };
        if let Some((own, oldest)) = ids.iter_mut().zip(slots).max_by_key(age) {
            *own = id;
            *oldest = slot;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for set in self.groups.iter().filter_map(OnceLock::get).flatten() {
            set.lock().slots.clear();
        }
    }
}
