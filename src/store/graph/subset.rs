//! Which vectors of a graph belong to documents that pass a filter, kept for searches that ask with
//! the same filter again in the same state.

use std::sync::Arc;

use super::Graph;
use crate::storage::TreeId;
use crate::store::read::Interval;
use crate::vector::Set;

/// The most bytes of one subset, and of all of a graph.
pub const MOST_BYTES: usize = 4 << 20;
const MOST_BYTES_OF_ALL: usize = 16 << 20;
/// The most filters of which it is known how often they were asked with.
const FILTERS: usize = 64;

/// Which documents: those with entries in a part of a tree, which decides the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubsetKey {
    /// The tree.
    pub tree: TreeId,
    /// The part of it.
    pub intervals: Vec<Interval>,
}

/// What is known of the filters that searches ask with in the newest state that they have read.
#[derive(Debug, Default)]
pub(super) struct Subsets {
    txn_id: u64,
    /// What was asked with last comes last.
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    key: SubsetKey,
    times: u32,
    set: Option<Arc<Set>>,
    /// Whether it takes more memory than it may.
    is_too_large: bool,
}

impl Subsets {
    /// Whether it is about the state of a transaction, or is from now on.
    fn is_of(&mut self, txn_id: u64) -> bool {
        if txn_id > self.txn_id {
            self.txn_id = txn_id;
            self.asked.clear();
        }
        txn_id == self.txn_id
    }

    /// What is known of a filter, which is the last one then.
    fn find(&mut self, key: &SubsetKey) -> Option<&mut Asked> {
        let at = self.asked.iter().rposition(|asked| asked.key == *key)?;
        self.asked.get_mut(at..)?.rotate_left(1);
        self.asked.last_mut()
    }

    fn ask(&mut self, txn_id: u64, key: SubsetKey) -> (Option<Arc<Set>>, u32) {
        if !self.is_of(txn_id) {
            return (None, 0);
        }
        if let Some(asked) = self.find(&key) {
            asked.times = asked.times.saturating_add(1);
            let times = if asked.is_too_large { 0 } else { asked.times };
            return (asked.set.clone(), times);
        }
        if self.asked.len() >= FILTERS {
            self.asked.remove(0);
        }
        self.asked.push(Asked { key, times: 1, set: None, is_too_large: false });
        (None, 1)
    }

    fn keep(&mut self, txn_id: u64, key: &SubsetKey, set: Set) {
        if !self.is_of(txn_id) {
            return;
        }
        let Some(asked) = self.find(key) else { return };
        let mut bytes = set.memory();
        asked.is_too_large = bytes > MOST_BYTES;
        asked.set = (!asked.is_too_large).then(|| Arc::new(set));
        // Those go that were not asked for lately.
        for asked in self.asked.iter_mut().rev().skip(1) {
            bytes += asked.set.as_deref().map_or(0, Set::memory);
            if bytes > MOST_BYTES_OF_ALL {
                asked.set = None;
            }
        }
    }
}

impl Graph {
    /// The vectors of the documents that pass a filter in the committed state of a transaction, if
    /// they were kept, and how often searches have asked with it in that state.
    pub fn subset(&self, txn_id: u64, key: SubsetKey) -> (Option<Arc<Set>>, u32) {
        self.subsets.lock().ask(txn_id, key)
    }

    /// Keeps which documents pass a filter in the committed state of a transaction, by the labels
    /// of their vectors, for whoever asks with it in the same state.
    pub fn keep_subset(&self, txn_id: u64, key: &SubsetKey, labels: Vec<u64>) {
        let set = self.hnsw.set_of(labels, MOST_BYTES);
        self.subsets.lock().keep(txn_id, key, set);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::vector::{Form, GraphOptions, Hnsw, Metric, Packing};

    fn key(from: u8) -> SubsetKey {
        let interval = Interval { from: vec![from], to: None };
        SubsetKey { tree: TreeId(2), intervals: vec![interval] }
    }

    #[test]
    fn what_is_kept_is_of_one_state() {
        let form = Form { dimensions: 1, metric: Metric::L2 };
        let options = GraphOptions::default_of(Metric::L2);
        let graph = Hnsw::new(Packing::new(form, options.precision), options);
        let mut subsets = Subsets::default();
        assert_eq!(subsets.ask(5, key(1)).1, 1);
        assert_eq!(subsets.ask(5, key(1)).1, 2);
        assert_eq!(subsets.ask(5, key(2)).1, 1);
        subsets.keep(5, &key(1), graph.set_of(vec![], MOST_BYTES));
        let (set, times) = subsets.ask(5, key(1));
        assert!(set.is_some() && times == 3);
        assert!(subsets.ask(5, key(2)).0.is_none());
        // Of an older state nothing is known; a newer one takes its place.
        assert_eq!(subsets.ask(4, key(1)).1, 0);
        subsets.keep(4, &key(2), graph.set_of(vec![], MOST_BYTES));
        assert!(subsets.ask(5, key(2)).0.is_none());
        let (set, times) = subsets.ask(6, key(1));
        assert!(set.is_none() && times == 1);
        subsets.keep(5, &key(1), graph.set_of(vec![], MOST_BYTES));
        assert!(subsets.ask(6, key(1)).0.is_none());
    }

    #[test]
    fn few_filters_are_remembered() {
        let mut subsets = Subsets::default();
        for round in 1..3 {
            for from in 0..=FILTERS as u8 {
                assert_eq!(subsets.ask(1, key(from)).1, 1, "round {round}");
            }
        }
        assert_eq!(subsets.asked.len(), FILTERS);
    }
}
