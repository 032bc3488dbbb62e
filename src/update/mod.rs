//! The update language: what is to become of a document.
//!
//! An update is an object of operators (`{ $set: { 'a.b': 1 }, $inc: { n: 1 } }`) with MongoDB's
//! meaning. Its paths are parsed into a tree, in which no path is a part of another one; applying
//! it walks the tree and the document together, and changes nothing but what the paths name.
//!
//! Source: MongoDB manual, "Update Operators", and "Update Operators – Array".

mod apply;
mod array;
mod array_filter;
mod budget;
mod expressions;
mod in_place;
mod insertion;
mod leaf;
mod matched;
mod operand;
mod operator;
mod parse;
mod path;
mod place;
mod rename;
mod sharing;
mod sparse;
mod tree;

use std::sync::Arc;

use array_filter::ArrayFilter;
pub use in_place::InPlace;
use in_place::SingleField;
pub use insertion::document_of_filter;
use rename::Rename;
use tree::Node;

use crate::collation::Collation;
use crate::query::Expression;
use crate::value::{ShapeSource, ValueRef};

/// Elements that a path may have filled up with null (`$set: { 'list.100': 1 }`).
pub const MAX_PADDING: u32 = 1_500_000;

/// How many names a path may have.
pub const MAX_PATH: usize = 100;

/// An update, parsed.
#[derive(Debug)]
pub struct Update {
    renames: Vec<Rename>,
    /// What applies to every document.
    changes: Option<Arc<Node>>,
    /// What applies to a document that is being inserted; the same unless there is `$setOnInsert`.
    insertions: Option<Arc<Node>>,
    array_filters: Vec<ArrayFilter>,
    /// What is calculated from the document as it was, by number.
    expressions: Vec<Expression>,
    /// The only field that changes, if that is simple.
    single: Option<SingleField>,
}

impl Update {
    /// Has the conditions of elements compare strings under a collation, as the filter does that
    /// found the document.
    pub fn find_elements_under(&mut self, collation: &Arc<Collation>) {
        let filters = std::mem::take(&mut self.array_filters);
        self.array_filters = filters.into_iter().map(|filter| filter.under(collation)).collect();
    }
}

/// What an update is applied in.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The time of the operation, in milliseconds since 1970.
    pub now: f64,
    /// The document as it is stored, with the shapes that it names; `None` if it is about to be
    /// inserted.
    pub stored: Option<(ValueRef<'a>, &'a dyn ShapeSource)>,
}
