//! Where the documents of a pipeline come from.

use std::sync::Arc;

use super::report::Examined;
use crate::error::Result;
use crate::query::filter::Filter;
use crate::query::nearest::Nearest;
use crate::query::sort::SortPart;
use crate::value::{FieldPath, ShapeTable};
use crate::wtf8::Wtf8String;

/// What a source gives.
#[derive(Debug)]
pub enum Next<'a> {
    /// An encoded document.
    Document(&'a [u8]),
    /// One that a search found, with its distance and score.
    Near(&'a [u8], [f64; 2]),
    /// None now: the caller has worked for long enough, and is to go on later.
    Pause,
    /// None any more.
    End,
}

/// The documents that a pipeline begins with.
pub trait Source {
    /// The next document.
    ///
    /// # Errors
    /// What reading gives, and `ABORTED` if the operation was cancelled.
    fn next(&mut self) -> Result<Next<'_>>;
}

/// The beginning of a pipeline, as far as a query can answer it: documents that pass the filter, in
/// the order of the sort, without the first `skip`, and no more than `limit`.
#[derive(Debug, Clone)]
pub struct Front {
    /// What documents have to be.
    pub filter: Filter,
    /// What those are nearest to that are taken.
    pub nearest: Option<Nearest>,
    /// In which order they come; in any, if there is none.
    pub sort: Vec<SortPart>,
    /// How many are left out.
    pub skip: u64,
    /// How many there are at most.
    pub limit: Option<u64>,
}

impl Default for Front {
    fn default() -> Self {
        Self { filter: Filter::all(), nearest: None, sort: Vec::new(), skip: 0, limit: None }
    }
}

/// What stands under a primary key.
#[derive(Debug)]
pub struct ByKey<'a> {
    /// The document, if there is one.
    pub document: Option<&'a [u8]>,
    /// Its shapes.
    pub shapes: Arc<ShapeTable>,
}

/// The documents of other stores.
pub trait Sources {
    /// Begins to read a store; returns a number that stands for it.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, and what reading gives.
    fn open(&mut self, store: &Wtf8String, front: &Front) -> Result<u32>;

    /// The next document.
    ///
    /// # Errors
    /// As [`Source::next`].
    fn next(&mut self, cursor: u32) -> Result<Next<'_>>;

    /// The shapes of the documents.
    ///
    /// # Errors
    /// What reading gives.
    fn shapes(&mut self, cursor: u32) -> Result<Arc<ShapeTable>>;

    /// What the plan of a query is called, for people.
    fn plan(&mut self, cursor: u32) -> String;

    /// Ends reading; tells what was looked at.
    fn close(&mut self, cursor: u32) -> Examined;

    /// Looks a document up by its primary key. `None` unless documents that equal this value at the
    /// path are those with this key: then it takes a query.
    ///
    /// # Errors
    /// As [`Self::open`].
    fn by_key(
        &mut self,
        store: &Wtf8String,
        path: &FieldPath,
        value: &[u8],
    ) -> Result<Option<ByKey<'_>>>;

    /// Whether what stores hold does not change while the pipeline runs.
    fn is_steady(&self) -> bool;

    /// Whether an index finds documents by what stands at a path.
    ///
    /// # Errors
    /// As [`Self::open`].
    fn is_indexed(&mut self, store: &Wtf8String, path: &FieldPath) -> Result<bool>;
}

/// No other stores.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn open(&mut self, store: &Wtf8String, _front: &Front) -> Result<u32> {
        let message = format!("The store {store:?} cannot be read here");
        Err(crate::error::Error::new(crate::error::ErrorCode::Unsupported, message))
    }

    fn next(&mut self, _cursor: u32) -> Result<Next<'_>> {
        Ok(Next::End)
    }

    fn shapes(&mut self, _cursor: u32) -> Result<Arc<ShapeTable>> {
        Ok(Arc::default())
    }

    fn plan(&mut self, _cursor: u32) -> String {
        String::new()
    }

    fn close(&mut self, _cursor: u32) -> Examined {
        Examined::default()
    }

    fn by_key(
        &mut self,
        _store: &Wtf8String,
        _path: &FieldPath,
        _value: &[u8],
    ) -> Result<Option<ByKey<'_>>> {
        Ok(None)
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn is_indexed(&mut self, _store: &Wtf8String, _path: &FieldPath) -> Result<bool> {
        Ok(false)
    }
}
