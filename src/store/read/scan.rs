//! Scans of a store or an index, in batches that can be resumed.

use std::collections::HashMap;
use std::sync::Arc;

use super::get::{find_each, in_document};
use super::interval::{after, index_intervals, store_interval};
use super::locate_error;
use super::range::KeyRange;
use super::response::Response;
use super::view::View;
use super::walk::Walk;
use crate::catalog::{IndexDef, StoreDef};
use crate::collation::Collation;
use crate::error::{Error, ErrorCode, Result};
use crate::key::{self, END, TAG_ARRAY, successor_prefix};
use crate::storage::ReadTxn;
use crate::storage::envelope::Payload;
use crate::storage::tree::{Entry, Lookups};
use crate::store::StoreShared;
use crate::store::entry::{self, EntryKind};
use crate::store::extract::UncollatedKeys;
use crate::value::ShapeTable;

/// What a row carries, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowParts {
    /// The key: of the index in index scans, otherwise the primary key.
    pub keys: bool,
    /// The primary key.
    pub primary_keys: bool,
    /// The document.
    pub values: bool,
}

/// A batch of rows that is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan<'a> {
    /// The keys that are wanted.
    pub range: KeyRange<'a>,
    /// From the last entry to the first.
    pub reverse: bool,
    /// One row for each index key: the visible entry of the lowest primary key.
    pub unique: bool,
    /// What rows carry.
    pub parts: RowParts,
    /// The most rows; 0: no limit.
    pub limit: u32,
    /// Rows to skip first.
    pub offset: u32,
    /// Rows stop before they exceed this many bytes, but there is one at least; 0: no limit.
    pub max_bytes: u32,
    /// Continue after the row at which an earlier batch ended, which gave these bytes; empty: from
    /// the start.
    pub resume: &'a [u8],
    /// `resume` is not what an earlier batch gave but a point among the entries' keys: rows begin
    /// with the first entry at or above it, or in reverse with the last one below it. Strings in it
    /// are not in the order of a collation yet.
    pub begin_at: bool,
    /// Where the shapes of documents are known, of which the keys of an index with a collation are
    /// made again.
    pub shared: Option<&'a StoreShared>,
}

/// Writes a batch of rows: `u32 rows | u8 done | rows | u32 length, resume`. Each part of a row has
/// its length before it. `done` is 1 if no row is left, and then `resume` is empty.
///
/// In memory of fixed size the rows stop when it is full.
///
/// # Errors
/// `INVALID_KEY` if a bound is malformed; `CORRUPT`, naming store, index and key.
pub fn scan(
    view: View<'_, '_>,
    store: &StoreDef,
    index: Option<&IndexDef>,
    request: &Scan<'_>,
    response: &mut Response<'_>,
) -> Result<()> {
    let mut rows = Rows::new(view, store, index, request)
        .map_err(|error| locate_error(error, store, index))?;
    let head = response.position();
    response.push(&[0; 5]);
    let written = rows.write(request, response);
    let (count, done) = written.map_err(|error| locate_error(error, store, index))?;
    response.patch(head, &count.to_le_bytes());
    response.patch(head + 4, &[u8::from(done)]);
    response.push_sized(if done { &[] } else { &rows.out.last });
    Ok(())
}

/// The primary key of the first row, in the scan's direction.
///
/// # Errors
/// As [`scan`].
pub fn first_key(
    view: View<'_, '_>,
    store: &StoreDef,
    index: Option<&IndexDef>,
    request: &Scan<'_>,
) -> Result<Option<Vec<u8>>> {
    let first = || {
        let mut rows = Rows::new(view, store, index, request)?;
        if !rows.next()? {
            return Ok(None);
        }
        let Some(entry) = rows.walk.entry() else { return Ok(None) };
        Ok(Some(match index {
            Some(index) => entry::split(index, entry.key)?.1.to_vec(),
            None => entry.key.to_vec(),
        }))
    };
    first().map_err(|error| locate_error(error, store, index))
}

/// The rows of a scan, one after another.
struct Rows<'r, 't, 'e> {
    txn: &'t ReadTxn<'e>,
    store: &'r StoreDef,
    index: Option<&'r IndexDef>,
    walk: Walk<'t>,
    unique: bool,
    reverse: bool,
    /// The index key of the row before, in unique scans.
    previous: Option<Vec<u8>>,
    out: RowWriter<'r>,
}

impl<'r, 't, 'e> Rows<'r, 't, 'e> {
    fn new(
        view: View<'t, 'e>,
        store: &'r StoreDef,
        index: Option<&'r IndexDef>,
        request: &Scan<'_>,
    ) -> Result<Self> {
        let txn = view.txn();
        let (tree, intervals) = match index {
            None => (entry::documents(store.tree), vec![store_interval(&request.range)]),
            Some(index) => (entry::entries(index.tree), index_intervals(index, &request.range)?),
        };
        let mut walk = Walk::new(txn, tree, intervals, request.reverse)?;
        let unique = request.unique && index.is_some();
        let shapes = match (index, request.shared) {
            (Some(index), Some(shared)) if request.parts.keys && index.collation.is_some() => {
                Some(shared.shapes_of(view, store.id, true)?)
            }
            _ => None,
        };
        if let Some(point) = resume_point((index, unique), request)? {
            walk.begin_at(point);
        }
        Ok(Self {
            txn,
            store,
            index,
            walk,
            unique,
            reverse: request.reverse,
            previous: None,
            out: RowWriter {
                store,
                index,
                parts: request.parts,
                shapes,
                last: Vec::new(),
                plain: Vec::new(),
                scratch: Vec::new(),
                known: HashMap::new(),
                known_size: 0,
            },
        })
    }

    /// Writes rows; returns how many, and whether none is left.
    fn write(&mut self, request: &Scan<'_>, response: &mut Response<'_>) -> Result<(u32, bool)> {
        let limit = if request.limit == 0 { u32::MAX } else { request.limit };
        let end = match request.max_bytes {
            0 => usize::MAX,
            max => response.position().saturating_add(max as usize),
        };
        for _ in 0..request.offset {
            if !self.next()? {
                return Ok((0, true));
            }
        }
        if self.out.needs_document() {
            return self.write_with_documents(limit, end, response);
        }
        let mut count = 0;
        while self.next()? {
            if count == limit {
                return Ok((count, false));
            }
            let Some(found) = self.walk.entry() else { break };
            let mut document = None;
            if self.out.parts.values {
                let checked = Payload::read(self.txn, found.raw, found.value);
                document =
                    Some(checked.map_err(|error| in_document(error, self.store, found.key))?);
            }
            if !self.out.write(found.key, document, (count == 0, end), response)? {
                return Ok((count, false));
            }
            count += 1;
        }
        Ok((count, true))
    }

    /// Writes rows of an index with their documents, which are looked up in groups.
    fn write_with_documents(
        &mut self,
        limit: u32,
        end: usize,
        response: &mut Response<'_>,
    ) -> Result<(u32, bool)> {
        let (txn, store) = (self.txn, self.store);
        let mut lookups = Lookups::new(entry::documents(store.tree));
        let mut entries = Entries::default();
        let mut count = 0;
        // Whether the walk is at an entry whose row is not written yet.
        let mut ahead = false;
        loop {
            lookups.clear();
            entries.clear();
            let mut more = true;
            while !lookups.is_full() && count + (lookups.len() as u32) < limit {
                more = std::mem::take(&mut ahead) || self.next()?;
                if !more {
                    break;
                }
                match self.gather(&mut entries, &mut lookups)? {
                    Gathered::Pushed => {}
                    Gathered::Behind => {
                        ahead = true;
                        break;
                    }
                    Gathered::Known => {
                        let Some(found) = self.walk.entry() else { break };
                        if !self.out.write(found.key, None, (count == 0, end), response)? {
                            return Ok((count, false));
                        }
                        count += 1;
                    }
                }
            }
            let (mut fits, mut dangling) = (true, None);
            find_each(txn, store, &lookups, |at, document| {
                if document.is_none() {
                    dangling = Some(at);
                    return Ok(false);
                }
                fits = self.out.write(entries.key(at), document, (count == 0, end), response)?;
                count += u32::from(fits);
                Ok(fits)
            })?;
            if let Some(at) = dangling {
                return Err(self.dangling().with_key(lookups.key(at)));
            }
            if !fits {
                return Ok((count, false));
            }
            if !more {
                return Ok((count, true));
            }
            if count == limit {
                return Ok((count, !(ahead || self.next()?)));
            }
        }
    }

    /// Keeps the entry at the position, and its primary key to be looked up, unless that is not
    /// necessary once those before it have been.
    #[inline]
    fn gather(&self, entries: &mut Entries, lookups: &mut Lookups) -> Result<Gathered> {
        let (Some(index), Some(found)) = (self.index, self.walk.entry()) else {
            return Ok(Gathered::Pushed);
        };
        let primary_key = entry::split(index, found.key)?.1;
        if index.multi_entry && !self.out.parts.values {
            let last = lookups.len().checked_sub(1).map(|last| lookups.key(last));
            if last == Some(primary_key) || last.is_some() && self.out.knows(primary_key) {
                return Ok(Gathered::Behind);
            }
            if self.out.knows(primary_key) {
                return Ok(Gathered::Known);
            }
        }
        lookups.push(primary_key);
        entries.push(found.key);
        Ok(Gathered::Pushed)
    }

    #[cold]
    fn dangling(&self) -> Error {
        let index = self.index.map(|index| index.name.to_string()).unwrap_or_default();
        Error::corrupt(format!(
            "index {index:?} of store {:?} has an entry for a document that is not there; delete \
             the index and create it again",
            self.store.name
        ))
    }

    /// Goes to the next entry that is a row.
    #[inline]
    fn next(&mut self) -> Result<bool> {
        let Some(index) = self.index else { return Ok(self.walk.next()?.is_some()) };
        if let Some(previous) = self.previous.take() {
            self.walk.skip_prefix(&previous)?;
        }
        while let Some(found) = self.walk.next()? {
            if !is_row(index, found)? {
                continue;
            }
            if self.unique {
                let index_key = entry::split(index, found.key)?.0.to_vec();
                if self.reverse {
                    self.walk.back_to(&index_key, |entry| is_row(index, entry))?;
                }
                self.previous = Some(index_key);
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// What becomes of an entry whose row needs a document.
enum Gathered {
    /// It is kept until the document has been looked up.
    Pushed,
    /// Those that are kept come first.
    Behind,
    /// The row can be written: what it needs of the document is known.
    Known,
}

/// Writes rows.
struct RowWriter<'r> {
    store: &'r StoreDef,
    index: Option<&'r IndexDef>,
    parts: RowParts,
    /// Of the documents of which keys are made, if the index has a collation.
    shapes: Option<Arc<ShapeTable>>,
    /// The entry's key of the last row written.
    last: Vec<u8>,
    /// An index key as rows carry it, where it is stored otherwise.
    plain: Vec<u8>,
    scratch: Vec<u8>,
    /// The keys of documents with several entries, by their primary keys.
    known: HashMap<Box<[u8]>, UncollatedKeys>,
    /// Bytes that they take.
    known_size: usize,
}

/// The keys of documents are forgotten when they take more than so many bytes.
const MAX_KNOWN: usize = 4 << 20;

impl RowWriter<'_> {
    /// Whether rows of an index are made with their documents.
    fn needs_document(&self) -> bool {
        let is_collated = |index: &IndexDef| self.parts.keys && index.collation.is_some();
        self.index.is_some_and(|index| self.parts.values || is_collated(index))
    }

    /// Writes the row of an entry; false if the response has no room for it or would exceed `end`.
    /// The first row is written in any case.
    #[inline]
    fn write(
        &mut self,
        entry_key: &[u8],
        document: Option<Payload<'_>>,
        (first, end): (bool, usize),
        response: &mut Response<'_>,
    ) -> Result<bool> {
        let (stored_key, primary_key) = match self.index {
            None => (entry_key, entry_key),
            Some(index) => entry::split(index, entry_key)?,
        };
        let mut size = 0;
        let mut key = stored_key;
        if self.parts.keys {
            if let Some(index) = self.index.filter(|index| index.collation.is_some()) {
                let made = self.make_key(index, (stored_key, primary_key), document.as_ref());
                made.map_err(|error| in_document(error, self.store, primary_key))?;
                key = &self.plain;
            } else if let Some(index) =
                self.index.filter(|index| index.compound || index.has_descending())
            {
                plain_key(index, stored_key, &mut self.plain)?;
                key = &self.plain;
            }
            size += 4 + key.len();
        }
        if self.parts.primary_keys {
            size += 4 + primary_key.len();
        }
        let document = document.filter(|_| self.parts.values);
        if let Some(document) = &document {
            size += 4 + document.len();
        }
        // The resume key has to fit as well.
        let fits = response.has_room(size + 4 + entry_key.len())
            && response.position().saturating_add(size) <= end;
        if !fits && !first {
            return Ok(false);
        }
        if self.parts.keys {
            response.push_sized(key);
        }
        if self.parts.primary_keys {
            response.push_sized(primary_key);
        }
        if let Some(document) = document {
            let pushed = response.push_payload(&document);
            pushed.map_err(|error| in_document(error, self.store, primary_key))?;
        }
        self.last.clear();
        self.last.extend_from_slice(entry_key);
        Ok(true)
    }
}

impl RowWriter<'_> {
    /// Whether the row of an entry needs no look at its document.
    fn knows(&self, primary_key: &[u8]) -> bool {
        !self.parts.values && self.known.contains_key(primary_key)
    }

    /// Makes the index key of a row from its document: the stored one has sort keys.
    fn make_key(
        &mut self,
        index: &IndexDef,
        (stored, primary_key): (&[u8], &[u8]),
        document: Option<&Payload<'_>>,
    ) -> Result<()> {
        if let Some(keys) = self.known.get(primary_key) {
            return plain_key(index, keys.of_stored(stored)?, &mut self.plain);
        }
        let (Some(document), Some(shapes)) = (document, &self.shapes) else {
            return Err(Error::corrupt("a key of an index with a collation needs its document"));
        };
        self.scratch.clear();
        document.append_to(&mut self.scratch)?;
        let keys = UncollatedKeys::of(index, &self.scratch, shapes)?;
        plain_key(index, keys.of_stored(stored)?, &mut self.plain)?;
        if index.multi_entry && keys.len() > 1 {
            if self.known_size > MAX_KNOWN {
                self.known.clear();
                self.known_size = 0;
            }
            self.known_size += keys.size() + primary_key.len();
            self.known.insert(primary_key.into(), keys);
        }
        Ok(())
    }
}

/// The keys of a group of index entries.
#[derive(Default)]
struct Entries {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Entries {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    fn key(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.bytes.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}

#[inline]
fn is_row(index: &IndexDef, found: Entry<'_>) -> Result<bool> {
    Ok(entry::is_visible(index, EntryKind::of(found.value)?))
}

/// Where a scan continues: the first key that is inside, or in reverse the first that is not.
fn resume_point(
    (index, unique): (Option<&IndexDef>, bool),
    request: &Scan<'_>,
) -> Result<Option<Vec<u8>>> {
    if request.resume.is_empty() && !request.begin_at {
        return Ok(None);
    }
    if request.begin_at {
        return match index.and_then(|index| index.order().map(|order| (index, order))) {
            Some((index, order)) => collated_point(index, order, request.resume).map(Some),
            None => Ok(Some(request.resume.to_vec())),
        };
    }
    let Some(index) = index.filter(|_| unique) else {
        let resume = request.resume;
        return Ok(Some(if request.reverse { resume.to_vec() } else { after(resume) }));
    };
    let (index_key, _) = entry::split(index, request.resume).map_err(|error| {
        let message = "a scan cannot go on from a key that is no key of its index";
        Error::new(ErrorCode::InvalidArgument, message).with_cause(error)
    })?;
    let index_key = index_key.to_vec();
    Ok(if request.reverse { Some(index_key) } else { successor_prefix(index_key) })
}

/// A point among the entries of an index with a collation: what begins it are components of the
/// index key, perhaps not all.
fn collated_point(index: &IndexDef, order: &Collation, point: &[u8]) -> Result<Vec<u8>> {
    let mut collated = Vec::with_capacity(2 * point.len());
    let mut rest = point;
    for part in &index.parts {
        let Ok(len) = key::encoded_len(rest, part.descending) else { break };
        let (component, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        let mut component = component.to_vec();
        let start = collated.len();
        if part.descending {
            key::invert(&mut component);
        }
        order.push_key(&component, &mut collated)?;
        if part.descending {
            key::invert_from(&mut collated, start);
        }
        rest = tail;
    }
    collated.extend_from_slice(rest);
    Ok(collated)
}

/// Writes an index key as it would be without parts that are descending, and as an array if it is
/// compound.
fn plain_key(index: &IndexDef, stored: &[u8], plain: &mut Vec<u8>) -> Result<()> {
    plain.clear();
    if index.compound {
        plain.push(TAG_ARRAY);
    }
    let mut rest = stored;
    for part in &index.parts {
        let len = key::encoded_len(rest, part.descending)?;
        let (component, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        let start = plain.len();
        plain.extend_from_slice(component);
        if part.descending {
            key::invert_from(plain, start);
        }
        rest = tail;
    }
    if index.compound {
        plain.push(END);
    }
    Ok(())
}
