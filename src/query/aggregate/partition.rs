//! Documents that are held in an order, for `$setWindowFields` and `$bucketAuto`.

use super::document::Kept;
use super::execution::Context;
use crate::error::Result;

/// A document, and the bytes by which it is held in order.
pub(super) struct Held {
    pub(super) order: Box<[u8]>,
    pub(super) document: Kept,
}

/// Documents in an order.
#[derive(Default)]
pub(super) struct Ordered {
    pub(super) held: Vec<Held>,
}

impl Ordered {
    /// Adds a document.
    pub(super) fn push(
        &mut self,
        mut order: Vec<u8>,
        document: Kept,
        context: &mut Context<'_>,
        stage: &str,
    ) -> Result<()> {
        // Equal documents stay in the order in which they came.
        order.extend_from_slice(&(self.held.len() as u64).to_be_bytes());
        let held = Held { order: order.into(), document };
        context.memory.take(held.order.len() + held.document.bytes() + 16, stage)?;
        self.held.push(held);
        Ok(())
    }

    /// Puts the documents in order.
    pub(super) fn sort(&mut self) {
        self.held.sort_unstable_by(|left, right| left.order.cmp(&right.order));
    }
}

impl Held {
    /// The bytes without the document's number.
    pub(super) fn key(&self) -> &[u8] {
        self.order.get(..self.order.len() - 8).unwrap_or_default()
    }
}
