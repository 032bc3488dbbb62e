//! `$sort`, and with a limit the first documents of an order.

use std::sync::Arc;

use super::document::{Document, Kept};
use super::execution::{Context, Drained, Flow, Operator};
use super::report::Work;
use crate::error::Result;
use crate::query::sort::{SortPart, push_key};
use crate::value::root;

/// `$sort` at work. Equal documents stay in the order in which they came.
pub(super) struct Sorting {
    sort: Vec<SortPart>,
    /// How many documents are of use.
    limit: usize,
    entries: Vec<Entry>,
    seen: u64,
    /// The order that documents have to be below, once there are enough.
    bound: Option<Vec<u8>>,
    scratch: Vec<u8>,
}

struct Entry {
    /// What it sorts by, then its number.
    order: Box<[u8]>,
    document: Kept,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.order.len() + self.document.bytes() + 16
    }
}

impl Sorting {
    pub(super) fn new(sort: Vec<SortPart>, limit: Option<u64>) -> Self {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self { sort, limit, entries: Vec::new(), seen: 0, bound: None, scratch: Vec::new() }
    }

    /// Keeps only the first ones.
    fn cut(&mut self, context: &mut Context<'_>) {
        if self.limit == 0 || self.entries.len() <= self.limit {
            return;
        }
        let last = self.limit - 1;
        self.entries.select_nth_unstable_by(last, |left, right| left.order.cmp(&right.order));
        for entry in self.entries.drain(self.limit..) {
            context.memory.give(entry.bytes());
        }
        self.bound = self.entries.last().map(|entry| entry.order.to_vec());
    }
}

impl Operator for Sorting {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        self.scratch.clear();
        let (shapes, bytes) = document.encoded(context.view)?;
        push_key(&self.sort, root(&bytes)?, shapes, &mut self.scratch)?;
        self.scratch.extend_from_slice(&self.seen.to_be_bytes());
        self.seen += 1;
        if self.limit == 0 || self.bound.as_ref().is_some_and(|bound| self.scratch > *bound) {
            return Ok(Flow::Absorbed);
        }
        let entry = Entry {
            order: self.scratch.as_slice().into(),
            document: Kept::Stored(bytes.into(), Arc::clone(shapes)),
        };
        context.memory.take(entry.bytes(), "$sort")?;
        self.entries.push(entry);
        if self.entries.len() / 2 > self.limit.saturating_add(50) {
            self.cut(context);
        }
        Ok(Flow::Absorbed)
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<()> {
        self.cut(context);
        // The first one last, to be popped.
        self.entries.sort_unstable_by(|left, right| right.order.cmp(&left.order));
        Ok(())
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        let Some(entry) = self.entries.pop() else { return Ok(Drained::Empty) };
        context.memory.give(entry.bytes());
        Ok(Drained::Document(entry.document))
    }
    fn work(&self) -> Work {
        Work::by(if self.limit == usize::MAX { "in memory" } else { "top-k" })
    }
}
