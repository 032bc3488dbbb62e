//! A check of stores: documents, indexes and counts against each other.

use std::collections::BTreeMap;

use super::entry::{self, COUNT_ALL, COUNT_ARRAY, COUNT_RESIDUAL, COUNT_WHOLE, EntryKind};
use super::extract::{self, EntryList};
use super::generator::{stored_number, used_up_to};
use super::index_build;
use super::shared::StoreShared;
use super::sweep::pending_sweeps;
use crate::catalog::{IndexDef, IndexState, KeyPath, StoreDef};
use crate::error::{Error, Result};
use crate::key::{self, TAG_NULL};
use crate::storage::{Counter, ReadTxn, TreeId, envelope};
use crate::value::{ShapeTable, validate};

/// How many problems a report describes; further ones are only counted.
const DESCRIBED: usize = 100;

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Documents looked at.
    pub documents: u64,
    /// Index entries looked at.
    pub entries: u64,
    /// The first problems.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problem_count: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The store's name, if it concerns one.
    pub store: Option<String>,
    /// The index's name, if it concerns one.
    pub index: Option<String>,
    /// The encoded primary key, if it concerns a document.
    pub key: Option<Vec<u8>>,
    /// What is wrong.
    pub message: String,
}

impl Report {
    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < DESCRIBED {
            self.problems.push(problem);
        }
    }
}

/// Checks all stores of a snapshot.
///
/// What cannot be read is a problem in the report, not an error.
pub fn check_stores(txn: &ReadTxn<'_>, shared: &StoreShared) -> Report {
    let mut report = Report::default();
    let database = |message: String| Problem { store: None, index: None, key: None, message };
    match shared.catalog(txn) {
        Ok(catalog) => {
            for store in catalog.stores() {
                check_store(txn, shared, store, &mut report);
            }
            if let Err(error) = check_trees(txn, catalog.stores().map(|store| &**store)) {
                report.add(database(error.to_string()));
            }
        }
        Err(error) => report.add(database(format!("the catalog cannot be read: {error}"))),
    }
    report
}

/// Checks a store of a snapshot: every document's envelope, decoding and key; that the entries of
/// each index are exactly those of the documents; the unique rule; the counts; the key generator.
pub fn check_store(txn: &ReadTxn<'_>, shared: &StoreShared, store: &StoreDef, report: &mut Report) {
    let mut check = match StoreCheck::new(txn, shared, store, report) {
        Ok(check) => check,
        Err((error, report)) => {
            return report.add(Problem {
                store: Some(store.name.to_string()),
                index: None,
                key: None,
                message: format!("the store's shapes cannot be read: {error}"),
            });
        }
    };
    if let Err(error) = check.documents() {
        check.problem(None, None, format!("the documents cannot be read: {error}"));
    }
    for (position, index) in store.indexes.iter().enumerate() {
        if let Err(error) = check.index(position, index) {
            check.problem(Some(index), None, format!("the index cannot be read: {error}"));
        }
    }
    if let Err(error) = check.generator() {
        check.problem(None, None, error.to_string());
    }
}

/// No tree may have two owners, and none in use may be waiting for the sweeper.
fn check_trees<'a>(txn: &ReadTxn<'_>, stores: impl Iterator<Item = &'a StoreDef>) -> Result<()> {
    let mut owners: BTreeMap<TreeId, String> = BTreeMap::new();
    let mut own = |tree: TreeId, owner: String| match owners.insert(tree, owner.clone()) {
        Some(other) => {
            Err(Error::corrupt(format!("tree {} belongs to {other} and {owner}", tree.0)))
        }
        None => Ok(()),
    };
    for store in stores {
        own(store.tree, format!("store {:?}", store.name))?;
        for index in &store.indexes {
            own(index.tree, format!("index {:?} of store {:?}", index.name, store.name))?;
        }
    }
    for tree in pending_sweeps(txn)? {
        own(tree.id, "the sweeper".to_owned())?;
    }
    Ok(())
}

/// Counts by class, as a counter's classes are numbered.
type Counts = [u64; 4];

struct StoreCheck<'a, 'e> {
    txn: &'a ReadTxn<'e>,
    store: &'a StoreDef,
    report: &'a mut Report,
    shapes: std::sync::Arc<ShapeTable>,
    /// The entries that the documents call for, by position of the index.
    expected: Vec<Counts>,
    /// How far each index's build is, if it is under way.
    built: Vec<Built>,
    largest_number: f64,
    bytes: Vec<u8>,
    entries: EntryList,
}

/// Up to which document an index has entries.
enum Built {
    All,
    UpTo(Vec<u8>),
    Nothing,
}

impl Built {
    fn covers(&self, key: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::UpTo(last) => key <= last.as_slice(),
            Self::Nothing => false,
        }
    }
}

impl<'a, 'e> StoreCheck<'a, 'e> {
    fn new(
        txn: &'a ReadTxn<'e>,
        shared: &StoreShared,
        store: &'a StoreDef,
        report: &'a mut Report,
    ) -> Result<Self, (Error, &'a mut Report)> {
        let prepared = shared.reload_shapes(txn, store.id).and_then(|shapes| {
            let built = store.indexes.iter().map(|index| {
                match index.state {
                    IndexState::Ready => return Ok(Built::All),
                    IndexState::Stale => return Ok(Built::Nothing),
                    IndexState::Building => {}
                }
                let after = index_build::progress(txn, store.id, index.id)?.after;
                Ok(after.map_or(Built::Nothing, Built::UpTo))
            });
            Ok((shapes, built.collect::<Result<_>>()?))
        });
        match prepared {
            Ok((shapes, built)) => Ok(Self {
                txn,
                store,
                report,
                shapes,
                expected: vec![Counts::default(); store.indexes.len()],
                built,
                largest_number: 0.0,
                bytes: Vec::new(),
                entries: EntryList::new(),
            }),
            Err(error) => Err((error, report)),
        }
    }

    fn problem(&mut self, index: Option<&IndexDef>, key: Option<&[u8]>, message: String) {
        self.report.add(Problem {
            store: Some(self.store.name.to_string()),
            index: index.map(|index| index.name.to_string()),
            key: key.map(<[u8]>::to_vec),
            message,
        });
    }

    fn documents(&mut self) -> Result<()> {
        let tree = entry::documents(self.store.tree);
        let mut count = 0;
        let mut scratch = Vec::new();
        let txn = self.txn;
        let mut cursor = tree.cursor(txn)?;
        let mut found = cursor.first()?;
        while let Some(entry) = found {
            count += 1;
            let opened = envelope::open(tree.id, entry.key, entry.value, &mut scratch);
            if let Err(error) = opened.and_then(|document| self.document(entry.key, document)) {
                self.problem(None, Some(entry.key), error.to_string());
            }
            found = cursor.next()?;
        }
        self.report.documents += count;
        self.counter(None, Counter::entries(tree.id), count)
    }

    /// Checks a document. Damage in one field does not keep the others from being looked at.
    fn document(&mut self, key: &[u8], document: &[u8]) -> Result<()> {
        key::validate_key(key)?;
        if let Err(error) = validate(document, &*self.shapes) {
            self.problem(None, Some(key), error.to_string());
        }
        if self.store.key_path != KeyPath::None {
            let mut inside = Vec::new();
            match extract::primary_key(self.store, document, &self.shapes, &mut inside) {
                Ok(()) if inside == key => {}
                Ok(()) => {
                    self.problem(None, Some(key), "the document has another key inside".to_owned());
                }
                Err(error) => self.problem(None, Some(key), error.to_string()),
            }
        }
        if let Some(number) = key::as_number(key) {
            self.largest_number = self.largest_number.max(number);
        }
        for (position, index) in self.store.indexes.iter().enumerate() {
            if self.built.get(position).is_some_and(|built| built.covers(key))
                && let Err(error) = self.entries_of(position, index, key, document)
            {
                self.problem(Some(index), Some(key), error.to_string());
            }
        }
        Ok(())
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
            if let Some(counts) = self.expected.get_mut(position) {
                add(counts, entry.kind);
            }
            let entry_key = self.bytes.get(entry.key()).unwrap_or_default();
            let wrong = match tree.get(self.txn, entry_key)? {
                None => "the index lacks an entry of the document",
                Some(value) if EntryKind::of(value)? != entry.kind => {
                    "an index entry of the document is of the wrong kind"
                }
                Some(_) => continue,
            };
            self.problem(Some(index), Some(key), wrong.to_owned());
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
        while let Some(entry) = found {
            let kind = EntryKind::of(entry.value)?;
            add(&mut counts, kind);
            let (index_key, primary_key) = entry::split(index, entry.key)?;
            if index.unique && entry::is_visible(index, kind) && !has_null(index, index_key) {
                if previous.as_deref() == Some(index_key) {
                    self.problem(
                        Some(index),
                        Some(primary_key),
                        "the key is not unique".to_owned(),
                    );
                }
                previous = Some(index_key.to_vec());
            }
            found = cursor.next()?;
        }
        let [all, ..] = counts;
        self.report.entries += all;
        let expected = self.expected.get(position).copied().unwrap_or_default();
        if counts != expected {
            let message = format!("the index has {counts:?} entries by class, not {expected:?}");
            self.problem(Some(index), None, message);
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
        let documents = entry::documents(self.store.tree);
        let mut scratch = Vec::new();
        let mut cursor = entry::entries(index.tree).cursor(txn)?;
        let mut found = cursor.first()?;
        while let Some(entry) = found {
            let (_, key) = entry::split(index, entry.key)?;
            self.bytes.clear();
            self.entries.clear();
            if let Some(value) = documents.get(self.txn, key)?
                && let Ok(document) = envelope::open(documents.id, key, value, &mut scratch)
            {
                let out = (&mut self.bytes, &mut self.entries);
                extract::entries(index, document, key, &self.shapes, out)?;
            }
            let called_for = self
                .entries
                .iter()
                .any(|expected| self.bytes.get(expected.key()) == Some(entry.key));
            if !called_for {
                self.problem(Some(index), Some(key), "no document calls for the entry".to_owned());
            }
            found = cursor.next()?;
        }
        Ok(())
    }

    fn counter(&mut self, index: Option<&IndexDef>, counter: Counter, actual: u64) -> Result<()> {
        let stored = self.txn.stored_count(counter)?;
        if stored != actual {
            let class = counter.class;
            let message = format!("the count of class {class} is {stored}, not {actual}");
            self.problem(index, None, message);
        }
        Ok(())
    }

    fn generator(&mut self) -> Result<()> {
        let next = stored_number(self.txn, self.store.id)?;
        if self.store.auto_increment && used_up_to(self.largest_number) >= next {
            self.problem(None, None, "the key generator is behind the keys".to_owned());
        }
        Ok(())
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
