//! A safe wrapper around LMDB 0.9: environments, transactions, cursors.
//!
//! Only what the engine needs, with nothing in between: read transactions that can be reset and
//! renewed, nested write transactions, cursors, reserved writes, the reader table. Everything else
//! in the crate is free of raw LMDB calls.
//!
//! Source: `lmdb.h` of LMDB 0.9.70, as shipped by the `lmdb-master-sys` crate.

use std::ffi::CStr;

mod changed_pages;
pub(crate) mod code;
mod cursor;
mod distance;
mod env;
mod far_pages;
mod meta;
mod page;
mod page_cursor;
mod snapshot_pages;
mod txn;

pub use changed_pages::{ChangedPage, ChangedPages, OwnPages, changed_pages};
pub use code::Code;
pub use cursor::{Cursor, Entry, WriteCursor};
pub(crate) use distance::{Step, between};
pub use env::{Env, EnvFlags, EnvOptions, Info, Reader, WeakEnv};
pub(in crate::storage) use far_pages::Keys;
pub use meta::META_LENGTH;
pub(in crate::storage) use meta::{FREE, LAST_PAGE, MAIN, TXN_ID, meta_field, set_meta};
pub(crate) use page::first_key_of_leaf;
pub(crate) use snapshot_pages::TOGETHER;
pub use txn::{PutMode, RoTxn, RwTxn, Txn};

/// A handle of one of the environment's trees, opened once and valid as long as the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dbi {
    handle: lmdb_master_sys::MDB_dbi,
    name: Option<&'static CStr>,
}

impl Dbi {
    /// The tree in which LMDB records free pages. Readable in read transactions only.
    pub const FREE_LIST: Dbi = Dbi { handle: 0, name: None };
    /// The tree that names the other trees.
    pub const MAIN: Dbi = Dbi { handle: 1, name: None };

    /// The name under which the tree's record stands in the main tree.
    fn name(self) -> Option<&'static CStr> {
        self.name
    }

    /// Its place among the handles of the environment.
    #[inline]
    fn slot(self) -> usize {
        self.handle as usize
    }
}

/// The result of an LMDB call.
pub type LmdbResult<T> = std::result::Result<T, Code>;

fn check(code: libc::c_int) -> LmdbResult<()> {
    if code == 0 { Ok(()) } else { Err(Code::new(code)) }
}

fn to_val(bytes: &[u8]) -> lmdb_master_sys::MDB_val {
    lmdb_master_sys::MDB_val { mv_size: bytes.len(), mv_data: bytes.as_ptr() as *mut libc::c_void }
}

const fn empty_val() -> lmdb_master_sys::MDB_val {
    lmdb_master_sys::MDB_val { mv_size: 0, mv_data: std::ptr::null_mut() }
}

/// # Safety
/// `val` must have been filled in by LMDB within a transaction that stays alive and unchanged for
/// `'t`.
unsafe fn from_val<'t>(val: lmdb_master_sys::MDB_val) -> &'t [u8] {
    if val.mv_size == 0 {
        return &[];
    }
    // SAFETY: LMDB returned a pointer to `mv_size` readable bytes of the map or of a dirty page,
    // which the caller keeps alive for 't.
    unsafe { std::slice::from_raw_parts(val.mv_data.cast::<u8>(), val.mv_size) }
}
