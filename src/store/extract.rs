//! From documents to keys: the primary key, and the entries of an index.
//!
//! A partial index has nothing of documents that its filter does not let through.
//!
//! A **native** index has for every document, unless it is sparse and all its fields are missing:
//! - of a single field: its key, with missing and undefined as null ([`EntryKind::Own`]); for an
//!   array an entry for each different element ([`EntryKind::Element`]) and one for the whole
//!   ([`EntryKind::Whole`]);
//! - of several fields: the same with their keys side by side, where one of them may be an array.
//!
//! What no key decides has a residual entry instead: values that are not keys, paths that lead
//! through an array, several arrays. An array with such elements has a residual entry instead of
//! the one for the whole, and entries for its other elements.
//!
//! An index made by **IndexedDB** has exactly the keys that the specification extracts (Indexed
//! Database API 3.0, section 7.1): null and booleans are none. Other documents have a residual
//! entry, and so have those of which a multi-entry index leaves out elements.

use std::ops::Range;

use super::entry::EntryKind;
use crate::catalog::{IndexDef, IndexPart, KeyPath, Origin, StoreDef};
use crate::collation::Collation;
use crate::error::{Error, ErrorCode, Result};
use crate::key::{self, MAX_KEY_BYTES, TAG_RESIDUAL};
use crate::query::filter::Matcher;
use crate::value::{
    Elements, FieldPath, IdbLookup, KeyForm, Kind, Lookup, ShapeTable, ValueRef, lookup,
    lookup_idb, push_key, push_key_under, root,
};

/// How many bytes the entries of one document may take.
const MAX_ENTRY_BYTES: usize = 256 << 20;

/// Entries, by their place in a buffer.
pub type EntryList = Vec<EntryRef>;

/// An entry in a buffer.
#[derive(Debug, Clone, Copy)]
pub struct EntryRef {
    start: u32,
    /// Where the index key ends and the primary key begins.
    split: u32,
    end: u32,
    /// Why the entry is there.
    pub kind: EntryKind,
    /// Whether a component is null, so that the unique rule does not apply.
    pub has_null: bool,
}

impl EntryRef {
    /// The entry's key.
    #[inline]
    pub fn key(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The index key within it.
    #[inline]
    pub fn index_key(&self) -> Range<usize> {
        self.start as usize..self.split as usize
    }

    /// The primary key within it.
    #[inline]
    pub fn primary_key(&self) -> Range<usize> {
        self.split as usize..self.end as usize
    }
}

/// Appends the entries of a document, sorted and without repetitions: their bytes to the first part
/// of `out`, their places to the second. The first part may also get other bytes.
///
/// # Errors
/// `CORRUPT` if the document is damaged; `RESOURCE_LIMIT` if its entries take more than 256 MiB.
pub fn entries(
    index: &IndexDef,
    document: &[u8],
    primary_key: &[u8],
    shapes: &ShapeTable,
    (bytes, list): (&mut Vec<u8>, &mut EntryList),
) -> Result<()> {
    let first = list.len();
    let document = root(document)?;
    if let Some(partial) = &index.partial
        && !Matcher::new(shapes).matches(partial.filter(), document)?
    {
        return Ok(());
    }
    let (origin, collation) = (bytes.len(), index.order().map(|order| &**order));
    let longest = MAX_KEY_BYTES;
    Builder { index, collation, longest, primary_key, shapes, origin, bytes, list }
        .all(document)?;
    if list.len() - first > 1 {
        let key = |entry: &EntryRef| bytes.get(entry.key()).unwrap_or_default();
        if let Some(added) = list.get_mut(first..) {
            added.sort_unstable_by(|left, right| key(left).cmp(key(right)));
        }
        let mut at = 0;
        list.dedup_by(|next, kept| {
            at += 1;
            at > first && key(next) == key(kept)
        });
    }
    Ok(())
}

/// Appends the primary key that a store's key path finds in a document.
///
/// # Errors
/// `INVALID_KEY`, naming the path, if there is none or it is not a key; `INVALID_ARGUMENT` if keys
/// are out-of-line; `CORRUPT` if the document is damaged.
pub fn primary_key(
    store: &StoreDef,
    document: &[u8],
    shapes: &ShapeTable,
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    let document = root(document)?;
    match &store.key_path {
        KeyPath::None => {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                format!("store {:?} has no key path: give the key", store.name),
            ));
        }
        KeyPath::Single(path) => push_primary(store, document, path, shapes, out)?,
        KeyPath::Compound(paths) => {
            key::begin_array(out);
            for path in paths {
                push_primary(store, document, path, shapes, out)?;
            }
            key::end_array(out);
        }
    }
    if out.len() - start > MAX_KEY_BYTES {
        return Err(Error::new(ErrorCode::InvalidKey, "a key is longer than 64 MiB"));
    }
    Ok(())
}

fn push_primary(
    store: &StoreDef,
    document: ValueRef<'_>,
    path: &FieldPath,
    shapes: &ShapeTable,
    out: &mut Vec<u8>,
) -> Result<()> {
    let why = match lookup_idb(document, path, shapes)? {
        IdbLookup::Number(number) => {
            key::push_number(out, number);
            return Ok(());
        }
        IdbLookup::Found(value) => match push_key(value, shapes, out)? {
            KeyForm::Key => return Ok(()),
            KeyForm::BigIntKey if store.origin == Origin::Native => return Ok(()),
            _ => "has a value that cannot be a key",
        },
        IdbLookup::Missing => "is missing",
    };
    Err(Error::new(
        ErrorCode::InvalidKey,
        format!("the key path \"{path}\" of store {:?} {why}", store.name),
    )
    .with_path(path.to_string()))
}

/// The index keys that a document's entries have without the index's collation.
#[derive(Debug)]
pub struct UncollatedKeys {
    /// The stored keys, and those without the collation.
    stored: Vec<u8>,
    plain: Vec<u8>,
    /// The places of each in both, in the order of the stored keys.
    pairs: Vec<(Range<usize>, Range<usize>)>,
}

impl UncollatedKeys {
    /// Of a document.
    ///
    /// # Errors
    /// `CORRUPT` if the document is damaged; `RESOURCE_LIMIT` as [`entries`].
    pub fn of(index: &IndexDef, document: &[u8], shapes: &ShapeTable) -> Result<Self> {
        let document = root(document)?;
        let keys = |collation| {
            let (mut bytes, mut list) = (Vec::new(), EntryList::new());
            // Of the two forms one may be too long; both have to be in both lists.
            let (primary_key, longest) = (&[][..], usize::MAX);
            let (bytes, list) = (&mut bytes, &mut list);
            Builder { index, collation, longest, primary_key, shapes, origin: 0, bytes, list }
                .all(document)?;
            Ok::<_, Error>((std::mem::take(bytes), std::mem::take(list)))
        };
        let (stored, entries) = keys(index.order().map(|order| &**order))?;
        let (plain, plain_entries) = keys(None)?;
        let places = entries.iter().map(EntryRef::index_key);
        let mut pairs: Vec<_> = places.zip(plain_entries.iter().map(EntryRef::index_key)).collect();
        // Of several that are stored under one key the first one counts.
        pairs.sort_by(|(left, _), (right, _)| {
            stored.get(left.clone()).cmp(&stored.get(right.clone()))
        });
        Ok(Self { stored, plain, pairs })
    }

    /// The key of which a stored one was made.
    ///
    /// # Errors
    /// `CORRUPT` if the document has no such entry.
    pub fn of_stored(&self, stored: &[u8]) -> Result<&[u8]> {
        let key = |place: &Range<usize>| self.stored.get(place.clone()).unwrap_or_default();
        let at = self.pairs.partition_point(|(place, _)| key(place) < stored);
        let found = self.pairs.get(at).filter(|(place, _)| key(place) == stored);
        found.and_then(|(_, place)| self.plain.get(place.clone())).ok_or_else(|| {
            Error::corrupt("an index has an entry that its document does not call for")
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        let places = self.pairs.capacity() * size_of::<(Range<usize>, Range<usize>)>();
        self.stored.capacity() + self.plain.capacity() + places
    }
}

struct Builder<'b> {
    index: &'b IndexDef,
    /// What strings are written in the order of.
    collation: Option<&'b Collation>,
    /// The most bytes of an index key.
    longest: usize,
    primary_key: &'b [u8],
    shapes: &'b ShapeTable,
    /// How long `bytes` was before the document.
    origin: usize,
    bytes: &'b mut Vec<u8>,
    list: &'b mut EntryList,
}

impl Builder<'_> {
    fn all(&mut self, document: ValueRef<'_>) -> Result<()> {
        let index = self.index;
        match (index.origin, index.parts.as_slice()) {
            (Origin::Native, [part]) => self.native(document, part),
            (Origin::Native, _) => self.native_compound(document),
            (Origin::IndexedDb, [part]) if !index.compound => self.foreign(document, &part.path),
            (Origin::IndexedDb, _) => self.foreign_compound(document),
        }
    }

    /// Ends the entry whose index key begins at `start` and has just been written.
    #[inline]
    fn end(&mut self, start: usize, kind: EntryKind, has_null: bool) -> Result<()> {
        let split = self.bytes.len();
        if split - start > self.longest {
            self.bytes.truncate(start);
            return if kind == EntryKind::Element { Ok(()) } else { self.residual() };
        }
        self.bytes.extend_from_slice(self.primary_key);
        if self.bytes.len() - self.origin > MAX_ENTRY_BYTES {
            return Err(self.too_large());
        }
        let place = |at: usize| u32::try_from(at).map_err(|_| self.too_large());
        let (start, split, end) = (place(start)?, place(split)?, place(self.bytes.len())?);
        self.list.push(EntryRef { start, split, end, kind, has_null });
        Ok(())
    }

    #[cold]
    fn too_large(&self) -> Error {
        Error::new(
            ErrorCode::ResourceLimit,
            format!("a document has more than 256 MiB of entries in index {:?}", self.index.name),
        )
        .with_index(self.index.name.to_string())
        .with_key(self.primary_key)
    }

    fn residual(&mut self) -> Result<()> {
        let start = self.bytes.len();
        self.bytes.push(TAG_RESIDUAL);
        self.end(start, EntryKind::Residual, false)
    }

    /// Appends a component; false, with nothing appended, if the value is not a key.
    #[inline]
    fn component(&mut self, value: ValueRef<'_>, part: &IndexPart) -> Result<bool> {
        let start = self.bytes.len();
        let collation = self.collation;
        if push_key_under(collation, value, self.shapes, self.bytes)? == KeyForm::NotAKey {
            return Ok(false);
        }
        if part.descending {
            key::invert_from(self.bytes, start);
        }
        Ok(true)
    }

    fn null(&mut self, part: &IndexPart) {
        let start = self.bytes.len();
        key::push_null(self.bytes);
        if part.descending {
            key::invert_from(self.bytes, start);
        }
    }

    #[inline]
    fn native(&mut self, document: ValueRef<'_>, part: &IndexPart) -> Result<()> {
        let start = self.bytes.len();
        let value = match lookup(document, &part.path, self.shapes)? {
            Lookup::Found(value) => value,
            Lookup::ThroughArray => return self.residual(),
            Lookup::Missing => return self.native_missing(part),
        };
        match value.kind()? {
            Kind::Undefined => self.native_missing(part),
            Kind::Array => self.native_array(value, part, start..start, false),
            kind => {
                if self.component(value, part)? {
                    self.end(start, EntryKind::Own, kind == Kind::Null)
                } else {
                    self.residual()
                }
            }
        }
    }

    fn native_missing(&mut self, part: &IndexPart) -> Result<()> {
        if self.index.sparse {
            return Ok(());
        }
        let start = self.bytes.len();
        self.null(part);
        self.end(start, EntryKind::Own, true)
    }

    /// Adds the entries of an array: its elements and the whole of it. The components before it are
    /// at `before` in the buffer, those after it follow up to the buffer's end.
    fn native_array(
        &mut self,
        array: ValueRef<'_>,
        part: &IndexPart,
        before: Range<usize>,
        has_null: bool,
    ) -> Result<()> {
        let around = [before.clone(), before.end..self.bytes.len()];
        let mut decided = true;
        for element in array.elements(self.shapes)?.into_iter().flatten() {
            let (_, element) = element?;
            let null = matches!(element.kind()?, Kind::Null | Kind::Undefined);
            let kind = EntryKind::Element;
            decided &= self.combined(element, part, &around, kind, has_null || null)?;
        }
        let kind = EntryKind::Whole;
        if !self.combined(array, part, &around, kind, has_null)? || !decided {
            self.residual()?;
        }
        Ok(())
    }

    /// Adds an entry of a component between others that stand in the buffer; false if the value is
    /// not a key.
    #[inline]
    fn combined(
        &mut self,
        value: ValueRef<'_>,
        part: &IndexPart,
        [before, after]: &[Range<usize>; 2],
        kind: EntryKind,
        has_null: bool,
    ) -> Result<bool> {
        let start = self.bytes.len();
        self.bytes.extend_from_within(before.clone());
        if !self.component(value, part)? {
            self.bytes.truncate(start);
            return Ok(false);
        }
        self.bytes.extend_from_within(after.clone());
        self.end(start, kind, has_null)?;
        Ok(true)
    }

    fn native_compound(&mut self, document: ValueRef<'_>) -> Result<()> {
        let start = self.bytes.len();
        let index = self.index;
        let mut array = None;
        let (mut has_null, mut all_missing) = (false, true);
        for part in &index.parts {
            let value = match lookup(document, &part.path, self.shapes)? {
                Lookup::Found(value) => Some((value, value.kind()?)),
                Lookup::Missing => None,
                Lookup::ThroughArray => {
                    self.bytes.truncate(start);
                    return self.residual();
                }
            };
            let decided = match value {
                None | Some((_, Kind::Undefined)) => {
                    has_null = true;
                    self.null(part);
                    continue;
                }
                Some((value, Kind::Array)) if array.is_none() => {
                    array = Some((value, part, self.bytes.len()));
                    true
                }
                Some((_, Kind::Array)) => false,
                Some((value, kind)) => {
                    has_null |= kind == Kind::Null;
                    self.component(value, part)?
                }
            };
            all_missing = false;
            if !decided {
                self.bytes.truncate(start);
                return self.residual();
            }
        }
        if all_missing && index.sparse {
            self.bytes.truncate(start);
            return Ok(());
        }
        match array {
            Some((value, part, at)) => self.native_array(value, part, start..at, has_null),
            None => self.end(start, EntryKind::Own, has_null),
        }
    }

    /// Appends an IndexedDB key; `None`, with nothing appended, if the value is none. Otherwise
    /// tells whether it is an array.
    fn foreign_key(&mut self, value: ValueRef<'_>) -> Result<Option<EntryKind>> {
        let start = self.bytes.len();
        if push_key(value, self.shapes, self.bytes)? != KeyForm::Key {
            self.bytes.truncate(start);
            return Ok(None);
        }
        let whole = value.kind()? == Kind::Array;
        Ok(Some(if whole { EntryKind::Whole } else { EntryKind::Own }))
    }

    /// Appends the IndexedDB key at a path, as [`Self::foreign_key`].
    fn foreign_key_at(
        &mut self,
        document: ValueRef<'_>,
        path: &FieldPath,
    ) -> Result<Option<EntryKind>> {
        match lookup_idb(document, path, self.shapes)? {
            IdbLookup::Missing => Ok(None),
            IdbLookup::Found(value) => self.foreign_key(value),
            IdbLookup::Number(number) => {
                key::push_number(self.bytes, number);
                Ok(Some(EntryKind::Own))
            }
        }
    }

    fn foreign(&mut self, document: ValueRef<'_>, path: &FieldPath) -> Result<()> {
        let start = self.bytes.len();
        if self.index.multi_entry
            && let IdbLookup::Found(value) = lookup_idb(document, path, self.shapes)?
            && let Some(elements) = value.elements(self.shapes)?
        {
            return self.foreign_elements(elements);
        }
        match self.foreign_key_at(document, path)? {
            Some(kind) => self.end(start, kind, false),
            None => self.residual(),
        }
    }

    fn foreign_elements(&mut self, mut elements: Elements<'_, '_, ShapeTable>) -> Result<()> {
        let mut decided = false;
        let mut left_out = false;
        for element in elements.by_ref() {
            let (_, element) = element?;
            let start = self.bytes.len();
            if self.foreign_key(element)?.is_some() {
                decided = true;
                self.end(start, EntryKind::Element, false)?;
            } else {
                left_out = true;
            }
        }
        if left_out || elements.passed_holes() || !decided {
            self.residual()?;
        }
        Ok(())
    }

    fn foreign_compound(&mut self, document: ValueRef<'_>) -> Result<()> {
        let start = self.bytes.len();
        let index = self.index;
        let mut kind = EntryKind::Own;
        for part in &index.parts {
            match self.foreign_key_at(document, &part.path)? {
                Some(part_kind) => kind = kind.max(part_kind),
                None => {
                    self.bytes.truncate(start);
                    return self.residual();
                }
            }
        }
        self.end(start, kind, false)
    }
}
