//! About how many entries lie between two keys, by two searches.
//!
//! The method is the "index dive" of other engines: both keys are searched for, the subtrees
//! between their paths are counted, and taken to be as full as those on the paths. It is exact
//! within one leaf.

use super::LmdbResult;
use super::page::SearchKey;
use super::snapshot_pages::TreePages;

/// A place in a page: of a child in a branch, of an entry in a leaf.
pub(crate) struct Step {
    /// The place.
    pub at: usize,
    /// How many children or entries there are.
    pub count: usize,
}

/// About how many entries lie between two places, to which these steps lead from the root.
pub(crate) fn between(low: &[Step], high: &[Step]) -> u64 {
    let steps: Vec<_> = low.iter().zip(high).collect();
    let Some(split) = steps.iter().position(|(low, high)| low.at != high.at) else {
        return 0;
    };
    let mut entries = 0.0;
    // Entries of an average subtree below the level that is looked at.
    let mut size = 1.0;
    let leaf = steps.len() - 1;
    for (level, (low, high)) in steps.iter().enumerate().skip(split).rev() {
        // What is right of the lower path and left of the upper one. In branches, the subtrees
        // on the paths were counted a level below.
        let whole = if level == leaf { 0 } else { 1 };
        let between = if level == split {
            high.at.saturating_sub(low.at + whole)
        } else {
            low.count.saturating_sub(low.at + whole) + high.at
        };
        entries += between as f64 * size;
        size *= (low.count + high.count) as f64 / 2.0;
    }
    entries as u64
}

impl TreePages<'_> {
    /// About how many entries have keys from `from` on, below `to` (`None`: up to the end).
    pub(super) fn distance(&self, from: &[u8], to: Option<&[u8]>) -> LmdbResult<u64> {
        let (low, high) = (self.path(Some(from))?, self.path(to)?);
        Ok(between(&low, &high))
    }

    /// The places that lead to the first entry from `key` on, or past the last one, from the root
    /// to the leaf.
    fn path(&self, key: Option<&[u8]>) -> LmdbResult<Vec<Step>> {
        let mut steps = Vec::with_capacity(self.depth());
        let Some(mut number) = self.root() else { return Ok(steps) };
        let key = key.map(SearchKey::new);
        for _ in 1..self.depth() {
            let branch = self.branch(number)?;
            let at = match &key {
                Some(key) => branch.search_child(key)?,
                None => branch.count().saturating_sub(1),
            };
            steps.push(Step { at, count: branch.count() });
            number = branch.child(at)?;
        }
        let leaf = self.leaf(number)?;
        let at = match &key {
            Some(key) => leaf.search(key)?.0,
            None => leaf.count(),
        };
        steps.push(Step { at, count: leaf.count() });
        Ok(steps)
    }
}
