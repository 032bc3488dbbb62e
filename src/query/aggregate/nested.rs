//! Pipelines within a pipeline: `$facet`, `$unionWith`.

use std::sync::Arc;

use super::document::{Document, Kept};
use super::execution::{Chain, Context, Drained, Flow, Operator, Pace, Pumped, Sink};
use super::report::{Reads, Work};
use super::sources::{Front, Next};
use super::stage::{Stage, chain};
use super::state::list;
use crate::error::Result;
use crate::query::expression::weigh;
use crate::value::{Fields, ShapeTable, Value};
use crate::wtf8::Wtf8String;

/// A pipeline over another store.
#[derive(Debug, Clone)]
pub(super) struct Nested {
    pub(super) store: Wtf8String,
    /// All stages.
    pub(super) stages: Vec<Stage>,
    /// What the store's own query can answer of them.
    pub(super) front: Front,
    /// How many stages the front stands for.
    pub(super) taken: usize,
}

impl Nested {
    /// The stages behind the front, at work.
    pub(super) fn chain(&self) -> Chain {
        chain(self.stages.get(self.taken..).unwrap_or_default())
    }
}

/// The documents of another store on their way through a chain.
pub(super) struct Reading {
    chain: Chain,
    cursor: u32,
    shapes: Arc<ShapeTable>,
    scratch: Vec<u8>,
}

impl Reading {
    /// Begins to read.
    pub(super) fn open(
        store: &Wtf8String,
        front: &Front,
        chain: Chain,
        context: &mut Context<'_>,
        reads: &mut Reads,
    ) -> Result<Self> {
        let cursor = context.sources.open(store, front)?;
        reads.begin(store, || context.sources.plan(cursor));
        let shapes = context.sources.shapes(cursor)?;
        Ok(Self { chain, cursor, shapes, scratch: Vec::new() })
    }

    /// Works until a document reaches the sink, or it has worked for long enough, or the source
    /// pauses or has no more.
    pub(super) fn pump(&mut self, context: &mut Context<'_>, sink: Sink<'_>) -> Result<Pumped> {
        let pace = Pace::begin(context);
        loop {
            match self.chain.pump(context, sink)? {
                Pumped::NeedsInput => {}
                other => return Ok(other),
            }
            match context.sources.next(self.cursor)? {
                Next::Document(bytes) | Next::Near(bytes, _) => {
                    self.scratch.clear();
                    self.scratch.extend_from_slice(bytes);
                    let document = Document::Stored(&self.scratch, &self.shapes);
                    if self.chain.feed(document, context, sink)? {
                        return Ok(Pumped::Emitted);
                    }
                }
                Next::Pause => return Ok(Pumped::Pause),
                Next::End => self.chain.end_input(),
            }
            if pace.is_over(context) {
                return Ok(Pumped::Pause);
            }
        }
    }

    /// Ends reading.
    pub(super) fn close(self, context: &mut Context<'_>, reads: &mut Reads) {
        reads.end(context.sources.close(self.cursor));
    }
}

/// `$unionWith` at work: its own documents come after those of the pipeline.
pub(super) struct Union {
    nested: Arc<Nested>,
    reading: Option<Reading>,
    reads: Reads,
}

impl Union {
    pub(super) fn new(nested: Arc<Nested>) -> Self {
        Self { nested, reading: None, reads: Reads::default() }
    }
}

impl Operator for Union {
    fn push<'a>(&mut self, document: Document<'a>, _: &mut Context<'_>) -> Result<Flow<'a>> {
        Ok(Flow::Pass(document))
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<()> {
        let Nested { store, front, .. } = &*self.nested;
        let chain = self.nested.chain();
        self.reading = Some(Reading::open(store, front, chain, context, &mut self.reads)?);
        Ok(())
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        let Some(reading) = &mut self.reading else { return Ok(Drained::Empty) };
        let mut found = None;
        let pumped = reading.pump(context, &mut |document| {
            found = Some(document.into_kept());
            Ok(())
        })?;
        if let Some(kept) = found {
            return Ok(Drained::Document(kept));
        }
        if pumped == Pumped::Pause {
            return Ok(Drained::Pause);
        }
        if let Some(reading) = self.reading.take() {
            reading.close(context, &mut self.reads);
        }
        Ok(Drained::Empty)
    }

    fn work(&self) -> Work {
        Work { read: self.reads.all(), ..Work::default() }
    }
}

/// `$facet` at work: several chains over the same documents.
pub(super) struct Facets {
    names: Arc<[Wtf8String]>,
    facets: Vec<Facet>,
    done: bool,
}

struct Facet {
    chain: Chain,
    found: Vec<Value>,
}

impl Facets {
    pub(super) fn new(names: Arc<[Wtf8String]>, pipelines: &[Vec<Stage>]) -> Self {
        let facet = |stages: &Vec<Stage>| Facet { chain: chain(stages), found: Vec::new() };
        Self { names, facets: pipelines.iter().map(facet).collect(), done: false }
    }
}

impl Facet {
    /// Takes a document, or hears that there are no more, and works until it needs another one.
    fn step(&mut self, document: Option<Document<'_>>, context: &mut Context<'_>) -> Result<()> {
        let Self { chain, found } = self;
        let mut held = 0;
        let mut sink = |document: Document<'_>| {
            let value = document.into_value()?;
            held += weigh(&value);
            found.push(value);
            Ok(())
        };
        match document {
            Some(document) => {
                chain.feed(document, context, &mut sink)?;
            }
            None => chain.end_input(),
        }
        while !matches!(chain.pump(context, &mut sink)?, Pumped::NeedsInput | Pumped::End) {}
        context.memory.take(held, "$facet")
    }
}

impl Operator for Facets {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let mut wanted = false;
        for facet in self.facets.iter_mut().filter(|facet| facet.chain.wants_input()) {
            facet.step(Some(document.copy()), context)?;
            wanted |= facet.chain.wants_input();
        }
        Ok(if wanted { Flow::Absorbed } else { Flow::Ended })
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<()> {
        for facet in &mut self.facets {
            facet.step(None, context)?;
        }
        Ok(())
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(Drained::Empty);
        }
        let values = self.facets.iter_mut().map(|facet| list(std::mem::take(&mut facet.found)));
        let fields = Fields::from_parts(self.names.clone(), values.collect()).unwrap_or_default();
        let value = Value::Object(fields);
        context.memory.give(weigh(&value));
        Ok(Drained::Document(Kept::Made(value)))
    }

    fn work(&self) -> Work {
        let reports = self.facets.iter().map(|facet| facet.chain.report());
        Work { pipelines: self.names.iter().cloned().zip(reports).collect(), ..Work::default() }
    }

    fn count(&mut self) {
        self.facets.iter_mut().for_each(|facet| facet.chain.count());
    }
}
