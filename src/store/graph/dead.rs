//! Which vectors of a graph are not there any more.
//!
//! Writes know nothing of graphs, so what they remove is still named: searches look it up in vain,
//! and walk further than they would have to. What a search has met in vain is noted. Once more is
//! gone than searches have met, the background thread compares the graph with the index.

use std::sync::Arc;

use super::Graph;
use super::builder::label_of;
use crate::catalog::VectorDef;
use crate::error::Result;
use crate::storage::ReadTxn;
use crate::store::entry::entries;
use crate::store::vectors::label_key;
use crate::vector::Bits;

/// What is gone is looked for if that is one of so many vectors of a graph: it takes ten seconds
/// for a hundred million.
const FEW: usize = 64;
/// So many labels are compared at once.
const AT_ONCE: usize = 4_096;

/// Vectors that are not there any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Dead {
    vectors: Bits,
    /// The newest state in which one of them was found to be gone.
    since: u64,
}

impl Dead {
    /// How many are known.
    pub(super) fn len(&self) -> usize {
        self.vectors.len()
    }

    /// All that are known, in whatever state; `None` if there are none.
    pub(super) fn vectors(&self) -> Option<&Bits> {
        (!self.vectors.is_empty()).then_some(&self.vectors)
    }

    /// Those that are known to be gone in the state of a transaction.
    pub(super) fn of(&self, txn_id: u64) -> Option<&Bits> {
        self.vectors().filter(|_| txn_id >= self.since)
    }
}

impl Graph {
    /// Notes labels whose vectors are not there any more in the committed state of a transaction,
    /// unless that would have to wait: then the next search that meets them does.
    pub fn note_dead(&self, labels: &[u64], txn_id: u64) {
        if labels.is_empty() {
            return;
        }
        let Some(mut dead) = self.dead.try_write() else { return };
        let dead = Arc::make_mut(&mut dead);
        if self.hnsw.mark(labels, &mut dead.vectors, true) {
            dead.since = dead.since.max(txn_id);
        }
    }

    /// Finds out what is not there any more in the committed state of a transaction, of which the
    /// graph has all vectors, so many, unless that is little more than what is known.
    ///
    /// # Errors
    /// `CORRUPT`; those of storage.
    pub(super) fn find_dead(&self, txn: &ReadTxn<'_>, index: &VectorDef, live: u64) -> Result<()> {
        let vectors = self.hnsw.len();
        let known = self.dead.read().len();
        let gone = vectors.saturating_sub(usize::try_from(live).unwrap_or(usize::MAX));
        if gone.saturating_sub(known) * FEW <= vectors {
            return Ok(());
        }
        let mut found = Bits::default();
        let mut labels = Vec::with_capacity(AT_ONCE);
        let mut at = 0;
        let mut cursor = entries(index.tree).cursor(txn)?;
        let mut entry = cursor.seek(&label_key(0))?;
        while let Some(next) = entry {
            labels.push(label_of(index, next.key)?);
            if labels.len() == AT_ONCE {
                at = self.hnsw.mark_others(&labels, at, &mut found);
                labels.clear();
            }
            entry = cursor.next()?;
        }
        at = self.hnsw.mark_others(&labels, at, &mut found);
        self.hnsw.mark_from(at, &mut found);
        let mut dead = self.dead.write();
        let since = dead.since.max(txn.id());
        // What is gone never comes back, so what searches have noted in a newer state stays true.
        if txn.id() < dead.since {
            found.add_all(&dead.vectors);
        }
        *dead = Arc::new(Dead { vectors: found, since });
        Ok(())
    }
}
