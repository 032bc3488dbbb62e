//! A piece of work for the writer, waited for.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::care::Care;
use super::connection::Connection;
use super::environment::closed;
use super::options::Durability;
use super::txn::WriteTxn;
use super::writer::{Commit, Job};
use crate::error::Result;

/// How often a change that waits for other writes looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(50);

type Work<T> = Box<dyn FnMut(&mut WriteTxn<'_>) -> Result<T> + Send>;

impl Connection {
    /// Runs a change as a job, and waits until its commit is on disk.
    pub(super) fn commit_now<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTxn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let receiver = self.submit_change(Box::new(work), Durability::Strict, false)?;
        receiver.recv().map_err(|_| closed())?
    }

    /// Runs a change as a job; whoever waits hears of its commit when that is on disk.
    ///
    /// # Errors
    /// `CLOSED`, `POISONED`, `TX_READ_ONLY`, `RESOURCE_LIMIT`.
    pub fn commit_later<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTxn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Receiver<Result<T>>> {
        self.submit_change(Box::new(work), Durability::Strict, false)
    }

    /// Runs a change behind other writes, and waits for its commit, which the next strict one puts
    /// on disk. Cancelled, it may still be made.
    pub(super) fn commit_in_background<T: Send + 'static>(
        &self,
        care: &dyn Care,
        work: impl FnMut(&mut WriteTxn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let receiver = self.submit_change(Box::new(work), Durability::Relaxed, true)?;
        loop {
            match receiver.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => care.check_cancelled()?,
                Err(RecvTimeoutError::Disconnected) => return Err(closed()),
                Ok(outcome) => return outcome,
            }
        }
    }

    fn submit_change<T: Send + 'static>(
        &self,
        work: Work<T>,
        durability: Durability,
        background: bool,
    ) -> Result<Receiver<Result<T>>> {
        let (sender, receiver) = mpsc::channel();
        self.submit(Box::new(Change { work, durability, background, value: None, sender }))?;
        Ok(receiver)
    }
}

struct Change<T> {
    work: Work<T>,
    durability: Durability,
    background: bool,
    value: Option<T>,
    sender: mpsc::Sender<Result<T>>,
}

impl<T: Send> Job for Change<T> {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.value = Some((self.work)(txn)?);
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Commit>) {
        let Self { value, sender, .. } = *self;
        // Whoever gave up waiting needs no answer.
        drop(sender.send(outcome.and_then(|_| value.ok_or_else(closed))));
    }

    fn background(&self) -> bool {
        self.background
    }
}
