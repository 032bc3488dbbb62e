//! Environments: one open data file and its reader table.

use std::ffi::{CStr, CString};
use std::fmt;
use std::fs::File;
#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lmdb_master_sys as ffi;

use super::{Code, Dbi, LmdbResult, RwTxn, check};

/// Flags that an environment is opened with, or that are changed while it is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnvFlags {
    /// Open the file for reading only.
    pub read_only: bool,
    /// Do not sync anything at commit (`MDB_NOSYNC`).
    pub no_sync: bool,
    /// Do not sync the meta page at commit (`MDB_NOMETASYNC`).
    pub no_meta_sync: bool,
    /// Keep no reader table and take no locks: nobody else knows of the file (`MDB_NOLOCK`).
    pub no_lock: bool,
}

/// How to open an environment.
#[derive(Debug, Clone, Copy)]
pub struct EnvOptions {
    /// Flags.
    pub flags: EnvFlags,
    /// Bytes of address space to reserve, a multiple of the operating system's page size.
    pub map_size: usize,
    /// How many read transactions may exist at once, over all processes.
    pub max_readers: u32,
}

/// What LMDB says about an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Bytes of address space reserved.
    pub map_size: usize,
    /// The number of the last page used.
    pub last_page: usize,
    /// The id of the last committed transaction.
    pub last_txn_id: u64,
    /// Slots of the reader table that have been used.
    pub readers: u32,
}

/// A slot of the reader table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The process.
    pub pid: u32,
    /// The thread that has taken the slot, as its system names it.
    pub thread: usize,
    /// The transaction id of its snapshot; `None` while it is idle.
    pub txn_id: Option<u64>,
}

/// An open environment. Clones share it; the last one closes it.
#[derive(Clone)]
pub struct Env(pub(super) Arc<EnvInner>);

pub(super) struct EnvInner {
    pub(super) ptr: NonNull<ffi::MDB_env>,
    /// Set when LMDB has closed the files.
    closed: Arc<AtomicBool>,
}

// SAFETY: LMDB environments may be used from any thread; transactions carry their own rules.
unsafe impl Send for EnvInner {}
// SAFETY: as above; mdb_env_* calls used through `&Env` are thread-safe, and `resize` states its
// own conditions.
unsafe impl Sync for EnvInner {}

impl Drop for EnvInner {
    fn drop(&mut self) {
        // SAFETY: every transaction and cursor holds a reference to this value or a borrow of it,
        // so none is left.
        unsafe { ffi::mdb_env_close(self.ptr.as_ptr()) }
        self.closed.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Env").field(&self.0.ptr).finish()
    }
}

/// The most named trees of an environment.
pub(super) const MAX_NAMED: u32 = 8;

impl Env {
    /// Opens the environment in directory `path`, which must exist.
    ///
    /// # Safety
    /// The directory's files must not be open in another environment of this process, must not be
    /// changed by anything but LMDB, and `data.mdb` must be as long as its meta pages say (reading
    /// a mapped page beyond the end kills the process).
    pub unsafe fn open(path: &Path, options: EnvOptions) -> LmdbResult<Self> {
        let path = path_to_c(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: an out pointer for a new environment.
        check(unsafe { ffi::mdb_env_create(&mut raw) })?;
        let ptr = NonNull::new(raw).ok_or(Code::new(libc::ENOMEM))?;
        // Closes the environment on every early return below, as LMDB requires.
        let env = Self(Arc::new(EnvInner { ptr, closed: Arc::default() }));
        let mut flags = ffi::MDB_NOTLS;
        for (on, flag) in [
            (options.flags.read_only, ffi::MDB_RDONLY),
            (options.flags.no_sync, ffi::MDB_NOSYNC),
            (options.flags.no_meta_sync, ffi::MDB_NOMETASYNC),
            (options.flags.no_lock, ffi::MDB_NOLOCK),
        ] {
            if on {
                flags |= flag;
            }
        }
        // SAFETY: `ptr` is a fresh environment, not yet open; the caller vouches for the files.
        unsafe {
            check(ffi::mdb_env_set_mapsize(ptr.as_ptr(), options.map_size))?;
            check(ffi::mdb_env_set_maxdbs(ptr.as_ptr(), MAX_NAMED))?;
            check(ffi::mdb_env_set_maxreaders(ptr.as_ptr(), options.max_readers))?;
            check(ffi::mdb_env_open(ptr.as_ptr(), path.as_ptr(), flags, 0o600))?;
        }
        Ok(env)
    }

    /// Starts a write transaction; blocks while another thread or process has one.
    pub fn write_txn(&self) -> LmdbResult<RwTxn<'_>> {
        RwTxn::begin(self)
    }

    /// Turns the sync flags on or off, for commits from now on.
    pub fn set_sync_flags(&self, no_sync: bool, no_meta_sync: bool) -> LmdbResult<()> {
        for (flag, on) in [(ffi::MDB_NOSYNC, no_sync), (ffi::MDB_NOMETASYNC, no_meta_sync)] {
            // SAFETY: both flags may be changed while the environment is open; only the writer
            // thread, which alone reads them, calls this.
            check(unsafe { ffi::mdb_env_set_flags(self.0.ptr.as_ptr(), flag, i32::from(on)) })?;
        }
        Ok(())
    }

    /// Writes everything to disk, whatever the flags.
    pub fn sync(&self) -> LmdbResult<()> {
        // SAFETY: the environment is open.
        check(unsafe { ffi::mdb_env_sync(self.0.ptr.as_ptr(), 1) })
    }

    /// Sizes and the last transaction id.
    pub fn info(&self) -> Info {
        let mut info = std::mem::MaybeUninit::<ffi::MDB_envinfo>::zeroed();
        // SAFETY: the environment is open and the struct is LMDB's own; the call cannot fail for
        // non-null arguments, and zeroes are a valid value.
        let info = unsafe {
            ffi::mdb_env_info(self.0.ptr.as_ptr(), info.as_mut_ptr());
            info.assume_init()
        };
        Info {
            map_size: info.me_mapsize as usize,
            last_page: info.me_last_pgno as usize,
            last_txn_id: info.me_last_txnid as u64,
            readers: info.me_numreaders,
        }
    }

    /// The id of the last committed transaction, by any process.
    #[inline]
    pub fn last_txn_id(&self) -> u64 {
        self.info().last_txn_id
    }

    /// The size of a page in bytes.
    pub fn page_size(&self) -> u32 {
        let mut stat = std::mem::MaybeUninit::<ffi::MDB_stat>::zeroed();
        // SAFETY: as in `info`.
        unsafe {
            ffi::mdb_env_stat(self.0.ptr.as_ptr(), stat.as_mut_ptr());
            stat.assume_init().ms_psize
        }
    }

    /// The data file; `None` if the system has no handle left for it, or does not lend LMDB's.
    #[cfg(unix)]
    pub fn data_file(&self) -> Option<File> {
        let mut handle = -1;
        // SAFETY: the environment is open, and `handle` is an out pointer.
        check(unsafe { ffi::mdb_env_get_fd(self.0.ptr.as_ptr(), &mut handle) }).ok()?;
        // SAFETY: LMDB keeps it open as long as the environment is, which `self` borrows.
        let handle = unsafe { BorrowedFd::borrow_raw(handle) };
        handle.try_clone_to_owned().ok().map(File::from)
    }

    /// The data file; `None` where the system does not lend LMDB's.
    #[cfg(not(unix))]
    pub fn data_file(&self) -> Option<File> {
        None
    }

    /// The longest key, in bytes.
    pub fn max_key_size(&self) -> usize {
        // SAFETY: the environment is open.
        usize::try_from(unsafe { ffi::mdb_env_get_maxkeysize(self.0.ptr.as_ptr()) }).unwrap_or(0)
    }

    /// Frees the reader slots of dead processes; returns how many.
    pub fn clear_stale_readers(&self) -> LmdbResult<u32> {
        let mut dead = 0;
        // SAFETY: the environment is open.
        check(unsafe { ffi::mdb_reader_check(self.0.ptr.as_ptr(), &mut dead) })?;
        Ok(u32::try_from(dead).unwrap_or(0))
    }

    /// The reader table's slots in use.
    pub fn readers(&self) -> LmdbResult<Vec<Reader>> {
        let mut text = Vec::<u8>::new();
        // SAFETY: the callback gets LMDB's NUL-terminated lines and our context pointer, which
        // outlives the call.
        let code = unsafe {
            ffi::mdb_reader_list(
                self.0.ptr.as_ptr(),
                Some(collect_line),
                ptr::from_mut(&mut text).cast(),
            )
        };
        if code < 0 {
            return Err(Code::new(code));
        }
        let text = String::from_utf8_lossy(&text);
        Ok(text.lines().filter_map(parse_reader).collect())
    }

    /// Changes the size of the map; 0 takes over what another process has set.
    ///
    /// # Safety
    /// No transaction of this process may be active: the map may move.
    pub unsafe fn resize(&self, map_size: usize) -> LmdbResult<()> {
        // SAFETY: the caller vouches that nothing uses the map.
        check(unsafe { ffi::mdb_env_set_mapsize(self.0.ptr.as_ptr(), map_size) })
    }

    /// How many references to the environment there are, transactions included.
    pub fn references(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// A reference that does not keep the environment open.
    pub fn downgrade(&self) -> WeakEnv {
        WeakEnv(Arc::clone(&self.0.closed))
    }

    /// Opens the tree `name`, if it is there, or creates it if the transaction can write.
    pub(super) fn dbi(
        txn: *mut ffi::MDB_txn,
        name: &'static CStr,
        create: bool,
    ) -> LmdbResult<Dbi> {
        let mut handle = 0;
        let flags = if create { ffi::MDB_CREATE } else { 0 };
        // SAFETY: the transaction is alive; LMDB copies the name.
        check(unsafe { ffi::mdb_dbi_open(txn, name.as_ptr(), flags, &mut handle) })?;
        Ok(Dbi { handle, name: Some(name) })
    }
}

/// A reference to an environment that does not keep it open.
pub struct WeakEnv(Arc<AtomicBool>);

impl WeakEnv {
    /// Whether the environment is open, or being closed.
    pub fn is_open(&self) -> bool {
        !self.0.load(Ordering::Acquire)
    }
}

unsafe extern "C" fn collect_line(
    line: *const libc::c_char,
    context: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: `readers` passes a `Vec<u8>` that outlives the call, and LMDB a NUL-terminated line.
    let (text, line) = unsafe { (&mut *context.cast::<Vec<u8>>(), CStr::from_ptr(line)) };
    text.extend_from_slice(line.to_bytes());
    0
}

/// Parses a line of `mdb_reader_list`: process id, thread id (hexadecimal), transaction id or `-`.
fn parse_reader(line: &str) -> Option<Reader> {
    let mut fields = line.split_whitespace();
    let pid = fields.next()?.parse().ok()?;
    let thread = usize::from_str_radix(fields.next()?, 16).ok()?;
    let txn_id = fields.next()?.parse().ok();
    Some(Reader { pid, thread, txn_id })
}

#[cfg(unix)]
fn path_to_c(path: &Path) -> LmdbResult<CString> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Code::new(libc::EINVAL))
}

#[cfg(windows)]
fn path_to_c(path: &Path) -> LmdbResult<CString> {
    let text = path.to_str().ok_or(Code::new(libc::EINVAL))?;
    CString::new(text).map_err(|_| Code::new(libc::EINVAL))
}
