//! The rows of an answer.

use std::collections::VecDeque;
use std::sync::Arc;

use super::nearest::Search;
use super::projection::Projection;
use super::request::{Query, Returns};
use super::running::Chunk;
use super::scan::Found;
use super::sort::Sorted;
use crate::catalog::StoreDef;
use crate::error::{ErrorCode, Result};
use crate::query::Meter;
use crate::query::filter::{Matcher, Verdict};
use crate::storage::tree::Lookups;
use crate::store::StoreShared;
use crate::store::entry::documents;
use crate::store::read::{Response, View, find_each};
use crate::value::{ShapeTable, root};

/// What rows need, and how many there have been.
pub struct Rows {
    /// The store's shapes.
    pub shapes: Arc<ShapeTable>,
    /// Rows still to be passed over.
    pub skip: u64,
    /// Rows still wanted.
    pub left: u64,
    /// Rows so far.
    pub returned: u64,
    /// Keys that were collected.
    pub collected: u64,
    /// Memory for a sort key.
    pub sort_key: Vec<u8>,
    /// How many tests the filter has.
    pub tests: usize,
    /// The vector that documents are to be near to.
    pub search: Option<Search>,
    /// What was found for the vectors behind the one whose answer is written.
    pub following: VecDeque<Sorted>,
}

impl Rows {
    /// Whether a document passes the filter.
    pub fn passes(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        store: &StoreDef,
        query: &Query,
        found: &Found<'_>,
    ) -> Result<Verdict> {
        let Some(document) = found.document else { return Ok(Verdict::Fails) };
        let tests = self.tests;
        self.with_shapes(view, shared, store, |shapes| {
            let matcher = Matcher::at(shapes, query.now).with_tests(tests);
            let matcher = matcher.with_meter(found.meter);
            matcher.verdict(&query.filter, root(document)?)
        })
        .map_err(|error| {
            if error.code() == ErrorCode::Corrupt { error.with_key(found.key) } else { error }
        })
    }

    /// How far a document is from the vector that it is to be near to; `None` if it has none.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn distance(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        store: &StoreDef,
        found: &Found<'_>,
    ) -> Result<Option<f64>> {
        let Some(document) = found.document else { return Ok(None) };
        let Some(mut search) = self.search.take() else { return Ok(None) };
        let distance =
            self.with_shapes(view, shared, store, |shapes| search.distance(document, shapes));
        self.search = Some(search);
        distance.map_err(|error| error.with_key(found.key))
    }

    /// What was found for the next vector that was searched for; it is measured from from then on.
    pub fn next_answer(&mut self) -> Option<Sorted> {
        let next = self.following.pop_front()?;
        self.search.iter_mut().for_each(|search| search.measure_from(search.current() + 1));
        Some(next)
    }

    /// Does something with the store's shapes; again with the newest ones, if some may have been
    /// lacking.
    #[inline]
    pub fn with_shapes<T>(
        &mut self,
        view: View<'_, '_>,
        shared: &StoreShared,
        store: &StoreDef,
        mut work: impl FnMut(&ShapeTable) -> Result<T>,
    ) -> Result<T> {
        match work(&self.shapes) {
            Err(error) if error.code() == ErrorCode::Corrupt => {
                let fresh = shared.shapes_of(view, store.id, true)?;
                if fresh.len() == self.shapes.len() {
                    return Err(error);
                }
                self.shapes = fresh;
                work(&self.shapes)
            }
            result => result,
        }
    }

    /// Writes a row; false if there is no room for it.
    pub fn write(
        &mut self,
        query: &Query,
        (view, shared, store): (View<'_, '_>, &StoreShared, &StoreDef),
        found: &Found<'_>,
        out: &mut Out,
        response: &mut Response<'_>,
    ) -> Result<bool> {
        if matches!(query.returns, Returns::Count | Returns::Explain) {
            return Ok(true);
        }
        let of_row = matches!(query.returns, Returns::Nearest | Returns::Entries);
        let of_document = query.projection.as_ref().is_some_and(Projection::measures);
        let mut measures = None;
        if self.search.is_some() && (of_row || of_document) {
            // In a write transaction it may have changed since it was found.
            let distance = self.distance(view, shared, store, found)?;
            let search = self.search.as_ref();
            measures = search.zip(distance).and_then(|(search, distance)| {
                search.reaches(distance).then(|| search.measures(distance))
            });
            if measures.is_none() {
                return Ok(true);
            }
        }
        let projected;
        let document = match (&query.projection, found.document) {
            (_, _) if query.returns == Returns::Keys => None,
            (Some(projection), Some(document)) => {
                projected = self.with_shapes(view, shared, store, |shapes| {
                    projection.apply(root(document)?, measures, shapes)
                })?;
                Some(projected.as_slice())
            }
            (_, document) => document,
        };
        let has_key = matches!(query.returns, Returns::Keys | Returns::Entries | Returns::Nearest);
        let mut size = 0;
        if has_key {
            size += 4 + found.key.len();
        }
        let target = self.search.as_ref().map_or(0, Search::current);
        let measures = measures.filter(|_| of_row).map(|measures| measures.to_bytes(target));
        size += measures.map_or(0, |measures| 4 + measures.len());
        size += document.map_or(0, |document| 4 + document.len());
        if !out.fits(size, response) {
            return Ok(false);
        }
        if has_key {
            response.push_sized(found.key);
        }
        if let Some(measures) = measures {
            response.push_sized(&measures);
        }
        if let Some(document) = document {
            response.push_sized(document);
        }
        out.count += 1;
        Ok(true)
    }
}

/// How much of a piece has been written.
pub struct Out {
    /// Rows so far.
    pub count: u32,
    rows: u32,
    end: usize,
}

impl Out {
    /// For an answer to what `chunk` asks for.
    pub fn new(chunk: &Chunk<'_>, response: &Response<'_>) -> Self {
        let end = match chunk.max_bytes {
            0 => usize::MAX,
            max => response.position().saturating_add(max as usize),
        };
        Self { count: 0, rows: if chunk.rows == 0 { u32::MAX } else { chunk.rows }, end }
    }

    /// Whether a row of so many bytes may be written. What follows the rows has to fit as well.
    pub fn fits(&self, size: usize, response: &Response<'_>) -> bool {
        const AFTER: usize = 16;
        let first = self.count == 0;
        response.has_room(size + AFTER)
            && self.count < self.rows
            && (first || response.position().saturating_add(size) <= self.end)
    }
}

/// Looks up documents and writes their rows, taking their keys from `pending`; false if there is no
/// room for all.
pub fn emit_keys(
    (view, shared, store, query): (View<'_, '_>, &StoreShared, &Arc<StoreDef>, &Query),
    (rows, examined, meter): (&mut Rows, &mut u64, &Meter),
    (pending, wants_documents, again): (&mut VecDeque<Box<[u8]>>, bool, bool),
    (out, response): (&mut Out, &mut Response<'_>),
) -> Result<bool> {
    let mut done = 0;
    let mut whole = true;
    if wants_documents || again {
        let mut lookups = Lookups::new(documents(store.tree));
        for key in pending.iter().take(Lookups::MAX) {
            lookups.push(key);
        }
        let mut scratch = Vec::new();
        let mut failure = None;
        find_each(view.txn(), store, &lookups, |at, payload| {
            // In a write transaction, it may have been deleted or changed since.
            let Some(payload) = payload else {
                done += 1;
                return Ok(true);
            };
            scratch.clear();
            payload.append_to(&mut scratch)?;
            *examined += 1;
            let found = Found { key: lookups.key(at), document: Some(&scratch), meter };
            let mut write = || {
                if again && !rows.passes(view, shared, store, query, &found)?.passes() {
                    return Ok(true);
                }
                let fits = rows.write(query, (view, shared, store), &found, out, response)?;
                if fits {
                    rows.returned += 1;
                    rows.left -= 1;
                }
                Ok(fits)
            };
            match write() {
                Ok(fits) => whole = fits,
                Err(error) => {
                    failure = Some(error);
                    return Ok(false);
                }
            }
            done += usize::from(whole);
            Ok(whole)
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
    } else {
        for key in pending.iter() {
            let found = Found { key, document: None, meter };
            whole = rows.write(query, (view, shared, store), &found, out, response)?;
            if !whole {
                break;
            }
            rows.returned += 1;
            rows.left -= 1;
            done += 1;
        }
    }
    pending.drain(..done.min(pending.len()));
    Ok(whole)
}
