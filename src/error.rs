//! Errors: one table of codes, one error type.
//!
//! Every failure that reaches a user carries one of the codes below. The table lives here alone;
//! a test holds `index.d.ts`, `docs/errors.md` and `lib/errors.js` to it.

use std::fmt;

/// The result of every fallible engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_codes {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $name:literal, retryable: $retryable:literal;
    )+) => {
        /// A stable error code, the same in Rust, in JavaScript and in the documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)+];

            /// The code's name as users see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)+ }
            }

            /// Whether the same call may succeed when it is simply made again.
            pub const fn is_retryable(self) -> bool {
                match self { $(ErrorCode::$variant => $retryable,)+ }
            }
        }
    };
}

error_codes! {
    /// An argument or option is missing, unknown, of the wrong type or out of range.
    InvalidArgument = "INVALID_ARGUMENT", retryable: false;
    /// A filter cannot be understood.
    InvalidQuery = "INVALID_QUERY", retryable: false;
    /// An update cannot be understood, or does not fit the document.
    InvalidUpdate = "INVALID_UPDATE", retryable: false;
    /// A value cannot be a key.
    InvalidKey = "INVALID_KEY", retryable: false;
    /// A page token is malformed or belongs to another query.
    InvalidCursor = "INVALID_CURSOR", retryable: false;
    /// An expression failed while it was evaluated.
    Expression = "EXPRESSION", retryable: false;
    /// A value cannot be stored: it is a function, a symbol, or nested too deeply.
    DataClone = "DATA_CLONE", retryable: false;
    /// `add` found a document under the key.
    KeyExists = "KEY_EXISTS", retryable: false;
    /// An update would change the primary key.
    KeyImmutable = "KEY_IMMUTABLE", retryable: false;
    /// The document asked for is not there.
    NotFound = "NOT_FOUND", retryable: false;
    /// There is no database or space at the path.
    DatabaseNotFound = "DATABASE_NOT_FOUND", retryable: false;
    /// There is a database at the path already.
    DatabaseExists = "DATABASE_EXISTS", retryable: false;
    /// The path holds something that is not a Lodestore database.
    NotADatabase = "NOT_A_DATABASE", retryable: false;
    /// The operating system refuses access.
    Permission = "PERMISSION", retryable: false;
    /// Two documents would share a key of a unique index.
    UniqueViolation = "UNIQUE_VIOLATION", retryable: false;
    /// A reference to another document is broken.
    ReferenceViolation = "REFERENCE_VIOLATION", retryable: false;
    /// A document does not fit its store's schema.
    Validation = "VALIDATION", retryable: false;
    /// A store of this name is there already.
    StoreExists = "STORE_EXISTS", retryable: false;
    /// There is no store of this name.
    StoreNotFound = "STORE_NOT_FOUND", retryable: false;
    /// An index of this name is there already.
    IndexExists = "INDEX_EXISTS", retryable: false;
    /// There is no index of this name.
    IndexNotFound = "INDEX_NOT_FOUND", retryable: false;
    /// The index is still being built.
    IndexNotReady = "INDEX_NOT_READY", retryable: true;
    /// The transaction has ended.
    TxInactive = "TX_INACTIVE", retryable: false;
    /// A write in a read-only transaction, snapshot or database.
    TxReadOnly = "TX_READ_ONLY", retryable: false;
    /// The transaction exceeded its time limit and was rolled back.
    TxTimeout = "TX_TIMEOUT", retryable: true;
    /// The transaction conflicts with another one.
    TxConflict = "TX_CONFLICT", retryable: true;
    /// The transaction changes more than fits in one transaction.
    TxTooLarge = "TX_TOO_LARGE", retryable: false;
    /// The snapshot was held for too long, or had to give way.
    SnapshotExpired = "SNAPSHOT_EXPIRED", retryable: true;
    /// The operation was cancelled.
    Aborted = "ABORTED", retryable: false;
    /// The database, cursor or snapshot is closed.
    Closed = "CLOSED", retryable: false;
    /// Another process or operation holds what is needed.
    Busy = "BUSY", retryable: true;
    /// Too many snapshots are open.
    ReadersFull = "READERS_FULL", retryable: true;
    /// A memory or size limit was reached.
    ResourceLimit = "RESOURCE_LIMIT", retryable: false;
    /// The memory map was full and has been grown.
    MapFull = "MAP_FULL", retryable: true;
    /// The disk is full, or a size or quota limit was reached.
    DiskFull = "DISK_FULL", retryable: true;
    /// The operating system reported an input/output error.
    Io = "IO", retryable: false;
    /// The key or passphrase is wrong.
    WrongKey = "WRONG_KEY", retryable: false;
    /// The database is encrypted and no key was given.
    Encrypted = "ENCRYPTED", retryable: false;
    /// A key was given, but the database is not encrypted.
    NotEncrypted = "NOT_ENCRYPTED", retryable: false;
    /// Stored data is damaged.
    Corrupt = "CORRUPT", retryable: false;
    /// The database was written by a version this one cannot read.
    IncompatibleVersion = "INCOMPATIBLE_VERSION", retryable: false;
    /// An earlier failure made the state in memory untrustworthy; open the database again.
    Poisoned = "POISONED", retryable: false;
    /// A vector has the wrong number of dimensions.
    DimensionMismatch = "DIMENSION_MISMATCH", retryable: false;
    /// The native library and the JavaScript layer are of different versions.
    AbiMismatch = "ABI_MISMATCH", retryable: false;
    /// This platform, file system or kind of database cannot do that.
    Unsupported = "UNSUPPORTED", retryable: false;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong, and where.
///
/// The message names the store, index, key or operator and what to do next. It never holds a
/// document's content or a secret.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: ErrorCode,
    message: String,
    context: Context,
    cause: Option<String>,
}

/// Where an error happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The store's name.
    pub store: Option<String>,
    /// The index's name.
    pub index: Option<String>,
    /// The primary key, encoded (see `crate::key`).
    pub key: Option<Vec<u8>>,
    /// A file path, or a path within an argument or document.
    pub path: Option<String>,
}

impl Error {
    /// An error of `code` that says `message`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            context: Context::default(),
            cause: None,
        }))
    }

    /// Stored data is damaged: `what` says which data and how.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::new(ErrorCode::Corrupt, what)
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What happened and what to do next.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    /// The underlying failure, if another component reported one.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Adds the store's name.
    #[must_use]
    pub fn with_store(mut self, store: impl Into<String>) -> Self {
        self.0.context.store.get_or_insert_with(|| store.into());
        self
    }

    /// Adds the index's name.
    #[must_use]
    pub fn with_index(mut self, index: impl Into<String>) -> Self {
        self.0.context.index.get_or_insert_with(|| index.into());
        self
    }

    /// Adds the encoded primary key.
    #[must_use]
    pub fn with_key(mut self, key: &[u8]) -> Self {
        self.0.context.key.get_or_insert_with(|| key.to_vec());
        self
    }

    /// Adds a path.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.0.context.path.get_or_insert_with(|| path.into());
        self
    }

    /// Adds the failure that caused this one.
    #[must_use]
    pub fn with_cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause.get_or_insert_with(|| cause.to_string());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        if let Some(cause) = &self.0.cause {
            write!(f, " ({cause})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
