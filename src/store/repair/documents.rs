//! What is left of the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::records::{Records, apart};
use super::report::{RepairReport, RepairedStore};
use crate::catalog::{IndexDef, KeyPath, Origin, StoreDef};
use crate::error::{Error, Result};
use crate::key;
use crate::storage::data_file::{Found, Remains, Trust};
use crate::storage::envelope::{self, Compression};
use crate::storage::meta::{self, tag};
use crate::storage::{Care, Counter, NewDatabase, Table, TreeId};
use crate::store::check::{Problem, ProblemKind};
use crate::store::entry;
use crate::store::extract;
use crate::store::generator::{LAST, used_up_to};
use crate::store::shapes::read_names;
use crate::store::vectors::DOCUMENT;
use crate::value::{self, NoShapes, ShapeTable, validate};

/// Bytes of documents that are written in one transaction.
const BATCH: usize = 8 << 20;
/// How many keys of documents that may be lost are kept of a store.
const MAX_MISSING: usize = 100_000;

/// The documents that are being saved.
pub(super) struct Documents<'a> {
    database: &'a NewDatabase,
    care: &'a dyn Care,
    report: &'a mut RepairReport,
    stores: BTreeMap<TreeId, Saving>,
    /// The trees of indexes, with those of their stores.
    indexes: BTreeMap<TreeId, (TreeId, Arc<IndexDef>)>,
    /// The trees of vector indexes, and of the documents that they are about.
    vectors: BTreeMap<TreeId, TreeId>,
    dropped: BTreeSet<TreeId>,
    pending: Vec<Saved>,
    pending_bytes: usize,
    scratch: Vec<u8>,
}

/// A store whose documents are being saved.
struct Saving {
    store: StoreDef,
    shapes: ShapeTable,
    /// How many documents there were.
    expected: Option<u64>,
    /// The next number of the key generator.
    next: u64,
    documents: u64,
    uncertain: u64,
    /// Keys of documents that may be lost.
    missing: BTreeSet<Vec<u8>>,
}

/// A document that is to be written.
struct Saved {
    tree: TreeId,
    key: Vec<u8>,
    envelope: Vec<u8>,
    is_certain: bool,
}

impl<'a> Documents<'a> {
    pub(super) fn new(
        remains: &mut dyn Remains,
        records: &Records,
        database: &'a NewDatabase,
        care: &'a dyn Care,
        report: &'a mut RepairReport,
    ) -> Result<Self> {
        let dropped = records.dropped();
        // Which trees have documents matters only if records are lost.
        let used = if records.is_whole { BTreeSet::new() } else { used_trees(remains, care)? };
        let is_used = |tree: TreeId| used.contains(&tree) && !dropped.contains(&tree);
        let mut stores = records.stores(report, is_used);
        let known: BTreeSet<_> = stores.iter().map(|store| store.tree).collect();
        let unowned = used.iter().filter(|tree| !known.contains(tree) && is_used(**tree));
        for tree in unowned.copied().collect::<Vec<_>>() {
            // The entries of an index have no checksum, so this is no index.
            stores.push(nameless(tree, records, &stores, report));
        }
        let mut this = Self {
            database,
            care,
            report,
            stores: BTreeMap::new(),
            indexes: BTreeMap::new(),
            vectors: BTreeMap::new(),
            dropped,
            pending: Vec::new(),
            pending_bytes: 0,
            scratch: Vec::new(),
        };
        for store in stores {
            for index in &store.indexes {
                this.indexes.insert(index.tree, (store.tree, Arc::clone(index)));
            }
            for index in &store.vectors {
                this.vectors.insert(index.tree, store.tree);
            }
            let count = [&[tag::COUNT], &*store.tree.prefix(), &[0]].concat();
            let generator = crate::catalog::meta_key::generator(store.id);
            let saving = Saving {
                shapes: this.shapes(records, &store),
                // A counter is written with the first document.
                expected: records.number(&count).or(records.is_whole.then_some(0)),
                next: records.any_number(&generator).unwrap_or(1).clamp(1, LAST + 1),
                documents: 0,
                uncertain: 0,
                missing: BTreeSet::new(),
                store,
            };
            this.stores.insert(saving.store.tree, saving);
        }
        Ok(this)
    }

    fn shapes(&mut self, records: &Records, store: &StoreDef) -> ShapeTable {
        let mut shapes = ShapeTable::new();
        for (key, payload) in records.shapes(store.id) {
            let names =
                value::decode(&payload, &NoShapes).ok().and_then(|names| read_names(&names));
            let added = crate::catalog::meta_key::shape_id(&key)
                .zip(names)
                .ok_or_else(|| Error::corrupt("a shape is malformed"))
                .and_then(|(id, names)| shapes.add(id, names));
            if let Err(error) = added {
                self.report.add(Problem {
                    store: Some(store.name.to_string()),
                    ..Problem::new(ProblemKind::Catalog, error.to_string())
                });
            }
        }
        shapes
    }

    /// Writes all that can be read: what belongs to the newest state for certain comes first, what
    /// is left of entries that were removed comes last.
    pub(super) fn save(&mut self, remains: &mut dyn Remains) -> Result<()> {
        let (care, knows_free) = (self.care, remains.knows_free_pages());
        let mut take = |found: Found<'_>| self.take(&found, knows_free);
        remains.visit_reached(Table::Docs, care, "documents", &mut take)?;
        self.save_others(Trust::Orphan, remains)?;
        // The last commit may have written what is missing; and what is older is better than
        // nothing.
        if !remains.knows_newest() && self.may_lack() {
            self.save_others(Trust::Stale, remains)?;
        }
        Ok(())
    }

    fn save_others(&mut self, trust: Trust, remains: &mut dyn Remains) -> Result<()> {
        let (care, knows_free) = (self.care, remains.knows_free_pages());
        for may_be_old in [false, true] {
            let mut take = |found: Found<'_>| {
                Ok(found.may_be_old == may_be_old && self.take(&found, knows_free)?)
            };
            remains.visit_others(trust, care, "documents", &mut take)?;
        }
        self.flush()
    }

    /// Whether there may have been documents that were not found.
    fn may_lack(&self) -> bool {
        self.stores.values().any(|saving| saving.lost() != Some(0) || !saving.missing.is_empty())
    }

    /// Takes a part of a page: true if it is an entry.
    fn take(&mut self, found: &Found<'_>, knows_free: bool) -> Result<bool> {
        let mut is_valid = false;
        let is_certain = match found.trust {
            Trust::Reached => true,
            Trust::Orphan => knows_free && !found.may_be_old,
            Trust::Stale => false,
        };
        let is_whole = apart(found, |tree, key, value| {
            is_valid |= self.entry(tree, key, value, found.is_entry, is_certain)?;
            Ok(())
        })?;
        if !is_whole && found.is_entry {
            let message = "a value, or a bucket of long keys, cannot be read";
            self.report.note(ProblemKind::Checksum, message);
            self.miss(found);
        }
        Ok(is_valid)
    }

    /// A large value cannot be read, but its key can.
    fn miss(&mut self, found: &Found<'_>) {
        if let Some((tree, key)) = TreeId::read(found.key)
            && let Some(saving) = self.stores.get_mut(&tree)
        {
            saving.miss(key);
        }
    }

    /// Takes an entry of a logical tree: true if it is one for certain.
    fn entry(
        &mut self,
        tree: TreeId,
        key: &[u8],
        envelope: &[u8],
        is_entry: bool,
        is_certain: bool,
    ) -> Result<bool> {
        if self.indexes.contains_key(&tree) || self.vectors.contains_key(&tree) {
            return Ok(is_entry);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let opened = envelope::open(tree, key, envelope, &mut scratch);
        let is_valid = opened.is_ok();
        let kept = match (opened, self.stores.get_mut(&tree)) {
            (Ok(document), Some(saving)) => match saving.accept(key, document) {
                Ok(()) => true,
                Err(problem) => {
                    saving.miss(key);
                    self.report.add(*problem);
                    false
                }
            },
            (Err(error), Some(saving)) if is_entry => {
                if key::validate_key(key).is_ok() {
                    saving.miss(key);
                    self.report.add(saving.problem(ProblemKind::Checksum, key, error.to_string()));
                }
                false
            }
            _ => false,
        };
        self.scratch = scratch;
        if kept && !self.dropped.contains(&tree) {
            self.pending_bytes += key.len() + envelope.len();
            self.pending.push(Saved {
                tree,
                key: key.to_vec(),
                envelope: envelope.to_vec(),
                is_certain,
            });
            if self.pending_bytes > BATCH {
                self.flush()?;
            }
        }
        Ok(is_valid)
    }

    /// Writes what has come together; what is there already stays.
    fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let stores = &mut self.stores;
        self.database.write(|txn| {
            for Saved { tree, key, envelope, is_certain } in pending {
                let documents = entry::documents(tree);
                if documents.get(txn, &key)?.is_some() {
                    continue;
                }
                documents.put(txn, &key, &envelope)?;
                txn.add_count(Counter::entries(tree), 1);
                if let Some(saving) = stores.get_mut(&tree) {
                    saving.documents += 1;
                    saving.uncertain += u64::from(!is_certain);
                    if let Some(number) = key::as_number(&key) {
                        saving.next = saving.next.max(used_up_to(number) + 1);
                    }
                }
            }
            Ok(())
        })
    }

    /// Tells what became of the stores; returns them, with the next numbers of their generators.
    pub(super) fn finish(
        mut self,
        remains: &mut dyn Remains,
        described: usize,
    ) -> Result<Vec<(StoreDef, u64)>> {
        if self.may_lack() {
            self.look_for_missing(remains)?;
        }
        let mut stores = Vec::new();
        for (tree, mut saving) in std::mem::take(&mut self.stores) {
            let documents = entry::documents(tree);
            let missing = std::mem::take(&mut saving.missing);
            let lost_keys: BTreeSet<_> = self.database.read(|txn| {
                let mut lost = BTreeSet::new();
                for key in missing {
                    if documents.get(txn, &key)?.is_none() {
                        lost.insert(key);
                    }
                }
                Ok(lost)
            })?;
            let known = lost_keys.len() as u64;
            let lost = saving.lost().map(|lost| lost.max(known));
            if lost != Some(0) {
                let message = match lost {
                    Some(lost) => format!("documents that are lost, or may be: {lost}"),
                    None => "how many documents there were is not known".to_owned(),
                };
                self.report.add(Problem {
                    store: Some(saving.store.name.to_string()),
                    ..Problem::new(ProblemKind::Count, message)
                });
            }
            self.report.stores.push(RepairedStore {
                space: self.report.space.clone(),
                name: saving.store.name.clone(),
                documents: saving.documents,
                uncertain: saving.uncertain,
                lost,
                lost_keys: lost_keys.into_iter().take(described).collect(),
            });
            stores.push((saving.store, saving.next));
        }
        Ok(stores)
    }

    /// Looks in the indexes for documents that are not there.
    fn look_for_missing(&mut self, remains: &mut dyn Remains) -> Result<()> {
        let care = self.care;
        let (stores, indexes, vectors) = (&mut self.stores, &self.indexes, &self.vectors);
        let database = self.database;
        let mut look = |found: Found<'_>| {
            let mut is_known = false;
            apart(&found, |tree, entry_key, _| {
                let (documents, key) = match (indexes.get(&tree), vectors.get(&tree)) {
                    (Some((documents, index)), _) => {
                        (documents, entry::split(index, entry_key).ok().map(|(_, key)| key))
                    }
                    (None, Some(documents)) => (documents, entry_key.strip_prefix(&[DOCUMENT])),
                    (None, None) => return Ok(()),
                };
                is_known = true;
                let Some(key) = key else { return Ok(()) };
                if !found.is_entry || key::validate_key(key).is_err() {
                    return Ok(());
                }
                let tree = entry::documents(*documents);
                let is_there = database.read(|txn| Ok(tree.get(txn, key)?.is_some()))?;
                if !is_there && let Some(saving) = stores.get_mut(documents) {
                    saving.miss(key);
                }
                Ok(())
            })?;
            Ok(is_known && found.is_entry)
        };
        remains.visit_reached(Table::Index, care, "lost documents", &mut look)?;
        if remains.knows_free_pages() {
            remains.visit_others(Trust::Orphan, care, "lost documents", &mut look)?;
        }
        Ok(())
    }
}

impl Saving {
    /// Checks a document whose checksum is right.
    fn accept(&self, key: &[u8], document: &[u8]) -> Result<(), Box<Problem>> {
        let refused =
            |kind, error: Error| Box::new(self.problem(kind, key, error.message().to_owned()));
        key::validate_key(key).map_err(|error| refused(ProblemKind::Key, error))?;
        validate(document, &self.shapes).map_err(|error| refused(ProblemKind::Document, error))?;
        if self.store.key_path == KeyPath::None {
            return Ok(());
        }
        let mut inside = Vec::new();
        extract::primary_key(&self.store, document, &self.shapes, &mut inside)
            .map_err(|error| refused(ProblemKind::Key, error))?;
        if inside != key {
            let error = Error::corrupt("the document has another key inside");
            return Err(refused(ProblemKind::Key, error));
        }
        Ok(())
    }

    fn problem(&self, kind: ProblemKind, key: &[u8], message: String) -> Problem {
        Problem {
            store: Some(self.store.name.to_string()),
            key: Some(key.to_vec()),
            ..Problem::new(kind, message)
        }
    }

    /// Takes note of a document that may be lost.
    fn miss(&mut self, key: &[u8]) {
        if self.missing.len() < MAX_MISSING {
            self.missing.insert(key.to_vec());
        }
    }

    /// How many documents are not there for certain.
    fn lost(&self) -> Option<u64> {
        let certain = self.documents - self.uncertain;
        self.expected.map(|expected| expected.saturating_sub(certain))
    }
}

/// The trees that documents are found of.
fn used_trees(remains: &mut dyn Remains, care: &dyn Care) -> Result<BTreeSet<TreeId>> {
    let mut used = BTreeSet::new();
    let mut look = |found: Found<'_>| {
        let mut is_valid = false;
        apart(&found, |tree, key, value| {
            if tree != meta::TREE.id && envelope::check(tree, key, value).is_ok() {
                is_valid = true;
                used.insert(tree);
            }
            Ok(())
        })?;
        Ok(is_valid)
    };
    remains.visit_reached(Table::Docs, care, "stores", &mut look)?;
    remains.visit_others(Trust::Orphan, care, "stores", &mut look)?;
    Ok(used)
}

/// A store for documents of a tree whose own store is not known.
fn nameless(
    tree: TreeId,
    records: &Records,
    stores: &[StoreDef],
    report: &mut RepairReport,
) -> StoreDef {
    let is_known = |id: &u32| stores.iter().any(|store| store.id == *id);
    // Shapes without a store are those of the lost one, if there is one such.
    let mut lost = records.stores_with_shapes().into_iter().filter(|id| !is_known(id));
    let highest = stores.iter().map(|store| store.id).max().unwrap_or(0);
    let id = match (lost.next(), lost.next()) {
        (Some(id), None) => id,
        (Some(id), Some(other)) => id.max(other).max(highest) + 1,
        _ => highest + 1,
    };
    let name = format!("recovered-{}", tree.0);
    let message = "the record of a store is lost; its documents are in a store of this name, with \
                   keys apart and without indexes";
    report
        .add(Problem { store: Some(name.clone()), ..Problem::new(ProblemKind::Catalog, message) });
    StoreDef {
        id,
        name: name.as_str().into(),
        tree,
        key_path: KeyPath::None,
        auto_increment: false,
        key_scheme: None,
        compression: Compression::None,
        origin: Origin::Native,
        next_index: 1,
        indexes: Vec::new(),
        vectors: Vec::new(),
    }
}
