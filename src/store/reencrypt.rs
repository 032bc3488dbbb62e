//! Encrypting a database that is not, and decrypting one that is: a verified copy takes its place.

use std::path::Path;

use super::restore::{not_found, refuse_damaged};
use super::verify::{Verified, VerifyLevel, VerifyOptions, verify};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::storage::{
    Care, Encryption, Exclusive, Replacement, copy_reencrypted, data_file_of, exclusively,
};

/// Encrypts the database in a directory, with its spaces.
///
/// # Errors
/// `DATABASE_NOT_FOUND`, `ENCRYPTED` if it is encrypted already, `BUSY` if it is open; `CORRUPT` if
/// it is damaged; `ABORTED`, `DISK_FULL`, `PERMISSION`, `IO`; `RESOURCE_LIMIT` if there is not
/// enough memory to derive a key. After each of them it is as it was.
pub fn encrypt(path: &Path, encryption: Encryption, care: &dyn Care) -> Result<Verified> {
    let encrypted = replace(path, None, Some(encryption), care);
    encrypted.map_err(|error| match error.code() {
        ErrorCode::Encrypted => Error::new(
            ErrorCode::Encrypted,
            format!(
                "the database is encrypted already; open it to change what opens it: {}",
                path.display()
            ),
        )
        .with_path(path.display().to_string()),
        _ => error,
    })
}

/// Decrypts the database in a directory, with its spaces.
///
/// # Errors
/// As [`encrypt`]; `WRONG_KEY`, `NOT_ENCRYPTED`.
pub fn decrypt(path: &Path, encryption: &Encryption, care: &dyn Care) -> Result<Verified> {
    replace(path, Some(encryption), None, care)
}

fn replace(
    path: &Path,
    before: Option<&Encryption>,
    after: Option<Encryption>,
    care: &dyn Care,
) -> Result<Verified> {
    if !data_file_of(path).is_file() {
        return Err(not_found(path));
    }
    exclusively(path, |exclusive| {
        let replacement = Replacement::create(path)?;
        let verified = copy(path, &replacement, before, after, (exclusive, care))?;
        fault::point("reencrypt-verified");
        replacement.replace()?;
        exclusive.declare_synced()?;
        Ok(verified)
    })
}

fn copy(
    path: &Path,
    replacement: &Replacement,
    before: Option<&Encryption>,
    after: Option<Encryption>,
    (exclusive, care): (&Exclusive<'_>, &dyn Care),
) -> Result<Verified> {
    let copied = copy_reencrypted(path, replacement.path(), before, after, (exclusive, care))?;
    fault::point("reencrypt-copied");
    let how = VerifyOptions { level: VerifyLevel::Full, with_spaces: true, described: 1 };
    let verified = verify(&copied, how, care).and_then(|verified| {
        let verified = refuse_damaged(verified, "the database", path)?;
        copied.rename_space_directories()?;
        Ok(verified)
    });
    copied.close()?;
    verified
}
