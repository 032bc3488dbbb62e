//! Partial indexes: of the documents that pass a filter.

use std::sync::Arc;

use crate::collation::Collation;
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Filter, Place};
use crate::value::{self, NoShapes, Value};

/// Which documents an index has.
#[derive(Debug, Clone)]
pub struct Partial {
    filter: Filter,
    written: Vec<u8>,
}

impl Partial {
    /// Parses the filter of an index.
    ///
    /// # Errors
    /// `INVALID_QUERY`, also for filters with expressions: they may depend on the time.
    pub fn parse(filter: &Value) -> Result<Self> {
        let place = Place::root("the filter of the index");
        let parsed = Filter::parse(filter, &place)?;
        if parsed.has_expression() {
            return Err(place.invalid("an index cannot depend on an expression"));
        }
        let written = value::encode(filter, &NoShapes)?;
        Ok(Self { filter: parsed, written })
    }

    /// Reads the filter that is stored.
    ///
    /// # Errors
    /// `CORRUPT` if it is damaged; `INCOMPATIBLE_VERSION` if it cannot be understood.
    pub fn decode(written: &[u8]) -> Result<Self> {
        Self::parse(&value::decode(written, &NoShapes)?).map_err(|error| match error.code() {
            ErrorCode::Corrupt => error,
            _ => Error::new(
                ErrorCode::IncompatibleVersion,
                "the filter of an index cannot be understood: install a newer version",
            )
            .with_cause(error),
        })
    }

    /// The same filter, whose values compare strings in the order of the index.
    #[must_use]
    pub fn under(self, collation: &Arc<Collation>) -> Self {
        Self { filter: self.filter.under(collation), ..self }
    }

    /// What documents pass.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The filter as a document.
    pub fn written(&self) -> &[u8] {
        &self.written
    }
}

impl PartialEq for Partial {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}
