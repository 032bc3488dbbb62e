//! `$sort`, and with a limit the first documents of an order.

use std::sync::Arc;

use super::document::{Document, Kept};
use super::execution::{Context, Drained, Flow, Operator};
use super::report::Work;
use crate::error::Result;
use crate::query::sort::{SortPart, push_key};
use crate::sorter::{Sorted, Sorter};
use crate::value::{ShapeTable, root};

/// What a sort keeps in memory before it uses temporary files, in bytes; less if the pipeline may
/// take less.
const SORT_MEMORY: usize = 64 << 20;

/// `$sort` at work. Equal documents stay in the order in which they came.
pub(super) struct Sorting {
    sort: Vec<SortPart>,
    sorter: Sorter,
    sorted: Option<Sorted>,
    method: &'static str,
    /// The tables that documents refer to by their place.
    shapes: Vec<Arc<ShapeTable>>,
    seen: u64,
    /// The memory that is counted.
    held: usize,
    order: Vec<u8>,
    value: Vec<u8>,
}

impl Sorting {
    /// For all documents, or the first ones.
    pub(super) fn new(sort: Vec<SortPart>, limit: Option<u64>) -> Self {
        let wanted = limit.and_then(|limit| usize::try_from(limit).ok());
        let sorter = Sorter::new(wanted, SORT_MEMORY);
        Self {
            sort,
            method: sorter.method(),
            sorter,
            sorted: None,
            shapes: Vec::new(),
            seen: 0,
            held: 0,
            order: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Counts the memory that is in use; if it is too much, it goes to a file.
    fn count(&mut self, context: &mut Context<'_>) -> Result<()> {
        let more = self.sorter.used().saturating_sub(self.held);
        if !context.memory.has_room(more) {
            self.sorter.spill()?;
        }
        let used = self.sorter.used();
        context.memory.give(self.held);
        self.held = used;
        context.memory.take(used, "$sort")
    }
}

impl Operator for Sorting {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        self.order.clear();
        let (shapes, bytes) = document.encoded(context.view)?;
        push_key(&self.sort, root(&bytes)?, shapes, &mut self.order)?;
        self.order.extend_from_slice(&self.seen.to_be_bytes());
        self.seen += 1;
        let known = self.shapes.iter().position(|known| Arc::ptr_eq(known, shapes));
        let table = known.unwrap_or_else(|| {
            self.shapes.push(Arc::clone(shapes));
            self.shapes.len() - 1
        });
        self.value.clear();
        self.value.extend_from_slice(&(table as u32).to_le_bytes());
        self.value.extend_from_slice(&bytes);
        self.sorter.push(&self.order, &self.value)?;
        self.count(context)?;
        Ok(Flow::Absorbed)
    }

    fn finish(&mut self, _context: &mut Context<'_>) -> Result<()> {
        self.method = self.sorter.method();
        let sorter = std::mem::replace(&mut self.sorter, Sorter::new(Some(0), 0));
        self.sorted = Some(sorter.finish()?);
        Ok(())
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        let next = self.sorted.as_mut().and_then(|sorted| Some((sorted.peek()?.to_vec(), sorted)));
        let Some((value, sorted)) = next else {
            context.memory.give(std::mem::take(&mut self.held));
            self.sorted = None;
            return Ok(Drained::Empty);
        };
        sorted.advance()?;
        let left = sorted.in_memory().min(self.held);
        context.memory.give(self.held - left);
        self.held = left;
        let (table, document) = value.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let shapes = self.shapes.get(u32::from_le_bytes(*table) as usize).cloned();
        Ok(Drained::Document(Kept::Stored(document.into(), shapes.unwrap_or_default())))
    }

    fn work(&self) -> Work {
        Work::by(self.method)
    }
}
