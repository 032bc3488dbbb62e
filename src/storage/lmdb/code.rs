//! LMDB's return codes, and the errors they stand for.

use std::fmt;

use lmdb_master_sys as ffi;

use crate::error::{Error, ErrorCode};

/// A return code of LMDB: negative for its own, positive for an `errno`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(libc::c_int);

impl Code {
    /// Another process has made the file larger than this process's map.
    pub const MAP_RESIZED: Code = Code(ffi::MDB_MAP_RESIZED);
    /// The map is full.
    pub const MAP_FULL: Code = Code(ffi::MDB_MAP_FULL);
    /// The key is there already, or is not above the last one.
    pub const KEY_EXISTS: Code = Code(ffi::MDB_KEYEXIST);
    /// There is no such key, entry or tree.
    pub const NOT_FOUND: Code = Code(ffi::MDB_NOTFOUND);
    /// The reader table is full.
    pub const READERS_FULL: Code = Code(ffi::MDB_READERS_FULL);
    /// A page is damaged.
    pub const CORRUPTED: Code = Code(ffi::MDB_CORRUPTED);
    /// The file is not an LMDB file.
    pub const INVALID: Code = Code(ffi::MDB_INVALID);

    pub(super) fn new(code: libc::c_int) -> Self {
        Self(code)
    }

    /// The operating system's error number, if that is what it is.
    pub fn errno(self) -> Option<i32> {
        (self.0 > 0).then_some(self.0)
    }

    fn error_code(self) -> ErrorCode {
        match self.0 {
            ffi::MDB_KEYEXIST => ErrorCode::KeyExists,
            ffi::MDB_MAP_FULL | ffi::MDB_MAP_RESIZED => ErrorCode::MapFull,
            ffi::MDB_READERS_FULL => ErrorCode::ReadersFull,
            ffi::MDB_TXN_FULL => ErrorCode::TxTooLarge,
            ffi::MDB_PAGE_NOTFOUND | ffi::MDB_CORRUPTED | ffi::MDB_NOTFOUND => ErrorCode::Corrupt,
            // A tree's name, and something else under it.
            ffi::MDB_INVALID | ffi::MDB_INCOMPATIBLE => ErrorCode::NotADatabase,
            ffi::MDB_VERSION_MISMATCH => ErrorCode::IncompatibleVersion,
            ffi::MDB_PANIC => ErrorCode::Poisoned,
            code if code > 0 => errno_code(code),
            _ => ErrorCode::Io,
        }
    }

    fn text(self) -> String {
        if self.0 > 0 {
            return std::io::Error::from_raw_os_error(self.0).to_string();
        }
        // SAFETY: mdb_strerror returns a static, NUL-terminated string for LMDB's own codes.
        let text = unsafe { std::ffi::CStr::from_ptr(ffi::mdb_strerror(self.0)) };
        text.to_string_lossy().into_owned()
    }
}

/// What `RESOURCE_LIMIT` means when the operating system says so.
pub(crate) const NO_RESOURCES: &str =
    "the system gives this process no more files, memory or address space";

/// The error code for an `errno`.
pub(crate) fn errno_code(errno: i32) -> ErrorCode {
    // The standard library has no names for having too many files open.
    if errno == libc::EMFILE || errno == libc::ENFILE {
        return ErrorCode::ResourceLimit;
    }
    let kind = std::io::Error::from_raw_os_error(errno).kind();
    match kind {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => ErrorCode::DiskFull,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            ErrorCode::Permission
        }
        std::io::ErrorKind::NotFound => ErrorCode::DatabaseNotFound,
        std::io::ErrorKind::NotADirectory => ErrorCode::NotADatabase,
        std::io::ErrorKind::OutOfMemory => ErrorCode::ResourceLimit,
        _ => ErrorCode::Io,
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.text())
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        let message = match code.error_code() {
            ErrorCode::MapFull => "the memory map is full".to_owned(),
            ErrorCode::ReadersFull => {
                "too many snapshots are open in all processes; close some, or raise maxReaders"
                    .to_owned()
            }
            ErrorCode::TxTooLarge => {
                "the transaction changes more pages than fit in one transaction; split it"
                    .to_owned()
            }
            ErrorCode::DiskFull => "the disk is full, or a size limit was reached".to_owned(),
            ErrorCode::Permission => "the operating system refuses access".to_owned(),
            ErrorCode::Corrupt => "the data file is damaged".to_owned(),
            ErrorCode::ResourceLimit => NO_RESOURCES.to_owned(),
            ErrorCode::NotADatabase => "this is not a Lodestore database".to_owned(),
            _ => "the storage engine reported an error".to_owned(),
        };
        Error::new(code.error_code(), message).with_cause(code.text())
    }
}
