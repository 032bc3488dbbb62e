//! What stages did, counted while they did it.

use super::execution::Memory;
use crate::wtf8::Wtf8String;

/// What a stage did.
#[derive(Debug, Clone)]
pub struct StageReport {
    /// The stage's name.
    pub name: &'static str,
    /// Documents that came to it.
    pub rows_in: u64,
    /// Documents that it gave.
    pub rows_out: u64,
    /// The most bytes that it held at once.
    pub memory: usize,
    /// How it worked.
    pub work: Work,
}

/// How a stage worked.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// Its method, if it has several.
    pub method: Option<&'static str>,
    /// Another store that it read.
    pub read: Option<Read>,
    /// The pipelines within it, by name.
    pub pipelines: Vec<(Wtf8String, Vec<StageReport>)>,
}

impl Work {
    /// By a method.
    pub(super) fn by(method: &'static str) -> Self {
        Self { method: Some(method), ..Self::default() }
    }
}

/// What was read of another store.
#[derive(Debug, Clone)]
pub struct Read {
    /// The store.
    pub store: Wtf8String,
    /// The plan of the first query.
    pub plan: String,
    /// How many queries there were.
    pub queries: u64,
    /// What all of them looked at.
    pub examined: Examined,
}

/// What a query has looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Examined {
    /// Entries of indexes.
    pub keys: u64,
    /// Documents.
    pub docs: u64,
}

impl std::ops::AddAssign for Examined {
    fn add_assign(&mut self, other: Self) {
        self.keys += other.keys;
        self.docs += other.docs;
    }
}

/// Adds the queries of a stage up.
#[derive(Debug, Default)]
pub(super) struct Reads(Option<Read>);

impl Reads {
    /// A query begins, whose plan is asked for if it is the first one.
    pub(super) fn begin(&mut self, store: &Wtf8String, plan: impl FnOnce() -> String) {
        let first = || Read {
            store: store.clone(),
            plan: plan(),
            queries: 0,
            examined: Examined::default(),
        };
        self.0.get_or_insert_with(first).queries += 1;
    }

    /// A query has ended.
    pub(super) fn end(&mut self, examined: Examined) {
        if let Some(read) = &mut self.0 {
            read.examined += examined;
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Option<Read> {
        self.0.clone()
    }
}

/// Counts what a stage does.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rows_in: u64,
    pub(super) rows_out: u64,
    /// What the stage holds, and the most that it held.
    held: usize,
    pub(super) most: usize,
}

/// The memory before a stage works.
#[derive(Clone, Copy)]
pub(super) struct Before {
    used: usize,
    most: usize,
}

impl Counts {
    /// The stage is about to work.
    pub(super) fn enter(memory: &mut Memory) -> Before {
        let before = Before { used: memory.used, most: memory.most };
        memory.most = memory.used;
        before
    }

    /// The stage has worked.
    pub(super) fn leave(&mut self, before: Before, memory: &mut Memory) {
        self.most = self.most.max(self.held + (memory.most - before.used));
        self.held = (self.held + memory.used).saturating_sub(before.used);
        memory.most = memory.most.max(before.most);
    }
}
