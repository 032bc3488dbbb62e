//! Where in a query a thing stands, for messages.

use std::fmt;

use crate::error::{Error, ErrorCode};
use crate::wtf8::Wtf8String;

/// A path within what the caller gave, such as `$and.1.price.$gt`.
#[derive(Clone, Copy)]
pub struct Place<'p> {
    around: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    /// What the path begins in, which is no part of it: a filter, an update, …
    Root(&'p str),
    Field(&'p Wtf8String),
    Word(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    /// The whole of what is called `what`.
    pub const fn root(what: &'p str) -> Self {
        Self { around: None, step: Step::Root(what) }
    }

    /// A field here.
    pub const fn field<'q>(&'q self, name: &'q Wtf8String) -> Place<'q>
    where
        'p: 'q,
    {
        Place { around: Some(self), step: Step::Field(name) }
    }

    /// A field here whose name is known.
    pub const fn word<'q>(&'q self, name: &'q str) -> Place<'q>
    where
        'p: 'q,
    {
        Place { around: Some(self), step: Step::Word(name) }
    }

    /// An element here.
    pub const fn index<'q>(&'q self, index: usize) -> Place<'q>
    where
        'p: 'q,
    {
        Place { around: Some(self), step: Step::Index(index) }
    }

    /// How many steps lead here.
    pub fn depth(&self) -> usize {
        std::iter::successors(self.around, |place| place.around).count()
    }

    /// An error about what stands here: the message names what it is in, the path, and `why`.
    pub fn error(&self, code: ErrorCode, why: impl fmt::Display) -> Error {
        let path = self.to_string();
        let what = self.what();
        if path.is_empty() {
            return Error::new(code, format!("{what}: {why}"));
        }
        Error::new(code, format!("{what}, {path}: {why}")).with_path(path)
    }

    /// `INVALID_QUERY` about what stands here.
    pub fn invalid(&self, why: impl fmt::Display) -> Error {
        self.error(ErrorCode::InvalidQuery, why)
    }

    fn what(&self) -> &'p str {
        match (self.around, self.step) {
            (_, Step::Root(what)) => what,
            (Some(around), _) => around.what(),
            (None, _) => "",
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(around) = self.around else { return Ok(()) };
        around.fmt(f)?;
        if around.around.is_some() {
            f.write_str(".")?;
        }
        match self.step {
            Step::Root(_) => Ok(()),
            Step::Field(name) => name.fmt(f),
            Step::Word(name) => f.write_str(name),
            Step::Index(index) => index.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_path() {
        let root = Place::root("the filter");
        let price = Wtf8String::from("price");
        let (and, second) = (root.word("$and"), 1);
        let second = and.index(second);
        let price = second.field(&price);
        let operator = price.word("$gt");
        let error = operator.invalid("it needs a value");
        assert_eq!(error.message(), "the filter, $and.1.price.$gt: it needs a value");
        assert_eq!(error.context().path.as_deref(), Some("$and.1.price.$gt"));
        assert_eq!(operator.depth(), 4);
        assert_eq!(root.invalid("it is empty").message(), "the filter: it is empty");
    }
}
