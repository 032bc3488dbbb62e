//! The cache of decrypted nodes that all readers of an environment share.
//!
//! A node is found by its block's id and its stamp, which stands in the block in clear: so what is
//! found is what is stored, whichever process stored it, whatever snapshot is read, and whether the
//! commit that wrote it succeeded or not.

use std::sync::Arc;

use parking_lot::Mutex;

use super::block::Stamp;
use super::node::Node;

/// Nodes of a set.
const WAYS: usize = 8;

/// A bounded cache, in sets with a lock each.
pub(super) struct Cache {
    sets: Box<[Mutex<Set>]>,
}

#[derive(Default)]
struct Set {
    clock: u32,
    slots: Vec<Slot>,
}

struct Slot {
    id: u64,
    stamp: Stamp,
    used: u32,
    node: Arc<Node>,
}

impl Cache {
    /// A cache of about so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        let sets = (nodes / WAYS).next_power_of_two();
        Self { sets: (0..sets).map(|_| Mutex::default()).collect() }
    }

    #[inline]
    fn set(&self, id: u64) -> Option<&Mutex<Set>> {
        // Ids are random.
        self.sets.get(id as usize & (self.sets.len() - 1))
    }

    /// The node of a block in the state that the stamp names.
    #[inline]
    pub(super) fn get(&self, id: u64, stamp: &Stamp) -> Option<Arc<Node>> {
        let mut set = self.set(id)?.lock();
        set.clock = set.clock.wrapping_add(1);
        let clock = set.clock;
        let slot = set.slots.iter_mut().find(|slot| slot.id == id && slot.stamp == *stamp)?;
        slot.used = clock;
        Some(Arc::clone(&slot.node))
    }

    /// Keeps a node; in the place of the same block's, if the set is full, or of the one that was
    /// used least recently.
    pub(super) fn insert(&self, id: u64, stamp: &Stamp, node: &Arc<Node>) {
        let Some(set) = self.set(id) else { return };
        let mut set = set.lock();
        set.clock = set.clock.wrapping_add(1);
        let clock = set.clock;
        let slot = Slot { id, stamp: *stamp, used: clock, node: Arc::clone(node) };
        if set.slots.len() < WAYS {
            set.slots.push(slot);
            return;
        }
        let age =
            |slot: &Slot| if slot.id == id { u32::MAX } else { clock.wrapping_sub(slot.used) };
        if let Some(oldest) = set.slots.iter_mut().max_by_key(|slot| age(slot)) {
            *oldest = slot;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for set in &self.sets {
            set.lock().slots.clear();
        }
    }
}
