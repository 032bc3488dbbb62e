//! Schema operations. Each is to run in a nested transaction: if it fails, that takes its traces
//! away.

use std::sync::Arc;

use super::index_build::{self, Filling};
use super::shared::StoreShared;
use super::state::TxnState;
use super::sweep;
use crate::catalog::Partial;
use crate::catalog::{
    Catalog, IndexCollation, IndexDef, IndexPart, IndexState, KeyPath, KeyScheme, Origin, StoreDef,
    VectorDef, allocate_store_id, meta_key,
};
use crate::collation::Collation;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::FormatRecord;
use crate::storage::envelope::Compression;
use crate::storage::format_flag;
use crate::storage::{Counter, Table, WriteTxn, meta};
use crate::value::FieldPath;
use crate::vector::{Form, GraphOptions};
use crate::wtf8::Wtf8String;

/// A store to create.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreSpec {
    /// Unique in the database.
    pub name: Wtf8String,
    /// Where the primary key is.
    pub key_path: KeyPath,
    /// Whether a key generator makes keys that are not given.
    pub auto_increment: bool,
    /// How keys are made otherwise.
    pub key_scheme: Option<KeyScheme>,
    /// How documents are compressed.
    pub compression: Compression,
    /// Whose rules the store follows.
    pub origin: Origin,
}

/// An index to create.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexSpec {
    /// Unique in the store.
    pub name: Wtf8String,
    /// What is indexed.
    pub parts: Vec<IndexPart>,
    /// Whether a key of the index is an array of the parts' values.
    pub compound: bool,
    /// Whether two documents may not share a key.
    pub unique: bool,
    /// Whether the index shows the elements of an array instead of the array.
    pub multi_entry: bool,
    /// Whether documents that lack every part are left out.
    pub sparse: bool,
    /// Which documents it has; `None`: all.
    pub partial: Option<Partial>,
    /// What its strings are in the order of; `None`: of their code units. The values of `partial`
    /// have to be compared under it, too.
    pub collation: Option<Arc<Collation>>,
    /// Whose rules the index follows.
    pub origin: Origin,
}

/// A vector index to create.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSpec {
    /// Unique among all indexes of the store.
    pub name: Wtf8String,
    /// Where documents have their vectors.
    pub path: FieldPath,
    /// What the vectors are like.
    pub form: Form,
    /// What their graph is like.
    pub graph: GraphOptions,
}

/// An index to create.
#[derive(Debug, Clone, PartialEq)]
pub enum NewIndex {
    /// One of keys.
    Keys(IndexSpec),
    /// One of vectors.
    Vectors(VectorSpec),
}

/// How a store or index is named in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By id.
    Id(u32),
    /// By name.
    Name(Wtf8String),
}

/// When a new index gets its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// At once, in the same transaction.
    Now,
    /// In the background (see `index_build`); until then the index is not ready.
    Later,
}

/// A transaction's catalog, to be changed.
pub struct Schema<'t, 'e, 's> {
    txn: &'t mut WriteTxn<'e>,
    shared: &'s StoreShared,
    state: Arc<TxnState>,
}

impl<'t, 'e, 's> Schema<'t, 'e, 's> {
    /// The schema of a transaction.
    pub fn new(txn: &'t mut WriteTxn<'e>, shared: &'s StoreShared) -> Result<Self> {
        let state = TxnState::of(txn, shared)?;
        Ok(Self { txn, shared, state })
    }

    /// Creates a store; returns its id.
    ///
    /// # Errors
    /// `STORE_EXISTS`; `INVALID_ARGUMENT` for a key generator with a compound or empty key path.
    pub fn create_store(&mut self, spec: StoreSpec) -> Result<u32> {
        check_store(&spec)?;
        self.check_store_name(&spec.name)?;
        let id = allocate_store_id(self.txn)?;
        let store = StoreDef {
            id,
            name: spec.name,
            tree: self.txn.allocate_tree_id()?,
            key_path: spec.key_path,
            auto_increment: spec.auto_increment,
            key_scheme: spec.key_scheme,
            compression: spec.compression,
            origin: spec.origin,
            next_index: 1,
            indexes: Vec::new(),
            vectors: Vec::new(),
        };
        self.put_store(store)?;
        Ok(id)
    }

    /// Sets what the program calls the state of its schema.
    pub fn set_database_version(&mut self, version: u64) -> Result<()> {
        self.edit(|txn, catalog| catalog.put_database_version(txn, version))
    }

    /// Deletes a store with its documents, indexes, shapes and key generator.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub fn delete_store(&mut self, store: &Reference) -> Result<()> {
        let store = self.store(store)?;
        self.sweep_store(&store)?;
        for prefix in [meta_key::shapes(store.id), meta_key::index_builds(store.id)] {
            for (key, _) in meta::scan_records(self.txn, &prefix)? {
                meta::delete_record(self.txn, &key)?;
            }
        }
        meta::delete_record(self.txn, &meta_key::generator(store.id))?;
        self.edit(|txn, catalog| catalog.delete_store(txn, store.id))
    }

    /// Renames a store.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `STORE_EXISTS`.
    pub fn rename_store(&mut self, store: &Reference, name: Wtf8String) -> Result<()> {
        let mut store = self.store(store)?;
        if store.name == name {
            return Ok(());
        }
        self.check_store_name(&name)?;
        store.name = name;
        self.put_store(store)
    }

    /// Deletes all documents of a store, whatever their number: gives the store and its indexes new
    /// trees, and leaves the old ones to the sweeper. The key generator goes on.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub fn clear_store(&mut self, store: &Reference) -> Result<()> {
        let mut store = self.store(store)?;
        if self.txn.count(Counter::entries(store.tree))? == 0 {
            return Ok(());
        }
        self.sweep_store(&store)?;
        store.tree = self.txn.allocate_tree_id()?;
        for index in &mut store.indexes {
            let mut emptied = IndexDef::clone(index);
            emptied.tree = self.txn.allocate_tree_id()?;
            *index = Arc::new(emptied);
        }
        for index in &mut store.vectors {
            let tree = self.txn.allocate_tree_id()?;
            *index = Arc::new(VectorDef { tree, ..VectorDef::clone(index) });
        }
        self.put_store(store)
    }

    /// Creates an index of either sort; returns the ids of the store and the index.
    ///
    /// # Errors
    /// As [`Self::create_index`] and [`Self::create_vector_index`].
    pub fn create(
        &mut self,
        store: &Reference,
        index: NewIndex,
        build: Build,
    ) -> Result<(u32, u32)> {
        match index {
            NewIndex::Keys(spec) => self.create_index(store, spec, build),
            NewIndex::Vectors(spec) => self.create_vector_index(store, spec, build),
        }
    }

    /// Creates an index; returns the ids of the store and the index.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `INDEX_EXISTS`, `INVALID_ARGUMENT`; `UNIQUE_VIOLATION` if documents share
    /// a key.
    pub fn create_index(
        &mut self,
        store: &Reference,
        spec: IndexSpec,
        build: Build,
    ) -> Result<(u32, u32)> {
        let mut store = self.store(store)?;
        check_index(&store, &spec)?;
        check_index_name(&store, &spec.name)?;
        let id = store.next_index;
        let index = Arc::new(IndexDef {
            id,
            name: spec.name,
            tree: self.txn.allocate_tree_id()?,
            parts: spec.parts,
            compound: spec.compound,
            unique: spec.unique,
            multi_entry: spec.multi_entry,
            sparse: spec.sparse,
            partial: spec.partial.map(Arc::new),
            collation: spec.collation.map(IndexCollation::new),
            origin: spec.origin,
            state: if build == Build::Now { IndexState::Ready } else { IndexState::Building },
        });
        if index.partial.is_some() {
            FormatRecord::require(self.txn, format_flag::PARTIAL_INDEXES)?;
        }
        if index.collation.is_some() {
            FormatRecord::require(self.txn, format_flag::COLLATED_INDEXES)?;
        }
        store.next_index += 1;
        store.indexes.push(Arc::clone(&index));
        let store_id = store.id;
        if build == Build::Now {
            let filling = Filling::keys(&index);
            index_build::build_now(self.txn, self.shared, &self.state, &store, filling)?;
        } else {
            index_build::begin(self.txn, store_id, id)?;
        }
        self.put_store(store)?;
        Ok((store_id, id))
    }

    /// Creates a vector index; returns the ids of the store and the index.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `INDEX_EXISTS`, `INVALID_ARGUMENT`; `DIMENSION_MISMATCH`, `VALIDATION`
    /// if a document has something else than such vectors in the field.
    pub fn create_vector_index(
        &mut self,
        store: &Reference,
        spec: VectorSpec,
        build: Build,
    ) -> Result<(u32, u32)> {
        let mut store = self.store(store)?;
        check_index_name(&store, &spec.name)?;
        if let Some(why) = spec.form.fault().or_else(|| spec.graph.fault(spec.form)) {
            let message = format!("index {:?} of store {:?}: {why}", spec.name, store.name);
            return Err(Error::new(ErrorCode::InvalidArgument, message)
                .with_store(store.name.to_string())
                .with_index(spec.name.to_string()));
        }
        FormatRecord::require(self.txn, format_flag::VECTOR_INDEXES)?;
        let VectorSpec { name, path, form, graph } = spec;
        let (id, tree) = (store.next_index, self.txn.allocate_tree_id()?);
        let state = if build == Build::Now { IndexState::Ready } else { IndexState::Building };
        let index = Arc::new(VectorDef { id, name, tree, path, form, graph, state });
        store.next_index += 1;
        store.vectors.push(Arc::clone(&index));
        let store_id = store.id;
        if build == Build::Now {
            let filling = Filling::vectors(&index);
            index_build::build_now(self.txn, self.shared, &self.state, &store, filling)?;
        } else {
            index_build::begin(self.txn, store_id, id)?;
        }
        self.put_store(store)?;
        Ok((store_id, id))
    }

    /// Deletes an index, or cancels its build.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `INDEX_NOT_FOUND`.
    pub fn delete_index(&mut self, store: &Reference, index: &Reference) -> Result<()> {
        let mut store = self.store(store)?;
        let (id, tree) = match find_vectors(&store, index) {
            Some(index) => (index.id, index.tree),
            None => find_index(&store, index).map(|index| (index.id, index.tree))?,
        };
        store.indexes.retain(|other| other.id != id);
        store.vectors.retain(|other| other.id != id);
        sweep::schedule(self.txn, Table::Index, tree)?;
        meta::delete_record(self.txn, &meta_key::index_build(store.id, id))?;
        self.put_store(store)
    }

    /// Renames an index.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `INDEX_NOT_FOUND`, `INDEX_EXISTS`.
    pub fn rename_index(
        &mut self,
        store: &Reference,
        index: &Reference,
        name: Wtf8String,
    ) -> Result<()> {
        let mut store = self.store(store)?;
        if let Some(index) = find_vectors(&store, index) {
            if index.name != name {
                check_index_name(&store, &name)?;
            }
            replace_vectors(&mut store, VectorDef { name, ..VectorDef::clone(&index) });
            return self.put_store(store);
        }
        let index = find_index(&store, index)?;
        if index.name == name {
            return Ok(());
        }
        check_index_name(&store, &name)?;
        self.replace_index(&mut store, IndexDef { name, ..IndexDef::clone(&index) })
    }

    /// Marks an index as built.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `INDEX_NOT_FOUND`.
    pub fn finish_index(&mut self, store: u32, index: u32) -> Result<()> {
        let mut store = self.store(&Reference::Id(store))?;
        let state = IndexState::Ready;
        meta::delete_record(self.txn, &meta_key::index_build(store.id, index))?;
        if let Some(index) = store.vector(index).cloned() {
            replace_vectors(&mut store, VectorDef { state, ..VectorDef::clone(&index) });
            return self.put_store(store);
        }
        let index = find_index(&store, &Reference::Id(index))?;
        self.replace_index(&mut store, IndexDef { state, ..IndexDef::clone(&index) })
    }

    fn replace_index(&mut self, store: &mut StoreDef, index: IndexDef) -> Result<()> {
        for slot in &mut store.indexes {
            if slot.id == index.id {
                *slot = Arc::new(index.clone());
            }
        }
        self.put_store(store.clone())
    }

    fn sweep_store(&mut self, store: &StoreDef) -> Result<()> {
        sweep::schedule(self.txn, Table::Docs, store.tree)?;
        store.index_trees().try_for_each(|tree| sweep::schedule(self.txn, Table::Index, tree))
    }

    fn put_store(&mut self, store: StoreDef) -> Result<()> {
        self.edit(|txn, catalog| catalog.put_store(txn, store))
    }

    fn edit(
        &mut self,
        edit: impl FnOnce(&mut WriteTxn<'_>, &mut Catalog) -> Result<()>,
    ) -> Result<()> {
        let mut catalog = Catalog::clone(&self.state.catalog);
        edit(self.txn, &mut catalog)?;
        self.state.set_catalog(self.txn, catalog);
        self.state = TxnState::of(self.txn, self.shared)?;
        Ok(())
    }

    /// A copy of a store's definition, to be changed.
    fn store(&self, reference: &Reference) -> Result<StoreDef> {
        let catalog = &self.state.catalog;
        let store = match reference {
            Reference::Id(id) => catalog.require_store(*id)?,
            Reference::Name(name) => catalog.store_by_name(name).ok_or_else(|| {
                Error::new(ErrorCode::StoreNotFound, format!("there is no store {name:?}"))
                    .with_store(name.to_string())
            })?,
        };
        Ok(StoreDef::clone(store))
    }

    fn check_store_name(&self, name: &Wtf8String) -> Result<()> {
        if self.state.catalog.store_by_name(name).is_none() {
            return Ok(());
        }
        Err(Error::new(ErrorCode::StoreExists, format!("there is a store {name:?} already"))
            .with_store(name.to_string()))
    }
}

fn find_index(store: &StoreDef, reference: &Reference) -> Result<Arc<IndexDef>> {
    match reference {
        Reference::Id(id) => store.require_index(*id).cloned(),
        Reference::Name(name) => store.index_by_name(name).cloned().ok_or_else(|| {
            Error::new(
                ErrorCode::IndexNotFound,
                format!("store {:?} has no index {name:?}", store.name),
            )
            .with_store(store.name.to_string())
            .with_index(name.to_string())
        }),
    }
}

/// A vector index, if that is what is meant.
fn find_vectors(store: &StoreDef, reference: &Reference) -> Option<Arc<VectorDef>> {
    match reference {
        Reference::Id(id) => store.vector(*id).cloned(),
        Reference::Name(name) => store.vector_by_name(name).cloned(),
    }
}

fn replace_vectors(store: &mut StoreDef, index: VectorDef) {
    for slot in &mut store.vectors {
        if slot.id == index.id {
            *slot = Arc::new(index.clone());
        }
    }
}

fn check_index_name(store: &StoreDef, name: &Wtf8String) -> Result<()> {
    if store.index_by_name(name).is_none() && store.vector_by_name(name).is_none() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::IndexExists,
        format!("store {:?} has an index {name:?} already", store.name),
    )
    .with_store(store.name.to_string())
    .with_index(name.to_string()))
}

fn check_store(spec: &StoreSpec) -> Result<()> {
    let why = match &spec.key_path {
        KeyPath::Compound(paths) if paths.is_empty() => "a compound key path has no parts",
        KeyPath::Compound(_) if spec.auto_increment => {
            "a key generator cannot fill a compound key path"
        }
        KeyPath::Single(path) if spec.auto_increment && path.segments().is_empty() => {
            "a key generator cannot fill the empty key path"
        }
        KeyPath::Compound(_) if spec.key_scheme.is_some() => {
            "made keys cannot fill a compound key path"
        }
        _ if spec.auto_increment && spec.key_scheme.is_some() => {
            "keys come from a key generator or are made otherwise, not both"
        }
        _ => return Ok(()),
    };
    Err(Error::new(ErrorCode::InvalidArgument, format!("store {:?}: {why}", spec.name))
        .with_store(spec.name.to_string()))
}

fn check_index(store: &StoreDef, spec: &IndexSpec) -> Result<()> {
    let foreign = spec.origin == Origin::IndexedDb;
    let why = if spec.parts.is_empty() {
        "it has no key path"
    } else if spec.parts.len() > 1 && !spec.compound {
        "several paths make a compound index"
    } else if spec.multi_entry && spec.compound {
        "multiEntry needs a single key path"
    } else if foreign && spec.parts.iter().any(|part| part.descending) {
        "an IndexedDB index cannot be descending"
    } else if foreign && spec.sparse {
        "an IndexedDB index cannot be sparse"
    } else if foreign && spec.partial.is_some() {
        "an IndexedDB index has all documents"
    } else if foreign && spec.collation.is_some() {
        "an IndexedDB index has no collation"
    } else {
        return Ok(());
    };
    Err(Error::new(
        ErrorCode::InvalidArgument,
        format!("index {:?} of store {:?}: {why}", spec.name, store.name),
    )
    .with_store(store.name.to_string())
    .with_index(spec.name.to_string()))
}
