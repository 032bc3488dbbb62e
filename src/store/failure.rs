//! Failing operations: refused before anything was written, or fatal to the transaction.

use crate::error::{Error, ErrorCode};
use crate::storage::WriteTxn;

/// Why an operation did not happen.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It was refused, and left no trace.
    Refused(Error),
    /// It failed while it was being applied, or storage failed: the transaction has to be aborted.
    Fatal(Error),
}

/// The result of an operation.
pub type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure after the first write.
    pub fn midway(error: Error) -> Self {
        Self::Fatal(error)
    }

    /// The error.
    pub fn into_error(self) -> Error {
        match self {
            Self::Refused(error) | Self::Fatal(error) => error,
        }
    }

    /// Adds context to the error.
    #[must_use]
    pub fn map(self, f: impl FnOnce(Error) -> Error) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(f(error)),
            Self::Fatal(error) => Self::Fatal(f(error)),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.code() {
            ErrorCode::MapFull | ErrorCode::Io | ErrorCode::DiskFull | ErrorCode::TxTooLarge => {
                Self::Fatal(error)
            }
            _ => Self::Refused(error),
        }
    }
}

/// Runs `work` in a nested transaction: if it fails, nothing of it is left.
pub fn nested<T>(
    txn: &mut WriteTxn<'_>,
    work: impl FnOnce(&mut WriteTxn<'_>) -> Outcome<T>,
) -> Outcome<T> {
    let mut fatal = false;
    let result = txn.nested(|child| {
        work(child).map_err(|failure| {
            fatal = matches!(failure, Failure::Fatal(_));
            failure.into_error()
        })
    });
    result.map_err(|error| if fatal { Failure::Fatal(error) } else { error.into() })
}
