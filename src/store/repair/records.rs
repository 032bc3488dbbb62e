//! What is left of the records: stores, shapes, key generators, spaces.
//!
//! Records that never change once they are written (shapes, that a tree was dropped) are good
//! wherever they are found, on free pages, too. Of the others the one counts whose page belongs to
//! the newest state, and one of an older state only if there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::report::RepairReport;
use crate::catalog::{
    IndexCollation, IndexDef, IndexState, StoreDef, VectorDef, meta_key, record::decode_store,
};
use crate::error::Result;
use crate::storage::data_file::{Found, Remains, Trust};
use crate::storage::meta::{self, tag};
use crate::storage::{Care, FormatRecord, Table, TreeId, envelope, tree};
use crate::store::check::ProblemKind;

/// Records, by key, each with where it was found.
#[derive(Default)]
pub(super) struct Records {
    found: BTreeMap<Vec<u8>, (Rank, Vec<u8>)>,
    /// Whether all of them are there.
    pub(super) is_whole: bool,
    /// The format record of a sealed database, which does not stand among the others.
    in_clear: Option<FormatRecord>,
}

/// How good a record is: certain ones first.
type Rank = (Trust, bool);

impl Records {
    /// Reads them.
    pub(super) fn read(
        remains: &mut dyn Remains,
        care: &dyn Care,
        report: &mut RepairReport,
    ) -> Result<Self> {
        let mut records = Self { is_whole: remains.is_whole(Table::Meta), ..Self::default() };
        let mut damaged = BTreeSet::new();
        let mut take = |found: Found<'_>| records.take(&found, &mut damaged);
        remains.visit_reached(Table::Meta, care, "records", &mut take)?;
        // Of a sealed database, copies of the records in clear.
        remains.visit_reached(Table::Log, care, "records", &mut take)?;
        // A key that is damaged does not tell which record it was.
        if !remains.is_whole(Table::Meta) || !damaged.is_empty() {
            let mut take = |found: Found<'_>| records.take(&found, &mut damaged);
            remains.visit_others(Trust::Orphan, care, "records", &mut take)?;
            remains.visit_others(Trust::Stale, care, "records", &mut take)?;
        }
        for key in damaged {
            let is_saved =
                records.found.get(&key).is_some_and(|((trust, _), _)| *trust != Trust::Stale);
            if !is_saved {
                records.is_whole = false;
                let name = key.escape_ascii();
                report.note(ProblemKind::Checksum, format!("the record {name} is damaged"));
            }
        }
        Ok(records)
    }

    /// Takes an entry, if it is a record.
    fn take(&mut self, found: &Found<'_>, damaged: &mut BTreeSet<Vec<u8>>) -> Result<bool> {
        let mut is_record = false;
        let (Some((TreeId(0), key)), Some(value)) = (TreeId::read(found.key), found.value) else {
            return Ok(found.is_entry);
        };
        let mut scratch = Vec::new();
        match envelope::open(meta::TREE.id, key, value, &mut scratch) {
            Ok(payload) => {
                is_record = true;
                let rank = (found.trust, !found.may_be_old);
                let known = self.found.get(key);
                let is_better = known.is_none_or(|(other, known)| {
                    *other < rank || *other == rank && is_later(key, payload, known)
                });
                if is_better {
                    self.found.insert(key.to_vec(), (rank, payload.to_vec()));
                }
            }
            Err(_) if found.is_entry && found.trust == Trust::Reached => {
                damaged.insert(key.to_vec());
            }
            Err(_) => {}
        }
        Ok(is_record || found.is_entry)
    }

    /// A record of the newest state.
    fn current(&self, key: &[u8]) -> Option<&[u8]> {
        let ((trust, is_sure), payload) = self.found.get(key)?;
        (*trust != Trust::Stale && *is_sure).then_some(payload)
    }

    fn any(&self, key: &[u8]) -> Option<&[u8]> {
        self.found.get(key).map(|(_, payload)| payload.as_slice())
    }

    /// The records whose keys begin with `prefix`.
    fn all<'r>(&'r self, prefix: &'r [u8]) -> impl Iterator<Item = (&'r [u8], Rank, &'r [u8])> {
        self.found
            .range(prefix.to_vec()..)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, (rank, payload))| (key.as_slice(), *rank, payload.as_slice()))
    }

    /// A number of the newest state.
    pub(super) fn number(&self, key: &[u8]) -> Option<u64> {
        Some(u64::from_le_bytes(self.current(key)?.try_into().ok()?))
    }

    /// A number, of whatever state.
    pub(super) fn any_number(&self, key: &[u8]) -> Option<u64> {
        Some(u64::from_le_bytes(self.any(key)?.try_into().ok()?))
    }

    /// The format record.
    pub(super) fn format(&self) -> Option<FormatRecord> {
        if self.in_clear.is_some() {
            return self.in_clear;
        }
        FormatRecord::decode(self.any(&[tag::FORMAT])?).ok()
    }

    /// These, of a sealed database with that format record.
    pub(super) fn of_sealed(self, format: FormatRecord) -> Self {
        Self { in_clear: Some(format), ..self }
    }

    /// What the keys of the spaces of a sealed database are derived from.
    pub(super) fn space_key(&self) -> Option<&[u8]> {
        self.any(&[tag::SPACE_KEY])
    }

    /// What they were derived from before, if some still are.
    pub(super) fn last_space_key(&self) -> Option<&[u8]> {
        self.any(&[tag::LAST_SPACE_KEY])
    }

    /// Whether they are those of a sealed database, in clear.
    pub(super) fn are_in_clear(&self) -> bool {
        self.any(&[tag::KEYS]).is_some() || self.format().is_some_and(|format| format.is_sealed())
    }

    /// Trees that were dropped.
    pub(super) fn dropped(&self) -> BTreeSet<TreeId> {
        self.all(&[tag::SWEEP]).filter_map(|(key, ..)| meta_key::sweep_tree(key)).collect()
    }

    /// The shapes of a store: keys and payloads.
    pub(super) fn shapes(&self, store: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        let prefix = meta_key::shapes(store);
        let owned = |(key, _, payload): (&[u8], Rank, &[u8])| (key.to_vec(), payload.to_vec());
        self.all(&prefix).map(owned).collect()
    }

    /// Stores that have shapes.
    pub(super) fn stores_with_shapes(&self) -> BTreeSet<u32> {
        let store = |(key, ..): (&[u8], Rank, &[u8])| {
            Some(u32::from_be_bytes(key.get(1..5)?.try_into().ok()?))
        };
        self.all(&[tag::SHAPE]).filter_map(store).collect()
    }

    /// Spaces: keys of their records, and the names of their directories.
    pub(super) fn spaces(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let spaces = self.all(&[tag::SPACE]);
        spaces.map(|(key, _, payload)| (key.to_vec(), payload.to_vec())).collect()
    }

    /// The stores, with indexes that are to be built anew. One that only an older state knows is
    /// taken if `is_used` says that there are documents of its tree.
    pub(super) fn stores(
        &self,
        report: &mut RepairReport,
        is_used: impl Fn(TreeId) -> bool,
    ) -> Vec<StoreDef> {
        let mut stores: Vec<StoreDef> = Vec::new();
        for (key, (trust, is_sure), payload) in self.all(&[tag::STORE]) {
            let Some(store) = meta_key::store_id(key).map(|id| decode_store(id, payload)) else {
                continue;
            };
            let mut store = match store {
                Ok(store) => store,
                Err(error) => {
                    report.note(ProblemKind::Catalog, error.to_string());
                    continue;
                }
            };
            let is_current = trust != Trust::Stale && is_sure;
            if !is_current {
                if !is_used(store.tree) {
                    continue;
                }
                let message = format!(
                    "the record of store {:?} is lost; an older one is used, which may lack later \
                     changes of its indexes",
                    store.name
                );
                report.note(ProblemKind::Catalog, message);
            }
            while stores.iter().any(|other| other.name == store.name) {
                let name = format!("{} (recovered)", store.name);
                store.name = name.as_str().into();
            }
            for index in &mut store.indexes {
                *index = Arc::new(to_be_built(index));
            }
            for index in &mut store.vectors {
                let state = IndexState::Building;
                *index = Arc::new(VectorDef { state, ..VectorDef::clone(index) });
            }
            stores.push(store);
        }
        stores
    }
}

/// An index as it is when its build begins.
fn to_be_built(index: &IndexDef) -> IndexDef {
    let collation =
        index.collation.as_ref().map(|collation| IndexCollation::new(Arc::clone(&collation.order)));
    IndexDef { state: IndexState::Building, collation, ..index.clone() }
}

/// Whether a record of an older state is a later one than another: of stores, the one with more
/// indexes made so far; of numbers that grow, the higher one.
fn is_later(key: &[u8], payload: &[u8], known: &[u8]) -> bool {
    let number = |payload: &[u8]| payload.try_into().map(u64::from_le_bytes).unwrap_or(0);
    match key.first().copied() {
        Some(tag::STORE) => {
            let made = |payload: &[u8]| {
                let store = meta_key::store_id(key).map(|id| decode_store(id, payload));
                store.and_then(Result::ok).map_or(0, |store| store.next_index)
            };
            made(payload) > made(known)
        }
        Some(
            tag::GENERATOR
            | tag::NEXT_STORE_ID
            | tag::NEXT_TREE_ID
            | tag::CATALOG_VERSION
            | tag::DATABASE_VERSION,
        ) => number(payload) > number(known),
        _ => false,
    }
}

/// The tree, key and value of what was found, or of each entry of a bucket; `false` if it is none.
pub(super) fn apart(
    found: &Found<'_>,
    visit: impl FnMut(TreeId, &[u8], &[u8]) -> Result<()>,
) -> Result<bool> {
    match found.value {
        Some(value) => tree::take_apart(found.key, value, visit),
        None => Ok(false),
    }
}
