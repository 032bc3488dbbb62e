//! Queries for what is nearest to a vector.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::access::Access;
use super::super::nearest;
use super::super::request::Returns;
use super::super::scan::{Budget, Flow, Scan, keep};
use super::super::sort::{SORT_MEMORY, Sorted, Sorter};
use super::{Execution, Phase};
use crate::catalog::StoreDef;
use crate::error::Result;
use crate::store::StoreShared;
use crate::store::entry::documents;
use crate::store::read::{Interval, View};

impl Execution {
    /// Looks for the nearest documents; false if that is to go on later.
    pub(super) fn search(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        budget: &mut Budget<'_>,
    ) -> Result<bool> {
        let Self { store, query, plan, scan, rows, phase, .. } = self;
        let Phase::Search(sorter) = phase else { return Ok(true) };
        let ended = scan.run(view, store, (true, u64::MAX), budget, |found| {
            if !plan.decided && !rows.passes(view, shared, store, query, found)?.passes() {
                return Ok(Flow::Next);
            }
            if let Some(distance) = rows.distance(view, shared, store, found)? {
                let sort_key = nearest::sort_key(distance);
                if !sorter.is_beyond(&sort_key) {
                    sorter.push(&sort_key, found.key)?;
                }
            }
            Ok(Flow::Next)
        })?;
        if !ended {
            return Ok(false);
        }
        self.sorted = Some(sorter.method());
        let found = std::mem::replace(&mut **sorter, Sorter::new(Some(0), 0)).finish()?;
        if self.query.sort.is_empty() {
            self.phase = Phase::Emit { sorted: Box::new(found), pending: VecDeque::new() };
        } else {
            self.sort_found(found)?;
        }
        Ok(true)
    }

    /// Goes on with the documents that were found as with those of any other query.
    fn sort_found(&mut self, mut found: Sorted) -> Result<()> {
        let (mut keys, mut kept) = (Vec::new(), 0);
        while let Some(key) = found.peek() {
            keep(&mut kept, key)?;
            keys.push(Box::from(key));
            found.advance()?;
        }
        let (examined_keys, examined_docs) = (self.scan.examined_keys, self.scan.examined_docs);
        self.scan = Scan::new(vec![Arc::new(documents_of(&self.store, keys))], false, false);
        self.scan.examined_keys = examined_keys;
        self.scan.examined_docs = examined_docs;
        let wanted = match &self.query.returns {
            Returns::Page(page) => Some(page.size as u64 + 1),
            _ => self.query.limit.map(|limit| limit.saturating_add(self.query.skip)),
        };
        let wanted = wanted.map(|wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
        self.phase = Phase::Collect(Box::new(Sorter::new(wanted, SORT_MEMORY)));
        Ok(())
    }
}

/// The documents under some primary keys.
fn documents_of(store: &StoreDef, mut keys: Vec<Box<[u8]>>) -> Access {
    keys.sort_unstable();
    let point = |from: Box<[u8]>| {
        let to = Some([&from, &[0][..]].concat());
        Interval { from: from.into_vec(), to }
    };
    Access {
        index: None,
        vectors: None,
        tree: documents(store.tree),
        entries: keys.len() as u64,
        intervals: keys.into_iter().map(point).collect(),
        decided: Vec::new(),
        repeats: false,
        ordered: false,
        fixed: 0,
        bounded: Vec::new(),
        is_point: false,
    }
}
