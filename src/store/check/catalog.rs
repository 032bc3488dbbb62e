//! The records about stores, and who owns which tree.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Problem, ProblemKind, Report};
use crate::catalog::{Catalog, IndexState, meta_key};
use crate::error::{Error, Result};
use crate::storage::meta::{self, tag};
use crate::storage::{ReadTxn, Table, TreeId, envelope, tree};
use crate::store::sweep::pending_sweeps;

/// Checks every record's checksum, that records belong to stores that exist, that ids have been
/// given out, and that each tree has one owner.
pub(super) fn check(txn: &ReadTxn<'_>, catalog: &Catalog, report: &mut Report) {
    let steps = [
        (ProblemKind::Catalog, check_records(txn, catalog, report)),
        (ProblemKind::TreeOwner, check_trees(txn, catalog, report)),
    ];
    for (kind, result) in steps {
        if let Err(error) = result {
            report.add(Problem::new(kind, error.to_string()));
        }
    }
}

/// The records that the catalog itself has not looked at.
fn check_records(txn: &ReadTxn<'_>, catalog: &Catalog, report: &mut Report) -> Result<()> {
    let mut scratch = Vec::new();
    let mut cursor = meta::TREE.cursor(txn)?;
    let mut found = cursor.first()?;
    let mut previous: Option<Vec<u8>> = None;
    let mut building: BTreeSet<(u32, u32)> = catalog
        .stores()
        .flat_map(|store| {
            let building = |(_, state): &(u32, IndexState)| *state == IndexState::Building;
            store.index_states().filter(building).map(|(index, _)| (store.id, index))
        })
        .collect();
    while let Some(entry) = found {
        let mut add = |kind, message: String| report.add(Problem::new(kind, message));
        let name = entry.key.escape_ascii().to_string();
        if previous.as_deref().is_some_and(|previous| previous >= entry.key) {
            add(ProblemKind::KeyOrder, format!("the record {name} is out of order"));
        }
        match envelope::open(meta::TREE.id, entry.key, entry.value, &mut scratch) {
            Err(error) => add(ProblemKind::Checksum, format!("the record {name}: {error}")),
            Ok(_) => {
                if let Some(what) = misplaced(catalog, entry.key, &mut building) {
                    add(ProblemKind::Catalog, format!("the record {name} {what}"));
                }
            }
        }
        previous = Some(entry.key.to_vec());
        found = cursor.next()?;
    }
    for (store, index) in building {
        let message = format!("the build of index {index} of store {store} has no record");
        report.add(Problem::new(ProblemKind::Catalog, message));
    }
    check_next_ids(txn, catalog)
}

/// What is wrong with a record's being there. Notes the builds that have theirs.
fn misplaced(
    catalog: &Catalog,
    key: &[u8],
    building: &mut BTreeSet<(u32, u32)>,
) -> Option<&'static str> {
    let has_store = |id: Option<u32>| id.is_some_and(|id| catalog.store(id).is_some());
    let store = || key.get(1..5)?.try_into().ok().map(u32::from_be_bytes);
    let is_right = match key.first().copied()? {
        tag::FORMAT | tag::CATALOG_VERSION | tag::DATABASE_VERSION => key.len() == 1,
        tag::NEXT_TREE_ID | tag::NEXT_STORE_ID => key.len() == 1,
        tag::STORE => meta_key::store_id(key).is_some(),
        tag::GENERATOR => key.len() == 5 && has_store(store()),
        tag::SHAPE => meta_key::shape_id(key).is_some() && has_store(store()),
        meta_key::INDEX_BUILD => {
            let Some(ids) = meta_key::index_build_ids(key) else { return Some("is malformed") };
            building.remove(&ids);
            let mut indexes =
                catalog.store(ids.0).into_iter().flat_map(|store| store.index_states());
            // A stale index may have been stale before its build had ended.
            indexes.any(|(index, state)| index == ids.1 && state != IndexState::Ready)
        }
        tag::ROOM => false,
        // Those of the sweeper and counters are looked at with the trees, spaces by themselves;
        // what a later version has added is none of ours.
        _ => true,
    };
    (!is_right).then_some("belongs to nothing")
}

/// Ids are never reused: the next ones are above all that are in use.
fn check_next_ids(txn: &ReadTxn<'_>, catalog: &Catalog) -> Result<()> {
    let next_tree = meta::get_u64(txn, &[tag::NEXT_TREE_ID])?.unwrap_or(1);
    let next_store = meta::get_u64(txn, &[tag::NEXT_STORE_ID])?.unwrap_or(1);
    for store in catalog.stores() {
        let mut trees = store.index_trees().chain([store.tree]);
        if trees.any(|tree| tree.0 >= next_tree) || u64::from(store.id) >= next_store {
            return Err(Error::corrupt(format!(
                "the ids of store {:?} would be given out again",
                store.name
            )));
        }
    }
    Ok(())
}

/// No tree may have two owners, none in use may be waiting for the sweeper, and none with content
/// may be without.
fn check_trees(txn: &ReadTxn<'_>, catalog: &Catalog, report: &mut Report) -> Result<()> {
    let mut owners: BTreeMap<TreeId, (Table, String)> = BTreeMap::new();
    let mut own = |tree: TreeId, table: Table, owner: String| {
        let message = owners
            .get(&tree)
            .map(|(_, other)| format!("tree {} belongs to {other} and {owner}", tree.0));
        owners.insert(tree, (table, owner));
        message.into_iter().for_each(|message| {
            report.add(Problem::new(ProblemKind::TreeOwner, message));
        });
    };
    for store in catalog.stores() {
        own(store.tree, Table::Docs, format!("store {:?}", store.name));
        for index in &store.indexes {
            let owner = format!("index {:?} of store {:?}", index.name, store.name);
            own(index.tree, Table::Index, owner);
        }
        for index in &store.vectors {
            let owner = format!("vector index {:?} of store {:?}", index.name, store.name);
            own(index.tree, Table::Index, owner);
        }
    }
    for tree in pending_sweeps(txn)? {
        own(tree.id, tree.table, "the sweeper".to_owned());
    }
    let mut ownerless = |what: String| {
        let message = format!("{what}, which nothing owns");
        report.add(Problem::new(ProblemKind::TreeOwner, message));
    };
    for table in [Table::Docs, Table::Index] {
        for id in tree::ids(txn, table)? {
            if owners.get(&id).is_none_or(|(owned, _)| *owned != table) {
                let place = table.name().to_string_lossy();
                ownerless(format!("there are entries of tree {} in {place}", id.0));
            }
        }
    }
    for (key, _) in meta::scan_records(txn, &[tag::COUNT])? {
        let tree = key.get(1..).and_then(TreeId::read).map(|(tree, _)| tree);
        if tree.is_none_or(|tree| !owners.contains_key(&tree)) {
            ownerless(format!("there is a counter of tree {}", tree.map_or(0, |tree| tree.0)));
        }
    }
    Ok(())
}
