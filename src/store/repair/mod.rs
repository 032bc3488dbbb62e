//! Repair: what can be read of a damaged database becomes a new one.
//!
//! The damaged file is read page by page with ordinary reads and never mapped, so nothing in it can
//! crash the process, and it is not written to. Documents are taken over as they are stored, each
//! with its checksum; indexes and counts are made anew from them.

mod documents;
mod records;
mod report;

use std::path::Path;

pub use self::report::{RepairReport, RepairedStore};

use self::documents::Documents;
use self::records::Records;
use super::check::{Problem, ProblemKind, Report, check_content};
use super::failure::{Failure, nested};
use super::index_build;
use super::schema::{Reference, Schema};
use super::shared::StoreShared;
use crate::catalog::StoreDef;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::data_file::{Remains, Salvage};
use crate::storage::sealed::SealedSalvage;
use crate::storage::{
    Care, Encryption, Exclusive, NewDatabase, NewDirectory, data_file_of, encryption_of_spaces,
    exclusively, meta,
};
use crate::wtf8::Wtf8String;

/// How a database is repaired.
#[derive(Debug, Clone)]
pub struct RepairOptions {
    /// Whether its spaces are repaired along.
    pub with_spaces: bool,
    /// How many problems, and lost keys of each store, are described.
    pub described: usize,
    /// What unlocks it, if it is sealed. The new one is sealed with the same keys.
    pub encryption: Option<Encryption>,
}

/// Documents that a step of an index build takes in.
const STEP_DOCUMENTS: usize = 100_000;

/// Makes a new database at `to`, which must not exist or be an empty directory, of what can be read
/// of the one at `from`, which stays as it is.
///
/// # Errors
/// `DATABASE_NOT_FOUND`, `NOT_A_DATABASE`, `ENCRYPTED`, `NOT_ENCRYPTED`, `WRONG_KEY`; `CORRUPT` if
/// the records of its keys are lost; `INCOMPATIBLE_VERSION`, `DATABASE_EXISTS`, `BUSY` if the
/// damaged database is open, `ABORTED`, `DISK_FULL`, `PERMISSION`, `IO`.
pub fn repair(
    from: &Path,
    to: &Path,
    options: RepairOptions,
    care: &dyn Care,
) -> Result<RepairReport> {
    if !data_file_of(from).is_file() {
        let message = format!("there is no database at {}", from.display());
        return Err(
            Error::new(ErrorCode::DatabaseNotFound, message).with_path(from.display().to_string())
        );
    }
    let directory = NewDirectory::create(to)?;
    let mut report = RepairReport { described: options.described, ..RepairReport::default() };
    exclusively(from, |exclusive| {
        let own = (options.encryption.as_slice(), options.with_spaces);
        let work = One { from, to: directory.path(), care, described: options.described };
        work.finish(exclusive, own.0, &mut report)?;
        work.repair(own, &mut report, |name, space, encryptions, report| {
            let inside = Path::new("spaces").join(name);
            let from = from.join(&inside);
            if !data_file_of(&from).is_file() {
                return Ok(false);
            }
            let to = directory.create_inside(&inside)?;
            report.space = Some(space.clone());
            let work = One { from: &from, to: &to, care, described: options.described };
            let repaired = exclusively(&from, |exclusive| {
                work.finish(exclusive, encryptions, report)?;
                work.repair((encryptions, false), report, |_, _, _, _| Ok(false))
            });
            report.space = None;
            match repaired {
                Err(error) if is_hopeless(&error) => {
                    let message = format!("the space {space:?} is lost: {error}");
                    report.note(ProblemKind::Space, message);
                    drop(std::fs::remove_dir_all(&to));
                    Ok(false)
                }
                repaired => repaired.map(|()| true),
            }
        })
    })?;
    directory.finish()?;
    Ok(report)
}

/// Whether an index cannot be built since documents are not as it needs them.
fn is_about_documents(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::UniqueViolation | ErrorCode::DimensionMismatch | ErrorCode::Validation
    )
}

/// Whether nothing of a space can be saved. The others can be all the same.
fn is_hopeless(error: &Error) -> bool {
    let is_locked = matches!(
        error.code(),
        ErrorCode::WrongKey | ErrorCode::Encrypted | ErrorCode::NotEncrypted
    );
    let is_lost = matches!(
        error.code(),
        ErrorCode::NotADatabase | ErrorCode::IncompatibleVersion | ErrorCode::Corrupt
    );
    is_locked || is_lost
}

/// Repairs the space of a directory and a name, with what may unlock it; false if there is nothing.
trait RepairSpace: FnMut(&str, &Wtf8String, &[Encryption], &mut RepairReport) -> Result<bool> {}

impl<F> RepairSpace for F where
    F: FnMut(&str, &Wtf8String, &[Encryption], &mut RepairReport) -> Result<bool>
{
}

/// One environment: the database itself, or a space.
struct One<'a> {
    from: &'a Path,
    to: &'a Path,
    care: &'a dyn Care,
    described: usize,
}

impl One<'_> {
    /// Takes in what the journal has of the last writes, as an open would.
    fn finish(
        &self,
        exclusive: &Exclusive<'_>,
        encryptions: &[Encryption],
        report: &mut RepairReport,
    ) -> Result<()> {
        match exclusive.finish(self.from, encryptions) {
            Err(error) if matches!(error.code(), ErrorCode::Corrupt | ErrorCode::NotADatabase) => {
                let message = format!("the last writes, which the journal has, are lost: {error}");
                report.note(ProblemKind::Page, message);
                Ok(())
            }
            // That is said of the whole database.
            Err(error) if is_hopeless(&error) => Ok(()),
            done => done,
        }
    }

    /// Repairs it.
    fn repair(
        &self,
        (encryptions, with_spaces): (&[Encryption], bool),
        report: &mut RepairReport,
        space: impl RepairSpace,
    ) -> Result<()> {
        let care = self.care;
        let mut salvage = Salvage::open(&data_file_of(self.from), care)?;
        report.pages += salvage.pages();
        for page in salvage.damaged_pages() {
            report.add_page(*page, "the page is damaged");
        }
        if !salvage.knows_free_pages() {
            let message = "what was free is not known, or the newest commit: what nothing \
                           leads to may be of older states";
            report.note(ProblemKind::Page, message);
        }
        let records = Records::read(&mut salvage, care, report)?;
        if let Some(format) = records.format() {
            format.check()?;
        }
        let database = NewDatabase::create(self.to, salvage.length())?;
        let spaces = with_spaces.then_some(space);
        match (records.are_in_clear(), encryptions.is_empty()) {
            (false, true) => {
                if records.format().is_none() {
                    let message = "the format record is lost; there is a new one";
                    report.note(ProblemKind::Catalog, message);
                }
                self.save(&mut salvage, &records, &database, report, spaces)
            }
            (true, false) => {
                let sealed = SealedSalvage::open(&mut salvage, encryptions, care)?;
                self.save_sealed(sealed, database, report, spaces)
            }
            (true, true) => Err(Error::new(
                ErrorCode::Encrypted,
                "the database is encrypted; it can be repaired with its key or passphrase",
            )),
            (false, false) if records.format().is_some() => {
                Err(Error::new(ErrorCode::NotEncrypted, "the database is not encrypted"))
            }
            (false, false) => Err(Error::corrupt(
                "the records of the database's keys are lost, without which nothing can be \
                 decrypted; restore a backup",
            )),
        }
    }

    fn save_sealed(
        &self,
        mut sealed: SealedSalvage<'_>,
        mut database: NewDatabase,
        report: &mut RepairReport,
        spaces: Option<impl RepairSpace>,
    ) -> Result<()> {
        for (page, what) in sealed.damage() {
            match page {
                Some(page) => report.add_page(*page, what),
                None => report.note(ProblemKind::Page, *what),
            }
        }
        database.seal(sealed.new_keys())?;
        let records = Records::read(&mut sealed, self.care, report)?.of_sealed(sealed.format());
        self.save(&mut sealed, &records, &database, report, spaces)
    }

    /// Writes everything that can be read.
    fn save(
        &self,
        remains: &mut dyn Remains,
        records: &Records,
        database: &NewDatabase,
        report: &mut RepairReport,
        spaces: Option<impl RepairSpace>,
    ) -> Result<()> {
        let mut documents = Documents::new(remains, records, database, self.care, report)?;
        documents.save(remains)?;
        let stores = documents.finish(remains, self.described)?;
        let spaces = match spaces {
            Some(space) => records.repair_spaces(report, space)?,
            None => Vec::new(),
        };
        records.write(database, &stores, &spaces)?;
        let stores: Vec<_> = stores.into_iter().map(|(store, _)| store).collect();
        self.build_indexes(database, &stores, report)?;
        self.check(database)?;
        database.sync()
    }

    fn build_indexes(
        &self,
        database: &NewDatabase,
        stores: &[StoreDef],
        report: &mut RepairReport,
    ) -> Result<()> {
        let shared = StoreShared::default();
        let total = stores.iter().map(|store| store.index_states().count() as u64).sum();
        let mut done = 0;
        for store in stores {
            for (index, _) in store.index_states() {
                self.care.progress("indexes", done, total);
                match self.build_index(database, &shared, store.id, index) {
                    Ok(()) => report.indexes += 1,
                    Err(error) if is_about_documents(&error) => {
                        let (kind, why) = match error.code() {
                            ErrorCode::UniqueViolation => {
                                (ProblemKind::Unique, "two documents share a key of the index")
                            }
                            _ => (ProblemKind::Document, "a document has no vectors for the index"),
                        };
                        report.add(Problem {
                            store: Some(store.name.to_string()),
                            index: error.context().index.clone(),
                            key: error.context().key.clone(),
                            ..Problem::new(kind, format!("{why}, which is left out"))
                        });
                        let (store, index) = (Reference::Id(store.id), Reference::Id(index));
                        database.write(|txn| {
                            Schema::new(txn, &shared)?.delete_index(&store, &index)?;
                            Ok(())
                        })?;
                    }
                    Err(error) => return Err(error),
                }
                done += 1;
            }
        }
        self.care.progress("indexes", total, total);
        Ok(())
    }

    fn build_index(
        &self,
        database: &NewDatabase,
        shared: &StoreShared,
        store: u32,
        index: u32,
    ) -> Result<()> {
        loop {
            self.care.check_cancelled()?;
            let step = database.write(|txn| {
                nested(txn, |child| index_build::step(child, shared, store, index, STEP_DOCUMENTS))
                    .map_err(Failure::into_error)
            })?;
            if step.finished {
                return Ok(());
            }
        }
    }

    /// What was made must be whole.
    fn check(&self, database: &NewDatabase) -> Result<()> {
        let mut check = Report::default();
        let shared = StoreShared::default();
        database.read(|txn| check_content(txn, &shared, true, self.care, &mut check))?;
        match check.problems.first() {
            None => Ok(()),
            Some(problem) => Err(Error::corrupt(format!(
                "the repaired database is not whole in {} places; the first: {}",
                check.problem_count, problem.message
            ))),
        }
    }
}

/// The keys of records of spaces, and the names of the spaces' directories.
type Spaces = Vec<(Vec<u8>, Vec<u8>)>;

impl Records {
    /// Repairs the spaces; gives those that there are now.
    fn repair_spaces(
        &self,
        report: &mut RepairReport,
        mut space: impl RepairSpace,
    ) -> Result<Spaces> {
        let keys = self.space_key().into_iter().chain(self.last_space_key());
        let encryptions: Vec<_> = keys.map(encryption_of_spaces).collect::<Result<_>>()?;
        let mut spaces = Vec::new();
        for (key, directory) in self.spaces() {
            let name = key.get(1..).and_then(Wtf8String::from_bytes);
            let place = String::from_utf8(directory.clone())
                .ok()
                .filter(|place| uuid::Uuid::try_parse(place).is_ok());
            let (Some(name), Some(place)) = (name, place) else { continue };
            if space(&place, &name, &encryptions, report)? {
                spaces.push((key, directory));
            }
        }
        Ok(spaces)
    }

    /// Writes the records of the new database: `stores` with the next numbers of their generators.
    fn write(
        &self,
        database: &NewDatabase,
        stores: &[(StoreDef, u64)],
        spaces: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<()> {
        use crate::catalog::{meta_key, record};
        use crate::storage::meta::tag;
        use crate::storage::{FormatRecord, format_flag};

        let trees = stores
            .iter()
            .flat_map(|(store, _)| store.index_trees().map(|tree| tree.0).chain([store.tree.0]));
        let next_tree = trees.max().map_or(1, |tree| tree + 1);
        let next_store = stores.iter().map(|(store, _)| u64::from(store.id) + 1).max().unwrap_or(1);
        let indexes = || stores.iter().flat_map(|(store, _)| &store.indexes);
        let mut flags = 0;
        if indexes().any(|index| index.partial.is_some()) {
            flags |= format_flag::PARTIAL_INDEXES;
        }
        if indexes().any(|index| index.collation.is_some()) {
            flags |= format_flag::COLLATED_INDEXES;
        }
        if stores.iter().any(|(store, _)| !store.vectors.is_empty()) {
            flags |= format_flag::VECTOR_INDEXES;
        }
        database.write(|txn| {
            let format = self.format().unwrap_or_else(|| FormatRecord::new(database.page_size()));
            FormatRecord { flags: format.flags | flags, ..format }.write(txn)?;
            for (key, least) in [
                (tag::CATALOG_VERSION, 1),
                (tag::DATABASE_VERSION, 0),
                (tag::NEXT_TREE_ID, next_tree),
                (tag::NEXT_STORE_ID, next_store),
            ] {
                let number = self.any_number(&[key]).unwrap_or(0).max(least);
                if number > 0 {
                    meta::put_u64(txn, &[key], number)?;
                }
            }
            for (store, generator) in stores {
                meta::put_record(txn, &meta_key::store(store.id), &record::encode_store(store)?)?;
                if *generator > 1 {
                    meta::put_u64(txn, &meta_key::generator(store.id), *generator)?;
                }
                for (key, names) in self.shapes(store.id) {
                    meta::put_record(txn, &key, &names)?;
                }
                for (index, _) in store.index_states() {
                    index_build::begin(txn, store.id, index)?;
                }
            }
            for (key, directory) in spaces {
                meta::put_record(txn, key, directory)?;
            }
            let keys =
                [(tag::SPACE_KEY, self.space_key()), (tag::LAST_SPACE_KEY, self.last_space_key())];
            for (tag, key) in keys {
                if let Some(key) = key {
                    meta::put_record(txn, &[tag], key)?;
                }
            }
            Ok(())
        })
    }
}
