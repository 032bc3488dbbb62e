//! A check of stores: documents, indexes, counts and the catalog against each other.

mod catalog;
mod report;
mod store;
mod vectors;

pub use report::{Problem, ProblemKind, Report};
use store::check_store;

use super::shared::StoreShared;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Care, ReadTxn, Unattended};

/// Checks the catalog and all stores of a snapshot.
///
/// What cannot be read is a problem in the report, not an error.
pub fn check_stores(txn: &ReadTxn<'_>, shared: &StoreShared) -> Report {
    let mut report = Report::default();
    if let Err(error) = check_content(txn, shared, true, &Unattended::default(), &mut report) {
        report.add(Problem::new(ProblemKind::Unreadable, error.to_string()));
    }
    report
}

/// Checks the catalog, and with `with_documents` all stores, of a snapshot.
///
/// `shared` should be new: what it remembers is not looked at again.
///
/// # Errors
/// `ABORTED`. What cannot be read is a problem in the report, not an error.
pub(super) fn check_content(
    txn: &ReadTxn<'_>,
    shared: &StoreShared,
    with_documents: bool,
    care: &dyn Care,
    report: &mut Report,
) -> Result<()> {
    let catalog = match shared.catalog(txn) {
        Ok(catalog) => catalog,
        Err(error) => {
            let message = format!("the catalog cannot be read: {error}");
            report.add(Problem::new(ProblemKind::Catalog, message));
            return Ok(());
        }
    };
    report.stores += catalog.stores().len() as u64;
    report.indexes +=
        catalog.stores().map(|store| store.index_states().count() as u64).sum::<u64>();
    catalog::check(txn, &catalog, report);
    let mut progress = Progress::new(txn, with_documents, &catalog, care);
    for store in catalog.stores() {
        if with_documents {
            check_store(txn, shared, store, &mut progress, report)?;
        } else if let Err(error) = shared.reload_shapes(txn, store.id) {
            report.add(Problem {
                store: Some(store.name.to_string()),
                ..Problem::new(ProblemKind::Catalog, error.to_string())
            });
        }
    }
    progress.end();
    Ok(())
}

/// How often a check reports, in entries.
const STEP: u64 = 1_000;

/// How far a check is.
struct Progress<'c> {
    care: &'c dyn Care,
    done: u64,
    total: u64,
}

impl<'c> Progress<'c> {
    fn new(
        txn: &ReadTxn<'_>,
        with_documents: bool,
        catalog: &crate::catalog::Catalog,
        care: &'c dyn Care,
    ) -> Self {
        let trees = catalog
            .stores()
            .flat_map(|store| std::iter::once(store.tree).chain(store.index_trees()));
        let count = |tree| txn.stored_count(crate::storage::Counter::entries(tree)).unwrap_or(0);
        let total = if with_documents { trees.map(count).fold(0, u64::saturating_add) } else { 0 };
        Self { care, done: 0, total }
    }

    /// One more entry was looked at.
    ///
    /// # Errors
    /// `ABORTED`.
    fn entry(&mut self) -> Result<()> {
        self.done += 1;
        if !self.done.is_multiple_of(STEP) {
            return Ok(());
        }
        self.care.check_cancelled()?;
        // The stored counts may be wrong.
        self.total = self.total.max(self.done);
        self.care.progress("documents", self.done, self.total);
        Ok(())
    }

    fn end(&self) {
        if self.total > 0 {
            let total = self.total.max(self.done);
            self.care.progress("documents", total, total);
        }
    }
}

/// Passes on that the check was cancelled; everything else is for the report.
fn unless_cancelled(error: Error) -> Result<Error> {
    if error.code() == ErrorCode::Aborted { Err(error) } else { Ok(error) }
}
