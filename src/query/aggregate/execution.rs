//! Running pipelines.

use std::sync::Arc;

use super::Pipeline;
use super::document::{Document, Kept};
use super::report::{Before, Counts, StageReport, Work};
use super::sources::{Next, Source, Sources};
use crate::error::{Error, ErrorCode, Result};
use crate::query::Meter;
use crate::value::{RowEncoder, ShapeTable, Value};

/// The memory that a pipeline may take unless it is said otherwise (256 MiB).
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// What a pipeline may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of documents and intermediate results that stages hold.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: DEFAULT_MEMORY }
    }
}

/// Counts the memory that stages hold.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) used: usize,
    /// The most that was used at once.
    pub(super) most: usize,
    limit: usize,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self { used: 0, most: 0, limit }
    }

    /// Counts memory that a stage takes.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize, stage: &str) -> Result<()> {
        self.used = self.used.saturating_add(bytes);
        self.most = self.most.max(self.used);
        if self.used > self.limit {
            return Err(exceeded(self.limit, stage));
        }
        Ok(())
    }

    /// The most that may be used at once.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// How much more stages may take.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.used)
    }

    /// Whether a stage may take so much.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.used.saturating_add(bytes) <= self.limit
    }

    /// Counts memory that is free again.
    pub(super) fn give(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}

#[cold]
fn exceeded(limit: usize, stage: &str) -> Error {
    let message = format!(
        "{stage} needs more than the {} MiB of memory that the pipeline may take; let fewer or \
         smaller documents come to it, or give a higher memoryLimit",
        limit >> 20
    );
    Error::new(ErrorCode::ResourceLimit, message)
}

/// What stages share.
pub(super) struct Context<'c> {
    pub(super) sources: &'c mut dyn Sources,
    pub(super) memory: &'c mut Memory,
    pub(super) view: View<'c>,
}

/// What does not change while a document goes through a chain.
#[derive(Clone, Copy)]
pub(super) struct View<'v> {
    /// The main store's.
    pub(super) shapes: &'v Arc<ShapeTable>,
    /// `$$NOW`.
    pub(super) now: f64,
    pub(super) variables: &'v [Value],
    /// Counts documents that come to chains, and what expressions do with them.
    pub(super) meter: &'v Meter,
}

/// What becomes of a document in a stage.
pub(super) enum Flow<'a> {
    /// It goes on, perhaps changed.
    Pass(Document<'a>),
    /// It goes on, and is the last that the stage takes.
    Last(Document<'a>),
    /// It does not go on.
    Absorbed,
    /// What became of it is to be drained from the stage.
    Pending,
    /// It does not go on, and the stage takes no more.
    Ended,
}

/// What a stage gives when it is drained.
pub(super) enum Drained {
    Document(Kept),
    /// Nothing now.
    Pause,
    /// Nothing until it gets another document.
    Empty,
}

/// A stage at work.
pub(super) trait Operator: Send {
    /// Takes a document.
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>>;

    /// Hears that no more documents come; what is left is drained afterwards.
    fn finish(&mut self, _context: &mut Context<'_>) -> Result<()> {
        Ok(())
    }

    /// Gives a document that it holds.
    fn drain(&mut self, _context: &mut Context<'_>) -> Result<Drained> {
        Ok(Drained::Empty)
    }

    /// How it works.
    fn work(&self) -> Work {
        Work::default()
    }

    /// Counts what stages within it do.
    fn count(&mut self) {}
}

/// A stage of a chain.
pub(super) struct Node {
    /// Its name, if it is one of the pipeline's.
    name: Option<&'static str>,
    operator: Box<dyn Operator>,
    /// What it did, if that is counted.
    counts: Option<Box<Counts>>,
}

impl Node {
    pub(super) fn new(name: Option<&'static str>, operator: Box<dyn Operator>) -> Self {
        Self { name, operator, counts: None }
    }

    fn enter(&self, context: &mut Context<'_>) -> Option<Before> {
        self.counts.as_ref().map(|_| Counts::enter(context.memory))
    }

    fn leave(&mut self, before: Option<Before>, context: &mut Context<'_>) {
        if let (Some(counts), Some(before)) = (&mut self.counts, before) {
            counts.leave(before, context.memory);
        }
    }

    #[inline]
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let before = self.enter(context);
        let flow = self.operator.push(document, context);
        self.leave(before, context);
        if let Some(counts) = &mut self.counts {
            counts.rows_in += 1;
            counts.rows_out += u64::from(matches!(flow, Ok(Flow::Pass(_) | Flow::Last(_))));
        }
        flow
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<()> {
        let before = self.enter(context);
        let done = self.operator.finish(context);
        self.leave(before, context);
        done
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        let before = self.enter(context);
        let drained = self.operator.drain(context);
        self.leave(before, context);
        if let (Some(counts), Ok(Drained::Document(_))) = (&mut self.counts, &drained) {
            counts.rows_out += 1;
        }
        drained
    }

    fn report(&self) -> Option<StageReport> {
        let (Some(name), Some(counts)) = (self.name, &self.counts) else { return None };
        let Counts { rows_in, rows_out, most, .. } = **counts;
        Some(StageReport { name, rows_in, rows_out, memory: most, work: self.operator.work() })
    }
}

/// Takes the documents at the end of a chain.
pub(super) type Sink<'s> = &'s mut dyn FnMut(Document<'_>) -> Result<()>;

/// Stages at work, one behind the other.
#[derive(Default)]
pub(super) struct Chain {
    operators: Vec<Node>,
    /// The stages that are to be drained, in order.
    pending: Vec<usize>,
    /// How many stages, from the first on, have ended.
    ended: usize,
    input_ended: bool,
}

/// What a chain did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pumped {
    /// It gave a document to the sink.
    Emitted,
    /// It needs a document, or the end of its input.
    NeedsInput,
    /// It has worked for long enough.
    Pause,
    /// It is done.
    End,
}

/// After so many steps without a result a chain pauses.
const MAX_STEPS: u64 = 4_096;

/// Tells when it is time to pause.
pub(super) struct Pace {
    end: u64,
}

impl Pace {
    /// For one call.
    pub(super) fn begin(context: &Context<'_>) -> Self {
        Self::of(context.view.meter)
    }

    fn of(meter: &Meter) -> Self {
        Self { end: meter.steps() + MAX_STEPS }
    }

    /// Whether there has been work enough.
    #[inline]
    pub(super) fn is_over(&self, context: &Context<'_>) -> bool {
        context.view.meter.steps() >= self.end
    }
}

impl Chain {
    pub(super) fn new(operators: Vec<Node>) -> Self {
        Self { operators, ..Self::default() }
    }

    /// Counts what the stages do.
    pub(super) fn count(&mut self) {
        for node in &mut self.operators {
            node.counts.get_or_insert_default();
            node.operator.count();
        }
    }

    /// What the stages did, if it was counted.
    pub(super) fn report(&self) -> Vec<StageReport> {
        self.operators.iter().filter_map(Node::report).collect()
    }

    /// Takes a document; returns whether one reached the sink.
    pub(super) fn feed(
        &mut self,
        document: Document<'_>,
        context: &mut Context<'_>,
        sink: Sink<'_>,
    ) -> Result<bool> {
        context.view.meter.count_document(document.stored_len());
        self.push(0, document, context, sink)
    }

    /// Hears that no more documents come.
    pub(super) fn end_input(&mut self) {
        self.input_ended = true;
    }

    /// Whether documents are still of use.
    pub(super) fn wants_input(&self) -> bool {
        !self.input_ended
    }

    fn push(
        &mut self,
        from: usize,
        document: Document<'_>,
        context: &mut Context<'_>,
        sink: Sink<'_>,
    ) -> Result<bool> {
        let mut document = document;
        for (at, operator) in self.operators.iter_mut().enumerate().skip(from) {
            match operator.push(document, context)? {
                Flow::Pass(next) => document = next,
                Flow::Absorbed => return Ok(false),
                Flow::Pending => {
                    self.pending.push(at);
                    return Ok(false);
                }
                Flow::Last(next) => {
                    Self::end_before(&mut self.pending, &mut self.ended, at);
                    self.input_ended = true;
                    document = next;
                }
                Flow::Ended => {
                    Self::end_before(&mut self.pending, &mut self.ended, at);
                    self.input_ended = true;
                    return Ok(false);
                }
            }
        }
        sink(document)?;
        Ok(true)
    }

    /// Gives up the stages before one that takes no more.
    fn end_before(pending: &mut Vec<usize>, ended: &mut usize, at: usize) {
        pending.retain(|stage| *stage >= at);
        *ended = at.max(*ended);
    }

    /// Works until a document reaches the sink, or input is needed.
    pub(super) fn pump(&mut self, context: &mut Context<'_>, sink: Sink<'_>) -> Result<Pumped> {
        let pace = Pace::begin(context);
        loop {
            if let Some(at) = self.pending.last().copied() {
                let Some(operator) = self.operators.get_mut(at) else { return Ok(Pumped::End) };
                match operator.drain(context)? {
                    Drained::Document(kept) => {
                        context.view.meter.count_document(0);
                        let emitted = match kept {
                            Kept::Made(value) => {
                                self.push(at + 1, Document::Made(value), context, sink)?
                            }
                            stored => self.push(at + 1, stored.document(), context, sink)?,
                        };
                        if emitted {
                            return Ok(Pumped::Emitted);
                        }
                    }
                    Drained::Pause => return Ok(Pumped::Pause),
                    Drained::Empty => {
                        self.pending.pop();
                    }
                }
            } else if self.wants_input() {
                return Ok(Pumped::NeedsInput);
            } else {
                let Some(operator) = self.operators.get_mut(self.ended) else {
                    return Ok(Pumped::End);
                };
                operator.finish(context)?;
                self.pending.push(self.ended);
                self.ended += 1;
            }
            if pace.is_over(context) {
                return Ok(Pumped::Pause);
            }
        }
    }
}

/// What [`Execution::next`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// It wrote a document.
    Document,
    /// It has none yet, and is to be called again.
    Pause,
    /// There are no more.
    End,
}

/// A pipeline at work. It borrows nothing between calls; dropping it cancels it.
pub struct Execution {
    chain: Chain,
    memory: Memory,
    shapes: Arc<ShapeTable>,
    now: f64,
    variables: Vec<Value>,
    rows: RowEncoder,
    meter: Meter,
}

impl Execution {
    /// Begins to run a pipeline over documents of these shapes. `now` is `$$NOW`.
    pub fn new(pipeline: &Pipeline, shapes: Arc<ShapeTable>, limits: Limits, now: f64) -> Self {
        let memory = Memory::new(limits.memory);
        let chain = pipeline.chain();
        let (rows, meter) = Default::default();
        let variables = pipeline.variables();
        Self { chain, memory, shapes, now, variables, rows, meter }
    }

    /// Gives the variables that the pipeline was parsed with, in the same order.
    #[must_use]
    pub fn with_variables(mut self, variables: Vec<Value>) -> Self {
        self.variables = variables;
        self
    }

    /// Counts what the stages do.
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.chain.count();
        self
    }

    /// What the stages did, and the most memory that they held at once, if it was counted.
    pub fn report(&self) -> (Vec<StageReport>, usize) {
        (self.chain.report(), self.memory.most)
    }

    /// Appends the next document, encoded, to `out`.
    ///
    /// # Errors
    /// `EXPRESSION`; `RESOURCE_LIMIT` if the pipeline needs more memory than it may take; what the
    /// sources give.
    pub fn next(
        &mut self,
        source: &mut dyn Source,
        sources: &mut dyn Sources,
        out: &mut Vec<u8>,
    ) -> Result<Pulled> {
        let Self { chain, memory, shapes, now, variables, rows, meter } = self;
        let mut sink = |document: Document<'_>| document.write(shapes, rows, out);
        let pace = Pace::of(meter);
        loop {
            let view = View { shapes, now: *now, variables, meter };
            let mut context = Context { sources: &mut *sources, memory: &mut *memory, view };
            match chain.pump(&mut context, &mut sink)? {
                Pumped::Emitted => return Ok(Pulled::Document),
                Pumped::Pause => return Ok(Pulled::Pause),
                Pumped::End => return Ok(Pulled::End),
                Pumped::NeedsInput => {}
            }
            let bytes = match source.next()? {
                Next::Document(bytes) => bytes,
                Next::Near(bytes, measures) => {
                    let places = variables.iter_mut().zip(measures);
                    places.for_each(|(place, measure)| *place = Value::Number(measure));
                    bytes
                }
                Next::Pause => return Ok(Pulled::Pause),
                Next::End => {
                    chain.end_input();
                    continue;
                }
            };
            let view = View { shapes, now: *now, variables, meter };
            let mut context = Context { sources: &mut *sources, memory: &mut *memory, view };
            if chain.feed(Document::Stored(bytes, shapes), &mut context, &mut sink)? {
                return Ok(Pulled::Document);
            }
            if pace.is_over(&context) {
                return Ok(Pulled::Pause);
            }
        }
    }
}

impl std::fmt::Debug for Execution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution").field("memory", &self.memory).finish_non_exhaustive()
    }
}
