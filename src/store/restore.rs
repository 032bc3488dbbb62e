//! Restoring a backup: it is copied, the copy is verified, and only then takes the place of what is
//! there.

use std::path::Path;

use super::verify::{Verified, VerifyLevel, VerifyOptions, verify};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::storage::{
    Care, CopyMethod, Copying, Encryption, NewDirectory, OpenMode, OpenOptions, Replacement,
    connect, data_file_of, exclusively,
};

/// Makes the database at `to` what the one at `from` is, with its spaces. What is there already is
/// replaced, at one moment; there may also be nothing, or an empty directory. `encryption` unlocks
/// the one at `from`, if that is sealed.
///
/// # Errors
/// `DATABASE_NOT_FOUND` if there is none at `from`; `ENCRYPTED`, `NOT_ENCRYPTED`, `WRONG_KEY`;
/// `CORRUPT` if that is damaged; `BUSY` if the one at `to` is open; `DATABASE_EXISTS` if there is
/// something else at `to`; `INVALID_ARGUMENT` if both are the same; `ABORTED`, `DISK_FULL`,
/// `PERMISSION`, `IO`. After each of them, `to` is as it was.
pub fn restore(
    from: &Path,
    to: &Path,
    encryption: Option<Encryption>,
    care: &dyn Care,
) -> Result<Verified> {
    let options = OpenOptions { encryption, ..OpenOptions::default() };
    if !data_file_of(from).is_file() {
        return Err(not_found(from));
    }
    if !data_file_of(to).is_file() {
        let directory = NewDirectory::create(to)?;
        let verified = copy(from, directory.path(), &options, care)?;
        directory.finish()?;
        return Ok(verified);
    }
    let is_same =
        from.canonicalize().is_ok_and(|from| to.canonicalize().is_ok_and(|to| from == to));
    if is_same {
        let message = "a database cannot be restored from itself";
        return Err(Error::new(ErrorCode::InvalidArgument, message));
    }
    exclusively(to, |exclusive| {
        let replacement = Replacement::create(to)?;
        let verified = copy(from, replacement.path(), &options, care)?;
        fault::point("restore-verified");
        let options = OpenOptions { mode: OpenMode::Open, ..options };
        let copied = connect(replacement.path(), &options)?;
        copied.rename_space_directories()?;
        copied.close()?;
        replacement.replace()?;
        exclusive.declare_synced()?;
        Ok(verified)
    })
}

/// Copies a database into an empty directory, and verifies the copy.
fn copy(from: &Path, to: &Path, options: &OpenOptions, care: &dyn Care) -> Result<Verified> {
    let options = OpenOptions { mode: OpenMode::ReadOnly, ..options.clone() };
    let source = connect(from, &options)?;
    let copying = Copying { method: CopyMethod::Compact, phase: "copy", care };
    let copied = copying.database(&source, to, true);
    source.close()?;
    copied?;
    fault::point("restore-copied");
    let copied = connect(to, &options)?;
    let how = VerifyOptions { level: VerifyLevel::Full, with_spaces: true, described: 1 };
    let verified = verify(&copied, how, care);
    copied.close()?;
    refuse_damaged(verified?, "what is to be restored", from)
}

/// Refuses a copy of `what`, at `path`, in which damage was found.
pub(super) fn refuse_damaged(verified: Verified, what: &str, path: &Path) -> Result<Verified> {
    let Some(problem) = verified.report.problems.first() else { return Ok(verified) };
    let mut error = Error::corrupt(format!(
        "{what} is damaged in {} places, and nothing was replaced; the first: {}",
        verified.report.problem_count, problem.message
    ))
    .with_path(path.display().to_string());
    if let Some(store) = &problem.store {
        error = error.with_store(store);
    }
    if let Some(index) = &problem.index {
        error = error.with_index(index);
    }
    if let Some(key) = &problem.key {
        error = error.with_key(key);
    }
    Err(error)
}

pub(super) fn not_found(path: &Path) -> Error {
    let message = format!("there is no database at {}", path.display());
    Error::new(ErrorCode::DatabaseNotFound, message).with_path(path.display().to_string())
}
