//! Queries as they are asked for.

use std::sync::Arc;

use super::page::PageRequest;
use super::projection::Projection;
use super::sort::{self, SortPart};
use crate::catalog::document;
use crate::collation::Collation;
use crate::error::{ErrorCode, Result};
use crate::query::aggregate::Grouping;
use crate::query::filter::current_time;
use crate::query::nearest::{Nearest, Words};
use crate::query::{Filter, Place, collation};
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// A query over one store.
#[derive(Debug, Clone)]
pub struct Query {
    /// What documents have to be; it knows the collation.
    pub filter: Filter,
    /// What strings are in the order of, in the filter and the sort.
    pub collation: Option<Arc<Collation>>,
    /// What they are sorted by; with nothing, they come as the plan finds them.
    pub sort: Vec<SortPart>,
    /// Whether documents that are equal in the sort come in the descending order of their primary
    /// keys, as they do when a page is read backwards.
    pub ties_descending: bool,
    /// Which fields are wanted; `None`: all.
    pub projection: Option<Projection>,
    /// The vector that documents are to be near to. Of those that pass the filter, only the nearest
    /// are sorted, skipped, limited and answered with.
    pub nearest: Option<Nearest>,
    /// Documents to pass over first.
    pub skip: u64,
    /// Documents at most.
    pub limit: Option<u64>,
    /// The index that has to be used.
    pub hint: Option<Wtf8String>,
    /// What is answered.
    pub returns: Returns,
    /// How the documents are then grouped, if an index may help with that.
    pub grouping: Option<Grouping>,
    /// `$$NOW`, in milliseconds since 1970.
    pub now: f64,
    /// Whether it is told how it runs, so that all ways to carry it out are compared.
    pub explained: bool,
    /// Which of the ways to carry it out is taken, in the order of their costs. Tests take others
    /// than the first, since all have to give the same.
    pub choice: usize,
}

/// What a query answers with.
#[derive(Debug, Clone, PartialEq)]
pub enum Returns {
    /// A row for each document.
    Documents,
    /// The same with its primary key before it, and with its distance and score in between if it
    /// is near to a vector.
    Entries,
    /// A row for each primary key.
    Keys,
    /// A row for each document that is near to a vector: its primary key, then its distance and
    /// score as f64, then the document.
    Nearest,
    /// One row: how many there are, as a u64.
    Count,
    /// One row: how the query runs, as JSON.
    Explain,
    /// Documents, then a row about the pages around, as JSON.
    Page(PageRequest),
}

impl Query {
    /// All documents that pass a filter.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            collation: None,
            sort: Vec::new(),
            ties_descending: false,
            projection: None,
            nearest: None,
            skip: 0,
            limit: None,
            hint: None,
            returns: Returns::Keys,
            grouping: None,
            now: current_time(),
            explained: false,
            choice: 0,
        }
    }

    /// Whether of the nearest documents nothing is needed but their keys, in order.
    pub fn needs_keys_alone(&self) -> bool {
        let is_diverse = self.nearest.as_ref().is_some_and(|nearest| nearest.diversity.is_some());
        matches!(self.returns, Returns::Keys | Returns::Count)
            && self.sort.is_empty()
            && !is_diverse
    }

    /// Parses a request, an object.
    ///
    /// # Errors
    /// `INVALID_QUERY`, `INVALID_CURSOR`.
    pub fn parse(request: &Value) -> Result<Self> {
        Self::parse_for(request, 0)
    }

    /// The same for a store, whose page tokens are of no use in others.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_for(request: &Value, store: u32) -> Result<Self> {
        let place = Place::root("the query");
        let Value::Object(fields) = request else {
            return Err(place.invalid("it has to be an object"));
        };
        let get = |name| document::get(fields, name).unwrap_or(&Value::Undefined);
        let about_filter = Place::root("the filter");
        let mut nearest = match get("nearest") {
            Value::Undefined => None,
            search => Some(Nearest::parse(search, Words::REQUEST, &Place::root("nearest"))?),
        };
        let mut filter = match get("filter") {
            Value::Undefined | Value::Null => Filter::all(),
            filter if Nearest::is_in(filter) => {
                if nearest.is_some() {
                    let why = "a search has one vector, and its filter none: leave $vector out";
                    return Err(about_filter.invalid(why));
                }
                let mut filter = filter.clone();
                nearest = Nearest::split_off(&mut filter, &about_filter)?;
                Filter::parse(&filter, &about_filter)?
            }
            filter => Filter::parse(filter, &about_filter)?,
        };
        let mut sort = sort::parse(get("sort"), &Place::root("the sort"))?;
        let place_of = Place::root("the collation");
        let collation = collation::parse(get("collation"), ErrorCode::InvalidQuery, &place_of)?;
        if let Some(collation) = &collation {
            if filter.has_expression() {
                let why = "an expression compares strings by their code units, so that $expr \
                           cannot stand beside it";
                return Err(place_of.invalid(why));
            }
            filter = filter.under(collation);
            for part in &mut sort {
                part.collation = Some(Arc::clone(collation));
            }
        }
        let hint = match get("hint") {
            Value::Undefined | Value::Null => None,
            Value::String(name) => Some(name.clone()),
            _ => return Err(place.word("hint").invalid("it has to be the name of an index")),
        };
        let mut query = Self {
            filter,
            collation: collation.clone(),
            sort,
            ties_descending: false,
            projection: Projection::parse(get("select"), &Place::root("select"))?,
            nearest,
            skip: whole_number(get("skip"), &place.word("skip"))?.unwrap_or(0),
            limit: whole_number(get("limit"), &place.word("limit"))?,
            hint,
            returns: Returns::Documents,
            grouping: None,
            now: current_time(),
            explained: false,
            choice: 0,
        };
        let about = (store, fields, collation.as_deref());
        query.returns = query.parse_returns(get("returns"), about, &place)?;
        query.explained = query.returns == Returns::Explain;
        query.check_nearest(&place)?;
        if let Returns::Page(PageRequest { before: true, .. }) = query.returns {
            // What comes before is what comes after in the reverse order.
            query.ties_descending = true;
            for part in &mut query.sort {
                part.descending = !part.descending;
            }
        }
        Ok(query)
    }

    /// Whether what is said of a vector goes with the rest.
    fn check_nearest(&self, place: &Place<'_>) -> Result<()> {
        if self.returns == Returns::Nearest && self.nearest.is_none() {
            return Err(place.word("nearest").invalid("it has to say what to search for"));
        }
        if matches!(self.returns, Returns::Page(_))
            && self.nearest.is_some()
            && self.sort.is_empty()
        {
            let why = "documents come nearest first, an order that pages cannot go on in; use \
                       limit and skip, or a sort";
            return Err(Place::root("page").invalid(why));
        }
        let measures = self.projection.as_ref().is_some_and(Projection::measures);
        if measures && self.nearest.is_none() {
            let why = "$meta tells what a search found of a document; there is no $vector here";
            return Err(Place::root("select").invalid(why));
        }
        Ok(())
    }

    fn parse_returns(
        &self,
        returns: &Value,
        about @ (_, fields, _): (u32, &Fields, Option<&Collation>),
        place: &Place<'_>,
    ) -> Result<Returns> {
        let name = match returns {
            Value::String(name) => name.as_str(),
            _ => None,
        };
        Ok(match name {
            Some("documents") => Returns::Documents,
            Some("entries") => Returns::Entries,
            Some("keys") => Returns::Keys,
            Some("nearest") => Returns::Nearest,
            Some("count") => Returns::Count,
            Some("explain") => Returns::Explain,
            Some("page") => {
                let page = document::get(fields, "page").unwrap_or(&Value::Undefined);
                let parts = self.sort.len();
                let place = place.word("page");
                Returns::Page(PageRequest::parse(page, about, parts, &place)?)
            }
            _ => return Err(place.word("returns").invalid("there is no such answer")),
        })
    }
}

/// A number from 0 on, if there is one.
pub(super) fn whole_number(value: &Value, place: &Place<'_>) -> Result<Option<u64>> {
    match value {
        Value::Undefined | Value::Null => Ok(None),
        Value::Number(number) if *number == f64::INFINITY => Ok(None),
        Value::Number(number) if number.trunc() == *number && (0.0..9e15).contains(number) => {
            Ok(Some(*number as u64))
        }
        _ => Err(place.invalid("it has to be an integer from 0 on")),
    }
}
