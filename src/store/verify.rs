//! Verification: every page of the data file, the catalog, every document and every index entry of
//! a snapshot, while the database is in use.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use super::check::{Problem, ProblemKind, Report, check_content};
use super::shared::StoreShared;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::data_file::{PageFigures, PageProblem, PageProblemKind};
use crate::storage::{Care, Connection, Snapshot};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyLevel {
    /// Pages and the catalog.
    Quick,
    /// Documents and index entries as well.
    Full,
}

/// What to verify.
#[derive(Debug, Clone, Copy)]
pub struct VerifyOptions {
    /// How much is looked at.
    pub level: VerifyLevel,
    /// Whether spaces are verified along.
    pub with_spaces: bool,
    /// How many problems are described.
    pub described: usize,
}

/// What a verification found.
#[derive(Debug)]
pub struct Verified {
    /// The transaction whose state was looked at.
    pub txn_id: u64,
    /// How the pages of the data file are used; those of spaces are not counted.
    pub pages: PageFigures,
    /// How many spaces were looked at.
    pub spaces: u64,
    /// The rest, spaces included.
    pub report: Report,
}

/// How often a snapshot is taken again because its meta page is gone before it was read.
const ATTEMPTS: u32 = 1_000;

/// Verifies a database as it is at one moment, and its spaces, each at a moment of its own.
///
/// # Errors
/// `ABORTED`, `CLOSED`, `IO`; `BUSY` if others commit faster than a state can be looked at. What is
/// damaged is in the report, not an error.
pub fn verify(
    connection: &Arc<Connection>,
    options: VerifyOptions,
    care: &dyn Care,
) -> Result<Verified> {
    let mut report = Report::describing(options.described);
    let (txn_id, pages) = verify_one(connection, options.level, care, &mut report)?;
    let mut verified = Verified { txn_id, pages, spaces: 0, report };
    if options.with_spaces {
        verify_spaces(connection, options.level, care, &mut verified)?;
    }
    Ok(verified)
}

fn verify_one(
    connection: &Connection,
    level: VerifyLevel,
    care: &dyn Care,
    report: &mut Report,
) -> Result<(u64, PageFigures)> {
    let (snapshot, pages) = verify_pages(connection, care, report)?;
    // What is cached would not be looked at again.
    let shared = StoreShared::default();
    snapshot.with(|txn| {
        txn.check_blocks(care, &mut |problem| report.add(of_page(problem)))?;
        check_content(txn, &shared, level == VerifyLevel::Full, care, report)
    })?;
    Ok((snapshot.txn_id(), pages))
}

/// Takes a snapshot and checks its pages.
fn verify_pages(
    connection: &Connection,
    care: &dyn Care,
    report: &mut Report,
) -> Result<(Arc<Snapshot>, PageFigures)> {
    for _ in 0..ATTEMPTS {
        let snapshot = connection.snapshot(true)?;
        let mut found = |problem: PageProblem| report.add(of_page(problem));
        match connection.check_pages(&snapshot, care, &mut found) {
            Ok(Some(pages)) => return Ok((snapshot, pages)),
            Ok(None) => {}
            Err(error) if error.code() == ErrorCode::Corrupt => {
                report.add(Problem::new(ProblemKind::Page, error.message()));
                return Ok((snapshot, PageFigures::default()));
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorCode::Busy, "others write faster than the database can be looked at"))
}

fn of_page(problem: PageProblem) -> Problem {
    let kind = match problem.kind {
        PageProblemKind::Malformed => ProblemKind::Page,
        PageProblemKind::Order => ProblemKind::KeyOrder,
        PageProblemKind::Shared => ProblemKind::SharedPage,
        PageProblemKind::Leaked => ProblemKind::LeakedPage,
        PageProblemKind::Count => ProblemKind::PageCount,
    };
    Problem { page: problem.page, ..Problem::new(kind, problem.message) }
}

fn verify_spaces(
    connection: &Arc<Connection>,
    level: VerifyLevel,
    care: &dyn Care,
    verified: &mut Verified,
) -> Result<()> {
    let Verified { report, spaces, .. } = verified;
    let named = match connection.spaces() {
        Ok(named) => named,
        Err(error) if error.code() == ErrorCode::Corrupt => {
            report.add(Problem::new(ProblemKind::Catalog, error.message()));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let directory = connection.space_directory();
    let directories: BTreeSet<_> = fs::read_dir(&directory)
        .map(|entries| entries.flatten().map(|entry| entry.file_name()).collect())
        .unwrap_or_default();
    for space in named {
        report.enter(Some(space.name.clone()));
        // A space whose creation was not finished has a name and no directory: it is empty.
        if directories.contains(std::ffi::OsStr::new(&space.directory)) {
            match connection.open_existing_space(&space) {
                Ok(opened) => {
                    let checked = verify_one(&opened, level, care, report);
                    opened.close()?;
                    checked?;
                    *spaces += 1;
                }
                Err(error) if error.code() == ErrorCode::DatabaseNotFound => {}
                Err(error) if is_damage(&error) => {
                    report.add(Problem::new(ProblemKind::Space, error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        report.enter(None);
    }
    Ok(())
}

fn is_damage(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::Corrupt | ErrorCode::NotADatabase)
}
