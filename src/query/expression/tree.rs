//! The syntax tree of expressions.

use std::sync::Arc;

use regex::Regex;

use super::operators::Operator;
use crate::value::{FieldPath, Value};
use crate::wtf8::Wtf8String;

/// One expression.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Literal(Value),
    /// A field of the document; the empty path is the document itself.
    Field(FieldPath),
    /// A field of a variable; the empty path is its value.
    Variable(Variable, FieldPath),
    Now,
    /// Whether an upsert inserts (or, for false, updates).
    Inserts(bool),
    Object(Arc<[Wtf8String]>, Vec<Node>),
    Array(Vec<Node>),
    /// An operator whose arguments are all evaluated first.
    Call {
        operator: &'static Operator,
        arguments: Vec<Node>,
        /// Which of the arguments were given: bit `i` for the `i`th.
        given: u32,
    },
    Special(Box<Special>),
}

/// Where a variable's value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Variable {
    /// Bound by an expression around, so many such expressions further out than the innermost.
    Bound { outwards: usize, index: usize },
    /// Given from outside, at this place in the list.
    Outer(usize),
}

/// Expressions that evaluate their parts only as far as they are needed, or several times.
#[derive(Debug, Clone)]
pub(super) enum Special {
    And(Vec<Node>),
    Or(Vec<Node>),
    If {
        condition: Node,
        then: Node,
        otherwise: Node,
    },
    Switch {
        branches: Vec<(Node, Node)>,
        default: Option<Node>,
    },
    IfNull(Vec<Node>),
    Let {
        values: Vec<Node>,
        body: Node,
    },
    Map {
        input: Node,
        body: Node,
    },
    Filter {
        input: Node,
        condition: Node,
        limit: Option<Node>,
    },
    Reduce {
        input: Node,
        initial: Node,
        body: Node,
    },
    Convert {
        input: Node,
        to: Node,
        on_error: Option<Node>,
        on_null: Option<Node>,
    },
    DateFromString {
        text: Node,
        format: Option<Node>,
        zone: Option<Node>,
        on_error: Option<Node>,
        on_null: Option<Node>,
    },
    /// `$regexMatch` and so on with a pattern that is known.
    Search {
        operator: &'static Operator,
        input: Node,
        regex: Regex,
    },
}
