//! A check of one store: documents, indexes and counts against each other.

use std::sync::Arc;

use super::report::{Problem, ProblemKind, Report};
use super::vectors::VectorCheck;
use super::{Progress, unless_cancelled};
use crate::catalog::{IndexDef, IndexState, KeyPath, StoreDef};
use crate::error::{Error, Result};
use crate::key::{self, TAG_NULL};
use crate::storage::{Counter, ReadTxn, envelope};
use crate::store::entry::{self, COUNT_ALL, COUNT_ARRAY, COUNT_RESIDUAL, COUNT_WHOLE, EntryKind};
use crate::store::extract::{self, EntryList};
use crate::store::generator::{stored_number, used_up_to};
use crate::store::index_build;
use crate::store::shared::StoreShared;
use crate::value::{ShapeTable, validate};

/// How many keys may be out of order before a tree counts as one that cannot be read: its pages may
/// form a knot.
const MAX_DISORDER: u64 = 1_000;

/// Checks a store of a snapshot: every document's envelope, decoding and key; that the entries of
/// each index are exactly those of the documents; the unique rule; the counts; the key generator.
///
/// # Errors
/// `ABORTED`.
pub fn check_store(
    txn: &ReadTxn<'_>,
    shared: &StoreShared,
    store: &StoreDef,
    progress: &mut Progress<'_>,
    report: &mut Report,
) -> Result<()> {
    let (shapes, built, vectors) = match prepare(txn, shared, store) {
        Ok(prepared) => prepared,
        Err(error) => {
            let message = format!("the store's records cannot be read: {error}");
            report.add(Problem {
                store: Some(store.name.to_string()),
                ..Problem::new(ProblemKind::Catalog, message)
            });
            return Ok(());
        }
    };
    let mut check = StoreCheck {
        txn,
        store,
        report,
        progress,
        shapes,
        expected: vec![Expected::default(); store.indexes.len()],
        built,
        vectors,
        documents_unknown: false,
        largest_number: 0.0,
        bytes: Vec::new(),
        entries: EntryList::new(),
    };
    if let Err(error) = check.documents() {
        let error = unless_cancelled(error)?;
        check.documents_unknown = true;
        let message = format!("the documents cannot be read to their end: {error}");
        check.problem(ProblemKind::Unreadable, None, None, message);
    }
    for (position, index) in store.indexes.iter().enumerate() {
        if let Err(error) = check.index(position, index) {
            let error = unless_cancelled(error)?;
            let message = format!("the index cannot be read to its end: {error}");
            check.problem(ProblemKind::Unreadable, Some(index), None, message);
        }
    }
    for (position, index) in store.vectors.iter().enumerate() {
        if let Err(error) = check.vector_index(position, index) {
            let error = unless_cancelled(error)?;
            let message = format!("the index cannot be read to its end: {error}");
            check.vector_problem(ProblemKind::Unreadable, index, None, message);
        }
    }
    if let Err(error) = check.generator() {
        check.problem(ProblemKind::KeyGenerator, None, None, error.to_string());
    }
    Ok(())
}

/// The store's shapes, and how far the builds of its indexes are.
fn prepare(
    txn: &ReadTxn<'_>,
    shared: &StoreShared,
    store: &StoreDef,
) -> Result<(Arc<ShapeTable>, Vec<Built>, Vec<VectorCheck>)> {
    let shapes = shared.reload_shapes(txn, store.id)?;
    let built = |index, state| {
        match state {
            IndexState::Ready => return Ok(Built::All),
            IndexState::Stale => return Ok(Built::Nothing),
            IndexState::Building => {}
        }
        let after = index_build::progress(txn, store.id, index)?.after;
        Ok(after.map_or(Built::Nothing, Built::UpTo))
    };
    let keys = store.indexes.iter().map(|index| built(index.id, index.state));
    let vectors =
        store.vectors.iter().map(|index| built(index.id, index.state).map(VectorCheck::new));
    Ok((shapes, keys.collect::<Result<_>>()?, vectors.collect::<Result<_>>()?))
}

/// Counts by class, as a counter's classes are numbered.
type Counts = [u64; 4];

/// What the documents call for in an index.
#[derive(Debug, Clone, Default)]
struct Expected {
    counts: Counts,
    /// Whether some of it is not there, or not as it should be.
    is_lacking: bool,
    /// Whether there are documents of which it cannot be told.
    is_unknown: bool,
}

pub(super) struct StoreCheck<'a, 'e, 'c> {
    pub(super) txn: &'a ReadTxn<'e>,
    pub(super) store: &'a StoreDef,
    pub(super) report: &'a mut Report,
    pub(super) progress: &'a mut Progress<'c>,
    pub(super) shapes: Arc<ShapeTable>,
    /// By position of the index.
    expected: Vec<Expected>,
    /// How far each index's build is, if it is under way.
    built: Vec<Built>,
    /// By position of the vector index.
    pub(super) vectors: Vec<VectorCheck>,
    /// Whether there may be documents that were not looked at.
    pub(super) documents_unknown: bool,
    largest_number: f64,
    bytes: Vec<u8>,
    entries: EntryList,
}

/// Up to which document an index has entries.
pub(super) enum Built {
    All,
    UpTo(Vec<u8>),
    Nothing,
}

impl Built {
    pub(super) fn covers(&self, key: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::UpTo(last) => key <= last.as_slice(),
            Self::Nothing => false,
        }
    }
}

impl StoreCheck<'_, '_, '_> {
    fn problem(
        &mut self,
        kind: ProblemKind,
        index: Option<&IndexDef>,
        key: Option<&[u8]>,
        message: String,
    ) {
        self.report.add(Problem {
            store: Some(self.store.name.to_string()),
            index: index.map(|index| index.name.to_string()),
            key: key.map(<[u8]>::to_vec),
            ..Problem::new(kind, message)
        });
    }

    fn documents(&mut self) -> Result<()> {
        let tree = entry::documents(self.store.tree);
        let mut count = 0;
        let mut scratch = Vec::new();
        let txn = self.txn;
        let mut cursor = tree.cursor(txn)?;
        let mut found = cursor.first()?;
        let mut order = Order::default();
        while let Some(entry) = found {
            count += 1;
            self.report.documents += 1;
            if !order.follows(entry.key)? {
                let message = "the document is out of order".to_owned();
                self.problem(ProblemKind::KeyOrder, None, Some(entry.key), message);
            }
            match envelope::open(tree.id, entry.key, entry.value, &mut scratch) {
                Ok(document) => self.document(entry.key, document),
                Err(error) => {
                    self.unknown(entry.key);
                    let message = error.to_string();
                    self.problem(ProblemKind::Checksum, None, Some(entry.key), message);
                }
            }
            self.progress.entry()?;
            found = cursor.next()?;
        }
        self.counter(None, Counter::entries(tree.id), count)
    }

    /// What the document under a key calls for cannot be told.
    fn unknown(&mut self, key: &[u8]) {
        for (expected, built) in self.expected.iter_mut().zip(&self.built) {
            expected.is_unknown |= built.covers(key);
        }
        self.vectors.iter_mut().for_each(|vectors| vectors.unknown(key));
    }

    /// Checks a document. Damage in one field does not keep the others from being looked at.
    fn document(&mut self, key: &[u8], document: &[u8]) {
        if let Err(error) = key::validate_key(key) {
            self.unknown(key);
            return self.problem(ProblemKind::Key, None, Some(key), error.to_string());
        }
        if let Err(error) = validate(document, &*self.shapes) {
            self.problem(ProblemKind::Document, None, Some(key), error.to_string());
        }
        if self.store.key_path != KeyPath::None {
            let mut inside = Vec::new();
            match extract::primary_key(self.store, document, &self.shapes, &mut inside) {
                Ok(()) if inside == key => {}
                Ok(()) => {
                    let message = "the document has another key inside".to_owned();
                    self.problem(ProblemKind::Key, None, Some(key), message);
                }
                Err(error) => self.problem(ProblemKind::Key, None, Some(key), error.to_string()),
            }
        }
        if let Some(number) = key::as_number(key) {
            self.largest_number = self.largest_number.max(number);
        }
        let store = self.store;
        for (position, index) in store.indexes.iter().enumerate() {
            if self.built.get(position).is_some_and(|built| built.covers(key))
                && let Err(error) = self.entries_of(position, index, key, document)
            {
                if let Some(expected) = self.expected.get_mut(position) {
                    expected.is_unknown = true;
                }
                self.problem(ProblemKind::Document, Some(index), Some(key), error.to_string());
            }
        }
        for (position, index) in store.vectors.iter().enumerate() {
            self.vectors_of(position, index, key, document);
        }
    }

    /// Looks for the entries that a document calls for.
    fn entries_of(
        &mut self,
        position: usize,
        index: &IndexDef,
        key: &[u8],
        document: &[u8],
    ) -> Result<()> {
        self.bytes.clear();
        self.entries.clear();
        let out = (&mut self.bytes, &mut self.entries);
        extract::entries(index, document, key, &self.shapes, out)?;
        let tree = entry::entries(index.tree);
        for entry in std::mem::take(&mut self.entries) {
            if let Some(expected) = self.expected.get_mut(position) {
                add(&mut expected.counts, entry.kind);
            }
            let entry_key = self.bytes.get(entry.key()).unwrap_or_default();
            let found = tree.look(self.txn, entry_key, |value| value.map(EntryKind::of))?;
            let (kind, wrong) = match found {
                None => (ProblemKind::MissingEntry, "the index lacks an entry of the document"),
                Some(Ok(kind)) if kind == entry.kind => continue,
                Some(_) => {
                    (ProblemKind::Entry, "an index entry of the document is of the wrong kind")
                }
            };
            if let Some(expected) = self.expected.get_mut(position) {
                expected.is_lacking = true;
            }
            self.problem(kind, Some(index), Some(key), wrong.to_owned());
        }
        Ok(())
    }

    /// Walks an index: every entry is well-formed, none is more than what the documents call for.
    fn index(&mut self, position: usize, index: &IndexDef) -> Result<()> {
        if index.state == IndexState::Stale {
            // It will be emptied, whatever is in it.
            return Ok(());
        }
        let tree = entry::entries(index.tree);
        let mut counts = Counts::default();
        let txn = self.txn;
        let mut cursor = tree.cursor(txn)?;
        let mut found = cursor.first()?;
        let mut previous: Option<Vec<u8>> = None;
        let mut order = Order::default();
        while let Some(entry) = found {
            self.report.entries += 1;
            if !order.follows(entry.key)? {
                let message = "an index entry is out of order".to_owned();
                self.problem(ProblemKind::KeyOrder, Some(index), None, message);
            }
            match EntryKind::of(entry.value)
                .and_then(|kind| Ok((kind, entry::split(index, entry.key)?)))
            {
                Err(error) => {
                    self.problem(ProblemKind::Entry, Some(index), None, error.to_string());
                }
                Ok((kind, (index_key, primary_key))) => {
                    add(&mut counts, kind);
                    if index.unique && entry::is_visible(index, kind) && !has_null(index, index_key)
                    {
                        if previous.as_deref() == Some(index_key) {
                            let message = "the key is not unique".to_owned();
                            let key = Some(primary_key);
                            self.problem(ProblemKind::Unique, Some(index), key, message);
                        }
                        previous = Some(index_key.to_vec());
                    }
                }
            }
            self.progress.entry()?;
            found = cursor.next()?;
        }
        let expected = self.expected.get(position).cloned().unwrap_or_default();
        let can_tell = !self.documents_unknown && !expected.is_unknown;
        if counts != expected.counts && can_tell {
            let expected = expected.counts;
            let message = format!("the index has {counts:?} entries by class, not {expected:?}");
            self.problem(ProblemKind::Count, Some(index), None, message);
        }
        if (counts != expected.counts || expected.is_lacking) && !self.documents_unknown {
            self.stray_entries(index)?;
        }
        for (class, count) in (COUNT_ALL..=COUNT_WHOLE).zip(counts) {
            self.counter(Some(index), Counter { tree: tree.id, class }, count)?;
        }
        Ok(())
    }

    /// Reports the entries of an index that no document calls for.
    fn stray_entries(&mut self, index: &IndexDef) -> Result<()> {
        let txn = self.txn;
        let mut cursor = entry::entries(index.tree).cursor(txn)?;
        let mut found = cursor.first()?;
        while let Some(entry) = found {
            // What cannot be split has been reported.
            if let Ok((_, key)) = entry::split(index, entry.key)
                && self.is_called_for(index, key, entry.key)? == Some(false)
            {
                let message = "no document calls for the entry".to_owned();
                self.problem(ProblemKind::StrayEntry, Some(index), Some(key), message);
            }
            self.progress.entry()?;
            found = cursor.next()?;
        }
        Ok(())
    }

    /// Whether the document under `key` calls for an entry; `None` if it is damaged.
    fn is_called_for(
        &mut self,
        index: &IndexDef,
        key: &[u8],
        entry_key: &[u8],
    ) -> Result<Option<bool>> {
        let documents = entry::documents(self.store.tree);
        let Some(value) = documents.get(self.txn, key)? else { return Ok(Some(false)) };
        let mut scratch = Vec::new();
        self.bytes.clear();
        self.entries.clear();
        let out = (&mut self.bytes, &mut self.entries);
        let extracted = envelope::open(documents.id, key, value, &mut scratch)
            .and_then(|document| extract::entries(index, document, key, &self.shapes, out));
        let found = |called: &extract::EntryRef| self.bytes.get(called.key()) == Some(entry_key);
        Ok(extracted.is_ok().then(|| self.entries.iter().any(found)))
    }

    fn counter(&mut self, index: Option<&IndexDef>, counter: Counter, actual: u64) -> Result<()> {
        let stored = self.txn.stored_count(counter)?;
        if stored != actual {
            let class = counter.class;
            let message = format!("the count of class {class} is {stored}, not {actual}");
            self.problem(ProblemKind::Count, index, None, message);
        }
        Ok(())
    }

    fn generator(&mut self) -> Result<()> {
        let next = stored_number(self.txn, self.store.id)?;
        if self.store.auto_increment && used_up_to(self.largest_number) >= next {
            let message = "the key generator is behind the keys".to_owned();
            self.problem(ProblemKind::KeyGenerator, None, None, message);
        }
        Ok(())
    }
}

/// Sees to it that the keys of a tree ascend.
#[derive(Default)]
pub(super) struct Order {
    previous: Option<Vec<u8>>,
    disorder: u64,
}

impl Order {
    /// Whether a key is above the one before it.
    pub(super) fn follows(&mut self, key: &[u8]) -> Result<bool> {
        let Some(previous) = &mut self.previous else {
            self.previous = Some(key.to_vec());
            return Ok(true);
        };
        let follows = previous.as_slice() < key;
        previous.clear();
        previous.extend_from_slice(key);
        self.disorder += u64::from(!follows);
        if self.disorder > MAX_DISORDER {
            return Err(Error::corrupt("too many keys are out of order"));
        }
        Ok(follows)
    }
}

fn add(counts: &mut Counts, kind: EntryKind) {
    let [all, array, residual, whole] = counts;
    for class in kind.counted_in() {
        match *class {
            COUNT_ALL => *all += 1,
            COUNT_ARRAY => *array += 1,
            COUNT_RESIDUAL => *residual += 1,
            _ => *whole += 1,
        }
    }
}

/// Whether a component of an index key is null.
fn has_null(index: &IndexDef, index_key: &[u8]) -> bool {
    let mut rest = index_key;
    index.parts.iter().any(|part| {
        let null = if part.descending { !TAG_NULL } else { TAG_NULL };
        let is_null = rest.first() == Some(&null);
        let len = key::encoded_len(rest, part.descending).unwrap_or(rest.len());
        rest = rest.get(len..).unwrap_or_default();
        is_null
    })
}
