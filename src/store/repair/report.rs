//! What a repair has found, saved and lost.

use std::collections::BTreeSet;

use crate::store::check::{Problem, ProblemKind};
use crate::wtf8::Wtf8String;

/// What a repair did.
#[derive(Debug, Default)]
pub struct RepairReport {
    /// Pages of the data files.
    pub pages: u64,
    /// Pages that are not what they should be.
    pub damaged_pages: u64,
    /// The stores that were found, those of spaces included.
    pub stores: Vec<RepairedStore>,
    /// Indexes that were built.
    pub indexes: u64,
    /// The first things that are not as they should be.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: u64,
    pub(super) described: usize,
    pub(super) space: Option<Wtf8String>,
}

/// What became of a store.
#[derive(Debug)]
pub struct RepairedStore {
    /// The space, if it is in one.
    pub space: Option<Wtf8String>,
    /// The store's name.
    pub name: Wtf8String,
    /// Documents that were saved.
    pub documents: u64,
    /// Of those, documents that may be older states: of ones that were changed or deleted later.
    pub uncertain: u64,
    /// How many were there and were not saved for certain; `None` if that is not known.
    pub lost: Option<u64>,
    /// The encoded keys of documents that were lost, as far as they are known.
    pub lost_keys: BTreeSet<Vec<u8>>,
}

impl RepairReport {
    /// Whether nothing was damaged.
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    /// Takes a problem in.
    pub(super) fn add(&mut self, mut problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < self.described {
            problem.space = problem.space.or_else(|| self.space.clone());
            self.problems.push(problem);
        }
    }

    /// Takes a page in that is not what it should be.
    pub(super) fn add_page(&mut self, page: u64, what: &str) {
        self.damaged_pages += 1;
        self.add(Problem { page: Some(page), ..Problem::new(ProblemKind::Page, what) });
    }

    /// Takes a problem of the whole database in.
    pub(super) fn note(&mut self, kind: ProblemKind, message: impl Into<String>) {
        self.add(Problem::new(kind, message));
    }
}
