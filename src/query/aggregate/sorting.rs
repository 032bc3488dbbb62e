//! `$sort`, and with a limit the first documents of an order.

use std::sync::Arc;

use super::document::{Document, Kept};
use super::execution::{Context, Drained, Flow, Operator};
use super::report::Work;
use crate::error::Result;
use crate::query::sort::{SortPart, push_key};
use crate::sorter::{MIN_RUN, SORT_MEMORY, Sorted, Sorter};
use crate::value::{ShapeTable, root};

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

    /// Counts the memory that is in use; if it is too much, it goes to a file. Where there is no
    /// room at all, rows are gathered until they are worth one, as they are again when it is
    /// written.
    fn count(&mut self, context: &mut Context<'_>) -> Result<()> {
        context.memory.give(std::mem::take(&mut self.held));
        let room = context.memory.room();
        if self.sorter.used() > room.max(MIN_RUN) {
            self.sorter.spill()?;
        }
        self.held = self.sorter.used().min(room);
        context.memory.take(self.held, "$sort")
    }
}

impl Operator for Sorting {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        self.order.clear();
        let (shapes, bytes) = document.encoded(context.view)?;
        push_key(&self.sort, root(&bytes)?, shapes, &mut self.order)?;
        self.order.extend_from_slice(&self.seen.to_be_bytes());
        self.seen += 1;
        if self.sorter.is_beyond(&self.order) {
            return Ok(Flow::Absorbed);
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::query::aggregate::NoSources;
    use crate::query::aggregate::execution::{Memory, View};
    use crate::query::notation::value;
    use crate::query::place::Place;

    #[test]
    fn runs_are_worth_a_file_however_little_memory_there_is() {
        const ROWS: usize = 2_000;
        let sort = crate::query::sort::parse(&value("{ k: 1 }"), &Place::root("")).unwrap();
        let (mut memory, mut sources, shapes) = (Memory::new(1), NoSources, Arc::default());
        let meter = crate::query::Meter::default();
        let view = View { shapes: &shapes, now: 0.0, variables: &[], meter: &meter };
        let mut context = Context { sources: &mut sources, memory: &mut memory, view };
        let mut sorting = Sorting::new(sort, None);
        let text = "x".repeat(100);
        for i in 0..ROWS {
            let document = value(&format!("{{ k: {}, t: '{text}' }}", ROWS - i));
            sorting.push(Document::Made(document), &mut context).unwrap();
        }
        let runs = sorting.sorter.runs();
        assert!((1..=ROWS * 250 / MIN_RUN).contains(&runs), "{runs} files");
        sorting.finish(&mut context).unwrap();
        for i in 0..ROWS {
            let Drained::Document(next) = sorting.drain(&mut context).unwrap() else {
                panic!("{i} rows only")
            };
            let next = next.document().into_value().unwrap();
            let expected = value(&format!("{{ k: {}, t: '{text}' }}", i + 1));
            assert!(crate::query::notation::same(&next, &expected), "{next:?} at {i}");
        }
        assert!(matches!(sorting.drain(&mut context), Ok(Drained::Empty)));
        assert!(context.memory.most <= 1);
    }
}
